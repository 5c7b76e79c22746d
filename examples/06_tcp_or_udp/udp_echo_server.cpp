// udp_echo_server -- every datagram goes back to whom it came from, and some are lost on purpose
//
// Goal:     See what UDP leaves out: no connection, no accept, no end; each datagram is alone.
// Run:      ./udp_echo_server -p 5000 --drop 3
//           ./udp_echo_client -p 5000
// Observe:  One socket serves every client: nobody is accepted, so nobody has to wait for a turn.
//           With --drop 3 each third datagram vanishes, and no error tells anybody.
// Exercise: Start two clients at once. What would the server of chapter 03 do with the second one?
//           Send a datagram of 0 bytes with Python: why does it not mean "closed"?
// Next:     udp_echo_client.cpp, which has to find out by itself what was lost
#include "../support/program.hpp"

#include <string>

namespace {

constexpr const char* examples = R"(
  udp_echo_server                 echo datagrams on port 5000 of every address, until Ctrl-C
  udp_echo_server -d 3            the same, but every third datagram is lost
  ss -lunp 'sport = :5000'        see it: a UDP socket is bound, it does not listen
)";

/// Sends a datagram back. One that cannot be answered costs nobody else anything.
void answer(trama::udp_socket& socket, const trama::datagram& got) {
    try {
        socket.send_to(got.bytes, got.from);
        program::say(got.from, ": ", got.bytes.size(), " bytes, sent back");
    } catch (const trama::network_error& error) {
        program::say(got.from, ": ", error.what());
    }
}

// [region serve]
/// Echoes one datagram after another, whoever sent it, but every `drop`th one: it is lost.
void serve(trama::udp_socket& socket, long drop) {
    for (long number = 1; program::wait_readable(socket.fd()); ++number) {
        const trama::datagram got = socket.recv_from();
        program::say_more(got.from, ": \"", program::shown{got.bytes, 60}, '"');
        if (drop > 0 && number % drop == 0)
            program::say(got.from, ": ", got.bytes.size(), " bytes, lost on purpose");
        else
            answer(socket, got);
    }
}
// [/region serve]

int serve_all(const program::options& given) {
    const long drop = given.number("drop", 0, 1'000'000);
    trama::udp_socket socket = trama::udp_socket::bind(given.host(), given.port());
    program::announce(socket.local_endpoint());
    serve(socket, drop);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples,
                        {program::address_option(),
                         program::port_option(),
                         {'d', "drop", "N", "0", "lose every Nth datagram on purpose; 0: none"}},
                        serve_all);
}

// udp_echo_server -- sends each datagram back to its sender, and loses some on purpose
//
// Goal:     See what UDP leaves out: no connection, no accept, no end of the stream.
// Run:      ./udp_echo_server -p 5000 --drop 3
//           ./udp_echo_client -p 5000
// Observe:  One socket serves all clients, and no client waits for another one.
//           With --drop 3 every third datagram is lost, and neither end gets an error.
// Exercise: Start two clients at once. What would the server of chapter 03 do with the second one?
//           Send a datagram of 0 bytes with Python: why does it not mean "closed"?
// Next:     udp_echo_client.cpp, which detects the loss
#include "../support/program.hpp"

#include <string>

namespace {

constexpr const char* examples = R"(
  udp_echo_server                 echo datagrams on port 5000 of every address, until Ctrl-C
  udp_echo_server -d 3            the same, but every third datagram is lost
  ss -lunp 'sport = :5000'        see it: a UDP socket is bound, it does not listen
)";

/// Sends a datagram back. After an error the server continues with the next one.
void answer(trama::udp_socket& socket, const trama::datagram& message) {
    try {
        socket.send_to(message.bytes, message.from);
        program::say(message.from, ": ", message.bytes.size(), " bytes, sent back");
    } catch (const trama::network_error& error) {
        program::say(message.from, ": ", error.what());
    }
}

// [region serve]
/// Sends back one datagram after another. Loses every `drop`th one.
void serve(trama::udp_socket& socket, long drop) {
    for (long number = 1; program::wait_readable(socket.fd()); ++number) {
        const trama::datagram message = socket.recv_from();
        program::say_more(message.from, ": \"", program::shown{message.bytes, 60}, '"');
        if (drop > 0 && number % drop == 0)
            program::say(message.from, ": ", message.bytes.size(), " bytes, lost on purpose");
        else
            answer(socket, message);
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

// naive/readmsg_server -- the reader that most of us write first: five flaws, kept on purpose
//
// Goal:     Break it, flaw by flaw. The cure is ../framed_echo_server.cpp, which has none of them.
// Run:      ./readmsg_server -p 5000
//           printf '000003::::000004:hola' | nc localhost 5000
// Observe:  Each flaw is marked below:
//           (1) it asks for 8 bytes, but may get fewer, and half a header is taken for a message
//           (2) a payload that starts with ":" loses bytes
//           (3) an empty payload swallows the first byte of the next frame
//           (4) the end of the stream inside a message is never noticed: the loop spins
//           (5) header bytes that are no digits are not refused: "00000a:" counts as 0
// Exercise: Find for each flaw the shortest bytes that show it, and send them with nc. Then send
//           the same bytes to ../framed_echo_server.
// Next:     readmsg_client.cpp; ../framed_echo_server.cpp
#include "../../support/program.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

namespace {

constexpr const char* examples = R"(
  readmsg_server                          echo frames on port 5000, with five flaws
  printf 000004:hola | nc localhost 5000  this works
)";

std::string encapsulate(const std::string& payload) {
    char header[32];
    std::snprintf(header, sizeof header, "%06zu:", payload.size());
    return header + payload;
}

/// One more read. It bounds flaw 4, and the memory, so that a lesson does not eat the machine.
std::string read_more(trama::tcp_stream& peer, std::size_t size, int& empty_reads) {
    std::string more = peer.recv_some(std::min<std::size_t>(size, 65536));
    if (more.empty() && ++empty_reads == 1000)
        throw program::peer_error("gave up after 1000 empty reads; the lab's loop never does");
    return more;
}

// [region readmsg]
/// Reads one message, or so it hopes. Empty: the client has closed, or so it believes.
std::string read_message(trama::tcp_stream& peer) {
    const std::string start = peer.recv_some(8);                           // flaw 1: 1 to 8 bytes
    const auto size = static_cast<std::size_t>(std::atoi(start.c_str()));  // flaw 5: takes anything
    std::string message = start.substr(start.find_last_of(':') + 1);       // flaws 2 and 3
    int empty_reads = 0;
    while (message.size() < size)  // flaw 4: also when nothing more can come
        message += read_more(peer, size - message.size(), empty_reads);
    return message;
}
// [/region readmsg]

void serve(trama::tcp_stream client) {
    const program::hang_up_on_stop on_stop(client.fd());
    try {
        for (std::string message; !(message = read_message(client)).empty();) {
            program::say("message: \"", program::shown{message, 60}, '"');
            client.send_all(encapsulate(message));
        }
        program::say(client.remote_endpoint(), " left");
    } catch (const std::exception& error) {
        program::say(client.remote_endpoint(), ": ", error.what());
    }
}

int serve_all(const program::options& given) {
    auto listener = trama::tcp_listener::listen(given.host(), given.port());
    program::announce(listener.local_endpoint());
    while (program::wait_readable(listener.fd())) serve(listener.accept());
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples, {program::address_option(), program::port_option()},
                        serve_all);
}

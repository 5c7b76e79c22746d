// naive/readmsg_server -- the reader that many people write first, with its five flaws
//
// Goal:     Break it, flaw by flaw. ../first_readmsg.cpp reads the same frames without any of them.
// Run:      ./readmsg_server -p 5000
//           printf '000003::::000004:hola' | nc -N localhost 5000
// Observe:  Each flaw is marked below:
//           (1) it requests 8 bytes, but may get fewer, and takes half a header for a message
//           (2) a payload that starts with ":" loses bytes
//           (3) an empty payload takes the first byte of the next frame
//           (4) it does not notice the end of the stream inside a message: it loops for ever
//           (5) it accepts header bytes that are no digits: "00000a:" counts as 0
// Exercise: Find the shortest bytes that show each flaw, and send them with nc. Then send the same
//           bytes to ../framed_echo_server.
// Next:     readmsg_client.cpp; ../framed_echo_server.cpp
#include "../../support/program.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <string>

namespace {

constexpr const char* examples = R"(
  readmsg_server                             echo frames on port 5000, with five flaws
  printf 000004:hola | nc -N localhost 5000  this works
)";

std::string encapsulate(const std::string& payload) {
    char header[32];
    std::snprintf(header, sizeof header, "%06zu:", payload.size());
    return header + payload;
}

/// Reads once more. Limits flaw 4 to 1000 reads, so that this program ends.
std::string read_more(trama::tcp_stream& peer, std::size_t size, int& empty_reads) {
    std::string more = peer.recv_some(std::min<std::size_t>(size, 65536));
    if (more.empty() && ++empty_reads == 1000)
        throw program::peer_error("gave up after 1000 empty reads; the lab's loop never does");
    return more;
}

// [region readmsg]
/// Reads one message, with the five flaws. An empty result is taken for the end of the stream.
std::string read_message(trama::tcp_stream& peer) {
    const std::string start = peer.recv_some(8);                           // flaw 1: 1 to 8 bytes
    const auto size = static_cast<std::size_t>(std::atoi(start.c_str()));  // flaw 5: accepts all
    std::string message = start.substr(start.find_last_of(':') + 1);       // flaws 2 and 3
    int empty_reads = 0;
    while (message.size() < size) {  // flaw 4: also when nothing more can come
        message += read_more(peer, size - message.size(), empty_reads);
    }
    return message;
}
// [/region readmsg]

void serve(trama::tcp_stream client) {
    const program::hang_up_on_stop on_stop(client.fd());
    try {
        for (;;) {
            const std::string message = read_message(client);
            if (message.empty()) break;
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
    while (program::wait_readable(listener.fd())) {
        serve(listener.accept());
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples, {program::address_option(), program::port_option()},
                        serve_all);
}

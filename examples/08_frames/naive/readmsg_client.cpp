// naive/readmsg_client -- the client of readmsg_server: the same reader, the same five flaws
//
// Goal:     See that the flaws of both ends hide each other. ../framed_echo_client.cpp has none.
// Run:      ../framed_echo_server -p 5000          (a correct server: the flaws are in the client)
//           printf 'hola\n:adios\n' | ./readmsg_client -p 5000
// Observe:  The second line gets no answer: the reader has lost the ":" and waits for one byte
//           more. End it with Ctrl-C. The flaws are those of readmsg_server: (1) it requests 8
//           bytes, but may get fewer; (2) a payload that starts with ":" loses bytes; (3) an empty
//           payload takes the first byte of the next frame; (4) it does not notice the end of the
//           stream inside a message; (5) it accepts header bytes that are no digits.
// Exercise: Let nc -l 5000 be the server, answer 000009:hola by hand and close with Ctrl-C: flaw 4.
// Next:     ../../09_lines
#include "../../support/program.hpp"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

namespace {

constexpr const char* examples = R"(
  readmsg_client                  each line you type goes to port 5000 of this machine
  echo hola | readmsg_client      this works
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

/// The reader of readmsg_server.cpp, with each of its flaws.
std::string read_message(trama::tcp_stream& peer) {
    const std::string start = peer.recv_some(8);
    const auto size = static_cast<std::size_t>(std::atoi(start.c_str()));
    std::string message = start.substr(start.find_last_of(':') + 1);
    int empty_reads = 0;
    while (message.size() < size) {
        message += read_more(peer, size - message.size(), empty_reads);
    }
    return message;
}

int talk(const program::options& given) {
    auto server = trama::tcp_stream::connect(given.host(), given.port());
    for (std::string line; std::getline(std::cin, line);) {
        server.send_all(encapsulate(line));
        program::print(read_message(server));
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples, {program::host_option(), program::port_option()},
                        talk);
}

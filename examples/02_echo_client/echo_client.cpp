// echo_client -- sends what you type, line by line, and prints what comes back
//
// Goal:     Connect, send, receive; and learn when an answer is complete.
// Run:      nc -l 5000                            in one terminal: you are the server
//           ./echo_client                         in another; type a line in each, by turns
// Observe:  The client waits for an answer that ends in a line feed, in as many pieces as it comes.
//           Answer "ho" and Ctrl-D in nc, so that it leaves without Enter: the client goes on
//           waiting. One recv_some a line would take any piece for the whole answer.
// Exercise: End nc with Ctrl-C while the client waits for you to type. When does it notice, and
//           why not sooner?
// Next:     03_echo_server, the other end.
#include "../support/program.hpp"

#include <string>

namespace {

constexpr const char* examples = R"(
  echo_client                          to a server on this machine, port 5000
  echo_client -H 192.0.2.7 -p 6000     to another machine
  echo_client < notes.txt              send a file, line by line

Answers go to stdout. Ctrl-D, or a line that is a single dot, ends the conversation.
)";

// Both ends could wait for ever if a line were too long for the buffers between them: we for the
// server to take it, the server for us to take the answer.
constexpr std::size_t longest_line = 65536;

// [region send]
/// Sends one line with its line feed. A dot goes alone: to 03_echo_server it means goodbye.
void send_line(trama::tcp_stream& server, const std::string& line) {
    if (line.size() > longest_line)
        throw program::usage_error("a line of " + std::to_string(line.size()) +
                                   " bytes is too long: at most " + std::to_string(longest_line));
    server.send_all(line == "." ? line : line + '\n');
    program::say_more("sent ", line.size() + (line == "." ? 0 : 1), " bytes");
}
// [/region send]

// [region receive]
/// Prints what comes, piece by piece, up to the end of a line.
void print_answer(trama::tcp_stream& server) {
    std::string piece;
    do {
        piece = server.recv_some(4096);
        if (piece.empty()) throw program::peer_error("the server has closed the connection");
        program::say_more("received ", piece.size(), " bytes");
        program::print_piece(piece);
    } while (piece.back() != '\n');
}
// [/region receive]

// [region talk]
/// A line out, a line back, until there are no more lines.
int talk(const program::options& given) {
    auto server = trama::tcp_stream::connect(given.host(), given.port());
    const program::hang_up_on_stop on_stop(server.fd());
    program::say("connected to ", server.remote_endpoint());
    for (std::string line; program::read_line(line);) {
        send_line(server, line);
        if (line == ".") break;
        print_answer(server);
    }
    server.close_lingering();
    return 0;
}
// [/region talk]

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples, {program::host_option(), program::port_option()},
                        talk);
}

// echo_client -- sends what you type, line by line, and prints what comes back
//
// Goal:     Connect, send, receive; and learn when an answer is complete.
// Run:      nc -l 5000                            in one terminal: you are the server
//           ./echo_client                         in another; type a line in each, one by one
// Observe:  The client waits for an answer that ends in a line feed, in as many pieces as it comes.
//           Answer "ho" and Ctrl-D in nc, so that it leaves without Enter: the client still waits.
//           A client with one recv_some for each line would take any piece for the whole answer.
// Exercise: End nc with Ctrl-C while the client waits for you to type. When does the client notice,
//           and why not sooner?
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

// With a line that is too long for the buffers between them, both ends could wait for ever: the
// client until the server takes the line, the server until the client takes the answer.
constexpr std::size_t longest_line = 65536;

// [region send]
/// Sends one line with its line feed. A dot is sent alone: it ends a visit to 03_echo_server.
void send_line(trama::tcp_stream& server, const std::string& line) {
    if (line.size() > longest_line)
        throw program::usage_error("a line of " + std::to_string(line.size()) +
                                   " bytes is too long: at most " + std::to_string(longest_line));
    const std::string bytes = line == "." ? line : line + '\n';
    server.send_all(bytes);
    program::say_more("sent ", bytes.size(), " bytes");
}
// [/region send]

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

/// Sends a line and prints the answer, until there are no more lines.
int talk(const program::options& given) {
    auto server = trama::tcp_stream::connect(given.host(), given.port());
    const program::hang_up_on_stop on_stop(server.fd());
    program::say("connected to ", server.remote_endpoint());
    std::string line;
    while (program::read_line(line)) {
        send_line(server, line);
        if (line == ".") break;
        print_answer(server);
    }
    server.close_lingering();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples, {program::host_option(), program::port_option()},
                        talk);
}

// short_visit_client -- sends one line, prints the answer, and leaves
//
// Goal:     See a client that leaves soon, so that the server can serve the next one.
// Run:      ./short_visit_client                  against short_visit_server, or 03_echo_server
// Observe:  Wait for six seconds before you type: the server has closed, and an error says so.
// Exercise: In a shell, run it a hundred times: for i in $(seq 100); do echo $i |
//           ./short_visit_client; done. How many connections does ss -tan show afterwards, in
//           which state, and on which side?
// Next:     05_where_to_listen
#include "../support/program.hpp"

#include <string>

namespace {

constexpr const char* examples = R"(
  short_visit_client                       to a server on this machine, port 5000
  echo hola | short_visit_client -p 6000   the line can come from a pipe

The answer goes to stdout.
)";

/// Prints what comes, piece by piece, up to the end of a line.
void print_answer(trama::tcp_stream& server) {
    std::string piece;
    do {
        piece = server.recv_some(4096);
        if (piece.empty()) throw program::peer_error("the server closed before it had answered");
        program::print_piece(piece);
    } while (piece.back() != '\n');
}

/// Sends one line and prints one answer.
int visit(const program::options& given) {
    auto server = trama::tcp_stream::connect(given.host(), given.port());
    const program::hang_up_on_stop on_stop(server.fd());
    program::say("connected to ", server.remote_endpoint());
    std::string line;
    if (!program::read_line(line)) return 0;
    server.send_all(line + '\n');
    print_answer(server);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples, {program::host_option(), program::port_option()},
                        visit);
}

// first_line_server -- a small protocol of lines: a command comes, an answer with a code goes back
// Run:      g++ first_line_server.cpp && ./a.out
//           nc localhost 5000                     in a second terminal; type ECHO hola, QUIT
// Observe:  Each answer is one line. A program reads its code, and a person reads its text.
// Missing:  more commands, an answer to a line that is too long: command_server.cpp
#include "trama.hpp"

#include <iostream>
#include <string>
#include <utility>

using line_stream = trama::framed_stream<trama::any_line>;  // reads LF and CR LF, writes LF
constexpr std::size_t longest_line = 512;                   // bytes; keeps an endless line out

/// The answer to one line.
std::string answer(const std::string& line) {
    if (line.rfind("ECHO ", 0) == 0) return "200 " + line.substr(5);  // it begins with ECHO
    if (line == "QUIT") return "200 bye";
    return "400 unknown command";
}

/// Answers line after line, until QUIT or until the client closes.
void answer_all(line_stream& client) {
    while (const auto line = client.recv_frame()) {
        client.send_frame(answer(*line));
        if (*line == "QUIT") return;
    }
}

/// Serves one client. An error, such as a line that is too long, costs this client only.
void serve(trama::tcp_stream stream) {
    line_stream client(std::move(stream), longest_line);
    try {
        answer_all(client);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
    }
    client.stream().close_lingering();  // a plain close could destroy the last answer on its way
}

int main(int argc, char** argv) {
    const std::string port = argc > 1 ? argv[1] : "5000";
    try {
        trama::tcp_listener listener = trama::tcp_listener::listen("0.0.0.0", port);
        std::cout << "listening on " << listener.local_endpoint() << std::endl;
        for (;;) {
            serve(listener.accept());
        }
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

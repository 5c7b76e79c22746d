// first_echo_client -- sends what you type, line by line, and prints what comes back
// Run:      nc -l 5000                            in one terminal: you are the server
//           g++ first_echo_client.cpp && ./a.out  in another; type a line in each, one by one
// Observe:  The client waits for a line feed, even if the answer comes in several pieces.
// Missing:  a limit for the length of a line, and an orderly end at Ctrl-C: echo_client.cpp
#include "trama.hpp"

#include <iostream>
#include <stdexcept>
#include <string>

/// Prints what comes, piece by piece, up to the end of a line.
void print_answer(trama::tcp_stream& server) {
    for (;;) {
        const std::string piece = server.recv_some(4096);
        if (piece.empty()) throw std::runtime_error("the server has closed the connection");
        std::cout << piece << std::flush;
        if (piece.back() == '\n') return;
    }
}

int main(int argc, char** argv) {
    const std::string host = argc > 1 ? argv[1] : "localhost";
    const std::string port = argc > 2 ? argv[2] : "5000";
    try {
        trama::tcp_stream server = trama::tcp_stream::connect(host, port);
        std::string line;
        while (std::getline(std::cin, line)) {
            server.send_all(line + '\n');
            print_answer(server);
        }
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

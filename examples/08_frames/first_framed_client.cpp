// first_framed_client -- each line travels as one frame, and one frame comes back
// Run:      g++ first_framed_server.cpp -o server && ./server
//           g++ first_framed_client.cpp && ./a.out      in a second terminal; type lines
// Observe:  TRAMA_TRACE=1 ./a.out shows the header before each line, and in each answer.
// Missing:  other formats, a time-out, an orderly end at Ctrl-C: framed_echo_client.cpp
#include "trama.hpp"

#include <iostream>
#include <stdexcept>
#include <string>

using framed_stream = trama::framed_stream<trama::six_digit_colon>;

/// A frame out, a frame back, until there are no more lines. recv_frame returns a std::optional:
/// the message, or nothing if the server has closed.
void talk(framed_stream& server) {
    std::string line;
    while (std::getline(std::cin, line)) {
        server.send_frame(line);
        const auto answer = server.recv_frame();
        if (!answer) throw std::runtime_error("the server has closed the connection");
        std::cout << *answer << std::endl;
    }
}

int main(int argc, char** argv) {
    const std::string host = argc > 1 ? argv[1] : "localhost";
    const std::string port = argc > 2 ? argv[2] : "5000";
    try {
        framed_stream server(trama::tcp_stream::connect(host, port));
        talk(server);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

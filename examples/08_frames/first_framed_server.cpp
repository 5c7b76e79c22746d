// first_framed_server -- receives messages, not bytes, and sends each one back
// Run:      g++ first_framed_server.cpp && ./a.out
//           printf 000004:hola000005:adios | nc -N localhost 5000       in a second terminal
// Observe:  Two messages come in one piece, and the headers say where each one ends.
// Missing:  other formats, a limit for the length, an end at Ctrl-C: framed_echo_server.cpp
#include "trama.hpp"

#include <iostream>
#include <string>
#include <utility>

using framed_stream = trama::framed_stream<trama::six_digit_colon>;

/// Sends back each message. recv_frame returns a std::optional: the message, or nothing if the
/// client has closed.
void echo(framed_stream& client) {
    while (const auto message = client.recv_frame()) {
        std::cout << "message: \"" << trama::escaped(*message, 60) << '"' << std::endl;
        client.send_frame(*message);
    }
}

/// Serves one client. An error, such as a wrong header, ends its visit, and not the server.
void serve(trama::tcp_stream stream) {
    framed_stream client(std::move(stream));  // std::move: `client` is now the owner
    try {
        echo(client);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
    }
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

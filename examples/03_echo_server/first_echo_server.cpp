// first_echo_server -- sends back whatever it receives, to one client at a time
// Run:      g++ first_echo_server.cpp && ./a.out
//           nc localhost 5000                     in a second terminal, and in a third
// Observe:  The second client gets no answer until the first one has left: chapter 04.
// Missing:  the dot that ends a visit, and an orderly end at Ctrl-C: echo_server.cpp
#include "trama.hpp"

#include <iostream>
#include <string>

/// Sends back what each call received, until the client closes: then the string is empty.
void echo(trama::tcp_stream& client) {
    for (;;) {
        const std::string bytes = client.recv_some(1024);
        if (bytes.empty()) return;
        client.send_all(bytes);
    }
}

/// Serves one client. An error ends its visit, and not the server.
void serve(trama::tcp_stream client) {
    std::cout << client.remote_endpoint() << " came" << std::endl;
    try {
        echo(client);
        std::cout << client.remote_endpoint() << " left" << std::endl;
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

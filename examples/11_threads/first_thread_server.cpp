// first_thread_server -- the echo server of chapter 03, with a thread for each client
// Run:      g++ first_thread_server.cpp -pthread && ./a.out
//           nc localhost 5000                     in a second terminal, and in a third
// Observe:  Each client is served at once. ls /proc/$(pidof a.out)/task shows the threads.
// Missing:  a limit for the clients, and an end that waits for them: thread_echo_server.cpp
#include "trama.hpp"

#include <chrono>
#include <iostream>
#include <string>
#include <thread>

/// Sends back what each call received, until the client closes: then the string is empty.
void echo(trama::tcp_stream& client) {
    for (;;) {
        const std::string bytes = client.recv_some(1024);
        if (bytes.empty()) return;
        client.send_all(bytes);
    }
}

/// The work of a thread. An exception that leaves a thread would end the whole program.
void serve(trama::tcp_stream client) {
    try {
        echo(client);
    } catch (const std::exception& error) {
        std::cerr << error.what() + std::string("\n");  // in one piece: other threads write, too
    }
}

/// Accepts a client and starts its thread. detach: no other thread waits for its end.
void serve_next(trama::tcp_listener& listener) {
    try {
        std::thread(serve, listener.accept()).detach();
    } catch (const std::exception& error) {  // no descriptor or no thread is left
        std::cerr << error.what() + std::string("\n");
        std::this_thread::sleep_for(std::chrono::milliseconds(100));  // it would fail again at once
    }
}

int main(int argc, char** argv) {
    const std::string port = argc > 1 ? argv[1] : "5000";
    try {
        trama::tcp_listener listener = trama::tcp_listener::listen("0.0.0.0", port);
        std::cout << "listening on " << listener.local_endpoint() << std::endl;
        for (;;) {
            serve_next(listener);
        }
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

// first_short_visits -- closes each client after one answer, or after 5 s in which it sent nothing
// Run:      g++ first_short_visits.cpp && ./a.out
//           nc localhost 5000                     in a second terminal, and in a third
// Observe:  After 5 seconds the server closes a client that types nothing, and serves the next one.
// Missing:  another time than 5 seconds, and an orderly end at Ctrl-C: short_visit_server.cpp
#include "trama.hpp"

#include <chrono>
#include <iostream>
#include <string>

/// Receives once and answers once. If the program has not received all bytes, a plain close resets
/// the connection, and the answer may be lost. close_lingering receives those bytes first.
void answer_once(trama::tcp_stream& client) {
    const std::string bytes = client.recv_some(1024);
    client.send_all(bytes);
    client.close_lingering();
}

/// Serves one client. An error, such as a time-out, ends this visit. The server continues.
void serve(trama::tcp_stream client) {
    client.set_timeout(std::chrono::seconds(5));
    try {
        answer_once(client);
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

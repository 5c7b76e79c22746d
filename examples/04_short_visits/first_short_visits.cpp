// first_short_visits -- one answer for each client, and five seconds to say something
// Run:      g++ first_short_visits.cpp && ./a.out
//           nc localhost 5000                     in a second terminal, and in a third
// Observe:  A client that types nothing leaves after 5 seconds. The next one waits no longer.
// Missing:  another time than 5 seconds, and an orderly end at Ctrl-C: short_visit_server.cpp
#include "trama.hpp"

#include <chrono>
#include <iostream>
#include <string>

/// Receives once and answers once. A plain close could destroy the answer on its way: if unread
/// bytes are left, it resets the connection. close_lingering receives them first.
void answer_once(trama::tcp_stream& client) {
    const std::string bytes = client.recv_some(1024);
    client.send_all(bytes);
    client.close_lingering();
}

/// Serves one client. An error, such as the time-out, ends its visit, and not the server.
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

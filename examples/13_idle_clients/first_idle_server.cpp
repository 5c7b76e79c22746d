// first_idle_server -- each client has a deadline of its own: 5 s of silence end its connection
// Run:      g++ first_idle_server.cpp && ./a.out
//           nc localhost 5000                     in a second terminal, and in a third
// Observe:  The server drops a client that types nothing, even if the others type.
// Missing:  a client that takes no answer is dropped at once, not after 5 s: idle_echo_server.cpp
#include "trama.hpp"
#include <chrono>
#include <iostream>
#include <map>
#include <utility>

/// Sends back what has come, without waiting. Returns false if the client has left.
bool echo(trama::tcp_stream& client) {
    char bytes[16384];
    const trama::io_result came = client.try_recv_some(bytes, sizeof bytes);
    if (came.status == trama::io_status::would_block) return true;
    return came.bytes > 0 && client.try_send_some({bytes, came.bytes}).bytes == came.bytes;
}

/// Accepts a client and returns its descriptor, or -1. If none is left, lowers the limit `most`.
int admit(trama::tcp_listener& listener, std::map<int, trama::tcp_stream>& all, std::size_t& most) {
    trama::tcp_stream stream;
    const trama::io_result result = listener.try_accept(stream);
    if (result.status == trama::io_status::failed) most = all.size();
    const int fd = stream.fd();
    if (fd != -1) all[fd] = std::move(stream);
    return fd;
}

int main(int argc, char** argv) {
    constexpr std::chrono::seconds patience(5);
    try {
        auto listener = trama::tcp_listener::listen("0.0.0.0", argc > 1 ? argv[1] : "5000");
        std::cout << "listening on " << listener.local_endpoint() << std::endl;
        std::map<int, trama::tcp_stream> clients;  // by descriptor
        trama::deadlines ends;                     // by descriptor, too
        std::size_t most = 1000;                   // clients; select(2) has room for 1,024
        for (;;) {
            trama::selector ready;
            if (clients.size() < most) ready.add(listener.fd(), trama::interest::read);
            for (const auto& [fd, stream] : clients) {
                ready.add(fd, trama::interest::read);
            }
            for (const trama::ready_event event : ready.wait(ends.left())) {
                if (event.fd == listener.fd())
                    ends.set(admit(listener, clients, most), patience);
                else if (echo(clients[event.fd]))
                    ends.set(event.fd, patience);
                else
                    clients.erase(event.fd);
            }
            for (int fd = ends.next_passed(); fd != -1; fd = ends.next_passed()) {
                clients.erase(fd);
            }
        }
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

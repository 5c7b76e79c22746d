// first_select_server -- one thread waits for all its clients at once, with select(2)
// Run:      g++ first_select_server.cpp && ./a.out
//           nc localhost 5000                     in a second terminal, and in a third
// Observe:  A client that is silent, or that takes no answer, does not delay the others.
// Missing:  a list of clients that stays from one wait to the next: select_echo_server.cpp
#include "trama.hpp"
#include <iostream>
#include <map>
#include <string>
#include <utility>

using connection = std::pair<trama::tcp_stream, std::string>;  // and the bytes to send back

/// Receives from a client, or sends what is pending. Never waits. Returns false if it has left.
bool serve(connection& client) {
    auto& [stream, pending] = client;
    trama::io_result result;
    if (pending.empty()) {
        pending.resize(16384);
        result = stream.try_recv_some(pending.data(), pending.size());
        pending.resize(result.bytes);
    } else {
        result = stream.try_send_some(pending);
        pending.erase(0, result.bytes);
    }
    return result.bytes > 0 || result.status == trama::io_status::would_block;
}

/// Accepts a client. If no descriptor is left, sets the limit to the clients that are here now.
void admit(trama::tcp_listener& listener, std::map<int, connection>& clients, std::size_t& most) {
    trama::tcp_stream stream;
    const trama::io_result result = listener.try_accept(stream);
    if (result.status == trama::io_status::failed) most = clients.size();
    if (result.status == trama::io_status::done) clients[stream.fd()].first = std::move(stream);
}

int main(int argc, char** argv) {
    try {
        auto listener = trama::tcp_listener::listen("0.0.0.0", argc > 1 ? argv[1] : "5000");
        std::cout << "listening on " << listener.local_endpoint() << std::endl;
        std::map<int, connection> clients;  // by descriptor
        std::size_t most = 1000;            // clients; select(2) has room for 1,024 descriptors
        for (;;) {
            trama::selector ready;  // or trama::poll_selector, or trama::epoll_selector
            if (clients.size() < most) ready.add(listener.fd(), trama::interest::read);
            for (const auto& [fd, each] : clients) {
                ready.add(fd, each.second.empty() ? trama::interest::read : trama::interest::write);
            }
            for (const trama::ready_event event : ready.wait()) {
                if (event.fd == listener.fd())
                    admit(listener, clients, most);
                else if (!serve(clients[event.fd]))
                    clients.erase(event.fd);
            }
        }
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

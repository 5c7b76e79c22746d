// naive/chat_server -- the chat of the lab: select by hand, and no client is checked
//
// Goal:     See a chat that works with three friends at three keyboards, and only there.
// Run:      ./chat_server -p 5000
//           nc localhost 5000        in two more terminals; type in both
// Observe:  It is short, and one thread serves all. But:
//           (1) one receive counts as one message: two at once are one, half a message is one
//           (2) send_all waits: a client that does not read stops the chat for all
//           (3) bytes pass unchanged: an escape sequence of one member clears the screens of all
//           (4) no password, no limit, no time-out for silent members; about 1,000 fit into an
//               fd_set (man 2 select), and the next one waits for ever
//           ../chat_server.cpp is the program without these flaws.
// Exercise: Stop one nc with Ctrl-Z. How much must the other one send until flaw 2 shows?
// Next:     15_remote_copy
#include "../../support/program.hpp"

#include <algorithm>
#include <cerrno>
#include <iterator>
#include <list>
#include <string>
#include <system_error>

#include <sys/select.h>

namespace {

constexpr const char* examples = R"(
  chat_server                     a chat on port 5000 of every address, with four flaws
  nc localhost 5000               join it
)";

using client_list = std::list<trama::tcp_stream>;

/// ('127.0.0.1', 40000), with the quotation mark `mark` around the address.
std::string address_of(const trama::tcp_stream& client, const char* mark) {
    const trama::endpoint peer = client.remote_endpoint();
    return '(' + (mark + peer.address()) + mark + ", " + std::to_string(peer.port()) + ')';
}

/// Sends to all clients but `sender`. Flaw 2: send_all waits for each of them.
void broadcast(client_list& clients, const trama::tcp_stream& sender, const std::string& bytes) {
    for (trama::tcp_stream& each : clients) {
        if (&each == &sender) continue;
        try {
            each.send_all(bytes);
        } catch (const trama::network_error&) {
            continue;  // the end of its stream will be read, too
        }
    }
}

/// Passes on what one client has sent. Returns false if it has left.
bool serve(client_list& clients, trama::tcp_stream& client) {
    std::string bytes;
    try {
        bytes = client.recv_some(4096);  // flaw 1: this need not be one message
    } catch (const trama::network_error& error) {
        program::say(client.remote_endpoint(), " is lost: ", error.what());
    }
    const bool is_here = !bytes.empty();
    broadcast(clients, client,
              is_here ? "\r<" + address_of(client, "'") + "> " + bytes  // flaw 3: any bytes
                      : "Client " + address_of(client, "") + " is offline\n");
    return is_here;
}

void accept_client(trama::tcp_listener& listener, client_list& clients) {
    const trama::tcp_stream& client = clients.emplace_back(listener.accept());
    program::say(client.remote_endpoint(), " came");
    broadcast(clients, client, '[' + client.remote_endpoint().to_string() + "] entered room\n");
}

/// Waits until something can be read. Returns the descriptors that are ready.
fd_set wait_for_any(int stop, int listener, const client_list& clients) {
    fd_set ready;
    FD_ZERO(&ready);
    FD_SET(stop, &ready);
    if (clients.size() < FD_SETSIZE - 16) FD_SET(listener, &ready);
    int last = std::max(stop, listener);
    for (const trama::tcp_stream& each : clients) {
        FD_SET(each.fd(), &ready);
        last = std::max(last, each.fd());
    }
    if (::select(last + 1, &ready, nullptr, nullptr, nullptr) == -1) {
        if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "select");
        FD_ZERO(&ready);
    }
    return ready;
}

int serve_all(const program::options& given) {
    auto listener = trama::tcp_listener::listen(given.host(), given.port());
    trama::stop_signal stop;
    stop.catch_signals();
    program::announce(listener.local_endpoint());
    client_list clients;
    while (true) {
        const fd_set ready = wait_for_any(stop.fd(), listener.fd(), clients);
        if (FD_ISSET(stop.fd(), &ready)) return 0;
        for (auto each = clients.begin(); each != clients.end();) {
            const bool stays = !FD_ISSET(each->fd(), &ready) || serve(clients, *each);
            each = stays ? std::next(each) : clients.erase(each);
        }
        if (FD_ISSET(listener.fd(), &ready)) accept_client(listener, clients);
    }
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples, {program::address_option(), program::port_option()},
                        serve_all);
}

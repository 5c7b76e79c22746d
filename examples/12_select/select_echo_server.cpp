// select_echo_server -- one thread that waits for all its clients at once
//
// Goal:     Serve many clients with one thread that never waits for one of them alone.
// Run:      ./select_echo_server
//           ../02_echo_client/echo_client         in a second terminal, and in a third
// Observe:  Connections, bytes and ends, in the order in which they happen. One thread:
//           ls /proc/$(pidof select_echo_server)/task
// Exercise: Draw the sockets of this server and of two clients, with their ports:
//           ss -Htan 'sport = :5000 or dport = :5000'. Then start it with -q, and let one client
//           send without end and read nothing: nc localhost 5000 < /dev/zero | sleep 1000
//           In which buffers are the bytes? And with --backend poll and 1,100 clients?
// Next:     naive/select_echo_server.cpp, where one client stops all; framed_echo_server.cpp, where
//           a class of the library has the loop.
#include "../support/program.hpp"
#include "../support/system.hpp"

#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace std::chrono_literals;

constexpr const char* examples = R"(
  select_echo_server                     on every IPv4 address, port 5000
  select_echo_server -H 127.0.0.1 -p 0   for this machine only, on a free port
  select_echo_server --backend epoll     wait with epoll, for thousands of clients
)";

/// What the server remembers of a client from one round to the next.
struct client {
    trama::tcp_stream stream;
    std::string pending = {};  // received and not sent back yet
    bool is_over = false;      // its stream has ended, or its connection is broken
    trama::interest watched = trama::interest::read;
};

/// `Selector` decides how to wait: with select(2), poll(2) or epoll(7).
template <typename Selector>
class echo_server {
public:
    explicit echo_server(const program::options& given)
        : listener_(trama::tcp_listener::listen(given.host(), given.port())) {}

    void run() {
        stop_.catch_signals();
        program::announce(listener_.local_endpoint());
        ready_.add(stop_.fd(), trama::interest::read);
        resume_accepting();
        while (!is_stopping_) {
            serve_round(accept_again_);
        }
        finish();
    }

private:
    /// Waits for the stop signal, the listener and all clients at once. No other call may wait.
    void serve_round(const trama::deadline& until) {
        for (const trama::ready_event event : ready_.wait(until.left())) {
            if (event.fd == stop_.fd()) {
                is_stopping_ = true;
            } else if (event.fd == listener_.fd()) {
                accept_client();
            } else {
                serve(clients_.at(event.fd));
            }
        }
        if (accept_again_.passed()) resume_accepting();
    }

    void accept_client() {
        trama::tcp_stream stream;
        const trama::io_result result = listener_.try_accept(stream);
        if (result.status == trama::io_status::failed) return pause_accepting(result.error);
        if (result.status == trama::io_status::done) add_client(std::move(stream));
    }

    void add_client(trama::tcp_stream stream) {
        const int fd = stream.fd();
        try {
            ready_.add(fd, trama::interest::read);
        } catch (const trama::network_error& error) {
            program::say_error(stream.remote_endpoint(), " is refused: ", error.what());
            return;
        }
        program::say(stream.remote_endpoint(), " came");
        clients_.insert({fd, client{std::move(stream)}});
    }

    /// Most likely no descriptor is left. The next client stays in the queue, so the listener would
    /// be ready in every round. The server watches it again when a client has left, or after half a
    /// second.
    void pause_accepting(const std::error_code& error) {
        program::say_error("cannot accept: ", error.message());
        ready_.remove(listener_.fd());
        accept_again_ = trama::deadline(500ms);
    }

    void resume_accepting() {
        ready_.add(listener_.fd(), trama::interest::read);
        accept_again_ = trama::deadline(trama::no_timeout);
    }

    // [region serve]
    /// Receives from a client only when all that was received before is sent back.
    void serve(client& peer) {
        if (peer.pending.empty()) receive(peer);
        if (!peer.pending.empty()) send_pending(peer);
        if (peer.is_over) return remove_client(peer.stream.fd());
        watch(peer, peer.pending.empty() ? trama::interest::read : trama::interest::write);
    }
    // [/region serve]

    void watch(client& peer, trama::interest wanted) {
        if (wanted != peer.watched) ready_.modify(peer.stream.fd(), wanted);
        peer.watched = wanted;
    }

    void receive(client& peer) {
        char bytes[16384];
        const trama::io_result result = peer.stream.try_recv_some(bytes, sizeof bytes);
        if (result.status == trama::io_status::failed) return lose(peer, result.error);
        if (result.status == trama::io_status::end_of_stream) {
            program::say(peer.stream.remote_endpoint(), " left");
            peer.is_over = true;
        }
        if (result.status != trama::io_status::done) return;
        peer.pending.assign(bytes, result.bytes);
        program::say(peer.stream.remote_endpoint(), ": ", program::shown{peer.pending, 60});
    }

    /// Sends what the system takes now. The rest waits until the client is writable again.
    void send_pending(client& peer) {
        const trama::io_result result = peer.stream.try_send_some(peer.pending);
        if (result.status == trama::io_status::failed) return lose(peer, result.error);
        peer.pending.erase(0, result.bytes);
    }

    /// The connection is broken. The other clients do not notice.
    void lose(client& peer, const std::error_code& error) {
        program::say(peer.stream.remote_endpoint(), " is lost: ", error.message());
        peer.is_over = true;
    }

    void remove_client(int fd) {
        ready_.remove(fd);  // before it is closed: the next client may get the same number
        clients_.erase(fd);
        if (!accept_again_.is_never()) resume_accepting();  // there is a free descriptor now
    }

    /// Accepts no more clients. The same loop answers what was received, for half a second at most.
    void finish() {
        ready_.remove(stop_.fd());
        ready_.remove(listener_.fd());
        listener_.close();
        accept_again_ = trama::deadline(trama::no_timeout);
        for (const auto& [fd, peer] : clients_) {
            ::shutdown(fd, SHUT_RD);  // fails only if the connection is broken
        }
        const trama::deadline limit(500ms);
        while (!clients_.empty() && !limit.passed()) {
            serve_round(limit);
        }
    }

    trama::tcp_listener listener_;
    trama::stop_signal stop_;
    Selector ready_;
    std::map<int, client> clients_;                    // by descriptor
    trama::deadline accept_again_{trama::no_timeout};  // never: the listener is watched
    bool is_stopping_ = false;
};

template <typename Selector>
int serve_all(const program::options& given) {
    echo_server<Selector>(given).run();
    return 0;
}

int serve_backend(const program::options& given) {
    const std::string& backend = given.text("backend");
    if (backend == "select") return serve_all<trama::selector>(given);
    if (backend == "poll") return serve_all<trama::poll_selector>(given);
    if (backend == "epoll") return serve_all<program::epoll_selector>(given);
    throw program::usage_error("--backend takes select, poll or epoll, not \"" +
                               trama::escaped(backend) + '"');
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::address_option(),
         program::port_option(),
         {'b', "backend", "BACKEND", "select", "how to wait: select, poll or epoll"}},
        serve_backend);
}

// naive/idle_echo_server -- one time-out for all: a busy client keeps the silent ones connected
//
// Goal:     See the trap of the exercise. ../idle_echo_server.cpp is correct.
// Run:      ./idle_echo_server
//           nc localhost 5000                     say nothing
//           while sleep 1; do echo hola; done | nc localhost 5000
// Observe:  If the silent client is alone, the server drops it after 5 s and looks correct. If
//           another client sends, the silent one stays for ever, because no wait lasts 5 s. When
//           the other client stops, the server drops both at the same moment.
// Exercise: With one client only, send something after 4 s. How long does it stay connected?
//           And how long if you connect a second client instead?
// Next:     ../idle_echo_server.cpp
#include "../../support/program.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <string_view>
#include <utility>

namespace {

using namespace std::chrono_literals;

constexpr const char* examples = R"(
  idle_echo_server             on every IPv4 address, port 5000; drops a client after 5 s of silence
  idle_echo_server --idle 60   a minute
)";

/// What the server remembers of a client from one round to the next.
struct client {
    trama::tcp_stream stream;
    std::string pending = {};  // received and not sent back yet
    bool is_over = false;      // its stream has ended, or its connection is broken
    trama::interest watched = trama::interest::read;
};

class echo_server {
public:
    explicit echo_server(const program::options& given)
        : idle_(given.number("idle", 1, 86400)),
          listener_(trama::tcp_listener::listen(given.host(), given.port())) {}

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
        // [region wait]
        const trama::duration time = std::min<trama::duration>(until.left(), idle_);
        const trama::ready_events& events = ready_.wait(time);  // the flaw: one time-out for all
        if (events.empty() && !until.passed()) drop_all();
        // [/region wait]
        for (const trama::ready_event event : events) {
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

    /// No client has sent anything for this time, so each of them was silent: this is true.
    void drop_all() {
        while (!clients_.empty()) {
            const client& peer = clients_.begin()->second;
            program::say(peer.stream.remote_endpoint(), " was silent for too long");
            remove_client(peer.stream.fd());
        }
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

    /// Receives from a client only when all that was received before is sent back. So a client that
    /// does not read its answers costs 16 KiB of memory, even if it sends without end.
    void serve(client& peer) {
        if (peer.pending.empty()) receive(peer);
        if (!peer.pending.empty()) send_pending(peer);
        if (peer.is_over) return remove_client(peer.stream.fd());
        watch(peer, peer.pending.empty() ? trama::interest::read : trama::interest::write);
    }

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

    const std::chrono::seconds idle_;
    trama::tcp_listener listener_;
    trama::stop_signal stop_;
    trama::selector ready_;
    std::map<int, client> clients_;                    // by descriptor
    trama::deadline accept_again_{trama::no_timeout};  // never: the listener is watched
    bool is_stopping_ = false;
};

int serve_all(const program::options& given) {
    echo_server(given).run();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::address_option(),
         program::port_option(),
         {'i', "idle", "SECONDS", "5", "drop a client that stays silent this long"}},
        serve_all);
}

// idle_echo_server -- select_echo_server with a deadline for each client
//
// Goal:     Drop each client that has sent nothing for 5 s, at its own time.
// Run:      ./idle_echo_server
//           nc localhost 5000                     say nothing
//           ../02_echo_client/echo_client         in a third terminal: type a line now and then
// Observe:  The silent client is out after 5 s, however busy the others are. The wait ends when the
//           first of the deadlines passes. diff ../12_select/select_echo_server.cpp and this.
// Exercise: Send a warning one second before: which deadline do you need, and how do you find out
//           after next_passed() which of the two it was?
// Next:     naive/idle_echo_server.cpp, with one time-out for all; then the chat, chapter 14.
#include "../support/program.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>

namespace {

using namespace std::chrono_literals;

constexpr const char* usage = R"(Examples:
  idle_echo_server             on every IPv4 address, port 5000; 5 s of silence, and out
  idle_echo_server --idle 60   a minute

Usage: idle_echo_server [-H ADDRESS] [-p PORT] [-i SECONDS] [-q | -v] [-h]
  -H, --host ADDRESS  where to listen (default: 0.0.0.0, every IPv4 address)
  -p, --port PORT     the port; 0 takes a free one, told in the first line (default: 5000)
  -i, --idle SECONDS  how long a client may be silent (default: 5)
  -q, --quiet         say errors only
  -v, --verbose       say more
  -h, --help          show this
)";

/// What the server knows of a client from one round to the next.
struct client {
    trama::tcp_stream stream;
    std::string pending = {};  // received from it, and not sent back yet
    bool has_ended = false;    // nothing more comes from it
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
        while (!is_stopping_) serve_round(accept_again_);
        finish();
    }

private:
    // [region round]
    /// Waits for all descriptors at once. After that no call may wait.
    void serve_round(const trama::deadline& until) {
        const trama::duration time = std::min(until.left(), idle_ends_.left());
        for (const trama::ready_event event : ready_.wait(time)) {
            if (event.fd == stop_.fd()) {
                is_stopping_ = true;
            } else if (event.fd == listener_.fd()) {
                accept_client();
            } else {
                serve(clients_.at(event.fd), event);
            }
        }
        drop_silent();
        if (accept_again_.passed()) resume_accepting();
    }
    // [/region round]

    // [region drop]
    void drop_silent() {
        for (int fd = idle_ends_.next_passed(); fd != -1; fd = idle_ends_.next_passed()) {
            const client& peer = clients_.at(fd);
            program::say(peer.stream.remote_endpoint(), " was silent for too long");
            remove(fd);
        }
    }
    // [/region drop]

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
            program::say(stream.remote_endpoint(), " is refused: ", error.what());
            return;
        }
        program::say(stream.remote_endpoint(), " came");
        clients_.insert({fd, client{std::move(stream)}});
        idle_ends_.set(fd, idle_);
    }

    /// Most likely no descriptor is left. The listener would be ready again at once, for ever: so
    /// it is not watched until a client has left or half a second has passed.
    void pause_accepting(const std::error_code& error) {
        program::say("cannot accept: ", error.message());
        ready_.remove(listener_.fd());
        accept_again_ = trama::deadline(500ms);
    }

    void resume_accepting() {
        ready_.add(listener_.fd(), trama::interest::read);
        accept_again_ = trama::deadline(trama::no_timeout);
    }

    void serve(client& peer, const trama::ready_event& event) {
        if (event.readable) receive(peer);
        send_pending(peer);
        if (peer.has_ended && peer.pending.empty()) return remove(peer.stream.fd());
        watch(peer);
    }

    void receive(client& peer) {
        char bytes[16384];
        const trama::io_result result = peer.stream.try_recv_some(bytes, sizeof bytes);
        switch (result.status) {
            case trama::io_status::done: return add_pending(peer, {bytes, result.bytes});
            case trama::io_status::would_block: return;
            case trama::io_status::end_of_stream: return end(peer, " left");
            case trama::io_status::failed: return lose(peer, result.error);
        }
    }

    // [region pending]
    void add_pending(client& peer, std::string_view bytes) {
        program::say(peer.stream.remote_endpoint(), ": ", trama::escaped(bytes, 60));
        idle_ends_.set(peer.stream.fd(), idle_);  // only the time of this client begins anew
        peer.pending += bytes;
    }
    // [/region pending]

    /// Sends what the system takes now. The rest waits until the client is writable again.
    void send_pending(client& peer) {
        if (peer.pending.empty()) return;
        const trama::io_result result = peer.stream.try_send_some(peer.pending);
        if (result.status == trama::io_status::failed) return lose(peer, result.error);
        peer.pending.erase(0, result.bytes);
    }

    /// The server reads nothing more from a client that does not read: memory must not fill.
    static trama::interest wanted_from(const client& peer) {
        if (peer.pending.empty()) return trama::interest::read;
        const bool is_read = !peer.has_ended && peer.pending.size() < 65536;
        return is_read ? trama::interest::read_write : trama::interest::write;
    }

    void watch(client& peer) {
        const trama::interest wanted = wanted_from(peer);
        if (wanted != peer.watched) ready_.modify(peer.stream.fd(), wanted);
        peer.watched = wanted;
    }

    /// Nothing more comes from this client. What is pending is still sent.
    void end(client& peer, const char* how) {
        program::say(peer.stream.remote_endpoint(), how);
        peer.has_ended = true;
    }

    /// The connection is broken, and nothing can be sent to it. The others do not notice.
    void lose(client& peer, const std::error_code& error) {
        if (!peer.has_ended)
            program::say(peer.stream.remote_endpoint(), " is lost: ", error.message());
        peer.has_ended = true;
        peer.pending.clear();
    }

    // [region remove]
    void remove(int fd) {
        ready_.remove(fd);  // before it is closed: the next client may get the same number
        idle_ends_.clear(fd);
        clients_.erase(fd);
        if (!accept_again_.is_never()) resume_accepting();  // there is a free descriptor now
    }
    // [/region remove]

    /// Accepts no more clients and ends each stream where it is now. The same loop answers what has
    /// come, for half a second at most.
    void finish() {
        ready_.remove(stop_.fd());
        ready_.remove(listener_.fd());
        listener_.close();
        accept_again_ = trama::deadline(trama::no_timeout);
        for (const auto& [fd, peer] : clients_) ::shutdown(fd, SHUT_RD);  // fails if it is broken
        const trama::deadline limit(500ms);
        while (!clients_.empty() && !limit.passed()) serve_round(limit);
    }

    const std::chrono::seconds idle_;
    trama::tcp_listener listener_;
    trama::stop_signal stop_;
    trama::selector ready_;
    trama::deadlines idle_ends_;     // when each client has been silent too long
    std::map<int, client> clients_;  // by descriptor
    trama::deadline accept_again_{trama::no_timeout};
    bool is_stopping_ = false;
};

int serve_all(const program::options& given) {
    echo_server(given).run();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, usage,
        {program::host_option("0.0.0.0"), program::port_option(), {'i', "idle", "5"}}, serve_all);
}

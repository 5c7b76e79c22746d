// idle_echo_server -- select_echo_server with a deadline for each client: who is silent must leave
//
// Goal:     Expel each client that has said nothing for 5 s, at its own time.
// Run:      ./idle_echo_server
//           nc localhost 5000                     say nothing
//           ../02_echo_client/echo_client         in a third terminal: say something now and then
// Observe:  The silent one is out after 5 s, however busy the others are. The wait ends when the
//           first of the deadlines does. diff ../12_select/select_echo_server.cpp and this.
// Exercise: Send a warning one second before: which deadline do you need, and what tells you in
//           next_passed() which of the two it was?
// Next:     naive/idle_echo_server.cpp, where one time-out is for all; then the chat, chapter 14.
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

/// All that must be remembered of a client from one round to the next.
struct client {
    trama::tcp_stream stream;
    std::string owed = {};   // came from it, and is to go back
    bool has_ended = false;  // nothing more comes from it
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
        open_door();
        while (!is_stopping_) serve_round(door_opens_);
        finish();
    }

private:
    // [region round]
    /// Waits for all of them at once. Then nothing may wait: not for a client, not for anything.
    void serve_round(const trama::deadline& until) {
        const trama::duration time = std::min(until.left(), silences_.left());
        for (const trama::ready_event event : ready_.wait(time)) {
            if (event.fd == stop_.fd()) {
                is_stopping_ = true;
            } else if (event.fd == listener_.fd()) {
                welcome();
            } else {
                serve(clients_.at(event.fd), event);
            }
        }
        expel_silent();
        if (door_opens_.passed()) open_door();
    }
    // [/region round]

    // [region expel]
    void expel_silent() {
        for (int fd; (fd = silences_.next_passed()) != -1;) {
            const client& who = clients_.at(fd);
            program::say(who.stream.remote_endpoint(), " was silent for too long");
            remove(fd);
        }
    }
    // [/region expel]

    void welcome() {
        trama::tcp_stream stream;
        const trama::io_result result = listener_.try_accept(stream);
        if (result.status == trama::io_status::failed) return close_door(result.error);
        if (result.status == trama::io_status::done) admit(std::move(stream));
    }

    void admit(trama::tcp_stream stream) {
        const int fd = stream.fd();
        try {
            ready_.add(fd, trama::interest::read);
        } catch (const trama::network_error& error) {
            program::say(stream.remote_endpoint(), " is refused: ", error.what());
            return;
        }
        program::say(stream.remote_endpoint(), " came");
        clients_.insert({fd, client{std::move(stream)}});
        silences_.set(fd, idle_);
    }

    /// No descriptor is left, most likely. Who is at the door stays there, and would be ready again
    /// at once, for ever: so nobody looks, until a client has left or half a second has passed.
    void close_door(const std::error_code& error) {
        program::say("cannot accept: ", error.message());
        ready_.remove(listener_.fd());
        door_opens_ = trama::deadline(500ms);
    }

    void open_door() {
        ready_.add(listener_.fd(), trama::interest::read);
        door_opens_ = trama::deadline(trama::no_timeout);
    }

    void serve(client& who, const trama::ready_event& event) {
        if (event.readable) receive(who);
        send_owed(who);
        if (who.has_ended && who.owed.empty()) return remove(who.stream.fd());
        watch(who);
    }

    void receive(client& who) {
        char bytes[16384];
        const trama::io_result result = who.stream.try_recv_some(bytes, sizeof bytes);
        switch (result.status) {
            case trama::io_status::done: return take(who, {bytes, result.bytes});
            case trama::io_status::would_block: return;
            case trama::io_status::end_of_stream: return end(who, " left");
            case trama::io_status::failed: return lose(who, result.error);
        }
    }

    // [region take]
    void take(client& who, std::string_view bytes) {
        program::say(who.stream.remote_endpoint(), ": ", trama::escaped(bytes, 60));
        silences_.set(who.stream.fd(), idle_);  // only this one's begins anew
        who.owed += bytes;
    }
    // [/region take]

    /// Sends what the system takes now. The rest waits until the client is writable again.
    void send_owed(client& who) {
        if (who.owed.empty()) return;
        const trama::io_result result = who.stream.try_send_some(who.owed);
        if (result.status == trama::io_status::failed) return lose(who, result.error);
        who.owed.erase(0, result.bytes);
    }

    /// Whoever does not take what it is owed is not listened to either, or our memory would fill.
    void watch(client& who) {
        const bool listens = !who.has_ended && who.owed.size() < 65536;
        const auto wanted = who.owed.empty() ? trama::interest::read
                            : listens        ? trama::interest::read_write
                                             : trama::interest::write;
        if (wanted != who.watched) ready_.modify(who.stream.fd(), wanted);
        who.watched = wanted;
    }

    /// Nothing more comes from it. What it is owed still goes.
    void end(client& who, const char* how) {
        program::say(who.stream.remote_endpoint(), how);
        who.has_ended = true;
    }

    /// Its connection is broken, and it is owed nothing any more. The others do not notice.
    void lose(client& who, const std::error_code& error) {
        if (!who.has_ended)
            program::say(who.stream.remote_endpoint(), " is lost: ", error.message());
        who.has_ended = true;
        who.owed.clear();
    }

    // [region remove]
    void remove(int fd) {
        ready_.remove(fd);  // before it is closed: the next client may get the same number
        silences_.clear(fd);
        clients_.erase(fd);
        if (!door_opens_.is_never()) open_door();  // there is a free descriptor now
    }
    // [/region remove]

    /// Nobody else comes, and each stream ends where it is now. The same loop answers what has
    /// come, but not for long.
    void finish() {
        ready_.remove(stop_.fd());
        ready_.remove(listener_.fd());
        listener_.close();
        door_opens_ = trama::deadline(trama::no_timeout);
        for (const auto& [fd, who] : clients_) ::shutdown(fd, SHUT_RD);  // fails only if it is lost
        for (const trama::deadline limit(500ms); !clients_.empty() && !limit.passed();)
            serve_round(limit);
    }

    const std::chrono::seconds idle_;
    trama::tcp_listener listener_;
    trama::stop_signal stop_;
    trama::selector ready_;
    trama::deadlines silences_;      // when the silence of each has lasted too long
    std::map<int, client> clients_;  // by descriptor
    trama::deadline door_opens_{trama::no_timeout};
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

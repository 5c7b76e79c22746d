// thread_echo_server -- the echo server of chapter 03, with a thread for each client
//
// Goal:     Serve many clients at once, and know of every thread when and how it ends.
// Run:      ./thread_echo_server
//           ../02_echo_client/echo_client         in a second terminal, and in a third
// Observe:  Nobody waits for anybody: echo() is the one of chapter 03, but it may wait as long as
//           it likes. Ctrl-C ends all conversations, and then the program.
// Exercise: Start it with --max-clients 2, and come with three clients. While they are there:
//           ls /proc/$(pidof thread_echo_server)/task
// Next:     fork_echo_server.cpp, the same with a process for each client.
#include "../support/program.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <iterator>
#include <list>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>

namespace {

using namespace std::chrono_literals;

constexpr const char* examples = R"(
  thread_echo_server                   on every IPv4 address, port 5000
  thread_echo_server --max-clients 2   a third client is refused: there is no room
)";

/// One thread at a time may speak, or two lines would come out mixed.
template <typename... Parts>
void tell(const Parts&... parts) {
    static std::mutex speaking;
    const std::lock_guard<std::mutex> lock(speaking);
    program::say(parts...);
}

/// Sends back what each read returned, until the client closes.
void echo(trama::tcp_stream& client) {
    for (;;) {
        const std::string bytes = client.recv_some(1024);
        if (bytes.empty()) return;
        client.send_all(bytes);
    }
}

/// The work of each thread. An exception that left a thread would end the whole program.
void serve(trama::tcp_stream& client) noexcept {
    try {
        tell(client.remote_endpoint(), " came");
        echo(client);
        tell(client.remote_endpoint(), " left");
    } catch (const std::exception& error) {
        tell(client.remote_endpoint(), " is lost: ", program::reason(error));
    }
}

/// The clients that are here, each with its thread.
class crowd {
public:
    explicit crowd(long most) : most_(static_cast<std::size_t>(most)) {}
    crowd(const crowd&) = delete;
    crowd& operator=(const crowd&) = delete;
    ~crowd() { end_all(); }

    void add(trama::tcp_stream client) {
        if (guests_.size() == most_) return refuse(client, "there is no room");
        guest& added = guests_.emplace_back(std::move(client));
        try {
            added.thread = std::thread([this, &added] { attend(added); });
        } catch (const std::system_error& error) {  // the system has no thread left for us
            refuse(added.client, error.what());
            guests_.pop_back();
        }
    }

    /// A thread that has ended still holds its stack, until somebody joins it.
    void join_finished() {
        for (auto each = guests_.begin(); each != guests_.end();) {
            const auto next = std::next(each);
            if (is_gone(*each)) {
                each->thread.join();
                guests_.erase(each);
            }
            each = next;
        }
    }

private:
    // [region shared]
    struct guest {
        explicit guest(trama::tcp_stream stream) : client(std::move(stream)) {}
        trama::tcp_stream client;  // opened and closed under the lock
        bool gone = false;         // read and written under the lock
        std::thread thread;        // the main thread's own affair, as the list is
    };

    void attend(guest& one) {
        serve(one.client);
        const std::lock_guard<std::mutex> lock(mutex_);
        one.client.close();
        one.gone = true;
        somebody_left_.notify_one();
    }
    // [/region shared]

    bool is_gone(const guest& one) {
        const std::lock_guard<std::mutex> lock(mutex_);
        return one.gone;
    }

    static void refuse(trama::tcp_stream& client, const char* why) {
        tell(client.remote_endpoint(), " is refused: ", why);
        const trama::io_result sent = client.try_send_some("the server is full\n");
        if (sent.status == trama::io_status::done) client.close_lingering(20ms);
    }

    // [region end-all]
    /// What has come is still answered; who takes too long over that is cut off.
    void end_all() {
        std::unique_lock<std::mutex> lock(mutex_);
        hang_up(SHUT_RD);
        somebody_left_.wait_for(lock, 500ms, [this] {
            return std::all_of(guests_.begin(), guests_.end(),
                               [](guest& each) { return each.gone; });
        });
        hang_up(SHUT_RDWR);
        lock.unlock();
        for (guest& each : guests_) each.thread.join();
    }
    // [/region end-all]

    void hang_up(int directions) {
        for (guest& each : guests_)
            if (!each.gone) ::shutdown(each.client.fd(), directions);  // fails if the peer has gone
    }

    const std::size_t most_;
    std::list<guest> guests_;  // a list, because its elements never move
    std::mutex mutex_;
    std::condition_variable somebody_left_;
};

/// One client more. Not being able to accept it is no reason to give up those that are here.
void welcome(trama::tcp_listener& listener, crowd& clients) {
    trama::tcp_stream client;
    const trama::io_result result = listener.try_accept(client);
    if (result.status == trama::io_status::done) clients.add(std::move(client));
    if (result.status != trama::io_status::failed) return;
    tell("cannot accept: ", result.error.message());
    program::pause(200ms);  // it would fail again at once
}

// [region main-thread]
int serve_all(const program::options& given) {
    crowd clients(given.number("max-clients", 1, 30000));
    auto listener = trama::tcp_listener::listen(given.host(), given.port());
    program::announce(listener.local_endpoint());
    while (!program::stopping()) {
        const bool somebody_comes = program::wait_readable(listener.fd(), 1s);
        clients.join_finished();
        if (somebody_comes) welcome(listener, clients);
    }
    return 0;  // the listener is closed first, for it was made last; then ~crowd ends the others
}
// [/region main-thread]

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::address_option(),
         program::port_option(),
         {'m', "max-clients", "N", "100", "serve at most N clients at once, 1 to 30000"}},
        serve_all);
}

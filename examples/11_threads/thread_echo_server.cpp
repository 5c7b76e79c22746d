// thread_echo_server -- the echo server of chapter 03, with a thread for each client
//
// Goal:     Serve many clients at once, and know when and how each thread ends.
// Run:      ./thread_echo_server
//           ../02_echo_client/echo_client         in a second terminal, and in a third
// Observe:  No client waits for another one. echo() is the one of chapter 03, without the dot, and
//           may wait as long as it likes. Ctrl-C ends all conversations, and then the program.
// Exercise: Start it with --max-clients 2, and connect three clients. While they are there:
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

/// Prints one line. One thread at a time may print, or two lines would come out mixed.
template <typename... Parts>
void log(const Parts&... parts) {
    static std::mutex printing;
    const std::lock_guard<std::mutex> lock(printing);
    program::say(parts...);
}

/// Sends back what each receive returned, until the client closes.
void echo(trama::tcp_stream& client) {
    while (true) {
        const std::string bytes = client.recv_some(1024);
        if (bytes.empty()) return;
        client.send_all(bytes);
    }
}

/// The work of each thread. An exception that left a thread would end the whole program.
void serve(trama::tcp_stream& client) noexcept {
    try {
        log(client.remote_endpoint(), " came");
        echo(client);
        log(client.remote_endpoint(), " left");
    } catch (const std::exception& error) {
        log(client.remote_endpoint(), " is lost: ", program::reason(error));
    }
}

/// The connected clients, each with its thread.
class client_threads {
public:
    explicit client_threads(long most) : most_(static_cast<std::size_t>(most)) {}
    client_threads(const client_threads&) = delete;
    client_threads& operator=(const client_threads&) = delete;
    ~client_threads() { end_all(); }

    void add(trama::tcp_stream client) {
        if (entries_.size() == most_) return refuse(client, "there is no room");
        entry& added = entries_.emplace_back(std::move(client));
        try {
            added.thread = std::thread([this, &added] { run(added); });
        } catch (const std::system_error& error) {  // the system has no thread left for us
            refuse(added.client, error.what());
            entries_.pop_back();
        }
    }

    /// Joins the threads that have ended: until then the system keeps their stacks.
    void join_finished() {
        for (auto each = entries_.begin(); each != entries_.end();) {
            const auto next = std::next(each);
            if (has_finished(*each)) {
                each->thread.join();
                entries_.erase(each);
            }
            each = next;
        }
    }

private:
    struct entry {
        explicit entry(trama::tcp_stream stream) : client(std::move(stream)) {}
        trama::tcp_stream client;  // opened and closed under the lock
        bool finished = false;     // read and written under the lock
        std::thread thread;        // used by the main thread only, like the list
    };

    // [region shared]
    /// Everything that a thread does. The main thread also uses `finished` and the client.
    void run(entry& own) {
        serve(own.client);
        const std::lock_guard<std::mutex> lock(mutex_);
        own.client.close();
        own.finished = true;
        one_finished_.notify_one();
    }
    // [/region shared]

    bool has_finished(const entry& each) {
        const std::lock_guard<std::mutex> lock(mutex_);
        return each.finished;
    }

    static void refuse(trama::tcp_stream& client, const char* why) {
        log(client.remote_endpoint(), " is refused: ", why);
        const trama::io_result sent = client.try_send_some("the server is full\n");
        if (sent.status == trama::io_status::done) client.close_lingering(20ms);
    }

    // [region end-all]
    /// Ends all conversations. Each thread has half a second to answer what it has received.
    void end_all() {
        std::unique_lock<std::mutex> lock(mutex_);
        shut_down(SHUT_RD);
        one_finished_.wait_for(lock, 500ms, [this] {
            return std::all_of(entries_.begin(), entries_.end(),
                               [](const entry& each) { return each.finished; });
        });
        shut_down(SHUT_RDWR);
        lock.unlock();
        for (entry& each : entries_) each.thread.join();
    }
    // [/region end-all]

    void shut_down(int directions) {
        for (const entry& each : entries_)
            if (!each.finished) ::shutdown(each.client.fd(), directions);  // fails if it is broken
    }

    const std::size_t most_;
    std::list<entry> entries_;  // a list, because its elements never move
    std::mutex mutex_;
    std::condition_variable one_finished_;
};

/// Accepts one client. An error of accept must not end the conversations with the others.
void accept_client(trama::tcp_listener& listener, client_threads& clients) {
    trama::tcp_stream client;
    const trama::io_result result = listener.try_accept(client);
    if (result.status == trama::io_status::done) clients.add(std::move(client));
    if (result.status != trama::io_status::failed) return;
    log("cannot accept: ", result.error.message());
    program::pause(200ms);  // it would fail again at once
}

// [region main-thread]
int serve_all(const program::options& given) {
    client_threads clients(given.number("max-clients", 1, 30000));
    auto listener = trama::tcp_listener::listen(given.host(), given.port());
    program::announce(listener.local_endpoint());
    while (!program::stopping()) {
        const bool is_ready = program::wait_readable(listener.fd(), 1s);
        clients.join_finished();
        if (is_ready) accept_client(listener, clients);
    }
    return 0;  // the listener, made last, is closed first; then ~client_threads ends the others
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

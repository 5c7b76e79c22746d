// start-server -- a server that stores files, gives them back, and lists them
//
// Goal:     Write a server whose format others have fixed, and which nothing that a client sends,
//           or does not send, can harm.
// Run:      ./start-server
//           ./upload-file -s FILE -n NAME     in a second terminal; then ./list-files
// Observe:  While a file is on its way, the old one of that name is still there, whole. Type s and
//           Enter for the statistics, q and Enter to stop.
// Exercise: Start it with -v, and upload a file by hand, with printf and nc. Then send only a part
//           of it, and look for what is left in the folder.
// Next:     ../17_hftp, where a client asks many times on one connection.
#include "handler_threads.hpp"

#include <chrono>
#include <csignal>
#include <string>
#include <string_view>
#include <thread>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using store::level;

constexpr const char* examples = R"(
  start-server                             on localhost, port 4321, with the folder "files"
  start-server -H 0.0.0.0 -s /srv/files    for other machines, too

At a terminal: s and Enter shows the statistics, q and Enter stops. So does Ctrl-C.
)";

constexpr const char* default_storage = "files";

/// The folder must be there. What uploads have left in it that were killed is deleted.
void prepare(const std::string& storage) {
    const trama::folder folder =
        storage == default_storage ? trama::folder::make(storage) : trama::folder(storage);
    trama::atomic_file::clear_leftovers(folder);
}

class server {
public:
    explicit server(const program::options& given)
        : listener_(trama::tcp_listener::listen(given.host(), given.port())),
          clients_(given.text("storage"), given.timeout(),
                   static_cast<std::size_t>(given.number("max-clients", 1, 10000)), counts_) {
        stop_.catch_signals();
        ready_.add(stop_.fd(), trama::interest::read);
        ready_.add(listener_.fd(), trama::interest::read);
        ::signal(SIGTTIN, SIG_IGN);  // see watch_keys
    }

    void run() {
        program::announce(listener_.local_endpoint());
        store::log(level::info, "Listening on port ", listener_.local_endpoint().port(), '.');
        if (has_console_) tell_keys();
        while (!is_stopping_) serve_round();
        store::log(level::info, "Stopping.");
        listener_.close();
        clients_.end_all();
        if (has_console_) show_statistics();
    }

private:
    /// The acceptor: it only waits, for clients, for keys, and for signals.
    void serve_round() {
        if (has_console_) watch_keys();
        for (const trama::ready_event event : ready_.wait(1s)) {
            if (event.fd == stop_.fd()) is_stopping_ = true;
            if (event.fd == listener_.fd()) welcome();
            if (event.fd == STDIN_FILENO) read_keys();
        }
        clients_.join_finished();
    }

    void welcome() {
        trama::tcp_stream client;
        const trama::io_result result = listener_.try_accept(client);
        if (result.status == trama::io_status::done) {
            store::log(level::debug, "[Acceptor] ", client.remote_endpoint(), " has connected");
            clients_.add(std::move(client));
        } else if (result.status == trama::io_status::failed) {
            store::log(level::critical, "[Acceptor] cannot accept: ", result.error.message());
            std::this_thread::sleep_for(1s);  // it would fail again at once
        }
    }

    /// In the background ("start-server &") what is typed is for the shell, and a read would stop
    /// this program until it is in front again.
    void watch_keys() {
        ready_.remove(STDIN_FILENO);
        if (::tcgetpgrp(STDIN_FILENO) == ::getpgrp())
            ready_.add(STDIN_FILENO, trama::interest::read);
    }

    void read_keys() {
        char typed[256];
        const ssize_t count = ::read(STDIN_FILENO, typed, sizeof typed);
        if (count <= 0) return;  // Ctrl-D; or the shell was quicker
        keys_.append(typed, static_cast<std::size_t>(count));
        for (std::size_t end; (end = keys_.find('\n')) != std::string::npos;) {
            const std::string line = keys_.substr(0, end);
            keys_.erase(0, end + 1);
            obey(line);
        }
    }

    void obey(std::string_view line) {
        if (line == "s") return show_statistics();
        if (line == "q") is_stopping_ = true;
        if (line != "q" && !line.empty()) tell_keys();
    }

    static void tell_keys() { store::log(level::info, "Enter s for the statistics, q to stop."); }

    void show_statistics() const {
        std::cout << "Statistics\n  Run time: " << run_time()
                  << "\n  Established connections: " << counts_.connections
                  << "\n  Upload requests: " << counts_.upload_requests
                  << "\n  Download requests: " << counts_.download_requests
                  << "\n  List requests: " << counts_.list_requests
                  << "\n  Unknown requests: " << counts_.unknown_requests
                  << "\n  Bytes received: " << with_unit(counts_.bytes.received)
                  << "\n  Bytes sent: " << with_unit(counts_.bytes.sent)
                  << "\n  Files uploaded: " << counts_.uploads
                  << "\n  Files downloaded: " << counts_.downloads << std::endl;
    }

    std::string run_time() const {
        const auto passed = std::chrono::steady_clock::now() - begin_;
        const auto all = std::chrono::duration_cast<std::chrono::seconds>(passed).count();
        const auto two_digits = [](auto number) {
            return (number < 10 ? ":0" : ":") + std::to_string(number);
        };
        return std::to_string(all / 3600) + two_digits(all / 60 % 60) + two_digits(all % 60);
    }

    static std::string with_unit(std::uint64_t bytes) {
        return std::to_string(bytes) + " (" + store::size_text(bytes) + ')';
    }

    const std::chrono::steady_clock::time_point begin_ = std::chrono::steady_clock::now();
    const bool has_console_ = ::isatty(STDIN_FILENO) == 1;
    store::statistics counts_;
    trama::stop_signal stop_;
    trama::tcp_listener listener_;
    store::handler_threads clients_;
    trama::poll_selector ready_;
    std::string keys_;
    bool is_stopping_ = false;
};

int serve_all(const program::options& given) {
    store::check_options(given);
    server here(given);  // first: who cannot listen, or mistypes, changes no folder
    prepare(given.text("storage"));
    here.run();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples,
                        {program::address_option("localhost"),
                         program::port_option("4321"),
                         {'s', "storage", "FOLDER", default_storage,
                          "the folder with the files; only the default is made"},
                         {'t', "timeout", "SECONDS", "60",
                          "drop a client that moves nothing for this long; 0: never"},
                         {'m', "max-clients", "N", "256", "serve at most N clients at once"}},
                        serve_all);
}

// start-server -- a server that stores files, gives them back, and lists them
//
// Goal:     Write a server for a format that others have fixed. No client can damage its files,
//           whatever it sends or does not send.
// Run:      ./start-server
//           ./upload-file -s FILE -n NAME     in a second terminal; then ./list-files
// Observe:  While a file is being uploaded, the old file of that name is still there, complete.
//           Type s and Enter for the statistics, q and Enter to stop.
// Exercise: Start it with -v, and upload a file by hand, with printf and nc. Then send only a part
//           of it, and look for what is left in the folder.
// Next:     ../17_hftp, where a client sends many requests on one connection.
#include "handler_threads.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <iostream>
#include <string>
#include <string_view>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;
using store::level;

constexpr const char* examples = R"(
  start-server                             on localhost, port 4321, with the folder "files"
  start-server -H 0.0.0.0 -s /srv/files    for other machines, too

Commands on stdin, one a line: s shows the statistics, q stops. Ctrl-C stops, too.
)";

constexpr const char* default_storage = "files";

/// Opens the folder, which must be there unless it is the default. Deletes the temporary files of
/// uploads that were killed.
void prepare(const std::string& storage) {
    const trama::folder folder =
        storage == default_storage ? trama::folder::make(storage) : trama::folder(storage);
    trama::atomic_file::clear_leftovers(folder);
}

class store_server {
public:
    explicit store_server(const program::options& given)
        : listener_(trama::tcp_listener::listen(given.host(), given.port())),
          clients_(given.text("storage"), given.timeout(),
                   static_cast<std::size_t>(given.number("max-clients", 1, 10000)), counts_) {
        stop_.catch_signals();
        ready_.add(stop_.fd(), trama::interest::read);
        resume_accepting();
        ::signal(SIGTTIN, SIG_IGN);  // see watch_stdin
    }

    void run() {
        program::announce(listener_.local_endpoint());
        store::log(level::info, "Listening on port ", listener_.local_endpoint().port(), '.');
        if (is_terminal_) show_commands();
        while (!is_stopping_) {
            serve_round();
        }
        store::log(level::info, "Stopping.");
        listener_.close();
        clients_.end_all();
        const bool has_reader = is_terminal_ || was_told_to_stop_;
        if (has_reader && program::verbosity > 0) show_statistics();
    }

private:
    /// The acceptor: it only waits, for clients, for commands, and for signals.
    void serve_round() {
        watch_stdin();
        const auto time = std::min<trama::duration>(1s, accept_again_.left());
        for (const trama::ready_event event : ready_.wait(time)) {
            if (event.fd == stop_.fd()) is_stopping_ = true;
            if (event.fd == listener_.fd()) accept_client();
            if (event.fd == STDIN_FILENO) read_commands();
        }
        clients_.join_finished();
        if (accept_again_.passed()) resume_accepting();
    }

    void accept_client() {
        trama::tcp_stream client;
        const trama::io_result result = listener_.try_accept(client);
        if (result.status == trama::io_status::done) {
            store::log(level::debug, "[Acceptor] ", client.remote_endpoint(), " has connected");
            clients_.add(std::move(client));
        } else if (result.status == trama::io_status::failed) {
            store::log(level::critical, "[Acceptor] cannot accept: ", result.error.message());
            pause_accepting();
        }
    }

    /// Most likely no descriptor is left. The next client stays in the queue, so the listener would
    /// be ready in every round. The server watches it again after half a second.
    void pause_accepting() {
        ready_.remove(listener_.fd());
        accept_again_ = trama::deadline(500ms);
    }

    void resume_accepting() {
        ready_.add(listener_.fd(), trama::interest::read);
        accept_again_ = trama::deadline(trama::no_timeout);
    }

    // ---- commands: stdin may be a terminal, a pipe or a file ------------------------------------

    void watch_stdin() {
        ready_.remove(STDIN_FILENO);
        if (!has_stdin_ended_ && may_read_stdin()) ready_.add(STDIN_FILENO, trama::interest::read);
    }

    /// False in the background of a shell ("start-server &"): then the typed lines belong to the
    /// shell, and the system would stop this program for reading them. man 3 tcgetpgrp
    bool may_read_stdin() const {
        if (!is_terminal_) return true;
        const pid_t in_front = ::tcgetpgrp(STDIN_FILENO);
        const bool is_ours = in_front == -1 && errno == ENOTTY;  // of no shell
        return is_ours || in_front == ::getpgrp();
    }

    void read_commands() {
        char bytes[256];
        const ssize_t count = ::read(STDIN_FILENO, bytes, sizeof bytes);
        if (count > 0) return run_commands({bytes, static_cast<std::size_t>(count)});
        const bool is_not_yet = count == -1 && (errno == EAGAIN || errno == EINTR);
        if (is_terminal_ || is_not_yet) return;  // after Ctrl-D more can be typed
        has_stdin_ended_ = true;
        run_command(line_);  // it had no line feed
    }

    void run_commands(std::string_view bytes) {
        for (const char byte : bytes) {
            if (byte == '\n') {
                run_command(line_);
                line_.clear();
            } else if (byte != '\r' && line_.size() < longest_line) {
                line_ += byte;
            }
        }
    }

    void run_command(std::string_view line) {
        if (is_stopping_ || line.empty()) return;
        if (line == "s") {
            show_statistics();
        } else if (line == "q") {
            is_stopping_ = true;
            was_told_to_stop_ = true;
        } else if (is_terminal_) {
            show_commands();
        }
    }

    static void show_commands() {
        store::log(level::info, "Enter s for the statistics, q to stop.");
    }

    // ---- statistics -----------------------------------------------------------------------------

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
    const bool is_terminal_ = ::isatty(STDIN_FILENO) == 1;
    static constexpr std::size_t longest_line = 80;  // of a command; the rest is thrown away
    store::statistics counts_;
    trama::stop_signal stop_;
    trama::tcp_listener listener_;
    store::handler_threads clients_;
    trama::poll_selector ready_;
    trama::deadline accept_again_;  // never: the listener is watched
    std::string line_;              // the beginning of the next command
    bool has_stdin_ended_ = false;
    bool is_stopping_ = false;
    bool was_told_to_stop_ = false;  // by q, and not by a signal
};

int serve_all(const program::options& given) {
    store::check_options(given);
    store_server server(given);  // before the folder: a server that cannot listen changes none
    prepare(given.text("storage"));
    server.run();
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

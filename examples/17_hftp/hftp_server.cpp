// hftp_server -- files in slices for many clients, in one thread that never waits for one of them
//
// Goal:     Write the loop and the state of each client by hand, for a protocol whose answers are
//           larger than the memory that a client may cost.
// Run:      mkdir testdata; echo hola > testdata/hola.txt; ./hftp_server
//           nc -C localhost 19500    and type help, get_file_listing, get_slice hola.txt 0 4, quit
// Observe:  Without -C, nc ends its lines in LF: that is BAD EOL. A slice of 33 MB is a line of
//           44 MB, and the server needs no more memory for it than for one of 10 bytes.
// Exercise: Add a command get_checksum NAME for files of any size. What may it not do, in one
//           thread? How long may a slow disk delay the other clients?
// Next:     hftp_client.cpp; session.hpp, file_service.hpp and answer.hpp, from outside in
#include "../support/program.hpp"
#include "file_service.hpp"
#include "hftp.hpp"
#include "session.hpp"

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;

constexpr const char* examples = R"(
  hftp_server                            the files in testdata, port 19500 of every address
  hftp_server -d /srv/files -p 0         those in another folder, on a free port
)";

class hftp_server {
public:
    explicit hftp_server(const program::options& given)
        : listener_(trama::tcp_listener::listen(given.text("address"), given.port(), 1024)),
          files_(given.text("datadir")),
          stall_limit_(given.timeout()) {}

    void run() {
        stop_.catch_signals();
        program::announce(listener_.local_endpoint());
        ready_.add(stop_.fd(), trama::interest::read);
        resume_accepting();
        while (!is_stopping_) {
            serve_round(trama::deadline());
        }
        finish();
    }

private:
    void serve_round(const trama::deadline& until) {
        const auto time = std::min({until.left(), late_.left(), resume_.left()});
        for (const trama::ready_event event : ready_.wait(time)) {
            if (event.fd == stop_.fd()) {
                is_stopping_ = true;
            } else if (event.fd == listener_.fd()) {
                accept_client();
            } else {
                give_turn(sessions_.at(event.fd), event.readable);
            }
        }
        drop_late_clients();
        if (resume_.passed()) resume_accepting();
    }

    /// An exception costs only this client: above all bad_alloc, when no memory is left for the
    /// bytes that it sends.
    void give_turn(hftp::session& client, bool is_readable) {
        const trama::endpoint address = client.remote_endpoint();
        const int fd = client.fd();
        try {
            client.take_turn(is_readable);
            update(client);
        } catch (const std::exception& error) {
            if (sessions_.count(fd) > 0) remove(fd);  // before the message: this frees memory
            program::say_error(address, " is lost: ", error.what());
        }
    }

    /// After each turn: the event to wait for, and the time limit.
    void update(const hftp::session& client) {
        if (client.is_closed()) return remove(client.fd());
        ready_.modify(client.fd(), client.wanted());
        late_.set(client.fd(), client.time_limit(stall_limit_));
    }

    void drop_late_clients() {
        for (int fd = late_.next_passed(); fd != -1; fd = late_.next_passed()) {
            program::say_more(sessions_.at(fd).remote_endpoint(), " took too long");
            remove(fd);
        }
    }

    // ---- accepting ------------------------------------------------------------------------------

    void accept_client() {
        trama::tcp_stream stream;
        if (sessions_.size() >= most_clients()) return pause_accepting("too many clients");
        const trama::io_result result = listener_.try_accept(stream);
        if (result.status == trama::io_status::failed)
            return pause_accepting(result.error.message());
        if (result.status == trama::io_status::done) add(std::move(stream));
    }

    void add(trama::tcp_stream stream) {
        const int fd = stream.fd();
        const trama::endpoint address = stream.remote_endpoint();
        try {
            stream.set_no_delay(true);  // an answer is sent in one piece, and should leave at once
            // A client may be silent for days. Now and then the system checks that it still runs.
            stream.set_option(SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE");
            sessions_.insert({fd, hftp::session(std::move(stream), files_)});
            ready_.add(fd, trama::interest::read);
        } catch (const std::exception& error) {
            sessions_.erase(fd);
            program::say_error(address, " is refused: ", error.what());
            return;
        }
        program::say(address, " connected");
    }

    /// A client may need two descriptors, its connection and a file. If all descriptors were
    /// connections, no file could be opened.
    static std::size_t most_clients() {
        return static_cast<std::size_t>(std::max(::sysconf(_SC_OPEN_MAX) - 16, 2L)) / 2;
    }

    /// Stops watching the listener until a client has left or half a second has passed. A waiting
    /// connection would make it ready again at once, and the loop would spin.
    void pause_accepting(const std::string& why) {
        program::say_error("accepting no more clients for now: ", why);
        ready_.remove(listener_.fd());
        resume_ = trama::deadline(500ms);
    }

    void resume_accepting() {
        ready_.add(listener_.fd(), trama::interest::read);
        resume_ = trama::deadline();
    }

    // ---- the end --------------------------------------------------------------------------------

    void remove(int fd) {
        const trama::endpoint address = sessions_.at(fd).remote_endpoint();
        ready_.remove(fd);  // before the descriptor is closed: the next client may get its number
        late_.clear(fd);
        sessions_.erase(fd);
        program::say(address, " disconnected");
        if (!resume_.is_never()) resume_accepting();
    }

    /// Accepts no client and answers no request any more. Sends pending output, for a short time.
    void finish() {
        ready_.remove(stop_.fd());
        ready_.remove(listener_.fd());
        listener_.close();
        resume_ = trama::deadline();
        finish_sessions();
        const trama::deadline limit(800ms);
        while (!sessions_.empty() && !limit.passed()) {
            serve_round(limit);
        }
    }

    void finish_sessions() {
        std::vector<hftp::session*> all;  // because a turn may erase its session
        for (auto& [fd, client] : sessions_) {
            all.push_back(&client);
        }
        for (hftp::session* each : all) {
            each->finish();
            give_turn(*each, false);
        }
    }

    trama::tcp_listener listener_;
    const hftp::file_service files_;
    const trama::duration stall_limit_;
    trama::stop_signal stop_;
    trama::poll_selector ready_;
    trama::deadlines late_;                  // by descriptor: until when it must have its next turn
    std::map<int, hftp::session> sessions_;  // by descriptor
    trama::deadline resume_;                 // of accepting; never: it is not paused
    bool is_stopping_ = false;
};

int serve_all(const program::options& given) {
    try {
        const trama::folder files(given.text("datadir"));
    } catch (const trama::file_error& error) {
        program::say_error(error.what(), ": until it is there, a listing is answered with 199");
    }
    hftp_server(given).run();
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {{'a', "address", "ADDRESS", "0.0.0.0", "the address to listen on"},
         program::port_option(hftp::port),
         {'d', "datadir", "FOLDER", "testdata", "the folder with the files to serve"},
         {'t', "timeout", "SECONDS", "60",
          "drop a client that takes nothing for this long; 0: never"}},
        serve_all);
}

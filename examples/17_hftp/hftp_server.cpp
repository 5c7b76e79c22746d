// hftp_server -- files in slices for many clients, in one thread that never waits for one of them
//
// Goal:     Write the loop and the state of each client by hand, for a protocol whose answers are
//           larger than the memory that a client may cost.
// Run:      mkdir testdata; echo hola > testdata/hola.txt; ./hftp_server
//           nc -C localhost 19500    and type help, get_file_listing, get_slice hola.txt 0 4, quit
// Observe:  Without -C, nc ends its lines in LF: that is BAD EOL. A slice of 33 MB is a line of
//           44 MB, and the server needs no more memory for it than for one of 10 bytes.
// Exercise: Add a command get_checksum NAME for files of any size. What may it not do, in one
//           thread? And who may be held up how long by a slow disk?
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
        open_door();
        while (!is_stopping_) serve_round(trama::deadline());
        finish();
    }

private:
    void serve_round(const trama::deadline& until) {
        const auto time = std::min({until.left(), late_.left(), door_opens_.left()});
        for (const trama::ready_event event : ready_.wait(time)) {
            if (event.fd == stop_.fd()) {
                is_stopping_ = true;
            } else if (event.fd == listener_.fd()) {
                welcome();
            } else {
                give_turn(sessions_.at(event.fd), event.readable);
            }
        }
        for (int fd; (fd = late_.next_passed()) != -1;) cut(sessions_.at(fd), "took too long");
        if (door_opens_.passed()) open_door();
    }

    /// Whatever goes wrong with one client (above all: no memory is left for what it sends) costs
    /// that client only.
    void give_turn(hftp::session& who, bool is_readable) {
        const trama::endpoint address = who.remote_endpoint();
        const int fd = who.fd();
        try {
            who.take_turn(is_readable);
            settle(who);
        } catch (const std::exception& error) {
            if (sessions_.count(fd) > 0) remove(fd);  // first: this gives memory back
            program::say(address, " is lost: ", error.what());
        }
    }

    /// After each turn: what to watch it for, and until when.
    void settle(const hftp::session& who) {
        if (who.is_gone()) return remove(who.fd());
        ready_.modify(who.fd(), who.wanted());
        late_.set(who.fd(), who.patience(stall_limit_));
    }

    void welcome() {
        trama::tcp_stream stream;
        if (sessions_.size() >= most_clients()) return close_door("every place is taken");
        const trama::io_result result = listener_.try_accept(stream);
        if (result.status == trama::io_status::failed) return close_door(result.error.message());
        if (result.status == trama::io_status::done) admit(std::move(stream));
    }

    void admit(trama::tcp_stream stream) {
        const int fd = stream.fd();
        const trama::endpoint address = stream.remote_endpoint();
        try {
            stream.set_no_delay(true);  // an answer goes in one piece, and should leave at once
            // A client may be silent for days. Now and then the system asks if it is still there.
            stream.set_option(SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE");
            sessions_.insert({fd, hftp::session(std::move(stream), files_)});
            ready_.add(fd, trama::interest::read);
        } catch (const std::exception& error) {
            sessions_.erase(fd);
            program::say(address, " is refused: ", error.what());
            return;
        }
        program::say(address, " came");
    }

    /// A client may need two descriptors, its connection and a file: with as many connections as
    /// there are descriptors, no file could be opened for anybody.
    static std::size_t most_clients() {
        return static_cast<std::size_t>(std::max(::sysconf(_SC_OPEN_MAX) - 16, 2L)) / 2;
    }

    /// Who is at the door stays there, and would be ready again at once, for ever: so nobody looks,
    /// until a client has left or half a second has passed.
    void close_door(const std::string& why) {
        program::say("no more clients for now: ", why);
        ready_.remove(listener_.fd());
        door_opens_ = trama::deadline(500ms);
    }

    void open_door() {
        ready_.add(listener_.fd(), trama::interest::read);
        door_opens_ = trama::deadline();
    }

    void cut(const hftp::session& who, const char* why) {
        program::say_more(who.remote_endpoint(), ' ', why);
        remove(who.fd());
    }

    void remove(int fd) {
        const trama::endpoint address = sessions_.at(fd).remote_endpoint();
        ready_.remove(fd);  // before it is closed: the next client may get the same number
        late_.clear(fd);
        sessions_.erase(fd);
        program::say(address, " left");
        if (!door_opens_.is_never()) open_door();
    }

    /// Nobody else comes, and no request is read any more. What is owed is still sent, but not for
    /// long.
    void finish() {
        ready_.remove(stop_.fd());
        ready_.remove(listener_.fd());
        listener_.close();
        door_opens_ = trama::deadline();
        std::vector<hftp::session*> all;
        for (auto& [fd, who] : sessions_) all.push_back(&who);
        for (hftp::session* each : all) {
            each->finish();
            give_turn(*each, false);
        }
        for (const trama::deadline limit(800ms); !sessions_.empty() && !limit.passed();)
            serve_round(limit);
    }

    trama::tcp_listener listener_;
    const hftp::file_service files_;
    const trama::duration stall_limit_;
    trama::stop_signal stop_;
    trama::poll_selector ready_;
    trama::deadlines late_;                  // who must take something, or go, until when
    std::map<int, hftp::session> sessions_;  // by descriptor
    trama::deadline door_opens_;             // never: it is open
    bool is_stopping_ = false;
};

int serve_all(const program::options& given) {
    try {
        const trama::folder files(given.text("datadir"));
    } catch (const trama::file_error& error) {
        program::say(error.what(), ": until it is there, a listing is answered with 199");
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

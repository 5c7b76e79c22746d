// examples/tools/chop_pump.hpp -- carries the bytes: one poll(2) loop over all connections.
//
//     client ---> lane to the server ---> server
//     client <--- lane to the client <--- server
//
// man 2 ppoll, man 7 tcp (TCP_NODELAY), man 7 socket (SO_LINGER)
#pragma once

#include "../support/system.hpp"
#include "chop_lane.hpp"

#include <algorithm>
#include <list>
#include <string>
#include <utility>
#include <vector>

namespace chop {

/// A client, the server's end for it, and a lane for each direction.
class connection {
public:
    connection(surroundings& around, std::uint64_t number, trama::tcp_stream client,
               trama::tcp_stream server)
        : client_(std::move(client)),
          server_(std::move(server)),
          up_(around, to_server, number, client_, server_),
          down_(around, to_client, number, server_, client_) {
        client_.set_no_delay(true);
        server_.set_no_delay(true);
    }

    pollfd watch_client() const { return watch(client_, up_, down_); }
    pollfd watch_server() const { return watch(server_, down_, up_); }

    /// Does all that can be done now. `client` and `server`: the events that have come. False: the
    /// connection is over. Throws network_error.
    bool serve(short client, short server) {
        if (client != 0) take(client_, up_, client);
        if (server != 0) take(server_, down_, server);
        up_.forward();
        down_.forward();
        if (up_.reset_is_due() || down_.reset_is_due()) {
            reset();
            return false;
        }
        // Nothing is sent during a stall, so no error shows that the client has left. The server
        // must not wait for it: the next client of the server waits as well.
        if (stalled() && up_.sender_ended() && down_.receiver_gone()) return false;
        return !up_.over() || !down_.over();
    }

    /// Both ends get a reset, and not an end of stream: with a linger time of 0, close sends it.
    void reset() noexcept {
        const linger at_once{1, 0};
        for (const int fd : {client_.fd(), server_.fd()})
            ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }

    /// No more is received; what has come is still delivered.
    void end() {
        up_.end();
        down_.end();
    }

    /// When serve() is worth another call, at the latest.
    trama::duration look_again() const {
        const trama::duration next = std::min(up_.look_again(), down_.look_again());
        constexpr trama::duration glance = std::chrono::milliseconds(50);  // is the client there?
        return stalled() ? std::min(next, glance) : next;
    }

private:
    bool stalled() const { return up_.stalled() || down_.stalled(); }

    /// What to wait for at `socket`, which `in` receives from and `out` sends to.
    static pollfd watch(const trama::tcp_stream& socket, const lane& in, const lane& out) {
        int events = 0;
        if (in.wants_to_receive()) events |= POLLIN;
        if (out.wants_to_send()) events |= POLLOUT;
        // Both halves closed: poll would report just that, again and again.
        const bool both_closed = in.sender_ended() && out.sending_ended();
        return {both_closed ? -1 : socket.fd(), static_cast<short>(events), 0};
    }

    static void take(const trama::tcp_stream& socket, lane& in, short events) {
        if (in.wants_to_receive()) return in.receive();
        if ((events & (POLLERR | POLLHUP)) == 0) return;
        throw trama::network_error(
            std::make_error_code(std::errc::connection_reset),
            (socket.remote_endpoint().to_string() + " has cut the connection").c_str());
    }

    trama::tcp_stream client_;
    trama::tcp_stream server_;
    lane up_;
    lane down_;
};

/// The listener, all its connections, and the loop.
class pump {
public:
    pump(trama::tcp_listener& listener, const settings& given)
        : listener_(listener), around_{given} {}

    /// Waits until something happens, at most so long, and deals with it. Returns whether `other`
    /// (a descriptor, or -1) can be read.
    bool turn(int other = -1, trama::duration at_most = trama::no_timeout) {
        const bool stopping = program::stopping();
        const bool accepting = !stopping && steady::now() >= accept_again_;
        watched_.assign({{accepting ? listener_.fd() : -1, POLLIN, 0},
                         {other, POLLIN, 0},
                         {stopping ? -1 : program::catch_signals().fd(), POLLIN, 0}});
        for (const connection& each : connections_) {
            watched_.push_back(each.watch_client());
            watched_.push_back(each.watch_server());
            at_most = std::min(at_most, each.look_again());
        }
        if (!accepting)
            at_most = std::min<trama::duration>(at_most, std::chrono::milliseconds(100));
        wait(at_most);
        serve_all();
        if (watched_[0].revents != 0 && !program::stopping()) accept_client();
        return watched_[1].revents != 0;
    }

    /// Delivers what has come, for a second at most, and closes.
    void finish() {
        const trama::deadline limit(std::chrono::seconds(1));
        for (connection& each : connections_) each.end();
        while (!connections_.empty() && limit.left() > trama::duration::zero())
            turn(-1, std::chrono::milliseconds(10));
    }

    /// How many clients have come.
    std::uint64_t connections() const { return next_number_; }

    /// Why the last connection to the server failed; empty: each one was made.
    const std::string& server_error() const { return server_error_; }

    /// What the sender sent on the first connection, or the start of it.
    const std::string& history(direction which) const { return around_.history[which]; }

private:
    void wait(trama::duration at_most) {
        // poll(2) counts milliseconds. To a piece that waits for a reader that is far too coarse.
        const int ready = program::poll_for(watched_.data(), watched_.size(), at_most);
        if (ready >= 0) return;
        if (errno != EINTR) throw std::system_error(errno, std::generic_category(), "poll");
        for (pollfd& each : watched_) each.revents = 0;
    }

    void serve_all() {
        std::size_t place = 3;  // behind the listener, `other` and the stop
        for (auto each = connections_.begin(); each != connections_.end(); place += 2) {
            const bool goes_on = serve(*each, watched_[place].revents, watched_[place + 1].revents);
            each = goes_on ? std::next(each) : connections_.erase(each);
        }
    }

    /// What goes wrong in a connection costs this connection only.
    static bool serve(connection& one, short client, short server) {
        try {
            return one.serve(client, server);
        } catch (const trama::network_error& error) {
            program::say(error.what());
            one.reset();  // so that the other end gets an error, too
            return false;
        }
    }

    void accept_client() {
        trama::tcp_stream client;
        const trama::io_result result = listener_.try_accept(client);
        if (result.status == trama::io_status::would_block) return;
        if (result.status == trama::io_status::failed) {
            // Most likely too many open files. Without a rest the loop would spin.
            program::say_error("cannot accept: ", result.error.message());
            accept_again_ = steady::now() + std::chrono::milliseconds(100);
            return;
        }
        const std::uint64_t number = next_number_++;
        program::say("connection ", number, " from ", client.remote_endpoint(), ", seed ",
                     around_.given.cutting.seed + number);
        try {
            connections_.emplace_back(around_, number, std::move(client), connect_to_server());
        } catch (const std::system_error& error) {
            server_error_ = error.what();
            program::say("connection ", number, " is closed: ", error.what());
        }
    }

    /// Waits for an address that does not answer, and all the others wait with it; a server to be
    /// tested answers, or refuses, at once.
    trama::tcp_stream connect_to_server() const {
        const settings& given = around_.given;
        for (const trama::deadline limit(std::chrono::seconds(5));;) {
            try {
                return trama::tcp_stream::connect(given.host, given.port, limit.left());
            } catch (const trama::network_error& error) {
                const bool refused = error.code() == std::errc::connection_refused;
                const bool late = limit.left() < std::chrono::milliseconds(100);
                if (!given.server_starts_late || !refused || late || program::stopping()) throw;
            }
            ::poll(nullptr, 0, 10);
        }
    }

    trama::tcp_listener& listener_;
    surroundings around_;
    std::list<connection> connections_;
    std::vector<pollfd> watched_;
    std::uint64_t next_number_ = 0;
    std::string server_error_;
    steady::time_point accept_again_{};
};

}  // namespace chop

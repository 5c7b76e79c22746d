// examples/tools/chop_lane.hpp -- one direction of one connection.
//
//     from_ ---> waiting_ ---> | cutter_: how many bytes are the next piece?  | ---> to_
//                              | gate_:   has the receiver read the last one? |
#pragma once

#include "../support/program.hpp"
#include "chop_cutter.hpp"
#include "chop_delivery.hpp"

#include <algorithm>
#include <string>

namespace chop {

/// How the pump treats every connection.
struct settings {
    std::string host;  ///< the server
    int port = 0;
    bool server_starts_late = false;  ///< call again while it refuses
    plan cutting;
    trama::duration stall = std::chrono::seconds(60);
    trama::duration hold = std::chrono::milliseconds(20);  ///< glue: at most, after the last byte
    trama::duration pause = std::chrono::milliseconds(1);  ///< where the receiver cannot be seen
};

/// What all connections have in common.
struct surroundings {
    const settings& given;
    socket_table table = {};
    std::string history[2] = {};  ///< by direction: how the stream of the first connection starts
};

/// Receives from one end, cuts, and sends to the other. It never waits: forward() does what can be
/// done now, and look_again() returns when there will be more to do.
class lane {
public:
    /// `number`: of the connection. Everything that is referred to must outlive the lane.
    lane(surroundings& around, direction which, std::uint64_t number, trama::tcp_stream& from,
         trama::tcp_stream& to)
        : given_(around.given),
          history_(number == 0 ? &around.history[which] : nullptr),
          name_("connection " + std::to_string(number) +
                (which == to_server ? ", to the server" : ", to the client")),
          from_(from),
          to_(to),
          cutter_(given_.cutting, which, number),
          gate_(around.table, to, given_.pause) {}

    bool wants_to_receive() const { return !ended_ && waiting_.size() < room; }
    bool wants_to_send() const { return blocked_; }
    bool sender_ended() const { return ended_; }
    bool sending_ended() const { return finished_; }
    bool over() const { return finished_ && ended_; }
    bool stalled() const { return steady::now() < stalled_until_; }

    /// Takes what the sender has sent. Throws network_error.
    void receive() {
        char bytes[room];
        const trama::io_result got = from_.try_recv_some(bytes, sizeof bytes);
        if (got.status == trama::io_status::failed) fail("receiving", got);
        if (got.status == trama::io_status::end_of_stream) ended_ = true;
        if (got.status != trama::io_status::done || finished_) return;  // finished: thrown away
        accept({bytes, got.bytes});
        held_until_ = steady::now() + given_.hold;
    }

    /// Sends the pieces whose time has come. Throws network_error.
    void forward() {
        look_again_ = trama::no_timeout;
        blocked_ = false;
        while (!finished_ && (!waiting_.empty() || ended_ || cutter_.interruption_due())) {
            if (stalled()) return wait(stalled_until_ - steady::now());
            if (paced() && !gate_.open()) return wait(gate_.query_again_in());
            if (paced()) report_if_blind();
            if (cutter_.interruption_due()) {
                interrupt();
            } else if (waiting_.empty()) {
                finish();
            } else if (!send_piece()) {
                return;
            }
        }
    }

    /// As if the sender had closed now.
    void end() { ended_ = true; }

    /// The program that receives here has closed its socket.
    bool receiver_gone() { return gate_.gone(); }

    /// When forward() is worth another call, at the latest.
    trama::duration look_again() const { return look_again_; }

    bool reset_is_due() const { return reset_; }

private:
    static constexpr std::size_t room = 65536;

    bool paced() const { return cutter_.how() != mode::whole; }

    void accept(std::string_view bytes) {
        waiting_ += bytes;
        if (history_ != nullptr && history_->size() < room) *history_ += bytes;
        const std::string why = cutter_.arrived(bytes);
        if (!why.empty()) program::say(name_, ": passed plainly from here: ", why);
    }

    void wait(trama::duration time) { look_again_ = std::max(time, trama::duration::zero()); }

    /// Returns the size of the next piece; 0: it is held back, because more may come.
    std::size_t next_size() {
        const std::size_t size = cutter_.next_piece(waiting_.size());
        if (size > 0) return size;
        if (!ended_ && waiting_.size() < room && steady::now() < held_until_) {
            wait(held_until_ - steady::now());
            return 0;
        }
        cutter_.release(waiting_.size());
        return cutter_.next_piece(waiting_.size());
    }

    /// Returns false if nothing more can be sent now.
    bool send_piece() {
        const std::size_t size = next_size();
        if (size == 0) return false;
        const trama::io_result sent = to_.try_send_some({waiting_.data(), size});
        if (sent.status == trama::io_status::failed) fail("sending", sent);
        blocked_ = sent.status == trama::io_status::would_block;
        if (blocked_) return false;
        program::say_more(name_, ", byte ", cutter_.position(), ": ", sent.bytes, " \"",
                          program::shown{{waiting_.data(), sent.bytes}, 48}, '"');
        cutter_.sent(sent.bytes);
        gate_.sent(sent.bytes);
        waiting_.erase(0, sent.bytes);
        return true;
    }

    /// The stall, reset or half-close, at its place in the stream.
    void interrupt() {
        cutter_.interruption_done();
        report(interruption_text());
        if (cutter_.how() == mode::stall) stalled_until_ = steady::now() + given_.stall;
        if (cutter_.how() == mode::half_close) finish();
        reset_ = cutter_.how() == mode::reset;
        finished_ = finished_ || reset_;
    }

    /// The receiver reads what was sent, then the end of the stream.
    void finish() {
        finished_ = true;
        waiting_.clear();
        to_.shutdown_send();
    }

    const char* interruption_text() const {
        if (cutter_.how() == mode::stall) return "stalls";
        return cutter_.how() == mode::reset ? "is reset" : "is shut down";
    }

    void report(const char* what) const {
        program::say(name_, ": ", what, " after byte ", cutter_.position());
    }

    void report_if_blind() {
        if (blind_ || !gate_.blind()) return;
        blind_ = true;
        program::say(name_,
                     ": the receiver is not on this machine, so chop cannot see when it has "
                     "read a piece; see --pause");
    }

    [[noreturn]] void fail(const char* doing, const trama::io_result& result) const {
        const std::string text = name_ + ", " + doing + ": " + result.error.message();
        throw trama::network_error(result.error, text.c_str());
    }

    const settings& given_;
    std::string* history_;  // nullptr: not recorded
    std::string name_;
    trama::tcp_stream& from_;
    trama::tcp_stream& to_;
    cutter cutter_;
    gate gate_;
    std::string waiting_;    // received, not yet sent
    bool ended_ = false;     // the sender has closed
    bool finished_ = false;  // the receiver gets no more: its stream was ended or reset
    bool blocked_ = false;   // the kernel takes no more for now
    bool reset_ = false;     // both ends are to be reset
    bool blind_ = false;     // it was reported that the receiver cannot be seen
    steady::time_point stalled_until_{};
    steady::time_point held_until_{};
    trama::duration look_again_ = trama::no_timeout;
};

}  // namespace chop

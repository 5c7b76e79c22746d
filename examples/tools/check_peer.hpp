// examples/tools/check_peer.hpp -- check's end of one connection: sends in pieces, keeps what
// comes.
//
//     send() ---> outbox_ ---> | cutter: how long is the next piece?   | ---> the program
//                              | gate: has the program read the last?  |
//     inbox  <-------------------------------------------------------------- the program
//
// The cutter and the gate are those of chop. Nothing here waits.
#pragma once

#include "check_exercise.hpp"
#include "chop_cutter.hpp"
#include "chop_delivery.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>

#include <poll.h>
#include <sys/socket.h>

namespace check {

class peer {
public:
    /// `plan`: how to cut what is sent. `table` must outlive the peer.
    peer(trama::tcp_stream stream, const chop::plan& plan, role program, int number,
         const chop::socket_table& table)
        : stream_(std::move(stream)),
          cutter_(plan, program == role::server ? chop::to_server : chop::to_client,
                  static_cast<std::uint64_t>(number)),
          gate_(table, stream_, std::chrono::milliseconds(1)),
          own_port_(stream_.local_endpoint().port()) {
        stream_.set_no_delay(true);
    }

    void send(std::string_view bytes) { outbox_ += bytes; }
    bool is_all_sent() const { return outbox_.empty() || !is_open(); }
    std::size_t unsent() const { return outbox_.size(); }
    std::uint64_t sent() const { return cutter_.position(); }

    /// Ends the stream to the program.
    void end() {
        if (is_open()) ::shutdown(stream_.fd(), SHUT_WR);  // fails only on a broken connection
    }

    /// Closes with a reset: with a linger time of 0, close sends it.
    void reset() {
        const linger at_once{1, 0};
        if (is_open()) ::setsockopt(stream_.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
        close();
    }

    void close() {
        stream_.close();
        outbox_.clear();
    }

    bool is_open() const { return stream_.fd() != -1; }
    int own_port() const { return own_port_; }

    /// With a small receive buffer, which is full soon. The buffer stays small.
    void stop_reading() {
        is_reading_ = false;
        const int size = 4096;
        ::setsockopt(stream_.fd(), SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    }
    void read_late() { is_reading_ = false; }
    void read_again() { is_reading_ = true; }

    pollfd watch() const {
        int events = can_receive() ? POLLIN : 0;
        if (is_blocked_) events |= POLLOUT;
        return {events == 0 ? -1 : stream_.fd(), static_cast<short>(events), 0};
    }

    /// When forward() is worth another call, at the latest.
    trama::duration look_again() const { return look_again_; }

    /// Takes what has come; of a program that sends without end, only a part.
    void receive() {
        char bytes[65536];
        for (int piece = 0; piece < most_pieces && can_receive(); ++piece) {
            const trama::io_result got = stream_.try_recv_some(bytes, sizeof bytes);
            if (got.status == trama::io_status::would_block) return;
            if (got.status == trama::io_status::end_of_stream) has_ended_ = true;
            if (got.status == trama::io_status::failed) was_reset_ = true;
            received_ += got.bytes;
            inbox.append(bytes, got.bytes);
            if (history.size() < most_history) history.append(bytes, got.bytes);
        }
    }

    /// Sends the pieces whose time has come.
    void forward() {
        look_again_ = trama::no_timeout;
        is_blocked_ = false;
        while (is_open() && !outbox_.empty()) {
            if (is_paced() && !gate_.open()) return wait_for_gate();
            if (!send_piece()) return;
        }
    }

    bool has_ended() const { return has_ended_; }  ///< the program has closed in order
    bool was_reset() const { return was_reset_; }
    std::uint64_t received() const { return received_; }

    std::string inbox;    ///< received, and not yet compared with what was expected
    std::string history;  ///< the first bytes that were received

private:
    static constexpr std::chrono::milliseconds patience{500};
    static constexpr std::size_t most_history = 65536;
    static constexpr std::size_t most_unread = 64 * 1024 * 1024;
    static constexpr int most_pieces = 64;  // at once

    bool can_receive() const {
        const bool has_more = is_open() && !has_ended_ && !was_reset_;
        return has_more && is_reading_ && inbox.size() < most_unread;
    }

    bool is_paced() const { return cutter_.how() != chop::mode::whole && !gave_up_; }

    /// A program that reads nothing gets the rest whole: cutting has no use there.
    void wait_for_gate() {
        look_again_ = gate_.query_again_in();
        gave_up_ = chop::steady::now() - last_sent_ > patience;
    }

    /// Returns false if nothing more can be sent now.
    bool send_piece() {
        const std::size_t cut = gave_up_ ? 0 : cutter_.next_piece(outbox_.size());
        const std::size_t size = cut == 0 ? outbox_.size() : cut;
        const trama::io_result result = stream_.try_send_some({outbox_.data(), size});
        is_blocked_ = result.status == trama::io_status::would_block;
        if (result.status == trama::io_status::failed) {
            was_reset_ = was_reset_ || !is_reading_;  // otherwise receive() finds the reason
            outbox_.clear();
            return false;
        }
        if (is_blocked_) return false;
        cutter_.sent(result.bytes);
        gate_.sent(result.bytes);
        last_sent_ = chop::steady::now();
        outbox_.erase(0, result.bytes);
        return true;
    }

    trama::tcp_stream stream_;
    chop::cutter cutter_;
    chop::gate gate_;
    int own_port_;
    std::string outbox_;  // not sent yet
    chop::steady::time_point last_sent_;
    trama::duration look_again_ = trama::no_timeout;
    std::uint64_t received_ = 0;
    bool is_reading_ = true;
    bool is_blocked_ = false;  // the kernel takes no more for now
    bool gave_up_ = false;     // the program reads nothing
    bool has_ended_ = false;
    bool was_reset_ = false;
};

}  // namespace check

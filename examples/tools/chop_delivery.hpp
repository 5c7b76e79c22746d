// examples/tools/chop_delivery.hpp -- has the program at the other end read what we sent it?
//
// Two pieces sent one after the other become one piece if the receiver was busy meanwhile: both lie
// in its receive buffer, and one recv takes both. So the next piece must wait until the last one
// has been *read*. TCP does not show that: an acknowledgement says that the kernel of the receiver
// has the bytes, not that its program has taken them. And the receiver is any program: it cannot
// help.
//
// But the receiver is on this machine, and Linux shows the state of every socket: `ss -tin` works
// like that. chop queries the one socket at the other end of its connection, by the four numbers
// that name it, and gets
//     received    the bytes that have reached it since the start
//     unread      those of them that still lie in its receive buffer (Recv-Q)
// One query takes 2 microseconds; reading /proc/net/tcp, which has the same numbers, takes longer
// with every socket of the machine. The kernel locks the socket while it reads `received`, so a
// recv that was under way has returned by then: what is sent afterwards cannot slip into it.
//
// A receiver on another machine (or in a container, or under a system other than Linux) cannot be
// queried. There chop makes a pause after each piece. Measured on two cores, one byte a piece:
//                     time for a piece      runs of 300 pieces in which two were read as one
//     this            16 microseconds       0 of 120 (and 0 of 60 with three busy loops beside it)
//     pause of 1 ms   1450 microseconds     8 of 120
//     neither         1 to 5 microseconds   120 of 120
// man 7 sock_diag, man 7 netlink, man 8 ss
#pragma once

#include "trama.hpp"

#include <chrono>
#include <cstdint>
#include <cstring>

#ifdef __linux__
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#endif

namespace chop {

using steady = std::chrono::steady_clock;

/// What the kernel says about the far end of a connection.
struct far_end {
    bool known = false;  ///< it is a connected socket of this machine
    bool owned = false;  ///< a program has it open; false: not accepted yet, or closed
    std::uint64_t received = 0;
    std::size_t unread = 0;
};

/// Queries the kernel. One for the whole program.
class socket_table {
public:
#ifdef __linux__
    socket_table() : netlink_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_SOCK_DIAG)) {}

    /// About the socket at `there` that is connected to `here`. Unknown also where Linux is built
    /// without this service.
    far_end query(const trama::endpoint& there, const trama::endpoint& here) const {
        const request question = request_for(there, here);
        alignas(nlmsghdr) char answer[4096];
        if (::send(netlink_.get(), &question, sizeof question, 0) == -1) return {};
        // The kernel has answered before send returned.
        const ssize_t size = ::recv(netlink_.get(), answer, sizeof answer, MSG_DONTWAIT);
        return size < 0 ? far_end() : read(answer, static_cast<std::size_t>(size));
    }

private:
    struct request {
        nlmsghdr head;
        inet_diag_req_v2 about;
    };

    static request request_for(const trama::endpoint& there, const trama::endpoint& here) {
        request question{};
        question.head.nlmsg_len = sizeof question;
        question.head.nlmsg_type = SOCK_DIAG_BY_FAMILY;
        question.head.nlmsg_flags = NLM_F_REQUEST;
        question.about.sdiag_family = static_cast<unsigned char>(there.family());
        question.about.sdiag_protocol = IPPROTO_TCP;
        question.about.idiag_ext = 1U << (INET_DIAG_INFO - 1);
        question.about.idiag_states = ~0U;
        put(there, question.about.id.idiag_src, question.about.id.idiag_sport);
        put(here, question.about.id.idiag_dst, question.about.id.idiag_dport);
        question.about.id.idiag_cookie[0] = INET_DIAG_NOCOOKIE;
        question.about.id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
        return question;
    }

    static void put(const trama::endpoint& end, __be32 (&address)[4], __be16& port) {
        port = htons(end.port());
        sockaddr_in v4;
        sockaddr_in6 v6;
        if (end.family() == AF_INET) {
            std::memcpy(&v4, end.data(), sizeof v4);
            std::memcpy(address, &v4.sin_addr, sizeof v4.sin_addr);
        } else {
            std::memcpy(&v6, end.data(), sizeof v6);
            std::memcpy(address, &v6.sin6_addr, sizeof v6.sin6_addr);
        }
    }

    /// A netlink answer: a header, the fixed part, then attributes: length, type, value.
    static far_end read(const char* answer, std::size_t size) {
        constexpr unsigned char listening = 10;  // TCP_LISTEN: the connection itself has gone
        nlmsghdr head;
        inet_diag_msg socket;
        const std::size_t at = NLMSG_HDRLEN;
        if (size < at + sizeof socket) return {};
        std::memcpy(&head, answer, sizeof head);
        std::memcpy(&socket, answer + at, sizeof socket);
        if (head.nlmsg_type != SOCK_DIAG_BY_FAMILY || socket.idiag_state == listening) return {};
        far_end found;
        found.owned = socket.idiag_inode != 0;
        found.unread = socket.idiag_rqueue;
        read_attributes(answer, size, at + NLMSG_ALIGN(sizeof socket), found);
        return found;
    }

    static void read_attributes(const char* answer, std::size_t size, std::size_t at,
                                far_end& found) {
        constexpr std::size_t received_at = 128;  // tcpi_bytes_received, man 7 tcp
        nlattr attribute;
        for (; at + sizeof attribute <= size; at += NLA_ALIGN(attribute.nla_len)) {
            std::memcpy(&attribute, answer + at, sizeof attribute);
            if (attribute.nla_len < sizeof attribute) break;
            const std::size_t value = at + sizeof attribute;
            if (attribute.nla_type != INET_DIAG_INFO || value + received_at + 8 > size) continue;
            std::memcpy(&found.received, answer + value + received_at, sizeof found.received);
            found.known = true;
        }
    }

    trama::unique_fd netlink_;
#else
    far_end query(const trama::endpoint&, const trama::endpoint&) const {
        return {};
    }
#endif
};

/// Decides when the next piece may go to one receiver.
class gate {
public:
    /// `pause`: after each piece, where the receiver cannot be queried.
    gate(const socket_table& table, const trama::tcp_stream& receiver, trama::duration pause)
        : table_(table),
          there_(receiver.remote_endpoint()),
          here_(receiver.local_endpoint()),
          pause_(pause) {
        look();
    }

    void sent(std::size_t count) {
        total_ += count;
        last_sent_ = steady::now();
        if (state_ == state::empty) waiting_since_ = last_sent_;
        state_ = state::sent;
        query_again_in_ = std::chrono::microseconds(5);
    }

    /// Whether the receiver has read everything. A receiver that reads nothing for a while, because
    /// it is busy or stuck, gets the next piece all the same: chop must not be what hangs.
    bool open() {
        if (state_ == state::empty) return true;
        const far_end now = look();
        // Twice: `unread` of the first answer may be older than the bytes' arrival.
        if (now.known && state_ == state::delivered && now.unread == 0) return pass();
        if (now.known && now.received >= total_) {
            if (state_ == state::sent) query_again_in_ = trama::duration::zero();
            state_ = state::delivered;
        }
        const auto quiet = steady::now() - last_sent_;
        if (!now.known && (was_known_ || quiet >= pause_)) return pass();  // gone; unknown
        return quiet >= pause_ && steady::now() - waiting_since_ >= patience;
    }

    /// How long to wait before open() is worth another call.
    trama::duration query_again_in() {
        const trama::duration now = query_again_in_;
        constexpr trama::duration most = std::chrono::milliseconds(1);
        query_again_in_ = std::min(most, std::max(2 * now, trama::duration(5000)));
        return now;
    }

    /// The receiver cannot be queried: only the pause separates the pieces.
    bool blind() const { return !was_known_ && total_ > 0; }

    /// The program has closed its socket for good, and not only its sending half. For a client: a
    /// server's end belongs to nobody before it has been accepted.
    bool gone() { return !look().owned && was_known_; }

private:
    static constexpr trama::duration patience = std::chrono::milliseconds(250);
    enum class state { empty, sent, delivered };

    far_end look() {
        const far_end now = table_.query(there_, here_);
        was_known_ = was_known_ || now.known;
        return now;
    }

    bool pass() {
        state_ = state::empty;
        return true;
    }

    const socket_table& table_;
    trama::endpoint there_;
    trama::endpoint here_;
    trama::duration pause_;
    state state_ = state::empty;
    std::uint64_t total_ = 0;
    steady::time_point last_sent_;
    steady::time_point waiting_since_;  // since then the receiver's buffer has not been empty
    trama::duration query_again_in_{0};
    bool was_known_ = false;
};

}  // namespace chop

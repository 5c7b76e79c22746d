// trama/net/transfer.hpp -- bytes through a connected descriptor: one call, or until a deadline.
// man 2 recv, man 2 send, man 2 sendmsg, man 2 shutdown
#pragma once

#include <trama/net/socket.hpp>

#include <sys/uio.h>

namespace trama {

/// How a call that never waits ended.
enum class io_status {
    done,           ///< it moved `bytes` bytes
    would_block,    ///< nothing can be moved now: not yet
    end_of_stream,  ///< the peer has closed; nothing more will come
    failed          ///< `error` says why
};

/// The outcome of a try_ call.
struct [[nodiscard]] io_result {
    io_status status = io_status::done;
    std::size_t bytes = 0;
    std::error_code error = {};
};

namespace detail {

inline io_result outcome(const call_result& result) noexcept {
    if (!result.failed()) return {io_status::done, result.count(), {}};
    if (result.would_block()) return {io_status::would_block, 0, {}};
    return {io_status::failed, 0, {result.error, std::system_category()}};
}

/// What the receiver makes of fewer bytes than it asked for.
enum class wanted { some, all };

/// Tells a recv or a send: what was asked, what came of it, and the bytes that moved. `call` and
/// `unit` make the sentence: "recv 5 of 8 asked", "send 5 of 8 bytes".
[[gnu::cold]] inline void tell_transfer(int fd, call_result result, const char* call,
                                        const char* unit, const iovec* parts, std::size_t count,
                                        const char* remark) {
    char front[64];  // the first bytes that moved, more than are shown
    std::size_t held = 0;
    std::size_t size = 0;
    std::size_t left = result.failed() ? 0 : result.count();
    for (const iovec* part = parts; part != parts + count; ++part) {
        const std::size_t moved = left < part->iov_len ? left : part->iov_len;
        const std::string_view bytes(static_cast<const char*>(part->iov_base), moved);
        held += bytes.copy(front + held, sizeof front - held);
        left -= moved;
        size += part->iov_len;
    }
    if (result.failed()) return trace(fd, result.error, "%s %zu %s", call, size, unit);
    trace(fd, 0, "%s %ld of %zu %s%s: %s", call, result.value, size, unit,
          result.count() < size ? remark : "",
          result.value == 0 && size > 0 ? "end of stream" : shown({front, held}).c_str());
}

inline call_result receive_once(int fd, void* memory, std::size_t size, int flags,
                                wanted want) noexcept {
    const call_result result = system_call([&] { return ::recv(fd, memory, size, flags); });
    if (tracing()) {
        const iovec part{memory, size};
        const char* remark = want == wanted::all && result.value > 0 ? ": short read" : "";
        tell_transfer(fd, result, "recv", "asked", &part, 1, remark);
    }
    return result;
}

inline call_result send_once(int fd, iovec* parts, std::size_t count, int flags) noexcept {
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = count;
    const bool single = count == 1;
    flags |= no_signal;
    const call_result result = system_call([&] {
        return single ? ::send(fd, parts->iov_base, parts->iov_len, flags)
                      : ::sendmsg(fd, &message, flags);
    });
    if (tracing())
        tell_transfer(fd, result, single ? "send" : "sendmsg", "bytes", parts, count,
                      ": short write");
    return result;
}

/// Receives 1 to `size` bytes, or 0 at the end of the stream. Throws at the deadline and on errors.
[[gnu::noinline]] inline std::size_t receive(int fd, void* memory, std::size_t size,
                                             const deadline& limit, wanted want,
                                             const endpoint& peer) {
    const char* operation = want == wanted::all ? "recv_exact from" : "recv_some from";
    const int flags = limit.is_never() ? 0 : MSG_DONTWAIT;
    for (;;) {
        const call_result result = receive_once(fd, memory, size, flags, want);
        if (!result.would_block()) return static_cast<std::size_t>(check(operation, result, peer));
        wait_or_throw(fd, POLLIN, limit, operation, peer);
    }
}

[[noreturn, gnu::cold]] inline void throw_unexpected_eof(std::uint64_t received,
                                                         std::uint64_t expected,
                                                         const char* operation,
                                                         const endpoint& where) {
    throw unexpected_eof(received, expected, operation, shown(where).host_and_port());
}

/// Sends all of `count` parts, and moves parts[] along while it does. Throws as receive does.
[[gnu::noinline]] inline void send_parts(int fd, iovec* parts, std::size_t count,
                                         const deadline& limit, const endpoint& peer) {
    const int flags = limit.is_never() ? 0 : MSG_DONTWAIT;
    while (count > 0) {
        const call_result result = send_once(fd, parts, count, flags);
        if (result.would_block()) {
            wait_or_throw(fd, POLLOUT, limit, "send_all to", peer);
            continue;
        }
        check("send_all to", result, peer);
        // The kernel may take less than all: go on where it stopped, perhaps inside a part.
        std::size_t taken = result.count();
        for (; count > 0 && taken >= parts->iov_len; ++parts, --count) taken -= parts->iov_len;
        if (count == 0) return;
        throw_if_passed(limit, "send_all to", peer);
        parts->iov_base = static_cast<char*>(parts->iov_base) + taken;
        parts->iov_len -= taken;
    }
}

inline call_result shut_down_sending(int fd) noexcept {
    const call_result result = system_call([&] { return ::shutdown(fd, SHUT_WR); });
    if (tracing()) trace(fd, result.error, "shutdown, sending");
    return result;
}

/// Throws away what comes, until the peer closes, the connection fails, or the deadline passes.
[[gnu::cold]] inline void discard_until_closed(int fd, const deadline& limit) noexcept {
    char waste[16384];
    // The deadline is asked on every round: a peer that never stops sending must not hold us.
    while (!limit.passed()) {
        const call_result got = receive_once(fd, waste, sizeof waste, MSG_DONTWAIT, wanted::some);
        if (got.would_block()) {
            if (poll_until(fd, POLLIN, limit).failed()) return;
        } else if (got.value <= 0) {
            return;
        }
    }
}

}  // namespace detail

}  // namespace trama

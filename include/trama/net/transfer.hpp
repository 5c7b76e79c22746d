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
struct io_result {
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

[[gnu::cold]] inline void tell_received(int fd, const call_result& result, const void* memory,
                                        std::size_t size, wanted want) noexcept {
    if (result.failed()) return trace(fd, result.error, "recv %zu asked", size);
    if (result.value == 0) return trace(fd, 0, "recv 0 of %zu asked: end of stream", size);
    const bool is_short = want == wanted::all && result.count() < size;
    shown_bytes shown;
    shown.add({static_cast<const char*>(memory), result.count()});
    trace(fd, 0, "recv %ld of %zu asked%s: %s", result.value, size, is_short ? ": short read" : "",
          shown.text());
}

inline call_result receive_once(int fd, void* memory, std::size_t size, int flags,
                                wanted want) noexcept {
    const call_result result = system_call([&] { return ::recv(fd, memory, size, flags); });
    if (tracing()) tell_received(fd, result, memory, size, want);
    return result;
}

[[gnu::cold]] inline void tell_sent(int fd, const call_result& result, const iovec* parts,
                                    std::size_t count) noexcept {
    const char* call = count == 1 ? "send" : "sendmsg";
    std::size_t size = 0;
    for (std::size_t i = 0; i < count; ++i) size += parts[i].iov_len;
    if (result.failed()) return trace(fd, result.error, "%s %zu bytes", call, size);
    shown_bytes shown;
    std::size_t left = result.count();
    for (std::size_t i = 0; i < count; ++i) {
        const std::size_t taken = left < parts[i].iov_len ? left : parts[i].iov_len;
        shown.add({static_cast<const char*>(parts[i].iov_base), taken});
        left -= taken;
    }
    trace(fd, 0, "%s %ld of %zu bytes%s: %s", call, result.value, size,
          result.count() < size ? ": short write" : "", shown.text());
}

inline call_result send_once(int fd, iovec* parts, std::size_t count, int flags) noexcept {
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = count;
    const call_result result = system_call([&] {
        return count == 1 ? ::send(fd, parts->iov_base, parts->iov_len, flags | no_signal)
                          : ::sendmsg(fd, &message, flags | no_signal);
    });
    if (tracing()) tell_sent(fd, result, parts, count);
    return result;
}

/// Receives 1 to `size` bytes, or 0 at the end of the stream. Throws at the deadline and on errors.
inline std::size_t receive(int fd, void* memory, std::size_t size, const deadline& limit,
                           wanted want, const endpoint& peer) {
    const char* operation = want == wanted::all ? "recv_exact from" : "recv_some from";
    const int flags = limit.is_never() ? 0 : MSG_DONTWAIT;
    call_result result = receive_once(fd, memory, size, flags, want);
    while (result.would_block()) {
        wait_or_throw(fd, POLLIN, limit, operation, peer);
        result = receive_once(fd, memory, size, flags, want);
    }
    check(operation, result, peer);
    return result.count();
}

/// Sends all of `count` parts, and moves parts[] along while it does. Throws as receive does.
inline void send_parts(int fd, iovec* parts, std::size_t count, const deadline& limit,
                       const endpoint& peer) {
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
            poll_once(fd, POLLIN, limit);
        } else if (got.value <= 0) {
            return;
        }
    }
}

}  // namespace detail

}  // namespace trama

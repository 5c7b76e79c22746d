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

namespace trama_detail {

inline io_result outcome(const call_result& result) noexcept {
    if (!result.failed()) return {io_status::done, result.count(), {}};
    if (result.would_block()) return {io_status::would_block, 0, {}};
    return {io_status::failed, 0, {result.error, std::system_category()}};
}

/// How errors and the trace speak of a transfer. Arrays: a pointer is set when the program loads.
struct transfer_words {
    char operation[16];  // of an error: "recv_exact from 127.0.0.1:5000: ..."
    char call[8];        // of the trace: "recv 5 of 8 asked: short read"
    char unit[6];
    char when_short[14];
};

inline constexpr transfer_words receiving{"recv_some from", "recv", "asked", ""};
inline constexpr transfer_words receiving_all{"recv_exact from", "recv", "asked", ": short read"};
inline constexpr transfer_words sending{"send_all to", "send", "bytes", ": short write"};
inline constexpr transfer_words sending_parts{"send_all to", "sendmsg", "bytes", ": short write"};

/// Tells a recv or a send: what was asked, what came of it, and the bytes that moved.
[[gnu::cold]] inline void tell_transfer(int fd, call_result result, const transfer_words& words,
                                        const iovec* parts, std::size_t count) {
    escaped_text moved(48);
    std::size_t size = 0;
    std::size_t left = result.failed() ? 0 : result.count();
    for (const iovec* part = parts; part != parts + count; ++part) {
        const std::size_t here = left < part->iov_len ? left : part->iov_len;
        moved.add({static_cast<const char*>(part->iov_base), here});
        left -= here;
        size += part->iov_len;
    }
    if (result.failed()) return trace(fd, result.error, "%s %zu %s", words.call, size, words.unit);
    if (result.value == 0 && size > 0)
        return trace(fd, 0, "%s 0 of %zu %s: end of stream", words.call, size, words.unit);
    trace(fd, 0, "%s %ld of %zu %s%s: \"%s\"%s", words.call, result.value, size, words.unit,
          result.count() < size ? words.when_short : "", moved.c_str(),
          result.count() > 48 ? "..." : "");
}

inline call_result receive_once(int fd, void* memory, std::size_t size, int flags,
                                const transfer_words& words) noexcept {
    const call_result result = system_call([&] { return ::recv(fd, memory, size, flags); });
    if (tracing()) {
        const iovec part{memory, size};
        tell_transfer(fd, result, words, &part, 1);
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
    if (tracing()) tell_transfer(fd, result, single ? sending : sending_parts, parts, count);
    return result;
}

/// Receives 1 to `size` bytes, or 0 at the end of the stream. Throws at the deadline and on errors.
[[gnu::noinline]] inline std::size_t receive(int fd, void* memory, std::size_t size,
                                             const deadline& limit, const transfer_words& words,
                                             const endpoint& peer) {
    const int flags = limit.is_never() ? 0 : MSG_DONTWAIT;
    for (;;) {
        const call_result result = receive_once(fd, memory, size, flags, words);
        if (!result.would_block())
            return static_cast<std::size_t>(check(words.operation, result, peer));
        wait_or_throw(fd, POLLIN, limit, words.operation, peer);
    }
}

/// Fills memory[done, end); `size` is what was asked for altogether, for the error text.
inline void receive_rest(int fd, char* memory, std::size_t done, std::size_t end, std::size_t size,
                         const deadline& limit, const endpoint& peer) {
    while (done < end) {
        const std::size_t count =
            receive(fd, memory + done, end - done, limit, receiving_all, peer);
        if (count == 0)
            throw unexpected_eof(done, size, receiving_all.operation, shown(peer).host_and_port());
        done += count;
        if (done < end) throw_if_passed(limit, receiving_all.operation, peer);
    }
}

/// Sends all of `count` parts, and moves parts[] along while it does. Throws as receive does.
[[gnu::noinline]] inline void send_parts(int fd, iovec* parts, std::size_t count,
                                         const deadline& limit, const endpoint& peer) {
    const int flags = limit.is_never() ? 0 : MSG_DONTWAIT;
    while (count > 0) {
        const call_result result = send_once(fd, parts, count, flags);
        if (result.would_block()) {
            wait_or_throw(fd, POLLOUT, limit, sending.operation, peer);
            continue;
        }
        check(sending.operation, result, peer);
        // The kernel may take less than all: go on where it stopped, perhaps inside a part.
        std::size_t taken = result.count();
        for (; count > 0 && taken >= parts->iov_len; ++parts, --count) taken -= parts->iov_len;
        if (count == 0) return;
        throw_if_passed(limit, sending.operation, peer);
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
        const call_result got = receive_once(fd, waste, sizeof waste, MSG_DONTWAIT, receiving);
        if (got.would_block()) {
            if (poll_until(fd, POLLIN, limit).failed()) return;
        } else if (got.value <= 0) {
            return;
        }
    }
}

}  // namespace trama_detail

}  // namespace trama

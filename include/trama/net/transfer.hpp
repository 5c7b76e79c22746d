// trama/net/transfer.hpp -- bytes through a connected descriptor: one call, or until a deadline.
// man 2 recv, man 2 send, man 2 sendmsg, man 2 shutdown
#ifndef TRAMA_NET_TRANSFER_HPP
#define TRAMA_NET_TRANSFER_HPP

#include <trama/net/socket.hpp>

#include <sys/uio.h>

namespace trama {

/// The outcome of a call that never waits.
enum class io_status {
    done,           ///< it moved `bytes` bytes
    would_block,    ///< nothing can be moved now: not yet
    end_of_stream,  ///< the peer has closed; nothing more will come
    failed          ///< `error` holds the reason
};

/// The result of a try_ call.
struct [[nodiscard]] io_result {
    io_status status = io_status::done;
    std::size_t bytes = 0;
    std::error_code error = {};
};

namespace trama_detail {

inline io_result to_io_result(const call_result& result) noexcept {
    if (!result.failed()) return {io_status::done, result.count(), {}};
    if (result.would_block()) return {io_status::would_block, 0, {}};
    return {io_status::failed, 0, {result.error, std::system_category()}};
}

/// A piece of memory as the trace needs it: iovec knows no const.
inline iovec part_of(std::string_view bytes) noexcept {
    return {const_cast<char*>(bytes.data()), bytes.size()};
}

/// Writes to the trace: the call, the bytes that were asked for, and those that moved.
inline void trace_transfer(int fd, const call_result& result, const char* call, const char* unit,
                           const char* when_short, const iovec* parts, std::size_t count) {
    text moved;
    std::size_t size = 0;
    std::size_t left = result.failed() ? 0 : result.count();
    std::size_t shown = shown_bytes;
    for (const iovec* part = parts; part != parts + count; ++part) {
        const std::size_t here = left < part->iov_len ? left : part->iov_len;
        moved.add_escaped({static_cast<const char*>(part->iov_base), here}, shown);
        shown -= here < shown ? here : shown;
        left -= here;
        size += part->iov_len;
    }
    if (result.failed()) return write_trace(fd, result.error, text("%s %zu %s", call, size, unit));
    if (result.value == 0 && size > 0)
        return write_trace(fd, 0, text("%s 0 of %zu %s: end of stream", call, size, unit));
    write_trace(fd, 0,
                text("%s %ld of %zu %s%s: \"%s\"%s", call, result.value, size, unit,
                     result.count() < size ? when_short : "", moved.c_str(),
                     result.count() > shown_bytes ? "..." : ""));
}

/// `when_short`: what the trace adds when fewer bytes came than were asked for.
inline call_result receive_once(int fd, void* memory, std::size_t size, int flags,
                                const char* when_short = "") {
    const call_result result = system_call([&] { return ::recv(fd, memory, size, flags); });
    if (tracing()) {
        const iovec part{memory, size};
        trace_transfer(fd, result, "recv", "asked", when_short, &part, 1);
    }
    return result;
}

inline call_result send_once(int fd, iovec* parts, std::size_t count, int flags) {
    const bool is_single = count == 1;
    msghdr message{};
    message.msg_iov = parts;
    message.msg_iovlen = static_cast<unsigned short>(count);  // size_t here, int elsewhere
    const int all_flags = send_flags(fd, flags);
    const call_result result = system_call([&] {
        return is_single ? ::send(fd, parts->iov_base, parts->iov_len, all_flags)
                         : ::sendmsg(fd, &message, all_flags);
    });
    if (tracing())
        trace_transfer(fd, result, is_single ? "send" : "sendmsg", "bytes", ": short write", parts,
                       count);
    return result;
}

/// A receive of 0 bytes would return 0, and that means "closed".
[[noreturn]] inline void throw_zero_size(const char* text) {
    throw std::invalid_argument(text);
}

/// A call with a deadline must not wait in the kernel: it waits in poll(2).
inline int flags_for(const deadline& limit) noexcept {
    return limit.is_never() ? 0 : MSG_DONTWAIT;
}

/// Receives 1 to `size` bytes, or 0 at the end of the stream. Throws network_error.
inline std::size_t receive_some(int fd, void* memory, std::size_t size, const deadline& limit,
                                const char* operation, const endpoint& peer) {
    const auto receive = [&] { return receive_once(fd, memory, size, flags_for(limit)); };
    return expect(call_until(limit, fd, POLLIN, receive), operation, peer).count();
}

/// Fills memory[done, end); `size` is the whole that was asked for, shown by errors.
inline void receive_rest(int fd, void* memory, std::size_t done, std::size_t end, std::size_t size,
                         const deadline& limit, const endpoint& peer) {
    constexpr const char* operation = "recv_exact from";
    char* const bytes = static_cast<char*>(memory);
    while (done < end) {
        const auto receive = [&] {
            return receive_once(fd, bytes + done, end - done, flags_for(limit), ": short read");
        };
        const std::size_t count =
            expect(call_until(limit, fd, POLLIN, receive), operation, peer).count();
        if (count == 0) throw unexpected_eof(done, size, operation, peer.to_text().c_str());
        done += count;
        if (done < end) throw_if_passed(limit, operation, peer);
    }
}

/// Appends to `bytes` until there are `size`. Its memory grows with the bytes that come.
inline void receive_rest(int fd, std::string& bytes, std::size_t size, const deadline& limit,
                         const endpoint& peer) {
    while (bytes.size() < size) {
        const std::size_t done = bytes.size();
        const std::size_t larger = done < 32768 ? 65536 : 2 * done;
        bytes.resize(larger < size ? larger : size);
        receive_rest(fd, bytes.data(), done, bytes.size(), size, limit, peer);
    }
}

/// Sends 1 byte or more of `count` parts, and returns how many. Throws network_error.
inline std::size_t send_some(int fd, iovec* parts, std::size_t count, const deadline& limit,
                             const char* operation, const endpoint& peer) {
    const auto send = [&] { return send_once(fd, parts, count, flags_for(limit)); };
    return expect(call_until(limit, fd, POLLOUT, send), operation, peer).count();
}

/// Sends all of `count` parts, and changes parts[] meanwhile. Throws network_error.
inline void send_parts(int fd, iovec* parts, std::size_t count, const deadline& limit,
                       const endpoint& peer) {
    constexpr const char* operation = "send_all to";
    while (count > 0) {
        std::size_t taken = send_some(fd, parts, count, limit, operation, peer);
        // The kernel may take less than all: go on where it stopped, perhaps inside a part.
        while (count > 0 && taken >= parts->iov_len) {
            taken -= parts->iov_len;
            ++parts;
            --count;
        }
        if (count == 0) return;
        throw_if_passed(limit, operation, peer);
        parts->iov_base = static_cast<char*>(parts->iov_base) + taken;
        parts->iov_len -= taken;
    }
}

/// `how`: SHUT_WR or SHUT_RDWR.
inline call_result shut_down(int fd, int how) {
    const call_result result = system_call([&] { return ::shutdown(fd, how); });
    if (tracing())
        write_trace(fd, result.error, text("shutdown, %s", how == SHUT_WR ? "sending" : "both"));
    return result;
}

/// Throws away what comes, until the peer closes, the connection fails, or the deadline passes.
inline void discard_until_closed(int fd, const deadline& limit) {
    char waste[16384];
    // The deadline is checked in every round: a peer that never stops sending must not hold us.
    while (!limit.passed()) {
        const call_result result = receive_once(fd, waste, sizeof waste, MSG_DONTWAIT);
        if (result.would_block()) {
            if (poll_until(limit, fd, POLLIN).failed()) return;
        } else if (result.value <= 0) {
            return;
        }
    }
}

}  // namespace trama_detail

}  // namespace trama

#endif  // TRAMA_NET_TRANSFER_HPP

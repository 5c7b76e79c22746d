// trama/net/socket.hpp -- what every socket has: a descriptor, an address, a time-out, options.
// man 7 socket, man 2 poll, man 2 fcntl
//
// Where systems differ (close-on-exec, SIGPIPE), they differ in this file.
#pragma once

#include <trama/deadline.hpp>
#include <trama/net/endpoint.hpp>
#include <trama/net/unique_fd.hpp>

#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

namespace trama {

namespace detail {

// A peer that has gone must give an error, not the signal that ends the process. Linux and newer
// BSDs say so with each send, macOS once for each socket.
#ifdef MSG_NOSIGNAL
inline constexpr int no_signal = MSG_NOSIGNAL;
#else
inline constexpr int no_signal = 0;
#endif

inline void set_option(int fd, int level, int option, int value, const char* name) {
    const call_result result = system_call(
        fd, [&] { return ::setsockopt(fd, level, option, &value, sizeof value); },
        [&](trace_line& line, long) { line << "setsockopt " << name << " " << value; });
    check("set option", result, [&] { return std::string(name); });
}

inline void set_non_blocking(int fd, bool on) {
    const call_result flags = system_call(
        fd, [&] { return ::fcntl(fd, F_GETFL); },
        [](trace_line& line, long) { line << "fcntl F_GETFL"; });
    check("read flags", flags, [] { return std::string(); });
    const int old = static_cast<int>(flags.value);
    const int wanted = on ? old | O_NONBLOCK : old & ~O_NONBLOCK;
    const call_result result = system_call(
        fd, [&] { return ::fcntl(fd, F_SETFL, wanted); },
        [&](trace_line& line, long) { line << "fcntl O_NONBLOCK " << (on ? "on" : "off"); });
    check("set flags", result, [] { return std::string(); });
}

/// What SOCK_CLOEXEC and MSG_NOSIGNAL do, where a system lacks them.
inline void set_defaults(int fd) noexcept {
#ifndef SOCK_CLOEXEC
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, 0);  // there, an accepted socket does not wait if its listener does not
#endif
#ifdef SO_NOSIGPIPE
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    static_cast<void>(fd);
}

/// A new socket, closed on exec, so that programs started from here do not inherit it.
/// `type`: SOCK_STREAM or SOCK_DGRAM. Throws network_error.
inline unique_fd open_socket(int family, int type) {
#ifdef SOCK_CLOEXEC
    const int flags = SOCK_CLOEXEC;
#else
    const int flags = 0;
#endif
    const call_result result = system_call(
        -1, [&] { return ::socket(family, type | flags, 0); },
        [&](trace_line& line, long fd) {
            line << "socket " << (type == SOCK_STREAM ? "TCP " : "UDP ")
                 << (family == AF_INET6 ? "IPv6" : "IPv4");
            if (fd >= 0) line << ": fd " << fd;
        });
    unique_fd fd(static_cast<int>(check("open a socket", result, [] { return std::string(); })));
    set_defaults(fd.get());
    return fd;
}

inline void bind_socket(int fd, const endpoint& where, const char* operation) {
    const call_result result = system_call(
        fd, [&] { return ::bind(fd, where.data(), where.size()); },
        [&](trace_line& line, long) { line << "bind " << where.to_string(); });
    check(operation, result, [&] { return where.to_string(); });
}

/// One poll(2) on `fd` for `events` (POLLIN or POLLOUT): value 1 ready or broken, 0 time is up.
inline call_result poll_once(int fd, short events, const deadline& limit) noexcept {
    pollfd watched{fd, events, 0};
    // The time that is left is worked out anew when a signal makes the funnel call again.
    return system_call(
        fd, [&] { return ::poll(&watched, 1, limit.poll_timeout()); },
        [&](trace_line& line, long ready) {
            line << "poll for " << (events == POLLIN ? "reading" : "writing");
            if (ready == 0) line << ": time is up";
        });
}

/// Waits until `fd` has one of `events`, an error or a hang-up. False: the deadline passed first.
/// Throws network_error.
inline bool wait_until(int fd, short events, const deadline& limit) {
    for (;;) {
        const call_result result = poll_once(fd, events, limit);
        if (check("poll", result, [] { return std::string(); }) > 0) return true;
        if (limit.left() == duration::zero()) return false;
    }
}

inline void wait_or_throw(int fd, short events, const deadline& limit, const char* operation,
                          const endpoint& peer) {
    if (!wait_until(fd, events, limit)) throw_system_error(ETIMEDOUT, operation, peer.to_string());
}

inline sockaddr* as_sockaddr(sockaddr_storage& address) noexcept {
    return reinterpret_cast<sockaddr*>(&address);
}

/// The address and port that `fd` has on this side.
inline endpoint local_endpoint_of(int fd) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    const call_result result = system_call(
        fd, [&] { return ::getsockname(fd, as_sockaddr(address), &size); },
        [&](trace_line& line, long) {
            line << "getsockname: " << endpoint(as_sockaddr(address), size).to_string();
        });
    check("ask for the local address", result, [] { return std::string(); });
    return {as_sockaddr(address), size};
}

}  // namespace detail

/// The base of all sockets. Owns its descriptor; move-only.
class basic_socket {
public:
    /// The descriptor, for select(2), poll(2) and your own system calls; still owned here. -1:
    /// none.
    int fd() const noexcept { return fd_.get(); }

    /// Address and port of this end. Throws network_error. man 2 getsockname
    endpoint local_endpoint() const { return detail::local_endpoint_of(fd()); }

    /// Bounds each later call as a whole, however slowly the peer drips; `forever` is the default,
    /// 0 means "do not wait". A call that takes longer throws, with code() == std::errc::timed_out.
    void set_timeout(duration timeout) noexcept { timeout_ = timeout; }
    duration timeout() const noexcept { return timeout_; }

    /// Switches the descriptor itself to never waiting, for the try_ calls. man 2 fcntl
    /// (O_NONBLOCK)
    void set_non_blocking(bool on) { detail::set_non_blocking(fd(), on); }

    /// Sizes of the kernel's buffers, in bytes; Linux doubles the number. man 7 socket
    void set_receive_buffer(int bytes) { set_option(SOL_SOCKET, SO_RCVBUF, bytes, "SO_RCVBUF"); }
    void set_send_buffer(int bytes) { set_option(SOL_SOCKET, SO_SNDBUF, bytes, "SO_SNDBUF"); }

    /// Any option with an int value; `name` is what error and trace call it. man 2 setsockopt
    void set_option(int level, int option, int value, const char* name) {
        detail::set_option(fd(), level, option, value, name);
    }

    /// Closes now and not in the destructor. Closing twice is harmless.
    void close() noexcept { fd_.reset(); }

protected:
    basic_socket() noexcept = default;
    explicit basic_socket(unique_fd fd) noexcept : fd_(std::move(fd)) {}

private:
    unique_fd fd_;
    duration timeout_ = forever;
};

}  // namespace trama

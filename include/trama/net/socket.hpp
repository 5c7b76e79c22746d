// trama/net/socket.hpp -- what every socket has: a descriptor, an address, a time-out, options.
// man 7 socket, man 2 poll, man 2 fcntl
//
// Where systems differ (close-on-exec, SIGPIPE), they differ in this file.
#pragma once

#include <trama/base/deadline.hpp>
#include <trama/net/endpoint.hpp>
#include <trama/net/unique_fd.hpp>

#include <fcntl.h>
#include <poll.h>

namespace trama {

namespace trama_detail {

// A peer that has gone must give an error, not the signal that ends the process: Linux and the BSDs
// say so with each send, macOS once for each socket.
#ifdef MSG_NOSIGNAL
inline constexpr int no_signal = MSG_NOSIGNAL;
#else
inline constexpr int no_signal = 0;
#endif

// A program started from here must not inherit the socket.
#ifdef SOCK_CLOEXEC
inline constexpr int close_on_exec = SOCK_CLOEXEC;
#else
inline constexpr int close_on_exec = 0;
#endif

/// On a new descriptor: what the two flags above do, where a system lacks them.
inline void set_defaults(int fd) noexcept {
#ifndef SOCK_CLOEXEC
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, 0);  // there, an accepted socket never waits if its listener does not
#endif
#ifdef SO_NOSIGPIPE
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
    static_cast<void>(fd);
}

[[gnu::noinline]] inline void set_option(int fd, int level, int option, int value,
                                         const char* name) {
    const call_result result =
        system_call([&] { return ::setsockopt(fd, level, option, &value, sizeof value); });
    if (tracing()) trace(fd, result.error, "setsockopt %s %d", name, value);
    if (result.failed()) throw_system_error(result.error, "set option", name);
}

/// `flags`: O_NONBLOCK or 0, with what else `fd` has; a new socket has nothing else.
[[gnu::cold]] inline void set_flags(int fd, int flags) {
    const call_result result = system_call([&] { return ::fcntl(fd, F_SETFL, flags); });
    if (tracing()) trace(fd, result.error, "O_NONBLOCK %s", flags & O_NONBLOCK ? "on" : "off");
    check("set O_NONBLOCK", result);
}

/// A new socket: its descriptor, or the errno of the failure. `type`: SOCK_STREAM or SOCK_DGRAM.
[[gnu::cold]] inline call_result make_socket(int family, int type) noexcept {
    const call_result result =
        system_call([&] { return ::socket(family, type | close_on_exec, 0); });
    if (tracing())
        trace(static_cast<int>(result.value), result.error, "socket %s %s",
              type == SOCK_STREAM ? "TCP" : "UDP", family == AF_INET6 ? "IPv6" : "IPv4");
    if (!result.failed()) set_defaults(static_cast<int>(result.value));
    return result;
}

/// The same, where a failure is an exception.
[[gnu::noinline]] inline unique_fd open_socket(int family, int type) {
    not_rare();
    return unique_fd(static_cast<int>(check("open a socket", make_socket(family, type))));
}

/// The address is taken, and the text says how to find out by whom.
[[noreturn, gnu::cold]] inline void throw_in_use(const endpoint& where, const char* operation,
                                                 char protocol) {
    const text step("another program owns the port: ss -l%cnp 'sport = :%u'", protocol,
                    unsigned{where.port()});
    throw_network_error(EADDRINUSE, operation, where.to_string().c_str(), std::strerror(EADDRINUSE),
                        step.c_str());
}

/// `protocol`: 't' for TCP, 'u' for UDP.
[[gnu::noinline]] inline void bind_socket(int fd, const endpoint& where, const char* operation,
                                          char protocol) {
    const call_result result = system_call([&] { return ::bind(fd, where.data(), where.size()); });
    if (tracing()) trace(fd, result.error, "bind %s", shown(where).host_and_port());
    if (result.error == EADDRINUSE) throw_in_use(where, operation, protocol);
    check(operation, result, where);
}

/// Polls until `fd` has one of `events` (POLLIN or POLLOUT), an error or a hang-up: value 1, or 0
/// when the deadline passed first.
[[gnu::cold, gnu::noinline]] inline call_result poll_until(int fd, short events,
                                                           const deadline& limit) noexcept {
    if (fd < 0) return {-1, EBADF};  // poll would pass it over, and wait
    pollfd watched{fd, events, 0};
    call_result result;
    do {
        // The time that is left is worked out anew when a signal makes it call again.
        result = system_call([&] { return ::poll(&watched, 1, limit.poll_timeout()); });
        if (tracing())
            trace(fd, result.error, "poll for %s%s", events == POLLIN ? "reading" : "writing",
                  result.value == 0 ? ": time is up" : "");
    } while (result.value == 0 && !limit.passed());
    return result;
}

/// The same; false: the deadline passed first. Throws network_error.
[[gnu::noinline]] inline bool wait_until(int fd, short events, const deadline& limit) {
    not_rare();
    return check("poll", poll_until(fd, events, limit)) != 0;
}

/// For loops that go on with what is there: a peer that always has one more byte must not stretch
/// the deadline either. One that is over at once never waits, and takes all that is there.
[[gnu::noinline]] inline void throw_if_passed(const deadline& limit, const char* operation,
                                              const endpoint& peer) {
    if (limit.passed() && !limit.is_at_once()) throw_system_error(ETIMEDOUT, operation, peer);
}

[[gnu::cold]] inline void wait_or_throw(int fd, short events, const deadline& limit,
                                        const char* operation, const endpoint& peer) {
    // Ready, and again nothing came: without the first test such a socket would have no deadline.
    if (limit.passed() || !wait_until(fd, events, limit))
        throw_system_error(ETIMEDOUT, operation, peer);
}

}  // namespace trama_detail

/// The base of all sockets. Owns its descriptor; move-only.
class basic_socket {
public:
    /// The descriptor, for select(2), poll(2) and your own system calls; owned here. -1: none.
    int fd() const noexcept { return fd_.get(); }

    /// Address and port of this end. Throws network_error. man 2 getsockname
    [[gnu::noinline]] endpoint local_endpoint() const {
        trama_detail::not_rare();
        endpoint local;
        trama_detail::check("ask for the local address",
                            trama_detail::ask_endpoint(fd(), ::getsockname, "getsockname", local));
        return local;
    }

    /// Bounds each later call as a whole, however slowly the peer drips; `no_timeout` is the
    /// default, 0 means "do not wait". A call that takes longer throws, with code() ==
    /// std::errc::timed_out.
    void set_timeout(duration timeout) noexcept { timeout_ = timeout; }
    duration get_timeout() const noexcept { return timeout_; }

    /// Switches the descriptor itself to never waiting. man 2 fcntl (O_NONBLOCK)
    [[gnu::noinline]] void set_non_blocking(bool on) {
        const auto result = trama_detail::system_call([&] { return ::fcntl(fd(), F_GETFL); });
        const auto flags = static_cast<int>(trama_detail::check("ask for O_NONBLOCK", result));
        trama_detail::set_flags(fd(), on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
    }

    /// Sizes of the kernel's buffers, in bytes; Linux doubles the number. man 7 socket
    void set_receive_buffer(int bytes) { set_option(SOL_SOCKET, SO_RCVBUF, bytes, "SO_RCVBUF"); }
    void set_send_buffer(int bytes) { set_option(SOL_SOCKET, SO_SNDBUF, bytes, "SO_SNDBUF"); }

    /// Any option with an int value; `name` is what the trace calls it. man 2 setsockopt
    void set_option(int level, int option, int value, const char* name) {
        trama_detail::set_option(fd(), level, option, value, name);
    }

    /// Closes now and not in the destructor. Closing twice is harmless.
    void close() noexcept { fd_.reset(); }

protected:
    basic_socket() noexcept = default;
    explicit basic_socket(unique_fd fd) noexcept : fd_(std::move(fd)) {}

    unique_fd fd_;

private:
    duration timeout_ = no_timeout;
};

}  // namespace trama

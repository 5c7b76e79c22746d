// trama/net/socket.hpp -- the common part of all sockets: descriptor, address, time-out, options.
// man 7 socket, man 2 poll, man 2 fcntl
#ifndef TRAMA_NET_SOCKET_HPP
#define TRAMA_NET_SOCKET_HPP

#include <trama/base/deadline.hpp>
#include <trama/net/endpoint.hpp>
#include <trama/net/unique_fd.hpp>

#include <type_traits>

#include <poll.h>

namespace trama {

namespace trama_detail {

/// Opens a socket; returns its descriptor or an errno. `type`: SOCK_STREAM or SOCK_DGRAM.
inline call_result make_socket(int family, int type) {
    const call_result result = system_call([&] { return new_socket(family, type); });
    if (tracing())
        write_trace(result.descriptor(), result.error,
                    text("socket %s %s", type == SOCK_STREAM ? "TCP" : "UDP",
                         family == AF_INET6 ? "IPv6" : "IPv4"));
    return result;
}

/// The same, but throws network_error.
inline unique_fd open_socket(int family, int type) {
    return unique_fd(expect(make_socket(family, type), "open a socket").descriptor());
}

/// `flags`: O_NONBLOCK or 0, with the other flags of `fd`; a new socket has no others.
inline void set_flags(int fd, int flags) {
    const call_result result = system_call([&] { return ::fcntl(fd, F_SETFL, flags); });
    if (tracing())
        write_trace(fd, result.error,
                    text("O_NONBLOCK %s", (flags & O_NONBLOCK) != 0 ? "on" : "off"));
    expect(result, "set O_NONBLOCK");
}

inline call_result set_option_bytes(int fd, int level, int option, const void* value,
                                    socklen_t size) {
    return system_call([&] { return ::setsockopt(fd, level, option, value, size); });
}

inline void set_option(int fd, int level, int option, int value, const char* name) {
    const call_result result = set_option_bytes(fd, level, option, &value, sizeof value);
    if (tracing()) write_trace(fd, result.error, text("setsockopt %s %d", name, value));
    expect(result, "set option", name);
}

/// Stores in `end` the address that `call` returns for `fd`: getsockname(2) or getpeername(2).
inline call_result read_endpoint(int fd, int (*call)(int, sockaddr*, socklen_t*), const char* name,
                                 endpoint& end) {
    address_buffer address;
    const call_result result = system_call([&] { return call(fd, address.data(), &address.size); });
    end = address.value();
    if (tracing()) write_trace(fd, result.error, text("%s: %s", name, end.to_text().c_str()));
    return result;
}

/// The text says how to find the program that has the address. `protocol`: 't' or 'u' (TCP, UDP).
[[noreturn]] inline void throw_in_use(const endpoint& where, const char* operation, char protocol) {
    const text step("another socket has the port: %s",
                    who_has_port(protocol, unsigned{where.port()}).c_str());
    throw_explained(EADDRINUSE, operation, where.to_text().c_str(), std::strerror(EADDRINUSE),
                    step.c_str());
}

/// `protocol`: 't' for TCP, 'u' for UDP.
inline void bind_socket(int fd, const endpoint& where, const char* operation, char protocol) {
    const call_result result = system_call([&] { return ::bind(fd, where.data(), where.size()); });
    if (tracing()) write_trace(fd, result.error, text("bind %s", where.to_text().c_str()));
    if (result.error == EADDRINUSE) throw_in_use(where, operation, protocol);
    expect(result, operation, where);
}

/// Waits until `fd` has one of `events` (POLLIN or POLLOUT), an error or a hang-up: value 1, or 0
/// when the deadline passed first.
inline call_result poll_until(const deadline& limit, int fd, short events) {
    if (fd < 0) return {-1, EBADF};  // poll would skip it, and wait
    pollfd watched{fd, events, 0};
    while (true) {
        // The time that is left is computed anew when a signal interrupts the call.
        const call_result result =
            system_call([&] { return ::poll(&watched, 1, limit.poll_timeout()); });
        if (tracing())
            write_trace(fd, result.error,
                        text("poll for %s%s", events == POLLIN ? "reading" : "writing",
                             result.value == 0 ? ": time is up" : ""));
        if (result.value != 0 || limit.passed()) return result;
    }
}

/// Makes `call`, which does not wait. While it would block, waits for `events` and makes it again.
/// Returns its result, or ETIMEDOUT when the deadline passed first.
template <typename Call>
call_result call_until(const deadline& limit, int fd, short events, Call call) {
    while (true) {
        const call_result result = call();
        if (!result.would_block()) return result;
        // Asked before the wait, too: a socket that is ready and brings nothing must time out.
        if (limit.passed()) return {-1, ETIMEDOUT};
        const call_result ready = poll_until(limit, fd, events);
        if (ready.failed()) return ready;
        if (ready.value == 0) return {-1, ETIMEDOUT};
    }
}

/// For loops that go on with the bytes that are there: a peer that always has one more byte must
/// not stretch the deadline. One that is over at once never waits, and takes all that is there.
inline void throw_if_passed(const deadline& limit, const char* operation, const endpoint& peer) {
    if (limit.passed() && !limit.is_at_once()) throw_system_error(ETIMEDOUT, operation, peer);
}

}  // namespace trama_detail

/// The base of all sockets. Owns its descriptor; move-only.
class basic_socket {
public:
    /// The descriptor, for select(2), poll(2) and your own system calls; owned here. -1: none.
    int fd() const noexcept { return fd_.get(); }

    /// Address and port of this end. Throws network_error. man 2 getsockname
    endpoint local_endpoint() const {
        endpoint local;
        trama_detail::expect(trama_detail::read_endpoint(fd(), ::getsockname, "getsockname", local),
                             "read the local address");
        return local;
    }

    /// Bounds each later call as a whole, even if the peer sends one byte at a time. no_timeout is
    /// the default; 0 means "do not wait". A call that takes longer throws: std::errc::timed_out.
    void set_timeout(duration timeout) noexcept { timeout_ = timeout; }
    duration get_timeout() const noexcept { return timeout_; }

    /// Sets or clears O_NONBLOCK of the descriptor itself. Throws network_error. man 2 fcntl
    void set_non_blocking(bool on) {
        const auto result = trama_detail::system_call([&] { return ::fcntl(fd(), F_GETFL); });
        const auto flags = static_cast<int>(trama_detail::expect(result, "read O_NONBLOCK").value);
        trama_detail::set_flags(fd(), on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK);
    }

    /// Size of a kernel buffer, in bytes; Linux doubles it. Throws network_error. man 7 socket
    void set_receive_buffer(int bytes) { set_option(SOL_SOCKET, SO_RCVBUF, bytes, "SO_RCVBUF"); }
    void set_send_buffer(int bytes) { set_option(SOL_SOCKET, SO_SNDBUF, bytes, "SO_SNDBUF"); }

    /// Sets any option: `value` is a number, or a struct of the system such as linger; `name` is
    /// shown by the trace and by errors. Throws network_error. man 2 setsockopt
    template <typename Value>
    void set_option(int level, int option, const Value& value, const char* name) {
        if constexpr (std::is_class_v<Value>) {
            const auto result =
                trama_detail::set_option_bytes(fd(), level, option, &value, sizeof value);
            if (tracing())
                trama_detail::write_trace(
                    fd(), result.error,
                    trama_detail::text("setsockopt %s (%zu bytes)", name, sizeof value));
            trama_detail::expect(result, "set option", name);
        } else {
            trama_detail::set_option(fd(), level, option, value, name);
        }
    }

    /// Returns an option: `get_option<linger>(SOL_SOCKET, SO_LINGER, "SO_LINGER")`. Throws
    /// network_error. man 2 getsockopt
    template <typename Value = int>
    Value get_option(int level, int option, const char* name) const {
        Value value{};
        socklen_t size = sizeof value;
        const auto result = trama_detail::system_call(
            [&] { return ::getsockopt(fd(), level, option, &value, &size); });
        if (tracing())
            trama_detail::write_trace(fd(), result.error,
                                      trama_detail::text("getsockopt %s", name));
        trama_detail::expect(result, "read option", name);
        return value;
    }

    /// Closes now and not in the destructor. To close twice does nothing.
    void close() noexcept { fd_.reset(); }

protected:
    basic_socket() noexcept = default;
    explicit basic_socket(unique_fd fd) noexcept : fd_(std::move(fd)) {
        trama_detail::prevent_sigpipe(fd_.get());
    }

    unique_fd fd_;

private:
    duration timeout_ = no_timeout;
};

}  // namespace trama

#endif  // TRAMA_NET_SOCKET_HPP

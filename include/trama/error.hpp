// trama/error.hpp -- the funnel every system call goes through, and the errors that come out of it.
//
// A failed call becomes one exception whose text reads like help:
//
//     connect to 127.0.0.1:5000: Connection refused (nobody listens there: start the server, or
//     ...)
//     \________/ \____________/  \________________/  \___________________________________________/
//     operation    endpoint           reason                          next step
//
// man 3 errno, man 7 signal (EINTR)
#pragma once

#include <trama/trace.hpp>

#include <stdexcept>
#include <system_error>

namespace trama {

/// A call to the system failed. code() compares with std::errc: `e.code() == std::errc::timed_out`.
class network_error : public std::system_error {
public:
    /// `text`: all of what() is to say.
    [[gnu::cold]] network_error(std::error_code code, const std::string& text)
        : std::system_error(code), text_(text) {}

    const char* what() const noexcept override { return text_.what(); }

private:
    std::runtime_error text_;  // and not a string: copying an exception must not throw
};

/// The stream ended before recv_exact had all it was asked for.
class unexpected_eof : public std::runtime_error {
public:
    [[gnu::cold]] unexpected_eof(std::size_t received, std::size_t expected,
                                 const std::string& where)
        : std::runtime_error(detail::text(
              "recv_exact from %s: the stream ended after %zu of %zu bytes (the peer closed, or "
              "died, before it had sent all)",
              where.c_str(), received, expected)),
          received_(received),
          expected_(expected) {}

    std::size_t received() const noexcept { return received_; }  ///< bytes that came
    std::size_t expected() const noexcept { return expected_; }  ///< bytes that were asked for

private:
    std::size_t received_;
    std::size_t expected_;
};

namespace detail {

/// What to try next after `error`, or "" where there is no better advice than the reason itself.
[[gnu::cold]] inline const char* next_step(int error) noexcept {
    switch (error) {
        case ECONNREFUSED:
            return "nobody listens there: start the server, or check address and port";
        case EADDRNOTAVAIL: return "this machine does not have that address: ip address";
        case EACCES: return "not allowed: ports below 1024 are for root, or a firewall forbids it";
        case ENETUNREACH: return "this machine has no route to that network: ip route";
        case EHOSTUNREACH: return "no machine answers at that address: ping it";
        case ETIMEDOUT: return "no answer in time: is the peer alive, is a firewall between?";
        case ECONNRESET:
            return "the peer cut the connection: its program died, or closed unread data";
        case EPIPE: return "the peer has closed; nothing more can be sent";
        case EMFILE: return "this program has too many descriptors open: ulimit -n";
        case EMSGSIZE: return "a UDP datagram carries at most 65,507 bytes of payload";
        case ENOTCONN: return "the connection is over, or was never made";
        case EBADF: return "the socket was closed or moved from";
        default: return "";
    }
}

/// "operation where: reason (next step)".
[[gnu::cold]] inline std::string error_text(const char* operation, const char* where,
                                            const std::error_code& code, const char* step) {
    return text("%s%s%s: %s%s%s%s", operation, *where ? " " : "", where, code.message().c_str(),
                *step ? " (" : "", step, *step ? ")" : "");
}

[[noreturn, gnu::cold]] inline void throw_system_error(int error, const char* operation,
                                                       const char* where) {
    const std::error_code code(error, std::system_category());
    throw network_error(code, error_text(operation, where, code, next_step(error)));
}

/// What a system call gave: its value, and errno if the value is -1, else 0.
struct call_result {
    long value;
    int error;

    bool failed() const noexcept { return value == -1; }
    bool would_block() const noexcept { return error == EAGAIN || error == EWOULDBLOCK; }
    std::size_t count() const noexcept { return static_cast<std::size_t>(value); }
};

/// The funnel: makes the call `function()`, and again when a signal interrupts it. Who calls it
/// then tells the trace what was asked and what came, and gives the result to check().
template <typename Function>
call_result system_call(Function function) noexcept {
    call_result result{};
    do {
        result.value = static_cast<long>(function());
        result.error = result.value == -1 ? errno : 0;
    } while (result.error == EINTR);
    return result;
}

/// The value of a call that must succeed. Throws network_error.
inline long check(const char* operation, const call_result& result) {
    if (result.failed()) throw_system_error(result.error, operation, "");
    return result.value;
}

}  // namespace detail

}  // namespace trama

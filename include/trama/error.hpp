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

#include <cerrno>
#include <new>
#include <stdexcept>
#include <system_error>

namespace trama {

/// A call to the system failed. code() compares with std::errc: `e.code() == std::errc::timed_out`.
class network_error : public std::system_error {
public:
    /// `text`: all of what() is to say.
    network_error(std::error_code code, const std::string& text)
        : std::system_error(code), text_(text) {}

    const char* what() const noexcept override { return text_.what(); }

private:
    std::runtime_error text_;  // and not a string: copying an exception must not throw
};

/// The stream ended before recv_exact had all it was asked for.
class unexpected_eof : public std::runtime_error {
public:
    unexpected_eof(std::size_t received, std::size_t expected, const std::string& where)
        : std::runtime_error("recv_exact from " + where + ": the stream ended after " +
                             std::to_string(received) + " of " + std::to_string(expected) +
                             " bytes (the peer closed, or died, before it had sent all)"),
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
inline std::string next_step(int error, const std::string& where) {
    const std::size_t colon = where.rfind(':');
    switch (error) {
        case ECONNREFUSED:
            return "nobody listens there: start the server, or check address and port";
        case EADDRINUSE:
            return "another program owns the port: ss -ltnp 'sport = " +
                   (colon == std::string::npos ? std::string(":PORT") : where.substr(colon)) + "'";
        case EADDRNOTAVAIL: return "this machine does not have that address: ip address";
        case EACCES: return "ports below 1024 are for root: choose a higher one";
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
        default: return {};
    }
}

/// "operation where: reason (next step)".
inline std::string error_text(const char* operation, const std::string& where,
                              const std::error_code& code, const std::string& step) {
    return operation + (where.empty() ? "" : ' ' + where) + ": " + code.message() +
           (step.empty() ? "" : " (" + step + ')');
}

[[noreturn]] inline void throw_system_error(int error, const char* operation,
                                            const std::string& where = {}) {
    const std::error_code code(error, std::system_category());
    throw network_error(code, error_text(operation, where, code, next_step(error, where)));
}

/// What a system call gave: its value, and errno if the value is -1, else 0.
struct call_result {
    long value;
    int error;

    bool failed() const noexcept { return value == -1; }
    bool would_block() const noexcept { return error == EAGAIN || error == EWOULDBLOCK; }
    std::size_t count() const noexcept { return static_cast<std::size_t>(value); }
};

/// The line of the trace for one call.
template <typename Story>
void tell(int fd, const call_result& result, Story story) noexcept {
    trace_line line(fd);
    try {
        story(line, result.value);
    } catch (const std::bad_alloc&) {
        line << "...";  // a line cut short must not fail the call that it tells of
    }
    if (result.would_block()) {
        line << ": not yet";
    } else if (result.failed()) {
        line << ": failed, " << std::strerror(result.error);
    }
}

/// The funnel: makes the call `function()`, again when a signal interrupts it, and lets `story`
/// tell the trace what was asked and what came: story(trace_line&, long value). Never throws.
template <typename Function, typename Story>
call_result system_call(int fd, Function function, Story story) noexcept {
    call_result result{};
    do {
        result.value = static_cast<long>(function());
        result.error = result.value == -1 ? errno : 0;
    } while (result.error == EINTR);
    if (tracing()) tell(fd, result, story);
    return result;
}

/// The value of a call that must succeed. Throws network_error; `where` is an endpoint.
template <typename Endpoint>
long check(const char* operation, const call_result& result, const Endpoint& where) {
    if (result.failed()) throw_system_error(result.error, operation, where.to_string());
    return result.value;
}
inline long check(const char* operation, const call_result& result) {
    if (result.failed()) throw_system_error(result.error, operation);
    return result.value;
}

}  // namespace detail

}  // namespace trama

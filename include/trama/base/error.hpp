// trama/base/error.hpp -- the funnel every system call goes through, and the errors that come out
// of it.
//
// A failed call becomes one exception whose text reads like help:
//
//     connect to 127.0.0.1:5000: Connection refused (nobody listens there: start the server, ...)
//     \________/ \____________/  \________________/  \__________________________________________/
//     operation    endpoint           reason                          next step
//
// man 3 errno, man 7 signal (EINTR)
#pragma once

#include <trama/base/trace.hpp>

#include <cinttypes>
#include <stdexcept>
#include <system_error>

namespace trama {

/// A call to the system failed. code() compares with std::errc: `e.code() == std::errc::timed_out`.
class network_error : public std::system_error {
public:
    /// `text`: all of what() is to say.
    [[gnu::cold]] network_error(std::error_code code, const char* text) : std::system_error(code) {
        // what() is now the system's words for `code`, which `text` holds already, with more.
        std::runtime_error::operator=(std::runtime_error(text));
    }
};

/// The stream ended before recv_exact or receive_file had all they were asked for.
class unexpected_eof : public std::runtime_error {
public:
    /// `operation` and `where` begin the text: "recv_exact from", "127.0.0.1:5000".
    [[gnu::cold]] unexpected_eof(std::uint64_t received, std::uint64_t expected,
                                 const char* operation, const char* where)
        : std::runtime_error(
              trama_detail::text("%s %s: the stream ended after %" PRIu64 " of %" PRIu64
                                 " bytes (the peer closed, or died, before it had sent all)",
                                 operation, where, received, expected)
                  .c_str()),
          received_(received),
          expected_(expected) {}

    std::uint64_t received() const noexcept { return received_; }  ///< bytes that came
    std::uint64_t expected() const noexcept { return expected_; }  ///< bytes that were asked for

private:
    std::uint64_t received_;
    std::uint64_t expected_;
};

namespace trama_detail {

/// What to try next after `error`, or "" where there is no better advice than the reason itself.
[[gnu::cold, gnu::noinline]] inline const char* next_step(int error) noexcept {
    static constexpr struct {
        int error;
        const char* advice;
    } table[] = {
        {ECONNREFUSED, "nobody listens there: start the server, or check address and port"},
        {EADDRNOTAVAIL, "this machine does not have that address, or no port is free: ip address"},
        {EACCES, "not allowed: ports below 1024 are for root, or no SO_BROADCAST, or a firewall"},
        {ENETUNREACH, "this machine has no route to that network: ip route"},
        {EHOSTUNREACH, "no machine answers at that address: ping it"},
        {ETIMEDOUT, "no answer in time: is the peer alive, is a firewall between?"},
        {ECONNRESET, "the peer cut the connection: its program died, or closed unread data"},
        {EPIPE, "the peer has closed; nothing more can be sent"},
        {EMFILE, "this program has too many descriptors open: ulimit -n"},
        {EMSGSIZE, "a UDP datagram carries at most 65,507 bytes of payload (IPv4)"},
        {ENOTCONN, "the connection is over, or was never made"},
        {EBADF, "the socket was closed or moved from"},
    };
    for (const auto& each : table)
        if (each.error == error) return each.advice;
    return "";
}

/// Throws "operation where: reason (step); tried TRIED"; `where`, `step` and `tried` may be "".
[[noreturn, gnu::cold]] inline void throw_network_error(int error, const char* operation,
                                                        const char* where, const char* reason,
                                                        const char* step, const char* tried = "") {
    const text what(*step ? "%s%s%s: %s (%s)%s%s" : "%s%s%s: %s%s%s%s", operation,
                    *where ? " " : "", where, reason, step, *tried ? "; tried " : "", tried);
    throw network_error({error, std::system_category()}, what.c_str());
}

[[noreturn, gnu::cold]] inline void throw_system_error(int error, const char* operation,
                                                       const char* where) {
    throw_network_error(error, operation, where, std::strerror(error), next_step(error));
}

/// What a system call gave: its value, and errno if the value is -1, else 0.
struct call_result {
    long value = 0;
    int error = 0;

    bool failed() const noexcept { return value == -1; }
    bool would_block() const noexcept { return error == EAGAIN || error == EWOULDBLOCK; }
    std::size_t count() const noexcept { return static_cast<std::size_t>(value); }
};

/// The funnel: makes `call`, and again when a signal interrupted it. Who calls then tells the trace
/// what was asked and what came, and hands the result to check().
template <typename Call>
call_result system_call(Call call) noexcept {
    for (;;) {
        const long value = call();
        const int error = value == -1 ? errno : 0;
        if (error != EINTR) return {value, error};
    }
}

/// The value of a call that must succeed. Throws network_error.
inline long check(const char* operation, const call_result& result) {
    if (result.failed()) throw_system_error(result.error, operation, "");
    return result.value;
}

}  // namespace trama_detail

}  // namespace trama

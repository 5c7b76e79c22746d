// trama/base/error.hpp -- the funnel for every system call, and the errors that come out of it.
//
// A failed call becomes one exception whose text reads like help:
//
//     connect to 127.0.0.1:5000: Connection refused (nobody listens there: start the server, ...)
//     \________/ \____________/  \________________/  \__________________________________________/
//     operation    endpoint           reason                          next step
//
// Every exception about the world outside is a std::system_error, so that one catch is enough:
// network_error, unexpected_eof, frame_error (codec/frame.hpp) and file_error (file/folder.hpp).
// man 3 errno, man 7 signal (EINTR)
#ifndef TRAMA_BASE_ERROR_HPP
#define TRAMA_BASE_ERROR_HPP

#include <trama/base/trace.hpp>

#include <cinttypes>
#include <stdexcept>
#include <system_error>

namespace trama {

namespace trama_detail {

/// A std::system_error whose what() is all of `text`, and not "text: reason".
class described_error : public std::system_error {
public:
    described_error(std::error_code code, const char* text)
        : std::system_error(code), text_(text) {}

    const char* what() const noexcept override { return text_.what(); }

private:
    std::runtime_error text_;  // a string that can be copied without an exception
};

}  // namespace trama_detail

/// A call to the system failed. code() compares with std::errc: `e.code() == std::errc::timed_out`.
class network_error : public trama_detail::described_error {
public:
    /// `text`: all that what() says.
    network_error(std::error_code code, const char* text) : described_error(code, text) {}
};

/// The stream ended before recv_exact or receive_file had all the bytes they need. code() is
/// std::errc::connection_aborted.
class unexpected_eof : public trama_detail::described_error {
public:
    /// `operation` and `peer` begin the text: "recv_exact from", "127.0.0.1:5000".
    unexpected_eof(std::uint64_t received, std::uint64_t expected, const char* operation,
                   const char* peer)
        : described_error(
              std::make_error_code(std::errc::connection_aborted),
              trama_detail::text("%s %s: the stream ended after %" PRIu64 " of %" PRIu64
                                 " bytes (the peer closed, or died, before it had sent all)",
                                 operation, peer, received, expected)
                  .c_str()),
          received_(received),
          expected_(expected) {}

    std::uint64_t received() const noexcept { return received_; }  ///< bytes that arrived
    std::uint64_t expected() const noexcept { return expected_; }  ///< bytes that were needed

private:
    std::uint64_t received_;
    std::uint64_t expected_;
};

namespace trama_detail {

/// The advice for `error`, or "" where there is none that says more than the reason itself.
inline const char* next_step(int error) noexcept {
    static constexpr struct {
        int error;
        const char* advice;
    } table[] = {
        {ECONNREFUSED, "nobody listens there: start the server, or check address and port"},
        {EADDRNOTAVAIL, no_address_advice},
        {EACCES, "not allowed: ports below 1024 are for root, or no SO_BROADCAST, or a firewall"},
        {ENETUNREACH, no_route_advice},
        {EHOSTUNREACH, "no machine answers at that address: ping it"},
        {ETIMEDOUT, "no answer in time: is the peer alive, is a firewall between?"},
        {ECONNRESET, "the peer cut the connection: its program died, or closed unread data"},
        {EPIPE, "the peer has closed; nothing more can be sent"},
        {EMFILE, "this program has too many descriptors open: ulimit -n"},
        {EMSGSIZE, "a UDP datagram carries at most 65,507 bytes of payload (IPv4)"},
        {ENOTCONN, "the connection is over, or was never made"},
        {EBADF, "the socket was closed or moved from"},
    };
    for (const auto& each : table) {
        if (each.error == error) return each.advice;
    }
    return "";
}

[[noreturn]] inline void throw_network_error(int error, const text& what) {
    throw network_error({error, std::system_category()}, what.c_str());
}

/// Throws "operation where: reason (next step)"; `where` and `step` may be "".
[[noreturn]] inline void throw_explained(int error, const char* operation, const char* where,
                                         const char* reason, const char* step) {
    const text advice = *step == '\0' ? text() : text(" (%s)", step);
    const char* space = *where == '\0' ? "" : " ";
    throw_network_error(error,
                        text("%s%s%s: %s%s", operation, space, where, reason, advice.c_str()));
}

/// The same with the system's own words for `error`, and the advice of the table above.
[[noreturn]] inline void throw_system_error(int error, const char* operation, const char* where) {
    throw_explained(error, operation, where, std::strerror(error), next_step(error));
}

/// The outcome of a system call: its value, and errno if the value is -1, else 0.
struct call_result {
    long value = 0;
    int error = 0;

    bool failed() const noexcept { return value == -1; }
    bool would_block() const noexcept { return is_would_block(error); }
    std::size_t count() const noexcept { return static_cast<std::size_t>(value); }
    int descriptor() const noexcept { return static_cast<int>(value); }
};

/// The funnel: makes `call`, and makes it again when a signal interrupted it. Not noexcept: many
/// calls are points at which pthread_cancel(3) ends the thread, which unwinds it.
template <typename Call>
call_result system_call(Call call) {
    while (true) {
        const long value = call();
        const int error = value == -1 ? errno : 0;
        if (error != EINTR) return {value, error};
    }
}

/// The result of a call that must succeed. Throws network_error.
inline const call_result& expect(const call_result& result, const char* operation,
                                 const char* where = "") {
    if (result.failed()) throw_system_error(result.error, operation, where);
    return result;
}

}  // namespace trama_detail

}  // namespace trama

#endif  // TRAMA_BASE_ERROR_HPP

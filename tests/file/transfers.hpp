// What the tests of send_file and receive_file share: files on all their ways, and what a call must
// leave as it was.
#pragma once

#include "files.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace test {

/// A connection of either kind; TEST_CASE with GENERATE(0, 1).
inline stream_pair pair_of_kind(int kind) {
    return kind == 0 ? tcp_pair() : local_pair();
}

/// A peer that reads: gives all that came when the sender has closed.
inline auto receiving_all(trama::tcp_stream& stream) {
    return in_background([&stream] { return recv_all(stream); });
}

/// Sends `bytes` from another thread.
inline auto sending(trama::tcp_stream& stream, const std::string& bytes) {
    return in_background([&stream, &bytes] { return stream.send_all(bytes); });
}

/// The time-outs that the kernel keeps for a socket, in microseconds; 0: none.
inline std::vector<std::int64_t> kernel_time_outs(int fd) {
    std::vector<std::int64_t> all;
    for (const int name : {SO_SNDTIMEO, SO_RCVTIMEO}) {
        timeval time{};
        socklen_t size = sizeof time;
        ::getsockopt(fd, SOL_SOCKET, name, &time, &size);
        all.push_back(std::int64_t{time.tv_sec} * 1000000 + std::int64_t{time.tv_usec});
    }
    return all;
}

/// A transfer that is over leaves the socket as every new one is.
inline void check_as_new(const trama::tcp_stream& stream) {
    CHECK(kernel_time_outs(stream.fd()) == std::vector<std::int64_t>{0, 0});
#ifndef TRAMA_PLAIN_POSIX  // there a send with a time-out makes it O_NONBLOCK
    CHECK(is_blocking(stream.fd()));
#endif
}

inline std::set<int> members_of(const sigset_t& signals) {
    std::set<int> members;
    for (int number = 1; number < 32; ++number)
        if (::sigismember(&signals, number) == 1) members.insert(number);
    return members;
}

inline std::set<int> blocked_signals() {
    sigset_t blocked;
    ::pthread_sigmask(SIG_BLOCK, nullptr, &blocked);
    return members_of(blocked);
}

inline std::set<int> pending_signals() {
    sigset_t pending;
    ::sigpending(&pending);
    return members_of(pending);
}

/// The fixture of tests in which a transfer fails: SIGPIPE would end the process, and afterwards
/// the signals of this thread are as they were.
class transfer_test : public net_test {
public:
    transfer_test() : handler_(std::signal(SIGPIPE, SIG_DFL)) {}
    ~transfer_test() {
        CHECK(blocked_signals() == blocked_);
        CHECK(pending_signals() == pending_);
        std::signal(SIGPIPE, handler_);
    }

private:
    void (*handler_)(int);
    std::set<int> blocked_ = blocked_signals();
    std::set<int> pending_ = pending_signals();
};

}  // namespace test

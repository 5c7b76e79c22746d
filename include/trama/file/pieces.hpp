// trama/file/pieces.hpp -- what sending and receiving a file have in common: how much at once, how
// long to wait, and no SIGPIPE. man 7 socket (SO_SNDTIMEO), man 2 sigpending
#pragma once

#include <trama/file/folder.hpp>
#include <trama/net/tcp.hpp>

#include <csignal>

namespace trama {

namespace detail {

/// So many bytes at once: few system calls, and progress is told often enough.
inline std::size_t piece_of(std::uint64_t left) noexcept {
    constexpr std::size_t most = 1U << 20U;
    return left < most ? left & (most - 1) : most;  // masked: it fits into 32 bits, too
}

/// While it lives, a call on the socket gives up when nothing has moved for the time-out of the
/// stream: EAGAIN. `option`: SO_SNDTIMEO or SO_RCVTIMEO.
class stall_limit {
public:
    stall_limit(const tcp_stream& stream, int option) noexcept
        : fd_(stream.timeout() == forever ? -1 : stream.fd()), option_(option) {
        const std::int64_t least = 1000;  // 0 would mean "for ever"
        const std::int64_t most = 1000000000000000;
        const std::int64_t time = stream.timeout().count();
        set(time < least ? least : time < most ? time : most);
    }
    stall_limit(const stall_limit&) = delete;
    stall_limit& operator=(const stall_limit&) = delete;
    ~stall_limit() { set(0); }

private:
    void set(std::int64_t nanoseconds) const noexcept {
        timeval time{};
        time.tv_sec = static_cast<int>(nanoseconds / 1000000000);
        time.tv_usec = static_cast<int>(nanoseconds % 1000000000 / 1000);
        if (fd_ != -1) ::setsockopt(fd_, SOL_SOCKET, option_, &time, sizeof time);
    }

    int fd_;
    int option_;
};

/// sendfile(2) knows no MSG_NOSIGNAL. So SIGPIPE waits while this lives, in this thread only, and
/// one that came is taken away.
class no_sigpipe {
public:
    no_sigpipe() noexcept {
        sigset_t pending;
        ::sigpending(&pending);
        was_pending_ = ::sigismember(&pending, SIGPIPE) == 1;
        ::sigemptyset(&sigpipe_);
        ::sigaddset(&sigpipe_, SIGPIPE);
        ::pthread_sigmask(SIG_BLOCK, &sigpipe_, &before_);
    }
    no_sigpipe(const no_sigpipe&) = delete;
    no_sigpipe& operator=(const no_sigpipe&) = delete;
    ~no_sigpipe() {
        sigset_t pending;
        int signal = 0;
        ::sigpending(&pending);
        if (!was_pending_ && ::sigismember(&pending, SIGPIPE) == 1) ::sigwait(&sigpipe_, &signal);
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
    }

private:
    sigset_t sigpipe_;
    sigset_t before_;
    bool was_pending_;
};

/// The number of bytes that a call on the socket moved. Throws network_error.
inline std::size_t moved(const char* operation, const call_result& result,
                         const tcp_stream& stream) {
    const call_result stalled{-1, ETIMEDOUT};
    return static_cast<std::size_t>(
        check(operation, result.would_block() ? stalled : result, stream.remote_endpoint()));
}

}  // namespace detail

}  // namespace trama

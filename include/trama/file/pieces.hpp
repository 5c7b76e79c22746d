// trama/file/pieces.hpp -- what sending and receiving a file have in common: how much at once, how
// long to wait, and no SIGPIPE. man 2 fcntl (O_NONBLOCK), man 2 sigpending
#pragma once

#include <trama/file/folder.hpp>
#include <trama/net/tcp.hpp>

#include <csignal>

namespace trama {

namespace trama_detail {

/// So many bytes at once: few system calls, and progress is told often enough.
inline std::size_t piece_of(std::uint64_t left) noexcept {
    constexpr std::size_t most = 1U << 20U;
    return left < most ? left & (most - 1) : most;  // masked: it fits into 32 bits, too
}

/// While it lives, no call on the descriptor waits: sendfile(2) and splice(2) know no MSG_DONTWAIT.
class never_waiting {
public:
    explicit never_waiting(int fd) noexcept : fd_(fd), before_(::fcntl(fd, F_GETFL)) {
        ::fcntl(fd_, F_SETFL, before_ | O_NONBLOCK);
    }
    never_waiting(const never_waiting&) = delete;
    never_waiting& operator=(const never_waiting&) = delete;
    ~never_waiting() { ::fcntl(fd_, F_SETFL, before_); }

private:
    int fd_;
    int before_;
};

/// Makes a call that does not wait until it moves something; the time-out of the stream bounds how
/// long that may take. Returns the number of bytes. Throws network_error.
template <typename Call>
std::size_t move_some(const char* operation, const tcp_stream& stream, short events, Call call) {
    const deadline limit(stream.get_timeout());
    for (;;) {
        const call_result result = call();
        if (!result.would_block())
            return static_cast<std::size_t>(check(operation, result, stream.remote_endpoint()));
        wait_or_throw(stream.fd(), events, limit, operation, stream.remote_endpoint());
    }
}

/// sendfile(2) knows no MSG_NOSIGNAL. So SIGPIPE waits while this lives, in this thread only, and
/// one that came is taken away. errno stays as it is.
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
        const int error = errno;  // of the call that this guards
        sigset_t pending;
        int signal = 0;
        ::sigpending(&pending);
        if (!was_pending_ && ::sigismember(&pending, SIGPIPE) == 1) ::sigwait(&sigpipe_, &signal);
        ::pthread_sigmask(SIG_SETMASK, &before_, nullptr);
        errno = error;
    }

private:
    sigset_t sigpipe_;
    sigset_t before_;
    bool was_pending_;
};

}  // namespace trama_detail

}  // namespace trama

// trama/ready/stop_signal.hpp -- "stop" as a descriptor that becomes readable, so that a loop which
// waits for many things can wait for this one too. man 7 signal-safety, man 2 pipe, man 2 sigaction
//
// A signal handler may do next to nothing: it can come in the middle of malloc. It may write one
// byte into a pipe; and the loop wakes up, outside of the handler, where everything is allowed.
#pragma once

#include <trama/net/socket.hpp>

#include <csignal>

namespace trama {

namespace trama_detail {

/// Where the signal handler writes to; -1: nowhere. A handler has no argument of ours, so this is
/// global.
inline volatile std::sig_atomic_t stop_pipe = -1;

inline void write_stop(int fd) noexcept {
    const int saved = errno;
    const ssize_t written = ::write(fd, "", 1);
    static_cast<void>(written);  // a full pipe is readable already
    errno = saved;
}

inline void stop_by_signal(int) noexcept;

inline bool has_handler(int number, void (*handler)(int)) noexcept {
    struct sigaction present {};
    ::sigaction(number, nullptr, &present);
    return present.sa_handler == handler;
}

/// Stops, and lets the second signal of either kind end the program.
inline void stop_by_signal(int) noexcept {
    write_stop(static_cast<int>(stop_pipe));
    for (const int number : {SIGINT, SIGTERM}) {
        if (has_handler(number, stop_by_signal)) ::signal(number, SIG_DFL);
    }
}

/// Leaves a signal alone that is ignored: `server &` in a script must not end by a Ctrl-C.
inline void catch_signal(int number, struct sigaction& before) noexcept {
    ::sigaction(number, nullptr, &before);
    if (before.sa_handler == SIG_IGN) return;
    struct sigaction action {};
    action.sa_handler = stop_by_signal;
    ::sigaction(number, &action, nullptr);
}

/// Unless the program has set a handler of its own meanwhile.
inline void give_back(int number, const struct sigaction& before) noexcept {
    const bool is_ours = has_handler(number, stop_by_signal) || has_handler(number, SIG_DFL);
    if (is_ours) ::sigaction(number, &before, nullptr);
}

}  // namespace trama_detail

/// A request to stop, which stays. Neither copied nor moved: a signal handler knows where it is.
class stop_signal {
public:
    /// Throws network_error when no descriptors are left.
    [[gnu::noinline]] stop_signal() {
        const auto result = trama_detail::system_call([&] { return ::pipe(ends_); });
        trama_detail::check("open a pipe", result);
        for (const int end : ends_) {
            ::fcntl(end, F_SETFD, FD_CLOEXEC);
            ::fcntl(end, F_SETFL, O_NONBLOCK);  // a new pipe has no other flags
        }
    }
    stop_signal(const stop_signal&) = delete;
    stop_signal& operator=(const stop_signal&) = delete;
    ~stop_signal() {
        if (trama_detail::stop_pipe == ends_[1]) {
            trama_detail::give_back(SIGINT, before_[0]);
            trama_detail::give_back(SIGTERM, before_[1]);
            trama_detail::stop_pipe = -1;
        }
        for (const int end : ends_) ::close(end);
    }

    /// From now on Ctrl-C (SIGINT) and SIGTERM stop this one; a second one ends the program. A
    /// signal that is ignored stays ignored. The destructor gives the signals back. After fork(2)
    /// either process stops both. Throws std::logic_error when another stop_signal has them. Not
    /// for two threads at once.
    void catch_signals() {
        if (trama_detail::stop_pipe == ends_[1]) return;
        if (trama_detail::stop_pipe != -1)
            throw std::logic_error("stop_signal: another one catches the signals");
        trama_detail::stop_pipe = ends_[1];
        trama_detail::catch_signal(SIGINT, before_[0]);
        trama_detail::catch_signal(SIGTERM, before_[1]);
    }

    /// True: some stop_signal of this program catches them.
    static bool signals_are_caught() noexcept { return trama_detail::stop_pipe != -1; }

    /// Stops: from any thread, from any signal handler, as often as you like.
    void stop() noexcept { trama_detail::write_stop(ends_[1]); }

    /// True once it was stopped.
    bool stopped() const noexcept {
        pollfd watched{fd(), POLLIN, 0};
        return trama_detail::system_call([&] { return ::poll(&watched, 1, 0); }).value > 0;
    }

    /// Readable once it was stopped, and for ever after: watch it, do not read it.
    int fd() const noexcept { return ends_[0]; }

private:
    // Plain numbers and no unique_fd: the trace shows the network, and not how we stop.
    int ends_[2] = {-1, -1};  // to read from, to write to
    struct sigaction before_[2] = {};
};

}  // namespace trama

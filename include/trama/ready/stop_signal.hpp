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

/// The second signal, of whichever kind, finds what was there before any program asked for more.
inline void stop_by_signal(int) noexcept {
    write_stop(static_cast<int>(stop_pipe));
    ::signal(SIGINT, SIG_DFL);
    ::signal(SIGTERM, SIG_DFL);
}

/// Unless the program has set a handler of its own meanwhile.
inline void give_back(int number, const struct sigaction& before) noexcept {
    struct sigaction present {};
    ::sigaction(number, nullptr, &present);
    const bool is_ours = present.sa_handler == stop_by_signal || present.sa_handler == SIG_DFL;
    if (is_ours) ::sigaction(number, &before, nullptr);
}

}  // namespace trama_detail

/// A request to stop, which stays. Neither copied nor moved: a signal handler knows where it is.
class stop_signal {
public:
    /// Throws network_error when no descriptors are left.
    [[gnu::noinline]] stop_signal() {
        int ends[2] = {-1, -1};
        const auto result = trama_detail::system_call([&] { return ::pipe(ends); });
        trama_detail::check("open a pipe", result);
        read_end_.reset(ends[0]);
        write_end_.reset(ends[1]);
        for (int end : ends) {
            ::fcntl(end, F_SETFD, FD_CLOEXEC);
            trama_detail::set_flags(end, O_NONBLOCK);
        }
    }
    stop_signal(const stop_signal&) = delete;
    stop_signal& operator=(const stop_signal&) = delete;
    ~stop_signal() {
        if (trama_detail::stop_pipe != write_end_.get()) return;
        trama_detail::give_back(SIGINT, before_[0]);
        trama_detail::give_back(SIGTERM, before_[1]);
        trama_detail::stop_pipe = -1;
    }

    /// From now on Ctrl-C (SIGINT) and SIGTERM stop this one; a second one ends the program. The
    /// destructor gives the signals back. After fork(2) either process stops both. Throws
    /// std::logic_error when another stop_signal has them. Not for two threads at once.
    void catch_signals() {
        if (trama_detail::stop_pipe == write_end_.get()) return;
        if (trama_detail::stop_pipe != -1)
            throw std::logic_error("stop_signal: another one catches the signals");
        trama_detail::stop_pipe = write_end_.get();
        struct sigaction action {};
        action.sa_handler = trama_detail::stop_by_signal;
        ::sigaction(SIGINT, &action, &before_[0]);
        ::sigaction(SIGTERM, &action, &before_[1]);
    }

    /// True: some stop_signal of this program catches them.
    static bool signals_are_caught() noexcept { return trama_detail::stop_pipe != -1; }

    /// Stops: from any thread, from any signal handler, as often as you like.
    void stop() noexcept { trama_detail::write_stop(write_end_.get()); }

    /// True once it was stopped.
    bool stopped() const noexcept {
        return trama_detail::poll_until(fd(), POLLIN, deadline(duration::zero())).value > 0;
    }

    /// Readable once it was stopped, and for ever after: watch it, do not read it.
    int fd() const noexcept { return read_end_.get(); }

private:
    unique_fd read_end_;
    unique_fd write_end_;
    struct sigaction before_[2] = {};
};

}  // namespace trama

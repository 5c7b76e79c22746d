// trama/ready/stop_signal.hpp -- "stop" as a descriptor that becomes readable, so that a loop which
// waits for many things can wait for this one too. man 7 signal-safety, man 2 pipe, man 2 sigaction
//
// A signal handler may do next to nothing: it can interrupt malloc. But it may write one byte into
// a pipe. Then the loop wakes up, outside of the handler, where everything is allowed.
#ifndef TRAMA_READY_STOP_SIGNAL_HPP
#define TRAMA_READY_STOP_SIGNAL_HPP

#include <trama/net/socket.hpp>

#include <csignal>

namespace trama {

namespace trama_detail {

/// The descriptor that the signal handler writes to; -1: none. A handler has no argument of ours,
/// so this is global.
inline volatile std::sig_atomic_t stop_pipe = -1;

inline void write_stop(int fd) noexcept {
    const int saved = errno;
    const ssize_t written = ::write(fd, "", 1);
    static_cast<void>(written);  // a full pipe is readable already
    errno = saved;
}

using signal_handler = void (*)(int);

inline signal_handler handler_of(int number) noexcept {
    struct sigaction present {};
    ::sigaction(number, nullptr, &present);
    return present.sa_handler;
}

inline bool has_handler(int number) noexcept {
    const signal_handler present = handler_of(number);
    return present != SIG_DFL && present != SIG_IGN;
}

/// Gives a signal back that has our handler. One that is ignored, or that has got a handler of the
/// program meanwhile, stays as it is.
inline void give_back(int number, signal_handler ours) noexcept {
    if (handler_of(number) == ours) ::signal(number, SIG_DFL);
}

/// The handler. A second signal, of either kind, finds the default action and ends the program.
inline void stop_by_signal(int) noexcept {
    write_stop(static_cast<int>(stop_pipe));
    give_back(SIGINT, stop_by_signal);
    give_back(SIGTERM, stop_by_signal);
}

}  // namespace trama_detail

/// A request to stop; once made, it stays. Neither copied nor moved.
class stop_signal {
public:
    /// Throws network_error when no descriptors are left.
    stop_signal() {
        int ends[2] = {-1, -1};
        trama_detail::expect(trama_detail::system_call([&] { return ::pipe(ends); }),
                             "open a pipe");
        read_end_.reset(ends[0]);
        write_end_.reset(ends[1]);
        for (const int end : ends) {
            ::fcntl(end, F_SETFD, FD_CLOEXEC);
            ::fcntl(end, F_SETFL, O_NONBLOCK);
        }
    }
    stop_signal(const stop_signal&) = delete;
    stop_signal& operator=(const stop_signal&) = delete;
    ~stop_signal() {
        if (trama_detail::stop_pipe != write_end_.get()) return;
        trama_detail::give_back(SIGINT, trama_detail::stop_by_signal);
        trama_detail::give_back(SIGTERM, trama_detail::stop_by_signal);
        trama_detail::stop_pipe = -1;
    }

    /// From now on Ctrl-C (SIGINT) and SIGTERM stop this one; a second one ends the program. An
    /// ignored signal stays ignored ("server &" in a script). Throws std::logic_error if either has
    /// a handler already. After fork(2) either process stops both. Not for two threads at once.
    void catch_signals() {
        if (trama_detail::stop_pipe == write_end_.get()) return;
        if (signals_are_caught())
            throw std::logic_error("stop_signal: SIGINT or SIGTERM has a handler already");
        trama_detail::stop_pipe = write_end_.get();
        struct sigaction action {};
        action.sa_handler = trama_detail::stop_by_signal;
        for (const int number : {SIGINT, SIGTERM}) {
            if (trama_detail::handler_of(number) == SIG_DFL) ::sigaction(number, &action, nullptr);
        }
    }

    /// True: SIGINT or SIGTERM has a handler, of a stop_signal or of the program itself.
    static bool signals_are_caught() noexcept {
        return trama_detail::stop_pipe != -1 || trama_detail::has_handler(SIGINT) ||
               trama_detail::has_handler(SIGTERM);
    }

    /// Stops: from any thread, from any signal handler, as often as you like.
    void stop() noexcept { trama_detail::write_stop(write_end_.get()); }

    /// True once it was stopped.
    bool stopped() const {
        pollfd watched{fd(), POLLIN, 0};  // not in the trace: a program may look often
        return trama_detail::system_call([&] { return ::poll(&watched, 1, 0); }).value > 0;
    }

    /// Readable once it was stopped, and from then on: watch it, do not read it.
    int fd() const noexcept { return read_end_.get(); }

private:
    unique_fd read_end_;
    unique_fd write_end_;
};

}  // namespace trama

#endif  // TRAMA_READY_STOP_SIGNAL_HPP

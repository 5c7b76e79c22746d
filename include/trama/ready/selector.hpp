// trama/ready/selector.hpp -- waiting for many descriptors with select(2). man 2 select
//
// The oldest way, and the one that every system has. A set of descriptors is a row of bits, one for
// each number, with room for 1,024 of them. Each wait hands a copy of the whole row to the kernel,
// which looks at all of it and clears the bits of those that are not ready.
#ifndef TRAMA_READY_SELECTOR_HPP
#define TRAMA_READY_SELECTOR_HPP

#include <trama/ready/interest.hpp>

#include <fcntl.h>
#include <sys/select.h>

namespace trama {

/// Watches descriptors 0 to FD_SETSIZE - 1 (1,023). The caller owns and closes them.
class selector {
public:
    /// Watches `fd`; replaces what it was watched for before. Throws network_error if select(2)
    /// cannot hold the number.
    void add(int fd, interest what) {
        check_fits(fd);
        events_.forget(fd);
        set(fd, what);
        if (fd >= end_) end_ = fd + 1;
    }

    /// Watches `fd` for something else. Throws network_error if it is not watched.
    void modify(int fd, interest what) {
        if (!is_watched(fd)) trama_detail::throw_not_watched(fd);
        set(fd, what);
    }

    /// Watches `fd` no longer; does nothing if it was not watched.
    void remove(int fd) noexcept {
        if (!is_watched(fd)) return;
        events_.forget(fd);
        FD_CLR(fd, &read_);
        FD_CLR(fd, &write_);
        while (end_ > 0 && !is_watched(end_ - 1)) --end_;
    }

    /// Waits until something is ready. Returns the events, none if `time` (0: do not wait) was over
    /// first; valid until the next wait. Throws network_error.
    const ready_events& wait(duration time = no_timeout) {
        const deadline limit(time);
        events_.clear();
        fd_set read;
        fd_set write;
        long left = trama_detail::expect(select_once(read, write, limit), "select").value;
        for (int fd = 0; fd < end_ && left > 0; ++fd) {
            const bool readable = FD_ISSET(fd, &read);
            const bool writable = FD_ISSET(fd, &write);
            if (readable || writable) events_.push(fd, readable, writable);
            left -= readable + writable;
        }
        return events_;
    }

private:
    static void check_fits(int fd) {
        if (fd < 0) trama_detail::throw_watch_error(EBADF, "watch", fd);
        if (fd < FD_SETSIZE) return;
        trama_detail::throw_network_error(
            EINVAL, trama_detail::text("watch descriptor %d: select(2) holds 0 to %d (use "
                                       "poll_selector or epoll_selector)",
                                       fd, FD_SETSIZE - 1));
    }

    bool is_watched(int fd) const noexcept {
        // end_ is at most FD_SETSIZE, but not every compiler sees it.
        const bool fits = fd >= 0 && fd < end_ && fd < FD_SETSIZE;
        return fits && (FD_ISSET(fd, &read_) || FD_ISSET(fd, &write_));
    }

    void set(int fd, interest what) noexcept {
        FD_CLR(fd, &read_);
        FD_CLR(fd, &write_);
        if (trama_detail::wants(what, interest::read)) FD_SET(fd, &read_);
        if (trama_detail::wants(what, interest::write)) FD_SET(fd, &write_);
    }

    trama_detail::call_result select_once(fd_set& read, fd_set& write, const deadline& limit) {
        while (true) {
            const auto result = trama_detail::system_call([&] {
                read = read_;
                write = write_;
                timeval rest = time_left(limit);
                return ::select(end_, &read, &write, nullptr, limit.is_never() ? nullptr : &rest);
            });
            if (tracing())
                trama_detail::write_trace(
                    -1, result.error,
                    trama_detail::text("select below %d: %ld ready", end_, result.value));
            if (result.error != EBADF) return result;
            forget_closed();
        }
    }

    // In microseconds, rounded up; at most a week.
    static timeval time_left(const deadline& limit) noexcept {
        constexpr std::int64_t second = 1000000000;
        constexpr std::int64_t week = 7 * 24 * 3600 * second;
        const std::int64_t left = limit.left().count();
        const std::int64_t time = (left < week ? left : week) + 999;
        timeval rest{};
        rest.tv_sec = static_cast<int>(time / second);
        rest.tv_usec = static_cast<int>(time % second / 1000);
        return rest;
    }

    // A descriptor that is closed before it is removed makes select fail for all of them.
    void forget_closed() noexcept {
        for (int fd = 0; fd < end_; ++fd) {
            if (is_watched(fd) && ::fcntl(fd, F_GETFD) == -1) remove(fd);
        }
    }

    fd_set read_ = {};
    fd_set write_ = {};
    int end_ = 0;  // one more than the largest descriptor that is watched
    ready_events events_;
};

}  // namespace trama

#endif  // TRAMA_READY_SELECTOR_HPP

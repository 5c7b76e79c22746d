// trama/ready/epoll_selector.hpp -- waiting for many descriptors with epoll(7). Linux only.
// man 7 epoll, man 2 epoll_ctl, man 2 epoll_wait
//
// The list stays in the kernel. The program reports each change once, and the kernel returns only
// the descriptors that are ready. So silent descriptors cost nothing in a wait.
#ifndef TRAMA_READY_EPOLL_SELECTOR_HPP
#define TRAMA_READY_EPOLL_SELECTOR_HPP

#if !defined(__linux__)
#error "epoll(7) is a part of Linux: include <trama/ready/poll_selector.hpp> instead"
#endif

#include <trama/net/unique_fd.hpp>
#include <trama/ready/interest.hpp>

#include <sys/epoll.h>

namespace trama {

/// Watches any number of descriptors. The caller owns and closes them. Move-only.
class epoll_selector {
public:
    /// Throws network_error when no descriptor is left for it. man 2 epoll_create1
    epoll_selector() {
        const auto result =
            trama_detail::system_call([&] { return ::epoll_create1(EPOLL_CLOEXEC); });
        if (tracing())
            trama_detail::write_trace(-1, result.error,
                                      trama_detail::text("epoll_create1: fd %ld", result.value));
        epoll_.reset(trama_detail::expect(result, "open an epoll instance").descriptor());
    }

    /// Watches `fd`; replaces what it was watched for before. Throws network_error: for a regular
    /// file too, which is always ready.
    void add(int fd, interest what) {
        events_.forget(fd);
        trama_detail::call_result result = control(EPOLL_CTL_ADD, fd, what);
        if (result.error == EEXIST) result = control(EPOLL_CTL_MOD, fd, what);
        if (result.failed()) trama_detail::throw_watch_error(result.error, "watch", fd);
    }

    /// Watches `fd` for something else. Throws network_error if it is not watched.
    void modify(int fd, interest what) {
        const auto result = control(EPOLL_CTL_MOD, fd, what);
        if (result.error == ENOENT) trama_detail::throw_not_watched(fd);
        if (result.failed()) trama_detail::throw_watch_error(result.error, "modify", fd);
    }

    /// Watches `fd` no longer; does nothing if it was not watched.
    void remove(int fd) {
        events_.forget(fd);
        control(EPOLL_CTL_DEL, fd, interest::read);
    }

    /// Waits until something is ready. Returns the events (at most 256; the rest comes with the
    /// next wait), none if `time` (0: do not wait) was over first; valid until the next wait.
    const ready_events& wait(duration time = no_timeout) {
        constexpr int most = 256;
        const deadline limit(time);
        events_.clear();
        epoll_event found[most];
        const auto result = trama_detail::system_call(
            [&] { return ::epoll_wait(epoll_.get(), found, most, limit.poll_timeout()); });
        if (tracing())
            trama_detail::write_trace(epoll_.get(), result.error,
                                      trama_detail::text("epoll_wait: %ld ready", result.value));
        const long count = trama_detail::expect(result, "epoll_wait").value;
        for (long i = 0; i < count; ++i) push(found[i]);
        return events_;
    }

private:
    // With each event the kernel returns what it was given here: descriptor and interest.
    trama_detail::call_result control(int operation, int fd, interest what) {
        const auto number = static_cast<unsigned>(fd);
        epoll_event wanted{};
        wanted.data.u64 = std::uint64_t{static_cast<unsigned char>(what)} << 32U | number;
        if (trama_detail::wants(what, interest::read)) wanted.events |= EPOLLIN;
        if (trama_detail::wants(what, interest::write)) wanted.events |= EPOLLOUT;
        const auto result = trama_detail::system_call(
            [&] { return ::epoll_ctl(epoll_.get(), operation, fd, &wanted); });
        if (tracing())
            trama_detail::write_trace(
                epoll_.get(), result.error,
                trama_detail::text("epoll_ctl %s: fd %d", verb(operation, what), fd));
        return result;
    }

    static const char* verb(int operation, interest what) noexcept {
        if (operation == EPOLL_CTL_DEL) return "remove";
        if (what == interest::read) return "read";
        if (what == interest::write) return "write";
        return "read and write";
    }

    void push(const epoll_event& found) {
        const auto what = static_cast<interest>(found.data.u64 >> 32U);
        constexpr unsigned broken = EPOLLERR | EPOLLHUP;
        const bool readable = (found.events & (EPOLLIN | broken)) != 0;
        const bool writable = (found.events & (EPOLLOUT | broken)) != 0;
        events_.push(static_cast<int>(found.data.u64 & 0xFFFFFFFFU),
                     readable && trama_detail::wants(what, interest::read),
                     writable && trama_detail::wants(what, interest::write));
    }

    unique_fd epoll_;
    ready_events events_;
};

}  // namespace trama

#endif  // TRAMA_READY_EPOLL_SELECTOR_HPP

// trama/ready/epoll_selector.hpp -- waiting for many descriptors with epoll(7). Linux only.
// man 7 epoll, man 2 epoll_ctl, man 2 epoll_wait
//
// The list stays in the kernel, which is told of each change once, and hands out only what is
// ready. So a wait costs as much as there is to do, however many others are silent.
#pragma once

#if !defined(__linux__)
#error "epoll(7) is a part of Linux: include <trama/ready/poll_selector.hpp> instead"
#endif

#include <trama/net/unique_fd.hpp>
#include <trama/ready/interest.hpp>

#include <sys/epoll.h>

namespace trama {

/// Watches any number of descriptors. They stay the caller's, who closes them. Move-only.
class epoll_selector {
public:
    /// Throws network_error when no descriptor is left for it. man 2 epoll_create1
    epoll_selector() {
        const auto result =
            trama_detail::system_call([&] { return ::epoll_create1(EPOLL_CLOEXEC); });
        if (tracing()) trama_detail::trace(-1, result.error, "epoll_create1: fd %ld", result.value);
        epoll_.reset(static_cast<int>(trama_detail::check("open an epoll instance", result)));
    }

    /// Watches `fd`, whatever it was watched for before. Throws network_error: for a regular file
    /// too, which is always ready.
    void add(int fd, interest what) {
        events_.forget(fd);
        trama_detail::call_result result = control(EPOLL_CTL_ADD, fd, what);
        if (result.error == EEXIST) result = control(EPOLL_CTL_MOD, fd, what);
        if (result.failed()) throw_failed("watch", fd, result.error);
    }

    /// Watches `fd` for something else. Throws network_error if it is not watched.
    void modify(int fd, interest what) {
        const auto result = control(EPOLL_CTL_MOD, fd, what);
        if (result.error == ENOENT) trama_detail::throw_not_watched("modify", fd);
        if (result.failed()) throw_failed("modify", fd, result.error);
    }

    /// No longer watches `fd`; nothing happens if it was not.
    void remove(int fd) noexcept {
        events_.forget(fd);
        control(EPOLL_CTL_DEL, fd, interest::read);
    }

    /// Waits until something is ready. Returns what is (at most 256; the rest comes with the next
    /// wait), none if `timeout` (0: do not wait) was over first; valid until the next wait.
    const ready_events& wait(duration timeout = no_timeout) {
        constexpr int most = 256;
        const deadline limit(timeout);
        events_.clear();
        epoll_event found[most];
        const auto result = trama_detail::system_call(
            [&] { return ::epoll_wait(epoll_.get(), found, most, limit.poll_timeout()); });
        if (tracing())
            trama_detail::trace(epoll_.get(), result.error, "epoll_wait: %ld ready", result.value);
        trama_detail::check("epoll_wait", result);
        for (const epoll_event* each = found; each != found + result.value; ++each) push(*each);
        return events_;
    }

private:
    // With each event the kernel gives back what it was given here: descriptor and interest.
    trama_detail::call_result control(int operation, int fd, interest what) noexcept {
        const auto number = static_cast<unsigned>(fd);
        epoll_event wanted{};
        wanted.data.u64 = std::uint64_t{static_cast<unsigned char>(what)} << 32U | number;
        if (trama_detail::wants(what, interest::read)) wanted.events |= EPOLLIN;
        if (trama_detail::wants(what, interest::write)) wanted.events |= EPOLLOUT;
        const auto result = trama_detail::system_call(
            [&] { return ::epoll_ctl(epoll_.get(), operation, fd, &wanted); });
        if (tracing())
            trama_detail::trace(epoll_.get(), result.error, "epoll_ctl %s: fd %d",
                                operation == EPOLL_CTL_DEL  ? "remove"
                                : wanted.events == EPOLLIN  ? "read"
                                : wanted.events == EPOLLOUT ? "write"
                                                            : "read and write",
                                fd);
        return result;
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

    [[noreturn, gnu::cold]] static void throw_failed(const char* operation, int fd, int error) {
        trama_detail::throw_system_error(error, operation,
                                         trama_detail::text("descriptor %d", fd).c_str());
    }

    unique_fd epoll_;
    ready_events events_;
};

}  // namespace trama

// trama/ready/poll_selector.hpp -- waiting for many descriptors with poll(2). man 2 poll
//
// A list of descriptors instead of a row of bits: any number of them, with any value. The kernel
// still gets the whole list with each wait, and looks at all of it.
#ifndef TRAMA_READY_POLL_SELECTOR_HPP
#define TRAMA_READY_POLL_SELECTOR_HPP

#include <trama/ready/interest.hpp>

#include <poll.h>

namespace trama {

/// Watches any number of descriptors. The caller owns and closes them.
class poll_selector {
public:
    /// Watches `fd`; replaces what it was watched for. Throws network_error for a negative number.
    void add(int fd, interest what) {
        if (fd < 0) trama_detail::throw_watch_error(EBADF, "watch", fd);
        events_.forget(fd);
        if (places_.size() <= index(fd)) places_.resize(index(fd) + 1, nowhere);
        if (!is_watched(fd)) {
            list_.push_back({fd, 0, 0});
            places_[index(fd)] = static_cast<int>(list_.size()) - 1;
        }
        at(fd).events = bits(what);
    }

    /// Watches `fd` for something else. Throws network_error if it is not watched.
    void modify(int fd, interest what) {
        if (!is_watched(fd)) trama_detail::throw_not_watched(fd);
        at(fd).events = bits(what);
    }

    /// Watches `fd` no longer; does nothing if it was not watched.
    void remove(int fd) noexcept {
        if (!is_watched(fd)) return;
        events_.forget(fd);
        // The last one takes its place: no gap, and nothing else is moved.
        const pollfd last = list_.back();
        at(fd) = last;
        places_[index(last.fd)] = places_[index(fd)];
        places_[index(fd)] = nowhere;
        list_.pop_back();
    }

    /// Waits until something is ready. Returns the events, none if `time` (0: do not wait) was over
    /// first; valid until the next wait. Throws network_error.
    const ready_events& wait(duration time = no_timeout) {
        const deadline limit(time);
        events_.clear();
        while (true) {
            collect(limit);
            if (events_.has_events() || limit.passed()) return events_;
        }
    }

private:
    static constexpr int nowhere = -1;

    static std::size_t index(int fd) noexcept { return static_cast<std::size_t>(fd); }

    static short bits(interest what) noexcept {
        const int read = trama_detail::wants(what, interest::read) ? POLLIN : 0;
        const int write = trama_detail::wants(what, interest::write) ? POLLOUT : 0;
        return static_cast<short>(read | write);
    }

    bool is_watched(int fd) const noexcept {
        return fd >= 0 && index(fd) < places_.size() && places_[index(fd)] != nowhere;
    }

    pollfd& at(int fd) noexcept { return list_[index(places_[index(fd)])]; }

    void collect(const deadline& limit) {
        const auto result = trama_detail::system_call([&] {
            return ::poll(list_.data(), static_cast<nfds_t>(list_.end() - list_.begin()),
                          limit.poll_timeout());
        });
        if (tracing())
            trama_detail::write_trace(
                -1, result.error,
                trama_detail::text("poll of %zu: %ld ready", list_.size(), result.value));
        long left = trama_detail::expect(result, "poll").value;
        for (std::size_t i = 0; i < list_.size() && left > 0;) {
            const pollfd found = list_[i];
            if (found.revents != 0) --left;
            if ((found.revents & POLLNVAL) != 0) {  // closed before it was removed
                remove(found.fd);                   // now another one has this place
                continue;
            }
            if (found.revents != 0) push(found);
            ++i;
        }
    }

    void push(const pollfd& found) {
        const bool broken = (found.revents & (POLLERR | POLLHUP)) != 0;
        const bool readable = (found.revents & POLLIN) != 0 || broken;
        const bool writable = (found.revents & POLLOUT) != 0 || broken;
        events_.push(found.fd, readable && (found.events & POLLIN) != 0,
                     writable && (found.events & POLLOUT) != 0);
    }

    std::vector<pollfd> list_;  // in the form of poll(2)
    std::vector<int> places_;   // by descriptor: its place in the list, or nowhere
    ready_events events_;
};

}  // namespace trama

#endif  // TRAMA_READY_POLL_SELECTOR_HPP

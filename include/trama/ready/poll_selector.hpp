// trama/ready/poll_selector.hpp -- waiting for many descriptors with poll(2). man 2 poll
//
// A list of descriptors in place of a row of bits: any number of them, any value. The kernel still
// gets the whole list with each wait, and looks at all of it.
#pragma once

#include <trama/ready/interest.hpp>

#include <poll.h>

namespace trama {

/// Watches any number of descriptors. They stay the caller's, who closes them.
class poll_selector {
public:
    /// Watches `fd`, whatever it was watched for before. Throws network_error for a negative
    /// number.
    void add(int fd, interest what) {
        if (fd < 0) trama_detail::throw_system_error(EBADF, "watch", "");
        events_.forget(fd);
        const auto number = static_cast<std::size_t>(fd);
        places_.reach(number, nowhere);
        if (places_[number] == nowhere) {
            list_.push_back({fd, 0, 0});
            places_[number] = static_cast<int>(list_.size()) - 1;
        }
        list_[static_cast<std::size_t>(places_[number])].events = bits(what);
    }

    /// Watches `fd` for something else. Throws network_error if it is not watched.
    void modify(int fd, interest what) {
        pollfd* place = place_of(fd);
        if (place == nullptr) trama_detail::throw_not_watched("modify", fd);
        place->events = bits(what);
    }

    /// No longer watches `fd`; nothing happens if it was not.
    void remove(int fd) noexcept {
        pollfd* place = place_of(fd);
        if (place == nullptr) return;
        events_.forget(fd);
        // The last one takes its place: no gap, and nothing else is moved.
        *place = list_.back();
        places_[static_cast<std::size_t>(place->fd)] = places_[static_cast<std::size_t>(fd)];
        places_[static_cast<std::size_t>(fd)] = nowhere;
        list_.pop_back();
    }

    /// Waits until something is ready. Returns what is, none if `timeout` (0: do not wait) was over
    /// first; valid until the next wait. Throws network_error.
    const ready_events& wait(duration timeout = no_timeout) {
        const deadline limit(timeout);
        events_.clear();
        do collect(limit);
        while (events_.empty() && !limit.passed());
        return events_;
    }

private:
    static constexpr int nowhere = -1;

    static short bits(interest what) noexcept {
        const int read = trama_detail::wants(what, interest::read) ? POLLIN : 0;
        const int write = trama_detail::wants(what, interest::write) ? POLLOUT : 0;
        return static_cast<short>(read | write);
    }

    void collect(const deadline& limit) {
        const auto result = trama_detail::system_call(
            [&] { return ::poll(list_.begin(), list_.size(), limit.poll_timeout()); });
        if (tracing())
            trama_detail::trace(-1, result.error, "poll of %zu: %ld ready", list_.size(),
                                result.value);
        long left = trama_detail::check("poll", result);
        for (std::size_t i = 0; i < list_.size() && left > 0;) {
            const pollfd found = list_[i];
            if (found.revents != 0) --left;
            if ((found.revents & POLLNVAL) != 0) {  // closed before it was removed
                remove(found.fd);                   // another one is at this place now
            } else {
                if (found.revents != 0) push(found);
                ++i;
            }
        }
    }

    void push(const pollfd& found) {
        const bool broken = (found.revents & (POLLERR | POLLHUP)) != 0;
        const bool readable = (found.revents & POLLIN) != 0 || broken;
        const bool writable = (found.revents & POLLOUT) != 0 || broken;
        events_.push(found.fd, readable && (found.events & POLLIN) != 0,
                     writable && (found.events & POLLOUT) != 0);
    }

    pollfd* place_of(int fd) noexcept {
        if (fd < 0 || static_cast<std::size_t>(fd) >= places_.size()) return nullptr;
        const int place = places_[static_cast<std::size_t>(fd)];
        return place == nowhere ? nullptr : &list_[static_cast<std::size_t>(place)];
    }

    trama_detail::list<pollfd> list_;
    trama_detail::list<int> places_;  // where in the list each descriptor is
    ready_events events_;
};

}  // namespace trama

// trama/ready/interest.hpp -- what one wants to know of a descriptor, and what a wait found out.
//
// The three selectors have the same four verbs and behave alike; only their cost differs:
//
//     ready.add(fd, interest::read);          from now on watch it
//     ready.modify(fd, interest::write);      watch it for something else
//     ready.remove(fd);                       and no longer; before it is closed
//     for (ready_event event : ready.wait())  whatever is ready now
//
// Ready means that the call would not wait. It may still fail, or find the end of the stream.
#pragma once

#include <trama/base/deadline.hpp>
#include <trama/base/error.hpp>
#include <trama/list.hpp>

namespace trama {

/// What a descriptor is watched for.
enum class interest : unsigned char { read = 1, write = 2, read_write = 3 };

/// One descriptor that is ready. Broken ones are ready for all they were watched for: the next call
/// on them tells the error.
struct ready_event {
    int fd = -1;
    bool readable = false;  ///< bytes, a connection, the end of the stream, or an error
    bool writable = false;  ///< room for bytes, or an error
};

namespace trama_detail {

inline bool wants(interest what, interest part) noexcept {
    return (static_cast<unsigned>(what) & static_cast<unsigned>(part)) != 0;
}

[[noreturn, gnu::cold]] inline void throw_not_watched(const char* operation, int fd) {
    throw_network_error(ENOENT, operation, text("descriptor %d", fd).c_str(), "it is not watched",
                        "add it first");
}

}  // namespace trama_detail

/// What one wait found, to be gone through before the next wait. What is removed, or added anew,
/// meanwhile is left out: its event would be about a descriptor that is no more.
class ready_events {
public:
    /// Walks over the events that still hold.
    class iterator {
    public:
        iterator(const ready_event* at, const ready_event* end) noexcept : at_(at), end_(end) {
            skip();
        }
        ready_event operator*() const noexcept { return *at_; }
        iterator& operator++() noexcept {
            ++at_;
            skip();
            return *this;
        }
        bool operator!=(const iterator& other) const noexcept { return at_ != other.at_; }

    private:
        void skip() noexcept {
            while (at_ != end_ && at_->fd == -1) ++at_;
        }

        const ready_event* at_;
        const ready_event* end_;
    };

    iterator begin() const noexcept { return {events_.begin(), events_.end()}; }
    iterator end() const noexcept { return {events_.end(), events_.end()}; }

    /// True: nothing is ready, the time was up.
    bool empty() const noexcept { return !(begin() != end()); }

private:
    friend class selector;
    friend class poll_selector;
    friend class epoll_selector;

    void clear() noexcept { events_.clear(); }
    void push(int fd, bool readable, bool writable) { events_.push_back({fd, readable, writable}); }
    void forget(int fd) noexcept {
        for (ready_event& each : events_)
            if (each.fd == fd) each.fd = -1;
    }

    trama_detail::list<ready_event> events_;
};

}  // namespace trama

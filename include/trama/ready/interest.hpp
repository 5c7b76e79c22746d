// trama/ready/interest.hpp -- what a descriptor is watched for, and the events that a wait found.
//
// The three selectors have the same four verbs and behave alike; only their cost differs:
//
//     ready.add(fd, interest::read);          watch it from now on
//     ready.modify(fd, interest::write);      watch it for something else
//     ready.remove(fd);                       watch it no longer; before it is closed
//     for (ready_event event : ready.wait())  everything that is ready now
//
// Ready means that the call would not wait. It may still fail, or find the end of the stream.
// A framed_stream may hold messages that have come already; those do not make its descriptor
// ready, so take them all with try_recv_frame() before the next wait.
#ifndef TRAMA_READY_INTEREST_HPP
#define TRAMA_READY_INTEREST_HPP

#include <trama/base/deadline.hpp>
#include <trama/net/unique_fd.hpp>

#include <vector>

namespace trama {

/// What a descriptor is watched for.
enum class interest : unsigned char { read = 1, write = 2, read_write = 3 };

/// One descriptor that is ready. A broken one is ready for everything it is watched for: the next
/// call on it returns the error.
struct ready_event {
    int fd = -1;
    bool readable = false;  ///< bytes, a connection, the end of the stream, or an error
    bool writable = false;  ///< room for bytes, or an error
};

namespace trama_detail {

inline bool wants(interest what, interest part) noexcept {
    return (static_cast<unsigned>(what) & static_cast<unsigned>(part)) != 0;
}

[[noreturn]] inline void throw_watch_error(int error, const char* operation, int fd) {
    throw_system_error(error, operation, text("descriptor %d", fd).c_str());
}

[[noreturn]] inline void throw_not_watched(int fd) {
    throw_network_error(ENOENT, text("modify descriptor %d: it is not watched (add it first)", fd));
}

}  // namespace trama_detail

/// The events of one wait, to be handled before the next wait. A descriptor that is removed, or
/// added again, meanwhile is left out: its event would be about a descriptor that is gone.
class ready_events {
public:
    /// Visits the events that still hold.
    class iterator {
    public:
        iterator(const ready_event* at, const ready_event* end) noexcept : at_(at), end_(end) {
            skip_forgotten();
        }
        ready_event operator*() const noexcept { return *at_; }
        iterator& operator++() noexcept {
            ++at_;
            skip_forgotten();
            return *this;
        }
        bool operator!=(const iterator& other) const noexcept { return at_ != other.at_; }

    private:
        void skip_forgotten() noexcept {
            while (at_ != end_ && at_->fd == -1) ++at_;
        }

        const ready_event* at_;
        const ready_event* end_;
    };

    iterator begin() const noexcept { return {events_.data(), events_.data() + events_.size()}; }
    iterator end() const noexcept {
        const ready_event* const end = events_.data() + events_.size();
        return {end, end};
    }

    /// True: nothing is ready, the time was up.
    bool empty() const noexcept { return !(begin() != end()); }

private:
    friend class selector;
    friend class poll_selector;
    friend class epoll_selector;

    bool has_events() const noexcept { return !events_.empty(); }
    void clear() noexcept { events_.clear(); }
    void push(int fd, bool readable, bool writable) { events_.push_back({fd, readable, writable}); }
    void forget(int fd) noexcept {
        for (ready_event& each : events_) {
            if (each.fd == fd) each.fd = -1;
        }
    }

    std::vector<ready_event> events_;
};

}  // namespace trama

#endif  // TRAMA_READY_INTEREST_HPP

// trama/ready/deadlines.hpp -- one deadline for each descriptor, and who is over first.
//
// One time-out for a wait is one for all: a client that speaks every second would keep a silent one
// alive. So each has its own, and the wait lasts until the first of them.
#pragma once

#include <trama/base/deadline.hpp>
#include <trama/list.hpp>

namespace trama {

/// Deadlines of many descriptors. To set one costs nothing but a look at the clock; they are all
/// looked through only when the earliest may have come.
class deadlines {
public:
    /// `fd` is over at `end`; it replaces what was set for it before.
    void set(int fd, const deadline& end) {
        if (fd < 0) return;                    // it was closed meanwhile
        if (end.is_never()) return clear(fd);  // and no room is taken for it
        ends_.reach(static_cast<std::size_t>(fd), deadline());
        ends_[static_cast<std::size_t>(fd)] = end;
        if (end.is_before(earliest_)) earliest_ = end;
    }

    /// The same, so long from now; `no_timeout`: never.
    void set(int fd, duration from_now) { set(fd, deadline(from_now)); }

    /// `fd` has no deadline any more.
    void clear(int fd) noexcept {
        if (static_cast<std::size_t>(fd) < ends_.size())
            ends_[static_cast<std::size_t>(fd)] = deadline();
    }

    /// False: none is set.
    bool any() const noexcept { return !passed_.empty() || !earliest_.is_never(); }

    /// How long to wait before asking next_passed() again; `no_timeout` when none is set.
    duration left() const noexcept { return passed_.empty() ? earliest_.left() : duration::zero(); }

    /// False: next_passed() has nothing to tell.
    bool any_passed() const noexcept { return !passed_.empty() || earliest_.passed(); }

    /// A descriptor whose deadline has passed, and which now has none; -1: there is none.
    int next_passed() {
        if (passed_.empty() && earliest_.passed()) collect();
        while (!passed_.empty()) {
            const int fd = passed_.back();
            passed_.pop_back();
            deadline& end = ends_[static_cast<std::size_t>(fd)];
            if (!end.passed()) continue;  // it was set anew, or cleared, since it was found
            end = deadline();
            return fd;
        }
        return -1;
    }

private:
    void collect() {
        const deadline present(duration(1));
        deadline first;  // earliest_ stays as it was if there is no memory for passed_
        for (std::size_t i = 0; i < ends_.size(); ++i) {
            if (ends_[i].is_before(present)) {
                passed_.push_back(static_cast<int>(i));
            } else if (ends_[i].is_before(first)) {
                first = ends_[i];
            }
        }
        earliest_ = first;
    }

    trama_detail::list<deadline> ends_;
    trama_detail::list<int> passed_;
    // No later than the first of them: that one may have been set anew since.
    deadline earliest_;
};

}  // namespace trama

// trama/ready/deadlines.hpp -- a deadline for each descriptor, and those that have passed.
//
// One time-out for a wait is one for all: a client that speaks every second would keep a silent one
// alive. So each has its own, and the wait lasts until the first of them.
#ifndef TRAMA_READY_DEADLINES_HPP
#define TRAMA_READY_DEADLINES_HPP

#include <trama/base/deadline.hpp>

#include <vector>

namespace trama {

/// Deadlines of many descriptors. To set one costs little more than to read the clock; all of them
/// are looked through only when the earliest may have come.
class deadlines {
public:
    /// The deadline of `fd` is `end`; it replaces an earlier one.
    void set(int fd, const deadline& end) {
        if (fd < 0) return;                    // it was closed meanwhile
        if (end.is_never()) return clear(fd);  // and takes no room
        if (ends_.size() <= index(fd)) ends_.resize(index(fd) + 1);
        ends_[index(fd)] = end;
        if (end.is_before(earliest_)) earliest_ = end;
    }

    /// The same, `from_now`; no_timeout: never.
    void set(int fd, duration from_now) { set(fd, deadline(from_now)); }

    /// Removes the deadline of `fd`.
    void clear(int fd) noexcept {
        if (fd >= 0 && index(fd) < ends_.size()) ends_[index(fd)] = deadline();
    }

    /// False: none is set.
    bool any() const noexcept { return !passed_.empty() || !earliest_.is_never(); }

    /// The time to wait before next_passed() can return one; no_timeout when none is set.
    duration left() const noexcept { return passed_.empty() ? earliest_.left() : duration::zero(); }

    /// False: next_passed() would return -1.
    bool any_passed() const noexcept { return !passed_.empty() || earliest_.passed(); }

    /// Returns a descriptor whose deadline has passed, and clears its deadline; -1: there is none.
    [[nodiscard]] int next_passed() {
        if (passed_.empty() && earliest_.passed()) collect();
        while (!passed_.empty()) {
            const int fd = passed_.back();
            passed_.pop_back();
            deadline& end = ends_[index(fd)];
            if (!end.passed()) continue;  // it was set anew, or cleared, since it was found
            end = deadline();
            return fd;
        }
        return -1;
    }

private:
    static std::size_t index(int fd) noexcept { return static_cast<std::size_t>(fd); }

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

    std::vector<deadline> ends_;  // by descriptor
    std::vector<int> passed_;     // found, and not yet returned
    // No later than the first of them: that one may have been set anew since.
    deadline earliest_;
};

}  // namespace trama

#endif  // TRAMA_READY_DEADLINES_HPP

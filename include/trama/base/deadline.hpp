// trama/base/deadline.hpp -- a time-out for a whole operation, however many system calls it takes.
//
// "Five seconds for each recv" lets a peer that sends one byte every four seconds go on without
// end. A deadline is a point in time, so the time that is left shrinks from call to call.
#ifndef TRAMA_BASE_DEADLINE_HPP
#define TRAMA_BASE_DEADLINE_HPP

#include <chrono>
#include <cstdint>

namespace trama {

/// A length of time, up to 146 years. Whole numbers of each std::chrono unit convert to it: 5s,
/// 200ms, but not 0.5s. For "without limit" use no_timeout, not the largest number of another unit.
using duration = std::chrono::nanoseconds;

/// The time-out that never expires.
inline constexpr duration no_timeout = (duration::max)();

/// The point in time at which an operation must be over. It follows the steady clock: setting the
/// date does not move it.
class deadline {
public:
    /// Never.
    deadline() noexcept = default;

    /// `from_now`: 0 or less is over at once; no_timeout is never over.
    explicit deadline(duration from_now) noexcept : end_(after(from_now)) {}

    bool is_never() const noexcept { return end_ == never; }
    bool is_at_once() const noexcept { return end_ == at_once; }

    bool is_before(const deadline& other) const noexcept { return end_ < other.end_; }

    bool passed() const noexcept { return !is_never() && left() == duration::zero(); }

    /// The time that is left, at least 0, or no_timeout.
    duration left() const noexcept {
        if (is_never()) return no_timeout;
        const std::int64_t present = now();
        return duration(end_ > present ? end_ - present : 0);
    }

    /// The time that is left in the unit of poll(2): milliseconds, rounded up; -1 for never.
    int poll_timeout() const noexcept {
        if (is_never()) return -1;
        const std::int64_t rest = (left().count() + 999999) / 1000000;
        constexpr int most = 2147483647;
        return rest < most ? static_cast<int>(rest) : most;
    }

private:
    static std::int64_t after(duration from_now) noexcept {
        if (from_now > no_timeout / 2) return never;  // 146 years, and nothing below overflows
        return from_now <= duration::zero() ? at_once : now() + from_now.count();
    }

    static std::int64_t now() noexcept {
        const duration since = std::chrono::steady_clock::now().time_since_epoch();
        return since.count();
    }

    static constexpr std::int64_t at_once = INT64_MIN;
    static constexpr std::int64_t never = INT64_MAX;

    std::int64_t end_ = never;  // nanoseconds of the steady clock
};

}  // namespace trama

#endif  // TRAMA_BASE_DEADLINE_HPP

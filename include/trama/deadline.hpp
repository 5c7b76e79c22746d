// trama/deadline.hpp -- a time-out for a whole operation, however many system calls it takes.
//
// "Five seconds for each recv" lets a peer that sends one byte every four seconds hold us for ever.
// A deadline is a point in time, so the time that is left shrinks from call to call.
#pragma once

#include <chrono>
#include <limits>

namespace trama {

/// A length of time; every std::chrono duration converts to it: 5s, 200ms.
using duration = std::chrono::nanoseconds;

/// The time-out that never expires.
inline constexpr duration forever = duration::max();

/// When an operation must be over, by the steady clock: setting the date does not move it.
class deadline {
public:
    /// `from_now`: 0 or less is over at once; `forever` never is.
    explicit deadline(duration from_now) noexcept {
        if (from_now == forever) return;
        const clock::time_point now = clock::now();
        if (from_now < clock::time_point::max() - now) end_ = now + from_now;
    }

    bool is_never() const noexcept { return end_ == clock::time_point::max(); }

    /// The time that is left, at least 0, or `forever`.
    duration left() const noexcept {
        if (is_never()) return forever;
        const duration rest = end_ - clock::now();
        return rest > duration::zero() ? rest : duration::zero();
    }

    /// The time that is left as poll(2) wants it: milliseconds, rounded up; -1 for never.
    int poll_timeout() const noexcept {
        if (is_never()) return -1;
        const auto rest = std::chrono::ceil<std::chrono::milliseconds>(left()).count();
        constexpr int most = std::numeric_limits<int>::max();
        return rest < most ? static_cast<int>(rest) : most;
    }

private:
    using clock = std::chrono::steady_clock;

    clock::time_point end_ = clock::time_point::max();
};

}  // namespace trama

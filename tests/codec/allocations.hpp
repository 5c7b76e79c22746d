// Counts what is allocated on the heap, and lets an allocation fail. allocations.cpp replaces
// operator new for the whole test program, and realloc(3), which frame_decoder uses.
#pragma once

#include <cstddef>

namespace test {

/// Whether realloc is seen too. Not with sanitizers, which must have it for themselves, and not
/// without glibc.
bool realloc_is_counted() noexcept;

/// Counts the allocations of this thread, from construction on.
class allocation_count {
public:
    allocation_count() noexcept;

    std::size_t calls() const noexcept;
    std::size_t bytes() const noexcept;  ///< asked for, in all calls together

private:
    std::size_t calls_before_;
    std::size_t bytes_before_;
};

/// While it lives, the `nth` allocation of this thread from now on fails (1: the next one).
class failing_allocation {
public:
    explicit failing_allocation(std::size_t nth) noexcept;
    failing_allocation(const failing_allocation&) = delete;
    failing_allocation& operator=(const failing_allocation&) = delete;
    ~failing_allocation();

    bool has_failed() const noexcept;
};

}  // namespace test

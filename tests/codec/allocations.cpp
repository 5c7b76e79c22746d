#include "allocations.hpp"

#include <cstdlib>
#include <new>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TEST_WITH_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TEST_WITH_SANITIZER
#endif
#endif

// Other C libraries may be linked statically: then realloc cannot be found behind ours.
#if !defined(TEST_WITH_SANITIZER) && defined(__GLIBC__)
#define TEST_COUNTS_REALLOC
#endif

#ifdef TEST_COUNTS_REALLOC
#include <dlfcn.h>
#endif

namespace {

// Constant initialisation and no destructor: they are used before main and after it.
thread_local std::size_t all_calls = 0;
thread_local std::size_t all_bytes = 0;
thread_local std::size_t calls_until_failure = 0;  // 0: none is to fail
thread_local bool failed = false;

/// Counts one allocation; false: it is the one that fails.
bool note(std::size_t size) noexcept {
    ++all_calls;
    all_bytes += size;
    if (calls_until_failure == 0 || --calls_until_failure > 0) return true;
    failed = true;
    return false;
}

}  // namespace

// ---- what is replaced ------------------------------------------------------------------------

void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
    return note(size) ? std::malloc(size > 0 ? size : 1) : nullptr;
}
void* operator new(std::size_t size) {
    void* memory = operator new(size, std::nothrow);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}
void* operator new[](std::size_t size) {
    return operator new(size);
}
void* operator new[](std::size_t size, const std::nothrow_t& tag) noexcept {
    return operator new(size, tag);
}
void operator delete(void* memory) noexcept {
    std::free(memory);
}
void operator delete(void* memory, std::size_t) noexcept {
    std::free(memory);
}
void operator delete[](void* memory) noexcept {
    std::free(memory);
}
void operator delete[](void* memory, std::size_t) noexcept {
    std::free(memory);
}

#ifdef TEST_COUNTS_REALLOC
// A function that the program defines goes before the one of the C library.
extern "C" void* realloc(void* memory, std::size_t size) noexcept {
    using function = void* (*)(void*, std::size_t);
    static const auto real = reinterpret_cast<function>(dlsym(RTLD_NEXT, "realloc"));
    return note(size) ? real(memory, size) : nullptr;
}
#endif

// ---- what tests use --------------------------------------------------------------------------

namespace test {

bool realloc_is_counted() noexcept {
#ifdef TEST_COUNTS_REALLOC
    return true;
#else
    return false;
#endif
}

allocation_count::allocation_count() noexcept
    : calls_before_(all_calls), bytes_before_(all_bytes) {}

std::size_t allocation_count::calls() const noexcept {
    return all_calls - calls_before_;
}
std::size_t allocation_count::bytes() const noexcept {
    return all_bytes - bytes_before_;
}

failing_allocation::failing_allocation(std::size_t nth) noexcept {
    failed = false;
    calls_until_failure = nth;
}
failing_allocation::~failing_allocation() {
    calls_until_failure = 0;
}
bool failing_allocation::has_failed() const noexcept {
    return failed;
}

}  // namespace test

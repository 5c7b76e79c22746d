// examples/support/system.hpp -- where systems differ for the programs, all in one place. The
// library has its own: trama/base/system.hpp. tools/badlink needs Linux as a whole. man 2 pipe2,
// man 2 ppoll, man 2 stat, man 7 environ
#pragma once

#include "program.hpp"

#include <sys/stat.h>

/// The variables of this process. POSIX lets each program declare it.
extern char** environ;

namespace program {

#if defined(__linux__)

using trama::epoll_selector;

/// When the bytes of a file were written last.
inline timespec time_of_change(const struct stat& status) {
    return status.st_mtim;
}

/// pipe2(2): programs that are started from here do not inherit the two ends. Returns -1 or 0.
inline int open_pipe(int (&ends)[2]) {
    return ::pipe2(ends, O_CLOEXEC);
}

/// poll(2), but the time counts in nanoseconds, and not in milliseconds.
inline int poll_for(pollfd* watched, std::size_t count, trama::duration at_most) {
    if (at_most == trama::no_timeout) return ::ppoll(watched, count, nullptr, nullptr);
    const auto seconds = std::chrono::duration_cast<std::chrono::seconds>(at_most);
    const timespec time{static_cast<int>(seconds.count()),
                        static_cast<int>((at_most - seconds).count())};
    return ::ppoll(watched, count, &time, nullptr);
}

#else

struct epoll_selector : trama::poll_selector {
    epoll_selector() { throw usage_error("only Linux has epoll: use --backend poll"); }
};

inline timespec time_of_change(const struct stat& status) {
#if defined(__APPLE__)
    return status.st_mtimespec;
#else
    return status.st_mtim;
#endif
}

inline int open_pipe(int (&ends)[2]) {
    const int result = ::pipe(ends);
    for (const int end : ends) {
        if (result == 0) ::fcntl(end, F_SETFD, FD_CLOEXEC);
    }
    return result;
}

/// Here the time is rounded up to whole milliseconds.
inline int poll_for(pollfd* watched, std::size_t count, trama::duration at_most) {
    return ::poll(watched, static_cast<nfds_t>(count), trama::deadline(at_most).poll_timeout());
}

#endif

}  // namespace program

// A system that refuses some calls, as a file system does that does not have them: in one thread.
// man 2 seccomp
#pragma once

#include "files.hpp"

#include <cstddef>
#include <cstdint>
#include <stdexcept>

#if defined(__linux__)
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>

namespace test {

/// From here on the system call `number` fails with `error` in this thread. `first`: only with this
/// first argument, a descriptor; -1: always. A thread cannot take it back: use in_background().
inline void refuse_call(long number, int error, int first = -1) {
    constexpr std::uint32_t low_half =
        __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? sizeof(std::uint32_t) : 0;
    const auto data_at = [](std::uint32_t offset) {
        return sock_filter BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offset);
    };
    const auto skip_unless = [](long value, unsigned char count) {
        return sock_filter BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, static_cast<std::uint32_t>(value), 0,
                                    count);
    };
    const auto end_with = [](std::uint32_t action) {
        return sock_filter BPF_STMT(BPF_RET | BPF_K, action);
    };
    std::vector<sock_filter> filter = {data_at(offsetof(seccomp_data, nr))};
    if (first == -1) {
        filter.push_back(skip_unless(number, 1));
    } else {
        filter.push_back(skip_unless(number, 3));
        filter.push_back(data_at(offsetof(seccomp_data, args) + low_half));
        filter.push_back(skip_unless(first, 1));
    }
    filter.push_back(end_with(SECCOMP_RET_ERRNO | static_cast<std::uint32_t>(error)));
    filter.push_back(end_with(SECCOMP_RET_ALLOW));
    const sock_fprog program{static_cast<unsigned short>(filter.size()), filter.data()};
    const bool refused = ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
                         ::prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
    if (!refused) throw std::runtime_error("this system does not let us refuse calls");
}

/// False where the kernel, an emulator or a sandbox does not know such filters.
inline bool can_refuse_calls() {
    return in_background([] {
               try {
                   refuse_call(SYS_getppid, EPERM);
               } catch (const std::runtime_error&) {
                   return false;
               }
               return ::getppid() == -1;
           })
        .get();
}

}  // namespace test
#endif

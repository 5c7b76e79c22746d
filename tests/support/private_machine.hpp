// A machine of its own for one test: a child process with its own network and its own /etc/hosts,
// in Linux namespaces. What it changes there nobody else sees, and it is gone with the child.
#pragma once

#include "trama.hpp"

#include <cstdio>
#include <optional>
#include <string>

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

namespace test {

/// Writes a file as a whole, such as one of /proc/sys. False: it could not.
inline bool write_file(const std::string& path, const std::string& text) {
    const trama::unique_fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    return ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// Switches the loopback interface on, as every machine does when it starts.
inline bool start_loopback() {
    const trama::unique_fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::snprintf(request.ifr_name, sizeof request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    return ::ioctl(fd.get(), SIOCSIFFLAGS, &request) == 0;
}

/// Lets `names`, lines of /etc/hosts, be what this machine knows.
inline bool use_hosts(const std::string& names) {
    const std::string file = "/tmp/trama-hosts-" + std::to_string(::getpid());
    const bool done = write_file(file, names) &&
                      ::mount(file.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr) == 0;
    ::unlink(file.c_str());
    return done;
}

/// What `story` returns, or what it threw.
template <typename Story>
std::string told_by(Story story) {
    try {
        return story();
    } catch (const std::exception& error) {
        return error.what();
    }
}

/// Runs `story` in a child that is a machine of its own, with nothing but loopback; returns the
/// text that it returns, or the text of what it threw. nullopt: this system does not allow it, and
/// the test must say so.
template <typename Story>
std::optional<std::string> on_a_private_machine(Story story) {
    const std::string not_allowed = "not allowed";
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) == -1) return std::nullopt;
    trama::unique_fd reading(ends[0]);
    trama::unique_fd writing(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) {
        const bool own = ::unshare(CLONE_NEWNET | CLONE_NEWNS) == 0 ||
                         ::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) == 0;
        const bool ready = own &&
                           ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                           start_loopback();
        const std::string told = ready ? told_by(story) : not_allowed;
        const ssize_t written = ::write(writing.get(), told.data(), told.size());
        ::_exit(written == static_cast<ssize_t>(told.size()) ? 0 : 1);
    }
    writing.reset();
    std::string told;
    char bytes[4096];
    for (ssize_t count; (count = ::read(reading.get(), bytes, sizeof bytes)) > 0;)
        told.append(bytes, static_cast<std::size_t>(count));
    ::waitpid(child, nullptr, 0);
    if (told == not_allowed) return std::nullopt;
    return told;
}

}  // namespace test

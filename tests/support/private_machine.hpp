// A machine of its own for one test: a child process with its own network and its own /etc/hosts,
// in Linux namespaces. What it changes there nobody else sees, and it is gone with the child.
#pragma once

#include "trama.hpp"

#include <cstdio>
#include <stdexcept>
#include <string>

#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/wait.h>
#include <unistd.h>

namespace test {

/// Something that a private machine needs and this system does not let it have. The text says what.
struct impossible : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Writes a file as a whole, such as one of /proc/sys.
inline void write_file(const std::string& path, const std::string& text) {
    const trama::unique_fd fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (::write(fd.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()))
        throw impossible("nobody can write to " + path + " here");
}

/// Leaves the network and the mounts of this machine for new ones. Root may; others with a user
/// namespace, where that is allowed.
inline void leave_this_machine() {
    if (::unshare(CLONE_NEWNET | CLONE_NEWNS) == -1 &&
        ::unshare(CLONE_NEWUSER | CLONE_NEWNET | CLONE_NEWNS) == -1)
        throw impossible("namespaces are not allowed here");
}

/// Switches the loopback interface on, as every machine does when it starts.
inline void start_loopback() {
    const trama::unique_fd fd(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
    ifreq request{};
    std::snprintf(request.ifr_name, sizeof request.ifr_name, "lo");
    request.ifr_flags = IFF_UP;
    if (::ioctl(fd.get(), SIOCSIFFLAGS, &request) == -1)
        throw impossible("loopback cannot be switched on here");
}

/// Lets `names`, lines of /etc/hosts, be what this machine knows.
inline void use_hosts(const std::string& names) {
    // Or else the other machine would see it too. In a chroot there is often no mount at the root.
    if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == -1)
        throw impossible("mounts cannot be made private here: is this a chroot?");
    const std::string file = "/tmp/trama-hosts-" + std::to_string(::getpid());
    write_file(file, names);
    const int mounted = ::mount(file.c_str(), "/etc/hosts", nullptr, MS_BIND, nullptr);
    ::unlink(file.c_str());
    if (mounted == -1) throw impossible("nothing can be mounted at /etc/hosts here");
}

/// The end of a story: its text, or else why it could not be told, and the test must say so.
struct ending {
    std::string told;
    std::string why_not;
};

/// What `story` returns, or the text of what it threw.
template <typename Story>
ending ending_of(Story story) {
    try {
        leave_this_machine();
        start_loopback();
        return {story(), ""};
    } catch (const impossible& error) {
        return {"", error.what()};
    } catch (const std::exception& error) {
        return {error.what(), ""};
    }
}

/// Runs `story`, which returns a text, in a child that is a machine of its own, with nothing but
/// loopback.
template <typename Story>
ending on_a_private_machine(Story story) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) == -1) return {"there is no pipe", ""};
    trama::unique_fd reading(ends[0]);
    trama::unique_fd writing(ends[1]);
    const pid_t child = ::fork();
    if (child == 0) {
        const ending end = ending_of(story);
        const std::string text = end.told + '\0' + end.why_not;
        const ssize_t written = ::write(writing.get(), text.data(), text.size());
        ::_exit(written == static_cast<ssize_t>(text.size()) ? 0 : 1);
    }
    writing.reset();
    std::string text;
    char bytes[4096];
    for (ssize_t count; (count = ::read(reading.get(), bytes, sizeof bytes)) > 0;)
        text.append(bytes, static_cast<std::size_t>(count));
    ::waitpid(child, nullptr, 0);
    const std::size_t border = text.find('\0');
    if (border == std::string::npos) return {"the child died: \"" + text + '"', ""};
    return {text.substr(0, border), text.substr(border + 1)};
}

}  // namespace test

// Preloaded into a program, it makes Linux behave as macOS, NetBSD and other systems do:
//
//     a send ignores MSG_DONTWAIT: it waits, unless the socket is O_NONBLOCK
//     a send ignores MSG_NOSIGNAL: the option SO_NOSIGPIPE of the socket takes its place
//     an accepted socket has the O_NONBLOCK of its listener
//
//     g++ -std=c++17 -shared -fPIC other_system.cpp -o other_system.so
//     LD_PRELOAD=./other_system.so PROGRAM
//
// The library shows its other way with -DTRAMA_PLAIN_POSIX -DSO_NOSIGPIPE=0x1022. man 8 ld.so
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <array>
#include <atomic>

namespace {

constexpr int no_sigpipe_option = 0x1022;  // the number that macOS has for SO_NOSIGPIPE

/// By descriptor: the option was set.
std::array<std::atomic<bool>, 65536> has_no_sigpipe;

std::atomic<bool>& mark_of(int fd) {
    return has_no_sigpipe[static_cast<std::size_t>(fd) % has_no_sigpipe.size()];
}

template <typename Function>
Function original(const char* name, Function) {
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name));
}

int kept(int fd, int flags) {
    flags &= ~(MSG_DONTWAIT | MSG_NOSIGNAL);
    return mark_of(fd) ? flags | MSG_NOSIGNAL : flags;
}

}  // namespace

extern "C" {

ssize_t send(int fd, const void* bytes, size_t size, int flags) {
    static const auto real = original("send", &send);
    return real(fd, bytes, size, kept(fd, flags));
}

ssize_t sendto(int fd, const void* bytes, size_t size, int flags, const sockaddr* address,
               socklen_t length) {
    static const auto real = original("sendto", &sendto);
    return real(fd, bytes, size, kept(fd, flags), address, length);
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
    static const auto real = original("sendmsg", &sendmsg);
    return real(fd, message, kept(fd, flags));
}

int socket(int family, int type, int protocol) noexcept {
    static const auto real = original("socket", &socket);
    const int fd = real(family, type, protocol);
    if (fd != -1) mark_of(fd) = false;
    return fd;
}

int socketpair(int family, int type, int protocol, int ends[2]) noexcept {
    static const auto real = original("socketpair", &socketpair);
    const int result = real(family, type, protocol, ends);
    if (result == 0) mark_of(ends[0]) = mark_of(ends[1]) = false;
    return result;
}

int accept(int listener, sockaddr* peer, socklen_t* size) {
    static const auto real = original("accept", &accept);
    const int fd = real(listener, peer, size);
    if (fd == -1) return fd;
    mark_of(fd) = mark_of(listener).load();
    ::fcntl(fd, F_SETFL, ::fcntl(listener, F_GETFL) & O_NONBLOCK);
    return fd;
}

int setsockopt(int fd, int level, int option, const void* value, socklen_t size) noexcept {
    static const auto real = original("setsockopt", &setsockopt);
    if (level != SOL_SOCKET || option != no_sigpipe_option)
        return real(fd, level, option, value, size);
    mark_of(fd) = *static_cast<const int*>(value) != 0;
    return 0;
}
}

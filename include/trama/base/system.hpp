// trama/base/system.hpp -- where systems differ, all in one place. man 2 accept, man 2 send
//
// Linux has a flag for each thing that a socket needs here. Other systems have only some of them,
// and macOS and NetBSD ignore MSG_DONTWAIT in a send. So there the plain calls of POSIX are used.
// With -DTRAMA_PLAIN_POSIX the tests use them on Linux, too.
// Two headers need Linux as a whole: ready/epoll_selector.hpp and net/tcp_info.hpp.
#ifndef TRAMA_BASE_SYSTEM_HPP
#define TRAMA_BASE_SYSTEM_HPP

#include <trama/base/text.hpp>

#include <cerrno>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace trama {

namespace trama_detail {

#if defined(__linux__) && !defined(TRAMA_PLAIN_POSIX)

/// socket(2). Programs that are started from here do not inherit the new socket.
inline int new_socket(int family, int type) noexcept {
    return ::socket(family, type | SOCK_CLOEXEC, 0);
}

/// accept(2). The same holds for the new socket. It is not O_NONBLOCK, even if the listener is.
inline int accept_socket(int listener, sockaddr* peer, socklen_t* size) {
    return ::accept4(listener, peer, size, SOCK_CLOEXEC);
}

/// Returns the flags of a send. If the peer has gone, the send must fail and raise no SIGPIPE.
/// With MSG_DONTWAIT it must not wait.
inline int send_flags(int /*fd*/, int flags) noexcept {
    return flags | MSG_NOSIGNAL;
}

/// Prevents SIGPIPE for a socket on systems that have no flag for it.
inline void prevent_sigpipe(int /*fd*/) noexcept {}

/// fsync(2): waits until the disk has the bytes of a file.
inline int sync_file(int fd) {
    return ::fsync(fd);
}

/// The command that shows which program has a port. `protocol`: 't' or 'u' (TCP, UDP).
inline text who_has_port(char protocol, unsigned port) noexcept {
    return text("ss -%canp 'sport = :%u'", protocol, port);
}

inline constexpr const char* no_address_advice =
    "this machine does not have that address, or no port is free: ip address";
inline constexpr const char* no_route_advice =
    "this machine has no route to that network: ip route";

#else

/// Does for a new socket what the flags of Linux do. Returns `fd`; -1 is no socket.
inline int set_defaults(int fd) noexcept {
    if (fd == -1) return fd;
    ::fcntl(fd, F_SETFD, FD_CLOEXEC);
    ::fcntl(fd, F_SETFL, 0);  // an accepted socket has the O_NONBLOCK of its listener
    return fd;
}

inline int new_socket(int family, int type) noexcept {
    return set_defaults(::socket(family, type, 0));
}

inline int accept_socket(int listener, sockaddr* peer, socklen_t* size) {
    return set_defaults(::accept(listener, peer, size));
}

/// The socket becomes O_NONBLOCK at its first send that must not wait, and stays so: to take that
/// back would disturb another thread. Calls that may wait then wait in poll(2).
inline int send_flags(int fd, int flags) noexcept {
    const bool must_not_wait = (flags & MSG_DONTWAIT) != 0;
    const int present = must_not_wait ? ::fcntl(fd, F_GETFL) : 0;
    if (must_not_wait && (present & O_NONBLOCK) == 0) ::fcntl(fd, F_SETFL, present | O_NONBLOCK);
#ifdef MSG_NOSIGNAL
    flags |= MSG_NOSIGNAL;
#endif
    return flags;
}

inline void prevent_sigpipe([[maybe_unused]] int fd) noexcept {
#ifdef SO_NOSIGPIPE
    const int on = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
}

inline int sync_file(int fd) {
#ifdef F_FULLFSYNC  // macOS: fsync(2) does not wait for the disk itself, and this does
    if (::fcntl(fd, F_FULLFSYNC) == 0) return 0;
    const bool is_unknown = errno == ENOTSUP || errno == EINVAL || errno == ENOTTY;
    if (!is_unknown) return -1;  // else: a file system that does not know it
#endif
    return ::fsync(fd);
}

inline text who_has_port(char protocol, unsigned port) noexcept {
    return text("lsof -nP -i%s:%u", protocol == 't' ? "TCP" : "UDP", port);
}

inline constexpr const char* no_address_advice =
    "this machine does not have that address, or no port is free: ifconfig";
inline constexpr const char* no_route_advice =
    "this machine has no route to that network: netstat -rn";

#endif

/// Renames a file and replaces nothing. Error ENOSYS: the system has no such call.
inline int rename_to_free([[maybe_unused]] int folder, [[maybe_unused]] const char* from,
                          [[maybe_unused]] const char* to) noexcept {
#if defined(RENAME_NOREPLACE) && !defined(TRAMA_PLAIN_POSIX)
    return ::renameat2(folder, from, folder, to, RENAME_NOREPLACE);
#else
    errno = ENOSYS;
    return -1;
#endif
}

}  // namespace trama_detail

}  // namespace trama

#endif  // TRAMA_BASE_SYSTEM_HPP

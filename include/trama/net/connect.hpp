// trama/net/connect.hpp -- from a host name to a connected descriptor, every address tried.
// man 2 connect (EINPROGRESS), man 7 socket (SO_ERROR)
#pragma once

#include <trama/net/socket.hpp>

#include <utility>

namespace trama {

namespace detail {

/// Waits for a connect that is under way. Returns 0 or the errno it ended with.
[[gnu::noinline]] inline int finish_connect(int fd, const deadline& limit) {
    if (!wait_until(fd, POLLOUT, limit)) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    const call_result result =
        system_call([&] { return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size); });
    if (tracing())
        trace(fd, result.error, "getsockopt SO_ERROR: %s",
              error == 0 ? "connected" : std::strerror(error));
    check("ask for the outcome of connect", result);
    return error;
}

/// Starts to connect `fd`, which must not block. Returns 0: under way or done, or an errno.
[[gnu::noinline]] inline int start_connect(int fd, const endpoint& remote) {
    const call_result result = system_call([&] {
        const int value = ::connect(fd, remote.data(), remote.size());
        // Neither is a failure. EALREADY: a signal came after the kernel had begun.
        return value == -1 && (errno == EINPROGRESS || errno == EALREADY) ? 0 : value;
    });
    if (tracing()) trace_address(fd, result.error, "connect", remote);
    return result.error;
}

/// A connected descriptor, or none and the errno in `error`.
[[gnu::noinline]] inline unique_fd connect_to(const endpoint& remote, const deadline& limit,
                                              int& error) {
    const call_result made = make_socket(remote.family(), SOCK_STREAM);
    error = made.error;  // such as: this machine has no IPv6
    if (made.failed()) return unique_fd();
    unique_fd fd(static_cast<int>(made.value));
    set_non_blocking(fd.get(), true);
    error = start_connect(fd.get(), remote);
    if (error == 0) error = finish_connect(fd.get(), limit);
    // TCP can connect to itself, when the port it was given is the one it calls and nobody listens
    // there. That is no peer.
    if (error == 0 && local_endpoint_of(fd.get()) == remote) error = ECONNREFUSED;
    if (error != 0) return unique_fd();
    set_non_blocking(fd.get(), false);
    return fd;
}

[[noreturn, gnu::cold]] inline void throw_not_connected(const std::string& host, int port,
                                                        int error, const std::string& tried) {
    const std::string where = host_and_port(host, port);
    const std::error_code code(error, std::system_category());
    std::string what = error_text("connect to", where.c_str(), code, next_step(error));
    // One address that was given in numbers has been named already.
    if (tried != text("%s: %s", where.c_str(), std::strerror(error))) what += "; tried " + tried;
    throw network_error(code, what);
}

/// A connected descriptor; `peer` becomes the address that answered. Throws network_error with all
/// that was tried.
[[gnu::noinline]] inline unique_fd connect_any(const std::string& host, int port,
                                               const deadline& limit, endpoint& peer) {
    const std::vector<endpoint> addresses = resolve(host, port);
    std::string tried;
    int error = 0;
    auto behind = static_cast<duration::rep>(addresses.size());
    for (const endpoint& each : addresses) {
        // An address that never answers must leave time for those behind it.
        const deadline share(limit.is_never() ? forever
                                              : duration(limit.left().count() / behind--));
        peer = each;
        unique_fd fd = connect_to(each, share, error);
        if (fd) return fd;
        tried += text("%s%s: %s", tried.empty() ? "" : ", ", each.to_string().c_str(),
                      std::strerror(error));
    }
    throw_not_connected(host, port, error, tried);
}

}  // namespace detail

}  // namespace trama

// trama/net/connect.hpp -- from a host name to a connected descriptor, every address tried.
// man 2 connect (EINPROGRESS), man 7 socket (SO_ERROR)
#pragma once

#include <trama/net/socket.hpp>

#include <utility>

namespace trama {

namespace detail {

/// Waits for a connect that is under way. Returns 0 or the errno it ended with.
inline int finish_connect(int fd, const deadline& limit) {
    if (!wait_until(fd, POLLOUT, limit)) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    const auto call = [&] { return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size); };
    const auto story = [&](trace_line& line, long) {
        line << "getsockopt SO_ERROR: " << (error == 0 ? "connected" : std::strerror(error));
    };
    check("ask for the outcome of connect", system_call(fd, call, story));
    return error;
}

/// Starts to connect `fd`, which must not block. Returns 0: under way or done, or an errno.
inline int start_connect(int fd, const endpoint& remote) {
    const auto call = [&] {
        const int value = ::connect(fd, remote.data(), remote.size());
        // Neither is a failure. EALREADY: a signal came after the kernel had begun.
        return value == -1 && (errno == EINPROGRESS || errno == EALREADY) ? 0 : value;
    };
    const auto story = [&](trace_line& line, long) { line << "connect " << remote.to_string(); };
    return system_call(fd, call, story).error;
}

/// A connected descriptor, or none and the errno in `error`. Throws network_error.
inline unique_fd connect_to(const endpoint& remote, const deadline& limit, int& error) {
    unique_fd fd = open_socket(remote.family(), SOCK_STREAM);
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

/// A connected descriptor and its peer. Throws network_error with all that was tried.
inline std::pair<unique_fd, endpoint> connect_any(const std::string& host, int port,
                                                  const deadline& limit) {
    const std::vector<endpoint> addresses = resolve(host, port);
    std::string tried;
    int error = 0;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        const endpoint& remote = addresses[i];
        // An address that never answers must leave time for those behind it.
        const auto behind = static_cast<duration::rep>(addresses.size() - i);
        const deadline share(limit.is_never() ? forever : limit.left() / behind);
        try {
            unique_fd fd = connect_to(remote, share, error);
            if (fd) return {std::move(fd), remote};
        } catch (const network_error& failure) {
            error = failure.code().value();  // such as: this machine has no IPv6
        }
        tried += (i == 0 ? "; tried " : ", ") + remote.to_string() + ": " + std::strerror(error);
    }
    const std::string where = host_and_port(host, port);
    if (addresses.front().to_string() == where) tried.clear();  // it would say nothing new
    const std::error_code code(error, std::system_category());
    throw network_error(code,
                        error_text("connect to", where, code, next_step(error, where)) + tried);
}

}  // namespace detail

}  // namespace trama

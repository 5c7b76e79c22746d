// trama/net/connect.hpp -- from a host name to a connected descriptor, every address tried.
// man 2 connect (EINPROGRESS), man 7 socket (SO_ERROR)
#pragma once

#include <trama/net/socket.hpp>

#include <string>
#include <utility>
#include <vector>

namespace trama {

namespace detail {

/// Waits for a connect that is under way. Returns 0 or the errno it ended with.
inline int finish_connect(int fd, const deadline& limit) {
    if (!wait_until(fd, POLLOUT, limit)) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    const call_result result = system_call(
        fd, [&] { return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size); },
        [&](trace_line& line, long) {
            line << "getsockopt SO_ERROR: " << (error == 0 ? "connected" : std::strerror(error));
        });
    return result.failed() ? result.error : error;
}

/// Connects `fd`, which must not block. Returns 0 or an errno.
inline int connect_socket(int fd, const endpoint& remote, const deadline& limit) {
    const call_result result = system_call(
        fd, [&] { return ::connect(fd, remote.data(), remote.size()); },
        [&](trace_line& line, long) { line << "connect " << remote.to_string(); });
    if (result.failed() && result.error != EISCONN) {
        // EALREADY: a signal came after the kernel had begun.
        const bool under_way = result.error == EINPROGRESS || result.error == EALREADY;
        const int error = under_way ? finish_connect(fd, limit) : result.error;
        if (error != 0) return error;
    }
    // TCP can connect to itself, when the port that it chose is the port that it calls and nobody
    // listens there. That is no peer.
    return local_endpoint_of(fd) == remote ? ECONNREFUSED : 0;
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
            unique_fd fd = open_socket(remote.family(), SOCK_STREAM);
            set_non_blocking(fd.get(), true);
            error = connect_socket(fd.get(), remote, share);
            set_non_blocking(fd.get(), false);
            if (error == 0) return {std::move(fd), remote};
        } catch (const network_error& failure) {
            error = failure.code().value();
        }
        tried +=
            (i == 0 ? "; tried " : ", ") + remote.to_string() + ": " + system_code(error).message();
    }
    const std::string where = host_and_port(host, port);
    const std::error_code code = system_code(error);
    const bool by_name = addresses.size() > 1 || addresses.front().to_string() != where;
    throw network_error(code,
                        error_text("connect to", escaped(where), code, next_step(error, where)) +
                            (by_name ? tried : ""));
}

}  // namespace detail

}  // namespace trama

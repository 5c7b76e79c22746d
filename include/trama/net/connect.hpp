// trama/net/connect.hpp -- from a host name to a connected descriptor, every address tried.
// man 2 connect (EINPROGRESS), man 7 socket (SO_ERROR)
#pragma once

#include <trama/net/resolve.hpp>
#include <trama/net/socket.hpp>

namespace trama {

namespace trama_detail {

/// Connects `fd`, which must not block. Returns 0 or the errno it ended with.
[[gnu::cold]] inline int connect_within(int fd, const endpoint& remote, const deadline& limit) {
    call_result begun = system_call([&] { return ::connect(fd, remote.data(), remote.size()); });
    // Neither is a failure. EALREADY: a signal came after the kernel had begun.
    if (begun.error == EINPROGRESS || begun.error == EALREADY) begun = {};
    if (tracing()) trace(fd, begun.error, "connect %s", shown(remote).host_and_port());
    if (begun.failed()) return begun.error;
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

/// TCP connects a socket to itself when the port it was given is the one it calls and nobody
/// listens there. That is no peer.
[[gnu::cold]] inline bool is_connected_to_itself(int fd, const endpoint& remote) {
    endpoint local;
    endpoint peer;  // and not `remote`, which may be 0.0.0.0: any address of this machine
    ask_endpoint(fd, ::getsockname, "getsockname", local);
    return local.port() == remote.port() &&
           !ask_endpoint(fd, ::getpeername, "getpeername", peer).failed() && peer == local;
}

/// Connects to `remote` a new socket, which `fd` then owns. Returns 0 or the errno of the failure.
[[gnu::cold]] inline int connect_to(const endpoint& remote, const deadline& limit, unique_fd& fd) {
    const call_result made = make_socket(remote.family(), SOCK_STREAM);
    if (made.failed()) return made.error;  // such as: this machine has no IPv6
    fd.reset(static_cast<int>(made.value));
    set_flags(fd.get(), O_NONBLOCK);
    int error = connect_within(fd.get(), remote, limit);
    if (error == 0 && is_connected_to_itself(fd.get(), remote)) error = ECONNREFUSED;
    if (error == 0) set_flags(fd.get(), 0);
    return error;
}

/// `tried`: "ADDRESS: REASON", with commas between.
[[noreturn, gnu::cold]] inline void throw_not_connected(const std::string& host, int port,
                                                        int error, const char* tried) {
    const text where = host_and_port(host, port);
    // One address that was given in numbers has been named already.
    const bool known = std::strstr(tried, where.c_str()) == tried;
    throw_network_error(error, "connect to", where.c_str(), std::strerror(error), next_step(error),
                        known ? "" : tried);
}

/// A connected descriptor, and the `peer` that answered. Throws network_error with all it tried.
[[gnu::cold]] inline unique_fd connect_any(const std::string& host, int port, duration within,
                                           endpoint& peer) {
    const deadline limit(within);
    const address_list addresses = resolve(host, port);
    unique_fd fd;
    int error = 0;
    text tried;
    auto behind = static_cast<duration::rep>(addresses.size());
    for (const endpoint each : addresses) {
        // An address that never answers must leave time for those behind it.
        const deadline share(limit.left() / behind--);
        peer = each;
        error = connect_to(peer, share, fd);
        if (error == 0) return fd;
        fd.reset();
        tried =
            text("%s, %s: %s", tried.c_str(), shown(peer).host_and_port(), std::strerror(error));
    }
    throw_not_connected(host, port, error, tried.c_str() + std::strlen(", "));
}

}  // namespace trama_detail

}  // namespace trama

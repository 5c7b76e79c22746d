// trama/net/connect.hpp -- from a host name to a connected descriptor, every address tried.
// man 2 connect (EINPROGRESS), man 7 socket (SO_ERROR)
#ifndef TRAMA_NET_CONNECT_HPP
#define TRAMA_NET_CONNECT_HPP

#include <trama/net/resolve.hpp>
#include <trama/net/socket.hpp>

namespace trama {

namespace trama_detail {

/// Connects `fd`, which must not block. Returns 0 or the errno of the failure.
inline int connect_within(int fd, const endpoint& remote, const deadline& limit) {
    call_result begun = system_call([&] { return ::connect(fd, remote.data(), remote.size()); });
    // Neither is a failure. EALREADY: a signal came after the kernel had begun.
    if (begun.error == EINPROGRESS || begun.error == EALREADY) begun = {};
    if (tracing()) write_trace(fd, begun.error, text("connect %s", remote.to_text().c_str()));
    if (begun.failed()) return begun.error;
    if (expect(poll_until(limit, fd, POLLOUT), "poll").value == 0) return ETIMEDOUT;
    int error = 0;
    socklen_t size = sizeof error;
    const call_result result =
        system_call([&] { return ::getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size); });
    if (tracing())
        write_trace(
            fd, result.error,
            text("getsockopt SO_ERROR: %s", error == 0 ? "connected" : std::strerror(error)));
    expect(result, "read the outcome of connect");
    return error;
}

/// TCP connects a socket to itself when the port it was given is the port it connects to, and
/// nobody listens there. That is no peer.
inline bool is_connected_to_itself(int fd, const endpoint& remote) {
    endpoint local;
    read_endpoint(fd, ::getsockname, "getsockname", local);
    if (local.port() != remote.port()) return false;
    endpoint peer;  // and not `remote`, which may be 0.0.0.0: any address of this machine
    const call_result result = read_endpoint(fd, ::getpeername, "getpeername", peer);
    return !result.failed() && peer == local;
}

/// Connects a new socket to `remote`; `fd` owns it. Returns 0 or the errno of the failure.
inline int connect_to(const endpoint& remote, const deadline& limit, unique_fd& fd) {
    const call_result made = make_socket(remote.family(), SOCK_STREAM);
    if (made.failed()) return made.error;  // such as: this machine has no IPv6
    fd.reset(made.descriptor());
    set_flags(fd.get(), O_NONBLOCK);
    const int error = connect_within(fd.get(), remote, limit);
    if (error != 0) return error;
    if (is_connected_to_itself(fd.get(), remote)) return ECONNREFUSED;
    set_flags(fd.get(), 0);
    return 0;
}

/// `tried`: "ADDRESS: REASON", with commas between.
[[noreturn]] inline void throw_not_connected(const std::string& host, const port_number& port,
                                             int error, const char* tried) {
    const text where = host_and_port(host, port);
    const char* step = next_step(error);
    const text advice = *step == '\0' ? text() : text(" (%s)", step);
    // A single address that was given in numbers is named already.
    const bool is_known = std::strstr(tried, where.c_str()) == tried;
    throw_network_error(
        error, text("connect to %s: %s%s%s%s", where.c_str(), std::strerror(error), advice.c_str(),
                    is_known ? "" : "; tried ", is_known ? "" : tried));
}

/// Returns a connected descriptor, and the `peer` that answered. Throws network_error that names
/// each address tried.
inline unique_fd connect_any(const std::string& host, const port_number& port, duration within,
                             endpoint& peer) {
    const deadline limit(within);
    const std::vector<endpoint> addresses = resolve(host, port);
    if (limit.passed() && !limit.is_at_once())
        throw_explained(ETIMEDOUT, "connect to", host_and_port(host, port).c_str(),
                        std::strerror(ETIMEDOUT),
                        "the lookup of the name took all the time: is the name server slow?");
    int error = 0;
    text tried;
    for (std::size_t i = 0; i < addresses.size(); ++i) {
        // An address that never answers must leave time for those behind it.
        const auto remaining = static_cast<duration::rep>(addresses.size() - i);
        const deadline share(limit.is_never() ? no_timeout : limit.left() / remaining);
        unique_fd fd;
        peer = addresses[i];
        error = connect_to(peer, share, fd);
        if (error == 0) return fd;
        tried = text("%s%s%s: %s", tried.c_str(), i == 0 ? "" : ", ", peer.to_text().c_str(),
                     std::strerror(error));
    }
    throw_not_connected(host, port, error, tried.c_str());
}

}  // namespace trama_detail

}  // namespace trama

#endif  // TRAMA_NET_CONNECT_HPP

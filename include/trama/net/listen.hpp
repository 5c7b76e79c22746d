// trama/net/listen.hpp -- from a host name to a listening descriptor, and from that to connections.
// man 2 bind, man 2 listen, man 2 accept, man 7 ipv6 (IPV6_V6ONLY)
#ifndef TRAMA_NET_LISTEN_HPP
#define TRAMA_NET_LISTEN_HPP

#include <trama/net/resolve.hpp>
#include <trama/net/socket.hpp>

namespace trama {

namespace trama_detail {

/// A new socket bound to `where`. `both_families`: an IPv6 socket takes IPv4 as well.
inline unique_fd open_bound(const endpoint& where, int type, bool both_families) {
    const bool is_tcp = type == SOCK_STREAM;
    unique_fd fd = open_socket(where.family(), type);
    // Without it a restarted server cannot have its port for a minute: old connections linger in
    // TIME_WAIT. It does not let two live servers share a port; SO_REUSEPORT would, silently.
    if (is_tcp) set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
    // The default differs from system to system, so it is set in any case.
    if (where.family() == AF_INET6)
        set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, both_families ? 0 : 1, "IPV6_V6ONLY");
    bind_socket(fd.get(), where, is_tcp ? "listen on" : "bind UDP socket to", is_tcp ? 't' : 'u');
    return fd;
}

/// The same for a host: an address in numbers, or a name, of which the IPv4 address comes first.
/// "*" and "" are every address of both families.
inline unique_fd open_bound(const std::string& host, const port_number& port, int type) {
    const auto first = [&](const std::string& name) {
        return preferred(resolve(name, port, type));
    };
    if (host != "*" && !host.empty()) return open_bound(first(host), type, false);
    try {
        return open_bound(first("::"), type, true);
    } catch (const network_error& failure) {
        // A machine may be without IPv6. Every other reason is the same for IPv4.
        if (failure.code() != std::errc::address_family_not_supported &&
            failure.code() != std::errc::address_not_available)
            throw;
    }
    return open_bound(first("0.0.0.0"), type, false);
}

/// Listens at `host`, as tcp_listener::listen describes it.
inline unique_fd listen_socket(const std::string& host, const port_number& port, int backlog) {
    unique_fd fd = open_bound(host, port, SOCK_STREAM);
    const call_result result = system_call([&] { return ::listen(fd.get(), backlog); });
    if (tracing()) write_trace(fd.get(), result.error, text("listen, backlog %d", backlog));
    if (result.failed()) {
        endpoint where;
        read_endpoint(fd.get(), ::getsockname, "getsockname", where);
        if (result.error == EADDRINUSE) throw_in_use(where, "listen on", 't');
        throw_system_error(result.error, "listen on", where);
    }
    // A client may be gone again between "one is waiting" and accept; that must not block us.
    set_flags(fd.get(), O_NONBLOCK);
    return fd;
}

/// Errors of a connection that died before it was accepted; man 2 accept lists them.
inline bool lost_before_accept(int error) noexcept {
    return error == ECONNABORTED || error == EPERM || error == EPROTO || error == ENOPROTOOPT ||
           error == ENETDOWN || error == ENETUNREACH || error == EHOSTDOWN || error == EHOSTUNREACH;
}

inline void trace_accepted(int listener, const call_result& result, address_buffer& peer) {
    if (result.failed()) return write_trace(listener, result.error, text("accept"));
    write_trace(listener, 0,
                text("accept: fd %ld from %s", result.value, peer.value().to_text().c_str()));
}

/// One accept(2), which does not wait because the listener does not; fills in the peer's address.
inline call_result accept_once(int listener, address_buffer& peer) {
    const call_result result =
        system_call([&] { return accept_socket(listener, peer.data(), &peer.size); });
    if (tracing()) trace_accepted(listener, result, peer);
    // A client that has gone before it was served is no fault of the listener.
    if (lost_before_accept(result.error)) return {-1, EAGAIN};
    return result;
}

}  // namespace trama_detail

}  // namespace trama

#endif  // TRAMA_NET_LISTEN_HPP

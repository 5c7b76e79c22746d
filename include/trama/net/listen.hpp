// trama/net/listen.hpp -- from a host name to a listening descriptor, and from that to connections.
// man 2 bind, man 2 listen, man 2 accept, man 7 ipv6 (IPV6_V6ONLY)
#pragma once

#include <trama/net/resolve.hpp>
#include <trama/net/socket.hpp>

namespace trama {

namespace trama_detail {

/// Binds and listens at `where`. `both_families`: an IPv6 socket takes IPv4 connections as well.
[[gnu::noinline]] inline unique_fd listen_at(const endpoint& where, bool both_families,
                                             int backlog) {
    unique_fd fd = open_socket(where.family(), SOCK_STREAM);
    // Without it a restarted server cannot have its port for a minute: old connections linger in
    // TIME_WAIT. It does not let two live servers share a port; SO_REUSEPORT would, silently.
    set_option(fd.get(), SOL_SOCKET, SO_REUSEADDR, 1, "SO_REUSEADDR");
    // The default differs from system to system, so it is never left to chance.
    if (where.family() == AF_INET6)
        set_option(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, both_families ? 0 : 1, "IPV6_V6ONLY");
    bind_socket(fd.get(), where, "listen on", 't');
    const call_result result = system_call([&] { return ::listen(fd.get(), backlog); });
    if (tracing()) trace(fd.get(), result.error, "listen, backlog %d", backlog);
    if (result.error == EADDRINUSE) throw_in_use(where, "listen on", 't');
    check("listen on", result, where);
    // A client may be gone again between "one is waiting" and accept; that must not block us.
    set_flags(fd.get(), O_NONBLOCK);
    return fd;
}

/// Listens at `host`, as tcp_listener::listen describes it.
[[gnu::noinline]] inline unique_fd listen_socket(const std::string& host, int port, int backlog) {
    if (host != "*" && !host.empty())
        return listen_at(preferred(resolve(host, port, address_use::listen)), false, backlog);
    try {
        return listen_at(resolve("::", port, address_use::listen).front(), true, backlog);
    } catch (const network_error& failure) {
        // A machine may be without IPv6. Every other reason is the same for IPv4.
        if (failure.code() != std::errc::address_family_not_supported &&
            failure.code() != std::errc::address_not_available)
            throw;
    }
    return listen_at(resolve("0.0.0.0", port, address_use::listen).front(), false, backlog);
}

[[gnu::cold]] inline void tell_accepted(int listener, const call_result& result,
                                        address_buffer& peer) noexcept {
    if (result.failed()) return trace(listener, result.error, "accept");
    trace(listener, 0, "accept: fd %ld from %s", result.value, shown(peer.value()).host_and_port());
}

/// One accept(2), which does not wait because the listener does not; fills in the peer's address.
inline call_result accept_once(int listener, address_buffer& peer) noexcept {
#ifdef SOCK_CLOEXEC
    const call_result result =
        system_call([&] { return ::accept4(listener, peer.data(), &peer.size, close_on_exec); });
#else
    const call_result result =
        system_call([&] { return ::accept(listener, peer.data(), &peer.size); });
    if (!result.failed()) set_defaults(static_cast<int>(result.value));
#endif
    if (tracing()) tell_accepted(listener, result, peer);
    return result;
}

/// Errors of a connection that died before it was accepted; man 2 accept lists them.
inline bool lost_before_accept(int error) noexcept {
    return error == ECONNABORTED || error == EPERM || error == EPROTO || error == ENOPROTOOPT ||
           error == ENETDOWN || error == ENETUNREACH || error == EHOSTDOWN || error == EHOSTUNREACH;
}

}  // namespace trama_detail

}  // namespace trama

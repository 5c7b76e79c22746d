// trama/net/udp.hpp -- datagrams: each send is one message, which arrives whole, or not at all, or
// twice, or late. man 7 udp, man 2 sendto, man 2 recvfrom
#pragma once

#include <trama/net/resolve.hpp>
#include <trama/net/transfer.hpp>

namespace trama {

/// One message that came, and who sent it.
struct datagram {
    std::string bytes;
    endpoint from;
    bool truncated = false;  ///< it was longer than what was asked for, and the rest is lost
};

/// A UDP socket. Owns its descriptor; move-only; the destructor closes.
class udp_socket : public basic_socket {
public:
    /// The most that one datagram over IPv4 can carry, in bytes.
    static constexpr std::size_t max_payload = 65507;

    /// Receives at `host` and `port` (0: a free one, told by local_endpoint()). "0.0.0.0" is every
    /// IPv4 address of the machine, "::" every IPv6 one. Throws network_error. man 2 bind
    static udp_socket bind(const std::string& host, int port) {
        const endpoint where = first(host, port, address_use::listen);
        udp_socket made(trama_detail::open_socket(where.family(), SOCK_DGRAM), {});
        if (where.family() == AF_INET6)  // else the system decides whether "::" takes IPv4, too
            made.set_option(IPPROTO_IPV6, IPV6_V6ONLY, 1, "IPV6_V6ONLY");
        trama_detail::bind_socket(made.fd(), where, "bind UDP socket to", 'u');
        return made;
    }

    /// A socket for one peer: send() needs no address, datagrams of others are not heard, and
    /// "nobody is there" comes back as an error of a later call. Sends nothing yet. man 2 connect
    static udp_socket connect(const std::string& host, int port) {
        const endpoint peer = first(host, port, address_use::connect);
        udp_socket made(trama_detail::open_socket(peer.family(), SOCK_DGRAM), peer);
        const auto result = trama_detail::system_call(
            [&] { return ::connect(made.fd(), peer.data(), peer.size()); });
        if (tracing())
            trama_detail::trace(made.fd(), result.error, "connect %s",
                                trama_detail::shown(peer).host_and_port());
        trama_detail::check("connect UDP socket to", result, peer);
        return made;
    }

    /// Sends one datagram to `peer`. Throws network_error, also for more bytes than fit.
    void send_to(std::string_view bytes, const endpoint& peer) {
        send(bytes, peer, peer.data(), peer.size());
    }

    /// The same to the peer of connect(). Throws network_error; "connection refused" is the answer
    /// to an earlier datagram.
    void send(std::string_view bytes) { send(bytes, peer_, nullptr, 0); }

    /// The next datagram, waiting for one; at most `max` bytes of it. Throws network_error.
    datagram recv_from(std::size_t max = max_payload) {
        const deadline limit(get_timeout());
        datagram got;
        got.bytes.resize(max);
        while (trama_detail::wait_until(fd(), POLLIN, limit)) {
            const auto result = receive_once(got);
            if (!result.failed()) {
                got.bytes.shrink_to_fit();  // who keeps a thousand small ones keeps no 64 KiB each
                return got;
            }
            // The kernel drops a datagram with a wrong checksum only when it is fetched.
            if (!result.would_block()) throw_receive_error(result.error);
            if (limit.passed()) break;
        }
        throw_receive_error(ETIMEDOUT);
    }

private:
    udp_socket(unique_fd fd, const endpoint& peer) noexcept
        : basic_socket(std::move(fd)), peer_(peer) {}

    static endpoint first(const std::string& host, int port, address_use use) {
        return preferred(resolve(host, port, use, SOCK_DGRAM));
    }

    void send(std::string_view bytes, const endpoint& peer, const sockaddr* address,
              socklen_t size) {
        const deadline limit(get_timeout());
        const int flags = trama_detail::no_signal | (limit.is_never() ? 0 : MSG_DONTWAIT);
        for (;;) {
            const auto result = trama_detail::system_call(
                [&] { return ::sendto(fd(), bytes.data(), bytes.size(), flags, address, size); });
            if (tracing()) tell("sendto", result, bytes, peer);
            if (!result.would_block()) {
                trama_detail::check("send a datagram to", result, peer);
                return;
            }
            trama_detail::wait_or_throw(fd(), POLLOUT, limit, "send a datagram to", peer);
        }
    }

    trama_detail::call_result receive_once(datagram& got) {
        trama_detail::address_buffer from;
        iovec part{got.bytes.data(), got.bytes.size()};
        msghdr message{};
        message.msg_name = from.data();
        message.msg_namelen = from.size;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        const auto result =
            trama_detail::system_call([&] { return ::recvmsg(fd(), &message, MSG_DONTWAIT); });
        if (!result.failed()) {
            got.bytes.resize(result.count());
            got.from = endpoint(from.data(), message.msg_namelen);
            got.truncated = (message.msg_flags & MSG_TRUNC) != 0;
        }
        if (tracing()) tell("recvmsg", result, got.bytes, got.from);
        return result;
    }

    [[gnu::cold]] void tell(const char* call, const trama_detail::call_result& result,
                            std::string_view bytes, const endpoint& peer) const noexcept {
        trama_detail::trace(fd(), result.error, "%s %s, %zu bytes%s%s", call,
                            trama_detail::shown(peer).host_and_port(), bytes.size(),
                            result.failed() ? "" : ": ",
                            result.failed() ? "" : trama_detail::shown(bytes).c_str());
    }

    [[noreturn, gnu::cold]] void throw_receive_error(int error) const {
        if (peer_.family() == AF_UNSPEC)
            trama_detail::throw_system_error(error, "recv_from at", local_endpoint());
        trama_detail::throw_system_error(error, "recv_from", peer_);
    }

    endpoint peer_;
};

}  // namespace trama

// trama/net/udp.hpp -- datagrams: each send is one message, which arrives whole, or not at all, or
// twice, or late. man 7 udp, man 2 sendto, man 2 recvfrom
#ifndef TRAMA_NET_UDP_HPP
#define TRAMA_NET_UDP_HPP

#include <trama/net/listen.hpp>
#include <trama/net/transfer.hpp>

namespace trama {

/// One message, and its sender.
struct datagram {
    std::string bytes;
    endpoint from;
    bool truncated = false;  ///< it was longer than the size that was asked for; the rest is lost
};

/// A UDP socket. Owns its descriptor; move-only; the destructor closes.
class udp_socket : public basic_socket {
public:
    /// The most that one datagram over IPv4 can carry, in bytes.
    static constexpr std::size_t max_payload = 65507;

    /// Receives at `host` and `port` (0: a free one, see local_endpoint()). `host` means the same
    /// as in tcp_listener::listen. Throws network_error. man 2 bind
    [[nodiscard]] static udp_socket bind(const std::string& host, const port_number& port) {
        return udp_socket(trama_detail::open_bound(host, port, SOCK_DGRAM), {});
    }

    /// A socket for one peer: send() needs no address, datagrams of others are not received, and
    /// "nobody is there" comes back as an error of a later call. Sends nothing yet. man 2 connect
    [[nodiscard]] static udp_socket connect(const std::string& host, const port_number& port) {
        const endpoint peer = preferred(resolve(host, port, SOCK_DGRAM));
        udp_socket made(trama_detail::open_socket(peer.family(), SOCK_DGRAM), peer);
        const auto result = trama_detail::system_call(
            [&] { return ::connect(made.fd(), peer.data(), peer.size()); });
        if (tracing())
            trama_detail::write_trace(made.fd(), result.error,
                                      trama_detail::text("connect %s", peer.to_text().c_str()));
        trama_detail::expect(result, "connect UDP socket to", peer);
        return made;
    }

    /// Sends one datagram to `peer`. Throws network_error, also for more bytes than fit.
    void send_to(std::string_view bytes, const endpoint& peer) {
        send(bytes, peer, peer.data(), peer.size());
    }

    /// The same to the peer of connect(). Throws network_error; "connection refused" is the answer
    /// to an earlier datagram.
    void send(std::string_view bytes) { send(bytes, peer_, nullptr, 0); }

    /// Returns the next datagram; waits for it; at most `max` bytes of it. Throws network_error.
    [[nodiscard]] datagram recv_from(std::size_t max = max_payload) {
        const deadline limit(get_timeout());
        datagram received;
        received.bytes.resize(max);
        const auto receive = [&] { return receive_once(received, trama_detail::flags_for(limit)); };
        const auto result = trama_detail::call_until(limit, fd(), POLLIN, receive);
        if (result.failed()) throw_receive_error(result.error);
        received.bytes.resize(result.count());
        received.bytes.shrink_to_fit();  // a thousand small ones must not keep 64 KiB each
        return received;
    }

private:
    udp_socket(unique_fd fd, const endpoint& peer) noexcept
        : basic_socket(std::move(fd)), peer_(peer) {}

    void send(std::string_view bytes, const endpoint& peer, const sockaddr* address,
              socklen_t size) {
        const deadline limit(get_timeout());
        const int flags = trama_detail::send_flags(fd(), trama_detail::flags_for(limit));
        const auto send = [&] {
            const auto result = trama_detail::system_call(
                [&] { return ::sendto(fd(), bytes.data(), bytes.size(), flags, address, size); });
            if (tracing()) trace_datagram("sendto", result, bytes, peer);
            return result;
        };
        const auto result = trama_detail::call_until(limit, fd(), POLLOUT, send);
        trama_detail::expect(result, "send a datagram to", peer);
    }

    trama_detail::call_result receive_once(datagram& received, int flags) {
        trama_detail::address_buffer from;
        iovec part{received.bytes.data(), received.bytes.size()};
        msghdr message{};
        message.msg_name = from.data();
        message.msg_namelen = from.size;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        const auto result =
            trama_detail::system_call([&] { return ::recvmsg(fd(), &message, flags); });
        if (!result.failed()) {
            received.from = endpoint(from.data(), message.msg_namelen);
            received.truncated = (message.msg_flags & MSG_TRUNC) != 0;
        }
        const std::size_t count = result.failed() ? 0 : result.count();
        if (tracing())
            trace_datagram("recvmsg", result, std::string_view(received.bytes).substr(0, count),
                           received.from);
        return result;
    }

    void trace_datagram(const char* call, const trama_detail::call_result& result,
                        std::string_view bytes, const endpoint& peer) const {
        const auto content = result.failed()
                                 ? trama_detail::text()
                                 : trama_detail::text(": %s", trama_detail::quoted(bytes).c_str());
        trama_detail::write_trace(
            fd(), result.error,
            trama_detail::text("%s %s, %zu bytes%s", call, peer.to_text().c_str(), bytes.size(),
                               content.c_str()));
    }

    [[noreturn]] void throw_receive_error(int error) const {
        if (peer_.family() == AF_UNSPEC)
            trama_detail::throw_system_error(error, "recv_from at", local_endpoint());
        trama_detail::throw_system_error(error, "recv_from", peer_);
    }

    endpoint peer_;
};

}  // namespace trama

#endif  // TRAMA_NET_UDP_HPP

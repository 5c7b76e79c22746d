// trama/net/udp.hpp -- datagrams: each send is one message, which arrives whole, or not at all, or
// twice, or late. man 7 udp, man 2 sendto, man 2 recvfrom
#pragma once

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

    /// Receives at `host` and `port` (0: a free one, told by local_endpoint()); "0.0.0.0" and "::"
    /// are every address of the machine. Throws network_error. man 2 bind
    static udp_socket bind(const std::string& host, int port) {
        const endpoint where = first(host, port, address_use::listen);
        udp_socket made(detail::open_socket(where.family(), SOCK_DGRAM), {});
        detail::bind_socket(made.fd(), where, "bind UDP socket to");
        return made;
    }

    /// A socket for one peer: send() needs no address, datagrams of others are not heard, and
    /// "nobody is there" comes back as an error of a later call. Sends nothing yet. man 2 connect
    static udp_socket connect(const std::string& host, int port) {
        const endpoint peer = first(host, port, address_use::connect);
        udp_socket made(detail::open_socket(peer.family(), SOCK_DGRAM), peer);
        const auto call = [&] { return ::connect(made.fd(), peer.data(), peer.size()); };
        const auto story = [&](trace_line& line, long) { line << "connect " << peer.to_string(); };
        detail::check("connect UDP socket to", detail::system_call(made.fd(), call, story), peer);
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
        const deadline limit(timeout());
        datagram got;
        got.bytes.resize(max);
        for (;;) {
            if (!detail::wait_until(fd(), POLLIN, limit))
                detail::throw_system_error(ETIMEDOUT, "recv_from at", local_endpoint().to_string());
            const detail::call_result result = receive_once(got);
            // The kernel drops a datagram with a wrong checksum only when it is fetched.
            if (result.would_block()) continue;
            if (result.failed())
                detail::throw_system_error(result.error, "recv_from at",
                                           local_endpoint().to_string());
            return got;
        }
    }

private:
    udp_socket(unique_fd fd, const endpoint& peer) noexcept
        : basic_socket(std::move(fd)), peer_(peer) {}

    static endpoint first(const std::string& host, int port, address_use use) {
        return preferred(resolve(host, port, use, SOCK_DGRAM));
    }

    void send(std::string_view bytes, const endpoint& peer, const sockaddr* address,
              socklen_t size) {
        const auto call = [&] {
            return ::sendto(fd(), bytes.data(), bytes.size(), detail::no_signal, address, size);
        };
        const auto story = [&](trace_line& line, long sent) {
            line << "sendto " << peer.to_string() << ", " << bytes.size() << " bytes";
            if (sent >= 0) line.bytes(bytes);
        };
        detail::check("send a datagram to", detail::system_call(fd(), call, story), peer);
    }

    detail::call_result receive_once(datagram& got) {
        detail::address_buffer from;
        iovec part{got.bytes.data(), got.bytes.size()};
        msghdr message{};
        message.msg_name = from.data();
        message.msg_namelen = from.size;
        message.msg_iov = &part;
        message.msg_iovlen = 1;
        const auto call = [&] { return ::recvmsg(fd(), &message, MSG_DONTWAIT); };
        const auto story = [&](trace_line& line, long received) {
            line << "recvmsg ";
            if (received >= 0) line << received << " of ";
            line << got.bytes.size() << " asked";
            if (received < 0) return;
            line << ", from " << endpoint(from.data(), message.msg_namelen).to_string();
            line.bytes({got.bytes.data(), static_cast<std::size_t>(received)});
        };
        const detail::call_result result = detail::system_call(fd(), call, story);
        if (result.failed()) return result;
        got.bytes.resize(result.count());
        got.from = endpoint(from.data(), message.msg_namelen);
        got.truncated = (message.msg_flags & MSG_TRUNC) != 0;
        return result;
    }

    endpoint peer_;
};

}  // namespace trama

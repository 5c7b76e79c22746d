// trama/net/tcp.hpp -- a TCP connection, and the listener that accepts connections. man 7 tcp
//
// TCP carries bytes, not messages: what one end sends in one piece may arrive in several, and the
// other way round. So there are calls for "what is there" (_some) and for "all of it" (_all,
// _exact).
#pragma once

#include <trama/net/connect.hpp>
#include <trama/net/listen.hpp>
#include <trama/net/transfer.hpp>

#include <netinet/tcp.h>

#if __cplusplus > 201703L && __has_include(<span>)
#include <span>
#endif

namespace trama {

/// One end of a connection. Owns its descriptor; move-only; the destructor closes.
class tcp_stream : public basic_socket {
public:
    /// No connection: every call throws, until a stream is moved here.
    tcp_stream() noexcept = default;

    /// Takes over a connected descriptor, with the address of its peer for error texts.
    explicit tcp_stream(unique_fd fd, const endpoint& remote = {}) noexcept
        : basic_socket(std::move(fd)), remote_(remote) {}

    /// Connects to the first address of `host` that answers; they share the time `within`.
    /// Throws network_error, whose text names each address tried and its reason. man 2 connect
    [[gnu::noinline]] static tcp_stream connect(const std::string& host, int port,
                                                duration within = std::chrono::seconds(30)) {
        trama_detail::not_rare();
        endpoint peer;
        return tcp_stream(trama_detail::connect_any(host, port, within, peer), peer);
    }

    /// Address and port of the peer, as they were when the connection was made.
    const endpoint& remote_endpoint() const noexcept { return remote_; }

    /// Receives what is there, 1 to `size` bytes, waiting for the first. Returns how many; 0: the
    /// peer has closed. Throws network_error (time-out, reset). man 2 recv
    std::size_t recv_some(void* memory, std::size_t size) {
        return recv_some(memory, size, deadline(get_timeout()));
    }

    /// The same under a deadline of the caller, in place of set_timeout's.
    std::size_t recv_some(void* memory, std::size_t size, const deadline& limit) {
        // A receive of 0 bytes returns 0, and that means "closed".
        if (size == 0) throw std::invalid_argument("recv_some: asked for 0 bytes");
        return trama_detail::receive(fd(), memory, size, limit, trama_detail::receiving, remote_);
    }

    /// The same into a string of 1 to `max` bytes; empty: the peer has closed.
    std::string recv_some(std::size_t max) {
        std::string bytes(max, '\0');
        bytes.resize(recv_some(bytes.data(), max));
        return bytes;
    }

    /// Receives exactly `size` bytes. Throws network_error, upon which what had come is lost, and
    /// unexpected_eof if the stream ends before.
    void recv_exact(void* memory, std::size_t size) {
        const deadline limit(get_timeout());
        trama_detail::receive_rest(fd(), static_cast<char*>(memory), 0, size, size, limit, remote_);
    }

    /// The same into a string, which grows with what comes: a large `size` costs nothing before.
    std::string recv_exact(std::size_t size) {
        const deadline limit(get_timeout());
        std::string bytes;
        for (std::size_t end = 0; end < size;) {
            const std::size_t begin = end;
            end = begin < 32768 ? 65536 : 2 * begin;
            if (end > size) end = size;
            bytes.resize(end);
            trama_detail::receive_rest(fd(), bytes.data(), begin, end, size, limit, remote_);
        }
        return bytes;
    }

    /// Sends all of `bytes`, waiting while the peer is slow. Returns when the kernel has taken
    /// them, which is not yet "received". Throws network_error (time-out, reset, broken pipe; no
    /// SIGPIPE): nobody knows how much is out, so close the stream.
    void send_all(std::string_view bytes) { send_all({bytes}); }

    /// The same for up to 8 parts, one behind the other, none of them copied. man 2 sendmsg
    void send_all(std::initializer_list<std::string_view> parts) {
        iovec list[8];
        std::size_t count = 0;
        if (parts.size() > 8) throw std::invalid_argument("send_all: more than 8 parts");
        for (std::string_view part : parts)
            if (!part.empty()) list[count++] = {const_cast<char*>(part.data()), part.size()};
        trama_detail::send_parts(fd(), list, count, deadline(get_timeout()), remote_);
    }

#ifdef __cpp_lib_span
    std::size_t recv_some(std::span<std::byte> memory) {
        return recv_some(memory.data(), memory.size());
    }
    void recv_exact(std::span<std::byte> memory) {
        recv_exact(memory.data(), memory.size());
    }
    void send_all(std::span<const std::byte> bytes) {
        send_all(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    }
#endif

    /// Receives what is there now, 1 to `size` bytes, and never waits.
    io_result try_recv_some(void* memory, std::size_t size) noexcept {
        const auto result =
            trama_detail::receive_once(fd(), memory, size, MSG_DONTWAIT, trama_detail::receiving);
        if (result.value == 0 && size > 0) return {io_status::end_of_stream, 0, {}};
        return trama_detail::outcome(result);
    }

    /// Sends as much of `bytes` as the kernel takes now, and never waits.
    io_result try_send_some(std::string_view bytes) noexcept {
        iovec part{const_cast<char*>(bytes.data()), bytes.size()};
        return trama_detail::outcome(trama_detail::send_once(fd(), &part, 1, MSG_DONTWAIT));
    }

    /// "I have sent all": the peer reads what was sent, then end of stream. Receiving goes on.
    /// Throws network_error. man 2 shutdown
    void shutdown_send() {
        trama_detail::check("shut down sending to", trama_detail::shut_down_sending(fd()), remote_);
    }

    /// Closes so that the peer can still read what was sent last: shuts down sending, throws away
    /// what comes until the peer closes too (at most `within`), then closes. A plain close with
    /// bytes unread resets the connection, and the last answer may be lost.
    void close_lingering(duration within = std::chrono::seconds(1)) noexcept {
        if (!trama_detail::shut_down_sending(fd()).failed())
            trama_detail::discard_until_closed(fd(), deadline(within));
        close();
    }

    /// True: small pieces leave at once (Nagle's algorithm off). man 7 tcp (TCP_NODELAY)
    void set_no_delay(bool on) {
        set_option(IPPROTO_TCP, TCP_NODELAY, on ? 1 : 0, "TCP_NODELAY");
    }

private:
    endpoint remote_;
};

/// Waits at an address for connections. Owns its descriptor; move-only; the destructor closes.
class tcp_listener : public basic_socket {
public:
    /// Listens at `host`: an address of this machine in numbers, a name for one (its IPv4 address
    /// first), "0.0.0.0" for every IPv4 address, "::" for every IPv6 address, "*" for both. Port 0:
    /// a free one, told by local_endpoint(). `backlog`: connections that may wait for accept().
    static tcp_listener listen(const std::string& host, int port, int backlog = 128) {
        return tcp_listener(trama_detail::listen_socket(host, port, backlog));
    }

    /// The next connection, waiting for one. Throws network_error. man 2 accept
    tcp_stream accept() {
        const deadline limit(get_timeout());
        while (trama_detail::wait_until(fd(), POLLIN, limit)) {
            tcp_stream client;
            const io_result result = try_accept(client);
            if (result.status == io_status::done) return client;
            if (result.status == io_status::failed)
                trama_detail::throw_system_error(result.error.value(), "accept on",
                                                 local_endpoint());
            if (limit.passed()) break;
        }
        trama_detail::throw_system_error(ETIMEDOUT, "accept on", local_endpoint());
    }

    /// Never waits. done: the next connection was moved to `client`; would_block: none is waiting.
    io_result try_accept(tcp_stream& client) noexcept {
        trama_detail::address_buffer peer;
        const auto result = trama_detail::accept_once(fd(), peer);
        // A client that has gone before it was served is no fault of the listener.
        if (trama_detail::lost_before_accept(result.error)) return {io_status::would_block, 0, {}};
        if (result.failed()) return trama_detail::outcome(result);
        client = tcp_stream(unique_fd(static_cast<int>(result.value)), peer.value());
        return {};
    }

private:
    explicit tcp_listener(unique_fd fd) noexcept : basic_socket(std::move(fd)) {}
};

}  // namespace trama

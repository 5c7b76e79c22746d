// trama/net/tcp.hpp -- a TCP connection, and the listener that accepts connections. man 7 tcp
//
// TCP carries bytes, not messages: one piece that was sent may arrive as several, and several as
// one. So there are calls for "the bytes that are there" (_some) and for "all" (_all, _exact).
#ifndef TRAMA_NET_TCP_HPP
#define TRAMA_NET_TCP_HPP

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

    /// Connects to the first address of `host` that answers; they share the time `within`. `port`:
    /// a number or text, such as argv[2]. Throws network_error, whose text names each address tried
    /// and its reason. man 2 connect
    [[nodiscard]] static tcp_stream connect(const std::string& host, const port_number& port,
                                            duration within = std::chrono::seconds(30)) {
        endpoint peer;
        unique_fd fd = trama_detail::connect_any(host, port, within, peer);
        return tcp_stream(std::move(fd), peer);
    }

    /// Address and port of the peer, as they were when the connection was made.
    const endpoint& remote_endpoint() const noexcept { return remote_; }

    /// Receives the bytes that are there, 1 to `size`; waits for the first. Returns how many; 0:
    /// the peer has closed. Throws network_error (time-out, reset). man 2 recv
    [[nodiscard]] std::size_t recv_some(void* memory, std::size_t size) {
        return recv_some(memory, size, deadline(get_timeout()));
    }

    /// The same under a deadline of the caller, which replaces that of set_timeout.
    [[nodiscard]] std::size_t recv_some(void* memory, std::size_t size, const deadline& limit) {
        if (size == 0) trama_detail::throw_zero_size("recv_some: asked for 0 bytes");
        return trama_detail::receive_some(fd(), memory, size, limit, "recv_some from", remote_);
    }

    /// The same into a string of 1 to `max` bytes; empty: the peer has closed.
    [[nodiscard]] std::string recv_some(std::size_t max) {
        std::string bytes(max, '\0');
        bytes.resize(recv_some(bytes.data(), max));
        return bytes;
    }

    /// Receives exactly `size` bytes. Throws unexpected_eof if the stream ends before, and
    /// network_error; then the bytes that had come are lost.
    void recv_exact(void* memory, std::size_t size) {
        const deadline limit(get_timeout());
        trama_detail::receive_rest(fd(), memory, 0, size, size, limit, remote_);
    }

    /// The same into a string, which grows with what comes: a large `size` costs nothing before.
    [[nodiscard]] std::string recv_exact(std::size_t size) {
        std::string bytes;
        trama_detail::receive_rest(fd(), bytes, size, deadline(get_timeout()), remote_);
        return bytes;
    }

    /// Sends all of `bytes`, waiting while the peer is slow. Returns when the kernel has taken
    /// them, which is not yet "received". Throws network_error (time-out, reset, broken pipe; no
    /// SIGPIPE): then an unknown part is sent, so close the stream.
    void send_all(std::string_view bytes) { send_all({bytes}); }

    /// The same for up to 8 parts, one behind the other, none of them copied. man 2 sendmsg
    void send_all(std::initializer_list<std::string_view> parts) {
        iovec list[8];
        std::size_t count = 0;
        if (parts.size() > 8) throw std::invalid_argument("send_all: more than 8 parts");
        for (std::string_view part : parts) {
            if (part.empty()) continue;
            list[count] = trama_detail::part_of(part);
            ++count;
        }
        trama_detail::send_parts(fd(), list, count, deadline(get_timeout()), remote_);
    }

    /// Sends the part of `bytes` that the kernel takes at once, at least 1 byte, waiting for room.
    /// Returns how many; 0 only for no bytes. Throws network_error as send_all does. man 2 send
    [[nodiscard]] std::size_t send_some(std::string_view bytes) {
        iovec part = trama_detail::part_of(bytes);
        const deadline limit(get_timeout());
        return trama_detail::send_some(fd(), &part, 1, limit, "send_some to", remote_);
    }

#ifdef __cpp_lib_span
    [[nodiscard]] std::size_t recv_some(std::span<std::byte> memory) {
        return recv_some(memory.data(), memory.size());
    }
    void recv_exact(std::span<std::byte> memory) {
        recv_exact(memory.data(), memory.size());
    }
    void send_all(std::span<const std::byte> bytes) {
        send_all(std::string_view(reinterpret_cast<const char*>(bytes.data()), bytes.size()));
    }
#endif

    /// Receives the bytes that are there now, 1 to `size`. Never waits; errors are in the result.
    io_result try_recv_some(void* memory, std::size_t size) {
        if (size == 0) trama_detail::throw_zero_size("try_recv_some: asked for 0 bytes");
        const auto result = trama_detail::receive_once(fd(), memory, size, MSG_DONTWAIT);
        if (result.value == 0) return {io_status::end_of_stream, 0, {}};
        return trama_detail::to_io_result(result);
    }

    /// Sends the part of `bytes` that the kernel takes now. Never waits; errors are in the result.
    io_result try_send_some(std::string_view bytes) {
        iovec part = trama_detail::part_of(bytes);
        return trama_detail::to_io_result(trama_detail::send_once(fd(), &part, 1, MSG_DONTWAIT));
    }

    /// "I have sent all": the peer reads the bytes sent, then end of stream. Receiving goes on.
    /// Throws network_error. man 2 shutdown
    void shutdown_send() {
        trama_detail::expect(trama_detail::shut_down(fd(), SHUT_WR), "shut down sending to",
                             remote_);
    }

    /// Ends both directions; the descriptor stays open. Another thread may call it: one that waits
    /// in a receive wakes up and finds the end of the stream, one that sends gets a network_error.
    void shutdown() {
        const auto result = trama_detail::shut_down(fd(), SHUT_RDWR);
        if (result.error == ENOTCONN) return;  // it is over already
        trama_detail::expect(result, "shut down the connection with", remote_);
    }

    /// Closes so that the peer can still read what was sent last: shuts down sending, throws away
    /// what comes until the peer closes too (at most `within`), then closes. A plain close with
    /// bytes unread resets the connection, and the last answer may be lost.
    void close_lingering(duration within = std::chrono::seconds(1)) {
        if (!trama_detail::shut_down(fd(), SHUT_WR).failed())
            trama_detail::discard_until_closed(fd(), deadline(within));
        close();
    }

    /// True: small pieces leave at once (Nagle's algorithm off). Throws network_error. man 7 tcp
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
    /// a free one, see local_endpoint(). `backlog`: connections that may wait for accept(). Throws
    /// network_error. man 2 listen
    [[nodiscard]] static tcp_listener listen(const std::string& host, const port_number& port,
                                             int backlog = 128) {
        return tcp_listener(trama_detail::listen_socket(host, port, backlog));
    }

    /// Returns the next connection; waits for one. Throws network_error. man 2 accept
    [[nodiscard]] tcp_stream accept() {
        trama_detail::address_buffer peer;
        const auto accept = [&] { return trama_detail::accept_once(fd(), peer); };
        const deadline limit(get_timeout());
        // The wait comes first: a server that calls accept() seldom finds a client there already.
        auto result = trama_detail::poll_until(limit, fd(), POLLIN);
        if (!result.failed()) result = trama_detail::call_until(limit, fd(), POLLIN, accept);
        if (result.failed()) throw_accept_error(result.error);
        return tcp_stream(unique_fd(result.descriptor()), peer.value());
    }

    /// Never waits; errors are in the result. done: the next connection was moved to `client`;
    /// would_block: none is waiting.
    io_result try_accept(tcp_stream& client) {
        trama_detail::address_buffer peer;
        const auto result = trama_detail::accept_once(fd(), peer);
        if (result.failed()) return trama_detail::to_io_result(result);
        client = tcp_stream(unique_fd(result.descriptor()), peer.value());
        return {};
    }

    /// Listens no longer; the descriptor stays open. Another thread may call it: one that waits in
    /// accept() gets a network_error with std::errc::invalid_argument. man 2 shutdown
    void shutdown() {
        trama_detail::expect(trama_detail::shut_down(fd(), SHUT_RDWR), "shut down the listener");
    }

private:
    explicit tcp_listener(unique_fd fd) noexcept : basic_socket(std::move(fd)) {}

    [[noreturn]] void throw_accept_error(int error) const {
        const bool is_late = error == ETIMEDOUT;
        const char* step = is_late ? "no client came in time" : trama_detail::next_step(error);
        trama_detail::throw_explained(error, "accept on", local_endpoint().to_text().c_str(),
                                      std::strerror(error), step);
    }
};

}  // namespace trama

#endif  // TRAMA_NET_TCP_HPP

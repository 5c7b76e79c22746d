// trama/message/framed_stream.hpp -- a connection that carries messages: tcp_stream + codec.
#pragma once

#include <trama/codec/frame_decoder.hpp>
#include <trama/net/tcp.hpp>

namespace trama {

namespace trama_detail {

[[gnu::cold]] inline void tell_frame(int fd, const char* direction,
                                     std::string_view payload) noexcept {
    trace(fd, 0, "frame %s, %zu bytes: %s", direction, payload.size(), shown(payload).c_str());
}

}  // namespace trama_detail

/// Sends and receives whole frames of `Codec`. Owns its stream; move-only.
template <typename Codec>
class framed_stream {
public:
    /// `limit`: the longest payload sent or accepted, in bytes.
    explicit framed_stream(tcp_stream stream, std::size_t limit = Codec::max_payload) noexcept
        : stream_(std::move(stream)), decoder_(limit), limit_(limit) {}

    /// Sends one frame, waiting while the peer is slow. The payload is not copied. Throws
    /// frame_error before anything is sent: too_long, and bad_header for what a line cannot hold;
    /// network_error as send_all does: part of the frame may be out, so send nothing more.
    void send_frame(std::string_view payload) {
        const frame_edge header = Codec::header(payload, limit_);
        const frame_edge trailer = Codec::trailer();
        stream_.send_all({header.view(), payload, trailer.view()});
        tell("out", payload);
    }

    /// The payload of the next frame, waiting for it; nullopt: the stream ended between two frames.
    /// Throws frame_error (bad_header, too_long; truncated: it ended inside one) and network_error.
    /// Only after the time-out of set_timeout can it be called again: what came of a frame is kept.
    std::optional<std::string> recv_frame() {
        return receive([this] { return decoder_.next_frame(); });
    }

    /// As recv_frame, but lends the payload without a copy until the next receive on this object.
    std::optional<std::string_view> recv_view() {
        return receive([this] { return decoder_.next_view(); });
    }

    /// The connection underneath, for time-outs, endpoints, shutdown_send. Bytes received past this
    /// object are missing from its frames.
    tcp_stream& stream() noexcept { return stream_; }
    const tcp_stream& stream() const noexcept { return stream_; }

private:
    // Receives until `next` finds a frame among what came.
    template <typename Next>
    auto receive(Next next) -> decltype(next()) {
        const deadline limit(stream_.get_timeout());
        for (bool first = true;; first = false) {
            if (auto payload = next()) {
                tell("in", *payload);
                return payload;
            }
            if (!first)
                trama_detail::throw_if_passed(limit, "recv_frame from", stream_.remote_endpoint());
            const std::size_t size = receive_size();
            const std::size_t count = stream_.recv_some(decoder_.prepare(size), size, limit);
            decoder_.commit(count);
            if (count == 0) {
                decoder_.receive_eof();
                return std::nullopt;
            }
        }
    }

    // Large frames in larger pieces, but never more room than has already been filled: a header
    // that promises a lot costs nothing until the bytes come.
    std::size_t receive_size() const noexcept {
        constexpr std::size_t usual = 16384;
        const std::size_t missing = decoder_.missing();
        const std::size_t most = decoder_.buffered() > usual ? decoder_.buffered() : usual;
        if (missing <= usual) return usual;
        return missing < most ? missing : most;
    }

    void tell(const char* what, std::string_view payload) const noexcept {
        if (tracing()) trama_detail::tell_frame(stream_.fd(), what, payload);
    }

    tcp_stream stream_;
    frame_decoder<Codec> decoder_;
    std::size_t limit_;
};

}  // namespace trama

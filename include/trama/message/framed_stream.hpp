// trama/message/framed_stream.hpp -- a connection that carries messages: tcp_stream + codec.
//
// One receive may bring several frames, or the end of one and the start of the next. What it brings
// beyond the frame that is handed out stays here, buffered. So everything that is received must be
// received through this object: frames by recv_frame or try_recv_frame, bytes that follow a frame
// by recv_exact, recv_some or receive_file(framed_stream&, ...).
#ifndef TRAMA_MESSAGE_FRAMED_STREAM_HPP
#define TRAMA_MESSAGE_FRAMED_STREAM_HPP

#include <trama/codec/frame_decoder.hpp>
#include <trama/file/transfer.hpp>
#include <trama/net/tcp.hpp>

namespace trama {

namespace trama_detail {

inline void trace_frame(int fd, const char* direction, std::string_view payload) {
    write_trace(
        fd, 0, text("frame %s, %zu bytes: %s", direction, payload.size(), quoted(payload).c_str()));
}

}  // namespace trama_detail

/// Sends and receives whole frames of `Codec`. Owns its stream; move-only.
template <typename Codec>
class framed_stream {
public:
    /// `limit`: the longest payload that is accepted, in bytes.
    explicit framed_stream(tcp_stream stream, std::size_t limit = Codec::max_payload) noexcept
        : stream_(std::move(stream)), decoder_(limit) {}

    /// Sends one frame, waiting while the peer is slow. The payload is not copied. Throws
    /// frame_error before anything is sent, for a payload that the format cannot carry;
    /// network_error as send_all does: part of the frame may be sent, so send nothing more.
    void send_frame(std::string_view payload) {
        const frame_header header = Codec::header(payload);
        stream_.send_all({header.view(), payload, Codec::trailer});
        write_frame_trace("out", payload);
    }

    /// Returns the payload of the next frame, waiting for it; nullopt: the stream ended between two
    /// frames. Throws frame_error and network_error; after a time-out it can be called again. Not
    /// for a selector: it waits for the rest of a frame, and returns one frame where several came.
    [[nodiscard]] std::optional<std::string> recv_frame() {
        return receive([this] { return decoder_.next_frame(); });
    }

    /// Like recv_frame, but lends the payload without a copy until the next receive on this object.
    [[nodiscard]] std::optional<std::string_view> recv_view() {
        return receive([this] { return decoder_.next_view(); });
    }

    /// Never waits: for a selector. done: the next frame is in `payload`; would_block: it has not
    /// come yet; end_of_stream: no more will come. Throws as recv_frame does. When the descriptor
    /// is readable, call it until it is not done: one receive may bring many frames.
    [[nodiscard]] io_status try_recv_frame(std::string& payload) {
        while (true) {
            if (const auto frame = decoder_.next_view()) {
                payload.assign(*frame);
                write_frame_trace("in", payload);
                return io_status::done;
            }
            const io_status status = try_receive();
            if (status != io_status::done) return status;
        }
    }

    /// Bytes that came and were not yet handed out: the next frames, or a part of one.
    std::size_t buffered() const noexcept { return decoder_.buffered(); }

    /// Receives bytes that are no frame, such as a file behind its name: 1 to `size`, those that
    /// are buffered first. Returns how many; 0: the peer has closed. Throws network_error.
    [[nodiscard]] std::size_t recv_some(void* memory, std::size_t size) {
        const std::size_t count = decoder_.take_bytes(memory, size);
        return count > 0 ? count : stream_.recv_some(memory, size);
    }

    /// Receives exactly `size` bytes that are no frame. Throws unexpected_eof and network_error;
    /// then the bytes that had come are lost.
    void recv_exact(void* memory, std::size_t size) {
        const std::size_t count = decoder_.take_bytes(memory, size);
        const deadline limit(stream_.get_timeout());
        trama_detail::receive_rest(stream_.fd(), memory, count, size, size, limit,
                                   stream_.remote_endpoint());
    }

    /// The same into a string.
    [[nodiscard]] std::string recv_exact(std::size_t size) {
        std::string bytes(size < buffered() ? size : buffered(), '\0');
        decoder_.take_bytes(bytes.data(), bytes.size());
        trama_detail::receive_rest(stream_.fd(), bytes, size, deadline(stream_.get_timeout()),
                                   stream_.remote_endpoint());
        return bytes;
    }

    /// The connection underneath, for time-outs, endpoints, shutdown_send, and to send bytes. Do
    /// not receive from it: the bytes that are buffered here would be missing.
    tcp_stream& stream() noexcept { return stream_; }
    const tcp_stream& stream() const noexcept { return stream_; }

private:
    // Receives until `next` finds a frame in the buffer.
    template <typename Next>
    auto receive(Next next) -> decltype(next()) {
        constexpr const char* operation = "recv_frame from";
        const deadline limit(stream_.get_timeout());
        for (bool first = true;; first = false) {
            if (auto payload = next()) {
                write_frame_trace("in", *payload);
                return payload;
            }
            if (!first) trama_detail::throw_if_passed(limit, operation, stream_.remote_endpoint());
            const std::size_t size = receive_size();
            const std::size_t count =
                trama_detail::receive_some(stream_.fd(), decoder_.prepare(size), size, limit,
                                           operation, stream_.remote_endpoint());
            decoder_.commit(count);
            if (count == 0) {
                decoder_.receive_eof();
                return std::nullopt;
            }
        }
    }

    io_status try_receive() {
        const std::size_t size = receive_size();
        const io_result result = stream_.try_recv_some(decoder_.prepare(size), size);
        if (result.status == io_status::failed)
            trama_detail::throw_system_error(result.error.value(), "try_recv_frame from",
                                             stream_.remote_endpoint());
        if (result.status == io_status::end_of_stream) decoder_.receive_eof();
        decoder_.commit(result.bytes);
        return result.status;
    }

    // Large frames in larger pieces, but never more room than is already filled: a header that
    // promises a lot costs nothing until the bytes come.
    std::size_t receive_size() const noexcept {
        constexpr std::size_t usual = 16384;
        const std::size_t missing = decoder_.missing();
        const std::size_t most = decoder_.buffered() > usual ? decoder_.buffered() : usual;
        if (missing <= usual) return usual;
        return missing < most ? missing : most;
    }

    void write_frame_trace(const char* direction, std::string_view payload) const {
        if (tracing()) trama_detail::trace_frame(stream_.fd(), direction, payload);
    }

    tcp_stream stream_;
    frame_decoder<Codec> decoder_;
};

/// As receive_file(tcp_stream&, ...): the bytes that came with the last frame are the first.
template <typename Codec, typename Progress = trama_detail::no_progress>
void receive_file(framed_stream<Codec>& from, int file, std::uint64_t size,
                  Progress progress = {}) {
    const auto receive = [&](char* memory, std::size_t most) {
        return from.recv_some(memory, most);
    };
    trama_detail::receive_pieces(file, size, from.stream().remote_endpoint(), receive, progress);
}

}  // namespace trama

#endif  // TRAMA_MESSAGE_FRAMED_STREAM_HPP

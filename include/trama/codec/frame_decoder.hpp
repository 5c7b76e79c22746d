// trama/codec/frame_decoder.hpp -- turns a stream that arrives in pieces back into its frames.
//
// Bytes enter at the end of a queue: receive_data copies them there, or the caller writes them
// there, for example with recv(2) (prepare, commit). Frames leave at the front. There is no socket
// in here: any codec, any source.
#ifndef TRAMA_CODEC_FRAME_DECODER_HPP
#define TRAMA_CODEC_FRAME_DECODER_HPP

#include <trama/codec/byte_queue.hpp>
#include <trama/codec/frame.hpp>

#include <optional>

namespace trama {

/// Cuts the bytes that it receives into frames of `Codec`. After a broken frame it stays broken:
/// after a wrong header it is not known where the next frame starts.
template <typename Codec>
class frame_decoder {
public:
    /// `limit`: the longest payload accepted, in bytes. Memory grows with the bytes that came, not
    /// with those that a header promises. A decoder that was moved from can only be assigned to.
    explicit frame_decoder(std::size_t limit = Codec::max_payload) noexcept : limit_(limit) {}

    /// Copies `bytes`, which may hold any part of any number of frames. Throws std::bad_alloc.
    void receive_data(std::string_view bytes) { buffer_.append(bytes); }

    /// Lends memory for at least `size` bytes, which the caller writes; valid until the next call.
    /// It saves the copy that receive_data makes. Views from next_view() end here. Throws
    /// std::bad_alloc.
    char* prepare(std::size_t size) { return buffer_.prepare(size); }

    /// Receives the first `size` bytes that were written to the prepared memory. Throws
    /// std::length_error for more than was prepared.
    void commit(std::size_t size) {
        if (size > buffer_.room())
            throw std::length_error("frame_decoder::commit: more than prepared");
        buffer_.commit(size);
    }

    /// Returns the payload of the next frame, or nullopt: not yet. Throws frame_error, and again on
    /// every later call; std::bad_alloc, and the frame stays.
    [[nodiscard]] std::optional<std::string> next_frame() {
        scan_result result = scan_front();
        if (result.status != scan_status::frame) return std::nullopt;
        std::optional<std::string> payload(std::in_place, payload_of(result));
        take(result);
        return payload;
    }

    /// Like next_frame, but lends the payload without a copy until the next call.
    [[nodiscard]] std::optional<std::string_view> next_view() {
        scan_result result = scan_front();
        if (result.status != scan_status::frame) return std::nullopt;
        const std::string_view payload = payload_of(result);
        take(result);
        return payload;
    }

    /// Call it at the end of the stream. Throws frame_error if the last frame is not whole:
    /// truncated, or the error of next_frame. Whole frames before it can still be taken.
    void receive_eof() const {
        std::string_view rest = buffer_.bytes();
        while (!rest.empty()) {
            const scan_result result = Codec::scan(rest, limit_, 0);
            const std::uint64_t where = consumed_ + (buffer_.size() - rest.size());
            if (result.status == scan_status::need_data)
                trama_detail::throw_truncated(rest, where, result.length);
            if (result.status != scan_status::frame)
                trama_detail::throw_broken(result, rest, where, limit_, Codec::format);
            rest.remove_prefix(result.offset + result.length + result.trailer);
        }
    }

    /// Moves up to `size` buffered bytes to `memory`, as bytes and not as a frame: for a stream in
    /// which something else follows the frames. Returns how many.
    std::size_t take_bytes(void* memory, std::size_t size) {
        const std::size_t count = buffer_.bytes().copy(static_cast<char*>(memory), size);
        remove_front(count);
        return count;
    }

    /// Exchanges the memory behind the decoder, with the bytes in it. For servers, whose clients
    /// share one large buffer.
    void swap_buffer(trama_detail::byte_queue& other) noexcept { buffer_.swap(other); }

    /// Bytes that came and were not yet handed out.
    std::size_t buffered() const noexcept { return buffer_.size(); }

    /// At least so many bytes must come before next_frame can return more; 0: call it.
    std::size_t missing() const noexcept {
        return needed_ > buffer_.size() ? needed_ - buffer_.size() : 0;
    }

private:
    // Returns a frame or need_data; throws for the rest.
    scan_result scan_front() {
        if (buffer_.size() < needed_) return {};
        scan_result result = Codec::scan(buffer_.bytes(), limit_, seen_);
        if (result.status == scan_status::need_data) {
            seen_ = buffer_.size();
            const std::size_t most = static_cast<std::size_t>(-1) - seen_;  // it must not wrap
            needed_ = seen_ + (result.length < most ? result.length : most);
        } else if (result.status != scan_status::frame) {
            trama_detail::throw_broken(result, buffer_.bytes(), consumed_, limit_, Codec::format);
        }
        return result;
    }

    std::string_view payload_of(const scan_result& result) const noexcept {
        return buffer_.bytes().substr(result.offset, result.length);
    }

    void take(const scan_result& result) noexcept {
        remove_front(result.offset + result.length + result.trailer);
    }

    void remove_front(std::size_t size) noexcept {
        buffer_.consume(size);
        consumed_ += size;
        seen_ = 0;
        needed_ = 1;
    }

    trama_detail::byte_queue buffer_;
    std::size_t limit_;
    std::size_t needed_ = 1;      // next_view has nothing to do before so many bytes are buffered
    std::size_t seen_ = 0;        // so many of them an earlier scan has looked at
    std::uint64_t consumed_ = 0;  // bytes handed out since the start of the stream
};

}  // namespace trama

#endif  // TRAMA_CODEC_FRAME_DECODER_HPP

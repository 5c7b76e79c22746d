// trama/codec/frame_decoder.hpp -- turns a stream that comes in any pieces back into its frames.
//
// Bytes enter at the end of a queue, either copied (receive_data) or written there by the caller,
// for example by recv(2) (prepare, commit). Frames leave at its front. There is no socket in here:
// any codec, any source.
#pragma once

#include <trama/codec/byte_queue.hpp>
#include <trama/codec/frame.hpp>

#include <optional>

namespace trama {

/// Cuts the bytes it is given into frames of `Codec`. After a broken frame it stays broken: behind
/// a wrong header nobody knows where the next one starts.
template <typename Codec>
class frame_decoder {
public:
    /// `limit`: the longest payload accepted, in bytes. Memory grows with what came, not with what
    /// a header promises. A decoder that was moved from can only be assigned to.
    explicit frame_decoder(std::size_t limit = Codec::max_payload) noexcept : limit_(limit) {}

    /// Takes a copy of `bytes`, which may hold any part of any number of frames.
    void receive_data(std::string_view bytes) { buffer_.append(bytes); }

    /// Lends memory for at least `size` bytes, to be written by the caller; valid until the next
    /// call. It spares the copy that receive_data makes. Views from next_view() end here.
    char* prepare(std::size_t size) { return buffer_.prepare(size); }

    /// Tells that the first `size` bytes of the prepared memory were written. Throws
    /// std::length_error when that is more than there was room for.
    void commit(std::size_t size) {
        if (size > buffer_.room())
            throw std::length_error("frame_decoder::commit: more than prepared");
        buffer_.commit(size);
    }

    /// The payload of the next frame, or nullopt: not yet. Throws frame_error, and again on every
    /// later call; std::bad_alloc, and the frame stays.
    std::optional<std::string> next_frame() {
        scan_result result = scan_front();
        if (result.status != scan_status::frame) return std::nullopt;
        std::optional<std::string> payload(std::in_place, payload_of(result));
        take(result);
        return payload;
    }

    /// As next_frame, but lends the payload where it lies, without a copy, until the next call.
    std::optional<std::string_view> next_view() {
        scan_result result = scan_front();
        if (result.status != scan_status::frame) return std::nullopt;
        const std::string_view payload = payload_of(result);
        take(result);
        return payload;
    }

    /// The stream has ended. Throws frame_error if what came ends in no whole frame: truncated, or
    /// what next_frame would throw. Whole frames before that can still be taken.
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

    /// Exchanges the memory behind the decoder, with the bytes in it. For servers, whose clients
    /// share one large buffer.
    void swap_buffer(trama_detail::byte_queue& other) noexcept { buffer_.swap(other); }

    /// How many bytes came and were not yet handed out.
    std::size_t buffered() const noexcept { return buffer_.size(); }

    /// At least so many bytes must still come before next_frame has something new to look at; 0:
    /// call it.
    std::size_t missing() const noexcept {
        return needed_ > buffer_.size() ? needed_ - buffer_.size() : 0;
    }

private:
    // What stands at the front: a frame or need_data; the rest throws.
    scan_result scan_front() {
        if (buffer_.size() < needed_) return {};
        // Not const: GCC 12 keeps a const aggregate in memory, which triples the cost of a frame.
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
        const std::size_t size = result.offset + result.length + result.trailer;
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

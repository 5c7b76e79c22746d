// trama/codec/frame_decoder.hpp -- turns a stream that comes in any pieces back into its frames.
//
//     storage_                begin_                   end_              capacity_
//     |   frames handed out   |   frames, whole and    |   room for       |
//     |   (free again)        |   the one under way    |   prepare()      |
//     0  <=                   begin_        <=         end_       <=      capacity_
//
// Bytes enter at end_, either copied (receive_data) or written there by the caller, for example by
// recv(2) (prepare, commit). Frames leave at begin_. There is no socket in here: any codec, any
// source.
#pragma once

#include <trama/codec/frame.hpp>

#include <cstdlib>
#include <cstring>
#include <new>
#include <optional>
#include <utility>

namespace trama {

namespace detail {

/// The storage drawn above. Move-only; a moved-from buffer is empty and can be used again.
class receive_buffer {
public:
    receive_buffer() noexcept = default;
    receive_buffer(receive_buffer&& other) noexcept { *this = std::move(other); }
    receive_buffer& operator=(receive_buffer&& other) noexcept {
        if (this == &other) return *this;
        std::free(storage_);
        storage_ = other.storage_;
        begin_ = other.begin_;
        end_ = other.end_;
        capacity_ = other.capacity_;
        other.storage_ = nullptr;
        other.begin_ = other.end_ = other.capacity_ = 0;
        return *this;
    }
    ~receive_buffer() { std::free(storage_); }

    std::string_view bytes() const noexcept { return {storage_ + begin_, end_ - begin_}; }
    std::size_t size() const noexcept { return end_ - begin_; }
    std::size_t room() const noexcept { return capacity_ - end_; }

    /// Makes room for `size` more bytes and returns where they go. Throws std::bad_alloc.
    char* prepare(std::size_t size) {
        if (begin_ == end_) begin_ = end_ = 0;
        // Only when more is free than has to be moved: else a reader who takes a little of a lot
        // each time would move the lot each time.
        if (room() < size && begin_ > 0 && begin_ >= this->size()) move_to_front();
        if (room() < size) grow(size);
        return storage_ + end_;
    }

    /// `size` bytes were written behind what is there; at most room().
    void commit(std::size_t size) noexcept { end_ += size; }

    /// `size` bytes at the front are done with; at most size().
    void consume(std::size_t size) noexcept { begin_ += size; }

private:
    void move_to_front() noexcept {
        std::memmove(storage_, storage_ + begin_, size());
        end_ -= begin_;
        begin_ = 0;
    }

    // Doubles, so that memory follows what came and not what was promised. realloc(3) and not a
    // vector: it does not fill the new part with zeros, and on Linux it moves large blocks by their
    // page tables, so a large payload is not copied while it grows.
    void grow(std::size_t size) {
        if (size > static_cast<std::size_t>(-1) / 2 - end_) throw std::bad_alloc();
        const std::size_t needed = end_ + size;
        const std::size_t wanted = needed > 2 * capacity_ ? needed : 2 * capacity_;
        void* larger = std::realloc(storage_, wanted);
        if (larger == nullptr) throw std::bad_alloc();
        storage_ = static_cast<char*>(larger);
        capacity_ = wanted;
    }

    char* storage_ = nullptr;
    std::size_t begin_ = 0;
    std::size_t end_ = 0;
    std::size_t capacity_ = 0;
};

}  // namespace detail

/// Cuts the bytes it is given into frames of `Codec`. After a broken frame it stays broken: behind
/// a wrong header nobody knows where the next one starts.
template <typename Codec>
class frame_decoder {
public:
    /// `limit`: the longest payload accepted, in bytes. Memory grows with what came, not with what
    /// a header promises. A decoder that was moved from can only be assigned to.
    explicit frame_decoder(std::size_t limit = Codec::max_payload) noexcept : limit_(limit) {}

    /// Takes a copy of `bytes`, which may hold any part of any number of frames.
    void receive_data(std::string_view bytes) {
        if (bytes.empty()) return;
        std::memcpy(buffer_.prepare(bytes.size()), bytes.data(), bytes.size());
        buffer_.commit(bytes.size());
    }

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
                detail::throw_truncated(rest, where, result.length);
            if (result.status != scan_status::frame)
                detail::throw_broken(result, rest, where, limit_, Codec::format);
            rest.remove_prefix(result.offset + result.length + result.trailer);
        }
    }

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
            detail::throw_broken(result, buffer_.bytes(), consumed_, limit_, Codec::format);
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

    detail::receive_buffer buffer_;
    std::size_t limit_;
    std::size_t needed_ = 1;      // next_view has nothing to do before so many bytes are buffered
    std::size_t seen_ = 0;        // so many of them an earlier scan has looked at
    std::uint64_t consumed_ = 0;  // bytes handed out since the start of the stream
};

}  // namespace trama

// trama/codec/byte_queue.hpp -- a queue of bytes: written at the end, taken from the front.
//
//     storage_                begin_                   end_              capacity_
//     |   bytes taken         |   bytes that wait      |   room for       |
//     |   (free again)        |                        |   prepare()      |
//     0  <=                   begin_        <=         end_       <=      capacity_
#ifndef TRAMA_CODEC_BYTE_QUEUE_HPP
#define TRAMA_CODEC_BYTE_QUEUE_HPP

#include <cstdlib>
#include <cstring>
#include <new>
#include <string_view>
#include <utility>

namespace trama {

namespace trama_detail {

/// Move-only; one that was moved from is empty and can be used again.
class byte_queue {
public:
    byte_queue() noexcept = default;
    byte_queue(byte_queue&& other) noexcept { swap(other); }
    byte_queue& operator=(byte_queue&& other) noexcept {
        byte_queue taken(std::move(other));
        swap(taken);
        return *this;
    }
    ~byte_queue() { std::free(storage_); }

    std::string_view bytes() const noexcept { return {storage_ + begin_, end_ - begin_}; }
    std::size_t size() const noexcept { return end_ - begin_; }
    std::size_t capacity() const noexcept { return capacity_; }
    std::size_t room() const noexcept { return capacity_ - end_; }

    /// Makes room for `size` more bytes and returns where they go. Throws std::bad_alloc.
    char* prepare(std::size_t size) {
        if (begin_ == end_) begin_ = end_ = 0;
        // Only when more is free than has to be moved: else a reader that takes a little of a lot
        // each time would move the lot each time.
        if (room() < size && begin_ > 0 && begin_ >= this->size()) move_to_front();
        if (room() < size) grow(size);
        return storage_ + end_;
    }

    /// Adds the first `size` bytes that were written to the prepared room; at most room().
    void commit(std::size_t size) noexcept { end_ += size; }

    /// Adds a copy of `bytes`. Throws std::bad_alloc.
    void append(std::string_view bytes) {
        if (bytes.empty()) return;
        if (room() < bytes.size()) prepare(bytes.size());
        std::memcpy(storage_ + end_, bytes.data(), bytes.size());
        commit(bytes.size());
    }

    /// Removes `size` bytes from the front; at most size().
    void consume(std::size_t size) noexcept { begin_ += size; }

    void swap(byte_queue& other) noexcept {
        std::swap(storage_, other.storage_);
        std::swap(begin_, other.begin_);
        std::swap(end_, other.end_);
        std::swap(capacity_, other.capacity_);
    }

private:
    void move_to_front() noexcept {
        std::memmove(storage_, storage_ + begin_, size());
        end_ -= begin_;
        begin_ = 0;
    }

    // Doubles, so that memory follows the bytes that came and not those that were promised. With
    // realloc(3) and not a vector: it does not fill the new part with zeros, and on Linux it moves
    // large blocks by their page tables, so a large payload is not copied while it grows.
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

/// Passes memory from one queue to the next, so that an empty queue holds none, and a queue that is
/// filled again and again makes no calls of the heap.
class spare_memory {
public:
    /// `queue` must have no memory; it gets some if there is any.
    void give_to(byte_queue& queue) noexcept {
        if (count_ == 0) return;
        --count_;
        queue.swap(spare_[count_]);
    }

    /// Takes the memory of `queue`, which must be empty. Keeps 64 blocks of at most 64 KiB.
    void take_from(byte_queue& queue) noexcept {
        if (count_ == std::size(spare_) || queue.capacity() > 65536) {
            queue = byte_queue();
        } else {
            queue.swap(spare_[count_]);
            ++count_;
        }
    }

private:
    byte_queue spare_[64];  // the first `count_` have memory
    std::size_t count_ = 0;
};

/// Makes room for `more` bytes. Throws std::bad_alloc.
inline void make_room(byte_queue& out, std::size_t more) {
    out.prepare(more);
}

}  // namespace trama_detail

}  // namespace trama

#endif  // TRAMA_CODEC_BYTE_QUEUE_HPP

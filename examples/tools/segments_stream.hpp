// examples/tools/segments_stream.hpp -- a file that is read once, from its first byte to its last.
//
//     |   read before   | what take() shows |  in the buffer  |  still in the file   |
//                       ^ offset()
//
// A capture file from a stranger may hold any bytes. So memory is one buffer of limited size, no
// byte is used before it is there, and each error says at which byte of the file it is.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace segments {

/// The file is no capture, or it is damaged, or it ends too early. what() names the byte.
struct capture_error : std::runtime_error {
    capture_error(std::uint64_t where, const std::string& reason)
        : std::runtime_error("byte " + std::to_string(where) + ": " + reason), offset(where) {}

    std::uint64_t offset;
};

enum class byte_order { big, little };

/// The number in the first `size` bytes of `bytes`; `size` is at most 8.
inline std::uint64_t number_in(std::string_view bytes, std::size_t size, byte_order order) {
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
        const std::size_t place = order == byte_order::big ? i : size - 1 - i;
        value = value << 8 | static_cast<unsigned char>(bytes[place]);
    }
    return value;
}

inline std::uint32_t u32(std::string_view bytes, std::size_t place, byte_order order) {
    return static_cast<std::uint32_t>(number_in(bytes.substr(place, 4), 4, order));
}
inline std::uint16_t u16(std::string_view bytes, std::size_t place, byte_order order) {
    return static_cast<std::uint16_t>(number_in(bytes.substr(place, 2), 2, order));
}

/// The same in the byte order of the network.
inline std::uint32_t net32(std::string_view bytes, std::size_t place) {
    return u32(bytes, place, byte_order::big);
}
inline std::uint16_t net16(std::string_view bytes, std::size_t place) {
    return u16(bytes, place, byte_order::big);
}
inline std::uint8_t net8(std::string_view bytes, std::size_t place) {
    return static_cast<std::uint8_t>(bytes[place]);
}

class byte_stream {
public:
    /// Reads at most `size` bytes to `to`. Returns how many; 0 at the end of the file.
    using source = std::function<std::size_t(char* to, std::size_t size)>;

    static constexpr std::size_t most_at_once = std::size_t{1} << 20;  ///< of take()

    explicit byte_stream(source from) : from_(std::move(from)), buffer_(65'536) {}

    /// How many bytes were taken or skipped: the place in the file.
    std::uint64_t offset() const { return offset_; }

    /// True if no byte is left.
    bool at_end() { return fill(1) == 0; }

    /// The next bytes, which stay in the stream; fewer than `count` if the file ends before.
    std::string_view peek(std::size_t count) {
        const std::size_t there = std::min(fill(count), count);
        return {buffer_.data() + begin_, there};
    }

    /// The next `count` bytes, at most `most_at_once`. They are valid until the next call. Throws
    /// capture_error if the file ends before: in the middle of `what`, which begins at `start`.
    std::string_view take(std::size_t count, const char* what, std::uint64_t start) {
        const std::string_view bytes = peek(count);
        if (bytes.size() < count) throw cut_off(what, start, offset_ + bytes.size());
        begin_ += count;
        offset_ += count;
        return bytes;
    }
    std::string_view take(std::size_t count, const char* what) {
        return take(count, what, offset_);
    }

    /// Passes over `count` bytes, any number of them. Throws as take() does.
    void skip(std::uint64_t count, const char* what, std::uint64_t start) {
        for (std::uint64_t left = count; left > 0;) {
            const std::size_t there = fill(1);
            const std::uint64_t step = std::min<std::uint64_t>(left, there);
            if (step == 0) throw cut_off(what, start, offset_);
            begin_ += static_cast<std::size_t>(step);
            offset_ += step;
            left -= step;
        }
    }

private:
    static capture_error cut_off(const char* what, std::uint64_t start, std::uint64_t end) {
        return {start, "the file ends at byte " + std::to_string(end) + ", in the middle of " +
                           what + ": it was cut off, or is still being written"};
    }

    /// Reads until `count` bytes are in the buffer, or the file ends. Returns how many are there.
    std::size_t fill(std::size_t count) {
        if (end_ - begin_ >= count) return end_ - begin_;
        if (count > buffer_.size()) buffer_.resize(std::min(2 * count, most_at_once));
        std::memmove(buffer_.data(), buffer_.data() + begin_, end_ - begin_);
        end_ -= begin_;
        begin_ = 0;
        bool more = true;
        while (more && end_ < count) {
            const std::size_t got = from_(buffer_.data() + end_, buffer_.size() - end_);
            end_ += got;
            more = got > 0;
        }
        return end_;
    }

    source from_;
    std::vector<char> buffer_;
    std::size_t begin_ = 0;  // of what is in the buffer and was not taken
    std::size_t end_ = 0;
    std::uint64_t offset_ = 0;
};

}  // namespace segments

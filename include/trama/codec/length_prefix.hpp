// trama/codec/length_prefix.hpp -- a payload behind its length, in 1, 2, 4 or 8 binary bytes.
//
//      length_prefix<4>, "hola"                 length_prefix<2, byte_order::little>, "hola"
//     +----+----+----+----+---+---+---+---+    +----+----+---+---+---+---+
//     | 00 | 00 | 00 | 04 | h | o | l | a |    | 04 | 00 | h | o | l | a |
//     +----+----+----+----+---+---+---+---+    +----+----+---+---+---+---+
//
// The length counts the payload only. Big-endian is the order of the network (RFC 1700).
#ifndef TRAMA_CODEC_LENGTH_PREFIX_HPP
#define TRAMA_CODEC_LENGTH_PREFIX_HPP

#include <trama/codec/frame.hpp>

namespace trama {

/// The byte of a number that travels first: the most (big) or the least (little) significant one.
enum class byte_order { big, little };

/// The codec: `Size` is 1, 2, 4 or 8.
template <std::size_t Size, byte_order Order = byte_order::big>
struct length_prefix {
    static_assert(Size == 1 || Size == 2 || Size == 4 || Size == 8,
                  "length_prefix<Size>: the length takes 1, 2, 4 or 8 bytes");

    static constexpr const char* format = "a binary length before the payload";
    static constexpr std::string_view trailer = "";

    /// The largest number that fits into the header, in bytes of payload.
    static constexpr std::uint64_t max_length = UINT64_MAX >> (64U - 8U * Size);

    /// The default limit, in bytes: the largest number of the header, but never above 16 MiB.
    static constexpr std::size_t max_payload =
        max_length < (1U << 24U) ? static_cast<std::size_t>(max_length) : std::size_t{1} << 24U;

    /// Looks for one frame at the front of `bytes`. Never bad_header: any bits are a length.
    static scan_result scan(std::string_view bytes, std::size_t limit = max_payload,
                            std::size_t /*seen*/ = 0) noexcept {
        if (bytes.size() < Size) return {scan_status::need_data, 0, Size - bytes.size()};
        const std::uint64_t length = read_length(bytes.data());
        // Compared before it is added to anything or narrowed: 2^64-1 must not wrap.
        if (length > limit) return {scan_status::too_long, 0, saturated(length)};
        const auto wanted = static_cast<std::size_t>(length);
        const std::size_t present = bytes.size() - Size;
        if (present < wanted) return {scan_status::need_data, Size, wanted - present};
        return {scan_status::frame, Size, wanted};
    }

    /// Appends one frame to `out`, in which `payload` must not lie. Throws frame_error{too_long}
    /// above max_length; then `out` is unchanged.
    static void encode(std::string_view payload, std::string& out) {
        trama_detail::append_frame<length_prefix>(payload, out);
    }

    /// The length bytes for `payload`. Throws frame_error{too_long}.
    static frame_header header(std::string_view payload) {
        const std::uint64_t length = payload.size();
        if (length > max_length)
            trama_detail::throw_payload_too_long(payload.size(), saturated(max_length), format);
        frame_header header(Size);
        for (std::size_t i = 0; i < Size; ++i)
            header.data()[i] = static_cast<char>(length >> shift(i) & 0xFFU);
        return header;
    }

private:
    /// How far the byte at `position` of the header is shifted in the number, in bits.
    static constexpr std::size_t shift(std::size_t position) noexcept {
        return 8 * (Order == byte_order::big ? Size - 1 - position : position);
    }

    // By shifts and not by copying memory, so that it is right on a machine of either byte order.
    // Byte by byte until none is left: of this g++ makes one load, of a loop it does not.
    template <std::size_t Position = 0>
    static std::uint64_t read_length(const char* bytes) noexcept {
        if constexpr (Position < Size) {
            const auto byte = static_cast<unsigned char>(bytes[Position]);
            return std::uint64_t{byte} << shift(Position) | read_length<Position + 1>(bytes);
        }
        return 0;
    }

    static std::size_t saturated(std::uint64_t length) noexcept {
        constexpr std::uint64_t most = SIZE_MAX;
        return static_cast<std::size_t>(length < most ? length : most);
    }
};

}  // namespace trama

#endif  // TRAMA_CODEC_LENGTH_PREFIX_HPP

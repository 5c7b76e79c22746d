// trama/codec/six_digit_colon.hpp -- six decimal digits, a colon, then so many bytes of payload.
//
//     "hello"   +---+---+---+---+---+---+---+---+---+---+---+---+
//               | 0 | 0 | 0 | 0 | 0 | 5 | : | h | e | l | l | o |
//               +---+---+---+---+---+---+---+---+---+---+---+---+
//                 length, zero-padded     :   payload, 0 to 999,999 bytes
//
// The digits count bytes, not letters. It is not a netstring: those forbid leading zeros.
#ifndef TRAMA_CODEC_SIX_DIGIT_COLON_HPP
#define TRAMA_CODEC_SIX_DIGIT_COLON_HPP

#include <trama/codec/frame.hpp>

namespace trama {

/// The codec. Exactly `[0-9]{6}:` is a header: a sign, a space or a letter is refused at its place.
struct six_digit_colon {
    static constexpr const char* format = "six digits and a colon, such as 000005:hello";
    static constexpr std::string_view trailer = "";

    /// The largest number of six digits, in bytes; also the default limit.
    static constexpr std::size_t max_payload = 999999;

    /// Looks for one frame at the front of `bytes`; bad_header at the first wrong byte.
    static scan_result scan(std::string_view bytes, std::size_t limit = max_payload,
                            std::size_t /*seen*/ = 0) noexcept {
        std::size_t length = 0;
        // Digit by digit: strtoul and atoi would accept "+00005", " 00005" and "0x0005".
        for (std::size_t i = 0; i < digits; ++i) {
            if (i == bytes.size()) return {scan_status::need_data, 0, 1};
            const char digit = bytes[i];
            if (digit < '0' || digit > '9') return {scan_status::bad_header, i, 0};
            length = length * 10 + static_cast<std::size_t>(digit - '0');
        }
        if (bytes.size() == digits) return {scan_status::need_data, 0, 1};
        if (bytes[digits] != ':') return {scan_status::bad_header, digits, 0};
        if (length > limit) return {scan_status::too_long, 0, length};
        const std::size_t present = bytes.size() - header_size;
        if (present < length) return {scan_status::need_data, header_size, length - present};
        return {scan_status::frame, header_size, length};
    }

    /// Appends one frame to `out`, in which `payload` must not lie. Throws frame_error{too_long}
    /// above 999,999 bytes; then `out` is unchanged.
    static void encode(std::string_view payload, std::string& out) {
        trama_detail::append_frame<six_digit_colon>(payload, out);
    }

    /// The six digits and the colon for `payload`. Throws frame_error{too_long}.
    static frame_header header(std::string_view payload) {
        std::size_t rest = payload.size();
        if (rest > max_payload) trama_detail::throw_payload_too_long(rest, max_payload, format);
        frame_header header(header_size);
        for (std::size_t i = digits; i > 0; --i) {
            header.data()[i - 1] = static_cast<char>('0' + rest % 10);
            rest /= 10;
        }
        header.data()[digits] = ':';
        return header;
    }

private:
    static constexpr std::size_t digits = 6;
    static constexpr std::size_t header_size = digits + 1;
};

}  // namespace trama

#endif  // TRAMA_CODEC_SIX_DIGIT_COLON_HPP

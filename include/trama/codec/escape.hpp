// trama/codec/escape.hpp -- how bytes from the network are shown to a person.
//
// A terminal obeys control characters. Whoever prints what a stranger sent lets the stranger
// move the cursor, change colours or hide text; so every error and every trace line of this
// library shows bytes in this form, and programs should do the same.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace trama {

namespace detail {

/// Writes one byte in its visible form to `out` (room for 4) and returns how many it wrote, 1 to 4.
/// Printable ASCII stays; `\n \r \t \\ \"` get a backslash; every other byte becomes `\xHH`.
inline std::size_t escape_byte(char byte, char* out) noexcept {
    const auto value = static_cast<unsigned char>(byte);
    char letter = 0;
    switch (byte) {
        case '\n': letter = 'n'; break;
        case '\r': letter = 'r'; break;
        case '\t': letter = 't'; break;
        case '\\': letter = '\\'; break;
        case '"': letter = '"'; break;
        default: break;
    }
    if (letter != 0) {
        out[0] = '\\';
        out[1] = letter;
        return 2;
    }
    if (value >= 0x20 && value < 0x7F) {
        out[0] = byte;
        return 1;
    }
    constexpr char digits[] = "0123456789abcdef";
    out[0] = '\\';
    out[1] = 'x';
    out[2] = digits[value >> 4U];
    out[3] = digits[value & 0x0FU];
    return 4;
}

}  // namespace detail

/// The bytes as printable ASCII: `hola\n`, `\x1b[2J`. At most `limit` bytes are shown; `...`
/// follows when there were more.
inline std::string escaped(std::string_view bytes, std::size_t limit = std::string_view::npos) {
    std::string text;
    for (char byte : bytes.substr(0, limit)) {
        char form[4];
        text.append(form, detail::escape_byte(byte, form));
    }
    if (bytes.size() > limit) text += "...";
    return text;
}

}  // namespace trama

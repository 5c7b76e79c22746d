// trama/codec/text.hpp -- small texts for people: bytes made visible, and made as printf(3) makes
// them.
//
// A terminal obeys control characters. Whoever prints what a stranger sent lets the stranger
// move the cursor, change colours or hide text; so every error and every trace line of this
// library shows bytes in this form, and programs should do the same.
//
// Here and below, [[gnu::cold]] marks what runs only for errors and for the trace,
// [[gnu::noinline]] what runs once for a connection: both are smaller and quicker to compile than
// copies in line.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace trama {

namespace detail {

/// Writes one byte in its visible form to `out` (room for 5) and returns its length, 1 to 4.
/// Printable ASCII stays; `\n \r \t \\ \"` get a backslash; every other byte becomes `\xHH`.
[[gnu::cold]] inline std::size_t escape_byte(char byte, char* out) noexcept {
    constexpr std::string_view special = "\n\r\t\\\"";
    const std::size_t place = special.find(byte);
    if (place != std::string_view::npos) {
        out[0] = '\\';
        out[1] = "nrt\\\""[place];
        return 2;
    }
    out[0] = byte;
    if (byte >= ' ' && byte <= '~') return 1;
    std::snprintf(out, 5, "\\x%02x", unsigned{static_cast<unsigned char>(byte)});
    return 4;
}

/// What printf(3) would print, cut off after 1,000 bytes. One call, and so less to compile than a
/// chain of strings.
[[gnu::noinline, gnu::format(printf, 1, 2)]] inline std::string text(const char* format, ...) {
    char buffer[1001];
    std::va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(buffer, sizeof buffer, format, arguments);
    va_end(arguments);
    return buffer;
}

}  // namespace detail

/// The bytes as printable ASCII: `hola\n`, `\x1b[2J`. At most `limit` bytes are shown; `...`
/// follows when there were more.
[[gnu::noinline]] inline std::string escaped(std::string_view bytes,
                                             std::size_t limit = std::string_view::npos) {
    std::string text;
    for (char byte : bytes.substr(0, limit)) {
        char form[5];
        text.append(form, detail::escape_byte(byte, form));
    }
    if (bytes.size() > limit) text.append("...");
    return text;
}

}  // namespace trama

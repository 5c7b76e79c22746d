// trama/codec/text.hpp -- small texts for people: bytes made visible, and made as printf(3) makes
// them.
//
// A terminal obeys control characters. Whoever prints what a stranger sent lets the stranger
// move the cursor, change colours or hide text; so every error and every trace line of this
// library shows bytes in this form, and programs should do the same.
//
// Here and below, [[gnu::cold]] marks what runs only for errors and for the trace,
// [[gnu::noinline]] what runs once for a connection: both are smaller and quicker to compile than
// copies in line. (Cold says more than that: GCC then takes what calls it for rare as well.)
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <string>
#include <string_view>

namespace trama {

namespace detail {

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
    constexpr std::string_view special = "\n\r\t\\\"";
    std::string shown;
    for (char byte : bytes.substr(0, limit)) {
        const std::size_t place = special.find(byte);
        const bool plain = byte >= ' ' && byte <= '~';
        if (place != std::string_view::npos) byte = "nrt\\\""[place];
        const char* form = place != std::string_view::npos ? "\\%c" : plain ? "%c" : "\\x%02x";
        shown += detail::text(form, static_cast<unsigned char>(byte));
    }
    if (bytes.size() > limit) shown += "...";
    return shown;
}

}  // namespace trama

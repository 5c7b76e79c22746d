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

/// What printf(3) would print, cut off after 1,000 bytes. It lies on the stack: one call in place
/// of a chain of strings, nothing to free on the way out.
class text {
public:
    [[gnu::noinline, gnu::format(printf, 2, 3)]] explicit text(const char* format, ...) noexcept {
        std::va_list arguments;
        va_start(arguments, format);
        std::vsnprintf(bytes_, sizeof bytes_, format, arguments);
        va_end(arguments);
    }

    const char* c_str() const noexcept { return bytes_; }

private:
    char bytes_[1001];
};

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
        char piece[5];
        std::snprintf(piece, sizeof piece, form, static_cast<unsigned char>(byte));
        shown += piece;
    }
    if (bytes.size() > limit) shown += "...";
    return shown;
}

}  // namespace trama

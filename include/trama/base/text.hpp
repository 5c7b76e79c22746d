// trama/base/text.hpp -- small texts for people: bytes made visible, and made as printf(3) makes
// them.
//
// A terminal obeys control characters. Whoever prints what a stranger sent lets the stranger
// move the cursor, change colours or hide text; so every error and every trace line of this
// library shows bytes in this form, and programs should do the same.
//
// Here and below, [[gnu::cold]] marks what runs seldom: for an error, for the trace, for a wait, or
// once for a connection. It is made small, not fast. GCC takes for rare, too, who begins by calling
// it, up to the program itself; so not_rare() stands between the program and such a function.
#pragma once

#include <cstdarg>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string>
#include <string_view>

namespace trama {

namespace trama_detail {

/// Does nothing, which GCC cannot see: so it does not know that a cold call follows for certain.
inline void not_rare() noexcept {
    asm volatile("");
}

/// What printf(3) would print, cut off after 1,000 bytes. It lies on the stack: one call in place
/// of a chain of strings, nothing to free on the way out.
class text {
public:
    text() noexcept { bytes_[0] = '\0'; }

    [[gnu::cold, gnu::format(printf, 2, 3)]] explicit text(const char* format, ...) noexcept {
        std::va_list arguments;
        va_start(arguments, format);
        std::vsnprintf(bytes_, sizeof bytes_, format, arguments);
        va_end(arguments);
    }

    const char* c_str() const noexcept { return bytes_; }

private:
    char bytes_[1001];
};

/// Writes `byte` as printable ASCII to 1 to 4 places from `end` on. Returns the new end.
inline char* put_escaped(char* end, char byte) noexcept {
    const bool quoted = byte == '\\' || byte == '"';
    const char letter = byte == '\n' ? 'n' : byte == '\r' ? 'r' : byte == '\t' ? 't' : byte;
    if (quoted || letter != byte) {
        *end++ = '\\';
    } else if (byte < ' ' || byte > '~') {
        return end + std::snprintf(end, 5, "\\x%02x", static_cast<unsigned char>(byte));
    }
    *end++ = letter;
    return end;
}

/// The first bytes of what is added, part by part, as escaped() shows them; on the stack, too.
class escaped_text {
public:
    /// `limit`: so many bytes are shown, at most 128.
    explicit escaped_text(std::size_t limit, std::string_view bytes = {}) noexcept : left_(limit) {
        add(bytes);
    }

    [[gnu::cold]] void add(std::string_view bytes) noexcept {
        char* end = text_ + size_;
        for (std::size_t i = 0; i < bytes.size() && left_ > 0; ++i, --left_)
            end = put_escaped(end, bytes[i]);
        *end = '\0';
        size_ = end - text_;
    }

    const char* c_str() const noexcept { return text_; }

private:
    std::size_t left_;
    std::ptrdiff_t size_ = 0;
    char text_[4 * 128 + 1];
};

}  // namespace trama_detail

/// The bytes as printable ASCII: `hola\n`, `\x1b[2J`. At most `limit` bytes are shown; `...`
/// follows when there were more.
[[gnu::noinline]] inline std::string escaped(std::string_view bytes,
                                             std::size_t limit = std::string_view::npos) {
    std::string shown;
    for (const char byte : bytes.substr(0, limit)) {
        char piece[5];
        shown.append(piece, trama_detail::put_escaped(piece, byte));
    }
    if (bytes.size() > limit) shown += "...";
    return shown;
}

}  // namespace trama

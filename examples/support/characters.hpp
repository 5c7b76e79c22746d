// examples/support/characters.hpp -- the characters of a text in UTF-8, and which may be shown.
//
// A terminal obeys some characters in place of showing them. A stranger who could say them could
// clear the screen, or write what looks like somebody else's words. man 7 utf-8
#pragma once

#include "trama.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>

namespace program {

/// A character of Unicode: its number, and its bytes in UTF-8. No bytes: this is no UTF-8.
struct character {
    char32_t code;
    std::string_view bytes;
};

/// How many bytes a character has whose first byte this is. 0: none begins with it.
inline std::size_t size_by(unsigned char first) {
    if (first < 0x80) return 1;
    return first < 0xC0 ? 0 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF8 ? 4 : 0;
}

/// The first character of `text`, which is not empty.
inline character first_of(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const char32_t first = byte(0);
    const std::size_t size = size_by(byte(0));
    if (size == 1) return {first, text.substr(0, 1)};
    if (size == 0 || text.size() < size) return {first, {}};
    char32_t code = first & (0x7Fu >> size);
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xC0u) != 0x80) return {first, {}};
        code = code << 6 | (byte(i) & 0x3Fu);
    }
    constexpr std::array<char32_t, 5> least = {0, 0, 0x80, 0x800, 0x10000};
    const bool is_half_of_a_pair = code >= 0xD800 && code <= 0xDFFF;  // those of UTF-16
    if (code < least[size] || code > 0x10FFFF || is_half_of_a_pair) return {first, {}};
    return {code, text.substr(0, size)};
}

/// How many bytes at the end of `text` begin a character that more bytes could complete: 0 to 3.
inline std::size_t unfinished(std::string_view text) {
    for (std::size_t count = 1; count <= std::min<std::size_t>(text.size(), 3); ++count) {
        const auto byte = static_cast<unsigned char>(text[text.size() - count]);
        if ((byte & 0xC0u) != 0x80) return size_by(byte) > count ? count : 0;
    }
    return 0;
}

inline bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t size = first_of(text).bytes.size();
        if (size == 0) return false;
        text.remove_prefix(size);
    }
    return true;
}

struct range {
    char32_t first;
    char32_t last;
};

template <std::size_t Count>
bool is_in(const range (&ranges)[Count], char32_t code) {
    return std::any_of(std::begin(ranges), std::end(ranges),
                       [&](range each) { return code >= each.first && code <= each.last; });
}

/// What a terminal obeys instead of showing it: control characters, the signs that turn the
/// direction of a line around, so that it reads as another one, and those that begin another line.
inline bool is_command(char32_t code) {
    constexpr range commands[] = {{0, 0x1F},        {0x7F, 0x9F},     {0x61C, 0x61C},
                                  {0x200E, 0x200F}, {0x2028, 0x202E}, {0x2066, 0x2069}};
    return is_in(commands, code);
}

// [region harmless]
/// `text` with all commands, and all bytes that are no UTF-8, made visible: "\x1b[2J", but "año".
/// `kept`: control characters that stay as they are.
inline std::string harmless(std::string_view text, std::string_view kept = "") {
    std::string shown;
    while (!text.empty()) {
        const character next = first_of(text);
        const std::string_view bytes = next.bytes.empty() ? text.substr(0, 1) : next.bytes;
        const bool is_kept = kept.find(bytes[0]) != std::string_view::npos;
        const bool shows = is_kept || (!next.bytes.empty() && !is_command(next.code));
        shown += shows ? std::string(bytes) : trama::escaped(bytes);
        text.remove_prefix(bytes.size());
    }
    return shown;
}
// [/region harmless]

/// Neither a command nor a blank of any width: two names that differ must look different.
inline bool is_visible(char32_t code) {
    constexpr range blanks[] = {
        {0x20, 0x20},     {0xA0, 0xA0},     {0xAD, 0xAD},     {0x115F, 0x1160}, {0x1680, 0x1680},
        {0x180B, 0x180F}, {0x2000, 0x206F}, {0x2800, 0x2800}, {0x3000, 0x3000}, {0x3164, 0x3164},
        {0xFE00, 0xFE0F}, {0xFEFF, 0xFEFF}, {0xFFA0, 0xFFA0}, {0xFFF0, 0xFFFB}, {0xE0000, 0xE0FFF}};
    return !is_command(code) && !is_in(blanks, code);
}

}  // namespace program

// examples/support/characters.hpp -- the characters of a text in UTF-8, and which may be shown.
//
// A terminal executes some characters, and some others it does not draw at all. With the first kind
// a stranger could clear the screen; with the second, take a name that looks like somebody else's.
// So whatever comes from the network goes through harmless() before it is shown. man 7 utf-8
#pragma once

#include "trama.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <iterator>
#include <string>
#include <string_view>

namespace program {

/// A character of Unicode: its number, and its bytes in UTF-8; no bytes if this is no UTF-8.
struct character {
    char32_t code;
    std::string_view bytes;
};

/// Returns the number of bytes of a character that begins with `first`; 0 if none does.
inline std::size_t character_size(unsigned char first) {
    if (first < 0x80) return 1;
    if (first < 0xC0) return 0;  // a continuation byte
    if (first < 0xE0) return 2;
    if (first < 0xF0) return 3;
    return first < 0xF8 ? 4 : 0;
}

/// Returns the first character of `text`, which is not empty.
inline character first_of(std::string_view text) {
    const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
    const char32_t first = byte(0);
    const std::size_t size = character_size(byte(0));
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

/// Returns how many bytes at the end of `text` begin a character that is not complete yet: 0 to 3.
inline std::size_t unfinished(std::string_view text) {
    const std::size_t most = std::min<std::size_t>(text.size(), 3);
    for (std::size_t count = 1; count <= most; ++count) {
        const auto byte = static_cast<unsigned char>(text[text.size() - count]);
        if ((byte & 0xC0u) != 0x80) return character_size(byte) > count ? count : 0;
    }
    return 0;
}

/// True if `text` is UTF-8 from the first byte to the last.
inline bool is_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t size = first_of(text).bytes.size();
        if (size == 0) return false;
        text.remove_prefix(size);
    }
    return true;
}

/// The characters from `first` to `last`, both included.
struct range {
    char32_t first;
    char32_t last;
};

template <std::size_t Count>
bool is_in(const range (&ranges)[Count], char32_t code) {
    return std::any_of(std::begin(ranges), std::end(ranges),
                       [&](range each) { return code >= each.first && code <= each.last; });
}

/// True for a character that a terminal executes or does not draw: a control character, a separator
/// of lines, a format character (general category Cf), or any other one that Unicode lists as
/// Default_Ignorable_Code_Point, up to Unicode 17.
inline bool is_hidden(char32_t code) {
    constexpr range hidden[] = {
        {0x00, 0x1F},       {0x7F, 0x9F},       {0xAD, 0xAD},       {0x34F, 0x34F},
        {0x600, 0x605},     {0x61C, 0x61C},     {0x6DD, 0x6DD},     {0x70F, 0x70F},
        {0x890, 0x891},     {0x8E2, 0x8E2},     {0x115F, 0x1160},   {0x17B4, 0x17B5},
        {0x180B, 0x180F},   {0x200B, 0x200F},   {0x2028, 0x202E},   {0x2060, 0x206F},
        {0x3164, 0x3164},   {0xFE00, 0xFE0F},   {0xFEFF, 0xFEFF},   {0xFFA0, 0xFFA0},
        {0xFFF0, 0xFFFB},   {0x110BD, 0x110BD}, {0x110CD, 0x110CD}, {0x13430, 0x1343F},
        {0x1BCA0, 0x1BCA3}, {0x1D173, 0x1D17A}, {0xE0000, 0xE0FFF}};
    return is_in(hidden, code);
}

/// True for a space of any width (general category Zs), and for the empty cell of braille.
inline bool is_blank(char32_t code) {
    constexpr range blanks[] = {{0x20, 0x20},     {0xA0, 0xA0},     {0x1680, 0x1680},
                                {0x2000, 0x200A}, {0x202F, 0x202F}, {0x205F, 0x205F},
                                {0x2800, 0x2800}, {0x3000, 0x3000}};
    return is_in(blanks, code);
}

/// True for a character of a name: two names that differ must look different.
inline bool is_visible(char32_t code) {
    return !is_hidden(code) && !is_blank(code);
}

/// A hidden character, or a byte that is no UTF-8, in ASCII: `\x1b`, `\xff`, `\u{34f}`.
inline std::string visible_form(const character& hidden, std::string_view bytes) {
    if (hidden.bytes.size() <= 1) return trama::escaped(bytes);
    char text[16];
    std::snprintf(text, sizeof text, "\\u{%x}", static_cast<unsigned>(hidden.code));
    return text;
}

/// `text` with all hidden characters, and all bytes that are no UTF-8, made visible: "\x1b[2J",
/// "ana\u{34f}", but "año". `kept`: control characters that stay as they are.
inline std::string harmless(std::string_view text, std::string_view kept = "") {
    std::string shown;
    while (!text.empty()) {
        const character next = first_of(text);
        const std::string_view bytes = text.substr(0, next.bytes.empty() ? 1 : next.bytes.size());
        const bool is_kept = kept.find(bytes[0]) != std::string_view::npos;
        const bool is_shown = is_kept || (!next.bytes.empty() && !is_hidden(next.code));
        shown += is_shown ? std::string(bytes) : visible_form(next, bytes);
        text.remove_prefix(bytes.size());
    }
    return shown;
}

}  // namespace program

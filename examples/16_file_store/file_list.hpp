// 16_file_store/file_list.hpp -- the list of files as it travels: one line for each, and each line
// a tuple as Python writes it.
//
//     ('hola.txt', 100324, 1620937349.643000)
//
// Clients of the course evaluate each line as Python. So a name must never break out of its quotes:
// "'); import os" is a legal name of a file. Ours evaluates nothing: it reads this form only, with
// all escapes of Python but \N{...}.
#pragma once

#include "file_store.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace store {

struct entry {
    std::string name;
    std::uint64_t size = 0;  // in bytes
    double changed = 0;      // in seconds since 1970
};

// ---- writing -----------------------------------------------------------------------------------

/// A character as it stands in a string of Python, between two `quote`s. For Python, U+2028 and
/// U+2029 end a line.
inline std::string in_literal(const program::character& one, char quote) {
    if (one.code == 0x2028) return "\\u2028";
    if (one.code == 0x2029) return "\\u2029";
    const bool needs_backslash = one.bytes[0] == quote || one.bytes[0] == '\\';
    return std::string(needs_backslash ? "\\" : "").append(one.bytes);
}

/// A name as a string of Python: 'hola.txt', "it's", 'it\'s "both"'.
inline std::string literal(std::string_view name) {
    const bool has_single = name.find('\'') != std::string_view::npos;
    const bool has_double = name.find('"') != std::string_view::npos;
    const char quote = has_single && !has_double ? '"' : '\'';
    std::string text(1, quote);
    while (!name.empty()) {
        const program::character next = program::first_of(name);
        text += in_literal(next, quote);
        name.remove_prefix(next.bytes.size());
    }
    return text + quote;
}

inline std::string line_of(const entry& file) {
    char changed[64];
    std::snprintf(changed, sizeof changed, "%.6f", file.changed);
    return '(' + literal(file.name) + ", " + std::to_string(file.size) + ", " + changed + ')';
}

// ---- reading -----------------------------------------------------------------------------------

/// Appends a character to a text in UTF-8: the first byte says how many follow, and each of those
/// has six bits. Returns false if there is no such character.
inline bool append_character(char32_t code, std::string& text) {
    if ((code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF) return false;
    const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
    constexpr char32_t marks[] = {0, 0xC0, 0xE0, 0xF0};
    const int following = code < 0x80 ? 0 : code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;
    put(marks[following] | code >> 6 * following);
    for (int left = following - 1; left >= 0; --left) {
        put(0x80 | (code >> 6 * left & 0x3F));
    }
    return true;
}

/// A line of the list that cannot be read. what() is the reason.
struct malformed_line : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// Reads a line from left to right: each function takes its part away. All throw malformed_line.
class line_reader {
public:
    explicit line_reader(std::string_view line) : rest_(line) {}

    void skip(std::string_view expected) {
        require(rest_.substr(0, expected.size()) == expected);
        rest_.remove_prefix(expected.size());
    }

    /// A string literal of Python: 'a', "a", u'a', or r'a', in which a backslash is a character.
    std::string take_string() {
        const bool is_raw = skip_one_of("rR");
        if (!is_raw) skip_one_of("uU");
        const char quote = take_byte();
        require(quote == '\'' || quote == '"');
        std::string text;
        for (char byte = take_byte(); byte != quote; byte = take_byte()) {
            take_character(byte, is_raw, text);
        }
        return text;
    }

    std::uint64_t take_size() {
        std::uint64_t size = 0;
        take_number(size, 10, end_of_rest());
        return size;
    }

    double take_time() {
        const std::size_t size = std::min(rest_.find_first_not_of("0123456789.-+eE"), rest_.size());
        const std::string digits(rest_.substr(0, size));
        char* stopped = nullptr;
        const double seconds = std::strtod(digits.c_str(), &stopped);
        constexpr double year_5138 = 1e11;  // no file is younger, and no calendar breaks
        require(size > 0 && *stopped == '\0' && std::abs(seconds) < year_5138);
        rest_.remove_prefix(size);
        return seconds;
    }

    void expect_end() const { require(rest_.empty()); }

private:
    static void require(bool condition) {
        if (!condition) throw malformed_line("Malformed line");
    }

    const char* end_of_rest() const { return rest_.data() + rest_.size(); }

    char take_byte() {
        require(!rest_.empty());
        const char byte = rest_.front();
        rest_.remove_prefix(1);
        return byte;
    }

    bool skip_one_of(std::string_view bytes) {
        if (rest_.empty() || bytes.find(rest_.front()) == std::string_view::npos) return false;
        rest_.remove_prefix(1);
        return true;
    }

    template <typename Number>
    void take_number(Number& number, int base, const char* end) {
        const auto [stopped, error] = std::from_chars(rest_.data(), end, number, base);
        require(error == std::errc{});
        rest_.remove_prefix(static_cast<std::size_t>(stopped - rest_.data()));
    }

    /// Appends a character of a string, of which the first byte was taken.
    void take_character(char first, bool is_raw, std::string& text) {
        require(first != '\n' && first != '\r');
        if (first == '\\' && !is_raw) return take_escape(text);
        text += first;
        if (first == '\\') text += take_byte();  // the quote behind it ends no raw string
    }

    /// Appends the character of an escape; its backslash was taken.
    void take_escape(std::string& text) {
        constexpr std::string_view letters = "\\'\"abfnrtv";
        const char letter = take_byte();
        const std::size_t place = letters.find(letter);
        if (place == std::string_view::npos) return take_long_escape(letter, text);
        text += "\\'\"\a\b\f\n\r\t\v"[place];
    }

    /// The same for an escape that is longer than a letter, or none. As in Python, one that is
    /// unknown stays as it is, with its backslash.
    void take_long_escape(char letter, std::string& text) {
        if (letter >= '0' && letter <= '7') return take_octal(letter, text);
        switch (letter) {
            case '\n':
            case '\r': return;  // the literal continues in the next line
            case 'x': return take_hexadecimal(2, text);
            case 'u': return take_hexadecimal(4, text);
            case 'U': return take_hexadecimal(8, text);
            case 'N': throw malformed_line("\\N{...}, a character by its name, is not supported");
            default: text.append({'\\', letter});
        }
    }

    void take_hexadecimal(std::size_t digits, std::string& text) {
        std::uint32_t code = 0;
        require(rest_.size() >= digits);
        const std::size_t after = rest_.size() - digits;
        take_number(code, 16, rest_.data() + digits);
        require(rest_.size() == after);
        require(append_character(code, text));
    }

    /// One to three digits, of which the first was taken.
    void take_octal(char first, std::string& text) {
        auto code = static_cast<char32_t>(first - '0');
        for (int digits = 1; digits < 3 && !rest_.empty(); ++digits) {
            const char next = rest_.front();
            if (next < '0' || next > '7') break;
            code = code * 8 + static_cast<char32_t>(next - '0');
            rest_.remove_prefix(1);
        }
        append_character(code, text);
    }

    std::string_view rest_;
};

/// The file that a line describes. Throws malformed_line.
inline entry entry_of(std::string_view line) {
    const bool has_nul = line.find('\0') != std::string_view::npos;
    if (has_nul || !program::is_utf8(line)) throw malformed_line("Malformed line");
    entry file;
    line_reader reader(line);
    reader.skip("(");
    file.name = reader.take_string();
    reader.skip(", ");
    file.size = reader.take_size();
    reader.skip(", ");
    file.changed = reader.take_time();
    reader.skip(")");
    reader.expect_end();
    return file;
}

}  // namespace store

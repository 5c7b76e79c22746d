// 16_file_store/file_list.hpp -- the list of files as it travels: one line for each, and each line
// a tuple as Python writes it.
//
//     ('hola.txt', 100324, 1620937349.643000)
//
// Clients of the course evaluate each line as Python. So a name must never break out of its quotes:
// "'); import os" is a legal name of a file. Ours evaluates nothing: it reads this form only.
#pragma once

#include "file_store.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <optional>
#include <string>
#include <string_view>

namespace store {

struct entry {
    std::string name;
    std::uint64_t size = 0;  // in bytes
    double changed = 0;      // in seconds since 1970
};

// ---- writing -----------------------------------------------------------------------------------

/// A name as a string of Python: 'hola.txt', "it's", 'it\'s "both"'.
inline std::string literal(std::string_view name) {
    const bool has_single = name.find('\'') != std::string_view::npos;
    const bool has_double = name.find('"') != std::string_view::npos;
    const char quote = has_single && !has_double ? '"' : '\'';
    std::string text(1, quote);
    while (!name.empty()) {
        const program::character next = program::first_of(name);
        if (next.code == 0x2028 || next.code == 0x2029) {  // for Python these end a line
            text += next.code == 0x2028 ? "\\u2028" : "\\u2029";
        } else {
            if (next.bytes[0] == quote || next.bytes[0] == '\\') text += '\\';
            text += next.bytes;
        }
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

/// Appends a character to a text in UTF-8. False: there is no such character.
inline bool append_character(char32_t code, std::string& text) {
    if ((code >= 0xD800 && code <= 0xDFFF) || code > 0x10FFFF) return false;
    const auto put = [&](char32_t byte) { text += static_cast<char>(byte); };
    const auto put_rest = [&](int shift) { put(0x80 | (code >> shift & 0x3F)); };
    if (code < 0x80) {
        put(code);
    } else if (code < 0x800) {
        put(0xC0 | code >> 6);
    } else if (code < 0x10000) {
        put(0xE0 | code >> 12);
        put_rest(6);
    } else {
        put(0xF0 | code >> 18);
        put_rest(12);
        put_rest(6);
    }
    if (code >= 0x80) put_rest(0);
    return true;
}

/// Reads a line from left to right. Each function takes its part away, or returns false.
class line_reader {
public:
    explicit line_reader(std::string_view line) : rest_(line) {}

    bool take(std::string_view expected) {
        if (rest_.substr(0, expected.size()) != expected) return false;
        rest_.remove_prefix(expected.size());
        return true;
    }

    bool take_string(std::string& text) {
        const char quote = next();
        if (quote != '\'' && quote != '"') return false;
        for (rest_.remove_prefix(1); !rest_.empty();) {
            const char character = next();
            rest_.remove_prefix(1);
            if (character == quote) return true;
            if (character != '\\') {
                text += character;
            } else if (!take_escape(text)) {
                return false;
            }
        }
        return false;  // it never ends
    }

    bool take_size(std::uint64_t& size) {
        const auto [stopped, error] = std::from_chars(rest_.data(), end_of_rest(), size);
        return error == std::errc{} && skip_to(stopped);
    }

    bool take_time(double& seconds) {
        const std::size_t size = std::min(rest_.find_first_not_of("0123456789.-"), rest_.size());
        const std::string digits(rest_.substr(0, size));
        char* stopped = nullptr;
        seconds = std::strtod(digits.c_str(), &stopped);
        constexpr double year_5138 = 1e11;  // no file is younger, and no calendar breaks
        rest_.remove_prefix(size);
        return size > 0 && *stopped == '\0' && std::abs(seconds) < year_5138;
    }

    bool at_end() const { return rest_.empty(); }

private:
    char next() const { return rest_.empty() ? '\0' : rest_.front(); }
    const char* end_of_rest() const { return rest_.data() + rest_.size(); }

    bool skip_to(const char* place) {
        rest_.remove_prefix(static_cast<std::size_t>(place - rest_.data()));
        return true;
    }

    // What stands behind a backslash.
    bool take_escape(std::string& text) {
        constexpr std::string_view letters = "\\'\"nrt";
        const char letter = next();
        const std::size_t place = rest_.empty() ? letters.npos : letters.find(letter);
        if (!rest_.empty()) rest_.remove_prefix(1);
        if (place != letters.npos) {
            text += "\\'\"\n\r\t"[place];
            return true;
        }
        const std::size_t digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
        return digits > 0 && take_code(digits, text);
    }

    bool take_code(std::size_t digits, std::string& text) {
        std::uint32_t code = 0;
        if (rest_.size() < digits) return false;
        const char* end = rest_.data() + digits;
        const auto [stopped, error] = std::from_chars(rest_.data(), end, code, 16);
        return error == std::errc{} && stopped == end && skip_to(end) &&
               append_character(code, text);
    }

    std::string_view rest_;
};

/// The file that a line tells of; none: the line is malformed.
inline std::optional<entry> entry_of(std::string_view line) {
    entry file;
    line_reader reader(line);
    const bool is_well_formed =
        program::is_utf8(line) && reader.take("(") && reader.take_string(file.name) &&
        reader.take(", ") && reader.take_size(file.size) && reader.take(", ") &&
        reader.take_time(file.changed) && reader.take(")") && reader.at_end();
    return is_well_formed ? std::optional<entry>(file) : std::nullopt;
}

}  // namespace store

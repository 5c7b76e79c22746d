// 17_hftp/hftp.hpp -- what both ends of HFTP agree on: codes, names, numbers and base64.
//
// man 3 strtoul, and why it is not used here: it takes "+1", " 1" and "0x1" for numbers. RFC 4648
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <string_view>

namespace hftp {

inline constexpr const char* port = "19500";

// ---- codes -------------------------------------------------------------------------------------

/// The code at the beginning of each answer. 100 to 199 are fatal: it is not known where the next
/// request starts, or whether it can be served, so the server closes behind them.
enum class code {
    ok = 0,
    bad_eol = 100,
    bad_request = 101,
    internal_error = 199,
    no_such_command = 200,
    invalid_arguments = 201,
    file_not_found = 202,
    offset_exceeds = 203
};

inline bool is_fatal(code given) {
    return given >= code::bad_eol && given <= code::internal_error;
}

/// The first line of an answer. A program reads the number, a person reads the rest.
inline const char* text_of(code given) {
    switch (given) {
        case code::ok: return "0 OK";
        case code::bad_eol: return "100 BAD EOL";
        case code::bad_request: return "101 BAD REQUEST";
        case code::internal_error: return "199 INTERNAL SERVER ERROR";
        case code::no_such_command: return "200 NO SUCH COMMAND";
        case code::invalid_arguments: return "201 INVALID ARGUMENTS FOR COMMAND";
        case code::file_not_found: return "202 FILE NOT FOUND";
        case code::offset_exceeds: return "203 OFFSET EXCEEDS FILE SIZE";
    }
    return "199 INTERNAL SERVER ERROR";
}

/// A request cannot be granted.
struct refusal {
    code why;
};

// ---- names and numbers -------------------------------------------------------------------------

inline bool is_digit(char byte) {
    return byte >= '0' && byte <= '9';
}

/// True if a request may hold this name. The file need not exist.
inline bool is_legal_name(std::string_view name) {
    const auto is_legal = [](char byte) {
        return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') || is_digit(byte) ||
               byte == '.' || byte == '-' || byte == '_';
    };
    return !name.empty() && std::all_of(name.begin(), name.end(), is_legal);
}

/// The number that `text` holds in digits and nothing else. One that is too large for 64 bits
/// becomes the largest number there is: no file is that long, so the check of sizes refuses it.
inline std::optional<std::uint64_t> number(std::string_view text) {
    constexpr std::uint64_t most = std::numeric_limits<std::uint64_t>::max();
    if (text.empty() || !std::all_of(text.begin(), text.end(), is_digit)) return std::nullopt;
    std::uint64_t value = 0;
    for (const char byte : text) {
        const auto digit = static_cast<std::uint64_t>(byte - '0');
        if (value > (most - digit) / 10) return most;
        value = value * 10 + digit;
    }
    return value;
}

// ---- base64 ------------------------------------------------------------------------------------

inline constexpr std::string_view base64_alphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The number of characters that encode `size` bytes.
inline constexpr std::uint64_t base64_size(std::uint64_t size) {
    return (size + 2) / 3 * 4;
}

/// Appends one to three bytes in base64: three bytes are 24 bits, and these are four characters of
/// 6 bits. "=" stands for a byte that is missing.
inline void append_group(std::string_view bytes, std::string& out) {
    unsigned bits = 0;
    for (std::size_t i = 0; i < 3; ++i) {
        bits = bits << 8U | (i < bytes.size() ? static_cast<unsigned char>(bytes[i]) : 0U);
    }
    char four[4];
    for (unsigned i = 0; i < 4; ++i) {
        four[i] = base64_alphabet[bits >> (18 - 6 * i) & 63U];
    }
    if (bytes.size() < 3) four[3] = '=';
    if (bytes.size() < 2) four[2] = '=';
    out.append(four, sizeof four);
}

/// Appends `bytes` in base64. Pieces whose sizes are multiples of three can be encoded one by one.
inline void append_base64(std::string_view bytes, std::string& out) {
    for (std::size_t i = 0; i < bytes.size(); i += 3) {
        append_group(bytes.substr(i, 3), out);
    }
}

/// What each byte stands for in base64, 0 to 63; 64: nothing.
inline std::array<unsigned char, 256> base64_values() {
    std::array<unsigned char, 256> values{};
    values.fill(64);
    for (std::size_t i = 0; i < base64_alphabet.size(); ++i) {
        values[static_cast<unsigned char>(base64_alphabet[i])] = static_cast<unsigned char>(i);
    }
    return values;
}

inline void append_three_bytes(unsigned bits, std::string& out) {
    out += static_cast<char>(bits >> 16U & 255U);
    out += static_cast<char>(bits >> 8U & 255U);
    out += static_cast<char>(bits & 255U);
}

/// How many bytes are missing in the last group: one for each "=" at the end, and at most two.
inline std::size_t missing_bytes(std::string_view text) {
    const std::size_t size = text.find_last_not_of('=') + 1;  // without the "="; npos + 1 is 0
    return std::min<std::size_t>(text.size() - size, 2);
}

/// The bytes behind `text`, or nullopt if it is not the base64 of anything.
inline std::optional<std::string> decoded_base64(std::string text) {
    static const std::array<unsigned char, 256> values = base64_values();
    if (text.size() % 4 != 0) return std::nullopt;
    const std::size_t missing = missing_bytes(text);
    text.replace(text.size() - missing, missing, missing, 'A');  // six bits of 0
    std::string bytes;
    unsigned bits = 0;  // the last 24 are those of a group
    for (std::size_t i = 0; i < text.size(); ++i) {
        const unsigned value = values[static_cast<unsigned char>(text[i])];
        if (value == 64) return std::nullopt;
        bits = bits << 6U | value;
        if (i % 4 == 3) append_three_bytes(bits, bytes);
    }
    bytes.resize(bytes.size() - missing);
    return bytes;
}

}  // namespace hftp

// 16_file_store/file_store.hpp -- the rules for all four programs: the bytes on the wire, and the
// form of a line of the log.
//
//     upload      client: 00          length name length file
//                 server:      status                           status
//     download    client: 01          length name
//                 server:      status              status length file
//     list        client: 02
//                 server:      status length text
//
// An opcode and a status are one byte, a length is eight, the most significant byte first. A client
// need not wait for a status before it goes on.
#pragma once

#include "../support/progress.hpp"

#include <array>
#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

namespace store {

// ---- the numbers on the wire -------------------------------------------------------------------

enum opcode : char { upload = 0, download = 1, list = 2 };

enum status : char { ok = 0, unknown_opcode = 1, not_found = 2, refused = 3, storage_failed = 4 };

/// The text of a status, for the user of a client.
inline std::string text_of(char code) {
    switch (code) {
        case ok: return "done";
        case unknown_opcode: return "the server does not know this operation";
        case not_found: return "file not found";
        case refused: return "the server does not take this name";
        case storage_failed: return "the storage of the server failed";
        default: return "status " + std::to_string(static_cast<unsigned char>(code)) + ": unknown";
    }
}

/// An opcode, or a status, as it travels.
inline std::string byte_of(char code) {
    return std::string(1, code);
}

constexpr std::size_t number_size = 8;

// [region number]
/// A number as it travels. Shifts give the same bytes on a machine of either byte order.
inline std::string bytes_of(std::uint64_t number) {
    std::string bytes(number_size, '\0');
    for (std::size_t i = 0; i < number_size; ++i) {
        const std::size_t shift = 8 * (number_size - 1 - i);
        bytes[i] = static_cast<char>(number >> shift & 0xFF);
    }
    return bytes;
}
// [/region number]

inline std::uint64_t number_in(std::string_view bytes) {
    std::uint64_t number = 0;
    for (char byte : bytes) {
        number = number << 8 | static_cast<unsigned char>(byte);
    }
    return number;
}

/// A name, or a list: its length, and then itself.
inline std::string sized(std::string_view text) {
    return bytes_of(text.size()).append(text);
}

/// The longest name of a file, in bytes.
constexpr std::size_t name_limit = 255;

/// "97.97 KB": two decimals, also for bytes.
inline std::string size_text(std::uint64_t bytes) {
    return bytes < 1024 ? std::to_string(bytes) + ".00 B" : program::size_text(bytes);
}

// ---- the log -----------------------------------------------------------------------------------

enum class level { debug, info, warning, critical };

inline std::string time_text(std::time_t when, const char* format) {
    char text[64] = "";
    std::tm parts{};
    if (::localtime_r(&when, &parts) != nullptr) std::strftime(text, sizeof text, format, &parts);
    return text;
}

/// "20:22:29 - INFO - text", in one piece, so that the lines of several threads do not mix. -q
/// leaves only what is critical, -v adds the details.
template <typename... Parts>
void log(level how, const Parts&... parts) {
    const int needed = how == level::critical ? 0 : how == level::debug ? 2 : 1;
    if (program::verbosity < needed) return;
    constexpr std::array<const char*, 4> names{"DEBUG", "INFO", "WARNING", "CRITICAL"};
    program::detail::write_line(time_text(std::time(nullptr), "%H:%M:%S"), " - ",
                                names[static_cast<std::size_t>(how)], " - ", parts...);
}

}  // namespace store

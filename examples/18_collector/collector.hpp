// 18_collector/collector.hpp -- what collector_server and collector_client agree on.
//
// Each message is a frame of six digits and a colon. For each file the client sends
//
//     "11 foto.jpg"          its size in bytes, one space, its name
//     "ho"  ""               a part: its bytes, in as many frames as it takes, then an empty one
//     "la"  ""               the second part, when "recibido" has come for the first
//     ", "  ""               and so on: always four parts, also of a file of no bytes
//     "ad" "ios"  ""         the fourth has what the division leaves
//
// and the server answers each part with "recibido": the fourth when the file is safe on its disk.
// Instead of it, the server may send "error: " and the reason; then it closes.
#pragma once

#include "../support/file_name.hpp"
#include "../support/program.hpp"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <system_error>

namespace collector {

using codec = trama::six_digit_colon;

constexpr std::size_t longest_frame = 65536;  // bytes; a longer one ends the connection
constexpr int parts = 4;
constexpr std::string_view received = "recibido";

/// How many bytes part 0, 1, 2 or 3 of a file has. The last one has what the division leaves: of
/// three bytes the parts have 0, 0, 0 and 3.
inline std::uint64_t size_of_part(std::uint64_t size, int part) {
    const std::uint64_t quarter = size / parts;
    return part < parts - 1 ? quarter : size - (parts - 1) * quarter;
}

/// The first message about a file, before its parts.
struct header {
    std::uint64_t size = 0;
    std::string name;

    std::string text() const { return std::to_string(size) + ' ' + name; }
};

/// Reads "11 foto.jpg". Throws peer_error.
inline header read_header(std::string_view text) {
    header read;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, read.size);
    if (error != std::errc{} || stopped == end || *stopped != ' ')
        throw program::peer_error("not a size, a space and a name");
    if (read.size > std::numeric_limits<std::int64_t>::max())
        throw program::peer_error("no file is that large");
    read.name.assign(stopped + 1, end);
    if (!program::is_file_name(read.name)) throw program::peer_error("this is no name for a file");
    return read;
}

/// Returns the name for the second file that wants to be "foto.jpg": "foto-2.jpg", and so on. What
/// would be longer than a name may be is cut before the number, between two characters.
inline std::string numbered(const std::string& name, int number) {
    constexpr std::size_t longest_name = 255;
    constexpr std::size_t longest_ending = 20;
    if (number == 1) return name;
    std::size_t dot = std::min(name.rfind('.'), name.size());
    if (name.size() - dot > longest_ending) dot = name.size();
    const std::string rest = '-' + std::to_string(number) + name.substr(dot);
    std::size_t kept = std::min(dot, longest_name - rest.size());
    const auto is_inside_character = [](char byte) { return (byte & 0xC0) == 0x80; };
    while (kept < dot && is_inside_character(name[kept])) --kept;
    return name.substr(0, kept) + rest;
}

}  // namespace collector

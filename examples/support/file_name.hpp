// examples/support/file_name.hpp -- which names of a stranger may become files here: one answer for
// all programs.
#pragma once

#include "characters.hpp"

#include <string_view>

namespace program {

/// What a terminal obeys in a name: below U+0020, U+007F, and U+0080 to U+009F.
inline bool is_control(char32_t code) {
    return code < 0x20 || (code >= 0x7F && code < 0xA0);
}

// [region file-name]
/// True for a name that may become a file: one step and not a path, at most 255 bytes, not hidden
/// (our temporary files are), in UTF-8, and without control characters.
[[nodiscard]] inline bool is_file_name(std::string_view name) {
    if (!trama::is_plain_name(name) || name.front() == '.') return false;
    while (!name.empty()) {
        const character next = first_of(name);
        if (next.bytes.empty() || is_control(next.code)) return false;
        name.remove_prefix(next.bytes.size());
    }
    return true;
}
// [/region file-name]

}  // namespace program

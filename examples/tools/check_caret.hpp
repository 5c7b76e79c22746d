// examples/tools/check_caret.hpp -- shows two texts, and a caret under the first byte that differs.
//
//     expected              "000004:hola"
//     received              "000001:0000004:hola"
//                                 ^ byte 5: "4" was expected, "1" came
//
// Each byte is shown by itself, so that the caret stands below it: "ñ" is "\xc3\xb1", two bytes.
#pragma once

#include "check_failure.hpp"
#include "trama.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace check {

constexpr std::size_t label_width = 28;
constexpr std::size_t shown_bytes = 60;

inline std::string shown(std::string_view bytes) {
    return trama::escaped(bytes, std::string_view::npos);
}

/// `"hola"`, or the start of many bytes and their number.
inline std::string quoted(const std::string& bytes) {
    if (bytes.size() <= shown_bytes) return '"' + shown(bytes) + '"';
    return '"' + shown(std::string_view(bytes).substr(0, shown_bytes - 20)) + "\" " +
           fill({"and so on, {1} bytes", "etc., {1} bytes"}, {std::to_string(bytes.size())});
}

inline std::string line_of(const words& label, const std::string& value) {
    return "    " + padded(text(label), label_width) + value + '\n';
}

/// The bytes around `place`, as shown in one line, and the column of this place.
struct window {
    std::string line;
    std::size_t column = 0;
};

inline window window_at(const std::string& bytes, std::size_t place) {
    constexpr std::size_t before = 24;
    const std::size_t begin = place > before + 6 ? place - before : 0;
    const std::string lead = begin > 0 ? "...\"" : "\"";
    const std::string_view part = std::string_view(bytes).substr(begin, shown_bytes);
    const bool is_cut = begin + part.size() < bytes.size();
    return {lead + shown(part) + (is_cut ? "\"..." : "\""),
            lead.size() + shown(part.substr(0, place - begin)).size()};
}

/// What stands below the caret.
inline std::string remark(const std::string& expected, const std::string& received,
                          std::size_t place) {
    const std::string at = std::to_string(place);
    const std::string wanted = shown(expected.substr(std::min(place, expected.size()), 1));
    const std::string came = shown(received.substr(std::min(place, received.size()), 1));
    if (wanted.empty())
        return fill({"byte {1}: nothing more was expected", "byte {1}: no se esperaba nada más"},
                    {at});
    if (came.empty())
        return fill({"byte {1}: \"{2}\" was expected, nothing came",
                     "byte {1}: se esperaba \"{2}\", no llegó nada"},
                    {at, wanted});
    return fill({"byte {1}: \"{2}\" was expected, \"{3}\" came",
                 "byte {1}: se esperaba \"{2}\", llegó \"{3}\""},
                {at, wanted, came});
}

/// Both texts, and a caret under the first byte that differs.
inline std::string compared(const std::string& expected, const std::string& received) {
    const std::size_t place = first_difference(expected, received);
    const window wanted = window_at(expected, place);
    const window came = window_at(received, place);
    return line_of({"expected", "se esperaba"}, wanted.line) +
           line_of({"received", "se recibió"}, came.line) +
           std::string(4 + label_width + came.column, ' ') + "^ " +
           remark(expected, received, place) + '\n';
}

/// What was searched, and the end of what came.
inline std::string searched(const std::string& expected, const std::string& received) {
    const std::size_t begin = received.size() - std::min(received.size(), shown_bytes);
    const std::string lead = begin > 0 ? "...\"" : "\"";
    return line_of({"expected somewhere", "se esperaba en algún lugar"}, quoted(expected)) +
           line_of({"received", "se recibió"}, lead + shown(received.substr(begin)) + '"');
}

}  // namespace check

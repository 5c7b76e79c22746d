// trama/codec/line.hpp -- text lines: the payload comes first, its end follows.
//
//     lf_line, "hola"            crlf_line, "hola"
//     +---+---+---+---+----+     +---+---+---+---+----+----+
//     | h | o | l | a | LF |     | h | o | l | a | CR | LF |
//     +---+---+---+---+----+     +---+---+---+---+----+----+
//
// No header says how long a line will be, so the limit alone keeps a peer that never ends its line
// from filling the memory. The end cannot be part of the payload; a NUL byte can.
#pragma once

#include <trama/codec/frame.hpp>

#include <cstring>

namespace trama {

/// How a line ends on the wire.
enum class line_ending {
    lf,    ///< LF; a CR before it belongs to the payload
    crlf,  ///< CR LF, and a LF without its CR is a bad_header (most Internet protocols: RFC 5321,
           ///< 9112)
    any    ///< either is read and not part of the payload; LF is written (nc and telnet both fit)
};

/// The codec. Use it by the names lf_line, crlf_line and any_line below.
template <line_ending Ending>
struct basic_line {
    static constexpr const char* format =
        Ending == line_ending::crlf ? "lines that end in CR LF" : "lines that end in LF";

    /// The limit where none is given, in bytes without the line's end.
    static constexpr std::size_t max_payload = 8192;

    /// Looks for one line at the front of `bytes`; in the first `seen` of them an earlier scan
    /// found no end, so that a long line that comes in many pieces costs linear time.
    static scan_result scan(std::string_view bytes, std::size_t limit = max_payload,
                            std::size_t seen = 0) noexcept {
        const std::size_t start = seen < bytes.size() ? seen : bytes.size();
        const void* found = start == bytes.size()
                                ? nullptr
                                : std::memchr(bytes.data() + start, '\n', bytes.size() - start);
        if (found == nullptr) return unfinished(bytes, limit);
        const auto feed = static_cast<std::size_t>(static_cast<const char*>(found) - bytes.data());
        const bool has_return = feed > 0 && bytes[feed - 1] == '\r';
        const std::size_t returns = Ending != line_ending::lf && has_return ? 1 : 0;
        const std::size_t length = feed - returns;
        if (length > limit) return {scan_status::too_long, 0, length};
        if (Ending == line_ending::crlf && !has_return) return {scan_status::bad_header, feed, 0};
        return {scan_status::frame, 0, length, returns + 1};
    }

    /// Appends one line and its end to `out`, in which `payload` must not lie. Throws frame_error,
    /// `out` untouched: too_long above `limit`, bad_header for a payload that would end the line.
    static void encode(std::string_view payload, std::string& out,
                       std::size_t limit = max_payload) {
        trama_detail::append_frame<basic_line>(payload, out, limit);
    }

    /// Nothing: a line has no header. Throws as encode does.
    static frame_edge header(std::string_view payload, std::size_t limit = max_payload) {
        if (payload.size() > limit)
            trama_detail::throw_payload_too_long(payload.size(), limit, format);
        const std::size_t feed = payload.find('\n');
        if (feed != std::string_view::npos) refuse(payload, feed);
        // It would be read as a part of the line's end.
        const bool ends_in_return = !payload.empty() && payload.back() == '\r';
        if (Ending == line_ending::any && ends_in_return) refuse(payload, payload.size() - 1);
        return {};
    }

    static frame_edge trailer() noexcept {
        constexpr std::string_view end = Ending == line_ending::crlf ? "\r\n" : "\n";
        frame_edge edge(end.size());
        std::memcpy(edge.data(), end.data(), end.size());
        return edge;
    }

private:
    [[noreturn, gnu::cold]] static void refuse(std::string_view payload, std::size_t place) {
        throw frame_error(frame_error::reason::bad_header, 0,
                          trama_detail::text("byte %zu of this payload would end the line: \"%s\"",
                                             place, escaped(payload, 40).c_str())
                              .c_str());
    }

    static scan_result unfinished(std::string_view bytes, std::size_t limit) noexcept {
        // A CR at the very end may be the first half of the line's end.
        const bool half_end = Ending != line_ending::lf && !bytes.empty() && bytes.back() == '\r';
        const std::size_t length = bytes.size() - (half_end ? 1 : 0);
        if (length > limit) return {scan_status::too_long, 0, length};
        return {scan_status::need_data, 0, 1};
    }
};

using lf_line = basic_line<line_ending::lf>;
using crlf_line = basic_line<line_ending::crlf>;
using any_line = basic_line<line_ending::any>;

}  // namespace trama

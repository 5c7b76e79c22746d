// trama/codec/line.hpp -- text lines: the payload comes first, its end follows.
//
//     lf_line, "hola"            crlf_line, "hola"
//     +---+---+---+---+----+     +---+---+---+---+----+----+
//     | h | o | l | a | LF |     | h | o | l | a | CR | LF |
//     +---+---+---+---+----+     +---+---+---+---+----+----+
//
// No header says how long a line will be. So only the limit stops a peer that never ends its line
// from filling the memory. The end cannot be part of the payload; a NUL byte can.
#ifndef TRAMA_CODEC_LINE_HPP
#define TRAMA_CODEC_LINE_HPP

#include <trama/codec/frame.hpp>

namespace trama {

/// How a line ends on the wire.
enum class line_ending {
    lf,    ///< LF; a CR before it belongs to the payload
    crlf,  ///< CR LF; a LF without its CR is a bad_header (most Internet protocols: RFC 5321, 9112)
    any    ///< reads both, writes LF; neither is part of the payload (for nc and telnet)
};

/// The codec. Use it by the names lf_line, crlf_line and any_line below.
template <line_ending Ending>
struct basic_line {
    static constexpr const char* format =
        Ending == line_ending::crlf ? "lines that end in CR LF" : "lines that end in LF";
    static constexpr std::string_view trailer = Ending == line_ending::crlf ? "\r\n" : "\n";

    /// The default limit, in bytes without the line's end.
    static constexpr std::size_t max_payload = 8192;

    /// Looks for one line at the front of `bytes`; in the first `seen` of them an earlier scan
    /// found no end, so that a long line that comes in many pieces costs linear time.
    static scan_result scan(std::string_view bytes, std::size_t limit = max_payload,
                            std::size_t seen = 0) noexcept {
        const std::size_t feed = bytes.find('\n', seen);
        if (feed == std::string_view::npos) return unfinished(bytes, limit);
        const bool has_return = feed > 0 && bytes[feed - 1] == '\r';
        const std::size_t returns = Ending != line_ending::lf && has_return ? 1 : 0;
        const std::size_t length = feed - returns;
        if (length > limit) return {scan_status::too_long, 0, length};
        if (Ending == line_ending::crlf && !has_return) return {scan_status::bad_header, feed, 0};
        return {scan_status::frame, 0, length, returns + 1};
    }

    /// Appends one line and its end to `out`, in which `payload` must not lie. Throws
    /// frame_error{bad_header} for a payload that would end the line; then `out` is unchanged.
    static void encode(std::string_view payload, std::string& out) {
        trama_detail::append_frame<basic_line>(payload, out);
    }

    /// Nothing: a line has no header. Throws as encode does.
    static frame_header header(std::string_view payload) {
        const std::size_t feed = payload.find('\n');
        if (feed != std::string_view::npos) refuse(payload, feed);
        // The receiver would take it for a part of the line's end.
        const bool ends_in_return = !payload.empty() && payload.back() == '\r';
        if (Ending == line_ending::any && ends_in_return) refuse(payload, payload.size() - 1);
        return {};
    }

private:
    [[noreturn]] static void refuse(std::string_view payload, std::size_t place) {
        const auto shown = trama_detail::quoted(payload);
        trama_detail::throw_frame_error(
            frame_error::reason::bad_header, 0,
            trama_detail::text("byte %zu of this payload would end the line: %s", place,
                               shown.c_str()));
    }

    static scan_result unfinished(std::string_view bytes, std::size_t limit) noexcept {
        // A CR at the very end may be the first half of the line's end.
        const bool half_end = Ending != line_ending::lf && !bytes.empty() && bytes.back() == '\r';
        const std::size_t length = bytes.size() - (half_end ? 1 : 0);
        if (length > limit) return {scan_status::too_long, 0, length};
        return {scan_status::need_data, 0, 1};
    }
};

/// The three kinds of lines.
using lf_line = basic_line<line_ending::lf>;
using crlf_line = basic_line<line_ending::crlf>;
using any_line = basic_line<line_ending::any>;

}  // namespace trama

#endif  // TRAMA_CODEC_LINE_HPP

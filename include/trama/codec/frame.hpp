// trama/codec/frame.hpp -- what every framing has in common: bytes in; frame, not yet, or broken
// out.
//
// TCP carries a stream of bytes. A *framing* cuts it into messages. Here a framing is a *codec*: a
// class of pure static functions, with no socket, no buffer and no clock inside.
//
//     struct my_codec {
//         static constexpr const char* format = "what a frame looks like";   // for error texts
//         static constexpr std::size_t max_payload = 1000;                    // the default limit
//         static scan_result scan(std::string_view bytes, std::size_t limit,
//                                 std::size_t seen) noexcept;
//         static frame_edge header(std::string_view payload, std::size_t limit);
//         static frame_edge trailer() noexcept;
//     };
//
// scan looks for one frame at the front of `bytes`; header and trailer make what stands before and
// behind a payload on the wire. frame_decoder and framed_stream work with any such class.
#pragma once

#include <trama/base/text.hpp>

#include <cstdint>
#include <stdexcept>

namespace trama {

/// What stands at the front of the bytes that were scanned.
enum class scan_status {
    frame,       ///< a whole frame
    need_data,   ///< the start of a frame, so far without fault: not yet
    bad_header,  ///< no frame of this format, whatever may follow
    too_long     ///< a frame whose payload is longer than the limit
};

/// The outcome of one scan. A frame takes `offset + length + trailer` bytes.
struct scan_result {
    scan_status status = scan_status::need_data;
    /// frame: where the payload starts. bad_header: where the first wrong byte is.
    std::size_t offset = 0;
    /// frame: payload bytes. need_data: so many more bytes must come before a scan can say more, at
    /// least 1. too_long: bytes announced.
    std::size_t length = 0;
    /// frame: bytes of the frame that follow the payload, such as the end of a line.
    std::size_t trailer = 0;
};

/// The few bytes that stand before or behind a payload on the wire: at most 16, held in place.
class frame_edge {
public:
    /// No bytes.
    frame_edge() noexcept = default;

    /// Room for `size` bytes, 0 to 16, to be written through data().
    explicit frame_edge(std::size_t size) noexcept : size_(size) {}

    char* data() noexcept { return bytes_; }
    std::size_t size() const noexcept { return size_; }
    std::string_view view() const noexcept { return {bytes_, size_}; }

private:
    // 16 and not 8: what fits into two registers is put together there, and that is slower.
    char bytes_[16] = {};
    std::size_t size_ = 0;
};

/// A frame that cannot be read or written. what() shows where, the bytes, and a guess at the cause.
class frame_error : public std::runtime_error {
public:
    enum class reason {
        bad_header,  ///< bytes that are no header of this format
        too_long,    ///< a payload longer than the limit
        truncated    ///< the stream ended inside a frame
    };

    frame_error(reason why, std::uint64_t offset, const std::string& text)
        : std::runtime_error(text), why_(why), offset_(offset) {}

    reason why() const noexcept { return why_; }

    /// Where in the stream the fault is, in bytes since its start; 0 when a frame was being made.
    std::uint64_t offset() const noexcept { return offset_; }

private:
    reason why_;
    std::uint64_t offset_;
};

namespace trama_detail {

/// What a peer that does not speak our framing probably speaks, judged by its first bytes; or "".
[[gnu::cold]] inline const char* guess_protocol(std::string_view bytes) noexcept {
    const auto starts = [&](std::string_view clue) { return bytes.substr(0, clue.size()) == clue; };
    if (starts("GET ") || starts("POST ") || starts("HEAD ") || starts("HTTP/"))
        return "; this looks like HTTP";
    if (starts("\x16\x03")) return "; this looks like TLS";
    if (starts("SSH-")) return "; this looks like SSH";
    if (starts("{")) return "; this looks like JSON";
    if (starts({"\0\0", 2})) return "; this looks like a binary length";
    return "";
}

[[noreturn, gnu::cold]] inline void throw_payload_too_long(std::size_t size, std::size_t limit,
                                                           const char* format) {
    throw frame_error(
        frame_error::reason::too_long, 0,
        text("a payload of %zu bytes does not fit: %s, here at most %zu bytes", size, format, limit)
            .c_str());
}

/// `front`: the bytes that are no frame, or too long a one; `start`: where they are in the stream.
[[noreturn, gnu::cold]] inline void throw_broken(scan_result result, std::string_view front,
                                                 std::uint64_t start, std::size_t limit,
                                                 const char* format) {
    const std::uint64_t where = start + result.offset;
    const bool bad_header = result.status == scan_status::bad_header;
    const unsigned long long place = where;
    const std::string shown = escaped(front, 24);
    const char* guess = guess_protocol(front);
    if (bad_header)
        throw frame_error(
            frame_error::reason::bad_header, where,
            text("bad frame header at byte %llu of the stream: \"%s\" (expected %s%s)", place,
                 shown.c_str(), format, guess)
                .c_str());
    throw frame_error(frame_error::reason::too_long, where,
                      text("frame too long at byte %llu of the stream: %zu bytes, here at most "
                           "%zu; it starts with \"%s\" (expected %s%s)",
                           place, result.length, limit, shown.c_str(), format, guess)
                          .c_str());
}

/// `rest`: the bytes that came of the frame at `where`; `missing`: at least so many did not.
[[noreturn, gnu::cold]] inline void throw_truncated(std::string_view rest, std::uint64_t where,
                                                    std::size_t missing) {
    const unsigned long long place = where;
    throw frame_error(
        frame_error::reason::truncated, where,
        text("the stream ended inside the frame at byte %llu: %zu bytes came, at least %zu are "
             "missing (\"%s\"; the peer closed, or died, before it had sent all)",
             place, rest.size(), missing, escaped(rest, 24).c_str())
            .c_str());
}

/// Appends header, payload and trailer to `out`; all or nothing: `out` is untouched on a throw. The
/// payload must not lie in `out`.
template <typename Codec>
void append_frame(std::string_view payload, std::string& out, std::size_t limit) {
    const frame_edge header = Codec::header(payload, limit);
    const frame_edge trailer = Codec::trailer();
    const std::size_t before = out.size();
    const std::size_t total = header.size() + payload.size() + trailer.size();
    if (out.capacity() - before < total) out.reserve(before + total + before / 2);
    out.append(header.view()).append(payload);
    if (trailer.size() > 0) out.append(trailer.view());
}

}  // namespace trama_detail

}  // namespace trama

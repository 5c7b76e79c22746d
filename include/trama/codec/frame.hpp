// trama/codec/frame.hpp -- what all framings share: bytes in; frame, not yet or broken out.
//
// TCP carries a stream of bytes. A *framing* cuts it into messages. Here a framing is a *codec*: a
// class of pure static functions, with no socket, no buffer and no clock inside.
//
//     struct my_codec {
//         static constexpr const char* format = "the form of a frame";   // for error texts
//         static constexpr std::size_t max_payload = 1000;               // the default limit
//         static scan_result scan(std::string_view bytes, std::size_t limit,
//                                 std::size_t seen) noexcept;
//         static frame_header header(std::string_view payload);
//         static constexpr std::string_view trailer = "";
//     };
//
// scan looks for one frame at the front of `bytes`; header and trailer are the bytes before and
// behind a payload on the wire. frame_decoder and framed_stream work with any such class. A limit
// bounds the payloads that are received; the format alone bounds those that are sent.
#ifndef TRAMA_CODEC_FRAME_HPP
#define TRAMA_CODEC_FRAME_HPP

#include <trama/base/error.hpp>

namespace trama {

/// The state of the bytes at the front of what was scanned.
enum class scan_status {
    frame,       ///< a whole frame
    need_data,   ///< the start of a frame, so far without fault: not yet
    bad_header,  ///< no frame of this format, whatever follows
    too_long     ///< a frame whose payload is longer than the limit
};

/// The outcome of one scan. A frame takes `offset + length + trailer` bytes.
struct scan_result {
    scan_status status = scan_status::need_data;
    /// frame: where the payload starts. bad_header: where the first wrong byte is.
    std::size_t offset = 0;
    /// frame: bytes of the payload. need_data: at least so many more bytes must come before a scan
    /// can say more, at least 1. too_long: bytes announced.
    std::size_t length = 0;
    /// frame: bytes of the frame behind the payload, such as the end of a line.
    std::size_t trailer = 0;
};

/// The few bytes before a payload on the wire, 0 to 16, held in place.
class frame_header {
public:
    /// No bytes.
    frame_header() noexcept = default;

    /// Room for `size` bytes, 0 to 16, to be written through data().
    explicit frame_header(std::size_t size) noexcept : size_(size) {}

    /// The bytes, to be written, their number, and both.
    char* data() noexcept { return bytes_; }
    std::size_t size() const noexcept { return size_; }
    std::string_view view() const noexcept { return {bytes_, size_}; }

private:
    char bytes_[16] = {};
    std::size_t size_ = 0;
};

/// A frame that cannot be read or made. what() shows the place, the bytes and a guess at the cause.
/// code(), in the order of `reason`: std::errc::bad_message, message_size, connection_aborted.
class frame_error : public trama_detail::described_error {
public:
    enum class reason {
        bad_header,  ///< bytes that are no header of this format
        too_long,    ///< a payload longer than the limit
        truncated    ///< the stream ended inside a frame
    };

    frame_error(reason why, std::uint64_t offset, const char* text)
        : described_error(code_for(why), text), why_(why), offset_(offset) {}

    reason why() const noexcept { return why_; }

    /// Where in the stream the fault is, in bytes since its start; 0 when a frame was being made.
    std::uint64_t offset() const noexcept { return offset_; }

private:
    static std::error_code code_for(reason why) noexcept {
        if (why == reason::bad_header) return std::make_error_code(std::errc::bad_message);
        if (why == reason::too_long) return std::make_error_code(std::errc::message_size);
        return std::make_error_code(std::errc::connection_aborted);
    }

    reason why_;
    std::uint64_t offset_;
};

namespace trama_detail {

/// The most bytes of a frame that an error shows.
inline constexpr std::size_t shown_of_frame = 24;

/// A guess at the protocol of a peer that does not speak our framing, from its first bytes; or "".
inline const char* guess_protocol(std::string_view bytes) noexcept {
    const auto starts = [&](std::string_view clue) { return bytes.substr(0, clue.size()) == clue; };
    if (starts("GET ") || starts("POST ") || starts("HEAD ") || starts("HTTP/"))
        return "; this looks like HTTP";
    if (starts("\x16\x03")) return "; this looks like TLS";
    if (starts("SSH-")) return "; this looks like SSH";
    if (starts("{")) return "; this looks like JSON";
    if (starts({"\0\0", 2})) return "; this looks like a binary length";
    return "";
}

[[noreturn]] inline void throw_frame_error(frame_error::reason why, std::uint64_t offset,
                                           const text& what) {
    throw frame_error(why, offset, what.c_str());
}

/// A payload that the format cannot carry.
[[noreturn]] inline void throw_payload_too_long(std::size_t size, std::size_t most,
                                                const char* format) {
    throw_frame_error(
        frame_error::reason::too_long, 0,
        text("a payload of %zu bytes does not fit: %s, at most %zu bytes", size, format, most));
}

/// `front`: the bytes that are no frame, or one that is too long; `start`: their place.
[[noreturn]] inline void throw_broken(const scan_result& result, std::string_view front,
                                      std::uint64_t start, std::size_t limit, const char* format) {
    const std::uint64_t place = start + result.offset;
    const std::string shown = escaped(front, shown_of_frame);
    const text expected("(expected %s%s)", format, guess_protocol(front));
    if (result.status == scan_status::bad_header)
        throw_frame_error(frame_error::reason::bad_header, place,
                          text("bad frame header at byte %" PRIu64 " of the stream: \"%s\" %s",
                               place, shown.c_str(), expected.c_str()));
    throw_frame_error(frame_error::reason::too_long, place,
                      text("frame too long at byte %" PRIu64 " of the stream: %zu bytes, here at "
                           "most %zu; it starts with \"%s\" %s",
                           place, result.length, limit, shown.c_str(), expected.c_str()));
}

/// `rest`: the bytes that came of the frame at `place`; at least `missing` more did not come.
[[noreturn]] inline void throw_truncated(std::string_view rest, std::uint64_t place,
                                         std::size_t missing) {
    throw_frame_error(frame_error::reason::truncated, place,
                      text("the stream ended inside the frame at byte %" PRIu64 ": %zu bytes came, "
                           "at least %zu are missing (\"%s\"; the peer closed, or died, before "
                           "it had sent all)",
                           place, rest.size(), missing, escaped(rest, shown_of_frame).c_str()));
}

/// Makes room for `more` bytes. Doubles, so that many small frames cost linear time.
inline void make_room(std::string& out, std::size_t more) {
    const std::size_t size = out.size();
    if (out.capacity() - size < more) out.reserve(size + more + size / 2);
}

/// Appends header, payload and trailer to `out`, a std::string or a byte_queue. All or nothing:
/// `out` is unchanged if it throws. The payload must not lie in `out`.
template <typename Codec, typename Buffer>
void append_frame(std::string_view payload, Buffer& out) {
    const frame_header header = Codec::header(payload);
    make_room(out, header.size() + payload.size() + Codec::trailer.size());
    out.append(header.view());
    out.append(payload);
    if (!Codec::trailer.empty()) out.append(Codec::trailer);
}

}  // namespace trama_detail

}  // namespace trama

#endif  // TRAMA_CODEC_FRAME_HPP

// examples/tools/segments_text.hpp -- the words and numbers in which all commands show a segment.
#pragma once

#include "segments_reader.hpp"

#include <cinttypes>

namespace segments {

/// "4,000,000".
inline std::string grouped(std::uint64_t number) {
    std::string digits = std::to_string(number);
    for (std::size_t place = digits.size(); place > 3;) {
        place -= 3;
        digits.insert(place, 1, ',');
    }
    return digits;
}

/// "1 segment", "2 segments".
inline std::string counted(std::uint64_t number, const char* what) {
    return grouped(number) + ' ' + what + (number == 1 ? "" : "s");
}

/// Seconds, with 6 or 9 digits; negative if a clock was set back.
inline std::string seconds_text(std::uint64_t nanoseconds, int digits) {
    const bool is_negative = static_cast<std::int64_t>(nanoseconds) < 0;
    const std::uint64_t size = is_negative ? 0 - nanoseconds : nanoseconds;
    const std::uint64_t unit = digits == 6 ? 1000 : 1;
    char text[40];
    std::snprintf(text, sizeof text, "%s%" PRIu64 ".%0*" PRIu64, is_negative ? "-" : "",
                  size / 1'000'000'000, digits, size % 1'000'000'000 / unit);
    return text;
}

/// "SYN,ACK"; "-": none.
inline std::string flags_text(std::uint8_t flags) {
    constexpr std::pair<flag, const char*> names[] = {{fin, "FIN"}, {syn, "SYN"}, {rst, "RST"},
                                                      {psh, "PSH"}, {ack, "ACK"}, {urg, "URG"}};
    std::string text;
    for (const auto& [bit, name] : names) {
        if ((flags & bit) == 0) continue;
        if (!text.empty()) text += ',';
        text += name;
    }
    return text.empty() ? "-" : text;
}

/// "retransmission, window full"; "": none.
inline std::string marks_text(unsigned marks, int duplicates) {
    constexpr std::pair<mark, const char*> names[] = {
        {retransmission, "retransmission"},
        {fast_retransmission, "fast retransmission"},
        {spurious_retransmission, "spurious retransmission"},
        {out_of_order, "out of order"},
        {duplicate_ack, "duplicate ack"},
        {zero_window, "zero window"},
        {window_full, "window full"},
        {zero_window_probe, "zero window probe"},
        {zero_window_probe_ack, "ack of a zero window probe"},
        {keep_alive, "keep-alive"},
        {keep_alive_ack, "ack of a keep-alive"},
        {window_update, "window update"},
        {gap_before, "gap before"},
        {acks_uncaptured, "acks bytes not captured"}};
    std::string text;
    for (const auto& [bit, name] : names) {
        if ((marks & bit) == 0) continue;
        if (!text.empty()) text += ", ";
        text += name;
        if (bit == duplicate_ack) text += ' ' + std::to_string(duplicates);
    }
    return text;
}

/// "MSS 1460, SACK permitted, timestamp 17 echo 0, window scale 7"; "": none.
inline std::string options_text(const handshake_options& options) {
    std::string text;
    const auto add = [&](const std::string& option) {
        if (!text.empty()) text += ", ";
        text += option;
    };
    if (options.largest_segment) add("MSS " + std::to_string(*options.largest_segment));
    if (options.sack_permitted) add("SACK permitted");
    if (options.has_timestamps)
        add("timestamp " + std::to_string(options.timestamp) + " echo " +
            std::to_string(options.timestamp_echo));
    if (options.window_scale) add("window scale " + std::to_string(*options.window_scale));
    return text;
}

/// The marks, then the options.
inline std::string notes_text(const observed& seen) {
    const std::string marks = marks_text(seen.marks, seen.sender().duplicate_acks);
    const std::string options = options_text(seen.what.options);
    return marks + (marks.empty() || options.empty() ? "" : ", ") + options;
}

/// "client 127.0.0.1:40000, server 127.0.0.1:5000; 7 segments in 0.012 s; 4 bytes to the server,
/// 4 bytes to the client".
inline std::string connection_text(const connection& shown) {
    std::string text = "client " + shown.client.text() + ", server " + shown.server.text() + "; " +
                       counted(shown.segments, "segment") + " in " +
                       seconds_text(shown.last_time - shown.first_time, 6) + " s; " +
                       counted(shown.bytes[to_server], "byte") + " to the server, " +
                       counted(shown.bytes[to_client], "byte") + " to the client";
    const bool was_reset = ((shown.flags[to_server] | shown.flags[to_client]) & rst) != 0;
    if (was_reset) text += "; reset";
    if (!shown.has_handshake())
        text += "; no complete handshake, so the windows are shown without their scale";
    return text;
}

/// What the file holds besides the segments that are shown: one or two sentences.
inline std::string counts_text(const packet_counts& counts) {
    constexpr std::pair<content, const char*> names[] = {
        {content::udp, "UDP"},
        {content::icmp, "ICMP"},
        {content::arp, "ARP"},
        {content::other, "of other protocols"},
        {content::fragment, "fragments of IP"},
        {content::damaged, "damaged or cut off in their headers"},
        {content::unknown_link, "of a link type that segments does not know"}};
    std::string text = counted(counts.packets, "packet") + ", " + grouped(counts.of(content::tcp)) +
                       " of them TCP";
    for (const auto& [kind, name] : names) {
        if (counts.of(kind) > 0) text += "; " + grouped(counts.of(kind)) + ' ' + name;
    }
    if (counts.too_many > 0)
        text += ". The file has more than " + grouped(connections::most) +
                " connections: " + counted(counts.too_many, "segment") +
                " of the later ones are left out";
    return text;
}

/// The numbers of sequence: those on the wire, or those counted from the SYN.
enum class numbering { both, absolute };

/// The acknowledgement number, or "-" for a segment that acknowledges nothing.
inline std::string ack_text(const observed& seen, numbering how) {
    if (!seen.what.has(ack)) return "-";
    return std::to_string(how == numbering::absolute ? seen.what.ack : seen.relative_ack());
}

}  // namespace segments

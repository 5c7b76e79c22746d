// examples/tools/segments_pcap.hpp -- the older format of captures, pcap: a header, then records.
//
//     file header, 24 bytes    magic number, version, zone, accuracy, snap length, link type
//     record header, 16 bytes  seconds, fraction, bytes captured, bytes on the wire
//     the bytes of the packet
//     next record
//
// The writer uses the byte order of its own machine. The magic number shows which one that was, and
// whether the fraction counts microseconds or nanoseconds. (draft-ietf-opsawg-pcap)
#pragma once

#include "segments_stream.hpp"

#include <memory>
#include <optional>

namespace segments {

/// A packet as it stands in the file.
struct packet {
    std::uint64_t number = 0;     ///< from 1, as Wireshark counts
    std::uint64_t time = 0;       ///< nanoseconds since 1970
    std::uint32_t link_type = 0;  ///< of its interface, as at tcpdump.org/linktypes.html
    std::uint32_t wire_size = 0;  ///< may be larger than what was captured
    std::string_view bytes;       ///< what was captured; valid until the next packet is read
};

constexpr std::uint32_t largest_packet = 262'144;  // as in libpcap and Wireshark

/// Throws capture_error if no packet can have this size.
inline void check_packet_size(std::uint64_t size, std::uint64_t where) {
    if (size <= largest_packet) return;
    throw capture_error(where, "this packet promises " + std::to_string(size) +
                                   " bytes, and the most that a packet can have is " +
                                   std::to_string(largest_packet) + ": the file is damaged here");
}

/// A format of capture files.
class capture_format {
public:
    virtual ~capture_format() = default;
    /// Reads the next packet. Returns false at the end of the file. Throws capture_error.
    virtual bool next(packet& into) = 0;
    /// Digits of a second that the times have: 6 or 9.
    virtual int digits() const = 0;
    virtual const char* name() const = 0;
};

class pcap_format : public capture_format {
public:
    /// Reads the file header. Throws capture_error.
    explicit pcap_format(byte_stream& from) : from_(from) {
        const std::string_view header = from_.take(24, "the file header");
        order_ = find_kind(header)->order;
        is_nano_ = find_kind(header)->is_nano;
        const std::uint16_t version = u16(header, 4, order_);
        if (version != 2)
            throw capture_error(4, "version " + std::to_string(version) +
                                       " of pcap is not known: only version 2 is");
        link_type_ = u32(header, 20, order_) & 0xFFFF;  // above: the length of a check sum
    }

    /// True if the file that begins with these bytes is a pcap file.
    static bool recognises(std::string_view begin) { return find_kind(begin).has_value(); }

    bool next(packet& into) override {
        if (from_.at_end()) return false;
        const std::uint64_t start = from_.offset();
        const std::string_view header = from_.take(16, "the header of a packet");
        const std::uint64_t fraction = u32(header, 4, order_);
        const std::uint32_t size = u32(header, 8, order_);
        into.time = u32(header, 0, order_) * second + fraction * (is_nano_ ? 1 : 1000);
        into.wire_size = u32(header, 12, order_);
        into.link_type = link_type_;
        check_packet_size(size, start);
        into.bytes = from_.take(size, "a packet", start);
        ++into.number;
        return true;
    }

    int digits() const override { return is_nano_ ? 9 : 6; }
    const char* name() const override { return "pcap"; }

private:
    struct kind {
        byte_order order;
        bool is_nano;
    };
    static constexpr std::uint64_t second = 1'000'000'000;

    static std::optional<kind> find_kind(std::string_view begin) {
        if (begin.size() < 4) return {};
        for (const byte_order order : {byte_order::big, byte_order::little}) {
            if (u32(begin, 0, order) == 0xA1B2C3D4) return kind{order, false};
            if (u32(begin, 0, order) == 0xA1B23C4D) return kind{order, true};
        }
        return {};
    }

    byte_stream& from_;
    byte_order order_ = byte_order::big;
    bool is_nano_ = false;
    std::uint32_t link_type_ = 0;
};

}  // namespace segments

// examples/tools/segments_packet.hpp -- from a packet of a capture to the TCP segment in it.
//
//     | link: Ethernet, VLAN tags, ... | IPv4, or IPv6 with extensions | TCP, options | payload |
//
// Each layer says how long it is and what comes next. Each length is compared with the bytes that
// are there before it is used. A packet without a segment that can be read is counted by its kind.
// RFC 791, RFC 8200, RFC 9293
#pragma once

#include "segments_pcap.hpp"

#include <optional>
#include <tuple>

#include <arpa/inet.h>

namespace segments {

struct endpoint {
    char bytes[16] = {};  ///< an IPv4 address uses the first four
    bool is_ipv6 = false;
    std::uint16_t port = 0;

    std::string_view address() const { return {bytes, is_ipv6 ? 16u : 4u}; }

    bool operator<(const endpoint& other) const {
        return std::make_tuple(is_ipv6, address(), port) <
               std::make_tuple(other.is_ipv6, other.address(), other.port);
    }
    bool operator==(const endpoint& other) const {
        return is_ipv6 == other.is_ipv6 && port == other.port && address() == other.address();
    }

    /// As trama writes it: 127.0.0.1:5000, [::1]:5000.
    std::string text() const {
        char shown[INET6_ADDRSTRLEN] = "";
        ::inet_ntop(is_ipv6 ? AF_INET6 : AF_INET, bytes, shown, sizeof shown);
        const std::string host = is_ipv6 ? '[' + std::string(shown) + ']' : shown;
        return host + ':' + std::to_string(port);
    }
};

enum flag : std::uint8_t { fin = 1, syn = 2, rst = 4, psh = 8, ack = 16, urg = 32 };

/// The options that a SYN may carry.
struct handshake_options {
    std::optional<std::uint16_t> largest_segment;  ///< MSS
    std::optional<std::uint8_t> window_scale;
    bool sack_permitted = false;
    bool has_timestamps = false;
    std::uint32_t timestamp = 0;
    std::uint32_t timestamp_echo = 0;
};

struct segment {
    std::uint64_t number = 0;  ///< of its packet, from 1
    std::uint64_t time = 0;    ///< nanoseconds since 1970
    endpoint from;
    endpoint to;
    std::uint32_t seq = 0;
    std::uint32_t ack = 0;
    std::uint8_t flags = 0;
    std::uint16_t window = 0;   ///< as in the header, without the scale
    std::uint32_t length = 0;   ///< of the payload
    handshake_options options;  ///< only of a SYN
    std::string_view payload;   ///< what was captured of it; valid until the next packet is read

    bool has(std::uint8_t flag) const { return (flags & flag) != 0; }
    /// How far it moves the sequence number: SYN and FIN count as a byte each.
    std::uint32_t span() const { return length + (has(syn) ? 1 : 0) + (has(fin) ? 1 : 0); }
};

/// What a packet turned out to be.
enum class content { tcp, udp, icmp, arp, other, fragment, damaged, unknown_link };

class packet_parser {
public:
    /// Reads the headers of a packet. Fills `into` only if it returns content::tcp.
    static content parse(const packet& from, segment& into) {
        packet_parser parser(from, into);
        const content found = parser.read_link(from.link_type);
        into.number = from.number;
        into.time = from.time;
        return found;
    }

private:
    static constexpr std::uint16_t ether_ipv4 = 0x0800;
    static constexpr std::uint16_t ether_arp = 0x0806;
    static constexpr std::uint16_t ether_ipv6 = 0x86DD;

    packet_parser(const packet& from, segment& into)
        : rest_(from.bytes),
          left_(std::max<std::size_t>(from.wire_size, rest_.size())),
          into_(into) {}

    /// Passes over a header. The bytes on the wire are counted, too: they may be more.
    void pass(std::size_t size) {
        rest_.remove_prefix(size);
        left_ -= size;
    }

    // ---- the link ----

    content read_link(std::uint32_t type) {
        switch (type) {
            case 1: return read_ethernet();
            case 113: return read_after(16, 14);
            case 276: return read_after(20, 0);
            case 12:
            case 14:
            case 101: return read_ip();
            case 228: return read_ipv4();
            case 229: return read_ipv6();
            case 0:
            case 108: return read_loopback();
            default: return content::unknown_link;
        }
    }

    content read_ethernet() { return read_after(14, 12); }

    /// A link header of `size` bytes, with the type of what follows at `place`.
    content read_after(std::size_t size, std::size_t place) {
        if (rest_.size() < size) return content::damaged;
        std::uint16_t type = net16(rest_, place);
        pass(size);
        while (is_vlan_tag(type)) {
            if (rest_.size() < 4) return content::damaged;
            type = net16(rest_, 2);
            pass(4);
        }
        if (type == ether_ipv4) return read_ipv4();
        if (type == ether_ipv6) return read_ipv6();
        return type == ether_arp ? content::arp : content::other;
    }

    static bool is_vlan_tag(std::uint16_t type) {
        return type == 0x8100 || type == 0x88A8 || type == 0x9100;
    }

    /// Four bytes with the address family, in the byte order of the machine that captured. Its
    /// numbers are small, so the order can be seen.
    content read_loopback() {
        if (rest_.size() < 4) return content::damaged;
        const std::uint32_t big = u32(rest_, 0, byte_order::big);
        const std::uint32_t family = std::min(big, u32(rest_, 0, byte_order::little));
        pass(4);
        if (family == 2) return read_ipv4();
        // AF_INET6 is 10 on Linux, and one of the others on each BSD and on macOS.
        const bool is_ipv6 = family == 10 || family == 24 || family == 28 || family == 30;
        return is_ipv6 ? read_ipv6() : content::other;
    }

    // ---- IP ----

    content read_ip() {
        if (rest_.empty()) return content::damaged;
        const int version = net8(rest_, 0) >> 4;
        if (version == 4) return read_ipv4();
        return version == 6 ? read_ipv6() : content::damaged;
    }

    content read_ipv4() {
        if (rest_.size() < 20 || net8(rest_, 0) >> 4 != 4) return content::damaged;
        const std::size_t header = (net8(rest_, 0) & 0x0Fu) * 4;
        std::size_t total = net16(rest_, 2);
        if (total == 0) total = left_;  // the network card was to cut the packet, and to fill it in
        if (header < 20 || header > rest_.size() || total < header || total > left_)
            return content::damaged;
        const bool is_fragment = (net16(rest_, 6) & 0x3FFF) != 0;  // more to come, or not the first
        const std::uint8_t protocol = net8(rest_, 9);
        read_addresses(12, 16, 4);
        limit_to(total);
        pass(header);
        return is_fragment ? content::fragment : read_transport(protocol);
    }

    content read_ipv6() {
        if (rest_.size() < 40 || net8(rest_, 0) >> 4 != 6) return content::damaged;
        const std::size_t size = net16(rest_, 4);
        const std::uint8_t next = net8(rest_, 6);
        read_addresses(8, 24, 16);
        pass(40);
        if (size > left_) return content::damaged;
        if (size > 0) limit_to(size);  // 0: a jumbogram, or the network card was to cut it
        return read_extensions(next);
    }

    /// The extension headers of IPv6, each with the type of the next one and its own length.
    content read_extensions(std::uint8_t type) {
        while (is_extension(type)) {
            if (rest_.size() < 8) return content::damaged;
            const bool is_fragment_header = type == 44;
            if (is_fragment_header && (net16(rest_, 2) & 0xFFF9) != 0) return content::fragment;
            const std::size_t units = net8(rest_, 1);
            std::size_t size = 8 * (units + 1);
            if (is_fragment_header) size = 8;
            if (type == 51) size = 4 * (units + 2);  // the authentication header
            if (size > rest_.size()) return content::damaged;
            type = net8(rest_, 0);
            pass(size);
        }
        return read_transport(type);
    }

    static bool is_extension(std::uint8_t type) {
        return type == 0 || type == 43 || type == 44 || type == 51 || type == 60 || type == 135 ||
               type == 139 || type == 140;
    }

    void read_addresses(std::size_t from, std::size_t to, std::size_t size) {
        into_ = segment();
        into_.from.is_ipv6 = size == 16;
        into_.to.is_ipv6 = size == 16;
        rest_.copy(into_.from.bytes, size, from);
        rest_.copy(into_.to.bytes, size, to);
    }

    /// Bytes behind the IP packet are no part of it: Ethernet fills short packets up.
    void limit_to(std::size_t size) {
        left_ = size;
        rest_ = rest_.substr(0, size);
    }

    // ---- TCP ----

    content read_transport(std::uint8_t protocol) {
        if (protocol == 6) return read_tcp();
        if (protocol == 17) return content::udp;
        return protocol == 1 || protocol == 58 ? content::icmp : content::other;
    }

    content read_tcp() {
        if (rest_.size() < 20) return content::damaged;
        const std::size_t header = (net8(rest_, 12) >> 4) * std::size_t{4};
        if (header < 20 || header > left_) return content::damaged;
        into_.from.port = net16(rest_, 0);
        into_.to.port = net16(rest_, 2);
        into_.seq = net32(rest_, 4);
        into_.ack = net32(rest_, 8);
        into_.flags = net8(rest_, 13);
        into_.window = net16(rest_, 14);
        const std::size_t there = std::min(header, rest_.size());  // the capture may have less
        if (into_.has(syn)) read_options(rest_.substr(20, there - 20));
        into_.length = static_cast<std::uint32_t>(left_ - header);
        into_.payload = rest_.substr(there);
        return content::tcp;
    }

    /// Options: kind, length (with these two bytes), value. 0 ends them, 1 fills up.
    void read_options(std::string_view rest) {
        while (!rest.empty() && net8(rest, 0) != 0) {
            std::size_t size = 1;
            if (net8(rest, 0) != 1) {
                if (rest.size() < 2) return;
                size = net8(rest, 1);
                if (size < 2 || size > rest.size()) return;
                read_option(net8(rest, 0), rest.substr(2, size - 2));
            }
            rest.remove_prefix(size);
        }
    }

    void read_option(std::uint8_t kind, std::string_view value) {
        handshake_options& options = into_.options;
        if (kind == 2 && value.size() == 2) options.largest_segment = net16(value, 0);
        if (kind == 3 && value.size() == 1)
            options.window_scale = std::min<std::uint8_t>(net8(value, 0), 14);  // RFC 7323
        if (kind == 4 && value.empty()) options.sack_permitted = true;
        if (kind == 8 && value.size() == 8) {
            options.has_timestamps = true;
            options.timestamp = net32(value, 0);
            options.timestamp_echo = net32(value, 4);
        }
    }

    std::string_view rest_;  // what was captured and is not read yet
    std::size_t left_;       // the same on the wire
    segment& into_;
};

}  // namespace segments

// examples/tools/segments_pcapng.hpp -- the newer format of captures, pcapng: a chain of blocks.
//
//     type, 4 bytes | total length, 4 | body                           | total length again, 4
//     0x0A0D0D0A      a section begins: its byte order
//     1               an interface: its link type, and how its times count
//     6               a packet, with its interface and time
//     3               a packet of interface 0, without time
//     anything else   skipped: names, statistics, secrets
//
// (draft-ietf-opsawg-pcapng)
#pragma once

#include "segments_pcap.hpp"

#include <algorithm>
#include <vector>

namespace segments {

/// How an interface counts time: a number of units a second, and seconds to add.
class clock_of_interface {
public:
    /// `resolution`: the byte of if_tsresol, a negative power of 10, or of 2 with the highest bit.
    void set_resolution(std::uint8_t resolution) {
        is_binary_ = (resolution & 0x80) != 0;
        exponent_ = resolution & 0x7F;
    }
    /// False if the units are too small to count in 64 bits.
    bool is_countable() const { return exponent_ <= (is_binary_ ? 63 : 19); }
    void set_offset(std::uint64_t seconds) { offset_ = seconds; }

    /// Nanoseconds since 1970.
    std::uint64_t nanoseconds(std::uint64_t units) const {
        const std::uint64_t a_second = is_binary_ ? std::uint64_t{1} << exponent_ : power_of_ten();
        const std::uint64_t seconds = units / a_second + offset_;
        return seconds * 1'000'000'000 + part(units % a_second, a_second);
    }
    int digits() const { return !is_binary_ && exponent_ <= 6 ? 6 : 9; }

private:
    std::uint64_t power_of_ten() const {
        std::uint64_t power = 1;
        for (int i = 0; i < exponent_; ++i) {
            power *= 10;
        }
        return power;
    }

    /// A part of a second, in nanoseconds.
    std::uint64_t part(std::uint64_t units, std::uint64_t a_second) const {
        if (is_binary_ && exponent_ > 34) {  // 2^34 times 10^9 is the most that 64 bits can hold
            units >>= exponent_ - 34;
            a_second = std::uint64_t{1} << 34;
        }
        if (is_binary_ || a_second <= 1'000'000'000) return units * 1'000'000'000 / a_second;
        return units / (a_second / 1'000'000'000);
    }

    bool is_binary_ = false;
    int exponent_ = 6;
    std::uint64_t offset_ = 0;  // added modulo 2^64, so that it may be negative
};

class pcapng_format : public capture_format {
public:
    explicit pcapng_format(byte_stream& from) : from_(from) {}

    static bool recognises(std::string_view begin) {
        return begin.size() >= 4 && u32(begin, 0, byte_order::big) == section_block;
    }

    bool next(packet& into) override {
        bool found = false;
        while (!found && !from_.at_end()) {
            found = read_block(into);
        }
        return found;
    }

    int digits() const override { return digits_; }
    const char* name() const override { return "pcapng"; }

private:
    struct interface {
        std::uint32_t link_type;
        std::uint32_t snap_length;  // 0: no limit
        clock_of_interface clock;
    };

    static constexpr std::uint32_t section_block = 0x0A0D0D0A;
    static constexpr std::uint32_t interface_block = 1;
    static constexpr std::uint32_t simple_block = 3;
    static constexpr std::uint32_t enhanced_block = 6;
    static constexpr std::size_t most_interfaces = 65'536;

    /// Reads a block. Returns true if it was a packet.
    bool read_block(packet& into) {
        start_ = from_.offset();
        const std::string_view begin = from_.peek(12);
        if (begin.size() < 12) from_.take(12, "the header of a block");  // throws
        if (u32(begin, 0, byte_order::big) == section_block) order_ = section_order(begin);
        const std::uint32_t type = u32(begin, 0, order_);
        const std::uint32_t length = u32(begin, 4, order_);
        check_length(length);
        const bool is_known = type == section_block || type == interface_block ||
                              type == simple_block || type == enhanced_block;
        if (!is_known) {
            from_.skip(length, "a block", start_);
            return false;
        }
        return read_known_block(type, take_body(length), into);
    }

    byte_order section_order(std::string_view begin) const {
        for (const byte_order order : {byte_order::big, byte_order::little}) {
            if (u32(begin, 8, order) == 0x1A2B3C4D) return order;
        }
        throw capture_error(start_ + 8,
                            "the section does not say its byte order: the file is "
                            "damaged here");
    }

    void check_length(std::uint32_t length) const {
        if (length >= 12 && length % 4 == 0) return;
        throw capture_error(start_ + 4, "a block says that its length is " +
                                            std::to_string(length) + ": the file is damaged here");
    }

    /// The body of a block. Throws capture_error, also if its two lengths differ.
    std::string_view take_body(std::uint32_t length) {
        if (length > byte_stream::most_at_once)
            throw capture_error(start_ + 4, "a block promises " + std::to_string(length) +
                                                " bytes, more than such a block can have: the "
                                                "file is damaged here");
        const std::string_view block = from_.take(length, "a block", start_);
        if (u32(block, length - 4, order_) != length)
            throw capture_error(start_ + length - 4,
                                "a block ends with another length than it "
                                "begins with: the file is damaged here");
        return block.substr(8, length - 12);
    }

    bool read_known_block(std::uint32_t type, std::string_view body, packet& into) {
        if (type == section_block) {
            interfaces_.clear();
            return false;
        }
        if (type == interface_block) {
            add_interface(body);
            return false;
        }
        if (type == simple_block) {
            read_simple_packet(body, into);
        } else {
            read_packet(body, into);
        }
        ++into.number;
        return true;
    }

    /// Throws capture_error if a body is shorter than its fixed part.
    void need(std::string_view body, std::size_t size) const {
        if (body.size() >= size) return;
        throw capture_error(start_,
                            "a block is too short for what it should hold: the file is "
                            "damaged here");
    }

    void add_interface(std::string_view body) {
        need(body, 8);
        if (interfaces_.size() == most_interfaces)
            throw capture_error(start_, "the file describes more than " +
                                            std::to_string(most_interfaces) + " interfaces");
        interface made {
            u16(body, 0, order_), u32(body, 4, order_), {}
        };
        read_options(body.substr(8), made.clock);
        digits_ = std::max(interfaces_.empty() ? 6 : digits_, made.clock.digits());
        interfaces_.push_back(made);
    }

    /// Options: code, length, value, filled up to four bytes. 9 is if_tsresol, 14 if_tsoffset.
    void read_options(std::string_view rest, clock_of_interface& clock) const {
        while (rest.size() >= 4) {
            const std::uint16_t code = u16(rest, 0, order_);
            const std::size_t size = u16(rest, 2, order_);
            const std::size_t padded = 4 + (size + 3) / 4 * 4;
            if (code == 0) return;
            if (padded > rest.size())
                throw capture_error(start_,
                                    "an option of an interface is longer than its block: "
                                    "the file is damaged here");
            const std::string_view value = rest.substr(4, size);
            if (code == 9 && size == 1) clock.set_resolution(net8(value, 0));
            if (!clock.is_countable())
                throw capture_error(start_, "an interface counts time in units that are too small");
            if (code == 14 && size == 8) clock.set_offset(number_in(value, 8, order_));
            rest.remove_prefix(padded);
        }
    }

    const interface& interface_at(std::uint32_t index) const {
        if (index < interfaces_.size()) return interfaces_[index];
        throw capture_error(start_, "a packet of interface " + std::to_string(index) +
                                        ", which the file has not described");
    }

    void read_packet(std::string_view body, packet& into) {
        need(body, 20);
        const interface& on = interface_at(u32(body, 0, order_));
        const std::uint64_t high = u32(body, 4, order_);
        const std::uint32_t size = u32(body, 12, order_);
        check_packet_size(size, start_);
        need(body, 20 + std::size_t{size});
        into.time = on.clock.nanoseconds(high << 32 | u32(body, 8, order_));
        into.wire_size = u32(body, 16, order_);
        into.link_type = on.link_type;
        into.bytes = body.substr(20, size);
    }

    /// Such a packet has no time: it keeps that of the packet before.
    void read_simple_packet(std::string_view body, packet& into) {
        need(body, 4);
        const interface& on = interface_at(0);
        into.wire_size = u32(body, 0, order_);
        std::size_t size = std::min<std::size_t>(into.wire_size, body.size() - 4);
        if (on.snap_length != 0) size = std::min<std::size_t>(size, on.snap_length);
        check_packet_size(size, start_);
        into.link_type = on.link_type;
        into.bytes = body.substr(4, size);
    }

    byte_stream& from_;
    byte_order order_ = byte_order::big;
    std::vector<interface> interfaces_;  // of this section
    std::uint64_t start_ = 0;            // of the block that is being read
    int digits_ = 6;
};

}  // namespace segments

// badlink_packet.hpp -- the few fields of an IPv4 packet that the link needs, and a capture file
//
// man 7 ip, RFC 791 (IPv4), RFC 9293 (TCP), man 5 pcap-savefile
#pragma once

#include "trama.hpp"

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <fcntl.h>

namespace badlink {

/// True for an IPv4 packet to `address`, in numbers. The kernel sends others too: IPv6 looks for
/// routers, and IGMP reports groups.
inline bool goes_to(std::string_view packet, const char* address) {
    in_addr wanted{};
    ::inet_pton(AF_INET, address, &wanted);
    return packet.size() >= 20 && static_cast<unsigned char>(packet[0]) >> 4 == 4 &&
           std::memcmp(packet.data() + 16, &wanted, sizeof wanted) == 0;
}

/// Exchanges the addresses of source and destination. The checksums of IP and TCP are sums of all
/// words, so they stay right.
inline void swap_addresses(std::string& packet) {
    constexpr std::size_t source = 12;
    constexpr std::size_t destination = 16;
    for (std::size_t i = 0; i < 4; ++i) std::swap(packet[source + i], packet[destination + i]);
}

/// Returns the port at `place` (0: source, 2: destination) of TCP and UDP; 0 if there is none.
inline unsigned port_at(std::string_view packet, std::size_t place) {
    const std::size_t header = 4 * (static_cast<unsigned char>(packet[0]) & 0xFU);
    if (packet.size() < header + 4) return 0;
    const auto high = static_cast<unsigned char>(packet[header + place]);
    const auto low = static_cast<unsigned char>(packet[header + place + 1]);
    return high * 256U + low;
}

/// Tells the packets to the server from those to the client: the end that sends first is the
/// client.
class conversations {
public:
    /// True for a packet to the server. Remembers the ports of a packet that begins something.
    bool goes_to_server(std::string_view packet) {
        const unsigned source = port_at(packet, 0);
        const unsigned destination = port_at(packet, 2);
        if (begun_.count({destination, source}) > 0) return false;
        begun_.insert({source, destination});
        return true;
    }

private:
    std::set<std::pair<unsigned, unsigned>> begun_;  // ports of client and server
};

/// A file of packets, for tcpdump, Wireshark and segments. man 5 pcap-savefile
class capture {
public:
    /// Starts the file; replaces one of that name. Throws file_error.
    explicit capture(const std::string& path) : path_(path) {
        const auto opened = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
        if (opened == -1) throw trama::file_error(errno, "write", path);
        file_.reset(opened);
        constexpr std::uint32_t microseconds = 0xa1b2c3d4;
        constexpr std::uint32_t longest = 65535;  // bytes of a packet that are kept
        constexpr std::uint32_t raw_ip = 101;     // LINKTYPE_RAW: no frame around the packet
        add(microseconds, 2U | 4U << 16U, 0U, 0U, longest, raw_ip);
        write();
    }

    /// Appends a packet, with the time of the calendar. Throws file_error.
    void add_packet(std::string_view packet) {
        const auto since = std::chrono::system_clock::now().time_since_epoch();
        const auto time = std::chrono::duration_cast<std::chrono::microseconds>(since).count();
        const auto size = static_cast<std::uint32_t>(packet.size());
        add(static_cast<std::uint32_t>(time / 1000000), static_cast<std::uint32_t>(time % 1000000),
            size, size);
        record_ += packet;
        write();
    }

private:
    /// In the byte order of this machine; the first number tells which one that is.
    template <typename... Numbers>
    void add(Numbers... numbers) {
        for (const std::uint32_t number : {numbers...})
            record_.append(reinterpret_cast<const char*>(&number), sizeof number);
    }

    void write() {
        trama::write_all(file_.get(), record_, path_);
        record_.clear();
    }

    std::string path_;
    trama::unique_fd file_;
    std::string record_;
};

}  // namespace badlink

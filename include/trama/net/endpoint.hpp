// trama/net/endpoint.hpp -- an address and a port, IPv4 or IPv6, and how both are shown.
// man 7 ip, man 7 ipv6, man 3 getnameinfo
#ifndef TRAMA_NET_ENDPOINT_HPP
#define TRAMA_NET_ENDPOINT_HPP

#include <trama/base/error.hpp>

#include <cstdint>
#include <iosfwd>

#include <netdb.h>
#include <netinet/in.h>

namespace trama {

/// The address and the port of one end of a connection. A value: copy and compare it freely; it is
/// a key for std::map and std::unordered_map.
class endpoint {
public:
    /// No address at all; to_string() returns "nowhere".
    endpoint() noexcept = default;

    /// From the system: a sockaddr_in or sockaddr_in6 (but for its flow label) of `size` bytes. Any
    /// other family gives "nowhere".
    endpoint(const sockaddr* address, std::size_t size) noexcept {
        const int given = size < sizeof(sockaddr_in) ? AF_UNSPEC : address->sa_family;
        // Only the meaningful part, the rest stays 0: so equal endpoints are equal byte for byte.
        if (given == AF_INET) std::memcpy(&address_.v4, address, offsetof(sockaddr_in, sin_zero));
        if (given != AF_INET6 || size < sizeof(sockaddr_in6)) return;
        std::memcpy(&address_.v6, address, sizeof(sockaddr_in6));
        address_.v6.sin6_flowinfo = 0;
    }

    /// The address in numbers: "127.0.0.1", "::1", "fe80::1%eth0"; "nowhere" for none.
    std::string address() const { return address_text().c_str(); }

    /// The port, 0 to 65,535.
    std::uint16_t port() const noexcept {
        return ntohs(family() == AF_INET6 ? address_.v6.sin6_port : address_.v4.sin_port);
    }

    /// AF_INET, AF_INET6, or AF_UNSPEC for none.
    int family() const noexcept { return address_.generic.sa_family; }

    /// "127.0.0.1:5000"; "[::1]:5000", with brackets because the address itself holds colons.
    std::string to_string() const { return to_text().c_str(); }

    /// The same for errors and the trace: on the stack, without memory that could run out.
    trama_detail::text to_text() const noexcept {
        const trama_detail::text host = address_text();
        if (family() == AF_UNSPEC) return host;
        const bool has_colon = std::strchr(host.c_str(), ':') != nullptr;
        return trama_detail::text(has_colon ? "[%s]:%u" : "%s:%u", host.c_str(), unsigned{port()});
    }

    /// For system calls: the address in their form, and its size in bytes.
    const sockaddr* data() const noexcept { return &address_.generic; }
    socklen_t size() const noexcept {
        return family() == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    }

    friend bool operator==(const endpoint& left, const endpoint& right) noexcept {
        return compare(left, right) == 0;
    }
    friend bool operator!=(const endpoint& left, const endpoint& right) noexcept {
        return compare(left, right) != 0;
    }

    /// An order for std::map, of no other meaning.
    friend bool operator<(const endpoint& left, const endpoint& right) noexcept {
        return compare(left, right) < 0;
    }

    /// Prints to_string(). A template, so that this header needs no <ostream>.
    template <typename Traits>
    friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out,
                                                        const endpoint& end) {
        return out << end.to_string();
    }

private:
    static int compare(const endpoint& left, const endpoint& right) noexcept {
        return std::memcmp(&left.address_, &right.address_, sizeof left.address_);
    }

    trama_detail::text address_text() const noexcept {
        char host[72];  // the longest: an IPv6 address, %, the name of an interface
        const int error =
            ::getnameinfo(data(), size(), host, sizeof host, nullptr, 0, NI_NUMERICHOST);
        return trama_detail::text("%s", error == 0 ? host : "nowhere");
    }

    union {
        sockaddr_in6 v6;  // first, because it is the largest: so all of it starts as 0
        sockaddr_in v4;
        sockaddr generic;
    } address_ = {};
};

namespace trama_detail {

[[noreturn]] inline void throw_system_error(int error, const char* operation,
                                            const endpoint& where) {
    throw_system_error(error, operation, where.to_text().c_str());
}

/// The result of a call that must succeed. Throws network_error, which names `where`.
inline const call_result& expect(const call_result& result, const char* operation,
                                 const endpoint& where) {
    if (result.failed()) throw_system_error(result.error, operation, where);
    return result;
}

/// Room for the address of either family, filled in by a system call.
struct address_buffer {
    sockaddr_storage storage;
    socklen_t size = sizeof storage;

    address_buffer() noexcept { storage.ss_family = AF_UNSPEC; }

    sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
    endpoint value() noexcept { return {data(), size}; }
};

}  // namespace trama_detail

}  // namespace trama

/// For std::unordered_map and std::unordered_set.
template <>
struct std::hash<trama::endpoint> {
    std::size_t operator()(const trama::endpoint& end) const noexcept {
        const auto* bytes = reinterpret_cast<const char*>(end.data());
        return std::hash<std::string_view>()({bytes, end.size()});
    }
};

#endif  // TRAMA_NET_ENDPOINT_HPP

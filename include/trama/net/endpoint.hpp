// trama/net/endpoint.hpp -- an address and a port, IPv4 or IPv6, and how both are shown.
// man 7 ip, man 7 ipv6, man 3 getnameinfo
#pragma once

#include <trama/base/error.hpp>

#include <cstdint>
#include <iosfwd>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace trama {

namespace trama_detail {

/// An address as text, held in place and not in a string: so the trace and error texts need no
/// memory for it.
class address_text {
public:
    [[gnu::cold]] address_text(const sockaddr* address, socklen_t size) noexcept {
        char port[8];
        const int flags = NI_NUMERICHOST | NI_NUMERICSERV;
        if (::getnameinfo(address, size, host_, sizeof host_, port, sizeof port, flags) == 0) {
            std::snprintf(whole_, sizeof whole_,
                          std::strchr(host_, ':') == nullptr ? "%s:%s" : "[%s]:%s", host_, port);
        } else {
            std::strcpy(whole_, std::strcpy(host_, "nowhere"));
        }
    }

    const char* host() const noexcept { return host_; }
    const char* host_and_port() const noexcept { return whole_; }

private:
    char host_[72];  // the longest: an IPv6 address, %, the name of an interface
    char whole_[80];
};

}  // namespace trama_detail

/// One end of a conversation. A value: copy and compare it freely.
class endpoint {
public:
    /// No address at all; to_string() says "nowhere".
    endpoint() noexcept = default;

    /// From what the system filled in: a sockaddr_in or sockaddr_in6 (but for its flow label) of
    /// `size` bytes. Any other family gives "nowhere".
    [[gnu::noinline]] endpoint(const sockaddr* address, std::size_t size) noexcept {
        const int given = size < sizeof(sockaddr_in) ? AF_UNSPEC : address->sa_family;
        // Only what counts, the rest stays 0: so equal endpoints are equal byte for byte.
        if (given == AF_INET) std::memcpy(&address_.v4, address, offsetof(sockaddr_in, sin_zero));
        if (given != AF_INET6 || size < sizeof(sockaddr_in6)) return;
        std::memcpy(&address_.v6, address, sizeof(sockaddr_in6));
        address_.v6.sin6_flowinfo = 0;
    }

    /// The address in numbers: "127.0.0.1", "::1", "fe80::1%eth0"; "nowhere" for none.
    [[gnu::noinline]] std::string address() const {
        trama_detail::not_rare();
        return trama_detail::address_text(data(), size()).host();
    }

    /// The port, 0 to 65,535.
    std::uint16_t port() const noexcept {
        return ntohs(family() == AF_INET6 ? address_.v6.sin6_port : address_.v4.sin_port);
    }

    /// AF_INET, AF_INET6, or AF_UNSPEC for none.
    int family() const noexcept { return address_.generic.sa_family; }

    /// "127.0.0.1:5000"; "[::1]:5000", with brackets because the address itself holds colons.
    [[gnu::noinline]] std::string to_string() const {
        trama_detail::not_rare();
        return trama_detail::address_text(data(), size()).host_and_port();
    }

    /// For system calls: the address as they want it, and its size in bytes.
    const sockaddr* data() const noexcept { return &address_.generic; }
    socklen_t size() const noexcept {
        return family() == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    }

    friend bool operator==(const endpoint& left, const endpoint& right) noexcept {
        return std::memcmp(&left.address_, &right.address_, sizeof left.address_) == 0;
    }
    friend bool operator!=(const endpoint& left, const endpoint& right) noexcept {
        return !(left == right);
    }

    /// Prints to_string(). A template, so that this header needs no <ostream>.
    template <typename Traits>
    friend std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& out,
                                                        const endpoint& end) {
        return out << end.to_string();
    }

private:
    union {
        sockaddr_in6 v6;  // first, because it is the largest: so all of it starts as 0
        sockaddr_in v4;
        sockaddr generic;
    } address_ = {};
};

namespace trama_detail {

/// The address as errors and the trace show it.
inline address_text shown(const endpoint& where) noexcept {
    return {where.data(), where.size()};
}

[[noreturn, gnu::cold]] inline void throw_system_error(int error, const char* operation,
                                                       const endpoint& where) {
    throw_system_error(error, operation, shown(where).host_and_port());
}

/// The value of a call that must succeed. Throws network_error, which names `where`.
inline long check(const char* operation, const call_result& result, const endpoint& where) {
    if (result.failed()) throw_system_error(result.error, operation, where);
    return result.value;
}

/// Room for the address of either family, filled in by a system call.
struct address_buffer {
    sockaddr_storage storage;
    socklen_t size = sizeof storage;

    address_buffer() noexcept { storage.ss_family = AF_UNSPEC; }

    sockaddr* data() noexcept { return reinterpret_cast<sockaddr*>(&storage); }
    endpoint value() noexcept { return {data(), size}; }
};

/// Asks for the address at one `end` of `fd`, by getsockname(2) or getpeername(2); `name` is which.
[[gnu::cold]] inline call_result ask_endpoint(int fd, int (*ask)(int, sockaddr*, socklen_t*),
                                              const char* name, endpoint& end) noexcept {
    address_buffer address;
    const call_result result = system_call([&] { return ask(fd, address.data(), &address.size); });
    end = address.value();
    if (tracing()) trace(fd, result.error, "%s: %s", name, shown(end).host_and_port());
    return result;
}

}  // namespace trama_detail

}  // namespace trama

// trama/net/endpoint.hpp -- an address and a port, IPv4 or IPv6, and how names become addresses.
// man 7 ip, man 7 ipv6, man 3 getaddrinfo, man 3 getnameinfo
#pragma once

#include <trama/error.hpp>

#include <cstdint>
#include <iosfwd>
#include <vector>

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace trama {

/// One end of a conversation. A value: copy and compare it freely.
class endpoint {
public:
    /// No address at all; to_string() says "nowhere".
    endpoint() noexcept = default;

    /// From what the system filled in: a sockaddr_in or sockaddr_in6 of `size` bytes. Any other
    /// family gives "nowhere".
    endpoint(const sockaddr* address, std::size_t size) noexcept {
        const int given = size < sizeof(sockaddr_in) ? AF_UNSPEC : address->sa_family;
        if (given == AF_INET) std::memcpy(&address_.v4, address, sizeof(sockaddr_in));
        if (given == AF_INET6 && size >= sizeof(sockaddr_in6))
            std::memcpy(&address_.v6, address, sizeof(sockaddr_in6));
    }

    /// The address in numbers: "127.0.0.1", "::1", "fe80::1%eth0"; "nowhere" for none.
    [[gnu::noinline]] std::string address() const {
        char text[NI_MAXHOST] = "nowhere";
        if (family() != AF_UNSPEC)
            ::getnameinfo(data(), size(), text, sizeof text, nullptr, 0, NI_NUMERICHOST);
        return text;
    }

    /// The port, 0 to 65,535.
    std::uint16_t port() const noexcept {
        return ntohs(family() == AF_INET6 ? address_.v6.sin6_port : address_.v4.sin_port);
    }

    /// AF_INET, AF_INET6, or AF_UNSPEC for none.
    int family() const noexcept { return address_.generic.sa_family; }

    /// "127.0.0.1:5000"; "[::1]:5000", with brackets because the address itself holds colons.
    [[gnu::noinline]] std::string to_string() const {
        if (family() == AF_UNSPEC) return address();
        const char* form = family() == AF_INET6 ? "[%s]:%u" : "%s:%u";
        return detail::text(form, address().c_str(), unsigned{port()});
    }

    /// For system calls: the address as they want it, and its size in bytes.
    const sockaddr* data() const noexcept { return &address_.generic; }
    socklen_t size() const noexcept {
        return family() == AF_INET6 ? sizeof(sockaddr_in6) : sizeof(sockaddr_in);
    }

    friend bool operator==(const endpoint& left, const endpoint& right) noexcept {
        if (left.family() != right.family() || left.port() != right.port()) return false;
        if (left.family() != AF_INET6)
            return left.address_.v4.sin_addr.s_addr == right.address_.v4.sin_addr.s_addr;
        const sockaddr_in6& one = left.address_.v6;
        const sockaddr_in6& other = right.address_.v6;
        return one.sin6_scope_id == other.sin6_scope_id &&
               std::memcmp(&one.sin6_addr, &other.sin6_addr, sizeof one.sin6_addr) == 0;
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

/// What an address is wanted for: to call somebody, or to be called at.
enum class address_use { connect, listen };

namespace detail {

[[noreturn, gnu::cold]] inline void throw_system_error(int error, const char* operation,
                                                       const endpoint& where) {
    throw_system_error(error, operation, where.to_string().c_str());
}

/// The value of a call that must succeed. Throws network_error, which names `where`.
inline long check(const char* operation, const call_result& result, const endpoint& where) {
    if (result.failed()) throw_system_error(result.error, operation, where);
    return result.value;
}

/// Tells a call that was about an address.
[[gnu::cold]] inline void trace_address(int fd, int error, const char* call,
                                        const endpoint& where) {
    trace(fd, error, "%s %s", call, where.to_string().c_str());
}

/// The errors of getaddrinfo(3), which are not errno values.
class resolve_category : public std::error_category {
public:
    const char* name() const noexcept override { return "getaddrinfo"; }
    std::string message(int code) const override { return ::gai_strerror(code); }

    static const std::error_category& instance() noexcept {
        static const resolve_category category;
        return category;
    }
};

[[gnu::noinline]] inline std::string host_and_port(const std::string& host, int port) {
    const char* form = host.find(':') == std::string::npos ? "%s:%d" : "[%s]:%d";
    return text(form, escaped(host).c_str(), port);
}

[[noreturn, gnu::cold]] inline void throw_resolve_error(const std::error_code& code,
                                                        const std::string& host, int port,
                                                        const char* step) {
    const std::string where = host_and_port(host, port);
    throw network_error(code, error_text("resolve", where.c_str(), code, step));
}

/// What getaddrinfo(3) cannot be asked.
[[gnu::noinline]] inline void check_host_and_port(const std::string& host, int port) {
    const char* fault = nullptr;
    if (port < 0 || port > 65535) fault = "a port is a number from 0 to 65535";
    // It would stop at a NUL byte and look for another name.
    if (host.find('\0') != std::string::npos) fault = "a host name holds no NUL byte";
    if (fault != nullptr) throw_resolve_error({EINVAL, std::system_category()}, host, port, fault);
}

/// The list that getaddrinfo(3) makes, freed at the end.
struct address_list {
    address_list() noexcept = default;
    address_list(const address_list&) = delete;
    address_list& operator=(const address_list&) = delete;
    ~address_list() {
        if (first != nullptr) ::freeaddrinfo(first);
    }

    addrinfo* first = nullptr;
};

}  // namespace detail

/// Every address of `host` (a name, or an address in numbers) with `port`, 0 to 65535, best first.
/// Never empty. Throws network_error. It asks the name server and waits as long as that takes.
[[gnu::noinline]] inline std::vector<endpoint> resolve(const std::string& host, int port,
                                                       address_use use = address_use::connect,
                                                       int socket_type = SOCK_STREAM) {
    detail::check_host_and_port(host, port);
    addrinfo wanted{};
    wanted.ai_socktype = socket_type;
    wanted.ai_flags = AI_NUMERICSERV | (use == address_use::listen ? AI_PASSIVE : 0);
    char service[8];
    std::snprintf(service, sizeof service, "%d", port);
    detail::address_list list;
    const int code = ::getaddrinfo(host.c_str(), service, &wanted, &list.first);
    if (tracing())
        detail::trace(-1, 0, "getaddrinfo %s%s", detail::host_and_port(host, port).c_str(),
                      code == 0 ? "" : ": failed");
    // RFC 6761: this name is the loopback address, also where the system has no table of hosts.
    if (code != 0 && host == "localhost") return resolve("127.0.0.1", port, use, socket_type);
    if (code == EAI_SYSTEM)  // it says no more than "look at errno"
        detail::throw_resolve_error({errno, std::system_category()}, host, port, "");
    if (code != 0)
        detail::throw_resolve_error({code, detail::resolve_category::instance()}, host, port,
                                    code == EAI_NONAME ? "no such host: check the spelling" : "");
    std::size_t count = 0;
    for (const addrinfo* each = list.first; each != nullptr; each = each->ai_next) ++count;
    std::vector<endpoint> found(count);
    const addrinfo* next = list.first;
    for (endpoint& each : found) {
        each = endpoint(next->ai_addr, next->ai_addrlen);
        next = next->ai_next;
    }
    return found;
}

/// The one to take where only one can be: the first IPv4 address, else the first. "localhost" is
/// both, and many programs know IPv4 only.
inline const endpoint& preferred(const std::vector<endpoint>& addresses) noexcept {
    for (const endpoint& each : addresses)
        if (each.family() == AF_INET) return each;
    return addresses.front();
}

}  // namespace trama

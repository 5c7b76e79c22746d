// trama/net/resolve.hpp -- how names become addresses. man 3 getaddrinfo
#ifndef TRAMA_NET_RESOLVE_HPP
#define TRAMA_NET_RESOLVE_HPP

#include <trama/net/endpoint.hpp>

#include <vector>

namespace trama {

/// A port, 0 to 65535, as a number or as text: 5000, "5000", argv[2]. resolve() checks it.
class port_number {
public:
    port_number(int number) : text_(std::to_string(number)) {}
    port_number(const char* digits) : text_(digits == nullptr ? "" : digits) {}
    port_number(std::string digits) noexcept : text_(std::move(digits)) {}

    /// True for 1 to 5 digits whose value is at most 65535: no sign, no space, no name.
    bool is_valid() const noexcept {
        if (text_.empty() || text_.size() > 5) return false;
        int value = 0;
        for (const char digit : text_) {
            if (digit < '0' || digit > '9') return false;
            value = value * 10 + (digit - '0');
        }
        return value <= 65535;
    }

    const std::string& text() const noexcept { return text_; }

private:
    std::string text_;
};

namespace trama_detail {

/// "host:port" as errors and the trace show it.
inline text host_and_port(const std::string& host, const port_number& port) noexcept {
    constexpr std::size_t most = 128;
    const text name = text().add_escaped(host, most);
    const text number = text().add_escaped(port.text(), most);
    const bool has_colon = host.find(':') != std::string::npos;
    return text(has_colon ? "[%s%s]:%s" : "%s%s:%s", name.c_str(), host.size() > most ? "..." : "",
                number.c_str());
}

[[noreturn]] inline void throw_not_resolved(const std::string& host, const port_number& port,
                                            int code, const char* reason, const char* step) {
    throw_explained(code, "resolve", host_and_port(host, port).c_str(), reason, step);
}

/// Throws if getaddrinfo(3) would look for another host or port than the caller means.
inline void check_host_and_port(const std::string& host, const port_number& port) {
    const char* fault = "";
    if (!port.is_valid()) fault = "a port is a number from 0 to 65535";
    if (host.find('\0') != std::string::npos) fault = "a host name holds no NUL byte";
    if (*fault != '\0') throw_not_resolved(host, port, EINVAL, std::strerror(EINVAL), fault);
}

/// True for a name with a port behind it, such as "localhost:5000"; false for "::1".
inline bool has_port_inside(const std::string& host) noexcept {
    const std::size_t colon = host.find(':');
    return colon != std::string::npos && colon == host.rfind(':') &&
           port_number(host.substr(colon + 1)).is_valid();
}

/// `error`: a result of getaddrinfo(3). It is no errno, so code() gets the nearest one.
[[noreturn]] inline void throw_resolve_error(const std::string& host, const port_number& port,
                                             int error) {
    const int system_error = errno != 0 ? errno : EIO;
    int code = ENXIO;
    if (error == EAI_AGAIN) code = EAGAIN;
    if (error == EAI_MEMORY) code = ENOMEM;
    if (error == EAI_SYSTEM) code = system_error;
    const char* step = "";
    if (error == EAI_SYSTEM) step = std::strerror(system_error);
    if (error == EAI_NONAME) step = "no such host: check the spelling";
    if (has_port_inside(host)) step = "give the port apart from the host, as a second argument";
    throw_not_resolved(host, port, code, ::gai_strerror(error), step);
}

/// Owns the list that getaddrinfo(3) makes.
struct address_list {
    address_list() noexcept = default;
    address_list(const address_list&) = delete;
    address_list& operator=(const address_list&) = delete;
    ~address_list() {
        if (first != nullptr) ::freeaddrinfo(first);
    }

    addrinfo* first = nullptr;
};

}  // namespace trama_detail

/// Returns every address of `host` (a name, or an address in numbers) with `port`, best first;
/// never empty. Waits for the name server as long as that takes. Throws network_error; code() of an
/// unknown host is std::errc::no_such_device_or_address.
[[nodiscard]] inline std::vector<endpoint> resolve(const std::string& host, const port_number& port,
                                                   int socket_type = SOCK_STREAM) {
    trama_detail::check_host_and_port(host, port);
    addrinfo wanted{};
    wanted.ai_socktype = socket_type;
    wanted.ai_flags = AI_NUMERICSERV;
    const char* service = port.text().c_str();
    trama_detail::address_list found;
    errno = 0;  // glibc does not always say more than EAI_SYSTEM
    int error = ::getaddrinfo(host.c_str(), service, &wanted, &found.first);
    // RFC 6761: this name is the loopback address, also where the system has no table of hosts.
    if (error != 0 && host == "localhost")
        error = ::getaddrinfo("127.0.0.1", service, &wanted, &found.first);
    if (tracing())
        trama_detail::write_trace(
            -1, 0,
            trama_detail::text("getaddrinfo %s%s", trama_detail::host_and_port(host, port).c_str(),
                               error == 0 ? "" : ": failed"));
    if (error != 0) trama_detail::throw_resolve_error(host, port, error);
    std::vector<endpoint> addresses;
    for (const addrinfo* each = found.first; each != nullptr; each = each->ai_next)
        addresses.emplace_back(each->ai_addr, each->ai_addrlen);
    return addresses;
}

/// Returns the one of `addresses` to use where only one can be: the first IPv4 address, else the
/// first. "localhost" is both, and many programs know IPv4 only.
inline endpoint preferred(const std::vector<endpoint>& addresses) {
    for (const endpoint& each : addresses) {
        if (each.family() == AF_INET) return each;
    }
    return addresses.front();
}

}  // namespace trama

#endif  // TRAMA_NET_RESOLVE_HPP

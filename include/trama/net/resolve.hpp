// trama/net/resolve.hpp -- how names become addresses. man 3 getaddrinfo
#pragma once

#include <trama/net/endpoint.hpp>

namespace trama {

/// What an address is wanted for: to call somebody, or to be called at.
enum class address_use { connect, listen };

namespace trama_detail {

[[gnu::cold]] inline text host_and_port(const std::string& host, int port) noexcept {
    return text(std::strchr(host.c_str(), ':') == nullptr ? "%s%s:%d" : "[%s%s]:%d",
                escaped_text(128, host).c_str(), host.size() > 128 ? "..." : "", port);
}

[[noreturn, gnu::cold]] inline void throw_not_resolved(const std::string& host, int port, int code,
                                                       const char* reason, const char* step) {
    throw_network_error(code, "resolve", host_and_port(host, port).c_str(), reason, step);
}

/// `error`: what getaddrinfo(3) returned. It is no errno, so code() gets the nearest one.
[[noreturn, gnu::cold]] inline void throw_resolve_error(const std::string& host, int port,
                                                        int error) {
    int code = error == EAI_AGAIN ? EAGAIN : error == EAI_MEMORY ? ENOMEM : ENXIO;
    const char* step = error == EAI_NONAME ? "no such host: check the spelling" : "";
    if (error == EAI_SYSTEM) step = std::strerror(code = errno);
    throw_not_resolved(host, port, code, ::gai_strerror(error), step);
}

/// What getaddrinfo(3) cannot be asked.
[[gnu::cold]] inline void check_host_and_port(const std::string& host, int port) {
    const char* fault = nullptr;
    if (port < 0 || port > 65535) fault = "a port is a number from 0 to 65535";
    // It would stop at a NUL byte and look for another name.
    if (std::strlen(host.c_str()) < host.size()) fault = "a host name holds no NUL byte";
    if (fault != nullptr) throw_not_resolved(host, port, EINVAL, std::strerror(EINVAL), fault);
}

}  // namespace trama_detail

/// The addresses of a host, best first; never empty. Owns the list that getaddrinfo(3) made.
class address_list {
public:
    /// Walks over the addresses.
    class iterator {
    public:
        explicit iterator(const addrinfo* at) noexcept : at_(at) {}
        endpoint operator*() const noexcept { return {at_->ai_addr, at_->ai_addrlen}; }
        iterator& operator++() noexcept {
            at_ = at_->ai_next;
            return *this;
        }
        bool operator!=(const iterator& other) const noexcept { return at_ != other.at_; }

    private:
        const addrinfo* at_;
    };

    address_list(const address_list&) = delete;
    address_list& operator=(const address_list&) = delete;
    ~address_list() {
        if (first_ != nullptr) ::freeaddrinfo(first_);
    }

    iterator begin() const noexcept { return iterator(first_); }
    iterator end() const noexcept { return iterator(nullptr); }

    endpoint front() const noexcept { return *begin(); }

    std::size_t size() const noexcept {
        std::size_t count = 0;
        for (const addrinfo* each = first_; each != nullptr; each = each->ai_next) ++count;
        return count;
    }

private:
    friend address_list resolve(const std::string&, int, address_use, int);

    [[gnu::cold, gnu::noinline]] address_list(const std::string& host, int port, address_use use,
                                              int socket_type) {
        trama_detail::check_host_and_port(host, port);
        addrinfo wanted{};
        wanted.ai_socktype = socket_type;
        wanted.ai_flags = AI_NUMERICSERV | (use == address_use::listen ? AI_PASSIVE : 0);
        const trama_detail::text service("%d", port);
        int error = ::getaddrinfo(host.c_str(), service.c_str(), &wanted, &first_);
        // RFC 6761: this name is the loopback address, also where the system has no table of hosts.
        if (error != 0 && std::strcmp(host.c_str(), "localhost") == 0)
            error = ::getaddrinfo("127.0.0.1", service.c_str(), &wanted, &first_);
        if (tracing())
            trama_detail::trace(-1, 0, "getaddrinfo %s%s",
                                trama_detail::host_and_port(host, port).c_str(),
                                error == 0 ? "" : ": failed");
        if (error != 0) trama_detail::throw_resolve_error(host, port, error);
    }

    addrinfo* first_ = nullptr;
};

/// Every address of `host` (a name, or an address in numbers) with `port`, 0 to 65535. Throws
/// network_error; code() of an unknown host is std::errc::no_such_device_or_address. It asks the
/// name server and waits as long as that takes.
inline address_list resolve(const std::string& host, int port,
                            address_use use = address_use::connect, int socket_type = SOCK_STREAM) {
    trama_detail::not_rare();
    return {host, port, use, socket_type};
}

/// The one of resolve() to take where only one can be: the first IPv4 address, else the first.
/// "localhost" is both, and many programs know IPv4 only.
template <typename Addresses>
endpoint preferred(const Addresses& addresses) noexcept {
    for (const endpoint each : addresses)
        if (each.family() == AF_INET) return each;
    return addresses.front();
}

}  // namespace trama

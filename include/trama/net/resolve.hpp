// trama/net/resolve.hpp -- how names become addresses. man 3 getaddrinfo
#pragma once

#include <trama/net/endpoint.hpp>

#include <vector>

namespace trama {

/// What an address is wanted for: to call somebody, or to be called at.
enum class address_use { connect, listen };

namespace detail {

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

[[gnu::cold]] inline std::string host_and_port(const std::string& host, int port) {
    const char* form = host.find(':') == std::string::npos ? "%s:%d" : "[%s]:%d";
    return text(form, escaped(host).c_str(), port);
}

/// `error`: what getaddrinfo(3) returned.
[[noreturn, gnu::cold]] inline void throw_resolve_error(int error, const std::string& host,
                                                        int port) {
    const int system_error = errno;  // EAI_SYSTEM says no more than "look at errno"
    const std::string where = host_and_port(host, port);
    if (error == EAI_SYSTEM) throw_system_error(system_error, "resolve", where.c_str());
    throw_network_error({error, resolve_category::instance()}, "resolve", where.c_str(),
                        ::gai_strerror(error),
                        error == EAI_NONAME ? "no such host: check the spelling" : "");
}

/// What getaddrinfo(3) cannot be asked.
[[gnu::noinline]] inline void check_host_and_port(const std::string& host, int port) {
    const char* fault = nullptr;
    if (port < 0 || port > 65535) fault = "a port is a number from 0 to 65535";
    // It would stop at a NUL byte and look for another name.
    if (host.find('\0') != std::string::npos) fault = "a host name holds no NUL byte";
    if (fault == nullptr) return;
    throw_network_error({EINVAL, std::system_category()}, "resolve",
                        host_and_port(host, port).c_str(), std::strerror(EINVAL), fault);
}

/// The addresses that getaddrinfo(3) finds, in its own list, which is freed at the end.
class address_list {
public:
    [[gnu::noinline]] address_list(const std::string& host, int port, address_use use,
                                   int socket_type) {
        check_host_and_port(host, port);
        addrinfo wanted{};
        wanted.ai_socktype = socket_type;
        wanted.ai_flags = AI_NUMERICSERV | (use == address_use::listen ? AI_PASSIVE : 0);
        char service[8];
        std::snprintf(service, sizeof service, "%d", port);
        int error = ::getaddrinfo(host.c_str(), service, &wanted, &first_);
        // RFC 6761: this name is the loopback address, also where the system has no table of hosts.
        if (error != 0 && host == "localhost")
            error = ::getaddrinfo("127.0.0.1", service, &wanted, &first_);
        if (tracing())
            trace(-1, 0, "getaddrinfo %s%s", host_and_port(host, port).c_str(),
                  error == 0 ? "" : ": failed");
        if (error != 0) throw_resolve_error(error, host, port);
    }
    address_list(const address_list&) = delete;
    address_list& operator=(const address_list&) = delete;
    ~address_list() { ::freeaddrinfo(first_); }

    /// The best one; the next stands in its ai_next.
    const addrinfo* first() const noexcept { return first_; }

    std::size_t size() const noexcept {
        std::size_t count = 0;
        for (const addrinfo* each = first_; each != nullptr; each = each->ai_next) ++count;
        return count;
    }

private:
    addrinfo* first_ = nullptr;
};

}  // namespace detail

/// Every address of `host` (a name, or an address in numbers) with `port`, 0 to 65535, best first.
/// Never empty. Throws network_error. It asks the name server and waits as long as that takes.
[[gnu::noinline]] inline std::vector<endpoint> resolve(const std::string& host, int port,
                                                       address_use use = address_use::connect,
                                                       int socket_type = SOCK_STREAM) {
    const detail::address_list list(host, port, use, socket_type);
    std::vector<endpoint> found;
    for (const addrinfo* each = list.first(); each != nullptr; each = each->ai_next)
        found.emplace_back(each->ai_addr, each->ai_addrlen);
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

// The same echo client with errors as exceptions and bytes in strings: the least that a wrapper
// worth having costs. The goals of include_cost.py are multiples of this.
#include <cerrno>
#include <cstdio>
#include <string>
#include <system_error>
#include <vector>

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

[[noreturn]] void fail(const std::string& what) {
    throw std::system_error(errno, std::system_category(), what);
}

int try_address(const addrinfo& address) {
    const int fd = ::socket(address.ai_family, address.ai_socktype, 0);
    if (fd != -1 && ::connect(fd, address.ai_addr, address.ai_addrlen) == -1) {
        ::close(fd);
        return -1;
    }
    return fd;
}

std::vector<addrinfo> resolve(const std::string& host, const std::string& port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;  // never freed: the program is over soon
    if (::getaddrinfo(host.c_str(), port.c_str(), &hints, &found) != 0) fail("resolve " + host);
    std::vector<addrinfo> addresses;
    for (const addrinfo* each = found; each != nullptr; each = each->ai_next)
        addresses.push_back(*each);
    return addresses;
}

int connect_to(const std::string& host, const std::string& port) {
    for (const addrinfo& each : resolve(host, port)) {
        const int fd = try_address(each);
        if (fd != -1) return fd;
    }
    fail("connect to " + host);
}

void send_all(int fd, const std::string& bytes) {
    for (std::size_t sent = 0; sent < bytes.size();) {
        const ssize_t count = ::send(fd, &bytes[sent], bytes.size() - sent, MSG_NOSIGNAL);
        if (count == -1) fail("send");
        sent += static_cast<std::size_t>(count);
    }
}

std::string recv_exact(int fd, std::size_t size) {
    std::string bytes(size, '\0');
    for (std::size_t received = 0; received < size;) {
        const ssize_t count = ::recv(fd, &bytes[received], size - received, 0);
        if (count <= 0) fail("recv");
        received += static_cast<std::size_t>(count);
    }
    return bytes;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    try {
        const std::string text = argv[3];
        const int fd = connect_to(argv[1], argv[2]);
        send_all(fd, text);
        std::puts(recv_exact(fd, text.size()).c_str());
        ::close(fd);
    } catch (const std::exception& error) {
        std::fprintf(stderr, "echo: %s\n", error.what());
        return 1;
    }
}

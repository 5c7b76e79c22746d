// An echo client on the system calls alone: the least that any program on sockets costs to compile.
#include <cstdio>
#include <cstring>

#include <netdb.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

int connect_to(const char* host, const char* port) {
    addrinfo hints{};
    hints.ai_socktype = SOCK_STREAM;
    addrinfo* found = nullptr;
    if (::getaddrinfo(host, port, &hints, &found) != 0) return -1;
    int fd = -1;
    for (const addrinfo* each = found; each != nullptr && fd == -1; each = each->ai_next) {
        fd = ::socket(each->ai_family, each->ai_socktype, 0);
        if (fd != -1 && ::connect(fd, each->ai_addr, each->ai_addrlen) == -1) {
            ::close(fd);
            fd = -1;
        }
    }
    ::freeaddrinfo(found);
    return fd;
}

bool send_all(int fd, const char* bytes, size_t size) {
    while (size > 0) {
        const ssize_t count = ::send(fd, bytes, size, MSG_NOSIGNAL);
        if (count == -1) return false;
        bytes += count;
        size -= static_cast<size_t>(count);
    }
    return true;
}

bool recv_exact(int fd, char* memory, size_t size) {
    while (size > 0) {
        const ssize_t count = ::recv(fd, memory, size, 0);
        if (count <= 0) return false;
        memory += count;
        size -= static_cast<size_t>(count);
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    const int fd = connect_to(argv[1], argv[2]);
    char answer[1024] = {};
    const size_t size = std::strlen(argv[3]);
    if (fd == -1 || size >= sizeof answer || !send_all(fd, argv[3], size) ||
        !recv_exact(fd, answer, size)) {
        std::perror("echo");
        return 1;
    }
    std::puts(answer);
    ::close(fd);
}

// examples/21_check/zoo/zoo.hpp -- what the wrong programs share, and none of their errors.
//
// They call the system as in a course of C, without trama: some of their errors cannot be made with
// it. man 7 ip, man 2 listen, man 2 accept
#pragma once

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace zoo {

inline sockaddr_in address_of(const char* port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<unsigned short>(std::atoi(port)));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    return address;
}

/// Returns a socket that listens at the port, or ends the program.
inline int listen_at(const char* port, bool reuse = true) {
    const int listener = ::socket(AF_INET, SOCK_STREAM, 0);
    const int on = 1;
    if (reuse) ::setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    const sockaddr_in address = address_of(port);
    const auto* general = reinterpret_cast<const sockaddr*>(&address);
    if (::bind(listener, general, sizeof address) != 0 || ::listen(listener, 10) != 0) {
        ::perror("bind or listen");
        std::exit(1);
    }
    return listener;
}

inline int accept_from(int listener) {
    return ::accept(listener, nullptr, nullptr);
}

/// Receives once. Empty: the client has closed, or its connection is broken.
inline std::string receive(int client) {
    char bytes[65536];
    const ssize_t count = ::recv(client, bytes, sizeof bytes, 0);
    return {bytes, static_cast<std::size_t>(count > 0 ? count : 0)};
}

/// Sends all. Returns false if the client has gone.
inline bool send_all(int client, const std::string& bytes) {
    std::size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t count =
            ::send(client, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
        if (count <= 0) return false;
        done += static_cast<std::size_t>(count);
    }
    return true;
}

/// Receives exactly so many bytes; fewer if the stream ends before.
inline std::string receive_exactly(int client, std::size_t size) {
    std::string bytes(size, '\0');
    std::size_t done = 0;
    while (done < size) {
        const ssize_t count = ::recv(client, &bytes[done], size - done, 0);
        if (count <= 0) break;
        done += static_cast<std::size_t>(count);
    }
    bytes.resize(done);
    return bytes;
}

/// Serves one client after another. `answer` returns false when a client is finished.
[[noreturn]] inline void serve_one_after_another(int listener, bool (*answer)(int client)) {
    while (true) {
        const int client = accept_from(listener);
        bool goes_on = true;
        while (goes_on) {
            goes_on = answer(client);
        }
        ::close(client);
    }
}

}  // namespace zoo

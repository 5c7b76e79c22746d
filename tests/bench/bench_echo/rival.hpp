// rival.hpp -- what the hand-written echo servers and those on other libraries have in common: the
// command line, the listening socket and the frames. So they differ only in how they wait for many
// connections, and that is what is measured.
//
// man 3 getopt_long, man 7 tcp
#pragma once

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

namespace rival {

/// Every server here asks for this much in one receive call.
constexpr std::size_t receive_size = 64 * 1024;

[[noreturn]] inline void fail(const char* what) {
    std::perror(what);
    std::exit(1);
}

// ---- the command line ------------------------------------------------------------------------

struct options {
    bool framed = false;
    std::uint16_t port = 5000;
};

inline options parse(int argc, char** argv) {
    const option known[] = {{"framed", no_argument, nullptr, 'f'},
                            {"port", required_argument, nullptr, 'p'},
                            {nullptr, 0, nullptr, 0}};
    options given;
    for (int letter = 0; (letter = ::getopt_long(argc, argv, "fp:", known, nullptr)) != -1;) {
        if (letter == 'f') {
            given.framed = true;
        } else if (letter == 'p') {
            given.port = static_cast<std::uint16_t>(std::atoi(optarg));
        } else {
            std::fprintf(stderr, "usage: %s [--framed] [--port PORT]\n", argv[0]);
            std::exit(2);
        }
    }
    return given;
}

// ---- the listening socket --------------------------------------------------------------------

/// A non-blocking socket that listens on the loopback address; prints where. On Linux the accepted
/// sockets inherit TCP_NODELAY from it.
inline int listen_on(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd == -1) fail("socket");
    const int yes = 1;
    ::setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);

    sockaddr_in address{};
    socklen_t size = sizeof address;
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    auto* generic = reinterpret_cast<sockaddr*>(&address);
    if (::bind(fd, generic, size) == -1) fail("bind");
    if (::listen(fd, 4096) == -1) fail("listen");
    if (::getsockname(fd, generic, &size) == -1) fail("getsockname");
    std::printf("listening on 127.0.0.1:%d\n", ntohs(address.sin_port));
    std::fflush(stdout);
    return fd;
}

// ---- frames: four bytes of length, big-endian, and the payload -------------------------------

constexpr std::size_t header_size = 4;
constexpr std::size_t frame_limit = 16U << 20U;

inline std::size_t read_length(const char* bytes) {
    const auto* at = reinterpret_cast<const unsigned char*>(bytes);
    return std::size_t{at[0]} << 24U | std::size_t{at[1]} << 16U | std::size_t{at[2]} << 8U | at[3];
}

/// A new header, as in any server whose answers are not its questions.
inline void append_frame(std::string_view payload, std::string& answers) {
    const auto size = static_cast<unsigned>(payload.size());
    const char header[] = {static_cast<char>(size >> 24U), static_cast<char>(size >> 16U),
                           static_cast<char>(size >> 8U), static_cast<char>(size)};
    answers.append(header, header_size).append(payload);
}

/// Memory goes back: a connection holds some only while it has something to keep.
inline void release(std::string& bytes) {
    std::string().swap(bytes);
}

/// Cuts the stream of one connection into frames and answers them.
class frame_echo {
public:
    /// Appends to `answers` a frame for each one that is whole with `came`. False: the peer says
    /// that a frame is longer than we take.
    bool answer(std::string_view came, std::string& answers) {
        if (rest_.empty()) {
            const std::size_t used = answer_whole(came, answers);
            if (used < came.size()) rest_ = came.substr(used);
        } else {
            rest_.append(came);
            rest_.erase(0, answer_whole(rest_, answers));
            if (rest_.empty()) release(rest_);
        }
        return !too_long(rest_);
    }

private:
    static bool too_long(std::string_view bytes) {
        return bytes.size() >= header_size && read_length(bytes.data()) > frame_limit;
    }

    /// Answers the whole frames at the start of `bytes`; returns how many bytes they take.
    static std::size_t answer_whole(std::string_view bytes, std::string& answers) {
        const char* at = bytes.data();
        const char* end = at + bytes.size();
        while (end - at >= static_cast<std::ptrdiff_t>(header_size)) {
            const std::size_t length = read_length(at);
            if (length > frame_limit || static_cast<std::size_t>(end - at) - header_size < length)
                break;
            append_frame({at + header_size, length}, answers);
            at += header_size + length;
        }
        return static_cast<std::size_t>(at - bytes.data());
    }

    std::string rest_;  // the start of a frame that has not come whole
};

}  // namespace rival

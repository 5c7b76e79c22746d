// What the tests of sockets share: pairs of connected sockets, peers in a thread, a stopwatch, and
// the proof that a test leaves no descriptor behind.
#pragma once

#include "trama.hpp"

#include "catch.hpp"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <functional>
#include <future>
#include <set>
#include <string>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace test {

using namespace std::chrono_literals;

/// What the system says of `error`: the words differ from one C library to the next.
inline std::string reason(int error) {
    return std::generic_category().message(error);
}

/// The commands that errors advise, here and elsewhere: see trama/base/system.hpp.
#ifdef TRAMA_PLAIN_POSIX
inline const std::string show_addresses = "ifconfig";
inline const std::string show_routes = "netstat -rn";
inline std::string show_tcp_port(const std::string& port) {
    return "lsof -nP -iTCP:" + port;
}
#else
inline const std::string show_addresses = "ip address";
inline const std::string show_routes = "ip route";
inline std::string show_tcp_port(const std::string& port) {
    return "ss -tanp 'sport = :" + port + "'";
}
#endif

/// The numbers of all open descriptors.
inline std::set<int> open_descriptors() {
    std::set<int> open;
    for (int fd = 0; fd < 4096; ++fd)
        if (::fcntl(fd, F_GETFD) != -1) open.insert(fd);
    return open;
}

/// The fixture of every test of sockets: afterwards the same descriptors are open as before.
class net_test {
public:
    net_test() = default;
    net_test(const net_test&) = delete;
    net_test& operator=(const net_test&) = delete;
    ~net_test() { CHECK(open_descriptors() == before_); }

private:
    std::set<int> before_ = open_descriptors();
};

/// Both ends of one connection. Calls on them end after 20 s, so that a defect is no endless test.
struct stream_pair {
    trama::tcp_stream client;
    trama::tcp_stream server;
};

inline stream_pair with_time_outs(stream_pair pair) {
    pair.client.set_timeout(20s);
    pair.server.set_timeout(20s);
    return pair;
}

/// Two ends of a TCP connection over loopback.
inline stream_pair tcp_pair(const std::string& host = "127.0.0.1") {
    auto listener = trama::tcp_listener::listen(host, 0);
    auto client = trama::tcp_stream::connect(host, listener.local_endpoint().port());
    return with_time_outs({std::move(client), listener.accept()});
}

/// Two ends of a socketpair(2): no network, small buffers, and a send is readable when it returns.
inline stream_pair local_pair() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == -1)
        throw std::runtime_error("socketpair");
    return with_time_outs(
        {trama::tcp_stream(trama::unique_fd(fds[0])), trama::tcp_stream(trama::unique_fd(fds[1]))});
}

/// Runs `function` in a thread. get() of what it returns joins, and throws what it threw; so does
/// its destructor, without the throw. Catch2's assertions belong to the main thread. std::async is
/// compiled anew for each type that it gets, which takes long: so it gets few types.
template <typename Function>
auto in_background(Function function) {
    std::function<decltype(function())()> call = std::move(function);
    return std::async(std::launch::async, std::move(call));
}

/// Lets time pass: the pace of a slow peer. Tests wait for events, never for this.
inline void pause(std::chrono::milliseconds time) {
    ::poll(nullptr, 0, static_cast<int>(time.count()));
}

/// Bytes of memory that this program uses; 0 where the kernel does not tell. man 5 proc
inline std::size_t memory_in_use() {
    std::ifstream statm("/proc/self/statm");
    std::size_t reserved = 0;
    std::size_t used = 0;  // both in pages
    statm >> reserved >> used;
    return used * static_cast<std::size_t>(::sysconf(_SC_PAGESIZE));
}

/// Seconds in which threads of this program could have run and had no processor; 0 where the kernel
/// does not tell. man 5 proc
inline double seconds_without_processor() {
    double sum = 0;
    std::error_code none;
    for (const auto& thread : std::filesystem::directory_iterator("/proc/self/task", none)) {
        std::ifstream file(thread.path() / "schedstat");
        double used = 0;
        double waited = 0;  // both in nanoseconds
        if (file >> used >> waited) sum += waited / 1e9;
    }
    return sum;
}

class stopwatch {
public:
    double seconds() const {
        return std::chrono::duration<double>(std::chrono::steady_clock::now() - start_).count();
    }

    /// For "at most": without the time that a busy machine took from this program.
    double undisturbed_seconds() const {
        return seconds() - std::max(0.0, seconds_without_processor() - without_processor_);
    }

private:
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    double without_processor_ = seconds_without_processor();
};

/// The network_error that `function` ends with: its code, its text, and how long it took.
struct outcome {
    std::error_code code;
    std::string text;
    double seconds = 0;
    double undisturbed_seconds = 0;  ///< see stopwatch
};

template <typename Function>
outcome failure_of(Function function) {
    const stopwatch watch;
    try {
        function();
    } catch (const trama::network_error& error) {
        return {error.code(), error.what(), watch.seconds(), watch.undisturbed_seconds()};
    }
    return {{}, "no error", watch.seconds()};
}

inline bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
}

/// `size` bytes of every value, no two neighbours alike; the same each time.
inline std::string any_bytes(std::size_t size) {
    std::string bytes(size, '\0');
    std::uint32_t state = 1;
    for (char& byte : bytes) {
        state = state * 1664525U + 1013904223U;
        byte = static_cast<char>(state >> 24U);
    }
    return bytes;
}

/// For `return skip("why")` at the top of a test: what was not tested is said out loud.
inline void skip(const std::string& why) {
    WARN("SKIPPED: " << why);
}

/// True when /proc is mounted, as it is everywhere but in a bare chroot.
inline bool has_proc() {
    return ::access("/proc/self/fd", R_OK) == 0;
}

/// True when somebody can be called at ::1 on this machine.
inline bool has_ipv6() {
    try {
        static_cast<void>(trama::tcp_listener::listen("::1", 0));
        return true;
    } catch (const trama::network_error&) {
        return false;
    }
}

/// Makes each send of `pair.client` take little. Not less than this: TCP with a buffer below the
/// size of a segment waits for a confirmation after each.
inline void make_sends_short(stream_pair& pair) {
    const bool tcp = pair.client.remote_endpoint().family() != AF_UNSPEC;
    pair.client.set_send_buffer(tcp ? 100000 : 1);
}

/// Sends until the kernel takes no more, and not a moment later either; returns how many bytes.
inline std::size_t fill(trama::tcp_stream& stream) {
    const std::string piece(65536, 'x');
    std::size_t taken = 0;
    pollfd watched{stream.fd(), POLLOUT, 0};
    do {
        trama::io_result result = stream.try_send_some(piece);
        for (; result.status == trama::io_status::done; result = stream.try_send_some(piece))
            taken += result.bytes;
    } while (::poll(&watched, 1, 20) == 1);
    return taken;
}

/// Everything that comes, up to the end of the stream.
inline std::string recv_all(trama::tcp_stream& stream) {
    std::string all;
    for (std::string bytes; !(bytes = stream.recv_some(65536)).empty();) all += bytes;
    return all;
}

/// Closes the hard way: the peer gets a reset and no end of stream.
inline void reset(trama::tcp_stream stream) {
    const linger at_once{1, 0};
    ::setsockopt(stream.fd(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

/// An option of a socket, as the kernel has it.
inline int option(int fd, int level, int name) {
    int value = -1;
    socklen_t size = sizeof value;
    ::getsockopt(fd, level, name, &value, &size);
    return value;
}

inline bool is_blocking(int fd) {
    return (::fcntl(fd, F_GETFL) & O_NONBLOCK) == 0;
}

inline bool is_closed_on_exec(int fd) {
    return (::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0;
}

}  // namespace test

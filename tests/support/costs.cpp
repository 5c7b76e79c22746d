// A program for examples/test_counts.py: what a message costs, counted and not timed.
//
//     costs raw 100       echoes 100 messages with memory of the caller, over a socketpair
//     costs framed 100    the same with recv_view and send_frame
//
// It prints how many heap calls and how many sendmsg calls with a copied payload there were after
// the first message. The system calls are counted from outside, by strace.
#include "trama.hpp"

#include <cstdio>
#include <cstdlib>

#include <sys/socket.h>
#include <sys/syscall.h>

namespace {

long heap_calls = 0;
const void* payload_sent = nullptr;
long copies = 0;

}  // namespace

// Every allocation of the program comes through these; operator new calls malloc. (glibc)
extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);

void* malloc(std::size_t size) {
    ++heap_calls;
    return __libc_malloc(size);
}
void* calloc(std::size_t count, std::size_t size) {
    ++heap_calls;
    return __libc_calloc(count, size);
}
void* realloc(void* memory, std::size_t size) {
    ++heap_calls;
    return __libc_realloc(memory, size);
}

// In place of the one in the C library: sees whether the kernel is given the payload itself.
ssize_t sendmsg(int fd, const msghdr* message, int flags) {
    bool in_place = false;
    for (std::size_t i = 0; i < message->msg_iovlen; ++i)
        if (message->msg_iov[i].iov_base == payload_sent) in_place = true;
    if (!in_place) ++copies;
    return ::syscall(SYS_sendmsg, fd, message, flags);
}
}

namespace {

struct ends {
    trama::tcp_stream client;
    trama::tcp_stream server;
};

ends connected() {
    int fds[2];
    if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == -1) std::abort();
    return {trama::tcp_stream(trama::unique_fd(fds[0])),
            trama::tcp_stream(trama::unique_fd(fds[1]))};
}

/// Calls `once` for a first time, then `times` times that count.
template <typename Once>
void measure(long times, Once once) {
    once();
    heap_calls = copies = 0;
    for (long i = 0; i < times; ++i) once();
    const long calls = heap_calls;
    std::printf("heap calls: %ld\ncopied payloads: %ld\n", calls, copies);
}

void echo_raw(long times) {
    ends pair = connected();
    char memory[64];
    measure(times, [&] {
        pair.client.send_all("hola");
        const std::size_t count = pair.server.recv_some(memory, sizeof memory);
        pair.server.send_all(std::string_view(memory, count));
        pair.client.recv_exact(memory, count);
    });
}

void echo_framed(long times) {
    ends pair = connected();
    using framed = trama::framed_stream<trama::six_digit_colon>;
    framed client(std::move(pair.client));
    framed server(std::move(pair.server));
    const std::string message(1000, 'x');
    const auto send = [](framed& stream, std::string_view payload) {
        payload_sent = payload.data();
        stream.send_frame(payload);
    };
    measure(times, [&] {
        send(client, message);
        send(server, server.recv_view().value());
        client.recv_view();
    });
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 3) return 2;
    const long times = std::atol(argv[2]);
    argv[1] == std::string_view("raw") ? echo_raw(times) : echo_framed(times);
}

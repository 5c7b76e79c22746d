// One end of a file copy over TCP, in one of several ways; bench_copy.py runs two of them.
//
//     copy_ends receive WAY FILE SIZE      says "listening on PORT", takes one connection
//     copy_ends send WAY FILE PORT
//
// WAY: trama     send_file and receive_file
//      sendfile  by hand: sendfile(2) with 256 KiB; recv(2) and write(2) with 256 KiB
//      splice    by hand: splice(2) through a pipe of 1 MiB, at both ends
//      read      by hand: read(2) and send(2), recv(2) and write(2), with 1 MiB
// What is by hand looks at no error but the end: it is the least that can be written.
#include "trama.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

#include <sys/sendfile.h>

namespace {

constexpr std::size_t quarter = 256 * 1024;
constexpr std::size_t whole = 1024 * 1024;

std::uint64_t size_of(int file) {
    return static_cast<std::uint64_t>(trama::folder::status_of(file, "FILE").st_size);
}

void write_whole(int file, const char* bytes, ssize_t size) {
    while (size > 0) {
        const ssize_t count = ::write(file, bytes, static_cast<std::size_t>(size));
        if (count <= 0) std::abort();
        bytes += count;
        size -= count;
    }
}

// ---- send --------------------------------------------------------------------------------------

void send_by_sendfile(int socket, int file) {
    while (::sendfile(socket, file, nullptr, quarter) > 0) continue;
}

struct pipe_of_1_mib {
    int ends[2] = {-1, -1};

    pipe_of_1_mib() {
        if (::pipe(ends) != 0) std::abort();
        ::fcntl(ends[1], F_SETPIPE_SZ, static_cast<int>(whole));
    }
};

void splice_all(int from, int to) {
    const pipe_of_1_mib pipe;
    for (;;) {
        ssize_t in = ::splice(from, nullptr, pipe.ends[1], nullptr, whole, SPLICE_F_MOVE);
        if (in <= 0) return;
        while (in > 0) {
            const ssize_t out = ::splice(pipe.ends[0], nullptr, to, nullptr,
                                         static_cast<std::size_t>(in), SPLICE_F_MOVE);
            if (out <= 0) std::abort();
            in -= out;
        }
    }
}

void send_by_read(int socket, int file) {
    std::string buffer(whole, '\0');
    for (;;) {
        const ssize_t count = ::read(file, buffer.data(), buffer.size());
        if (count <= 0) return;
        write_whole(socket, buffer.data(), count);
    }
}

void send(const std::string& way, int file, int port) {
    auto stream = trama::tcp_stream::connect("127.0.0.1", port);
    if (way == "trama") trama::send_file(stream, file, 0, size_of(file));
    if (way == "sendfile") send_by_sendfile(stream.fd(), file);
    if (way == "splice") splice_all(file, stream.fd());
    if (way == "read") send_by_read(stream.fd(), file);
}

// ---- receive -----------------------------------------------------------------------------------

void receive_by_recv(int socket, int file, std::size_t size) {
    std::string buffer(size, '\0');
    for (;;) {
        const ssize_t count = ::recv(socket, buffer.data(), buffer.size(), 0);
        if (count <= 0) return;
        write_whole(file, buffer.data(), count);
    }
}

void receive(const std::string& way, int file, std::uint64_t size) {
    auto listener = trama::tcp_listener::listen("127.0.0.1", 0);
    std::printf("listening on %d\n", int{listener.local_endpoint().port()});
    std::fflush(stdout);
    auto stream = listener.accept();
    if (way == "trama") trama::receive_file(stream, file, size);
    if (way == "sendfile") receive_by_recv(stream.fd(), file, quarter);
    if (way == "splice") splice_all(stream.fd(), file);
    if (way == "read") receive_by_recv(stream.fd(), file, whole);
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fputs("usage: copy_ends receive WAY FILE SIZE | send WAY FILE PORT\n", stderr);
        return 2;
    }
    try {
        const bool sends = std::string(argv[1]) == "send";
        const int flags = sends ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC;
        const trama::unique_fd file(::open(argv[3], flags | O_CLOEXEC, 0666));
        if (!file) throw trama::file_error(errno, "open", argv[3]);
        if (sends) {
            send(argv[2], file.get(), std::atoi(argv[4]));
        } else {
            receive(argv[2], file.get(), std::strtoull(argv[4], nullptr, 10));
        }
    } catch (const std::exception& error) {
        std::fprintf(stderr, "copy_ends: %s\n", error.what());
        return 1;
    }
}

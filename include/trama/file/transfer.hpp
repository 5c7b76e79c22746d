// trama/file/transfer.hpp -- a whole file through a connection, in large pieces.
// man 2 sendfile, man 2 splice, man 7 pipe
//
// read(2) and send(2) copy each byte from the kernel to the program and back. On Linux it need not
// leave the kernel: sendfile(2) hands pages of the file to the socket; splice(2) hands what came on
// a socket to a pipe, and from the pipe to the file. Elsewhere: read and write, 256 KiB at a time.
#pragma once

#include <trama/file/pieces.hpp>

#if defined(__linux__)
#include <sys/sendfile.h>
#endif

namespace trama {

namespace trama_detail {

/// True for an error of sendfile(2) that is not of the connection: some file systems cannot, and
/// pread(2) tells what else is wrong with the file.
inline bool is_of_file(int error) noexcept {
    return error == EINVAL || error == ENOSYS || error == EBADF || error == EIO ||
           error == EOVERFLOW;
}

[[gnu::cold]] inline void tell_piece(int fd, call_result result, const char* call,
                                     std::size_t size) noexcept {
    if (result.failed()) return trace(fd, result.error, "%s %zu bytes", call, size);
    trace(fd, 0, "%s %ld of %zu bytes", call, result.value, size);
}

/// Sends up to `size` bytes of `file` from `offset` on, and does not wait. 0: the file ends there.
inline call_result send_piece(int to, int file, std::uint64_t offset, std::size_t size,
                              std::string& buffer) {
    auto at = static_cast<off_t>(offset);
    if (static_cast<std::uint64_t>(at) != offset)  // off_t may have 32 bits
        throw file_error(EOVERFLOW, "read", "from a file");
#if defined(__linux__)
    const auto sent = system_call([&] {
        const no_sigpipe quiet;
        return ::sendfile(to, file, &at, size);
    });
    if (tracing()) tell_piece(to, sent, "sendfile", size);
    if (!is_of_file(sent.error)) return sent;
#endif
    buffer.resize(size < 262144 ? size : 262144);
    const auto got = system_call([&] { return ::pread(file, buffer.data(), buffer.size(), at); });
    if (got.failed()) throw file_error(got.error, "read", "from a file");
    iovec part{buffer.data(), got.count()};
    return got.value == 0 ? got : send_once(to, &part, 1, MSG_DONTWAIT);
}

/// Moves bytes from a connection to a file.
class file_receiver {
public:
    file_receiver(int from, int file) : from_(from), file_(file) {
#if defined(__linux__)
        int ends[2];
        if (::pipe2(ends, O_CLOEXEC) != 0) return;  // no descriptors: then without
        read_end_.reset(ends[0]);
        write_end_.reset(ends[1]);
        ::fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);  // a smaller one does as well
#endif
    }

    /// Receives up to `size` bytes, and does not wait. 0: the peer has closed.
    call_result receive(std::size_t size) {
#if defined(__linux__)
        if (write_end_) {
            const auto result = splice(from_, write_end_.get(), size);
            if (tracing()) tell_piece(from_, result, "splice", size);
            if (!result.failed()) empty_pipe(result.count());
            // Ready, and yet nothing comes: splice stops at an urgent byte, and recv passes it
            // over. Some sockets cannot be spliced from at all.
            const bool is_stuck = result.would_block() && was_empty_;
            was_empty_ = result.would_block();
            if (!is_stuck && result.error != EINVAL && result.error != ENOSYS) return result;
        }
#endif
        return copy_piece(size, [&] {
            return receive_once(from_, buffer_.data(), buffer_.size(), MSG_DONTWAIT, receiving);
        });
    }

private:
    template <typename Read>
    call_result copy_piece(std::size_t size, Read read) {
        buffer_.resize(size < 262144 ? size : 262144);
        const call_result result = read();
        if (!result.failed())
            write_all(file_, std::string_view(buffer_).substr(0, result.count()), "to a file");
        return result;
    }

#if defined(__linux__)
    static call_result splice(int from, int to, std::size_t size) noexcept {
        return system_call(
            [&] { return ::splice(from, nullptr, to, nullptr, size, SPLICE_F_MOVE); });
    }

    void empty_pipe(std::size_t size) {
        while (size > 0) {
            const auto result = splice(read_end_.get(), file_, size);
            if (result.error == EINVAL) return copy_pipe(size);
            if (result.failed()) throw file_error(result.error, "write", "to a file");
            size -= result.count();
        }
    }

    // This file system, or a file opened to append, cannot be spliced to: so not again.
    void copy_pipe(std::size_t size) {
        write_end_.reset();
        const auto read = [&] {
            return system_call(
                [&] { return ::read(read_end_.get(), buffer_.data(), buffer_.size()); });
        };
        while (size > 0) size -= copy_piece(size, read).count();
    }

    unique_fd read_end_;
    unique_fd write_end_;
    bool was_empty_ = false;
#endif
    int from_;
    int file_;
    std::string buffer_;
};

/// For a callback that nobody asked for.
struct no_progress {
    void operator()(std::uint64_t) const noexcept {}
};

}  // namespace trama_detail

/// Sends exactly `size` bytes of `file` from `offset` on; the time-out of the stream bounds how
/// long nothing may move; nobody else uses it meanwhile. `progress(std::uint64_t bytes)` hears how
/// many were sent so far. Throws network_error; file_error when the file cannot be read, or became
/// longer or shorter meanwhile.
template <typename Progress = trama_detail::no_progress>
void send_file(tcp_stream& to, int file, std::uint64_t offset, std::uint64_t size,
               Progress progress = {}) {
    const trama_detail::never_waiting quick(to.fd());
    const off_t size_before = folder::status_of(file, "the file to send").st_size;
    std::string buffer;
    for (std::uint64_t sent = 0; sent < size;) {
        const auto send = [&] {
            const std::size_t piece = trama_detail::piece_of(size - sent);
            return trama_detail::send_piece(to.fd(), file, offset + sent, piece, buffer);
        };
        const std::size_t count = trama_detail::move_some("send a file to", to, POLLOUT, send);
        if (count == 0) throw file_error(ESTALE, "send", "a file that became shorter");
        sent += count;
        progress(sent);
    }
    if (folder::status_of(file, "the file to send").st_size != size_before)
        throw file_error(ESTALE, "send", "a file that changed meanwhile");
}

/// Receives exactly `size` bytes and writes them to `file`, where its position is. Time-out and
/// `progress` as of send_file. Throws network_error; unexpected_eof when the peer closes before;
/// file_error when the file cannot be written: then the rest was not received.
template <typename Progress = trama_detail::no_progress>
void receive_file(tcp_stream& from, int file, std::uint64_t size, Progress progress = {}) {
    constexpr const char* operation = "receive a file from";
    const trama_detail::never_waiting quick(from.fd());
    trama_detail::file_receiver receiver(from.fd(), file);
    for (std::uint64_t done = 0; done < size;) {
        const auto receive = [&] { return receiver.receive(trama_detail::piece_of(size - done)); };
        const std::size_t count = trama_detail::move_some(operation, from, POLLIN, receive);
        if (count == 0)
            throw unexpected_eof(done, size, operation, from.remote_endpoint().to_string().c_str());
        done += count;
        progress(done);
    }
}

}  // namespace trama

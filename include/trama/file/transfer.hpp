// trama/file/transfer.hpp -- a whole file through a connection, in pieces of 256 KiB.
// man 2 pread, man 2 send, man 2 recv, man 2 write
//
// sendfile(2) and splice(2) would spare the copy through this program, but each knows only some
// files, some sockets and some systems. Plain reads and writes know all of them, and need a third
// of the code. docs/performance.md has the numbers.
#ifndef TRAMA_FILE_TRANSFER_HPP
#define TRAMA_FILE_TRANSFER_HPP

#include <trama/file/folder.hpp>
#include <trama/net/tcp.hpp>

namespace trama {

/// Reads 1 to `size` bytes at the position of `file`; `path` is its name in errors. Returns how
/// many; 0: the file ends there. Throws file_error. man 2 read
[[nodiscard]] inline std::size_t read_some(int file, void* memory, std::size_t size,
                                           const std::string& path) {
    const auto got = trama_detail::system_call([&] { return ::read(file, memory, size); });
    if (got.failed()) throw file_error(got.error, "read", path);
    return got.count();
}

/// Writes all of `bytes` at the position of `file`; `path` is its name in errors. Throws
/// file_error. man 2 write
inline void write_all(int file, std::string_view bytes, const std::string& path) {
    while (!bytes.empty()) {
        const auto written =
            trama_detail::system_call([&] { return ::write(file, bytes.data(), bytes.size()); });
        if (written.failed()) throw file_error(written.error, "write", path);
        bytes.remove_prefix(written.count());
    }
}

namespace trama_detail {

/// The size of the next piece, in bytes, when `left` bytes are still to be moved.
inline std::size_t piece_of(std::uint64_t left) noexcept {
    constexpr std::uint64_t most = 256 * 1024;
    return static_cast<std::size_t>(left < most ? left : most);
}

/// Reads up to `size` bytes from `offset` on. Throws file_error, also when the file ends there.
inline std::string_view read_piece(int file, std::uint64_t offset, char* memory, std::size_t size) {
    const auto at = static_cast<off_t>(offset);
    const bool fits = at >= 0 && static_cast<std::uint64_t>(at) == offset;  // it may have 32 bits
    if (!fits) throw file_error(EOVERFLOW, "read", "from a file");
    const auto got = system_call([&] { return ::pread(file, memory, size, at); });
    if (got.failed()) throw file_error(got.error, "read", "from a file");
    if (got.value == 0) throw file_error(ENODATA, "send", "a file that became shorter");
    return {memory, got.count()};
}

/// Writes exactly `size` bytes to `file`, as they come from `receive(memory, most)`, which returns
/// how many it received, and 0 at the end of the stream.
template <typename Receive, typename Progress>
void receive_pieces(int file, std::uint64_t size, const endpoint& peer, Receive receive,
                    Progress& progress) {
    std::string buffer(piece_of(size), '\0');
    for (std::uint64_t done = 0; done < size;) {
        const std::size_t count = receive(buffer.data(), piece_of(size - done));
        if (count == 0)
            throw unexpected_eof(done, size, "receive a file from", peer.to_string().c_str());
        write_all(file, {buffer.data(), count}, "to a file");
        done += count;
        progress(done);
    }
}

inline bool has_byte_at(int file, off_t offset, const std::string& path) {
    char byte = 0;
    return file_call("read", path, [&] { return ::pread(file, &byte, 1, offset); }) == 1;
}

/// The progress callback of a caller who gives none.
struct no_progress {
    void operator()(std::uint64_t) const noexcept {}
};

}  // namespace trama_detail

/// The size of an open file, in bytes, as it can be announced before the file is sent. Throws
/// file_error (ENOTSUP) if there is none to rely on: `file` is a FIFO, a folder or a device, or the
/// system makes its bytes while they are read, as in /proc and /sys, and gives a wrong size.
[[nodiscard]] inline std::uint64_t size_of_file(int file, const std::string& path) {
    const struct stat status = folder::status_of(file, path);
    if (!S_ISREG(status.st_mode))
        throw file_error(ENOTSUP, "measure what is no regular file:", path);
    const off_t size = status.st_size;
    const bool is_right = size == 0 ? !trama_detail::has_byte_at(file, 0, path)
                                    : trama_detail::has_byte_at(file, size - 1, path);
    const bool has_changed = folder::status_of(file, path).st_size != size;
    if (!is_right && !has_changed)
        throw file_error(ENOTSUP, "measure a file with a wrong size, as in /proc or /sys:", path);
    return static_cast<std::uint64_t>(size);
}

/// Sends exactly `size` bytes of `file`, from `offset` on; its position does not move. The time-out
/// of the stream bounds how long nothing may move. Calls `progress(std::uint64_t bytes)` after each
/// piece, with the number of bytes sent so far. Throws network_error; file_error when the file
/// cannot be read (a pipe: ESPIPE), or became shorter (ENODATA).
template <typename Progress = trama_detail::no_progress>
void send_file(tcp_stream& to, int file, std::uint64_t offset, std::uint64_t size,
               Progress progress = {}) {
    std::string buffer(trama_detail::piece_of(size), '\0');
    for (std::uint64_t sent = 0; sent < size;) {
        const std::size_t most = trama_detail::piece_of(size - sent);
        std::string_view piece = trama_detail::read_piece(file, offset + sent, buffer.data(), most);
        while (!piece.empty()) {
            iovec part = trama_detail::part_of(piece);
            const std::size_t count =
                trama_detail::send_some(to.fd(), &part, 1, deadline(to.get_timeout()),
                                        "send a file to", to.remote_endpoint());
            piece.remove_prefix(count);
            sent += count;
            progress(sent);
        }
    }
}

/// Receives exactly `size` bytes and writes them to `file`, at its position. Time-out and
/// `progress` as in send_file. Throws network_error; unexpected_eof when the peer closes before;
/// file_error when the file cannot be written: then the rest was not received.
template <typename Progress = trama_detail::no_progress>
void receive_file(tcp_stream& from, int file, std::uint64_t size, Progress progress = {}) {
    const auto receive = [&](char* memory, std::size_t most) {
        return trama_detail::receive_some(from.fd(), memory, most, deadline(from.get_timeout()),
                                          "receive a file from", from.remote_endpoint());
    };
    trama_detail::receive_pieces(file, size, from.remote_endpoint(), receive, progress);
}

}  // namespace trama

#endif  // TRAMA_FILE_TRANSFER_HPP

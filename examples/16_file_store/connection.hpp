// 16_file_store/connection.hpp -- one end of a conversation: bytes, numbers and files, counted and
// logged; and what the three clients have in common.
#pragma once

#include "file_store.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>

namespace store {

/// The bytes that went through connections. Several threads count.
struct traffic {
    std::atomic<std::uint64_t> received{0};
    std::atomic<std::uint64_t> sent{0};
};

/// One end of a conversation. The time-out of its stream limits the time in which no byte moves: a
/// slow peer stays, a silent one is dropped. All calls throw network_error.
class connection {
public:
    connection(trama::tcp_stream& stream, traffic& counted) : stream_(stream), counted_(counted) {
        stream_.set_no_delay(true);  // answers of one byte should not wait for more
    }

    /// Sends in small pieces, because send_all has one time-out for all of its bytes.
    void send(std::string_view bytes) {
        while (!bytes.empty()) {
            const std::string_view piece = bytes.substr(0, 4096);
            stream_.send_all(piece);
            count(counted_.sent, "sent ", piece.size(), "to ");
            bytes.remove_prefix(piece.size());
        }
    }

    // [region receive]
    /// Receives exactly `size` bytes and no more: the next bytes may belong to the file. The string
    /// grows with the bytes that come, so a false length costs no memory.
    std::string receive(std::size_t size) {
        std::string bytes;
        while (bytes.size() < size) {
            const std::string piece =
                receive_some(std::min<std::size_t>(size - bytes.size(), 65536));
            if (piece.empty())
                throw trama::unexpected_eof(bytes.size(), size, "receive from",
                                            peer().to_string().c_str());
            bytes += piece;
        }
        return bytes;
    }
    // [/region receive]

    std::uint64_t receive_number() { return number_in(receive(number_size)); }

    /// Receives an opcode or a status. Returns nothing if the peer has closed.
    std::optional<char> receive_byte() {
        const std::string byte = receive_some(1);
        return byte.empty() ? std::nullopt : std::optional<char>(byte.front());
    }

    /// Sends a file in pieces. Calls `go_on()` before each piece, and five times a second while the
    /// peer takes nothing; false stops the sending. Calls `progress(bytes)` with the number of
    /// bytes sent so far. Returns true if all were sent.
    template <typename Progress, typename GoOn>
    bool send_file(int file, std::uint64_t size, Progress progress, GoOn go_on) {
        using namespace std::chrono_literals;
        const trama::duration timeout = stream_.get_timeout();
        stream_.set_timeout(std::min<trama::duration>(timeout, 200ms));
        const std::uint64_t sent = send_pieces(file, size, timeout, progress, go_on);
        stream_.set_timeout(timeout);
        log(level::debug, "[Socket] sent ", sent, " bytes of a file to ", peer());
        return sent == size;
    }

    /// Receives a file of `size` bytes. Calls `progress(bytes)` as send_file does.
    template <typename Progress>
    void receive_file(int file, std::uint64_t size, Progress progress) {
        std::uint64_t received = 0;
        trama::receive_file(stream_, file, size, [&](std::uint64_t done) {
            counted_.received += done - received;
            received = done;
            progress(done);
        });
        log(level::debug, "[Socket] received ", size, " bytes of a file from ", peer());
    }

    const trama::endpoint& peer() const { return stream_.remote_endpoint(); }

private:
    /// Sends a file until go_on() is false. Returns how many bytes were sent. Throws network_error
    /// when the peer has taken nothing for `timeout`.
    template <typename Progress, typename GoOn>
    std::uint64_t send_pieces(int file, std::uint64_t size, trama::duration timeout,
                              const Progress& progress, const GoOn& go_on) {
        trama::deadline limit(timeout);
        std::uint64_t sent = 0;
        const auto on_progress = [&](std::uint64_t total) {
            counted_.sent += total - sent;
            sent = total;
            limit = trama::deadline(timeout);
            progress(sent);
        };
        while (sent < size && go_on()) {
            send_piece(file, sent, size, on_progress, limit);
        }
        return sent;
    }

    /// Sends up to 1 MiB of a file of `size` bytes, from `begin` on. A time-out ends it early; it
    /// is an error only when `limit`, which `progress` moves, has passed.
    template <typename Progress>
    void send_piece(int file, std::uint64_t begin, std::uint64_t size, const Progress& progress,
                    const trama::deadline& limit) {
        const std::uint64_t piece = std::min<std::uint64_t>(size - begin, 1U << 20U);
        try {
            trama::send_file(stream_, file, begin, piece,
                             [&](std::uint64_t more) { progress(begin + more); });
        } catch (const trama::network_error& error) {
            if (error.code() != std::errc::timed_out || limit.passed()) throw;
        }
    }

    std::string receive_some(std::size_t most) {
        std::string bytes = stream_.recv_some(most);
        count(counted_.received, "received ", bytes.size(), "from ");
        return bytes;
    }

    void count(std::atomic<std::uint64_t>& counter, const char* what, std::size_t size,
               const char* direction) {
        counter += size;
        log(level::debug, "[Socket] ", what, size, size == 1 ? " byte " : " bytes ", direction,
            peer());
    }

    trama::tcp_stream& stream_;
    traffic& counted_;
};

// ---- what the clients share --------------------------------------------------------------------

/// Checks what all programs of this chapter have in common: -q excludes -v, and the options that
/// are `needed` have a value. Throws usage_error.
inline void check_options(const program::options& given,
                          std::initializer_list<const char*> needed = {}) {
    if (given.flag("quiet") && given.flag("verbose"))
        throw program::usage_error("--quiet and --verbose exclude each other: see --help");
    for (const char* name : needed) {
        if (given.text(name).empty())
            throw program::usage_error(std::string("--") + name + " is missing: see --help");
    }
}

/// Connects to the server of the command line.
inline trama::tcp_stream connect_to_server(const program::options& given) {
    auto server = trama::tcp_stream::connect(given.host(), given.port(), given.timeout());
    server.set_timeout(given.timeout());
    log(level::debug, "[Socket] connected to ", server.remote_endpoint());
    return server;
}

/// Receives a status, which must be "done". Throws peer_error, unexpected_eof, network_error.
inline void expect_ok(connection& server) {
    const char code = server.receive(1).front();
    if (code != ok) throw program::peer_error(text_of(code));
}

}  // namespace store

// examples/15_remote_copy/conversation.hpp -- the messages of copy_stream_client and
// copy_stream_server. A message is text in a six-digit frame; the bytes of the file go between them
// as they are.
//
//     client                                      server
//       |  "put SIZE NAME"  ------------------->  |   the client has a file
//       |  <------------------  "have COUNT SUM"  |   the server has COUNT bytes of it, with this
//       sum |  "from START"  ---------------------->  |   COUNT if they are the same bytes, else 0
//       |  SIZE - START bytes  ---------------->  |   no frame, so no limit
//       |  "sum SUM"  ------------------------->  |   the checksum of all SIZE bytes
//       |  <--------------------------  "stored"  |   the file is on the disk, under its name
//       |  the next "put ...", or the end         |
//
// At any place the server may send "no REASON" instead, and close.
#pragma once

#include "../support/program.hpp"

#include <algorithm>
#include <charconv>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace copy {

using six_digits = trama::six_digit_colon;

inline constexpr std::size_t longest_message = 1000;   // bytes
inline constexpr std::size_t piece_size = 256 * 1024;  // what is read, sent, received at once

// ---- words and numbers -------------------------------------------------------------------------

/// "put 97 data.csv" is the word "put" and the rest "97 data.csv".
inline std::pair<std::string, std::string> split(const std::string& text) {
    const std::size_t space = text.find(' ');
    if (space == std::string::npos) return {text, ""};
    return {text.substr(0, space), text.substr(space + 1)};
}

/// A number of bytes: digits and nothing else, and a size that a file can have.
inline std::uint64_t number(const std::string& text) {
    std::uint64_t value = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error == std::errc{} && stopped == end && value <= INT64_MAX) return value;
    throw program::peer_error("this is no size of a file: \"" + trama::escaped(text, 40) + '"');
}

/// Returns the rest of `message`, which must begin with `word`. Throws peer_error if it begins with
/// "no", or with another word. `peer`: its name in errors.
inline std::string rest_of(const std::string& message, const char* word, const std::string& peer) {
    const auto [first, rest] = split(message);
    if (first == word) return rest;
    if (first == "no") throw program::peer_error(peer + " refuses: " + trama::escaped(rest));
    throw program::peer_error(peer + " sent \"" + trama::escaped(message, 60) + "\", where \"" +
                              word + "\" was expected");
}

// ---- the connection ----------------------------------------------------------------------------

/// A connection that never waits longer than `patience`, and not at all when the program has to
/// stop.
class conversation {
public:
    /// `name`: the name of the peer in errors, "the server" or "the client".
    conversation(trama::tcp_stream stream, const trama::stop_signal& stop, trama::duration patience,
                 const char* name)
        : stream_(std::move(stream)), stop_(&stop), patience_(patience), name_(name) {
        stream_.set_no_delay(true);  // or a small message waits until the last one is acknowledged
        ready_.add(stop_->fd(), trama::interest::read);
    }

    void send_message(const std::string& text) {
        std::string frame;
        six_digits::encode(text, frame);
        send(frame, trama::interest::write);
    }

    /// Bytes of a file. Throws when the peer sends a message meanwhile: it wants no
    /// more of them.
    void send_data(std::string_view bytes) { send(bytes, trama::interest::read_write); }

    /// Returns the next message; nullopt: the peer has closed. Receives only the bytes that are
    /// missing of it, and never more: the bytes behind it may be those of a file.
    std::optional<std::string> recv_message(trama::duration work = {}) {
        trama::frame_decoder<six_digits> decoder(longest_message);
        trama::deadline limit(patience_ + work);
        for (;;) {
            if (auto message = decoder.next_frame()) return message;
            const std::size_t missing = decoder.missing();
            const std::size_t count = recv_some(decoder.prepare(missing), missing, limit);
            // One deadline for the whole message, even if it comes one byte at a time.
            if (decoder.buffered() == 0) limit = trama::deadline(patience_);
            decoder.commit(count);
            if (count == 0) {
                decoder.receive_eof();  // throws if it was in the middle of a message
                return std::nullopt;
            }
        }
    }

    /// Returns the rest of the next message, which must begin with `word`. `work`: the time that
    /// the peer needs before it can send it.
    std::string expect(const char* word, trama::duration work = {}) {
        const auto message = recv_message(work);
        if (!message) throw program::peer_error(name_ + " has closed before it was done");
        return rest_of(*message, word, name_);
    }

    /// Bytes of a file. 0: the peer has closed.
    std::size_t recv_data(char* memory, std::size_t size) {
        return recv_some(memory, size, trama::deadline(patience_));
    }

    /// Sends "no", also when the program has to stop, and closes. The peer may still be sending: a
    /// plain close would destroy the answer on its way.
    void refuse(const std::string& why, trama::duration linger) noexcept {
        try {
            std::string frame;
            six_digits::encode("no " + why.substr(0, longest_message - 3), frame);
            stream_.set_timeout(linger);
            stream_.send_all(frame);
            stream_.close_lingering(linger);
        } catch (const std::exception&) {
            stream_.close();  // the peer has closed: the answer cannot be sent
        }
    }

    /// How long a peer may take to read so many bytes of a file, or to write them to its disk.
    static trama::duration time_for(std::uint64_t bytes) {
        constexpr std::uint64_t day = 86400;
        return std::chrono::seconds(std::min(bytes / 10'000'000, day));
    }

    void stop_if_asked() const {
        if (stop_->stopped()) throw program::peer_error("stopped by its user");
    }

    const trama::endpoint& peer() const { return stream_.remote_endpoint(); }

private:
    std::size_t recv_some(char* memory, std::size_t size, const trama::deadline& limit) {
        wait(trama::interest::read, limit);
        return stream_.recv_some(memory, size);
    }

    void send(std::string_view bytes, trama::interest what) {
        while (!bytes.empty()) {
            const trama::ready_event event = wait(what, trama::deadline(patience_));
            if (event.readable) expect("more");  // no peer sends that: throws with what it sends
            const trama::io_result sent = stream_.try_send_some(bytes);
            if (sent.status == trama::io_status::failed) stream_.send_all(bytes);  // throws why
            bytes.remove_prefix(sent.bytes);
        }
    }

    /// Waits for the peer, but not beyond the deadline, and not when the program has to stop.
    trama::ready_event wait(trama::interest what, const trama::deadline& limit) {
        ready_.add(stream_.fd(), what);
        trama::ready_event found;
        for (const trama::ready_event event : ready_.wait(limit.left())) {
            if (event.fd == stop_->fd()) throw program::peer_error("stopped by its user");
            found = event;
        }
        if (found.fd == -1) throw program::peer_error(name_ + " takes too long");
        return found;
    }

    trama::tcp_stream stream_;
    const trama::stop_signal* stop_;
    trama::duration patience_;
    std::string name_;
    trama::poll_selector ready_;
};

}  // namespace copy

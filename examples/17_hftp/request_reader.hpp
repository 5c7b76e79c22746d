// 17_hftp/request_reader.hpp -- cuts the bytes of a client into requests: lines that end in CR LF.
#pragma once

#include "../support/program.hpp"
#include "hftp.hpp"

#include <optional>
#include <string_view>

namespace hftp {

/// Cuts the bytes of a client into requests. A line ends at its LF, so a LF without CR is refused
/// at once, and not only when a CR LF comes.
class request_reader {
public:
    static constexpr std::size_t most_at_once = 65536;  // bytes

    /// `bytes`: no more than most_at_once.
    void receive(std::string_view bytes) {
        // A line that is already long gets all the room that it may need at once. A buffer that
        // doubles its size holds the line twice while it copies.
        if (decoder_.buffered() > longest / 6)
            decoder_.prepare(longest + most_at_once - decoder_.buffered());
        decoder_.receive_data(bytes);
    }

    /// The next request without its CR LF, valid until the next call; nullopt if it has not come
    /// yet. Throws refusal.
    std::optional<std::string_view> next_line() {
        std::optional<std::string_view> line = next_up_to_lf();
        if (line && (line->empty() || line->back() != '\r')) throw refusal{code::bad_eol};
        if (line) line->remove_suffix(1);
        return line;
    }

    /// True if a whole line may have come already.
    bool has_more() const { return decoder_.missing() == 0; }

    /// Frees the buffer of a long line; to be called when the line is no longer used.
    void free_memory() {
        if (decoder_.buffered() == 0) decoder_ = line_decoder(longest);
    }

private:
    using line_decoder = trama::frame_decoder<trama::lf_line>;
    static constexpr std::size_t longest = 6 * 1024 * 1024 + 1;  // 6 MiB, and the CR

    std::optional<std::string_view> next_up_to_lf() {
        try {
            return decoder_.next_view();
        } catch (const trama::frame_error&) {
            throw refusal{code::bad_request};  // over the limit
        }
    }

    line_decoder decoder_{longest};
};

}  // namespace hftp

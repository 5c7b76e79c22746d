// 17_hftp/request_reader.hpp -- cuts what a client sends into requests: lines that end in CR LF.
#pragma once

#include "../support/program.hpp"
#include "hftp.hpp"

#include <optional>
#include <string_view>

namespace hftp {

/// Cuts what a client sends into requests. A LF ends a line for certain: so a LF without its CR is
/// seen at once, and does not wait for a CR LF that may never come.
class request_reader {
public:
    static constexpr std::size_t most_at_once = 65536;  // bytes

    /// `bytes`: no more than most_at_once.
    void receive(std::string_view bytes) {
        // A line that is long already gets all the room that it may need: room that is doubled
        // again and again would, for a moment, hold the line twice.
        if (decoder_.buffered() > longest / 6)
            decoder_.prepare(longest + most_at_once - decoder_.buffered());
        decoder_.receive_data(bytes);
    }

    // [region next-line]
    /// The next request without its CR LF, lent until the next call; nullopt: it has not come yet.
    /// Throws refusal.
    std::optional<std::string_view> next_line() {
        std::optional<std::string_view> line = next_up_to_lf();
        if (line && (line->empty() || line->back() != '\r')) throw refusal{code::bad_eol};
        if (line) line->remove_suffix(1);
        return line;
    }
    // [/region next-line]

    /// True: perhaps there is a whole line already.
    bool has_more() const { return decoder_.missing() == 0; }

    /// After a long line, which nobody looks at any more.
    void give_memory_back() {
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

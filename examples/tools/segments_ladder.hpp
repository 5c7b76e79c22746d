// examples/tools/segments_ladder.hpp -- what the two forms of the ladder, text and SVG, share: the
// phase in which a segment is sent, the words on its arrow, and when things happened.
//
//     set-up      the SYNs, and the ack that ends the handshake
//     transfer    data and acks
//     release     from the first FIN or RST on
#pragma once

#include "segments_text.hpp"

namespace segments {

enum class phase { none, set_up, transfer, release };

inline const char* phase_name(phase which) {
    if (which == phase::set_up) return "set-up";
    return which == phase::transfer ? "transfer" : "release";
}

/// Follows a connection through its phases.
class phase_tracker {
public:
    /// The phase of the next segment.
    phase next(const observed& seen) {
        const bool is_syn = seen.what.has(syn);
        if (seen.what.has(fin | rst)) is_released_ = true;
        if (is_released_) return phase::release;
        const bool ends_set_up = is_in_set_up_ && seen.where == to_server && seen.what.length == 0;
        is_in_set_up_ = is_syn;
        return is_syn || ends_set_up ? phase::set_up : phase::transfer;
    }

private:
    bool is_in_set_up_ = false;  // the last segment was a SYN
    bool is_released_ = false;
};

/// "PSH,ACK seq 1 ack 1 len 4"; `how`: relative numbers for `both`.
inline std::string arrow_text(const observed& seen, numbering how) {
    const segment& what = seen.what;
    const bool is_absolute = how == numbering::absolute;
    std::string text = flags_text(what.flags) + " seq " +
                       std::to_string(is_absolute ? what.seq : seen.relative_seq());
    if (what.has(ack)) text += " ack " + ack_text(seen, how);
    if (what.length > 0) text += " len " + std::to_string(what.length);
    return text;
}

/// The first bytes of the payload, such as " \"hola\""; "": there is no payload.
inline std::string payload_text(const observed& seen) {
    constexpr std::size_t most = 12;
    const std::string_view bytes = seen.what.payload;
    if (bytes.empty() || seen.what.length == 0) return "";
    return " \"" + trama::escaped(bytes.substr(0, most)) + '"' + (bytes.size() > most ? "..." : "");
}

/// When the first things of a connection happened, in nanoseconds since 1970.
class moments {
public:
    std::optional<std::uint64_t> syn;          ///< the last one, if it was sent again
    std::optional<std::uint64_t> established;  ///< the first ack of the client, after its SYN
    std::optional<std::uint64_t> first_data[2];

    void add(const observed& seen) {
        const std::uint64_t time = seen.what.time;
        const bool is_syn = seen.what.has(flag::syn);
        const bool is_first_ack = seen.where == to_server && !is_syn && syn && !established;
        if (is_syn && seen.where == to_server) syn = time;
        if (is_first_ack) established = time;
        if (seen.what.length > 0 && !first_data[seen.where]) first_data[seen.where] = time;
        take_answer(seen);
        expect_answer(seen);
    }

    /// How long a segment is under way from the place of the capture to this end (`to_server`: to
    /// the server): half of what the quickest answer took. 0: nothing was answered.
    std::uint64_t way(direction to) const { return quickest_[to].value_or(0) / 2; }

private:
    struct question {
        std::uint32_t end;  // the ack that answers it
        std::uint64_t time;
    };

    void take_answer(const observed& seen) {
        const direction back = seen.where == to_server ? to_client : to_server;
        if (!seen.what.has(ack) || !last_[back] || last_[back]->end != seen.what.ack) return;
        const std::uint64_t took = seen.what.time - last_[back]->time;
        last_[back].reset();
        const bool is_clock_set_back = static_cast<std::int64_t>(took) < 0;
        if (!is_clock_set_back) quickest_[back] = std::min(took, quickest_[back].value_or(took));
    }

    /// A segment that was sent twice can have two answers, so it does not count.
    void expect_answer(const observed& seen) {
        if ((seen.marks & (any_retransmission | out_of_order | keep_alive)) != 0) {
            last_[seen.where].reset();
        } else if (seen.what.span() > 0) {
            last_[seen.where] = question{seen.what.seq + seen.what.span(), seen.what.time};
        }
    }

    std::optional<question> last_[2];
    std::optional<std::uint64_t> quickest_[2];
};

}  // namespace segments

// examples/tools/segments_analysis.hpp -- what a segment means, after all those before it: sent
// again, out of order, acknowledged twice, no room at the receiver.
//
//                  what was sent, by sequence number
//     | acknowledged | sent, not yet acknowledged |  may be sent  |  beyond the window
//     0              last_ack (of the other end)  next_seq        last_ack + window
//
// A capture does not say why a segment was sent. So each mark is a conclusion, and here the rules
// are those of Wireshark (tcp.analysis.*, version 4.0), so that both say the same.
#pragma once

#include "segments_packet.hpp"

namespace segments {

/// What can be said of a segment; several of them may be true.
enum mark : unsigned {
    retransmission = 1u << 0,
    fast_retransmission = 1u << 1,      ///< after at least two duplicate acks
    spurious_retransmission = 1u << 2,  ///< of bytes that were already acknowledged
    out_of_order = 1u << 3,
    duplicate_ack = 1u << 4,
    zero_window = 1u << 5,
    window_full = 1u << 6,
    zero_window_probe = 1u << 7,
    zero_window_probe_ack = 1u << 8,
    keep_alive = 1u << 9,
    keep_alive_ack = 1u << 10,
    window_update = 1u << 11,
    gap_before = 1u << 12,      ///< bytes before this segment were not captured, or come later
    acks_uncaptured = 1u << 13  ///< it acknowledges bytes that were not captured
};
constexpr unsigned any_retransmission =
    retransmission | fast_retransmission | spurious_retransmission;

/// Whether sequence number `a` is before `b`. The numbers start again at 0 behind 2^32 - 1.
inline bool is_before(std::uint32_t a, std::uint32_t b) {
    return a != b && b - a < 0x8000'0000u;
}
inline bool is_not_behind(std::uint32_t a, std::uint32_t b) {
    return a == b || is_before(a, b);
}

/// What one end has sent so far.
struct flow {
    std::optional<std::uint32_t> first_seq;     ///< the relative number 0
    std::optional<std::uint32_t> next_seq;      ///< behind the highest byte sent
    std::optional<std::uint32_t> next_gapless;  ///< the same, up to the first gap
    std::uint64_t next_seq_time = 0;            ///< when next_seq came to be
    bool has_sent = false;
    std::uint32_t last_ack = 0;
    std::uint32_t last_window = 0;  ///< without the scale
    bool last_window_is_of_syn = false;
    std::uint64_t last_time = 0;
    unsigned last_marks = 0;
    int duplicate_acks = 0;  ///< of last_ack

    enum class scaling { unknown, none, agreed };
    scaling scale_kind = scaling::unknown;
    std::uint8_t scale = 0;

    /// The shift that makes the number of a header a number of bytes.
    int shift() const { return scale_kind == scaling::agreed ? scale : 0; }
};

/// How long the handshake took, seen from where the capture was made.
struct handshake_time {
    std::optional<std::uint64_t> last_syn;
    std::uint64_t round_trip = 0;  ///< nanoseconds; 0: not known
};

/// Analyses one segment, and brings both flows up to date.
class analysis {
public:
    /// `sender`: of this segment; `other`: the other end.
    analysis(const segment& now, flow& sender, flow& other, handshake_time& handshake)
        : now_(now), sender_(sender), other_(other), handshake_(handshake) {}

    /// Returns the marks. To be called once.
    unsigned run() {
        start_numbers();
        learn_scale();
        check_window_and_repeats();
        check_acknowledged();
        if (now_.length > 0 || is_syn_or_fin()) check_sent_before();
        remember_sent();
        remember_last();
        measure_handshake();
        return marks_;
    }

private:
    bool is_syn_or_fin() const { return now_.has(syn | fin); }
    bool is_plain() const { return !now_.has(syn | fin | rst); }
    bool is_marked(unsigned which) const { return (marks_ & which) != 0; }

    // ---- the numbers from which relative ones count ----

    void start_numbers() {
        if (now_.has(syn)) sender_.first_seq = now_.seq;
        if (!sender_.first_seq) sender_.first_seq = now_.seq - 1;
        if (!other_.first_seq && now_.has(ack)) other_.first_seq = now_.ack - 1;
    }

    /// The window is scaled only if both SYNs have the option.
    void learn_scale() {
        if (!now_.has(syn)) return;
        if (now_.options.window_scale) {
            sender_.scale_kind = flow::scaling::agreed;
            sender_.scale = *now_.options.window_scale;
        }
        const bool refused = now_.has(ack) && other_.scale_kind == flow::scaling::none;
        if (sender_.scale_kind == flow::scaling::unknown) {
            sender_.scale_kind = flow::scaling::none;
            other_.scale_kind = flow::scaling::none;
        } else if (refused) {
            sender_.scale_kind = flow::scaling::none;
        }
    }

    // ---- the window, and segments that repeat the one before ----

    void check_window_and_repeats() {
        const bool no_room = other_.has_sent && other_.last_window == 0;
        if (now_.length == 1 && now_.seq == sender_.next_seq && no_room) {
            marks_ |= zero_window_probe;
            return;
        }
        if (now_.window == 0 && is_plain()) marks_ |= zero_window;
        const bool leaves_gap = sender_.next_seq && is_before(*sender_.next_seq, now_.seq);
        if (leaves_gap && !now_.has(rst)) marks_ |= gap_before;
        const bool is_one_back = sender_.next_seq && now_.seq == *sender_.next_seq - 1;
        if (now_.length <= 1 && is_one_back && is_plain()) marks_ |= keep_alive;
        if (now_.length > 0 && is_plain() && fills_window()) marks_ |= window_full;
        if (repeats_numbers()) mark_repeated_ack();
    }

    bool fills_window() const {
        if (other_.scale_kind == flow::scaling::unknown) return false;
        const int shift = other_.last_window_is_of_syn ? 0 : other_.shift();
        return now_.seq + now_.length == other_.last_ack + (other_.last_window << shift);
    }

    /// An empty segment that has the numbers of the one before.
    bool repeats_numbers() const {
        return now_.length == 0 && is_plain() && sender_.has_sent && now_.seq == sender_.next_seq &&
               now_.ack == sender_.last_ack;
    }

    void mark_repeated_ack() {
        const bool same_window = now_.window == sender_.last_window;
        const bool after_probe = (other_.last_marks & zero_window_probe) != 0;
        if (now_.window == 0) {
            if (same_window && after_probe) marks_ |= zero_window_probe_ack;
        } else if (!same_window) {
            marks_ |= window_update;
        } else if ((other_.last_marks & keep_alive) != 0) {
            marks_ |= keep_alive_ack;
        } else {
            ++sender_.duplicate_acks;
            marks_ |= duplicate_ack;
        }
    }

    void check_acknowledged() {
        if (now_.ack != sender_.last_ack) sender_.duplicate_acks = 0;
        if (!now_.has(ack) || !other_.next_gapless) return;
        if (!is_before(*other_.next_gapless, now_.ack)) return;
        marks_ |= acks_uncaptured;
        other_.next_gapless = other_.next_seq;  // one mark for each hole is enough
    }

    // ---- sent again, or out of order ----

    void check_sent_before() {
        if (is_marked(keep_alive)) return;
        const bool is_acknowledged =
            other_.last_ack != 0 && is_not_behind(now_.seq + now_.length, other_.last_ack);
        if (now_.length > 0 && is_acknowledged) {
            marks_ |= spurious_retransmission;
        } else if (is_behind()) {
            marks_ |= kind_of_repetition();
        }
    }

    /// True if the segment begins before the highest byte sent. A byte that was only a probe of
    /// the window does not count.
    bool is_behind() const {
        if (!sender_.next_seq) return false;
        const bool follows_probe = now_.length > 1 && now_.seq == *sender_.next_seq - 1;
        return is_before(now_.seq, *sender_.next_seq) && !follows_probe;
    }

    unsigned kind_of_repetition() const {
        constexpr std::uint64_t fast = 20'000'000;       // nanoseconds
        constexpr std::uint64_t short_time = 3'000'000;  // if the round trip is not known
        const bool is_asked_for = other_.duplicate_acks >= 2 && other_.last_ack == now_.seq;
        if (is_asked_for && now_.time - other_.last_time < fast) return fast_retransmission;
        const std::uint64_t most = handshake_.round_trip == 0 ? short_time : handshake_.round_trip;
        const std::uint32_t end = now_.seq + now_.length + (is_syn_or_fin() ? 1 : 0);
        const bool is_recent = now_.time - sender_.next_seq_time < most;
        return is_recent && *sender_.next_seq != end ? out_of_order : retransmission;
    }

    // ---- what the next segments are compared with ----

    void remember_sent() {
        if (is_marked(zero_window_probe)) return;
        const std::uint32_t end = now_.seq + now_.length + (is_syn_or_fin() ? 1 : 0);
        if (!sender_.next_seq || is_before(*sender_.next_seq, end)) {
            sender_.next_seq = end;
            sender_.next_seq_time = now_.time;
        }
        if (!sender_.next_gapless || now_.seq == *sender_.next_gapless)
            sender_.next_gapless = sender_.next_seq;
    }

    void remember_last() {
        sender_.has_sent = true;
        sender_.last_window = now_.window;
        sender_.last_window_is_of_syn = now_.has(syn);
        sender_.last_ack = now_.ack;
        sender_.last_time = now_.time;
        sender_.last_marks = marks_;
    }

    void measure_handshake() {
        const bool is_syn = now_.has(syn) && !now_.has(ack);
        if (is_syn) handshake_.last_syn = now_.time;
        const bool is_first_ack = now_.has(ack) && !now_.has(syn) && handshake_.last_syn;
        if (is_first_ack && handshake_.round_trip == 0)
            handshake_.round_trip = now_.time - *handshake_.last_syn;
    }

    const segment& now_;
    flow& sender_;
    flow& other_;
    handshake_time& handshake_;
    unsigned marks_ = 0;
};

}  // namespace segments

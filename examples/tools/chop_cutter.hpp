// examples/tools/chop_cutter.hpp -- where chop cuts a stream: pure, no sockets and no clock in
// here.
//
//     position_             a cut            a cut
//     |                     |                |
//     | h o l a 0 0 0 0 0 5 | : a d i o s 0  | 0 0 0 ...      bytes that wait
//     \____________________/
//       the next piece
//
// A cut is a place in the stream, counted in bytes since its start, and not "after so many bytes of
// whatever has come": so one seed cuts one stream at the same places, however it arrives.
#pragma once

#include "trama.hpp"

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace chop {

enum class mode { whole, bytes, random, headers, glue, cuts, stall, reset, half_close };
enum direction { to_server, to_client };

/// The cutting that the command line names.
struct plan {
    mode how = mode::whole;
    bool cut_direction[2] = {true, true};  ///< by `direction`; the other one passes whole
    std::string codec = "six-digit";
    std::vector<std::uint64_t> cuts;     ///< mode cuts: where
    std::uint64_t seed = 0;              ///< of the first connection; each further one adds 1
    std::size_t glue = 0;                ///< mode glue: messages in one piece; 0: by the seed
    std::optional<std::uint64_t> after;  ///< stall, reset, half-close: where; none: by the seed
};

/// Where the frames of a stream end, for a codec that is chosen while the program runs.
class frame_finder {
public:
    virtual ~frame_finder() = default;
    /// The ends of the frames that `bytes` complete, in bytes since the start of the stream.
    /// Throws trama::frame_error: the stream has no such frames.
    virtual std::vector<std::uint64_t> ends(std::string_view bytes) = 0;
    /// Bytes before the payload; 0 for lines.
    virtual std::size_t header_size() const = 0;
};

template <typename Codec>
class frame_finder_for : public frame_finder {
public:
    std::vector<std::uint64_t> ends(std::string_view bytes) override {
        std::vector<std::uint64_t> found;
        decoder_.receive_data(bytes);
        fed_ += bytes.size();
        while (decoder_.next_view()) found.push_back(fed_ - decoder_.buffered());
        return found;
    }
    std::size_t header_size() const override {
        return std::is_same_v<Codec, trama::lf_line> ? 0 : Codec::header("").size();
    }

private:
    trama::frame_decoder<Codec> decoder_;
    std::uint64_t fed_ = 0;
};

/// nullptr: there is no such codec.
inline std::unique_ptr<frame_finder> find_frames(const std::string& codec) {
    using namespace trama;
    if (codec == "six-digit") return std::make_unique<frame_finder_for<six_digit_colon>>();
    if (codec == "u8") return std::make_unique<frame_finder_for<length_prefix<1>>>();
    if (codec == "u16") return std::make_unique<frame_finder_for<length_prefix<2>>>();
    if (codec == "u32") return std::make_unique<frame_finder_for<length_prefix<4>>>();
    if (codec == "u64") return std::make_unique<frame_finder_for<length_prefix<8>>>();
    if (codec == "line") return std::make_unique<frame_finder_for<lf_line>>();
    return nullptr;
}

/// Cuts one direction of one connection.
class cutter {
public:
    /// `number`: of the connection, from 0. Connection k of seed S is cut as the first of seed S+k.
    cutter(const plan& given, direction which, std::uint64_t number)
        : how_(given.cut_direction[which] ? given.how : mode::whole),
          glue_(given.glue),
          turn_(given.seed + number),
          dice_(2 * (given.seed + number) + (which == to_client ? 1 : 0)) {
        if (how_ == mode::cuts) cuts_.insert(given.cuts.begin(), given.cuts.end());
        if (how_ == mode::stall || how_ == mode::reset || how_ == mode::half_close) {
            interruption_ = given.after ? *given.after : 1 + roll(64);
            cuts_.insert(*interruption_);
        }
        if (how_ == mode::headers || how_ == mode::glue) finder_ = find_frames(given.codec);
        if (how_ == mode::headers) cut_header_at(0);
        if (how_ == mode::glue) start_counting();
    }

    /// These bytes came from the sender. Returns "", or once: why its frames cannot be found.
    std::string arrived(std::string_view bytes) {
        if (finder_ == nullptr) return "";
        try {
            for (const std::uint64_t end : finder_->ends(bytes)) frame_ended(end);
            return "";
        } catch (const trama::frame_error& error) {
            finder_.reset();
            cuts_.clear();
            return error.what();
        }
    }

    /// How many of the bytes that wait make the next piece; 0: they are held back for more.
    std::size_t next_piece(std::size_t waiting) {
        cuts_.erase(cuts_.begin(), cuts_.upper_bound(position_));
        if (how_ == mode::bytes) return std::min<std::size_t>(waiting, 1);
        if (how_ == mode::random && cuts_.empty()) cuts_.insert(position_ + random_size());
        if (!cuts_.empty())
            return static_cast<std::size_t>(
                std::min<std::uint64_t>(waiting, *cuts_.begin() - position_));
        return how_ == mode::glue ? 0 : waiting;
    }

    /// Holding back has lasted long enough: all that waits is the next piece.
    void release(std::size_t waiting) {
        cuts_.insert(position_ + waiting);
        start_counting();
    }

    /// The next bytes of the stream have gone to the receiver.
    void sent(std::size_t count) { position_ += count; }

    /// The place of the stall, reset or half-close has been reached.
    bool interruption_due() const { return interruption_ && position_ >= *interruption_; }
    void interruption_done() { interruption_.reset(); }

    mode how() const { return how_; }
    std::uint64_t position() const { return position_; }

private:
    /// 0 to below - 1. By hand: a std:: distribution may differ from one library to the next.
    std::uint64_t roll(std::uint64_t below) { return dice_() % below; }

    /// The size of the next random piece: 1 to 20 bytes, and one time in forty up to 2000. The
    /// first four have at most 3 bytes: so each stream of 13 bytes or more is cut into at least
    /// five pieces.
    std::uint64_t random_size() {
        ++random_pieces_;
        if (random_pieces_ <= 4) return 1 + roll(3);
        const bool is_long = roll(40) == 0;
        return 1 + roll(is_long ? 2000 : 20);
    }

    /// The frames begin to be counted anew for the next glued piece.
    void start_counting() { missing_ = glue_ != 0 ? glue_ : 2 + roll(3); }

    void frame_ended(std::uint64_t end) {
        if (how_ == mode::glue && --missing_ == 0) {
            cuts_.insert(end);
            start_counting();
        }
        if (how_ == mode::headers) cut_header_at(end);
        // The end of a line is its header, so to speak: the cut is before the LF.
        if (how_ == mode::headers && finder_->header_size() == 0) cuts_.insert(end - 1);
    }

    /// One cut in the header that starts at `start`, one place further on in each message. A line
    /// has no header: its first 8 bytes take turns.
    void cut_header_at(std::uint64_t start) {
        const std::size_t size = finder_->header_size() != 0 ? finder_->header_size() : 8;
        cuts_.insert(start + 1 + turn_++ % size);
    }

    mode how_;
    std::size_t glue_;
    std::uint64_t turn_;  // headers: which place of the header is next
    std::mt19937_64 dice_;
    std::size_t random_pieces_ = 0;  // random: chosen so far
    std::unique_ptr<frame_finder> finder_;
    std::set<std::uint64_t> cuts_;               // those that are known, all behind position_
    std::optional<std::uint64_t> interruption_;  // where the stall, reset or half-close happens
    std::uint64_t missing_ = 0;                  // glue: messages, until the piece is complete
    std::uint64_t position_ = 0;                 // bytes that have gone
};

}  // namespace chop

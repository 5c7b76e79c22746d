// One stream, fed to a decoder in every way that can matter; whatever the way, what comes out must
// be the same.
#pragma once

#include "trama.hpp"
#include "../support/catch.hpp"

#include <cstdint>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace test {

using reason = trama::frame_error::reason;

// ---- what came out of a decoder --------------------------------------------------------------

/// The fault that ended a stream.
struct fault {
    reason why;
    std::uint64_t offset;
};

/// All frames of a stream, then how it ended: with a fault, or well.
struct decoded {
    std::vector<std::string> frames;
    std::optional<fault> end = std::nullopt;
};

inline bool operator==(const decoded& a, const decoded& b) {
    if (a.frames != b.frames || a.end.has_value() != b.end.has_value()) return false;
    return !a.end || (a.end->why == b.end->why && a.end->offset == b.end->offset);
}

inline std::string describe(const decoded& result) {
    std::string text;
    for (const std::string& frame : result.frames)
        text += '[' + trama::escaped(frame, 20) + " (" + std::to_string(frame.size()) + ")] ";
    if (!result.end) return text + "then a clean end";
    constexpr const char* names[] = {"bad_header", "too_long", "truncated"};
    return text + "then " + names[static_cast<int>(result.end->why)] + " at " +
           std::to_string(result.end->offset);
}

// ---- ways through a decoder ------------------------------------------------------------------

/// How bytes go in and frames come out.
struct route {
    bool lent;   ///< through prepare and commit, else through receive_data
    bool views;  ///< by next_view, else by next_frame
    bool late;   ///< frames are taken when all pieces are in, else after each piece
};

inline std::vector<route> all_routes() {
    std::vector<route> routes;
    for (const bool lent : {false, true})
        for (const bool views : {false, true})
            for (const bool late : {false, true}) routes.push_back({lent, views, late});
    return routes;
}

template <typename Codec>
void give(trama::frame_decoder<Codec>& decoder, std::string_view piece, bool lent) {
    if (!lent) return decoder.receive_data(piece);
    // More room than is used, as recv(2) has it.
    char* memory = decoder.prepare(piece.size() + 3);
    if (!piece.empty()) std::memcpy(memory, piece.data(), piece.size());
    decoder.commit(piece.size());
}

template <typename Codec>
bool take_one(trama::frame_decoder<Codec>& decoder, bool views, std::vector<std::string>& frames) {
    if (views) {
        const auto view = decoder.next_view();
        if (view) frames.emplace_back(*view);
        return view.has_value();
    }
    auto frame = decoder.next_frame();
    if (frame) frames.push_back(std::move(*frame));
    return frame.has_value();
}

/// Takes what is there; a fault is noted, and must come back in the same words when asked again.
template <typename Codec>
void take_all(trama::frame_decoder<Codec>& decoder, bool views, decoded& result) {
    const std::size_t before = result.frames.size();
    try {
        while (take_one(decoder, views, result.frames)) continue;
        if (result.end) FAIL_CHECK("the fault was forgotten");
    } catch (const trama::frame_error& error) {
        if (!result.end) {
            result.end = fault{error.why(), error.offset()};
        } else if (result.end->why != error.why() || result.end->offset != error.offset() ||
                   result.frames.size() != before) {
            FAIL_CHECK("another fault than before: " << error.what());
        }
    }
}

/// Feeds the pieces, ends the stream, tells what came out.
template <typename Codec>
decoded decode(const std::vector<std::string_view>& pieces, std::size_t limit, route way) {
    trama::frame_decoder<Codec> decoder(limit);
    decoded result;
    for (const std::string_view piece : pieces) {
        give(decoder, piece, way.lent);
        if (!way.late) take_all(decoder, way.views, result);
    }
    take_all(decoder, way.views, result);
    if (result.end) take_all(decoder, way.views, result);
    try {
        decoder.receive_eof();
    } catch (const trama::frame_error& error) {
        const decoded at_end = {result.frames, fault{error.why(), error.offset()}};
        if (result.end && !(at_end == result)) FAIL_CHECK("a second fault: " << error.what());
        result = at_end;
    }
    return result;
}

// ---- ways to cut a stream --------------------------------------------------------------------

using pieces = std::vector<std::string_view>;

inline pieces cut_in_chunks(std::string_view stream, std::size_t size) {
    pieces result;
    for (std::size_t at = 0; at < stream.size(); at += size)
        result.push_back(stream.substr(at, size));
    return result;
}

/// Repeatable: the same seed cuts at the same places. Some pieces are empty.
inline pieces cut_at_random(std::string_view stream, unsigned seed, std::size_t longest) {
    std::minstd_rand random(seed);
    pieces result;
    while (!stream.empty()) {
        result.push_back(stream.substr(0, random() % (longest + 1)));
        stream.remove_prefix(result.back().size());
    }
    return result;
}

/// Calls `each(pieces)` for every chunk size, every cut in two and in three, 100 random cuttings.
template <typename Each>
void for_every_cutting(std::string_view stream, Each each) {
    each(pieces{stream});
    for (std::size_t size = 1; size < stream.size(); ++size) each(cut_in_chunks(stream, size));
    for (std::size_t first = 0; first <= stream.size(); ++first)
        for (std::size_t second = first; second <= stream.size(); ++second)
            each(pieces{stream.substr(0, first), stream.substr(first, second - first),
                        stream.substr(second)});
    for (unsigned seed = 1; seed <= 100; ++seed) each(cut_at_random(stream, seed, 9));
}

/// The same for streams that are too long for every cutting.
template <typename Each>
void for_some_cuttings(std::string_view stream, Each each) {
    each(pieces{stream});
    for (const std::size_t size : {1000U, 4096U, 65536U}) each(cut_in_chunks(stream, size));
    for (std::size_t first = 0; first < 12 && first < stream.size(); ++first)
        each(pieces{stream.substr(0, first), stream.substr(first)});
    for (unsigned seed = 1; seed <= 3; ++seed) each(cut_at_random(stream, seed, 5000));
}

// ---- the check that nearly every test is made of ---------------------------------------------

template <typename Codec>
void check_cutting(const pieces& cutting, const decoded& expected, std::size_t limit) {
    for (const route way : all_routes()) {
        const decoded found = decode<Codec>(cutting, limit, way);
        if (found == expected) continue;
        std::string sizes;
        for (std::size_t i = 0; i < cutting.size() && i < 20; ++i)
            sizes += ' ' + std::to_string(cutting[i].size());
        FAIL("pieces of" << sizes << " bytes, " << (way.lent ? "lent" : "copied") << ", "
                         << (way.views ? "views" : "frames") << (way.late ? ", late" : "")
                         << "\nexpected: " << describe(expected)
                         << "\nfound:    " << describe(found));
    }
}

/// However `stream` is cut and by whatever way it goes, the outcome is `expected`.
template <typename Codec>
void check_stream(std::string_view stream, const decoded& expected,
                  std::size_t limit = Codec::max_payload) {
    const auto check = [&](const pieces& cutting) {
        check_cutting<Codec>(cutting, expected, limit);
    };
    if (stream.size() <= 70) {
        for_every_cutting(stream, check);
    } else {
        for_some_cuttings(stream, check);
    }
    SUCCEED("every cutting gave the same");
}

/// Calls `make()`, which must throw a frame_error, and returns it.
template <typename Make>
trama::frame_error frame_error_of(Make make) {
    try {
        make();
    } catch (const trama::frame_error& error) {
        return error;
    }
    FAIL("no frame_error was thrown");
    throw 0;  // never reached: FAIL has thrown
}

}  // namespace test

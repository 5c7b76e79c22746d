// What the fuzz targets share. To run one, for a minute:
//
//     clang++ -std=c++17 -O1 -g -fsanitize=fuzzer,address,undefined -I single_include
//             tests/fuzz/fuzz_line.cpp -o fuzz_line
//     ./fuzz_line -max_total_time=60
#pragma once

#include "trama.hpp"

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>

namespace fuzz {

/// Ends the run with a finding unless `true_one` holds.
inline void expect(bool true_one, const char* what) {
    if (true_one) return;
    std::fprintf(stderr, "not true: %s\n", what);
    std::abort();
}

/// The input of one run: a few choices at its front, the rest is the stream.
class input {
public:
    input(const std::uint8_t* data, std::size_t size)
        : rest_(reinterpret_cast<const char*>(data), size) {}

    /// A number from 0 to 255; 0 when the input is used up.
    std::size_t byte() {
        if (rest_.empty()) return 0;
        const auto value = static_cast<unsigned char>(rest_.front());
        rest_.remove_prefix(1);
        return value;
    }
    std::size_t two_bytes() {
        const std::size_t high = byte();
        return 256 * high + byte();
    }
    std::string_view rest() const { return rest_; }

private:
    std::string_view rest_;
};

/// Both tell the same of the same bytes. How long a frame is that is too long may differ: a line
/// that never ends has no length.
inline void expect_same(const trama::scan_result& found, const trama::scan_result& expected) {
    expect(found.status == expected.status, "the status is that of the reference");
    expect(found.offset == expected.offset, "the offset is that of the reference");
    if (found.status != trama::scan_status::frame) return;
    expect(found.length == expected.length, "the length is that of the reference");
    expect(found.trailer == expected.trailer, "the trailer is that of the reference");
}

/// Encodes a payload, and scans the frame again.
template <typename Codec>
void expect_round_trip(std::string_view payload, std::size_t limit) {
    std::string wire = "before";
    try {
        Codec::encode(payload, wire);
    } catch (const trama::frame_error&) {
        expect(wire == "before", "a payload that is refused leaves the string as it was");
        return;
    }
    const std::string_view frame = std::string_view(wire).substr(6);
    if (payload.size() > limit) {
        expect(Codec::scan(frame, limit).status == trama::scan_status::too_long,
               "a payload above the limit is not accepted");
        return;
    }
    for (std::size_t size = 0; size < frame.size(); size += 1 + size / 8)
        expect(Codec::scan(frame.substr(0, size), limit).status == trama::scan_status::need_data,
               "the start of a frame is no frame");
    const trama::scan_result result = Codec::scan(frame, limit);
    expect(result.status == trama::scan_status::frame, "what was encoded is a frame");
    expect(frame.substr(result.offset, result.length) == payload, "the payload comes back");
    expect(result.offset + result.length + result.trailer == frame.size(),
           "the frame is all that was encoded");
}

}  // namespace fuzz

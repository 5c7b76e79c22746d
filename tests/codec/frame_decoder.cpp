// The decoder itself: lending, the end of the stream, any codec, and how much work it does.
#include "trama.hpp"
#include "../support/catch.hpp"

#include "feeding.hpp"
#include "formats.hpp"

#include <cstring>
#include <stdexcept>
#include <string>
#include <string_view>

namespace {

using trama::frame_decoder;
using trama::scan_result;
using trama::scan_status;

/// A codec as a user would write it, in the shape that codec/frame.hpp describes: a netstring,
/// "5:hello,". It has a header of several sizes and a trailer.
struct netstring {
    static constexpr const char* format = "a netstring, such as 5:hello,";
    static constexpr std::size_t max_payload = 99'999;

    static scan_result scan(std::string_view bytes, std::size_t limit, std::size_t) noexcept {
        std::size_t length = 0;
        std::size_t i = 0;
        for (; i < bytes.size() && bytes[i] != ':'; ++i) {
            const bool is_digit = bytes[i] >= '0' && bytes[i] <= '9';
            const bool leading_zero = i == 1 && bytes[0] == '0';
            if (!is_digit || leading_zero || i == 5) return {scan_status::bad_header, i};
            length = length * 10 + static_cast<std::size_t>(bytes[i] - '0');
        }
        if (i == bytes.size()) return {scan_status::need_data, 0, 1};
        if (i == 0) return {scan_status::bad_header, 0};
        if (length > limit) return {scan_status::too_long, 0, length};
        const std::size_t size = i + 1 + length + 1;
        if (bytes.size() < size) return {scan_status::need_data, 0, size - bytes.size()};
        if (bytes[size - 1] != ',') return {scan_status::bad_header, size - 1};
        return {scan_status::frame, i + 1, length, 1};
    }
    static trama::frame_header header(std::string_view payload) {
        const std::string text = std::to_string(payload.size()) + ':';
        trama::frame_header header(text.size());
        std::memcpy(header.data(), text.data(), text.size());
        return header;
    }
    static constexpr std::string_view trailer = ",";
};

/// Counts how often `Codec` scans, and how many bytes that no earlier scan has seen.
template <typename Codec>
struct counting : Codec {
    static inline std::size_t calls = 0;
    static inline std::size_t bytes_looked_at = 0;

    static scan_result scan(std::string_view bytes, std::size_t limit, std::size_t seen) noexcept {
        ++calls;
        bytes_looked_at += bytes.size() - seen;
        return Codec::scan(bytes, limit, seen);
    }
};

/// How often the decoder scans, and how many bytes it moves, for `total` bytes of one-byte frames
/// that come in chunks of 4 KiB.
struct amount_of_work {
    std::size_t scans;
    std::size_t bytes_moved;
};

amount_of_work work_for(std::size_t total) {
    using codec = counting<trama::length_prefix<4>>;
    std::string stream;
    while (stream.size() < total) stream += test::big4::wire("x");
    frame_decoder<codec> decoder;
    codec::calls = 0;
    std::size_t moved = 0;
    const char* front = nullptr;
    for (const std::string_view piece : test::cut_in_chunks(stream, 4096)) {
        const char* memory = decoder.prepare(4096);
        if (memory - decoder.buffered() != front) moved += decoder.buffered();
        front = memory - decoder.buffered();
        std::memcpy(decoder.prepare(4096), piece.data(), piece.size());
        decoder.commit(piece.size());
        while (const auto view = decoder.next_view()) front = view->data() + view->size();
    }
    return {codec::calls, moved};
}

}  // namespace

// ---- lending ---------------------------------------------------------------------------------

TEST_CASE("a codec of the user frames a payload with its header and its trailer", "[codec]") {
    std::string out = "before ";
    trama::trama_detail::append_frame<netstring>("hola", out);
    trama::trama_detail::append_frame<netstring>("", out);
    CHECK(out == "before 4:hola,0:,");
}

TEST_CASE("a view stays valid until the next call, while other frames wait behind it", "[codec]") {
    frame_decoder<trama::six_digit_colon> decoder;
    decoder.receive_data("000004:hola000005:adios");
    const auto first = decoder.next_view();
    CHECK(decoder.buffered() == 12);
    CHECK(first == "hola");
    const auto second = decoder.next_view();
    CHECK(second == "adios");
}

TEST_CASE("commit of more than there is room for is refused, and changes nothing", "[codec]") {
    frame_decoder<trama::six_digit_colon> decoder;
    CHECK_THROWS_AS(decoder.commit(1), std::length_error);
    decoder.receive_data("000004:ho");
    decoder.prepare(100);
    CHECK_THROWS_AS(decoder.commit(1'000'000), std::length_error);
    CHECK_THROWS_AS(decoder.commit(static_cast<std::size_t>(-1)), std::length_error);
    CHECK(decoder.buffered() == 9);
    decoder.receive_data("la");
    CHECK(decoder.next_frame() == "hola");
}

TEST_CASE("memory that was prepared and not used is no data", "[codec]") {
    frame_decoder<trama::six_digit_colon> decoder;
    std::memcpy(decoder.prepare(100), "000004:hola", 11);
    decoder.commit(0);
    CHECK(decoder.next_view() == std::nullopt);
    CHECK(decoder.buffered() == 0);
    CHECK_NOTHROW(decoder.receive_eof());
    std::memcpy(decoder.prepare(100), "000005:adios", 12);
    decoder.commit(12);
    CHECK(decoder.next_view() == "adios");
}

TEST_CASE("receiving nothing is allowed, before and after data", "[codec]") {
    frame_decoder<trama::lf_line> decoder;
    decoder.receive_data("");
    decoder.receive_data({});
    decoder.receive_data("a");
    decoder.receive_data({});
    decoder.receive_data("\n");
    CHECK(decoder.next_frame() == "a");
}

// ---- the end of the stream -------------------------------------------------------------------

TEST_CASE("receive_eof on a decoder that got nothing, or whole frames, is silent", "[codec]") {
    frame_decoder<trama::six_digit_colon> decoder;
    CHECK_NOTHROW(decoder.receive_eof());
    decoder.receive_data("000004:hola000000:");
    CHECK_NOTHROW(decoder.receive_eof());
    static_cast<void>(decoder.next_frame());
    CHECK_NOTHROW(decoder.receive_eof());
    CHECK(decoder.next_frame() == "");
    CHECK(decoder.next_frame() == std::nullopt);
    CHECK_NOTHROW(decoder.receive_eof());
}

TEST_CASE("receive_eof tells of the cut frame while whole ones wait, and they stay", "[codec]") {
    frame_decoder<trama::six_digit_colon> decoder;
    decoder.receive_data("000004:hola000005:adios000003:ab");
    CHECK(decoder.next_frame() == "hola");
    const auto error = test::frame_error_of([&] { return decoder.receive_eof(); });
    CHECK(error.why() == test::reason::truncated);
    CHECK(error.offset() == 23);
    CHECK(decoder.next_frame() == "adios");
    CHECK(decoder.next_frame() == std::nullopt);
    CHECK(test::frame_error_of([&] { return decoder.receive_eof(); }).offset() == 23);
}

TEST_CASE("receive_eof tells of a broken frame as next_frame does", "[codec]") {
    frame_decoder<trama::six_digit_colon> decoder;
    decoder.receive_data("000004:hola12x");
    const auto early = test::frame_error_of([&] { return decoder.receive_eof(); });
    CHECK(decoder.next_frame() == "hola");
    const auto next = test::frame_error_of([&] { return decoder.next_frame(); });
    const auto late = test::frame_error_of([&] { return decoder.receive_eof(); });
    for (const trama::frame_error& error : {early, next, late}) {
        CHECK(error.why() == test::reason::bad_header);
        CHECK(error.offset() == 13);
        CHECK(std::string(error.what()) == next.what());
    }
}

TEST_CASE("after the end of a stream a decoder can go on with more of it", "[codec]") {
    frame_decoder<trama::lf_line> decoder;
    decoder.receive_data("ho");
    CHECK_THROWS_AS(decoder.receive_eof(), trama::frame_error);
    decoder.receive_data("la\n");
    CHECK_NOTHROW(decoder.receive_eof());
    CHECK(decoder.next_frame() == "hola");
}

// ---- any codec -------------------------------------------------------------------------------

TEST_CASE("a codec that a user wrote works with the decoder", "[codec]") {
    test::check_stream<netstring>("4:hola,0:,5:a,b:c,10:0123456789,",
                                  {{"hola", "", "a,b:c", "0123456789"}});
    test::check_stream<netstring>("4:hola,05:x",
                                  {{"hola"}, test::fault{test::reason::bad_header, 8}});
    test::check_stream<netstring>("4:hola;", {{}, test::fault{test::reason::bad_header, 6}});
    test::check_stream<netstring>("4:hola,6:", {{"hola"}, test::fault{test::reason::too_long, 7}},
                                  5);
    test::check_stream<netstring>("4:hola,4:hol",
                                  {{"hola"}, test::fault{test::reason::truncated, 7}});
}

// ---- how much work ---------------------------------------------------------------------------

TEST_CASE("sixteen times the frames are sixteen times the work", "[codec]") {
    const amount_of_work small = work_for(1U << 20U);
    const amount_of_work large = work_for(16U << 20U);
    CHECK(small.scans <= (1U << 20U) / 5 + 2 * 256 + 2);
    CHECK(large.scans <= 17 * small.scans);
    CHECK(large.bytes_moved <= 17 * small.bytes_moved + 100);
    CHECK(large.bytes_moved <= (16U << 20U));
}

TEST_CASE(
    "a long payload that comes byte by byte is scanned once for its header and once at its "
    "end",
    "[codec]") {
    using codec = counting<trama::six_digit_colon>;
    const std::string wire = test::six_digits::wire(std::string(100'000, 'x'));
    frame_decoder<codec> decoder;
    codec::calls = 0;
    for (const char& byte : wire) {
        decoder.receive_data({&byte, 1});
        const auto view = decoder.next_view();
        if (&byte == &wire.back()) CHECK(view->size() == 100'000);
    }
    CHECK(codec::calls <= 1 + 7 + 1);
}

TEMPLATE_TEST_CASE("every byte of a long line that comes byte by byte is looked at once", "[codec]",
                   trama::lf_line, trama::crlf_line, trama::any_line) {
    using codec = counting<TestType>;
    const std::size_t length = 5U << 20U;
    const std::string wire = std::string(length, 'x') + "\r\n";
    frame_decoder<codec> decoder(length + 1);
    codec::bytes_looked_at = 0;
    std::size_t frames = 0;
    for (const char& byte : wire) {
        decoder.receive_data({&byte, 1});
        if (decoder.next_view()) ++frames;
    }
    CHECK(frames == 1);
    CHECK(codec::bytes_looked_at == wire.size());
}

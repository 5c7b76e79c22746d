// Binary lengths of 1, 2, 4 and 8 bytes: nothing about a number may overflow.
#include "trama.hpp"
#include "../support/catch.hpp"

#include "feeding.hpp"
#include "formats.hpp"

#include <algorithm>
#include <cstdint>
#include <limits>
#include <string>

namespace {

using trama::byte_order;
using trama::length_prefix;
using trama::scan_status;

constexpr std::size_t no_limit = std::numeric_limits<std::size_t>::max();

}  // namespace

TEST_CASE("the bytes of a length stand in the order of the network, or the other way", "[codec]") {
    std::string big;
    std::string little;
    length_prefix<2>::encode(std::string(0x0102, 'x'), big);
    length_prefix<2, byte_order::little>::encode(std::string(0x0102, 'x'), little);
    CHECK(big.substr(0, 3) == "\x01\x02x");
    CHECK(little.substr(0, 3) == "\x02\x01x");
}

TEST_CASE("every byte of an 8-byte length counts with its weight", "[codec]") {
    for (unsigned power = 0; power < 64; ++power) {
        const std::uint64_t sent = std::uint64_t{1} << power;
        // What a 32-bit machine cannot count is told as the most that it can.
        const std::uint64_t length = std::min<std::uint64_t>(sent, std::size_t(-1));
        CHECK(length_prefix<8>::scan(test::big8::header(sent), 0).length == length);
        CHECK(length_prefix<8, byte_order::little>::scan(test::little8::header(sent), 0).length ==
              length);
    }
}

TEST_CASE("the default limit is what the header can say, at most 16 MiB", "[codec]") {
    CHECK(length_prefix<1>::max_payload == 255);
    CHECK(length_prefix<2>::max_payload == 65'535);
    CHECK(length_prefix<4>::max_payload == 16'777'216);
    CHECK(length_prefix<8>::max_payload == 16'777'216);
}

TEST_CASE("a length that would wrap a sum is too long", "[codec]") {
    for (const std::uint64_t length :
         {std::uint64_t{1} << 63U, ~std::uint64_t{0}, ~std::uint64_t{0} - 7, ~std::uint64_t{0} - 8,
          std::uint64_t{1} << 32U, (std::uint64_t{1} << 32U) + 4}) {
        const std::string good = test::big8::wire("ok");
        test::check_stream<length_prefix<8>>(
            good + test::big8::header(length) + "hola",
            {{"ok"}, test::fault{test::reason::too_long, good.size()}});
    }
}

TEST_CASE("the longest 4-byte length is too long", "[codec]") {
    test::check_stream<length_prefix<4>>("\xff\xff\xff\xffhola",
                                         {{}, test::fault{test::reason::too_long, 0}});
}

TEST_CASE("a payload that the header cannot say is not encoded", "[codec]") {
    std::string out;
    CHECK_THROWS_AS(length_prefix<1>::encode(std::string(256, 'x'), out),
                    trama::frame_error);
    CHECK_THROWS_AS(length_prefix<2>::encode(std::string(65'536, 'x'), out),
                    trama::frame_error);
    CHECK(out.empty());
}

TEST_CASE("a payload above 16 MiB passes where the limit allows it", "[codec]") {
    const std::string payload((16U << 20U) + 1, 'x');
    std::string wire;
    length_prefix<4>::encode(payload, wire);
    const auto result = length_prefix<4>::scan(wire, no_limit);
    CHECK(result.status == scan_status::frame);
    CHECK(result.length == payload.size());
}

TEST_CASE("without any limit the longest length is a frame that never completes", "[codec]") {
    trama::frame_decoder<length_prefix<8>> decoder(no_limit);
    decoder.receive_data(test::big8::header(no_limit) + "hola");
    CHECK(decoder.next_view() == std::nullopt);
    decoder.receive_data("adios");
    CHECK(decoder.next_view() == std::nullopt);
    CHECK_THROWS_AS(decoder.receive_eof(), trama::frame_error);
}

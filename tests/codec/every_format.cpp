// What holds for every framing of the library.
#include "trama.hpp"
#include "../support/catch.hpp"

#include "feeding.hpp"
#include "formats.hpp"

#include <algorithm>
#include <limits>
#include <string>
#include <vector>

namespace {

using test::check_stream;
using test::decoded;
using test::reason;

template <typename Format>
std::string encoded(const std::string& payload) {
    std::string wire;
    Format::codec::encode(payload, wire);
    return wire;
}

}  // namespace

TEMPLATE_TEST_CASE("encode writes the bytes that the format prescribes", "[codec]", ALL_FORMATS) {
    for (const std::string& payload : test::tricky_payloads<TestType>())
        CHECK(encoded<TestType>(payload) == TestType::wire(payload));
}

TEMPLATE_TEST_CASE("header and trailer are what stands around the payload", "[codec]",
                   ALL_FORMATS) {
    using codec = typename TestType::codec;
    for (const std::string& payload : test::tricky_payloads<TestType>()) {
        const std::string header(codec::header(payload).view());
        CHECK(header + payload + std::string(codec::trailer) == TestType::wire(payload));
    }
}

TEMPLATE_TEST_CASE("encode appends: what was in the string stays", "[codec]", ALL_FORMATS) {
    std::string out = "before";
    TestType::codec::encode("hola", out);
    TestType::codec::encode("", out);
    CHECK(out == "before" + TestType::wire("hola") + TestType::wire(""));
}

TEMPLATE_TEST_CASE("a stream of four frames survives every cutting", "[codec]", ALL_FORMATS) {
    const std::vector<std::string> payloads = test::tricky_payloads<TestType>();
    for (std::size_t i = 0; i + 4 <= payloads.size(); i += 2) {
        decoded expected;
        std::string stream;
        for (std::size_t k = i; k < i + 4; ++k) {
            expected.frames.push_back(payloads[k]);
            stream += TestType::wire(payloads[k]);
        }
        check_stream<typename TestType::codec>(stream, expected);
    }
}

TEMPLATE_TEST_CASE("a stream that ends inside a frame is truncated where that frame starts",
                   "[codec]", ALL_FORMATS) {
    const std::vector<std::string> payloads = {"hola", "", "adios"};
    std::string stream;
    std::vector<std::size_t> ends = {0};
    for (const std::string& payload : payloads) {
        stream += TestType::wire(payload);
        ends.push_back(stream.size());
    }
    for (std::size_t size = 0; size <= stream.size(); ++size) {
        const auto whole = static_cast<std::size_t>(
            std::upper_bound(ends.begin(), ends.end(), size) - ends.begin() - 1);
        decoded expected;
        expected.frames.assign(payloads.begin(),
                               payloads.begin() + static_cast<std::ptrdiff_t>(whole));
        if (ends[whole] != size) expected.end = test::fault{reason::truncated, ends[whole]};
        check_stream<typename TestType::codec>(stream.substr(0, size), expected);
    }
}

TEMPLATE_TEST_CASE("payloads of every critical size arrive", "[codec]", ALL_FORMATS) {
    using codec = typename TestType::codec;
    for (const std::size_t size :
         {std::size_t{1}, std::size_t{127}, std::size_t{128}, std::size_t{255}, std::size_t{256},
          std::size_t{65535}, std::size_t{65536}, std::size_t{999999}, codec::max_payload}) {
        if (size > codec::max_payload) continue;
        std::string payload(size, 'x');
        for (std::size_t i = 0; i < size; i += 7) payload[i] = static_cast<char>(i % 256);
        std::replace(payload.begin(), payload.end(), '\n', 'n');
        payload.back() = 'z';
        const std::string wire = TestType::wire(payload);
        CHECK((encoded<TestType>(payload) == wire));
        if (size <= 999999) check_stream<codec>(wire + wire, {{payload, payload}});
    }
}

TEMPLATE_TEST_CASE("a payload above the default limit is encoded if the format can carry it",
                   "[codec]", ALL_FORMATS) {
    using codec = typename TestType::codec;
    const std::string payload(codec::max_payload + 1, 'x');
    std::string out;
    try {
        codec::encode(payload, out);
        CHECK(out == TestType::wire(payload));
        CHECK(codec::scan(out, payload.size(), 0).status == trama::scan_status::frame);
    } catch (const trama::frame_error& error) {
        CHECK(error.why() == reason::too_long);
        CHECK(error.code() == std::errc::message_size);
        CHECK(error.offset() == 0);
        CHECK(out.empty());
        CHECK_THROWS_AS(codec::header(payload), trama::frame_error);
        CHECK(codec::max_payload < (1U << 24U));  // 4 and 8 bytes can say more
    }
}

TEMPLATE_TEST_CASE("a smaller limit bounds what is received", "[codec]", ALL_FORMATS) {
    using codec = typename TestType::codec;
    const std::string good = TestType::wire("12345") + TestType::wire("");
    const decoded expected = {{"12345", ""}, test::fault{reason::too_long, good.size()}};
    check_stream<codec>(good + TestType::wire("123456"), expected, 5);
    check_stream<codec>(good + TestType::wire("1234567890"), expected, 5);
}

TEMPLATE_TEST_CASE("a limit of 0 lets only empty frames pass", "[codec]", ALL_FORMATS) {
    const std::string empty = TestType::wire("");
    check_stream<typename TestType::codec>(
        empty + empty + TestType::wire("x"),
        {{"", ""}, test::fault{reason::too_long, 2 * empty.size()}}, 0);
}

TEMPLATE_TEST_CASE("scan tells where the payload is and ignores what follows the frame", "[codec]",
                   ALL_FORMATS) {
    using codec = typename TestType::codec;
    const std::string wire = TestType::wire("hola");
    for (const char* behind : {"", "x", "\n", "000004:"}) {
        const std::string bytes = wire + behind;
        const trama::scan_result result = codec::scan(bytes);
        CHECK(result.status == trama::scan_status::frame);
        CHECK(bytes.substr(result.offset, result.length) == "hola");
        CHECK(result.offset + result.length + result.trailer == wire.size());
    }
}

TEMPLATE_TEST_CASE("scan never asks for more bytes than the frame still needs", "[codec]",
                   ALL_FORMATS) {
    using codec = typename TestType::codec;
    const std::string wire = TestType::wire("hola");
    for (std::size_t size = 0; size < wire.size(); ++size) {
        const trama::scan_result result = codec::scan(wire.substr(0, size));
        CHECK(result.status == trama::scan_status::need_data);
        CHECK(result.length >= 1);
        CHECK(result.length <= wire.size() - size);
    }
}

TEMPLATE_TEST_CASE("scan finds the same frame whatever an earlier scan has seen", "[codec]",
                   ALL_FORMATS) {
    using codec = typename TestType::codec;
    const std::string wire = TestType::wire("hola\r");
    for (std::size_t seen = 0; seen < wire.size(); ++seen) {
        const trama::scan_result result = codec::scan(wire, codec::max_payload, seen);
        CHECK(result.status == trama::scan_status::frame);
        CHECK(result.offset + result.length + result.trailer == wire.size());
    }
}

TEMPLATE_TEST_CASE("missing() is 0 exactly when the next frame can be looked at", "[codec]",
                   ALL_FORMATS) {
    const std::string wire = TestType::wire("hola");
    trama::frame_decoder<typename TestType::codec> decoder;
    for (std::size_t size = 0; size < wire.size(); ++size) {
        CHECK(decoder.next_view() == std::nullopt);
        CHECK(decoder.buffered() == size);
        CHECK(decoder.missing() >= 1);
        CHECK(decoder.missing() <= wire.size() - size);
        decoder.receive_data({&wire[size], 1});
    }
    CHECK(decoder.missing() == 0);
    CHECK(decoder.next_view() == "hola");
    CHECK(decoder.buffered() == 0);
    CHECK(decoder.missing() == 1);
}

TEMPLATE_TEST_CASE("a decoder that is moved in the middle of a frame goes on", "[codec]",
                   ALL_FORMATS) {
    using decoder_type = trama::frame_decoder<typename TestType::codec>;
    const std::string stream = TestType::wire("hola") + TestType::wire("adios");
    for (std::size_t cut = 0; cut <= stream.size(); ++cut) {
        decoder_type first(5);
        std::vector<std::string> frames;
        first.receive_data(stream.substr(0, cut));
        while (const auto frame = first.next_frame()) frames.push_back(*frame);

        decoder_type second(std::move(first));
        decoder_type third(0);
        third.receive_data("to be forgotten");
        third = std::move(second);
        third.receive_data(stream.substr(cut));
        while (const auto frame = third.next_frame()) frames.push_back(*frame);
        CHECK(frames == std::vector<std::string>{"hola", "adios"});
        CHECK_NOTHROW(third.receive_eof());

        first = decoder_type(4);
        first.receive_data(TestType::wire("otra"));
        CHECK(first.next_frame() == "otra");
        first.receive_data(TestType::wire("12345"));
        CHECK_THROWS_AS(first.next_frame(), trama::frame_error);
    }
}

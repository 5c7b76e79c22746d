// "000005:hello": what is no header is refused where it stands.
#include "trama.hpp"
#include "../support/catch.hpp"

#include "feeding.hpp"
#include "formats.hpp"

#include <string>
#include <vector>

namespace {

using trama::scan_status;
using trama::six_digit_colon;

struct malformed {
    std::string bytes;
    std::size_t first_wrong;
};

const std::vector<malformed>& malformed_headers() {
    static const std::vector<malformed> headers = {
        {"+00005:hello", 0},
        {"-00001:x", 0},
        {" 00005:hello", 0},
        {"\t00005:hello", 0},
        {"\r\n000005:hello", 0},
        {"\n000005:hello", 0},
        {":hello", 0},
        {"GET / HTTP/1.1\r\n", 0},
        {"hello", 0},
        {std::string("\0\0\0\x05hello", 9), 0},
        {"\xd9\xa0\xd9\xa0\xd9\xa0\xd9\xa0\xd9\xa0\xd9\xa5:hello", 0},  // Arabic digits in UTF-8
        {"\xff\xff\xff\xff\xff\xff:", 0},
        {"/00005:hello", 0},  // the bytes beside '0' and '9'
        {"00000::", 5},
        {"5:hello", 1},
        {"0x0005:hello", 1},
        {"1e0001:hello", 1},
        {std::string("0\0", 2) + "0005:hello", 1},
        {"0,0005:hello", 1},
        {"000 05:hello", 3},
        {"000.05:hello", 3},
        {"00000a:hello", 5},
        {"00005 :hello", 5},
        {"00005:hello", 5},
        {"000005hello", 6},
        {"000005 :hello", 6},
        {"000005;hello", 6},
        {"0000005:hello", 6},
        {std::string("000005\0:hello", 13), 6},
        {"000005\r\nhello", 6},
    };
    return headers;
}

}  // namespace

TEST_CASE("a malformed header is refused at its first wrong byte, however it is cut", "[codec]") {
    for (const malformed& each : malformed_headers()) {
        INFO(trama::escaped(each.bytes));
        test::check_stream<six_digit_colon>(
            each.bytes, {{}, test::fault{test::reason::bad_header, each.first_wrong}});
    }
}

TEST_CASE("the frames before a malformed header are delivered, and its offset counts them",
          "[codec]") {
    const std::string good = "000002:ok000000:";
    for (const malformed& each : malformed_headers()) {
        INFO(trama::escaped(each.bytes));
        test::check_stream<six_digit_colon>(
            good + each.bytes,
            {{"ok", ""}, test::fault{test::reason::bad_header, good.size() + each.first_wrong}});
    }
}

TEST_CASE("a malformed header is refused as soon as its first wrong byte is in", "[codec]") {
    for (const malformed& each : malformed_headers()) {
        INFO(trama::escaped(each.bytes));
        const std::string before = each.bytes.substr(0, each.first_wrong);
        const std::string with = each.bytes.substr(0, each.first_wrong + 1);
        CHECK(six_digit_colon::scan(before).status == scan_status::need_data);
        CHECK(six_digit_colon::scan(with).status == scan_status::bad_header);
        CHECK(six_digit_colon::scan(with).offset == each.first_wrong);
        // However it is cut, nobody waits for the rest of a header that is wrong already.
        test::check_stream<six_digit_colon>(
            "000002:ok" + with,
            {{"ok"}, test::fault{test::reason::bad_header, 9 + each.first_wrong}});
    }
}

TEST_CASE("every byte but a digit is refused in every position of the six", "[codec]") {
    for (std::size_t position = 0; position < 7; ++position)
        for (int byte = 0; byte < 256; ++byte) {
            std::string header = "000000:";
            header[position] = static_cast<char>(byte);
            const bool legal = position == 6 ? byte == ':' : byte >= '0' && byte <= '9';
            const auto status = six_digit_colon::scan(header).status;
            if ((status != scan_status::bad_header) != legal)
                FAIL_CHECK("byte " << byte << " at " << position);
        }
    SUCCEED();
}

TEST_CASE("a fault stays when more bytes come, good ones too", "[codec]") {
    trama::frame_decoder<six_digit_colon> decoder;
    decoder.receive_data("000002:ok00x");
    CHECK(decoder.next_frame() == "ok");
    for (int again = 0; again < 3; ++again) {
        const auto error = test::frame_error_of([&] { return decoder.next_frame(); });
        CHECK(error.why() == test::reason::bad_header);
        CHECK(error.offset() == 11);
        CHECK(test::frame_error_of([&] { return decoder.next_view(); }).offset() == 11);
        CHECK(test::frame_error_of([&] { return decoder.receive_eof(); }).offset() == 11);
        decoder.receive_data("000002:ok");
        *decoder.prepare(1) = '0';
        decoder.commit(1);
    }
}

TEST_CASE("a length above the limit is refused with the header, before any payload", "[codec]") {
    const auto result = six_digit_colon::scan("000006:", 5);
    CHECK(result.status == scan_status::too_long);
    CHECK(result.length == 6);
    CHECK(six_digit_colon::scan("000005:", 5).status == scan_status::need_data);
    CHECK(six_digit_colon::scan("000006", 5).status == scan_status::need_data);
}

TEST_CASE("six digits never say more than 999999, whatever the limit", "[codec]") {
    const std::string payload(1'000'000, 'x');
    std::string out;
    CHECK_THROWS_AS(six_digit_colon::encode(payload, out), trama::frame_error);
    CHECK(out.empty());
    CHECK(six_digit_colon::scan("999999:", 2'000'000).length == 999'999);
}

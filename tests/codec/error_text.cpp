// What a person reads when a frame is broken, and how foreign bytes are shown.
#include "trama.hpp"
#include "../support/catch.hpp"

#include "feeding.hpp"

#include <string>
#include <string_view>

namespace {

using trama::escaped;

/// The text of the error that `Codec` makes of `bytes`.
template <typename Codec>
std::string complaint(std::string_view bytes, std::size_t limit = Codec::max_payload) {
    trama::frame_decoder<Codec> decoder(limit);
    decoder.receive_data(bytes);
    return test::frame_error_of([&] {
               while (decoder.next_view()) continue;
               decoder.receive_eof();
           })
        .what();
}

bool contains(const std::string& text, const char* part) {
    return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("escaped leaves printable ASCII as it is", "[codec]") {
    std::string printable;
    for (char byte = 0x20; byte < 0x7f; ++byte)
        if (byte != '"' && byte != '\\') printable += byte;
    CHECK(escaped(printable) == printable);
}

TEST_CASE("escaped shows every other byte by a backslash", "[codec]") {
    CHECK(escaped("\n\r\t\\\"") == "\\n\\r\\t\\\\\\\"");
    CHECK(escaped(std::string("\0\x01\x1b[2J\x7f", 7)) == "\\x00\\x01\\x1b[2J\\x7f");
    CHECK(escaped("\x80\xc3\xb1\xff") == "\\x80\\xc3\\xb1\\xff");
    for (int byte = 0; byte < 256; ++byte)
        for (const char shown : escaped(std::string(1, static_cast<char>(byte))))
            if (shown < 0x20 || shown > 0x7e) FAIL_CHECK("byte " << byte << " is not visible");
}

TEST_CASE("escaped shows at most as many bytes as asked for, and that there were more", "[codec]") {
    CHECK(escaped("hola", 4) == "hola");
    CHECK(escaped("hola", 3) == "hol...");
    CHECK(escaped("\n\n", 1) == "\\n...");
    CHECK(escaped("hola", 0) == "...");
    CHECK(escaped("", 0) == "");
}

TEST_CASE("what is added to a text stands behind it", "[codec]") {
    trama::trama_detail::text words("%d is ", 10);
    words.add_escaped("\nor more", 3);
    CHECK(std::string(words.c_str()) == "10 is \\nor");
}

TEST_CASE("a bad header is shown with its place, its bytes, the format and a guess", "[codec]") {
    CHECK(complaint<trama::six_digit_colon>("000002:okGET / HTTP/1.1\r\n") ==
          "bad frame header at byte 9 of the stream: \"GET / HTTP/1.1\\r\\n\" "
          "(expected six digits and a colon, such as 000005:hello; this looks like HTTP)");
    CHECK(complaint<trama::six_digit_colon>("00005 :hello") ==
          "bad frame header at byte 5 of the stream: \"00005 :hello\" "
          "(expected six digits and a colon, such as 000005:hello)");
}

TEST_CASE("foreign protocols are recognised by their first bytes", "[codec]") {
    using codec = trama::six_digit_colon;
    CHECK(contains(complaint<codec>("POST /x HTTP/1.1"), "looks like HTTP"));
    CHECK(contains(complaint<codec>("HTTP/1.0 200 OK"), "looks like HTTP"));
    CHECK(contains(complaint<codec>("\x16\x03\x01\x02"), "looks like TLS"));
    CHECK(contains(complaint<codec>("SSH-2.0-OpenSSH"), "looks like SSH"));
    CHECK(contains(complaint<codec>(std::string_view("\0\0\0\x05hello", 9)),
                   "looks like a binary length"));
    CHECK(contains(complaint<codec>("{\"a\":1}"), "looks like JSON"));
    CHECK(!contains(complaint<codec>("hello"), "looks like"));
    CHECK(contains(complaint<trama::length_prefix<4>>("GET / HTTP/1.1"), "looks like HTTP"));
}

TEST_CASE("a frame that is too long is shown with its length and the limit", "[codec]") {
    CHECK(complaint<trama::six_digit_colon>("000009:", 5) ==
          "frame too long at byte 0 of the stream: 9 bytes, here at most 5; it starts with "
          "\"000009:\" (expected six digits and a colon, such as 000005:hello)");
}

TEST_CASE("a truncated frame is shown with what came and what is missing", "[codec]") {
    CHECK(complaint<trama::six_digit_colon>("000002:ok000009:hola") ==
          "the stream ended inside the frame at byte 9: 11 bytes came, at least 5 are missing "
          "(\"000009:hola\"; the peer closed, or died, before it had sent all)");
}

TEST_CASE("a payload that is too long for the format is shown with its size and the most",
          "[codec]") {
    std::string out;
    const std::string payload(1'000'000, 'x');
    const auto error =
        test::frame_error_of([&] { return trama::six_digit_colon::encode(payload, out); });
    CHECK(std::string(error.what()) ==
          "a payload of 1000000 bytes does not fit: six digits and a colon, such as 000005:hello, "
          "at most 999999 bytes");
}

TEST_CASE("hostile bytes reach no terminal through an error", "[codec]") {
    const std::string hostile = "\x1b]0;title\x07\x1b[2J\xe2\x80\xae";
    for (const std::string& text :
         {complaint<trama::six_digit_colon>(hostile), complaint<trama::lf_line>(hostile),
          complaint<trama::crlf_line>(hostile + '\n'), complaint<trama::length_prefix<4>>(hostile)})
        for (const char shown : text) CHECK((shown >= 0x20 && shown < 0x7f));
}

TEST_CASE("an error shows at most 24 bytes of a frame", "[codec]") {
    CHECK(complaint<trama::lf_line>(std::string(10'000, 'x')).size() < 250);
    CHECK(contains(complaint<trama::lf_line>(std::string(10'000, 'x')),
                   "\"xxxxxxxxxxxxxxxxxxxxxxxx...\""));
}

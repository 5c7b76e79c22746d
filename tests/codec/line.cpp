// Lines: where they end, what belongs to them, and lines that never end.
#include "trama.hpp"
#include "../support/catch.hpp"

#include "feeding.hpp"

#include <string>

namespace {

using test::check_stream;
using test::fault;
using test::reason;
using trama::any_line;
using trama::crlf_line;
using trama::lf_line;

}  // namespace

TEST_CASE("lf_line: a CR before the LF belongs to the line", "[codec]") {
    check_stream<lf_line>("a\n\r\nb\r\n\n", {{"a", "\r", "b\r", ""}});
}

TEST_CASE("any_line: LF and CR LF both end a line, and neither is part of it", "[codec]") {
    check_stream<any_line>("a\nb\r\n\r\n\nc\r\r\n\rd\n", {{"a", "b", "", "", "c\r", "\rd"}});
}

TEST_CASE("crlf_line: a CR alone is part of the line", "[codec]") {
    check_stream<crlf_line>("a\rb\r\n\r\r\n", {{"a\rb", "\r"}});
}

TEST_CASE("crlf_line: a LF without its CR is refused where it stands", "[codec]") {
    check_stream<crlf_line>("ok\r\nab\ncd\r\n", {{"ok"}, fault{reason::bad_header, 6}});
    check_stream<crlf_line>("\n", {{}, fault{reason::bad_header, 0}});
    check_stream<crlf_line>("a\r\n\n", {{"a"}, fault{reason::bad_header, 3}});
}

TEST_CASE("a NUL byte is a byte of the line like any other", "[codec]") {
    const std::string payload("a\0b", 3);
    check_stream<lf_line>(payload + '\n', {{payload}});
    check_stream<crlf_line>(payload + "\r\n", {{payload}});
    check_stream<any_line>(payload + "\r\n", {{payload}});
}

TEST_CASE("a line without end is refused when it passes the limit", "[codec]") {
    const fault too_long{reason::too_long, 3};
    check_stream<lf_line>("ok\n123456", {{"ok"}, too_long}, 5);
    check_stream<any_line>("ok\n123456", {{"ok"}, too_long}, 5);
    check_stream<crlf_line>("o\r\n123456", {{"o"}, too_long}, 5);
    check_stream<lf_line>("ok\n12345\r", {{"ok"}, too_long}, 5);
}

TEST_CASE("a CR that may be half of the end does not count against the limit", "[codec]") {
    check_stream<any_line>("12345\r\n12345\n", {{"12345", "12345"}}, 5);
    check_stream<crlf_line>("12345\r\n", {{"12345"}}, 5);
    check_stream<any_line>("12345\r", {{}, fault{reason::truncated, 0}}, 5);
    check_stream<any_line>("12345\rx\n", {{}, fault{reason::too_long, 0}}, 5);
    check_stream<crlf_line>("12345\r\r\n", {{}, fault{reason::too_long, 0}}, 5);
}

TEST_CASE("crlf_line: a line that is both too long and ends wrongly is too long", "[codec]") {
    // The limit is passed first, so a decoder that sees byte after byte says so first; one that
    // gets all at once must not say something else.
    check_stream<crlf_line>("123456\n", {{}, fault{reason::too_long, 0}}, 5);
    check_stream<crlf_line>("12345\n", {{}, fault{reason::bad_header, 5}}, 5);
}

TEST_CASE("a payload that would arrive as two lines is not encoded", "[codec]") {
    std::string out = "before";
    const auto error = test::frame_error_of([&] { return lf_line::encode("one\ntwo", out); });
    CHECK(error.why() == reason::bad_header);
    CHECK(std::string(error.what()) == "byte 3 of this payload would end the line: \"one\\ntwo\"");
    CHECK_THROWS_AS(crlf_line::encode("\n", out), trama::frame_error);
    CHECK_THROWS_AS(any_line::header("\n"), trama::frame_error);
    CHECK(out == "before");
}

TEST_CASE("any_line: a payload that ends in CR is not encoded, for its CR would be lost",
          "[codec]") {
    std::string out = "before";
    const auto error = test::frame_error_of([&] { return any_line::encode("a\rb\r", out); });
    CHECK(error.why() == reason::bad_header);
    CHECK(std::string(error.what()) == "byte 3 of this payload would end the line: \"a\\rb\\r\"");
    CHECK(out == "before");
    CHECK_NOTHROW(lf_line::encode("a\r", out));
    CHECK_NOTHROW(crlf_line::encode("a\r", out));
}

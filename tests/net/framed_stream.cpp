// framed_stream: whole messages over a connection, with every codec and however the bytes are cut.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"

using namespace std::chrono_literals;
using test::failure_of;
using test::net_test;
using trama::frame_error;
using trama::framed_stream;

namespace {

template <typename Codec>
class framed_test : public net_test {
protected:
    framed_stream<Codec> connected() {
        auto pair = test::local_pair();
        wire = std::move(pair.client);
        return framed_stream<Codec>(std::move(pair.server));
    }

    trama::tcp_stream wire;  // the other end, where one sees the bytes
};

template <typename Codec>
std::string encoded(std::initializer_list<std::string> payloads) {
    std::string bytes;
    for (const std::string& payload : payloads) Codec::encode(payload, bytes);
    return bytes;
}

/// Calls recv_frame and returns why it failed.
template <typename Codec>
std::string reason_of(framed_stream<Codec>& framed) {
    try {
        static_cast<void>(framed.recv_frame());
    } catch (const frame_error& error) {
        switch (error.why()) {
            case frame_error::reason::bad_header: return "bad header";
            case frame_error::reason::too_long: return "too long";
            case frame_error::reason::truncated: return "truncated";
        }
    }
    return "no error";
}

using six_digits_test = framed_test<trama::six_digit_colon>;

}  // namespace

#define EVERY_CODEC                                                                             \
    trama::six_digit_colon, trama::length_prefix<1>, trama::length_prefix<2>,                   \
        trama::length_prefix<4>, trama::length_prefix<8>,                                       \
        (trama::length_prefix<4, trama::byte_order::little>), trama::lf_line, trama::crlf_line, \
        trama::any_line

TEMPLATE_TEST_CASE_METHOD(framed_test, "frames arrive as they were sent", "[net]", EVERY_CODEC) {
    auto pair = test::tcp_pair();
    framed_stream<TestType> client(std::move(pair.client));
    framed_stream<TestType> server(std::move(pair.server));
    const std::string longest(TestType::max_payload < 8192 ? TestType::max_payload : 8192, 'x');
    for (const std::string& payload : {std::string("hola"), std::string(), std::string("\0:", 2),
                                       longest, std::string("adios")}) {
        client.send_frame(payload);
        CHECK(server.recv_frame() == payload);
    }
}

TEMPLATE_TEST_CASE_METHOD(framed_test, "a frame on the wire is what the codec says", "[net]",
                          EVERY_CODEC) {
    auto framed = this->connected();
    framed.send_frame("hola");
    framed.send_frame("");
    const std::string wanted = encoded<TestType>({"hola", ""});
    CHECK(this->wire.recv_exact(wanted.size()) == wanted);
}

TEMPLATE_TEST_CASE_METHOD(framed_test, "several frames that come in one segment are several",
                          "[net]", EVERY_CODEC) {
    auto framed = this->connected();
    this->wire.send_all(encoded<TestType>({"uno", "", "dos", "tres"}));
    for (const std::string payload : {"uno", "", "dos", "tres"})
        CHECK(framed.recv_frame() == payload);
}

// Cuts the stream in two at every byte. Before the second part comes, recv_frame times out as often
// as it is asked, which proves on the way that it goes on where it was.
TEMPLATE_TEST_CASE_METHOD(framed_test, "every cut of a stream in two gives the same frames",
                          "[net]", EVERY_CODEC) {
    const std::string bytes = encoded<TestType>({"hola", "", "x", "adios"});
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        auto framed = this->connected();
        framed.stream().set_timeout(0s);
        std::vector<std::string> frames;
        for (const std::string& part : {bytes.substr(0, cut), bytes.substr(cut)}) {
            this->wire.send_all(part);
            const auto failed = failure_of([&] {
                for (;;) frames.push_back(framed.recv_frame().value());
            });
            CHECK(failed.code == std::errc::timed_out);
        }
        CHECK(frames == std::vector<std::string>{"hola", "", "x", "adios"});
    }
}

TEMPLATE_TEST_CASE_METHOD(framed_test, "an end between two frames is nullopt, every time", "[net]",
                          EVERY_CODEC) {
    auto framed = this->connected();
    this->wire.send_all(encoded<TestType>({"last"}));
    this->wire.close();
    CHECK(framed.recv_frame() == "last");
    CHECK(framed.recv_frame() == std::nullopt);
    CHECK(framed.recv_frame() == std::nullopt);
    CHECK(framed.recv_view() == std::nullopt);
}

TEMPLATE_TEST_CASE_METHOD(framed_test, "an end inside a frame is truncated, at every byte", "[net]",
                          EVERY_CODEC) {
    const std::string bytes = encoded<TestType>({"hola"});
    for (std::size_t size = 1; size < bytes.size(); ++size) {
        auto framed = this->connected();
        this->wire.send_all(bytes.substr(0, size));
        this->wire.close();
        CHECK(reason_of(framed) == "truncated");
        CHECK(reason_of(framed) == "truncated");
    }
}

TEMPLATE_TEST_CASE_METHOD(framed_test, "a whole frame before an end inside a frame still comes",
                          "[net]", EVERY_CODEC) {
    auto framed = this->connected();
    const std::string bytes = encoded<TestType>({"whole", "half"});
    this->wire.send_all(bytes.substr(0, bytes.size() - 1));
    this->wire.close();
    CHECK(framed.recv_frame() == "whole");
    CHECK(reason_of(framed) == "truncated");
}

TEMPLATE_TEST_CASE_METHOD(framed_test, "the limit bounds what is received, and not what is sent",
                          "[net]", EVERY_CODEC) {
    auto pair = test::local_pair();
    framed_stream<TestType> framed(std::move(pair.server), 4);
    framed.send_frame("12345");
    const std::string sent = encoded<TestType>({"12345"});
    CHECK(pair.client.recv_exact(sent.size()) == sent);
    pair.client.send_all(encoded<TestType>({"1234", "12345"}));
    CHECK(framed.recv_frame() == "1234");
    CHECK(reason_of(framed) == "too long");
    CHECK(reason_of(framed) == "too long");
}

TEST_CASE_METHOD(six_digits_test, "a wrong header is told as soon as its first wrong byte is in",
                 "[net]") {
    auto framed = connected();
    wire.send_all(encoded<trama::six_digit_colon>({"good"}) + "GET / HTTP/1.1\r\n");
    CHECK(framed.recv_frame() == "good");
    try {
        static_cast<void>(framed.recv_frame());
        FAIL("not refused");
    } catch (const frame_error& error) {
        CHECK(error.why() == frame_error::reason::bad_header);
        CHECK(error.offset() == 11);
        CHECK(test::contains(error.what(), "this looks like HTTP"));
    }
    wire.send_all(encoded<trama::six_digit_colon>({"good again"}));
    CHECK(reason_of(framed) == "bad header");
}

TEST_CASE_METHOD(six_digits_test, "a header that arrives 2 + 2 + 3 is one frame", "[net]") {
    auto framed = connected();
    framed.stream().set_timeout(0s);
    for (const char* part : {"00", "00", "04:"}) {
        wire.send_all(part);
        const auto failed = failure_of([&] { return framed.recv_frame(); });
        CHECK(failed.code == std::errc::timed_out);
        CHECK(failed.text.find("recv_frame from ") == 0);
    }
    wire.send_all("hola");
    CHECK(framed.recv_frame() == "hola");
}

TEST_CASE_METHOD(six_digits_test, "a promise without bytes is truncated, at no cost", "[net]") {
    auto framed = connected();
    wire.send_all("999999:x");
    wire.close();
    CHECK(reason_of(framed) == "truncated");
}

TEST_CASE_METHOD(six_digits_test, "recv_view lends the payload until the next call", "[net]") {
    auto framed = connected();
    wire.send_all(encoded<trama::six_digit_colon>({"hola", "adios"}));
    const auto one = framed.recv_view();
    REQUIRE(one == "hola");
    const char* where = one->data();
    const auto two = framed.recv_view();
    REQUIRE(two == "adios");
    // Both lie in the one buffer that the bytes were received into: nothing was copied.
    CHECK(two->data() == where + std::string_view("hola000005:").size());
}

TEST_CASE_METHOD(net_test, "a frame of the largest size arrives whole, in many pieces", "[net]") {
    auto pair = test::tcp_pair();
    const std::string bytes = test::any_bytes(999'999);
    framed_stream<trama::six_digit_colon> client(std::move(pair.client));
    framed_stream<trama::six_digit_colon> server(std::move(pair.server));
    auto sender = test::in_background([&] {
        client.send_frame(bytes);
        client.send_frame("behind");
    });
    const bool arrived = server.recv_frame() == bytes;
    CHECK(arrived);
    CHECK(server.recv_frame() == "behind");
    sender.get();
}

TEST_CASE_METHOD(net_test, "a framed echo of many frames at once loses none", "[net]") {
    auto pair = test::tcp_pair();
    framed_stream<trama::length_prefix<4>> client(std::move(pair.client));
    framed_stream<trama::length_prefix<4>> server(std::move(pair.server));
    const auto frame = [](std::size_t i) { return test::any_bytes(i * 37 % 5000); };
    constexpr std::size_t count = 1000;
    auto sender = test::in_background([&] {
        for (std::size_t i = 0; i < count; ++i) client.send_frame(frame(i));
        client.stream().shutdown_send();
    });
    auto echo = test::in_background([&] {
        while (const auto payload = server.recv_view()) server.send_frame(*payload);
        server.stream().shutdown_send();
    });
    std::size_t right = 0;
    while (const auto payload = client.recv_frame())
        if (*payload == frame(right)) ++right;
    CHECK(right == count);
    sender.get();
    echo.get();
}

TEST_CASE_METHOD(six_digits_test, "a frame sent to a peer that has gone is a network_error",
                 "[net]") {
    auto framed = connected();
    wire.close();
    CHECK(failure_of([&] { return framed.send_frame("x"); }).code == std::errc::broken_pipe);
}

TEST_CASE_METHOD(six_digits_test, "a framed_stream can be moved, with the bytes it holds",
                 "[net]") {
    auto framed = connected();
    wire.send_all(encoded<trama::six_digit_colon>({"uno", "dos"}) + "00000");
    CHECK(framed.recv_frame() == "uno");
    auto moved = std::move(framed);
    wire.send_all("5:tres");
    CHECK(moved.recv_frame() == "dos");
    wire.send_all("!");
    CHECK(moved.recv_frame() == "tres!");
}

TEST_CASE_METHOD(six_digits_test, "time-out 0 takes a large frame that is there in full", "[net]") {
    auto framed = connected();
    const std::string large(40000, 'x');
    wire.send_all(encoded<trama::six_digit_colon>({large}));
    framed.stream().set_timeout(0s);
    CHECK(framed.recv_frame() == large);
}

// framed_stream in a selector: try_recv_frame, which never waits, and what is buffered behind a
// frame. Bytes that follow a frame: recv_some, recv_exact and receive_file of framed_stream.
#include "trama.hpp"

#include "../codec/allocations.hpp"
#include "../file/files.hpp"
#include "../ready/every_selector.hpp"
#include "../support/catch.hpp"
#include "../support/net.hpp"

using namespace std::chrono_literals;
using test::failure_of;
using test::in_background;
using test::net_test;
using trama::frame_error;
using trama::framed_stream;
using trama::io_status;

// pthread_cancel(3) unwinds a thread out of it; noexcept would end the program instead.
static_assert(!noexcept(
    std::declval<framed_stream<trama::lf_line>&>().try_recv_frame(std::declval<std::string&>())));

namespace {

template <typename Codec>
std::string encoded(std::initializer_list<std::string> payloads) {
    std::string bytes;
    for (const std::string& payload : payloads) Codec::encode(payload, bytes);
    return bytes;
}

template <typename Codec>
class selector_test : public net_test {
protected:
    framed_stream<Codec> connected(std::size_t limit = Codec::max_payload) {
        auto pair = test::local_pair();
        wire = std::move(pair.client);
        return framed_stream<Codec>(std::move(pair.server), limit);
    }

    trama::tcp_stream wire;  // the other end, where the bytes can be seen
};

/// All frames that have come: what a loop does when the descriptor is readable. The status that
/// ended it is in `end`.
template <typename Codec>
std::vector<std::string> frames_there(framed_stream<Codec>& framed, io_status& end) {
    std::vector<std::string> frames;
    std::string payload;
    for (end = framed.try_recv_frame(payload); end == io_status::done;
         end = framed.try_recv_frame(payload)) {
        frames.push_back(payload);
    }
    return frames;
}

/// Calls try_recv_frame once and returns the frame_error that it throws.
template <typename Codec>
frame_error error_of(framed_stream<Codec>& framed) {
    try {
        std::string payload;
        static_cast<void>(framed.try_recv_frame(payload));
    } catch (const frame_error& error) {
        return error;
    }
    throw std::runtime_error("no frame_error");
}

using six_digits = trama::six_digit_colon;
using six_digits_test = selector_test<six_digits>;

}  // namespace

#define EVERY_CODEC                                                                             \
    trama::six_digit_colon, trama::length_prefix<1>, trama::length_prefix<2>,                   \
        trama::length_prefix<4>, trama::length_prefix<8>,                                       \
        (trama::length_prefix<4, trama::byte_order::little>), trama::lf_line, trama::crlf_line, \
        trama::any_line

// ---- try_recv_frame ----------------------------------------------------------------------------

// The pair has a time-out of 20 s: a call that waited would take as long.
TEMPLATE_TEST_CASE_METHOD(selector_test, "try_recv_frame of nothing would block, and does not wait",
                          "[net]", EVERY_CODEC) {
    auto framed = this->connected();
    const test::stopwatch watch;
    std::string payload = "as it was";
    CHECK(framed.try_recv_frame(payload) == io_status::would_block);
    CHECK(framed.try_recv_frame(payload) == io_status::would_block);
    CHECK(payload == "as it was");
    CHECK(framed.buffered() == 0);
    CHECK(watch.undisturbed_seconds() < 10);
}

TEMPLATE_TEST_CASE_METHOD(selector_test,
                          "try_recv_frame of a part of a frame would block, at every byte", "[net]",
                          EVERY_CODEC) {
    const std::string bytes = encoded<TestType>({"hola"});
    auto framed = this->connected();
    std::string payload = "as it was";
    for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
        this->wire.send_all(bytes.substr(i, 1));
        REQUIRE(framed.try_recv_frame(payload) == io_status::would_block);
        CHECK(framed.buffered() == i + 1);
    }
    CHECK(payload == "as it was");
    this->wire.send_all(bytes.substr(bytes.size() - 1));
    REQUIRE(framed.try_recv_frame(payload) == io_status::done);
    CHECK(payload == "hola");
    CHECK(framed.buffered() == 0);
}

TEMPLATE_TEST_CASE_METHOD(selector_test, "three frames in one piece come one after the other",
                          "[net]", EVERY_CODEC) {
    auto framed = this->connected();
    this->wire.send_all(encoded<TestType>({"uno", "", "tres"}) + encoded<TestType>({"x"})[0]);
    std::string payload;
    REQUIRE(framed.try_recv_frame(payload) == io_status::done);
    CHECK(payload == "uno");
    CHECK(framed.buffered() == encoded<TestType>({"", "tres"}).size() + 1);
    REQUIRE(framed.try_recv_frame(payload) == io_status::done);
    CHECK(payload.empty());
    REQUIRE(framed.try_recv_frame(payload) == io_status::done);
    CHECK(payload == "tres");
    CHECK(framed.try_recv_frame(payload) == io_status::would_block);
    CHECK(framed.buffered() == 1);
}

TEMPLATE_TEST_CASE_METHOD(selector_test,
                          "after the last frame try_recv_frame finds the end, every time", "[net]",
                          EVERY_CODEC) {
    auto framed = this->connected();
    this->wire.send_all(encoded<TestType>({"last"}));
    this->wire.close();
    std::string payload;
    REQUIRE(framed.try_recv_frame(payload) == io_status::done);
    CHECK(payload == "last");
    for (int i = 0; i < 3; ++i) CHECK(framed.try_recv_frame(payload) == io_status::end_of_stream);
    CHECK(payload == "last");
}

TEMPLATE_TEST_CASE_METHOD(selector_test, "an end inside a frame throws truncated, every time",
                          "[net]", EVERY_CODEC) {
    const std::string whole = encoded<TestType>({"whole"});
    const std::string half = encoded<TestType>({"half"});
    for (std::size_t size = 1; size < half.size(); ++size) {
        auto framed = this->connected();
        this->wire.send_all(whole + half.substr(0, size));
        this->wire.close();
        std::string payload;
        REQUIRE(framed.try_recv_frame(payload) == io_status::done);
        for (int i = 0; i < 2; ++i) {
            const frame_error error = error_of(framed);
            CHECK(error.why() == frame_error::reason::truncated);
            CHECK(error.code() == std::errc::connection_aborted);
            CHECK(error.offset() == whole.size());
        }
    }
}

TEMPLATE_TEST_CASE_METHOD(selector_test, "a frame over the limit throws too_long, every time",
                          "[net]", EVERY_CODEC) {
    auto framed = this->connected(4);
    this->wire.send_all(encoded<TestType>({"1234", "12345", "good"}));
    std::string payload;
    REQUIRE(framed.try_recv_frame(payload) == io_status::done);
    for (int i = 0; i < 2; ++i) {
        const frame_error error = error_of(framed);
        CHECK(error.why() == frame_error::reason::too_long);
        CHECK(error.code() == std::errc::message_size);
    }
    CHECK(payload == "1234");
}

TEMPLATE_TEST_CASE_METHOD(selector_test, "a wrong header throws bad_header, every time", "[net]",
                          trama::six_digit_colon, trama::crlf_line) {
    auto framed = this->connected();
    this->wire.send_all(encoded<TestType>({"good"}) + "wrong\n" + encoded<TestType>({"good"}));
    std::string payload;
    REQUIRE(framed.try_recv_frame(payload) == io_status::done);
    for (int i = 0; i < 2; ++i) {
        const frame_error error = error_of(framed);
        CHECK(error.why() == frame_error::reason::bad_header);
        CHECK(error.code() == std::errc::bad_message);
    }
}

TEST_CASE_METHOD(net_test, "try_recv_frame after a reset is a network_error that names the peer",
                 "[net]") {
    auto pair = test::tcp_pair();
    const std::string peer = pair.server.remote_endpoint().to_string();
    framed_stream<six_digits> framed(std::move(pair.server));
    pair.client.send_all("000004:ho");
    std::string payload;
    trama::selector ready;
    ready.add(framed.stream().fd(), trama::interest::read);
    REQUIRE(test::wait_for(ready, 20s).size() == 1);
    CHECK(framed.try_recv_frame(payload) == io_status::would_block);
    test::reset(std::move(pair.client));
    REQUIRE(test::wait_for(ready, 20s).size() == 1);
    const auto failed = failure_of([&] { return framed.try_recv_frame(payload); });
    CHECK(failed.code == std::errc::connection_reset);
    CHECK(failed.text.find("try_recv_frame from " + peer + ": " + test::reason(ECONNRESET)) == 0);
}

TEST_CASE_METHOD(six_digits_test, "try_recv_frame uses the memory of the payload again", "[net]") {
    auto framed = connected();
    std::string payload;
    payload.reserve(1000);
    const char* const memory = payload.data();
    wire.send_all(encoded<six_digits>({"the first frame makes the buffer of the stream"}));
    REQUIRE(framed.try_recv_frame(payload) == io_status::done);
    const std::string bytes = encoded<six_digits>({std::string(900, 'x'), "y"});
    const test::allocation_count count;
    for (int i = 0; i < 10; ++i) {
        wire.send_all(bytes);
        REQUIRE(framed.try_recv_frame(payload) == io_status::done);
        REQUIRE(framed.try_recv_frame(payload) == io_status::done);
        REQUIRE(framed.try_recv_frame(payload) == io_status::would_block);
    }
    CHECK(count.calls() == 0);
    CHECK(payload.data() == memory);
}

TEST_CASE_METHOD(net_test, "try_recv_frame puts a large frame together from many pieces", "[net]") {
    auto pair = test::tcp_pair();
    const std::string bytes = test::any_bytes(999'999);
    framed_stream<six_digits> client(std::move(pair.client));
    framed_stream<six_digits> server(std::move(pair.server));
    auto sender = in_background([&] {
        client.send_frame(bytes);
        client.send_frame("behind");
        client.stream().shutdown_send();
    });
    trama::selector ready;
    ready.add(server.stream().fd(), trama::interest::read);
    std::vector<std::string> frames;
    io_status end = io_status::would_block;
    while (end == io_status::would_block) {
        REQUIRE(test::wait_for(ready, 20s).size() == 1);
        for (std::string& each : frames_there(server, end)) frames.push_back(std::move(each));
    }
    CHECK(end == io_status::end_of_stream);
    REQUIRE(frames.size() == 2);
    CHECK((frames[0] == bytes));
    CHECK(frames[1] == "behind");
    sender.get();
}

// A chat client: the keyboard (a pipe) and the connection in one selector. After "three lines in
// one piece" nothing more is sent, so a loop that shows one line per wake-up would wait in vain.
TEMPLATE_LIST_TEST_CASE(
    "three lines in one piece are shown in one turn of the loop, beside a "
    "keyboard",
    "[net]", test::every_selector) {
    const net_test nothing_left_open;
    auto pair = test::local_pair();
    int ends[2];
    REQUIRE(::pipe(ends) == 0);
    const trama::unique_fd keyboard(ends[0]);
    trama::unique_fd keys(ends[1]);
    framed_stream<trama::any_line> server(std::move(pair.client));
    TestType ready;
    ready.add(keyboard.get(), trama::interest::read);
    ready.add(server.stream().fd(), trama::interest::read);

    REQUIRE(::write(keys.get(), "hola\n", 5) == 5);
    CHECK(test::wait_for(ready, 20s) == test::found{{keyboard.get(), "r"}});
    char line[5];
    REQUIRE(::read(keyboard.get(), line, sizeof line) == 5);
    server.send_frame({line, 4});
    CHECK(pair.server.recv_exact(5) == "hola\n");

    pair.server.send_all("uno\ndos\r\ntres\n");
    CHECK(test::wait_for(ready, 20s) == test::found{{server.stream().fd(), "r"}});
    io_status end = io_status::done;
    CHECK(frames_there(server, end) == std::vector<std::string>{"uno", "dos", "tres"});
    CHECK(end == io_status::would_block);
    CHECK(server.buffered() == 0);
    CHECK(test::wait_for(ready, 0s).empty());

    pair.server.send_all("cuatro\n");
    pair.server.close();
    CHECK(test::wait_for(ready, 20s) == test::found{{server.stream().fd(), "r"}});
    CHECK(frames_there(server, end) == std::vector<std::string>{"cuatro"});
    CHECK(end == io_status::end_of_stream);
}

TEST_CASE_METHOD(six_digits_test, "try_recv_frame and recv_frame take the same frames in order",
                 "[net]") {
    auto framed = connected();
    wire.send_all(encoded<six_digits>({"1", "2", "3", "4"}));
    std::string payload;
    CHECK(framed.recv_frame() == "1");
    REQUIRE(framed.try_recv_frame(payload) == io_status::done);
    CHECK(payload == "2");
    CHECK(framed.recv_view() == "3");
    REQUIRE(framed.try_recv_frame(payload) == io_status::done);
    CHECK(payload == "4");
    CHECK(framed.try_recv_frame(payload) == io_status::would_block);
}

// ---- bytes behind a frame ----------------------------------------------------------------------

TEMPLATE_TEST_CASE_METHOD(selector_test, "recv_some takes what is buffered first, then the rest",
                          "[net]", EVERY_CODEC) {
    auto framed = this->connected();
    this->wire.send_all(encoded<TestType>({"name"}) + "abcdef");
    REQUIRE(framed.recv_frame() == "name");
    CHECK(framed.buffered() == 6);
    char memory[10] = {};
    this->wire.send_all("ghi");
    CHECK(framed.recv_some(memory, 2) == 2);
    CHECK(std::string(memory, 2) == "ab");
    CHECK(framed.buffered() == 4);
    CHECK(framed.recv_some(memory, 10) == 4);  // and does not wait for more
    CHECK(std::string(memory, 4) == "cdef");
    CHECK(framed.recv_some(memory, 10) == 3);
    CHECK(std::string(memory, 3) == "ghi");
    this->wire.send_all(encoded<TestType>({"frame"}));
    CHECK(framed.recv_frame() == "frame");
    this->wire.close();
    CHECK(framed.recv_some(memory, 10) == 0);
    CHECK(framed.recv_some(memory, 10) == 0);
}

TEMPLATE_TEST_CASE_METHOD(selector_test,
                          "recv_exact takes what is buffered first, then the rest, and no more",
                          "[net]", EVERY_CODEC) {
    auto framed = this->connected();
    this->wire.send_all(encoded<TestType>({"name"}) + "abcdef");
    REQUIRE(framed.recv_frame() == "name");
    char memory[10] = {};
    framed.recv_exact(memory, 2);
    CHECK(std::string(memory, 2) == "ab");
    CHECK(framed.recv_exact(std::size_t{2}) == "cd");
    CHECK(framed.recv_exact(std::size_t{0}).empty());
    this->wire.send_all("ghij" + encoded<TestType>({"frame"}));
    framed.recv_exact(memory, 4);
    CHECK(std::string(memory, 4) == "efgh");
    CHECK(framed.recv_exact(2) == "ij");
    CHECK(framed.recv_frame() == "frame");
}

TEST_CASE_METHOD(six_digits_test, "recv_exact of many bytes, the first of them buffered", "[net]") {
    const std::string bytes = test::any_bytes(300'000);
    auto framed = connected();
    auto sender = in_background([&] {
        wire.send_all({encoded<six_digits>({"name"}), bytes, "000001:x"});
    });
    REQUIRE(framed.recv_frame() == "name");
    CHECK(framed.buffered() > 0);
    CHECK((framed.recv_exact(bytes.size()) == bytes));
    CHECK(framed.recv_frame() == "x");
    sender.get();
}

TEST_CASE_METHOD(six_digits_test, "the counts of unexpected_eof are those of the whole", "[net]") {
    const bool is_string = GENERATE(true, false);
    auto framed = connected();
    wire.send_all(encoded<six_digits>({"name"}) + "abc");
    REQUIRE(framed.recv_frame() == "name");
    wire.send_all("de");
    wire.close();
    char memory[8];
    try {
        if (is_string) static_cast<void>(framed.recv_exact(8));
        if (!is_string) framed.recv_exact(memory, 8);
        FAIL_CHECK("nothing thrown");
    } catch (const trama::unexpected_eof& error) {
        CHECK(error.received() == 5);
        CHECK(error.expected() == 8);
        CHECK(test::contains(error.what(), "the stream ended after 5 of 8 bytes"));
    }
}

TEST_CASE_METHOD(six_digits_test, "bytes behind a frame that do not come are a time-out", "[net]") {
    auto framed = connected();
    framed.stream().set_timeout(50ms);
    wire.send_all(encoded<six_digits>({"name"}) + "abc");
    REQUIRE(framed.recv_frame() == "name");
    char memory[8];
    const auto exact = failure_of([&] { framed.recv_exact(memory, 8); });
    CHECK(exact.code == std::errc::timed_out);
    CHECK(exact.text.find("recv_exact from ") == 0);
    CHECK(exact.seconds >= 0.05);
    CHECK(exact.undisturbed_seconds < 5);
    CHECK(failure_of([&] { return framed.recv_exact(8); }).code == std::errc::timed_out);
    const auto some = failure_of([&] { return framed.recv_some(memory, 8); });
    CHECK(some.code == std::errc::timed_out);
    CHECK(some.text.find("recv_some from ") == 0);
}

TEMPLATE_TEST_CASE_METHOD(selector_test,
                          "a file behind its name and size arrives, and the frame behind it",
                          "[net]", EVERY_CODEC) {
    const std::string bytes = test::any_bytes(300'000);
    const trama::unique_fd file = test::open_file();
    auto framed = this->connected();
    auto sender = in_background([&] {
        this->wire.send_all({encoded<TestType>({"data.bin", std::to_string(bytes.size())}), bytes,
                             encoded<TestType>({"the end"})});
    });
    CHECK(framed.recv_frame() == "data.bin");
    const auto size = std::stoull(framed.recv_frame().value());
    REQUIRE(framed.buffered() > 0);  // a part of the file has come with its size
    std::vector<std::uint64_t> steps;
    trama::receive_file(framed, file.get(), size,
                        [&](std::uint64_t done) { steps.push_back(done); });
    CHECK((test::bytes_of(file) == bytes));
    CHECK(framed.recv_frame() == "the end");
    REQUIRE(steps.size() > 1);
    CHECK(steps.back() == size);
    CHECK(std::adjacent_find(steps.begin(), steps.end(), std::greater_equal<>()) == steps.end());
    sender.get();
}

TEST_CASE_METHOD(six_digits_test, "a file that is shorter than announced tells how much came",
                 "[net]") {
    const trama::unique_fd file = test::open_file();
    auto framed = connected();
    wire.send_all(encoded<six_digits>({"name"}) + "abc");
    REQUIRE(framed.recv_frame() == "name");
    wire.send_all("de");
    wire.close();
    try {
        trama::receive_file(framed, file.get(), 8);
        FAIL_CHECK("nothing thrown");
    } catch (const trama::unexpected_eof& error) {
        CHECK(error.received() == 5);
        CHECK(error.expected() == 8);
        CHECK(std::string(error.what()).find("receive a file from ") == 0);
    }
    CHECK(test::bytes_of(file) == "abcde");
}

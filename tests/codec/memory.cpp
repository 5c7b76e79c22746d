// What the codecs and the decoder do with memory: how much, how often, and when there is none.
#include "trama.hpp"
#include "../support/catch.hpp"

#include "allocations.hpp"
#include "feeding.hpp"
#include "formats.hpp"

#include <algorithm>
#include <cstring>
#include <new>
#include <string>
#include <string_view>
#include <vector>

namespace {

/// Runs `action` with its first allocation failing, then with its second, and so on, until none
/// fails; returns how many there were. After each failure `check` looks at what is left.
template <typename Action, typename Check>
std::size_t fail_each_allocation(Action action, Check check) {
    for (std::size_t nth = 1;; ++nth) {
        bool thrown = false;
        bool failed = false;
        {
            const test::failing_allocation failure(nth);
            try {
                action();
            } catch (const std::bad_alloc&) {
                thrown = true;
            }
            failed = failure.has_failed();
        }
        CHECK(thrown == failed);
        if (!failed) return nth - 1;
        check();
    }
}

/// Lends memory from a decoder, and follows where the bytes lie from then on. Who copies a byte
/// gives it another address. So whenever the front of the buffer turns up elsewhere, all that was
/// buffered counts as copied; and a payload that is shown where it was written was not copied.
template <typename Codec>
class address_watch {
public:
    explicit address_watch(trama::frame_decoder<Codec>& decoder) : decoder_(decoder) {}

    void give(std::string_view piece, std::size_t room) {
        char* memory = decoder_.prepare(room);
        const char* front = memory - decoder_.buffered();
        if (front != front_) copied_ += decoder_.buffered();
        std::memcpy(memory, piece.data(), piece.size());
        decoder_.commit(piece.size());
        front_ = front;
    }

    /// The next payload, which stands between `header` and `trailer` bytes.
    std::optional<std::string_view> next(std::size_t header, std::size_t trailer) {
        const auto view = decoder_.next_view();
        if (!view) return view;
        if (view->data() != front_ + header) copied_ += view->size();
        front_ += header + view->size() + trailer;
        return view;
    }

    std::size_t copied() const { return copied_; }

private:
    trama::frame_decoder<Codec>& decoder_;
    const char* front_ = nullptr;
    std::size_t copied_ = 0;
};

}  // namespace

// ---- how much --------------------------------------------------------------------------------

TEST_CASE("the allocation counter sees operator new and realloc", "[codec]") {
    const test::allocation_count count;
    ::operator delete(::operator new(1000));
    CHECK(count.calls() == 1);
    CHECK(count.bytes() == 1000);
    trama::frame_decoder<trama::lf_line> decoder;
    decoder.prepare(1);  // clang turns the realloc of nothing into a malloc, which is not counted
    const std::size_t before = count.calls();
    char* volatile kept = decoder.prepare(1000);  // volatile: it must not be optimised away
    CHECK(kept != nullptr);
    CHECK(count.calls() - before == (test::realloc_is_counted() ? 1U : 0U));
}

TEST_CASE("a header that promises a lot costs no more memory than the bytes that came", "[codec]") {
    const test::allocation_count count;
    trama::frame_decoder<trama::six_digit_colon> digits;
    digits.receive_data("999999:x");
    CHECK(digits.next_view() == std::nullopt);
    CHECK(digits.missing() == 999'998);
    trama::frame_decoder<trama::length_prefix<8>> prefix;
    prefix.receive_data(test::big8::header(16U << 20U) + "x");
    CHECK(prefix.next_frame() == std::nullopt);
    CHECK(count.bytes() < 1000);
}

TEST_CASE("a length above the limit allocates nothing but the text of its error", "[codec]") {
    trama::frame_decoder<trama::length_prefix<8>> decoder;
    decoder.receive_data(test::big8::header(~std::uint64_t{0}));
    const test::allocation_count count;
    CHECK_THROWS_AS(decoder.next_frame(), trama::frame_error);
    CHECK(count.bytes() < 2000);
}

TEMPLATE_TEST_CASE("memory follows the bytes that came, and at most twice", "[codec]",
                   test::six_digits, test::big4) {
    const std::string wire = TestType::wire(std::string(999'999, 'x'));
    const test::pieces pieces = test::cut_in_chunks(wire, 1000);
    trama::frame_decoder<typename TestType::codec> decoder;
    const test::allocation_count count;
    std::size_t received = 0;
    for (const std::string_view piece : pieces) {
        decoder.receive_data(piece);
        received += piece.size();
        CHECK(decoder.next_view().has_value() == (received == wire.size()));
        // Each growth doubles: all of them together ask for less than twice the last one.
        REQUIRE(count.bytes() <= 4 * received);
    }
}

TEMPLATE_TEST_CASE("in a steady stream, views cost no allocation", "[codec]", ALL_FORMATS) {
    std::string chunk;
    for (int i = 0; i < 100; ++i) TestType::codec::encode("sixteen bytes---", chunk);
    // 997 is prime, so that frames are cut at every place.
    const test::pieces pieces = test::cut_in_chunks(chunk, 997);
    trama::frame_decoder<typename TestType::codec> decoder;
    std::size_t frames = 0;
    const auto feed_a_round = [&] {
        for (const std::string_view piece : pieces) {
            decoder.receive_data(piece);
            while (decoder.next_view()) ++frames;
            decoder.prepare(997);
        }
    };
    feed_a_round();
    const test::allocation_count count;
    for (int round = 0; round < 100; ++round) feed_a_round();
    CHECK(frames == 101 * 100);
    CHECK(count.calls() == 0);
}

TEST_CASE("a stream of long frames needs memory for a few of them, once", "[codec]") {
    const std::string wire = test::six_digits::wire(std::string(100'000, 'x'));
    // 4099 divides no frame, so that the start of the next one is always in the last piece.
    const std::string stream = wire + wire + wire;
    const test::pieces pieces = test::cut_in_chunks(stream, 4099);
    trama::frame_decoder<trama::six_digit_colon> decoder;
    std::size_t frames = 0;
    const auto feed_a_round = [&] {
        for (const std::string_view piece : pieces) {
            test::give(decoder, piece, true);
            while (decoder.next_view()) ++frames;
        }
    };
    const test::allocation_count all;
    for (int round = 0; round < 5; ++round) feed_a_round();
    const test::allocation_count later;
    for (int round = 0; round < 20; ++round) feed_a_round();
    CHECK(frames == 25 * 3);
    CHECK(later.calls() == 0);
    CHECK(all.bytes() <= 8 * wire.size());
}

TEMPLATE_TEST_CASE("encoding into a string that has room costs no allocation", "[codec]",
                   ALL_FORMATS) {
    std::string out;
    out.reserve(100);
    const test::allocation_count count;
    TestType::codec::encode("sixteen bytes---", out);
    TestType::codec::encode("", out);
    CHECK(count.calls() == 0);
}

TEMPLATE_TEST_CASE("encoding many frames into one string allocates seldom", "[codec]",
                   ALL_FORMATS) {
    std::string out;
    const test::allocation_count count;
    for (int i = 0; i < 100'000; ++i) TestType::codec::encode("x", out);
    CHECK(count.calls() < 60);
}

// ---- how often a byte is copied --------------------------------------------------------------

TEST_CASE("frames that came whole are never copied", "[codec]") {
    trama::frame_decoder<trama::six_digit_colon> decoder;
    address_watch<trama::six_digit_colon> watch(decoder);
    for (int round = 0; round < 10; ++round) {
        watch.give("000004:hola000005:adios000000:", 4096);
        CHECK(watch.next(7, 0) == "hola");
        CHECK(watch.next(7, 0) == "adios");
        CHECK(watch.next(7, 0) == "");
        CHECK(watch.next(7, 0) == std::nullopt);
    }
    CHECK(watch.copied() == 0);
}

TEST_CASE("a large frame lies where the caller wrote it: its payload is never copied", "[codec]") {
    const std::string wire = test::six_digits::wire(std::string(999'999, 'x'));
    trama::frame_decoder<trama::six_digit_colon> decoder;
    address_watch<trama::six_digit_colon> watch(decoder);
    watch.give(std::string_view(wire).substr(0, 7), 7);
    CHECK(watch.next(7, 0) == std::nullopt);
    CHECK(decoder.missing() == 999'999);
    watch.give(std::string_view(wire).substr(7, 300'000), decoder.missing());
    CHECK(watch.next(7, 0) == std::nullopt);
    watch.give(std::string_view(wire).substr(300'007), decoder.missing());
    CHECK(watch.next(7, 0)->size() == 999'999);
    CHECK(watch.copied() <= 7);
}

TEST_CASE("while a frame grows piece by piece, its bytes are copied once at most", "[codec]") {
    // Counted as if realloc(3) always copied; on Linux it moves large blocks by their page tables.
    const std::string wire = test::six_digits::wire(std::string(999'999, 'x'));
    trama::frame_decoder<trama::six_digit_colon> decoder;
    address_watch<trama::six_digit_colon> watch(decoder);
    for (const std::string_view piece : test::cut_in_chunks(wire, 65536)) {
        CHECK(watch.next(7, 0) == std::nullopt);
        watch.give(piece, 65536);
    }
    CHECK(watch.next(7, 0)->size() == 999'999);
    CHECK(watch.copied() <= wire.size());
}

TEST_CASE("in a stream of small frames only what the end of a piece cut off is copied", "[codec]") {
    std::string stream;
    for (int i = 0; i < 50'000; ++i) trama::length_prefix<4>::encode("sixteen bytes---", stream);
    trama::frame_decoder<trama::length_prefix<4>> decoder;
    address_watch<trama::length_prefix<4>> watch(decoder);
    std::size_t frames = 0;
    const test::pieces pieces = test::cut_in_chunks(stream, 4096);
    for (const std::string_view piece : pieces) {
        watch.give(piece, 4096);
        while (watch.next(4, 0)) ++frames;
    }
    CHECK(frames == 50'000);
    CHECK(watch.copied() <= 20 * pieces.size());
}

TEST_CASE("one frame in, one frame out: a backlog is not copied for each of them", "[codec]") {
    const std::string frame = test::big4::wire("sixteen bytes---");
    std::string backlog;
    while (backlog.size() < (1U << 20U)) backlog += frame;
    trama::frame_decoder<trama::length_prefix<4>> decoder;
    address_watch<trama::length_prefix<4>> watch(decoder);
    watch.give(backlog, backlog.size());
    const std::size_t steps = 200'000;
    for (std::size_t i = 0; i < steps; ++i) {
        REQUIRE(watch.next(4, 0) == "sixteen bytes---");
        watch.give(frame, frame.size());
    }
    CHECK(watch.copied() <= 3 * backlog.size() + steps * frame.size());
}

// ---- when there is none ----------------------------------------------------------------------

TEMPLATE_TEST_CASE("encode without memory throws bad_alloc and leaves the string as it was",
                   "[codec]", ALL_FORMATS) {
    const std::string payload(250, 'x');
    const std::size_t room = GENERATE(0U, 20U);  // for the header, and not for the payload
    for (const std::size_t before : {0U, 5U, 100U, 5000U}) {
        const std::string start(before, 's');
        std::string out;
        out.reserve(before + room);
        out = start;
        const std::size_t failures = fail_each_allocation(
            [&] { TestType::codec::encode(payload, out); }, [&] { CHECK(out == start); });
        CHECK(failures == 1);
        CHECK(out == start + TestType::wire(payload));
    }
}

TEMPLATE_TEST_CASE("next_frame without memory throws bad_alloc and the frame stays", "[codec]",
                   ALL_FORMATS) {
    const std::string payload(200, 'x');
    trama::frame_decoder<typename TestType::codec> decoder;
    decoder.receive_data(TestType::wire(payload) + TestType::wire("next"));
    std::optional<std::string> frame;
    const std::size_t failures = fail_each_allocation([&] { frame = decoder.next_frame(); },
                                                      [&] { CHECK(!frame.has_value()); });
    CHECK(failures == 1);
    CHECK(frame == payload);
    CHECK(decoder.next_frame() == "next");
}

TEST_CASE("receiving without memory throws bad_alloc, and what came before stays", "[codec]") {
    if (!test::realloc_is_counted()) {
        WARN("realloc cannot be made to fail under a sanitizer");
        return;
    }
    const std::string payload(3000, 'x');
    const std::string wire = test::six_digits::wire(payload);
    for (const bool lent : {false, true}) {
        trama::frame_decoder<trama::six_digit_colon> decoder;
        std::size_t received = 0;
        std::size_t failures = 0;
        for (const std::string_view piece : test::cut_in_chunks(wire, 500)) {
            failures += fail_each_allocation([&] { test::give(decoder, piece, lent); },
                                             [&] { CHECK(decoder.buffered() == received); });
            received += piece.size();
        }
        CHECK(failures >= 2);
        CHECK(decoder.next_frame() == payload);
    }
}

TEST_CASE("a size that no machine has is bad_alloc, and the decoder goes on", "[codec]") {
    trama::frame_decoder<trama::six_digit_colon> decoder;
    decoder.receive_data("000004:ho");
    CHECK_THROWS_AS(decoder.prepare(static_cast<std::size_t>(-1)), std::bad_alloc);
    CHECK_THROWS_AS(decoder.prepare(static_cast<std::size_t>(-1) - 9), std::bad_alloc);
    CHECK_THROWS_AS(decoder.prepare(static_cast<std::size_t>(-1) / 2), std::bad_alloc);
    decoder.receive_data("la");
    CHECK(decoder.next_frame() == "hola");
}

TEST_CASE("an error whose text finds no memory is bad_alloc first and itself the next time",
          "[codec]") {
    trama::frame_decoder<trama::six_digit_colon> decoder;
    decoder.receive_data("GET / HTTP/1.1\r\n\r\n");
    std::size_t nth = 0;
    bool reported = false;
    while (!reported && ++nth < 100) {
        const test::failing_allocation failure(nth);
        try {
            static_cast<void>(decoder.next_frame());
        } catch (const std::bad_alloc&) {
        } catch (const trama::frame_error& error) {
            reported = error.why() == test::reason::bad_header;
        }
    }
    CHECK(reported);
    CHECK(nth > 1);
    CHECK_THROWS_AS(decoder.next_frame(), trama::frame_error);
}

// Bytes through a connection: some of them, exactly so many, all of them, and how they fail.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"

#include <csignal>

using namespace std::chrono_literals;
using test::failure_of;
using test::in_background;
using test::net_test;
using trama::io_status;
using trama::tcp_stream;

// pthread_cancel(3) unwinds a thread out of these calls; noexcept would end the program instead.
static_assert(!noexcept(std::declval<tcp_stream&>().try_recv_some(nullptr, 0)));
static_assert(!noexcept(std::declval<tcp_stream&>().try_send_some({})));
static_assert(
    !noexcept(std::declval<trama::tcp_listener&>().try_accept(std::declval<tcp_stream&>())));
static_assert(!noexcept(std::declval<tcp_stream&>().close_lingering(trama::no_timeout)));
static_assert(std::is_nothrow_move_constructible_v<tcp_stream>);
static_assert(std::is_nothrow_move_assignable_v<tcp_stream>);
static_assert(!std::is_copy_constructible_v<tcp_stream>);

TEST_CASE_METHOD(net_test, "recv_some gives what is there and does not wait for more", "[net]") {
    auto pair = test::local_pair();
    pair.client.send_all("hola");
    CHECK(pair.server.recv_some(1024) == "hola");
}

TEST_CASE_METHOD(net_test, "recv_some gives at most what was asked for, and the rest waits",
                 "[net]") {
    auto pair = test::local_pair();
    pair.client.send_all("hola");
    CHECK(pair.server.recv_some(3) == "hol");
    char memory[8] = "-------";
    CHECK(pair.server.recv_some(memory, sizeof memory) == 1);
    CHECK(std::string(memory) == "a------");
}

TEST_CASE_METHOD(net_test, "a stream has no messages: two sends may be one receive", "[net]") {
    auto pair = test::local_pair();
    pair.client.send_all("hola");
    pair.client.send_all("adios");
    CHECK(pair.server.recv_some(1024) == "holaadios");
}

TEST_CASE_METHOD(net_test, "an empty recv_some means that the peer has closed, every time",
                 "[net]") {
    auto pair = test::tcp_pair();
    pair.client.send_all("last");
    pair.client.close();
    CHECK(pair.server.recv_some(1024) == "last");
    CHECK(pair.server.recv_some(1024).empty());
    CHECK(pair.server.recv_some(1024).empty());
}

TEST_CASE_METHOD(net_test,
                 "recv_some and try_recv_some of 0 bytes are refused: 0 would mean closed",
                 "[net]") {
    auto pair = test::local_pair();
    char byte = 0;
    CHECK_THROWS_AS(pair.server.recv_some(0), std::invalid_argument);
    CHECK_THROWS_AS(pair.server.recv_some(&byte, 0), std::invalid_argument);
    CHECK_THROWS_AS(pair.server.try_recv_some(&byte, 0), std::invalid_argument);
}

TEST_CASE_METHOD(net_test, "recv_exact of 0 bytes and send_all of nothing do nothing", "[net]") {
    auto pair = test::local_pair();
    pair.client.send_all("");
    pair.client.send_all({});
    pair.client.send_all({"", "", ""});
    CHECK(pair.server.recv_exact(0).empty());
    pair.server.recv_exact(nullptr, 0);
    char byte = 0;
    CHECK(pair.server.try_recv_some(&byte, 1).status == io_status::would_block);
    pair.server.close();
    pair.client.send_all("");  // not even an error
}

TEST_CASE_METHOD(net_test, "recv_exact waits for all of it, however it was cut", "[net]") {
    auto pair = test::local_pair();
    auto sender = in_background([&] {
        for (const char letter : std::string("a drip")) pair.client.send_all({&letter, 1});
    });
    CHECK(pair.server.recv_exact(6) == "a drip");
    sender.get();
}

TEST_CASE_METHOD(net_test, "recv_exact leaves what follows in the stream", "[net]") {
    auto pair = test::local_pair();
    pair.client.send_all("holaadios");
    CHECK(pair.server.recv_exact(4) == "hola");
    char memory[5];
    pair.server.recv_exact(memory, sizeof memory);
    CHECK(std::string(memory, sizeof memory) == "adios");
}

TEST_CASE_METHOD(net_test, "an end before recv_exact has all tells how many came", "[net]") {
    auto pair = test::tcp_pair();
    pair.client.send_all("ho");
    pair.client.close();
    char memory[4];
    try {
        pair.server.recv_exact(memory, sizeof memory);
        FAIL("the stream ended, and nobody said so");
    } catch (const trama::unexpected_eof& error) {
        CHECK(error.received() == 2);
        CHECK(error.expected() == 4);
        CHECK(std::string(error.what()) ==
              "recv_exact from " + pair.server.remote_endpoint().to_string() +
                  ": the stream ended after 2 of 4 bytes (the peer closed, or died, before it had "
                  "sent all)");
    }
    CHECK_THROWS_AS(pair.server.recv_exact(1), trama::unexpected_eof);
}

TEST_CASE_METHOD(net_test, "a huge recv_exact costs nothing before the bytes come", "[net]") {
    auto pair = test::local_pair();
    pair.client.send_all("few");
    pair.client.close();
    constexpr std::size_t huge = std::size_t(-1) / 2;  // more than any machine would lend
    try {
        static_cast<void>(pair.server.recv_exact(huge));
        FAIL("the stream ended, and nobody said so");
    } catch (const trama::unexpected_eof& error) {
        CHECK(error.received() == 3);
        CHECK(error.expected() == huge);
    }
}

TEST_CASE_METHOD(net_test, "recv_exact into a string is right around its first steps", "[net]") {
    auto pair = test::local_pair();
    for (const std::size_t size : {65535U, 65536U, 65537U, 131072U, 131073U, 300000U}) {
        const std::string bytes = test::any_bytes(size);
        auto sender = in_background([&] { return pair.client.send_all(bytes); });
        CHECK(pair.server.recv_exact(size) == bytes);
        sender.get();
    }
}

TEST_CASE_METHOD(net_test, "every byte value travels, NUL among them", "[net]") {
    auto pair = test::tcp_pair();
    std::string all;
    for (int value = 0; value < 256; ++value) all += static_cast<char>(value);
    pair.client.send_all(all);
    CHECK(pair.server.recv_exact(256) == all);
}

TEST_CASE_METHOD(net_test, "a large send_all arrives whole although it goes in many pieces",
                 "[net]") {
    const std::string bytes = test::any_bytes(8U << 20U);
    const bool with_time_out = GENERATE(false, true);
    auto pair = GENERATE(0, 1) == 0 ? test::tcp_pair() : test::local_pair();
    test::make_sends_short(pair);
    pair.client.set_timeout(with_time_out ? trama::duration(20s) : trama::no_timeout);
    auto sender = in_background([&] {
        pair.client.send_all(bytes);
        pair.client.shutdown_send();
    });
    const bool arrived = test::recv_all(pair.server) == bytes;
    CHECK(arrived);
    sender.get();
}

TEST_CASE_METHOD(net_test, "both directions are independent: each end sends before it reads",
                 "[net]") {
    auto pair = test::tcp_pair();
    const std::string bytes = test::any_bytes(4U << 20U);
    auto reader = in_background([&] { return pair.client.recv_exact(bytes.size()) == bytes; });
    auto echo = in_background([&] {
        for (std::string piece; !(piece = pair.server.recv_some(65536)).empty();)
            pair.server.send_all(piece);
    });
    pair.client.send_all(bytes);
    CHECK(reader.get());
    pair.client.shutdown_send();
    echo.get();
}

TEST_CASE_METHOD(net_test, "parts of a gathered send arrive in order, without the empty ones",
                 "[net]") {
    auto pair = test::local_pair();
    pair.client.send_all({"a", "", "bc", "def", "", "g", "h", "i"});
    CHECK(pair.server.recv_exact(9) == "abcdefghi");
    CHECK_THROWS_AS(pair.client.send_all({"1", "2", "3", "4", "5", "6", "7", "8", "9"}),
                    std::invalid_argument);
}

TEST_CASE_METHOD(net_test, "a gathered send goes on wherever the kernel stops, in any part",
                 "[net]") {
    auto pair = test::local_pair();
    test::make_sends_short(pair);
    // Sizes that are no multiple of each other, so that the cuts fall everywhere.
    const std::string one = test::any_bytes(10007);
    const std::string two = test::any_bytes(50021);
    const std::string three = test::any_bytes(30011);
    const std::string all = one + two + three;
    for (int i = 0; i < 20; ++i) {
        auto sender = in_background([&] { pair.client.send_all({one, two, three}); });
        CHECK(pair.server.recv_exact(all.size()) == all);
        sender.get();
    }
}

TEST_CASE_METHOD(net_test, "a descriptor that was set to never wait is still waited on", "[net]") {
    auto pair = test::local_pair();
    test::make_sends_short(pair);
    pair.client.set_non_blocking(true);
    pair.server.set_non_blocking(true);
    CHECK_FALSE(test::is_blocking(pair.client.fd()));
    pair.client.set_timeout(trama::no_timeout);
    pair.server.set_timeout(trama::no_timeout);
    const std::string bytes = test::any_bytes(1U << 20U);
    auto sender = in_background([&] { return pair.client.send_all(bytes); });
    CHECK(pair.server.recv_exact(bytes.size()) == bytes);
    sender.get();
    pair.client.set_non_blocking(false);
    CHECK(test::is_blocking(pair.client.fd()));
}

TEST_CASE_METHOD(net_test, "after shutdown_send the other direction goes on", "[net]") {
    auto pair = test::tcp_pair();
    pair.client.send_all("question");
    pair.client.shutdown_send();
    CHECK(test::recv_all(pair.server) == "question");
    pair.server.send_all("answer");
    pair.server.close();
    CHECK(test::recv_all(pair.client) == "answer");
    CHECK(failure_of([&] { return pair.client.send_all("more"); }).code == std::errc::broken_pipe);
}

TEST_CASE_METHOD(net_test, "a reset is told as one, to the reader", "[net]") {
    auto pair = test::tcp_pair();
    const std::string peer = pair.server.remote_endpoint().to_string();
    test::reset(std::move(pair.client));
    const auto failed = failure_of([&] { return pair.server.recv_some(1); });
    CHECK(failed.code == std::errc::connection_reset);
    CHECK(failed.text == "recv_some from " + peer + ": " + test::reason(ECONNRESET) +
                             " (the peer cut the connection: its program "
                             "died, or closed unread data)");
}

TEST_CASE_METHOD(net_test, "a close with bytes unread is a reset for the one who sent them",
                 "[net]") {
    auto pair = test::tcp_pair();
    pair.client.send_all("never read");
    pair.server.close();
    CHECK(failure_of([&] { return pair.client.recv_exact(1); }).code ==
          std::errc::connection_reset);
}

namespace {

/// What the process does on each signal, and how often it got SIGPIPE.
volatile std::sig_atomic_t pipe_signals = 0;

std::string all_handlers() {
    std::string all;
    for (int number = 1; number < NSIG; ++number) {
        struct sigaction action {};
        ::sigaction(number, nullptr, &action);
        char text[32];
        std::snprintf(text, sizeof text, "%p ", reinterpret_cast<void*>(action.sa_sigaction));
        all += text;
    }
    return all;
}

}  // namespace

TEST_CASE_METHOD(net_test, "sending to a peer that has gone is an error and never SIGPIPE",
                 "[net]") {
    struct sigaction before {};
    struct sigaction counting {};
    counting.sa_handler = [](int) { pipe_signals = pipe_signals + 1; };
    ::sigaction(SIGPIPE, &counting, &before);
    const std::string handlers = all_handlers();

    auto pair = test::local_pair();
    pair.server.close();
    const auto failed = failure_of([&] { return pair.client.send_all("x"); });
    CHECK(failed.code == std::errc::broken_pipe);
    CHECK(failed.text == "send_all to nowhere: " + test::reason(EPIPE) +
                             " (the peer has closed; nothing more can be sent)");
    CHECK(failure_of([&] { pair.client.send_all({"x", "y"}); }).code == std::errc::broken_pipe);
    CHECK(pair.client.try_send_some("x").error == std::errc::broken_pipe);
    CHECK(pipe_signals == 0);
    CHECK(all_handlers() == handlers);

    const ssize_t plain = ::write(pair.client.fd(), "x", 1);
    CHECK(plain == -1);
    CHECK(pipe_signals == 1);  // so it would have been noticed
    ::sigaction(SIGPIPE, &before, nullptr);
}

TEST_CASE_METHOD(net_test, "try_recv_some tells bytes, not yet, the end and a failure apart",
                 "[net]") {
    auto pair = test::tcp_pair();
    char memory[16];
    CHECK(pair.server.try_recv_some(memory, sizeof memory).status == io_status::would_block);
    pair.client.send_all("hola");
    const auto some = pair.server.try_recv_some(memory, sizeof memory);
    CHECK(some.status == io_status::done);
    CHECK(std::string(memory, some.bytes) == "hola");
    pair.client.shutdown_send();
    const auto end = pair.server.try_recv_some(memory, sizeof memory);
    CHECK(end.status == io_status::end_of_stream);
    CHECK(end.bytes == 0);
    CHECK_FALSE(end.error);
    test::reset(std::move(pair.server));
    const auto failed = pair.client.try_recv_some(memory, sizeof memory);
    CHECK(failed.status == io_status::failed);
    CHECK(failed.error == std::errc::connection_reset);
}

TEST_CASE_METHOD(net_test, "try_send_some takes what fits, then nothing, and never waits",
                 "[net]") {
    auto pair = test::local_pair();
    test::make_sends_short(pair);
    const std::string bytes = test::any_bytes(1U << 20U);
    const auto first = pair.client.try_send_some(bytes);
    CHECK(first.status == io_status::done);
    CHECK(first.bytes > 0);
    CHECK(first.bytes < bytes.size());
    test::fill(pair.client);
    CHECK(pair.client.try_send_some("x").status == io_status::would_block);
    CHECK(pair.server.recv_exact(first.bytes) == bytes.substr(0, first.bytes));
    CHECK(pair.client.try_send_some("").status == io_status::done);
}

TEST_CASE_METHOD(net_test, "a moved stream takes its connection, peer and time-out along",
                 "[net]") {
    auto pair = test::tcp_pair();
    pair.client.set_timeout(77s);
    const auto peer = pair.client.remote_endpoint();
    tcp_stream moved = std::move(pair.client);
    CHECK(pair.client.fd() == -1);
    CHECK(moved.remote_endpoint() == peer);
    CHECK(moved.get_timeout() == 77s);
    moved.send_all("hola");
    CHECK(pair.server.recv_exact(4) == "hola");
}

TEST_CASE_METHOD(net_test, "options reach the kernel", "[net]") {
    auto pair = test::tcp_pair();
    pair.client.set_no_delay(true);
    CHECK(test::option(pair.client.fd(), IPPROTO_TCP, TCP_NODELAY) != 0);
    pair.client.set_no_delay(false);
    CHECK(test::option(pair.client.fd(), IPPROTO_TCP, TCP_NODELAY) == 0);
    pair.client.set_receive_buffer(20000);
    CHECK(test::option(pair.client.fd(), SOL_SOCKET, SO_RCVBUF) >= 20000);
    pair.client.set_send_buffer(20000);
    CHECK(test::option(pair.client.fd(), SOL_SOCKET, SO_SNDBUF) >= 20000);
    pair.client.set_option(SOL_SOCKET, SO_KEEPALIVE, 1, "SO_KEEPALIVE");
    CHECK(test::option(pair.client.fd(), SOL_SOCKET, SO_KEEPALIVE) != 0);
    CHECK(failure_of([&] {
              return pair.client.set_option(SOL_SOCKET, -1, 1, "no such option");
          }).code == std::errc::no_protocol_option);
}

#ifdef __cpp_lib_span
TEST_CASE_METHOD(net_test, "spans of bytes are taken where the library has them", "[net]") {
    auto pair = test::local_pair();
    const std::byte sent[] = {std::byte{1}, std::byte{0}, std::byte{255}};
    std::byte received[3] = {};
    pair.client.send_all(std::span<const std::byte>(sent));
    CHECK(pair.server.recv_some(std::span<std::byte>(received, 1)) == 1);
    pair.server.recv_exact(std::span<std::byte>(received + 1, 2));
    CHECK(std::equal(std::begin(sent), std::end(sent), received));
}
#endif

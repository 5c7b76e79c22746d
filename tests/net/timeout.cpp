// set_timeout bounds each call as a whole: drips, floods and signals do not stretch it.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"

#include <atomic>
#include <csignal>

#include <sys/time.h>

using namespace std::chrono_literals;
using test::failure_of;
using test::in_background;
using test::net_test;
using trama::deadline;
using trama::tcp_stream;

namespace {

/// Not before its time, and not long after it. The upper bound is generous: machines are shared.
void check_timed_out(const test::outcome& failed, double seconds, double at_most) {
    INFO(failed.text << " after " << failed.seconds << " s");
    CHECK(failed.code == std::errc::timed_out);
    CHECK(failed.seconds >= seconds);
    CHECK(failed.undisturbed_seconds < at_most);
}

/// Works in a thread until its life ends: `step` is called again and again.
class busy_peer {
public:
    template <typename Step>
    explicit busy_peer(Step step)
        : work_(in_background([this, step]() mutable {
              while (!over_) step();
          })) {}
    busy_peer(const busy_peer&) = delete;
    busy_peer& operator=(const busy_peer&) = delete;
    ~busy_peer() {
        over_ = true;
        work_.wait();
    }

private:
    std::atomic<bool> over_{false};
    std::future<void> work_;
};

/// A peer that sends one byte every 10 ms.
auto dripping(tcp_stream& stream) {
    return [&stream] {
        static_cast<void>(stream.try_send_some("x"));
        test::pause(10ms);
    };
}

/// A peer that acts after each system call of this program, before the next one: the trace tells it
/// when. So the call under test never has to wait, and only its own clock can end it.
class prompt_peer {
public:
    prompt_peer(const tcp_stream& stream, void (*act)(int fd)) {
        fd_ = stream.fd();
        act_ = act;
        before_ = trama::trace_to([](std::string_view) { act_(fd_); });
    }
    prompt_peer(const prompt_peer&) = delete;
    prompt_peer& operator=(const prompt_peer&) = delete;
    ~prompt_peer() { trama::trace_to(before_); }

private:
    inline static int fd_ = -1;
    inline static void (*act_)(int fd) = nullptr;
    trama::trace_sink before_;
};

void send_one_more(int fd) {
    ::send(fd, "x", 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void read_some_more(int fd) {
    char memory[65536];
    ::recv(fd, memory, sizeof memory, MSG_DONTWAIT);
}

}  // namespace

TEST_CASE("a deadline shrinks, and never below 0", "[net]") {
    const deadline soon(10s);
    CHECK_FALSE(soon.is_never());
    CHECK(soon.left() <= 10s);
    CHECK(soon.left() > 9s);
    CHECK(soon.poll_timeout() <= 10000);
    CHECK(soon.poll_timeout() > 9000);
    CHECK(deadline(0s).left() == 0s);
    CHECK(deadline(-5s).left() == 0s);
    CHECK(deadline(trama::duration::min()).left() == 0s);
    CHECK(deadline(-5s).poll_timeout() == 0);
}

TEST_CASE("a deadline of no_timeout, or too far away to count, is never", "[net]") {
    CHECK(deadline(trama::no_timeout).is_never());
    CHECK(deadline(trama::no_timeout).left() == trama::no_timeout);
    CHECK(deadline(trama::no_timeout).poll_timeout() == -1);
    CHECK(deadline(trama::no_timeout - 1ns).is_never());
    // Days fit neither into the milliseconds of poll nor into an int of them.
    const deadline in_a_year(std::chrono::hours(24 * 365));
    CHECK_FALSE(in_a_year.is_never());
    CHECK(in_a_year.poll_timeout() == std::numeric_limits<int>::max());
}

TEST_CASE("a deadline rounds up, so that poll does not spin through its last millisecond",
          "[net]") {
    CHECK(deadline(trama::duration(900us)).poll_timeout() == 1);
}

TEST_CASE_METHOD(net_test, "the time-out that is not set is no_timeout", "[net]") {
    auto pair = test::local_pair();
    CHECK(tcp_stream().get_timeout() == trama::no_timeout);
    CHECK(trama::tcp_listener::listen("127.0.0.1", 0).get_timeout() == trama::no_timeout);
    pair.server.set_timeout(trama::no_timeout);
    auto answer = in_background([&] { return pair.server.recv_some(10); });
    CHECK(answer.wait_for(20ms) == std::future_status::timeout);
    pair.client.send_all("x");
    CHECK(answer.get() == "x");
}

TEST_CASE_METHOD(net_test, "a time-out of 0 takes what is there and does not wait", "[net]") {
    auto pair = test::local_pair();
    pair.server.set_timeout(0s);
    check_timed_out(failure_of([&] { return pair.server.recv_some(10); }), 0.0, 0.1);
    pair.client.send_all("hola");
    CHECK(pair.server.recv_some(10) == "hola");
    test::fill(pair.server);
    check_timed_out(failure_of([&] { return pair.server.send_all("x"); }), 0.0, 0.1);
    auto listener = trama::tcp_listener::listen("127.0.0.1", 0);
    listener.set_timeout(0s);
    check_timed_out(failure_of([&] { return listener.accept(); }), 0.0, 0.1);
    const auto caller = tcp_stream::connect("127.0.0.1", listener.local_endpoint().port());
    CHECK(listener.accept().remote_endpoint() == caller.local_endpoint());
}

TEST_CASE_METHOD(net_test, "a silent peer is given up at the time-out, in each call", "[net]") {
    auto pair = test::local_pair();
    pair.client.set_timeout(50ms);
    check_timed_out(failure_of([&] { return pair.client.recv_some(1); }), 0.05, 0.25);
    check_timed_out(failure_of([&] { return pair.client.recv_exact(1); }), 0.05, 0.25);
    test::fill(pair.client);
    check_timed_out(failure_of([&] { return pair.client.send_all("x"); }), 0.05, 0.25);
    auto listener = trama::tcp_listener::listen("127.0.0.1", 0);
    listener.set_timeout(50ms);
    check_timed_out(failure_of([&] { return listener.accept(); }), 0.05, 0.25);
}

TEST_CASE_METHOD(net_test, "after a time-out the connection can be used again", "[net]") {
    auto pair = test::tcp_pair();
    pair.client.set_timeout(1ms);
    failure_of([&] { return pair.client.recv_some(1); });
    pair.server.send_all("late");
    pair.client.set_timeout(20s);
    CHECK(pair.client.recv_exact(4) == "late");
}

TEST_CASE_METHOD(net_test, "a peer that drips does not stretch recv_exact", "[net]") {
    auto pair = test::tcp_pair();
    const busy_peer peer(dripping(pair.client));
    pair.server.set_timeout(200ms);
    char memory[1000];
    check_timed_out(failure_of([&] { return pair.server.recv_exact(memory, sizeof memory); }), 0.2,
                    0.4);
    check_timed_out(failure_of([&] { return pair.server.recv_exact(1000); }), 0.2, 0.4);
}

TEST_CASE_METHOD(net_test, "a peer that drips does not stretch recv_frame", "[net]") {
    auto pair = test::tcp_pair();
    pair.client.send_all("001000:");
    const busy_peer peer(dripping(pair.client));
    pair.server.set_timeout(200ms);
    trama::framed_stream<trama::six_digit_colon> framed(std::move(pair.server));
    check_timed_out(failure_of([&] { return framed.recv_frame(); }), 0.2, 0.4);
    check_timed_out(failure_of([&] { return framed.recv_view(); }), 0.2, 0.4);
}

TEST_CASE_METHOD(net_test, "a peer that always has one more byte does not stretch recv_exact",
                 "[net]") {
    auto pair = test::local_pair();
    const prompt_peer peer(pair.client, send_one_more);
    pair.server.set_timeout(50ms);
    std::string memory(2'000'000, '\0');  // it would take a second to come, byte by byte
    pair.client.send_all("x");
    check_timed_out(
        failure_of([&] { return pair.server.recv_exact(memory.data(), memory.size()); }), 0.05,
        0.25);
}

TEST_CASE_METHOD(net_test, "a peer that always has one more byte does not stretch recv_frame",
                 "[net]") {
    auto pair = test::local_pair();
    const prompt_peer peer(pair.client, send_one_more);
    pair.server.set_timeout(50ms);
    trama::framed_stream<trama::six_digit_colon> framed(std::move(pair.server));
    pair.client.send_all("999999:");
    check_timed_out(failure_of([&] { return framed.recv_frame(); }), 0.05, 0.25);
}

TEST_CASE_METHOD(net_test, "a reader that always takes a little more does not stretch send_all",
                 "[net]") {
    auto pair = test::local_pair();
    test::make_sends_short(pair);
    const prompt_peer peer(pair.server, read_some_more);
    pair.client.set_timeout(1ms);
    const std::string bytes(32U << 20U, 'x');
    check_timed_out(failure_of([&] { return pair.client.send_all(bytes); }), 0.001, 0.25);
}

TEST_CASE_METHOD(net_test, "a reader that never reads does not hold send_all", "[net]") {
    auto pair = test::tcp_pair();
    pair.client.set_timeout(200ms);
    const std::string bytes(32U << 20U, 'x');
    check_timed_out(failure_of([&] { return pair.client.send_all(bytes); }), 0.2, 0.4);
}

TEST_CASE_METHOD(net_test, "a reader that sips does not stretch send_all", "[net]") {
    auto pair = test::local_pair();
    test::make_sends_short(pair);
    const busy_peer peer([&] {
        char memory[256];
        static_cast<void>(pair.server.try_recv_some(memory, sizeof memory));
        test::pause(10ms);
    });
    pair.client.set_timeout(200ms);
    const std::string bytes(32U << 20U, 'x');
    check_timed_out(failure_of([&] { return pair.client.send_all(bytes); }), 0.2, 0.4);
    check_timed_out(failure_of([&] { pair.client.send_all({bytes, bytes}); }), 0.2, 0.4);
}

TEST_CASE_METHOD(net_test, "a deadline of the caller goes before the time-out", "[net]") {
    auto pair = test::local_pair();
    const deadline limit(50ms);
    char byte = 0;
    check_timed_out(failure_of([&] { return pair.server.recv_some(&byte, 1, limit); }), 0.0, 0.25);
}

namespace {

std::atomic<int> storm_signals{0};

/// A signal every 250 microseconds, without SA_RESTART: every call that waits is interrupted.
class signal_storm {
public:
    signal_storm() {
        storm_signals = 0;
        struct sigaction counting {};
        counting.sa_handler = [](int) { ++storm_signals; };
        ::sigaction(SIGALRM, &counting, &before_);
        const itimerval often{{0, 250}, {0, 250}};
        ::setitimer(ITIMER_REAL, &often, nullptr);
    }
    signal_storm(const signal_storm&) = delete;
    signal_storm& operator=(const signal_storm&) = delete;
    ~signal_storm() {
        const itimerval never{};
        ::setitimer(ITIMER_REAL, &never, nullptr);
        ::sigaction(SIGALRM, &before_, nullptr);
    }

private:
    struct sigaction before_ {};
};

}  // namespace

TEST_CASE_METHOD(net_test, "thousands of signals do not stretch a time-out of one second",
                 "[net]") {
    auto pair = test::tcp_pair();
    pair.server.set_timeout(1s);
    const signal_storm storm;
    check_timed_out(failure_of([&] { return pair.server.recv_some(1); }), 1.0, 1.3);
    CHECK(storm_signals > 1000);
}

TEST_CASE_METHOD(net_test, "signals do not shorten or stretch the other calls that wait", "[net]") {
    auto pair = test::local_pair();
    auto listener = trama::tcp_listener::listen("127.0.0.1", 0);
    auto socket = trama::udp_socket::bind("127.0.0.1", 0);
    test::fill(pair.client);
    pair.client.set_timeout(100ms);
    listener.set_timeout(100ms);
    socket.set_timeout(100ms);
    const signal_storm storm;
    check_timed_out(failure_of([&] { return pair.client.recv_exact(1); }), 0.1, 0.3);
    check_timed_out(failure_of([&] { return pair.client.send_all("x"); }), 0.1, 0.3);
    check_timed_out(failure_of([&] { return listener.accept(); }), 0.1, 0.3);
    check_timed_out(failure_of([&] { return socket.recv_from(); }), 0.1, 0.3);
    CHECK(storm_signals > 100);
}

TEST_CASE_METHOD(net_test, "a transfer under a storm of signals loses nothing", "[net]") {
    const std::string bytes = test::any_bytes(1U << 20U);
    const bool waits_in_the_kernel = GENERATE(true, false);
    const signal_storm storm;
    auto pair = test::tcp_pair();
    if (waits_in_the_kernel) pair.client.set_timeout(trama::no_timeout);
    if (waits_in_the_kernel) pair.server.set_timeout(trama::no_timeout);
    test::make_sends_short(pair);
    auto sender = in_background([&] { return pair.client.send_all(bytes); });
    const bool arrived = pair.server.recv_exact(bytes.size()) == bytes;
    CHECK(arrived);
    sender.get();
}

TEST_CASE_METHOD(net_test, "a socket that is descriptor 0 times out, and receives", "[net]") {
    const trama::unique_fd saved(::fcntl(0, F_DUPFD_CLOEXEC, 3));
    ::close(0);
    {
        auto listener = trama::tcp_listener::listen("127.0.0.1", 0);
        REQUIRE(listener.fd() == 0);
        listener.set_timeout(0s);
        CHECK(failure_of([&] { return listener.accept(); }).code == std::errc::timed_out);
        const int port = listener.local_endpoint().port();
        auto client = trama::tcp_stream::connect("127.0.0.1", port);
        listener.set_timeout(20s);
        auto accepted = listener.accept();
        client.send_all("hola");
        CHECK(accepted.recv_some(10) == "hola");
    }
    {
        auto pair = test::local_pair();
        REQUIRE(pair.client.fd() == 0);
        pair.client.set_timeout(30ms);
        const auto failed = failure_of([&] { return pair.client.recv_some(1); });
        CHECK(failed.code == std::errc::timed_out);
        CHECK(failed.seconds >= 0.03);
        pair.server.send_all("x");
        CHECK(pair.client.recv_some(1) == "x");
        pair.client.send_all("y");
        CHECK(pair.server.recv_some(1) == "y");
    }
    ::dup2(saved.get(), 0);
}

// The limits of a message_server: slow readers, silent and dripping clients, crowds, and a system
// that has no descriptors left.
#include "../codec/allocations.hpp"
#include "../support/signals.hpp"
#include "running_server.hpp"

#include "../support/catch.hpp"

#include <algorithm>
#include <atomic>
#include <csignal>

#include <sys/resource.h>
#include <sys/wait.h>

using namespace std::chrono_literals;
using test::every_selector;
using test::in_background;
using test::is_served;
using test::mailbox;
using test::net_test;
using test::recv_all_frames;
using test::running_server;

// ---- slow readers ------------------------------------------------------------------------------

namespace {

/// Sends frames of 1,000 bytes to an echo, and reads nothing, until the kernel has taken no more
/// for a while. Returns how many bytes it took.
std::size_t flood(trama::tcp_stream& stream) {
    const std::string frame = test::frames({std::string(993, 'x')});
    std::size_t sent = 0;
    pollfd watched{stream.fd(), POLLOUT, 0};
    do {
        const auto result =
            stream.try_send_some(std::string_view(frame).substr(sent % frame.size()));
        sent += result.bytes;
    } while (sent < (64U << 20U) && ::poll(&watched, 1, 200) == 1);
    return sent;
}

void remember_most(std::atomic<std::size_t>& most, std::size_t value) {
    if (value > most) most = value;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("what the kernel takes at once is not too much, however many messages",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    const std::string answer(1500, 'x');
    running_server<TestType> running;
    running.server.high_water_mark(1000);
    running.server.on_message([&](auto& from, std::string_view) {
        for (int i = 0; i < 10; ++i) from.send(answer);
    });
    running.start();
    auto client = running.join();
    client.send_frame("x");
    client.stream().shutdown_send();
    CHECK(recv_all_frames(client) == std::vector<std::string>(10, answer));
}

TEMPLATE_LIST_TEST_CASE("who does not read is not listened to, loses nothing, and delays nobody",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    constexpr std::size_t mark = 100000;
    std::atomic<std::size_t> most{0};
    mailbox<std::string> reasons;
    running_server<TestType> running;
    running.server.high_water_mark(mark);
    running.server.on_message([&](auto& from, std::string_view text) {
        from.send(text);
        remember_most(most, from.pending());
    });
    tell_leaves(running, reasons);
    running.start();
    auto slow = running.call();
    auto other = running.join();
    const std::size_t sent = flood(slow);
    CHECK(sent < (64U << 20U));  // the server has stopped to receive
    CHECK(most > 0);
    CHECK(most <= mark + 65536 + 1000);  // at most one receive above the mark
    const test::stopwatch watch;
    CHECK(is_served(other));
    CHECK(watch.undisturbed_seconds() < 1.0);
    CHECK(reasons.empty());

    // Now it reads, and all of it is there.
    slow.shutdown_send();
    std::size_t received = 0;
    char memory[65536];
    for (std::size_t count; (count = slow.recv_some(memory, sizeof memory)) > 0;) received += count;
    CHECK(received == sent - sent % 1000);
}

TEMPLATE_LIST_TEST_CASE("who takes nothing of a broadcast is dropped at twice the mark", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    constexpr std::size_t mark = 100000;
    std::atomic<std::size_t> most{0};
    mailbox<std::string> reasons;
    mailbox<int> joined;
    running_server<TestType> running;
    running.server.high_water_mark(mark);
    tell_leaves(running, reasons);
    running.server.on_join([&](auto&) { joined.put(1); });
    running.server.on_message([&](auto&, std::string_view text) {
        for (auto& each : running.server.clients()) {
            each.send(text);
            remember_most(most, each.pending());
        }
    });
    running.start();
    auto slow = running.call();
    auto speaker = running.join();
    auto listener = running.join();
    for (int i = 0; i < 3; ++i) joined.take();
    const std::string text(10000, 'x');
    double slowest = 0;
    int messages = 0;
    for (; reasons.empty() && messages < 5000; ++messages) {
        const test::stopwatch watch;
        REQUIRE(is_served(speaker, text));
        REQUIRE(listener.recv_frame() == text);
        slowest = std::max(slowest, watch.seconds());
    }
    INFO("dropped after " << messages << " messages");
    const std::string reason = reasons.take();
    INFO(reason);
    CHECK(test::contains(reason, "too slow"));
    CHECK(most > mark);
    CHECK(most <= 2 * mark + 10007);
    CHECK(slowest < 1.0);
    CHECK(is_served(speaker));
    CHECK(reasons.empty());
}

TEMPLATE_LIST_TEST_CASE("who takes nothing of a broadcast, and then all of it, stays", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    running.server.high_water_mark(1U << 20U);
    tell_leaves(running, reasons);
    running.server.on_message([](auto& from, std::string_view) {
        for (int i = 0; i < 200; ++i) from.send(std::string(10000, 'x'));
    });
    running.start();
    auto client = running.join();
    for (int round = 0; round < 5; ++round) {
        client.send_frame("");
        for (int i = 0; i < 200; ++i) REQUIRE(client.recv_frame().value().size() == 10000);
    }
    CHECK(reasons.empty());
}

TEMPLATE_LIST_TEST_CASE("who asks a thousand questions at once, and reads, gets all answers",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    const std::string answer(10000, 'x');
    running_server<TestType> running;
    running.server.high_water_mark(100000);
    running.server.on_message([&](auto& from, std::string_view) { from.send(answer); });
    running.start();
    auto client = running.join();
    auto sender = in_background([&] {
        client.stream().send_all(test::frames(std::vector<std::string>(1000, "?")));
        client.stream().shutdown_send();
    });
    std::size_t answers = 0;
    try {
        answers = recv_all_frames(client).size();
    } catch (const std::exception& error) {
        UNSCOPED_INFO(error.what());
    }
    sender.get();
    CHECK(answers == 1000);
}

// ---- silent and dripping clients ---------------------------------------------------------------

TEMPLATE_LIST_TEST_CASE("who is silent for too long goes, with a last word, and who speaks stays",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    running.server.idle_timeout(300ms);
    echo(running);
    running.server.on_idle([](auto& who) { who.send("good bye"); });
    tell_leaves(running, reasons);
    running.start();
    auto speaks = running.join();
    const test::stopwatch watch;
    auto silent = running.join();
    auto end = in_background([&] {
        const auto last_words = recv_all_frames(silent);
        return std::make_tuple(last_words, watch.seconds(), watch.undisturbed_seconds());
    });
    while (end.wait_for(30ms) == std::future_status::timeout) CHECK(is_served(speaks));
    const auto [last_words, seconds, undisturbed_seconds] = end.get();
    CHECK(last_words == std::vector<std::string>{"good bye"});
    CHECK(seconds >= 0.3);
    CHECK(undisturbed_seconds < 1.3);
    CHECK(reasons.take() == "silent for too long");
    CHECK(is_served(speaks));
    CHECK(reasons.empty());
}

TEMPLATE_LIST_TEST_CASE("who is to be dismissed goes in time however much it says", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    running.server.on_join([](auto& who) { who.dismiss_after(300ms); });
    running.server.on_message([](auto& who, std::string_view text) {
        if (text == "let me stay") who.dismiss_after(trama::no_timeout);
        who.send(text);
    });
    running.server.on_idle([](auto& who) { who.send("time is up"); });
    tell_leaves(running, reasons);
    running.start();
    auto stays = running.join();
    stays.send_frame("let me stay");
    CHECK(stays.recv_frame() == "let me stay");
    const test::stopwatch watch;
    auto talker = running.join();
    std::string last;
    for (bool here = true; here;) {
        talker.send_frame("hola");
        const auto answer = talker.recv_frame();
        if (answer) last = *answer;
        here = answer && last == "hola";
    }
    CHECK(last == "time is up");
    CHECK(watch.seconds() >= 0.3);
    CHECK(watch.undisturbed_seconds() < 1.3);
    CHECK(reasons.take() == "its time was up");
    CHECK(is_served(stays));
}

TEMPLATE_LIST_TEST_CASE("to receive is not to speak: who only listens is silent", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    running.server.idle_timeout(300ms);
    running.server.on_message([&](auto&, std::string_view text) {
        for (auto& each : running.server.clients()) each.send(text);
    });
    running.start();
    auto speaks = running.join();
    auto listens = running.join();
    const test::stopwatch watch;
    auto end = in_background([&] {
        recv_all_frames(listens);
        return watch.undisturbed_seconds();
    });
    while (end.wait_for(30ms) == std::future_status::timeout) CHECK(is_served(speaks));
    CHECK(end.get() < 1.3);
}

TEMPLATE_LIST_TEST_CASE("one byte at a time does not stretch the time for a message", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    running.server.message_timeout(300ms);
    running.server.idle_timeout(10s);
    echo(running);
    tell_leaves(running, reasons);
    running.start();
    auto drips = running.join();
    auto other = running.join();
    CHECK(is_served(drips));
    const std::string frame = test::frames({std::string(1000, 'x')});
    const test::stopwatch watch;
    std::size_t sent = 0;
    for (; sent < frame.size() && reasons.empty(); ++sent) {
        drips.stream().send_all({&frame[sent], 1});
        test::pause(10ms);
        CHECK(is_served(other));
    }
    CHECK(watch.seconds() >= 0.3);
    CHECK(watch.undisturbed_seconds() < 1.3);
    CHECK(sent < frame.size());
    CHECK(reasons.take() == "took too long over one message");
    CHECK(recv_all_frames(drips).empty());
    CHECK(is_served(other));
}

namespace {

/// A client that sends `bytes` one at a time, the start of a message, is dropped in time.
template <typename Selector, typename Codec>
void check_drips_are_late(const std::string& bytes) {
    mailbox<std::string> reasons;
    running_server<Selector, trama::no_state, Codec> running;
    running.server.message_timeout(300ms);
    tell_leaves(running, reasons);
    running.start();
    auto drips = running.call();
    const test::stopwatch watch;
    for (std::size_t sent = 0; sent < bytes.size() && reasons.empty(); ++sent) {
        drips.send_all({&bytes[sent], 1});
        test::pause(10ms);
    }
    CHECK(reasons.take() == "took too long over one message");
    CHECK(watch.seconds() >= 0.3);
    CHECK(watch.undisturbed_seconds() < 1.3);
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("nor does it stretch the time for a line, or for a header", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    check_drips_are_late<TestType, trama::lf_line>(std::string(300, 'x'));
    check_drips_are_late<TestType, trama::six_digit_colon>("00000");
}

TEMPLATE_LIST_TEST_CASE("each message has its own time, though receives end inside of messages",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    running.server.message_timeout(300ms);
    echo(running);
    tell_leaves(running, reasons);
    running.start();
    auto client = running.join();
    client.stream().send_all("000004:ho");
    // Each step completes one message, and begins the next: none of them takes long.
    for (int i = 0; i < 25 && reasons.empty(); ++i) {
        client.stream().send_all("la000004:ho");
        if (client.recv_frame() != "hola") break;
        test::pause(20ms);
    }
    CHECK(reasons.empty());
}

TEMPLATE_LIST_TEST_CASE("the time for a message is not the time between messages", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    running.server.message_timeout(50ms);
    echo(running);
    tell_leaves(running, reasons);
    running.start();
    auto client = running.join();
    CHECK(is_served(client));
    test::pause(150ms);
    CHECK(is_served(client));
    CHECK(reasons.empty());
}

// ---- memory ------------------------------------------------------------------------------------

TEMPLATE_LIST_TEST_CASE(
    "who has said and heard something large, and is silent now, holds no memory", "[server]",
    every_selector) {
    if (!test::realloc_is_counted())
        return test::skip("a sanitizer, or another C library, keeps what was freed");
    const net_test nothing_left_open;
    running_server<TestType> running;
    echo(running);
    running.start();
    auto other = running.join();
    const std::string large = test::frames({std::string(900'000, 'x')});
    const std::size_t before = test::memory_in_use();
    std::vector<test::peer> silent;
    for (int i = 0; i < 40; ++i) {
        auto& client = silent.emplace_back(running.join());
        client.stream().send_all(std::string_view(large).substr(0, 500'000));
        REQUIRE(is_served(other));  // so the half is received, and lies in memory of its own
        client.stream().send_all(std::string_view(large).substr(500'000));
        REQUIRE(client.stream().recv_exact(large.size()) == large);
        REQUIRE(is_served(client));
    }
    CHECK(test::memory_in_use() < before + (10U << 20U));  // and not 36 MB, twice
}

// ---- crowds ------------------------------------------------------------------------------------

TEMPLATE_LIST_TEST_CASE("above max_clients the next is served when one leaves", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    std::atomic<int> here{0};
    std::atomic<int> most{0};
    running_server<TestType> running;
    running.server.max_clients(2);
    echo(running);
    running.server.on_join([&](auto&) {
        if (++here > most) most = here.load();
    });
    running.server.on_leave([&](auto&, std::string_view) { --here; });
    running.start();
    auto first = running.join();
    auto second = running.join();
    REQUIRE(is_served(first));
    REQUIRE(is_served(second));
    auto third = running.join();
    third.send_frame("hola");
    for (int i = 0; i < 10; ++i) CHECK(is_served(first));
    CHECK(here == 2);
    second.stream().close();
    CHECK(third.recv_frame() == "hola");
    // And so on, for a crowd of 50, one after the other.
    std::vector<test::peer> crowd;
    for (int i = 0; i < 50; ++i) {
        crowd.push_back(running.join());
        crowd.back().send_frame(std::to_string(i));
    }
    third.stream().close();
    for (std::size_t i = 0; i < crowd.size(); ++i) {
        CHECK(crowd[i].recv_frame() == std::to_string(i));
        crowd[i].stream().close();
    }
    CHECK(most == 2);
}

TEST_CASE_METHOD(net_test, "who waits at the door, also for the second time, costs no time",
                 "[server]") {
    running_server<trama::poll_selector> running;
    running.server.max_clients(1);
    echo(running);
    running.start();
    for (int i = 0; i < 2; ++i) {
        auto inside = running.join();
        REQUIRE(is_served(inside));
        auto waits = running.join();
        test::pause(1100ms);  // a debug build ends run() when it spins for a second
        CHECK(is_served(inside));
        inside.stream().close();
        CHECK(is_served(waits));
    }
}

TEST_CASE_METHOD(net_test, "who was closed and does not close its end makes room after two seconds",
                 "[server]") {
    running_server<trama::poll_selector> running;
    running.server.max_clients(1);
    running.server.on_message([](auto& from, std::string_view text) {
        if (text == "close me") return from.close();
        from.send(text);
    });
    running.start();
    auto stubborn = running.join();
    stubborn.send_frame("close me");
    CHECK(recv_all_frames(stubborn).empty());
    const test::stopwatch watch;
    auto next = running.join();
    CHECK(is_served(next));
    CHECK(watch.undisturbed_seconds() < 4.0);
}

namespace {

std::atomic<int> refused_accepts{0};

void count_refused_accepts(std::string_view line) {
    if (line.find("accept: failed, " + test::reason(EMFILE)) != std::string_view::npos)
        ++refused_accepts;
}

/// Takes away all descriptors but `count`.
void leave_descriptors(int count) {
    std::vector<trama::unique_fd> free;
    for (int i = 0; i <= count; ++i) free.emplace_back(::dup(0));
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = static_cast<rlim_t>(free.back().get());
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

void allow_all_descriptors() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// A server in a process of its own, with room for two clients. The message "refused?" is answered
/// with how often accept has failed, "told?" with what on_refused was told.
template <typename Selector>
class short_of_descriptors {
public:
    short_of_descriptors() : port(server_.local_endpoint().port()), child_(::fork()) {
        if (child_ != 0) return;
        try {
            trama::trace_to(count_refused_accepts);
            const auto note_refused = [this](const trama::endpoint& who, std::string_view why) {
                told_ = who.to_string() + ": " + std::string(why);
            };
            // UBSan opens a pipe when it sees a type of function for the first time. So both
            // functions are called once before the descriptors are gone.
            trama::trama_detail::callback<const trama::endpoint&, std::string_view> first_call(
                note_refused);
            first_call({}, "");
            server_.on_refused(note_refused);
            server_.on_message([this](auto& from, std::string_view text) {
                if (!is_short_) leave_descriptors(2 - number_of_clients());
                is_short_ = true;
                if (text == "more") allow_all_descriptors();
                from.send(text == "refused?" ? std::to_string(refused_accepts)
                          : text == "told?"  ? told_
                                             : text);
            });
            server_.run();
            ::_exit(0);
        } catch (const std::exception& error) {
            std::fprintf(stderr, "%s\n", error.what());
            ::_exit(1);
        }
    }
    short_of_descriptors(const short_of_descriptors&) = delete;
    short_of_descriptors& operator=(const short_of_descriptors&) = delete;
    ~short_of_descriptors() { stop(); }

    test::peer join() const {
        auto stream = trama::tcp_stream::connect("127.0.0.1", port, 20s);
        stream.set_timeout(20s);
        return test::peer(std::move(stream));
    }

    /// The exit code; -1 after a signal.
    int stop() {
        if (child_ == -1) return code_;
        ::kill(child_, SIGTERM);
        int status = 0;
        ::waitpid(child_, &status, 0);
        child_ = -1;
        return code_ = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
    }

private:
    int number_of_clients() const {
        int count = 0;
        for (auto& each : server_.clients()) count += each.is_open() ? 1 : 0;
        return count;
    }

    std::string told_;
    bool is_short_ = false;
    const test::signals_are guard_{SIG_DFL};  // before the server, which then catches SIGTERM
    trama::message_server<trama::six_digit_colon, trama::no_state, Selector> server_{"127.0.0.1",
                                                                                     0};

public:
    const int port;

private:
    pid_t child_;
    int code_ = -1;
};

}  // namespace

#ifndef NDEBUG
namespace {

/// A selector with a fault: it watches for room to write, whatever it is told.
struct always_writable : trama::poll_selector {
    void add(int fd, trama::interest) {
        trama::poll_selector::add(fd, trama::interest::read_write);
    }
};

}  // namespace

TEST_CASE_METHOD(net_test, "a loop that spins ends, and says over which descriptor", "[server]") {
    running_server<always_writable> running;
    mailbox<int> descriptors;
    running.server.on_join([&](auto& who) { descriptors.put(who.fd()); });
    running.start();
    auto client = running.join();
    const std::string fd = std::to_string(descriptors.take());
    try {
        running.wait();
        FAIL("it went on");
    } catch (const std::logic_error& error) {
        CHECK(error.what() ==
              "message_server: descriptor " + fd + " is always ready, without effect");
    }
}

TEST_CASE_METHOD(net_test, "a loop that spins for less than a second goes on", "[server]") {
    running_server<always_writable> running;
    echo(running);
    running.start();
    auto client = running.join();
    REQUIRE(is_served(client));
    test::pause(50ms);  // thousands of rounds
    REQUIRE(is_served(client));
    client.stream().close();
    running.end();  // throws what run() threw
}
#endif

TEST_CASE_METHOD(net_test, "to receive for more than a second, byte by byte, is no spinning",
                 "[server]") {
    running_server<trama::poll_selector, trama::no_state, trama::lf_line> running;
    running.server.on_message([](auto& from, std::string_view text) { from.send(text); });
    running.start();
    auto client = running.call();
    const std::string line = std::string(1500, 'x') + '\n';
    for (const char& byte : line) {
        client.send_all({&byte, 1});
        test::pause(1ms);
    }
    CHECK(client.recv_exact(line.size()) == line);
}

TEST_CASE_METHOD(net_test, "a thousand rounds over what one client said at once are no spinning",
                 "[server]") {
    // 65,536 bytes come with one receive: as many messages, of which each round delivers 64. While
    // they are delivered, the other half keeps the client readable.
    constexpr int count = 2 * 65536;
    mailbox<int> all_heard;
    running_server<trama::poll_selector, trama::no_state, trama::lf_line> running;
    int heard = 0;
    running.server.on_message([&](auto&, std::string_view) {
        if (++heard % 64 == 0) test::pause(1ms);
        if (heard == count) all_heard.put(1);
    });
    running.start();
    auto client = running.call();
    client.send_all(std::string(count, '\n'));
    all_heard.take();
}

TEMPLATE_LIST_TEST_CASE("without descriptors the server does not spin, and serves when one leaves",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    short_of_descriptors<TestType> server;
    auto first = server.join();
    auto second = server.join();
    REQUIRE(is_served(first));
    REQUIRE(is_served(second));
    auto third = server.join();
    auto fourth = server.join();
    third.send_frame("hola");
    const test::stopwatch watch;
    for (int i = 0; i < 200; ++i) REQUIRE(is_served(first));
    first.send_frame("refused?");
    const int refused = std::stoi(first.recv_frame().value());
    CHECK(refused >= 1);
    CHECK(refused <= 1 + static_cast<int>(watch.seconds() / 0.5) + 1);  // 200 if it had spun
    first.send_frame("told?");
    CHECK(first.recv_frame() == "nowhere: " + test::reason(EMFILE) +
                                    " (this program has too many descriptors open: ulimit -n)");
    second.stream().close();
    CHECK(third.recv_frame() == "hola");
    first.stream().close();
    third.stream().close();
    CHECK(is_served(fourth));
    fourth.stream().close();
    CHECK(server.stop() == 0);
}

TEMPLATE_LIST_TEST_CASE("when descriptors come back the server serves, though nobody has left",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    short_of_descriptors<TestType> server;
    auto first = server.join();
    auto second = server.join();
    REQUIRE(is_served(first));
    REQUIRE(is_served(second));
    auto third = server.join();
    third.send_frame("hola");
    std::string refused = "0";
    while (refused == "0") {
        first.send_frame("refused?");
        refused = first.recv_frame().value();
    }
    first.send_frame("more");
    CHECK(first.recv_frame() == "more");
    CHECK(third.recv_frame() == "hola");
    for (auto* each : {&first, &second, &third}) each->stream().close();
    CHECK(server.stop() == 0);
}

TEST_CASE_METHOD(net_test, "a server with select refuses whom select cannot hold, and goes on",
                 "[server]") {
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    if (before.rlim_cur < 1100) return test::skip("1,100 descriptors are not allowed here");
    mailbox<std::string> refusals;
    running_server<trama::selector> running;
    echo(running);
    running.server.on_refused([&](const trama::endpoint& from, std::string_view reason) {
        refusals.put(from.to_string() + " " + std::string(reason));
    });
    running.start();
    auto first = running.join();
    REQUIRE(is_served(first));
    std::vector<trama::unique_fd> many;
    do many.emplace_back(::dup(0));
    while (many.back().get() < 1023);
    auto refused = running.join();
    const std::string refusal = refusals.take();
    INFO(refusal);
    CHECK(refusal.find(refused.stream().local_endpoint().to_string() + " ") == 0);
    CHECK(test::contains(refusal, "select(2) holds 0 to 1023"));
    CHECK_FALSE(refused.recv_frame().has_value());
    CHECK(is_served(first));
    many.clear();
    auto next = running.join();
    CHECK(is_served(next));
}

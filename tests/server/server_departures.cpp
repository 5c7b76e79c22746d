// Clients that leave a message_server: many of them at once, with messages behind the close, half
// closed, or not at all before run() has returned; and what handlers may change while they run.
#include "running_server.hpp"

#include "../support/catch.hpp"
#include "../support/trace_recorder.hpp"

#include <atomic>
#include <memory>
#include <type_traits>

using namespace std::chrono_literals;
using test::every_selector;
using test::is_served;
using test::mailbox;
using test::net_test;
using test::recv_all_frames;
using test::running_server;

namespace {

/// The descriptor of a listener of this process at `port`; -1: there is none.
int listener_at(int port) {
    for (const int fd : test::open_descriptors()) {
        sockaddr_in where{};
        socklen_t size = sizeof where;
        const bool listens = test::option(fd, SOL_SOCKET, SO_ACCEPTCONN) == 1;
        ::getsockname(fd, reinterpret_cast<sockaddr*>(&where), &size);
        if (listens && ntohs(where.sin_port) == port) return fd;
    }
    return -1;
}

}  // namespace

// ---- many at once ------------------------------------------------------------------------------

// Each on_leave tells all others. They have gone together, so nearly all of these messages would be
// for clients that are not there: 300 * 299 / 2 = 44,850 if each were written to until it fails.
TEMPLATE_LIST_TEST_CASE("300 clients that go at the same moment are not told of each other",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    const bool is_reset = GENERATE(true, false);
    constexpr int crowd = 300;
    mailbox<int> joined;
    mailbox<int> waiting;
    mailbox<int> go_on;
    mailbox<int> left;
    int sends = 0;
    running_server<TestType> running;
    running.server.on_join([&](auto&) { joined.put(1); });
    running.server.on_message([&](auto& from, std::string_view text) {
        if (text == "wait") {
            waiting.put(1);
            go_on.take();
        }
        from.send(text);
    });
    running.server.on_leave([&](auto&, std::string_view) {
        for (auto& each : running.server.clients()) {
            ++sends;
            each.send("somebody left");
        }
        left.put(1);
    });
    running.start();
    auto stays = running.join();
    joined.take();
    std::vector<test::peer> clients;
    for (int i = 0; i < crowd; ++i) clients.push_back(running.join());
    for (int i = 0; i < crowd; ++i) joined.take();
    stays.send_frame("wait");
    waiting.take();
    for (auto& each : clients) {  // the server sleeps in a handler, and finds all of them together
        if (is_reset) test::reset(std::move(each.stream()));
        if (!is_reset) each.stream().close();
    }
    go_on.put(1);
    for (int i = 0; i < crowd; ++i) left.take();
    REQUIRE(stays.recv_frame() == "wait");
    for (int i = 0; i < crowd; ++i) REQUIRE(stays.recv_frame() == "somebody left");
    CHECK(is_served(stays));
    running.end();
    INFO(sends << " messages");
    // One for each is for the one who stays. epoll brings 256 events at once, so the 44 others are
    // told of each of those.
    const bool is_epoll = std::is_same_v<TestType, trama::epoll_selector>;
    CHECK(sends >= crowd);
    CHECK(sends <= crowd + 10 + (is_epoll ? 256 * 45 : 0));
}

// ---- messages behind the end -------------------------------------------------------------------

TEMPLATE_LIST_TEST_CASE("after close in on_message the messages behind it are not delivered",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> received;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    running.server.on_message([&](auto& from, std::string_view text) {
        received.put(std::string(text));
        if (text == "quit") from.close();
    });
    tell_leaves(running, reasons);
    running.start();
    auto client = running.join();
    client.stream().send_all(test::frames({"one", "quit", "two", "three"}));
    CHECK(recv_all_frames(client).empty());
    client.stream().close();
    CHECK(reasons.take() == "closed by this server");
    running.end();
    CHECK(received.take() == "one");
    CHECK(received.take() == "quit");
    CHECK(received.empty());
}

// A loop that looked again and again at the end of the stream would cost all of a processor.
TEMPLATE_LIST_TEST_CASE("a client that has half-closed, and does not take its answer, is read once",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    const bool is_closed = GENERATE(false, true);  // by the server, too
    mailbox<int> joined;
    test::trace_recorder trace;  // which no thread may use when it ends
    running_server<TestType> running;
    running.server.high_water_mark(64U << 20U);
    running.server.on_join([&](auto& client) { joined.put(client.fd()); });
    running.server.on_message([&](auto& from, std::string_view text) {
        if (text == "much") {
            for (int i = 0; i < 30; ++i) from.send(std::string(900'000, 'x'));
            if (is_closed) from.close();
        } else {
            from.send(text);
        }
    });
    running.start();
    auto other = running.join();
    joined.take();
    auto slow = running.join();
    const std::string fd = std::to_string(joined.take());
    slow.send_frame("much");
    slow.stream().shutdown_send();
    for (int i = 0; i < 200; ++i) REQUIRE(is_served(other));
    int ends = 0;
    for (const std::string& line : trace.take()) {
        if (line.find("fd " + fd + ": recv 0 of") == 0) ++ends;
    }
    CHECK(ends == 1);
    CHECK(recv_all_frames(slow).size() == 30);
}

TEMPLATE_LIST_TEST_CASE("what has the number of a client that has left is not taken for a client",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    std::vector<test::stream_pair> opened;
    running_server<TestType> running;
    running.server.on_message([&](auto& from, std::string_view text) {
        for (int i = 0; text == "open" && i < 10; ++i) {
            auto& pair = opened.emplace_back(test::local_pair());
            pair.client.send_all("x");
            pair.server.send_all("x");
        }
        from.send(text);
    });
    tell_leaves(running, reasons);
    running.start();
    auto leaves = running.join();
    auto stays = running.join();
    REQUIRE(is_served(leaves));
    REQUIRE(is_served(stays));
    leaves.stream().close();
    CHECK(reasons.take() == "closed by the peer");
    CHECK(is_served(stays));  // so the one that left was erased
    CHECK(is_served(stays, "open"));
    CHECK(is_served(stays));
}

// ---- deadlines of clients that have left -------------------------------------------------------

// A client that lingers has two seconds to close its end. It closes at once and is erased: when the
// two seconds are over, nothing must be looked for in its place.
TEST_CASE_METHOD(net_test, "the deadline of a client goes with it", "[server]") {
    mailbox<std::string> reasons;
    running_server<trama::poll_selector> running;
    running.server.on_message([](auto& from, std::string_view text) {
        if (text == "hola") from.send(text);
        if (text == "close me") from.close();
        if (text == "dismiss me") from.dismiss_after(100ms);
        if (text == "later") from.dismiss_after(2300ms);
    });
    tell_leaves(running, reasons);
    running.start();
    auto stays = running.join();
    auto dismissed = running.join();
    REQUIRE(is_served(stays, "hola"));
    stays.send_frame("later");
    dismissed.send_frame("dismiss me");
    auto leaves = running.join();
    leaves.send_frame("close me");
    CHECK(recv_all_frames(leaves).empty());
    leaves.stream().close();  // and nobody else gets its descriptor
    CHECK(reasons.take() == "closed by this server");
    CHECK(recv_all_frames(dismissed).empty());
    dismissed.stream().close();
    CHECK(reasons.take() == "its time was up");
    CHECK(recv_all_frames(stays).empty());
    CHECK(reasons.take() == "its time was up");
}

TEST_CASE_METHOD(net_test, "after run no client stays connected, not even one that takes nothing",
                 "[server]") {
    mailbox<int> joined;
    running_server<trama::poll_selector> running;
    running.server.high_water_mark(64U << 20U);
    running.server.on_join([&](auto& client) {
        for (int i = 0; i < 30; ++i) client.send(std::string(900'000, 'x'));
        joined.put(1);
    });
    running.start();
    auto client = running.call();
    joined.take();
    running.end();
    try {
        while (!client.recv_some(65536).empty()) continue;
    } catch (const trama::network_error& error) {
        CHECK(error.code() == std::errc::connection_reset);
    }
}

// ---- what handlers may do ----------------------------------------------------------------------

TEMPLATE_LIST_TEST_CASE("dismiss_after does nothing for a client that is leaving", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    std::atomic<int> idle{0};
    running_server<TestType> running;
    running.server.on_message([](auto& from, std::string_view text) {
        from.send(text);
        if (text == "timer") return from.dismiss_after(100ms);
        from.close();
        from.dismiss_after(0ms);
        from.dismiss_after(trama::no_timeout);
    });
    running.server.on_idle([&](auto&) { ++idle; });
    running.server.on_leave([&](auto& client, std::string_view reason) {
        client.dismiss_after(0ms);
        reasons.put(std::string(reason));
    });
    running.start();
    auto timer = running.join();
    auto client = running.join();
    client.send_frame("bye");
    timer.send_frame("timer");
    CHECK(recv_all_frames(client) == std::vector<std::string>{"bye"});
    CHECK(reasons.take() == "closed by this server");
    CHECK(recv_all_frames(timer) == std::vector<std::string>{"timer"});
    CHECK(reasons.take() == "its time was up");
    CHECK(idle == 1);
    client.stream().close();
    timer.stream().close();
    running.end();
    CHECK(reasons.empty());
}

TEMPLATE_LIST_TEST_CASE("pending counts the bytes that wait, and none once they were sent",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    running.server.on_message([](auto& from, std::string_view) {
        const std::size_t before = from.pending();
        from.send("1234");
        const std::size_t one = from.pending();
        from.send("");
        from.send(std::to_string(before) + " " + std::to_string(one) + " " +
                  std::to_string(from.pending()));
    });
    running.start();
    auto client = running.join();
    for (int i = 0; i < 3; ++i) {
        client.send_frame("x");
        CHECK(client.recv_frame() == "1234");
        CHECK(client.recv_frame() == "");
        CHECK(client.recv_frame() == "0 11 18");  // a header has 7 bytes
    }
}

TEMPLATE_LIST_TEST_CASE("every setting can be changed in every handler", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> story;
    running_server<TestType> running;
    int count = 0;
    const auto change_all = [&] {
        ++count;
        running.server.high_water_mark(static_cast<std::size_t>(1000 + count));
        running.server.message_timeout(10s + count * 1ms);
        running.server.idle_timeout(10s + count * 1ms);
        running.server.max_clients(static_cast<std::size_t>(100 + count));
    };
    running.server.on_join([&](auto&) { change_all(); });
    running.server.on_message([&](auto& from, std::string_view text) {
        change_all();
        from.send(text);
        if (text == "dismiss me") from.dismiss_after(1ms);
    });
    running.server.on_idle([&](auto& client) {
        change_all();
        client.send("time is up");
    });
    running.server.on_leave([&](auto&, std::string_view reason) {
        change_all();
        story.put(std::string(reason));
    });
    running.server.on_stop([&] { change_all(); });
    running.start();
    auto stays = running.join();
    auto half = running.join();
    half.stream().send_all("000004:ho");
    REQUIRE(is_served(stays));
    auto client = running.join();
    client.send_frame("dismiss me");
    CHECK(recv_all_frames(client) == std::vector<std::string>{"dismiss me", "time is up"});
    CHECK(story.take() == "its time was up");
    half.stream().send_all("la");
    CHECK(half.recv_frame() == "hola");
    client.stream().close();
    half.stream().close();
    CHECK(story.take() == "closed by the peer");
    REQUIRE(is_served(stays));
    stays.stream().shutdown_send();
    CHECK(recv_all_frames(stays).empty());
    running.end();
    CHECK(count >= 3 + 4 + 1 + 3 + 1);
}

TEMPLATE_LIST_TEST_CASE("a handler that was replaced lives until its call is over, and no longer",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    auto memory = std::make_shared<std::string>(100, 'm');
    const std::weak_ptr<std::string> watched = memory;
    running.server.on_message(
        [&running, watched, memory = std::move(memory)](auto& from, std::string_view) {
            const std::string& kept = *memory;
            running.server.on_message([watched](auto& client, std::string_view) {
                client.send(watched.expired() ? "it is gone" : "it is still there");
            });
            from.send(kept);
        });
    running.start();
    auto client = running.join();
    client.send_frame("x");
    CHECK(client.recv_frame() == std::string(100, 'm'));
    client.send_frame("x");
    CHECK(client.recv_frame() == "it is gone");
}

TEMPLATE_LIST_TEST_CASE("a listener that fails ends run with the reason", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    echo(running);
    const int listener = listener_at(running.port);
    REQUIRE(listener != -1);
    running.start();
    auto client = running.join();
    REQUIRE(is_served(client));
    REQUIRE(::shutdown(listener, SHUT_RDWR) == 0);
    const auto failed = test::failure_of([&] { running.wait(); });
    CHECK(failed.code == std::errc::invalid_argument);
    CHECK(failed.text.find("accept on ") == 0);
}

// ---- deadlines ---------------------------------------------------------------------------------

// The server gives a peer 2 s to close. This one closes at once, and nobody has its place then.
TEST_CASE("the deadline of a client that has gone is forgotten", "[server]") {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<trama::poll_selector> running;
    running.server.on_message([](auto& who, std::string_view text) {
        if (text == "close") who.close();
        if (text == "in 2.2 s") who.dismiss_after(2200ms);
    });
    running.server.on_leave([&](auto&, std::string_view why) { reasons.put(std::string(why)); });
    running.start();
    auto stays = running.join();
    {
        auto goes = running.join();
        goes.send_frame("close");
        CHECK(recv_all_frames(goes).empty());
    }
    reasons.take();
    stays.send_frame("in 2.2 s");
    CHECK(reasons.take() == "its time was up");
    running.end();
}

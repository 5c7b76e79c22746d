// Whose turn it is in a message_server, and who is late: handlers that take their time, clients
// with a lot to say, and settings that change while it runs.
#include "running_server.hpp"

#include "../support/catch.hpp"

#include <functional>

using namespace std::chrono_literals;
using test::every_selector;
using test::is_served;
using test::mailbox;
using test::net_test;
using test::running_server;

namespace {

void pause(trama::duration time) {
    for (const trama::deadline end(time); !end.passed();) ::poll(nullptr, 0, end.poll_timeout());
}

/// Everything that has come until a client leaves, or the stream ends.
std::size_t frames_before_the_end(test::peer& client) {
    return test::recv_all_frames(client).size();
}

}  // namespace

// ---- turns -------------------------------------------------------------------------------------

TEMPLATE_LIST_TEST_CASE("who has a thousand messages to say does not keep the others waiting",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    mailbox<int> begun;
    mailbox<int> may_go_on;
    int heard = 0;
    running_server<TestType> running;
    running.server.on_message([&](auto& from, std::string_view text) {
        if (text == "wait") {
            begun.put(1);
            may_go_on.take();
        }
        if (text == "say") ++heard;
        if (text == "how many?") from.send(std::to_string(heard));
    });
    running.start();
    auto talker = running.join();
    auto other = running.join();
    std::vector<std::string> all(2000, "say");
    all.front() = "wait";
    all.back() = "how many?";
    talker.stream().send_all(test::frames(all));
    begun.take();
    other.send_frame("how many?");
    may_go_on.put(1);
    CHECK(std::stoi(other.recv_frame().value()) < 200);
    CHECK(talker.recv_frame() == "1998");
}

TEMPLATE_LIST_TEST_CASE("what was said before the end of the stream is heard, however much it is",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    test::echo(running);
    running.start();
    auto client = running.join();
    client.stream().send_all(test::frames(std::vector<std::string>(5000, "x")));
    client.stream().shutdown_send();
    CHECK(frames_before_the_end(client) == 5000);
}

TEMPLATE_LIST_TEST_CASE("who is closed with messages left makes room as soon as others do",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    running.server.high_water_mark(1000);
    running.server.max_clients(1);
    int count = 0;
    running.server.on_message([&](auto& from, std::string_view) {
        from.send(std::string(5000, 'x'));
        if (++count == 3) from.close();
    });
    test::tell_leaves(running, reasons);
    running.start();
    auto client = running.join();
    client.stream().send_all(test::frames({"1", "2", "3", "4"}));
    CHECK(frames_before_the_end(client) == 3);  // and does not close its end
    CHECK(reasons.take() == "closed by this server");
    const test::stopwatch watch;
    auto next = running.join();
    next.send_frame("hola");
    CHECK(next.recv_frame().value().size() == 5000);
    CHECK(watch.undisturbed_seconds() < 5.0);  // two are given, and ten for what it was owed
}

TEMPLATE_LIST_TEST_CASE("who changes twice in one round has one share of the next", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    mailbox<int> begun;
    mailbox<int> may_go_on;
    mailbox<std::string> all_heard;
    running_server<TestType, char> running;  // the state is the name: a, b, c, d
    char next_name = 'a';
    running.server.on_join([&](auto& who) { who.state = next_name++; });
    std::string heard;
    running.server.on_message([&](auto& from, std::string_view text) {
        if (text == "wait") {
            begun.put(1);
            may_go_on.take();
        }
        heard += from.state;
        if (heard.size() == 600) all_heard.put(heard);
    });
    trama::tcp_stream d;
    // When c leaves, d gets a message, which fails; so d leaves too, and then a changes again.
    running.server.on_leave([&](auto& who, std::string_view) {
        if (who.state == 'c') test::reset(std::move(d));
        const char hears_of_it = who.state == 'c' ? 'd' : 'a';
        for (auto& each : running.server.clients())
            if (each.state == hears_of_it) each.send("somebody left");
    });
    running.start();
    auto a = running.join();
    auto b = running.join();
    auto c = running.join();
    d = running.call();
    std::vector<std::string> talk(300, "x");
    talk.front() = "wait";
    a.stream().send_all(test::frames(talk));
    begun.take();
    talk.front() = "x";
    b.stream().send_all(test::frames(talk));
    c.stream().close();
    may_go_on.put(1);
    const std::string order = all_heard.take();
    CHECK(order.find(std::string(65, 'a')) > order.rfind('b'));
    CHECK(order.find(std::string(65, 'b')) == std::string::npos);
    CHECK(a.recv_frame() == "somebody left");
}

TEMPLATE_LIST_TEST_CASE("what a client says when it is destroyed is sent at once", "[server]",
                        every_selector) {
    struct last_words {
        ~last_words() {
            if (say) say();
        }
        std::function<void()> say;
    };
    const net_test nothing_left_open;
    running_server<TestType, last_words> running;
    running.server.on_join([&](auto& who) {
        who.state.say = [&] {
            for (auto& each : running.server.clients()) each.send("somebody left");
        };
    });
    running.start();
    auto stays = running.join();
    running.join().stream().close();
    CHECK(stays.recv_frame() == "somebody left");
    stays.stream().close();
    running.end();
}

TEMPLATE_LIST_TEST_CASE("a handler may be replaced while it runs", "[server]", every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    const std::string greeting(100, 'g');  // too long to lie in the handler itself
    running.server.on_message([&running, greeting](auto& from, std::string_view) {
        for (const char* answer : {"first", "second"})
            running.server.on_message([answer](auto& who, std::string_view) { who.send(answer); });
        from.send(greeting);
    });
    running.start();
    auto client = running.join();
    client.send_frame("x");
    CHECK(client.recv_frame() == greeting);
    client.send_frame("x");
    CHECK(client.recv_frame() == "second");
}

TEMPLATE_LIST_TEST_CASE("a server that an exception has left cannot run again", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    running.server.on_leave(
        [](auto&, std::string_view) { throw std::runtime_error("from on_leave"); });
    running.start();
    running.join().stream().close();
    CHECK_THROWS_AS(running.wait(), std::runtime_error);
    CHECK_THROWS_AS(running.server.run(), std::logic_error);
}

// ---- who is late -------------------------------------------------------------------------------

TEMPLATE_LIST_TEST_CASE("what came while a handler took its time was in time", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    const bool is_half = GENERATE(false, true);
    mailbox<int> begun;
    mailbox<int> may_go_on;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    if (is_half) running.server.message_timeout(400ms);
    if (!is_half) running.server.idle_timeout(400ms);
    running.server.on_message([&](auto& from, std::string_view text) {
        if (text == "wait") {
            begun.put(1);
            may_go_on.take();
        }
        from.send(text);
    });
    test::tell_leaves(running, reasons);
    running.start();
    auto quick = running.join();
    auto slow = running.join();
    REQUIRE(is_served(quick));
    if (is_half) quick.stream().send_all("000004:ho");
    REQUIRE(is_served(slow));
    slow.send_frame("wait");
    begun.take();
    quick.stream().send_all(is_half ? "la" : "000004:hola");
    pause(500ms);
    may_go_on.put(1);
    CHECK(quick.recv_frame() == "hola");
    CHECK(reasons.empty());
}

TEMPLATE_LIST_TEST_CASE("who closed while a handler took its time is not called silent", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    mailbox<int> begun;
    mailbox<int> may_go_on;
    mailbox<std::string> reasons;
    mailbox<int> called_silent;
    running_server<TestType> running;
    running.server.idle_timeout(400ms);
    running.server.on_message([&](auto& from, std::string_view text) {
        if (text == "wait") {
            begun.put(1);
            may_go_on.take();
        }
        from.send(text);
    });
    running.server.on_idle([&](auto&) { called_silent.put(1); });
    test::tell_leaves(running, reasons);
    running.start();
    auto closes = running.join();
    auto slow = running.join();
    REQUIRE(is_served(closes));
    REQUIRE(is_served(slow));
    slow.send_frame("wait");
    begun.take();
    closes.stream().close();
    pause(500ms);
    may_go_on.put(1);
    CHECK(reasons.take() == "closed by the peer");
    CHECK(called_silent.empty());
}

TEMPLATE_LIST_TEST_CASE("whole messages that wait for the outbox are not late", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    running.server.message_timeout(100ms);
    const std::string answer(900000, 'x');
    running.server.on_message([&](auto& from, std::string_view) { from.send(answer); });
    test::tell_leaves(running, reasons);
    running.start();
    auto client = running.join();
    client.stream().send_all(test::frames(std::vector<std::string>(20, "ask")));
    pause(300ms);
    for (int i = 0; i < 20; ++i) CHECK(client.recv_frame().value().size() == answer.size());
    CHECK(reasons.empty());
}

TEMPLATE_LIST_TEST_CASE("who is closed while it is late itself gets all that it is owed",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    const std::string large(900000, 'x');
    running_server<TestType> running;
    running.server.high_water_mark(64U << 20U);
    running.server.idle_timeout(50ms);
    running.server.on_idle([&](auto&) {
        for (auto& each : running.server.clients()) {
            for (int i = 0; i < 10; ++i) each.send(large);
            each.close();
        }
    });
    running.start();
    std::vector<test::peer> silent;
    for (int i = 0; i < 3; ++i) silent.push_back(running.join());
    pause(200ms);
    for (auto& each : silent) CHECK(frames_before_the_end(each) == 10);
}

TEMPLATE_LIST_TEST_CASE("who was above the mark for a moment still has a time for its message",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    running.server.message_timeout(100ms);
    running.server.high_water_mark(1000);
    running.server.on_message([&](auto&, std::string_view) {
        // Those who are here are above the mark when their times are set, and below it soon after.
        for (auto& each : running.server.clients()) each.send(std::string(1500, 'x'));
        running.server.message_timeout(100ms);
    });
    test::tell_leaves(running, reasons);
    running.start();
    auto half = running.join();
    half.stream().send_all("000004:ho");
    auto talker = running.join();
    talker.send_frame("all");
    CHECK(reasons.take() == "took too long over one message");
}

TEMPLATE_LIST_TEST_CASE(
    "a time-out that is set while it runs is for those who are late already, too", "[server]",
    every_selector) {
    const net_test nothing_left_open;
    const bool is_half = GENERATE(false, true);
    mailbox<std::string> reasons;
    running_server<TestType> running;
    running.server.on_message([&](auto& from, std::string_view text) {
        if (is_half) running.server.message_timeout(50ms);
        if (!is_half) running.server.idle_timeout(50ms);
        from.send(text);
    });
    test::tell_leaves(running, reasons);
    running.start();
    auto late = running.join();
    if (is_half) late.stream().send_all("000004:ho");
    auto talker = running.join();
    REQUIRE(is_served(talker));
    CHECK(frames_before_the_end(late) == 0);
    CHECK(reasons.take() == (is_half ? "took too long over one message" : "silent for too long"));
}

TEMPLATE_LIST_TEST_CASE("dismiss_after gives nobody more time to be silent", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    running.server.idle_timeout(300ms);
    running.server.on_message([&](auto& from, std::string_view text) {
        for (auto& each : running.server.clients()) each.dismiss_after(60s);
        from.send(text);
    });
    test::tell_leaves(running, reasons);
    running.start();
    auto silent = running.join();
    auto talker = running.join();
    const test::stopwatch watch;
    while (reasons.empty() && watch.undisturbed_seconds() < 10) {
        REQUIRE(is_served(talker));
        pause(20ms);
    }
    CHECK(watch.undisturbed_seconds() < 5);
    CHECK(reasons.take() == "silent for too long");
    CHECK(frames_before_the_end(silent) == 0);
}

// ---- limits that change ------------------------------------------------------------------------

TEMPLATE_LIST_TEST_CASE("who waits at the door comes in when the limit is raised", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    mailbox<int> joined;
    running_server<TestType> running;
    running.server.max_clients(1);
    running.server.on_join([&](auto&) { joined.put(1); });
    running.server.on_message([&](auto& from, std::string_view text) {
        if (text == "raise") running.server.max_clients(2);
        from.send(text);
    });
    running.start();
    auto first = running.join();
    auto second = running.join();
    joined.take();
    REQUIRE(is_served(first));
    CHECK(joined.empty());
    REQUIRE(is_served(first, "raise"));
    CHECK(is_served(second));
    auto third = running.join();
    REQUIRE(is_served(first));
    joined.take();
    CHECK(joined.empty());
}

TEMPLATE_LIST_TEST_CASE("a mark that is lowered stops who owes more than that at once", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    running.server.high_water_mark(64U << 20U);
    running.server.on_message([&](auto& from, std::string_view text) {
        if (text == "lower") running.server.high_water_mark(65536);
        if (text == "fill")
            for (int i = 0; i < 40; ++i) from.send(std::string(900000, 'x'));
        if (text.size() < 10) from.send(text);
    });
    running.start();
    auto full = running.join();
    auto other = running.join();
    full.send_frame("fill");
    REQUIRE(full.recv_frame().value().size() == 900000);
    REQUIRE(is_served(other, "lower"));
    // What it says now waits in the network: nothing of it is received for ever.
    full.stream().set_timeout(300ms);
    const std::string text(100000, 'y');
    std::size_t sent = 0;
    try {
        for (; sent < (100U << 20U); sent += text.size()) full.send_frame(text);
    } catch (const trama::network_error& error) {
        CHECK(error.code() == std::errc::timed_out);
    }
    CHECK(sent < (50U << 20U));  // what the buffers of the system hold
}

TEMPLATE_LIST_TEST_CASE("a mark above all that can be counted is no mark", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    running.server.high_water_mark(~std::size_t{0} / 2 + 1);  // twice that is 0
    running.server.on_message([](auto& from, std::string_view) {
        for (int i = 0; i < 10; ++i) from.send(std::string(900000, 'x'));
    });
    test::tell_leaves(running, reasons);
    running.start();
    auto client = running.join();
    client.send_frame("x");
    pause(100ms);
    for (int i = 0; i < 10; ++i) CHECK(client.recv_frame().value().size() == 900000);
    CHECK(reasons.empty());
}

// What handlers of a message_server may do: close themselves, close others, send to who is leaving,
// throw. And clients whose descriptor number another one had before.
#include "running_server.hpp"

#include "../support/catch.hpp"

#include <set>

using namespace std::chrono_literals;
using test::every_selector;
using test::in_background;
using test::is_served;
using test::mailbox;
using test::net_test;
using test::recv_all_frames;
using test::running_server;

TEMPLATE_LIST_TEST_CASE("close within on_join: the client gets what was sent, and the end",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> story;
    running_server<TestType> running;
    running.server.on_join([](auto& who) {
        who.send("full");
        who.close();
        who.send("in vain");
    });
    running.server.on_message([&](auto&, std::string_view) { story.put("a message"); });
    tell_leaves(running, story);
    running.start();
    for (int i = 0; i < 20; ++i) {
        auto client = running.join();
        client.stream().send_all(test::frames({"let me in", "please"}));
        CHECK(recv_all_frames(client) == std::vector<std::string>{"full"});
        CHECK(story.take() == "closed by this server");
    }
    running.end();
    CHECK(story.empty());
}

TEMPLATE_LIST_TEST_CASE("on_leave can send to those who stay, and in vain to who leaves",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    echo(running);
    running.server.on_leave([&](auto& who, std::string_view) {
        who.send("in vain");
        who.close();
        for (auto& each : running.server.clients()) each.send("somebody left");
    });
    running.start();
    auto stays = running.join();
    for (int i = 0; i < 20; ++i) {
        auto leaves = running.join();
        REQUIRE(is_served(leaves));
        leaves.stream().shutdown_send();
        CHECK(recv_all_frames(leaves).empty());
        CHECK(stays.recv_frame() == "somebody left");
    }
    CHECK(is_served(stays));
}

TEMPLATE_LIST_TEST_CASE("on_leave can close all others, each of whom leaves once", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    mailbox<int> joined;
    mailbox<int> left;
    running_server<TestType> running;
    running.server.on_join([&](auto&) { joined.put(1); });
    running.server.on_leave([&](auto& who, std::string_view) {
        left.put(who.fd());
        for (auto& each : running.server.clients()) {
            each.send("bye");
            each.close();
            break;  // and its own on_leave closes the next
        }
    });
    running.start();
    std::vector<test::peer> all;
    for (int i = 0; i < 10; ++i) all.push_back(running.join());
    for (int i = 0; i < 10; ++i) joined.take();
    all.front().stream().close();
    std::set<int> numbers;
    for (int i = 0; i < 10; ++i) numbers.insert(left.take());
    CHECK(numbers.size() == 10);
    for (std::size_t i = 1; i < all.size(); ++i) {
        CHECK(recv_all_frames(all[i]) == std::vector<std::string>{"bye"});
        all[i].stream().close();
    }
    running.end();
    CHECK(left.empty());
}

TEMPLATE_LIST_TEST_CASE("who was closed by a handler is not heard in the same round either",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    mailbox<int> waiting;
    mailbox<int> go_on;
    mailbox<std::string> heard;
    running_server<TestType> running;
    running.server.on_message([&](auto& from, std::string_view text) {
        if (text == "wait") {
            waiting.put(1);
            go_on.take();
            return;
        }
        heard.put(std::string(text));
        for (auto& each : running.server.clients())
            if (&each != &from) each.close();
        from.send("only you");
    });
    running.start();
    auto holds = running.join();
    auto one = running.join();
    auto two = running.join();
    holds.send_frame("wait");
    waiting.take();
    one.send_frame("first");
    two.send_frame("second");
    go_on.put(1);  // and both are ready
    const auto one_got = in_background([&] { return one.recv_frame(); }).get();
    const auto two_got = in_background([&] { return two.recv_frame(); }).get();
    CHECK(one_got.has_value() != two_got.has_value());
    one.stream().close();
    two.stream().close();
    holds.stream().close();
    running.end();
    heard.take();
    CHECK(heard.empty());
}

TEMPLATE_LIST_TEST_CASE("on_idle can close its client and others", "[server]", every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    running.server.idle_timeout(100ms);
    tell_leaves(running, reasons);
    running.server.on_idle([&](auto&) {
        for (auto& each : running.server.clients()) each.close();
    });
    running.start();
    auto one = running.join();
    auto two = running.join();
    CHECK(recv_all_frames(one).empty());
    CHECK(recv_all_frames(two).empty());
    for (int i = 0; i < 2; ++i) CHECK(reasons.take() == "closed by this server");
    one.stream().close();
    two.stream().close();
    running.end();
    CHECK(reasons.empty());
}

TEMPLATE_LIST_TEST_CASE("a slow client can be dropped in the middle of a broadcast about one",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    mailbox<int> joined;
    mailbox<std::string> reasons;
    const std::string large(20000, 'x');
    running_server<TestType> running;
    running.server.high_water_mark(50000);
    running.server.on_join([&](auto&) { joined.put(1); });
    running.server.on_message([&](auto&, std::string_view) {
        for (auto& each : running.server.clients()) each.send(large);
    });
    running.server.on_leave([&](auto&, std::string_view reason) {
        reasons.put(std::string(reason));
        for (auto& each : running.server.clients()) each.send(large);  // may drop the next one
    });
    running.start();
    auto speaks = running.join();
    std::vector<trama::tcp_stream> slow;
    for (int i = 0; i < 5; ++i) slow.push_back(running.call());
    for (int i = 0; i < 6; ++i) joined.take();
    int dropped = 0;
    for (int i = 0; i < 5000 && dropped < 5; ++i) {
        speaks.send_frame("");
        REQUIRE(speaks.recv_frame() == large);
        for (; !reasons.empty(); ++dropped) {
            CHECK(test::contains(reasons.take(), "too slow"));
            REQUIRE(speaks.recv_frame() == large);
        }
    }
    CHECK(dropped == 5);
}

TEMPLATE_LIST_TEST_CASE("on_leave at the end of the server can send and close, and all is defined",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    mailbox<int> joined;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    running.server.on_join([&](auto&) { joined.put(1); });
    running.server.on_leave([&](auto& who, std::string_view reason) {
        reasons.put(std::string(reason));
        who.send("in vain");
        for (auto& each : running.server.clients()) each.close();
        running.server.stop();
    });
    running.start();
    std::vector<test::peer> all;
    for (int i = 0; i < 5; ++i) all.push_back(running.join());
    for (int i = 0; i < 5; ++i) joined.take();
    auto ends = in_background([&] {
        std::size_t frames = 0;
        for (auto& each : all) {
            frames += recv_all_frames(each).size();
            each.stream().close();
        }
        return frames;
    });
    running.end();
    CHECK(ends.get() == 0);
    for (int i = 0; i < 5; ++i) CHECK(reasons.take() == "the server stops");
    CHECK(reasons.empty());
}

// ---- exceptions --------------------------------------------------------------------------------

namespace {

enum class thrower { join, message, idle };

}  // namespace

TEMPLATE_LIST_TEST_CASE("an exception from a handler costs the client that it served, and no other",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    const thrower place = GENERATE(thrower::join, thrower::message, thrower::idle);
    mailbox<std::string> reasons;
    running_server<TestType> running;
    int joined = 0;
    const auto throw_if = [=](bool is_here) {
        if (is_here) throw std::domain_error("from a handler");
    };
    running.server.on_join([&](auto& client) {
        ++joined;
        if (joined == 2 && place == thrower::idle) client.dismiss_after(50ms);
        if (joined == 2) client.send("welcome");
        throw_if(joined == 2 && place == thrower::join);
    });
    running.server.on_message([&](auto& from, std::string_view text) {
        from.send(text);
        throw_if(text == "throw");
    });
    running.server.on_idle([&](auto&) { throw_if(true); });
    tell_leaves(running, reasons);
    running.start();
    auto stays = running.join();
    auto client = running.call();
    client.send_all(test::frames({place == thrower::message ? "throw" : "hola"}));
    CHECK(reasons.take() == "from a handler");
    CHECK(is_served(stays));
    CHECK(reasons.empty());
    client.shutdown_send();
    std::vector<std::string> expected{"welcome"};
    if (place == thrower::message) expected.push_back("throw");
    if (place == thrower::idle) expected.push_back("hola");
    trama::framed_stream<trama::six_digit_colon> received(std::move(client));
    CHECK(recv_all_frames(received) == expected);  // what was sent to it before still arrives
}

TEMPLATE_LIST_TEST_CASE("after an exception no more messages of that client are delivered",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    std::atomic<int> messages{0};
    mailbox<std::string> reasons;
    running_server<TestType> running;
    running.server.on_message([&](auto&, std::string_view) {
        ++messages;
        static_cast<void>(std::stoi("x"));
    });
    tell_leaves(running, reasons);
    running.start();
    auto client = running.call();
    client.send_all(test::frames({"1", "2", "3"}));
    CHECK(test::contains(reasons.take(), "stoi"));
    CHECK(messages == 1);
}

TEMPLATE_LIST_TEST_CASE(
    "one handler in a thousand throws beside 200 clients: nobody loses a message", "[server]",
    every_selector) {
    const net_test nothing_left_open;
    constexpr int rounds = 5;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    int count = 0;
    running.server.on_message([&](auto& from, std::string_view text) {
        if (text == "throw") throw std::out_of_range("one in a thousand");
        from.send(text);
        ++count;
    });
    tell_leaves(running, reasons);
    running.start();
    std::vector<test::peer> clients;
    for (int i = 0; i < 200; ++i) clients.push_back(running.join());
    for (int round = 0; round < rounds; ++round) {
        for (auto& each : clients) each.send_frame(std::to_string(round));
        auto unlucky = running.call();
        unlucky.send_all(test::frames({"throw"}));
        CHECK(reasons.take() == "one in a thousand");
        for (auto& each : clients) CHECK(each.recv_frame() == std::to_string(round));
    }
    CHECK(reasons.empty());
    running.end();
    CHECK(count == 200 * rounds);
}

TEMPLATE_LIST_TEST_CASE(
    "an exception from on_leave, or no memory, ends run and closes every client", "[server]",
    every_selector) {
    const net_test nothing_left_open;
    const bool is_leave = GENERATE(true, false);
    test::peer stays = test::peer(trama::tcp_stream());
    {
        running_server<TestType> running;
        running.server.on_message([&](auto& from, std::string_view text) {
            from.send(text);
            if (text == "last" && !is_leave) throw std::bad_alloc();
        });
        running.server.on_leave([&](auto&, std::string_view) {
            if (is_leave) throw std::domain_error("from on_leave");
        });
        running.start();
        stays = running.join();
        auto client = running.join();
        client.send_frame("last");
        client.stream().close();
        if (is_leave) {
            CHECK_THROWS_AS(running.wait(), std::domain_error);
        } else {
            CHECK_THROWS_AS(running.wait(), std::bad_alloc);
        }
    }
    CHECK(recv_all_frames(stays).empty());
}

TEMPLATE_LIST_TEST_CASE("a limit bounds what is received, and an answer may be longer", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running(10);
    running.server.on_message(
        [](auto& from, std::string_view text) { from.send("you said: " + std::string(text)); });
    tell_leaves(running, reasons);
    running.start();
    auto client = running.join();
    client.send_frame("0123456789");
    CHECK(client.recv_frame() == "you said: 0123456789");
    client.send_frame("0123456789+");
    CHECK(test::contains(reasons.take(), "frame too long"));
}

TEMPLATE_LIST_TEST_CASE("a payload that the format cannot carry costs the client that is served",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType, trama::no_state, trama::any_line> running;
    running.server.on_message([](auto& from, std::string_view text) {
        from.send(text == "two" ? "two\nlines" : std::string(text));
    });
    tell_leaves(running, reasons);
    running.start();
    trama::framed_stream<trama::any_line> stays(running.call());
    trama::framed_stream<trama::any_line> client(running.call());
    client.send_frame("two");
    CHECK(test::contains(reasons.take(), "would end the line"));
    stays.send_frame("one");
    CHECK(stays.recv_frame() == "one");
}

// ---- numbers that are used again ---------------------------------------------------------------

namespace {

struct visit {
    int id = 0;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("who joins with the number of one that has left gets nothing of that one's",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    int visits = 0;
    std::set<int> numbers;
    running_server<TestType, visit> running;
    running.server.on_join([&](auto& who) {
        who.state.id = ++visits;
        numbers.insert(who.fd());
    });
    running.server.on_message([](auto& from, std::string_view text) {
        from.send(std::to_string(from.state.id) + ": " + std::string(text));
    });
    running.start();
    for (int i = 1; i <= 300; ++i) {
        auto client = running.join();
        client.stream().send_all(test::frames({"hola", "adios"}) + "000010:half");
        CHECK(client.recv_frame() == std::to_string(i) + ": hola");
        CHECK(client.recv_frame() == std::to_string(i) + ": adios");
        if (i % 2 == 0) test::reset(std::move(client.stream()));
    }
    running.end();
    CHECK(numbers.size() < 20);  // so they were used again
}

TEMPLATE_LIST_TEST_CASE("the idle time of one that has left is not that of who has its number now",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    mailbox<int> joined;
    mailbox<int> left;
    running_server<TestType> running;
    running.server.idle_timeout(400ms);
    running.server.on_join([&](auto& who) { joined.put(who.fd()); });
    running.server.on_leave([&](auto& who, std::string_view) { left.put(who.fd()); });
    running.start();
    auto first = running.join();
    const int number = joined.take();
    test::pause(250ms);  // much of its time is over
    test::reset(std::move(first.stream()));
    REQUIRE(left.take() == number);
    const test::stopwatch watch;
    auto second = running.join();
    REQUIRE(joined.take() == number);
    CHECK(recv_all_frames(second).empty());
    CHECK(watch.seconds() >= 0.4);
    CHECK(watch.undisturbed_seconds() < 1.4);
}

TEST_CASE_METHOD(net_test, "the end of one that lingered is not that of who has its number now",
                 "[server]") {
    mailbox<int> joined;
    mailbox<std::string> reasons;
    running_server<trama::poll_selector> running;
    running.server.on_join([&](auto& who) { joined.put(who.fd()); });
    tell_leaves(running, reasons);
    running.server.on_message([](auto& from, std::string_view text) {
        if (text == "close me") return from.close();
        from.send(text);
    });
    running.start();
    std::vector<test::peer> peers;
    std::set<int> numbers;
    for (int i = 0; i < 5; ++i) {
        peers.push_back(running.join());
        numbers.insert(joined.take());
    }
    for (auto& each : peers) {
        each.send_frame("close me");
        CHECK(recv_all_frames(each).empty());  // it lingers now, for two seconds at most
        reasons.take();
        each.stream().close();
    }
    int used_again = 0;
    for (auto& each : peers) {
        each = running.join();
        used_again += numbers.count(joined.take()) > 0 ? 1 : 0;
    }
    CHECK(used_again > 0);
    test::pause(2300ms);
    for (auto& each : peers) CHECK(is_served(each));
    CHECK(reasons.empty());
}

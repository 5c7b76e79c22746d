// message_server when all goes well: messages in any pieces, in order, to one or to all.
#include "running_server.hpp"

#include "../codec/allocations.hpp"
#include "../support/catch.hpp"
#include "../support/trace_recorder.hpp"

#include <optional>

using namespace std::chrono_literals;
using test::every_selector;
using test::is_served;
using test::mailbox;
using test::net_test;
using test::recv_all_frames;
using test::running_server;

TEMPLATE_LIST_TEST_CASE("an echo comes back in any cutting of the stream", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    echo(running);
    running.start();
    auto other = running.join();
    const std::string bytes = test::frames({"hola", "", "x", "adios"});
    for (std::size_t cut = 0; cut <= bytes.size(); ++cut) {
        auto client = running.join();
        client.stream().send_all(bytes.substr(0, cut));
        REQUIRE(is_served(other));  // so the first part was received alone
        client.stream().send_all(bytes.substr(cut));
        CHECK(client.stream().recv_exact(bytes.size()) == bytes);
    }
}

TEMPLATE_LIST_TEST_CASE("an echo comes back when the stream comes byte by byte", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    echo(running);
    running.start();
    auto other = running.join();
    auto client = running.join();
    const std::string bytes = test::frames({"hola", "", "x", "adios"});
    for (const char byte : bytes) {
        client.stream().send_all({&byte, 1});
        REQUIRE(is_served(other));
    }
    CHECK(client.stream().recv_exact(bytes.size()) == bytes);
}

TEMPLATE_LIST_TEST_CASE("1,000 messages of all sizes sent at once come back in order", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    echo(running);
    running.start();
    auto client = running.join();
    const std::string any = test::any_bytes(20000);
    std::vector<std::string> sent;
    for (std::size_t i = 0; i < 1000; ++i)
        sent.push_back(any.substr(0, i % 10 == 0 ? i * 20 : i % 100) + std::to_string(i));
    auto sender = test::in_background([&] { return client.stream().send_all(test::frames(sent)); });
    std::vector<std::string> received;
    while (received.size() < sent.size()) received.push_back(client.recv_frame().value());
    CHECK(received == sent);
    sender.get();
}

TEMPLATE_LIST_TEST_CASE("the largest message comes back", "[server]", every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    echo(running);
    running.start();
    auto client = running.join();
    const std::string large = test::any_bytes(trama::six_digit_colon::max_payload);
    for (int i = 0; i < 3; ++i) {
        auto sender = test::in_background([&] { return client.send_frame(large); });
        const bool same = client.recv_frame() == large;
        CHECK(same);
        sender.get();
    }
}

TEMPLATE_LIST_TEST_CASE("a message far above the high-water mark comes back all the same",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    running_server<TestType, trama::no_state, trama::length_prefix<4>> running;
    echo(running);
    running.start();
    trama::framed_stream<trama::length_prefix<4>> client(running.call());
    const std::string large = test::any_bytes(15U << 20U);
    auto sender = test::in_background([&] { return client.send_frame(large); });
    bool same = false;
    try {
        same = client.recv_frame() == large;
    } catch (const std::exception& error) {
        UNSCOPED_INFO(error.what());
    }
    sender.get();
    CHECK(same);
}

TEMPLATE_LIST_TEST_CASE("two servers run side by side, each in its thread", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> one;
    running_server<TestType> two;
    echo(one);
    echo(two);
    one.start();
    two.start();
    auto client_of_one = one.join();
    auto client_of_two = two.join();
    CHECK(is_served(client_of_one));
    CHECK(is_served(client_of_two));
}

TEMPLATE_LIST_TEST_CASE("what one of 20 says reaches all 20, in the order in which it was said",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    mailbox<int> joined;
    running_server<TestType> running;
    running.server.on_message([&](auto&, std::string_view text) {
        for (auto& each : running.server.clients()) each.send(text);
    });
    running.server.on_join([&](auto&) { joined.put(1); });
    running.start();
    std::vector<test::peer> all;
    for (int i = 0; i < 20; ++i) all.push_back(running.join());
    for (int i = 0; i < 20; ++i) joined.take();  // nobody misses what was said before
    for (std::size_t i = 0; i < all.size(); ++i) {
        all[i].send_frame("I am " + std::to_string(i));
        for (auto& each : all) CHECK(each.recv_frame() == "I am " + std::to_string(i));
    }
}

namespace {

struct counter {
    int messages = 0;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("each client has a state of its own, new when it joins", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    running_server<TestType, counter> running;
    running.server.on_message(
        [](auto& from, std::string_view) { from.send(std::to_string(++from.state.messages)); });
    running.start();
    for (int round = 0; round < 3; ++round) {
        auto one = running.join();
        auto two = running.join();
        for (int i = 1; i <= 3; ++i) {
            one.send_frame("");
            CHECK(one.recv_frame() == std::to_string(i));
        }
        two.send_frame("");
        CHECK(two.recv_frame() == "1");
    }
}

TEMPLATE_LIST_TEST_CASE("the server knows where a client calls from, and how it left", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> story;
    running_server<TestType> running;
    running.server.on_join([&](auto& who) { story.put(who.remote_endpoint().to_string()); });
    running.server.on_leave([&](auto& who, std::string_view reason) {
        story.put(std::string(reason) + (who.is_open() ? ", open" : ""));
    });
    running.start();
    auto client = running.join();
    CHECK(story.take() == client.stream().local_endpoint().to_string());
    client.stream().close();
    CHECK(story.take() == "closed by the peer");
    running.end();
    CHECK(story.empty());
}

TEST_CASE_METHOD(net_test, "a small message does not wait for the next one: no Nagle algorithm",
                 "[server]") {
    mailbox<int> no_delay;
    running_server<trama::poll_selector> running;
    running.server.on_join(
        [&](auto& who) { no_delay.put(test::option(who.fd(), IPPROTO_TCP, TCP_NODELAY)); });
    running.start();
    const auto client = running.call();
    CHECK(no_delay.take() != 0);
}

TEMPLATE_LIST_TEST_CASE("a server without any handler takes messages and leaves", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    running.start();
    auto client = running.join();
    client.send_frame("hola");
    client.stream().shutdown_send();
    CHECK(recv_all_frames(client).empty());
}

TEMPLATE_TEST_CASE("a message_server speaks whatever its codec says", "[server]", trama::lf_line,
                   trama::length_prefix<4>) {
    const net_test nothing_left_open;
    running_server<trama::poll_selector, trama::no_state, TestType> running;
    echo(running);
    running.start();
    trama::framed_stream<TestType> client(running.call());
    client.send_frame("hola");
    client.send_frame("");
    CHECK(client.recv_frame() == "hola");
    CHECK(client.recv_frame() == "");
}

// ---- what a message costs ----------------------------------------------------------------------

TEMPLATE_LIST_TEST_CASE("an echoed message costs three system calls: wait, receive, send",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    test::trace_recorder recorder;
    running_server<TestType> running;
    echo(running);
    running.start();
    // Plain system calls, which are not traced.
    auto client = running.call();
    const std::string frame = test::frames({"hola"});
    char memory[64];
    const auto talk = [&] {
        for (int i = 0; i < 10; ++i) {
            if (::send(client.fd(), frame.data(), frame.size(), MSG_NOSIGNAL) !=
                static_cast<ssize_t>(frame.size()))
                throw std::runtime_error("send");
            if (::recv(client.fd(), memory, frame.size(), MSG_WAITALL) !=
                static_cast<ssize_t>(frame.size()))
                throw std::runtime_error("recv");
        }
    };
    talk();
    recorder.take();
    talk();
    client.close();
    running.end();
    const std::vector<std::string> lines = recorder.take();
    // What was told before the last answer: the rest is about the end of the server.
    long receives = 0;
    long sends = 0;
    long waits = 0;
    for (const std::string& line : lines) {
        if (receives == 10 && sends == 10) break;
        receives += test::contains(line, ": recv ") ? 1 : 0;
        sends += test::contains(line, ": send ") ? 1 : 0;
        waits += test::contains(line, " ready") ? 1 : 0;
    }
    CHECK(receives == 10);
    CHECK(sends == 10);
    CHECK(waits >= 9);
    CHECK(waits <= 11);
}

namespace {

/// Counts the allocations of the thread of the server, from the 100th message to the 1,100th.
struct allocations_of_1000 {
    void note_message() {
        ++messages;
        if (messages == 100) count.emplace();
        if (messages == 1100) calls = count->calls();
    }

    int messages = 0;
    std::optional<test::allocation_count> count;
    std::size_t calls = 77;
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("an echo allocates nothing, in ping-pong and sixteen at a time", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    const int depth = GENERATE(1, 16);
    allocations_of_1000 allocations;
    running_server<TestType> running;
    running.server.on_message([&](auto& from, std::string_view text) {
        allocations.note_message();
        from.send(text);
    });
    running.start();
    auto client = running.call();
    const std::string batch =
        test::frames(std::vector<std::string>(static_cast<std::size_t>(depth), "hola"));
    for (int sent = 0; sent < 1200; sent += depth) {
        client.send_all(batch);
        static_cast<void>(client.recv_exact(batch.size()));
    }
    client.close();
    running.end();
    CHECK(allocations.messages >= 1200);
    CHECK(allocations.calls == 0);
}

TEMPLATE_LIST_TEST_CASE("a message to 20 clients allocates nothing", "[server]", every_selector) {
    const net_test nothing_left_open;
    allocations_of_1000 allocations;
    running_server<TestType> running;
    running.server.on_message([&](auto&, std::string_view text) {
        allocations.note_message();
        for (auto& each : running.server.clients()) each.send(text);
    });
    running.start();
    std::vector<trama::tcp_stream> all;
    for (int i = 0; i < 20; ++i) all.push_back(running.call());
    const std::string frame = test::frames({"hola"});
    for (auto& each : all) {  // a message back: it has joined
        each.send_all(frame);
        static_cast<void>(each.recv_exact(frame.size()));
    }
    for (std::size_t i = 0; i + 1 < all.size(); ++i)
        static_cast<void>(all[i].recv_exact(frame.size() * (all.size() - 1 - i)));
    for (int i = 0; i < 1200; ++i) {
        all.front().send_all(frame);
        for (auto& each : all) static_cast<void>(each.recv_exact(frame.size()));
    }
    all.clear();
    running.end();
    CHECK(allocations.calls == 0);
}

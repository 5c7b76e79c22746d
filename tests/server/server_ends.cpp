// How conversations with a message_server end, and the server itself: what is owed still arrives.
#include "../support/signals.hpp"
#include "running_server.hpp"

#include "../support/catch.hpp"

#include <csignal>
#include <thread>

using namespace std::chrono_literals;
using test::every_selector;
using test::in_background;
using test::is_served;
using test::mailbox;
using test::net_test;
using test::recv_all_frames;
using test::running_server;

namespace {

/// 9 MB: more than the kernel takes at once on loopback.
const std::vector<std::string> large_answer(10, test::any_bytes(900000));

/// Answers each message with the large answer.
template <typename Running>
void answer_a_lot(Running& running) {
    running.server.high_water_mark(16U << 20U);
    running.server.on_message([](auto& from, std::string_view) {
        for (const std::string& part : large_answer) from.send(part);
    });
}

}  // namespace

// ---- the client's fault ------------------------------------------------------------------------

TEMPLATE_LIST_TEST_CASE("replies owed before a malformed frame arrive, though more is being sent",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    echo(running);
    tell_leaves(running, reasons);
    running.start();
    auto client = running.join();
    client.stream().send_all(test::frames({"hola", "adios"}) + "GET / HTTP/1.0\r\n" +
                             test::frames({"never seen"}));
    client.stream().send_all(std::string(1U << 20U, 'x'));
    CHECK(recv_all_frames(client) == std::vector<std::string>{"hola", "adios"});
    const std::string reason = reasons.take();
    INFO(reason);
    CHECK(test::contains(reason, "HTTP"));
    client.stream().close();
    running.end();
    CHECK(reasons.empty());  // told once
}

TEMPLATE_LIST_TEST_CASE("a stream that ends inside a frame: the replies come, the reason is told",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    echo(running);
    tell_leaves(running, reasons);
    running.start();
    auto client = running.join();
    client.stream().send_all(test::frames({"hola"}) + "000010:half");
    client.stream().shutdown_send();
    CHECK(recv_all_frames(client) == std::vector<std::string>{"hola"});
    const std::string reason = reasons.take();
    INFO(reason);
    CHECK(test::contains(reason, "ended inside the frame at byte 11"));
}

TEMPLATE_LIST_TEST_CASE("a frame over the limit of the server is refused at its header", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running(100);
    echo(running);
    tell_leaves(running, reasons);
    running.start();
    auto client = running.join();
    const std::string most(100, 'x');
    CHECK(is_served(client, most));
    client.stream().send_all("000101:");
    CHECK(recv_all_frames(client).empty());
    const std::string reason = reasons.take();
    INFO(reason);
    CHECK(test::contains(reason, "101"));
}

TEMPLATE_LIST_TEST_CASE("200 resets in the middle of a frame leave nothing behind", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    echo(running);
    tell_leaves(running, reasons);
    running.start();
    auto other = running.join();
    REQUIRE(is_served(other));
    const auto before = test::open_descriptors();
    for (int i = 0; i < 200; ++i) {
        auto client = running.call();
        client.send_all(test::frames({"hola"}) + "000010:half");
        if (i % 2 == 0)
            static_cast<void>(
                client.recv_exact(11));  // or else it is reset with the reply under way
        test::reset(std::move(client));
    }
    for (int i = 0; i < 200; ++i) CHECK(test::contains(reasons.take(), "reset"));
    CHECK(is_served(other));
    CHECK(test::open_descriptors() == before);
}

// ---- an orderly end ----------------------------------------------------------------------------

TEMPLATE_LIST_TEST_CASE("a client that has sent all, and says so, still gets all answers",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    echo(running);
    running.start();
    auto client = running.join();
    const std::vector<std::string> questions(1000, "question");
    client.stream().send_all(test::frames(questions));
    client.stream().shutdown_send();
    CHECK(recv_all_frames(client) == questions);
}

TEMPLATE_LIST_TEST_CASE("answers that are larger than the kernel takes come after a half-close",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    answer_a_lot(running);
    running.start();
    auto client = running.join();
    client.send_frame("");
    client.stream().shutdown_send();
    const bool all = recv_all_frames(client) == large_answer;
    CHECK(all);
}

TEMPLATE_LIST_TEST_CASE("close delivers what was sent before, and nothing after", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    running.server.high_water_mark(16U << 20U);
    tell_leaves(running, reasons);
    running.server.on_message([](auto& from, std::string_view) {
        for (const std::string& part : large_answer) from.send(part);
        from.close();
        from.send("in vain");
        from.close();
    });
    running.start();
    auto client = running.join();
    client.stream().send_all(test::frames({"first", "second, after the close"}));
    const bool all = recv_all_frames(client) == large_answer;
    CHECK(all);
    CHECK(reasons.take() == "closed by this server");
    client.stream().close();
    running.end();
    CHECK(reasons.empty());
}

TEMPLATE_LIST_TEST_CASE("close delivers what was sent before to one who never stops talking",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    running.server.on_message([](auto& from, std::string_view) {
        from.send("enough");
        from.close();
    });
    running.start();
    auto client = running.join();
    client.stream().send_all(test::frames(std::vector<std::string>(100000, "and another thing")));
    CHECK(recv_all_frames(client) == std::vector<std::string>{"enough"});
}

TEST_CASE_METHOD(net_test, "what a client says after it was closed takes no memory", "[server]") {
    running_server<trama::poll_selector> running;
    running.server.on_message([](auto& from, std::string_view) { from.close(); });
    running.start();
    auto client = running.join();
    client.send_frame("close me");
    CHECK(recv_all_frames(client).empty());
    const std::size_t before = test::memory_in_use();
    const std::string piece(65536, 'x');
    std::size_t sent = 0;
    try {
        for (; sent < (64U << 20U); sent += piece.size()) client.stream().send_all(piece);
    } catch (const trama::network_error&) {
        // Two seconds were over: a slow machine.
    }
    CHECK(test::memory_in_use() < before + sent / 2 + (8U << 20U));
}

TEMPLATE_LIST_TEST_CASE("close delivers what is owed though the idle time is over by then",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    running.server.idle_timeout(50ms);
    running.server.high_water_mark(16U << 20U);
    running.server.on_message([](auto& from, std::string_view) {
        for (const std::string& part : large_answer) from.send(part);
        test::pause(100ms);  // a slow handler
        from.close();
    });
    running.start();
    auto client = running.join();
    client.send_frame("");
    bool all = false;
    try {
        all = recv_all_frames(client) == large_answer;
    } catch (const std::exception& error) {
        UNSCOPED_INFO(error.what());
    }
    CHECK(all);
}

// ---- the end of the server ---------------------------------------------------------------------

TEMPLATE_LIST_TEST_CASE("stop from another thread delivers what is owed, within a second",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    mailbox<std::string> reasons;
    running_server<TestType> running;
    answer_a_lot(running);
    tell_leaves(running, reasons);
    running.start();
    auto client = running.join();
    client.send_frame("");
    REQUIRE(client.recv_frame() == large_answer[0]);  // most of it is still under way
    auto rest = in_background([&] {
        const auto received = recv_all_frames(client);
        client.stream().close();
        return received.size();
    });
    const test::stopwatch watch;
    running.end();
    CHECK(watch.undisturbed_seconds() < 1.2);
    CHECK(rest.get() == large_answer.size() - 1);
    CHECK(reasons.take() == "the server stops");
    CHECK(reasons.empty());
}

TEMPLATE_LIST_TEST_CASE("SIGTERM ends run as stop does", "[server]", every_selector) {
    const net_test nothing_left_open;
    const test::signals_are guard(SIG_DFL);
    running_server<TestType> running;
    echo(running);
    running.start();
    auto client = running.join();
    REQUIRE(is_served(client));  // so run() has begun, and catches signals
    auto rest = in_background([&] {
        const auto received = recv_all_frames(client);
        client.stream().close();
        return received;
    });
    const test::stopwatch watch;
    ::kill(::getpid(), SIGTERM);
    running.wait();
    CHECK(watch.undisturbed_seconds() < 1.2);
    CHECK(rest.get().empty());
}

TEMPLATE_LIST_TEST_CASE("who never reads, or never closes, does not hold run longer than a second",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    answer_a_lot(running);
    running.start();
    auto never_reads = running.join();
    auto never_closes = running.join();
    auto other = running.join();
    never_reads.send_frame("");
    other.send_frame("");
    REQUIRE(other.recv_frame() == large_answer[0]);
    const test::stopwatch watch;
    running.end();
    CHECK(watch.undisturbed_seconds() < 1.2);
}

TEMPLATE_LIST_TEST_CASE("a server without clients stops at once", "[server]", every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    running.start();
    const test::stopwatch watch;
    running.end();
    CHECK(watch.undisturbed_seconds() < 0.5);
}

TEMPLATE_LIST_TEST_CASE("a stop before run makes it return at once, every time", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    running.server.stop();
    const test::stopwatch watch;
    running.server.run();
    running.server.run();
    CHECK(watch.undisturbed_seconds() < 0.5);
}

TEMPLATE_LIST_TEST_CASE("a handler can stop the server, and what it sent still arrives", "[server]",
                        every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    running.server.on_message([&](auto& from, std::string_view) {
        from.send("good bye");
        running.server.stop();
    });
    running.start();
    auto client = running.join();
    client.send_frame("stop");
    CHECK(recv_all_frames(client) == std::vector<std::string>{"good bye"});
    client.stream().close();
    running.wait();
}

TEMPLATE_LIST_TEST_CASE(
    "what on_stop sends arrives at each client, behind all that was sent before", "[server]",
    every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    echo(running);
    std::size_t clients_at_stop = 0;
    running.server.on_stop([&] {
        for (auto& each : running.server.clients()) {
            ++clients_at_stop;
            each.send("goodbye");
        }
    });
    running.start();
    auto first = running.join();
    auto second = running.join();
    first.send_frame("hola");
    CHECK(first.recv_frame() == "hola");
    second.send_frame("adios");
    CHECK(second.recv_frame() == "adios");
    const test::stopwatch watch;
    running.server.stop();
    CHECK(recv_all_frames(first) == std::vector<std::string>{"goodbye"});
    CHECK(recv_all_frames(second) == std::vector<std::string>{"goodbye"});
    first.stream().close();
    second.stream().close();
    running.wait();
    CHECK(watch.undisturbed_seconds() < 0.6);  // and not the 0.8 that those get who do not close
    CHECK(clients_at_stop == 2);
}

TEMPLATE_LIST_TEST_CASE("what on_stop opens is not taken for the listener, which is closed",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    std::vector<test::stream_pair> opened;
    running_server<TestType> running;
    echo(running);
    running.server.on_stop([&] {
        for (int i = 0; i < 10; ++i) {  // one of them has the number of the listener
            auto& pair = opened.emplace_back(test::local_pair());
            pair.client.send_all("x");
            pair.server.send_all("x");
        }
    });
    running.start();
    auto client = running.join();
    REQUIRE(is_served(client));
    running.server.stop();
    CHECK(recv_all_frames(client).empty());
    client.stream().close();
    running.wait();
}

TEMPLATE_LIST_TEST_CASE("after run the port is free at once", "[server]", every_selector) {
    const net_test nothing_left_open;
    running_server<TestType> running;
    echo(running);
    running.start();
    auto client = running.join();
    REQUIRE(is_served(client));
    auto end = in_background([&] {
        recv_all_frames(client);
        client.stream().close();
    });
    running.end();  // the server closes first, so it is this port that lingers in TIME_WAIT
    end.get();
    const auto again = trama::tcp_listener::listen("127.0.0.1", running.port);
    CHECK(again.local_endpoint().port() == running.port);
}

TEMPLATE_LIST_TEST_CASE("stop at 30 moments of a busy conversation always ends in order",
                        "[server]", every_selector) {
    const net_test nothing_left_open;
    for (int moment = 0; moment < 30; ++moment) {
        running_server<TestType> running;
        echo(running);
        running.start();
        auto client = running.join();
        auto talk = in_background([&] {
            int answers = 0;
            try {
                while (is_served(client)) ++answers;
                client.stream().close();
            } catch (const trama::network_error&) {
                return -1 - answers;  // the connection broke while sending: also possible
            }
            return answers;
        });
        if (moment % 3 == 1) std::this_thread::yield();
        if (moment % 3 == 2) test::pause(1ms);
        const test::stopwatch watch;
        running.end();
        CHECK(watch.undisturbed_seconds() < 1.2);
        talk.get();
    }
}

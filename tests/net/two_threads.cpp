// What two threads may do with one object: the table of docs/reference.md. The thread sanitizer
// finds a call that may not.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"

#include <atomic>
#include <future>
#include <vector>

using test::in_background;
using test::net_test;

namespace {

using framed = trama::framed_stream<trama::six_digit_colon>;

constexpr int count = 300;

void send_frames(framed& peer) {
    for (int i = 0; i < count; ++i) peer.send_frame(std::string(static_cast<std::size_t>(i), 'x'));
    peer.stream().shutdown_send();
}

int count_frames(framed& peer) {
    int frames = 0;
    while (peer.recv_frame()) ++frames;
    return frames;
}

/// Accepts until the listener is shut down; returns how many.
int accept_all(trama::tcp_listener& listener) {
    int accepted = 0;
    try {
        while (true) {
            const trama::tcp_stream client = listener.accept();
            ++accepted;
        }
    } catch (const trama::network_error& error) {
        if (error.code() != std::errc::invalid_argument) throw;
    }
    return accepted;
}

}  // namespace

TEST_CASE_METHOD(net_test, "One thread sends frames and another receives on one framed_stream") {
    auto pair = test::tcp_pair();
    framed left(std::move(pair.client));
    framed right(std::move(pair.server));
    auto left_sends = in_background([&] { send_frames(left); });
    auto right_sends = in_background([&] { send_frames(right); });
    auto left_receives = in_background([&] { return count_frames(left); });
    CHECK(count_frames(right) == count);
    CHECK(left_receives.get() == count);
    left_sends.get();
    right_sends.get();
}

TEST_CASE_METHOD(net_test, "shutdown() of another thread ends a recv_some, which returns 0") {
    auto pair = test::tcp_pair();
    auto received = in_background([&] { return pair.client.recv_some(10); });
    pair.client.shutdown();
    CHECK(received.get().empty());
}

TEST_CASE_METHOD(net_test,
                 "shutdown() of another thread ends a recv_frame, which returns nullopt") {
    auto pair = test::tcp_pair();
    framed peer(std::move(pair.client));
    auto received = in_background([&] { return peer.recv_frame(); });
    peer.stream().shutdown();
    CHECK(!received.get());
}

TEST_CASE_METHOD(net_test,
                 "Threads that accept share the clients, and shutdown() ends all of them") {
    auto listener = trama::tcp_listener::listen("127.0.0.1", 0);
    listener.set_timeout(std::chrono::seconds(20));
    std::vector<std::future<int>> threads;
    for (int i = 0; i < 3; ++i)
        threads.push_back(in_background([&] { return accept_all(listener); }));
    for (int i = 0; i < 20; ++i) {
        auto client = trama::tcp_stream::connect("127.0.0.1", listener.local_endpoint().port());
        CHECK(client.recv_some(1).empty());  // it was accepted, and closed
    }
    listener.shutdown();
    int accepted = 0;
    for (auto& each : threads) accepted += each.get();
    CHECK(accepted == 20);
}

TEST_CASE_METHOD(net_test, "Two threads send on one UDP socket, and each datagram stays whole") {
    auto server = trama::udp_socket::bind("127.0.0.1", 0);
    server.set_timeout(std::chrono::seconds(20));
    auto client = trama::udp_socket::connect("127.0.0.1", server.local_endpoint().port());
    const auto send = [&](char letter) {
        for (int i = 0; i < 10; ++i) client.send(std::string(100, letter));
    };
    auto one = in_background([&] { send('a'); });
    auto other = in_background([&] { send('b'); });
    for (int i = 0; i < 20; ++i) {
        const std::string bytes = server.recv_from().bytes;
        CHECK(bytes == std::string(100, bytes.at(0)));
    }
    one.get();
    other.get();
}

TEST_CASE_METHOD(net_test, "stop() of another thread ends the run() of a message_server") {
    trama::message_server<trama::six_digit_colon> server("127.0.0.1", 0);
    auto running = in_background([&] { server.run(); });
    server.stop();
    running.get();
    CHECK(true);
}

// shutdown(), which another thread may call, and send_some. Options of any type.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>

using namespace std::chrono_literals;
using test::failure_of;
using test::in_background;
using test::net_test;
using trama::tcp_listener;
using trama::tcp_stream;

namespace {

/// Waits until the kernel holds as many unread bytes for `stream` as it takes from a peer that
/// sends without end: then the peer waits.
void wait_until_full(const tcp_stream& stream) {
    int before = -1;
    int waiting = 0;
    while (waiting == 0 || waiting != before) {
        before = waiting;
        test::pause(20ms);
        REQUIRE(::ioctl(stream.fd(), FIONREAD, &waiting) == 0);
    }
}

}  // namespace

// Whether the other thread waits already does not matter: either order must end in the same way.
TEST_CASE_METHOD(net_test, "shutdown wakes another thread in recv_some: the end of the stream",
                 "[net]") {
    for (int i = 0; i < 20; ++i) {
        auto pair = test::tcp_pair();
        if (i % 2 == 0) pair.client.set_timeout(trama::no_timeout);
        auto receiver = in_background([&] { return pair.client.recv_some(100); });
        if (i % 4 < 2) test::pause(5ms);
        pair.client.shutdown();
        CHECK(receiver.get().empty());
        CHECK(pair.server.recv_some(100).empty());  // the peer finds the end, too
        CHECK(pair.client.fd() != -1);
    }
}

TEST_CASE_METHOD(net_test, "shutdown wakes another thread in recv_exact and in recv_frame",
                 "[net]") {
    auto pair = test::tcp_pair();
    auto exact = in_background([&] { return pair.client.recv_exact(std::size_t{10}); });
    trama::framed_stream<trama::lf_line> framed(std::move(pair.server));
    auto frame = in_background([&] { return framed.recv_frame(); });
    test::pause(5ms);
    pair.client.shutdown();
    CHECK_THROWS_AS(exact.get(), trama::unexpected_eof);
    CHECK(frame.get() == std::nullopt);
}

TEST_CASE_METHOD(net_test, "shutdown wakes another thread in accept: a network_error", "[net]") {
    for (int i = 0; i < 10; ++i) {
        auto listener = tcp_listener::listen("127.0.0.1", 0);
        if (i % 2 == 0) listener.set_timeout(20s);
        auto accepting =
            in_background([&] { return failure_of([&] { return listener.accept(); }); });
        if (i % 4 < 2) test::pause(5ms);
        listener.shutdown();
        const auto failed = accepting.get();
        CHECK(failed.code == std::errc::invalid_argument);
        CHECK(failed.text.find("accept on 127.0.0.1:") == 0);
    }
}

TEST_CASE_METHOD(net_test, "shutdown wakes another thread in send_all: a network_error", "[net]") {
    const bool has_time_out = GENERATE(false, true);
    auto pair = test::tcp_pair();
    pair.client.set_timeout(has_time_out ? trama::duration(20s) : trama::no_timeout);
    const std::string many(64U << 20U, 'x');
    auto sending =
        in_background([&] { return failure_of([&] { return pair.client.send_all(many); }); });
    wait_until_full(pair.server);
    pair.client.shutdown();
    const auto failed = sending.get();
    CHECK(failed.code == std::errc::broken_pipe);
    CHECK(failed.undisturbed_seconds < 10);
}

TEST_CASE_METHOD(net_test, "shutdown twice is harmless, and so is one after a reset", "[net]") {
    auto pair = test::tcp_pair();
    pair.client.shutdown();
    CHECK_NOTHROW(pair.client.shutdown());
    pair.server.shutdown_send();
    CHECK_NOTHROW(pair.client.shutdown());
    CHECK_NOTHROW(pair.server.shutdown());

    auto other = test::tcp_pair();
    test::reset(std::move(other.client));
    CHECK(failure_of([&] { return other.server.recv_some(1); }).code ==
          std::errc::connection_reset);
    CHECK_NOTHROW(other.server.shutdown());
    CHECK_NOTHROW(other.server.shutdown());
    CHECK(other.server.recv_some(1).empty());
}

TEST_CASE_METHOD(net_test, "shutdown without a connection says so", "[net]") {
    tcp_stream none;
    CHECK(failure_of([&] { none.shutdown(); }).code == std::errc::bad_file_descriptor);
    auto listener = tcp_listener::listen("127.0.0.1", 0);
    listener.close();
    CHECK(failure_of([&] { listener.shutdown(); }).code == std::errc::bad_file_descriptor);
}

TEST_CASE_METHOD(net_test, "what was sent before shutdown still arrives", "[net]") {
    auto pair = test::tcp_pair();
    pair.client.send_all("hola");
    pair.client.shutdown();
    CHECK(test::recv_all(pair.server) == "hola");
    CHECK(failure_of([&] { return pair.client.send_all("x"); }).code == std::errc::broken_pipe);
}

TEST_CASE_METHOD(net_test, "after shutdown nobody can connect to a listener", "[net]") {
    auto listener = tcp_listener::listen("127.0.0.1", 0);
    const int port = listener.local_endpoint().port();
    listener.shutdown();
    CHECK(failure_of([&] { return tcp_stream::connect("127.0.0.1", port); }).code ==
          std::errc::connection_refused);
}

// ---- send_some ---------------------------------------------------------------------------------

TEST_CASE_METHOD(net_test, "send_some takes a part of what does not fit, and says how much",
                 "[net]") {
    auto pair = test::tcp_pair();
    const bool has_time_out = GENERATE(false, true);
    pair.client.set_timeout(has_time_out ? trama::duration(20s) : trama::duration(0s));
    const std::string many = test::any_bytes(64U << 20U);
    const std::size_t taken = pair.client.send_some(many);
    CHECK(taken > 0);
    REQUIRE(taken < many.size());
    pair.client.shutdown_send();
    CHECK((test::recv_all(pair.server) == many.substr(0, taken)));
}

TEST_CASE_METHOD(net_test, "send_some waits for room, and then goes on", "[net]") {
    auto pair = test::tcp_pair();
    const std::size_t filled = test::fill(pair.client);
    auto sending = in_background([&] {
        const std::size_t taken = pair.client.send_some("behind");
        pair.client.shutdown_send();
        return taken;
    });
    test::pause(5ms);
    const std::string all = test::recv_all(pair.server);
    const std::size_t taken = sending.get();
    CHECK(taken > 0);
    CHECK(all.size() == filled + taken);
    CHECK(all.substr(filled) == std::string("behind").substr(0, taken));
}

TEST_CASE_METHOD(net_test, "send_some to a peer that never reads is a time-out", "[net]") {
    auto pair = test::local_pair();
    test::fill(pair.client);
    for (const auto time : {50ms, 0ms}) {
        pair.client.set_timeout(time);
        const auto failed = failure_of([&] { return pair.client.send_some("x"); });
        CHECK(failed.code == std::errc::timed_out);
        CHECK(failed.text.find("send_some to nowhere: " + test::reason(ETIMEDOUT)) == 0);
        CHECK(failed.seconds >= std::chrono::duration<double>(time).count());
        CHECK(failed.undisturbed_seconds < 10);
    }
}

TEST_CASE_METHOD(net_test, "send_some of nothing is 0, and sends nothing", "[net]") {
    auto pair = test::tcp_pair();
    CHECK(pair.client.send_some("") == 0);
    CHECK(pair.client.send_some("x") == 1);
    CHECK(pair.server.recv_some(10) == "x");
}

TEST_CASE_METHOD(net_test, "send_some to a peer that has gone is an error and never SIGPIPE",
                 "[net]") {
    auto pair = test::local_pair();
    pair.server.close();
    CHECK(failure_of([&] { return pair.client.send_some("x"); }).code == std::errc::broken_pipe);
}

// ---- options -----------------------------------------------------------------------------------

TEST_CASE_METHOD(net_test, "an option may be a struct, and is read as it was set", "[net]") {
    auto pair = test::tcp_pair();
    pair.client.set_option(SOL_SOCKET, SO_LINGER, linger{1, 7}, "SO_LINGER");
    const auto set = pair.client.get_option<linger>(SOL_SOCKET, SO_LINGER, "SO_LINGER");
    CHECK(set.l_onoff == 1);
    CHECK(set.l_linger == 7);
    const timeval two_seconds{2, 500000};
    pair.client.set_option(SOL_SOCKET, SO_SNDTIMEO, two_seconds, "SO_SNDTIMEO");
    const auto time = pair.client.get_option<timeval>(SOL_SOCKET, SO_SNDTIMEO, "SO_SNDTIMEO");
    CHECK(time.tv_sec == 2);
}

TEST_CASE_METHOD(net_test, "an option may be a number of any type", "[net]") {
    auto pair = test::tcp_pair();
    const auto keep_alive = [&] {
        return pair.client.get_option(SOL_SOCKET, SO_KEEPALIVE, "SO_KEEPALIVE");
    };
    CHECK(keep_alive() == 0);
    pair.client.set_option(SOL_SOCKET, SO_KEEPALIVE, true, "SO_KEEPALIVE");
    CHECK(keep_alive() == 1);
    pair.client.set_option(SOL_SOCKET, SO_KEEPALIVE, false, "SO_KEEPALIVE");
    CHECK(keep_alive() == 0);
    pair.client.set_option(SOL_SOCKET, SO_KEEPALIVE, static_cast<unsigned char>(1), "SO_KEEPALIVE");
    CHECK(keep_alive() == 1);
    pair.client.set_option(IPPROTO_TCP, TCP_KEEPCNT, static_cast<short>(5), "TCP_KEEPCNT");
    CHECK(pair.client.get_option<int>(IPPROTO_TCP, TCP_KEEPCNT, "TCP_KEEPCNT") == 5);
}

TEST_CASE_METHOD(net_test, "a UDP socket joins a group with a struct of the system", "[net]") {
    auto socket = trama::udp_socket::bind("0.0.0.0", 0);
    ip_mreq group{};
    ::inet_pton(AF_INET, "239.1.2.3", &group.imr_multiaddr);
    ::inet_pton(AF_INET, "127.0.0.1", &group.imr_interface);
    CHECK_NOTHROW(socket.set_option(IPPROTO_IP, IP_ADD_MEMBERSHIP, group, "IP_ADD_MEMBERSHIP"));
    // A second time the kernel refuses it: so the first call has really joined this group.
    const auto failed = failure_of(
        [&] { socket.set_option(IPPROTO_IP, IP_ADD_MEMBERSHIP, group, "IP_ADD_MEMBERSHIP"); });
    CHECK(failed.code == std::errc::address_in_use);
    CHECK(failed.text.find("set option IP_ADD_MEMBERSHIP: ") == 0);
}

TEST_CASE_METHOD(net_test, "an option that cannot be set or read is named", "[net]") {
    auto pair = test::tcp_pair();
    const linger value{};
    for (const auto& [text, failed] :
         {std::pair{"set option SO_NEW: ",
                    failure_of([&] { pair.client.set_option(SOL_SOCKET, -1, 1, "SO_NEW"); })},
          std::pair{"set option SO_NEW: ",
                    failure_of([&] { pair.client.set_option(SOL_SOCKET, -1, value, "SO_NEW"); })},
          std::pair{"read option SO_NEW: ", failure_of([&] {
                        return pair.client.get_option(SOL_SOCKET, -1, "SO_NEW");
                    })}}) {
        CHECK(failed.code == std::errc::no_protocol_option);
        CHECK(failed.text.find(text) == 0);
    }
}

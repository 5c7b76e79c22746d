// What TCP tells about a connection is plausible. man 7 tcp (TCP_INFO)
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"

#if defined(__linux__)

#include <linux/filter.h>
#include <netinet/tcp.h>

using namespace std::chrono_literals;

TEST_CASE_METHOD(test::net_test, "a connection over loopback is fast and loses nothing", "[net]") {
    auto pair = test::tcp_pair();
    for (int i = 0; i < 10; ++i) {
        pair.client.send_all("hola");
        pair.server.send_all(pair.server.recv_exact(4));
        static_cast<void>(pair.client.recv_exact(4));
    }
    const auto told = trama::read_tcp_info(pair.client);
    CHECK(told.round_trip_time > 0us);
    CHECK(told.round_trip_time < 1s);
    CHECK(told.round_trip_variation < 1s);
    CHECK(told.congestion_window >= 1);
    CHECK(told.congestion_window < 1'000'000);
    CHECK(told.slow_start_threshold > 0);
    CHECK(told.segment_size >= 500);
    CHECK(told.segment_size <= 65535);
    CHECK(told.unacknowledged == 0);  // the answers have confirmed all
    CHECK(told.retransmissions == 0);
}

TEST_CASE_METHOD(test::net_test, "a connection over loopback is fast, and not always equally fast",
                 "[net]") {
    auto pair = test::tcp_pair();
    trama::duration variation{};
    for (int i = 0; i < 10'000 && variation == 0us; ++i) {
        pair.client.send_all("hola");
        pair.server.send_all(pair.server.recv_exact(4));
        static_cast<void>(pair.client.recv_exact(4));
        variation = trama::read_tcp_info(pair.client).round_trip_variation;
    }
    CHECK(variation > 0us);
}

namespace {

/// From here on nothing that comes for `stream` reaches it: as if the link were cut. man 7 socket
void lose_all(const trama::tcp_stream& stream) {
    sock_filter drop{BPF_RET | BPF_K, 0, 0, 0};  // keep 0 bytes of each segment
    const sock_fprog program{1, &drop};
    REQUIRE(::setsockopt(stream.fd(), SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0);
}

void lose_nothing(const trama::tcp_stream& stream) {
    const int none = 0;
    REQUIRE(::setsockopt(stream.fd(), SOL_SOCKET, SO_DETACH_FILTER, &none, sizeof none) == 0);
}

}  // namespace

TEST_CASE_METHOD(test::net_test, "what is lost is unacknowledged, and is sent again", "[net]") {
    auto pair = test::tcp_pair();
    REQUIRE(::setsockopt(pair.client.fd(), IPPROTO_TCP, TCP_CONGESTION, "reno", 4) == 0);
    lose_all(pair.server);
    pair.client.send_all("hola");
    auto told = trama::read_tcp_info(pair.client);
    CHECK(told.unacknowledged == 1);
    CHECK(told.retransmissions == 0);
    // After a time-out the congestion window is one segment: RFC 5681, 3.1.
    const test::stopwatch watch;
    while (told.congestion_window != 1 && watch.seconds() < 20) {
        test::pause(10ms);
        told = trama::read_tcp_info(pair.client);
    }
    CHECK(told.congestion_window == 1);
    CHECK(told.slow_start_threshold < 1000);
    CHECK(told.retransmissions > 0);
    CHECK(told.unacknowledged == 1);
    lose_nothing(pair.server);
    CHECK(pair.server.recv_exact(4) == "hola");
}

TEST_CASE_METHOD(test::net_test, "tcp_info of something else than TCP is an error", "[net]") {
    const auto pair = test::local_pair();
    const auto failed = test::failure_of([&] { return trama::read_tcp_info(pair.client); });
    CHECK(failed.code);
    CHECK(failed.text.find("read option TCP_INFO: ") == 0);
}

#endif

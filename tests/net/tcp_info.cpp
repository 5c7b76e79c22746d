// What TCP tells about a connection is plausible. man 7 tcp (TCP_INFO)
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"

using namespace std::chrono_literals;

#if defined(__linux__)

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

TEST_CASE_METHOD(test::net_test, "tcp_info of something else than TCP is an error", "[net]") {
    const auto pair = test::local_pair();
    const auto failed = test::failure_of([&] { return trama::read_tcp_info(pair.client); });
    CHECK(failed.code);
    CHECK(failed.text.find("read option TCP_INFO: ") == 0);
}

#endif

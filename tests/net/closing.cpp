// Closing so that the last answer is read: close_lingering against a plain close.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"

using namespace std::chrono_literals;
using test::in_background;
using test::net_test;

namespace {

constexpr std::string_view answer = "too long: refused";

/// Sends 8 MB to a server that reads a little of it, answers, and closes in the given way. True:
/// the sender has read the answer and after it the end of the stream.
template <typename Close>
bool answer_arrives(const std::string& large, Close close) {
    auto pair = test::tcp_pair();
    auto sender = in_background([&] {
        try {
            pair.client.send_all(large);
            const bool arrived = test::recv_all(pair.client) == answer;
            pair.client.close();
            return arrived;
        } catch (const trama::network_error&) {
            return false;
        }
    });
    static_cast<void>(pair.server.recv_some(1000));
    pair.server.send_all(answer);
    close(pair.server);
    return sender.get();
}

template <typename Close>
int answers_that_arrive(int times, Close close) {
    const std::string large(8U << 20U, 'x');
    int arrived = 0;
    for (int i = 0; i < times; ++i) arrived += answer_arrives(large, close) ? 1 : 0;
    return arrived;
}

}  // namespace

TEST_CASE_METHOD(net_test, "a sender of 8 MB reads the answer that refuses it, 100 times of 100",
                 "[net]") {
    CHECK(answers_that_arrive(
              100, [](trama::tcp_stream& stream) { stream.close_lingering(20s); }) == 100);
}

TEST_CASE_METHOD(net_test, "with a plain close the answer is lost", "[net]") {
    const int arrived = answers_that_arrive(20, [](trama::tcp_stream& stream) { stream.close(); });
    INFO("a plain close delivered the answer " << arrived << " times of 20");
    CHECK(arrived < 20);  // so the test above can fail
}

TEST_CASE_METHOD(net_test, "close_lingering ends at once when the peer has closed", "[net]") {
    auto pair = test::tcp_pair();
    pair.client.close();
    const test::stopwatch watch;
    pair.server.close_lingering(20s);
    CHECK(watch.undisturbed_seconds() < 5.0);
    CHECK(pair.server.fd() == -1);
}

TEST_CASE_METHOD(net_test, "close_lingering gives up a peer that never closes", "[net]") {
    auto pair = test::tcp_pair();
    const test::stopwatch watch;
    pair.server.close_lingering(100ms);
    CHECK(watch.seconds() >= 0.1);
    CHECK(watch.undisturbed_seconds() < 0.3);
    CHECK(pair.server.fd() == -1);
    CHECK(pair.client.recv_some(1).empty());  // and the peer was told the end
}

TEST_CASE_METHOD(net_test, "close_lingering gives up a peer that never stops sending", "[net]") {
    auto pair = test::tcp_pair();
    auto sender = in_background([&] {
        const std::string piece(65536, 'x');
        try {
            for (;;) pair.client.send_all(piece);
        } catch (const trama::network_error&) {
            return;  // the reset: nobody reads any more
        }
    });
    const test::stopwatch watch;
    pair.server.close_lingering(100ms);
    CHECK(watch.seconds() >= 0.1);
    CHECK(watch.undisturbed_seconds() < 0.3);
    sender.get();
}

TEST_CASE_METHOD(net_test, "close_lingering after a reset, or twice, is harmless", "[net]") {
    auto pair = test::tcp_pair();
    test::reset(std::move(pair.client));
    pair.server.close_lingering(20s);
    pair.server.close_lingering(20s);
    CHECK(pair.server.fd() == -1);
}

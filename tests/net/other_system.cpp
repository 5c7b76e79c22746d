// What a socket does where a send ignores MSG_DONTWAIT and MSG_NOSIGNAL: the row "as on other
// systems" of tests/matrix.py. The rest of the tests run there, too.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"

#ifdef TRAMA_PLAIN_POSIX

using test::net_test;
using namespace std::chrono_literals;

TEST_CASE_METHOD(net_test, "a socket is O_NONBLOCK from its first send that must not wait",
                 "[net]") {
    auto pair = test::tcp_pair();
    pair.client.set_timeout(trama::no_timeout);
    pair.client.send_all("waits");
    CHECK(test::is_blocking(pair.client.fd()));
    CHECK(pair.client.try_send_some("does not").bytes == 8);
    CHECK_FALSE(test::is_blocking(pair.client.fd()));
    CHECK(pair.server.recv_exact(13) == "waitsdoes not");
}

TEST_CASE_METHOD(net_test, "a socket that is O_NONBLOCK still waits in the calls that wait",
                 "[net]") {
    auto pair = test::tcp_pair();
    pair.client.set_timeout(trama::no_timeout);
    const std::size_t taken = test::fill(pair.client);
    auto answer = test::in_background([&] {
        const std::string received = pair.server.recv_exact(taken + 5);
        pair.server.send_all("thanks");
        return received.substr(taken);
    });
    pair.client.send_all("waits");
    CHECK(pair.client.recv_some(100) == "thanks");
    CHECK(answer.get() == "waits");
}

TEST_CASE_METHOD(net_test, "set_non_blocking(false) does not make a later try_send_some wait",
                 "[net]") {
    auto pair = test::tcp_pair();
    test::fill(pair.client);
    pair.client.set_non_blocking(false);
    CHECK(pair.client.try_send_some("x").status == trama::io_status::would_block);
}

#endif

// Connecting: every address is tried, all under one deadline, and a failure tells each of them.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"
#include "../support/private_machine.hpp"

using namespace std::chrono_literals;
using test::failure_of;
using test::net_test;
using trama::tcp_listener;
using trama::tcp_stream;

namespace {

/// A listener that answers nobody any more: its queue is full, and the kernel drops new calls.
class deaf_listener {
public:
    explicit deaf_listener(const std::string& host = "127.0.0.1", int port = 0)
        : listener_(tcp_listener::listen(host, port, 0)) {
        const auto where = listener_.local_endpoint();
        // On Linux a backlog of 0 still takes one caller; the next one waits.
        queue_.push_back(tcp_stream::connect(where.address(), where.port()));
        while (queue_.size() < 8) {
            try {
                queue_.push_back(tcp_stream::connect(where.address(), where.port(), 50ms));
            } catch (const trama::network_error&) {
                return;
            }
        }
    }

    int port() const { return listener_.local_endpoint().port(); }

private:
    tcp_listener listener_;
    std::vector<tcp_stream> queue_;
};

int port_of_nobody() {
    return tcp_listener::listen("127.0.0.1", 0).local_endpoint().port();
}

std::string text_of_connect(const std::string& host, int port) {
    return failure_of([&] { return tcp_stream::connect(host, port, 400ms); }).text;
}

}  // namespace

TEST_CASE_METHOD(net_test, "a name is connected to", "[net]") {
    auto listener = tcp_listener::listen("localhost", 0);
    const auto client = tcp_stream::connect("localhost", listener.local_endpoint().port());
    CHECK(listener.accept().remote_endpoint() == client.local_endpoint());
}

TEST_CASE_METHOD(net_test, "a name with nobody behind it tells the address that was tried",
                 "[net]") {
    const std::string port = std::to_string(port_of_nobody());
    const auto failed =
        failure_of([&] { return tcp_stream::connect("localhost", std::stoi(port)); });
    CHECK(failed.code == std::errc::connection_refused);
    CHECK(failed.text.find("connect to localhost:" + port + ": " + test::reason(ECONNREFUSED) +
                           " (nobody") == 0);
    CHECK(test::contains(failed.text, "tried "));
    CHECK(test::contains(failed.text, "127.0.0.1:" + port + ": " + test::reason(ECONNREFUSED)));
}

TEST_CASE_METHOD(net_test, "an address in numbers is not told twice", "[net]") {
    const auto failed =
        failure_of([&] { return tcp_stream::connect("127.0.0.1", port_of_nobody()); });
    CHECK_FALSE(test::contains(failed.text, "tried"));
}

TEST_CASE_METHOD(net_test, "every address of a name is tried, and told with its reason", "[net]") {
    const auto [told, why_not] = test::on_a_private_machine([] {
        test::use_hosts("::1 many.test\n127.0.0.1 many.test\n192.0.2.1 many.test\n");
        return text_of_connect("many.test", 5000);
    });
    if (!why_not.empty()) return test::skip(why_not);
    INFO(told);
    CHECK(told.find("connect to many.test:5000: ") == 0);
    CHECK(test::contains(told, "; tried "));
    CHECK(test::contains(told, "[::1]:5000: " + test::reason(ECONNREFUSED)));
    CHECK(test::contains(told, "127.0.0.1:5000: " + test::reason(ECONNREFUSED)));
    CHECK(test::contains(told, "192.0.2.1:5000: " + test::reason(ENETUNREACH)));
}

TEST_CASE_METHOD(net_test, "an address that refuses leaves the next one to answer", "[net]") {
    const auto [told, why_not] = test::on_a_private_machine([] {
        test::use_hosts("::1 two.test\n127.0.0.1 two.test\n");
        const auto listener = tcp_listener::listen("127.0.0.1", 5000);
        return tcp_stream::connect("two.test", 5000).remote_endpoint().to_string();
    });
    if (!why_not.empty()) return test::skip(why_not);
    CHECK(told == "127.0.0.1:5000");
}

TEST_CASE_METHOD(net_test, "an address that never answers leaves time for the next one", "[net]") {
    const auto [told, why_not] = test::on_a_private_machine([] {
        test::use_hosts("::1 two.test\n127.0.0.1 two.test\n");
        const deaf_listener deaf("::1", 5000);
        const auto listener = tcp_listener::listen("127.0.0.1", 5000);
        const test::stopwatch watch;
        const auto peer = tcp_stream::connect("two.test", 5000, 400ms).remote_endpoint();
        return std::string(watch.undisturbed_seconds() < 0.4 ? "in time: " : "late: ") +
               peer.to_string();
    });
    if (!why_not.empty()) return test::skip(why_not);
    CHECK(told == "in time: 127.0.0.1:5000");
}

TEST_CASE_METHOD(net_test, "the addresses of a name share one deadline", "[net]") {
    const auto [told, why_not] = test::on_a_private_machine([] {
        test::use_hosts("::1 two.test\n127.0.0.1 two.test\n");
        const deaf_listener one("::1", 5000);
        const deaf_listener other("127.0.0.1", 5000);
        const auto failed = failure_of([] { return tcp_stream::connect("two.test", 5000, 400ms); });
        const bool in_time = failed.seconds >= 0.4 && failed.undisturbed_seconds < 0.8;
        return std::string(failed.code == std::errc::timed_out && in_time ? "in time" : "") +
               failed.text;
    });
    if (!why_not.empty()) return test::skip(why_not);
    INFO(told);
    CHECK(told.find("in time") == 0);
    const std::string late = test::reason(ETIMEDOUT);
    CHECK(test::contains(told, "[::1]:5000: " + late + ", 127.0.0.1:5000: " + late));
}

TEST_CASE_METHOD(net_test, "localhost is known where there is no table of hosts", "[net]") {
    const auto [told, why_not] = test::on_a_private_machine([] {
        test::use_hosts("# empty\n");
        const auto listener = tcp_listener::listen("localhost", 5000);
        return tcp_stream::connect("localhost", 5000).remote_endpoint().to_string();
    });
    if (!why_not.empty()) return test::skip(why_not);
    CHECK(told == "127.0.0.1:5000");
}

TEST_CASE_METHOD(net_test, "a machine without a network is told so", "[net]") {
    const auto [told, why_not] =
        test::on_a_private_machine([] { return text_of_connect("192.0.2.1", 80); });
    if (!why_not.empty()) return test::skip(why_not);
    CHECK(told == "connect to 192.0.2.1:80: " + test::reason(ENETUNREACH) +
                      " (this machine has no route to that network: " + test::show_routes + ")");
}

TEST_CASE_METHOD(net_test, "a peer that does not answer is given up at the deadline", "[net]") {
    const deaf_listener deaf;
    const auto failed =
        failure_of([&] { return tcp_stream::connect("127.0.0.1", deaf.port(), 200ms); });
    CHECK(failed.code == std::errc::timed_out);
    CHECK(failed.text == "connect to 127.0.0.1:" + std::to_string(deaf.port()) + ": " +
                             test::reason(ETIMEDOUT) +
                             " (no answer in time: is the peer alive, is a "
                             "firewall between?)");
    CHECK(failed.seconds >= 0.2);
    CHECK(failed.undisturbed_seconds < 0.4);
}

TEST_CASE_METHOD(net_test, "a connection to itself is no connection", "[net]") {
    const std::string host = GENERATE("127.0.0.1", "0.0.0.0");
    const auto [told, why_not] = test::on_a_private_machine([&] {
        // The only port this machine gives to callers is the port that is called.
        test::write_file("/proc/sys/net/ipv4/ip_local_port_range", "40000 40000");
        const auto where = trama::resolve(host, 40000).front();
        trama::unique_fd plain(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
        if (::connect(plain.get(), where.data(), where.size()) == -1)
            return std::string("the system does not do it any more");
        test::reset(tcp_stream(std::move(plain)));  // so that the port is free again at once
        return text_of_connect(host, 40000);
    });
    if (!why_not.empty()) return test::skip(why_not);
    INFO(told);
    CHECK(told.find("connect to " + host + ":40000: " + test::reason(ECONNREFUSED)) == 0);
}

TEST_CASE_METHOD(net_test,
                 "a peer with our port, even one that has reset at once, is not ourselves",
                 "[net]") {
    auto listener = tcp_listener::listen("127.0.0.1", 0);
    const auto remote = listener.local_endpoint();
    const auto local = trama::resolve("127.0.0.2", remote.port()).front();
    const trama::unique_fd caller(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (::bind(caller.get(), local.data(), local.size()) == -1)
        return test::skip("this machine has no second loopback address");
    REQUIRE(::connect(caller.get(), remote.data(), remote.size()) == 0);
    CHECK_FALSE(trama::trama_detail::is_connected_to_itself(caller.get(), remote));
    test::reset(listener.accept());
    CHECK_FALSE(trama::trama_detail::is_connected_to_itself(caller.get(), remote));
}

TEST_CASE_METHOD(net_test, "what is no host and no port is refused before anything is opened",
                 "[net]") {
    CHECK(failure_of([] { return tcp_stream::connect("127.0.0.1", 65536); }).code ==
          std::errc::invalid_argument);
    CHECK(failure_of([] { return tcp_stream::connect("127.0.0.1", -1); }).code ==
          std::errc::invalid_argument);
    CHECK(failure_of([] { return tcp_stream::connect(std::string("local\0host", 10), 80); }).code ==
          std::errc::invalid_argument);
    const auto unknown = failure_of([] { return tcp_stream::connect("256.256.256.256.", 80); });
    CHECK(unknown.text.find("resolve 256.256.256.256.:80: ") == 0);
}

TEST_CASE_METHOD(net_test, "200 refused connects leave no descriptor behind", "[net]") {
    const int port = port_of_nobody();
    for (int i = 0; i < 200; ++i)
        CHECK(failure_of([&] { return tcp_stream::connect("127.0.0.1", port); }).code ==
              std::errc::connection_refused);
}

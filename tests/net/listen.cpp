// Listening: who can reach which address, who may have a port, and what listeners are made of.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"
#include "../support/private_machine.hpp"

#include <cstdio>

using namespace std::chrono_literals;
using test::failure_of;
using test::net_test;
using trama::tcp_listener;
using trama::tcp_stream;

namespace {

int port_of(const tcp_listener& listener) {
    return listener.local_endpoint().port();
}

bool can_call(const std::string& host, int port) {
    return failure_of([&] { return tcp_stream::connect(host, port, 5s); }).code ==
           std::error_code();
}

/// One message there and back; returns what came back.
std::string echo_over(test::stream_pair pair, const std::string& bytes) {
    pair.client.send_all(bytes);
    pair.server.send_all(pair.server.recv_exact(bytes.size()));
    return pair.client.recv_exact(bytes.size());
}

}  // namespace

TEST_CASE_METHOD(net_test, "an echo over IPv4 loopback comes back", "[net]") {
    CHECK(echo_over(test::tcp_pair("127.0.0.1"), "hola") == "hola");
}

TEST_CASE_METHOD(net_test, "an echo over IPv6 loopback comes back", "[net]") {
    if (!test::has_ipv6()) return test::skip("this machine has no IPv6");
    CHECK(echo_over(test::tcp_pair("::1"), "hola") == "hola");
}

TEST_CASE_METHOD(net_test, "port 0 is a free port, and the listener tells which", "[net]") {
    const auto one = tcp_listener::listen("127.0.0.1", 0);
    const auto other = tcp_listener::listen("127.0.0.1", 0);
    CHECK(port_of(one) != 0);
    CHECK(port_of(one) != port_of(other));
    CHECK(can_call("127.0.0.1", port_of(one)));
}

TEST_CASE_METHOD(net_test, "both ends know the address of the other", "[net]") {
    const auto pair = test::tcp_pair();
    CHECK(pair.client.remote_endpoint() == pair.server.local_endpoint());
    CHECK(pair.server.remote_endpoint() == pair.client.local_endpoint());
    CHECK(pair.client.remote_endpoint().address() == "127.0.0.1");
}

TEST_CASE_METHOD(net_test, "0.0.0.0 is every IPv4 address and no IPv6 address", "[net]") {
    const auto listener = tcp_listener::listen("0.0.0.0", 0);
    CHECK(listener.local_endpoint().address() == "0.0.0.0");
    CHECK(can_call("127.0.0.1", port_of(listener)));
    CHECK(can_call("127.0.0.2", port_of(listener)));
    CHECK_FALSE(can_call("::1", port_of(listener)));
}

TEST_CASE_METHOD(net_test, "127.0.0.1 is that address and no other", "[net]") {
    const auto listener = tcp_listener::listen("127.0.0.1", 0);
    CHECK(can_call("127.0.0.1", port_of(listener)));
    CHECK_FALSE(can_call("127.0.0.2", port_of(listener)));
}

TEST_CASE_METHOD(net_test, ":: is every IPv6 address and refuses IPv4", "[net]") {
    if (!test::has_ipv6()) return test::skip("this machine has no IPv6");
    const auto listener = tcp_listener::listen("::", 0);
    CHECK(listener.local_endpoint().address() == "::");
    CHECK(can_call("::1", port_of(listener)));
    CHECK_FALSE(can_call("127.0.0.1", port_of(listener)));
}

TEST_CASE_METHOD(net_test, "* takes IPv4 and IPv6, and so does an empty host", "[net]") {
    if (!test::has_ipv6()) return test::skip("this machine has no IPv6");
    for (const std::string host : {"*", ""}) {
        const auto listener = tcp_listener::listen(host, 0);
        CHECK(can_call("::1", port_of(listener)));
        CHECK(can_call("127.0.0.1", port_of(listener)));
    }
}

TEST_CASE_METHOD(net_test, "* still takes IPv4 where IPv6 is switched off", "[net]") {
    const auto [told, why_not] = test::on_a_private_machine([] {
        test::write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
        const auto listener = tcp_listener::listen("*", 0);
        return std::string(can_call("127.0.0.1", port_of(listener)) ? "takes IPv4" : "takes none");
    });
    if (!why_not.empty()) return test::skip(why_not);
    CHECK(told == "takes IPv4");
}

TEST_CASE_METHOD(net_test, "who listens on localhost is reachable at 127.0.0.1", "[net]") {
    const auto listener = tcp_listener::listen("localhost", 0);
    CHECK(listener.local_endpoint().address() == "127.0.0.1");
    CHECK(can_call("127.0.0.1", port_of(listener)));
    CHECK(can_call("localhost", port_of(listener)));
}

TEST_CASE_METHOD(net_test, "a second listener on a port fails and tells how to find the first",
                 "[net]") {
    const auto first = tcp_listener::listen("127.0.0.1", 0);
    const std::string port = std::to_string(port_of(first));
    const auto failed =
        failure_of([&] { return tcp_listener::listen("127.0.0.1", port_of(first)); });
    CHECK(failed.code == std::errc::address_in_use);
    CHECK(failed.text == "listen on 127.0.0.1:" + port + ": " + test::reason(EADDRINUSE) +
                             " (another socket has the port: " + test::show_tcp_port(port) + ")");
}

TEST_CASE_METHOD(net_test, "the owner of an IPv6 port is found with the same command", "[net]") {
    if (!test::has_ipv6()) return test::skip("this machine has no IPv6");
    const auto first = tcp_listener::listen("::1", 0);
    const std::string port = std::to_string(port_of(first));
    const auto failed = failure_of([&] { return tcp_listener::listen("::1", port_of(first)); });
    CHECK(test::contains(failed.text, "listen on [::1]:" + port + ": "));
    CHECK(test::contains(failed.text, test::show_tcp_port(port) + ")"));
}

TEST_CASE_METHOD(net_test, "a restarted listener has its port although a connection lingers there",
                 "[net]") {
    auto listener = tcp_listener::listen("127.0.0.1", 0);
    const int port = port_of(listener);
    auto client = tcp_stream::connect("127.0.0.1", port);
    listener.accept().close();  // the side that closes first keeps the connection in TIME_WAIT
    CHECK(client.recv_some(1).empty());
    client.close();
    listener.close();

    const auto where = trama::resolve("127.0.0.1", port).front();
    const trama::unique_fd plain(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    REQUIRE(::bind(plain.get(), where.data(), where.size()) == -1);  // it does linger

    const auto again = tcp_listener::listen("127.0.0.1", port);
    CHECK(port_of(again) == port);
    CHECK(can_call("127.0.0.1", port));
}

TEST_CASE_METHOD(net_test, "a listener shares its port with nobody", "[net]") {
    const auto listener = tcp_listener::listen("127.0.0.1", 0);
    CHECK(test::option(listener.fd(), SOL_SOCKET, SO_REUSEADDR) == 1);
    CHECK(test::option(listener.fd(), SOL_SOCKET, SO_REUSEPORT) == 0);
}

TEST_CASE_METHOD(net_test, "streams wait, listeners never do by themselves", "[net]") {
    auto listener = tcp_listener::listen("127.0.0.1", 0);
    const auto client = tcp_stream::connect("127.0.0.1", port_of(listener));
    const auto server = listener.accept();
    CHECK(test::is_blocking(client.fd()));
    CHECK(test::is_blocking(server.fd()));
    // A client that is gone again between poll and accept must not make accept wait.
    CHECK_FALSE(test::is_blocking(listener.fd()));
}

TEST_CASE_METHOD(net_test, "try_accept takes who is there and does not wait for others", "[net]") {
    auto listener = tcp_listener::listen("127.0.0.1", 0);
    tcp_stream client;
    CHECK(listener.try_accept(client).status == trama::io_status::would_block);
    CHECK(client.fd() == -1);
    const auto caller = tcp_stream::connect("127.0.0.1", port_of(listener));
    CHECK(listener.try_accept(client).status == trama::io_status::done);
    CHECK(client.remote_endpoint() == caller.local_endpoint());
    listener.close();
    const auto closed = listener.try_accept(client);
    CHECK(closed.status == trama::io_status::failed);
    CHECK(closed.error == std::errc::bad_file_descriptor);
    CHECK(client.fd() != -1);  // what failed has changed nothing
}

TEST_CASE_METHOD(net_test, "a client that has gone before accept is still taken in order",
                 "[net]") {
    auto listener = tcp_listener::listen("127.0.0.1", 0);
    listener.set_timeout(20s);
    test::reset(tcp_stream::connect("127.0.0.1", port_of(listener)));
    auto patient = tcp_stream::connect("127.0.0.1", port_of(listener));
    auto gone = listener.accept();
    CHECK(failure_of([&] { return gone.recv_some(1); }).code == std::errc::connection_reset);
    CHECK(listener.accept().remote_endpoint() == patient.local_endpoint());
}

TEST_CASE_METHOD(net_test, "backlog clients can call before the first accept", "[net]") {
    auto listener = tcp_listener::listen("127.0.0.1", 0, 5);
    std::vector<tcp_stream> callers;
    for (int i = 0; i < 5; ++i)
        callers.push_back(tcp_stream::connect("127.0.0.1", port_of(listener), 5s));
    for (const auto& caller : callers)
        CHECK(listener.accept().remote_endpoint() == caller.local_endpoint());
}

TEST_CASE_METHOD(net_test, "listening on a name or address of nobody here fails", "[net]") {
    CHECK(failure_of([] { return tcp_listener::listen("192.0.2.77", 0); }).code ==
          std::errc::address_not_available);
    CHECK(failure_of([] { return tcp_listener::listen("127.0.0.1", 65536); }).code ==
          std::errc::invalid_argument);
    CHECK(failure_of([] { return tcp_listener::listen("*", 65536); }).code ==
          std::errc::invalid_argument);
}

namespace {

/// The descriptors that a program started from here finds open.
std::string descriptors_of_a_child() {
    FILE* child = ::popen("ls /proc/self/fd", "r");
    std::string listed;
    for (int byte; (byte = std::fgetc(child)) != EOF;) listed += static_cast<char>(byte);
    ::pclose(child);
    return listed;
}

}  // namespace

TEST_CASE_METHOD(net_test, "a program started from here inherits no socket", "[net]") {
    if (!test::has_proc()) return test::skip("/proc is not mounted: it lists the descriptors");
    const std::string before = descriptors_of_a_child();
    REQUIRE(before.find("0\n1\n") == 0);
    auto listener = tcp_listener::listen("127.0.0.1", 0);
    const auto both = tcp_listener::listen("*", 0);
    const auto client = tcp_stream::connect("127.0.0.1", port_of(listener));
    const auto server = listener.accept();
    const auto bound = trama::udp_socket::bind("127.0.0.1", 0);
    const auto connected = trama::udp_socket::connect("127.0.0.1", 9);
    for (const int fd :
         {listener.fd(), both.fd(), client.fd(), server.fd(), bound.fd(), connected.fd()})
        CHECK(test::is_closed_on_exec(fd));
    CHECK(descriptors_of_a_child() == before);
}

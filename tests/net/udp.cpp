// UDP: each send is one message, whole or not at all.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"
#include "../support/private_machine.hpp"

using namespace std::chrono_literals;
using test::failure_of;
using test::net_test;
using trama::udp_socket;

namespace {

udp_socket bound(const std::string& host = "127.0.0.1") {
    auto made = udp_socket::bind(host, 0);
    made.set_timeout(20s);
    return made;
}

udp_socket connected_to(const udp_socket& peer) {
    const auto where = peer.local_endpoint();
    auto made = udp_socket::connect(where.address(), where.port());
    made.set_timeout(20s);
    return made;
}

}  // namespace

TEST_CASE_METHOD(net_test, "a datagram arrives with the address of its sender", "[net]") {
    auto receiver = bound();
    auto sender = bound();
    sender.send_to("hola", receiver.local_endpoint());
    const auto got = receiver.recv_from();
    CHECK(got.bytes == "hola");
    CHECK(got.from == sender.local_endpoint());
    CHECK_FALSE(got.truncated);
    receiver.send_to("adios", got.from);
    CHECK(sender.recv_from().bytes == "adios");
}

TEST_CASE_METHOD(net_test, "a datagram over IPv6 arrives as well", "[net]") {
    if (!test::has_ipv6()) return test::skip("this machine has no IPv6");
    auto receiver = bound("::1");
    auto sender = connected_to(receiver);
    sender.send("hola");
    const auto got = receiver.recv_from();
    CHECK(got.bytes == "hola");
    CHECK(got.from == sender.local_endpoint());
}

TEST_CASE_METHOD(net_test, "UDP at :: takes IPv6 only, whatever the system's default is", "[net]") {
    if (!test::has_ipv6()) return test::skip("this machine has no IPv6");
    const auto receiver = bound("::");
    int only = 0;
    socklen_t size = sizeof only;
    REQUIRE(::getsockopt(receiver.fd(), IPPROTO_IPV6, IPV6_V6ONLY, &only, &size) == 0);
    CHECK(only == 1);
}

TEST_CASE_METHOD(net_test, "a small datagram that is kept does not keep 64 KiB", "[net]") {
    auto receiver = bound();
    connected_to(receiver).send("hola");
    CHECK(receiver.recv_from().bytes.capacity() < 100);
}

TEST_CASE_METHOD(net_test, "two datagrams stay two, and an empty one is one", "[net]") {
    auto receiver = bound();
    auto sender = connected_to(receiver);
    for (const char* bytes : {"uno", "", "dos"}) sender.send(bytes);
    for (const char* bytes : {"uno", "", "dos"}) CHECK(receiver.recv_from().bytes == bytes);
}

TEST_CASE_METHOD(net_test, "a datagram longer than asked for is cut, told, and its rest lost",
                 "[net]") {
    auto receiver = bound();
    auto sender = connected_to(receiver);
    sender.send("holaadios");
    sender.send("next");
    const auto cut = receiver.recv_from(4);
    CHECK(cut.bytes == "hola");
    CHECK(cut.truncated);
    const auto next = receiver.recv_from(4);
    CHECK(next.bytes == "next");
    CHECK_FALSE(next.truncated);
}

TEST_CASE_METHOD(net_test, "the largest datagram arrives, one byte more does not leave", "[net]") {
    auto receiver = bound();
    auto sender = connected_to(receiver);
    const std::string largest = test::any_bytes(udp_socket::max_payload);
    sender.send(largest);
    CHECK(receiver.recv_from().bytes == largest);
    const auto failed = failure_of([&] { return sender.send(largest + "x"); });
    CHECK(failed.code == std::errc::message_size);
    CHECK(failed.text == "send a datagram to " + receiver.local_endpoint().to_string() + ": " +
                             test::reason(EMSGSIZE) +
                             " (a UDP datagram carries at most 65,507 bytes of "
                             "payload (IPv4))");
}

TEST_CASE_METHOD(net_test, "a connected socket hears that nobody is there", "[net]") {
    auto nobody = bound();
    auto sender = connected_to(nobody);
    nobody.close();
    sender.send("anybody?");
    const auto failed = failure_of([&] { return sender.recv_from(); });
    CHECK(failed.code == std::errc::connection_refused);
    CHECK(failed.text.find("recv_from ") == 0);
    sender.send("anybody?");
    CHECK(failure_of([&] { return sender.send("still nobody?"); }).code ==
          std::errc::connection_refused);
}

TEST_CASE_METHOD(net_test, "a connected socket hears its peer and nobody else", "[net]") {
    auto peer = bound();
    auto stranger = bound();
    auto socket = connected_to(peer);
    stranger.send_to("not for you", socket.local_endpoint());
    peer.send_to("for you", socket.local_endpoint());
    CHECK(socket.recv_from().bytes == "for you");
}

TEST_CASE_METHOD(net_test, "a connect to all at once is refused", "[net]") {
    const auto failed = failure_of([] { return udp_socket::connect("255.255.255.255", 5000); });
    CHECK(failed.code);  // EACCES, or this machine has no network
    CHECK(failed.text.find("connect UDP socket to 255.255.255.255:5000: ") == 0);
}

TEST_CASE_METHOD(net_test, "a datagram that does not come is a time-out", "[net]") {
    auto socket = bound();
    socket.set_timeout(50ms);
    const auto failed = failure_of([&] { return socket.recv_from(); });
    CHECK(failed.code == std::errc::timed_out);
    CHECK(failed.seconds >= 0.05);
    CHECK(failed.undisturbed_seconds < 0.25);
    CHECK(failed.text.find("recv_from at " + socket.local_endpoint().to_string() + ": ") == 0);
    socket.set_timeout(0s);
    CHECK(failure_of([&] { return socket.recv_from(); }).code == std::errc::timed_out);
    socket.send_to("here", socket.local_endpoint());
    CHECK(socket.recv_from().bytes == "here");
}

TEST_CASE_METHOD(net_test, "a send without a peer is an error, not a crash", "[net]") {
    auto socket = bound();
    CHECK(failure_of([&] { return socket.send("to whom?"); }).code ==
          std::errc::destination_address_required);
    CHECK(failure_of([&] { return socket.send_to("to whom?", trama::endpoint()); }).code);
}

TEST_CASE_METHOD(net_test, "a UDP port has one owner", "[net]") {
    const auto first = bound();
    const int port = first.local_endpoint().port();
    const auto failed = failure_of([&] { return udp_socket::bind("127.0.0.1", port); });
    CHECK(failed.code == std::errc::address_in_use);
    CHECK(test::contains(failed.text, "bind UDP socket to 127.0.0.1:" + std::to_string(port)));
}

TEST_CASE_METHOD(net_test, "the next step for a UDP port in use finds its owner", "[net]") {
    const auto first = bound();
    const int port = first.local_endpoint().port();
    const auto failed = failure_of([&] { return udp_socket::bind("127.0.0.1", port); });
    INFO(failed.text);
    CHECK_FALSE(test::contains(failed.text, "ss -ltnp"));  // -t and -l show TCP listeners only
}

TEST_CASE_METHOD(net_test, "UDP at *, or at an empty host, takes IPv4 and IPv6", "[net]") {
    if (!test::has_ipv6()) return test::skip("this machine has no IPv6");
    for (const std::string host : {"*", ""}) {
        auto receiver = bound(host);
        const int port = receiver.local_endpoint().port();
        for (const std::string address : {"127.0.0.1", "::1"}) {
            auto sender = udp_socket::connect(address, port);
            sender.set_timeout(20s);
            sender.send("from " + address);
            const auto got = receiver.recv_from();
            CHECK(got.bytes == "from " + address);
            receiver.send_to("answer", got.from);
            CHECK(sender.recv_from().bytes == "answer");
        }
    }
}

TEST_CASE_METHOD(net_test, "UDP at * still takes IPv4 where IPv6 is switched off", "[net]") {
    const auto [told, why_not] = test::on_a_private_machine([] {
        test::write_file("/proc/sys/net/ipv6/conf/all/disable_ipv6", "1");
        auto receiver = bound("*");
        udp_socket::connect("127.0.0.1", receiver.local_endpoint().port()).send("hola");
        return receiver.recv_from().bytes;
    });
    if (!why_not.empty()) return test::skip(why_not);
    CHECK(told == "hola");
}

TEST_CASE_METHOD(net_test, "UDP at 0.0.0.0 takes no IPv6, and at a name the IPv4 address",
                 "[net]") {
    CHECK(bound("0.0.0.0").local_endpoint().family() == AF_INET);
    CHECK(bound("localhost").local_endpoint().address() == "127.0.0.1");
}

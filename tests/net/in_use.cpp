// "Address already in use": the command that the error advises really finds the other socket.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"

#include <cstdio>
#include <cstdlib>

using test::contains;
using test::failure_of;
using test::net_test;
using trama::tcp_listener;
using trama::tcp_stream;
using trama::udp_socket;

#ifndef TRAMA_PLAIN_POSIX  // elsewhere it is lsof, which may not be installed

namespace {

/// What a command prints. The shell has no descriptors of ours: they are close-on-exec.
std::string output_of(const std::string& command) {
    std::string output;
    FILE* const pipe = ::popen((command + " 2>&1").c_str(), "r");
    REQUIRE(pipe != nullptr);
    char bytes[1000];
    for (std::size_t count = 1; count > 0;) {
        count = std::fread(bytes, 1, sizeof bytes, pipe);
        output.append(bytes, count);
    }
    ::pclose(pipe);
    return output;
}

bool has_ss() {
    return std::system("command -v ss > /dev/null 2>&1 && ss -tan > /dev/null 2>&1") == 0;
}

/// The command that the text of an error advises.
std::string command_in(const std::string& text) {
    const std::size_t start = text.find("ss -");
    const std::size_t end = text.rfind(')');
    REQUIRE(start != std::string::npos);
    REQUIRE(end != std::string::npos);
    return text.substr(start, end - start);
}

/// Runs the command of the error, and checks that it names this process and `where`.
void check_advice(const test::outcome& failed, const std::string& where) {
    INFO(failed.text);
    CHECK(failed.code == std::errc::address_in_use);
    const std::string command = command_in(failed.text);
    CHECK(contains(command, "anp 'sport = :"));
    if (!has_ss()) return test::skip("ss(8) is not installed, or shows nothing here");
    const std::string output = output_of(command);
    INFO(output);
    CHECK(contains(output, where));
    CHECK(contains(output, "pid=" + std::to_string(::getpid()) + ","));
}

}  // namespace

TEST_CASE_METHOD(net_test, "the advice finds the listener that has the port", "[net]") {
    const auto first = tcp_listener::listen("127.0.0.1", 0);
    const auto where = first.local_endpoint();
    check_advice(failure_of([&] { return tcp_listener::listen("127.0.0.1", where.port()); }),
                 where.to_string());
}

TEST_CASE_METHOD(net_test, "the advice finds the outgoing connection that has the port", "[net]") {
    const auto pair = test::tcp_pair();
    const auto where = pair.client.local_endpoint();
    check_advice(failure_of([&] { return tcp_listener::listen("0.0.0.0", where.port()); }),
                 where.to_string());
}

TEST_CASE_METHOD(net_test, "the advice finds the UDP socket that has the port", "[net]") {
    const auto first = udp_socket::bind("127.0.0.1", 0);
    const auto where = first.local_endpoint();
    check_advice(failure_of([&] { return udp_socket::bind("127.0.0.1", where.port()); }),
                 where.to_string());
    check_advice(failure_of([&] { return udp_socket::bind("0.0.0.0", where.port()); }),
                 where.to_string());
}

TEST_CASE_METHOD(net_test, "the advice finds the owner of a port of IPv6", "[net]") {
    if (!test::has_ipv6()) return test::skip("this machine has no IPv6");
    const auto first = tcp_listener::listen("*", 0);
    const int port = first.local_endpoint().port();
    check_advice(failure_of([&] { return tcp_listener::listen("*", port); }),
                 "*:" + std::to_string(port));
    const auto second = udp_socket::bind("::1", 0);
    const auto where = second.local_endpoint();
    check_advice(failure_of([&] { return udp_socket::bind("::1", where.port()); }),
                 where.to_string());
}

TEST_CASE_METHOD(net_test, "a message_server at a port in use gives the same advice", "[net]") {
    const auto first = tcp_listener::listen("127.0.0.1", 0);
    const auto where = first.local_endpoint();
    const auto failed =
        failure_of([&] { trama::message_server<trama::any_line> made("127.0.0.1", where.port()); });
    check_advice(failed, where.to_string());
}

#endif

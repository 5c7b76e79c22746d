// A port is a number or text. Each call that takes one checks it in the same way, and a host with
// its port behind a colon gets an answer that helps.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"

#include <functional>

using namespace std::chrono_literals;
using test::contains;
using test::failure_of;
using test::net_test;
using trama::port_number;
using trama::tcp_listener;
using trama::tcp_stream;
using trama::udp_socket;

namespace {

using call = std::function<void(const port_number&)>;
using server = trama::message_server<trama::any_line>;

/// Every call that takes a port, by its name.
const std::vector<std::pair<std::string, call>> calls = {
    {"resolve", [](const port_number& port) { (void)trama::resolve("127.0.0.1", port); }},
    {"connect", [](const port_number& port) { (void)tcp_stream::connect("127.0.0.1", port, 2s); }},
    {"listen", [](const port_number& port) { (void)tcp_listener::listen("127.0.0.1", port); }},
    {"listen at *", [](const port_number& port) { (void)tcp_listener::listen("*", port); }},
    {"bind", [](const port_number& port) { (void)udp_socket::bind("127.0.0.1", port); }},
    {"bind at *", [](const port_number& port) { (void)udp_socket::bind("*", port); }},
    {"UDP connect", [](const port_number& port) { (void)udp_socket::connect("127.0.0.1", port); }},
    {"message_server", [](const port_number& port) { server made("127.0.0.1", port); }},
};

/// What is no port, and how an error shows it.
const std::vector<std::pair<port_number, std::string>> no_ports = {
    {-1, "-1"},
    {65536, "65536"},
    {2147483647, "2147483647"},
    {static_cast<const char*>(nullptr), ""},
    {"", ""},
    {"+80", "+80"},
    {" 80", " 80"},
    {"80 ", "80 "},
    {"0x50", "0x50"},
    {"65536", "65536"},
    {"-1", "-1"},
    {"http", "http"},
    {"99999999999", "99999999999"},
    {"000080", "000080"},
    {"80\n", "80\\n"},
    {"8.0", "8.0"},
    {std::string("80\0", 3), "80\\x00"},
    {"\u0661\u0662", "\\xd9\\xa1\\xd9\\xa2"},
};

}  // namespace

TEST_CASE_METHOD(net_test, "what is no port is refused with the same words by every call",
                 "[net]") {
    for (const auto& each : calls) {
        for (const auto& [port, shown] : no_ports) {
            const port_number& given = port;  // a lambda cannot capture a part of a pair
            const auto failed = failure_of([&] { each.second(given); });
            INFO(each.first << " with \"" << shown << "\": " << failed.text);
            CHECK(failed.code == std::errc::invalid_argument);
            CHECK(contains(failed.text, ":" + shown + ": "));
            CHECK(contains(failed.text, "(a port is a number from 0 to 65535)"));
        }
    }
}

TEST_CASE_METHOD(net_test, "a port is an int, or text of each kind", "[net]") {
    const auto listener = tcp_listener::listen("127.0.0.1", "0");
    const int number = listener.local_endpoint().port();
    const std::string text = std::to_string(number);
    std::string argument = text;
    char* const from_main = argument.data();  // the type of argv[2]
    const auto port_of = [](const tcp_stream& stream) { return stream.remote_endpoint().port(); };
    CHECK(port_of(tcp_stream::connect("127.0.0.1", number)) == number);
    CHECK(port_of(tcp_stream::connect("127.0.0.1", listener.local_endpoint().port())) == number);
    CHECK(port_of(tcp_stream::connect("127.0.0.1", text)) == number);
    CHECK(port_of(tcp_stream::connect("127.0.0.1", text.c_str())) == number);
    CHECK(port_of(tcp_stream::connect("127.0.0.1", from_main)) == number);
    CHECK(port_of(tcp_stream::connect("127.0.0.1", std::to_string(number))) == number);
}

TEST_CASE_METHOD(net_test, "every call takes a port as text", "[net]") {
    const auto free_one = udp_socket::bind("127.0.0.1", "0").local_endpoint().port();
    CHECK(free_one != 0);
    const auto connected = udp_socket::connect("127.0.0.1", "65535");
    CHECK(trama::resolve("127.0.0.1", "65535").front().port() == 65535);
    CHECK(trama::resolve("127.0.0.1", "00080").front().port() == 80);  // as Python's int() reads it
    CHECK(trama::resolve("127.0.0.1", "0").front().port() == 0);
    CHECK(server("127.0.0.1", "0").local_endpoint().port() != 0);
}

TEST_CASE_METHOD(net_test, "host:port in one string is told to be two", "[net]") {
    const std::string advice = "(give the port apart from the host, as a second argument)";
    for (const std::string host : {"127.0.0.1:5000", "localhost:80", "no.such.host.test:1"}) {
        for (const auto& failed : {failure_of([&] { return tcp_stream::connect(host, 5000); }),
                                   failure_of([&] { return tcp_listener::listen(host, 5000); }),
                                   failure_of([&] { return udp_socket::bind(host, 5000); }),
                                   failure_of([&] { return udp_socket::connect(host, 5000); })}) {
            INFO(failed.text);
            CHECK(failed.code);
            CHECK(contains(failed.text, advice));
        }
    }
    for (const std::string host : {"no.such.host.test", ":::", "host:http", "a:b:80"}) {
        const auto failed = failure_of([&] { return trama::resolve(host, 5000); });
        INFO(failed.text);
        CHECK_FALSE(contains(failed.text, advice));
    }
}

TEST_CASE_METHOD(net_test, "a time-out that is over after the lookup blames the lookup", "[net]") {
    const auto listener = tcp_listener::listen("127.0.0.1", 0);
    const int port = listener.local_endpoint().port();
    const auto failed = failure_of([&] { return tcp_stream::connect("localhost", port, 1ns); });
    CHECK(failed.code == std::errc::timed_out);
    CHECK(failed.text == "connect to localhost:" + std::to_string(port) + ": " +
                             test::reason(ETIMEDOUT) +
                             " (the lookup of the name took all the time: is "
                             "the name server slow?)");
}

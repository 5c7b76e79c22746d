// The errors: what they say, what they compare with, and that copying them is safe.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"

#include <sys/resource.h>

using namespace std::chrono_literals;
using test::failure_of;
using test::net_test;
using trama::network_error;
using trama::tcp_listener;
using trama::tcp_stream;

// An exception is copied while another one may be under way: a throw there ends the program.
static_assert(std::is_nothrow_copy_constructible_v<network_error>);
static_assert(std::is_nothrow_copy_assignable_v<network_error>);
static_assert(std::is_nothrow_copy_constructible_v<trama::unexpected_eof>);
static_assert(std::is_nothrow_copy_constructible_v<trama::frame_error>);
static_assert(std::is_base_of_v<std::system_error, network_error>);

TEST_CASE("a network_error says what it was given, and nothing more", "[net]") {
    const network_error error(std::make_error_code(std::errc::timed_out), "told");
    CHECK(std::string(error.what()) == "told");
    const network_error copy = error;
    CHECK(std::string(copy.what()) == "told");
    CHECK(copy.code() == std::errc::timed_out);
}

TEST_CASE_METHOD(net_test, "every error has operation, endpoint, reason and next step", "[net]") {
    const int port = tcp_listener::listen("127.0.0.1", 0).local_endpoint().port();
    const auto failed = failure_of([&] { return tcp_stream::connect("127.0.0.1", port); });
    CHECK(failed.text == "connect to 127.0.0.1:" + std::to_string(port) + ": " +
                             test::reason(ECONNREFUSED) +
                             " (nobody listens there: start the server, or "
                             "check address and port)");
    CHECK(failed.code == std::errc::connection_refused);
}

TEST_CASE_METHOD(net_test, "a time-out names the call and the peer", "[net]") {
    auto pair = test::tcp_pair();
    const std::string peer = pair.client.remote_endpoint().to_string();
    const std::string reason = ": " + test::reason(ETIMEDOUT) +
                               " (no answer in time: is the peer alive, is a "
                               "firewall between?)";
    pair.client.set_timeout(0s);
    CHECK(failure_of([&] { return pair.client.recv_some(1); }).text ==
          "recv_some from " + peer + reason);
    CHECK(failure_of([&] { return pair.client.recv_exact(1); }).text ==
          "recv_exact from " + peer + reason);
    test::fill(pair.client);
    CHECK(failure_of([&] { return pair.client.send_all("x"); }).text ==
          "send_all to " + peer + reason);
}

TEST_CASE_METHOD(net_test, "an accept that waited in vain names its own address", "[net]") {
    auto listener = tcp_listener::listen("127.0.0.1", 0);
    listener.set_timeout(0s);
    const auto failed = failure_of([&] { return listener.accept(); });
    CHECK(failed.code == std::errc::timed_out);
    CHECK(failed.text == "accept on " + listener.local_endpoint().to_string() + ": " +
                             test::reason(ETIMEDOUT) + " (no client came in time)");
}

TEST_CASE_METHOD(net_test, "an address that is not ours, and a port for root, are explained",
                 "[net]") {
    const auto foreign = failure_of([] { return tcp_listener::listen("192.0.2.77", 0); });
    CHECK(foreign.code == std::errc::address_not_available);
    CHECK(foreign.text == "listen on 192.0.2.77:0: " + test::reason(EADDRNOTAVAIL) +
                              " (this machine does not have "
                              "that address, or no port is free: " +
                              test::show_addresses + ")");
}

TEST_CASE_METHOD(net_test, "a program out of descriptors is told so", "[net]") {
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const trama::unique_fd next_free(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const rlimit no_more{static_cast<rlim_t>(next_free.get()), before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &no_more);
    const auto failed = failure_of([] { return trama::udp_socket::bind("127.0.0.1", 0); });
    ::setrlimit(RLIMIT_NOFILE, &before);
    CHECK(failed.code == std::errc::too_many_files_open);
    CHECK(failed.text == "open a socket: " + test::reason(EMFILE) +
                             " (this program has too many descriptors open: ulimit "
                             "-n)");
}

// The connection stays in the queue, so the listener stays readable: accept must not try again.
TEST_CASE_METHOD(net_test, "accept without descriptors throws at once, and can be called again",
                 "[net]") {
    const bool has_time_out = GENERATE(true, false);
    auto listener = tcp_listener::listen("127.0.0.1", 0);
    if (has_time_out) listener.set_timeout(10s);
    const auto client = tcp_stream::connect("127.0.0.1", listener.local_endpoint().port());
    rlimit before{};
    ::getrlimit(RLIMIT_NOFILE, &before);
    const trama::unique_fd next_free(::open("/dev/null", O_RDONLY | O_CLOEXEC));
    const rlimit no_more{static_cast<rlim_t>(next_free.get()), before.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &no_more);
    tcp_stream other;
    const auto tried = listener.try_accept(other);
    const auto failed = failure_of([&] { return listener.accept(); });
    ::setrlimit(RLIMIT_NOFILE, &before);
    CHECK(tried.status == trama::io_status::failed);
    CHECK(tried.error == std::errc::too_many_files_open);
    CHECK(failed.code == std::errc::too_many_files_open);
    CHECK(failed.text.find("accept on 127.0.0.1:") == 0);
    CHECK(test::contains(failed.text, "ulimit -n"));
    CHECK(failed.undisturbed_seconds < 5);
    CHECK(listener.accept().remote_endpoint() == client.local_endpoint());
}

TEST_CASE_METHOD(net_test, "a stream without a connection says so in every call", "[net]") {
    tcp_stream none;
    char byte = 0;
    const auto is_closed = [](const test::outcome& failed) {
        return failed.code == std::errc::bad_file_descriptor &&
               test::contains(failed.text, "(the socket was closed or moved from)");
    };
    CHECK(is_closed(failure_of([&] { return none.recv_some(1); })));
    CHECK(is_closed(failure_of([&] { return none.recv_exact(1); })));
    CHECK(is_closed(failure_of([&] { return none.send_all("x"); })));
    CHECK(is_closed(failure_of([&] { return none.shutdown_send(); })));
    CHECK(is_closed(failure_of([&] { return none.local_endpoint(); })));
    CHECK(is_closed(failure_of([&] { return none.set_no_delay(true); })));
    CHECK(is_closed(failure_of([&] { return none.set_non_blocking(true); })));
    CHECK(none.try_recv_some(&byte, 1).error == std::errc::bad_file_descriptor);
    CHECK(none.try_send_some("x").error == std::errc::bad_file_descriptor);
    none.close_lingering();
    none.close();
}

TEST_CASE_METHOD(net_test, "a closed listener or UDP socket fails at once and does not wait",
                 "[net]") {
    auto listener = tcp_listener::listen("127.0.0.1", 0);
    listener.set_timeout(2s);
    listener.close();
    const auto accept = failure_of([&] { return listener.accept(); });
    CHECK(accept.code == std::errc::bad_file_descriptor);
    CHECK(accept.undisturbed_seconds < 1.0);
    auto socket = trama::udp_socket::bind("127.0.0.1", 0);
    socket.set_timeout(2s);
    socket.close();
    const auto receive = failure_of([&] { return socket.recv_from(); });
    CHECK(receive.code == std::errc::bad_file_descriptor);
    CHECK(receive.undisturbed_seconds < 1.0);
}

// Sockets on a system that refuses a call: a machine without IPv6, a network that goes down.
#include "trama.hpp"

#include "../file/refused_calls.hpp"
#include "../support/catch.hpp"
#include "../support/net.hpp"

#if defined(__linux__)

using namespace std::chrono_literals;
using test::failure_of;
using test::in_background;
using test::net_test;
using trama::tcp_listener;
using trama::tcp_stream;
using trama::udp_socket;

namespace {

constexpr const char* no_filter =
    "calls on sockets cannot be refused here: no seccomp, or they all "
    "have one number (man 2 socketcall)";

bool can_refuse_sockets() {
    if (!test::can_refuse_calls()) return false;
    return in_background([] {
               test::refuse_call(SYS_socket, EPERM);
               const trama::unique_fd made(::socket(AF_INET, SOCK_STREAM, 0));
               return made.get() == -1;
           })
        .get();
}

/// Does `work` in a thread in which a system call fails with `error`, and returns its result.
template <typename Work>
auto while_refused(long call, int error, int first, Work work) {
    return in_background([&] {
               test::refuse_call(call, error, first);
               return work();
           })
        .get();
}

}  // namespace

TEST_CASE_METHOD(net_test, "* and an empty host are IPv4 where the system knows no IPv6", "[net]") {
    if (!can_refuse_sockets()) return test::skip(no_filter);
    const auto every = [](const auto& made) { return made.local_endpoint().address(); };
    for (const std::string host : {"*", ""}) {
        CHECK(while_refused(SYS_socket, EAFNOSUPPORT, AF_INET6,
                            [&] { return every(tcp_listener::listen(host, 0)); }) == "0.0.0.0");
        CHECK(while_refused(SYS_socket, EAFNOSUPPORT, AF_INET6,
                            [&] { return every(udp_socket::bind(host, 0)); }) == "0.0.0.0");
    }
}

TEST_CASE_METHOD(net_test, "what else fails at * is not tried a second time with IPv4", "[net]") {
    if (!can_refuse_sockets()) return test::skip(no_filter);
    for (const int is_udp : {0, 1}) {
        const auto failed = while_refused(SYS_socket, ENOBUFS, AF_INET6, [&] {
            return failure_of([&] {
                if (is_udp == 1) return static_cast<void>(udp_socket::bind("*", 0));
                static_cast<void>(tcp_listener::listen("*", 0));
            });
        });
        CHECK(failed.code == std::errc::no_buffer_space);
    }
}

TEST_CASE_METHOD(net_test, ":: fails where the system knows no IPv6", "[net]") {
    if (!can_refuse_sockets()) return test::skip(no_filter);
    const auto failed = while_refused(SYS_socket, EAFNOSUPPORT, AF_INET6, [&] {
        return failure_of([&] { return udp_socket::bind("::", 0); });
    });
    CHECK(failed.code == std::errc::address_family_not_supported);
}

#ifdef __GLIBC__  // other C libraries tell less of it
TEST_CASE_METHOD(net_test, "a name that cannot be asked for is an error with the system's reason",
                 "[net]") {
    if (!can_refuse_sockets()) return test::skip(no_filter);
    const auto failure_with = [](int error) {
        return while_refused(SYS_socket, error, -1, [] {
            return failure_of([] { return trama::resolve("example.invalid", 80); });
        });
    };
    // glibc calls this a "System error", and forgets which one.
    const auto failed = failure_with(EMFILE);
    CHECK(failed.code == std::errc::io_error);
    CHECK(failed.text == "resolve example.invalid:80: System error (" + test::reason(EIO) + ")");
    CHECK(failure_with(EACCES).code == std::errc::resource_unavailable_try_again);
}
#endif

#ifdef TRAMA_PLAIN_POSIX
constexpr long accept_number = SYS_accept;
#else
constexpr long accept_number = SYS_accept4;
#endif

TEST_CASE_METHOD(net_test, "a connection that failed before it was accepted is no failure",
                 "[net]") {
    if (!can_refuse_sockets()) return test::skip(no_filter);
    for (const int error : {ECONNABORTED, ENETDOWN, ENETUNREACH, EHOSTUNREACH, EPROTO, EPERM}) {
        auto listener = tcp_listener::listen("127.0.0.1", 0);
        const auto status = while_refused(accept_number, error, -1, [&] {
            tcp_stream client;
            return listener.try_accept(client).status;
        });
        CHECK(status == trama::io_status::would_block);
    }
}

TEST_CASE_METHOD(net_test, "a socket that may not listen is a network_error", "[net]") {
    if (!can_refuse_sockets()) return test::skip(no_filter);
    const auto failed = while_refused(SYS_listen, ENOBUFS, -1, [] {
        return failure_of([] { return tcp_listener::listen("127.0.0.1", 0); });
    });
    CHECK(failed.code == std::errc::no_buffer_space);
    CHECK(failed.text.find("listen on 127.0.0.1:") == 0);
}

TEST_CASE_METHOD(net_test, "a connect without a socket is a network_error", "[net]") {
    if (!can_refuse_sockets()) return test::skip(no_filter);
    const auto failed = while_refused(SYS_socket, ENOBUFS, -1, [] {
        return failure_of([] { return tcp_stream::connect("127.0.0.1", 1); });
    });
    CHECK(failed.code == std::errc::no_buffer_space);
}

TEST_CASE_METHOD(net_test, "a connect whose socket would block is a network_error", "[net]") {
    if (!can_refuse_sockets()) return test::skip(no_filter);
    const auto listener = tcp_listener::listen("127.0.0.1", 0);
    const int port = listener.local_endpoint().port();
    const auto failed = while_refused(SYS_fcntl, ENOBUFS, -1, [&] {
        return failure_of([&] { return tcp_stream::connect("127.0.0.1", port); });
    });
    CHECK(failed.code == std::errc::no_buffer_space);
}

TEST_CASE_METHOD(net_test, "a connect whose outcome cannot be read is a network_error", "[net]") {
    if (!can_refuse_sockets()) return test::skip(no_filter);
    const auto listener = tcp_listener::listen("127.0.0.1", 0);
    const int port = listener.local_endpoint().port();
    const auto failed = while_refused(SYS_getsockopt, ENOBUFS, -1, [&] {
        return failure_of([&] { return tcp_stream::connect("127.0.0.1", port); });
    });
    CHECK(failed.code == std::errc::no_buffer_space);
    CHECK(failed.text.find("read the outcome of connect: ") == 0);
}

#endif

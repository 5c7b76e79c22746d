// The trace tells each call and each frame while it happens, and nothing when nobody listens.
#include "trama.hpp"

#include "../codec/allocations.hpp"
#include "../support/catch.hpp"
#include "../support/net.hpp"
#include "../support/trace_recorder.hpp"

#include <cerrno>
#include <cstdio>

using namespace std::chrono_literals;
using test::net_test;
using test::trace_recorder;

namespace {

/// How the trace shows `parts` when they are sent: what stands behind "... bytes: ".
std::string shown(std::initializer_list<std::string_view> parts) {
    auto pair = test::local_pair();
    trace_recorder recorder;
    pair.client.send_all(parts);
    const auto lines = recorder.take();
    REQUIRE(lines.size() == 1);
    return lines.front().substr(lines.front().find('"'));
}

}  // namespace

TEST_CASE_METHOD(net_test, "bytes in the trace are escaped: a peer cannot write to the terminal",
                 "[net]") {
    CHECK(shown({std::string_view("a\n\r\t\\\"\0\x1b\x7f\xff", 10)}) ==
          R"("a\n\r\t\\\"\x00\x1b\x7f\xff")");
}

TEST_CASE_METHOD(net_test, "bytes in the trace are cut at 48, with dots for what is missing",
                 "[net]") {
    const std::string most(48, 'x');
    CHECK(shown({most}) == '"' + most + '"');
    CHECK(shown({most + 'y'}) == '"' + most + "\"...");
    CHECK(shown({std::string(49, '\0')}).size() == 48 * 4 + 5);
}

TEST_CASE_METHOD(net_test, "bytes sent in several parts are shown, and cut, as one", "[net]") {
    const std::string most(46, 'x');
    CHECK(shown({"<", most, ">"}) == "\"<" + most + ">\"");
    CHECK(shown({most, most, most}) == '"' + std::string(48, 'x') + "\"...");
}

TEST_CASE("a line of the trace never outgrows its 400 bytes", "[net]") {
    trace_recorder recorder;
    trama::trama_detail::write_trace(
        2147483647, ECONNREFUSED, trama::trama_detail::text("%s", std::string(2000, 'x').c_str()));
    const auto lines = recorder.take();
    REQUIRE(lines.size() == 1);
    CHECK(lines.front().find("fd 2147483647: xxx") == 0);
    CHECK(lines.front().size() > 350);
    CHECK(lines.front().size() <= 400);
    CHECK(test::contains(lines.front(), "x: failed, " + test::reason(ECONNREFUSED)));
}

TEST_CASE("of a host name that is too long for one 128 bytes are shown", "[net]") {
    trace_recorder recorder;
    const auto failed = test::failure_of([] { return trama::resolve(std::string(2000, 'x'), 80); });
    const std::string shown = std::string(128, 'x') + "...:80: ";
    CHECK(recorder.take() == std::vector<std::string>{"getaddrinfo " + shown + "failed"});
    CHECK(failed.text.find("resolve " + shown) == 0);
}

TEST_CASE_METHOD(net_test, "the trace needs no memory", "[net]") {
    static std::string told;
    told.reserve(400);
    auto pair = test::local_pair();
    const auto before = trama::trace_to([](std::string_view line) { told = line; });
    const std::string bytes(40, 'x');
    trama::io_result sent;
    bool has_failed = false;
    {
        const test::failing_allocation failure(1);
        sent = pair.client.try_send_some(bytes);
        has_failed = failure.has_failed();
    }
    trama::trace_to(before);
    CHECK_FALSE(has_failed);
    CHECK(sent.bytes == 40);
    CHECK(test::contains(told, "send 40 of 40 bytes: \"" + bytes + '"'));
}

TEST_CASE_METHOD(net_test, "the trace leaves errno as it was", "[net]") {
    const auto before = trama::trace_to([](std::string_view) { errno = EBADF; });
    errno = EMFILE;
    trama::trama_detail::write_trace(-1, 0, trama::trama_detail::text("a line"));
    const int after = errno;
    trama::trace_to(before);
    CHECK(after == EMFILE);
}

TEST_CASE("trace_to returns the sink before, and nullptr turns the trace off", "[net]") {
    const auto sink = +[](std::string_view) {};
    const auto before = trama::trace_to(sink);
    CHECK(trama::tracing());
    CHECK(trama::trace_to(nullptr) == sink);
    CHECK_FALSE(trama::tracing());
    CHECK(trama::trace_to(before) == nullptr);
}

TEST_CASE_METHOD(net_test, "nothing is told when the trace is off", "[net]") {
    trace_recorder recorder;
    const auto sink = trama::trace_to(nullptr);
    auto pair = test::tcp_pair();
    pair.client.send_all("hola");
    static_cast<void>(pair.server.recv_exact(4));
    CHECK(recorder.take().empty());
    trama::trace_to(sink);
}

TEST_CASE_METHOD(net_test, "every system call of a conversation is told", "[net]") {
    trace_recorder recorder;
    {
        auto pair = test::tcp_pair("127.0.0.1");
        pair.client.set_no_delay(true);
        pair.client.send_all("a");
        pair.client.send_all({"b", "c"});
        static_cast<void>(pair.server.recv_exact(3));
        pair.server.close_lingering(0s);
        auto receiver = trama::udp_socket::bind("127.0.0.1", 0);
        receiver.send_to("x", receiver.local_endpoint());
        static_cast<void>(receiver.recv_from());
    }
    std::string story;
    for (const std::string& line : recorder.take()) story += line + '\n';
    INFO(story);
    for (const char* call : {"getaddrinfo 127.0.0.1",
                             "socket TCP IPv4",
                             "setsockopt SO_REUSEADDR 1",
                             "bind 127.0.0.1:0",
                             "listen, backlog 128",
                             "O_NONBLOCK on",
                             "O_NONBLOCK off",
                             "connect 127.0.0.1:",
                             "poll for reading",
                             "poll for writing",
                             "accept: fd ",
                             "getsockname: 127.0.0.1:",
                             "setsockopt TCP_NODELAY 1",
                             "send 1 of 1",
                             "sendmsg 2 of 2",
                             "recv 3 of 3",
                             "shutdown",
                             ": close\n",
                             "socket UDP IPv4",
                             "sendto 127.0.0.1:",
                             "recvmsg "})
        CHECK(test::contains(story, call));
}

TEST_CASE_METHOD(net_test, "a failed call is told with its reason", "[net]") {
    trace_recorder recorder;
    test::failure_of([] { return trama::tcp_listener::listen("192.0.2.77", 0); });
    std::string story;
    for (const std::string& line : recorder.take()) story += line + '\n';
    CHECK(
        test::contains(story, "bind 192.0.2.77:0: failed, " + test::reason(EADDRNOTAVAIL) + "\n"));
}

TEST_CASE_METHOD(net_test, "an echoed message costs one receive and one send at each end",
                 "[net]") {
    auto pair = test::local_pair();
    // The kernel waits where no time-out is set: no poll, and the call is made once.
    pair.client.set_timeout(trama::no_timeout);
    pair.server.set_timeout(trama::no_timeout);
    char memory[16];
    trace_recorder recorder;
    for (int i = 0; i < 10; ++i) {
        pair.client.send_all("hola");
        const std::size_t count = pair.server.recv_some(memory, sizeof memory);
        pair.server.send_all(std::string_view(memory, count));
        pair.client.recv_exact(memory, 4);
    }
    const auto lines = recorder.take();
    CHECK(lines.size() == 40);
    CHECK(test::count_of(lines, "recv") == 20);
    CHECK(test::count_of(lines, "send") == 20);
}

TEST_CASE_METHOD(net_test, "a framed message costs one receive and one send at each end", "[net]") {
    auto pair = test::local_pair();
    pair.client.set_timeout(trama::no_timeout);
    pair.server.set_timeout(trama::no_timeout);
    trama::framed_stream<trama::six_digit_colon> client(std::move(pair.client));
    trama::framed_stream<trama::six_digit_colon> server(std::move(pair.server));
    trace_recorder recorder;
    for (int i = 0; i < 10; ++i) {
        client.send_frame("hola");
        server.send_frame(server.recv_view().value());
        CHECK(client.recv_frame() == "hola");
    }
    const auto lines = recorder.take();
    CHECK(test::count_of(lines, "recv") == 20);
    CHECK(test::count_of(lines, "sendmsg") == 20);
    CHECK(lines.size() == 80);  // the other half: frame in, frame out
}

TEST_CASE_METHOD(net_test, "frames that came together cost one receive together", "[net]") {
    auto pair = test::local_pair();
    std::string bytes;
    for (int i = 0; i < 100; ++i) trama::six_digit_colon::encode("hola", bytes);
    pair.client.send_all(bytes);
    trama::framed_stream<trama::six_digit_colon> server(std::move(pair.server));
    trace_recorder recorder;
    for (int i = 0; i < 100; ++i) static_cast<void>(server.recv_view());
    CHECK(test::count_of(recorder.take(), "recv") == 1);
}

// ---- what the environment says -----------------------------------------------------------------

// Not a test but the program that the next tests start: one call that is traced.
TEST_CASE("a program that asks for an address", "[.traced]") {
    static_cast<void>(trama::resolve("127.0.0.1", 80));
}

namespace {

/// What this program, started with TRAMA_TRACE=`value`, writes to stderr.
std::string trace_with(const std::string& value) {
    const std::string self = program_invocation_name;  // needs no /proc
    const std::string command = "TRAMA_TRACE=" + value + " '" + self + "' '[.traced]' 2>&1 >&-";
    FILE* child = ::popen(command.c_str(), "r");
    std::string told;
    for (int byte; (byte = std::fgetc(child)) != EOF;) told += static_cast<char>(byte);
    ::pclose(child);
    return told;
}

}  // namespace

TEST_CASE_METHOD(net_test, "TRAMA_TRACE=1 tells the trace on stderr", "[net]") {
    CHECK(trace_with("1") == "trama: getaddrinfo 127.0.0.1:80\n");
    CHECK(trace_with("yes") == "trama: getaddrinfo 127.0.0.1:80\n");
}

TEST_CASE_METHOD(net_test, "TRAMA_TRACE=0, or empty, tells nothing", "[net]") {
    CHECK(trace_with("0").empty());
    CHECK(trace_with("").empty());
}

TEST_CASE_METHOD(net_test, "TRAMA_TRACE=time adds the seconds since the start", "[net]") {
    const std::string told = trace_with("time");
    INFO(told);
    CHECK(told.find("trama: 0.") == 0);
    CHECK(test::contains(told, " s: getaddrinfo 127.0.0.1:80\n"));
}

// ---- the wording -------------------------------------------------------------------------------

TEST_CASE_METHOD(net_test, "the trace of a conversation reads like its story", "[net]") {
    auto pair = test::local_pair();
    const std::string client = "fd " + std::to_string(pair.client.fd()) + ": ";
    const std::string server = "fd " + std::to_string(pair.server.fd()) + ": ";
    trace_recorder recorder;
    pair.server.set_timeout(0s);
    static_cast<void>(pair.client.try_send_some(""));
    pair.client.send_all("00000");
    test::failure_of([&] { return pair.server.recv_exact(8); });
    trama::framed_stream<trama::six_digit_colon> framed(std::move(pair.client));
    framed.send_frame("hola\n");
    static_cast<void>(pair.server.recv_some(64));
    framed.stream().shutdown_send();
    static_cast<void>(pair.server.recv_some(64));
    CHECK(recorder.take() == std::vector<std::string>{
                                 client + "send 0 of 0 bytes: \"\"",
                                 client + "send 5 of 5 bytes: \"00000\"",
                                 server + "recv 5 of 8 asked: short read: \"00000\"",
                                 server + "recv 3 asked: not yet",
                                 client + "sendmsg 12 of 12 bytes: \"000005:hola\\n\"",
                                 client + "frame out, 5 bytes: \"hola\\n\"",
                                 server + "recv 12 of 64 asked: \"000005:hola\\n\"",
                                 client + "shutdown, sending",
                                 server + "recv 0 of 64 asked: end of stream",
                             });
}

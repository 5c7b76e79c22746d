// Every exception about the world outside is a std::system_error: one catch is enough.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"

#include <type_traits>

using namespace std::chrono_literals;
using test::net_test;
using trama::six_digit_colon;

namespace {

template <typename Error>
constexpr bool is_a_system_error = std::is_base_of_v<std::system_error, Error> &&
                                   std::is_nothrow_copy_constructible_v<Error> &&
                                   std::is_nothrow_copy_assignable_v<Error>;

static_assert(is_a_system_error<trama::network_error>);
static_assert(is_a_system_error<trama::unexpected_eof>);
static_assert(is_a_system_error<trama::frame_error>);
static_assert(is_a_system_error<trama::file_error>);

/// What `function` ends with: its code, and the text that what() gives.
template <typename Error, typename Function>
std::error_code code_of(Function function) {
    try {
        function();
    } catch (const std::system_error& error) {
        CHECK(dynamic_cast<const Error*>(&error) != nullptr);
        CHECK_FALSE(std::string(error.what()).empty());
        return error.code();
    }
    FAIL_CHECK("nothing was thrown");
    return {};
}

void decode(const std::string& bytes, std::size_t limit = 1000) {
    trama::frame_decoder<six_digit_colon> decoder(limit);
    decoder.receive_data(bytes);
    while (decoder.next_frame()) continue;
    decoder.receive_eof();
}

}  // namespace

TEST_CASE_METHOD(net_test, "what the network does is caught as std::system_error", "[net]") {
    using trama::network_error;
    const int nobody = trama::tcp_listener::listen("127.0.0.1", 0).local_endpoint().port();
    CHECK(code_of<network_error>([&] {
              return trama::tcp_stream::connect("127.0.0.1", nobody);
          }) == std::errc::connection_refused);
    CHECK(code_of<network_error>([] { return trama::resolve("x", "http"); }) ==
          std::errc::invalid_argument);
    auto pair = test::tcp_pair();
    pair.server.set_timeout(0s);
    CHECK(code_of<network_error>([&] { return pair.server.recv_some(1); }) ==
          std::errc::timed_out);
    test::reset(std::move(pair.client));
    pair.server.set_timeout(20s);
    CHECK(code_of<network_error>([&] { return pair.server.recv_some(1); }) ==
          std::errc::connection_reset);
    CHECK(code_of<network_error>([] { trama::tcp_stream().send_all("x"); }) ==
          std::errc::bad_file_descriptor);
    trama::poll_selector ready;
    CHECK(code_of<network_error>([&] { ready.modify(3, trama::interest::read); }).value() != 0);
}

TEST_CASE_METHOD(net_test, "an early end is caught as std::system_error: connection_aborted",
                 "[net]") {
    auto pair = test::tcp_pair();
    pair.client.send_all("ab");
    pair.client.close();
    CHECK(code_of<trama::unexpected_eof>([&] { return pair.server.recv_exact(std::size_t{4}); }) ==
          std::errc::connection_aborted);
}

TEST_CASE("a broken frame is caught as std::system_error, with a code for each reason", "[codec]") {
    using trama::frame_error;
    CHECK(code_of<frame_error>([] { decode("wrong"); }) == std::errc::bad_message);
    CHECK(code_of<frame_error>([] { decode("000011:", 10); }) == std::errc::message_size);
    CHECK(code_of<frame_error>([] { decode("000004:ho"); }) == std::errc::connection_aborted);
    std::string out;
    CHECK(code_of<frame_error>([&] { trama::lf_line::encode("two\nlines", out); }) ==
          std::errc::bad_message);
    CHECK(code_of<frame_error>([&] {
              six_digit_colon::encode(std::string(1'000'000, 'x'), out);
          }) == std::errc::message_size);
}

TEST_CASE_METHOD(net_test, "what is wrong with a file is caught as std::system_error", "[file]") {
    using trama::file_error;
    CHECK(code_of<file_error>([] { trama::folder where("/no/such/folder"); }) ==
          std::errc::no_such_file_or_directory);
    CHECK(code_of<file_error>([] { trama::folder("/").open("../etc/passwd"); }) ==
          std::errc::no_such_file_or_directory);
    CHECK(code_of<file_error>([] { trama::write_all(-1, "x", "file"); }) ==
          std::errc::bad_file_descriptor);
}

// A catch by value, or an exception that another thread throws again, makes copies.
TEST_CASE("the copy of an exception says the same, also when its original is gone", "[net]") {
    std::exception_ptr kept;
    try {
        decode("wrong");
    } catch (...) {
        kept = std::current_exception();
    }
    std::optional<trama::frame_error> copy;
    try {
        std::rethrow_exception(std::exchange(kept, nullptr));
    } catch (const trama::frame_error& error) {
        copy = error;
    }
    CHECK(std::string(copy->what()).find("bad frame header at byte 0 of the stream: \"wrong\"") ==
          0);
    CHECK(copy->why() == trama::frame_error::reason::bad_header);
    CHECK(copy->code() == std::errc::bad_message);
}

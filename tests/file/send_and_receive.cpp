// A file goes through a connection byte for byte, whichever way it takes.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/trace_recorder.hpp"
#include "transfers.hpp"

using test::any_bytes;
using test::bytes_of;
using test::in_background;
using test::open_file;
using test::pair_of_kind;
using test::transfer_test;
using trama::receive_file;
using trama::send_file;
using trama::unique_fd;

namespace {

constexpr std::size_t mebibyte = 1U << 20U;

/// Sends all of `bytes` with send_file, and gives what receive_file made of it.
std::string copied(const std::string& bytes, test::stream_pair pair) {
    const unique_fd source = open_file(bytes);
    const unique_fd target = open_file();
    auto sender =
        in_background([&] { return send_file(pair.client, source.get(), 0, bytes.size()); });
    receive_file(pair.server, target.get(), bytes.size());
    sender.get();
    CHECK(pair.server.try_recv_some(std::string(1, ' ').data(), 1).status ==
          trama::io_status::would_block);
    return bytes_of(target);
}

/// What `send` sends, as a peer sees it that reads with recv(2).
template <typename Send>
std::string sent_by(test::stream_pair pair, Send send) {
    auto sender = in_background([&] {
        auto client = std::move(pair.client);  // closed at the end, whichever end it is
        send(client);
    });
    const std::string bytes = test::recv_all(pair.server);
    sender.get();
    return bytes;
}

/// What receive_file writes to `target`, from a peer that sends with send(2).
void receive(const std::string& bytes, test::stream_pair pair, const unique_fd& target) {
    auto peer = test::sending(pair.client, bytes);
    receive_file(pair.server, target.get(), bytes.size());
    peer.get();
}

auto every_size() {
    return GENERATE(std::size_t{0}, std::size_t{1}, std::size_t{2}, std::size_t{3},
                    std::size_t{4095}, std::size_t{4096}, std::size_t{65536}, std::size_t{999999},
                    std::size_t{1000000}, 5 * mebibyte + 1);
}

}  // namespace

TEST_CASE_METHOD(transfer_test, "a file of any size arrives as it was", "[file]") {
    const std::string bytes = any_bytes(every_size());
    CHECK((copied(bytes, pair_of_kind(GENERATE(0, 1))) == bytes));
}

TEST_CASE_METHOD(transfer_test, "a file arrives as it was without any time-out", "[file]") {
    const std::string bytes = any_bytes(5 * mebibyte + 1);
    auto pair = pair_of_kind(GENERATE(0, 1));
    pair.client.set_timeout(trama::no_timeout);
    pair.server.set_timeout(trama::no_timeout);
    CHECK((copied(bytes, std::move(pair)) == bytes));
}

TEST_CASE_METHOD(transfer_test, "a file arrives as it was under the longest time-out", "[file]") {
    const std::string bytes = any_bytes(5 * mebibyte + 1);
    auto pair = pair_of_kind(GENERATE(0, 1));
    pair.client.set_timeout(trama::no_timeout - std::chrono::nanoseconds(1));
    pair.server.set_timeout(trama::no_timeout - std::chrono::nanoseconds(1));
    CHECK((copied(bytes, std::move(pair)) == bytes));
}

TEST_CASE_METHOD(transfer_test, "a file arrives as it was through short sends", "[file]") {
    const std::string bytes = any_bytes(300000);
    auto pair = pair_of_kind(GENERATE(0, 1));
    test::make_sends_short(pair);
    CHECK((copied(bytes, std::move(pair)) == bytes));
}

TEST_CASE_METHOD(transfer_test, "send_file makes the bytes that any peer reads", "[file]") {
    const std::string bytes = any_bytes(every_size());
    const unique_fd file = open_file(bytes);
    const auto send = [&](auto& to) { send_file(to, file.get(), 0, bytes.size()); };
    CHECK((sent_by(pair_of_kind(GENERATE(0, 1)), send) == bytes));
}

TEST_CASE_METHOD(transfer_test, "receive_file takes the bytes that any peer sends", "[file]") {
    const std::string bytes = any_bytes(every_size());
    const unique_fd file = open_file();
    receive(bytes, pair_of_kind(GENERATE(0, 1)), file);
    CHECK((bytes_of(file) == bytes));
}

TEST_CASE_METHOD(transfer_test, "receive_file takes a file that comes a byte at a time", "[file]") {
    const std::string bytes = any_bytes(3000);
    auto pair = test::tcp_pair();
    pair.client.set_no_delay(true);
    auto peer = in_background([&] {
        for (const char& byte : bytes) pair.client.send_all({&byte, 1});
    });
    const unique_fd file = open_file();
    receive_file(pair.server, file.get(), bytes.size());
    peer.get();
    CHECK((bytes_of(file) == bytes));
}

TEST_CASE_METHOD(transfer_test, "receive_file passes over an urgent byte, as recv does", "[file]") {
    auto pair = test::tcp_pair();
    pair.server.set_timeout(std::chrono::seconds(5));
    pair.client.send_all("12345");
    REQUIRE(::send(pair.client.fd(), "!", 1, MSG_OOB) == 1);
    pair.client.send_all("67890");
    const test::stopwatch watch;
    const unique_fd file = open_file();
    receive_file(pair.server, file.get(), 10);
    CHECK(bytes_of(file) == "1234567890");
    CHECK(watch.undisturbed_seconds() < 4);
}

TEST_CASE_METHOD(transfer_test, "any slice of a file can be sent, and its position does not move",
                 "[file]") {
    const std::string bytes = any_bytes(2 * mebibyte);
    const unique_fd file = open_file(bytes);
    ::lseek(file.get(), 77, SEEK_SET);
    const auto [offset, size] = GENERATE(table<std::uint64_t, std::uint64_t>({{0, 1},
                                                                              {1, 1},
                                                                              {4095, 2},
                                                                              {5, mebibyte + 1},
                                                                              {2 * mebibyte - 1, 1},
                                                                              {0, 0},
                                                                              {99, 0},
                                                                              {2 * mebibyte, 0}}));
    const std::uint64_t begin = offset;
    const std::uint64_t count = size;
    const auto send = [&](auto& to) { send_file(to, file.get(), begin, count); };
    CHECK(sent_by(test::local_pair(), send) ==
          bytes.substr(static_cast<std::size_t>(begin), static_cast<std::size_t>(count)));
    CHECK(::lseek(file.get(), 0, SEEK_CUR) == 77);
}

TEST_CASE_METHOD(transfer_test, "receive_file writes where the position of the file is", "[file]") {
    const unique_fd file = open_file("0123456789");
    ::lseek(file.get(), 4, SEEK_SET);
    receive("abc", test::local_pair(), file);
    receive("de", test::local_pair(), file);
    CHECK(bytes_of(file) == "0123abcde9");
}

TEST_CASE_METHOD(transfer_test, "receive_file leaves what follows in the stream", "[file]") {
    auto pair = pair_of_kind(GENERATE(0, 1));
    const unique_fd file = open_file();
    pair.client.send_all("holaadios");
    receive_file(pair.server, file.get(), 0);
    receive_file(pair.server, file.get(), 4);
    CHECK(bytes_of(file) == "hola");
    CHECK(pair.server.recv_exact(5) == "adios");
}

TEST_CASE_METHOD(transfer_test,
                 "files and messages take turns on one connection, in both directions", "[file]") {
    auto pair = pair_of_kind(GENERATE(0, 1));
    const std::string bytes = any_bytes(mebibyte + 1);
    const unique_fd source = open_file(bytes);
    const unique_fd target = open_file();
    auto peer = in_background([&] {
        pair.server.send_all("send");
        receive_file(pair.server, target.get(), bytes.size());
        send_file(pair.server, target.get(), 0, bytes.size());
    });
    CHECK(pair.client.recv_exact(4) == "send");
    send_file(pair.client, source.get(), 0, bytes.size());
    CHECK((pair.client.recv_exact(bytes.size()) == bytes));
    peer.get();
}

TEST_CASE_METHOD(transfer_test, "a stream that never waits sends and receives files all the same",
                 "[file]") {
    const std::string bytes = any_bytes(5 * mebibyte + 1);
    auto pair = pair_of_kind(GENERATE(0, 1));
    pair.client.set_non_blocking(true);
    pair.server.set_non_blocking(true);
    CHECK((copied(bytes, std::move(pair)) == bytes));
}

TEST_CASE_METHOD(transfer_test, "a file that is opened to append grows at its end", "[file]") {
    const std::string bytes = any_bytes(every_size());
    const test::temporary_folder folder;
    test::make_file(folder / "x", "before ");
    const unique_fd file(::open((folder / "x").c_str(), O_RDWR | O_APPEND | O_CLOEXEC));
    receive(bytes, pair_of_kind(GENERATE(0, 1)), file);
    CHECK((bytes_of(file) == "before " + bytes));
}

TEST_CASE_METHOD(transfer_test, "neither end needs another descriptor", "[file]") {
    const std::string bytes = any_bytes(1000);
    const unique_fd source = open_file(bytes);
    const unique_fd target = open_file();
    auto pair = pair_of_kind(GENERATE(0, 1));
    {
        const test::lower_limit<RLIMIT_NOFILE> limit(3);
        send_file(pair.client, source.get(), 0, bytes.size());
        receive_file(pair.server, target.get(), bytes.size());
    }
    CHECK((bytes_of(target) == bytes));
}

// ---- progress -----------------------------------------------------------------------------------

namespace {

/// Remembers what it was told.
struct told {
    std::vector<std::uint64_t>& values;
    void operator()(std::uint64_t bytes) const { values.push_back(bytes); }
};

/// From the first piece to `size`, each value larger than the one before.
void check_progress(const std::vector<std::uint64_t>& values, std::size_t size) {
    REQUIRE(values.size() >= size / mebibyte);
    CHECK(values.front() > 0);
    for (std::size_t i = 1; i < values.size(); ++i) CHECK(values[i - 1] < values[i]);
    CHECK(values.back() == size);
}

}  // namespace

TEST_CASE_METHOD(transfer_test, "progress is told in order, for each piece, and ends at the size",
                 "[file]") {
    const std::string bytes = any_bytes(GENERATE(std::size_t{1}, std::size_t{5} * mebibyte + 1));
    const unique_fd source = open_file(bytes);
    const unique_fd target = open_file();
    auto pair = pair_of_kind(GENERATE(0, 1));
    std::vector<std::uint64_t> sent;
    std::vector<std::uint64_t> received;
    auto sender =
        in_background([&] { send_file(pair.client, source.get(), 0, bytes.size(), told{sent}); });
    receive_file(pair.server, target.get(), bytes.size(), told{received});
    sender.get();
    check_progress(sent, bytes.size());
    check_progress(received, bytes.size());
}

TEST_CASE_METHOD(transfer_test, "progress counts from 0, wherever the slice begins", "[file]") {
    const unique_fd source = open_file("0123456789");
    const unique_fd target = open_file("0123456789");
    ::lseek(target.get(), 5, SEEK_SET);
    auto pair = test::local_pair();
    std::vector<std::uint64_t> values;
    send_file(pair.client, source.get(), 5, 3, told{values});
    receive_file(pair.server, target.get(), 3, told{values});
    CHECK(values == std::vector<std::uint64_t>{3, 3});
}

TEST_CASE_METHOD(transfer_test, "there is no progress to tell about nothing", "[file]") {
    const unique_fd file = open_file("x");
    auto pair = test::local_pair();
    std::vector<std::uint64_t> values;
    send_file(pair.client, file.get(), 0, 0, told{values});
    receive_file(pair.server, file.get(), 0, told{values});
    CHECK(values.empty());
}

// ---- the trace ----------------------------------------------------------------------------------

TEST_CASE_METHOD(transfer_test, "the trace tells each piece of a file", "[file]") {
    const unique_fd source = open_file("0123456789");
    const unique_fd target = open_file();
    auto pair = test::local_pair();
    test::trace_recorder recorder;
    send_file(pair.client, source.get(), 3, 5);
    CHECK(recorder.take() == std::vector<std::string>{"fd " + std::to_string(pair.client.fd()) +
                                                      ": send 5 of 5 bytes: \"34567\""});
    receive_file(pair.server, target.get(), 5);
    CHECK(recorder.take() == std::vector<std::string>{"fd " + std::to_string(pair.server.fd()) +
                                                      ": recv 5 of 5 asked: \"34567\""});
}

TEST_CASE_METHOD(transfer_test, "the trace tells why a piece did not go", "[file]") {
    const unique_fd file = open_file("0123456789");
    auto pair = test::local_pair();
    pair.server.close();
    test::trace_recorder recorder;
    CHECK_THROWS_AS(send_file(pair.client, file.get(), 0, 5), trama::network_error);
    CHECK(
        test::contains(recorder.take().front(), ": send 5 bytes: failed, " + test::reason(EPIPE)));
}

TEST_CASE_METHOD(transfer_test, "a piece has at most 256 KiB", "[file]") {
    const std::string bytes = any_bytes(mebibyte + 1);
    const unique_fd file = open_file();
    auto pair = test::tcp_pair();
    auto peer = test::sending(pair.client, bytes);
    std::uint64_t before = 0;
    receive_file(pair.server, file.get(), bytes.size(), [&](std::uint64_t done) {
        CHECK(done - before <= mebibyte / 4);
        before = done;
    });
    peer.get();
}

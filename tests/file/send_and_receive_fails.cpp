// How send_file and receive_file fail: with the right error, in time, and with nothing left behind.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "transfers.hpp"

#include <atomic>
#include <limits>

using namespace std::chrono_literals;
using test::any_bytes;
using test::bytes_of;
using test::check_as_new;
using test::failure_of;
using test::file_failure_of;
using test::in_background;
using test::open_file;
using test::pair_of_kind;
using test::transfer_test;
using trama::receive_file;
using trama::send_file;
using trama::tcp_stream;
using trama::unique_fd;

namespace {

constexpr std::size_t mebibyte = 1U << 20U;

/// More than all buffers between two ends take.
std::string many_bytes() {
    return std::string(16 * mebibyte, 'x');
}

}  // namespace

// ---- the file changes ---------------------------------------------------------------------------

TEST_CASE_METHOD(transfer_test, "a file that becomes shorter is an error, and nothing is made up",
                 "[file]") {
    const std::string bytes = any_bytes(5 * mebibyte);
    const unique_fd file = open_file(bytes);
    auto pair = pair_of_kind(GENERATE(0, 1));
    auto peer = test::receiving_all(pair.server);
    const std::size_t left = 4 * mebibyte + 1;
    const auto failed = file_failure_of([&] {
        send_file(pair.client, file.get(), 0, bytes.size(),
                  [&](std::uint64_t) { REQUIRE(::ftruncate(file.get(), left) == 0); });
    });
    pair.client.shutdown_send();
    CHECK(failed.code == std::error_code(ENODATA, std::system_category()));
    CHECK(failed.text == "send a file that became shorter: " + test::reason(ENODATA));
    CHECK((peer.get() == bytes.substr(0, left)));
}

TEST_CASE_METHOD(transfer_test, "a file that grows is sent as it was announced", "[file]") {
    const std::string bytes = any_bytes(2 * mebibyte);
    const unique_fd file = open_file(bytes);
    auto pair = pair_of_kind(GENERATE(0, 1));
    auto peer = test::receiving_all(pair.server);
    send_file(pair.client, file.get(), 0, bytes.size(),
              [&](std::uint64_t) { REQUIRE(::pwrite(file.get(), "more", 4, 2 * mebibyte) == 4); });
    pair.client.shutdown_send();
    CHECK((peer.get() == bytes));
}

TEST_CASE_METHOD(transfer_test, "more than a file holds cannot be sent", "[file]") {
    const unique_fd file = open_file("0123456789");
    auto pair = test::local_pair();
    const auto [offset, size] = GENERATE(table<std::uint64_t, std::uint64_t>({{0, 11},
                                                                              {10, 1},
                                                                              {1000, 1},
                                                                              {0, 1ULL << 63U},
                                                                              {0, ~0ULL},
                                                                              {1ULL << 32U, 1},
                                                                              {1ULL << 62U, 1},
                                                                              {1ULL << 63U, 1},
                                                                              {~0ULL, 1}}));
    const std::uint64_t begin = offset;
    const std::uint64_t count = size;
    const auto failed = file_failure_of([&] { send_file(pair.client, file.get(), begin, count); });
    const bool fits = begin <= static_cast<std::uint64_t>(std::numeric_limits<off_t>::max());
    CHECK(failed.code.value() == (fits ? ENODATA : EOVERFLOW));
}

// ---- the size to announce -----------------------------------------------------------------------

namespace {

test::outcome refused_size(const std::string& path) {
    const unique_fd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    return file_failure_of([&] { static_cast<void>(trama::size_of_file(file.get(), path)); });
}

std::uint64_t size_of(std::string_view bytes) {
    return trama::size_of_file(open_file(bytes).get(), "x");
}

}  // namespace

TEST_CASE_METHOD(transfer_test, "the size of a regular file can be announced", "[file]") {
    CHECK(size_of("") == 0);
    CHECK(size_of("x") == 1);
    CHECK(size_of(any_bytes(70000)) == 70000);
    const unique_fd sparse = open_file();
    const bool is_large = sizeof(off_t) > 4;  // else a file ends at 2 GiB
    const off_t size = std::numeric_limits<off_t>::max() >> (is_large ? 22 : 0);
    REQUIRE(::ftruncate(sparse.get(), size) == 0);
    ::lseek(sparse.get(), 77, SEEK_SET);
    CHECK(trama::size_of_file(sparse.get(), "x") == static_cast<std::uint64_t>(size));
    CHECK(::lseek(sparse.get(), 0, SEEK_CUR) == 77);
}

TEST_CASE_METHOD(transfer_test, "a FIFO, a folder and a device have no size", "[file]") {
    const test::temporary_folder where;
    REQUIRE(::mkfifo((where / "fifo").c_str(), 0600) == 0);
    for (const std::string& path : {where / "fifo", where.path(), std::string("/dev/zero")}) {
        const auto failed = refused_size(path);
        CHECK(failed.code == std::errc::not_supported);
        CHECK(failed.text ==
              "measure what is no regular file: " + path + ": " + test::reason(ENOTSUP));
    }
    CHECK(refused_size(where / "missing").code == std::errc::bad_file_descriptor);
}

TEST_CASE_METHOD(transfer_test, "a file that the system makes while it is read has no size",
                 "[file]") {
    const std::string path =
        GENERATE("/proc/cpuinfo", "/proc/sys/kernel/ostype", "/sys/kernel/mm/ksm/run",
                 "/sys/kernel/mm/transparent_hugepage/enabled");
    if (::access(path.c_str(), R_OK) != 0) return test::skip(path.c_str());
    const auto failed = refused_size(path);
    CHECK(failed.code == std::errc::not_supported);
    CHECK(failed.text == "measure a file with a wrong size, as in /proc or /sys: " + path + ": " +
                             test::reason(ENOTSUP));
}

TEST_CASE_METHOD(transfer_test, "what cannot be read is an error of the file", "[file]") {
    auto pair = test::local_pair();
    SECTION("no file") {
        const auto failed = file_failure_of([&] { send_file(pair.client, -1, 0, 1); });
        CHECK(failed.text == "read from a file: " + test::reason(EBADF));
    }
    SECTION("a folder") {
        const unique_fd folder(::open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
        const auto failed = file_failure_of([&] { send_file(pair.client, folder.get(), 0, 1); });
        CHECK(failed.text == "read from a file: " + test::reason(EISDIR));
    }
    SECTION("a pipe") {
        int ends[2];
        REQUIRE(::pipe2(ends, O_CLOEXEC) == 0);
        const unique_fd reading(ends[0]);
        const unique_fd writing(ends[1]);
        REQUIRE(::write(ends[1], "x", 1) == 1);
        const auto failed = file_failure_of([&] { send_file(pair.client, reading.get(), 0, 1); });
        CHECK(failed.code == std::errc::invalid_seek);
        CHECK(failed.text == "read from a file: " + test::reason(ESPIPE));
    }
    SECTION("a FIFO") {
        const test::temporary_folder where;
        REQUIRE(::mkfifo((where / "fifo").c_str(), 0600) == 0);
        const unique_fd fifo(::open((where / "fifo").c_str(), O_RDWR | O_CLOEXEC));
        const auto failed = file_failure_of([&] { send_file(pair.client, fifo.get(), 0, 1); });
        CHECK(failed.code == std::errc::invalid_seek);
    }
    SECTION("a file opened to be written only") {
        const test::temporary_folder where;
        test::make_file(where / "x", "0123456789");
        const unique_fd file(::open((where / "x").c_str(), O_WRONLY | O_CLOEXEC));
        const auto failed = file_failure_of([&] { send_file(pair.client, file.get(), 0, 1); });
        CHECK(failed.text == "read from a file: " + test::reason(EBADF));
    }
}

TEST_CASE_METHOD(transfer_test, "what cannot be written is an error of the file", "[file]") {
    auto pair = pair_of_kind(GENERATE(0, 1));
    pair.client.send_all("0123456789");
    SECTION("no file") {
        const auto failed = file_failure_of([&] { receive_file(pair.server, -1, 10); });
        CHECK(failed.text == "write to a file: " + test::reason(EBADF));
    }
    SECTION("a file opened to be read only") {
        const unique_fd file(::open("/dev/null", O_RDONLY | O_CLOEXEC));
        const auto failed = file_failure_of([&] { receive_file(pair.server, file.get(), 10); });
        CHECK(failed.text == "write to a file: " + test::reason(EBADF));
    }
    SECTION("a disk that is full") {
        const int flags = GENERATE(O_WRONLY, O_WRONLY | O_APPEND);
        const unique_fd file(::open("/dev/full", flags | O_CLOEXEC));
        const auto failed = file_failure_of([&] { receive_file(pair.server, file.get(), 10); });
        CHECK(failed.code == std::errc::no_space_on_device);
        CHECK(failed.text == "write to a file: " + test::reason(ENOSPC));
    }
    check_as_new(pair.server);
}

// ---- the peer goes ------------------------------------------------------------------------------

TEST_CASE_METHOD(transfer_test, "a peer that has gone is an error for the sender, and no signal",
                 "[file]") {
    const unique_fd file = open_file(many_bytes());
    auto pair = pair_of_kind(GENERATE(0, 1));
    pair.client.set_timeout(500ms);  // nobody reads until then
    const bool in_the_middle = GENERATE(false, true);
    if (!in_the_middle) pair.server.close();
    const auto failed = failure_of([&] {
        send_file(pair.client, file.get(), 0, 16 * mebibyte, [&](std::uint64_t) {
            if (in_the_middle) pair.server.close();
        });
    });
    const bool is_expected =
        failed.code == std::errc::broken_pipe || failed.code == std::errc::connection_reset;
    INFO(failed.text);
    CHECK(is_expected);
    CHECK(test::contains(failed.text, "send a file to "));
    check_as_new(pair.client);
}

TEST_CASE_METHOD(transfer_test, "a SIGPIPE that waited before still waits afterwards", "[file]") {
    const unique_fd file = open_file("0123456789");
    auto pair = test::local_pair();
    pair.server.close();
    sigset_t sigpipe;
    sigset_t before;
    ::sigemptyset(&sigpipe);
    ::sigaddset(&sigpipe, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &sigpipe, &before);
    const bool was_pending = GENERATE(false, true);
    if (was_pending) ::raise(SIGPIPE);
    CHECK(failure_of([&] { send_file(pair.client, file.get(), 0, 10); }).code ==
          std::errc::broken_pipe);
    CHECK(test::blocked_signals().count(SIGPIPE) == 1);
    CHECK(test::pending_signals().count(SIGPIPE) == (was_pending ? 1 : 0));
    int number = 0;
    if (was_pending) ::sigwait(&sigpipe, &number);
    ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

TEST_CASE_METHOD(transfer_test, "progress is told with the signals as they were", "[file]") {
    const unique_fd file = open_file("0123456789");
    auto pair = test::local_pair();
    std::set<int> blocked{SIGPIPE};
    send_file(pair.client, file.get(), 0, 10,
              [&](std::uint64_t) { blocked = test::blocked_signals(); });
    CHECK(blocked.count(SIGPIPE) == 0);
}

TEST_CASE_METHOD(transfer_test, "a peer that closes too early tells the receiver how much came",
                 "[file]") {
    auto pair = pair_of_kind(GENERATE(0, 1));
    const unique_fd file = open_file();
    const std::string bytes = any_bytes(GENERATE(0U, 1U, 100000U));
    pair.client.send_all(bytes);
    pair.client.close();
    try {
        receive_file(pair.server, file.get(), bytes.size() + 1);
        FAIL("the stream ended, and nobody said so");
    } catch (const trama::unexpected_eof& error) {
        CHECK(error.received() == bytes.size());
        CHECK(error.expected() == bytes.size() + 1);
        CHECK(test::contains(error.what(), "receive a file from "));
    }
    CHECK(bytes_of(file) == bytes);
    check_as_new(pair.server);
}

TEST_CASE_METHOD(transfer_test, "a size that no peer ever sends costs nothing before it comes",
                 "[file]") {
    auto pair = test::local_pair();
    const unique_fd file = open_file();
    const std::uint64_t huge = GENERATE(1ULL << 32U, 1ULL << 63U, ~0ULL);
    pair.client.send_all("few");
    pair.client.close();
    try {
        receive_file(pair.server, file.get(), huge);
        FAIL("the stream ended, and nobody said so");
    } catch (const trama::unexpected_eof& error) {
        CHECK(error.received() == 3);
        CHECK(error.expected() == huge);
    }
    CHECK(bytes_of(file) == "few");
}

TEST_CASE_METHOD(transfer_test, "a connection that is cut is an error for the receiver", "[file]") {
    auto pair = test::tcp_pair();
    const unique_fd file = open_file();
    test::reset(std::move(pair.client));
    const auto failed = failure_of([&] { receive_file(pair.server, file.get(), 10); });
    CHECK(failed.code == std::errc::connection_reset);
    CHECK(test::contains(failed.text, "receive a file from 127.0.0.1:"));
}

TEST_CASE_METHOD(transfer_test, "no connection is an error of the network", "[file]") {
    const unique_fd file = open_file("0123456789");
    tcp_stream none;
    none.set_timeout(GENERATE(trama::no_timeout, trama::duration(1s)));
    CHECK(failure_of([&] { send_file(none, file.get(), 0, 10); }).code ==
          std::errc::bad_file_descriptor);
    CHECK(failure_of([&] { receive_file(none, file.get(), 10); }).code ==
          std::errc::bad_file_descriptor);
}

// ---- the peer stalls ----------------------------------------------------------------------------

namespace {

/// Not before its time, and not long after it. The upper bound is generous: machines are shared.
void check_timed_out(const test::outcome& failed, const char* operation, double seconds) {
    INFO(failed.text << " after " << failed.seconds << " s");
    CHECK(failed.code == std::errc::timed_out);
    CHECK(test::contains(failed.text, operation));
    CHECK(failed.seconds >= seconds);
    CHECK(failed.undisturbed_seconds < seconds + 0.7);
}

}  // namespace

TEST_CASE_METHOD(transfer_test, "a peer that never reads ends with a time-out", "[file]") {
    const unique_fd file = open_file(many_bytes());
    auto pair = pair_of_kind(GENERATE(0, 1));
    pair.client.set_timeout(1s);
    check_timed_out(failure_of([&] { send_file(pair.client, file.get(), 0, 16 * mebibyte); }),
                    "send a file to ", 1);
    check_as_new(pair.client);
}

TEST_CASE_METHOD(transfer_test, "a peer that never sends ends with a time-out", "[file]") {
    const unique_fd file = open_file();
    auto pair = pair_of_kind(GENERATE(0, 1));
    pair.server.set_timeout(1s);
    pair.client.send_all("only the start");
    check_timed_out(failure_of([&] { receive_file(pair.server, file.get(), 1000); }),
                    "receive a file from ", 1);
    CHECK(bytes_of(file) == "only the start");
    check_as_new(pair.server);
}

TEST_CASE_METHOD(transfer_test, "a time-out of 0 does not wait, and does not mean for ever",
                 "[file]") {
    const unique_fd file = open_file(many_bytes());
    auto pair = pair_of_kind(GENERATE(0, 1));
    pair.client.set_timeout(GENERATE(trama::duration(0s), trama::duration(-1s)));
    CHECK(failure_of([&] { send_file(pair.client, file.get(), 0, 16 * mebibyte); }).code ==
          std::errc::timed_out);
    CHECK(failure_of([&] { receive_file(pair.client, file.get(), 1); }).code ==
          std::errc::timed_out);
}

namespace {

/// A peer that moves 100 bytes, 10 at a time, within at least 1 s.
template <typename Move>
auto slowly(Move move) {
    return in_background([move] {
        for (int i = 0; i < 10; ++i) {
            test::pause(100ms);
            move();
        }
    });
}

}  // namespace

TEST_CASE_METHOD(transfer_test, "the time-out bounds a stall, and not a slow transfer: receiving",
                 "[file]") {
    auto pair = pair_of_kind(GENERATE(0, 1));
    const unique_fd file = open_file();
    pair.server.set_timeout(800ms);
    auto peer = slowly([&] { pair.client.send_all("0123456789"); });
    receive_file(pair.server, file.get(), 100);
    peer.get();
    CHECK(bytes_of(file).size() == 100);
}

TEST_CASE_METHOD(transfer_test, "the time-out bounds a stall, and not a slow transfer: sending",
                 "[file]") {
    auto pair = test::local_pair();  // its buffers are small, so that the sender has to wait
    const unique_fd file = open_file(many_bytes());
    pair.client.set_timeout(800ms);
    std::string received(mebibyte, '\0');
    auto peer = slowly([&] { pair.server.recv_exact(received.data(), received.size()); });
    send_file(pair.client, file.get(), 0, 10 * mebibyte);
    peer.get();
}

TEST_CASE_METHOD(transfer_test, "signals do not stretch the time-out", "[file]") {
    const unique_fd file = open_file(many_bytes());
    auto pair = pair_of_kind(GENERATE(0, 1));
    pair.client.set_timeout(300ms);
    struct sigaction interrupt {};
    struct sigaction before {};
    interrupt.sa_handler = [](int) {};
    ::sigaction(SIGUSR1, &interrupt, &before);
    auto storm = in_background([thread = ::pthread_self()] {
        for (int i = 0; i < 200; ++i, test::pause(10ms)) ::pthread_kill(thread, SIGUSR1);
    });
    const auto sent = failure_of([&] { send_file(pair.client, file.get(), 0, 16 * mebibyte); });
    const auto received = failure_of([&] { receive_file(pair.client, file.get(), 1); });
    storm.get();
    ::sigaction(SIGUSR1, &before, nullptr);
    check_timed_out(sent, "send a file to ", 0.3);
    check_timed_out(received, "receive a file from ", 0.3);
}

TEST_CASE_METHOD(transfer_test, "progress is told for the little that a slow peer takes",
                 "[file]") {
    const unique_fd file = open_file(many_bytes());
    auto pair = test::local_pair();
    const test::stopwatch watch;
    const auto stop = [](std::uint64_t) { throw std::runtime_error("seen"); };
    CHECK_THROWS_WITH(send_file(pair.client, file.get(), 0, 16 * mebibyte, stop), "seen");
    CHECK(watch.undisturbed_seconds() < 5);
}

// ---- the callback ends it -----------------------------------------------------------------------

TEST_CASE_METHOD(transfer_test, "what progress throws passes through, and nothing is left behind",
                 "[file]") {
    const std::string bytes = any_bytes(3 * mebibyte);
    const unique_fd source = open_file(bytes);
    const unique_fd target = open_file();
    auto pair = pair_of_kind(GENERATE(0, 1));
    auto peer = test::receiving_all(pair.server);
    std::uint64_t sent = 0;
    const auto stop = [&](std::uint64_t count) {
        sent = count;
        throw std::runtime_error("enough");
    };
    CHECK_THROWS_WITH(send_file(pair.client, source.get(), 0, bytes.size(), stop), "enough");
    check_as_new(pair.client);
    pair.client.shutdown_send();
    const std::string seen = peer.get();
    CHECK(seen.size() == sent);
    CHECK((seen == bytes.substr(0, seen.size())));

    pair.server.send_all("hola");
    CHECK_THROWS_WITH(receive_file(pair.client, target.get(), 1000, stop), "enough");
    CHECK(sent == 4);
    CHECK(bytes_of(target) == "hola");
    check_as_new(pair.client);
}

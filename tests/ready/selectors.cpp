// Waiting for many descriptors: the same tests for select, poll and epoll.
#include "every_selector.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"
#include "../support/trace_recorder.hpp"

#include <csignal>
#include <cstring>
#include <ctime>

#include <sys/resource.h>
#include <sys/time.h>

using namespace std::chrono_literals;
using test::every_selector;
using test::failure_of;
using test::found;
using test::net_test;
using test::wait_for;
using trama::interest;
using trama::ready_event;

// ---- what is ready -----------------------------------------------------------------------------

TEMPLATE_LIST_TEST_CASE("a descriptor is ready only for what was asked", "[ready]",
                        every_selector) {
    const net_test nothing_left_open;
    auto pair = test::local_pair();
    const int fd = pair.server.fd();
    TestType ready;
    ready.add(fd, interest::read);
    CHECK(wait_for(ready, 0s).empty());
    pair.client.send_all("x");
    CHECK(wait_for(ready, 0s) == found{{fd, "r"}});
    ready.modify(fd, interest::write);
    CHECK(wait_for(ready, 0s) == found{{fd, "w"}});
    ready.modify(fd, interest::read_write);
    CHECK(wait_for(ready, 0s) == found{{fd, "rw"}});
    static_cast<void>(pair.server.recv_exact(1));
    CHECK(wait_for(ready, 0s) == found{{fd, "w"}});
    test::fill(pair.server);
    CHECK(wait_for(ready, 0s).empty());
}

TEST_CASE("an event that nobody has told is about no descriptor, and ready for nothing",
          "[ready]") {
    const ready_event none;
    CHECK(none.fd == -1);
    CHECK_FALSE(none.readable);
    CHECK_FALSE(none.writable);
}

TEMPLATE_LIST_TEST_CASE("what is ready is told again until it was handled", "[ready]",
                        every_selector) {
    const net_test nothing_left_open;
    auto pair = test::local_pair();
    pair.client.send_all("xy");
    TestType ready;
    ready.add(pair.server.fd(), interest::read);
    CHECK(wait_for(ready, 0s).size() == 1);
    static_cast<void>(pair.server.recv_exact(1));
    CHECK(wait_for(ready, 0s).size() == 1);
    static_cast<void>(pair.server.recv_exact(1));
    CHECK(wait_for(ready, 0s).empty());
}

TEMPLATE_LIST_TEST_CASE("of many descriptors only the ready ones are told", "[ready]",
                        every_selector) {
    const net_test nothing_left_open;
    std::vector<test::stream_pair> pairs(20);
    TestType ready;
    found expected;
    for (std::size_t i = 0; i < pairs.size(); ++i) {
        pairs[i] = test::local_pair();
        ready.add(pairs[i].server.fd(), interest::read);
        if (i % 3 != 0) continue;
        pairs[i].client.send_all("x");
        expected[pairs[i].server.fd()] = "r";
    }
    CHECK(wait_for(ready, 0s) == expected);
}

TEMPLATE_LIST_TEST_CASE("a listener is readable when somebody calls", "[ready]", every_selector) {
    const net_test nothing_left_open;
    auto listener = trama::tcp_listener::listen("127.0.0.1", 0);
    TestType ready;
    ready.add(listener.fd(), interest::read);
    CHECK(wait_for(ready, 0s).empty());
    const auto caller = trama::tcp_stream::connect("127.0.0.1", listener.local_endpoint().port());
    CHECK(wait_for(ready, 20s) == found{{listener.fd(), "r"}});
}

TEMPLATE_LIST_TEST_CASE("the end of a stream is readable", "[ready]", every_selector) {
    const net_test nothing_left_open;
    auto pair = test::tcp_pair();
    TestType ready;
    ready.add(pair.server.fd(), interest::read);
    pair.client.shutdown_send();
    CHECK(wait_for(ready, 20s) == found{{pair.server.fd(), "r"}});
    ready.modify(pair.server.fd(), interest::read_write);
    CHECK(wait_for(ready, 20s) == found{{pair.server.fd(), "rw"}});
    ready.modify(pair.server.fd(), interest::write);  // the other direction goes on
    CHECK(wait_for(ready, 20s) == found{{pair.server.fd(), "w"}});
}

TEMPLATE_LIST_TEST_CASE("a reset is ready for all that was asked, and for nothing else", "[ready]",
                        every_selector) {
    const net_test nothing_left_open;
    auto pair = test::tcp_pair();
    test::fill(pair.server);  // so that only the reset can make it writable
    const int fd = pair.server.fd();
    TestType ready;
    ready.add(fd, interest::read_write);
    CHECK(wait_for(ready, 0s).empty());
    test::reset(std::move(pair.client));
    CHECK(wait_for(ready, 20s) == found{{fd, "rw"}});
    ready.modify(fd, interest::read);
    CHECK(wait_for(ready, 20s) == found{{fd, "r"}});
    ready.modify(fd, interest::write);
    CHECK(wait_for(ready, 20s) == found{{fd, "w"}});
}

TEMPLATE_LIST_TEST_CASE("a hang-up is ready for all that was asked, and for nothing else",
                        "[ready]", every_selector) {
    const net_test nothing_left_open;
    auto pair = test::local_pair();
    const int fd = pair.server.fd();
    pair.client.close();
    TestType ready;
    ready.add(fd, interest::read_write);
    CHECK(wait_for(ready, 20s) == found{{fd, "rw"}});
    ready.modify(fd, interest::read);
    CHECK(wait_for(ready, 20s) == found{{fd, "r"}});
    ready.modify(fd, interest::write);
    CHECK(wait_for(ready, 20s) == found{{fd, "w"}});
}

// ---- how long it takes -------------------------------------------------------------------------

TEMPLATE_LIST_TEST_CASE("a time-out of 0 does not wait", "[ready]", every_selector) {
    const net_test nothing_left_open;
    auto pair = test::local_pair();
    TestType ready;
    const test::stopwatch watch;
    CHECK(ready.wait(0s).empty());  // nothing is watched
    ready.add(pair.server.fd(), interest::read);
    CHECK(ready.wait(0s).empty());
    CHECK(ready.wait(-5s).empty());
    CHECK(watch.undisturbed_seconds() < 1.0);
}

TEMPLATE_LIST_TEST_CASE("a time-out of 30 ms is over after 30 ms, and not before", "[ready]",
                        every_selector) {
    const net_test nothing_left_open;
    auto pair = test::local_pair();
    TestType ready;
    ready.add(pair.server.fd(), interest::read);
    for (int i = 0; i < 5; ++i) {
        const test::stopwatch watch;
        CHECK(ready.wait(30ms).empty());
        CHECK(watch.seconds() >= 0.030);
        CHECK(watch.undisturbed_seconds() < 1.0);
    }
}

TEMPLATE_LIST_TEST_CASE("a wait ends when another thread sends, however long it may last",
                        "[ready]", every_selector) {
    const net_test nothing_left_open;
    const trama::duration timeout =
        GENERATE(as<trama::duration>(), trama::no_timeout, trama::no_timeout - 1ns,
                 std::chrono::hours(24 * 365), 20s);
    auto pair = test::local_pair();
    TestType ready;
    ready.add(pair.server.fd(), interest::read);
    auto sender = test::in_background([&] {
        test::pause(20ms);  // the wait has most likely begun
        pair.client.send_all("x");
    });
    CHECK(wait_for(ready, timeout) == found{{pair.server.fd(), "r"}});
    sender.get();
}

namespace {

volatile std::sig_atomic_t signals_seen = 0;

/// While it lives, SIGALRM comes every 100 microseconds, and system calls are not restarted.
class signal_storm {
public:
    signal_storm() {
        signals_seen = 0;
        struct sigaction counting {};
        counting.sa_handler = [](int) { signals_seen = signals_seen + 1; };
        ::sigaction(SIGALRM, &counting, &before_);
        const itimerval often{{0, 100}, {0, 100}};
        ::setitimer(ITIMER_REAL, &often, nullptr);
    }
    signal_storm(const signal_storm&) = delete;
    signal_storm& operator=(const signal_storm&) = delete;
    ~signal_storm() {
        const itimerval never{};
        ::setitimer(ITIMER_REAL, &never, nullptr);
        ::sigaction(SIGALRM, &before_, nullptr);
    }

private:
    struct sigaction before_ {};
};

}  // namespace

TEMPLATE_LIST_TEST_CASE("a storm of signals does not stretch a time-out", "[ready]",
                        every_selector) {
    const net_test nothing_left_open;
    auto pair = test::local_pair();
    TestType ready;
    ready.add(pair.server.fd(), interest::read);
    const signal_storm storm;
    const test::stopwatch watch;
    CHECK(ready.wait(100ms).empty());
    CHECK(watch.seconds() >= 0.1);
    CHECK(watch.undisturbed_seconds() < 0.4);
    CHECK(signals_seen > 20);
}

// ---- nothing stale -----------------------------------------------------------------------------

TEMPLATE_LIST_TEST_CASE("what is removed while events are handled has no event any more", "[ready]",
                        every_selector) {
    const net_test nothing_left_open;
    auto one = test::local_pair();
    auto two = test::local_pair();
    one.client.send_all("x");
    two.client.send_all("x");
    TestType ready;
    ready.add(one.server.fd(), interest::read);
    ready.add(two.server.fd(), interest::read);
    int handled = 0;
    for (const ready_event event : ready.wait(20s)) {
        ++handled;
        ready.remove(event.fd == one.server.fd() ? two.server.fd() : one.server.fd());
    }
    CHECK(handled == 1);
    CHECK(wait_for(ready, 0s).size() == 1);
}

TEMPLATE_LIST_TEST_CASE("what is removed before the events are handled has no event either",
                        "[ready]", every_selector) {
    const net_test nothing_left_open;
    auto one = test::local_pair();
    auto two = test::local_pair();
    one.client.send_all("x");
    two.client.send_all("x");
    for (const bool is_first : {true, false}) {
        TestType ready;
        ready.add(one.server.fd(), interest::read);
        ready.add(two.server.fd(), interest::read);
        const trama::ready_events& events = ready.wait(20s);
        const int removed = is_first ? one.server.fd() : two.server.fd();
        ready.remove(removed);
        int handled = 0;
        for (const ready_event event : events) {
            ++handled;
            CHECK(event.fd != removed);
        }
        CHECK(handled == 1);
        CHECK_FALSE(events.empty());
    }
}

TEMPLATE_LIST_TEST_CASE("when all that was ready is removed, there are no events", "[ready]",
                        every_selector) {
    const net_test nothing_left_open;
    auto pair = test::local_pair();
    pair.client.send_all("x");
    TestType ready;
    ready.add(pair.server.fd(), interest::read);
    const trama::ready_events& events = ready.wait(20s);
    CHECK_FALSE(events.empty());
    ready.remove(pair.server.fd());
    CHECK(events.empty());
    int handled = 0;
    for (const ready_event event : events) handled += event.fd;
    CHECK(handled == 0);
}

// A program that is started with its standard input closed gets 0 for its first socket.
TEMPLATE_LIST_TEST_CASE("a socket that is descriptor 0 is watched like any other", "[ready]",
                        every_selector) {
    const net_test nothing_left_open;
    const trama::unique_fd saved(::fcntl(0, F_DUPFD_CLOEXEC, 3));
    {
        TestType ready;
        ::close(0);
        auto pair = test::local_pair();
        REQUIRE(pair.client.fd() == 0);
        ready.add(0, interest::read);
        CHECK(wait_for(ready, 0s).empty());
        pair.server.send_all("x");
        CHECK(wait_for(ready, 20s) == test::found{{0, "r"}});
        CHECK(pair.client.recv_some(10) == "x");
        ready.modify(0, interest::read_write);
        CHECK(wait_for(ready, 20s) == test::found{{0, "w"}});
        ready.remove(0);
        CHECK(wait_for(ready, 0s).empty());
    }
    ::dup2(saved.get(), 0);
}

TEMPLATE_LIST_TEST_CASE("a number that is closed, used again and added anew has no stale event",
                        "[ready]", every_selector) {
    const net_test nothing_left_open;
    const bool is_removed = GENERATE(true, false);
    auto one = test::local_pair();
    auto two = test::local_pair();
    one.client.send_all("x");
    two.client.send_all("x");
    TestType ready;
    ready.add(one.server.fd(), interest::read);
    ready.add(two.server.fd(), interest::read);
    test::stream_pair fresh;
    int handled = 0;
    int number = -1;
    for (const ready_event event : ready.wait(20s)) {
        ++handled;
        trama::tcp_stream& other = event.fd == one.server.fd() ? two.server : one.server;
        number = other.fd();
        if (is_removed) ready.remove(number);
        other.close();
        fresh = test::local_pair();  // the kernel gives the smallest number that is free
        REQUIRE(fresh.client.fd() == number);
        ready.add(number, interest::read);
    }
    CHECK(handled == 1);
    CHECK(wait_for(ready, 0s).count(number) == 0);
    fresh.server.send_all("x");
    CHECK(wait_for(ready, 0s).count(number) == 1);
}

TEMPLATE_LIST_TEST_CASE("a thousand changes of owner bring no event for the wrong one", "[ready]",
                        every_selector) {
    const net_test nothing_left_open;
    TestType ready;
    int wrong = 0;
    for (int i = 0; i < 1000; ++i) {
        auto silent = test::local_pair();
        auto loud = test::local_pair();
        if (i % 2 == 0) std::swap(silent, loud);
        loud.client.send_all("x");
        ready.add(silent.server.fd(), interest::read);
        ready.add(loud.server.fd(), interest::read);
        if (wait_for(ready, 0s) != found{{loud.server.fd(), "r"}}) ++wrong;
        ready.remove(silent.server.fd());
        ready.remove(loud.server.fd());
    }
    CHECK(wrong == 0);
}

TEMPLATE_LIST_TEST_CASE("who removes the descriptor that is being handled still knows its number",
                        "[ready]", every_selector) {
    const net_test nothing_left_open;
    auto pair = test::local_pair();
    pair.client.send_all("x");
    TestType ready;
    ready.add(pair.server.fd(), interest::read);
    int number = -1;
    for (const ready_event& event : ready.wait(20s)) {
        ready.remove(event.fd);
        number = event.fd;  // as in close(event.fd)
    }
    CHECK(number == pair.server.fd());
}

namespace {

/// Seconds of the processor that this thread has used.
double processor_seconds() {
    timespec used{};
    ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &used);
    return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) * 1e-9;
}

}  // namespace

TEMPLATE_LIST_TEST_CASE("a descriptor closed before it was removed is forgotten", "[ready]",
                        every_selector) {
    const net_test nothing_left_open;
    std::vector<test::stream_pair> pairs(5);
    TestType ready;
    for (auto& pair : pairs) {
        pair = test::local_pair();
        ready.add(pair.server.fd(), interest::read);
    }
    // The first, the last and one between; to remove one of them now does nothing.
    const int last = pairs[4].server.fd();
    for (const std::size_t i : {0U, 2U, 4U}) pairs[i].server.close();
    const test::stopwatch watch;
    const double before = processor_seconds();
    CHECK(ready.wait(200ms).empty());
    CHECK(watch.seconds() >= 0.2);
    CHECK(processor_seconds() - before < 0.1);  // and it did not spin
    ready.remove(last);
    pairs[1].client.send_all("x");
    pairs[3].client.send_all("x");
    CHECK(wait_for(ready, 20s) == found{{pairs[1].server.fd(), "r"}, {pairs[3].server.fd(), "r"}});
}

// ---- add, modify, remove -----------------------------------------------------------------------

TEMPLATE_LIST_TEST_CASE("add on a descriptor that is watched changes what it is watched for",
                        "[ready]", every_selector) {
    const net_test nothing_left_open;
    auto pair = test::local_pair();
    pair.client.send_all("x");
    TestType ready;
    ready.add(pair.server.fd(), interest::read);
    ready.add(pair.server.fd(), interest::write);
    CHECK(wait_for(ready, 0s) == found{{pair.server.fd(), "w"}});
    ready.remove(pair.server.fd());  // once is enough
    CHECK(wait_for(ready, 0s).empty());
}

TEMPLATE_LIST_TEST_CASE("modify on a descriptor that is not watched is an explained error",
                        "[ready]", every_selector) {
    const net_test nothing_left_open;
    auto pair = test::local_pair();
    const int fd = pair.server.fd();
    TestType ready;
    const auto explained =
        "modify descriptor " + std::to_string(fd) + ": it is not watched (add it first)";
    const auto unknown = failure_of([&] { return ready.modify(fd, interest::read); });
    CHECK(unknown.code == std::errc::no_such_file_or_directory);
    CHECK(unknown.text == explained);
    ready.add(fd, interest::read);
    ready.remove(fd);
    CHECK(failure_of([&] { return ready.modify(fd, interest::read); }).text == explained);
    pair.client.send_all("x");
    CHECK(wait_for(ready, 0s).empty());  // and what failed has changed nothing
}

TEMPLATE_LIST_TEST_CASE("to remove a descriptor that is not watched does nothing", "[ready]",
                        every_selector) {
    const net_test nothing_left_open;
    auto pair = test::local_pair();
    pair.client.send_all("x");
    TestType ready;
    ready.remove(pair.client.fd());
    ready.add(pair.server.fd(), interest::read_write);
    // The last of these numbers would be a bit of the set for writing, if select had one more.
    for (const int fd : {pair.client.fd(), 1500, -1, pair.server.fd() + 1024}) ready.remove(fd);
    CHECK(wait_for(ready, 0s) == found{{pair.server.fd(), "rw"}});
    ready.remove(pair.server.fd());
    ready.remove(pair.server.fd());
    CHECK(wait_for(ready, 0s).empty());
    ready.add(pair.server.fd(), interest::read);
    CHECK(wait_for(ready, 0s) == found{{pair.server.fd(), "r"}});
}

TEMPLATE_LIST_TEST_CASE("a negative descriptor cannot be added or modified", "[ready]",
                        every_selector) {
    const net_test nothing_left_open;
    TestType ready;
    CHECK(failure_of([&] { return ready.add(-1, interest::read); }).code ==
          std::errc::bad_file_descriptor);
    CHECK(failure_of([&] { return ready.modify(-1, interest::read); }).code != std::error_code());
    CHECK(ready.wait(0s).empty());
}

TEMPLATE_LIST_TEST_CASE("descriptors come and go in any order", "[ready]", every_selector) {
    const net_test nothing_left_open;
    std::vector<test::stream_pair> pairs(30);
    for (auto& pair : pairs) {
        pair = test::local_pair();
        pair.client.send_all("x");
    }
    TestType ready;
    found expected;
    std::uint32_t state = 1;
    for (int i = 0; i < 2000; ++i) {
        state = state * 1664525U + 1013904223U;
        const int fd = pairs[(state >> 8U) % pairs.size()].server.fd();
        if ((state >> 30U) == 0) {
            ready.remove(fd);
            expected.erase(fd);
        } else {
            const bool both = (state >> 30U) == 1;
            ready.add(fd, both ? interest::read_write : interest::read);
            expected[fd] = both ? "rw" : "r";
        }
        if (wait_for(ready, 0s) != expected) FAIL("after change " << i);
    }
    CHECK(wait_for(ready, 0s) == expected);
}

// ---- large numbers, and many of them -----------------------------------------------------------

namespace {

/// Lets this process have 2,000 descriptors while it lives, if the system does.
class many_descriptors {
public:
    many_descriptors() {
        ::getrlimit(RLIMIT_NOFILE, &before_);
        rlimit more = before_;
        if (more.rlim_cur < 2000) more.rlim_cur = more.rlim_max < 2000 ? more.rlim_max : 2000;
        ::setrlimit(RLIMIT_NOFILE, &more);
        are_possible = more.rlim_cur >= 2000;
    }
    many_descriptors(const many_descriptors&) = delete;
    many_descriptors& operator=(const many_descriptors&) = delete;
    ~many_descriptors() { ::setrlimit(RLIMIT_NOFILE, &before_); }

    bool are_possible = false;

private:
    rlimit before_{};
};

}  // namespace

TEST_CASE_METHOD(net_test, "select cannot hold descriptor 1,500: it says so and goes on",
                 "[ready]") {
    const many_descriptors limit;
    if (!limit.are_possible) return test::skip("2,000 descriptors are not allowed here");
    auto pair = test::local_pair();
    pair.client.send_all("x");
    const trama::unique_fd large(::dup2(pair.server.fd(), 1500));
    REQUIRE(large.get() == 1500);
    trama::selector ready;
    ready.add(pair.server.fd(), interest::read);
    const auto failed = failure_of([&] { return ready.add(1500, interest::read); });
    CHECK(failed.code == std::errc::invalid_argument);
    CHECK(failed.text ==
          "watch descriptor 1500: select(2) holds 0 to 1023 (use poll_selector or epoll_selector)");
    CHECK(failure_of([&] { return ready.modify(1500, interest::read); }).text ==
          "modify descriptor 1500: it is not watched (add it first)");
    ready.remove(1500);
    CHECK(wait_for(ready, 20s) == found{{pair.server.fd(), "r"}});
}

TEST_CASE_METHOD(net_test, "select holds descriptor 1,023, and not 1,024", "[ready]") {
    const many_descriptors limit;
    if (!limit.are_possible) return test::skip("2,000 descriptors are not allowed here");
    auto pair = test::local_pair();
    pair.client.send_all("x");
    const trama::unique_fd last(::dup2(pair.server.fd(), 1023));
    const trama::unique_fd first_too_many(::dup2(pair.server.fd(), 1024));
    trama::selector ready;
    ready.add(1023, interest::read);
    CHECK(failure_of([&] { return ready.add(1024, interest::read); }).code ==
          std::errc::invalid_argument);
    CHECK(wait_for(ready, 20s) == found{{1023, "r"}});
}

TEMPLATE_TEST_CASE("poll and epoll take descriptor 1,500 like any other", "[ready]",
                   trama::poll_selector, trama::epoll_selector) {
    const net_test nothing_left_open;
    const many_descriptors limit;
    if (!limit.are_possible) return test::skip("2,000 descriptors are not allowed here");
    auto pair = test::local_pair();
    pair.client.send_all("x");
    const trama::unique_fd large(::dup2(pair.server.fd(), 1500));
    TestType ready;
    ready.add(1500, interest::read);
    CHECK(wait_for(ready, 20s) == found{{1500, "r"}});
    ready.modify(1500, interest::write);
    CHECK(wait_for(ready, 20s) == found{{1500, "w"}});
    ready.remove(1500);
    CHECK(wait_for(ready, 0s).empty());
}

TEMPLATE_LIST_TEST_CASE("300 that are ready at once are all told, by epoll in two waits", "[ready]",
                        every_selector) {
    const net_test nothing_left_open;
    const many_descriptors limit;
    if (!limit.are_possible) return test::skip("2,000 descriptors are not allowed here");
    auto pair = test::local_pair();
    pair.client.send_all("x");
    std::vector<trama::unique_fd> copies;
    TestType ready;
    for (int i = 0; i < 300; ++i) {
        copies.emplace_back(::dup(pair.server.fd()));
        ready.add(copies.back().get(), interest::read);
    }
    const bool is_epoll = std::is_same_v<TestType, trama::epoll_selector>;
    found all = wait_for(ready, 20s);
    CHECK(all.size() == (is_epoll ? 256U : 300U));
    all.merge(wait_for(ready, 20s));
    CHECK(all.size() == 300);
    for (const auto& copy : copies) ready.remove(copy.get());
}

TEST_CASE_METHOD(net_test, "epoll cannot watch a regular file, and says so", "[ready]") {
    const trama::unique_fd file(::open("/etc/passwd", O_RDONLY | O_CLOEXEC));
    trama::epoll_selector ready;
    const auto failed = failure_of([&] { return ready.add(file.get(), interest::read); });
    CHECK(failed.code == std::errc::operation_not_permitted);
    CHECK(test::contains(failed.text, "watch descriptor " + std::to_string(file.get()) + ": "));
}

TEST_CASE_METHOD(net_test, "an epoll_selector can be moved, and is not inherited by children",
                 "[ready]") {
    auto pair = test::local_pair();
    pair.client.send_all("x");
    test::trace_recorder recorder;
    trama::epoll_selector first;
    const std::string line = recorder.take().at(0);
    REQUIRE(line.find("epoll_create1: fd ") == 0);
    CHECK(test::is_closed_on_exec(std::stoi(line.substr(std::strlen("epoll_create1: fd ")))));
    first.add(pair.server.fd(), interest::read);
    trama::epoll_selector second = std::move(first);
    CHECK(wait_for(second, 20s) == found{{pair.server.fd(), "r"}});
}

// ---- the trace ---------------------------------------------------------------------------------

TEST_CASE_METHOD(net_test, "the trace tells each wait of select", "[ready]") {
    auto pair = test::local_pair();
    trama::selector ready;
    ready.add(pair.server.fd(), interest::read);
    pair.client.send_all("x");
    test::trace_recorder recorder;
    ready.wait(0s);
    ready.modify(pair.server.fd(), interest::read);
    ready.remove(pair.server.fd());
    ready.wait(0s);
    CHECK(recorder.take() ==
          std::vector<std::string>{
              "select below " + std::to_string(pair.server.fd() + 1) + ": 1 ready",
              "select below 0: 0 ready"});
}

TEST_CASE_METHOD(net_test, "the trace tells each wait of poll", "[ready]") {
    auto pair = test::local_pair();
    trama::poll_selector ready;
    ready.add(pair.server.fd(), interest::read);
    ready.add(pair.client.fd(), interest::read);
    pair.client.send_all("x");
    test::trace_recorder recorder;
    ready.wait(0s);
    ready.remove(pair.server.fd());
    ready.wait(0s);
    CHECK(recorder.take() == std::vector<std::string>{"poll of 2: 1 ready", "poll of 1: 0 ready"});
}

TEST_CASE_METHOD(net_test, "the trace tells each wait of epoll, and each change", "[ready]") {
    auto pair = test::local_pair();
    const std::string fd = std::to_string(pair.server.fd());
    pair.client.send_all("x");
    test::trace_recorder recorder;
    trama::epoll_selector ready;
    const std::string epoll =
        "fd " + recorder.take().at(0).substr(std::strlen("epoll_create1: fd ")) + ": ";
    ready.add(pair.server.fd(), interest::read);
    ready.wait(0s);
    ready.modify(pair.server.fd(), interest::write);
    ready.remove(pair.server.fd());
    ready.wait(0s);
    CHECK(recorder.take() == std::vector<std::string>{epoll + "epoll_ctl read: fd " + fd,
                                                      epoll + "epoll_wait: 1 ready",
                                                      epoll + "epoll_ctl write: fd " + fd,
                                                      epoll + "epoll_ctl remove: fd " + fd,
                                                      epoll + "epoll_wait: 0 ready"});
}

// "Stop" as a descriptor: from a thread, from a signal handler, from Ctrl-C.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"
#include "../support/signals.hpp"

#include <csignal>

#include <sys/wait.h>

using namespace std::chrono_literals;
using test::net_test;
using trama::stop_signal;

static_assert(noexcept(std::declval<stop_signal&>().stop()));
static_assert(!std::is_copy_constructible_v<stop_signal>);
static_assert(!std::is_move_constructible_v<stop_signal>);

namespace {

test::handler handler_of(int number) {
    struct sigaction action {};
    ::sigaction(number, nullptr, &action);
    return action.sa_handler;
}

void do_nothing(int) {}

bool is_readable(int fd) {
    pollfd watched{fd, POLLIN, 0};
    return ::poll(&watched, 1, 0) == 1;
}

stop_signal* told_by_handler = nullptr;

}  // namespace

TEST_CASE_METHOD(net_test, "a stop_signal is quiet until it is stopped, and readable ever after",
                 "[ready]") {
    stop_signal stop;
    CHECK_FALSE(stop.stopped());
    CHECK_FALSE(is_readable(stop.fd()));
    stop.stop();
    for (int i = 0; i < 3; ++i) {
        CHECK(stop.stopped());
        CHECK(is_readable(stop.fd()));
    }
}

TEST_CASE_METHOD(net_test, "to stop 100,000 times neither waits nor fails", "[ready]") {
    stop_signal stop;
    for (int i = 0; i < 100000; ++i) stop.stop();  // more than fits into a pipe
    CHECK(stop.stopped());
}

TEST_CASE_METHOD(net_test, "a thread ends the wait of another", "[ready]") {
    stop_signal stop;
    auto other = test::in_background([&] { return stop.stop(); });
    CHECK(trama::trama_detail::poll_until(trama::deadline(20s), stop.fd(), POLLIN).value == 1);
    other.get();
}

TEST_CASE_METHOD(net_test, "stop can be called from a signal handler, and leaves errno alone",
                 "[ready]") {
    stop_signal stop;
    told_by_handler = &stop;
    struct sigaction before {};
    struct sigaction action {};
    action.sa_handler = [](int) { told_by_handler->stop(); };
    ::sigaction(SIGUSR1, &action, &before);
    for (int i = 0; i < 100000; ++i) stop.stop();  // the write in the handler fails
    errno = 77;
    ::raise(SIGUSR1);
    const int left_alone = errno;
    ::sigaction(SIGUSR1, &before, nullptr);
    CHECK(left_alone == 77);
    CHECK(stop.stopped());
}

TEST_CASE_METHOD(net_test, "Ctrl-C and SIGTERM stop the one that catches them", "[ready]") {
    const test::signals_are guard(SIG_DFL);
    const int number = GENERATE(SIGINT, SIGTERM);
    stop_signal stop;
    stop.catch_signals();
    CHECK_FALSE(stop.stopped());
    ::raise(number);
    CHECK(stop.stopped());
}

TEST_CASE_METHOD(net_test, "a signal that nobody asked to catch stops nothing", "[ready]") {
    const test::signals_are guard(&do_nothing);
    stop_signal stop;
    ::raise(SIGTERM);
    CHECK_FALSE(stop.stopped());
}

TEST_CASE_METHOD(net_test, "after the first signal the next one does what it does by default",
                 "[ready]") {
    const test::signals_are guard(SIG_DFL);
    stop_signal stop;
    stop.catch_signals();
    CHECK(handler_of(SIGTERM) != SIG_DFL);
    ::raise(SIGTERM);
    CHECK(handler_of(SIGTERM) == SIG_DFL);
}

TEST_CASE_METHOD(net_test, "a second signal ends a program that does not end by itself",
                 "[ready]") {
    const pid_t child = ::fork();
    if (child == 0) {
        const test::signals_are guard(SIG_DFL);
        stop_signal stop;
        stop.catch_signals();
        ::raise(SIGINT);
        if (!stop.stopped()) ::_exit(1);
        ::raise(SIGINT);
        ::_exit(2);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGINT);
}

TEST_CASE_METHOD(net_test, "a handler that the program has set meanwhile stays", "[ready]") {
    const test::signals_are guard(SIG_DFL);
    const test::handler later = GENERATE(SIG_IGN, &do_nothing);
    {
        stop_signal stop;
        stop.catch_signals();
        ::signal(SIGTERM, later);
    }
    CHECK(handler_of(SIGTERM) == later);
    CHECK(handler_of(SIGINT) == SIG_DFL);
}

TEST_CASE_METHOD(net_test, "a handler that the program had before stays, and the caller is told",
                 "[ready]") {
    const test::signals_are guard(&do_nothing);
    const int number = GENERATE(SIGINT, SIGTERM);
    ::signal(number, SIG_DFL);  // the other one still has its handler
    stop_signal stop;
    CHECK(stop_signal::signals_are_caught());
    CHECK_THROWS_AS(stop.catch_signals(), std::logic_error);
    CHECK(handler_of(number) == SIG_DFL);
    CHECK(handler_of(number == SIGINT ? SIGTERM : SIGINT) == &do_nothing);
}

TEST_CASE_METHOD(net_test, "a signal that the starter of the program ignored stays ignored",
                 "[ready]") {
    const test::signals_are guard(SIG_DFL);
    const int number = GENERATE(SIGINT, SIGTERM);
    ::signal(number, SIG_IGN);
    {
        stop_signal stop;
        stop.catch_signals();
        ::raise(number);
        CHECK_FALSE(stop.stopped());
        CHECK(handler_of(number) == SIG_IGN);
        ::raise(number == SIGINT ? SIGTERM : SIGINT);
        CHECK(stop.stopped());
        CHECK(handler_of(number) == SIG_IGN);  // also after the first signal
    }
    CHECK(handler_of(number) == SIG_IGN);
    CHECK(handler_of(number == SIGINT ? SIGTERM : SIGINT) == SIG_DFL);
}

TEST_CASE_METHOD(net_test, "only one can catch the signals, and it may be told so twice",
                 "[ready]") {
    const test::signals_are guard(SIG_DFL);
    stop_signal first;
    stop_signal second;
    first.catch_signals();
    first.catch_signals();
    CHECK_THROWS_AS(second.catch_signals(), std::logic_error);
    ::raise(SIGTERM);
    CHECK(first.stopped());
    CHECK_FALSE(second.stopped());
}

TEST_CASE_METHOD(net_test, "the signals are given back, and the next one can have them",
                 "[ready]") {
    const test::signals_are guard(SIG_DFL);
    for (int i = 0; i < 3; ++i) {
        {
            stop_signal stop;
            stop.catch_signals();
            CHECK(handler_of(SIGINT) != SIG_DFL);
            CHECK(handler_of(SIGTERM) != SIG_DFL);
            if (i == 1) ::raise(SIGINT);
        }
        CHECK(handler_of(SIGINT) == SIG_DFL);
        CHECK(handler_of(SIGTERM) == SIG_DFL);
    }
}

TEST_CASE_METHOD(net_test, "one that catches no signals gives none back", "[ready]") {
    const test::signals_are guard(SIG_DFL);
    stop_signal first;
    first.catch_signals();
    { stop_signal second; }
    CHECK(handler_of(SIGTERM) != SIG_DFL);
    ::raise(SIGTERM);
    CHECK(first.stopped());
}

TEST_CASE_METHOD(net_test,
                 "the descriptors of a stop_signal are closed in children, and never wait",
                 "[ready]") {
    const auto before = test::open_descriptors();
    const stop_signal stop;
    int own = 0;
    for (const int fd : test::open_descriptors()) {
        if (before.count(fd) > 0) continue;
        ++own;
        CHECK(test::is_closed_on_exec(fd));
        CHECK_FALSE(test::is_blocking(fd));
    }
    CHECK(own == 2);
}

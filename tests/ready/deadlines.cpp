// One deadline for each descriptor: who is over, and how long to wait for the next.
#include "trama.hpp"

#include "../codec/allocations.hpp"
#include "../support/catch.hpp"
#include "../support/net.hpp"

#include <algorithm>
#include <map>
#include <new>
#include <vector>

using namespace std::chrono_literals;
using trama::deadlines;

namespace {

/// Waits as a server does, until somebody is over: its number. -1: nobody has a deadline.
int wait_for_next(deadlines& all) {
    for (;;) {
        const int fd = all.next_passed();
        if (fd != -1 || all.left() == trama::no_timeout) return fd;
        ::poll(nullptr, 0, trama::deadline(all.left()).poll_timeout());
    }
}

/// All that are over now, in the order of their numbers.
std::vector<int> all_passed(deadlines& all) {
    std::vector<int> passed;
    for (int fd = all.next_passed(); fd != -1; fd = all.next_passed()) passed.push_back(fd);
    std::sort(passed.begin(), passed.end());
    return passed;
}

}  // namespace

TEST_CASE("without a deadline there is nothing to wait for", "[ready]") {
    deadlines all;
    CHECK(all.left() == trama::no_timeout);
    CHECK(all.next_passed() == -1);
    all.clear(5);
    CHECK(all.next_passed() == -1);
}

TEST_CASE("deadlines are not forgotten when there is no memory to tell them", "[ready]") {
    deadlines all;
    for (int fd = 0; fd < 20; ++fd) all.set(fd, 0s);
    {
        const test::failing_allocation failure(1);
        CHECK_THROWS_AS(all.next_passed(), std::bad_alloc);
    }
    CHECK(all_passed(all).size() == 20);
}

TEST_CASE("a deadline is told when its time is up, not before, and once", "[ready]") {
    deadlines all;
    const test::stopwatch watch;
    all.set(7, 30ms);
    CHECK(all.left() <= 30ms);
    CHECK(all.left() > 0s);
    CHECK(all.next_passed() == -1);
    CHECK(wait_for_next(all) == 7);
    CHECK(watch.seconds() >= 0.030);
    CHECK(watch.undisturbed_seconds() < 1.0);
    CHECK(all.next_passed() == -1);
    CHECK(all.left() == trama::no_timeout);
}

TEST_CASE("deadlines are over in the order of their times, not of their numbers", "[ready]") {
    deadlines all;
    all.set(3, 60ms);
    all.set(1, 30ms);
    all.set(2, 90ms);
    CHECK(wait_for_next(all) == 1);
    CHECK(wait_for_next(all) == 3);
    CHECK(wait_for_next(all) == 2);
    CHECK(wait_for_next(all) == -1);
}

TEST_CASE("a deadline of 0, or less, is over at once", "[ready]") {
    deadlines all;
    all.set(4, 0s);
    CHECK(all.left() == 0s);
    CHECK(all.next_passed() == 4);
    all.set(0, -5s);
    CHECK(all.next_passed() == 0);
    CHECK(all.next_passed() == -1);
}

TEST_CASE("a deadline set anew replaces the one before: later, earlier, never", "[ready]") {
    deadlines all;
    all.set(5, 0s);
    all.set(5, 30ms);
    CHECK(all.next_passed() == -1);
    CHECK(wait_for_next(all) == 5);

    all.set(5, std::chrono::hours(1));
    all.set(5, 0s);
    CHECK(all.next_passed() == 5);

    all.set(5, 0s);
    all.set(5, trama::no_timeout);
    CHECK(all.next_passed() == -1);
    CHECK(all.left() == trama::no_timeout);
}

TEST_CASE("a deadline that was cleared is not told, and stops no other", "[ready]") {
    deadlines all;
    all.set(5, 0s);
    all.set(6, 30ms);
    all.clear(5);
    CHECK(wait_for_next(all) == 6);
    CHECK(wait_for_next(all) == -1);
}

TEST_CASE("what is cleared or set anew while the passed ones are handled is not told", "[ready]") {
    deadlines all;
    for (int fd = 0; fd < 10; ++fd) all.set(fd, 0s);
    const int first = all.next_passed();
    for (int fd = 0; fd < 10; ++fd) {
        if (fd % 2 == 0) all.clear(fd);
        if (fd % 2 != 0) all.set(fd, std::chrono::hours(1));
    }
    CHECK(first != -1);
    CHECK(all.next_passed() == -1);
    CHECK(all.left() > 59min);
    CHECK(all.left() <= 60min);
}

TEST_CASE("many that are over at once are each told once", "[ready]") {
    deadlines all;
    std::vector<int> expected;
    for (int fd = 0; fd < 1000; ++fd) {
        all.set(fd, fd % 3 == 0 ? trama::duration(0s) : std::chrono::hours(1));
        if (fd % 3 == 0) expected.push_back(fd);
    }
    CHECK(all_passed(all) == expected);
    CHECK(all_passed(all).empty());
    CHECK(all.left() > 59min);
}

TEST_CASE("left is 0 as long as one that is over was not told", "[ready]") {
    deadlines all;
    all.set(1, 0s);
    all.set(2, 0s);
    CHECK(all.next_passed() != -1);
    CHECK(all.left() == 0s);  // who handles one, and then waits for that long, is not late
}

TEST_CASE("left is never later than the first deadline", "[ready]") {
    deadlines all;
    std::map<int, trama::deadline> model;
    std::uint32_t state = 1;
    int late = 0;
    for (int i = 0; i < 5000; ++i) {
        state = state * 1664525U + 1013904223U;
        const int fd = static_cast<int>(state >> 27U);
        const trama::duration time = std::chrono::microseconds((state >> 8U) % 3000U);
        if ((state >> 24U) % 8U == 0) {
            all.clear(fd);
            model.erase(fd);
        } else {
            all.set(fd, time);
            model.insert_or_assign(fd, trama::deadline(time));
        }
        for (const int passed : all_passed(all)) model.erase(passed);
        trama::duration first = trama::no_timeout;
        for (const auto& each : model) first = std::min(first, each.second.left());
        if (all.left() > first) ++late;  // asked last, so that a slow machine is no defect
    }
    CHECK(late == 0);
}

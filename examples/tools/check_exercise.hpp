// examples/tools/check_exercise.hpp -- an exercise: a table of tests, each of them a table of
// steps.
//
//     exercise            echo-server
//       test                one line comes back
//         step                connect(1)
//         step                send(1, "hola\n")
//         step                expect(1, "hola\n")
#pragma once

#include "check_step.hpp"

#include <chrono>
#include <string>
#include <vector>

namespace check {

/// When a test runs, and with which cuttings.
enum class phase {
    plain_and_cut,  ///< first plain; then chopped: by bytes, at random, glued
    plain,          ///< only plain
    after_cut,      ///< only plain, after the chopped ones: what the network cuts by itself
    unkind          ///< at the end: clients that stall, reset, or never read
};

struct test {
    const char* name;
    words title;
    phase when;
    steps table;
    words cause = {};
    std::string file = {};  ///< the content of {file} before the program starts
    bool has_file = false;
};

/// The same steps; if one of them fails, this is the likely cause.
inline steps because(const words& why, steps table) {
    for (step& each : table) {
        each.cause = why;
    }
    return table;
}

using tests = std::vector<test>;

/// The tests of several tables, in this order.
inline tests operator+(tests first, const tests& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

/// What the program under test is.
enum class role { server, client };

struct exercise {
    const char* name;
    words title;
    const char* chapter;  ///< a page of docs/
    role program;
    std::vector<test> all;
};

/// What the command line sets for the tables.
struct timing {
    std::chrono::milliseconds answer{2000};  ///< how long the program may take for an answer
    std::chrono::milliseconds idle{5000};    ///< when it drops a silent client
};

/// The same conversation with all that one peer sends in one piece: the steps in a row that send
/// to a peer, and expect of it, become one send and one expect.
inline steps glued(const steps& table) {
    steps joined;
    steps expected;  // at most one, behind all sends of its row
    const auto end_row = [&] {
        joined.insert(joined.end(), expected.begin(), expected.end());
        expected.clear();
    };
    for (const step& each : table) {
        const bool is_send = each.what == action::send;
        const bool is_expect = each.what == action::expect;
        const bool is_other_peer = !expected.empty() && expected.front().peer != each.peer;
        if ((!is_send && !is_expect) || is_other_peer) end_row();
        steps& place = is_expect ? expected : joined;
        const bool joins = (is_send || is_expect) && !place.empty() &&
                           place.back().what == each.what && place.back().peer == each.peer;
        if (joins) {
            place.back().bytes += each.bytes;
        } else {
            place.push_back(each);
        }
    }
    end_row();
    return joined;
}

}  // namespace check

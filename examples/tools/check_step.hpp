// examples/tools/check_step.hpp -- what an exercise is made of: a table of steps.
//
//     exercise            echo-server
//       test                one line comes back
//         step                connect(1)
//         step                send(1, "hola\n")
//         step                expect(1, "hola\n")
//
// A step says what check does, or what it expects of the program. The number is that of a
// connection. In an exercise for servers, check plays the clients; in one for clients, the server.
#pragma once

#include "check_words.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace check {

class stage;

enum class action {
    connect,
    accept,
    send,
    flood,
    expect,
    find,
    end,
    expect_end,
    expect_silence,
    expect_refusal,
    expect_never,
    stop_reading,
    read_late,
    read_again,
    reset,
    leave,
    freeze,
    thaw,
    restart,
    type,
    end_input,
    prints,
    exits,
    expect_file,
    expect_calm,
    pause,
    call
};

struct step {
    action what;
    int peer = 0;                         ///< the number of the connection
    std::string bytes = {};               ///< what is sent, expected or typed
    std::chrono::milliseconds time = {};  ///< 0: the time-out of the run
    words cause = {};                     ///< the likely cause if this step fails
    void (*function)(stage&) = nullptr;   ///< of a `call`

    step because(const words& why) const {
        step other = *this;
        other.cause = why;
        return other;
    }
    step within(std::chrono::milliseconds limit) const {
        step other = *this;
        other.time = limit;
        return other;
    }
};

using steps = std::vector<step>;

// ---- what check does ----

inline step connect(int peer) {
    return {action::connect, peer};
}
/// In an exercise for clients: the program connects.
inline step accept(int peer) {
    return {action::accept, peer};
}
inline step send(int peer, std::string bytes) {
    return {action::send, peer, std::move(bytes)};
}
/// Sends as much as the program takes, and goes on when it takes no more. The rest is sent later.
inline step flood(int peer, std::string bytes) {
    return {action::flood, peer, std::move(bytes)};
}
/// Ends the stream to the program; its answers still come.
inline step end(int peer) {
    return {action::end, peer};
}
/// Reads nothing any more, and takes little into its receive buffer.
inline step stop_reading(int peer) {
    return {action::stop_reading, peer};
}
/// Reads nothing until read_again().
inline step read_late(int peer) {
    return {action::read_late, peer};
}
inline step read_again(int peer) {
    return {action::read_again, peer};
}
/// The program gets a reset and no end of stream.
inline step reset(int peer) {
    return {action::reset, peer};
}
inline step leave(int peer) {
    return {action::leave, peer};
}
/// The program stands still (SIGSTOP) until thaw(): what check does meanwhile, it sees all at once.
inline step freeze() {
    return {action::freeze};
}
inline step thaw() {
    return {action::thaw};
}
/// Ends the program and starts it again at the same port.
inline step restart() {
    return {action::restart};
}
/// Types at the keyboard of the program.
inline step type(std::string bytes) {
    return {action::type, 0, std::move(bytes)};
}
inline step end_input() {
    return {action::end_input};
}
inline step pause(std::chrono::milliseconds time) {
    return {action::pause, 0, {}, time};
}

// ---- what the program must do ----

/// It sends exactly these bytes next. {port1} stands for the port of connection 1.
inline step expect(int peer, std::string bytes) {
    return {action::expect, peer, std::move(bytes)};
}
/// It sends these bytes, and perhaps others before them.
inline step find(int peer, std::string bytes) {
    return {action::find, peer, std::move(bytes)};
}
/// It closes, and sends nothing more before.
inline step expect_end(int peer) {
    return {action::expect_end, peer};
}
/// It sends nothing for this time, and does not close.
inline step expect_silence(int peer, std::chrono::milliseconds time) {
    return {action::expect_silence, peer, {}, time};
}
/// It has not sent these bytes at any time.
inline step expect_never(int peer, std::string bytes) {
    return {action::expect_never, peer, std::move(bytes)};
}
/// It closes or resets the connection without an answer.
inline step expect_refusal(int peer) {
    return {action::expect_refusal, peer};
}
/// It prints this on its standard output.
inline step prints(std::string bytes) {
    return {action::prints, 0, std::move(bytes)};
}
/// It ends, with the code "0", "error" (another one), or "any".
inline step exits(std::string code = "0") {
    return {action::exits, 0, std::move(code)};
}
/// {file} has this content.
inline step expect_file(std::string bytes) {
    return {action::expect_file, 0, std::move(bytes)};
}
/// It waits without using the processor.
inline step expect_calm() {
    return {action::expect_calm};
}
/// A conversation that no table can describe.
inline step call(void (*function)(stage&)) {
    return {action::call, 0, {}, {}, {}, function};
}

inline steps operator+(steps first, const steps& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

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

enum class role { server, client };

struct exercise {
    const char* name;
    words title;
    const char* chapter;  ///< a page of docs/
    role program;
    std::vector<test> tests;
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
    steps expected;
    const auto flush = [&] {
        joined.insert(joined.end(), expected.begin(), expected.end());
        expected.clear();
    };
    for (const step& each : table) {
        const bool is_send = each.what == action::send;
        const bool is_expect = each.what == action::expect;
        const bool other_peer = !expected.empty() && expected.front().peer != each.peer;
        if ((!is_send && !is_expect) || other_peer) flush();
        const bool joins_send = is_send && !joined.empty() && joined.back().what == action::send &&
                                joined.back().peer == each.peer;
        if (joins_send) {
            joined.back().bytes += each.bytes;
        } else if (is_expect && !expected.empty()) {
            expected.back().bytes += each.bytes;
        } else {
            (is_expect ? expected : joined).push_back(each);
        }
    }
    flush();
    return joined;
}

}  // namespace check

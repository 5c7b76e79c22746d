// examples/tools/check_step.hpp -- a step: something that check does, or expects of the program.
//
//     connect(1)  send(1, "hola\n")  expect(1, "hola\n")
//
// The number is that of a connection. In an exercise for servers, check plays the clients; in one
// for clients, it plays the server.
#pragma once

#include "check_words.hpp"

#include <chrono>
#include <string>
#include <utility>
#include <vector>

namespace check {

class stage;
using std::chrono::milliseconds;

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
    int peer = 0;                             ///< the number of the connection
    std::string bytes = {};                   ///< what is sent, expected or typed
    std::chrono::milliseconds time = {};      ///< 0: the time-out of the run
    words cause = {};                         ///< the likely cause if this step fails
    void (*function)(stage&, int) = nullptr;  ///< of a `call`; gets `peer`

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
/// It ends by itself, and no signal ends it. Its exit code is "0", "error" (another one) or "any".
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
inline step call(int peer, void (*function)(stage&, int)) {
    return {action::call, peer, {}, {}, {}, function};
}

inline steps operator+(steps first, const steps& second) {
    first.insert(first.end(), second.begin(), second.end());
    return first;
}

}  // namespace check

// examples/tools/check_actions.hpp -- the verbs of the steps: one function for each.
//
// A function returns if the program did what it must; otherwise it throws a failure. Whatever it
// waits for, it waits with stage::wait_until.
#pragma once

#include "check_causes.hpp"
#include "check_exercise.hpp"
#include "check_failure.hpp"
#include "check_stage.hpp"

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>
#include <string>

namespace check {

class actions {
public:
    /// `on` must outlive this object.
    explicit actions(stage& on) : stage_(on) {}

    /// Does what the step says. Throws failure if the program does not do what it must.
    void perform(const step& now) {
        switch (now.what) {
            case action::connect: return stage_.connect(now.peer);
            case action::accept: return stage_.accept(now.peer);
            case action::send: return send(now);
            case action::flood: return flood(now);
            case action::expect: return expect(now);
            case action::find: return find(now);
            case action::end: return peer_of(now).end();
            case action::expect_end: return expect_end(now);
            case action::expect_silence: return expect_silence(now);
            case action::expect_refusal: return expect_refusal(now);
            case action::expect_never: return expect_never(now);
            case action::stop_reading: return peer_of(now).stop_reading();
            case action::read_late: return peer_of(now).read_late();
            case action::read_again: return peer_of(now).read_again();
            case action::reset: return peer_of(now).reset();
            case action::leave: return peer_of(now).close();
            case action::freeze: return stage_.program().signal(SIGSTOP);
            case action::thaw: return stage_.program().signal(SIGCONT);
            case action::restart: return restart();
            case action::type: return stage_.program().type(now.bytes);
            case action::end_input: return stage_.program().end_input();
            case action::prints: return prints(now);
            case action::exits: return exits(now);
            case action::expect_file: return expect_file(now);
            case action::expect_calm: return expect_calm();
            case action::pause: return stage_.pause(now.time);
            case action::call: return now.function(stage_, now.peer);
        }
    }

    /// The bytes with the ports of the connections put in.
    std::string with_ports(std::string bytes) {
        for (int number = 1; number <= 9; ++number) {
            const std::string place = "{port" + std::to_string(number) + '}';
            if (bytes.find(place) == std::string::npos) continue;
            replace_all(bytes, place, std::to_string(stage_.at(number).own_port()));
        }
        return bytes;
    }

    /// A program that uses the processor for more than this part of a time works.
    static constexpr double spinning = 0.3;

private:
    peer& peer_of(const step& now) { return stage_.at(now.peer); }

    milliseconds limit_of(const step& now) const {
        return now.time.count() > 0 ? now.time : stage_.times().answer;
    }

    // ---- what check does ----

    void send(const step& now) {
        peer& to = peer_of(now);
        to.send(with_ports(now.bytes));
        if (!stage_.wait_until([&] { return to.is_all_sent(); }, limit_of(now)))
            throw failure{fault::not_taken, now.peer};
    }

    /// Sends until all is sent or nothing has been taken for a while.
    void flood(const step& now) {
        constexpr milliseconds while_nothing_moves{300};
        peer& to = peer_of(now);
        to.send(now.bytes);
        trama::deadline quiet(while_nothing_moves);
        while (!to.is_all_sent() && !quiet.passed()) {
            const std::uint64_t before = to.sent();
            stage_.turn(milliseconds(20));
            if (to.sent() != before) quiet = trama::deadline(while_nothing_moves);
        }
    }

    /// The server closes first, so its address stays in TIME_WAIT. man 7 tcp
    void restart() {
        stage_.program().stop();
        stage_.pause(milliseconds(20));
        stage_.close_all();
        stage_.start_program();
    }

    // ---- what the program must do ----

    void expect(const step& now) {
        peer& from = peer_of(now);
        const std::string expected = with_ports(now.bytes);
        std::size_t equal = 0;
        const auto is_decided = [&] {
            const std::size_t size = std::min(expected.size(), from.inbox.size());
            while (equal < size && expected[equal] == from.inbox[equal]) {
                ++equal;
            }
            return equal == expected.size() || equal < from.inbox.size() || has_gone(from);
        };
        stage_.wait_until(is_decided, limit_of(now));
        if (equal == expected.size()) {
            from.inbox.erase(0, equal);
            last_expected_[now.peer] = expected;
            return;
        }
        if (equal < from.inbox.size()) stage_.pause(milliseconds(50));  // to show more of it
        throw unexpected(from, now, expected, equal);
    }

    failure unexpected(const peer& from, const step& now, const std::string& expected,
                       std::size_t equal) {
        failure found{fault::wrong_bytes, now.peer, expected, from.inbox};
        if (equal < from.inbox.size()) {
            if (is_again(now.peer, from.inbox)) found.cause = cause::answers_twice;
        } else if (has_gone(from)) {
            found.what = from.was_reset() ? fault::was_reset : fault::ended_early;
        } else {
            found.what = from.inbox.empty() ? fault::nothing_came : fault::too_few;
        }
        return found;
    }

    static bool has_gone(const peer& other) { return other.has_ended() || other.was_reset(); }

    /// The bytes begin with the answer that has come already.
    bool is_again(int number, const std::string& bytes) const {
        const auto last = last_expected_.find(number);
        constexpr std::size_t least = 3;  // fewer bytes may be equal by chance
        return last != last_expected_.end() && last->second.size() >= least &&
               bytes.compare(0, last->second.size(), last->second) == 0;
    }

    void find(const step& now) {
        peer& from = peer_of(now);
        const std::string wanted = with_ports(now.bytes);
        const auto place = [&] { return from.inbox.find(wanted); };
        stage_.wait_until([&] { return place() != std::string::npos || has_gone(from); },
                          limit_of(now));
        if (place() == std::string::npos) {
            failure missing = unexpected(from, now, wanted, from.inbox.size());
            missing.is_search = true;
            throw missing;
        }
        from.inbox.erase(0, place() + wanted.size());
    }

    void expect_end(const step& now) {
        peer& from = peer_of(now);
        stage_.wait_until([&] { return has_gone(from) || !from.inbox.empty(); }, limit_of(now));
        expect_no_bytes(from, now);
        if (from.was_reset()) throw failure{fault::was_reset, now.peer};
        if (!from.has_ended()) throw failure{fault::not_closed, now.peer};
    }

    void expect_no_bytes(const peer& from, const step& now) {
        if (from.inbox.empty()) return;
        stage_.pause(milliseconds(50));
        failure found{fault::too_many, now.peer, "", from.inbox};
        if (is_again(now.peer, from.inbox)) found.cause = cause::answers_twice;
        throw found;
    }

    void expect_silence(const step& now) {
        const peer& from = peer_of(now);
        const trama::deadline limit(now.time);
        while (!limit.passed() && from.inbox.empty() && !has_gone(from)) {
            stage_.turn(limit.left());
        }
        expect_no_bytes(from, now);
        if (has_gone(from)) throw failure{fault::closed_too_soon, now.peer};
    }

    void expect_never(const step& now) {
        const peer& from = peer_of(now);
        const std::size_t place = from.history.find(now.bytes);
        if (place == std::string::npos) return;
        throw failure{fault::too_many, now.peer, "", from.history.substr(place)};
    }

    void expect_refusal(const step& now) {
        const peer& from = peer_of(now);
        stage_.wait_until([&] { return has_gone(from) || !from.inbox.empty(); }, limit_of(now));
        expect_no_bytes(from, now);
        if (!has_gone(from)) throw failure{fault::not_closed, now.peer};
    }

    void prints(const step& now) {
        const auto is_there = [&] {
            return stage_.program().printed().find(now.bytes) != std::string::npos;
        };
        stage_.wait_until([&] { return is_there() || stage_.has_program_ended(); }, limit_of(now));
        stage_.turn(trama::duration::zero());
        if (!is_there())
            throw failure{fault::not_printed, 0, now.bytes, stage_.program().printed(), {}, true};
    }

    void exits(const step& now) {
        stage_.wait_until([&] { return stage_.has_program_ended(); }, limit_of(now));
        if (!stage_.has_program_ended()) throw failure{fault::still_running};
        const int code = *stage_.program().exit_code();
        const bool was_killed = code >= 128;  // by a signal, and not on purpose
        const bool is_wrong = now.bytes != "any" && (code == 0) != (now.bytes == "0");
        if (was_killed || is_wrong) throw failure{fault::wrong_exit, 0, {}, {}, stage_.exit_text()};
    }

    void expect_file(const step& now) {
        std::string content;
        const auto is_right = [&] {
            std::ifstream file(stage_.file(), std::ios::binary);
            std::ostringstream all;
            all << file.rdbuf();
            content = all.str();
            return file.is_open() && content == now.bytes;
        };
        if (!stage_.wait_until(is_right, limit_of(now)))
            throw failure{fault::wrong_file, 0, now.bytes, content};
    }

    void expect_calm() {
        stage_.pause(milliseconds(50));  // what is left to do
        stage_.processor_share();
        stage_.pause(milliseconds(300));
        if (stage_.processor_share() > spinning) throw failure{fault::uses_processor};
    }

    stage& stage_;
    std::map<int, std::string> last_expected_;  // by peer
};

}  // namespace check

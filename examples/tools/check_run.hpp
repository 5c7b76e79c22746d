// examples/tools/check_run.hpp -- runs the steps of one test, and finds the likely cause of a
// failure.
//
// What check can see by itself (the program has ended, or it spins, or an answer came twice) is a
// better cause than any that the table can name.
#pragma once

#include "check_actions.hpp"
#include "check_causes.hpp"
#include "check_stage.hpp"
#include "check_story.hpp"

#include <optional>
#include <string>
#include <vector>

namespace check {

enum class status { pass, fail, skip };

struct result {
    std::string name;
    std::string title;
    status outcome = status::pass;
    std::string message;          ///< the story of a failure, or the reason of a skip
    std::string output;           ///< the last lines of the program
    bool is_unreachable = false;  ///< no connection was made
};

class test_run {
public:
    test_run(const target& program, const timing& times, const exercise& of, const test& what,
             const cutting& cut)
        : stage_(program, of.program, cut.plan, times),
          actions_(stage_),
          exercise_(of),
          test_(what),
          cut_(cut),
          table_(cut.is_glued ? glued(what.table) : what.table) {}

    /// Runs all steps. Throws interrupted.
    result run() {
        result found;
        try {
            stage_.prepare_folder(test_.has_file, test_.file);
            stage_.open();
            for (const step& each : table_) {
                begin(each);
                actions_.perform(each);
            }
        } catch (const failure& what) {
            found.outcome = status::fail;
            found.message = story_of(what);
            found.is_unreachable =
                what.what == fault::not_listening || what.what == fault::no_connection;
        }
        found.output = last_lines(stage_.program().printed() + stage_.program().printed_errors());
        return found;
    }

    /// Whether a test can run against a server that somebody else has started.
    static bool needs_control(const test& what) {
        for (const step& each : what.table) {
            const bool needs = each.what == action::restart || each.what == action::type ||
                               each.what == action::prints || each.what == action::exits ||
                               each.what == action::expect_file;
            if (needs) return true;
        }
        return what.has_file;
    }

private:
    void begin(const step& next) {
        current_ = &next;
        step shown_step = next;
        shown_step.bytes = actions_.with_ports(next.bytes);
        history_.push_back(step_line(shown_step, exercise_.program));
    }

    // ---- the cause ----

    /// A server that has failed one client may be about to end.
    bool is_server_gone() {
        if (exercise_.program != role::server || !stage_.program().was_started()) return false;
        return stage_.wait_until([&] { return stage_.has_program_ended(); }, milliseconds(100));
    }

    words cause_of(const failure& what, bool is_gone, double share) {
        if (!what.cause.is_empty()) return what.cause;
        if (share > actions::spinning && can_mean_spinning(what.what)) return cause::spins;
        if (what.what == fault::no_connection) return cause::no_connection;
        if (what.what == fault::not_listening)
            return current_->cause.is_empty() ? cause::not_listening : current_->cause;
        const bool is_orderly = stage_.program().exit_code() == 0 && !test_.cause.is_empty();
        if (is_gone && !is_orderly && current_->cause.is_empty()) return cause::crashed;
        if (!cut_.is_whole() && !cut_.fails_uncut) return cause::one_recv;
        if (!current_->cause.is_empty()) return current_->cause;
        return test_.cause.is_empty() ? general_cause(what.what) : test_.cause;
    }

    /// The cause that the exit code tells. Empty: none.
    words cause_of_exit() {
        const std::optional<int> code = stage_.program().exit_code();
        if (code == 128 + SIGPIPE) return cause::sigpipe;
        if (code == 128 + SIGSEGV) return cause::segmentation;
        if (code == 126 || code == 127) return cause::cannot_run;  // man 1 sh
        return {};
    }

    /// A program that has not finished its work may use the processor for this work.
    static bool can_mean_spinning(fault what) {
        return what == fault::not_closed || what == fault::nothing_came ||
               what == fault::uses_processor || what == fault::still_running;
    }

    static words general_cause(fault what) {
        if (what == fault::not_closed) return cause::forgets_to_close;
        if (what == fault::wrong_bytes) return cause::not_a_stream;
        if (what == fault::was_reset) return cause::reset_on_close;
        if (what == fault::uses_processor) return cause::spins;
        const bool is_early = what == fault::ended_early || what == fault::closed_too_soon;
        return is_early ? cause::left_early : cause::no_answer;
    }

    std::string story_of(failure what) {
        const double share = stage_.processor_share();
        const bool is_gone = is_server_gone();
        const words exit_cause = cause_of_exit();
        const words why = exit_cause.is_empty() ? cause_of(what, is_gone, share) : exit_cause;
        if (is_gone && what.what != fault::not_listening) what.what = fault::program_ended;
        if (is_gone && what.detail.empty()) what.detail = stage_.exit_text();
        return recent(history_) + told(what) + line_of({"cutting", "cortes"}, cutting_text(cut_)) +
               "    " + text({"Likely cause:", "Causa probable:"}) + '\n' + wrapped(text(why)) +
               "    " + text({"Chapter: ", "Capítulo: "}) + exercise_.chapter + '\n';
    }

    stage stage_;
    actions actions_;
    const exercise& exercise_;
    const test& test_;
    cutting cut_;
    steps table_;
    const step* current_ = nullptr;
    std::vector<std::string> history_;  // a line for each step
};

}  // namespace check

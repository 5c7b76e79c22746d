// check -- tells whether your program is right, in any language, also when the network is unkind
//
// Goal:     A program that works once may be wrong: with other pieces, a client that leaves, or one
//           that never reads. check tries these cases in the order in which the chapters teach
//           them. A failure is told as a story: what was sent, what came, and the likely cause.
// Run:      ./check list
//           ./check echo-server --cmd './echo_server -p {port}'
//           ./check echo-client --client 'python3 my_client.py {host} {port}'
// Observe:  Each line is one test. The first failure ends the run: fix this one first.
// Exercise: Take a program of examples/21_check/zoo, and find its error by reading, before you let
//           check find it. Then fix it.
// Next:     chop.cpp, to try one cutting by hand
//
// What an exercise promises is a table: check_echo.hpp and the other tables. check_stage.hpp is the
// loop, check_run.hpp runs the steps of a test, and check_story.hpp tells what went wrong.
#include "../support/program.hpp"
#include "check_chat.hpp"
#include "check_collector.hpp"
#include "check_copy.hpp"
#include "check_echo.hpp"
#include "check_echo_client.hpp"
#include "check_frames.hpp"
#include "check_hftp.hpp"
#include "check_hftp_client.hpp"
#include "check_many.hpp"
#include "check_report.hpp"
#include "check_short_visits.hpp"
#include "check_store.hpp"
#include "check_store_client.hpp"
#include "check_web.hpp"
#include "tool_options.hpp"

#include <algorithm>
#include <set>
#include <string>
#include <vector>

namespace {

constexpr const char* examples = R"(
  check list                                           the exercises
  check echo-server --cmd './my_server {port}'         start a server, and test it
  check echo-server --connect localhost:5000           test a server that runs already
  check echo-client --client './my_client {host} {port}'
  check select-server --cmd 'python3 s.py {port}' --all --json --lang es

The COMMAND is run with sh -c. {port} and {host} are where to listen, or to connect to; {dir} is a
folder of its own, and {file} a file in it. Exit code: 0 all passed, 1 one failed, 2 usage.
)";

using check::role;

std::vector<check::exercise> all_exercises(const check::timing& times) {
    return {check::web_client(),
            check::echo_client(),
            check::echo_server(),
            check::turns_server(),
            check::short_visit_server(times),
            check::two_sends(),
            check::framed_server(),
            check::framed_client(),
            check::select_server(),
            check::idle_server(times),
            check::chat_lines(),
            check::chat_framed(),
            check::copy_lines_server(),
            check::copy_lines_client(),
            check::copy_frame_server(),
            check::copy_frame_client(),
            check::store_server(),
            check::store_upload(),
            check::store_download(),
            check::store_list(),
            check::hftp_server(),
            check::hftp_client(),
            check::collector_server(),
            check::collector_client()};
}

// ---- the command line --------------------------------------------------------------------------

void choose_language(const program::options& given) {
    check::chosen_language = check::language_of_environment();
    const std::string& wanted = given.text("lang");
    if (wanted.empty()) return;
    if (wanted != "en" && wanted != "es") throw program::usage_error("--lang takes en or es");
    check::chosen_language = wanted == "es" ? check::language::spanish : check::language::english;
}

check::timing read_timing(const program::options& given) {
    check::timing times;
    times.answer = std::chrono::milliseconds(given.number("timeout", 100, 60'000));
    times.idle = std::chrono::seconds(given.number("idle", 1, 600));
    return times;
}

const check::exercise& exercise_named(const std::vector<check::exercise>& all,
                                      const std::string& name) {
    for (const check::exercise& each : all) {
        if (name == each.name) return each;
    }
    throw program::usage_error("there is no exercise \"" + trama::escaped(name) +
                               "\": see check list");
}

/// The one option out of --cmd, --connect and --client that this exercise needs.
check::target read_target(const program::options& given, const check::exercise& of) {
    check::target program;
    program.port = static_cast<int>(given.number("port", 0, 65535));
    const bool is_client = of.program == role::client;
    const char* wanted = is_client ? "client" : "cmd";
    const bool is_other =
        given.flag(is_client ? "cmd" : "client") || (is_client && given.flag("connect"));
    if (is_other || (!given.flag(wanted) && !given.flag("connect")))
        throw program::usage_error(std::string(of.name) + " needs " +
                                   (is_client ? "--client COMMAND" : "--cmd COMMAND or --connect") +
                                   ": see --help");
    if (given.flag(wanted) && given.flag("connect"))
        throw program::usage_error("give --cmd or --connect, not both");
    if (given.flag("connect")) {
        const program::address server = program::read_address(given, "connect");
        program.host = server.host;
        program.port = server.port;
        static_cast<void>(trama::resolve(program.host, program.port));  // throws for a wrong name
        return program;
    }
    program.command = given.text(wanted);
    if (program.port == 0 && program.command.find("{port}") == std::string::npos)
        throw program::usage_error(
            "the command has no {port}: write {port} where its port stands, or give --port");
    return program;
}

/// The names of --skip, with commas between them.
std::vector<std::string> read_skipped(const std::string& list, const check::exercise& of) {
    std::vector<std::string> names;
    for (std::size_t begin = 0; !list.empty() && begin <= list.size();) {
        const std::size_t end = std::min(list.find(',', begin), list.size());
        names.push_back(list.substr(begin, end - begin));
        begin = end + 1;
        const auto is_this = [&](const check::test& each) { return names.back() == each.name; };
        if (std::none_of(of.all.begin(), of.all.end(), is_this))
            throw program::usage_error("--skip: " + std::string(of.name) + " has no test \"" +
                                       trama::escaped(names.back()) + '"');
    }
    return names;
}

// ---- the tests, in the order of teaching -------------------------------------------------------

/// Which tests run, and how.
struct settings {
    check::target program;
    check::timing times;
    std::uint64_t seed = 0;
    std::vector<std::string> skipped;
    bool goes_on = false;  // after a failure
};

class test_series {
public:
    test_series(const check::exercise& of, const settings& how, check::report& results)
        : exercise_(of), settings_(how), report_(results) {}

    void run() {
        using check::phase;
        using chop::mode;
        run_phase({phase::plain_and_cut, phase::plain}, cut(mode::whole), "");
        run_phase({phase::plain_and_cut}, cut(mode::bytes), "/bytes");
        run_phase({phase::plain_and_cut}, cut(mode::random), "/random");
        run_phase({phase::plain_and_cut}, cut(mode::whole, true), "/glued");
        run_phase({phase::after_cut}, cut(mode::whole), "");
        run_phase({phase::unkind}, cut(mode::whole), "");
    }

    /// False: each test would be left out.
    bool has_tests() const {
        return std::any_of(exercise_.all.begin(), exercise_.all.end(), [&](const auto& each) {
            return skip_reason(each).outcome == check::status::pass;
        });
    }

private:
    check::cutting cut(chop::mode how, bool is_glued = false) const {
        check::cutting made;
        made.plan.how = how;
        made.plan.seed = settings_.seed;
        made.is_glued = is_glued;
        return made;
    }

    /// `suffix`: what the names of these runs end in; "" if nothing is cut.
    void run_phase(const std::vector<check::phase>& phases, const check::cutting& cut,
                   const std::string& suffix) {
        for (const check::test& each : exercise_.all) {
            if (is_over_) return;
            if (std::find(phases.begin(), phases.end(), each.when) == phases.end()) continue;
            if (cut.is_glued && !can_be_glued(each)) continue;
            run_one(each, cut, suffix);
        }
    }

    /// A glued test is another one only if there are two sends to join.
    static bool can_be_glued(const check::test& each) {
        return check::glued(each.table).size() < each.table.size();
    }

    void run_one(const check::test& each, check::cutting cut, const std::string& suffix) {
        check::result one = skip_reason(each);
        if (one.outcome == check::status::pass) {
            cut.fails_uncut = wrong_uncut_.count(each.name) > 0;
            one = check::test_run(settings_.program, settings_.times, exercise_, each, cut).run();
        }
        one.name = each.name + suffix;
        one.title = check::text(each.title);
        const bool is_wrong = one.outcome == check::status::fail;
        if (is_wrong && suffix.empty()) wrong_uncut_.insert(each.name);
        has_passed_ = has_passed_ || one.outcome == check::status::pass;
        // A program that was never reached costs the time to start once, and not in each test.
        const bool is_hopeless = one.is_unreachable && !has_passed_;
        is_over_ = is_wrong && (!settings_.goes_on || is_hopeless);
        report_.add(one);
    }

    check::result skip_reason(const check::test& each) const {
        check::result one;
        const auto& skipped = settings_.skipped;
        const bool is_named = std::find(skipped.begin(), skipped.end(), each.name) != skipped.end();
        const bool is_beyond =
            settings_.program.is_running_server() && check::test_run::needs_control(each);
        if (is_named || is_beyond) one.outcome = check::status::skip;
        const check::words why =
            is_named ? check::words{"    left out by --skip", "    omitida con --skip"}
                     : check::words{"    only with --cmd", "    solo con --cmd"};
        if (one.outcome == check::status::skip) one.message = check::text(why) + '\n';
        return one;
    }

    const check::exercise& exercise_;
    const settings& settings_;
    check::report& report_;
    std::set<std::string> wrong_uncut_;  // the names of tests that have failed without a cut
    bool has_passed_ = false;
    bool is_over_ = false;
};

int run_exercise(const program::options& given, const check::exercise& of,
                 const check::timing& times) {
    settings how{read_target(given, of), times, program::read_seed(given),
                 read_skipped(given.text("skip"), of), given.flag("all")};
    const check::scratch_folder folder;
    how.program.folder = folder.path();
    check::report results(of, given.flag("json"));
    test_series series(of, how, results);
    if (!series.has_tests())
        throw program::usage_error(
            "no test is left to run: check must start the program, with --cmd");
    if (!given.flag("seed")) program::say("seed ", how.seed);
    series.run();
    results.finish();
    return results.has_failed() ? 1 : 0;
}

/// The number of the chapter: "03" of "docs/03_echo_server.md".
std::string number_of(const std::string& chapter) {
    return chapter.substr(chapter.find('/') + 1, 2);
}

int list_exercises(const std::vector<check::exercise>& all) {
    for (const check::exercise& each : all) {
        const char* option = each.program == role::server ? "--cmd" : "--client";
        std::cout << number_of(each.chapter) << "  " << check::padded(each.name, 20)
                  << check::padded(option, 10) << check::text(each.title) << '\n';
    }
    return 0;
}

int run_check(const program::options& given) {
    choose_language(given);
    const check::timing times = read_timing(given);
    const std::vector<check::exercise> all = all_exercises(times);
    if (given.words().empty())
        throw program::usage_error("give an exercise, such as echo-server: see check list");
    if (given.words()[0] == "list") return list_exercises(all);
    const check::exercise& of = exercise_named(all, given.words()[0]);
    ::signal(SIGPIPE, SIG_IGN);  // the program may close its standard input
    program::catch_signals();
    try {
        return run_exercise(given, of, times);
    } catch (const check::interrupted& stop) {
        program::say("check: ", stop.what());
        return 1;  // nobody knows whether all would have passed
    }
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {{'c', "cmd", "COMMAND", "", "starts the server"},
         {'t', "connect", "HOST:PORT", "", "a server that runs already"},
         {'k', "client", "COMMAND", "", "starts the client"},
         {'p', "port", "PORT", "0", "the port of a command without {port} (0: any free port)"},
         program::flag('a', "all", "go on after a failure"),
         program::flag('j', "json", "print one JSON object"),
         {'l', "lang", "LANGUAGE", "", "en or es (without it: LC_ALL or LANG)"},
         {'s', "seed", "NUMBER", "", "the same seed makes the same random pieces"},
         {'n', "skip", "NAMES", "", "tests to leave out, such as dot,restart"},
         {'i', "idle", "SECONDS", "5", "when the server closes a silent client"},
         {'T', "timeout", "MS", "2000", "how long the program may take for an answer"}},
        run_check, "{list | EXERCISE}", 1);
}

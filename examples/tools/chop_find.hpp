// examples/tools/chop_find.hpp -- searches for the smallest cutting that breaks a client's run.
//
// First some cutting that breaks it, then fewer and fewer cuts: half of them, the other half, all
// but a quarter, ... for as long as it still breaks. That is delta debugging (Zeller, 1999): from
// 1000 cuts to the one that matters takes some 20 runs. man 3 posix_spawn, man 2 waitid
#pragma once

#include "../support/program.hpp"
#include "chop_drawing.hpp"
#include "chop_pump.hpp"

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <spawn.h>
#include <sys/wait.h>

namespace chop {

/// A command of the shell, while it runs: without input, its output in a pipe.
class shell_command {
public:
    /// Throws system_error.
    explicit shell_command(const std::string& text) {
        int ends[2];
        if (program::open_pipe(ends) != 0)
            throw std::system_error(errno, std::generic_category(), "pipe");
        output_.reset(ends[0]);
        const trama::unique_fd write_end(ends[1]);
        start(text, write_end.get());
    }
    shell_command(const shell_command&) = delete;
    shell_command& operator=(const shell_command&) = delete;
    ~shell_command() {
        // In this order: before waitpid, no other process can have its number.
        ::kill(-process_, SIGKILL);
        ::waitpid(process_, nullptr, 0);
    }

    /// To wait on; -1 after the end of the output.
    int output() const { return output_.get(); }

    /// What there is of the output, without waiting. Empty: its end.
    std::string read_output() {
        char bytes[4096];
        const ssize_t count = ::read(output_.get(), bytes, sizeof bytes);
        if (count <= 0) output_.reset();
        return {bytes, static_cast<std::size_t>(count > 0 ? count : 0)};
    }

    /// Its exit code, in the form of the shell (128 and the signal's number if it was killed);
    /// nullopt: it still runs.
    std::optional<int> exit_code() const {
        siginfo_t info{};
        const auto process = static_cast<id_t>(process_);
        if (::waitid(P_PID, process, &info, WEXITED | WNOHANG | WNOWAIT) != 0)
            throw std::system_error(errno, std::generic_category(), "waitid");
        if (info.si_pid == 0) return std::nullopt;
        return info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
    }

private:
    void start(const std::string& text, int output) {
        posix_spawn_file_actions_t files;
        ::posix_spawn_file_actions_init(&files);
        ::posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
        ::posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
        // The tenth failing run has nothing new to say.
        if (program::verbosity < 2)
            ::posix_spawn_file_actions_addopen(&files, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
        posix_spawnattr_t attributes;
        ::posix_spawnattr_init(&attributes);
        // A process group of its own: what the shell starts can be ended with it.
        ::posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
        const char* words[] = {"sh", "-c", text.c_str(), nullptr};
        const int error = ::posix_spawn(&process_, "/bin/sh", &files, &attributes,
                                        const_cast<char* const*>(words), environ);
        ::posix_spawn_file_actions_destroy(&files);
        ::posix_spawnattr_destroy(&attributes);
        if (error != 0) throw std::system_error(error, std::generic_category(), "posix_spawn");
    }

    trama::unique_fd output_;
    pid_t process_ = -1;
};

/// The result of one run of the client.
struct outcome {
    std::optional<int> exit_code;  ///< nullopt: it did not end in time
    std::string output;
    bool connected = false;    ///< the client came to chop, and not past it to the server
    std::string server_error;  ///< why chop could not connect to the server; empty: it could
    std::string history[2];    ///< by direction: what was sent on the first connection

    bool same_as(const outcome& other) const {
        return exit_code == other.exit_code && output == other.output &&
               server_error.empty() == other.server_error.empty();
    }
    std::string text() const {
        const std::string server = server_error.empty() ? "" : "no server, ";
        if (!exit_code) return server + "it does not end in time";
        return server + "exit code " + std::to_string(*exit_code) + ", " +
               std::to_string(output.size()) + " bytes of output: \"" + trama::escaped(output, 60) +
               '"';
    }
};

using cut_list = std::vector<std::uint64_t>;

class search {
public:
    search(trama::tcp_listener& listener, settings all, const program::options& given)
        : listener_(listener),
          all_(std::move(all)),
          client_(given.text("find")),
          server_(given.text("start")),
          target_(given.text("to")),
          tries_(static_cast<std::uint64_t>(given.number("tries", 0, 100'000))),
          time_for_each_(given.number("timeout", 1, 3600)) {
        const trama::endpoint here = listener.local_endpoint();
        const std::string port = std::to_string(here.port());
        ::setenv("CHOP_HOST", here.address().c_str(), 1);
        ::setenv("CHOP_PORT", port.c_str(), 1);
        replace(client_, "{host}", here.address());
        replace(client_, "{port}", port);
    }

    /// Searches, and prints the result. Returns 0 if nothing breaks the run, 1 if a cutting does.
    int run() {
        const plan wanted = all_.cutting;
        // What happened in some fifty runs is printed with -v only.
        if (program::verbosity == 1) program::verbosity = 0;
        all_.cutting.how = mode::whole;
        whole_ = attempt();
        check_whole();
        for (const direction each : {to_server, to_client}) {
            if (!wanted.cut_direction[each]) continue;
            all_.cutting.cut_direction[to_server] = each == to_server;
            all_.cutting.cut_direction[to_client] = each == to_client;
            const cut_list cuts = any_breaking(each);
            if (!cuts.empty()) return report(each, cuts);
        }
        std::cout << "nothing found: one byte at a time and " << tries_
                  << " random cuttings give the same as no cut at all (seed " << wanted.seed
                  << ")\n";
        return 0;
    }

private:
    /// Throws usage_error unless the command works, always in the same way, when nothing is cut.
    void check_whole() {
        if (!whole_.server_error.empty())
            throw program::usage_error("no server at " + target_ + ": " + whole_.server_error);
        if (whole_.exit_code != 0)
            throw program::usage_error("the command fails when nothing is cut (-v shows why): " +
                                       whole_.text());
        if (!whole_.connected)
            throw program::usage_error(
                "the command never came to chop: write {port} where its port stands");
        if (attempt_fails())
            throw program::usage_error(
                "the command gives two different outputs when nothing is cut");
    }

    /// Runs the client once, through chop.
    outcome attempt() {
        ++runs_;
        const std::unique_ptr<shell_command> server =
            server_.empty() ? nullptr : std::make_unique<shell_command>(server_);
        pump through(listener_, all_);
        shell_command client(client_);
        outcome result;
        serve_until_exit(through, client, result);
        if (result.exit_code) read_rest(client, result);
        through.turn(-1, trama::duration::zero());  // the client may have come at its very end
        result.connected = through.connections() > 0;
        result.server_error = through.server_error();
        for (const direction each : {to_server, to_client})
            result.history[each] = through.history(each);
        return result;
    }

    /// Carries the client's bytes and collects its output until it exits or its time is up.
    void serve_until_exit(pump& through, shell_command& client, outcome& result) const {
        const trama::deadline limit(time_for_each_);
        while (!result.exit_code && !limit.passed()) {
            if (program::stopping()) throw program::usage_error("stopped");
            // After the end of its output a client exits at once; no event reports that.
            constexpr trama::duration glance = std::chrono::milliseconds(1);
            const bool is_silent = client.output() == -1;
            if (through.turn(client.output(), is_silent ? glance : 20 * glance))
                result.output += client.read_output();
            result.exit_code = client.exit_code();
        }
    }

    /// Takes what is left in the pipe. What the client has started may still hold the other end.
    static void read_rest(shell_command& client, outcome& result) {
        while (client.output() != -1) {
            pollfd rest{client.output(), POLLIN, 0};
            if (::poll(&rest, 1, 0) != 1) return;
            result.output += client.read_output();
        }
    }

    /// Runs the client once more. Returns whether the result differs from that of the uncut run.
    bool attempt_fails() {
        outcome result = attempt();
        const bool fails = !result.same_as(whole_);
        if (fails) failed_ = std::move(result);
        return fails;
    }

    bool breaks(const cut_list& cuts) {
        all_.cutting.how = mode::cuts;
        all_.cutting.cuts = cuts;
        return attempt_fails();
    }

    /// Some cutting that breaks the run, or none.
    cut_list any_breaking(direction which) {
        const std::uint64_t size = whole_.history[which].size();
        cut_list cuts;
        for (std::uint64_t place = 1; place < size; ++place) cuts.push_back(place);
        if (cuts.empty() || breaks(cuts)) return cuts;
        for (std::uint64_t seed = all_.cutting.seed; seed < all_.cutting.seed + tries_; ++seed) {
            std::mt19937_64 dice(seed);
            cuts.clear();
            for (std::uint64_t place = 1; place < size; ++place)
                if (dice() % 8 == 0) cuts.push_back(place);
            if (!cuts.empty() && breaks(cuts)) return cuts;
        }
        return {};
    }

    /// Leaves out what the run breaks without. Zeller's ddmin.
    cut_list shrink(cut_list cuts) {
        for (std::size_t parts = 2; cuts.size() > 1;) {
            const cut_list part = breaking_part(cuts, parts, true);
            const cut_list rest = part.empty() ? breaking_part(cuts, parts, false) : cut_list();
            if (!part.empty()) {
                cuts = part;
                parts = 2;
            } else if (!rest.empty()) {
                cuts = rest;
                parts = std::max<std::size_t>(2, parts - 1);
            } else if (parts == cuts.size()) {
                break;
            } else {
                parts = std::min(2 * parts, cuts.size());
            }
        }
        return cuts;
    }

    /// The first of `parts` parts of the cuts that breaks the run, or, if not `only`, the first
    /// whose absence leaves the run broken. Empty: none does.
    cut_list breaking_part(const cut_list& cuts, std::size_t parts, bool only) {
        for (std::size_t part = 0; part < parts; ++part) {
            cut_list some;
            for (std::size_t i = 0; i < cuts.size(); ++i)
                if ((i * parts / cuts.size() == part) == only) some.push_back(cuts[i]);
            if (breaks(some)) return some;
        }
        return {};
    }

    int report(direction which, cut_list cuts) {
        if (survives()) {
            report_smallest(which, shrink(std::move(cuts)));
            return 1;
        }
        std::cout << "Cut into " << cuts.size() + 1 << " pieces, the stream to the "
                  << name_of(which)
                  << " breaks the run, and the server does not survive it:\nnow nothing works, "
                     "cut or uncut. To find the smallest cutting, let chop start\na fresh "
                     "server for each run:  --start 'COMMAND THAT STARTS IT'\n";
        return 1;
    }

    void report_smallest(direction which, const cut_list& cuts) {
        const bool is_sure = breaks(cuts) && breaks(cuts);
        const std::string list = text_of(cuts);
        std::cout << "the smallest cutting that fails: " << cuts.size()
                  << (cuts.size() == 1 ? " cut, after byte " : " cuts, after the bytes ") << list
                  << " of the stream to the " << name_of(which) << " (" << runs_ << " runs)\n"
                  << (is_sure ? "" : "but not each time: it depends on something else too\n")
                  << drawing(whole_.history[which], cuts, all_.cutting.codec).text()
                  << "uncut: " << whole_.text() << "\ncut:   " << failed_.text()
                  << "\nagain: chop --to " << target_ << " --direction "
                  << (which == to_server ? "up" : "down") << " --mode cuts --cuts " << list << '\n';
    }

    static const char* name_of(direction which) { return which == to_server ? "server" : "client"; }

    static std::string text_of(const cut_list& cuts) {
        std::string list;
        for (const std::uint64_t cut : cuts) {
            if (!list.empty()) list += ',';
            list += std::to_string(cut);
        }
        return list;
    }

    bool survives() {
        all_.cutting.how = mode::whole;
        return !attempt_fails();
    }

    static void replace(std::string& text, const std::string& from, const std::string& to) {
        std::size_t at = text.find(from);
        while (at != std::string::npos) {
            text.replace(at, from.size(), to);
            at = text.find(from, at + to.size());
        }
    }

    trama::tcp_listener& listener_;
    settings all_;
    std::string client_;
    std::string server_;
    std::string target_;
    std::uint64_t tries_;
    std::chrono::seconds time_for_each_;
    outcome whole_;   // of the run without a cut
    outcome failed_;  // of the last run that failed
    std::size_t runs_ = 0;
};

}  // namespace chop

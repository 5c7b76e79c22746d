// examples/tools/check_stage.hpp -- the one loop of check: the program, and all connections to it.
//
//     program under test  <--- pipes --->  |       |  <--- peer 1 --->
//                                          | stage |  <--- peer 2 --->  the program's sockets
//     Ctrl-C  ------------------------->   |       |  <--- listener, in an exercise for clients
//
// turn() waits once for all of them. Whatever check waits for, it calls turn() until it is true, so
// that no pipe of the program fills up, and no answer stays unread, meanwhile. man 2 ppoll
#pragma once

#include "../support/program.hpp"
#include "check_failure.hpp"
#include "check_folder.hpp"
#include "check_peer.hpp"
#include "check_process.hpp"

#include <chrono>
#include <fstream>
#include <map>
#include <optional>
#include <random>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace check {

/// How to reach the program, from the command line.
struct target {
    std::string command;  ///< empty: the server runs already
    std::string host = "127.0.0.1";
    int port = 0;        ///< 0: a free one for each test
    std::string folder;  ///< for {dir} and {file}
    bool is_running_server() const { return command.empty(); }
};

/// Ctrl-C: no test has failed, and none goes on.
struct interrupted : std::runtime_error {
    interrupted() : std::runtime_error("stopped before the end of the tests") {}
};

class stage {
public:
    /// `plan`: the cutting of this run.
    stage(const target& program, role kind, const chop::plan& plan, const timing& times)
        : times_(times), target_(program), role_(kind), plan_(plan), port_(program.port) {}

    // ---- the program ----

    /// Starts the program; a client finds a listener.
    void open() {
        if (role_ == role::client) {
            listener_.emplace(trama::tcp_listener::listen("127.0.0.1", target_.port));
            port_ = listener_->local_endpoint().port();
        } else if (port_ == 0) {
            port_ = free_port();
        }
        start_program();
    }

    void start_program() {
        started_ = trama::deadline(start_time);
        was_reached_ = false;
        if (!target_.is_running_server()) program_.start(filled_command());
    }

    process& program() { return program_; }
    bool can_control() const { return !target_.is_running_server(); }
    std::string file() const { return target_.folder + "/foto.jpg"; }

    /// Empties {dir}; then {file} has this content, or is not there.
    void prepare_folder(bool has_file, const std::string& content) {
        empty_folder(target_.folder);
        prepared_file_ = content;
        if (!has_file) return;
        std::ofstream file(this->file(), std::ios::binary);
        file << content;
    }
    const std::string& prepared_file() const { return prepared_file_; }

    // ---- connections ----

    /// Connects to the server; while it starts, again and again. Throws failure.
    void connect(int number) {
        for (;;) {
            try {
                trama::tcp_stream stream =
                    trama::tcp_stream::connect(target_.host, port_, connect_time);
                add_peer(number, std::move(stream));
                was_reached_ = true;
                return;
            } catch (const trama::network_error& error) {
                give_up_if_late(error);
            }
            turn(std::chrono::milliseconds(5));
        }
    }

    /// Waits until the client connects. Throws failure.
    void accept(int number) {
        const trama::deadline limit(start_time);
        trama::tcp_stream stream;
        while (listener_->try_accept(stream).status != trama::io_status::done) {
            if (limit.passed() || has_program_ended())
                throw failure{fault::no_connection, number, {}, {}, exit_text()};
            turn(limit.left());
        }
        add_peer(number, std::move(stream));
    }

    peer& at(int number) { return peers_.at(number); }

    /// Closes all connections and the listener, so that the program can end.
    void close_all() {
        peers_.clear();
        listener_.reset();
    }

    // ---- the loop ----

    /// Waits until something happens, at most so long, and deals with it. Throws interrupted.
    void turn(trama::duration at_most) {
        watched_.assign({{program::catch_signals().fd(), POLLIN, 0},
                         {program_.output_fd(), POLLIN, 0},
                         {program_.errors_fd(), POLLIN, 0},
                         {listener_ ? listener_->fd() : -1, POLLIN, 0}});
        for (auto& [number, each] : peers_) {
            each.forward();
            watched_.push_back(each.watch());
            at_most = std::min(at_most, each.look_again());
        }
        wait(at_most);
        if (program::stopping()) throw interrupted();
        program_.exchange();
        for (auto& [number, each] : peers_) {
            each.receive();
            each.forward();
        }
    }

    /// Calls turn() until `is_true()`, or until nothing has moved for `limit`. Returns is_true().
    /// A wait that is not over soon begins to measure the processor: see processor_share().
    template <typename Condition>
    bool wait_until(Condition is_true, std::chrono::milliseconds limit) {
        const trama::deadline all(10 * limit);
        const trama::deadline soon(std::chrono::milliseconds(100));
        trama::deadline quiet(limit);
        std::uint64_t moved = bytes_moved();
        bool is_measured = false;
        while (!is_true() && !all.passed()) {
            if (quiet.passed()) {
                quiet = trama::deadline(lost_time());
                if (quiet.passed()) return false;
            }
            if (!is_measured && soon.passed()) {
                processor_share();
                is_measured = true;
            }
            turn(std::min<trama::duration>(quiet.left(), std::chrono::milliseconds(20)));
            const std::uint64_t now = bytes_moved();
            if (now != moved) quiet = trama::deadline(limit);
            moved = now;
        }
        return is_true();
    }

    /// Lets time pass.
    void pause(std::chrono::milliseconds time) {
        const trama::deadline limit(time);
        while (!limit.passed()) {
            turn(limit.left());
        }
    }

    // ---- what is known about the program ----

    const timing& times() const { return times_; }
    int port() const { return port_; }

    bool has_program_ended() { return program_.was_started() && !program_.is_running(); }

    /// "exit code 1", "SIGPIPE"; empty: it runs.
    std::string exit_text() {
        const std::optional<int> code = program_.exit_code();
        if (!code) return "";
        if (*code > 128 && *code < 128 + 64)
            return std::string("signal ") + std::to_string(*code - 128) + " (" +
                   ::strsignal(*code - 128) + ')';
        return fill({"exit code {1}", "código de salida {1}"}, {std::to_string(*code)});
    }

    /// The part of the time since the last call in which the program used the processor, or would
    /// have used it if others had not.
    double processor_share() {
        const auto now = chop::steady::now();
        const processor_time all = program_.time();
        const double busy = all.used + all.waited;
        const std::chrono::duration<double> time = now - measured_at_;
        const double share = (busy - measured_) / std::max(0.001, time.count());
        measured_at_ = now;
        measured_ = busy;
        waited_ = all.waited;
        return share;
    }

private:
    static constexpr std::chrono::seconds start_time{5};
    static constexpr std::chrono::seconds connect_time{2};

    /// A free port below those that a system gives to clients by itself: the program comes later,
    /// and finds it still free. Another check does not choose it: it is kept as a UDP port, which
    /// is no obstacle to TCP. Throws network_error.
    int free_port() {
        std::random_device random;
        for (int tries = 1;; ++tries) {
            const int port = std::uniform_int_distribution<int>(20'000, 32'000)(random);
            try {
                kept_port_ = trama::udp_socket::bind("127.0.0.1", port);
                if (is_free(kept_port_->local_endpoint())) return port;
            } catch (const trama::network_error&) {
                if (tries >= 100) throw;
            }
        }
    }

    /// Asked without SO_REUSEADDR: the program may forget it, too.
    static bool is_free(const trama::endpoint& where) {
        const trama::unique_fd probe(::socket(AF_INET, SOCK_STREAM, 0));
        return ::bind(probe.get(), where.data(), where.size()) == 0;
    }

    std::string filled_command() const {
        std::string command = target_.command;
        replace_all(command, "{port}", std::to_string(port_));
        replace_all(command, "{host}", target_.host);
        replace_all(command, "{dir}", target_.folder);
        replace_all(command, "{file}", file());
        return command;
    }

    void add_peer(int number, trama::tcp_stream stream) {
        peers_.erase(number);
        peers_.try_emplace(number, std::move(stream), plan_, role_, number, table_);
    }

    void give_up_if_late(const trama::network_error& error) {
        const bool is_late = target_.is_running_server() || started_.passed();
        if (!is_late && !has_program_ended()) return;
        const bool has_served = was_reached_ && has_program_ended();
        const std::string why = has_program_ended() ? exit_text() : error.code().message();
        throw failure{has_served ? fault::program_ended : fault::not_listening, 0, {}, {}, why};
    }

    std::uint64_t bytes_moved() const {
        std::uint64_t sum = program_.printed().size();
        for (const auto& [number, each] : peers_) {
            sum += each.received() + each.sent();
        }
        return sum;
    }

    /// How long the program has waited for a processor since the last call, or since the last one
    /// of processor_share(): a busy machine takes no time from it.
    trama::duration lost_time() {
        const double now = program_.time().waited;
        const std::chrono::duration<double> lost(now - std::exchange(waited_, now));
        return std::chrono::duration_cast<std::chrono::milliseconds>(lost);
    }

    void wait(trama::duration at_most) {
        const int ready = program::poll_for(watched_.data(), watched_.size(), at_most);
        if (ready == -1 && errno != EINTR)
            throw std::system_error(errno, std::generic_category(), "poll");
    }

    timing times_;
    const target& target_;
    role role_;
    chop::plan plan_;
    int port_;
    std::optional<trama::udp_socket> kept_port_;
    chop::socket_table table_;
    process program_;
    std::string prepared_file_;
    std::optional<trama::tcp_listener> listener_;
    std::map<int, peer> peers_;
    std::vector<pollfd> watched_;
    trama::deadline started_;
    bool was_reached_ = false;  // since it was started, a connection was made
    chop::steady::time_point measured_at_ = chop::steady::now();
    double measured_ = 0;  // seconds
    double waited_ = 0;    // seconds
};

}  // namespace check

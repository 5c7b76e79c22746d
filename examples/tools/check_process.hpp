// examples/tools/check_process.hpp -- the program under test, while it runs.
//
//     stdin  <--- a pipe          type()
//     stdout ---> a pipe          printed()
//     stderr ---> a pipe          printed_errors()
//
// The command runs in a process group of its own, so that whatever it starts can be ended by the
// number of this group. A process that leaves the group becomes a child of check, which ends it by
// its own number. man 2 setpgid, man 2 prctl (PR_SET_CHILD_SUBREAPER), man 2 waitid, man 5 proc
#pragma once

#include "../support/system.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <fstream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

namespace check {

/// The end of a pipe for check, and the one for the program.
struct pipe_ends {
    trama::unique_fd ours;
    trama::unique_fd theirs;
};

/// Throws system_error.
inline pipe_ends make_pipe(bool we_write) {
    int ends[2];
    if (program::open_pipe(ends) != 0)
        throw std::system_error(errno, std::generic_category(), "pipe");
    pipe_ends made{trama::unique_fd(ends[we_write ? 1 : 0]),
                   trama::unique_fd(ends[we_write ? 0 : 1])};
    ::fcntl(made.ours.get(), F_SETFL, O_NONBLOCK);
    return made;
}

/// The fields of /proc/PID/stat that matter here. man 5 proc
struct process_status {
    pid_t parent = -1;
    pid_t group = -1;
};

inline process_status read_status(const std::string& number) {
    std::ifstream file("/proc/" + number + "/stat");
    std::string line;
    std::getline(file, line);
    const std::size_t name_end = line.rfind(')');  // a name may contain spaces
    process_status found;
    if (name_end == std::string::npos) return found;
    std::istringstream fields(line.substr(name_end + 1));
    std::string skipped;
    fields >> skipped >> found.parent >> found.group;
    return found;
}

/// Calls `visit(name)` for each entry of a folder whose name is a number; for none if there is no
/// such folder.
template <typename Visit>
void for_each_number(const std::string& folder, Visit visit) {
    DIR* const open_folder = ::opendir(folder.c_str());
    if (open_folder == nullptr) return;
    while (const dirent* const entry = ::readdir(open_folder)) {
        const std::string name = entry->d_name;
        if (name.find_first_not_of("0123456789") == std::string::npos) visit(name);
    }
    ::closedir(open_folder);
}

/// Seconds in which threads used a processor, and in which they waited for one. A program of which
/// both grow all the time is busy, and not only slow because others are.
struct processor_time {
    double used = 0;
    double waited = 0;
};

/// The time of all threads of a process; nothing where the kernel does not count it.
inline processor_time read_processor_time(const std::string& number) {
    processor_time sum;
    const std::string threads = "/proc/" + number + "/task/";
    for_each_number(threads, [&](const std::string& thread) {
        std::ifstream file(threads + thread + "/schedstat");  // in nanoseconds
        processor_time one;
        if (!(file >> one.used >> one.waited)) return;
        sum.used += one.used / 1e9;
        sum.waited += one.waited / 1e9;
    });
    return sum;
}

/// Calls `visit(name, status)` for each process of the machine; for none where /proc is absent.
template <typename Visit>
void for_each_process(Visit visit) {
    for_each_number("/proc", [&](const std::string& name) { visit(name, read_status(name)); });
}

/// One command of the shell. The destructor ends it, and all that it has started.
class process {
public:
    process() = default;
    process(const process&) = delete;
    process& operator=(const process&) = delete;
    ~process() { stop(); }

    /// Throws system_error.
    void start(const std::string& command) {
        stop();
        adopt_orphans();
        pipe_ends input = make_pipe(true);
        pipe_ends output = make_pipe(false);
        pipe_ends errors = make_pipe(false);
        number_ = ::fork();
        if (number_ == -1) throw std::system_error(errno, std::generic_category(), "fork");
        if (number_ == 0)
            run(command, input.theirs.get(), output.theirs.get(), errors.theirs.get());
        ::setpgid(number_, number_);  // also here: nobody knows which of the two runs first
        input_ = std::move(input.ours);
        output_ = std::move(output.ours);
        errors_ = std::move(errors.ours);
        printed_.clear();
        printed_errors_.clear();
        typed_.clear();
        closes_input_ = false;
        ended_.reset();
    }

    bool was_started() const { return number_ > 0; }
    bool is_running() { return was_started() && !exit_code(); }

    /// Its exit code in the form of the shell (128 and the number of a signal); nullopt: it runs.
    std::optional<int> exit_code() {
        if (ended_ || !was_started()) return ended_;
        siginfo_t info{};
        if (::waitid(P_PID, static_cast<id_t>(number_), &info, WEXITED | WNOHANG | WNOWAIT) != 0)
            return ended_;
        if (info.si_pid == 0) return ended_;
        ended_ = info.si_code == CLD_EXITED ? info.si_status : 128 + info.si_status;
        return ended_;
    }

    void signal(int number) const {
        if (was_started()) ::kill(-number_, number);
    }

    /// Ends it and its children, each by its own number.
    void stop() {
        if (!was_started()) return;
        // In this order: before waitpid, no other process can have this number.
        ::kill(-number_, SIGKILL);
        ::waitpid(number_, nullptr, 0);
        end_adopted();
        number_ = -1;
        input_.reset();
        output_.reset();
        errors_.reset();
    }

    /// The time of all its processes.
    processor_time time() const {
        processor_time sum;
        for_each_process([&](const std::string& name, const process_status& status) {
            if (status.group != number_) return;
            const processor_time one = read_processor_time(name);
            sum.used += one.used;
            sum.waited += one.waited;
        });
        return sum;
    }

    // ---- its three streams; none of these calls waits ----

    void type(const std::string& bytes) { typed_ += bytes; }
    void end_input() { closes_input_ = true; }

    /// Descriptors to wait for, or -1.
    int output_fd() const { return output_.get(); }
    int errors_fd() const { return errors_.get(); }

    /// Reads what it has printed, and writes what is typed.
    void exchange() {
        read(output_, printed_);
        read(errors_, printed_errors_);
        write_typed();
    }

    const std::string& printed() const { return printed_; }
    const std::string& printed_errors() const { return printed_errors_; }

private:
    static constexpr std::size_t most_kept = 4 * 1024 * 1024;
    static constexpr int most_pieces = 16;  // at once: a program may print without end

    static void adopt_orphans() {
#ifdef __linux__
        ::prctl(PR_SET_CHILD_SUBREAPER, 1);
#endif
    }

    [[noreturn]] static void run(const std::string& command, int input, int output, int errors) {
        ::setpgid(0, 0);
#ifdef __linux__
        ::prctl(PR_SET_PDEATHSIG, SIGKILL);  // if check is killed, the program is killed too
#endif
        ::dup2(input, STDIN_FILENO);
        ::dup2(output, STDOUT_FILENO);
        ::dup2(errors, STDERR_FILENO);
        ::signal(SIGPIPE, SIG_DFL);
        ::signal(SIGXFSZ, SIG_DFL);
        ::execl("/bin/sh", "sh", "-c", command.c_str(), static_cast<char*>(nullptr));
        ::_exit(127);
    }

    /// Processes that the program has left behind are children of check now. When one of them has
    /// ended, its own children are next.
    static void end_adopted() {
        const pid_t self = ::getpid();
        for (bool found = true; found;) {
            found = false;
            for_each_process([&](const std::string& name, const process_status& status) {
                if (status.parent != self) return;
                found = true;
                const auto number = static_cast<pid_t>(std::stol(name));
                ::kill(number, SIGKILL);
                ::waitpid(number, nullptr, 0);
            });
        }
    }

    static void read(trama::unique_fd& from, std::string& into) {
        char bytes[65536];
        for (int piece = 0; from && piece < most_pieces; ++piece) {
            const ssize_t count = ::read(from.get(), bytes, sizeof bytes);
            if (count == 0) from.reset();
            if (count <= 0) return;
            into.append(bytes, static_cast<std::size_t>(count));
            if (into.size() > most_kept) into.erase(0, into.size() - most_kept);
        }
    }

    void write_typed() {
        if (!input_) return;
        const ssize_t count =
            typed_.empty() ? 0 : ::write(input_.get(), typed_.data(), typed_.size());
        if (count > 0) typed_.erase(0, static_cast<std::size_t>(count));
        const bool is_broken = count == -1 && errno != EAGAIN && errno != EINTR;
        if (is_broken || (closes_input_ && typed_.empty())) input_.reset();
    }

    pid_t number_ = -1;  // of the process, and of its group
    std::optional<int> ended_;
    trama::unique_fd input_;
    trama::unique_fd output_;
    trama::unique_fd errors_;
    std::string typed_;  // not written yet
    bool closes_input_ = false;
    std::string printed_;
    std::string printed_errors_;
};

}  // namespace check

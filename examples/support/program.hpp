// examples/support/program.hpp -- the manners every example shares, so that the example itself can
// be about networking: the command line, exit codes, talk on stderr, and an orderly stop on Ctrl-C.
// How to use it: 03_echo_server/echo_server.cpp.
//
// Exit codes: 0 done, 1 the network or the peer failed, 2 the command line or a local file is
// wrong. man 3 getopt_long, man 2 sigaction, man 7 signal-safety
#pragma once

#include "characters.hpp"
#include "trama.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <chrono>
#include <csignal>
#include <cstring>
#include <iomanip>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <thread>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <getopt.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace program {

/// The command line is wrong, or a local file: exit code 2. what() says what to type instead.
struct usage_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// The peer broke the rules of the conversation: exit code 1.
struct peer_error : std::runtime_error {
    using std::runtime_error::runtime_error;
};

/// True while a prompt or a progress bar stands on the last line of stderr: then the next line of
/// talk begins below it.
inline std::atomic<bool> is_line_open{false};

namespace detail {

/// What is wrong with the option that getopt_long refused with `sign`. `word`: where it stands.
/// `is_known`: optopt is one.
inline std::string refusal(int sign, bool is_known, const std::string& word) {
    const std::string letter{'-', static_cast<char>(::optopt)};
    if (sign == ':')
        return '"' + (word.substr(0, 2) == "--" ? word : letter) + "\" needs a value: see --help";
    // optopt is 0 after a word that is unknown, and a known letter after one such as "--quiet=yes".
    const bool is_word = ::optopt == 0 || is_known;
    return "unknown option \"" + harmless(is_word ? word : letter) + "\": see --help";
}

inline const bool stdout_is_terminal = ::isatty(STDOUT_FILENO) == 1;

/// `text` as it is for a file or a pipe, and harmless for a terminal. `kept`: control characters
/// that stay.
inline std::string for_stdout(std::string_view text, std::string_view kept) {
    return stdout_is_terminal ? harmless(text, kept) : std::string(text);
}

/// The first bytes of a character, from the end of a piece: the next piece may bring the others.
inline std::string incomplete;

/// In one piece, so that lines of several threads, or programs, do not mix.
template <typename... Parts>
void write_line(const Parts&... parts) {
    std::ostringstream line;
    if (is_line_open.exchange(false)) line << '\n';
    (line << ... << parts) << '\n';
    std::cerr << line.str() << std::flush;
}

inline std::optional<trama::stop_signal> stop;  // none: nobody has called catch_signals() yet

/// If a program starts with stdin, stdout or stderr closed ("prog 2>&-"), its next socket would get
/// that number, and its talk would go into a connection. So /dev/null takes the number, opened for
/// the other direction: its use stays an error.
inline void fill_closed_streams() {
    for (const int fd : {STDIN_FILENO, STDOUT_FILENO, STDERR_FILENO}) {
        if (::fcntl(fd, F_GETFD) != -1) continue;
        // It gets the lowest number that is free, and that is this one.
        if (::open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) != fd)
            throw std::system_error(errno, std::generic_category(), "open /dev/null");
    }
}

}  // namespace detail

// ---- the command line ------------------------------------------------------------------------

/// One option of a program: "-p, --port PORT  the port (default: 5000)".
struct option {
    char letter;
    const char* name;
    const char* value_name;  // nullptr: a flag, which takes no value
    const char* value;       // the default; "": none
    const char* help;

    bool is_flag() const { return value_name == nullptr; }
};

inline option flag(char letter, const char* name, const char* help) {
    return {letter, name, nullptr, "", help};
}

inline option host_option(const char* host = "localhost") {
    return {'H', "host", "HOST", host, "the server: a name or an address"};
}
inline option address_option(const char* address = "0.0.0.0") {
    return {'H', "host", "ADDRESS", address, "the address to listen on"};
}
inline option port_option(const char* port = "5000") {
    return {'p', "port", "PORT", port, "the port (for a server, 0 means any free port)"};
}

/// What was typed, with the defaults filled in.
class options {
public:
    /// The value of an option; of a flag: "1" or "".
    const std::string& text(const std::string& name) const { return values_.at(name); }
    bool flag(const std::string& name) const { return !text(name).empty(); }

    /// A whole number from `least` to `most`. Throws usage_error.
    long number(const std::string& name, long least, long most) const {
        const std::string& given = text(name);
        const char* end = given.data() + given.size();
        long value = 0;
        const auto [stopped, error] = std::from_chars(given.data(), end, value);
        const bool is_number = error == std::errc{} && stopped == end;
        if (is_number && value >= least && value <= most) return value;
        throw usage_error("--" + name + " takes a number from " + std::to_string(least) + " to " +
                          std::to_string(most) + ", not \"" + trama::escaped(given) + '"');
    }

    const std::string& host() const { return text("host"); }
    int port() const { return static_cast<int>(number("port", 0, 65535)); }

    /// --timeout SECONDS; 0 waits for ever.
    trama::duration timeout() const {
        const std::chrono::seconds given(number("timeout", 0, 86400));
        return given.count() == 0 ? trama::no_timeout : given;
    }

    /// The words that are no options, in order.
    const std::vector<std::string>& words() const { return words_; }

private:
    friend options parse(int argc, char** argv, const std::vector<option>& known);
    std::map<std::string, std::string> values_;
    std::vector<std::string> words_;
};

/// Reads the command line. Throws usage_error.
inline options parse(int argc, char** argv, const std::vector<option>& known) {
    options given;
    std::string letters = ":";  // so that getopt_long reports a missing value as ':'
    std::vector<::option> table;
    for (const option& each : known) {
        given.values_[each.name] = each.value;
        letters += each.letter;
        if (!each.is_flag()) letters += ':';
        table.push_back({each.name, each.is_flag() ? 0 : 1, nullptr, each.letter});
    }
    table.push_back({nullptr, 0, nullptr, 0});
    ::opterr = 0;  // run() reports what is wrong, in one line
    // Only the last word can lack its value. Then optind differs from one C library to the next.
    const std::string last_word = argv[argc - 1];
    for (;;) {
        const int letter = ::getopt_long(argc, argv, letters.c_str(), table.data(), nullptr);
        if (letter == -1) break;
        const bool is_refused = letter == '?' || letter == ':';
        const auto found = std::find_if(known.begin(), known.end(), [&](const option& each) {
            return each.letter == (is_refused ? ::optopt : letter);
        });
        if (is_refused) {
            const std::string word = letter == ':' ? last_word : argv[::optind - 1];
            throw usage_error(detail::refusal(letter, found != known.end(), word));
        }
        std::string& value = given.values_[found->name];
        value = found->is_flag() ? "1" : ::optarg;
        if (value.empty())
            throw usage_error("the value of --" + std::string(found->name) + " is empty");
    }
    given.words_.assign(argv + ::optind, argv + argc);
    return given;
}

/// The options with their defaults, as --help shows them.
inline std::string option_table(const std::vector<option>& known) {
    std::ostringstream table;
    for (const option& each : known) {
        const std::string value = each.is_flag() ? "" : std::string(" ") + each.value_name;
        const std::string names = std::string(", --") + each.name + value;
        table << "  -" << each.letter << std::left << std::setw(24) << names << each.help;
        if (*each.value != '\0') table << " (default: " << each.value << ')';
        table << '\n';
    }
    return table.str();
}

// ---- data from the network goes to stdout ------------------------------------------------------

/// Prints a message as one line, at once.
inline void print(std::string_view message) {
    std::cout << detail::for_stdout(message, "") << std::endl;
}

/// Prints a piece of a stream, at once. At a terminal, an incomplete character at its end waits for
/// the next piece.
inline void print_piece(std::string_view piece) {
    std::string text = std::exchange(detail::incomplete, {}).append(piece);
    if (detail::stdout_is_terminal) {
        detail::incomplete = text.substr(text.size() - unfinished(text));
        text.resize(text.size() - detail::incomplete.size());
    }
    std::cout << detail::for_stdout(text, "\n\t") << std::flush;
}

// ---- talk goes to stderr -----------------------------------------------------------------------

/// How much the program says on stderr: 0 with -q (errors only), 1, 2 with -v.
inline int verbosity = 1;

/// The first bytes of what came from the network, escaped. The text is made only when it is
/// written.
struct shown {
    std::string_view bytes;
    std::size_t most = std::string_view::npos;
};

inline std::ostream& operator<<(std::ostream& out, const shown& what) {
    return out << trama::escaped(what.bytes, what.most);
}

/// One line of talk, unless -q. Bytes from the network must be given as shown{...}.
template <typename... Parts>
void say(const Parts&... parts) {
    if (verbosity >= 1) detail::write_line(parts...);
}

/// One line about an error that does not end the program, also with -q.
template <typename... Parts>
void say_error(const Parts&... parts) {
    detail::write_line(parts...);
}

/// One line of detail, with -v only.
template <typename... Parts>
void say_more(const Parts&... parts) {
    if (verbosity >= 2) detail::write_line(parts...);
}

// ---- an orderly stop: Ctrl-C and SIGTERM end the waiting, the second one ends the program -------

/// The stop of this program. From the first call on, Ctrl-C and SIGTERM stop it.
inline trama::stop_signal& catch_signals() {
    if (!detail::stop.has_value()) detail::stop.emplace().catch_signals();
    return *detail::stop;
}

/// A server's first line on stdout, flushed: a script can wait for it. From here on a signal stops
/// the server in order.
inline void announce(const trama::endpoint& where) {
    // A server goes on when nobody reads its stderr any more, as in "server 2>&1 | tee log", where
    // Ctrl-C ends tee, too. Clients do not ignore this signal: "client | head" ends with head.
    ::signal(SIGPIPE, SIG_IGN);
    if (!trama::stop_signal::signals_are_caught()) catch_signals();
    std::cout << "listening on " << where << std::endl;
}

/// True once Ctrl-C was pressed or SIGTERM came.
inline bool stopping() {
    return detail::stop.has_value() && detail::stop->stopped();
}

/// Waits until `fd` has something to read; -1: for the time alone. Returns false when the time is
/// over or the program has to stop.
inline bool wait_readable(int fd, trama::duration time = trama::no_timeout) {
    const trama::stop_signal& stop = catch_signals();
    const trama::deadline limit(time);
    while (!stop.stopped()) {
        pollfd watched[] = {{fd, POLLIN, 0}, {stop.fd(), POLLIN, 0}};
        const int ready = ::poll(watched, 2, limit.poll_timeout());
        if (ready == -1 && errno != EINTR)
            throw std::system_error(errno, std::generic_category(), "poll");
        if (ready > 0 && watched[0].revents != 0) return !stop.stopped();
        if (limit.passed()) return false;
    }
    return false;
}

/// Lets time pass. A stop ends it.
inline void pause(trama::duration time) {
    wait_readable(-1, time);
}

/// What to tell of an exception. After a stop a conversation ends in the middle, and nobody is to
/// blame for that.
inline const char* reason(const std::exception& error) {
    return stopping() ? "stopped in the middle of the conversation" : error.what();
}

/// While it lives, a stop ends the stream of `fd`: what has come is still read. A thread waits for
/// the stop, because recv(2) waits for bytes only. Destroy it before you close `fd`.
class hang_up_on_stop {
public:
    explicit hang_up_on_stop(int fd) {
        catch_signals();
        watcher_ = std::thread([this, fd]() noexcept { shut_down_on_stop(fd); });
    }
    ~hang_up_on_stop() {
        done_.stop();
        watcher_.join();
    }
    hang_up_on_stop(const hang_up_on_stop&) = delete;
    hang_up_on_stop& operator=(const hang_up_on_stop&) = delete;

private:
    /// If the wait fails, nobody would notice a stop any more: then the stream ends at once.
    void shut_down_on_stop(int fd) {
        bool is_done = false;
        try {
            is_done = wait_readable(done_.fd());
        } catch (const std::system_error& error) {
            say_error(error.what());
        }
        if (!is_done) ::shutdown(fd, SHUT_RD);
    }

    trama::stop_signal done_;  // ends the wait of the thread
    std::thread watcher_;
};

/// The next line of stdin, without its line feed. False: there is none, or the program is to stop.
inline bool read_line(std::string& line) {
    static std::string buffer;
    static bool ended = false;
    if (ended) return false;
    for (std::size_t seen = 0;;) {
        const std::size_t end = buffer.find('\n', seen);
        if (end != std::string::npos) {
            line.assign(buffer, 0, end);
            buffer.erase(0, end + 1);
            return true;
        }
        seen = buffer.size();
        char piece[4096];
        if (!wait_readable(STDIN_FILENO)) return false;
        const ssize_t count = ::read(STDIN_FILENO, piece, sizeof piece);
        if (count == -1)
            throw usage_error(std::string("cannot read stdin: ") + std::strerror(errno));
        if (count == 0) {
            ended = true;  // a terminal would ask again
            line = std::exchange(buffer, {});
            return !line.empty();
        }
        buffer.append(piece, static_cast<std::size_t>(count));
    }
}

// ---- main --------------------------------------------------------------------------------------

/// Parses the command line, answers --help, calls `body` and turns exceptions into exit codes.
/// `examples`: command lines for --help, and notes. `words`: what follows the options.
template <typename Body>
int run(int argc, char** argv, const char* examples, std::vector<option> known, Body body,
        const char* words = "", std::size_t most_words = 0) {
    const std::string path = argv[0];
    const std::string name = path.substr(path.rfind('/') + 1);
    const auto print_rest = [] { std::cout << harmless(std::exchange(detail::incomplete, {})); };
    const auto fail = [&](const char* what, int code) {
        print_rest();
        detail::write_line(name, ": ", what);
        return code;
    };
    int code = 0;
    try {
        detail::fill_closed_streams();
        known.insert(known.end(),
                     {flag('q', "quiet", "show errors only"), flag('v', "verbose", "show more"),
                      flag('h', "help", "show this")});
        const options given = parse(argc, argv, known);
        if (given.words().size() > most_words)
            throw usage_error("unexpected word \"" + trama::escaped(given.words()[most_words]) +
                              "\": see --help");
        if (given.flag("help")) {
            std::cout << "Examples:" << examples << "\nUsage: " << name << " [OPTION]..."
                      << (most_words == 0 ? "" : " ") << words << '\n'
                      << option_table(known);
            return 0;
        }
        verbosity = given.flag("quiet") ? 0 : given.flag("verbose") ? 2 : 1;
        // A file that meets the limit of "ulimit -f" is an error like a full disk, and no death.
        ::signal(SIGXFSZ, SIG_IGN);
        code = body(given);
    } catch (const usage_error& error) {
        return fail(error.what(), 2);
    } catch (const trama::file_error& error) {
        return fail(error.what(), 2);
    } catch (const std::exception& error) {
        if (!stopping()) return fail(error.what(), 1);
        say(name, ": ", reason(error));
    }
    print_rest();
    std::cout.flush();
    return std::cout ? code : fail("cannot write to stdout", 2);
}

}  // namespace program

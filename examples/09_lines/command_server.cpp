// command_server -- a small protocol of lines: each command gets one answer with a code, in order
//
// Goal:     Design a protocol for people and programs: words, codes, and rules for what is wrong.
// Run:      ./command_server -p 5000
//           nc localhost 5000        and type HELP, TIME, ECHO hola, ADD 2 3, QUIT
// Observe:  Several commands in one piece get all their answers, in order. A wrong command gets an
//           answer, and the connection stays open. A line that is too long gets an answer, and
//           then the server closes. any_line reads LF and CR LF, for nc and telnet; it writes LF.
// Exercise: Use crlf_line, which is as strict as SMTP. Which of nc, nc -C and telnet still work?
//           Add a command UPPER. What must change, and what not?
// Next:     command_client.cpp; naive/command_server.cpp, without lines
#include "../support/program.hpp"

#include <charconv>
#include <ctime>
#include <optional>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>

namespace {

constexpr const char* examples = R"(
  command_server                            answer commands on port 5000 of every address
  printf 'ADD 2 3\nQUIT\n' | nc localhost 5000

Commands, in capitals: ADD INTEGER INTEGER, ECHO TEXT, HELP, QUIT, TIME
Answers: 200 done, 400 unknown command, 401 wrong arguments, 500 line too long (and then closed)
)";

constexpr std::size_t longest_line = 512;  // bytes; without a limit one line could fill the memory

/// "ECHO one two" is the command "ECHO" with the arguments "one two".
using word_and_rest = std::pair<std::string_view, std::string_view>;

word_and_rest split(std::string_view line) {
    const std::size_t space = line.find(' ');
    if (space == std::string_view::npos) return {line, {}};
    return {line.substr(0, space), line.substr(space + 1)};
}

constexpr const char* wrong_arguments = "401 wrong arguments";

/// The whole number that `text` is; nullopt for anything else: "+1", "1x", or too large a number.
std::optional<int> number(std::string_view text) {
    int value = 0;
    const char* end = text.data() + text.size();
    const auto [stopped, error] = std::from_chars(text.data(), end, value);
    if (error != std::errc{} || stopped != end) return std::nullopt;
    return value;
}

std::string add(std::string_view arguments) {
    const auto [first, second] = split(arguments);
    const auto left = number(first);
    const auto right = number(second);
    if (!left || !right) return wrong_arguments;
    return "200 " + std::to_string(static_cast<long long>(*left) + *right);
}

/// The date and time in UTC, in the form of ISO 8601: 2026-01-31T12:34:56Z.
std::string utc_time() {
    const std::time_t now = std::time(nullptr);
    std::tm parts{};
    ::gmtime_r(&now, &parts);
    char text[32];
    return {text, std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%SZ", &parts)};
}

/// Refuses a carriage return at the end: the client would take it for a part of the line's end.
std::string echo(std::string_view text) {
    if (text.empty() || text.back() == '\r') return wrong_arguments;
    return "200 " + std::string(text);
}

// [region dispatch]
/// The answer to one line: always one line that begins with a code.
std::string answer(std::string_view line) {
    const auto [command, arguments] = split(line);
    if (command == "ADD") return add(arguments);
    if (command == "ECHO") return echo(arguments);
    if (command != "TIME" && command != "HELP" && command != "QUIT") return "400 unknown command";
    if (!arguments.empty()) return wrong_arguments;
    if (command == "TIME") return "200 " + utc_time();
    return command == "HELP" ? "200 commands: ADD ECHO HELP QUIT TIME" : "200 bye";
}
// [/region dispatch]

using line_stream = trama::framed_stream<trama::any_line>;

// [region answer-all]
/// Answers line after line until QUIT or the end of the stream.
void answer_all(line_stream& client) {
    while (const auto line = client.recv_frame()) {
        const std::string reply = answer(*line);
        program::say_more('"', program::shown{*line, 60}, "\": ", program::shown{reply, 60});
        client.send_frame(reply);
        if (*line == "QUIT") return;
    }
}
// [/region answer-all]

/// Calls answer_all. Sends a last answer if a line is too long: after it, the server cannot know
/// where the next command starts.
void answer_until_end(line_stream& client) {
    const program::hang_up_on_stop on_stop(client.stream().fd());
    try {
        answer_all(client);
    } catch (const trama::frame_error& error) {
        program::say(client.stream().remote_endpoint(), ": ", program::reason(error));
        if (error.why() == trama::frame_error::reason::too_long)
            client.send_frame("500 line too long");
    }
}

/// Serves one client. An error ends the connection of this client, and not the server.
void serve(trama::tcp_stream stream) {
    line_stream client(std::move(stream), longest_line);
    const trama::endpoint peer = client.stream().remote_endpoint();
    program::say(peer, " came");
    try {
        answer_until_end(client);
        program::say(peer, " left");
    } catch (const std::system_error& error) {
        program::say(peer, " is lost: ", error.what());
    }
    client.stream().close_lingering();  // a plain close could destroy the last answer
}

int serve_all(const program::options& given) {
    auto listener = trama::tcp_listener::listen(given.host(), given.port());
    program::announce(listener.local_endpoint());
    while (program::wait_readable(listener.fd())) {
        serve(listener.accept());
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples, {program::address_option(), program::port_option()},
                        serve_all);
}

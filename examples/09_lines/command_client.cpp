// command_client -- sends commands, one line each, and checks the code of each answer
//
// Goal:     See why answers begin with a code: a program reads the code, a person reads the text.
// Run:      ./command_server -p 5000
//           printf 'ADD 2 3\nADD 2\nQUIT\n' | ./command_client -p 5000; echo "exit code $?"
// Observe:  The second command is wrong, but the third one gets its answer. The exit code is 1
//           because one answer was not "200": a script sees it without reading the text.
// Exercise: Send all commands first and read the answers after that. What gets faster? How many
//           commands can you send before both ends wait for each other?
// Next:     10_when_things_go_wrong
#include "../support/program.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace {

constexpr const char* examples = R"(
  command_client                       each line you type is a command (try HELP)
  echo TIME | command_client -q        one command, from a script

Answers go to stdout. Exit code 1: an answer was not 200.
)";

using line_stream = trama::framed_stream<trama::any_line>;

// [region code]
/// The code of an answer such as "200 done": three digits and a space. Throws peer_error if the
/// answer has another form.
int code_of(std::string_view answer) {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    const bool well_formed = answer.size() >= 4 && answer[3] == ' ' &&
                             std::all_of(answer.begin(), answer.begin() + 3, is_digit);
    if (!well_formed)
        throw program::peer_error("this is no answer: \"" + trama::escaped(answer, 60) + '"');
    return std::stoi(std::string(answer.substr(0, 3)));
}
// [/region code]

/// Sends one command. Throws usage_error, before anything is sent, if it does not fit into a line.
void send(line_stream& server, std::string_view command) {
    try {
        server.send_frame(command);
    } catch (const trama::frame_error& error) {
        throw program::usage_error(error.what());
    }
}

/// Sends one command and prints its answer. Returns the code.
int request(line_stream& server, std::string_view command) {
    send(server, command);
    const auto answer = server.recv_frame();
    if (!answer) throw program::peer_error("the server closed before it had answered");
    program::print(*answer);
    return code_of(*answer);
}

int talk(const program::options& given) {
    line_stream server(trama::tcp_stream::connect(given.host(), given.port()));
    const program::hang_up_on_stop on_stop(server.stream().fd());
    long refused = 0;
    for (std::string line; line != "QUIT" && program::read_line(line);) {
        if (request(server, line) != 200) ++refused;
    }
    return refused == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples, {program::host_option(), program::port_option()},
                        talk);
}

// udp_echo_client -- each line is a datagram; the client detects a loss and sends the line again
//
// Goal:     Do by hand a part of what TCP does: number, wait, send again.
// Run:      ./udp_echo_server -p 5000 --drop 3
//           printf 'uno\ndos\ntres\n' | ./udp_echo_client -p 5000
// Observe:  A lost datagram costs a time-out and a second datagram. The last line counts them.
//           Stop the server and send a line: "connection refused", although there is no connection.
// Exercise: Try --tries 1. Then --drop 1: can the client tell a loss from a busy server?
//           If only the answer is lost, the server receives the request twice. Is that harmless
//           if the request is "pay 10 euros"?
// Next:     07_no_messages: TCP loses no byte, but it does not keep the borders of messages
#include "../support/program.hpp"

#include <chrono>
#include <cmath>
#include <string>
#include <string_view>

namespace {

constexpr const char* examples = R"(
  udp_echo_client                         each line you type goes to port 5000 of this machine
  echo hola | udp_echo_client -t 200      wait 200 ms for each answer, not 500

Answers go to stdout. Exit code 1: a line was never answered.
)";

/// The time since `start`, in milliseconds with at most two decimals.
double milliseconds_since(std::chrono::steady_clock::time_point start) {
    const std::chrono::duration<double, std::milli> waited =
        std::chrono::steady_clock::now() - start;
    return std::round(waited.count() * 100) / 100;
}

struct totals {
    long lines = 0;
    long sent = 0;
    long unanswered_datagrams = 0;
    long unanswered_lines = 0;
};

// [region wait]
/// Returns true if the answer to `request` comes in time. Ignores late answers to earlier requests:
/// they have another number. All datagrams have one deadline, so the wait ends even if late answers
/// keep coming.
bool wait_for_answer(trama::udp_socket& server, std::string_view request, trama::duration timeout) {
    const trama::deadline limit(timeout);
    while (program::wait_readable(server.fd(), limit.left())) {
        const trama::datagram answer = server.recv_from();
        if (answer.bytes == request) return true;
        program::say("a late answer, ignored: \"", program::shown{answer.bytes, 60}, '"');
    }
    return false;
}
// [/region wait]

// [region again]
/// Sends `request` until its answer comes, at most `tries` times. Returns false if no answer came.
bool send_until_answered(trama::udp_socket& server, std::string_view request, long tries,
                         trama::duration timeout, totals& sum) {
    for (long attempt = 1; attempt <= tries; ++attempt) {
        const auto start = std::chrono::steady_clock::now();
        server.send(request);
        ++sum.sent;
        program::say_more("sent \"", program::shown{request, 60}, "\", try ", attempt);
        const bool answered = wait_for_answer(server, request, timeout);
        program::say("line ", sum.lines, ", try ", attempt, ": ", answered ? "answer" : "no answer",
                     " after ", milliseconds_since(start), " ms");
        if (answered) return true;
        ++sum.unanswered_datagrams;
        if (program::stopping()) break;
    }
    return false;
}
// [/region again]

/// Numbers each line: an answer shows which line it belongs to.
int talk(const program::options& given) {
    const long tries = given.number("tries", 1, 100);
    const std::chrono::milliseconds timeout(given.number("timeout", 1, 60'000));
    trama::udp_socket server = trama::udp_socket::connect(given.host(), given.port());
    totals sum;
    for (std::string line; !program::stopping() && program::read_line(line);) {
        const std::string number = std::to_string(++sum.lines) + ' ';
        if (send_until_answered(server, number + line, tries, timeout, sum))
            program::print(line);
        else
            ++sum.unanswered_lines;
    }
    program::say("lines: ", sum.lines, ", given up: ", sum.unanswered_lines,
                 "; datagrams sent: ", sum.sent, ", without an answer: ", sum.unanswered_datagrams);
    return sum.unanswered_lines == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples,
                        {program::host_option(),
                         program::port_option(),
                         {'t', "timeout", "MS", "500", "how long to wait for an answer"},
                         {'n', "tries", "N", "3", "how often to send a line before giving up"}},
                        talk);
}

// udp_echo_client -- each line is a datagram; the client itself notices loss and sends again
//
// Goal:     See what TCP does for us, by doing a little of it by hand: number, wait, send again.
// Run:      ./udp_echo_server -p 5000 --drop 3
//           printf 'uno\ndos\ntres\n' | ./udp_echo_client -p 5000
// Observe:  What was lost costs a time-out and a second datagram. The last line sums it up.
//           Stop the server and send a line: "connection refused", although there is no connection.
// Exercise: Try --tries 1. Then --drop 1: how does the client know whether it was loss or a busy
//           server? The server cannot know that an answer was lost: what if the request were
//           "pay 10 euros"?
// Next:     07_no_messages, back in TCP: nothing is lost there, but the borders of messages are
#include "../support/program.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace {

constexpr const char* examples = R"(
  udp_echo_client                         each line you type goes to port 5000 of this machine
  echo hola | udp_echo_client -t 200      wait 200 ms for each answer, not 500

Answers go to stdout. Exit code 1: a line was never answered.
)";

using milliseconds = std::chrono::duration<double, std::milli>;

struct totals {
    long lines = 0;
    long sent = 0;
    long unanswered_datagrams = 0;
    long unanswered_lines = 0;
};

// [region wait]
/// True: the answer to `request` came in time. A late answer to an earlier one is thrown away: the
/// number in front shows that it is not ours. One deadline for all that comes, or a stream of late
/// answers would hold us for ever.
bool wait_for_answer(trama::udp_socket& server, std::string_view request, trama::duration timeout) {
    const trama::deadline limit(timeout);
    while (program::wait_readable(server.fd(), limit.left())) {
        const trama::datagram got = server.recv_from();
        if (got.bytes == request) return true;
        program::say("a late answer, ignored: \"", program::shown{got.bytes, 60}, '"');
    }
    return false;
}
// [/region wait]

// [region again]
/// Sends `request` until its answer comes, at most `tries` times. False: none came, or none before
/// the stop.
bool ask(trama::udp_socket& server, std::string_view request, long tries, trama::duration timeout,
         totals& sum) {
    for (long attempt = 1; attempt <= tries; ++attempt) {
        const auto start = std::chrono::steady_clock::now();
        server.send(request);
        ++sum.sent;
        program::say_more("sent \"", program::shown{request, 60}, "\", try ", attempt);
        const bool answered = wait_for_answer(server, request, timeout);
        const milliseconds waited = std::chrono::steady_clock::now() - start;
        program::say("line ", sum.lines, ", try ", attempt, ": ", answered ? "answer" : "no answer",
                     " after ", waited.count(), " ms");
        if (answered) return true;
        ++sum.unanswered_datagrams;
        if (program::stopping()) break;
    }
    return false;
}
// [/region again]

/// Numbers each line, so that no answer is taken for the answer to another line.
int talk(const program::options& given) {
    const long tries = given.number("tries", 1, 100);
    const std::chrono::milliseconds timeout(given.number("timeout", 1, 60'000));
    trama::udp_socket server = trama::udp_socket::connect(given.host(), given.port());
    totals sum;
    for (std::string line; !program::stopping() && program::read_line(line);) {
        const std::string number = std::to_string(++sum.lines) + ' ';
        if (ask(server, number + line, tries, timeout, sum))
            program::print(line);
        else
            ++sum.unanswered_lines;
    }
    program::say(sum.lines, " lines, ", sum.sent, " datagrams sent, ", sum.unanswered_datagrams,
                 " without an answer; ", sum.unanswered_lines, " lines given up");
    return sum.unanswered_lines == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::host_option(),
         program::port_option(),
         {'t', "timeout", "MS", "500", "how long to wait for an answer"},
         {'n', "tries", "N", "3", "how often to send a line before the client gives it up"}},
        talk);
}

// naive/command_server -- takes each receive for a command: it works with a keyboard only
//
// Goal:     See a server that passes every test by hand and is wrong.
// Run:      ./command_server -p 5000
//           nc localhost 5000                                    and type HELP, ADD 2 3
//           printf 'HELP\nADD 2 3\n' | nc -q 1 localhost 5000    both at once
// Observe:  With a keyboard each line is one receive, so it seems to work. The flaws are:
//           (1) two commands in one receive: only the first one gets an answer
//           (2) a command in two receives: two answers "400", and both are wrong
//           (3) "starts with": it takes HELPLESS for HELP
//           ../command_server.cpp has none of them.
// Exercise: Type half a command, then Ctrl-D, then the rest. What did nc send, and when?
// Next:     ../command_client.cpp
#include "../../support/program.hpp"

#include <cstdio>
#include <string>
#include <string_view>

namespace {

constexpr const char* examples = R"(
  command_server                  answer commands on port 5000, with three flaws
  nc localhost 5000               type HELP, ADD 2 3 or QUIT: this works
)";

bool starts_with(std::string_view text, std::string_view start) {
    return text.substr(0, start.size()) == start;
}

std::string answer(const std::string& bytes) {
    int left = 0;
    int right = 0;
    if (starts_with(bytes, "HELP")) return "200 commands: ADD HELP QUIT\n";  // flaw 3
    if (starts_with(bytes, "QUIT")) return "200 bye\n";
    if (!starts_with(bytes, "ADD")) return "400 unknown command\n";
    if (std::sscanf(bytes.c_str(), "ADD %d %d", &left, &right) != 2) return "401 wrong arguments\n";
    return "200 " + std::to_string(static_cast<long long>(left) + right) + '\n';
}

void serve(trama::tcp_stream client) {
    const program::hang_up_on_stop on_stop(client.fd());
    try {
        // Flaws 1 and 2: one receive need not return one command.
        for (;;) {
            const std::string bytes = client.recv_some(1024);
            if (bytes.empty()) return;
            program::say("one receive: \"", program::shown{bytes, 60}, '"');
            client.send_all(answer(bytes));
            if (starts_with(bytes, "QUIT")) return;
        }
    } catch (const trama::network_error& error) {
        program::say(client.remote_endpoint(), " is lost: ", error.what());
    }
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

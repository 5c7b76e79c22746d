// fork_echo_server -- the echo server of chapter 03, with a process for each client
//
// Goal:     Serve many clients at once with fork(2), and leave no zombie behind.
// Run:      ./fork_echo_server
//           ../02_echo_client/echo_client         in a second terminal, and in a third
// Observe:  Each client has a process of its own: ps -C fork_echo_server -o pid,ppid,stat. kill -9
//           one of the children: its client is lost, and nobody else notices.
// Exercise: Take the loop out of reap_finished, come and leave with three clients, and look for
//           "defunct" in ps. Then take out listener.close(), and kill -9 the parent while a client
//           is there: why can no new server have the port?
// Next:     12_select, which serves all clients with one thread.
#include "../support/program.hpp"

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include <sys/wait.h>
#include <unistd.h>

namespace {

using namespace std::chrono_literals;

constexpr const char* examples = R"(
  fork_echo_server                   on every IPv4 address, port 5000
  fork_echo_server --max-clients 2   a third client is refused: there is no room
)";

/// A lock of ours would not reach the other processes. But what leaves in one write stays whole.
template <typename... Parts>
void tell(const Parts&... parts) {
    if (program::verbosity < 1) return;
    std::ostringstream line;
    (line << ... << parts) << '\n';
    std::cerr << line.str();
}

/// Sends back what each read returned, until the client closes.
void echo(trama::tcp_stream& client) {
    for (;;) {
        const std::string bytes = client.recv_some(1024);
        if (bytes.empty()) return;
        client.send_all(bytes);
    }
}

void serve(trama::tcp_stream client) noexcept {
    try {
        tell(client.remote_endpoint(), " came, and has process ", ::getpid());
        echo(client);
        tell(client.remote_endpoint(), " left");
    } catch (const std::exception& error) {
        tell(client.remote_endpoint(), " is lost: ", program::reason(error));
    }
}

int conversation = -1;  // in a child: the descriptor of its client

/// SIGTERM in a child: what has come is still answered, then the stream ends.
void hang_up(int) {
    const int saved = errno;
    ::shutdown(conversation, SHUT_RD);
    errno = saved;
}

/// All that a child does. It never returns into the loop of its parent.
[[noreturn]] void be_child(trama::tcp_listener& listener, trama::tcp_stream client) {
    listener.close();  // or nobody else could have the port as long as this child lives
    conversation = client.fd();
    std::signal(SIGTERM, hang_up);
    std::signal(SIGINT, SIG_IGN);  // Ctrl-C reaches every process: ours is told by its parent
    if (program::stopping()) hang_up(SIGTERM);
    serve(std::move(client));
    ::_exit(0);
}

void refuse(trama::tcp_stream& client, const char* why) {
    tell(client.remote_endpoint(), " is refused: ", why);
    const trama::io_result sent = client.try_send_some("the server is full\n");
    if (sent.status == trama::io_status::done) client.close_lingering(20ms);
}

using children = std::set<pid_t>;

// [region fork]
/// Parent and child go on from fork with the same two sockets. Each closes the one it does not use.
void start_child(children& running, trama::tcp_listener& listener, trama::tcp_stream client) {
    const pid_t pid = ::fork();
    if (pid == 0) be_child(listener, std::move(client));
    if (pid == -1) return refuse(client, std::strerror(errno));
    running.insert(pid);
}
// [/region fork]

/// A process that has ended stays in the table of the system, a zombie, until its parent asks.
void reap_finished(children& running) {
    int status = 0;
    for (pid_t pid; (pid = ::waitpid(-1, &status, WNOHANG)) > 0;) {
        running.erase(pid);
        if (WIFSIGNALED(status))
            tell("process ", pid, " was killed: ", ::strsignal(WTERMSIG(status)));
    }
}

void signal_all(const children& running, int number) {
    for (const pid_t pid : running) ::kill(pid, number);  // not reaped: the number is still theirs
}

/// What has come is still answered; who takes too long over that is cut off.
void end_all(children& running) {
    signal_all(running, SIGTERM);
    for (const trama::deadline limit(500ms); !running.empty() && !limit.passed();) {
        ::poll(nullptr, 0, 10);
        reap_finished(running);
    }
    signal_all(running, SIGKILL);
    for (const pid_t pid : running) ::waitpid(pid, nullptr, 0);
}

/// One client more. Not being able to accept it is no reason to give up those that are here.
void welcome(trama::tcp_listener& listener, children& running, std::size_t most) {
    trama::tcp_stream client;
    const trama::io_result result = listener.try_accept(client);
    if (result.status == trama::io_status::failed) {
        tell("cannot accept: ", result.error.message());
        program::pause(200ms);  // it would fail again at once
    }
    if (result.status != trama::io_status::done) return;
    if (running.size() == most) return refuse(client, "there is no room");
    start_child(running, listener, std::move(client));
}

int serve_all(const program::options& given) {
    const auto most = static_cast<std::size_t>(given.number("max-clients", 1, 30000));
    auto listener = trama::tcp_listener::listen(given.host(), given.port());
    program::announce(listener.local_endpoint());
    children running;
    while (!program::stopping()) {
        const bool somebody_comes = program::wait_readable(listener.fd(), 1s);
        reap_finished(running);
        if (somebody_comes) welcome(listener, running, most);
    }
    listener.close();
    end_all(running);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::address_option(),
         program::port_option(),
         {'m', "max-clients", "N", "100", "serve at most N clients at once, 1 to 30000"}},
        serve_all);
}

// fork_echo_server -- the echo server of chapter 03, with a process for each client
//
// Goal:     Serve many clients at once with fork(2), and leave no zombie behind.
// Run:      ./fork_echo_server
//           ../02_echo_client/echo_client         in a second terminal, and in a third
// Observe:  Each client has a process of its own: ps -C fork_echo_server -o pid,ppid,stat. kill -9
//           one of the children: its client is lost, and the others do not notice.
// Exercise: Remove the loop of reap_finished, connect and end three clients, and look for "defunct"
//           in ps. Then remove listener.close(), and kill -9 the parent while a client is there:
//           why can no new server have the port?
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

/// Prints one line in one write, so that it stays whole: a lock would not reach other processes.
template <typename... Parts>
void log(const Parts&... parts) {
    if (program::verbosity < 1) return;
    std::ostringstream line;
    (line << ... << parts) << '\n';
    std::cerr << line.str();
}

/// Sends back what each receive returned, until the client closes.
void echo(trama::tcp_stream& client) {
    while (true) {
        const std::string bytes = client.recv_some(1024);
        if (bytes.empty()) return;
        client.send_all(bytes);
    }
}

void serve(trama::tcp_stream client) noexcept {
    try {
        log(client.remote_endpoint(), " came, and has process ", ::getpid());
        echo(client);
        log(client.remote_endpoint(), " left");
    } catch (const std::exception& error) {
        log(client.remote_endpoint(), " is lost: ", program::reason(error));
    }
}

int conversation = -1;  // in a child: the descriptor of its client

/// Handles SIGTERM in a child: it answers what it has received, and then its stream ends.
void end_conversation(int) {
    const int saved = errno;
    ::shutdown(conversation, SHUT_RD);
    errno = saved;
}

/// Everything that a child does. Never returns into the loop of its parent.
[[noreturn]] void run_child(trama::tcp_listener& listener, trama::tcp_stream client) {
    listener.close();  // or no other server could use the port as long as this child lives
    conversation = client.fd();
    std::signal(SIGTERM, end_conversation);
    std::signal(SIGINT, SIG_IGN);  // Ctrl-C reaches each process; the parent sends SIGTERM as well
    if (program::stopping()) end_conversation(SIGTERM);
    serve(std::move(client));
    ::_exit(0);
}

void refuse(trama::tcp_stream& client, const char* why) {
    log(client.remote_endpoint(), " is refused: ", why);
    const trama::io_result sent = client.try_send_some("the server is full\n");
    if (sent.status == trama::io_status::done) client.close_lingering(20ms);
}

using children = std::set<pid_t>;

// [region fork]
/// After fork, parent and child have the same two sockets. Each closes the one it does not use.
void start_child(children& running, trama::tcp_listener& listener, trama::tcp_stream client) {
    const pid_t pid = ::fork();
    if (pid == 0) run_child(listener, std::move(client));
    if (pid == -1) return refuse(client, std::strerror(errno));
    running.insert(pid);
}
// [/region fork]

/// Waits for the children that have ended: until then they stay in the system's table as zombies.
void reap_finished(children& running) {
    while (true) {
        int status = 0;
        const pid_t pid = ::waitpid(-1, &status, WNOHANG);
        if (pid <= 0) return;
        running.erase(pid);
        if (WIFSIGNALED(status))
            log("process ", pid, " was killed: ", ::strsignal(WTERMSIG(status)));
    }
}

void signal_all(const children& running, int number) {
    for (const pid_t pid : running) ::kill(pid, number);  // not reaped: the number is still theirs
}

/// Ends all conversations. Each child has half a second to answer what it has received.
void end_all(children& running) {
    signal_all(running, SIGTERM);
    const trama::deadline limit(500ms);
    while (!running.empty() && !limit.passed()) {
        ::poll(nullptr, 0, 10);
        reap_finished(running);
    }
    signal_all(running, SIGKILL);
    for (const pid_t pid : running) ::waitpid(pid, nullptr, 0);
}

/// Accepts one client. An error of accept must not end the conversations with the others.
void accept_client(trama::tcp_listener& listener, children& running, std::size_t most) {
    trama::tcp_stream client;
    const trama::io_result result = listener.try_accept(client);
    if (result.status == trama::io_status::failed) {
        log("cannot accept: ", result.error.message());
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
        const bool is_ready = program::wait_readable(listener.fd(), 1s);
        reap_finished(running);
        if (is_ready) accept_client(listener, running, most);
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

// short_visit_server -- one answer for each client, and a time-out for silent clients
//
// Goal:     Keep the queue of clients moving: close after the first answer, or after a time-out.
// Run:      ./short_visit_server --idle 5
//           ./short_visit_client                  in several terminals; type in the last one first
// Observe:  A client waits at most about five seconds for each client before it. The time-out is
//           one line, set_timeout. When the time is up, the call throws an exception whose code()
//           equals std::errc::timed_out.
// Exercise: How long may the tenth client have to wait? Compare with 03_echo_server. This is the
//           first of three ways to serve many clients; 11 and 12 are the others.
// Next:     05_where_to_listen, for clients on other machines.
#include "../support/program.hpp"

#include <chrono>
#include <string>
#include <system_error>

namespace {

constexpr const char* examples = R"(
  short_visit_server               on every IPv4 address, port 5000
  short_visit_server --idle 1      wait at most one second
)";

/// Receives once and answers once. If the program has not received all bytes, a plain close resets
/// the connection, and the answer may be lost. close_lingering receives those bytes first.
void answer_once(trama::tcp_stream& client) {
    const std::string bytes = client.recv_some(1024);
    program::say_more(client.remote_endpoint(), ": ", program::shown{bytes});
    client.send_all(bytes);
    client.close_lingering();
}

// [region one-visit]
/// Serves one client. An error ends this visit, and the server continues. A time-out has its own
/// message: it is a normal end.
void serve(trama::tcp_stream client, std::chrono::seconds idle_time) {
    program::say(client.remote_endpoint(), " came");
    client.set_timeout(idle_time);
    try {
        const program::hang_up_on_stop on_stop(client.fd());
        answer_once(client);
        program::say(client.remote_endpoint(), " left");
    } catch (const std::system_error& error) {
        if (error.code() == std::errc::timed_out) {
            program::say(client.remote_endpoint(), " was silent for too long");
        } else {
            program::say(client.remote_endpoint(), " is lost: ", error.what());
        }
    }
}
// [/region one-visit]

/// Serves one client after another, until Ctrl-C.
int serve_clients(const program::options& given) {
    const std::chrono::seconds idle_time(given.number("idle", 1, 86400));
    auto listener = trama::tcp_listener::listen(given.host(), given.port(), 10);
    program::announce(listener.local_endpoint());
    while (program::wait_readable(listener.fd())) {
        serve(listener.accept(), idle_time);
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples,
                        {program::address_option(),
                         program::port_option(),
                         {'i', "idle", "SECONDS", "5",
                          "close a client that sends nothing for this long, 1 to 86400"}},
                        serve_clients);
}

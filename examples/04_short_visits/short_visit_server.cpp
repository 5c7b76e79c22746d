// short_visit_server -- one answer for each client, and no patience with the silent ones
//
// Goal:     Keep a queue of clients moving: close after the first answer, or after a time-out.
// Run:      ./short_visit_server --idle 5
//           ./short_visit_client                  in several terminals; type in the last one first
// Observe:  Nobody waits for more than five seconds for each client before him. The time-out is
//           one line, set_timeout, and expires as an exception that compares with
//           std::errc::timed_out.
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
  short_visit_server --idle 1      wait for one second only
)";

// [region answer-once]
/// One read, one answer. A plain close would reset the connection if the client has sent more than
/// we have read, and our answer would be lost with it.
void answer_once(trama::tcp_stream& client) {
    const std::string bytes = client.recv_some(1024);
    program::say_more(client.remote_endpoint(), ": ", program::shown{bytes});
    client.send_all(bytes);
    client.close_lingering();
}
// [/region answer-once]

// [region one-visit]
/// Whatever happens to a client, and if nothing happens, the next one is served.
void serve(trama::tcp_stream client, std::chrono::seconds patience) {
    const program::hang_up_on_stop on_stop(client.fd());
    program::say(client.remote_endpoint(), " came");
    client.set_timeout(patience);
    try {
        answer_once(client);
        program::say(client.remote_endpoint(), " left");
    } catch (const trama::network_error& error) {
        const bool silent = error.code() == std::errc::timed_out;
        program::say(client.remote_endpoint(), silent ? " was silent for too long" : " is lost: ",
                     silent ? "" : error.what());
    }
}
// [/region one-visit]

int serve_short_visits(const program::options& given) {
    const std::chrono::seconds patience(given.number("idle", 1, 86400));
    auto listener = trama::tcp_listener::listen(given.host(), given.port(), 10);
    program::announce(listener.local_endpoint());
    while (program::wait_readable(listener.fd())) serve(listener.accept(), patience);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples,
                        {program::address_option(),
                         program::port_option(),
                         {'i', "idle", "SECONDS", "5",
                          "close a client that sends nothing for this long, 1 to 86400"}},
                        serve_short_visits);
}

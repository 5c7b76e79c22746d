// echo_server -- sends back whatever it receives, to one client at a time
//
// Goal:     Listen, accept, and serve the clients one after another.
// Run:      ./echo_server
//           ../02_echo_client/echo_client         in a second terminal, and in a third
// Observe:  The second client is connected and may type: the system puts its connection into the
//           queue of the listener. Its answer comes when the first client has left. A client leaves
//           by closing, or with a dot alone: `printf .`, because Enter in nc sends a second byte.
// Exercise: Start two clients and count the sockets: ss -tn 'sport = 5000 or dport = 5000'. Which
//           of the connections does no program own yet (ss -tnp)?
// Next:     04_short_visits, so that a silent client does not keep the others waiting.
#include "../support/program.hpp"

#include <string>
#include <system_error>

namespace {

constexpr const char* examples = R"(
  echo_server                     on every IPv4 address, port 5000
  echo_server -H 127.0.0.1 -p 0   for this machine only, on a free port
  echo_server --once              serve one client, then end
)";

// [region echo]
/// Sends back what each call received, until the client closes or sends a dot and nothing else.
void echo(trama::tcp_stream& client) {
    for (;;) {
        const std::string bytes = client.recv_some(1024);
        if (bytes.empty()) return;
        program::say_more(client.remote_endpoint(), ": ", program::shown{bytes});
        if (bytes == ".") return;
        client.send_all(bytes);
    }
}
// [/region echo]

/// Serves one client. An error ends its visit, and not the server.
void serve(trama::tcp_stream client) {
    program::say(client.remote_endpoint(), " came");
    try {
        const program::hang_up_on_stop on_stop(client.fd());
        echo(client);
        program::say(client.remote_endpoint(), " left");
    } catch (const std::system_error& error) {
        program::say(client.remote_endpoint(), " is lost: ", error.what());
    }
}

/// Serves one client after another, until Ctrl-C.
int serve_clients(const program::options& given) {
    auto listener = trama::tcp_listener::listen(given.host(), given.port(), 10);
    program::announce(listener.local_endpoint());
    while (program::wait_readable(listener.fd())) {
        serve(listener.accept());
        if (given.flag("once")) break;
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples,
                        {program::address_option(), program::port_option(),
                         program::flag('1', "once", "end after the first client")},
                        serve_clients);
}

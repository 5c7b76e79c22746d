// naive/select_echo_server -- select(2) as in most listings: one slow reader stops all clients
//
// Goal:     See why no call in the loop may wait. ../select_echo_server.cpp is correct.
// Run:      ./select_echo_server -q
//           nc localhost 5000 < /dev/zero | sleep 1000    takes no answers
//           ../../02_echo_client/echo_client              a third terminal
// Observe:  Each client gets its answer at once: the server looks correct. But send_all waits until
//           its client has taken all. Meanwhile the server serves and accepts no other client, and
//           does not notice Ctrl-C (press it twice). End nc, and the server goes on.
// Exercise: Where does the server wait? strace -p $(pidof select_echo_server) shows the call that
//           does not return. How much is in the buffers? ss -tn 'sport = :5000'
// Next:     ../select_echo_server.cpp, which keeps for each client what could not be sent yet.
#include "../../support/program.hpp"

#include <map>
#include <string>
#include <utility>

namespace {

constexpr const char* examples = R"(
  select_echo_server                     on every IPv4 address, port 5000
  select_echo_server -H 127.0.0.1 -p 0   for this machine only, on a free port
)";

/// Receives once and answers once. Returns false if the client has left.
bool serve(trama::tcp_stream& client) {
    const std::string bytes = client.recv_some(16384);  // returns at once: the client is readable
    program::say(client.remote_endpoint(), ": ", program::shown{bytes, 60});
    if (bytes.empty()) return false;
    client.send_all(bytes);  // the flaw: the client is readable, and perhaps not writable
    return true;
}

/// Like serve. An error ends the visit of this client, and not the server.
bool serve_or_lose(trama::tcp_stream& client) {
    try {
        return serve(client);
    } catch (const trama::network_error& error) {
        program::say(client.remote_endpoint(), " is lost: ", error.what());
        return false;
    }
}

int serve_all(const program::options& given) {
    auto listener = trama::tcp_listener::listen(given.host(), given.port());
    trama::stop_signal stop;
    stop.catch_signals();
    program::announce(listener.local_endpoint());
    std::map<int, trama::tcp_stream> clients;
    trama::selector ready;
    ready.add(listener.fd(), trama::interest::read);
    ready.add(stop.fd(), trama::interest::read);
    while (!stop.stopped()) {
        for (const trama::ready_event event : ready.wait()) {
            if (event.fd == stop.fd()) break;
            if (event.fd == listener.fd()) {
                trama::tcp_stream client = listener.accept();
                program::say(client.remote_endpoint(), " came");
                ready.add(client.fd(), trama::interest::read);
                clients.insert({client.fd(), std::move(client)});
            } else if (!serve_or_lose(clients.at(event.fd))) {
                ready.remove(event.fd);
                clients.erase(event.fd);
            }
        }
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples, {program::address_option(), program::port_option()},
                        serve_all);
}

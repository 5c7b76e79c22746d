// troublesome_server -- a server that does wrong what you choose
//
// Goal:     Produce each failure on one machine, one at a time, as often as you like.
// Run:      ./troublesome_server -p 5000 --trouble half-frame
//           ./careful_client -p 5000
// Observe:  Each trouble is one short function. A program that crashed, a program that is stuck and
//           a service with another protocol look exactly like this.
// Exercise: Try each of them with the clients of chapters 02 and 08. Which client waits for ever?
//           Add a trouble "late": the right answer, 5 s after the request.
// Next:     careful_client.cpp
#include "../support/program.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

namespace {

constexpr const char* examples = R"(
  troublesome_server -t silent    accept, receive, and never answer
  troublesome_server -t reset     cut the connection when the request comes
  troublesome_server -t each      make another trouble for each client

Troubles: silent      never answer
          drip        announce 1000 bytes, and send ten a second
          close       close in order, without an answer
          half-frame  close in the middle of the answer
          garbage     answer with bytes that are no frame
          reset       close without reading the request: the system then sends a reset
          full        never accept, and the queue is full: no connection is possible
          each        the first six, one after another: each client gets the next one
For "refused" and "unreachable" you need no server at all: see careful_client -h.
)";

void stay_silent(trama::tcp_stream& client) {
    while (!client.recv_some(4096).empty()) {
        program::say_more("received bytes, send nothing");
    }
}

void drip(trama::tcp_stream& client) {
    client.send_all("001000:");
    for (int left = 1000; left > 0 && !program::stopping(); --left) {
        program::pause(std::chrono::milliseconds(100));
        client.send_all("x");
    }
}

/// Receives the request, or a part of it. Its content does not matter.
void receive_request(trama::tcp_stream& client) {
    program::say_more("received ", client.recv_some(4096).size(), " bytes");
}

void close_without_answer(trama::tcp_stream& client) {
    receive_request(client);
}

void close_inside_answer(trama::tcp_stream& client) {
    receive_request(client);
    client.send_all("000010:hola");
}

void answer_garbage(trama::tcp_stream& client) {
    receive_request(client);
    client.send_all("HTTP/1.1 400 Bad Request\r\n\r\n");
}

/// Closes with bytes unread: the system sends a reset, because these bytes are lost.
void reset(trama::tcp_stream& client) {
    if (program::wait_readable(client.fd())) client.close();
}

struct trouble {
    std::string_view name;
    void (*make)(trama::tcp_stream& client);
};

constexpr trouble troubles[] = {
    {"silent", stay_silent},         {"drip", drip},
    {"close", close_without_answer}, {"half-frame", close_inside_answer},
    {"garbage", answer_garbage},     {"reset", reset}};

/// The troubles with this name, or all of them for "each". Throws usage_error if there is none.
std::vector<trouble> chosen_troubles(const std::string& name) {
    std::vector<trouble> chosen;
    for (const trouble& one : troubles) {
        if (name == one.name || name == "each") chosen.push_back(one);
    }
    if (!chosen.empty()) return chosen;
    throw program::usage_error("there is no trouble \"" + trama::escaped(name) + "\": see --help");
}

void serve(trama::tcp_stream client, const trouble& trouble) {
    program::say(client.remote_endpoint(), " came; trouble: ", trouble.name);
    try {
        const program::hang_up_on_stop on_stop(client.fd());
        trouble.make(client);
        program::say(client.remote_endpoint(), " is finished");
    } catch (const std::system_error& error) {
        program::say(client.remote_endpoint(), " is lost: ", error.what());
    }
    client.close_lingering();
}

/// Never accepts. With a backlog of 0, one connection of our own fills the queue.
int accept_nobody(const program::options& given) {
    const auto listener = trama::tcp_listener::listen(given.host(), given.port(), 0);
    const trama::endpoint here = listener.local_endpoint();
    const auto ours = trama::tcp_stream::connect(here.address(), here.port());
    program::announce(here);
    program::wait_readable(ours.fd());  // no byte comes: this waits for Ctrl-C
    return 0;
}

/// Serves one client after another. Each gets the next one of the chosen troubles.
int serve_all(const program::options& given) {
    if (given.text("trouble") == "full") return accept_nobody(given);
    const std::vector<trouble> chosen = chosen_troubles(given.text("trouble"));
    auto listener = trama::tcp_listener::listen(given.host(), given.port());
    program::announce(listener.local_endpoint());
    for (std::size_t next = 0; program::wait_readable(listener.fd()); ++next) {
        serve(listener.accept(), chosen[next % chosen.size()]);
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples,
                        {program::address_option("127.0.0.1"),
                         program::port_option(),
                         {'t', "trouble", "TROUBLE", "silent", "what to do wrong, see above"}},
                        serve_all);
}

// troublesome_server -- a server that misbehaves in the way you choose
//
// Goal:     Have every failure at hand on one machine, one at a time and as often as you like.
// Run:      ./troublesome_server -p 5000 --trouble half-frame
//           ./careful_client -p 5000
// Observe:  Each trouble is one short function. None of them is malice: a program that crashed, one
//           that is stuck, and a service that speaks something else look exactly like this.
// Exercise: Try each of them with the clients of chapters 02 and 08: which one waits for ever?
//           Add a trouble "late": the right answer, 5 s after the question.
// Next:     careful_client.cpp
#include "../support/program.hpp"

#include <chrono>
#include <map>
#include <string>

namespace {

constexpr const char* examples = R"(
  troublesome_server -t silent    accept, listen, and never answer
  troublesome_server -t reset     cut the connection when something comes

Troubles: silent      never answer
          drip        promise 1000 bytes, and send ten a second
          close       close in order, without an answer
          half-frame  close in the middle of the answer
          garbage     answer with something that is no frame
          reset       close without reading the question: the system then sends a reset
          full        never accept, with the queue full: connecting does not work
For "refused" and "unreachable" you need no server at all: see careful_client -h.
)";

void stay_silent(trama::tcp_stream& client) {
    while (!client.recv_some(4096).empty()) program::say_more("heard something, say nothing");
}

void drip(trama::tcp_stream& client) {
    client.send_all("001000:");
    for (int left = 1000; left > 0 && !program::stopping(); --left) {
        program::pause(std::chrono::milliseconds(100));
        client.send_all("x");
    }
}

void close_without_answer(trama::tcp_stream& client) {
    static_cast<void>(client.recv_some(4096));  // the question
}

void close_inside_answer(trama::tcp_stream& client) {
    static_cast<void>(client.recv_some(4096));  // the question
    client.send_all("000010:hola");
}

void answer_garbage(trama::tcp_stream& client) {
    static_cast<void>(client.recv_some(4096));  // the question
    client.send_all("HTTP/1.1 400 Bad Request\r\n\r\n");
}

/// A plain close with bytes unread: the system tells the client with a reset that they are lost.
void reset(trama::tcp_stream& client) {
    if (program::wait_readable(client.fd())) client.close();
}

using trouble = void (*)(trama::tcp_stream&);

/// What to do with a client; nullptr: do not even accept it.
trouble chosen_trouble(const std::string& name) {
    const std::map<std::string, trouble> known = {{"silent", stay_silent},
                                                  {"drip", drip},
                                                  {"close", close_without_answer},
                                                  {"garbage", answer_garbage},
                                                  {"reset", reset},
                                                  {"half-frame", close_inside_answer},
                                                  {"full", nullptr}};
    const auto found = known.find(name);
    if (found != known.end()) return found->second;
    throw program::usage_error("there is no trouble \"" + trama::escaped(name) + "\": see --help");
}

void serve(trama::tcp_stream client, trouble make_trouble) {
    program::say(client.remote_endpoint(), " came");
    try {
        const program::hang_up_on_stop on_stop(client.fd());
        make_trouble(client);
        program::say(client.remote_endpoint(), " is done with");
    } catch (const trama::network_error& error) {
        program::say(client.remote_endpoint(), " is lost: ", error.what());
    }
    client.close_lingering();
}

/// With a backlog of 0 one connection fills the queue. It is ours, so nobody else gets in.
int accept_nobody(const trama::tcp_listener& listener) {
    const trama::endpoint here = listener.local_endpoint();
    const auto ours = trama::tcp_stream::connect(here.address(), here.port());
    program::announce(here);
    program::wait_readable(ours.fd());  // nothing ever comes: it waits for Ctrl-C
    return 0;
}

int serve_all(const program::options& given) {
    const trouble make_trouble = chosen_trouble(given.text("trouble"));
    const int backlog = make_trouble == nullptr ? 0 : 128;
    auto listener = trama::tcp_listener::listen(given.host(), given.port(), backlog);
    if (make_trouble == nullptr) return accept_nobody(listener);
    program::announce(listener.local_endpoint());
    while (program::wait_readable(listener.fd())) serve(listener.accept(), make_trouble);
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

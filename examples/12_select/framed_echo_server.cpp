// framed_echo_server -- an echo server for messages: the loop is in message_server
//
// Goal:     See how short a server is when a class has the loop, the outboxes and the frames.
// Run:      ./framed_echo_server --backend epoll --idle 30
//           ../08_frames/framed_echo_client       in a second terminal, and in a third
// Observe:  Four functions: a client came, sent a message, left, or could not be accepted. Each
//           client gets whole messages, even if its bytes arrive in small pieces: ../tools/chop.
// Exercise: Add --shout, which answers in capital letters. Then add --to-all, which sends each
//           message to all clients. How many lines is each?
// Next:     13_idle_clients, which shows how --idle works.
#include "../support/program.hpp"
#include "../support/system.hpp"

#include <chrono>
#include <string>
#include <string_view>

namespace {

constexpr const char* examples = R"(
  framed_echo_server                         six-digit frames on port 5000 of every address
  framed_echo_server -b epoll -c u32 -i 60   other frames, epoll, and a time limit of a minute
  printf 000004:hola | nc -N localhost 5000  send it a frame without a client
)";

constexpr std::size_t longest_message = 999'999;  // bytes, with each codec

template <typename Codec, typename Selector>
int serve(const program::options& given) {
    using server_type = trama::message_server<Codec, trama::no_state, Selector>;
    using client = typename server_type::client;
    const std::chrono::seconds idle(given.number("idle", 0, 86400));
    const long most = given.number("max-clients", 1, 1'000'000);

    server_type server(given.host(), given.port(), longest_message);
    if (idle.count() > 0) server.idle_timeout(idle);
    server.max_clients(static_cast<std::size_t>(most));
    // [region events]
    server.on_join([](client& peer) { program::say(peer.remote_endpoint(), " came"); });
    server.on_message([](client& peer, std::string_view payload) {
        program::say_more(peer.remote_endpoint(), ": \"", program::shown{payload, 60}, '"');
        peer.send(payload);
    });
    // [/region events]
    server.on_leave([](client& peer, std::string_view reason) {
        program::say(peer.remote_endpoint(), " left: ", reason);
    });
    server.on_refused([](const trama::endpoint& peer, std::string_view reason) {
        program::say_error(peer, " is refused: ", reason);
    });
    program::announce(server.local_endpoint());
    server.run();
    return 0;
}

/// Codec and selector are template parameters, so the program contains all six servers.
template <typename Codec>
int serve_backend(const program::options& given) {
    const std::string& backend = given.text("backend");
    if (backend == "select") return serve<Codec, trama::selector>(given);
    if (backend == "poll") return serve<Codec, trama::poll_selector>(given);
    if (backend == "epoll") return serve<Codec, program::epoll_selector>(given);
    throw program::usage_error("--backend takes select, poll or epoll, not \"" +
                               trama::escaped(backend) + '"');
}

int serve_codec(const program::options& given) {
    const std::string& codec = given.text("codec");
    if (codec == "six-digit") return serve_backend<trama::six_digit_colon>(given);
    if (codec == "u32") return serve_backend<trama::length_prefix<4>>(given);
    throw program::usage_error("--codec takes six-digit or u32, not \"" + trama::escaped(codec) +
                               '"');
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::address_option(),
         program::port_option(),
         {'b', "backend", "BACKEND", "poll", "how to wait: select, poll or epoll"},
         {'c', "codec", "CODEC", "six-digit", "six-digit, or u32: a binary length of 4 bytes"},
         {'i', "idle", "SECONDS", "0", "drop a client that stays silent this long; 0: never"},
         {'m', "max-clients", "N", "10000", "serve at most N clients at once; the others wait"}},
        serve_codec);
}

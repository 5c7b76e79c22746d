// copy_frame_server -- receives a file as one frame, and stores it if all of it came
//
// Goal:     Store a file wholly, or not at all.
// Run:      ./copy_frame_server -p 5000 copy.txt
//           ./copy_frame_client -p 5000 FILE        in a second terminal
// Observe:  printf 000009:half | nc -N localhost 5000 stores nothing, and what was there before
//           still is. A client that sends nothing (nc -z) does not empty the file.
// Exercise: The client does not learn that a disk is full. Which answer would you add? What
//           becomes of the clients that do not expect any?
// Next:     copy_stream_server.cpp, which stores many files, of any size, and confirms each
#include "iterative_server.hpp"
#include "local_file.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr const char* examples = R"(
  copy_frame_server copy.txt                 what a client sends to port 5000 becomes copy.txt
  printf 000004:hola | nc -N localhost 5000   is a client, too

One client after another; each one replaces FILE, which has at most 999,999 bytes.
)";

using frame_stream = trama::framed_stream<trama::six_digit_colon>;

void store(std::string_view bytes, const copy::destination& place) {
    trama::atomic_file file = place.start();
    trama::write_all(file.fd(), bytes, place.name());
    file.commit();
}

/// Stores the one frame of a client. Throws frame_error: it was none, or not all of it came.
void receive(frame_stream& client, const copy::destination& place) {
    const auto bytes = client.recv_view();
    if (!bytes) throw program::peer_error("the client has closed, and sent nothing");
    store(*bytes, place);
    program::say(client.stream().remote_endpoint(), ": stored ", bytes->size(), " bytes");
}

/// Whatever happens to a client, the next one is served.
void serve(trama::tcp_stream stream, const copy::destination& place, trama::duration patience) {
    stream.set_timeout(patience);
    frame_stream client(std::move(stream));
    try {
        const program::hang_up_on_stop on_stop(client.stream().fd());
        receive(client, place);
    } catch (const std::exception& error) {
        program::say(client.stream().remote_endpoint(),
                     ": nothing is stored: ", program::reason(error));
    }
}

int serve_all(const program::options& given) {
    const copy::destination place(copy::file_argument(given));
    auto listener = trama::tcp_listener::listen(given.host(), given.port());
    program::announce(listener.local_endpoint());
    copy::serve_iteratively(listener, [&](trama::tcp_stream client) {
        serve(std::move(client), place, given.timeout());
    });
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::address_option(),
         program::port_option(),
         {'t', "timeout", "SECONDS", "30", "the time that a client has for its file; 0: no limit"}},
        serve_all, "FILE", 1);
}

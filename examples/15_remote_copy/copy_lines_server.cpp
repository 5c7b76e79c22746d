// copy_lines_server -- writes what it receives into a file, until the client closes
//
// Goal:     See that the end of a stream is not the end of a file.
// Run:      ./copy_lines_server -p 5000 copy.txt
//           ./copy_lines_client -p 5000 FILE        in a second terminal
// Observe:  A client that is killed closes like one that has finished, and half a file is stored.
//           nc -z localhost 5000, a client that sends nothing, stores an empty one.
// Exercise: Kill the client with kill -9 in the middle, then pull the plug of its network instead
//           (ip link). What does this server see in each case, and when?
// Next:     copy_frame_server.cpp, which knows before the first byte how many there are
#include "iterative_server.hpp"
#include "local_file.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <utility>

namespace {

constexpr const char* examples = R"(
  copy_lines_server copy.txt        what a client sends to port 5000 becomes copy.txt
  nc -N localhost 5000 < book.txt   is a client, too

One client after another; each one replaces FILE.
)";

/// Stores the bytes that come until the client closes. Returns how many.
std::uint64_t store(trama::tcp_stream& client, const copy::destination& place) {
    std::uint64_t size = 0;
    trama::atomic_file file = place.start();
    while (true) {
        const std::string piece = client.recv_some(65536);
        if (piece.empty()) break;
        trama::write_all(file.fd(), piece, place.name());
        size += piece.size();
    }
    if (program::stopping()) throw program::peer_error("it was not finished");
    file.commit();  // the flaw: a client that was killed has closed as well
    return size;
}

/// Whatever happens to a client, the next one is served.
void serve(trama::tcp_stream client, const copy::destination& place, trama::duration patience) {
    client.set_timeout(patience);
    try {
        const program::hang_up_on_stop on_stop(client.fd());
        const std::uint64_t size = store(client, place);
        program::say(client.remote_endpoint(), ": stored ", size, " bytes");
    } catch (const std::exception& error) {
        program::say(client.remote_endpoint(), ": nothing is stored: ", program::reason(error));
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
    return program::run(argc, argv, examples,
                        {program::address_option(),
                         program::port_option(),
                         {'t', "timeout", "SECONDS", "30",
                          "drop a client that sends nothing for this long; 0: never"}},
                        serve_all, "FILE", 1);
}

// receiver -- receives bytes, throws them away, and can stop for a while
//
// Goal:     Be the other end of watch_transfer.
// Run:      ./receiver --stop-at 500000 --pause 3000
// Observe:  While it does not receive, its buffer fills. Then its system announces a window of 0,
//           and the sender waits. Now and then the sender sends a segment to ask again.
// Exercise: How many bytes does the sender send although nobody receives? Where are they?
// Next:     ../tools/segments list, which marks the zero windows
#include "../support/program.hpp"

#include <chrono>
#include <string>

namespace {

constexpr const char* examples = R"(
  receiver                                 receive until the sender has sent all
  receiver --stop-at 500000 --pause 3000   stop for 3 s after half a megabyte
)";

int receive(const program::options& given) {
    const auto stop_at = static_cast<std::uint64_t>(given.number("stop-at", 0, 2'000'000'000));
    const std::chrono::milliseconds pause(given.number("pause", 0, 3'600'000));
    const long buffer = given.number("buffer", 0, 1 << 30);
    auto listener = trama::tcp_listener::listen(given.host(), given.port());
    if (buffer > 0) listener.set_receive_buffer(static_cast<int>(buffer));
    program::announce(listener.local_endpoint());
    if (!program::wait_readable(listener.fd())) return 0;
    trama::tcp_stream peer = listener.accept();
    std::uint64_t received = 0;
    bool has_paused = stop_at == 0;
    while (program::wait_readable(peer.fd())) {
        char bytes[65536];
        const std::size_t count = peer.recv_some(bytes, sizeof bytes);
        if (count == 0) break;
        received += count;
        if (!has_paused && received >= stop_at) {
            program::say("stops at ", received, " bytes");
            program::pause(pause);
            program::say("receives again");
            has_paused = true;
        }
    }
    program::say(peer.remote_endpoint(), ": ", received, " bytes");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::address_option(),
         program::port_option(),
         {'s', "stop-at", "BYTES", "0", "stop for a while when so many have come; 0: never"},
         {'t', "pause", "MS", "3000", "how long, in milliseconds"},
         {'b', "buffer", "BYTES", "0", "size of the receive buffer; 0: as the system likes"}},
        receive);
}

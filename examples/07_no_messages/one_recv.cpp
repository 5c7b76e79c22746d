// one_recv -- waits, receives once, and gets two messages as one piece
//
// Goal:     See that one receive returns what is there: half a message, one, or several.
// Run:      ./one_recv -p 5000
//           ./two_sends -p 5000
// Observe:  After 2 s one recv returns 9 bytes, "holaadios". Nothing shows where "hola" ends.
// Exercise: Try --size 6: what comes now, and where is the rest? Which rule could both ends
//           agree on, so that the receiver finds each message again?
// Next:     08_frames, where each message says how long it is
#include "../support/program.hpp"

#include <chrono>
#include <string>

namespace {

constexpr const char* examples = R"(
  one_recv                        wait for two_sends, and receive 2 s after it has connected
  one_recv -w 0                   receive as soon as any byte is there
  one_recv -s 6                   receive at most 6 bytes
)";

// [region one-recv]
/// Waits, and then receives once: at most `size` of the bytes that have come until then.
void receive_once(trama::tcp_stream& sender, std::chrono::milliseconds wait, std::size_t size) {
    program::pause(wait);
    const std::string bytes = sender.recv_some(size);
    program::say("one recv of at most ", size, " bytes returned ", bytes.size());
    program::print(bytes);
}
// [/region one-recv]

int receive_from_one(const program::options& given) {
    const std::chrono::milliseconds wait(given.number("wait", 0, 60'000));
    const auto size = static_cast<std::size_t>(given.number("size", 1, 1'000'000));
    auto listener = trama::tcp_listener::listen(given.host(), given.port());
    program::announce(listener.local_endpoint());
    if (!program::wait_readable(listener.fd())) return 0;  // Ctrl-C
    trama::tcp_stream sender = listener.accept();
    const program::hang_up_on_stop on_stop(sender.fd());
    program::say(sender.remote_endpoint(), " came; now a wait of ", wait.count(), " ms");
    receive_once(sender, wait, size);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples,
                        {program::address_option(),
                         program::port_option(),
                         {'w', "wait", "MS", "2000", "how long to wait before the one recv"},
                         {'s', "size", "BYTES", "1024", "the largest number of bytes to receive"}},
                        receive_from_one);
}

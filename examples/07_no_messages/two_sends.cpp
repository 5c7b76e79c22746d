// two_sends -- sends "hola" and "adios" in two calls, one immediately after the other
//
// Goal:     See that TCP does not keep the border between two sends.
// Run:      ./one_recv -p 5000
//           ./two_sends -p 5000
// Observe:  Two calls here, one piece at the receiver: "holaadios".
// Exercise: Run it with TRAMA_TRACE=1 and count the sends. Then run one_recv with --wait 0, several
//           times. Are there two pieces now, and can a program rely on it?
// Next:     one_recv.cpp, the other end
#include "../support/program.hpp"

namespace {

constexpr const char* examples = R"(
  two_sends                       send to one_recv on port 5000 of this machine
  TRAMA_TRACE=1 two_sends         the same, and the trace shows every system call
)";

// [region two-sends]
void send_two(trama::tcp_stream& receiver) {
    receiver.send_all("hola");
    receiver.send_all("adios");
}
// [/region two-sends]

int send_and_leave(const program::options& given) {
    auto receiver = trama::tcp_stream::connect(given.host(), given.port());
    send_two(receiver);
    program::say("sent twice to ", receiver.remote_endpoint(), ": 4 bytes, then 5 bytes");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples, {program::host_option(), program::port_option()},
                        send_and_leave);
}

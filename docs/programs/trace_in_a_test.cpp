// trace_in_a_test -- a test counts the system calls with the trace
#include "trama.hpp"

#include <cstdio>
#include <string>
#include <utility>
#include <vector>

#include <sys/socket.h>

namespace {

// [region sink]
std::vector<std::string> lines;  // global, because a sink is a plain function

void remember(std::string_view line) {
    lines.emplace_back(line);
}
// [/region sink]

/// The two ends of a connection that needs no port.
std::pair<trama::tcp_stream, trama::tcp_stream> connected_pair() {
    int ends[2] = {-1, -1};
    if (::socketpair(AF_UNIX, SOCK_STREAM, 0, ends) != 0) return {};
    return {trama::tcp_stream(trama::unique_fd(ends[0])),
            trama::tcp_stream(trama::unique_fd(ends[1]))};
}

}  // namespace

int main() {
    auto [left, right] = connected_pair();
    trama::framed_stream<trama::six_digit_colon> sender(std::move(left));
    // [region test]
    const trama::trace_sink before = trama::trace_to(remember);
    sender.send_frame("hola");
    const std::string received = right.recv_exact(11);
    trama::trace_to(before);

    for (const std::string& line : lines) std::printf("%s\n", line.c_str());
    const bool is_right = received == "000004:hola" && lines.size() == 3;
    return is_right ? 0 : 1;  // one send, one frame, one receive
    // [/region test]
}

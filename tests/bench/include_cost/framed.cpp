// The echo client with trama once more, now with frames: six digits, a colon, the payload.
#include "trama.hpp"

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    try {
        trama::framed_stream<trama::six_digit_colon> server{
            trama::tcp_stream::connect(argv[1], std::atoi(argv[2]))};
        server.send_frame(argv[3]);
        std::puts(server.recv_frame().value_or("").c_str());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "echo: %s\n", error.what());
        return 1;
    }
}

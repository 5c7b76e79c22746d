// The same echo client with trama: the single header, as a student uses it.
#include "trama.hpp"

#include <cstdio>
#include <cstdlib>

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    try {
        const std::string text = argv[3];
        auto server = trama::tcp_stream::connect(argv[1], std::atoi(argv[2]));
        server.send_all(text);
        std::puts(server.recv_exact(text.size()).c_str());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "echo: %s\n", error.what());
        return 1;
    }
}

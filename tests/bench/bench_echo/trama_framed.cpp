// trama_framed -- the framed echo server on trama's message_server: all of it.
//
// Build  g++ -std=c++17 -O2 -I ../../../single_include trama_framed.cpp -o trama_framed
// Run    ./trama_framed --backend epoll --port 5000
#include "trama.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

template <typename Selector>
void serve(int port) {
    trama::message_server<trama::length_prefix<4>, trama::no_state, Selector> server{"127.0.0.1",
                                                                                     port};
    std::printf("listening on %s\n", server.local_endpoint().to_string().c_str());
    std::fflush(stdout);
    server.high_water_mark(std::size_t{32} << 20U);
    server.on_message([](auto& from, std::string_view payload) { from.send(payload); });
    server.run();
}

int main(int argc, char** argv) {
    if (argc != 5) return 2;  // --backend select|poll|epoll --port PORT
    const std::string backend = argv[2];
    const int port = std::atoi(argv[4]);
    if (backend == "select") serve<trama::selector>(port);
    if (backend == "poll") serve<trama::poll_selector>(port);
    if (backend == "epoll") serve<trama::epoll_selector>(port);
}

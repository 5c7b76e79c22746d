// A program for examples/test_faults.py: client and server in one thread, over TCP and UDP, so that
// the Nth call of a kind is always the same one.
//
//     program [MILLISECONDS]      how long each call may wait; 5000 unless told
//
// Exit code 0: all went well. 1: a network_error, its text on stdout. 3: a descriptor was left
// open.
#include "trama.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>

#include <sys/stat.h>

using namespace std::chrono_literals;

namespace {

trama::duration patience = 5s;  // a defect ends in a time-out and not in a program that hangs

int open_descriptors() {
    int open = 0;
    struct stat about {};
    for (int fd = 0; fd < 256; ++fd)
        if (::fstat(fd, &about) != -1) ++open;
    return open;
}

void talk_over_tcp() {
    auto listener = trama::tcp_listener::listen("127.0.0.1", 0);
    listener.set_timeout(patience);
    const int port = listener.local_endpoint().port();
    auto client = trama::tcp_stream::connect("127.0.0.1", port, patience);
    auto server = listener.accept();
    client.set_timeout(patience);
    server.set_timeout(patience);
    client.set_no_delay(true);

    client.send_all("question");
    if (server.recv_exact(8) != "question") std::puts("wrong question");
    server.send_all("answer");
    if (client.recv_some(64) != "answer") std::puts("wrong answer");

    trama::framed_stream<trama::six_digit_colon> framed_client(std::move(client));
    trama::framed_stream<trama::six_digit_colon> framed_server(std::move(server));
    framed_client.send_frame("hola");
    if (framed_server.recv_frame() != "hola") std::puts("wrong frame");
    framed_client.stream().shutdown_send();
    if (framed_server.recv_frame()) std::puts("a frame after the end");
    framed_server.stream().close_lingering(0s);
}

void talk_over_udp() {
    auto receiver = trama::udp_socket::bind("127.0.0.1", 0);
    receiver.set_timeout(patience);
    const int port = receiver.local_endpoint().port();
    auto sender = trama::udp_socket::connect("127.0.0.1", port);
    sender.send("hola");
    if (receiver.recv_from().bytes != "hola") std::puts("wrong datagram");
}

}  // namespace

int main(int argc, char** argv) {
    if (argc > 1) patience = std::chrono::milliseconds(std::atoi(argv[1]));
    const int before = open_descriptors();
    int code = 0;
    try {
        talk_over_tcp();
        talk_over_udp();
    } catch (const trama::network_error& error) {
        std::puts(error.what());
        code = 1;
    }
    return open_descriptors() == before ? code : 3;
}

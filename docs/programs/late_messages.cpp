// late_messages -- three messages arrive in one piece, and a selector says when to receive
#include "trama.hpp"

#include <chrono>
#include <iostream>
#include <string>

using framed_stream = trama::framed_stream<trama::six_digit_colon>;

/// Wrong with a selector: one message for each time that the descriptor is ready.
void receive_one(framed_stream& peer) {
    if (const auto message = peer.recv_frame()) std::cout << ' ' << *message;
}

/// Receives all messages that have come, and does not wait. Returns false at the end of the stream.
bool receive_all(framed_stream& peer) {
    std::string message;
    for (;;) {
        const trama::io_status status = peer.try_recv_frame(message);
        if (status == trama::io_status::would_block) return true;
        if (status == trama::io_status::end_of_stream) return false;
        std::cout << ' ' << message;
    }
}

/// Waits twice, half a second at most, and calls `receive` if the descriptor is ready.
template <typename Receive>
void wait_twice(framed_stream& peer, Receive receive) {
    trama::selector ready;
    ready.add(peer.stream().fd(), trama::interest::read);
    for (int i = 0; i < 2; ++i) {
        const bool is_ready = !ready.wait(std::chrono::milliseconds(500)).empty();
        std::cout << (is_ready ? "  ready:" : "  not ready:");
        if (is_ready) receive(peer);
        std::cout << " (" << peer.buffered() << " bytes buffered)\n";
    }
}

int main() {
    auto listener = trama::tcp_listener::listen("127.0.0.1", 0);
    for (const bool is_right : {false, true}) {
        auto sender = trama::tcp_stream::connect("127.0.0.1", listener.local_endpoint().port());
        framed_stream peer(listener.accept());
        sender.send_all("000003:uno000003:dos000004:tres");
        std::cout << (is_right ? "try_recv_frame until it is not done\n" : "recv_frame once\n");
        if (is_right) {
            wait_twice(peer, receive_all);
        } else {
            wait_twice(peer, receive_one);
        }
    }
}

// first_no_messages -- two messages are sent, and one call receives them both
// Run:      g++ first_no_messages.cpp && ./a.out
//           strace -e trace=network ./a.out       the same, with each system call
// Observe:  "hola" and "adios" come as "holaadios": TCP carries bytes, and no messages.
// Missing:  the two ends as two programs, on two machines: two_sends.cpp and one_recv.cpp
#include "trama.hpp"

#include <iostream>
#include <string>

/// Both ends are in one program: the system keeps what was sent until it is received.
void send_two_receive_once() {
    trama::tcp_listener listener = trama::tcp_listener::listen("127.0.0.1", 0);  // any free port
    const int port = listener.local_endpoint().port();
    trama::tcp_stream sender = trama::tcp_stream::connect("127.0.0.1", port);
    trama::tcp_stream receiver = listener.accept();
    sender.send_all("hola");
    sender.send_all("adios");
    std::cout << "sent \"hola\", sent \"adios\"\n";
    std::cout << "received \"" << receiver.recv_some(1024) << "\"\n";
}

int main() {
    try {
        send_two_receive_once();
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

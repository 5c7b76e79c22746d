// first_udp_server -- sends each datagram back to the address that it came from
// Run:      g++ first_udp_server.cpp && ./a.out
//           nc -u 127.0.0.1 5000                  in a second terminal, and in a third
// Observe:  There is no connection: one socket serves both clients, and each message is whole.
// Missing:  datagrams that are lost on purpose, to see what happens then: udp_echo_server.cpp
#include "trama.hpp"

#include <iostream>
#include <string>

/// Receives one datagram and sends it back. After an error the server continues with the next one.
void answer_one(trama::udp_socket& socket) {
    const trama::datagram message = socket.recv_from();
    std::cout << message.from << ": " << trama::escaped(message.bytes, 60) << std::endl;
    try {
        socket.send_to(message.bytes, message.from);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
    }
}

int main(int argc, char** argv) {
    const std::string port = argc > 1 ? argv[1] : "5000";
    try {
        trama::udp_socket socket = trama::udp_socket::bind("0.0.0.0", port);
        std::cout << "listening on " << socket.local_endpoint() << std::endl;
        for (;;) {
            answer_one(socket);
        }
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

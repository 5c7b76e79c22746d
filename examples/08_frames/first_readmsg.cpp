// first_readmsg -- encapsula and readmsg by hand: what framed_stream does inside
// Run:      g++ first_readmsg.cpp && ./a.out
//           printf 000004:hola000000: | nc -N localhost 5000            in a second terminal
// Observe:  It reads exactly one message at a time, even if the bytes come one by one.
// Missing:  it calls recv three times for each message; first_framed_server.cpp calls it once
#include "trama.hpp"

#include <iostream>
#include <optional>
#include <stdexcept>
#include <string>

// [region readmsg]
/// The frame that carries `payload`: its length in six digits, a colon, and the payload.
std::string encapsula(const std::string& payload) {
    const std::string digits = std::to_string(payload.size());
    if (digits.size() > 6) throw std::length_error("a frame carries at most 999999 bytes");
    return std::string(6 - digits.size(), '0') + digits + ':' + payload;
}

/// Reads one message. Returns nothing (std::nullopt) if the peer closes between two messages.
std::optional<std::string> readmsg(trama::tcp_stream& peer) {
    const std::string first = peer.recv_some(1);
    if (first.empty()) return std::nullopt;
    const std::string header = first + peer.recv_exact(6);  // throws if the stream ends here
    const bool has_six_digits = header.find_first_not_of("0123456789") == 6;
    if (!has_six_digits || header[6] != ':')
        throw std::runtime_error("this is no header: \"" + trama::escaped(header) + '"');
    return peer.recv_exact(std::stoul(header));
}
// [/region readmsg]

/// Sends back each message. An error ends the visit of this client, and not the server.
void serve(trama::tcp_stream client) {
    try {
        while (const auto message = readmsg(client)) {
            std::cout << "message: \"" << trama::escaped(*message, 60) << '"' << std::endl;
            client.send_all(encapsula(*message));
        }
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
    }
}

int main(int argc, char** argv) {
    const std::string port = argc > 1 ? argv[1] : "5000";
    try {
        trama::tcp_listener listener = trama::tcp_listener::listen("0.0.0.0", port);
        std::cout << "listening on " << listener.local_endpoint() << std::endl;
        for (;;) {
            serve(listener.accept());
        }
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

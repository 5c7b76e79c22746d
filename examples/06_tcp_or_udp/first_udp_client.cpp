// first_udp_client -- sends each line as a datagram, and sends it again if no answer comes
// Run:      g++ first_udp_server.cpp -o server && ./server
//           g++ first_udp_client.cpp && ./a.out   in a second terminal; type lines
// Observe:  Stop the server with Ctrl-Z and type a line; UDP does not notice, but the client does.
// Missing:  a number in each datagram, so that two equal lines differ: udp_echo_client.cpp
#include "trama.hpp"

#include <chrono>
#include <iostream>
#include <string>

/// Sends `line`. Returns true if it comes back within a second. Ignores every other datagram: it is
/// a late answer to an earlier line.
bool is_answered(trama::udp_socket& server, const std::string& line) {
    const trama::deadline limit(std::chrono::seconds(1));
    server.set_timeout(limit.left());
    server.send(line);
    try {
        while (!limit.passed()) {
            server.set_timeout(limit.left());
            if (server.recv_from().bytes == line) return true;
        }
    } catch (const std::system_error& error) {
        if (error.code() != std::errc::timed_out) throw;
    }
    return false;
}

/// Sends `line` at most three times: UDP itself sends nothing again.
bool send_until_answered(trama::udp_socket& server, const std::string& line) {
    for (int attempt = 1; attempt <= 3; ++attempt) {
        if (is_answered(server, line)) return true;
        std::cerr << "no answer to try " << attempt << '\n';
    }
    return false;
}

int main(int argc, char** argv) {
    const std::string host = argc > 1 ? argv[1] : "localhost";
    const std::string port = argc > 2 ? argv[2] : "5000";
    try {
        trama::udp_socket server = trama::udp_socket::connect(host, port);
        bool all_answered = true;
        std::string line;
        while (std::getline(std::cin, line)) {
            const bool answered = send_until_answered(server, line);
            std::cout << (answered ? line : "lost") << std::endl;
            all_answered = all_answered && answered;
        }
        return all_answered ? 0 : 1;
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

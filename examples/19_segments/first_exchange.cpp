// first_exchange -- both ends of one exchange: its three phases, and their segments
// Run:      g++ first_exchange.cpp && ./a.out
//           ../build/examples/tools/badlink -w out.pcap -- sh -c './a.out $BADLINK_HOST'
// Observe:  Each phase is a few calls. The file out.pcap has the segments that they became.
// Missing:  many clients, time-outs, messages: ../12_select/select_echo_server.cpp
#include "trama.hpp"

#include <iostream>
#include <string>

/// Two ends of one connection, and the listener that made the second one.
struct connection {
    trama::tcp_listener listener;
    trama::tcp_stream client;
    trama::tcp_stream server;
};

/// When connect returns, the system has made the connection. accept returns the other end of it.
connection set_up(const std::string& host, const std::string& port) {
    auto listener = trama::tcp_listener::listen("0.0.0.0", port);
    auto client = trama::tcp_stream::connect(host, listener.local_endpoint().port());
    auto server = listener.accept();
    return {std::move(listener), std::move(client), std::move(server)};
}

/// The server sends back what it receives.
void transfer(connection& ends) {
    ends.client.send_all("hola");
    ends.server.send_all(ends.server.recv_some(1024));
    std::cout << "the client has received \"" << ends.client.recv_some(4) << '"' << std::endl;
}

/// The client closes. The server receives the end of the stream, and closes, too.
void release(connection& ends) {
    ends.client.close();
    const std::string rest = ends.server.recv_some(1024);
    std::cout << "the server has received " << rest.size() << " bytes: the end of the stream"
              << std::endl;
    ends.server.close();
}

int main(int argc, char** argv) {
    const std::string host = argc > 1 ? argv[1] : "127.0.0.1";
    const std::string port = argc > 2 ? argv[2] : "5000";
    try {
        connection ends = set_up(host, port);
        std::cout << "from " << ends.client.local_endpoint() << " to "
                  << ends.client.remote_endpoint() << std::endl;
        transfer(ends);
        release(ends);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

// first_web_client -- requests a page from a web server by hand, and prints the whole response
// Run:      g++ first_web_client.cpp && ./a.out
//           ./a.out www.example.com 80            another server, another port
// Observe:  The server answers in text: a status, the headers, an empty line, and then the page.
// Missing:  it does not check that all of the page came, and prints every byte: web_client.cpp
#include "trama.hpp"

#include <chrono>
#include <iostream>
#include <string>

/// The two lines of a request, and the empty line that ends it.
std::string request_for(const std::string& host, const std::string& port) {
    const std::string name = port == "80" ? host : host + ':' + port;
    return "GET / HTTP/1.1\r\nHost: " + name + "\r\nConnection: close\r\n\r\n";
}

/// Prints what comes, until the server closes. An empty string means that it has closed.
void print_all(trama::tcp_stream& server) {
    for (;;) {
        const std::string bytes = server.recv_some(4096);
        if (bytes.empty()) return;
        std::cout << bytes;
    }
}

int main(int argc, char** argv) {
    const std::string host = argc > 1 ? argv[1] : "example.com";
    const std::string port = argc > 2 ? argv[2] : "80";
    try {
        trama::tcp_stream server = trama::tcp_stream::connect(host, port);
        server.set_timeout(std::chrono::seconds(30));
        server.send_all(request_for(host, port));
        print_all(server);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

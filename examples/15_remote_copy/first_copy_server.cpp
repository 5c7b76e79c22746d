// first_copy_server -- receives files, one at a time, and keeps each one whole or not at all
// Run:      g++ first_copy_server.cpp && ./a.out        it stores into the folder copies
//           g++ first_copy_client.cpp -o client && ./client photo.jpg   in a second terminal
// Observe:  Stop the client with Ctrl-C during a large file: nothing is left in the folder.
// Missing:  many clients, the rest after a cut, a check for U+009B in names: copy_stream_server.cpp
#include "trama.hpp"

#include <algorithm>
#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>
#include <utility>

/// True for a byte that a terminal would obey.
bool is_control(unsigned char byte) {
    return byte < ' ' || byte == 127;
}

/// The client sends a line with the name, a line with the size, and then the bytes.
void store(trama::framed_stream<trama::any_line>& client, const trama::folder& copies) {
    const std::string name = client.recv_frame().value_or("");  // "" if the client has closed
    const std::string size = client.recv_frame().value_or("");
    const bool is_name = !name.empty() && std::none_of(name.begin(), name.end(), is_control);
    if (!is_name || size.find_first_not_of("0123456789") != std::string::npos)
        throw std::runtime_error("not a name and a size: " + trama::escaped(name + ' ' + size, 99));
    trama::atomic_file file(copies, name);  // throws if the name would lead out of the folder
    trama::receive_file(client, file.fd(), std::stoull(size));
    file.commit();  // only now it has its name
    client.send_frame("ok");
    std::cout << "stored " << trama::escaped(name) << ", " << size << " bytes" << std::endl;
}

/// Serves one client. An error ends its visit, and not the server.
void serve(trama::tcp_stream stream, const trama::folder& copies) {
    trama::framed_stream<trama::any_line> client(std::move(stream));
    client.stream().set_timeout(std::chrono::seconds(30));
    try {
        store(client, copies);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
    }
    client.stream().close_lingering();
}

int main(int argc, char** argv) {
    const std::string port = argc > 1 ? argv[1] : "5000";
    try {
        const trama::folder copies = trama::folder::make("copies");
        auto listener = trama::tcp_listener::listen("0.0.0.0", port);
        std::cout << "listening on " << listener.local_endpoint() << std::endl;
        for (;;) {
            serve(listener.accept(), copies);
        }
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

// first_copy_client -- copies one file to a server, and knows that it is stored there
// Run:      g++ first_copy_server.cpp -o server && ./server
//           g++ first_copy_client.cpp && ./a.out photo.jpg    in a second terminal
// Observe:  nc -l 5000 | head -n 2 as the server shows the two lines before the bytes: name, size.
// Missing:  files of other folders, and a copy that continues after a cut: copy_stream_client.cpp
#include "trama.hpp"

#include <chrono>
#include <iostream>
#include <stdexcept>
#include <string>

using line_stream = trama::framed_stream<trama::any_line>;

// [region copy]
/// Sends the name, the size and the bytes, and waits until the server has stored them.
void copy(line_stream& server, const std::string& name) {
    const trama::unique_fd file = trama::folder(".").open(name);
    const std::uint64_t size = trama::size_of_file(file.get(), name);
    server.send_frame(name);
    server.send_frame(std::to_string(size));
    trama::send_file(server.stream(), file.get(), 0, size);
    const auto answer = server.recv_frame();  // a std::optional: a line, or nothing
    if (answer != "ok") throw std::runtime_error("the server has not stored the file");
}
// [/region copy]

int main(int argc, char** argv) {
    if (argc < 2) {
        std::cerr << "usage: a.out FILE [HOST [PORT]], with a file of this folder\n";
        return 2;
    }
    const std::string host = argc > 2 ? argv[2] : "localhost";
    const std::string port = argc > 3 ? argv[3] : "5000";
    try {
        line_stream server(trama::tcp_stream::connect(host, port));
        server.stream().set_timeout(std::chrono::seconds(30));
        copy(server, argv[1]);
        std::cout << "stored\n";
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

// The same echo client with Asio (apt-get install libasio-dev), blocking.
#include <asio.hpp>

#include <cstdio>
#include <string>

int main(int argc, char** argv) {
    if (argc != 4) return 2;
    try {
        const std::string text = argv[3];
        asio::io_context context;
        asio::ip::tcp::socket server(context);
        asio::connect(server, asio::ip::tcp::resolver(context).resolve(argv[1], argv[2]));
        asio::write(server, asio::buffer(text));
        std::string answer(text.size(), '\0');
        asio::read(server, asio::buffer(answer));
        std::puts(answer.c_str());
    } catch (const std::exception& error) {
        std::fprintf(stderr, "echo: %s\n", error.what());
        return 1;
    }
}

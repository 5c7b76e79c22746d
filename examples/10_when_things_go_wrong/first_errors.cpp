// first_errors -- six things go wrong: which catch receives each, and what its code means
// Run:      g++ first_errors.cpp && ./a.out
//           TRAMA_TRACE=1 ./a.out                 the same, with each system call
// Observe:  catch goes from the special error to the general one; code() says which one it is.
// Missing:  a real client that reacts to each of them: careful_client.cpp
#include "trama.hpp"

#include <chrono>
#include <iostream>
#include <string>

/// What a program can do about an error of the network.
const char* advice(const std::error_code& code) {
    if (code == std::errc::connection_refused) return "start the server first";
    if (code == std::errc::timed_out) return "try again later";
    if (code == std::errc::connection_reset) return "connect again";
    if (code == std::errc::address_in_use) return "take another port";
    return "report it";
}

/// Calls a function that fails, and shows its error. The special types of error come first.
template <typename Function>
void show_error_of(Function function) {
    try {
        function();
    } catch (const trama::unexpected_eof& error) {
        std::cout << "only " << error.received() << " bytes came: " << error.what() << "\n\n";
    } catch (const std::system_error& error) {
        std::cout << advice(error.code()) << ": " << error.what() << "\n\n";
    } catch (const std::exception& error) {
        std::cout << "no error of the network: " << error.what() << '\n';
    }
}

int main() {
    using trama::tcp_listener, trama::tcp_stream;
    try {
        auto listener = tcp_listener::listen("127.0.0.1", 0);  // 0: any free port
        const int port = listener.local_endpoint().port();
        show_error_of([&] { return tcp_listener::listen("127.0.0.1", port); });
        auto client = tcp_stream::connect("127.0.0.1", port);
        auto server = listener.accept();
        client.set_timeout(std::chrono::milliseconds(200));
        show_error_of([&] { return client.recv_some(1024); });  // the server sends nothing
        client.send_all("hola");
        server.close();  // with "hola" unread: this resets the connection
        show_error_of([&] { return client.recv_some(1024); });
        client = tcp_stream::connect("127.0.0.1", port);
        listener.accept().send_all("ho");  // and closes
        show_error_of([&] { return client.recv_exact(4); });
        listener.close();
        show_error_of([&] { return tcp_stream::connect("127.0.0.1", port); });
        show_error_of([&] { return std::stoi("cinco"); });
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

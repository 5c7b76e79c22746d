// first_chat_client -- sends what you type, and meanwhile prints what the others write
// Run:      g++ first_chat_server.cpp -o server && ./server
//           g++ first_chat_client.cpp && ./a.out    in a second terminal, and in a third
// Observe:  The client waits for the keyboard and for the server at once. Ctrl-D leaves.
// Missing:  a message that comes while you type lands in your line: chat_client.cpp
#include "trama.hpp"

#include <chrono>
#include <iostream>
#include <string>

using chat_stream = trama::framed_stream<trama::any_line>;

/// Prints all messages that have come, without waiting for more. Returns false at the end.
bool print_messages(chat_stream& server) {
    std::string message;
    for (;;) {
        const trama::io_status status = server.try_recv_frame(message);
        if (status == trama::io_status::end_of_stream) std::cerr << "the server has closed\n";
        if (status != trama::io_status::done) return status == trama::io_status::would_block;
        std::cout << message << std::endl;
    }
}

/// Sends the lines that were typed. Returns false at the end of the input.
bool send_lines(chat_stream& server, trama::frame_decoder<trama::lf_line>& keyboard) {
    char bytes[4096];
    const ssize_t count = ::read(STDIN_FILENO, bytes, sizeof bytes);  // std::getline would wait
    if (count > 0) keyboard.receive_data({bytes, static_cast<std::size_t>(count)});
    if (count <= 0 && keyboard.buffered() > 0) keyboard.receive_data("\n");
    while (const auto line = keyboard.next_frame()) server.send_frame(*line);
    return count > 0;
}

int main(int argc, char** argv) {
    try {
        chat_stream server(trama::tcp_stream::connect(argc > 1 ? argv[1] : "localhost",
                                                      argc > 2 ? argv[2] : "5000"));
        server.stream().set_timeout(std::chrono::seconds(30));  // for a server that takes nothing
        trama::frame_decoder<trama::lf_line> keyboard;
        bool is_typing = true;
        trama::poll_selector ready;
        ready.add(STDIN_FILENO, trama::interest::read);
        ready.add(server.stream().fd(), trama::interest::read);
        for (;;) {
            for (const trama::ready_event event : ready.wait()) {
                if (event.fd == server.stream().fd()) {
                    if (!print_messages(server)) return is_typing ? 1 : 0;
                } else if (!send_lines(server, keyboard)) {
                    is_typing = false;
                    ready.remove(STDIN_FILENO);
                    server.stream().shutdown_send();  // the server sends what is left, and closes
                }
            }
        }
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

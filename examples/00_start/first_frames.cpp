// first_frames -- three messages travel as frames, and come out as they went in
// Run:      g++ first_frames.cpp && ./a.out
//           TRAMA_TRACE=1 ./a.out                 the same, with each system call
// Observe:  The bytes arrive all at once. Only the headers show where each message ends.
// Missing:  a second program at the other end: ../08_frames/first_framed_server.cpp
#include "trama.hpp"

#include <iostream>
#include <string>

/// Sends each message as a frame of its own, and then the end of the stream.
void send_messages(trama::framed_stream<trama::six_digit_colon>& sender) {
    for (const char* message : {"hola", "", "adios"}) {
        sender.send_frame(message);
        std::cout << "sent \"" << message << "\"\n";
    }
    sender.stream().shutdown_send();
}

/// Draws a frame, a box for each byte: the header of this payload (===), and the payload (---).
void draw(const std::string& payload) {
    const std::string header(trama::six_digit_colon::header(payload).view());
    std::string border = "+";
    std::string row = "|";
    for (const char byte : header + payload) {
        const std::string box = ' ' + trama::escaped({&byte, 1}) + ' ';
        border += std::string(box.size(), border.size() < 4 * header.size() ? '=' : '-') + '+';
        row += box + '|';
    }
    std::cout << "\na frame: header (===) and payload (---)\n";
    std::cout << border << '\n' << row << '\n' << border << '\n';
}

/// Receives the bytes as they come, in any pieces, and cuts the frames out of them.
void receive_messages(trama::tcp_stream& receiver) {
    trama::frame_decoder<trama::six_digit_colon> decoder;
    for (;;) {
        const std::string bytes = receiver.recv_some(1024);
        if (bytes.empty()) break;  // the other end has sent all
        std::cout << "\nreceived " << bytes.size() << " bytes: " << trama::escaped(bytes) << '\n';
        decoder.receive_data(bytes);
        while (const auto payload = decoder.next_frame()) draw(*payload);
    }
    decoder.receive_eof();  // throws if the stream has ended inside a frame
}

int main() {
    try {
        auto listener = trama::tcp_listener::listen("127.0.0.1", 0);  // 0: any free port
        const int port = listener.local_endpoint().port();
        trama::framed_stream<trama::six_digit_colon> sender(
            trama::tcp_stream::connect("127.0.0.1", port));
        trama::tcp_stream receiver = listener.accept();
        send_messages(sender);
        receive_messages(receiver);
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

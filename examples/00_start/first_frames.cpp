// first_frames -- three messages travel as frames, and come out as they went in
//
// Goal:     See what a frame is: a header that says how long the payload is, then the payload.
// Run:      ./first_frames
// Observe:  Three messages are sent, and their bytes come glued together. The headers alone tell
//           where each one ends. The empty message is a frame like any other.
// Exercise: Add "año" to the messages: why does its header say 4? Then receive 5 bytes at a time
//           in place of 1024: what changes in what comes, and what in the frames?
// Next:     01_web_client, where the other end is a program of somebody else.
#include "../support/program.hpp"

#include <iostream>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr const char* examples = R"(
  first_frames                    send three messages to ourselves and look at the bytes
  TRAMA_TRACE=1 first_frames      the same, and the trace shows every system call
)";

constexpr const char* messages[] = {"hola", "", "adios"};

// [region sending]
/// Sends each message as a frame of its own, and then the end of the stream.
void send_messages(trama::framed_stream<trama::six_digit_colon>& sender) {
    for (const char* message : messages) {
        sender.send_frame(message);
        std::cout << "sent \"" << message << "\"\n";
    }
    sender.stream().shutdown_send();
}
// [/region sending]

/// A box for each byte, a printable one as it is and any other in hexadecimal; the first `header`
/// of them between double lines.
std::string boxes(std::string_view bytes, std::size_t header) {
    std::string border = "+";
    std::string row = "|";
    for (std::size_t i = 0; i < bytes.size(); ++i) {
        std::string cell = trama::escaped(bytes.substr(i, 1));
        if (cell.size() == 4) cell.erase(0, 2);  // "\xc3" has no room, "c3" has
        row += (cell.size() == 1 ? ' ' + cell : cell) + " |";
        border += i < header ? "===+" : "---+";
    }
    return border + '\n' + row + '\n' + border + '\n';
}

/// Draws a frame: the header that belongs to this payload, and the payload.
void draw(std::string_view payload) {
    const auto header = trama::six_digit_colon::header(payload);
    std::cout << "\na frame: " << header.size() << " bytes of header (===) and " << payload.size()
              << " of payload (---)\n"
              << boxes(std::string(header.view()).append(payload), header.size());
}

// [region receiving]
/// Takes the bytes as they come, in any pieces, and cuts the frames out of them.
void receive_messages(trama::tcp_stream& receiver) {
    trama::frame_decoder<trama::six_digit_colon> decoder;
    for (std::string bytes; !(bytes = receiver.recv_some(1024)).empty();) {
        std::cout << "\ncame in one piece: " << trama::escaped(bytes) << '\n';
        decoder.receive_data(bytes);
        while (const auto payload = decoder.next_frame()) draw(*payload);
    }
    decoder.receive_eof();  // throws if the stream has ended inside a frame
}
// [/region receiving]

// [region both-ends]
/// Both ends in one program: the system keeps what is sent until it is received.
int send_to_ourselves(const program::options&) {
    auto listener = trama::tcp_listener::listen("127.0.0.1", 0);  // 0: any free port
    auto connection = trama::tcp_stream::connect("127.0.0.1", listener.local_endpoint().port());
    trama::framed_stream<trama::six_digit_colon> sender(std::move(connection));
    trama::tcp_stream receiver = listener.accept();
    send_messages(sender);
    receive_messages(receiver);
    return 0;
}
// [/region both-ends]

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples, {}, send_to_ourselves);
}

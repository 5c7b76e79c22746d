// framed_echo_client -- each line travels as one frame, and one frame comes back
//
// Goal:     Send and receive messages: one frame for each line, with any bytes in it.
// Run:      ./framed_echo_server -p 5000
//           printf 'hola\n\nadios\n' | ./framed_echo_client -p 5000 --hex
// Observe:  The header counts the bytes that follow. An empty line is a frame of 0 bytes; it does
//           not mean the end. With --codec u32 the same length looks different on the wire.
// Exercise: What is the longest line that each codec can carry? Which end refuses a longer one?
//           Use another codec than the server does, and explain the message of each end.
// Next:     naive/readmsg_client.cpp, with five flaws; then 09_lines
#include "../support/program.hpp"

#include <iostream>
#include <string>
#include <string_view>

namespace {

constexpr const char* examples = R"(
  framed_echo_client                    each line you type goes to port 5000 of this machine
  echo hola | framed_echo_client -x     show the bytes that travel
  framed_echo_client -c u32 < book.txt  frames behind a binary length of 4 bytes, big-endian

Answers go to stdout. A line that is too long for the codec is refused before anything is sent.
)";

/// The first bytes, in hexadecimal and as text: "00 00 00 04 68 6f  \x00\x00\x00\x04ho".
std::string in_hexadecimal(std::string_view bytes) {
    constexpr const char* digits = "0123456789abcdef";
    std::string shown;
    for (const char byte : bytes.substr(0, 16)) {
        const auto value = static_cast<unsigned char>(byte);
        shown += {digits[value / 16], digits[value % 16], ' '};
    }
    return shown + (bytes.size() > 16 ? "... " : " ") + trama::escaped(bytes, 16);
}

/// A payload as the frame that carries it.
template <typename Codec>
void show_frame(const char* direction, std::string_view payload) {
    std::string frame;
    Codec::encode(payload, frame);
    std::cerr << direction << in_hexadecimal(frame) << std::endl;
}

/// Sends `line` as one frame. One that is too long is refused before anything is sent.
template <typename Codec>
void send(trama::framed_stream<Codec>& server, std::string_view line) {
    try {
        server.send_frame(line);
    } catch (const trama::frame_error& error) {
        throw program::usage_error(error.what());
    }
}

/// Receives the answer: exactly one frame. Throws peer_error if the server closes before it.
template <typename Codec>
std::string receive(trama::framed_stream<Codec>& server) {
    if (const auto answer = server.recv_frame()) return *answer;
    throw program::peer_error(
        "the server closed without an answer: it was stopped, or it has another --codec");
}

/// A frame out, a frame back, until there are no more lines.
template <typename Codec>
int talk(const program::options& given) {
    const trama::duration timeout = given.timeout();
    trama::framed_stream<Codec> server(trama::tcp_stream::connect(given.host(), given.port()));
    server.stream().set_timeout(timeout);
    const program::hang_up_on_stop on_stop(server.stream().fd());
    for (std::string line; program::read_line(line);) {
        send(server, line);
        if (given.flag("hex")) show_frame<Codec>("sent ", line);
        const std::string answer = receive(server);
        if (given.flag("hex")) show_frame<Codec>("came ", answer);
        program::print(answer);
    }
    return 0;
}

/// A codec is a type, and the compiler makes one talk for each. The command line chooses one.
int talk_codec(const program::options& given) {
    const std::string& codec = given.text("codec");
    if (codec == "six-digit") return talk<trama::six_digit_colon>(given);
    if (codec == "u8") return talk<trama::length_prefix<1>>(given);
    if (codec == "u16") return talk<trama::length_prefix<2>>(given);
    if (codec == "u32") return talk<trama::length_prefix<4>>(given);
    if (codec == "u64") return talk<trama::length_prefix<8>>(given);
    throw program::usage_error("--codec takes six-digit, u8, u16, u32 or u64, not \"" +
                               trama::escaped(codec) + '"');
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::host_option(),
         program::port_option(),
         {'c', "codec", "CODEC", "six-digit", "six-digit, or u8, u16, u32, u64: a binary length"},
         {'t', "timeout", "SECONDS", "30", "how long to wait for each answer; 0: for ever"},
         program::flag('x', "hex", "show each frame on stderr as it travels")},
        talk_codec);
}

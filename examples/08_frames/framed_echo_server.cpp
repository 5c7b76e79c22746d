// framed_echo_server -- echoes messages, not bytes: sends each frame back as one frame
//
// Goal:     See that a length in front of each message keeps the borders of the messages.
// Run:      ./framed_echo_server -p 5000
//           printf 'hola\nadios\n' | ./framed_echo_client -p 5000 --hex
// Observe:  The messages are the same in whatever pieces the bytes come (TRAMA_TRACE=1 shows them).
//           echo GET / | nc -N localhost 5000: bytes that are no frame end this connection only.
// Exercise: Send with nc the frames of hola and adios in one line, then only half of one.
//           Which lengths can --codec u16 announce? If the codecs differ, which end notices?
// Next:     framed_echo_client.cpp; naive/readmsg_server.cpp, where the same idea goes wrong
#include "../support/program.hpp"

#include <string>
#include <system_error>
#include <utility>

namespace {

constexpr const char* examples = R"(
  framed_echo_server                         echo six-digit frames on port 5000 of every address
  framed_echo_server -c u32                  frames behind a binary length of 4 bytes, big-endian
  printf 000004:hola | nc -N localhost 5000  talk to it without a client
)";

// [region echo]
/// Sends each frame back until the client closes. Throws frame_error if the bytes are no frame.
template <typename Codec>
void echo(trama::framed_stream<Codec>& client) {
    const program::hang_up_on_stop on_stop(client.stream().fd());
    while (const auto payload = client.recv_frame()) {
        program::say_more("frame of ", payload->size(), " bytes: \"", program::shown{*payload, 60},
                          '"');
        client.send_frame(*payload);
    }
}
// [/region echo]

/// Serves one client. An error ends the connection of this client, and not the server.
template <typename Codec>
void serve(trama::tcp_stream stream) {
    const std::string peer = stream.remote_endpoint().to_string();
    trama::framed_stream<Codec> client(std::move(stream));
    program::say(peer, " came");
    try {
        echo(client);
        program::say(peer, " left");
    } catch (const trama::frame_error& error) {
        program::say(peer, ": ", program::reason(error));
        client.stream().close_lingering();  // a plain close could destroy the last answers
    } catch (const std::system_error& error) {
        program::say(peer, " is lost: ", error.what());
    }
}

template <typename Codec>
int serve_all(const program::options& given) {
    auto listener = trama::tcp_listener::listen(given.host(), given.port());
    program::announce(listener.local_endpoint());
    while (program::wait_readable(listener.fd())) {
        serve<Codec>(listener.accept());
    }
    return 0;
}

/// A codec is a type, and the compiler makes one serve_all for each. The command line chooses one.
int serve_codec(const program::options& given) {
    const std::string& codec = given.text("codec");
    if (codec == "six-digit") return serve_all<trama::six_digit_colon>(given);
    if (codec == "u8") return serve_all<trama::length_prefix<1>>(given);
    if (codec == "u16") return serve_all<trama::length_prefix<2>>(given);
    if (codec == "u32") return serve_all<trama::length_prefix<4>>(given);
    if (codec == "u64") return serve_all<trama::length_prefix<8>>(given);
    throw program::usage_error("--codec takes six-digit, u8, u16, u32 or u64, not \"" +
                               trama::escaped(codec) + '"');
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::address_option(),
         program::port_option(),
         {'c', "codec", "CODEC", "six-digit", "six-digit, or u8, u16, u32, u64: a binary length"}},
        serve_codec);
}

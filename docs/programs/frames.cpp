// frames -- writes its arguments to stdout as frames, or reads frames from stdin
//
//   frames six_digit_colon hola adios | xxd -g 1     each argument is one payload
//   printf '000004:hola' | frames six_digit_colon    no argument: the payloads, one a line
//
// FORMAT is the C++ type of the codec. The page wire_formats.md shows what this program does.
#include "trama.hpp"

#include <cstdio>
#include <stdexcept>
#include <string>

namespace {

using trama::byte_order;
using trama::length_prefix;

// [region encode]
template <typename Codec>
void encode(char** payloads) {
    std::string bytes;
    for (; *payloads != nullptr; ++payloads) Codec::encode(*payloads, bytes);
    std::fwrite(bytes.data(), 1, bytes.size(), stdout);
}
// [/region encode]

// [region decode]
template <typename Codec>
void decode() {
    trama::frame_decoder<Codec> decoder;
    char piece[4096];
    while (const std::size_t count = std::fread(piece, 1, sizeof piece, stdin)) {
        decoder.receive_data({piece, count});
        while (const auto payload = decoder.next_frame())
            std::printf("\"%s\"\n", trama::escaped(*payload).c_str());
    }
    decoder.receive_eof();  // throws if the bytes have ended inside a frame
}
// [/region decode]

template <typename Codec>
void run(char** payloads) {
    if (*payloads == nullptr) return decode<Codec>();
    encode<Codec>(payloads);
}

void run_format(const std::string& format, char** payloads) {
    if (format == "six_digit_colon") return run<trama::six_digit_colon>(payloads);
    if (format == "length_prefix<1>") return run<length_prefix<1>>(payloads);
    if (format == "length_prefix<2>") return run<length_prefix<2>>(payloads);
    if (format == "length_prefix<4>") return run<length_prefix<4>>(payloads);
    if (format == "length_prefix<8>") return run<length_prefix<8>>(payloads);
    if (format == "length_prefix<2, byte_order::little>")
        return run<length_prefix<2, byte_order::little>>(payloads);
    if (format == "length_prefix<4, byte_order::little>")
        return run<length_prefix<4, byte_order::little>>(payloads);
    if (format == "length_prefix<8, byte_order::little>")
        return run<length_prefix<8, byte_order::little>>(payloads);
    if (format == "lf_line") return run<trama::lf_line>(payloads);
    if (format == "crlf_line") return run<trama::crlf_line>(payloads);
    if (format == "any_line") return run<trama::any_line>(payloads);
    throw std::runtime_error("unknown format: " + format);
}

}  // namespace

int main(int argc, char** argv) {
    try {
        if (argc < 2) throw std::runtime_error("usage: frames FORMAT [PAYLOAD...]");
        run_format(argv[1], argv + 2);
    } catch (const std::exception& error) {
        std::fflush(stdout);
        std::fprintf(stderr, "frames: %s\n", error.what());
        return 1;
    }
}

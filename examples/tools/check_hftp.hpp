// examples/tools/check_hftp.hpp -- chapter 17: lines of commands, codes, and slices in base64.
//
// The server serves {dir}, with one file in it. The client saves into the folder where it runs:
//     check hftp-client --client 'cd {dir} && /path/to/client ...'
#pragma once

#include "check_frames.hpp"
#include "check_stage.hpp"

#include <algorithm>
#include <string>

namespace check {

namespace cause {

inline constexpr words hftp_format{
    "The answer has another form. Its first line is a code, one blank, a text, CR LF; more comes "
    "only after code 0. See \"HFTP\" in docs/wire_formats.md.",
    "La respuesta tiene otra forma. Su primera línea es un código, un espacio, un texto, CR LF; "
    "solo tras el código 0 viene más. Mira \"HFTP\" en docs/wire_formats.md."};

inline constexpr words hftp_check{
    "The server answers with another code than the first of its checks that fails: 100, 101, 200, "
    "201, 202, 199, 203. See the table of \"HFTP\" in docs/wire_formats.md.",
    "El servidor responde con otro código que el de la primera comprobación que falla: 100, 101, "
    "200, 201, 202, 199, 203. Mira la tabla de \"HFTP\" en docs/wire_formats.md."};

inline constexpr words hftp_fatal{
    "After a fatal code (100, 101, 199) the server closes, and the requests behind it get no "
    "answer; after 200 to 203 it goes on.",
    "Tras un código fatal (100, 101, 199) el servidor cierra, y las peticiones que van detrás no "
    "tienen respuesta; tras 200 a 203 sigue."};

inline constexpr words pipelined{
    "Several requests may come in one piece. Keep what is behind the first line, and answer all in "
    "their order.",
    "Varias peticiones pueden llegar en una pieza. Guarda lo que va detrás de la primera línea, y "
    "responde a todas en su orden."};

}  // namespace cause

/// Base64 with the standard alphabet: RFC 4648, section 4.
inline std::string base64(const std::string& bytes) {
    constexpr const char* letters =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    std::string text;
    for (std::size_t at = 0; at < bytes.size(); at += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - at);
        unsigned value = 0;
        for (std::size_t i = 0; i < 3; ++i) {
            value = value << 8U;
            if (i < count) value |= static_cast<unsigned char>(bytes[at + i]);
        }
        for (std::size_t i = 0; i < 4; ++i) {
            text += i <= count ? letters[(value >> (18 - 6 * i)) & 63U] : '=';
        }
    }
    return text;
}

constexpr const char* hftp_file = "foto.jpg";  // the name of {file}

/// "0 OK", and then the body.
inline steps good(const std::string& body) {
    return {expect(1, "0 "), find(1, "\r\n"), expect(1, body)};
}

/// Another code, and nothing behind it.
inline steps refused(const char* number) {
    return {expect(1, std::string(number) + ' '), find(1, "\r\n")};
}

inline steps request(const std::string& line) {
    return {send(1, line + "\r\n")};
}

inline std::string slice(const std::string& numbers) {
    return std::string("get_slice ") + hftp_file + ' ' + numbers;
}

/// A test with one connection to a server that has this file.
inline test hftp_test(const char* name, const words& title, phase when, const steps& table,
                      const words& why = cause::hftp_format,
                      const std::string& file = "hola a todos\n") {
    return {name, title, when, steps{connect(1)} + table, why, file, true};
}

inline tests hftp_server_answers() {
    const std::string name = hftp_file;
    const std::string commands =
        "get_file_listing\r\nget_metadata\r\nget_slice\r\nhelp\r\nquit\r\n\r\n";
    const steps quits = request("quit") + good("") + steps{expect_end(1)};
    const steps works = request("get_metadata " + name) + good("13\r\n");
    return {hftp_test("listing", {"the names of the files", "los nombres de los ficheros"},
                      phase::plain_and_cut,
                      request("get_file_listing") + good(name + "\r\n\r\n") + quits),
            hftp_test("metadata", {"the size of a file", "el tamaño de un fichero"},
                      phase::plain_and_cut, works + quits),
            hftp_test("slice", {"a slice in base64", "un trozo en base64"}, phase::plain_and_cut,
                      request(slice("0 4")) + good("aG9sYQ==\r\n") + request(slice("5 1")) +
                          good("YQ==\r\n") + quits),
            hftp_test("nothing", {"a slice of 0 bytes at the end", "un trozo de 0 bytes al final"},
                      phase::plain, request(slice("13 0")) + good("\r\n") + quits),
            hftp_test("raw", {"a raw slice", "un trozo sin codificar"}, phase::plain_and_cut,
                      request(slice("0 4 raw")) + good("Content-Length: 4\r\n\r\nhola") + quits),
            hftp_test("help", {"the commands in order", "las órdenes por orden"}, phase::plain,
                      request("help") + good(commands))};
}

inline tests hftp_server_codes() {
    const std::string name = hftp_file;
    const steps works = request("get_metadata " + name) + good("13\r\n");
    return {
        hftp_test("unknown", {"200, and the server goes on", "200, y el servidor sigue"},
                  phase::plain,
                  request("sing") + refused("200") + request("HELP") + refused("200") + works,
                  cause::hftp_check),
        hftp_test(
            "arguments", {"201, and the server goes on", "201, y el servidor sigue"}, phase::plain,
            request("get_metadata") + refused("201") + request("get_metadata a/b") +
                refused("201") + request(slice("0 +1")) + refused("201") + request(slice("0 0x1")) +
                refused("201") + request(slice("0 1 raw2")) + refused("201") + works,
            cause::hftp_check),
        hftp_test("missing", {"202, and the server goes on", "202, y el servidor sigue"},
                  phase::plain,
                  request("get_metadata nada") + refused("202") + request("get_metadata ..") +
                      refused("202") + works,
                  cause::hftp_check),
        hftp_test("offset", {"203, and the server goes on", "203, y el servidor sigue"},
                  phase::plain, request(slice("10 4")) + refused("203") + works, cause::hftp_check),
        hftp_test("bad-end",
                  {"100 after a LF without CR, and the end", "100 tras un LF sin CR, y el fin"},
                  phase::plain,
                  steps{send(1, "help\nhelp\r\n")} + refused("100") + steps{expect_end(1)},
                  cause::hftp_fatal),
        hftp_test("bad-request",
                  {"101 after an empty line, and the end", "101 tras una línea vacía, y el fin"},
                  phase::plain, request("\r\nhelp") + refused("101") + steps{expect_end(1)},
                  cause::hftp_fatal)};
}

inline tests hftp_server_sizes() {
    const std::string name = hftp_file;
    const std::string large = numbered_lines(100'000);
    return {hftp_test("any-bytes", {"all 256 values of a byte", "los 256 valores de un byte"},
                      phase::plain, request(slice("0 256")) + good(base64(every_byte()) + "\r\n"),
                      cause::hftp_format, every_byte()),
            hftp_test("pipelined", {"three requests in one piece", "tres peticiones en una pieza"},
                      phase::after_cut,
                      request(slice("0 4") + "\r\nsing\r\nget_metadata " + name) +
                          good("aG9sYQ==\r\n") + refused("200") + good("13\r\n"),
                      cause::pipelined),
            hftp_test("large",
                      {"a slice of 1.3 MB, to a client that reads late",
                       "un trozo de 1,3 MB, a un cliente que lee tarde"},
                      phase::after_cut,
                      steps{read_late(1), send(1, slice("0 1300000") + "\r\n"),
                            pause(milliseconds(300)), read_again(1)} +
                          good(base64(large) + "\r\n"),
                      cause::partial_send, large)};
}

inline tests hftp_server_unkind() {
    const std::string name = hftp_file;
    const std::string large = numbered_lines(100'000);
    const steps works = request("get_metadata " + name) + good("13\r\n");
    return {hftp_test(
                "stall",
                {"a client that stops delays nobody", "un cliente que se para no retrasa a nadie"},
                phase::unkind,
                steps{connect(2), send(2, "get_meta")} + works +
                    steps{send(2, "data " + name + "\r\n"), find(2, "13\r\n")},
                cause::one_at_a_time),
            hftp_test("never-reads",
                      {"a client that never reads delays nobody",
                       "un cliente que nunca lee no retrasa a nadie"},
                      phase::unkind,
                      steps{connect(2), stop_reading(2), send(2, slice("0 1300000") + "\r\n"),
                            pause(milliseconds(300))} +
                          request("get_metadata " + name) + good("1300000\r\n"),
                      cause::slow_reader, large),
            hftp_test("reset",
                      {"a client that resets costs nobody else",
                       "un cliente que corta no afecta a otros"},
                      phase::unkind, steps{connect(2), send(2, "get_meta"), reset(2)} + works)};
}

inline exercise hftp_server() {
    return {
        "hftp-server",
        {"files of {dir} in slices: lines, codes, base64",
         "ficheros de {dir} a trozos: líneas, códigos, base64"},
        "docs/17_hftp.md",
        role::server,
        hftp_server_answers() + hftp_server_codes() + hftp_server_sizes() + hftp_server_unkind()};
}

}  // namespace check

// examples/tools/check_frames.hpp -- chapter 08: messages behind six digits and a colon.
#pragma once

#include "check_echo.hpp"

#include <string>

namespace check {

/// The frame that carries `payload`.
inline std::string frame(const std::string& payload) {
    std::string bytes;
    trama::six_digit_colon::encode(payload, bytes);
    return bytes;
}

namespace cause {

inline constexpr words colon{
    "The program looks for the colon in the wrong way. A payload may contain colons, also at its "
    "start. The colon of the header has a fixed place: byte 6.",
    "El programa busca mal los dos puntos. Un contenido puede tener dos puntos, también al "
    "principio. Los de la cabecera tienen un lugar fijo: el byte 6."};

inline constexpr words empty_payload{
    "The program does not expect an empty message: 000000: is a whole frame. It takes it for the "
    "end, or it takes a byte of the next frame. The header has 7 bytes; read 7 of them, not 8.",
    "El programa no espera un mensaje vacío: 000000: es una trama entera. Lo toma por el fin, o "
    "toma un byte de la trama siguiente. La cabecera tiene 7 bytes; lee 7, no 8."};

inline constexpr words letters{
    "The length counts letters and not bytes. In UTF-8 \"ñ\" is two bytes. Encode the text first, "
    "and then count: in Python len(text.encode()).",
    "La longitud cuenta letras y no bytes. En UTF-8 \"ñ\" son dos bytes. Codifica primero el "
    "texto, "
    "y luego cuenta: en Python len(text.encode())."};

inline constexpr words atoi{
    "The program accepts a header that is none. atoi, stoi and int() accept signs, spaces and less "
    "than six digits. Check each of the six bytes (0 to 9) and the colon; otherwise close.",
    "El programa acepta una cabecera que no lo es. atoi, stoi e int() aceptan signos, espacios y "
    "menos de seis dígitos. Comprueba cada uno de los seis bytes (0 a 9) y los dos puntos; si no, "
    "cierra."};

inline constexpr words believes_length{
    "The program believes a length: it answers as if all announced bytes had come. The end of the "
    "stream inside a message is an error. Count what recv really returned.",
    "El programa se cree una longitud: responde como si hubieran llegado todos los bytes "
    "anunciados. El fin del flujo dentro de un mensaje es un error. Cuenta lo que recv devolvió de "
    "verdad."};

inline constexpr words largest{
    "A frame carries up to 999999 bytes. Is a buffer of the program smaller, or does one send take "
    "only a part of the bytes?",
    "Una trama lleva hasta 999999 bytes. ¿Es más pequeño algún búfer del programa, o un send toma "
    "solo una parte de los bytes?"};

}  // namespace cause

/// The server closes after these bytes, answers nothing, and serves the next client.
inline steps refuses(const std::string& bytes, const words& why) {
    return steps{connect(1), send(1, bytes), expect_refusal(1).because(why), leave(1)} +
           visit(2, frame("hola"));
}

inline test refusal_test(const char* name, const words& title, const std::string& bytes) {
    return {name, title, phase::plain, refuses(bytes, cause::atoi)};
}

/// The server closes without an answer when the stream ends after these bytes.
inline test truncated_test(const char* name, const words& title, const std::string& bytes) {
    return {name, title, phase::plain,
            steps{connect(1), send(1, bytes), end(1),
                  expect_refusal(1).because(cause::believes_length), expect_calm(), leave(1)} +
                visit(2, frame("hola"))};
}

inline tests framed_server_messages() {
    const std::string hola = frame("hola");
    const std::string adios = frame("adios");
    return {
        {"one", {"one message", "un mensaje"}, phase::plain_and_cut, visit(1, hola) + goodbye(1)},
        {"two",
         {"two messages", "dos mensajes"},
         phase::plain_and_cut,
         visit(1, hola) + steps{send(1, adios), expect(1, adios)} + goodbye(1)},
        {"colon",
         {"a payload that starts with a colon", "un contenido que empieza por dos puntos"},
         phase::plain_and_cut,
         visit(1, frame(":hola")) + steps{send(1, frame("a:b")), expect(1, frame("a:b"))} +
             goodbye(1),
         cause::colon},
        {"empty",
         {"an empty message", "un mensaje vacío"},
         phase::plain_and_cut,
         visit(1, frame("")) + steps{send(1, hola), expect(1, hola)} + goodbye(1),
         cause::empty_payload},
        {"letters",
         {"letters of two bytes", "letras de dos bytes"},
         phase::plain_and_cut,
         visit(1, frame("el año que viene")) + steps{send(1, hola), expect(1, hola)} + goodbye(1),
         cause::letters},
        {"any-bytes",
         {"all 256 values of a byte", "los 256 valores de un byte"},
         phase::plain,
         visit(1, frame(every_byte())) + goodbye(1),
         cause::not_a_stream}};
}

inline tests framed_server_ends() {
    const std::string hola = frame("hola");
    const std::string adios = frame("adios");
    const std::string large = frame(numbered_lines(76'923).substr(0, 999'999));
    return {
        {"largest",
         {"a message of 999999 bytes", "un mensaje de 999999 bytes"},
         phase::after_cut,
         visit(1, large) + goodbye(1),
         cause::largest},
        {"end",
         {"the end between two messages", "el fin entre dos mensajes"},
         phase::plain,
         visit(1, hola) + goodbye(1) + steps{expect_calm()} + visit(2, adios)},
        truncated_test("truncated", {"the end inside a payload", "el fin dentro de un contenido"},
                       "000009:hola"),
        truncated_test("half-header", {"the end inside a header", "el fin dentro de una cabecera"},
                       "0000")};
}

inline tests framed_server_refusals() {
    const std::string hola = frame("hola");
    return {
        refusal_test("letter-in-header", {"a header with a letter", "una cabecera con una letra"},
                     "00000a:hola"),
        refusal_test("sign", {"a header with a sign", "una cabecera con un signo"}, "+00004:hola"),
        refusal_test("space", {"a header with a space", "una cabecera con un espacio"},
                     "  0004:hola"),
        refusal_test("no-colon", {"a header without its colon", "una cabecera sin dos puntos"},
                     "000004;hola"),
        restart_test(hola)};
}

inline tests framed_server_unkind() {
    const std::string hola = frame("hola");
    const std::string adios = frame("adios");
    return {{"stall-header",
             {"a client that stops inside a header, and goes on",
              "un cliente que se para dentro de una cabecera, y sigue"},
             phase::unkind,
             steps{connect(1), send(1, "000"), pause(milliseconds(300)), send(1, "004:hola"),
                   expect(1, hola)} +
                 goodbye(1),
             cause::one_recv},
            {"stall-payload",
             {"a client that stops inside a payload, and goes on",
              "un cliente que se para dentro de un contenido, y sigue"},
             phase::unkind,
             steps{connect(1), send(1, "000004:ho"), pause(milliseconds(300)), send(1, "la"),
                   expect(1, hola)} +
                 goodbye(1),
             cause::one_recv},
            {"reset",
             {"a client that resets inside a message", "un cliente que corta dentro de un mensaje"},
             phase::unkind,
             steps{connect(1), send(1, "000009:hola"), reset(1)} + visit(2, hola)},
            gone_test(hola, adios)};
}

inline exercise framed_server() {
    return {"framed-server",
            {"echo of messages: six digits, a colon, the bytes",
             "eco de mensajes: seis dígitos, dos puntos, los bytes"},
            "docs/08_frames.md",
            role::server,
            framed_server_messages() + framed_server_ends() + framed_server_refusals() +
                framed_server_unkind()};
}

inline tests framed_client_messages() {
    const std::string hola = frame("hola");
    const std::string adios = frame("adios");
    const step ends = exits("any").because(cause::not_ended);
    return {{"one",
             {"one line and its answer", "una línea y su respuesta"},
             phase::plain_and_cut,
             {type("hola\n"), accept(1), expect(1, hola), send(1, hola), end_input(), end(1), ends,
              prints("hola")}},
            {"two",
             {"two lines and their answers", "dos líneas y sus respuestas"},
             phase::plain_and_cut,
             {type("hola\n"), accept(1), expect(1, hola), send(1, frame("HOLA A TODOS")),
              type("adios\n"), expect(1, adios), send(1, adios), end_input(), end(1), ends,
              prints("HOLA A TODOS"), prints("adios")}},
            {"letters",
             {"letters of two bytes", "letras de dos bytes"},
             phase::plain_and_cut,
             {type("año\n"), accept(1), expect(1, frame("año")), send(1, frame("mañana")),
              end_input(), end(1), exits("any"), prints("mañana")},
             cause::letters},
            {"empty",
             {"an empty line", "una línea vacía"},
             phase::plain_and_cut,
             {type("\n"), accept(1), expect(1, frame("")), send(1, frame("")), type("hola\n"),
              expect(1, hola), send(1, hola), end_input(), end(1), exits("any"), prints("hola")},
             cause::empty_payload},
            {"colon",
             {"an answer that starts with a colon", "una respuesta que empieza por dos puntos"},
             phase::plain_and_cut,
             {type("hola\n"), accept(1), expect(1, hola), send(1, frame(":a:b")), end_input(),
              end(1), exits("any"), prints(":a:b")},
             cause::colon}};
}

inline tests framed_client_refusals() {
    const std::string hola = frame("hola");
    constexpr words not_refused{
        "The client takes an answer that is no message. It must check the header, and count the "
        "bytes that came; otherwise it says what is wrong, and ends with another code than 0.",
        "El cliente acepta una respuesta que no es un mensaje. Debe comprobar la cabecera, y "
        "contar "
        "los bytes que llegan; si no, dice qué falla, y acaba con un código distinto de 0."};
    const step fails = exits("error").because(not_refused);
    return {{"bad-header",
             {"an answer without a header", "una respuesta sin cabecera"},
             phase::plain,
             {type("hola\n"), accept(1), expect(1, hola), send(1, "00000a:hola"), end(1),
              end_input(), fails}},
            {"truncated",
             {"the server leaves inside an answer", "el servidor se va dentro de una respuesta"},
             phase::unkind,
             {type("hola\n"), accept(1), expect(1, hola), send(1, "000009:hola"), end(1),
              end_input(), fails}},
            {"no-answer",
             {"the server leaves in place of an answer", "el servidor se va en vez de responder"},
             phase::unkind,
             {type("hola\n"), accept(1), expect(1, hola), leave(1), end_input(), fails}}};
}

inline exercise framed_client() {
    return {"framed-client",
            {"each line travels as one message, and one comes back",
             "cada línea viaja como un mensaje, y uno vuelve"},
            "docs/08_frames.md",
            role::client,
            framed_client_messages() + framed_client_refusals()};
}

}  // namespace check

// examples/tools/check_echo_client.hpp -- chapters 02 and 07: clients that type, send and print.
#pragma once

#include "check_echo.hpp"

#include <string>

namespace check {

inline tests echo_client_answers() {
    const step ends = exits("any").because(cause::not_ended);
    return {{"line",
             {"one line and its answer", "una línea y su respuesta"},
             phase::plain_and_cut,
             {type("hola\n"), accept(1), find(1, "hola"), send(1, "hola\n"), end_input(), end(1),
              ends, prints("hola")}},
            {"two-lines",
             {"two lines and their answers", "dos líneas y sus respuestas"},
             phase::plain_and_cut,
             {type("hola\n"), accept(1), find(1, "hola"), send(1, "hola\n"), type("adios\n"),
              find(1, "adios"), send(1, "adios\n"), end_input(), end(1), ends, prints("hola"),
              prints("adios")}},
            {"other-answer",
             {"the answer is printed, and not what was typed",
              "se muestra la respuesta, y no lo tecleado"},
             phase::plain_and_cut,
             {type("hola\n"), accept(1), find(1, "hola"), send(1, "HOLA A TODOS\n"), end_input(),
              end(1), ends, prints("HOLA A TODOS")}}};
}

inline tests echo_client_unkind() {
    constexpr words not_noticed{
        "The client does not notice that the server has closed: recv returns 0 bytes. Then it must "
        "say so, and end.",
        "El cliente no se da cuenta de que el servidor ha cerrado: recv devuelve 0 bytes. Entonces "
        "debe decirlo, y acabar."};
    return {{"server-leaves",
             {"the server closes in place of an answer", "el servidor cierra en vez de responder"},
             phase::unkind,
             {type("hola\n"), accept(1), find(1, "hola"), leave(1), type("adios\n"), end_input(),
              exits("any").because(not_noticed)}},
            {"reset",
             {"the server resets", "el servidor corta con un reset"},
             phase::unkind,
             {type("hola\n"), accept(1), find(1, "hola"), reset(1), type("adios\n"), end_input(),
              exits("any").because(not_noticed)}}};
}

inline exercise echo_client() {
    return {"echo-client",
            {"sends what is typed, and prints what comes back",
             "envía lo que se teclea, y muestra lo que vuelve"},
            "docs/02_echo_client.md",
            role::client,
            echo_client_answers() + echo_client_unkind()};
}

inline exercise two_sends() {
    constexpr words other_bytes{
        "The program sends other bytes than the nine letters: perhaps the byte 0 at the end of a "
        "string of C (sizeof counts it, strlen does not), or a line feed.",
        "El programa envía otros bytes que las nueve letras: quizá el byte 0 al final de una "
        "cadena "
        "de C (sizeof lo cuenta, strlen no), o un salto de línea."};
    return {"two-sends",
            {"sends hola and adios in two calls, and leaves",
             "envía hola y adios en dos llamadas, y se va"},
            "docs/07_no_messages.md",
            role::client,
            {{"nine-bytes",
              {"nine bytes arrive, and then the end", "llegan nueve bytes, y luego el fin"},
              phase::plain,
              {accept(1), expect(1, "holaadios").because(other_bytes),
               expect_end(1).because(other_bytes), exits("0")}},
             {"late-reader",
              {"the receiver reads late", "el receptor lee tarde"},
              phase::unkind,
              {accept(1), read_late(1), pause(milliseconds(500)), read_again(1),
               expect(1, "holaadios"), expect_end(1)}}}};
}

}  // namespace check

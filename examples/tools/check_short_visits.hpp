// examples/tools/check_short_visits.hpp -- chapter 04: one answer for each client, or a time-out.
#pragma once

#include "check_echo.hpp"

#include <string>

namespace check {

inline tests short_visits() {
    const steps visitor = visit(1, "hola\n") + steps{expect_end(1), leave(1)};
    return {{"answer",
             {"one answer, and then the server closes", "una respuesta, y el servidor cierra"},
             phase::plain,
             visitor},
            {"next",
             {"the next client is served", "el siguiente cliente es atendido"},
             phase::plain,
             visitor + visitor},
            {"leaves-first",
             {"a client that closes without a word", "un cliente que cierra sin decir nada"},
             phase::plain,
             steps{connect(1)} + goodbye(1) + steps{expect_calm()} + visitor},
            restart_test("hola\n")};
}

inline tests silent_visits(const timing& times) {
    constexpr words no_time_out{
        "The program waits for a silent client without a limit. Set a time-out on its socket "
        "(SO_RCVTIMEO, settimeout), and close the connection when it has passed.",
        "El programa espera a un cliente callado sin límite. Pon un tiempo máximo en su socket "
        "(SO_RCVTIMEO, settimeout), y cierra la conexión cuando pase."};
    constexpr words too_early{"The time-out is too short, or it began before the client came.",
                              "El tiempo máximo es demasiado corto, o empezó antes de que llegara "
                              "el cliente."};
    const milliseconds margin = times.idle / 2 + milliseconds(1000);
    const steps visitor = visit(1, "hola\n") + steps{expect_end(1), leave(1)};
    return {
        {"silent",
         {"a silent client is closed after 5 s, and not before",
          "un cliente callado se cierra a los 5 s, y no antes"},
         phase::unkind,
         {connect(1), expect_silence(1, times.idle * 6 / 10).because(too_early),
          expect_end(1).within(margin).because(no_time_out)}},
        {"behind-silent",
         {"a client behind a silent one is served in the end",
          "un cliente detrás de uno callado acaba siendo atendido"},
         phase::unkind,
         {connect(1), connect(2), send(2, "hola\n"),
          expect(2, "hola\n").within(times.idle + margin).because(no_time_out), expect_end(2)}},
        reset_test("hola\n"),
        {"gone",
         {"a client that is gone before its answer", "un cliente que se va antes de su respuesta"},
         phase::unkind,
         visitor + steps{connect(2), freeze(), send(2, "adios\n"), end(2), reset(2), thaw()} +
             visitor}};
}

inline exercise short_visit_server(const timing& times) {
    return {"short-visit-server",
            {"closes after the first answer, or after 5 s of silence",
             "cierra tras la primera respuesta, o tras 5 s de silencio"},
            "docs/04_short_visits.md",
            role::server,
            short_visits() + silent_visits(times)};
}

}  // namespace check

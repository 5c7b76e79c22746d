// examples/tools/check_many.hpp -- chapters 11 to 13: many clients at once, and silent ones.
#pragma once

#include "check_echo.hpp"

#include <string>

namespace check {

inline test several_test() {
    return {"several",
            {"three clients talk in turn", "tres clientes hablan por turnos"},
            phase::plain_and_cut,
            {connect(1), connect(2), connect(3), send(3, "tres\n"), expect(3, "tres\n"),
             send(1, "uno\n"), expect(1, "uno\n"), send(2, "dos\n"), expect(2, "dos\n"), leave(2),
             send(1, "uno\n"), expect(1, "uno\n"), send(3, "tres\n"), expect(3, "tres\n")},
            cause::one_at_a_time};
}

inline test slow_reader_test() {
    return {
        "never-reads",
        {"a client that never reads delays nobody", "un cliente que nunca lee no retrasa a nadie"},
        phase::unkind,
        visit(1, "hola\n") +
            steps{connect(2), stop_reading(2), flood(2, much()), send(1, "adios\n"),
                  expect(1, "adios\n").because(cause::slow_reader), connect(3), send(3, "otra\n"),
                  expect(3, "otra\n").because(cause::slow_reader)}};
}

inline exercise select_server() {
    return {"select-server",
            {"serves many clients at once; a slow one delays nobody",
             "atiende a muchos clientes a la vez; uno lento no retrasa a nadie"},
            "docs/12_select.md",
            role::server,
            {line_test(),
             two_lines_test(),
             several_test(),
             any_bytes_test(),
             large_test(),
             end_test(),
             restart_test("hola\n"),
             {"stall",
              {"a client that stops in the middle delays nobody",
               "un cliente que se para a la mitad no retrasa a nadie"},
              phase::unkind,
              steps{connect(1), send(1, "ho"), expect(1, "ho")} + visit(2, "adios\n") +
                  steps{send(1, "la\n"), expect(1, "la\n")},
              cause::one_at_a_time},
             {"reset",
              {"a client that resets costs nobody else", "un cliente que corta no afecta a otros"},
              phase::unkind,
              visit(1, "uno\n") + visit(2, "dos\n") +
                  steps{reset(1), send(2, "dos\n"), expect(2, "dos\n")} + visit(3, "tres\n")},
             gone_test("hola\n", "adios\n"),
             slow_reader_test()}};
}

/// Client 2 says something every quarter of the idle time, so often.
inline steps busy(int times, milliseconds idle) {
    steps table;
    for (int i = 0; i < times; ++i) {
        table = table + steps{pause(idle / 4), send(2, "hola\n"), expect(2, "hola\n")};
    }
    return table;
}

inline tests idle_server_echo() {
    return {line_test(), two_lines_test(), several_test(), end_test(), restart_test("hola\n")};
}

inline tests idle_server_silence(const timing& times) {
    constexpr words no_deadline{
        "The program does not close a client that stays silent. Remember for each client when it "
        "last sent something, and let the wait end at the first of these deadlines.",
        "El programa no cierra a un cliente que sigue callado. Recuerda para cada cliente cuándo "
        "envió algo por última vez, y haz que la espera acabe en el primero de esos plazos."};
    constexpr words one_for_all{
        "One time-out serves all clients: a client that talks keeps the silent one connected, "
        "because no wait lasts long enough. Each client needs its own deadline.",
        "Un solo tiempo máximo sirve para todos: un cliente que habla mantiene conectado al "
        "callado, porque ninguna espera dura lo suficiente. Cada cliente necesita su propio "
        "plazo."};
    constexpr words talks_and_goes{
        "The program closes a client that talks. Its deadline must begin again with each byte that "
        "it sends, and a silent client must not take it along.",
        "El programa cierra a un cliente que habla. Su plazo debe empezar de nuevo con cada byte "
        "que envía, y un cliente callado no debe arrastrarlo."};
    const milliseconds idle = times.idle;
    const milliseconds margin = idle / 2 + milliseconds(1000);
    return {{"silent",
             {"a silent client is closed after 5 s, and not before",
              "un cliente callado se cierra a los 5 s, y no antes"},
             phase::plain,
             {connect(1), expect_silence(1, idle * 6 / 10),
              expect_end(1).within(margin).because(no_deadline)}},
            {"own-deadline",
             {"beside a client that talks, a silent one is closed too",
              "junto a un cliente que habla, uno callado también se cierra"},
             phase::plain,
             steps{connect(1), connect(2)} + busy(6, idle) +
                 steps{expect_end(1).within(milliseconds(500)).because(one_for_all),
                       send(2, "adios\n"), expect(2, "adios\n").because(talks_and_goes)}}};
}

inline tests idle_server_unkind() {
    return {{"reset",
             {"a client that resets costs nobody else", "un cliente que corta no afecta a otros"},
             phase::unkind,
             visit(1, "uno\n") + visit(2, "dos\n") +
                 steps{reset(1), send(2, "dos\n"), expect(2, "dos\n")}},
            gone_test("hola\n", "adios\n"),
            slow_reader_test()};
}

inline exercise idle_server(const timing& times) {
    return {"idle-server",
            {"closes each client that is silent for 5 s, at its own time",
             "cierra a cada cliente callado durante 5 s, a su propio tiempo"},
            "docs/13_idle_clients.md",
            role::server,
            idle_server_echo() + idle_server_silence(times) + idle_server_unkind()};
}

}  // namespace check

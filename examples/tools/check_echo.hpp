// examples/tools/check_echo.hpp -- chapters 02 to 04 and 07: echo, one client after another.
#pragma once

#include "check_causes.hpp"
#include "check_exercise.hpp"

#include <string>

namespace check {

inline std::string every_byte() {
    std::string bytes;
    for (int value = 0; value < 256; ++value) {
        bytes += static_cast<char>(value);
    }
    return bytes;
}

/// Lines with numbers, so that a byte that is missing shows where it was.
inline std::string numbered_lines(int count) {
    std::string lines;
    for (int number = 1; number <= count; ++number) {
        const std::string digits = std::to_string(number);
        lines += "line " + std::string(7 - digits.size(), '0') + digits + '\n';
    }
    return lines;
}

/// 10.4 MB: more than all buffers between two programs hold.
inline const std::string& much() {
    static const std::string lines = numbered_lines(800'000);
    return lines;
}

// [region visit]
/// A client comes, says something, and gets it back.
inline steps visit(int peer, const std::string& bytes) {
    return {connect(peer), send(peer, bytes), expect(peer, bytes)};
}

/// It leaves in order, and the server closes too.
inline steps goodbye(int peer) {
    return {end(peer), expect_end(peer)};
}
// [/region visit]

// [region gone]
/// The program is halted while an answer is due and the client goes away: it answers to nobody.
inline steps gone_before_the_answer(const std::string& first, const std::string& second) {
    return visit(1, first) + steps{freeze(), send(1, second), end(1), reset(1), thaw()} +
           visit(2, first);
}
// [/region gone]

inline test line_test() {
    return {"line",
            {"one line comes back", "una línea vuelve"},
            phase::plain_and_cut,
            visit(1, "hola\n") + goodbye(1)};
}

// [region two-lines]
inline test two_lines_test() {
    return {"two-lines",
            {"two lines come back, each once", "dos líneas vuelven, cada una una vez"},
            phase::plain_and_cut,
            visit(1, "hola\n") + steps{send(1, "adios\n"), expect(1, "adios\n")} + goodbye(1)};
}
// [/region two-lines]

inline test any_bytes_test() {
    return {"any-bytes",
            {"all 256 values of a byte come back", "los 256 valores de un byte vuelven"},
            phase::plain,
            visit(1, every_byte()) + goodbye(1),
            cause::not_a_stream};
}

inline test large_test() {
    return {"large",
            {"10 MB come back whole, to a client that reads late",
             "10 MB vuelven enteros, a un cliente que lee tarde"},
            phase::after_cut,
            steps{connect(1), read_late(1), flood(1, much()), read_again(1), expect(1, much())} +
                goodbye(1),
            cause::partial_send};
}

inline test end_test() {
    return {"end",
            {"after the end of a stream the program closes and waits",
             "tras el fin de un flujo el programa cierra y espera"},
            phase::plain,
            visit(1, "hola\n") + goodbye(1) + steps{expect_calm()} + visit(2, "otra\n")};
}

inline test restart_test(const std::string& message) {
    return {"restart",
            {"the server can start again at once", "el servidor puede arrancar otra vez enseguida"},
            phase::plain,
            visit(1, message) + steps{restart(), connect(2).because(cause::reuse_address),
                                      send(2, message), expect(2, message)}};
}

inline test reset_test(const std::string& message) {
    return {"reset",
            {"a client that resets costs nobody else", "un cliente que corta no afecta a otros"},
            phase::unkind,
            visit(1, message) + steps{reset(1)} + visit(2, message)};
}

inline test gone_test(const std::string& first, const std::string& second) {
    return {
        "gone",
        {"a client that is gone before its answer", "un cliente que se va antes de su respuesta"},
        phase::unkind,
        gone_before_the_answer(first, second)};
}

inline test stall_test() {
    return {"stall",
            {"a client that stops in the middle, and goes on",
             "un cliente que se para a la mitad, y sigue"},
            phase::unkind,
            steps{connect(1), send(1, "ho"), expect(1, "ho"), pause(milliseconds(300)),
                  send(1, "la\n"), expect(1, "la\n")} +
                goodbye(1)};
}

/// For a server with one client at a time: when this client is gone, the next one is served.
inline test never_reads_then_leaves_test() {
    return {
        "never-reads",
        {"a client that never reads, and then is gone", "un cliente que nunca lee, y luego se va"},
        phase::unkind,
        steps{connect(1), stop_reading(1), flood(1, much()), reset(1)} + visit(2, "hola\n")};
}

inline exercise echo_server() {
    constexpr words no_dot{
        "A read that is exactly one dot must end this client. Compare what recv returned with "
        "\".\" "
        "before you send it back.",
        "Una lectura que es exactamente un punto debe terminar este cliente. Compara lo que "
        "devolvió recv con \".\" antes de enviarlo de vuelta."};
    return {"echo-server",
            {"sends back what it receives, to one client at a time",
             "devuelve lo que recibe, a un cliente a la vez"},
            "docs/03_echo_server.md",
            role::server,
            {line_test(),
             two_lines_test(),
             any_bytes_test(),
             large_test(),
             end_test(),
             {"dot",
              {"a dot alone ends the client", "un punto solo termina el cliente"},
              phase::plain,
              visit(1, "hola\n") + steps{send(1, "."), expect_end(1).because(no_dot)} +
                  visit(2, "otra\n")},
             restart_test("hola\n"),
             stall_test(),
             reset_test("hola\n"),
             gone_test("hola\n", "adios\n"),
             never_reads_then_leaves_test()}};
}

/// Nine clients at once, served in their order.
inline steps nine_clients() {
    steps table;
    for (int number = 1; number <= 9; ++number) {
        table = table + steps{connect(number), send(number, "hola\n")};
    }
    for (int number = 1; number <= 9; ++number) {
        table = table + steps{expect(number, "hola\n")} + goodbye(number);
    }
    return table;
}

inline tests turns_server_visits() {
    constexpr words only_once{
        "The program does not come back to accept: after a client has left, the next one in the "
        "queue must be served. Put accept into the loop, and close only the socket of the client.",
        "El programa no vuelve a accept: cuando un cliente se va, hay que atender al siguiente de "
        "la cola. Pon accept dentro del bucle, y cierra solo el socket del cliente."};
    return {{"one",
             {"one client", "un cliente"},
             phase::plain_and_cut,
             visit(1, "hola\n") + goodbye(1)},
            {"waiting",
             {"a client that waits is served when the first one has left",
              "un cliente que espera es atendido cuando el primero se va"},
             phase::plain_and_cut,
             steps{connect(1), connect(2), connect(3), send(1, "uno\n"), expect(1, "uno\n")} +
                 goodbye(1) + steps{send(2, "dos\n"), expect(2, "dos\n")} + goodbye(2) +
                 steps{send(3, "tres\n"), expect(3, "tres\n")} + goodbye(3),
             only_once},
            {"nine",
             {"nine clients at once", "nueve clientes a la vez"},
             phase::plain,
             nine_clients(),
             only_once},
            {"silent",
             {"a client that leaves without a word", "un cliente que se va sin decir nada"},
             phase::plain,
             steps{connect(1)} + goodbye(1) + visit(2, "hola\n") + goodbye(2),
             only_once},
            restart_test("hola\n")};
}

inline tests turns_server_unkind() {
    return {{"reset-in-queue",
             {"a client that resets while it waits", "un cliente que corta mientras espera"},
             phase::unkind,
             visit(1, "uno\n") +
                 steps{connect(2), send(2, "dos\n"), reset(2), connect(3), send(3, "tres\n")} +
                 goodbye(1) + steps{expect(3, "tres\n")} + goodbye(3)},
            reset_test("hola\n"),
            gone_test("hola\n", "adios\n")};
}

inline exercise turns_server() {
    return {"turns-server",
            {"serves the clients that wait, one after another",
             "atiende a los clientes que esperan, uno tras otro"},
            "docs/03_echo_server.md",
            role::server,
            turns_server_visits() + turns_server_unkind()};
}

}  // namespace check

// examples/tools/check_chat.hpp -- chapter 14: what one member says, all others receive.
//
// chat-lines is the chat of the tutorial that the lab names, chat-framed the one of this project:
// docs/wire_formats.md.
#pragma once

#include "check_frames.hpp"

#include <string>

namespace check {

namespace cause {

inline constexpr words not_to_all{
    "A message must go to all members but its sender. Does the loop over the clients leave out the "
    "listener and the sender, and nobody else?",
    "Un mensaje debe ir a todos los miembros menos a quien lo envía. ¿Omite el bucle sobre los "
    "clientes al socket que escucha y al emisor, y a nadie más?"};

inline constexpr words chat_wording{
    "The text for this event has another form. See \"The chat\" in docs/wire_formats.md, to the "
    "byte: brackets, quotes, blanks, CR and LF.",
    "El texto de este suceso tiene otra forma. Mira \"The chat\" en docs/wire_formats.md, byte a "
    "byte: corchetes, comillas, espacios, CR y LF."};

inline constexpr words one_line_one_message{
    "Each line is a message of its own, also if two come in one recv. Cut what has come at each "
    "line feed.",
    "Cada línea es un mensaje, aunque dos lleguen en un recv. Corta lo recibido en cada salto de "
    "línea."};

}  // namespace cause

/// Each newcomer is announced with its port; after that it is in the room.
inline steps three_members() {
    return {connect(1), pause(milliseconds(100)), connect(2),        find(1, "{port2}"),
            connect(3), find(1, "{port3}"),       find(2, "{port3}")};
}

inline tests chat_lines_said() {
    const steps room = three_members();
    return {{"said",
             {"all others receive what one says", "los demás reciben lo que dice uno"},
             phase::plain_and_cut,
             room + steps{send(1, "hola a todos\n"), find(2, "hola a todos\n"),
                          find(3, "hola a todos\n"), send(3, "adios\n"), find(1, "adios\n"),
                          find(2, "adios\n"), expect_never(1, "hola a todos"),
                          expect_never(3, "adios")},
             cause::not_to_all},
            {"entered",
             {"a newcomer is announced", "se anuncia a quien llega"},
             phase::plain,
             {connect(1), pause(milliseconds(100)), connect(2),
              find(1, "[127.0.0.1:{port2}] entered room\n")},
             cause::chat_wording},
            {"prefix",
             {"the sender stands before the message", "el emisor va delante del mensaje"},
             phase::plain,
             room + steps{send(1, "hola\n"), find(2, "\r<('127.0.0.1', {port1})> hola\n")},
             cause::chat_wording},
            {"offline",
             {"a member that leaves is announced", "se anuncia a quien se va"},
             phase::plain,
             room + steps{leave(3), find(1, "Client (127.0.0.1, {port3}) is offline")},
             cause::chat_wording},
            {"end",
             {"after a member has left, the others go on", "cuando uno se va, los demás siguen"},
             phase::plain,
             room + steps{leave(3), expect_calm(), send(1, "hola\n"), find(2, "hola\n")},
             cause::crashed}};
}

inline tests chat_lines_unkind() {
    const steps room = three_members();
    return {
        {"two-in-one",
         {"two lines in one piece are two messages", "dos líneas en una pieza son dos mensajes"},
         phase::after_cut,
         room + steps{send(1, "uno\ndos\n"), find(2, "> uno\n"), find(2, "> dos\n")},
         cause::one_line_one_message},
        {"stall",
         {"half a line delays nobody", "media línea no retrasa a nadie"},
         phase::unkind,
         room + steps{send(1, "ho"), send(2, "adios\n"), find(3, "adios\n"), send(1, "la\n"),
                      find(3, "la\n")},
         cause::one_at_a_time},
        {"reset",
         {"a member that resets costs nobody else", "un miembro que corta no afecta a otros"},
         phase::unkind,
         room + steps{reset(3), send(1, "hola\n"), find(2, "hola\n")}}};
}

inline exercise chat_lines() {
    return {"chat-lines",
            {"a chat of lines: nc is a client", "un chat de líneas: nc es un cliente"},
            "docs/14_group_chat.md",
            role::server,
            chat_lines_said() + chat_lines_unkind()};
}

/// A client gives its name, and is in the room.
inline steps enter(int number, const std::string& name) {
    return {connect(number), expect(number, frame("* name?")).because(cause::chat_wording),
            send(number, frame(name)),
            expect(number, frame("* welcome: /who, /nick NAME and /quit are commands"))
                .because(cause::chat_wording)};
}

inline steps ana_and_luis() {
    return enter(1, "ana") + enter(2, "luis") + steps{expect(1, frame("* luis is here"))};
}

inline tests chat_framed_said() {
    const steps room = ana_and_luis();
    const steps said{send(1, frame("hola")), expect(2, frame("<ana> hola"))};
    return {{"enter",
             {"a name, and the welcome", "un nombre, y la bienvenida"},
             phase::plain_and_cut,
             enter(1, "ana")},
            {"said",
             {"the other one receives what one says", "el otro recibe lo que dice uno"},
             phase::plain_and_cut,
             room + said + steps{send(2, frame("adios")), expect(1, frame("<luis> adios"))},
             cause::chat_wording},
            {"left",
             {"a member that leaves is announced", "se anuncia a quien se va"},
             phase::plain,
             room + steps{end(2), expect(1, frame("* luis has left"))},
             cause::chat_wording},
            {"quit",
             {"/quit ends the visit", "/quit termina la visita"},
             phase::plain,
             room + steps{send(2, frame("/quit")), expect(2, frame("* goodbye")), expect_end(2),
                          expect(1, frame("* luis has left"))},
             cause::chat_wording},
            {"nick",
             {"/nick gives another name", "/nick da otro nombre"},
             phase::plain,
             room + steps{send(1, frame("/nick eva")), find(2, frame("* ana is now eva")),
                          send(1, frame("hola")), find(2, frame("<eva> hola"))},
             cause::chat_wording},
            {"two-in-one",
             {"two messages in one piece", "dos mensajes en una pieza"},
             phase::after_cut,
             room + steps{send(1, frame("uno") + frame("dos")), expect(2, frame("<ana> uno")),
                          expect(2, frame("<ana> dos"))},
             cause::one_recv}};
}

inline tests chat_framed_unkind() {
    const steps room = ana_and_luis();
    const steps said{send(1, frame("hola")), expect(2, frame("<ana> hola"))};
    return {{"bad-header",
             {"bytes that are no message cost their own connection",
              "bytes que no son un mensaje cuestan su propia conexión"},
             phase::unkind,
             room +
                 steps{connect(3), expect(3, frame("* name?")), send(3, "GET / HTTP/1.1\r\n"),
                       expect_refusal(3).because(cause::atoi)} +
                 said},
            {"stall",
             {"half a message delays nobody", "medio mensaje no retrasa a nadie"},
             phase::unkind,
             room + steps{send(2, "0000")} + said +
                 steps{send(2, "04:aqui"), expect(1, frame("<luis> aqui"))},
             cause::one_at_a_time},
            {"reset",
             {"a member that resets is announced, too", "también se anuncia a quien corta"},
             phase::unkind,
             room + steps{reset(2), expect(1, frame("* luis has left"))} + enter(3, "eva")}};
}

inline exercise chat_framed() {
    return {"chat-framed",
            {"a chat of messages with names: the format of this course",
             "un chat de mensajes con nombres: el formato de este curso"},
            "docs/14_group_chat.md",
            role::server,
            chat_framed_said() + chat_framed_unkind()};
}

}  // namespace check

// examples/tools/check_collector.hpp -- chapter 18: each file in four parts, each one acknowledged.
//
// The client is started with {dir}, which has one image, foto.jpg.
#pragma once

#include "check_frames.hpp"
#include "check_stage.hpp"

#include <string>

namespace check {

namespace cause {

inline constexpr words collector_format{
    "The messages have another form: the size, a blank and the name; then four parts, each in "
    "frames that are not empty, with an empty frame behind it. See \"The collector\" in "
    "docs/wire_formats.md.",
    "Los mensajes tienen otra forma: el tamaño, un espacio y el nombre; luego cuatro partes, cada "
    "una en tramas que no están vacías, con una trama vacía detrás. Mira \"The collector\" en "
    "docs/wire_formats.md."};

inline constexpr words not_acknowledged{
    "The client sends the next part before \"recibido\" has come for the last one.",
    "El cliente envía la siguiente parte antes de que llegue \"recibido\" para la anterior."};

}  // namespace cause

/// A part, and its acknowledgement.
inline steps part(int peer, const std::string& bytes) {
    const std::string payload = bytes.empty() ? "" : frame(bytes);
    return {send(peer, payload + frame("")), expect(peer, frame("recibido"))};
}

inline steps whole_file(int peer, const std::string& name, const std::string& a,
                        const std::string& b, const std::string& c, const std::string& d) {
    const std::string size = std::to_string(a.size() + b.size() + c.size() + d.size());
    return steps{send(peer, frame(size + ' ' + name))} + part(peer, a) + part(peer, b) +
           part(peer, c) + part(peer, d);
}

inline tests collector_server_files() {
    const steps photo = whole_file(1, "foto.jpg", "hol", "a a", " to", "dos");
    return {{"file",
             {"one file in four parts", "un fichero en cuatro partes"},
             phase::plain_and_cut,
             steps{connect(1)} + photo,
             cause::collector_format},
            {"two",
             {"two files on one connection", "dos ficheros por una conexión"},
             phase::plain_and_cut,
             steps{connect(1)} + photo + whole_file(1, "otra.jpg", "", "", "", "x"),
             cause::collector_format},
            {"empty",
             {"a file of 0 bytes", "un fichero de 0 bytes"},
             phase::plain_and_cut,
             steps{connect(1)} + whole_file(1, "nada.jpg", "", "", "", ""),
             cause::collector_format},
            {"any-bytes",
             {"all 256 values of a byte", "los 256 valores de un byte"},
             phase::plain,
             steps{connect(1)} + whole_file(1, "bytes.jpg", every_byte(), "", every_byte(), ":"),
             cause::collector_format}};
}

inline tests collector_server_unkind() {
    const steps photo = whole_file(1, "foto.jpg", "hol", "a a", " to", "dos");
    const std::string large = numbered_lines(4'000);
    // 52,000 bytes in a part
    const steps refusal{find(1, "error: "), leave(1), connect(2)};
    return {
        {"path",
         {"a name with a path is refused", "se rechaza un nombre con una ruta"},
         phase::plain,
         steps{connect(1), send(1, frame("4 ../foto.jpg"))} + refusal +
             whole_file(2, "foto.jpg", "a", "b", "c", "d"),
         cause::collector_format},
        {"large",
         {"parts of 52 KB", "partes de 52 KB"},
         phase::after_cut,
         steps{connect(1)} + whole_file(1, "largo.jpg", large, large, large, large),
         cause::partial_send},
        {"stall",
         {"a client that stops in a part delays nobody",
          "un cliente que se para en una parte no retrasa a nadie"},
         phase::unkind,
         steps{connect(2), send(2, frame("4 lento.jpg") + "00000"), connect(1)} + photo +
             steps{send(2, "1:a" + frame("")), expect(2, frame("recibido"))},
         cause::one_at_a_time},
        {"reset",
         {"a client that resets costs nobody else", "un cliente que corta no afecta a otros"},
         phase::unkind,
         steps{connect(2), send(2, frame("4 corto.jpg") + frame("a")), reset(2), connect(1)} +
             photo},
        {"bad-header",
         {"bytes that are no message cost their own connection",
          "bytes que no son un mensaje cuestan su propia conexión"},
         phase::unkind,
         steps{connect(2), send(2, "GET / HTTP/1.1\r\n"), expect_refusal(2), connect(1)} + photo,
         cause::atoi}};
}

inline exercise collector_server() {
    return {"collector-server",
            {"takes files in four parts, from many clients at once",
             "recibe ficheros en cuatro partes, de muchos clientes a la vez"},
            "docs/18_collector.md",
            role::server,
            collector_server_files() + collector_server_unkind()};
}

// ---- the client: check takes its file -----------------------------------------------------------

/// The next message of the client. Throws failure.
inline std::string next_message(stage& of, int number) {
    peer& client = of.at(number);
    using codec = trama::six_digit_colon;
    const auto scanned = [&] { return codec::scan(client.inbox, codec::max_payload, 0); };
    const auto is_whole = [&] {
        return scanned().status != trama::scan_status::need_data || client.has_ended();
    };
    of.wait_until(is_whole, of.times().answer);
    const trama::scan_result found = scanned();
    if (found.status != trama::scan_status::frame) {
        failure wrong{fault::wrong_bytes, number, frame("12 foto.jpg"), client.inbox};
        wrong.cause = cause::collector_format;
        throw wrong;
    }
    const std::string payload = client.inbox.substr(7, found.length);
    client.inbox.erase(0, 7 + found.length);
    return payload;
}

/// One part, up to its empty frame. Throws failure if the next one comes too soon.
inline std::string take_part(stage& of, int number) {
    std::string bytes;
    for (bool goes_on = true; goes_on;) {
        const std::string message = next_message(of, number);
        goes_on = !message.empty();
        bytes += message;
    }
    of.pause(milliseconds(50));
    if (!of.at(number).inbox.empty()) {
        failure found{fault::too_many, number, "", of.at(number).inbox};
        found.cause = cause::not_acknowledged;
        throw found;
    }
    of.at(number).send(frame("recibido"));
    return bytes;
}

/// Four parts, which are as long as the format says. Throws failure.
inline void take_file(stage& of, int number) {
    const std::string& sent = of.prepared_file();
    const std::size_t quarter = sent.size() / 4;
    for (std::size_t part = 0; part < 4; ++part) {
        const std::size_t size = part == 3 ? std::string::npos : quarter;
        const std::string expected = sent.substr(part * quarter, size);
        const std::string came = take_part(of, number);
        if (came == expected) continue;
        failure found{fault::wrong_bytes, number, expected, came};
        found.cause = cause::collector_format;
        throw found;
    }
}

inline test collected_test(const char* name, const words& title, phase when,
                           const std::string& file) {
    const std::string header = std::to_string(file.size()) + " foto.jpg";
    return {name,
            title,
            when,
            {accept(1), expect(1, frame(header)), call(1, take_file), expect_end(1), leave(1),
             exits("0")},
            cause::collector_format,
            file,
            true};
}

inline exercise collector_client() {
    return {"collector-client",
            {"sends foto.jpg of {dir} in four parts", "envía foto.jpg de {dir} en cuatro partes"},
            "docs/18_collector.md",
            role::client,
            {collected_test("file", {"a file of 13 bytes", "un fichero de 13 bytes"},
                            phase::plain_and_cut, "hola a todos\n"),
             collected_test("empty", {"a file of 0 bytes", "un fichero de 0 bytes"},
                            phase::plain_and_cut, ""),
             collected_test("three", {"a file of 3 bytes", "un fichero de 3 bytes"}, phase::plain,
                            "abc"),
             collected_test("any-bytes", {"all 256 values of a byte", "los 256 valores de un byte"},
                            phase::plain, every_byte()),
             collected_test("large", {"a file of 1.3 MB", "un fichero de 1,3 MB"}, phase::after_cut,
                            numbered_lines(100'000)),
             {"no-answer",
              {"the server leaves in place of recibido", "el servidor se va en vez de recibido"},
              phase::unkind,
              {accept(1), expect(1, frame("4 foto.jpg")), end(1), leave(1), exits("error")},
              cause::collector_format,
              "hola",
              true}}};
}

}  // namespace check

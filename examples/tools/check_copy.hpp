// examples/tools/check_copy.hpp -- chapter 15: a file, line by line, and in one frame.
//
// The program is started with {file}: the file that it sends, or the place where it stores one.
#pragma once

#include "check_frames.hpp"

#include <string>

namespace check {

namespace cause {

inline constexpr words not_stored{
    "The file is not what was sent. Is it opened for bytes (\"wb\", std::ios::binary), written "
    "whole, and closed or flushed when the client has closed?",
    "El fichero no es lo que se envió. ¿Se abre para bytes (\"wb\", std::ios::binary), se escribe "
    "entero, y se cierra o se vacía el búfer cuando el cliente cierra?"};

inline constexpr words not_sent{
    "Other bytes arrived than the file has. Is it opened for bytes (\"rb\", std::ios::binary), and "
    "does each send loop until all is sent? Reading lines often cuts off the line feed.",
    "Llegaron otros bytes que los del fichero. ¿Se abre para bytes (\"rb\", std::ios::binary), y "
    "cada send sigue hasta enviarlo todo? Al leer líneas se suele perder el salto de línea."};

inline constexpr words half_a_file{
    "Half a file has replaced the old one. The length says how much must come: write the file only "
    "when all is there.",
    "Medio fichero ha reemplazado al anterior. La longitud dice cuánto debe llegar: escribe el "
    "fichero solo cuando esté todo."};

}  // namespace cause

/// A client sends these bytes and closes; then the file must be there.
inline test stored_test(const char* name, const words& title, phase when, const std::string& bytes,
                        const std::string& file) {
    return {name,
            title,
            when,
            {connect(1), send(1, bytes), end(1), expect_file(file)},
            cause::not_stored};
}

/// The program sends its file and closes; these bytes must come.
inline test sent_test(const char* name, const words& title, phase when, const std::string& file,
                      const std::string& bytes) {
    return {name,
            title,
            when,
            {accept(1), read_late(1), pause(milliseconds(100)), read_again(1), expect(1, bytes),
             expect_end(1), leave(1), exits("0")},
            cause::not_sent,
            file,
            true};
}

inline exercise copy_lines_server() {
    const std::string text = "hola\nadios\n";
    return {"copy-lines-server",
            {"stores what comes in {file}, until the client closes",
             "guarda en {file} lo que llega, hasta que el cliente cierra"},
            "docs/15_remote_copy.md",
            role::server,
            {stored_test("lines", {"two lines", "dos líneas"}, phase::plain_and_cut, text, text),
             stored_test("no-last-feed",
                         {"a last line without its end", "una última línea sin su final"},
                         phase::plain_and_cut, "hola\nadios", "hola\nadios"),
             stored_test("any-bytes", {"all 256 values of a byte", "los 256 valores de un byte"},
                         phase::plain, every_byte(), every_byte()),
             stored_test("large", {"a file of 1.3 MB", "un fichero de 1,3 MB"}, phase::after_cut,
                         numbered_lines(100'000), numbered_lines(100'000)),
             {"stall",
              {"a client that stops in the middle, and goes on",
               "un cliente que se para a la mitad, y sigue"},
              phase::unkind,
              {connect(1), send(1, "hol"), pause(milliseconds(500)), send(1, "a\n"), end(1),
               expect_file("hola\n")},
              cause::one_recv}}};
}

inline exercise copy_lines_client() {
    const std::string text = "hola\n\nadios\n";
    return {
        "copy-lines-client",
        {"sends {file} line by line, and closes", "envía {file} línea a línea, y cierra"},
        "docs/15_remote_copy.md",
        role::client,
        {sent_test("lines", {"three lines", "tres líneas"}, phase::plain, text, text),
         sent_test("no-last-feed", {"a last line without its end", "una última línea sin su final"},
                   phase::plain, "hola\nadios", "hola\nadios"),
         sent_test("empty", {"an empty file", "un fichero vacío"}, phase::plain, "", ""),
         sent_test("any-bytes", {"all 256 values of a byte", "los 256 valores de un byte"},
                   phase::plain, every_byte(), every_byte()),
         sent_test("large",
                   {"a file of 10 MB, to a server that reads late",
                    "un fichero de 10 MB, a un servidor que lee tarde"},
                   phase::after_cut, much(), much())}};
}

/// These bytes are no whole frame: the old file must stay as it is.
inline test kept_test(const char* name, const words& title, const std::string& bytes,
                      const words& why) {
    return {name,
            title,
            phase::unkind,
            {connect(1), send(1, bytes), end(1), pause(milliseconds(300)), expect_file("old")},
            why,
            "old",
            true};
}

inline exercise copy_frame_server() {
    const std::string text = "el año\nque viene\n";
    const std::string large = much().substr(0, 999'999);
    return {"copy-frame-server",
            {"stores the one message of a client in {file}",
             "guarda en {file} el único mensaje de un cliente"},
            "docs/15_remote_copy.md",
            role::server,
            {stored_test("text", {"a text", "un texto"}, phase::plain_and_cut, frame(text), text),
             stored_test("colon",
                         {"a text that starts with a colon", "un texto que empieza por dos puntos"},
                         phase::plain_and_cut, frame(":a:b"), ":a:b"),
             stored_test("any-bytes", {"all 256 values of a byte", "los 256 valores de un byte"},
                         phase::plain, frame(every_byte()), every_byte()),
             stored_test("largest", {"a file of 999999 bytes", "un fichero de 999999 bytes"},
                         phase::after_cut, frame(large), large),
             {"stall",
              {"a client that stops inside the file, and goes on",
               "un cliente que se para dentro del fichero, y sigue"},
              phase::unkind,
              {connect(1), send(1, "000004:ho"), pause(milliseconds(500)), send(1, "la"), end(1),
               expect_file("hola")},
              cause::one_recv},
             kept_test("truncated", {"the end inside the file", "el fin dentro del fichero"},
                       "000009:hola", cause::half_a_file),
             kept_test("bad-header", {"a header with a letter", "una cabecera con una letra"},
                       "00000a:hola", cause::atoi)}};
}

inline exercise copy_frame_client() {
    const std::string text = "hola\n\nadios\n";
    const std::string letters = "el año que viene\n";
    const std::string large = much().substr(0, 999'999);
    test of_letters = sent_test("letters", {"letters of two bytes", "letras de dos bytes"},
                                phase::plain, letters, frame(letters));
    of_letters.cause = cause::letters;
    return {"copy-frame-client",
            {"sends {file} in one message, and closes", "envía {file} en un mensaje, y cierra"},
            "docs/15_remote_copy.md",
            role::client,
            {sent_test("text", {"a text", "un texto"}, phase::plain, text, frame(text)),
             sent_test("empty", {"an empty file", "un fichero vacío"}, phase::plain, "", frame("")),
             of_letters,
             sent_test("any-bytes", {"all 256 values of a byte", "los 256 valores de un byte"},
                       phase::plain, every_byte(), frame(every_byte())),
             sent_test("largest",
                       {"a file of 999999 bytes, to a server that reads late",
                        "un fichero de 999999 bytes, a un servidor que lee tarde"},
                       phase::after_cut, large, frame(large))}};
}

}  // namespace check

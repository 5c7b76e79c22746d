// examples/tools/check_store.hpp -- chapter 16: upload, download and list, with binary lengths.
//
// The server is started with {dir}, its folder. The clients get {file}: what they send, or where
// they save. The names in the store are free: check takes what the client says.
#pragma once

#include "check_frames.hpp"
#include "check_stage.hpp"

#include <string>

namespace check {

namespace cause {

inline constexpr words store_format{
    "The bytes have another form: an opcode or a status is one byte, and a length eight bytes, "
    "unsigned, big-endian. See \"The file store\" in docs/wire_formats.md.",
    "Los bytes tienen otra forma: un código es un byte, y una longitud ocho bytes, sin signo, "
    "big-endian. Mira \"The file store\" en docs/wire_formats.md."};

inline constexpr words huge_length{
    "The program believes a length: it takes memory for it before the bytes have come. A client "
    "can "
    "announce any number. Let the memory grow with the bytes, or refuse.",
    "El programa se cree una longitud: reserva memoria antes de que lleguen los bytes. Un cliente "
    "puede anunciar cualquier número. Haz crecer la memoria con los bytes, o rechaza."};

inline constexpr words cut_upload{
    "A part of a file was stored. If the stream ends before all announced bytes have come, nothing "
    "may take the name: write to a temporary file, and rename it at the end.",
    "Se guardó una parte de un fichero. Si el flujo acaba antes de que lleguen todos los bytes "
    "anunciados, nada debe tomar el nombre: escribe en un fichero temporal, y renómbralo al "
    "final."};

inline constexpr words outside{
    "The program serves a file outside of its folder. A name from the network must have no slash, "
    "and not begin with a dot.",
    "El programa sirve un fichero de fuera de su carpeta. Un nombre que llega de la red no puede "
    "tener barras, ni empezar por un punto."};

inline constexpr words status_ignored{
    "The client must read each status, count the bytes of the answer, and end with another code "
    "than 0 if one of them is not as it should be.",
    "El cliente debe leer cada estado, contar los bytes de la respuesta, y acabar con un código "
    "distinto de 0 si algo no es como debe."};

}  // namespace cause

/// Eight bytes of length, big-endian, and the bytes.
inline std::string sized(const std::string& bytes) {
    std::string whole;
    trama::length_prefix<8>::encode(bytes, whole);
    return whole;
}

/// One byte: an opcode or a status.
inline std::string code(int value) {
    return std::string(1, static_cast<char>(value));
}

inline steps upload(int peer, const std::string& name, const std::string& bytes) {
    return {connect(peer), send(peer, code(0)), expect(peer, code(0)),
            send(peer, sized(name) + sized(bytes)), pause(milliseconds(300))};
}

inline steps download(int peer, const std::string& name, const std::string& bytes) {
    return {connect(peer), send(peer, code(1)), expect(peer, code(0)), send(peer, sized(name)),
            expect(peer, code(0) + sized(bytes))};
}

inline steps finds_nothing(int peer, const std::string& name) {
    return {connect(peer), send(peer, code(1)), expect(peer, code(0)), send(peer, sized(name)),
            expect(peer, code(2))};
}

inline exercise store_server() {
    const std::string huge = "\x3f" + std::string(7, '\xff');  // 2^62 - 1
    const test outside{"outside",
                       {"no file outside of the folder", "ningún fichero de fuera de la carpeta"},
                       phase::plain,
                       finds_nothing(1, "/etc/passwd") + finds_nothing(2, "../../../etc/passwd"),
                       cause::outside};
    return {
        "store-server",
        {"upload, download and list of files", "subida, bajada y lista de ficheros"},
        "docs/16_file_store.md",
        role::server,
        {{"unknown",
          {"an unknown opcode", "un código desconocido"},
          phase::plain,
          {connect(1), send(1, "G"), expect(1, code(1))},
          cause::store_format},
         {"missing",
          {"a file that is not there", "un fichero que no está"},
          phase::plain_and_cut,
          finds_nothing(1, "nada"),
          cause::store_format},
         {"upload",
          {"an upload, and the same bytes back", "una subida, y los mismos bytes de vuelta"},
          phase::plain_and_cut,
          upload(1, "nota.txt", "hola\n") + download(2, "nota.txt", "hola\n"),
          cause::store_format},
         {"list",
          {"the list names a file and its size", "la lista da un fichero y su tamaño"},
          phase::plain_and_cut,
          upload(1, "nota.txt", "hola\n") +
              steps{connect(2), send(2, code(2)), expect(2, code(0)), find(2, "('nota.txt', 5, ")},
          cause::store_format},
         {"empty",
          {"an empty file", "un fichero vacío"},
          phase::plain,
          upload(1, "nada", "") + download(2, "nada", ""),
          cause::store_format},
         {"any-bytes",
          {"all 256 values of a byte", "los 256 valores de un byte"},
          phase::plain,
          upload(1, "bytes", every_byte()) + download(2, "bytes", every_byte()),
          cause::not_a_stream},
         {"replaced",
          {"an upload replaces a file", "una subida reemplaza un fichero"},
          phase::plain,
          upload(1, "nota.txt", "hola") + upload(2, "nota.txt", "adios") +
              download(3, "nota.txt", "adios"),
          cause::store_format},
         outside,
         {"large",
          {"1.3 MB, up, and down to a client that reads late",
           "1,3 MB, arriba, y abajo a un cliente que lee tarde"},
          phase::after_cut,
          upload(1, "largo", numbered_lines(100'000)) +
              steps{connect(2), read_late(2), send(2, code(1) + sized("largo")),
                    pause(milliseconds(200)), read_again(2),
                    expect(2, code(0) + code(0) + sized(numbered_lines(100'000)))},
          cause::partial_send},
         {"stall",
          {"a client that stops delays nobody", "un cliente que se para no retrasa a nadie"},
          phase::unkind,
          steps{connect(1), send(1, code(0)), expect(1, code(0)),
                send(1, sized("lento").substr(0, 5))} +
              upload(2, "nota.txt", "hola") + download(3, "nota.txt", "hola"),
          cause::one_at_a_time},
         {"cut-upload",
          {"an upload that is cut leaves nothing", "una subida cortada no deja nada"},
          phase::unkind,
          steps{connect(1), send(1, code(0)), expect(1, code(0)),
                send(1, sized("medio") + sized("hola a todos").substr(0, 12)), end(1),
                pause(milliseconds(300))} +
              finds_nothing(2, "medio"),
          cause::cut_upload},
         {"huge-length",
          {"a length of 4 exabytes", "una longitud de 4 exabytes"},
          phase::unkind,
          steps{connect(1), send(1, code(0)), expect(1, code(0)),
                send(1, sized("enorme") + huge + "x"), pause(milliseconds(300)), reset(1)} +
              upload(2, "nota.txt", "hola") + download(3, "nota.txt", "hola"),
          cause::huge_length},
         {"reset",
          {"a client that resets costs nobody else", "un cliente que corta no afecta a otros"},
          phase::unkind,
          steps{connect(1), send(1, code(1)), reset(1)} + upload(2, "nota.txt", "hola") +
              download(3, "nota.txt", "hola")}}};
}

// ---- clients -----------------------------------------------------------------------------------

/// Takes eight bytes of length, and as many bytes: the name that the client wants. Throws failure.
inline void take_name(stage& of) {
    peer& client = of.at(1);
    const auto is_whole = [&] {
        if (client.has_ended()) return true;
        const auto scanned = trama::length_prefix<8>::scan(client.inbox, 255, 0);
        return scanned.status != trama::scan_status::need_data;
    };
    of.wait_until(is_whole, of.times().answer);
    const auto scanned = trama::length_prefix<8>::scan(client.inbox, 255, 0);
    if (scanned.status != trama::scan_status::frame || client.inbox.size() == 8) {
        failure found{fault::wrong_bytes, 1, sized("nota.txt"), client.inbox};
        found.cause = cause::store_format;
        throw found;
    }
    client.inbox.erase(0, 8 + static_cast<unsigned char>(client.inbox[7]));
}

inline test upload_test(const char* name, const words& title, phase when,
                        const std::string& bytes) {
    return {name,
            title,
            when,
            {accept(1), expect(1, code(0)), send(1, code(0)), call(take_name), read_late(1),
             pause(milliseconds(100)), read_again(1), expect(1, sized(bytes)), send(1, code(0)),
             end(1), exits("0").within(milliseconds(5000))},
            cause::not_sent,
            bytes,
            true};
}

inline exercise store_upload() {
    return {
        "store-upload",
        {"sends {file} to the store", "envía {file} al almacén"},
        "docs/16_file_store.md",
        role::client,
        {upload_test("text", {"a text", "un texto"}, phase::plain, "hola\nadios\n"),
         upload_test("empty", {"an empty file", "un fichero vacío"}, phase::plain, ""),
         upload_test("any-bytes", {"all 256 values of a byte", "los 256 valores de un byte"},
                     phase::plain, every_byte()),
         {"refused",
          {"the server does not know this opcode", "el servidor no conoce este código"},
          phase::plain,
          {accept(1), expect(1, code(0)), send(1, code(1)), end(1),
           exits("error").because(cause::status_ignored)},
          {},
          "hola",
          true},
         upload_test("large",
                     {"10 MB, to a server that reads late", "10 MB, a un servidor que lee tarde"},
                     phase::after_cut, much())}};
}

/// The program asks for a file; these bytes are the answer to the name.
inline steps answered(const std::string& answer) {
    return {accept(1), expect(1, code(1)), send(1, code(0)), call(take_name), send(1, answer)};
}

inline test download_test(const char* name, const words& title, phase when,
                          const std::string& bytes) {
    return {name, title, when,
            answered(code(0) + sized(bytes)) + steps{exits("0"), expect_file(bytes)},
            cause::not_stored};
}

inline exercise store_download() {
    const step fails = exits("error").because(cause::status_ignored);
    return {
        "store-download",
        {"fetches a file of the store into {file}", "trae un fichero del almacén a {file}"},
        "docs/16_file_store.md",
        role::client,
        {download_test("text", {"a text", "un texto"}, phase::plain_and_cut, "hola\nadios\n"),
         download_test("empty", {"an empty file", "un fichero vacío"}, phase::plain_and_cut, ""),
         download_test("any-bytes", {"all 256 values of a byte", "los 256 valores de un byte"},
                       phase::plain, every_byte()),
         {"missing",
          {"a file that is not there", "un fichero que no está"},
          phase::plain,
          answered(code(2)) + steps{end(1), fails}},
         download_test("large", {"a file of 1.3 MB", "un fichero de 1,3 MB"}, phase::after_cut,
                       numbered_lines(100'000)),
         {"truncated",
          {"the server leaves inside the file: the old one stays",
           "el servidor se va dentro del fichero: queda el anterior"},
          phase::unkind,
          answered(code(0) + sized("hola a todos").substr(0, 12)) +
              steps{end(1), fails, expect_file("old")},
          cause::half_a_file,
          "old",
          true}}};
}

inline exercise store_list() {
    const auto listed = [](const std::string& text) {
        return steps{accept(1), expect(1, code(2)), send(1, code(0) + sized(text)), end(1)};
    };
    const std::string two = "('nota.txt', 5, 1620937349.5)\n(\"it's\", 4, 1620937350.25)";
    return {"store-list",
            {"shows the files of the store", "muestra los ficheros del almacén"},
            "docs/16_file_store.md",
            role::client,
            {{"two",
              {"two files", "dos ficheros"},
              phase::plain_and_cut,
              listed(two) + steps{exits("0"), prints("nota.txt"), prints("it's")},
              cause::store_format},
             {"empty",
              {"an empty store", "un almacén vacío"},
              phase::plain,
              listed("") + steps{exits("0")},
              cause::store_format},
             {"truncated",
              {"the server leaves inside the list", "el servidor se va dentro de la lista"},
              phase::unkind,
              {accept(1), expect(1, code(2)), send(1, code(0) + sized(two).substr(0, 20)), end(1),
               exits("error").because(cause::status_ignored)}}}};
}

}  // namespace check

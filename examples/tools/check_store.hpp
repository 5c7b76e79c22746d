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

/// The last status of an upload, if the server sends one: those of the lab do not, and do not
/// close. Throws failure.
inline void take_confirmation(stage& of, int number) {
    constexpr milliseconds patience{600};
    peer& client = of.at(number);
    of.wait_until([&] { return !client.inbox.empty() || client.has_ended(); }, patience);
    if (client.inbox.empty() || client.inbox == std::string(1, '\0')) return;
    failure found{fault::wrong_bytes, number, std::string(1, '\0'), client.inbox};
    found.cause = cause::store_format;
    throw found;
}

inline steps upload(int peer, const std::string& name, const std::string& bytes) {
    return {connect(peer), send(peer, code(0)), expect(peer, code(0)),
            send(peer, sized(name) + sized(bytes)), call(peer, take_confirmation)};
}

inline steps download(int peer, const std::string& name, const std::string& bytes) {
    return {connect(peer), send(peer, code(1)), expect(peer, code(0)), send(peer, sized(name)),
            expect(peer, code(0) + sized(bytes))};
}

inline steps finds_nothing(int peer, const std::string& name) {
    return {connect(peer), send(peer, code(1)), expect(peer, code(0)), send(peer, sized(name)),
            expect(peer, code(2))};
}

inline test outside_test() {
    return {"outside",
            {"no file outside of the folder", "ningún fichero de fuera de la carpeta"},
            phase::plain,
            finds_nothing(1, "/etc/passwd") + finds_nothing(2, "../../../etc/passwd"),
            cause::outside};
}

inline tests store_server_operations() {
    return {
        {"unknown",
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
         cause::store_format}};
}

inline tests store_server_files() {
    return {{"empty",
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
            outside_test(),
            {"large",
             {"1.3 MB, up, and down to a client that reads late",
              "1,3 MB, arriba, y abajo a un cliente que lee tarde"},
             phase::after_cut,
             upload(1, "largo", numbered_lines(100'000)) +
                 steps{connect(2), read_late(2), send(2, code(1) + sized("largo")),
                       pause(milliseconds(200)), read_again(2),
                       expect(2, code(0) + code(0) + sized(numbered_lines(100'000)))},
             cause::partial_send}};
}

inline tests store_server_unkind() {
    const std::string huge = "\x3f" + std::string(7, '\xff');
    return {{"stall",
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
                 because(cause::huge_length,
                         upload(2, "nota.txt", "hola") + download(3, "nota.txt", "hola")),
             cause::huge_length},
            {"reset",
             {"a client that resets costs nobody else", "un cliente que corta no afecta a otros"},
             phase::unkind,
             steps{connect(1), send(1, code(1)), reset(1)} + upload(2, "nota.txt", "hola") +
                 download(3, "nota.txt", "hola")}};
}

inline exercise store_server() {
    return {"store-server",
            {"upload, download and list of files", "subida, bajada y lista de ficheros"},
            "docs/16_file_store.md",
            role::server,
            store_server_operations() + store_server_files() + store_server_unkind()};
}

}  // namespace check

// examples/tools/check_store_client.hpp -- chapter 16: the clients of the file store.
#pragma once

#include "check_copy.hpp"
#include "check_store.hpp"

#include <string>

namespace check {

/// Takes eight bytes of length, and as many bytes: the name that the client wants. Throws failure.
inline void take_name(stage& of, int number) {
    peer& client = of.at(number);
    const auto is_whole = [&] {
        if (client.has_ended()) return true;
        const auto scanned = trama::length_prefix<8>::scan(client.inbox, 255, 0);
        return scanned.status != trama::scan_status::need_data;
    };
    of.wait_until(is_whole, of.times().answer);
    const auto scanned = trama::length_prefix<8>::scan(client.inbox, 255, 0);
    if (scanned.status != trama::scan_status::frame || client.inbox.size() == 8) {
        failure found{fault::wrong_bytes, number, sized("nota.txt"), client.inbox};
        found.cause = cause::store_format;
        throw found;
    }
    client.inbox.erase(0, 8 + static_cast<unsigned char>(client.inbox[7]));
}

inline test upload_test(const char* name, const words& title, phase when,
                        const std::string& bytes) {
    return {
        name,
        title,
        when,
        {accept(1), expect(1, code(0)).because(cause::store_format), send(1, code(0)),
         call(1, take_name), read_late(1), pause(milliseconds(100)), read_again(1),
         expect(1, sized(bytes)), send(1, code(0)), end(1), exits("0").within(milliseconds(5000))},
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
    return {accept(1), expect(1, code(1)), send(1, code(0)), call(1, take_name), send(1, answer)};
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

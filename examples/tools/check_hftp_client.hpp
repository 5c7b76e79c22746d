// examples/tools/check_hftp_client.hpp -- chapter 17: a client of HFTP; check is a small server.
#pragma once

#include "check_copy.hpp"
#include "check_hftp.hpp"

#include <sstream>
#include <string>

namespace check {

// ---- a client: check is a small server
// -----------------------------------------------------------

inline const std::string& hftp_content() {
    static const std::string bytes = every_byte() + numbered_lines(20'000);
    return bytes;
}

/// The answer to one request of a client, or "": it was quit.
inline std::string hftp_answer(const std::string& line) {
    std::istringstream stream(line);
    std::string command;
    std::string name;
    std::string form;
    std::size_t offset = 0;
    std::size_t size = 0;
    stream >> command;
    if (command == "quit") return "";
    if (command == "get_file_listing") return std::string("0 OK\r\n") + hftp_file + "\r\n\r\n";
    stream >> name;
    if (name != hftp_file) return "202 FILE NOT FOUND\r\n";
    const std::string& content = hftp_content();
    if (command == "get_metadata") return "0 OK\r\n" + std::to_string(content.size()) + "\r\n";
    if (command != "get_slice" || !(stream >> offset >> size)) return "200 NO SUCH COMMAND\r\n";
    if (offset > content.size() || size > content.size() - offset)
        return "203 OFFSET EXCEEDS FILE SIZE\r\n";
    const std::string part = content.substr(offset, size);
    stream >> form;
    if (form != "raw") return "0 OK\r\n" + base64(part) + "\r\n";
    return "0 OK\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n" + part;
}

/// Answers requests until the client quits or closes. Throws failure.
inline void serve_hftp(stage& of, int number) {
    peer& client = of.at(number);
    for (bool goes_on = true; goes_on;) {
        const auto has_line = [&] {
            return client.inbox.find('\n') != std::string::npos || client.has_ended();
        };
        if (!of.wait_until(has_line, of.times().answer)) throw failure{fault::nothing_came, number};
        const std::size_t end = client.inbox.find("\r\n");
        if (end == std::string::npos && !client.inbox.empty()) {
            failure found{fault::wrong_bytes, number, "get_file_listing\r\n", client.inbox};
            found.cause = cause::hftp_format;
            throw found;
        }
        if (end == std::string::npos) return;
        const std::string answer = hftp_answer(client.inbox.substr(0, end));
        client.inbox.erase(0, end + 2);
        goes_on = !answer.empty();
        client.send(goes_on ? answer : "0 OK\r\n");
        of.wait_until([&] { return client.is_all_sent(); }, of.times().answer);
    }
    client.end();
}

/// Answers the first request with these bytes, and closes.
inline test hftp_broken_test(const char* name, const words& title, const std::string& answer) {
    return {name,
            title,
            phase::unkind,
            {type(std::string(hftp_file) + '\n'), accept(1), find(1, "\r\n"), send(1, answer),
             end(1), end_input(), exits("error")},
            words{"The client must check each answer, and end with another code than 0 if one is "
                  "incomplete or has another form.",
                  "El cliente debe comprobar cada respuesta, y acabar con un código distinto de 0 "
                  "si una está incompleta o tiene otra forma."}};
}

inline exercise hftp_client() {
    const steps fetches{type(std::string(hftp_file) + '\n'),
                        accept(1),
                        call(1, serve_hftp),
                        end_input(),
                        exits("0"),
                        expect_file(hftp_content())};
    return {
        "hftp-client",
        {"fetches foto.jpg in slices into its folder, {dir}",
         "trae foto.jpg a trozos a su carpeta, {dir}"},
        "docs/17_hftp.md",
        role::client,
        {{"file",
          {"the file, byte for byte", "el fichero, byte a byte"},
          phase::plain,
          fetches,
          cause::not_stored},
         hftp_broken_test("internal-error", {"the server answers 199", "el servidor responde 199"},
                          "199 INTERNAL SERVER ERROR\r\n"),
         hftp_broken_test(
             "truncated",
             {"the server leaves inside an answer", "el servidor se va dentro de una respuesta"},
             "0 O"),
         hftp_broken_test(
             "no-answer",
             {"the server leaves in place of an answer", "el servidor se va en vez de responder"},
             "")}};
}

}  // namespace check

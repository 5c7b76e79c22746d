// examples/tools/check_web.hpp -- chapter 01: a client that requests a page by hand.
#pragma once

#include "check_echo.hpp"
#include "check_stage.hpp"

#include <string>

namespace check {

namespace cause {

inline constexpr words no_request{
    "The request has no end. It is a line such as GET / HTTP/1.1, its headers, and an empty line; "
    "each line ends in CR LF: \\r\\n, not \\n.",
    "La petición no termina. Es una línea como GET / HTTP/1.1, sus cabeceras, y una línea vacía; "
    "cada línea acaba en CR LF: \\r\\n, no \\n."};

inline constexpr words no_get{
    "The first line of the request must be GET, the path, and the version: GET / HTTP/1.1.",
    "La primera línea de la petición debe ser GET, la ruta y la versión: GET / HTTP/1.1."};

inline constexpr words no_host{"HTTP/1.1 requires the header Host (RFC 9112, section 3.2).",
                               "HTTP/1.1 exige la cabecera Host (RFC 9112, sección 3.2)."};

inline constexpr words page_incomplete{
    "The page comes in many pieces. Receive until recv returns 0 bytes, or until as many bytes "
    "have "
    "come as Content-Length says.",
    "La página llega en muchas piezas. Recibe hasta que recv devuelva 0 bytes, o hasta que hayan "
    "llegado tantos bytes como dice Content-Length."};

}  // namespace cause

inline failure wrong_request(const std::string& expected, const std::string& received,
                             const words& why) {
    failure found{fault::wrong_bytes, 1, expected, received};
    found.cause = why;
    return found;
}

/// Waits for a whole request, and checks its lines. Throws failure.
inline void read_request(stage& of, int number) {
    peer& client = of.at(number);
    const std::string end = "\r\n\r\n";
    const auto is_whole = [&] {
        return client.inbox.find(end) != std::string::npos || client.has_ended();
    };
    of.wait_until(is_whole, of.times().answer);
    const std::string request = client.inbox;
    if (request.find(end) == std::string::npos)
        throw wrong_request("GET / HTTP/1.1\r\n...\r\n\r\n", request, cause::no_request);
    const std::string first_line = request.substr(0, request.find("\r\n"));
    if (request.rfind("GET /", 0) != 0 || first_line.find(" HTTP/1.") == std::string::npos)
        throw wrong_request("GET / HTTP/1.1", first_line, cause::no_get);
    const bool needs_host = first_line.find(" HTTP/1.1") != std::string::npos;
    const bool has_host = request.find("\r\nHost:") != std::string::npos ||
                          request.find("\r\nhost:") != std::string::npos;
    if (needs_host && !has_host)
        throw wrong_request(first_line + "\r\nHost:", request, cause::no_host);
    client.inbox.clear();
}

inline std::string response(const std::string& page, bool has_length = true) {
    const std::string length =
        has_length ? "Content-Length: " + std::to_string(page.size()) + "\r\n" : "";
    return "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n" + length +
           "Connection: close\r\n\r\n" + page;
}

inline steps page_steps(const std::string& page, bool has_length) {
    return {accept(1),   call(1, read_request), send(1, response(page, has_length)),
            end(1),      end_input(),           exits("any"),
            prints(page)};
}

inline exercise web_client() {
    const std::string page = "<h1>Redes</h1>\nhola\n";
    return {"web-client",
            {"requests a page with GET, and prints it", "pide una página con GET, y la muestra"},
            "docs/01_web_client.md",
            role::client,
            {{"page",
              {"a short page", "una página corta"},
              phase::plain_and_cut,
              page_steps(page, true),
              cause::page_incomplete},
             {"until-the-end",
              {"a page without a length: the end of the stream ends it",
               "una página sin longitud: la termina el fin del flujo"},
              phase::plain_and_cut,
              page_steps(page, false),
              cause::page_incomplete},
             {"large",
              {"a page of 130 KB", "una página de 130 KB"},
              phase::after_cut,
              page_steps(numbered_lines(10'000), true),
              cause::page_incomplete},
             {"reset",
              {"the server resets inside the page", "el servidor corta dentro de la página"},
              phase::unkind,
              {accept(1), call(1, read_request), send(1, "HTTP/1.1 200 OK\r\n"),
               pause(milliseconds(100)), reset(1), end_input(), exits("any")}}}};
}

}  // namespace check

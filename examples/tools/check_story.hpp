// examples/tools/check_story.hpp -- the sentences of a story: what was done, and what went wrong.
#pragma once

#include "check_caret.hpp"
#include "check_exercise.hpp"
#include "check_failure.hpp"
#include "chop_cutter.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

namespace check {

/// How the bytes of check are cut in one run of a test.
struct cutting {
    chop::plan plan = {};
    bool is_glued = false;
    bool fails_uncut = false;  ///< the test fails without a cut, too: so this is not the cause

    bool is_whole() const { return plan.how == chop::mode::whole && !is_glued; }
};

inline std::string cutting_text(const cutting& cut) {
    if (cut.is_glued) return text({"all in one piece", "todo en una pieza"});
    if (cut.plan.how == chop::mode::bytes) return text({"one byte at a time", "byte a byte"});
    if (cut.plan.how == chop::mode::random)
        return fill({"random pieces, --seed {1}", "piezas al azar, --seed {1}"},
                    {std::to_string(cut.plan.seed)});
    return text({"nothing is cut", "sin cortes"});
}

/// "client 1"; in an exercise for clients, check is the server.
inline std::string peer_name(role program, int number) {
    const std::string index = std::to_string(number);
    if (program == role::server) return fill({"client {1}", "el cliente {1}"}, {index});
    return number == 1 ? text({"the server", "el servidor"})
                       : fill({"the server ({1})", "el servidor ({1})"}, {index});
}

/// What a step does, for the list of what has happened. The places are the name of the peer.
inline words description(action what) {
    switch (what) {
        case action::connect: return {"{1} connects", "{1} se conecta"};
        case action::accept: return {"the program connects", "el programa se conecta"};
        case action::send: return {"{1} sends", "{1} envía"};
        case action::flood: return {"{1} sends much", "{1} envía mucho"};
        case action::expect: return {"{1} must receive", "{1} debe recibir"};
        case action::find: return {"{1} must receive", "{1} debe recibir"};
        case action::end: return {"{1} ends its stream", "{1} termina su flujo"};
        case action::expect_end: return {"{1} must see the end", "{1} debe ver el fin"};
        case action::expect_silence: return {"{1} must get nothing", "{1} no debe recibir"};
        case action::expect_refusal: return {"{1} must be closed", "{1} debe ser cerrado"};
        case action::expect_never: return {"{1} must never get", "{1} no debe recibir"};
        case action::stop_reading: return {"{1} stops reading", "{1} deja de leer"};
        case action::read_late: return {"{1} does not read", "{1} no lee"};
        case action::read_again: return {"{1} reads again", "{1} vuelve a leer"};
        case action::reset: return {"{1} resets", "{1} corta con un reset"};
        case action::leave: return {"{1} closes", "{1} cierra"};
        case action::freeze: return {"the program is halted", "el programa se detiene"};
        case action::thaw: return {"the program goes on", "el programa continúa"};
        case action::restart: return {"the program is restarted", "el programa se reinicia"};
        case action::type: return {"typed at the program", "se teclea"};
        case action::end_input: return {"end of what is typed", "fin de lo tecleado"};
        case action::prints: return {"the program must print", "el programa debe mostrar"};
        case action::exits: return {"the program must end", "el programa debe acabar"};
        case action::expect_file: return {"the file must be", "el fichero debe ser"};
        case action::expect_calm: return {"the program must wait", "el programa debe esperar"};
        case action::pause: return {"a pause", "una pausa"};
        case action::call: return {"a conversation", "una conversación"};
    }
    return {};
}

/// One line of the list of what has happened.
inline std::string step_line(const step& done, role program) {
    const std::string name = peer_name(program, done.peer);
    std::string value = done.bytes.empty() ? "" : quoted(done.bytes);
    if (done.what == action::exits) value = done.bytes;
    if (done.what == action::pause) value = std::to_string(done.time.count()) + " ms";
    const std::string label = fill(description(done.what), {name});
    return "    " + (value.empty() ? label : padded(label, label_width) + value) + '\n';
}

/// The last lines of what has happened; a mark stands for those before.
inline std::string recent(const std::vector<std::string>& lines) {
    constexpr std::size_t most_lines = 10;
    const std::size_t first = lines.size() > most_lines ? lines.size() - most_lines + 1 : 0;
    std::string story = first == 0 ? "" : "    ...\n";
    for (std::size_t i = first; i < lines.size(); ++i) {
        story += lines[i];
    }
    return story;
}

/// What each fault means, in one sentence.
inline constexpr std::pair<fault, words> sentences[] = {
    {fault::wrong_bytes, {"Other bytes came.", "Llegaron otros bytes."}},
    {fault::nothing_came, {"Nothing came in time.", "No llegó nada a tiempo."}},
    {fault::too_few, {"A part came, and then nothing more.", "Llegó una parte, y nada más."}},
    {fault::ended_early,
     {"The program closed the connection before it had sent all.",
      "El programa cerró la conexión antes de enviarlo todo."}},
    {fault::was_reset,
     {"The connection was reset by the program.", "El programa cortó la conexión con un reset."}},
    {fault::too_many, {"Bytes came where none were expected.", "Llegaron bytes que sobran."}},
    {fault::not_closed,
     {"The program did not close the connection in time.",
      "El programa no cerró la conexión a tiempo."}},
    {fault::closed_too_soon,
     {"The program closed a connection that must stay open.",
      "El programa cerró una conexión que debe seguir abierta."}},
    {fault::not_taken,
     {"The program did not receive all that was sent.", "El programa no recibió todo lo enviado."}},
    {fault::program_ended, {"The program has ended.", "El programa ha terminado."}},
    {fault::not_listening, {"No connection to the program.", "No hay conexión con el programa."}},
    {fault::no_connection, {"The program did not connect.", "El programa no se conectó."}},
    {fault::not_printed, {"The program did not print this.", "El programa no mostró esto."}},
    {fault::wrong_exit,
     {"The program ended with another exit code.", "El programa acabó con otro código de salida."}},
    {fault::still_running, {"The program did not end in time.", "El programa no acabó a tiempo."}},
    {fault::wrong_file, {"The file has another content.", "El fichero tiene otro contenido."}},
    {fault::uses_processor,
     {"The program uses the processor while it has nothing to do.",
      "El programa usa el procesador sin tener nada que hacer."}}};

inline words sentence(fault what) {
    const auto is_this = [&](const auto& each) { return each.first == what; };
    return std::find_if(std::begin(sentences), std::end(sentences), is_this)->second;
}

/// The sentence, and what was expected and received.
inline std::string told(const failure& found) {
    std::string story = "    " + text(sentence(found.what));
    if (!found.detail.empty()) story += " (" + found.detail + ')';
    story += '\n';
    if (found.is_search) return story + searched(found.expected, found.received);
    if (!found.expected.empty() || !found.received.empty())
        story += compared(found.expected, found.received);
    return story;
}

/// The last lines of what the program has printed, harmless for a terminal.
inline std::string last_lines(const std::string& printed) {
    constexpr std::size_t most_lines = 5;
    std::vector<std::string> lines{""};
    for (const char byte : printed) {
        if (byte == '\n') {
            lines.emplace_back();
        } else {
            lines.back() += byte;
        }
    }
    lines.erase(std::remove(lines.begin(), lines.end(), ""), lines.end());
    std::string shown_lines;
    for (std::size_t i = lines.size() - std::min(lines.size(), most_lines); i < lines.size(); ++i) {
        shown_lines += "        " + program::harmless(lines[i].substr(0, 200)) + '\n';
    }
    return shown_lines;
}

/// `sentence` in lines of at most 96 columns.
inline std::string wrapped(const std::string& sentence) {
    constexpr std::size_t width = 88;
    std::string lines;
    std::string line;
    std::size_t begin = 0;
    while (begin < sentence.size()) {
        const std::size_t end = std::min(sentence.find(' ', begin), sentence.size());
        const std::string word = sentence.substr(begin, end - begin);
        if (!line.empty() && columns(line) + 1 + columns(word) > width) {
            lines += "        " + line + '\n';
            line.clear();
        }
        line += (line.empty() ? "" : " ") + word;
        begin = end + 1;
    }
    return lines + "        " + line + '\n';
}

}  // namespace check

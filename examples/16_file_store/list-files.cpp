// list-files -- shows which files are in the file store
//
// Goal:     Read data that others evaluate as a program, and show names that strangers have chosen.
// Run:      ./start-server                         in another terminal
//           ./list-files --by-size
// Observe:  Give a file a name that looks like two lines of the list. What does it show?
//           Set LANG=es_AR.UTF-8: the first line is in Spanish.
// Exercise: Let it show the sum of all sizes, too.
// Next:     ../17_hftp, where the list is made of lines.
#include "connection.hpp"
#include "file_list.hpp"

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace {

using store::level;

constexpr const char* examples = R"(
  list-files               all files of localhost, port 4321, from z to a
  list-files --by-size     the largest first
  list-files -d -a         the oldest first
)";

/// The text of the list, as the server sends it.
std::string fetch(const program::options& given) {
    constexpr std::uint64_t longest = 64 << 20;
    trama::tcp_stream stream = store::connect_to_server(given);
    store::traffic bytes;
    store::connection server(stream, bytes);
    server.send(store::byte_of(store::list));
    store::expect_ok(server);
    const std::uint64_t size = server.receive_number();
    if (size > longest)
        throw program::peer_error("a list of " + std::to_string(size) + " bytes is too long");
    return server.receive(static_cast<std::size_t>(size));
}

/// Appends the file that a line describes. Returns false, after a warning, if it is malformed.
bool read_line(std::string_view line, std::vector<store::entry>& files) {
    try {
        files.push_back(store::entry_of(line));
        return true;
    } catch (const store::malformed_line& error) {
        store::log(level::warning, error.what(), ": ", program::shown{line, 200});
        return false;
    }
}

/// Appends the files of the list. Returns false if there are malformed lines, too.
bool read_list(std::string_view text, std::vector<store::entry>& files) {
    bool all_are_well_formed = true;
    bool is_last = text.empty();
    while (!is_last) {
        const std::size_t end = text.find('\n');
        if (!read_line(text.substr(0, end), files)) all_are_well_formed = false;
        is_last = end == std::string_view::npos;
        text.remove_prefix(is_last ? 0 : end + 1);
    }
    return all_are_well_formed;
}

/// True if the user wants messages in Spanish. The first of these variables that is set decides.
/// man 7 locale
bool is_spanish() {
    for (const char* name : {"LC_ALL", "LC_MESSAGES", "LANG"}) {
        const char* value = std::getenv(name);
        if (value == nullptr || *value == '\0') continue;
        const std::string_view locale(value);  // such as "es_AR.UTF-8"
        return locale.substr(0, locale.find_first_of("_.@")) == "es";
    }
    return false;
}

/// The line before `count` files; one without files is a sentence.
std::string title(std::size_t count) {
    if (count == 0 && is_spanish()) return "El almacén está vacío: no hay archivos.";
    if (count == 0) return "The store is empty: there are no files.";
    const char* words = is_spanish() ? "Archivos disponibles (" : "Available files (";
    return words + std::to_string(count) + "):";
}

void sort(std::vector<store::entry>& files, const program::options& given) {
    const bool by_size = given.flag("by-size");
    const bool by_date = given.flag("by-date");
    const auto is_before = [&](const store::entry& one, const store::entry& other) {
        if (by_size && one.size != other.size) return one.size < other.size;
        if (by_date && one.changed != other.changed) return one.changed < other.changed;
        return one.name < other.name;
    };
    std::sort(files.begin(), files.end(), is_before);
    if (!given.flag("ascending")) std::reverse(files.begin(), files.end());
}

void show(const std::vector<store::entry>& files) {
    for (const store::entry& file : files) {
        const auto changed = static_cast<std::time_t>(std::floor(file.changed));
        std::cout << "> [" << store::time_text(changed, "%d-%b-%Y (%H:%M:%S)") << "] "
                  << program::harmless(file.name) << " - " << store::size_text(file.size) << '\n';
    }
}

int list_files(const program::options& given) {
    store::check_options(given);
    if (given.flag("by-name") + given.flag("by-size") + given.flag("by-date") > 1)
        throw program::usage_error("by name, by size or by date, only one of them: see --help");
    std::vector<store::entry> files;
    const bool is_whole = read_list(fetch(given), files);
    sort(files, given);
    const bool is_known = is_whole || !files.empty();  // malformed lines are no empty store
    if (is_known && !given.flag("quiet")) std::cout << title(files.size()) << '\n';
    show(files);
    return is_whole ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::flag('n', "by-name", "sort by name (this is the default)"),
         program::flag('s', "by-size", "sort by size"),
         program::flag('d', "by-date", "sort by the time of the last change"),
         program::flag('a', "ascending", "the smallest first, instead of the largest"),
         program::host_option(),
         program::port_option("4321"),
         {'t', "timeout", "SECONDS", "30", "give up when nothing comes for this long; 0: never"}},
        list_files);
}

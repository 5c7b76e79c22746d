// list-files -- shows which files are in the file store
//
// Goal:     Read data that others evaluate as a program, and show what a stranger has named.
// Run:      ./start-server                         in another terminal
//           ./list-files --by-size
// Observe:  Name a file so that it looks like two lines of the list. What is shown?
// Exercise: Let it show the sum of all sizes, too.
// Next:     ../17_hftp, where the list is made of lines.
#include "connection.hpp"
#include "file_list.hpp"

#include <algorithm>
#include <cmath>
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
    trama::tcp_stream stream = store::call_server(given);
    store::traffic bytes;
    store::connection server(stream, bytes);
    server.send(store::byte_of(store::list));
    store::expect_ok(server);
    const std::uint64_t size = server.receive_number();
    if (size > longest)
        throw program::peer_error("a list of " + std::to_string(size) + " bytes is too long");
    return server.receive(static_cast<std::size_t>(size));
}

/// The files of the list. False: there are malformed lines, too.
bool read_list(std::string_view text, std::vector<store::entry>& files) {
    bool all_are_well_formed = true;
    for (bool is_last = text.empty(); !is_last;) {
        const std::size_t end = text.find('\n');
        const std::string_view line = text.substr(0, end);
        if (const auto file = store::entry_of(line)) {
            files.push_back(*file);
        } else {
            store::log(level::warning, "Malformed line: ", program::shown{line, 200});
            all_are_well_formed = false;
        }
        is_last = end == std::string_view::npos;
        text.remove_prefix(is_last ? 0 : end + 1);
    }
    return all_are_well_formed;
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

int list_files(const program::options& given) {
    store::check_options(given);
    if (given.flag("by-name") + given.flag("by-size") + given.flag("by-date") > 1)
        throw program::usage_error("by name, by size or by date, only one of them: see --help");
    std::vector<store::entry> files;
    const bool is_whole = read_list(fetch(given), files);
    sort(files, given);
    for (const store::entry& file : files) {
        const auto changed = static_cast<std::time_t>(std::floor(file.changed));
        std::cout << "> [" << store::time_text(changed, "%d-%b-%Y (%H:%M:%S)") << "] "
                  << program::harmless(file.name) << " - " << store::size_text(file.size) << '\n';
    }
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

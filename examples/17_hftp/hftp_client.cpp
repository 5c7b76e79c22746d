// hftp_client -- shows which files there are, fetches one in slices, and saves it
//
// Goal:     Write a client for a protocol that others have fixed: send exactly what it requires,
//           and check everything that comes back.
// Run:      ./hftp_server             in a folder with a folder testdata
//           ./hftp_client             not in testdata, or the file would replace itself
// Observe:  At the end the file is complete, or not there. Each slice is a request and an answer,
//           so each slice costs one round-trip time.
// Exercise: Add an option -r for raw slices. How many bytes does it save, and how much time, here
//           and over a slow network? Then send each request before the answer to the last one.
// Next:     18_collector
#include "../support/program.hpp"
#include "../support/progress.hpp"
#include "hftp.hpp"

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <limits>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr const char* examples = R"(
  hftp_client                            choose among the files of this machine's server
  echo notes.txt | hftp_client 192.168.1.5

The server is a word or the value of -H. The names go to stdout. The file goes into the current
folder.
)";

constexpr std::uint64_t slice_size = 96 * 1024;

// A line is never longer than a slice in base64: what is longer is no answer.
constexpr std::size_t longest_line = hftp::base64_size(slice_size);

using line_stream = trama::framed_stream<trama::crlf_line>;

std::string next_line(line_stream& server) {
    const auto line = server.recv_frame();
    if (!line) throw program::peer_error("the server closed before it had answered");
    return *line;
}

/// Sends one request and reads the first line of its answer, "CODE text". Throws peer_error for any
/// code but 0.
void request(line_stream& server, const std::string& line) {
    program::say_more(line);
    server.send_frame(line);
    const std::string answer = next_line(server);
    const std::size_t space = std::min(answer.find(' '), answer.size());
    const auto code = hftp::number(std::string_view(answer).substr(0, space));
    if (!code || space == answer.size())
        throw program::peer_error("this is no answer: \"" + trama::escaped(answer, 60) + '"');
    if (*code != 0) throw program::peer_error("the server answers: " + trama::escaped(answer, 60));
}

void show_listing(line_stream& server) {
    request(server, "get_file_listing");
    std::string name = next_line(server);
    while (!name.empty()) {
        program::print(name);
        name = next_line(server);
    }
}

/// Reads a line after a prompt. Returns an empty one if there is none.
std::string prompt_for_line() {
    std::string line;
    if (::isatty(STDIN_FILENO) == 1 && program::verbosity > 0) {
        std::cerr << "name of the file: " << std::flush;
        program::is_line_open = ::isatty(STDERR_FILENO) == 1;
    }
    if (!program::read_line(line)) return "";
    program::is_line_open = false;  // Enter has ended it
    return line;
}

/// Reads the name of the file to fetch. Returns an empty one if the user wants none.
std::string read_name() {
    const std::string name = prompt_for_line();
    if (name.empty()) return "";
    if (!hftp::is_legal_name(name) || !trama::is_plain_name(name))
        throw program::usage_error("this is no name of a file: \"" + trama::escaped(name, 60) +
                                   "\"; letters, digits, . - _");
    return name;
}

std::uint64_t size_of(line_stream& server, const std::string& name) {
    request(server, "get_metadata " + name);
    const std::string line = next_line(server);
    const auto size = hftp::number(line);
    if (!size || *size > std::numeric_limits<std::int64_t>::max())
        throw program::peer_error("this is no size: \"" + trama::escaped(line, 60) + '"');
    return *size;
}

std::string slice(line_stream& server, const std::string& name, std::uint64_t offset,
                  std::uint64_t size) {
    request(server,
            "get_slice " + name + ' ' + std::to_string(offset) + ' ' + std::to_string(size));
    const auto bytes = hftp::decoded_base64(next_line(server));
    if (!bytes) throw program::peer_error("the slice is not base64");
    if (bytes->size() != size)
        throw program::peer_error("a slice of " + std::to_string(bytes->size()) +
                                  " bytes came instead of " + std::to_string(size));
    return *bytes;
}

/// Fetches the file in slices. If anything fails, an older file of that name stays as it was.
void fetch(line_stream& server, const std::string& name) {
    const std::uint64_t size = size_of(server, name);
    const trama::folder here(".");
    trama::atomic_file::clear_leftovers(here);
    trama::atomic_file file(here, name);
    program::progress_bar bar(size, false);
    for (std::uint64_t done = 0; done < size;) {
        const std::uint64_t next = std::min(slice_size, size - done);
        trama::write_all(file.fd(), slice(server, name, done, next), name);
        done += next;
        bar.show(done);
    }
    file.commit();
}

/// Returns false if Ctrl-C came first and nothing was saved: that is no error of the server, but no
/// success either.
bool fetch_chosen_file(line_stream& server) {
    try {
        show_listing(server);
        const std::string name = read_name();
        if (name.empty()) return !program::stopping();
        fetch(server, name);
        program::say("saved ", name);
        return true;
    } catch (const std::exception&) {
        if (!program::stopping()) throw;
        return false;
    }
}

/// The server: the first word, or else the value of -H.
const std::string& server_of(const program::options& given) {
    if (given.words().empty()) return given.host();
    if (given.host() != "localhost" && given.host() != given.words()[0])
        throw program::usage_error("two servers are given: see --help");
    return given.words()[0];
}

int fetch_file(const program::options& given) {
    auto stream = trama::tcp_stream::connect(server_of(given), given.port(), given.timeout());
    stream.set_timeout(given.timeout());
    line_stream server(std::move(stream), longest_line);
    const program::hang_up_on_stop on_stop(server.stream().fd());
    if (!fetch_chosen_file(server)) {
        program::say("stopped: nothing is saved");
        return 1;
    }
    request(server, "quit");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::host_option("localhost"),
         program::port_option(hftp::port),
         {'t', "timeout", "SECONDS", "30", "how long to wait for each line; 0: for ever"}},
        fetch_file, "[SERVER]", 1);
}

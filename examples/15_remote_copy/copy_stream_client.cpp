// copy_stream_client -- sends files of any size, and knows that they are stored
//
// Goal:     Copy a file that is larger than the memory, over a connection that may be cut.
// Run:      ./copy_stream_server -p 5000 -d copies
//           ./copy_stream_client -p 5000 FILE       in a second terminal
// Observe:  Exit code 0 means: the server has all of it on its disk, with the same checksum. Press
//           Ctrl-C in the middle, and start it again: it sends the rest.
// Exercise: Change one byte at the front of FILE between the two runs. In which message does
//           the client notice it, and what does it send then?
// Next:     copy_stream_server.cpp; 16_file_store
#include "../support/progress.hpp"
#include "checksum.hpp"
#include "conversation.hpp"
#include "local_file.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr const char* examples = R"(
  copy_stream_client video.mp4              to port 5000 of this machine
  copy_stream_client -H pc7 -p 4000 *.jpg   many files, through one connection

Exit code 0: the server has confirmed that each FILE is stored. If the connection
breaks, the same command continues where it stopped.
)";

constexpr std::size_t most_files = 100'000;

/// Sends "put". Returns how many bytes the server has, and their sum.
std::pair<std::uint64_t, std::string> offer_file(copy::conversation& server,
                                                 const copy::local_file& file) {
    server.send_message("put " + std::to_string(file.size()) + ' ' + file.name());
    const auto work = copy::conversation::time_for(file.size());
    const auto [count, sum] = copy::split(server.expect("have", work));
    program::say_more("the server has ", program::shown{count}, " bytes of it");
    if (copy::number(count) <= file.size()) return {copy::number(count), sum};
    throw program::peer_error("the server has more of the file than there is");
}

/// Reads the first `size` bytes of the file, and adds them to the sum.
void add_first_bytes(copy::conversation& server, copy::local_file& file, std::uint64_t size,
                     copy::checksum& sum) {
    std::string piece(copy::piece_size, '\0');
    while (size > 0) {
        server.stop_if_asked();
        const std::size_t count = file.read(piece.data(), copy::at_most(piece.size(), size));
        if (count == 0) return;
        sum.add(std::string_view(piece).substr(0, count));
        size -= count;
    }
}

/// Returns how many bytes of this file the server has: the number that it sends if the sum agrees,
/// else 0. `file` is read up to there, and `sum` includes those bytes.
std::uint64_t common_part(copy::conversation& server, copy::local_file& file, copy::checksum& sum) {
    const auto [there, sum_there] = offer_file(server, file);
    add_first_bytes(server, file, there, sum);
    if (sum.text() == sum_there) return there;
    program::say("the server has a part of another file: sending from the start");
    sum = {};
    file.rewind();
    return 0;
}

/// Sends the bytes from `start` on. Each one goes through the sum.
void send_data(copy::conversation& server, copy::local_file& file, std::uint64_t start,
               copy::checksum& sum) {
    std::string piece(copy::piece_size, '\0');
    program::progress_bar bar(file.size(), true);
    for (std::uint64_t sent = start; sent < file.size();) {
        const std::uint64_t left = file.size() - sent;
        const std::size_t count = file.read(piece.data(), copy::at_most(piece.size(), left));
        if (count == 0) break;  // it is shorter: throw_if_changed() follows
        const std::string_view bytes = std::string_view(piece).substr(0, count);
        sum.add(bytes);
        server.send_data(bytes);
        bar.show(sent += count);
    }
}

/// Returns when the server has confirmed that the file is stored.
void copy_file(copy::conversation& server, const std::string& path) {
    copy::local_file file(path);
    copy::checksum sum;
    const std::uint64_t start = common_part(server, file, sum);
    if (start > 0) program::say("continuing after ", program::size_text(start));
    server.send_message("from " + std::to_string(start));
    send_data(server, file, start, sum);
    file.throw_if_changed();
    server.send_message("sum " + sum.text());
    server.expect("stored", copy::conversation::time_for(file.size()));
    program::say(program::harmless(path), ": stored, ", program::size_text(file.size()));
}

int copy_all(const program::options& given) {
    if (given.words().empty()) throw program::usage_error("which file? see --help");
    const trama::duration patience = std::chrono::seconds(given.number("timeout", 1, 86400));
    for (const std::string& path : given.words()) copy::local_file{path};  // all are there
    auto stream = trama::tcp_stream::connect(given.host(), given.port());
    trama::stop_signal stop;
    stop.catch_signals();
    copy::conversation server(std::move(stream), stop, patience, "the server");
    try {
        for (const std::string& path : given.words()) copy_file(server, path);
    } catch (const trama::network_error& error) {
        program::say_more(error.what());
        throw program::peer_error("the connection was cut: the same command sends the rest");
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::host_option(),
         program::port_option(),
         {'t', "timeout", "SECONDS", "30", "give up when the server does nothing for this long"}},
        copy_all, "FILE...", most_files);
}

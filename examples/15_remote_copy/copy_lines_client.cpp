// copy_lines_client -- sends a file line by line, and then closes
//
// Goal:     Copy a file in the simplest way, and find out what the server cannot know.
// Run:      ./copy_lines_server -p 5000 copy.txt
//           ./copy_lines_client -p 5000 FILE        in a second terminal
// Observe:  The copy is equal. Then send a large file and press Ctrl-C in the middle: the server
//           prints the same as before, and half a file has replaced the whole one.
// Exercise: Count the send calls (TRAMA_TRACE=1). What do they cost? Why does it not matter to the
//           server where a line ends?
// Next:     copy_lines_server.cpp; copy_frame_client.cpp, which sends the size first
#include "local_file.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace {

using namespace std::chrono_literals;

constexpr const char* examples = R"(
  copy_lines_client notes.txt             to port 5000 of this machine
  copy_lines_client -H pc7 -p 4000 a.txt  to port 4000 of another one

Exit code 0: all was sent. The server does not confirm that it has stored the file.
)";

/// Sends each line by itself, as it is. One that does not end in this piece goes in two parts.
void send_lines(trama::tcp_stream& server, std::string_view piece) {
    while (!piece.empty()) {
        const std::size_t size = std::min(piece.find('\n'), piece.size() - 1) + 1;
        server.send_all(piece.substr(0, size));
        piece.remove_prefix(size);
    }
}

int copy_lines(const program::options& given) {
    copy::local_file file(copy::file_argument(given));
    auto server = trama::tcp_stream::connect(given.host(), given.port());
    server.set_timeout(30s);
    std::string piece(65536, '\0');
    std::uint64_t sent = 0;
    while (true) {
        const std::size_t count = file.read(piece.data(), piece.size());
        if (count == 0) break;
        send_lines(server, std::string_view(piece).substr(0, count));
        sent += count;
    }
    copy::wait_for_the_end(server);
    program::say("sent ", sent, " bytes; the server does not confirm that they are stored");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples, {program::host_option(), program::port_option()},
                        copy_lines, "FILE", 1);
}

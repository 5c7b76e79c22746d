// copy_frame_client -- sends a whole file as one frame: six digits, a colon, the bytes
//
// Goal:     Send the size first, so that the server knows how many bytes come.
// Run:      ./copy_frame_server -p 5000 copy.txt
//           ./copy_frame_client -p 5000 FILE        in a second terminal
// Observe:  Any file of up to 999,999 bytes arrives as it is, an empty one, too. A larger one is
//           refused here, before anything is sent: six digits cannot hold its size.
// Exercise: Use length_prefix<8> instead of six_digit_colon, in both programs. What holds
//           now for a file of 2 GB? Look at the memory of both (VmHWM in /proc/PID/status).
// Next:     copy_frame_server.cpp; copy_stream_client.cpp, for files of any size
#include "local_file.hpp"

#include <chrono>
#include <string>
#include <utility>

namespace {

using namespace std::chrono_literals;

constexpr const char* examples = R"(
  copy_frame_client notes.txt                to port 5000 of this machine
  copy_frame_client -H pc7 -p 4000 cat.png   to port 4000 of another one

FILE has at most 999,999 bytes. Exit code 0: all was sent. The server does not
confirm that it has stored the file.
)";

/// The whole file. One that does not fit into a frame is refused before it is read, and one that
/// changes meanwhile before anything is sent.
std::string read_whole(copy::local_file& file) {
    constexpr std::size_t most = trama::six_digit_colon::max_payload;
    if (file.size() > most)
        throw program::usage_error(trama::escaped(file.name()) + " has " +
                                   std::to_string(file.size()) + " bytes, and a frame carries " +
                                   std::to_string(most) + ": try copy_stream_client");
    std::string whole(copy::at_most(most, file.size()), '\0');
    std::size_t size = 0;
    while (size < whole.size()) {
        const std::size_t count = file.read(whole.data() + size, whole.size() - size);
        if (count == 0) break;  // it has become shorter
        size += count;
    }
    file.throw_if_changed();
    return whole;
}

int copy_frame(const program::options& given) {
    copy::local_file file(copy::file_argument(given));
    const std::string whole = read_whole(file);
    trama::framed_stream<trama::six_digit_colon> server(
        trama::tcp_stream::connect(given.host(), given.port()));
    server.stream().set_timeout(30s);
    server.send_frame(whole);
    copy::wait_for_the_end(server.stream());
    program::say("sent ", whole.size(), " bytes; the server does not confirm that they are stored");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples, {program::host_option(), program::port_option()},
                        copy_frame, "FILE", 1);
}

// download-file -- fetches a file from the file store
//
// Goal:     Receive a file of known length into a file that is complete, or not there.
// Run:      ./start-server                         in another terminal
//           ./download-file -n NAME -d FILE
// Observe:  Press Ctrl-C in the middle: an older file at FILE stays as it was, and no part of the
//           new one is left.
// Exercise: Does this client wait for the end of the stream? Try it with nc -l as the server.
// Next:     list-files.cpp, what there is.
#include "connection.hpp"

#include "../support/progress.hpp"

#include <filesystem>
#include <limits>
#include <string>
#include <system_error>

namespace {

using store::level;

constexpr const char* examples = R"(
  download-file -n photo.jpg -d photo.jpg                 from localhost, port 4321
  download-file -H 192.168.1.7 -n final -d old/final.pdf  makes the folder old if necessary
)";

/// The path to save to. If something is there already, it must be a regular file: a file cannot
/// replace a folder, and should not replace a device (/dev/null). Throws usage_error.
std::filesystem::path destination(const std::string& typed) {
    std::error_code none;
    const std::filesystem::path absolute = std::filesystem::absolute(typed, none);
    if (none) throw program::usage_error("the folder where you are: " + none.message());
    const std::filesystem::path path = weakly_canonical(absolute, none);
    const auto status = std::filesystem::status(path, none);
    if (none && none != std::errc::no_such_file_or_directory && none != std::errc::not_a_directory)
        throw program::usage_error(trama::escaped(typed) + ": " + none.message());
    if (!path.has_filename())
        throw program::usage_error(trama::escaped(typed) + " is no name of a file");
    if (exists(status) && !is_regular_file(status))
        throw program::usage_error(trama::escaped(typed) + " is there, and is no regular file");
    return path;
}

/// Requests the file. Returns its size; its bytes come next.
std::uint64_t request(store::connection& server, const std::string& name) {
    server.send(store::byte_of(store::download));
    store::expect_ok(server);
    server.send(store::sized(name));
    store::expect_ok(server);
    const std::uint64_t size = server.receive_number();
    if (size > std::numeric_limits<std::int64_t>::max())
        throw program::peer_error("no file has " + std::to_string(size) + " bytes");
    return size;
}

/// Receives the file. Only a whole one replaces an older file.
void save(store::connection& server, std::uint64_t size, const std::filesystem::path& path) {
    const std::string above = path.parent_path().string();
    std::error_code error;
    std::filesystem::create_directories(above, error);
    if (error) throw trama::file_error(error.value(), "make folder", above);
    const trama::folder folder(above);
    trama::atomic_file::clear_leftovers(folder);
    trama::atomic_file file(folder, path.filename().string());
    {
        program::progress_bar bar(size, false);
        server.receive_file(file.fd(), size, [&](std::uint64_t done) { bar.show(done); });
    }
    file.commit();
}

void fetch(const program::options& given, const std::filesystem::path& path) {
    trama::tcp_stream stream = store::connect_to_server(given);
    const program::hang_up_on_stop guard(stream.fd());
    store::traffic bytes;
    store::connection server(stream, bytes);
    const std::uint64_t size = request(server, given.text("name"));
    save(server, size, path);
    store::log(level::info, "File ", program::harmless(given.text("name")), " downloaded (",
               store::size_text(size), ").");
}

int download_file(const program::options& given) {
    store::check_options(given, {"name", "dst"});
    const std::filesystem::path path = destination(given.text("dst"));
    try {
        fetch(given, path);
    } catch (const std::exception& error) {
        if (!program::stopping()) throw;
        store::log(level::warning, program::reason(error), ": nothing was saved");
        return 1;
    }
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {{'n', "name", "NAME", "", "the name of the file in the store (required)"},
         {'d', "dst", "FILE", "", "where to save it; the program makes missing folders (required)"},
         program::host_option(),
         program::port_option("4321"),
         {'t', "timeout", "SECONDS", "30", "give up when nothing moves for this long; 0: never"}},
        download_file);
}

// upload-file -- sends a file to the file store
//
// Goal:     Send a file of any size, and notice an answer that comes before all was sent.
// Run:      ./start-server                         in another terminal
//           ./upload-file -s FILE -n NAME
// Observe:  The bar, and at the end: did the server confirm that the file is stored?
// Exercise: Upload a large file under the name ../x. How much of it is sent?
// Next:     download-file.cpp, the way back.
#include "connection.hpp"

#include "../support/progress.hpp"

#include <cerrno>
#include <chrono>
#include <cstdint>
#include <string>
#include <system_error>

#include <fcntl.h>

namespace {

using namespace std::chrono_literals;
using store::level;

constexpr const char* examples = R"(
  upload-file -s photo.jpg -n photo.jpg               to localhost, port 4321
  upload-file -H 192.168.1.7 -s report.pdf -n final   under another name, to another machine
)";

/// Opens the file to send. Throws file_error.
trama::unique_fd open_source(const std::string& path) {
    // O_NONBLOCK: without it, opening a FIFO waits until a program writes to it.
    trama::unique_fd file(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
    if (!file) throw trama::file_error(errno, "open", path);
    return file;
}

class uploader {
public:
    explicit uploader(trama::tcp_stream server)
        : server_(std::move(server)), peer_(server_, bytes_) {}

    /// Returns true if the server confirmed that it has stored the file.
    bool upload(int file, std::uint64_t size, const std::string& name) {
        peer_.send(store::byte_of(store::upload));
        store::expect_ok(peer_);
        peer_.send(store::sized(name) + store::bytes_of(size));
        if (!send_data(file, size)) {
            const std::optional<char> code = peer_.receive_byte();
            if (code && *code != store::ok) throw program::peer_error(store::text_of(*code));
            throw program::peer_error("the server closed before it had the whole file");
        }
        return is_confirmed();
    }

private:
    /// Returns false if the server answered before it had the whole file: it refuses the rest.
    bool send_data(int file, std::uint64_t size) {
        program::progress_bar bar(size, true);
        try {
            return peer_.send_file(
                file, size, [&](std::uint64_t sent) { bar.show(sent); },
                [&] { return !has_answered(); });
        } catch (const trama::network_error&) {
            if (!has_answered()) throw;
            return false;
        }
    }

    bool has_answered() const {
        pollfd watched{server_.fd(), POLLIN, 0};
        return ::poll(&watched, 1, 0) == 1;
    }

    /// Waits for the status that confirms the upload. Servers of the course send none and keep the
    /// connection open: so it waits for 2 s only, and neither silence nor a close is an error.
    bool is_confirmed() {
        server_.set_timeout(2s);
        try {
            const std::optional<char> code = peer_.receive_byte();
            if (code && *code != store::ok) throw program::peer_error(store::text_of(*code));
            return code.has_value();
        } catch (const trama::network_error& error) {
            if (error.code() != std::errc::timed_out) throw;
            return false;
        }
    }

    trama::tcp_stream server_;
    store::traffic bytes_;
    store::connection peer_;
};

int upload_file(const program::options& given) {
    store::check_options(given, {"src", "name"});
    const std::string& name = given.text("name");
    const trama::unique_fd file = open_source(given.text("src"));
    const std::uint64_t size = trama::size_of_file(file.get(), given.text("src"));
    uploader to(store::connect_to_server(given));
    const bool is_confirmed = to.upload(file.get(), size, name);
    store::log(level::info, "File ", program::harmless(name),
               is_confirmed ? " sent and confirmed" : " sent, not confirmed", " (",
               store::size_text(size), ").");
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {{'s', "src", "FILE", "", "the file to send (required)"},
         {'n', "name", "NAME", "", "its name in the store (required)"},
         program::host_option(),
         program::port_option("4321"),
         {'t', "timeout", "SECONDS", "30", "give up when nothing moves for this long; 0: never"}},
        upload_file);
}

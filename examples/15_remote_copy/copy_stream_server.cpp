// copy_stream_server -- stores files of any size: wholly, or not at all
//
// Goal:     Receive files from many clients at once, and keep what came when one of them is cut.
// Run:      ./copy_stream_server -p 5000 -d copies
//           ./copy_stream_client -p 5000 FILE       in a second terminal
// Observe:  While a file comes, its name shows the old one, or none. ls copies/.partial shows what
//           has come. End the server with kill -9, start both again: the client sends the rest.
// Exercise: The checksum does not protect from people. What could an attacker change on the way?
//           What could a client do to the files of others? What would you need against it?
// Next:     16_file_store, where files can be fetched as well
#include "../support/file_name.hpp"
#include "checksum.hpp"
#include "client_threads.hpp"
#include "conversation.hpp"
#include "partial_file.hpp"

#include <chrono>
#include <cstdint>
#include <exception>
#include <string>
#include <string_view>
#include <thread>
#include <utility>

namespace {

using namespace std::chrono_literals;

constexpr const char* examples = R"(
  copy_stream_server                      files that come to port 5000 go to the folder copies
  copy_stream_server -d in -H 127.0.0.1   to the folder in, and from this machine only

If a connection breaks, the server keeps what it has of the file in DIR/.partial.
)";

/// The folder of the complete files, and the one of the unfinished files.
struct storage {
    explicit storage(const std::string& path)
        : whole(trama::folder::make(path)), partial(whole.make_inside(".partial")) {}
    trama::folder whole;
    trama::folder partial;
};

constexpr const char* the_client = "the client";  // in errors

/// The file that a client wants to store.
struct request {
    std::uint64_t size;
    std::string name;
};

/// "put SIZE NAME". Throws peer_error: this is not a name for a file of ours.
request parse(const std::string& message, const trama::folder& whole) {
    const auto [size, name] = copy::split(copy::rest_of(message, "put", the_client));
    if (!program::is_file_name(name)) throw program::peer_error("no file can have this name here");
    struct stat status {};
    const bool is_there = ::fstatat(whole.fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0;
    if (is_there && !S_ISREG(status.st_mode))
        throw program::peer_error("something other than a file has this name");
    return {copy::number(size), name};
}

/// Sends how many bytes of the file are here. Returns where the client continues: after them, or at
/// 0.
std::uint64_t negotiate_start(copy::conversation& client, copy::partial_file& part,
                              std::uint64_t size, copy::checksum& sum) {
    if (part.size() > size) part.clear();
    const std::uint64_t there = part.size();
    part.add_to(sum, [&] { client.stop_if_asked(); });
    client.send_message("have " + std::to_string(there) + ' ' + sum.text());
    const auto work = copy::conversation::time_for(there);
    const std::uint64_t start = copy::number(client.expect("from", work));
    if (start == there) return there;
    if (start != 0) throw program::peer_error("only 0 or what is there can be the start");
    part.clear();
    sum = {};
    return 0;
}

void receive_data(copy::conversation& client, copy::partial_file& part, std::uint64_t left,
                  copy::checksum& sum) {
    std::string piece(copy::piece_size, '\0');
    while (left > 0) {
        const std::size_t most = copy::at_most(piece.size(), left);
        const std::size_t count = client.recv_data(piece.data(), most);
        if (count == 0) throw program::peer_error("the client has closed in the middle of a file");
        const std::string_view bytes = std::string_view(piece).substr(0, count);
        sum.add(bytes);
        part.append(bytes);
        left -= count;
    }
}

/// Receives one file. If it throws, the bytes that have come stay, unless their sum is wrong.
void receive(copy::conversation& client, copy::partial_file& part, std::uint64_t size) {
    copy::checksum sum;
    const std::uint64_t start = negotiate_start(client, part, size, sum);
    receive_data(client, part, size - start, sum);
    if (client.expect("sum") == sum.text()) return;
    part.discard();
    throw program::peer_error("the bytes that came are not those that were sent");
}

void store(copy::conversation& client, const storage& folders, const request& wanted,
           const trama::stop_signal& stop) {
    copy::partial_file part(folders.partial, wanted.name, stop);
    try {
        receive(client, part, wanted.size);
        part.commit(folders.whole);
    } catch (const trama::file_error&) {
        part.discard();  // most likely the disk is full: frees the space
        throw;
    }
    program::say(client.peer(), ": stored ", program::harmless(wanted.name), ", ", wanted.size,
                 " bytes");
    client.send_message("stored");
}

void serve_files(copy::conversation& client, const storage& folders,
                 const trama::stop_signal& stop) {
    while (const auto message = client.recv_message()) {
        program::say_more(client.peer(), ": ", program::harmless(*message));
        const request wanted = parse(*message, folders.whole);
        store(client, folders, wanted, stop);
    }
}

/// The body of each thread. An exception that left a thread would end the whole program.
void serve(copy::conversation& client, const storage& folders,
           const trama::stop_signal& stop) noexcept {
    try {
        serve_files(client, folders, stop);
    } catch (const trama::file_error& error) {
        program::say(client.peer(), ": ", error.what());
        client.refuse("it cannot be stored: " + error.code().message(), 1s);
    } catch (const program::peer_error& error) {
        program::say(client.peer(), ": ", error.what());
        client.refuse(error.what(), 1s);
    } catch (const std::exception& error) {
        program::say(client.peer(), " is lost: ", error.what());
    }
}

/// Accepts clients, and starts a thread for each one.
class copy_server {
public:
    explicit copy_server(const program::options& given)
        : folders_(given.text("dir")),
          patience_(std::chrono::seconds(given.number("timeout", 1, 86400))),
          listener_(trama::tcp_listener::listen(given.host(), given.port())),
          threads_(static_cast<std::size_t>(given.number("max-clients", 1, 10000))) {
        const std::chrono::hours keep(given.number("keep", 0, 87600));
        copy::partial_file::clear_old(folders_.partial, keep);
    }

    int run() {
        stop_.catch_signals();
        program::announce(listener_.local_endpoint());
        trama::poll_selector ready;
        ready.add(listener_.fd(), trama::interest::read);
        ready.add(stop_.fd(), trama::interest::read);
        while (!stop_.stopped()) {
            ready.wait();
            accept_client();
        }
        return 0;
    }

private:
    void accept_client() {
        trama::tcp_stream stream;
        const trama::io_result result = listener_.try_accept(stream);
        if (result.status == trama::io_status::done) serve_in_thread(std::move(stream));
        if (result.status != trama::io_status::failed) return;
        program::say_error("cannot accept: ", result.error.message());
        std::this_thread::sleep_for(100ms);  // it would fail again at once
    }

    void serve_in_thread(trama::tcp_stream stream) {
        try {
            copy::conversation client(std::move(stream), stop_, patience_, the_client);
            if (threads_.is_full()) return client.refuse("the server is full", 20ms);
            threads_.start(
                [this, client = std::move(client)]() mutable { serve(client, folders_, stop_); });
        } catch (const std::exception&
                     error) {  // the socket failed, or the system allows no more threads
            program::say_error("a client is refused: ", error.what());
        }
    }

    const storage folders_;
    const trama::duration patience_;
    trama::stop_signal stop_;
    trama::tcp_listener listener_;
    copy::client_threads threads_;  // the last member: the threads end before what they use
};

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::address_option(),
         program::port_option(),
         {'d', "dir", "DIR", "copies", "the folder for the files, made if necessary"},
         {'k', "keep", "HOURS", "24", "at the start, delete unfinished files that are older"},
         {'m', "max-clients", "N", "100", "serve at most N clients at once"},
         {'t', "timeout", "SECONDS", "30", "drop a client that does nothing for this long"}},
        [](const program::options& given) { return copy_server(given).run(); });
}

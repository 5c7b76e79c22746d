// collector_server -- stores the files of many clients at once, and never waits for one of them
//
// Goal:     Receive any number of files at once, of any size, with one thread and one selector. A
//           file in the folder is complete.
// Run:      ./collector_server
//           ./collector_client -v -d ~/Pictures      in a second terminal, and in a third one
// Observe:  collected/127.0.0.1/ has the files. While a file comes, there is only a hidden file
//           .trama-...; end the client with Ctrl-C, and it is deleted. No file is replaced: the
//           second foto.jpg becomes foto-2.jpg.
// Exercise: The last "recibido" of a file waits for fsync(2), and so do all other clients. Measure
//           with strace -T -e fsync. Then move fsync to a thread. How does the thread report to the
//           loop that it is done?
// Next:     collector_client.cpp
#include "../support/progress.hpp"
#include "collector.hpp"

#include <chrono>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace {

constexpr const char* examples = R"(
  collector_server                on port 65433 of every IPv4 address, into the folder collected
  collector_server -d /srv/media  into a folder that is there already

The files of a client go into a folder below FOLDER; its name is the address of the client.
)";

constexpr const char* usual_folder = "collected";

// Each has a connection, a folder and a file open, and a program may have 1,024 descriptors.
constexpr std::size_t most_clients = 200;

// So that a client cannot keep all others waiting while a free name is looked for.
constexpr int most_of_one_name = 1000;

/// A file that is being received. Without store() nothing of it stays.
struct upload {
    trama::folder place;
    trama::atomic_file file;
    collector::header header;
    std::uint64_t left;  // bytes that are still to come
    int parts = 0;       // that have come
};

/// The state of a client: the file that it is sending, or nothing.
using server = trama::message_server<collector::codec, std::optional<upload>>;
using client = server::client;

/// Returns the name of the folder of a client: its address, as this server sees it. The address of
/// an IPv4 client of a server for both families is "::ffff:192.0.2.1".
std::string folder_of(const client& peer) {
    constexpr std::string_view mapped = "::ffff:";
    const std::string address = peer.remote_endpoint().address();
    const bool is_mapped = address.compare(0, mapped.size(), mapped) == 0;
    return is_mapped ? address.substr(mapped.size()) : address;
}

/// Writes to the file. This waits for the disk when the memory of the kernel is full.
void write(upload& to, std::string_view bytes) {
    if (bytes.size() > to.left) throw program::peer_error("more bytes than announced");
    to.left -= bytes.size();
    trama::write_all(to.file.fd(), bytes, to.place.path_to(to.header.name));
}

/// Stores the file under the first name that is free, and returns it.
std::string store(upload& done) {
    if (done.left > 0) throw program::peer_error("fewer bytes than announced");
    for (int number = 1; number <= most_of_one_name; ++number) {
        const std::string name = collector::numbered(done.header.name, number);
        if (done.file.commit_new(name)) return name;
    }
    throw program::peer_error("too many files of this name");
}

class collector_server {
public:
    explicit collector_server(const program::options& given)
        : root_(open_root(given.text("dir"))),
          server_(given.host(), given.port(), collector::longest_frame) {
        server_.idle_timeout(given.timeout());
        server_.message_timeout(std::chrono::minutes(2));
        server_.max_clients(most_clients);
        server_.on_join([](client& peer) { program::say(peer.remote_endpoint(), " came"); });
        server_.on_message([this](client& peer, std::string_view bytes) { receive(peer, bytes); });
        server_.on_idle([](client& peer) { peer.send("error: silent for too long"); });
        server_.on_leave([](client& peer, std::string_view why) {
            delete_unfinished(peer);
            program::say(peer.remote_endpoint(), " left: ", why);
        });
        server_.on_refused(
            [](auto& peer, auto why) { program::say_error(peer, " is refused: ", why); });
    }

    int run() {
        program::announce(server_.local_endpoint());
        server_.run();
        return 0;
    }

private:
    static trama::folder open_root(const std::string& path) {
        trama::folder root = path == usual_folder ? trama::folder::make(path) : trama::folder(path);
        for (const auto& entry : std::filesystem::directory_iterator(path))
            if (entry.symlink_status().type() == std::filesystem::file_type::directory)
                clear(root, entry.path().filename());
        return root;
    }

    /// Deletes the unfinished files of a server that was killed.
    static void clear(const trama::folder& root, const std::string& name) {
        try {
            trama::atomic_file::clear_leftovers(root.make_inside(name));
        } catch (const trama::file_error& error) {  // then it is not one of ours
            program::say_more("skipped: ", error.what());
        }
    }

    // [region on-message]
    void receive(client& peer, std::string_view bytes) {
        try {
            if (!peer.state) return begin(peer, collector::read_header(bytes));
            if (bytes.empty()) return end_part(peer);
            write(*peer.state, bytes);
        } catch (const program::peer_error& error) {
            refuse(peer, error.what(), error.what());
        } catch (const trama::file_error& error) {
            refuse(peer, error.what(), error.code().message());
        }
    }
    // [/region on-message]

    void begin(client& peer, const collector::header& header) {
        trama::folder place = root_.make_inside(folder_of(peer));
        trama::atomic_file file(place, header.name);
        peer.state = upload{std::move(place), std::move(file), header, header.size};
    }

    void end_part(client& peer) {
        upload& now = *peer.state;
        ++now.parts;
        program::say_more(peer.remote_endpoint(), ": part ", now.parts, " of ",
                          program::shown{now.header.name});
        if (now.parts == collector::parts) {
            const std::string name = store(now);
            program::say(peer.remote_endpoint(), ": ", program::size_text(now.header.size),
                         ", stored as ", program::shown{now.place.path_to(name)});
            peer.state.reset();
        }
        peer.send(collector::received);
    }

    /// Sends `reply` to the client, and closes. The log gets `why`, with details that strangers
    /// need not know.
    static void refuse(client& peer, const char* why, const std::string& reply) {
        delete_unfinished(peer);
        program::say_error(peer.remote_endpoint(), ": error: ", why);
        peer.send("error: " + reply);
        peer.close();
    }

    /// Deletes the file that a client has not finished, and then says so: a person or a program
    /// that reads the log finds the folder as the log says.
    static void delete_unfinished(client& peer) {
        if (!peer.state) return;
        const std::string name = peer.state->header.name;
        peer.state.reset();
        program::say("deleted the unfinished ", program::shown{name});
    }

    trama::folder root_;
    server server_;
};

int collect(const program::options& given) {
    return collector_server(given).run();
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::address_option(),
         program::port_option("65433"),
         {'d', "dir", "FOLDER", usual_folder,
          "where to store; the server makes the default folder"},
         {'t', "timeout", "SECONDS", "60", "drop a client that stays silent this long; 0: never"}},
        collect);
}

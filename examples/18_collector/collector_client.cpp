// collector_client -- sends all images, PDFs, audio and video below a folder to collector_server
//
// Goal:     Write a client that does not block either. One selector shows when the server can
//           receive more, when it has answered, and when the user has pressed Ctrl-C.
// Run:      ./collector_server
//           ./collector_client -v -d ~/Pictures      in a second terminal
// Observe:  Four parts of each file, and each one is acknowledged before the next. Stop
//           the server with Ctrl-C in the middle: the client says at once what happened.
// Exercise: The rule "not before recibido" costs a round trip for each part. How long do 1,000
//           files of 4 bytes take at 50 ms? Send the next file's header and first part while the
//           last acknowledgement of this one is under way. Does the server have to change?
// Next:     docs/answers.md, the questions of all labs
#include "../support/progress.hpp"
#include "collector.hpp"
#include "gather.hpp"

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

namespace fs = std::filesystem;

constexpr const char* examples = R"(
  collector_client -d ~/Pictures        to port 65433 of this machine
  collector_client -H server.example    all below this folder, to another machine

The names of the files that were stored go to stdout. Exit code 2: some could not be read. The
last answer to a large file comes when the file is on the disk of the server: see --timeout.
)";

/// The file that is being sent.
struct upload {
    std::string path;
    trama::unique_fd file;
    std::uint64_t size;
    int part = 0;              // 0 to 3: being sent, or waiting for its "recibido"
    std::uint64_t left = 0;    // bytes of this part that were not yet read
    bool is_awaiting = false;  // the part was sent: waiting for the server
};

class sender {
public:
    explicit sender(const program::options& given)
        : folder_(given.text("dir")), timeout_(given.timeout()) {
        const trama::folder must_be_there(given.text("dir"));
        collector::gather(folder_, "", found_);
        std::sort(found_.files.begin(), found_.files.end());
        server_ = trama::tcp_stream::connect(given.host(), given.port(), timeout_);
        server_.set_no_delay(true);
    }

    int run() {
        stop_.catch_signals();
        ready_.add(stop_.fd(), trama::interest::read);
        while (fill()) {
            serve_round();
        }
        program::say(sent_, " files sent, ", program::size_text(bytes_));
        if (found_.failures == 0) return 0;
        throw program::usage_error(std::to_string(found_.failures) + " could not be sent");
    }

private:
    /// Waits for the server and for Ctrl-C at once. No other call may wait for the network.
    void serve_round() {
        ready_.add(server_.fd(),
                   outbox_.empty() ? trama::interest::read : trama::interest::read_write);
        const trama::ready_events& events = ready_.wait(limit_.left());
        if (events.empty()) throw program::peer_error("the server does nothing: time is up");
        for (const trama::ready_event event : events) {
            if (event.fd == stop_.fd()) throw stopped();
            if (event.readable) receive();
            if (event.writable) send();
        }
    }

    // [region fill]
    /// Appends to the outbox what may be sent now: after the end of a part nothing, until the
    /// server has acknowledged it. Returns false when all files are done.
    bool fill() {
        while (outbox_.size() < collector::longest_frame) {
            if (!now_ && !begin_next()) return false;
            if (now_->is_awaiting) return true;
            if (now_->left > 0) {
                add(read_piece());
            } else {
                end_part();
            }
        }
        return true;
    }
    // [/region fill]

    void add(std::string_view message) { collector::codec::encode(message, outbox_); }

    /// Opens the next file that can be opened. Returns false if there is none.
    bool begin_next() {
        while (!now_ && next_ < found_.files.size()) begin(found_.files[next_++]);
        return now_.has_value();
    }

    void begin(const fs::path& path) {
        try {
            const std::string name = path.filename();
            if (!program::is_file_name(name))
                throw program::usage_error("no server takes this name");
            trama::unique_fd file = trama::folder((folder_ / path).parent_path()).open(name);
            const std::uint64_t size = trama::size_of_file(file.get(), path);
            now_ = upload{path, std::move(file), size};
            add(collector::header{size, name}.text());
            begin_part(0);
        } catch (const std::runtime_error& error) {
            ++found_.failures;
            program::say_error("skipped: ", program::shown{path.native()}, ": ", error.what());
        }
    }

    void begin_part(int part) {
        now_->part = part;
        now_->left = collector::size_of_part(now_->size, part);
        now_->is_awaiting = false;
    }

    /// The next bytes of this part, as many as fit into one frame. This may wait for the disk: for
    /// a selector a file is always ready.
    std::string read_piece() {
        const auto size = std::min<std::uint64_t>(now_->left, collector::longest_frame);
        std::string piece(static_cast<std::size_t>(size), '\0');
        piece.resize(trama::read_some(now_->file.get(), piece.data(), piece.size(), now_->path));
        if (piece.empty())
            throw program::usage_error(trama::escaped(now_->path) +
                                       " became shorter while it was sent");
        now_->left -= piece.size();
        return piece;
    }

    void end_part() {
        add("");
        now_->is_awaiting = true;
    }

    void send() {
        const trama::io_result result = server_.try_send_some(outbox_);
        if (result.status == trama::io_status::failed) {
            receive();  // the server may have sent the reason before it closed
            throw std::system_error(result.error, "send to the server");
        }
        outbox_.erase(0, result.bytes);
        limit_ = trama::deadline(timeout_);
    }

    void receive() {
        constexpr std::size_t most = 1024;
        const trama::io_result result = server_.try_recv_some(answers_.prepare(most), most);
        switch (result.status) {
            case trama::io_status::done: break;
            case trama::io_status::would_block: return;
            case trama::io_status::failed:
                throw std::system_error(result.error, "receive from the server");
            case trama::io_status::end_of_stream:
                answers_.receive_eof();
                throw program::peer_error("the server closed before all was sent");
        }
        answers_.commit(result.bytes);
        while (const auto answer = answers_.next_frame()) take(*answer);
    }

    void take(std::string_view answer) {
        if (answer != collector::received)
            throw program::peer_error("the server says \"" + trama::escaped(answer) + '"');
        if (!now_ || !now_->is_awaiting || !outbox_.empty())
            throw program::peer_error("the server acknowledges what was not sent");
        limit_ = trama::deadline(timeout_);
        const std::uint64_t size = collector::size_of_part(now_->size, now_->part);
        program::say_more(program::shown{now_->path}, ": part ", now_->part + 1, " of 4, ",
                          program::size_text(size));
        if (now_->part + 1 < collector::parts) return begin_part(now_->part + 1);
        program::print(now_->path);
        ++sent_;
        bytes_ += now_->size;
        now_.reset();
    }

    program::peer_error stopped() const {
        return program::peer_error("stopped: " + std::to_string(sent_) + " of " +
                                   std::to_string(found_.files.size()) + " files were sent");
    }

    const fs::path folder_;
    const trama::duration timeout_;
    collector::findings found_;
    std::size_t next_ = 0;  // the file after this one
    std::optional<upload> now_;
    trama::tcp_stream server_;
    trama::stop_signal stop_;
    trama::poll_selector ready_;
    trama::frame_decoder<collector::codec> answers_{1000};
    std::string outbox_;  // not yet taken by the kernel
    trama::deadline limit_{timeout_};
    std::size_t sent_ = 0;
    std::uint64_t bytes_ = 0;
};

int send_all(const program::options& given) {
    return sender(given).run();
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::host_option(),
         program::port_option("65433"),
         {'d', "dir", "FOLDER", ".", "where to look, with all folders below it"},
         {'t', "timeout", "SECONDS", "120", "give up when nothing moves for this long; 0: never"}},
        send_all);
}

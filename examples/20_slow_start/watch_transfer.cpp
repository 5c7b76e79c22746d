// watch_transfer -- sends a file, and shows what TCP did meanwhile
//
// Goal:     See slow start, congestion avoidance, losses and a full receiver in numbers.
// Run:      ../tools/badlink -- sh -c
//           './receiver & ./watch_transfer -H $BADLINK_HOST --csv samples.csv FILE'
// Observe:  The window begins with 10 segments and doubles in each round trip. When the queue of
// the
//           link is full, segments are lost, and the window is halved. From then on it grows by one
//           segment in each round trip.
// Exercise: Which of the four experiments of this chapter can you see without badlink, over the
//           network between two computers? And over loopback?
// Next:     ../tools/segments graph --samples samples.csv, which draws the same as a picture
#include "../support/file_name.hpp"
#include "../support/program.hpp"
#include "drawing.hpp"
#include "samples.hpp"

#include <chrono>
#include <fstream>
#include <string>
#include <vector>

namespace {

using slow_start::sample;

constexpr const char* examples = R"(
  watch_transfer -H 192.0.2.2 file.bin                     send it to port 5000, and draw the window
  watch_transfer -H 192.0.2.2 --csv samples.csv file.bin   and keep the samples
)";

/// Sends a file without waiting for the peer, so that there is time to look at the connection.
class transfer {
public:
    transfer(trama::tcp_stream stream, const std::string& path, std::chrono::milliseconds every)
        : stream_(std::move(stream)),
          path_(path),
          file_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)),
          every_(every) {
        if (!file_) throw trama::file_error(errno, "open", path);
        ready_.add(stream_.fd(), trama::interest::write);
        ready_.add(program::catch_signals().fd(), trama::interest::read);
    }

    /// Returns when the peer has closed, which it does behind the last byte; or after Ctrl-C.
    void run() {
        look();
        while (!is_over_ && !program::stopping()) {
            for (const trama::ready_event event : ready_.wait(next_look_.left())) {
                if (event.fd != stream_.fd()) continue;
                if (is_sent_) {
                    receive_end();
                } else {
                    send_piece();
                }
            }
            if (next_look_.passed()) look();
        }
        look();
    }

    const std::vector<sample>& samples() const { return samples_; }

private:
    // [region look]
    void look() {
        const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start_;
        samples_.push_back({time.count(), bytes_taken_, trama::read_tcp_info(stream_)});
        next_look_ = trama::deadline(every_);
    }

    void send_piece() {
        if (rest_.empty()) read_piece();
        if (is_sent_) return;
        const trama::io_result result = stream_.try_send_some(rest_);
        if (result.status == trama::io_status::failed)
            throw trama::network_error(result.error, "send: the peer has cut the connection");
        rest_.remove_prefix(result.bytes);
        bytes_taken_ += result.bytes;
    }
    // [/region look]

    void read_piece() {
        piece_.resize(64 * 1024);
        piece_.resize(trama::read_some(file_.get(), piece_.data(), piece_.size(), path_));
        rest_ = piece_;
        if (!rest_.empty()) return;
        is_sent_ = true;
        stream_.shutdown_send();
        ready_.modify(stream_.fd(), trama::interest::read);
    }

    void receive_end() {
        char bytes[4096];
        const trama::io_result result = stream_.try_recv_some(bytes, sizeof bytes);
        if (result.status == trama::io_status::failed)
            throw trama::network_error(result.error, "receive: the peer has cut the connection");
        is_over_ = result.status == trama::io_status::end_of_stream;
    }

    trama::tcp_stream stream_;
    std::string path_;
    trama::unique_fd file_;
    trama::duration every_;
    trama::poll_selector ready_;
    std::string piece_;      // of the file,
    std::string_view rest_;  // and the part of it that the system has not taken yet
    std::uint64_t bytes_taken_ = 0;
    bool is_sent_ = false;
    bool is_over_ = false;
    std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
    trama::deadline next_look_;
    std::vector<sample> samples_;
};

void show(const std::vector<sample>& samples) {
    std::cout << slow_start::drawing(samples).text();
    const sample& last = samples.back();
    std::cout << last.bytes_taken << " bytes in " << std::fixed << std::setprecision(2)
              << last.seconds << " s; segments of " << last.known.segment_size << " bytes, "
              << last.known.retransmissions << " of them sent again\n";
}

void keep(const std::vector<sample>& samples, const std::string& path) {
    std::ofstream file(path);
    slow_start::write_csv(file, samples);
    file.close();
    if (!file) throw trama::file_error(errno, "write", path);
}

int watch(const program::options& given) {
    if (given.words().empty()) throw program::usage_error("no FILE is given");
    const std::chrono::milliseconds every(given.number("every", 1, 60'000));
    auto stream = trama::tcp_stream::connect(given.host(), given.port());
    program::say("sending ", program::shown{given.words()[0]}, " to ", stream.remote_endpoint());
    transfer sending(std::move(stream), given.words()[0], every);
    sending.run();
    show(sending.samples());
    if (given.flag("csv")) keep(sending.samples(), given.text("csv"));
    return program::stopping() ? 1 : 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples,
                        {program::host_option(),
                         program::port_option(),
                         {'e', "every", "MS", "5", "milliseconds from one look to the next"},
                         {'c', "csv", "FILE", "", "write all samples to FILE"}},
                        watch, "FILE", 1);
}

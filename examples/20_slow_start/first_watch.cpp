// first_watch -- sends 4 MB, and prints every 10 ms what TCP knows about the connection
// Run:      g++ first_watch.cpp, then: ../tools/badlink -- sh -c
//           'nc -l -p 5000 >/dev/null & sleep 1; ./a.out $BADLINK_HOST'
// Observe:  cwnd, the congestion window, doubles in each round trip, until a segment is lost.
// Missing:  a file, a drawing, an orderly stop: watch_transfer.cpp
#include "trama.hpp"

#include <chrono>
#include <exception>
#include <iostream>
#include <string>
#include <string_view>

using namespace std::chrono_literals;
using seconds = std::chrono::duration<double>;

void print_sample(const trama::tcp_stream& stream, seconds time) {
    const trama::tcp_statistics now = trama::read_tcp_info(stream);
    std::cout << time.count() << "  cwnd " << now.congestion_window << "  ssthresh "
              << now.slow_start_threshold << "  rtt " << now.round_trip_time.count() / 1000
              << " ms  sent again " << now.retransmissions << std::endl;
}

/// Sends what the system takes now. Behind the last byte, the peer gets the end of the stream.
void send_piece(trama::tcp_stream& stream, trama::poll_selector& ready, std::string_view& rest) {
    const trama::io_result result = stream.try_send_some(rest);
    if (result.status == trama::io_status::failed) throw trama::network_error(result.error, "send");
    rest.remove_prefix(result.bytes);
    if (!rest.empty()) return;
    stream.shutdown_send();
    ready.modify(stream.fd(), trama::interest::read);
}

int main(int argc, char** argv) {
    try {
        auto stream = trama::tcp_stream::connect(argc > 1 ? argv[1] : "localhost", 5000);
        const std::string data(4'000'000, 'x');
        std::string_view rest = data;  // not sent yet
        trama::poll_selector ready;
        ready.add(stream.fd(), trama::interest::write);
        const auto start = std::chrono::steady_clock::now();
        auto next_sample = start;
        while (true) {
            const auto now = std::chrono::steady_clock::now();
            if (now >= next_sample) {
                print_sample(stream, now - start);
                next_sample = now + 10ms;
            }
            if (ready.wait(next_sample - now).empty()) continue;
            if (rest.empty()) break;  // the peer has closed: it has everything
            send_piece(stream, ready, rest);
        }
        print_sample(stream, std::chrono::steady_clock::now() - start);
    } catch (const std::exception& error) {
        std::cerr << error.what() << std::endl;
        return 1;
    }
}

// samples.hpp -- what TCP knew about a connection, time after time
#pragma once

#include "trama.hpp"

#include <cstdint>
#include <ostream>
#include <vector>

namespace slow_start {

/// One look at a connection.
struct sample {
    double seconds = 0;             // since the first byte was to be sent
    std::uint64_t bytes_taken = 0;  // that the system has taken
    trama::tcp_statistics known;
};

/// 2147483647 means that no segment was lost yet.
inline bool has_threshold(const trama::tcp_statistics& known) {
    return known.slow_start_threshold < 2147483647;
}

/// One line for each sample, for a spreadsheet and for "segments graph --samples". An empty field
/// for the threshold means that there is none yet.
inline void write_csv(std::ostream& out, const std::vector<sample>& samples) {
    out << "seconds,cwnd,ssthresh,rtt_ms,unacked,retransmissions,bytes\n";
    for (const sample& each : samples) {
        out << each.seconds << ',' << each.known.congestion_window << ',';
        if (has_threshold(each.known)) out << each.known.slow_start_threshold;
        out << ',' << static_cast<double>(each.known.round_trip_time.count()) / 1000 << ','
            << each.known.unacknowledged << ',' << each.known.retransmissions << ','
            << each.bytes_taken << '\n';
    }
}

}  // namespace slow_start

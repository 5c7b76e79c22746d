// trama/net/tcp_info.hpp -- what TCP knows about a connection: round-trip time, window, losses.
// Linux only: elsewhere the call throws. man 7 tcp (TCP_INFO)
#ifndef TRAMA_NET_TCP_INFO_HPP
#define TRAMA_NET_TCP_INFO_HPP

#include <trama/net/tcp.hpp>

namespace trama {

/// A snapshot of one connection. A segment is at most `segment_size` bytes of payload.
struct tcp_statistics {
    std::chrono::microseconds round_trip_time{};       ///< smoothed
    std::chrono::microseconds round_trip_variation{};  ///< its mean deviation
    std::uint32_t congestion_window = 0;               ///< segments that may be under way
    std::uint32_t slow_start_threshold = 0;            ///< segments; 2147483647: none yet
    std::uint32_t segment_size = 0;                    ///< bytes
    std::uint32_t unacknowledged = 0;                  ///< segments sent, not yet confirmed
    std::uint32_t retransmissions = 0;                 ///< segments sent again since the start
};

/// Returns what the kernel knows about `stream` now. Throws network_error; without Linux always:
/// std::errc::not_supported.
[[nodiscard]] inline tcp_statistics read_tcp_info([[maybe_unused]] const tcp_stream& stream) {
#if defined(__linux__)
    const auto info = stream.get_option<::tcp_info>(IPPROTO_TCP, TCP_INFO, "TCP_INFO");
    tcp_statistics statistics;
    statistics.round_trip_time = std::chrono::microseconds(info.tcpi_rtt);
    statistics.round_trip_variation = std::chrono::microseconds(info.tcpi_rttvar);
    statistics.congestion_window = info.tcpi_snd_cwnd;
    statistics.slow_start_threshold = info.tcpi_snd_ssthresh;
    statistics.segment_size = info.tcpi_snd_mss;
    statistics.unacknowledged = info.tcpi_unacked;
    statistics.retransmissions = info.tcpi_total_retrans;
    return statistics;
#else
    trama_detail::throw_explained(ENOTSUP, "read option", "TCP_INFO", std::strerror(ENOTSUP),
                                  "only Linux has it");
#endif
}

}  // namespace trama

#endif  // TRAMA_NET_TCP_INFO_HPP

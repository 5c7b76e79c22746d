// trama/net/tcp_info.hpp -- what TCP knows about a connection: round-trip time, window, losses.
// Linux only: elsewhere this header declares nothing. man 7 tcp (TCP_INFO)
#pragma once

#include <trama/net/tcp.hpp>

#if defined(__linux__)

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

/// Asks the kernel about `stream`. Throws network_error.
inline tcp_statistics read_tcp_info(const tcp_stream& stream) {
    ::tcp_info info{};
    socklen_t size = sizeof info;
    const auto result = trama_detail::system_call(
        [&] { return ::getsockopt(stream.fd(), IPPROTO_TCP, TCP_INFO, &info, &size); });
    if (tracing()) trama_detail::trace(stream.fd(), result.error, "getsockopt TCP_INFO");
    trama_detail::check("read TCP_INFO of the connection with", result, stream.remote_endpoint());
    tcp_statistics told;
    told.round_trip_time = std::chrono::microseconds(info.tcpi_rtt);
    told.round_trip_variation = std::chrono::microseconds(info.tcpi_rttvar);
    told.congestion_window = info.tcpi_snd_cwnd;
    told.slow_start_threshold = info.tcpi_snd_ssthresh;
    told.segment_size = info.tcpi_snd_mss;
    told.unacknowledged = info.tcpi_unacked;
    told.retransmissions = info.tcpi_total_retrans;
    return told;
}

}  // namespace trama

#endif

// examples/tools/segments_connections.hpp -- the connections of a capture: two endpoints, from one
// SYN to the next SYN with another number.
#pragma once

#include "segments_analysis.hpp"

#include <deque>
#include <map>
#include <utility>

namespace segments {

enum direction : std::uint8_t { to_server, to_client };

struct connection {
    std::size_t number = 0;  ///< from 1, in the order in which they begin
    endpoint client;
    endpoint server;
    std::uint64_t first_time = 0;
    std::uint64_t last_time = 0;
    std::uint64_t segments = 0;
    std::uint64_t bytes[2] = {0, 0};  ///< of payload, by direction, those sent again too
    std::uint8_t flags[2] = {0, 0};   ///< that were seen, by direction
    flow flows[2];                    ///< by the direction in which the end sends
    handshake_time handshake;

    handshake_options offered[2];  ///< by the SYN of each direction
    std::uint32_t largest = 0;     ///< payload of the largest segment

    /// The payload of a full segment: the smaller MSS, less the timestamps that each one carries.
    double full_segment() const {
        const auto& up = offered[to_server];
        const auto& down = offered[to_client];
        if (!up.largest_segment || !down.largest_segment) return largest;
        const int smaller = std::min(*up.largest_segment, *down.largest_segment);
        return smaller - (up.has_timestamps && down.has_timestamps ? 12 : 0);
    }

    bool has_handshake() const {
        return (flags[to_server] & syn) != 0 && (flags[to_client] & syn) != 0;
    }
};

/// Nanoseconds from `begin` to `end`; negative if the clock was set back. A damaged file may hold
/// any times. So the result is limited to 36 years, and sums of a few cannot overflow.
inline std::int64_t elapsed(std::uint64_t begin, std::uint64_t end) {
    constexpr std::int64_t most = std::int64_t{1} << 60;
    return std::clamp(static_cast<std::int64_t>(end - begin), -most, most);
}

/// A segment with all that can be said of it.
struct observed {
    const segment& what;
    const connection& of;
    direction where = to_server;
    unsigned marks = 0;

    const flow& sender() const { return of.flows[where]; }
    const flow& receiver() const { return of.flows[where == to_server ? to_client : to_server]; }
    std::uint64_t nanoseconds() const { return what.time - of.first_time; }
    std::uint32_t relative_seq() const { return what.seq - sender().first_seq.value_or(0); }
    std::uint32_t relative_ack() const { return what.ack - receiver().first_seq.value_or(0); }
    /// In bytes. That of a SYN is never scaled.
    std::uint32_t window() const {
        return std::uint32_t{what.window} << (what.has(syn) ? 0 : sender().shift());
    }
};

class connections {
public:
    /// Each connection costs memory, and a hostile file may begin one with each segment.
    static constexpr std::size_t most = 50'000;

    /// The connection of this segment; made if it is new. nullptr: there are already `most`.
    connection* find(const segment& now) {
        const auto ends = std::minmax(now.from, now.to);
        const auto [place, is_new] = latest_.try_emplace({ends.first, ends.second}, 0);
        if (!is_new && !begins_another(now, all_[place->second])) return &all_[place->second];
        if (all_.size() == most) {
            if (is_new) latest_.erase(place);
            return nullptr;
        }
        place->second = all_.size();
        all_.push_back(begin(now));
        return &all_.back();
    }

    /// Adds a segment to its connection, and analyses it.
    static observed add(const segment& now, connection& to) {
        const direction where = now.from == to.client ? to_server : to_client;
        const direction back = where == to_server ? to_client : to_server;
        ++to.segments;
        to.last_time = now.time;
        to.bytes[where] += now.length;
        to.largest = std::max(to.largest, now.length);
        if (now.has(syn)) to.offered[where] = now.options;
        to.flags[where] = static_cast<std::uint8_t>(to.flags[where] | now.flags);
        const unsigned marks = analysis(now, to.flows[where], to.flows[back], to.handshake).run();
        return {now, to, where, marks};
    }

    const std::deque<connection>& all() const { return all_; }

private:
    /// A SYN with another first number is no repetition: the ports are used again.
    static bool begins_another(const segment& now, const connection& known) {
        if (!now.has(syn) || now.has(ack)) return false;
        const direction where = now.from == known.client ? to_server : to_client;
        const auto& first = known.flows[where].first_seq;
        return first && *first != now.seq;
    }

    connection begin(const segment& now) const {
        connection made;
        made.number = all_.size() + 1;
        made.first_time = now.time;
        const bool is_clients = is_from_client(now);
        made.client = is_clients ? now.from : now.to;
        made.server = is_clients ? now.to : now.from;
        return made;
    }

    /// The client sends the SYN. Without one, it is the end with the larger port.
    static bool is_from_client(const segment& now) {
        if (now.has(syn)) return !now.has(ack);
        return now.from.port >= now.to.port;
    }

    std::deque<connection> all_;
    std::map<std::pair<endpoint, endpoint>, std::size_t> latest_;  // places in all_
};

}  // namespace segments

// badlink_line.hpp -- one direction of a slow link: a queue, a rate, a delay, and losses
//
// There is no device and no clock in here: packets enter with the time at which they come, and
// leave at the time at which they arrive.
//
//     packet -> queue full? lost -> waits until the line is free -> size / rate -> delay -> out
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <random>
#include <string>
#include <utility>

namespace badlink {

using clock = std::chrono::steady_clock;

/// What is wrong with the link.
struct settings {
    double bytes_per_second = 1e6;
    clock::duration delay = std::chrono::milliseconds(25);
    std::size_t queue = 40;  // packets that may wait
    double loss = 0;         // percent of the packets
    double reorder = 0;      // percent of the packets, which arrive later than those behind them
    std::uint64_t seed = 0;
};

/// Numbers of one direction, for the last line of the program.
struct counts {
    std::uint64_t packets = 0;
    std::uint64_t lost_in_queue = 0;
    std::uint64_t lost_by_chance = 0;
    std::uint64_t reordered = 0;
};

class line {
public:
    line(const settings& given, std::uint64_t seed) : given_(given), random_(seed) {}

    /// A packet comes at `now`. It may be lost.
    void push(std::string packet, clock::time_point now) {
        ++counts_.packets;
        // Both numbers are drawn for every packet, so that the chances of one do not depend on how
        // long the queue happens to be.
        const bool is_lost = happens(given_.loss);
        const bool is_reordered = happens(given_.reorder);
        if (waiting(now) > given_.queue) {
            ++counts_.lost_in_queue;
        } else if (is_lost) {
            ++counts_.lost_by_chance;
        } else {
            send(std::move(packet), now, is_reordered);
        }
    }

    /// When the next packet arrives at the other end; nullopt: there is none under way.
    std::optional<clock::time_point> next_arrival() const {
        if (under_way_.empty()) return std::nullopt;
        return under_way_.begin()->first;
    }

    /// Returns a packet that has arrived until `now`, in the order of arrival; nullopt: none has.
    std::optional<std::string> pop(clock::time_point now) {
        if (under_way_.empty() || under_way_.begin()->first > now) return std::nullopt;
        std::string packet = std::move(under_way_.begin()->second);
        under_way_.erase(under_way_.begin());
        return packet;
    }

    const counts& count() const { return counts_; }

private:
    bool happens(double percent) {
        return std::uniform_real_distribution<double>(0, 100)(random_) < percent;
    }

    /// Returns how many packets have not left the queue, or leave it just now.
    std::size_t waiting(clock::time_point now) {
        while (!departures_.empty() && departures_.front() <= now) departures_.pop_front();
        return departures_.size();
    }

    void send(std::string packet, clock::time_point now, bool is_reordered) {
        const double seconds = static_cast<double>(packet.size()) / given_.bytes_per_second;
        const auto time =
            std::chrono::duration_cast<clock::duration>(std::chrono::duration<double>(seconds));
        const clock::time_point start = departures_.empty() ? now : departures_.back();
        departures_.push_back(start + time);
        clock::time_point arrival = departures_.back() + given_.delay;
        if (is_reordered) {
            ++counts_.reordered;
            arrival += 4 * time;  // some of the next ones overtake it
        }
        under_way_.emplace(arrival, std::move(packet));
    }

    settings given_;
    std::mt19937_64 random_;
    std::deque<clock::time_point> departures_;                 // of the packets that wait
    std::multimap<clock::time_point, std::string> under_way_;  // by arrival
    counts counts_;
};

}  // namespace badlink

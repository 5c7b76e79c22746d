// examples/tools/segments_curves.hpp -- from segments to the points of a graph: one class for each
// kind of graph.
//
//     sequence    what was sent, acknowledged and allowed, over time
//     throughput  bytes of payload in each hundredth of the time
//     rtt         from a segment to its ack, as seen where the capture was made
//     window      bytes that the receiver has room for, and bytes under way
//
// All of them look at one direction: that of the end which sent more. Its segments are data, and
// those of the other end are acks.
#pragma once

#include "segments_chart.hpp"
#include "segments_text.hpp"

#include <deque>
#include <functional>

namespace segments {

/// Takes a point: the number of its series, seconds, and a value.
using point_sink = std::function<void(std::size_t, double, double)>;

/// Makes the points of one kind of graph.
class curves {
public:
    virtual ~curves() = default;
    virtual void add(const observed& seen, const point_sink& sink) = 0;
    /// To be called behind the last segment.
    virtual void finish(const point_sink&) {}
    virtual axis values() const = 0;
    virtual std::vector<series> all() const = 0;
    virtual const char* title() const = 0;
};

/// The direction of the data.
inline direction busier(const connection& of) {
    return of.bytes[to_client] > of.bytes[to_server] ? to_client : to_server;
}

inline double seconds(std::uint64_t nanoseconds) {
    return static_cast<double>(static_cast<std::int64_t>(nanoseconds)) / 1e9;
}

/// Sequence numbers that do not start again at 0 after 4 GiB.
class long_number {
public:
    double next(std::uint32_t relative) {
        last_ += static_cast<std::int32_t>(relative - static_cast<std::uint32_t>(last_));
        return static_cast<double>(last_);
    }

private:
    std::int64_t last_ = 0;
};

class sequence_curves : public curves {
public:
    explicit sequence_curves(direction data) : data_(data) {}

    void add(const observed& seen, const point_sink& sink) override {
        const double now = seconds(seen.nanoseconds());
        if (seen.where != data_) {
            if (!seen.what.has(ack) || seen.what.has(rst)) return;
            const double acknowledged = acked_.next(seen.relative_ack());
            sink(2, now, acknowledged);
            sink(3, now, acknowledged + seen.window());
        } else if (seen.what.length > 0) {
            const bool is_again = (seen.marks & (any_retransmission | out_of_order)) != 0;
            sink(is_again ? 1 : 0, now, sent_.next(seen.relative_seq() + seen.what.length));
        }
    }

    axis values() const override { return {"bytes since the start", "B"}; }
    std::vector<series> all() const override {
        return {{"data", "blue", false},
                {"sent again, or out of order", "red", false},
                {"acknowledged", "green", true},
                {"end of the receive window", "grey", true, true}};
    }
    const char* title() const override { return "Sequence numbers"; }

private:
    direction data_;
    long_number sent_;
    long_number acked_;
};

class throughput_curves : public curves {
public:
    throughput_curves(direction data, std::uint64_t nanoseconds)
        : data_(data), width_(std::max(seconds(nanoseconds) / bins, 1e-6)) {}

    void add(const observed& seen, const point_sink&) override {
        if (seen.where != data_) return;
        const double place = seconds(seen.nanoseconds()) / width_;
        const auto bin = static_cast<std::size_t>(std::clamp(place, 0.0, bins - 1.0));
        const double bits = 8.0 * seen.what.length;
        all_bits_[bin] += bits;
        if ((seen.marks & any_retransmission) == 0) new_bits_[bin] += bits;
    }

    void finish(const point_sink& sink) override {
        for (std::size_t bin = 0; bin < bins; ++bin) {
            const double begin = static_cast<double>(bin) * width_;
            sink(0, begin, all_bits_[bin] / width_);
            sink(1, begin, new_bits_[bin] / width_);
        }
    }

    axis values() const override { return {"payload", "bit/s"}; }
    std::vector<series> all() const override {
        return {{"all that was sent", "red", true}, {"without retransmissions", "blue", true}};
    }
    const char* title() const override { return "Throughput"; }

private:
    static constexpr std::size_t bins = 100;

    direction data_;
    double width_;  // of a bin, in seconds
    std::array<double, bins> all_bits_{};
    std::array<double, bins> new_bits_{};
};

class rtt_curves : public curves {
public:
    explicit rtt_curves(direction data) : data_(data) {}

    void add(const observed& seen, const point_sink& sink) override {
        if (seen.where == data_) {
            expect(seen);
        } else if (seen.what.has(ack)) {
            answer(seen, sink);
        }
    }

    axis values() const override { return {"round trip", "s"}; }
    std::vector<series> all() const override {
        return {{"from a segment to its ack", "blue", false},
                {"smoothed, by the sender", "green", true}};
    }
    const char* title() const override { return "Round trip time"; }

private:
    struct waiting {
        std::uint32_t end;
        std::uint64_t time;
    };
    static constexpr std::size_t most_waiting = 100'000;

    /// An ack does not say which of two equal segments it is for: such segments do not count.
    void expect(const observed& seen) {
        if ((seen.marks & (any_retransmission | out_of_order)) != 0) {
            waiting_.clear();
        } else if (seen.what.span() > 0 && waiting_.size() < most_waiting) {
            waiting_.push_back({seen.what.seq + seen.what.span(), seen.what.time});
        }
    }

    void answer(const observed& seen, const point_sink& sink) {
        std::optional<std::uint64_t> sent;
        while (!waiting_.empty() && is_not_behind(waiting_.front().end, seen.what.ack)) {
            sent = waiting_.front().time;
            waiting_.pop_front();
        }
        if (sent) sink(0, seconds(seen.nanoseconds()), seconds(seen.what.time - *sent));
    }

    direction data_;
    std::deque<waiting> waiting_;  // for their acks, in the order of their numbers
};

class window_curves : public curves {
public:
    explicit window_curves(direction data) : data_(data) {}

    void add(const observed& seen, const point_sink& sink) override {
        const double now = seconds(seen.nanoseconds());
        if (seen.where != data_ && !seen.what.has(rst)) sink(0, now, seen.window());
        const flow& sender = seen.of.flows[data_];
        const flow& receiver = seen.of.flows[data_ == to_server ? to_client : to_server];
        if (!sender.next_seq || receiver.last_ack == 0) return;
        const std::uint32_t under_way = *sender.next_seq - receiver.last_ack;
        if (under_way < 0x8000'0000u) sink(1, now, under_way);
    }

    axis values() const override { return {"bytes", "B"}; }
    std::vector<series> all() const override {
        return {{"receive window", "grey", true},
                {"sent, not acknowledged", "blue", true},
                {"congestion window", "green", true},
                {"slow start threshold", "orange", true}};
    }
    const char* title() const override { return "Windows"; }

private:
    direction data_;
};

}  // namespace segments

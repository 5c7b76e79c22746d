// examples/tools/segments_samples.hpp -- what a sender knew of its connection (man 7 tcp,
// TCP_INFO), as a file with a sample in each line:
//
//     seconds,cwnd,ssthresh,rtt_ms,unacked,retransmissions
//     0.050,10,,50.3,10,0
//
// An empty ssthresh, or 2147483647, means that there is no threshold yet: no segment was lost.
// The wire does not show the congestion window. Only the sender knows it, and counts it in
// segments.
#pragma once

#include "segments_curves.hpp"

#include <fstream>
#include <map>

namespace segments {

class sample_file {
public:
    /// Throws program::usage_error.
    explicit sample_file(const std::string& path) : path_(path) {
        std::ifstream file(path);
        if (!file)
            throw program::usage_error("open " + trama::escaped(path) + ": " +
                                       std::strerror(errno));
        std::string text;
        std::getline(file, text);
        read_header(text);
        while (std::getline(file, text)) {
            ++line_;
            if (!text.empty()) read_sample(text);
        }
    }

    /// The windows, in bytes, for the curves of the window.
    void add_windows(double segment_size, const point_sink& sink) const {
        for (const sample& each : samples_) {
            sink(2, each.seconds, each.window * segment_size);
            if (each.threshold < no_threshold) sink(3, each.seconds, each.threshold * segment_size);
        }
    }

    void add_round_trips(const point_sink& sink) const {
        for (const sample& each : samples_) {
            sink(1, each.seconds, each.round_trip_ms / 1000);
        }
    }

private:
    static constexpr double no_threshold = 2147483647;

    struct sample {
        double seconds;
        double window;
        double threshold;
        double round_trip_ms;
    };

    static std::vector<std::string> cells(const std::string& line) {
        std::vector<std::string> all;
        std::istringstream rest(line.substr(0, line.find('\r')));
        std::string cell;
        while (std::getline(rest, cell, ',')) {
            all.push_back(cell);
        }
        return all;
    }

    void read_header(const std::string& line) {
        const std::vector<std::string> names = cells(line);
        for (std::size_t i = 0; i < names.size(); ++i) {
            column_[names[i]] = i;
        }
        for (const char* name : {"seconds", "cwnd", "ssthresh", "rtt_ms"}) {
            if (column_.count(name) == 0)
                throw program::usage_error(trama::escaped(path_) + ": the first line has no \"" +
                                           name +
                                           "\": it should be seconds,cwnd,ssthresh,rtt_ms,"
                                           "unacked,retransmissions");
        }
    }

    void read_sample(const std::string& line) {
        const std::vector<std::string> all = cells(line);
        const double threshold =
            cell(all, "ssthresh").empty() ? no_threshold : number(all, "ssthresh");
        samples_.push_back(
            {number(all, "seconds"), number(all, "cwnd"), threshold, number(all, "rtt_ms")});
    }

    /// Empty: the line ends before it.
    std::string cell(const std::vector<std::string>& all, const char* name) const {
        const std::size_t place = column_.at(name);
        return place < all.size() ? all[place] : "";
    }

    double number(const std::vector<std::string>& all, const char* name) const {
        const std::string text = cell(all, name);
        char* end = nullptr;
        const double value = std::strtod(text.c_str(), &end);
        const bool is_number = !text.empty() && *end == '\0' && value >= 0 && value < 1e12;
        if (is_number) return value;
        throw program::usage_error(trama::escaped(path_) + ": line " + std::to_string(line_) +
                                   ": " + name + " is no number: \"" + trama::escaped(text, 40) +
                                   '"');
    }

    std::string path_;
    std::map<std::string, std::size_t> column_;
    std::vector<sample> samples_;
    std::size_t line_ = 1;
};

}  // namespace segments

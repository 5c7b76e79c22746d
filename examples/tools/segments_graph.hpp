// examples/tools/segments_graph.hpp -- `segments graph`: reads the file once for the connection,
// once to find how large the values become, and once to draw them.
#pragma once

#include "segments_samples.hpp"

namespace segments {

struct graph_settings {
    std::string path;
    std::size_t only = 1;  ///< the number of the connection
    std::string kind;      ///< sequence, throughput, rtt or window
    std::string samples;   ///< a file; "": none
};

/// Throws program::usage_error if there is no such kind.
inline std::unique_ptr<curves> make_curves(const std::string& kind, const connection& of) {
    const direction data = busier(of);
    if (kind == "sequence") return std::make_unique<sequence_curves>(data);
    if (kind == "throughput")
        return std::make_unique<throughput_curves>(data, of.last_time - of.first_time);
    if (kind == "rtt") return std::make_unique<rtt_curves>(data);
    if (kind == "window") return std::make_unique<window_curves>(data);
    throw program::usage_error("--kind is sequence, throughput, rtt or window, not \"" +
                               trama::escaped(kind) + '"');
}

/// Draws one graph of one connection.
class graph {
public:
    graph(graph_settings given, const connection& of) : given_(std::move(given)), of_(of) {
        if (given_.samples.empty()) return;
        if (given_.kind != "window" && given_.kind != "rtt")
            throw program::usage_error("--samples belongs to --kind window and --kind rtt");
        samples_.emplace(given_.samples);
    }

    /// Reads the file twice.
    std::string draw() const {
        const std::unique_ptr<curves> kind = make_curves(given_.kind, of_);
        axis across("time since the first segment", "s");
        axis up = kind->values();
        across.include(seconds(of_.last_time - of_.first_time));
        each_point([&](std::size_t, double x, double y) {
            across.include(x);
            up.include(y);
        });
        chart drawing(title(*kind), across, up, kind->all());
        each_point([&](std::size_t index, double x, double y) { drawing.add(index, x, y); });
        return drawing.str();
    }

private:
    std::string title(const curves& kind) const {
        return kind.title() + std::string(", connection ") + std::to_string(of_.number) +
               (busier(of_) == to_server ? ": data of the client" : ": data of the server");
    }

    void each_point(const point_sink& sink) const {
        const std::unique_ptr<curves> kind = make_curves(given_.kind, of_);
        read_segments_of(given_.path, [&](const observed& seen) {
            if (seen.of.number == of_.number) kind->add(seen, sink);
        });
        kind->finish(sink);
        if (samples_ && given_.kind == "window") samples_->add_windows(of_.full_segment(), sink);
        if (samples_ && given_.kind == "rtt") samples_->add_round_trips(sink);
    }

    graph_settings given_;
    const connection& of_;
    std::optional<sample_file> samples_;
};

/// `svg`: the file to be written.
inline void run_graph(const graph_settings& given, const std::string& svg) {
    const summary all = summarise(given.path);
    check_connection(all, given.only);
    if (given.only <= all.found.all().size())
        write_file(svg, graph(given, all.found.all()[given.only - 1]).draw());
    report_damage(all, given.path);
}

}  // namespace segments

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

/// One graph of one connection. All segments of the connection pass twice: they are measured, and
/// then drawn.
class graph {
public:
    graph(const std::string& kind, const std::string& samples, const connection& of)
        : kind_(kind),
          of_(of),
          curves_(make_curves(kind, of)),
          all_(curves_->all()),
          across_("time since the first segment", "s"),
          up_(curves_->values()) {
        across_.include(seconds(of.last_time - of.first_time));
        if (samples.empty()) return;
        if (kind != "window" && kind != "rtt")
            throw program::usage_error("--samples belongs to --kind window and --kind rtt");
        samples_.emplace(samples);
    }

    void measure(const observed& seen) { curves_->add(seen, to_axes()); }

    /// To be called between measuring and drawing.
    void begin_drawing() {
        finish(to_axes());
        drawing_.emplace(title(), across_, up_, all_);
        curves_ = make_curves(kind_, of_);
    }

    void draw(const observed& seen) { curves_->add(seen, to_drawing()); }

    /// The drawing. To be called once, at the end.
    std::string str() {
        finish(to_drawing());
        return drawing_->str();
    }

private:
    point_sink to_axes() {
        return [this](std::size_t index, double x, double y) {
            across_.include(x);
            if (all_[index].is_optional) {
                up_.include_optional(y);
            } else {
                up_.include(y);
            }
        };
    }
    point_sink to_drawing() {
        return [this](std::size_t index, double x, double y) { drawing_->add(index, x, y); };
    }

    void finish(const point_sink& sink) {
        curves_->finish(sink);
        if (samples_ && kind_ == "window") samples_->add_windows(of_.full_segment(), sink);
        if (samples_ && kind_ == "rtt") samples_->add_round_trips(sink);
    }

    std::string title() const {
        return curves_->title() + std::string(", connection ") + std::to_string(of_.number) +
               (busier(of_) == to_server ? ": data of the client" : ": data of the server");
    }

    std::string kind_;
    const connection& of_;
    std::unique_ptr<curves> curves_;
    std::vector<series> all_;
    axis across_;
    axis up_;
    std::optional<sample_file> samples_;
    std::optional<chart> drawing_;
};

/// Writes the graph of connection `given.only` to the file `svg`.
inline void run_graph(const graph_settings& given, const std::string& svg) {
    const summary all = summarise(given.path);
    check_connection(all, given.only);
    if (given.only > all.found.all().size()) return report_damage(all, given.path);
    graph shown(given.kind, given.samples, all.found.all()[given.only - 1]);
    const auto each_segment = [&](auto use) {
        read_segments_of(given.path, [&](const observed& seen) {
            if (seen.of.number == given.only) use(seen);
        });
    };
    each_segment([&](const observed& seen) { shown.measure(seen); });
    shown.begin_drawing();
    each_segment([&](const observed& seen) { shown.draw(seen); });
    write_file(svg, shown.str());
    report_damage(all, given.path);
}

}  // namespace segments

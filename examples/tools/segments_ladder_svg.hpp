// examples/tools/segments_ladder_svg.hpp -- the ladder as a drawing, with arrows that fall as time
// passes.
//
//     client                server
//       | \  leaves            |      A capture has one time for each segment: when it passed the
//       |    \ is captured     |      place of the capture. The quickest answer of each end tells
//       |        \ arrives     |      how far it is from there, so both ends of the arrow are
//       |                      |      known.
//
// Time runs downwards, and it is stretched: where much happens it needs more room, and where
// nothing happens less. At both ends, an earlier event stands above a later one.
#pragma once

#include "segments_calls.hpp"
#include "segments_svg.hpp"

namespace segments {

class ladder_svg {
public:
    ladder_svg(const connection& of, const moments& first, numbering how, std::vector<call> calls)
        : of_(of), how_(how), calls_(std::move(calls)) {
        way_[to_server] = elapsed(0, first.way(to_server));
        way_[to_client] = elapsed(0, first.way(to_client));
        left_ = calls_.empty() ? 120 : 400;
        right_ = left_ + 560;
        width_ = right_ + (calls_.empty() ? 220 : 460);
    }

    void add(const observed& seen) {
        const std::int64_t time = elapsed(of_.first_time, seen.what.time);
        arrow made;
        made.where = seen.where;
        made.leaves = time - way_[seen.where == to_server ? to_client : to_server];
        made.arrives = time + way_[seen.where];
        made.time = seconds_text(seen.nanoseconds(), 6);
        made.label = arrow_text(seen, how_) + payload_text(seen);
        made.note = marks_text(seen.marks, seen.sender().duplicate_acks);
        made.kind = kind_of(seen);
        made.in = phases_.next(seen);
        arrows_.push_back(std::move(made));
    }

    /// The drawing. To be called once.
    std::string str() {
        place_all();
        svg_drawing drawing(width_, bottom_ + 30);
        draw_frame(drawing);
        for (const arrow& each : arrows_) {
            draw(drawing, each);
        }
        draw_phases(drawing);
        for (const placed_call& each : placed_calls_) {
            draw(drawing, each);
        }
        return drawing.str("connection " + std::to_string(of_.number) + ", segment by segment");
    }

private:
    struct arrow {
        direction where = to_server;
        std::int64_t leaves = 0;  // nanoseconds since the connection was first seen
        std::int64_t arrives = 0;
        double y_leaves = 0;
        double y_arrives = 0;
        std::string time;
        std::string label;
        std::string note;
        const char* kind = "";
        phase in = phase::none;
    };
    struct placed_call {
        const call* what;
        double y;
    };

    /// A thing that happens at one end, and whose place on the line is to be found.
    struct event {
        std::int64_t time;
        bool is_at_server;
        double* y;
    };

    static constexpr double top = 70;
    static constexpr double step = 17;     // between two things at one end
    static constexpr double longest = 90;  // of a pause
    static constexpr double usual = 60;    // of a round trip

    static const char* kind_of(const observed& seen) {
        if ((seen.marks & (any_retransmission | out_of_order)) != 0) return "red";
        if (seen.what.has(syn)) return "green";
        if (seen.what.has(fin | rst)) return "orange";
        return seen.what.length > 0 ? "blue" : "grey";
    }

    /// Finds the height of everything.
    void place_all() {
        for (const call& each : calls_) {
            placed_calls_.push_back({&each, 0});
        }
        std::vector<event> events;
        for (arrow& each : arrows_) {
            const bool is_up = each.where == to_server;
            events.push_back({each.leaves, !is_up, &each.y_leaves});
            events.push_back({each.arrives, is_up, &each.y_arrives});
        }
        for (placed_call& each : placed_calls_) {
            const bool is_servers = each.what->end == to_client;
            const std::int64_t way = way_[is_servers ? to_server : to_client];
            events.push_back({each.what->time - way, is_servers, &each.y});
        }
        std::stable_sort(events.begin(), events.end(),
                         [](const event& a, const event& b) { return a.time < b.time; });
        place(events);
    }

    void place(const std::vector<event>& events) {
        const double round_trip = static_cast<double>(2 * (way_[to_server] + way_[to_client]));
        const double scale = round_trip > 0 ? usual / round_trip : 1e-6;
        double y = top;
        double last_at[2] = {top - step, top - step};
        std::int64_t last = events.empty() ? 0 : events.front().time;
        for (const event& each : events) {
            const double pause = static_cast<double>(each.time - last) * scale;
            y = std::max(y + std::min(pause, longest), last_at[each.is_at_server] + step);
            *each.y = y;
            last_at[each.is_at_server] = y;
            last = each.time;
        }
        bottom_ = y + step;
    }

    void draw_frame(svg_drawing& drawing) const {
        drawing.text({10, 22}, "connection " + std::to_string(of_.number), "start", "words large");
        drawing.text({left_, 44}, "client " + of_.client.text(), "middle");
        drawing.text({right_, 44}, "server " + of_.server.text(), "middle");
        drawing.text({left_ - 12, 60}, "seconds", "end", "small");
        drawing.line({left_, 52}, {left_, bottom_}, "post");
        drawing.line({right_, 52}, {right_, bottom_}, "post");
        if (way_[to_server] + way_[to_client] > 0) return;
        drawing.text({10, bottom_ + 20},
                     "No segment was answered, so the time under way is not known: the arrows "
                     "are level.",
                     "start", "small");
    }

    void draw(svg_drawing& drawing, const arrow& each) const {
        const bool is_up = each.where == to_server;
        const point from{is_up ? left_ : right_, each.y_leaves};
        const point to{is_up ? right_ : left_, each.y_arrives};
        drawing.arrow(from, to, each.kind);
        const double slope = (each.y_arrives - each.y_leaves) / (right_ - left_);
        const double degrees = std::atan(slope) * 180 / 3.14159265358979 * (is_up ? 1 : -1);
        // Nearer to the sender, because arrows cross in the middle.
        const point at{from.x + (to.x - from.x) * 0.36, from.y + (to.y - from.y) * 0.36};
        drawing.text({at.x, at.y - 3}, each.label, "middle", "small", degrees);
        const double y_client = is_up ? each.y_leaves : each.y_arrives;
        const double y_server = is_up ? each.y_arrives : each.y_leaves;
        if (calls_.empty()) drawing.text({left_ - 12, y_client + 4}, each.time, "end", "small");
        if (!each.note.empty())
            drawing.text({right_ + 12, y_server + 4}, each.note, "start", "warn");
    }

    void draw(svg_drawing& drawing, const placed_call& each) const {
        constexpr std::size_t most = 60;
        const std::string text = each.what->text.substr(0, most);
        const bool is_clients = each.what->end == to_server;
        drawing.dot({is_clients ? left_ : right_, each.y}, "violet");
        drawing.text({is_clients ? left_ - 10 : right_ + 10, each.y + 4}, text,
                     is_clients ? "end" : "start", "call");
    }

    /// A line across, above the first arrow of each phase, that ends at its name.
    void draw_phases(svg_drawing& drawing) const {
        phase last = phase::none;
        for (const arrow& each : arrows_) {
            if (each.in == last) continue;
            last = each.in;
            const double y = each.y_leaves - 9;
            drawing.line({left_ - 8, y}, {width_ - 72, y}, "phase");
            drawing.text({width_ - 10, y + 4}, phase_name(each.in), "end");
        }
    }

    const connection& of_;
    numbering how_;
    std::vector<call> calls_;
    std::vector<placed_call> placed_calls_;
    std::vector<arrow> arrows_;
    phase_tracker phases_;
    std::int64_t way_[2] = {0, 0};  // from the place of the capture to that end, in nanoseconds
    double left_ = 0;               // where the lines stand
    double right_ = 0;
    double width_ = 0;
    double bottom_ = 0;
};

}  // namespace segments

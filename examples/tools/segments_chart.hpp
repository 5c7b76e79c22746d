// examples/tools/segments_chart.hpp -- axes with numbers and units, and series of points between
// them.
//
//     bytes                            A series is drawn as dots, or as stairs: its value stays
//     200 |          ___x              until the next point. Points that would lie on a pixel
//     100 |    x____|                  which the series already has are left out, so a capture of
//       0 |____________________ s      any size gives a picture of limited size.
#pragma once

#include "segments_svg.hpp"

#include <array>

namespace segments {

/// How large the values become, and in which unit they are shown.
class axis {
public:
    /// `unit`: "s", "B" or "bit/s".
    axis(std::string name, const char* unit) : name_(std::move(name)), unit_(unit) {}

    void include(double value) { most_ = std::max(most_, value); }
    /// The same for a series that may be left out, if it would make the others too small to see.
    void include_optional(double value) { most_optional_ = std::max(most_optional_, value); }
    bool has_room_for_optional() const { return most_optional_ <= 3 * most_; }

    double most() const {
        const double most = has_room_for_optional() ? std::max(most_, most_optional_) : most_;
        return most > 0 ? most : 1;
    }

    /// A round step, so that there are 4 to 10 of them.
    double step() const {
        const double power = std::pow(10, std::floor(std::log10(most() / 4)));
        const double rest = most() / 4 / power;
        if (rest >= 5) return 5 * power;
        return (rest >= 2 ? 2 : 1) * power;
    }

    /// "receive window, kB".
    std::string title() const { return name_ + ", " + prefix() + unit_; }

    /// The number at a step, in the unit of the title.
    std::string number(double value) const {
        char text[40];
        std::snprintf(text, sizeof text, "%.6g", value / divisor());
        return text;
    }

private:
    double divisor() const {
        if (most() >= 2e9) return 1e9;
        if (most() >= 2e6) return 1e6;
        if (most() >= 2e3) return 1e3;
        if (most() >= 2) return 1;
        return most() >= 2e-3 ? 1e-3 : 1e-6;
    }
    const char* prefix() const {
        constexpr std::pair<double, const char*> prefixes[] = {
            {1e9, "G"}, {1e6, "M"}, {1e3, "k"}, {1, ""}, {1e-3, "m"}};
        for (const auto& [size, name] : prefixes) {
            if (divisor() >= size) return name;
        }
        return "u";
    }

    std::string name_;
    const char* unit_;
    double most_ = 0;
    double most_optional_ = 0;
};

struct series {
    std::string name;
    const char* colour;
    bool is_stairs;
    bool is_optional = false;
};

class chart {
public:
    chart(std::string title, axis x, axis y, std::vector<series> all)
        : title_(std::move(title)), x_(std::move(x)), y_(std::move(y)), all_(std::move(all)) {
        for (const series& each : all_) {
            lines_.push_back({each, {}, std::vector<bool>(pixels), {}});
        }
    }

    /// Adds a point to series `index`.
    void add(std::size_t index, double x, double y) {
        line& to = lines_[index];
        if (to.what.is_optional && !y_.has_room_for_optional()) return;
        const point at = place(x, y);
        const auto pixel = static_cast<std::size_t>(at.y) * wide + static_cast<std::size_t>(at.x);
        if (to.is_used[pixel]) {
            to.last = at;
            return;
        }
        to.is_used[pixel] = true;
        if (to.what.is_stairs && !to.points.empty()) {
            to.points.push_back({to.last.x, to.last.y});
            to.points.push_back({at.x, to.last.y});
        }
        to.points.push_back(at);
        to.last = at;
    }

    std::string str() const {
        svg_drawing drawing(wide, high);
        draw_axes(drawing);
        for (const bool are_stairs : {true, false}) {  // dots must not be hidden
            for (const line& each : lines_) {
                if (each.what.is_stairs == are_stairs) draw(drawing, each);
            }
        }
        draw_legend(drawing);
        return drawing.str(title_);
    }

private:
    static constexpr std::size_t wide = 960;
    static constexpr std::size_t high = 520;
    static constexpr std::size_t pixels = wide * high;
    static constexpr double left = 90;
    static constexpr double right = wide - 25.0;
    static constexpr double top = 60;
    static constexpr double bottom = high - 60.0;

    struct line {
        series what;
        std::vector<point> points;
        std::vector<bool> is_used;  // by pixel
        point last;
    };

    point place(double x, double y) const {
        const double across = std::clamp(x / x_.most(), 0.0, 1.0);
        const double up = std::clamp(y / y_.most(), 0.0, 1.0);
        return {left + across * (right - left), bottom - up * (bottom - top)};
    }

    void draw_axes(svg_drawing& drawing) const {
        drawing.text({left, 22}, title_, "start", "words large");
        for (int i = 0; i * x_.step() <= x_.most() * 1.0001; ++i) {
            const point at = place(i * x_.step(), 0);
            drawing.line({at.x, top}, {at.x, bottom}, "grid");
            drawing.text({at.x, bottom + 18}, x_.number(i * x_.step()), "middle");
        }
        for (int i = 0; i * y_.step() <= y_.most() * 1.0001; ++i) {
            const point at = place(0, i * y_.step());
            drawing.line({left, at.y}, {right, at.y}, "grid");
            drawing.text({left - 8, at.y + 4}, y_.number(i * y_.step()), "end");
        }
        drawing.line({left, bottom}, {right, bottom}, "axis");
        drawing.line({left, top}, {left, bottom}, "axis");
        drawing.text({(left + right) / 2, high - 15.0}, x_.title(), "middle");
        drawing.text({22, (top + bottom) / 2}, y_.title(), "middle", "words", -90);
    }

    static void draw(svg_drawing& drawing, const line& shown) {
        if (shown.what.is_stairs) {
            drawing.curve(shown.points, std::string(shown.what.colour) + " thick");
            return;
        }
        for (const point& each : shown.points) {
            drawing.dot(each, shown.what.colour);
        }
    }

    void draw_legend(svg_drawing& drawing) const {
        double x = left;
        for (const line& each : lines_) {
            if (each.points.empty()) continue;
            if (each.what.is_stairs) {
                drawing.line({x, 43}, {x + 18, 43},
                             (each.what.colour + std::string(" thick")).c_str());
            } else {
                drawing.dot({x + 9, 43}, each.what.colour);
            }
            drawing.text({x + 24, 47}, each.what.name, "start");
            x += 50 + 6.3 * static_cast<double>(each.what.name.size());
        }
    }

    std::string title_;
    axis x_;
    axis y_;
    std::vector<series> all_;
    std::vector<line> lines_;
};

}  // namespace segments

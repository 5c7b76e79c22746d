// examples/tools/segments_svg.hpp -- pictures as text: lines, arrows and words of an SVG drawing.
//
// A browser shows the file, and can enlarge it without loss. The file loads nothing from anywhere.
// Words that came out of a capture or a trace are escaped, so that they stay words.
#pragma once

#include "../support/program.hpp"

#include <cmath>

namespace segments {

/// `text` for XML and HTML: printable ASCII as it is, the five special characters as entities, and
/// every other byte as \xHH.
inline std::string xml(std::string_view text) {
    constexpr std::pair<char, const char*> entities[] = {
        {'&', "&amp;"}, {'<', "&lt;"}, {'>', "&gt;"}, {'"', "&quot;"}, {'\'', "&#39;"}};
    std::string safe;
    for (const char byte : text) {
        const auto* found = std::find_if(std::begin(entities), std::end(entities),
                                         [&](const auto& each) { return each.first == byte; });
        if (found != std::end(entities)) {
            safe += found->second;
        } else if (byte >= ' ' && byte <= '~') {
            safe += byte;
        } else {
            safe += trama::escaped({&byte, 1});
        }
    }
    return safe;
}

/// A coordinate or a length, with one digit behind the point.
inline std::string px(double number) {
    char text[40];
    std::snprintf(text, sizeof text, "%.1f", number);
    return text;
}

struct point {
    double x = 0;
    double y = 0;
};

class svg_drawing {
public:
    svg_drawing(double width, double height) : width_(width), height_(height) {}

    /// `kind`: a class of the style below.
    void line(point from, point to, const char* kind) {
        body_ += "<path class=\"" + std::string(kind) + "\" d=\"" + path(from, to) + "\"/>\n";
    }

    /// A line with a head at its end.
    void arrow(point from, point to, const std::string& kind) {
        const double length = std::max(1.0, std::hypot(to.x - from.x, to.y - from.y));
        const point unit{(to.x - from.x) / length, (to.y - from.y) / length};
        const point back{to.x - 9 * unit.x, to.y - 9 * unit.y};
        const point left{back.x - 4 * unit.y, back.y + 4 * unit.x};
        const point right{back.x + 4 * unit.y, back.y - 4 * unit.x};
        body_ += "<path class=\"arrow " + kind + "\" d=\"" + path(from, to) + path(left, to) + 'L' +
                 px(right.x) + ' ' + px(right.y) + "\"/>\n";
    }

    void curve(const std::vector<point>& points, const std::string& kind) {
        if (points.empty()) return;
        body_ += "<polyline class=\"" + kind + "\" points=\"";
        for (const point& each : points) {
            body_ += px(each.x) + ',' + px(each.y) + ' ';
        }
        body_ += "\"/>\n";
    }

    void dot(point at, const std::string& kind) {
        body_ += "<path class=\"dot " + kind + "\" d=\"M" + px(at.x) + ' ' + px(at.y) + "h0\"/>\n";
    }

    /// `anchor`: start, middle or end. `degrees`: turned to the right.
    void text(point at, std::string_view words, const char* anchor, const char* kind = "words",
              double degrees = 0) {
        body_ += "<text class=\"" + std::string(kind) + "\" text-anchor=\"" + anchor +
                 "\" transform=\"translate(" + px(at.x) + ' ' + px(at.y) + ')' +
                 (std::abs(degrees) < 0.05 ? "" : " rotate(" + px(degrees) + ')') + "\">" +
                 xml(words) + "</text>\n";
    }

    /// The whole drawing. `title` is what a screen reader says.
    std::string str(std::string_view title) const {
        return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + px(width_) + "\" height=\"" +
               px(height_) + "\" viewBox=\"0 0 " + px(width_) + ' ' + px(height_) +
               "\" role=\"img\">\n<title>" + xml(title) + "</title>\n" + style +
               "<path class=\"paper\" d=\"M0 0h" + px(width_) + 'v' + px(height_) + 'h' +
               px(-width_) + "z\"/>\n" + body_ + "</svg>\n";
    }

private:
    static constexpr const char* style = R"(<style>
svg { font: 12px sans-serif; }
.paper { fill: #fff; stroke: none; }
path, polyline { fill: none; stroke: #444; stroke-width: 1; }
.words { fill: #222; } .small { fill: #555; font-size: 10.5px; } .large { font-size: 15px; }
.warn { fill: #b3261e; font-size: 10.5px; } .call { fill: #5b3a8c; font-size: 11px; }
.grid { stroke: #e3e3e3; } .axis { stroke: #222; } .post { stroke: #222; stroke-width: 1.5; }
.phase { stroke: #888; stroke-dasharray: 5 4; }
.blue { stroke: #1b66c9; } .green { stroke: #1d8348; } .grey { stroke: #8a8a8a; }
.red { stroke: #c62828; } .orange { stroke: #d35400; } .violet { stroke: #5b3a8c; }
.thick { stroke-width: 1.6; } .dot { stroke-width: 3; stroke-linecap: round; }
.dot.red { stroke-width: 5; }
</style>
)";

    static std::string path(point from, point to) {
        return 'M' + px(from.x) + ' ' + px(from.y) + 'L' + px(to.x) + ' ' + px(to.y);
    }

    double width_;
    double height_;
    std::string body_;
};

/// Writes a file: wholly, or not at all. Throws trama::file_error.
inline void write_file(const std::string& path, std::string_view text) {
    const std::size_t slash = path.rfind('/');
    const trama::folder folder(slash == std::string::npos ? "." : path.substr(0, slash + 1));
    trama::atomic_file file(folder, path.substr(slash == std::string::npos ? 0 : slash + 1));
    while (!text.empty()) {
        const ssize_t count = ::write(file.fd(), text.data(), text.size());
        if (count == -1 && errno != EINTR) throw trama::file_error(errno, "write", path);
        if (count > 0) text.remove_prefix(static_cast<std::size_t>(count));
    }
    file.commit();
}

}  // namespace segments

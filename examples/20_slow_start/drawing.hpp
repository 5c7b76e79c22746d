// drawing.hpp -- the congestion window over time, drawn with characters
#pragma once

#include "samples.hpp"

#include <algorithm>
#include <cstddef>
#include <iomanip>
#include <sstream>
#include <string>
#include <vector>

namespace slow_start {

/// A drawing of 64 columns and 16 rows: '*' is the congestion window, '-' the threshold of slow
/// start. The scales fit the samples.
class drawing {
public:
    explicit drawing(const std::vector<sample>& samples) {
        for (const sample& each : samples) {
            end_ = std::max(end_, each.seconds);
            most_ = std::max(most_, each.known.congestion_window);
        }
        for (const sample& each : samples) {
            if (has_threshold(each.known)) put(each, each.known.slow_start_threshold, '-');
        }
        for (const sample& each : samples) put(each, each.known.congestion_window, '*');
    }

    std::string text() const {
        std::ostringstream out;
        out << "segments\n";
        for (std::size_t row = 0; row < rows; ++row) {
            out << std::setw(8) << label(row) << " |" << lines_[row] << '\n';
        }
        out << std::string(9, ' ') << '+' << std::string(columns, '-') << '\n';
        out << std::string(10, ' ') << '0' << std::setw(static_cast<int>(columns) - 1) << std::fixed
            << std::setprecision(1) << end_ << " s\n";
        return out.str();
    }

private:
    static constexpr std::size_t columns = 64;
    static constexpr std::size_t rows = 16;

    /// The number beside the first row, the last one, and the one in the middle.
    std::string label(std::size_t row) const {
        if (row == 0) return std::to_string(most_);
        if (row == rows / 2) return std::to_string(most_ / 2);
        return row == rows - 1 ? "0" : "";
    }

    void put(const sample& when, std::uint32_t value, char sign) {
        const double part = end_ > 0 ? when.seconds / end_ : 0;
        const auto column = static_cast<std::size_t>(part * (columns - 1));
        const auto height = std::size_t{std::min(value, most_)} * (rows - 1) / most_;
        lines_[rows - 1 - height][column] = sign;
    }

    double end_ = 0;
    std::uint32_t most_ = 1;
    std::vector<std::string> lines_{rows, std::string(columns, ' ')};
};

}  // namespace slow_start

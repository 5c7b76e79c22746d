// examples/support/progress.hpp -- how far a file is: a bar on stderr, and sizes for people.
//
//     upload    [=====>              ] 28% (28 KB/97 KB)
//     download  [              <=====] 28% (28 KB/97 KB)
#pragma once

#include "program.hpp"

#include <array>
#include <cmath>
#include <cstdint>
#include <cstdio>

namespace program {

/// A number of bytes as people read it: "97.97 KB". A KB has 1,024 bytes. `decimals`: 0 to 9.
inline std::string size_text(std::uint64_t bytes, int decimals = 2) {
    static constexpr std::array<const char*, 4> units{"B", "KB", "MB", "GB"};
    auto size = static_cast<double>(bytes);
    std::size_t unit = 0;
    for (; size >= 1024 && unit + 1 < units.size(); ++unit) {
        size /= 1024;
    }
    if (decimals == 0) size = std::floor(size);  // 97.97 KB are not yet 98
    char text[64];
    std::snprintf(text, sizeof text, "%.*f %s", unit == 0 ? 0 : decimals, size, units[unit]);
    return text;
}

/// The bar of 20 cells and what stands behind it; an upload grows to the right, a download to the
/// left.
inline std::string bar_text(std::uint64_t done, std::uint64_t total, bool is_upload) {
    constexpr std::size_t cells = 20;
    const double part = total == 0 ? 1 : static_cast<double>(done) / static_cast<double>(total);
    const auto full = static_cast<std::size_t>(part * cells);
    const std::string line(full, '=');
    const std::string head = full < cells ? (is_upload ? ">" : "<") : "";
    const std::string rest(cells - full - head.size(), ' ');
    char text[128];
    std::snprintf(text, sizeof text, "[%s] %d%% (%s/%s)",
                  (is_upload ? line + head + rest : rest + head + line).c_str(),
                  static_cast<int>(part * 100), size_text(done, 0).c_str(),
                  size_text(total, 0).c_str());
    return text;
}

/// Shows how far a transfer is, on stderr when that is a terminal: at most ten times a second, over
/// the same line, and at the end once more. Lines of talk that come meanwhile begin below the bar.
class progress_bar {
public:
    progress_bar(std::uint64_t total, bool is_upload)
        : total_(total),
          is_upload_(is_upload),
          is_shown_(verbosity > 0 && ::isatty(STDERR_FILENO) == 1) {
        show(0);
    }
    progress_bar(const progress_bar&) = delete;
    progress_bar& operator=(const progress_bar&) = delete;

    /// Ends the line of the bar, so that its last state stays.
    ~progress_bar() {
        if (!is_shown_ || !is_line_open) return;
        std::cerr << std::endl;
        is_line_open = false;
    }

    /// To be called with the bytes done so far.
    void show(std::uint64_t done) {
        if (!is_shown_ || (done < total_ && !next_.passed())) return;
        next_ = trama::deadline(std::chrono::milliseconds(100));
        std::string text = bar_text(done, total_, is_upload_);
        text.resize(std::max(text.size(), width_), ' ');  // "1 MB" comes after "1023 KB"
        width_ = text.size();
        std::cerr << '\r' << text << std::flush;
        is_line_open = true;
    }

private:
    const std::uint64_t total_;
    const bool is_upload_;
    const bool is_shown_;
    trama::deadline next_{trama::duration::zero()};
    std::size_t width_ = 0;  // of what is shown
};

}  // namespace program

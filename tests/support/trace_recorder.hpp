// Collects the lines of the trace while it lives; from all threads.
#pragma once

#include "trama.hpp"

#include <mutex>
#include <string>
#include <vector>

namespace test {

class trace_recorder {
public:
    trace_recorder() : before_(trama::trace_to(record)) { shared().lines.clear(); }
    trace_recorder(const trace_recorder&) = delete;
    trace_recorder& operator=(const trace_recorder&) = delete;
    ~trace_recorder() { trama::trace_to(before_); }

    /// What was told since the start, or since the last call.
    std::vector<std::string> take() {
        const std::lock_guard<std::mutex> guard(shared().mutex);
        std::vector<std::string> lines;
        lines.swap(shared().lines);
        return lines;
    }

private:
    struct state {
        std::mutex mutex;
        std::vector<std::string> lines;
    };

    static state& shared() {
        static state only;
        return only;
    }

    static void record(std::string_view line) {
        const std::lock_guard<std::mutex> guard(shared().mutex);
        shared().lines.emplace_back(line);
    }

    trama::trace_sink before_;
};

/// How many of `lines` tell about `what`: "recv", "send" ...
inline long count_of(const std::vector<std::string>& lines, const std::string& what) {
    long count = 0;
    for (const std::string& line : lines)
        if (line.find(": " + what + ' ') != std::string::npos) ++count;
    return count;
}

}  // namespace test

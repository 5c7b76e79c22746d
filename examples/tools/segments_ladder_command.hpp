// examples/tools/segments_ladder_command.hpp -- `segments ladder`: reads the file once for the
// connection and its first moments, and once more to draw.
#pragma once

#include "segments_ladder_svg.hpp"
#include "segments_ladder_text.hpp"

namespace segments {

struct ladder_settings {
    std::string path;
    std::size_t only = 1;  ///< the number of the connection
    numbering how = numbering::both;
    bool fold = true;
    std::vector<std::string> traces;  ///< files
    std::string svg;                  ///< a file; "": as text
    std::size_t most = 0;             ///< segments in a drawing
};

class ladder_command {
public:
    explicit ladder_command(ladder_settings given) : given_(std::move(given)) {}

    void run() {
        const summary all = read_segments_of(given_.path, [this](const observed& seen) {
            if (seen.of.number == given_.only) first_.add(seen);
        });
        check_connection(all, given_.only);
        if (given_.only > all.found.all().size()) return report_damage(all, given_.path);
        const connection& chosen = all.found.all()[given_.only - 1];
        if (all.found.all().size() > 1)
            program::say("connection ", given_.only, " of ", all.found.all().size(),
                         ": --connection NUMBER shows another one");
        std::vector<call> calls = calls_in(given_.traces, chosen, first_);
        if (given_.svg.empty()) {
            print(chosen, all.digits, std::move(calls));
        } else {
            draw(chosen, std::move(calls));
        }
        report_damage(all, given_.path);
    }

private:
    void print(const connection& chosen, int digits, std::vector<call> calls) {
        ladder_text ladder(chosen, digits, given_.how, given_.fold, std::move(calls));
        read_segments_of(given_.path, [&](const observed& seen) {
            if (seen.of.number == given_.only) ladder.add(seen);
        });
        ladder.finish();
    }

    void draw(const connection& chosen, std::vector<call> calls) {
        ladder_svg ladder(chosen, first_, given_.how, std::move(calls));
        std::size_t count = 0;
        read_segments_of(given_.path, [&](const observed& seen) {
            if (seen.of.number != given_.only || count == given_.most) return;
            ++count;
            ladder.add(seen);
        });
        if (count < chosen.segments)
            program::say("the drawing has the first ", count, " of ", chosen.segments,
                         " segments: --most NUMBER allows more");
        write_file(given_.svg, ladder.str());
    }

    ladder_settings given_;
    moments first_;
};

}  // namespace segments

// examples/tools/segments_list.hpp -- `segments list`: the connections, then each segment in a
// line.
#pragma once

#include "segments_text.hpp"

namespace segments {

class list_command {
public:
    /// `only`: the number of the connection to be shown; 0: all.
    list_command(std::string path, std::size_t only, numbering how)
        : path_(std::move(path)), only_(only), how_(how) {}

    void run() {
        const summary all = summarise(path_);
        if (all.counts.packets == 0) report_damage(all, path_);  // it is no capture
        print_summary(all);
        const summary again =
            read_segments_of(path_, [this](const observed& seen) { print(seen); });
        write_out();
        report_damage(again, path_);
    }

private:
    void print_summary(const summary& all) {
        check_connection(all, only_);
        digits_ = all.digits;
        out_ += counts_text(all.counts) + '\n';
        for (const connection& each : all.found.all()) {
            if (only_ == 0 || only_ == each.number)
                out_ += "connection " + std::to_string(each.number) + ": " + connection_text(each) +
                        '\n';
        }
        out_ += '\n';
        if (all.counts.of(content::tcp) > 0) print_heading();
    }

    void print_heading() {
        char line[160];
        std::snprintf(line, sizeof line, "%7s %4s %*s    %-11s %10s %10s", "packet", "conn",
                      digits_ + 6, "seconds", "flags", "seq", "ack");
        out_ += line;
        if (how_ == numbering::both) out_ += "    rel.seq    rel.ack";
        out_ += "    len   window  notes\n";
    }

    void print(const observed& seen) {
        if (only_ != 0 && only_ != seen.of.number) return;
        const segment& what = seen.what;
        char line[200];
        std::snprintf(line, sizeof line, "%7" PRIu64 " %4zu %*s %s %-11s %10" PRIu32 " %10s",
                      what.number, seen.of.number, digits_ + 6,
                      seconds_text(seen.nanoseconds(), digits_).c_str(),
                      seen.where == to_server ? "->" : "<-", flags_text(what.flags).c_str(),
                      what.seq, ack_text(seen, numbering::absolute).c_str());
        out_ += line;
        if (how_ == numbering::both) {
            std::snprintf(line, sizeof line, " %10" PRIu32 " %10s", seen.relative_seq(),
                          ack_text(seen, numbering::both).c_str());
            out_ += line;
        }
        print_rest(seen);
    }

    void print_rest(const observed& seen) {
        char line[64];
        std::snprintf(line, sizeof line, " %6" PRIu32 " %8" PRIu32, seen.what.length,
                      seen.window());
        const std::string notes = notes_text(seen);
        out_ += line + (notes.empty() ? "" : "  " + notes) + '\n';
        if (out_.size() > 65'536) write_out();
    }

    void write_out() {
        std::cout << out_;
        out_.clear();
    }

    std::string path_;
    std::size_t only_;
    numbering how_;
    int digits_ = 6;
    std::string out_;  // lines that were not written yet
};

}  // namespace segments

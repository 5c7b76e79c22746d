// examples/tools/segments_ladder_text.hpp -- the ladder as text: two vertical lines, and an arrow
// for each segment.
//
//      seconds  client                                                      server
//     0.000000  |-- SYN seq 0 ------------------------------------------------->|
//     0.000014  |<------------------------------------------ SYN,ACK seq 0 ack 1 --|
//
// Data segments that are alike and follow each other are folded: the first is an arrow, and a line
// says how many more there are.
#pragma once

#include "segments_calls.hpp"

namespace segments {

class ladder_text {
public:
    /// `calls`: to be shown beside; may be empty.
    ladder_text(const connection& of, int digits, numbering how, bool fold, std::vector<call> calls)
        : digits_(digits), how_(how), fold_(fold), calls_(std::move(calls)) {
        out_ = "connection " + std::to_string(of.number) + ": " + connection_text(of) + "\n\n";
        std::string ends = "client";
        ends.resize(width + 2 - 6, ' ');
        print("seconds", calls_.empty() ? "" : "calls of the client", ends + "server",
              calls_.empty() ? "" : "calls of the server");
    }

    void add(const observed& seen) {
        const std::int64_t now = elapsed(seen.of.first_time, seen.what.time);
        if (next_call_ < calls_.size() && calls_[next_call_].time <= now) finish_run();
        print_calls_until(now);
        if (continues_run(seen)) {
            ++more_;
        } else {
            finish_run();
            print_phase(seen);
            print_arrow(seen);
        }
        remember(seen);
    }

    /// To be called behind the last segment.
    void finish() {
        finish_run();
        print_calls_until(INT64_MAX);
        write_out();
    }

private:
    static constexpr std::size_t width = 60;       // between the lines
    static constexpr std::size_t call_width = 40;  // of the calls of the client

    // ---- runs of segments that are alike ----

    bool continues_run(const observed& seen) const {
        const segment& now = seen.what;
        return fold_ && now.length > 0 && seen.marks == 0 && seen.where == last_where_ &&
               now.length == last_length_ && now.seq == last_end_ && now.ack == last_ack_ &&
               ((now.flags ^ last_flags_) & ~psh) == 0;
    }

    void remember(const observed& seen) {
        last_where_ = seen.where;
        last_length_ = seen.marks == 0 ? seen.what.length : 0;
        last_end_ = seen.what.seq + seen.what.length;
        last_ack_ = seen.what.ack;
        last_flags_ = seen.what.flags;
        const std::uint32_t relative_end = seen.relative_seq() + seen.what.length;
        last_end_shown_ = how_ == numbering::absolute ? last_end_ : relative_end;
        last_time_ = seen.nanoseconds();
    }

    void finish_run() {
        if (more_ == 0) return;
        const std::string label = "and " + grouped(more_) + " more of " +
                                  std::to_string(last_length_) + " bytes, up to seq " +
                                  std::to_string(last_end_shown_);
        more_ = 0;
        print(seconds_text(last_time_, digits_), "", arrow(label, last_where_, ':'), "");
    }

    // ---- lines ----

    void print_phase(const observed& seen) {
        const phase now = phases_.next(seen);
        if (now == phase_) return;
        phase_ = now;
        const std::string name = std::string(" ") + phase_name(now) + ' ';
        const std::size_t left = (width - name.size()) / 2;
        const std::string rest(width - left - name.size(), ' ');
        print("", "", '|' + std::string(left, ' ') + name + rest + '|', "");
    }

    void print_arrow(const observed& seen) {
        std::string label = arrow_text(seen, how_);
        const std::string payload = payload_text(seen);
        if (label.size() + payload.size() + 8 <= width) label += payload;
        print(seconds_text(seen.nanoseconds(), digits_), "", arrow(label, seen.where, '-'),
              marks_text(seen.marks, seen.sender().duplicate_acks));
    }

    static std::string arrow(const std::string& label, direction where, char line) {
        const std::string middle = std::string(2, line) + ' ' + label + ' ';
        const std::size_t missing = width - std::min(width, middle.size() + 1);
        if (where == to_server) return '|' + middle + std::string(missing, line) + ">|";
        const std::string back = ' ' + label + ' ' + std::string(2, line);
        return "|<" + std::string(missing, line) + back + '|';
    }

    void print_calls_until(std::int64_t time) {
        for (; next_call_ < calls_.size() && calls_[next_call_].time <= time; ++next_call_) {
            const call& each = calls_[next_call_];
            const std::string text = program::harmless(each.text);
            const bool is_clients = each.end == to_server;
            print(seconds_text(static_cast<std::uint64_t>(each.time), digits_),
                  is_clients ? text.substr(0, call_width) : "", '|' + std::string(width, ' ') + '|',
                  is_clients ? "" : text);
        }
    }

    void print(const std::string& time, std::string left, const std::string& middle,
               const std::string& right) {
        const auto time_width = static_cast<std::size_t>(digits_) + 6;
        if (time.size() < time_width) out_ += std::string(time_width - time.size(), ' ');
        if (!calls_.empty()) {
            left.resize(call_width, ' ');
            left.insert(0, "  ");
        }
        out_ += time + left + "  " + middle + (right.empty() ? "" : "  ") + right + '\n';
        if (out_.size() > 65'536) write_out();
    }

    void write_out() {
        std::cout << out_;
        out_.clear();
    }

    int digits_;
    numbering how_;
    bool fold_;
    std::vector<call> calls_;  // in the order of time
    std::size_t next_call_ = 0;
    std::string out_;  // lines that were not written yet
    phase_tracker phases_;
    phase phase_ = phase::none;

    std::uint64_t more_ = 0;  // segments that are like the last arrow, and were folded
    direction last_where_ = to_server;
    std::uint32_t last_length_ = 0;  // 0: nothing can be like it
    std::uint32_t last_end_ = 0;
    std::uint32_t last_end_shown_ = 0;
    std::uint32_t last_ack_ = 0;
    std::uint8_t last_flags_ = 0;
    std::uint64_t last_time_ = 0;
};

}  // namespace segments

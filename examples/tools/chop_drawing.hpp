// examples/tools/chop_drawing.hpp -- draws a stream with its frames and its cuts. Pure.
//
//     0 0 0|0 0 4 : h o l a
//     \___________/ \_____/
//     header        payload
//          ^ cut after byte 3
#pragma once

#include "chop_cutter.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace chop {

class drawing {
public:
    /// `cuts`: in order, in bytes since the start of `stream`.
    drawing(std::string_view stream, std::vector<std::uint64_t> cuts, const std::string& codec)
        : stream_(stream), cuts_(std::move(cuts)), frames_(find_frames(codec)) {}

    /// The frames that are cut, each with what is around its cuts; at most `most` of them.
    std::string text(std::size_t most = 4) const {
        std::string all;
        std::uint64_t begin = 0;
        std::size_t number = 0;
        for (const std::uint64_t end : frame_ends()) {
            ++number;
            if (has_cut(begin, end)) {
                if (most-- == 0) return all + "    ...\n";
                all += "  message " + std::to_string(number) + ", from byte " +
                       std::to_string(begin) + " of the stream:\n" + frame(begin, end);
            }
            begin = end;
        }
        // What stands behind the last whole frame, or a stream without frames.
        if (begin < stream_.size() && has_cut(begin, stream_.size()))
            all += "  from byte " + std::to_string(begin) + " of the stream, no whole frame:\n" +
                   row(begin, stream_.size()).text + '\n';
        return all;
    }

private:
    /// One line of bytes, and the column at which each of some places begins.
    struct line {
        std::string text;
        std::size_t header_end = 0;     // the column behind the header's last byte
        std::size_t payload_begin = 0;  // the column of the payload's first byte
        std::vector<std::size_t> cuts;  // the columns of the cuts
    };

    static constexpr std::size_t margin = 4;

    std::vector<std::uint64_t> frame_ends() const {
        try {
            return frames_->ends(stream_);
        } catch (const trama::frame_error&) {
            return {};
        }
    }

    bool is_cut(std::uint64_t place) const {
        return std::binary_search(cuts_.begin(), cuts_.end(), place);
    }

    bool has_cut(std::uint64_t begin, std::uint64_t end) const {
        const auto first = std::lower_bound(cuts_.begin(), cuts_.end(), begin);
        return first != cuts_.end() && *first < end;
    }

    /// A byte is shown if it is near the start, the end or a cut.
    bool is_shown(std::uint64_t place, std::uint64_t begin, std::uint64_t end) const {
        constexpr std::uint64_t near = 6;
        return place < begin + frames_->header_size() + near || place + near >= end ||
               has_cut(place > near ? place - near : 0, place + near);
    }

    line row(std::uint64_t begin, std::uint64_t end) const {
        const std::uint64_t payload = begin + frames_->header_size();
        line made{std::string(margin, ' '), 0, 0, {}};
        bool left_out = false;
        for (std::uint64_t place = begin; place < end; ++place) {
            if (!is_shown(place, begin, end)) {
                if (!left_out) made.text += " ...";
                left_out = true;
                continue;
            }
            left_out = false;
            if (place == payload) made.header_end = made.text.size();
            if (is_cut(place)) made.cuts.push_back(made.text.size());
            made.text += is_cut(place) ? '|' : ' ';
            if (place == payload) made.payload_begin = made.text.size();
            made.text += trama::escaped({stream_.data() + place, 1});
        }
        if (payload >= end) made.header_end = made.text.size();
        return made;
    }

    /// "\______/" below the columns from `begin` to `end`.
    static void brace(std::string& below, std::size_t begin, std::size_t end) {
        below.resize(begin, ' ');
        below += end - begin < 2 ? "|" : '\\' + std::string(end - begin - 2, '_') + '/';
    }

    std::string frame(std::uint64_t begin, std::uint64_t end) const {
        const line bytes = row(begin, end);
        std::string braces;
        std::string names;
        if (frames_->header_size() > 0) {
            brace(braces, margin + 1, bytes.header_end);
            names = std::string(margin + 1, ' ') + "header";
        }
        if (bytes.payload_begin > 0) {
            brace(braces, bytes.payload_begin, bytes.text.size());
            names.resize(std::max(bytes.payload_begin, names.empty() ? 0 : names.size() + 1), ' ');
            names += frames_->header_size() > 0 ? "payload" : "line";
        }
        std::string marks;
        for (const std::size_t column : bytes.cuts) {
            marks.resize(column, ' ');
            marks += '^';
        }
        return bytes.text + '\n' + braces + '\n' + names + '\n' + marks + " cut\n";
    }

    std::string_view stream_;
    std::vector<std::uint64_t> cuts_;
    std::unique_ptr<frame_finder> frames_;
};

}  // namespace chop

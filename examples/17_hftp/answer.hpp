// 17_hftp/answer.hpp -- the pending output of a client: text, and behind it a slice or a listing in
// pieces. man 2 pread
//
// A slice or a listing may be larger than the memory. So the server reads its next piece only when
// the client has taken everything before it.
#pragma once

#include "../support/program.hpp"
#include "hftp.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <iterator>
#include <memory>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

namespace hftp {

/// A source of bytes that is read piece by piece.
class piece_source {
public:
    piece_source() = default;
    piece_source(const piece_source&) = delete;
    piece_source& operator=(const piece_source&) = delete;
    virtual ~piece_source() = default;

    /// Appends the next piece to `out`. Returns false if it was the last one. Throws file_error
    /// when the piece cannot be read: then nothing was appended.
    virtual bool append_piece(std::string& out) = 0;
};

/// A part of an open file, in base64 or as it is.
class file_slice : public piece_source {
public:
    enum class form { base64, raw };

    /// `size` bytes of `file` from `offset` on.
    file_slice(trama::unique_fd file, std::uint64_t offset, std::uint64_t size, form how)
        : file_(std::move(file)), offset_(offset), left_(size), form_(how) {}

    /// Ends the line behind the last piece in base64. Throws file_error when the file cannot be
    /// read or has become shorter.
    bool append_piece(std::string& out) override {
        char bytes[piece_size];
        const auto size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, sizeof bytes));
        read_exactly(bytes, size);
        if (form_ == form::raw) out.append(bytes, size);
        if (form_ == form::base64) append_base64({bytes, size}, out);
        offset_ += size;
        left_ -= size;
        if (left_ == 0 && form_ == form::base64) out += "\r\n";
        return left_ > 0;
    }

private:
    static constexpr std::size_t piece_size = 49152;  // a multiple of three, for base64

    void read_exactly(char* memory, std::size_t size) const {
        for (std::size_t done = 0; done < size;) {
            const ssize_t count = ::pread(file_.get(), memory + done, size - done,
                                          static_cast<off_t>(offset_ + done));
            if (count == -1 && errno == EINTR) continue;
            if (count == -1) throw trama::file_error(errno, "read", "a slice");
            if (count == 0) throw trama::file_error(ENODATA, "read", "a file that became shorter");
            done += static_cast<std::size_t>(count);
        }
    }

    const trama::unique_fd file_;
    std::uint64_t offset_;
    std::uint64_t left_;
    const form form_;
};

/// The names of the files in a folder, sorted, one a line, and then an empty line.
class file_listing : public piece_source {
public:
    explicit file_listing(trama::folder files) : files_(std::move(files)) {}

    /// Reads the whole folder for each piece, and keeps the first names behind the last one sent.
    bool append_piece(std::string& out) override {
        std::set<std::string> names;
        bool has_more = false;
        files_.each_file([&](const std::string& name, const struct stat&) {
            if (is_legal_name(name) && name > last_) names.insert(name);
            if (names.size() <= most_names) return;
            names.erase(std::prev(names.end()));
            has_more = true;
        });
        for (const std::string& name : names) {
            out += name + "\r\n";
        }
        if (!has_more) out += "\r\n";
        if (has_more) last_ = *names.rbegin();
        return has_more;
    }

private:
    static constexpr std::size_t most_names = 8192;  // 2 MiB, when all are as long as can be

    const trama::folder files_;
    std::string last_;
};

/// The pending output of one client: text, and behind it perhaps a slice or a listing.
class answer {
public:
    void append(std::string_view text) { text_ += text; }

    /// The rest behind the text; nullptr: there is none.
    void append(std::unique_ptr<piece_source> rest) { rest_ = std::move(rest); }

    /// True if the next answer must wait: answers go in order, and memory is limited.
    bool is_full() const { return rest_ || text_.size() - sent_ >= 65536; }

    bool is_empty() const { return text_.empty() && !rest_; }

    // [region next]
    /// The bytes to send next; empty if nothing is pending. Throws file_error when the next piece
    /// cannot be read.
    std::string_view next() {
        if (text_.empty() && rest_) {
            const bool has_more = rest_->append_piece(text_);
            if (!has_more) rest_.reset();
        }
        return std::string_view(text_).substr(sent_);
    }
    // [/region next]

    /// Removes `count` bytes of next(), which were sent.
    void consume(std::size_t count) {
        sent_ += count;
        if (sent_ < text_.size()) return;
        sent_ = 0;
        text_.clear();
        if (!rest_) text_.shrink_to_fit();  // an idle client needs no buffer
    }

private:
    std::string text_;
    std::size_t sent_ = 0;  // bytes of text_
    std::unique_ptr<piece_source> rest_;
};

}  // namespace hftp

// 17_hftp/answer.hpp -- what a client is owed: text, and a part of a file, piece after piece.
// man 2 pread
//
// A slice may be larger than the memory. So nothing of it is read before somebody takes it.
#pragma once

#include "../support/program.hpp"
#include "hftp.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

namespace hftp {

/// A part of an open file, in base64 or as it is. Owns the file; move-only.
class file_slice {
public:
    enum class form { base64, raw };

    /// Nothing.
    file_slice() = default;

    /// `size` bytes of `file` from `offset` on.
    file_slice(trama::unique_fd file, std::uint64_t offset, std::uint64_t size, form how)
        : file_(std::move(file)), offset_(offset), left_(size), form_(how) {}

    /// True: there is still something to take.
    bool is_open() const { return static_cast<bool>(file_); }

    /// Appends the next piece to `out`; behind the last one in base64, the end of the line. Throws
    /// file_error when the file cannot be read, or became shorter: then nothing was appended.
    void append_piece(std::string& out) {
        char bytes[piece_size];
        const std::size_t size = std::min<std::uint64_t>(left_, sizeof bytes);
        read_exactly(bytes, size);
        if (form_ == form::raw) out.append(bytes, size);
        if (form_ == form::base64) append_base64({bytes, size}, out);
        offset_ += size;
        left_ -= size;
        if (left_ > 0) return;
        if (form_ == form::base64) out += "\r\n";
        file_.reset();
    }

private:
    static constexpr std::size_t piece_size = 49152;  // a multiple of three, for base64

    void read_exactly(char* memory, std::size_t size) const {
        for (std::size_t done = 0; done < size;) {
            const ssize_t count = ::pread(file_.get(), memory + done, size - done,
                                          static_cast<off_t>(offset_ + done));
            if (count == -1 && errno == EINTR) continue;
            if (count == -1) throw trama::file_error(errno, "read", "a slice");
            if (count == 0) throw trama::file_error(ESTALE, "read", "a file that became shorter");
            done += static_cast<std::size_t>(count);
        }
    }

    trama::unique_fd file_;
    std::uint64_t offset_ = 0;
    std::uint64_t left_ = 0;
    form form_ = form::raw;
};

/// What a client is owed: text, and behind it perhaps a slice, of which a piece is read when all
/// that stands before it was taken.
class answer {
public:
    void append(std::string_view text) { text_ += text; }

    void append(file_slice slice) { slice_ = std::move(slice); }

    /// True: another answer must wait. They come in order, and memory has an end.
    bool is_full() const { return slice_.is_open() || text_.size() - taken_ >= 65536; }

    bool is_empty() const { return text_.empty() && !slice_.is_open(); }

    // [region next]
    /// What goes next; empty when nothing is owed. Throws file_error: the slice cannot go on.
    std::string_view next() {
        if (text_.empty() && slice_.is_open()) slice_.append_piece(text_);
        return std::string_view(text_).substr(taken_);
    }
    // [/region next]

    /// `count` bytes of that are on their way.
    void take(std::size_t count) {
        taken_ += count;
        if (taken_ < text_.size()) return;
        taken_ = 0;
        text_.clear();
        if (!slice_.is_open()) text_.shrink_to_fit();  // who is silent should cost nothing
    }

private:
    std::string text_;
    std::size_t taken_ = 0;  // bytes of text_
    file_slice slice_;
};

}  // namespace hftp

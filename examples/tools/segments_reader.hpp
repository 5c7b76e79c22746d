// examples/tools/segments_reader.hpp -- reads a capture from its first to its last segment.
//
//     file -> packets -> segments -> connections -> a function of yours, with one `observed` each
//
// Nothing is kept but the connections. A command that needs to know the end before the start reads
// the file twice.
#pragma once

#include "../support/program.hpp"
#include "segments_capture.hpp"
#include "segments_connections.hpp"

namespace segments {

/// What the packets of a file were.
struct packet_counts {
    std::uint64_t packets = 0;
    std::uint64_t by_content[8] = {};  ///< by `content`
    std::uint64_t too_many = 0;        ///< segments of connections that are not followed

    std::uint64_t of(content which) const { return by_content[static_cast<int>(which)]; }
};

/// What a file holds, apart from its segments.
struct summary {
    connections found;
    packet_counts counts;
    int digits = 6;
    std::string damage;  ///< where and why reading stopped; "": at the end of the file
};

/// Opens a file to be read from its start. Throws trama::file_error.
class capture_file {
public:
    explicit capture_file(const std::string& path)
        : path_(path), fd_(::open(path.c_str(), O_RDONLY | O_CLOEXEC)) {
        if (!fd_) throw trama::file_error(errno, "open", path);
    }

    /// Returns 0 at the end. Throws trama::file_error.
    std::size_t read(char* to, std::size_t size) const {
        ssize_t count = -1;
        do {
            count = ::read(fd_.get(), to, size);
        } while (count == -1 && errno == EINTR);
        if (count == -1) throw trama::file_error(errno, "read", path_);
        return static_cast<std::size_t>(count);
    }

    /// A file that can be read more than once.
    bool is_regular() const {
        struct stat status {};
        return ::fstat(fd_.get(), &status) == 0 && S_ISREG(status.st_mode);
    }

private:
    std::string path_;
    trama::unique_fd fd_;
};

/// Calls `visit(observed)` for each segment that `from` yields, also for those before a damage.
template <typename Visit>
summary read_segments(byte_stream::source from, Visit visit) {
    summary all;
    try {
        capture file(std::move(from));
        packet next;
        segment now;
        while (file.next(next)) {
            all.digits = file.format().digits();
            const content kind = packet_parser::parse(next, now);
            ++all.counts.packets;
            ++all.counts.by_content[static_cast<int>(kind)];
            connection* of = kind == content::tcp ? all.found.find(now) : nullptr;
            if (kind == content::tcp && of == nullptr) ++all.counts.too_many;
            if (of != nullptr) visit(connections::add(now, *of));
        }
    } catch (const capture_error& error) {
        all.damage = error.what();
    }
    return all;
}

/// The same for a file. Throws trama::file_error; program::usage_error if it cannot be read twice.
template <typename Visit>
summary read_segments_of(const std::string& path, Visit visit) {
    const capture_file file(path);
    if (!file.is_regular())
        throw program::usage_error("read " + trama::escaped(path) +
                                   ": no regular file, and the file has to be read twice: write "
                                   "the capture to a file first");
    return read_segments([&](char* to, std::size_t size) { return file.read(to, size); }, visit);
}

/// Reads a file for its connections only.
inline summary summarise(const std::string& path) {
    return read_segments_of(path, [](const observed&) {});
}

/// Throws program::usage_error if there is no connection of this number; 0 means all.
inline void check_connection(const summary& all, std::size_t number) {
    if (number <= all.found.all().size() || !all.damage.empty()) return;
    throw program::usage_error("no connection " + std::to_string(number) + ": the file has " +
                               std::to_string(all.found.all().size()));
}

/// Throws capture_error's text, with the name of the file, if reading stopped before the end.
inline void report_damage(const summary& all, const std::string& path) {
    std::cout.flush();
    if (!all.damage.empty()) throw std::runtime_error(trama::escaped(path) + ": " + all.damage);
}

}  // namespace segments

// examples/15_remote_copy/local_file.hpp -- files of this machine: one that is sent, and the
// place where one is stored. man 2 open, man 2 fstat
#pragma once

#include "../support/system.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace copy {

/// `left`, but not more than `most`.
inline std::size_t at_most(std::size_t most, std::uint64_t left) {
    return static_cast<std::size_t>(std::min<std::uint64_t>(left, most));
}

/// A file that is sent. Throws trama::file_error, also for a file without a size to rely on: a
/// folder, a FIFO, a device, a file of /proc or /sys.
class local_file {
public:
    explicit local_file(const std::string& path) : path_(path) {
        // O_NONBLOCK: opening a FIFO would wait for a writer.
        fd_.reset(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
        if (!fd_) throw trama::file_error(errno, "open", path);
        before_ = trama::folder::status_of(fd_.get(), path);
        size_ = trama::size_of_file(fd_.get(), path);
    }

    /// In bytes, as it was when the file was opened.
    std::uint64_t size() const { return size_; }

    /// The part of the path behind the last slash.
    std::string name() const { return path_.substr(path_.rfind('/') + 1); }

    /// Reads the next 1 to `size` bytes. Returns how many; 0: the file ends here.
    std::size_t read(char* memory, std::size_t size) {
        return trama::read_some(fd_.get(), memory, size, path_);
    }

    void rewind() { ::lseek(fd_.get(), 0, SEEK_SET); }

    /// Throws usage_error if another program has changed the file since it was opened. A file that
    /// grows, as a log does, is no error: what was announced of it is still there.
    void throw_if_changed() const {
        const struct stat now = trama::folder::status_of(fd_.get(), path_);
        const bool has_grown = now.st_size > before_.st_size;
        const timespec time = program::time_of_change(now);
        const timespec time_before = program::time_of_change(before_);
        const bool is_untouched = now.st_size == before_.st_size &&
                                  time.tv_sec == time_before.tv_sec &&
                                  time.tv_nsec == time_before.tv_nsec;
        if (!has_grown && !is_untouched)
            throw program::usage_error(trama::escaped(path_) + " changed while it was copied");
    }

private:
    std::string path_;
    trama::unique_fd fd_;
    struct stat before_ {};
    std::uint64_t size_ = 0;
};

/// The file that a server is to write, named on its command line.
class destination {
public:
    explicit destination(const std::string& path)
        : folder_(folder_part(path)), name_(path.substr(path.rfind('/') + 1)) {
        trama::atomic_file::clear_leftovers(folder_);
        struct stat status {};
        const bool is_there = ::fstatat(folder_.fd(), name_.c_str(), &status, 0) == 0;
        if (is_there && !S_ISREG(status.st_mode))
            throw program::usage_error(trama::escaped(path) + " is there, and no regular file");
        start();  // throws now, and not at the first client, if nothing can be written here
    }

    /// A new file, which takes the name when it is committed.
    trama::atomic_file start() const { return trama::atomic_file(folder_, name_); }

    const std::string& name() const { return name_; }

private:
    static std::string folder_part(const std::string& path) {
        const std::size_t slash = path.rfind('/');
        return slash == std::string::npos ? "." : path.substr(0, slash + 1);
    }

    trama::folder folder_;
    std::string name_;
};

/// The one word behind the options of these programs.
inline const std::string& file_argument(const program::options& given) {
    if (given.words().empty()) throw program::usage_error("which file? see --help");
    return given.words().front();
}

/// Shuts down sending and waits until the server closes. The first two versions have no message for
/// "it is stored"; but a server that fails resets the connection, which is noticed here. Throws
/// trama::network_error; program::peer_error if the server sends for more than 2 s: it should send
/// nothing.
inline void wait_for_the_end(trama::tcp_stream& server) {
    server.shutdown_send();
    const trama::deadline limit(server.get_timeout());
    trama::deadline answer_limit;  // set by the first byte that comes
    char waste[16384];
    while (true) {
        const std::size_t count = server.recv_some(waste, sizeof waste, limit);
        if (count == 0) return;
        if (answer_limit.is_never()) answer_limit = trama::deadline(std::chrono::seconds(2));
        if (answer_limit.passed() || limit.passed())
            throw program::peer_error("the server does not stop sending; is it a copy server?");
    }
}

}  // namespace copy

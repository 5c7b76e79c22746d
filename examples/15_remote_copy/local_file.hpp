// examples/15_remote_copy/local_file.hpp -- files of this machine: one to be sent, and the place
// where one is to be stored. man 2 open, man 2 fstat
#pragma once

#include "../support/program.hpp"

#include <cstdint>
#include <string>
#include <string_view>

namespace copy {

/// `left`, but not more than `most`.
inline std::size_t at_most(std::size_t most, std::uint64_t left) {
    return static_cast<std::size_t>(std::min<std::uint64_t>(left, most));
}

/// A file that is sent. Throws trama::file_error, or program::usage_error: it is a folder, a FIFO
/// or a device, which have no size.
class local_file {
public:
    explicit local_file(const std::string& path) : path_(path) {
        // O_NONBLOCK: to open a FIFO would wait for somebody who writes.
        fd_.reset(::open(path.c_str(), O_RDONLY | O_NONBLOCK | O_CLOEXEC));
        if (!fd_) throw trama::file_error(errno, "open", path);
        before_ = trama::folder::status_of(fd_.get(), path);
        if (!S_ISREG(before_.st_mode))
            throw program::usage_error(trama::escaped(path) + " is no regular file");
    }

    std::uint64_t size() const { return static_cast<std::uint64_t>(before_.st_size); }

    /// What is behind the last slash.
    std::string name() const { return path_.substr(path_.rfind('/') + 1); }

    /// Reads the next 1 to `size` bytes. Returns how many; 0: the file ends here.
    std::size_t read(char* memory, std::size_t size) {
        const ssize_t count = ::read(fd_.get(), memory, size);
        if (count == -1) throw trama::file_error(errno, "read", path_);
        return static_cast<std::size_t>(count);
    }

    void rewind() { ::lseek(fd_.get(), 0, SEEK_SET); }

    /// All was read: throws file_error if somebody has written into it since it was opened, and
    /// usage_error if it ends elsewhere than its size says. (Of a file of /proc the size is 0.)
    void must_be_the_same() {
        const struct stat now = trama::folder::status_of(fd_.get(), path_);
        const bool is_same = now.st_size == before_.st_size &&
                             now.st_mtim.tv_sec == before_.st_mtim.tv_sec &&
                             now.st_mtim.tv_nsec == before_.st_mtim.tv_nsec;
        if (!is_same) throw trama::file_error(ESTALE, "copy a file that changed meanwhile:", path_);
        char more = 0;
        const bool is_longer = read(&more, 1) > 0;
        if (is_longer || ::lseek(fd_.get(), 0, SEEK_CUR) != before_.st_size)
            throw program::usage_error(trama::escaped(path_) + ": the system says it has " +
                                       std::to_string(size()) + " bytes, and that is not so");
    }

private:
    std::string path_;
    trama::unique_fd fd_;
    struct stat before_ {};
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
        start();  // not to learn only from the first client that nothing can be written here
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

/// All was sent. The first two versions have no word for "it is stored"; but a server that fails
/// cuts the connection, and that is heard here. Throws trama::network_error.
inline void wait_for_the_end(trama::tcp_stream& server) {
    server.shutdown_send();
    while (!server.recv_some(1024).empty()) {
    }
}

}  // namespace copy

// examples/15_remote_copy/partial_file.hpp -- an unfinished file. man 2 flock
//
//     copies/.partial/video.mp4     the bytes so far; stays when the connection is cut, and
//         |                         when the server is killed
//         |  commit: fsync, rename
//         v
//     copies/video.mp4              whole; the old one until then
//
// trama::atomic_file does the same, but deletes a file that was not committed. Here it must be
// there when the client comes again, so it has a name that the next connection finds.
#pragma once

#include "checksum.hpp"
#include "local_file.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <thread>

namespace copy {

class partial_file {
public:
    /// Opens or makes the file for `name`, and locks it. A client that was cut may connect again
    /// before the server notices, so this waits up to 5 s for the lock. Throws peer_error: another
    /// client is sending this file, or the program is to stop.
    partial_file(const trama::folder& where, const std::string& name,
                 const trama::stop_signal& stop)
        : where_(where), name_(name), path_(where.path_to(name)) {
        const trama::deadline limit(std::chrono::seconds(5));
        open_locked(limit, stop);
        while (!is_still_there()) {
            open_locked(limit, stop);
        }
    }
    partial_file(const partial_file&) = delete;
    partial_file& operator=(const partial_file&) = delete;
    ~partial_file() {
        if (fd_ && size() == 0) discard();
    }

    /// Adds the bytes that have come to `sum`: the client continues only if its file begins with
    /// them.
    template <typename BetweenPieces>
    void add_to(checksum& sum, BetweenPieces between_pieces) {
        std::string piece(262144, '\0');
        while (true) {
            const std::size_t count = read(piece);
            if (count == 0) return;
            sum.add(std::string_view(piece).substr(0, count));
            between_pieces();
        }
    }

    void append(std::string_view bytes) { trama::write_all(fd_.get(), bytes, path_); }

    void clear() {
        if (::ftruncate(fd_.get(), 0) != 0) throw trama::file_error(errno, "clear", path_);
        ::lseek(fd_.get(), 0, SEEK_SET);
    }

    /// Deletes the file, which frees its space.
    void discard() {
        if (!fd_) return;
        ::unlinkat(where_.fd(), name_.c_str(), 0);
        fd_.reset();
    }

    /// The file is complete: gives it its name in `to`, in one step. Replaces a file of that name.
    void commit(const trama::folder& to) {
        make_safe();
        if (::renameat(where_.fd(), name_.c_str(), to.fd(), name_.c_str()) != 0)
            throw trama::file_error(errno, "rename to", to.path_to(name_));
        fd_.reset();
        to.sync();
    }

    std::uint64_t size() const {
        return static_cast<std::uint64_t>(trama::folder::status_of(fd_.get(), path_).st_size);
    }

    /// Deletes the files that no program has written to for so long. A locked one is being written.
    static void clear_old(const trama::folder& where, std::chrono::seconds age) {
        // Not std::time(): it may lag some milliseconds behind the times that files have.
        const auto now = std::chrono::system_clock::to_time_t(std::chrono::system_clock::now());
        where.each_file([&](const std::string& name, const struct stat& status) {
            if (now - status.st_mtime < age.count()) return;
            const trama::unique_fd file(::openat(where.fd(), name.c_str(), O_RDWR | O_CLOEXEC));
            if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0)
                ::unlinkat(where.fd(), name.c_str(), 0);
        });
    }

private:
    void open_locked(const trama::deadline& limit, const trama::stop_signal& stop) {
        constexpr int flags = O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
        fd_.reset(::openat(where_.fd(), name_.c_str(), flags, 0644));
        if (!fd_) throw trama::file_error(errno, "open", path_);
        while (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
            if (errno != EWOULDBLOCK && errno != EINTR)
                throw trama::file_error(errno, "lock", path_);
            if (limit.passed() || stop.stopped()) {
                fd_.reset();
                throw program::peer_error("another client is sending this file");
            }
            std::this_thread::sleep_for(std::chrono::milliseconds(20));
        }
    }

    /// Waits until the bytes are safe on the disk. A signal may interrupt the call.
    void make_safe() const {
        while (::fsync(fd_.get()) != 0) {
            if (errno != EINTR) throw trama::file_error(errno, "write to the disk", path_);
        }
    }

    /// Returns false if another client finished the file between the open and the lock: then the
    /// locked file is the stored one, and must not change.
    bool is_still_there() const {
        struct stat named {};
        const struct stat locked = trama::folder::status_of(fd_.get(), path_);
        return ::fstatat(where_.fd(), name_.c_str(), &named, AT_SYMLINK_NOFOLLOW) == 0 &&
               named.st_ino == locked.st_ino && named.st_dev == locked.st_dev;
    }

    std::size_t read(std::string& piece) const {
        return trama::read_some(fd_.get(), piece.data(), piece.size(), path_);
    }

    const trama::folder& where_;
    std::string name_;
    std::string path_;  // for messages
    trama::unique_fd fd_;
};

}  // namespace copy

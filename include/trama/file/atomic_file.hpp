// trama/file/atomic_file.hpp -- a file that is wholly there, or not at all.
// man 2 rename, man 2 fsync, man 2 flock
//
// Who writes into a file in place leaves half of it behind when the program, the disk or the power
// fails. So the bytes go into a temporary file beside it; when all of them are safe on the disk, it
// takes the name in one step, rename(2). Whoever opens the name sees the old file or the new one.
#pragma once

#include <trama/file/folder.hpp>

#include <sys/file.h>

namespace trama {

/// A file that is being written. What is not committed is deleted by the destructor. Move-only.
class atomic_file {
public:
    /// Starts what is to become the file `name` in `where`, over one that may be there; only its
    /// owner may write to it (mode 0644). Throws file_error: EINVAL for a name that is not plain.
    atomic_file(const folder& where, const std::string& name)
        : name_(name), path_(where.path_to(name)) {
        if (!is_plain_name(name)) throw file_error(EINVAL, "write", path_);
        folder_.reset(::fcntl(where.fd(), F_DUPFD_CLOEXEC, 0));
        if (!folder_) throw file_error(errno, "write", path_);
        // A clean-up may take the file away before it is locked.
        struct stat status {};
        do make_temporary();
        while (::fstat(file_.get(), &status) == 0 && status.st_nlink == 0);
    }
    atomic_file(atomic_file&&) noexcept = default;
    atomic_file& operator=(atomic_file&& other) noexcept {
        if (this == &other) return *this;
        abandon();
        folder_ = std::move(other.folder_);
        file_ = std::move(other.file_);
        name_ = std::move(other.name_);
        path_ = std::move(other.path_);
        temporary_ = std::move(other.temporary_);
        maker_ = other.maker_;
        return *this;
    }
    ~atomic_file() { abandon(); }

    /// Where to write; still owned here. -1 when it was committed.
    int fd() const noexcept { return file_.get(); }

    /// All was written: makes it safe on the disk, gives it its name, and closes it. Throws
    /// file_error; then the file that was there before still is, unless the very last step failed,
    /// which makes the new name safe on the disk.
    void commit() {
        make_safe(file_.get());
        trama_detail::file_call("rename a temporary file to", path_, [&] {
            return ::renameat(folder_.get(), temporary_.c_str(), folder_.get(), name_.c_str());
        });
        file_.reset();
        make_safe(folder_.get());
    }

    /// The same, but replaces no file: false when there is one of that name. Then it can be called
    /// again, with another name.
    bool commit_new(const std::string& name) {
        if (!is_plain_name(name)) throw file_error(EINVAL, "write", name);
        // Before the disk is waited for; linkat is the judge.
        struct stat status {};
        if (::fstatat(folder_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) return false;
        make_safe(file_.get());
        const auto linked = trama_detail::system_call([&] {
            return ::linkat(folder_.get(), temporary_.c_str(), folder_.get(), name.c_str(), 0);
        });
        if (linked.error == EEXIST) return false;
        if (linked.failed()) throw file_error(linked.error, "name a temporary file", name);
        ::unlinkat(folder_.get(), temporary_.c_str(), 0);
        file_.reset();
        make_safe(folder_.get());
        return true;
    }

    /// Deletes what programs that were killed have left in `where`. Files that a living program is
    /// writing there are locked, and stay. Call it when a server starts.
    static void clear_leftovers(const folder& where) {
        where.each_entry([&](const std::string& name, const struct stat& status) {
            if (!S_ISREG(status.st_mode) || !trama_detail::is_temporary(name)) return;
            constexpr int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
            const unique_fd file(::openat(where.fd(), name.c_str(), flags));
            if (file && ::flock(file.get(), LOCK_EX | LOCK_NB) == 0)
                ::unlinkat(where.fd(), name.c_str(), 0);
        });
    }

private:
    void make_temporary() {
        constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
        do {
            timespec now{};
            ::clock_gettime(CLOCK_MONOTONIC, &now);
            temporary_ = trama_detail::text("%s%ld-%ld", trama_detail::temporary_start.data(),
                                            static_cast<long>(::getpid()), now.tv_nsec)
                             .c_str();
            file_.reset(::openat(folder_.get(), temporary_.c_str(), flags, 0644));
        } while (!file_ && (errno == EEXIST || errno == EINTR));
        if (!file_) throw file_error(errno, "write", path_);
        ::flock(file_.get(), LOCK_EX);  // until it is closed, however the program ends
    }

    void make_safe(int fd) const {
        trama_detail::file_call("write to the disk", path_, [&] { return ::fsync(fd); });
    }

    void abandon() noexcept {
        // After fork(2) the file is the parent's: the child must not take it away.
        if (file_ && ::getpid() == maker_) ::unlinkat(folder_.get(), temporary_.c_str(), 0);
    }

    unique_fd folder_;
    unique_fd file_;
    std::string name_;
    std::string path_;  // for messages
    std::string temporary_;
    pid_t maker_ = ::getpid();
};

}  // namespace trama

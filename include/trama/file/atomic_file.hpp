// trama/file/atomic_file.hpp -- a file that is wholly there, or not at all.
// man 2 rename, man 2 link, man 2 fsync, man 2 flock
//
// A program that writes into a file directly leaves half of it behind when the program, the disk or
// the power fails. So the bytes go into a temporary file beside it. When all of them are safe on
// the disk, the temporary file takes the name in one step, rename(2). A program that opens the name
// gets the old file or the new one, and both are whole.
#ifndef TRAMA_FILE_ATOMIC_FILE_HPP
#define TRAMA_FILE_ATOMIC_FILE_HPP

#include <trama/file/folder.hpp>

#include <chrono>

#include <sys/file.h>

namespace trama {

namespace trama_detail {

inline void delete_file(int folder, const std::string& name) noexcept {
    system_call([&] { return ::unlinkat(folder, name.c_str(), 0); });
}

/// Makes the file `name`, to be read and written by its owner. Error EEXIST: there is one already.
inline call_result make_file(int folder, const std::string& name) {
    constexpr int flags = O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC;
    return system_call([&] { return ::openat(folder, name.c_str(), flags, 0644); });
}

/// Renames `from` to `to`, but replaces nothing. Error EEXIST: there is a file of that name.
inline call_result rename_to_new(int folder, const std::string& from, const std::string& to) {
    const auto renamed =
        system_call([&] { return rename_to_free(folder, from.c_str(), to.c_str()); });
    if (renamed.error != EINVAL && renamed.error != ENOSYS) return renamed;
    // O_EXCL lets one program alone make the name. So what rename(2) replaces here is the empty
    // file that this function has made, and not the file of another program. (A program that is
    // killed in between leaves the empty file.)
    const call_result made = make_file(folder, to);
    if (made.failed()) return made;
    const unique_fd empty(made.descriptor());
    const call_result renamed_over =
        system_call([&] { return ::renameat(folder, from.c_str(), folder, to.c_str()); });
    if (renamed_over.failed()) delete_file(folder, to);
    return renamed_over;
}

/// Gives the file `from` the name `to`, but replaces nothing. Error EEXIST as above.
inline call_result name_file(int folder, const std::string& from, const std::string& to) {
    const call_result linked =
        system_call([&] { return ::linkat(folder, from.c_str(), folder, to.c_str(), 0); });
    // A file system without hard links: FAT, exFAT, shared folders, FUSE.
    const bool has_no_links = linked.error == EPERM || linked.error == ENOSYS ||
                              linked.error == ENOTSUP || linked.error == EMLINK;
    if (has_no_links) return rename_to_new(folder, from, to);
    if (!linked.failed()) delete_file(folder, from);
    return linked;
}

}  // namespace trama_detail

/// A file that is being written. The destructor deletes what was not committed. Move-only.
class atomic_file {
public:
    /// Starts the new file `name` in `where`; it may replace one that is there. Only its owner may
    /// write to it (mode 0644). Throws file_error: EINVAL for a name that is not plain.
    atomic_file(const folder& where, const std::string& name)
        : folder_(where.duplicate()), name_(name) {
        if (!is_plain_name(name)) throw file_error(EINVAL, "write", path());
        make_temporary();
        while (was_deleted()) {
            make_temporary();
        }
    }
    atomic_file(atomic_file&&) noexcept = default;
    atomic_file& operator=(atomic_file&& other) noexcept {
        if (this == &other) return *this;
        abandon();
        folder_ = std::move(other.folder_);
        file_ = std::move(other.file_);
        name_ = std::move(other.name_);
        temporary_ = std::move(other.temporary_);
        maker_ = other.maker_;
        return *this;
    }
    ~atomic_file() { abandon(); }

    /// The descriptor to write to; still owned here. -1 after the commit.
    int fd() const noexcept { return file_.get(); }

    /// Makes the file safe on the disk, gives it its name, and closes it. Throws file_error; then
    /// the file that was there before is still there, unless only the very last step failed, which
    /// makes the new name safe on the disk.
    void commit() {
        make_safe();
        trama_detail::file_call("rename a temporary file to", path(), [&] {
            return ::renameat(folder_.fd(), temporary_.c_str(), folder_.fd(), name_.c_str());
        });
        file_.reset();
        folder_.sync();
    }

    /// The same under a name that is free: replaces no file. Returns false if there is one of that
    /// name; then it can be called again, with another name.
    [[nodiscard]] bool commit_new(const std::string& name) {
        if (!is_plain_name(name)) throw file_error(EINVAL, "write", name);
        // A first look saves the wait for the disk. name_file() decides.
        struct stat status {};
        if (!trama_detail::look_at(folder_.fd(), name, status).failed()) return false;
        make_safe();
        const auto named = trama_detail::name_file(folder_.fd(), temporary_, name);
        if (named.error == EEXIST) return false;
        if (named.failed()) throw file_error(named.error, "name a temporary file", name);
        file_.reset();
        folder_.sync();
        return true;
    }

    /// Deletes the temporary files in `where` that killed programs have left behind. Those of
    /// living programs are locked, and stay. Call it when a server starts.
    static void clear_leftovers(const folder& where) {
        where.each_entry([&](const std::string& name, const struct stat& status) {
            if (!S_ISREG(status.st_mode) || !trama_detail::is_temporary(name)) return;
            constexpr int flags = O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC;
            const auto opened = trama_detail::system_call(
                [&] { return ::openat(where.fd(), name.c_str(), flags); });
            const unique_fd file(opened.descriptor());
            if (!lock(file.get(), LOCK_NB).failed()) trama_detail::delete_file(where.fd(), name);
        });
    }

private:
    /// Makes a file under a name that nobody has, and locks it.
    void make_temporary() {
        trama_detail::call_result made{-1, EEXIST};
        while (made.error == EEXIST) {
            temporary_ = temporary_name();
            made = trama_detail::make_file(folder_.fd(), temporary_);
        }
        if (made.failed()) throw file_error(made.error, "write", path());
        file_.reset(made.descriptor());
        lock(file_.get(), 0);
    }

    /// True if clear_leftovers() of another program was faster than the lock. Throws nothing: the
    /// constructor would leave the file behind.
    bool was_deleted() const {
        struct stat status {};
        const auto found = trama_detail::system_call([&] { return ::fstat(fd(), &status); });
        return !found.failed() && status.st_nlink == 0;
    }

    static std::string temporary_name() {
        const auto now = std::chrono::steady_clock::now().time_since_epoch();
        return std::string(trama_detail::temporary_start) + std::to_string(::getpid()) + '-' +
               std::to_string(std::chrono::nanoseconds(now).count());
    }

    /// Locks the file until it is closed, also by the end of the program. `flags`: LOCK_NB or 0.
    static trama_detail::call_result lock(int file, int flags) {
        return trama_detail::system_call([&] { return ::flock(file, LOCK_EX | flags); });
    }

    void make_safe() const {
        trama_detail::file_call("write to the disk", path(),
                                [&] { return trama_detail::sync_file(fd()); });
    }

    void abandon() noexcept {
        // After fork(2) the file belongs to the parent: the child must not delete it.
        const bool is_ours = file_ && ::getpid() == maker_;
        if (is_ours) trama_detail::delete_file(folder_.fd(), temporary_);
    }

    std::string path() const { return folder_.path_to(name_); }

    folder folder_;
    unique_fd file_;
    std::string name_;
    std::string temporary_;
    pid_t maker_ = ::getpid();
};

}  // namespace trama

#endif  // TRAMA_FILE_ATOMIC_FILE_HPP

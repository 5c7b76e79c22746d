// trama/file/folder.hpp -- a folder that no name leads out of. man 2 openat, man 3 readdir
//
// A name that a stranger sent may be "../../etc/passwd", the name of a symbolic link to it, or of a
// FIFO to which nobody writes. Here a name is one step, looked up in a descriptor of the folder,
// and no symbolic link is followed: no name reaches a file outside, even if somebody renames or
// links files meanwhile.
#ifndef TRAMA_FILE_FOLDER_HPP
#define TRAMA_FILE_FOLDER_HPP

#include <trama/net/unique_fd.hpp>

#include <dirent.h>
#include <sys/stat.h>

namespace trama {

/// A call about a file of this machine failed. what(): "open files/data.csv: Permission
/// denied"; code() compares with std::errc.
class file_error : public std::system_error {
public:
    file_error(int error, const char* operation, const std::string& path)
        : std::system_error(
              error, std::system_category(),
              trama_detail::text("%s %s", operation, escaped(path, 300).c_str()).c_str()) {}
};

namespace trama_detail {

/// Makes a call about the file at `path`. Returns its value. Throws file_error if it fails.
template <typename Call>
int file_call(const char* operation, const std::string& path, Call call) {
    const call_result result = system_call(call);
    if (result.failed()) throw file_error(result.error, operation, path);
    return static_cast<int>(result.value);
}

/// The beginning of the name of each file that is still being written.
inline constexpr std::string_view temporary_start = ".trama-";

inline bool is_temporary(std::string_view name) noexcept {
    return name.substr(0, temporary_start.size()) == temporary_start;
}

/// What fstatat(2) says of `name` itself: a symbolic link is not followed.
inline call_result look_at(int folder, const std::string& name, struct stat& status) {
    return system_call(
        [&] { return ::fstatat(folder, name.c_str(), &status, AT_SYMLINK_NOFOLLOW); });
}

/// The list of what lies in a folder, open. man 3 fdopendir
class directory_list {
public:
    /// Takes over `fd`. Throws file_error.
    directory_list(unique_fd fd, const std::string& path)
        : path_(path), entries_(::fdopendir(fd.get())) {
        if (entries_ == nullptr) throw file_error(errno, "list", path_);
        fd.release();
    }
    directory_list(const directory_list&) = delete;
    directory_list& operator=(const directory_list&) = delete;
    ~directory_list() { ::closedir(entries_); }

    /// The next entry; nullptr at the end. Throws file_error.
    const dirent* next() {
        errno = 0;  // readdir says nullptr for an error, too
        const dirent* const entry = ::readdir(entries_);
        if (entry == nullptr && errno != 0) throw file_error(errno, "list", path_);
        return entry;
    }

private:
    const std::string& path_;
    DIR* const entries_;
};

}  // namespace trama_detail

/// True if `name` can only mean something that lies in the folder itself, and that is not being
/// written: 1 to 255 bytes, no slash, no NUL, neither "." nor "..", no ".trama-" at its start.
[[nodiscard]] inline bool is_plain_name(std::string_view name) noexcept {
    return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
           name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos &&
           !trama_detail::is_temporary(name);
}

/// An open folder. Owns its descriptor; move-only.
class folder {
public:
    /// Opens the folder at `path`. Throws file_error.
    explicit folder(const std::string& path) : folder(open_at(AT_FDCWD, path, path, 0), path) {}

    /// Opens the folder at `path`; makes it first if there is none. The folders above must exist.
    static folder make(const std::string& path) {
        make_at(AT_FDCWD, path, path);
        return folder(path);
    }

    /// Opens the folder `name` in this one; makes it first if there is none. Throws file_error.
    folder make_inside(const std::string& name) const {
        const std::string path = path_to(name);
        if (!is_plain_name(name)) throw file_error(EINVAL, "make folder", path);
        if (make_at(fd(), name, path)) sync();
        return folder(open_at(fd(), name, path, O_NOFOLLOW), path);
    }

    /// A second object for the same folder, opened anew. Throws file_error.
    folder duplicate() const { return folder(open_at(fd(), ".", path_, O_NOFOLLOW), path_); }

    /// Opens a file to be read. Throws file_error: ENOENT when there is no regular file of that
    /// name (a link, a folder, a FIFO, a device is none), EACCES when it may not be read.
    unique_fd open(const std::string& name) const {
        const std::string path = path_to(name);
        struct stat status {};
        if (!is_plain_name(name)) throw file_error(ENOENT, "open", path);
        // Opening a device may already do something, so the kind of file is read before.
        const auto found = trama_detail::look_at(fd(), name, status);
        if (found.failed()) throw file_error(found.error, "open", path);
        if (!S_ISREG(status.st_mode)) throw file_error(ENOENT, "open", path);
        // Another file may take the name just now. O_NONBLOCK: a FIFO would wait for a writer.
        constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        const auto opened =
            trama_detail::system_call([&] { return ::openat(fd(), name.c_str(), flags); });
        const int error = opened.error == ELOOP ? ENOENT : opened.error;  // ELOOP: a link
        if (opened.failed()) throw file_error(error, "open", path);
        unique_fd file(opened.descriptor());
        if (!S_ISREG(status_of(file.get(), path).st_mode)) throw file_error(ENOENT, "open", path);
        return file;
    }

    /// Calls `visit(const std::string& name, const struct stat& status)` for each regular file in
    /// this folder, in no order. Throws file_error.
    template <typename Visit>
    void each_file(Visit visit) const {
        each_entry([&](const std::string& name, const struct stat& status) {
            if (S_ISREG(status.st_mode) && is_plain_name(name)) visit(name, status);
        });
    }

    /// The same for each entry: also folders, links, and files that are being written.
    template <typename Visit>
    void each_entry(Visit visit) const {
        // A list of its own: fd() has one position, and a visit may list the folder, too.
        trama_detail::directory_list list(std::move(duplicate().fd_), path_);
        if (status_of(fd(), path_).st_nlink == 0) throw file_error(ENOENT, "list", path_);
        while (const dirent* entry = list.next()) {
            const std::string name = entry->d_name;
            struct stat status {};
            const auto found = trama_detail::look_at(fd(), name, status);
            if (found.error == ENOENT) continue;  // it was deleted meanwhile
            if (found.failed()) throw file_error(found.error, "look at", path_to(name));
            visit(name, status);
        }
    }

    /// Waits until the names in this folder are safe on the disk. Some file systems (CIFS, FUSE,
    /// 9p) have no such operation for a folder: that is no error. Throws file_error. man 2 fsync
    void sync() const {
        const auto synced =
            trama_detail::system_call([&] { return trama_detail::sync_file(fd()); });
        const bool exists = synced.error != EINVAL && synced.error != ENOSYS;
        if (synced.failed() && exists) throw file_error(synced.error, "write to the disk", path_);
    }

    /// The path of `name` in this folder, for messages.
    std::string path_to(const std::string& name) const { return path_ + '/' + name; }

    const std::string& path() const noexcept { return path_; }
    int fd() const noexcept { return fd_.get(); }

    /// What the system knows of an open file: its size, when it was written. man 2 fstat
    static struct stat status_of(int file, const std::string& path) {
        struct stat status {};
        trama_detail::file_call("look at", path, [&] { return ::fstat(file, &status); });
        return status;
    }

private:
    folder(unique_fd fd, const std::string& path) : fd_(std::move(fd)), path_(path) {}

    /// Opens the folder `name`, relative to `base`; `path` is its name in errors.
    static unique_fd open_at(int base, const std::string& name, const std::string& path,
                             int flags) {
        return unique_fd(trama_detail::file_call("open folder", path, [&] {
            return ::openat(base, name.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | flags);
        }));
    }

    /// Returns true if the folder is new, false if there was something of that name.
    static bool make_at(int base, const std::string& name, const std::string& path) {
        const auto made =
            trama_detail::system_call([&] { return ::mkdirat(base, name.c_str(), 0777); });
        if (made.error == EEXIST) return false;
        if (made.failed()) throw file_error(made.error, "make folder", path);
        return true;
    }

    unique_fd fd_;
    std::string path_;
};

}  // namespace trama

#endif  // TRAMA_FILE_FOLDER_HPP

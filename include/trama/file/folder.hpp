// trama/file/folder.hpp -- a folder that no name leads out of. man 2 openat, man 3 readdir
//
// A name that a stranger sent may be "../../etc/passwd", the name of a link to it, or of a FIFO
// that nobody ever writes to. Here a name is one step, looked up in a descriptor of the folder, and
// no link is followed: nothing outside can be reached, whatever others rename or link meanwhile.
#pragma once

#include <trama/net/unique_fd.hpp>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

namespace trama {

/// Something is wrong with a file of this machine. what(): "open files/data.csv: Permission
/// denied"; code() compares with std::errc.
class file_error : public std::system_error {
public:
    file_error(int error, const char* operation, const std::string& path)
        : std::system_error(
              error, std::system_category(),
              trama_detail::text("%s %s", operation, escaped(path, 300).c_str()).c_str()) {}
};

namespace trama_detail {

/// The value of a call about the file at `path`, which must succeed. Throws file_error.
template <typename Call>
int file_call(const char* operation, const std::string& path, Call call) {
    const call_result result = system_call(call);
    if (result.failed()) throw file_error(result.error, operation, path);
    return static_cast<int>(result.value);
}

/// How the names of files begin that are being written.
inline constexpr std::string_view temporary_start = ".trama-";

inline bool is_temporary(std::string_view name) noexcept {
    return name.substr(0, temporary_start.size()) == temporary_start;
}

}  // namespace trama_detail

/// True if `name` can only mean something that lies in the folder itself, and that is not being
/// written: 1 to 255 bytes, no slash, no NUL, neither "." nor "..", no ".trama-" at its start.
inline bool is_plain_name(std::string_view name) noexcept {
    return !name.empty() && name.size() <= 255 && name != "." && name != ".." &&
           name.find('/') == std::string_view::npos && name.find('\0') == std::string_view::npos &&
           !trama_detail::is_temporary(name);
}

/// Writes all of `bytes` where the position of `file` is; `path` is what an error calls it. Throws
/// file_error. man 2 write
inline void write_all(int file, std::string_view bytes, const std::string& path) {
    while (!bytes.empty()) {
        const auto result =
            trama_detail::system_call([&] { return ::write(file, bytes.data(), bytes.size()); });
        if (result.failed()) throw file_error(result.error, "write", path);
        bytes.remove_prefix(result.count());
    }
}

/// An open folder. Owns its descriptor; move-only.
class folder {
public:
    /// Opens the folder at `path`. Throws file_error.
    explicit folder(const std::string& path) : folder(AT_FDCWD, path, path) {}

    /// The same; makes the folder first when there is none. Those above it must be there.
    static folder make(const std::string& path) { return make_at(AT_FDCWD, path, path); }

    /// The folder `name` in this one, made when there is none. Throws file_error.
    folder make_inside(const std::string& name) const {
        if (!is_plain_name(name)) throw file_error(EINVAL, "make folder", path_to(name));
        return make_at(fd(), name, path_to(name));
    }

    /// Opens a file to be read. Throws file_error: ENOENT when there is no regular file of that
    /// name (a link, a folder, a FIFO, a device is none), EACCES when it may not be read.
    unique_fd open(const std::string& name) const {
        // O_NONBLOCK: should a FIFO take its place right now, to open it would wait for a writer.
        constexpr int flags = O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC;
        const std::string path = path_to(name);
        struct stat status {};
        if (!is_plain_name(name)) throw file_error(ENOENT, "open", path);
        if (::fstatat(fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) != 0)
            throw file_error(errno, "open", path);
        if (!S_ISREG(status.st_mode)) throw file_error(ENOENT, "open", path);
        const auto opened =
            trama_detail::system_call([&] { return ::openat(fd(), name.c_str(), flags); });
        // ELOOP: it has become a link meanwhile.
        if (opened.failed())
            throw file_error(opened.error == ELOOP ? ENOENT : opened.error, "open", path);
        unique_fd file(static_cast<int>(opened.value));
        if (!S_ISREG(status_of(file.get(), path).st_mode)) throw file_error(ENOENT, "open", path);
        return file;
    }

    /// Calls `visit(const std::string& name, const struct stat& status)` for each regular file in
    /// here, in no order. Throws file_error.
    template <typename Visit>
    void each_file(Visit visit) const {
        each_entry([&](const std::string& name, const struct stat& status) {
            if (S_ISREG(status.st_mode) && is_plain_name(name)) visit(name, status);
        });
    }

    /// The same for all that lies in here: folders, links, files that are being written.
    template <typename Visit>
    void each_entry(Visit visit) const {
        // Opened anew, because a copy of the descriptor would share its place in the list.
        unique_fd anew(trama_detail::file_call("list", path_, [&] {
            return ::openat(fd(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        }));
        const directory_list list(anew.get());
        if (list.entries == nullptr) throw file_error(errno, "list", path_);
        anew.release();
        if (status_of(fd(), path_).st_nlink == 0) throw file_error(ENOENT, "list", path_);
        for (;;) {
            errno = 0;
            const dirent* entry = ::readdir(list.entries);
            if (entry == nullptr && errno != 0) throw file_error(errno, "list", path_);
            if (entry == nullptr) return;
            const std::string name = entry->d_name;
            struct stat status {};
            if (::fstatat(fd(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) == 0) {
                visit(name, status);
            } else if (errno != ENOENT) {  // that is: it was deleted meanwhile
                throw file_error(errno, "look at", path_to(name));
            }
        }
    }

    /// Where `name` lies, for messages.
    std::string path_to(const std::string& name) const { return path_ + '/' + name; }

    const std::string& path() const noexcept { return path_; }
    int fd() const noexcept { return fd_.get(); }

    /// What the system knows of an open file: its size, when it was written. man 2 fstat
    static struct stat status_of(int file, const std::string& path) {
        struct stat status {};
        if (::fstat(file, &status) != 0) throw file_error(errno, "look at", path);
        return status;
    }

private:
    struct directory_list {
        explicit directory_list(int fd) noexcept : entries(::fdopendir(fd)) {}
        directory_list(const directory_list&) = delete;
        directory_list& operator=(const directory_list&) = delete;
        ~directory_list() {
            if (entries != nullptr) ::closedir(entries);
        }

        DIR* const entries;
    };

    // `where` is relative to the folder `base`; `path` is what messages call it.
    folder(int base, const std::string& where, const std::string& path) : path_(path) {
        const int follow = base == AT_FDCWD ? 0 : O_NOFOLLOW;
        fd_.reset(trama_detail::file_call("open folder", path, [&] {
            return ::openat(base, where.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC | follow);
        }));
    }

    static folder make_at(int base, const std::string& where, const std::string& path) {
        const auto made =
            trama_detail::system_call([&] { return ::mkdirat(base, where.c_str(), 0777); });
        const bool is_new = !made.failed();
        if (!is_new && made.error != EEXIST) throw file_error(made.error, "make folder", path);
        if (is_new && base != AT_FDCWD) ::fsync(base);  // or a power cut might take it away
        return folder(base, where, path);
    }

    unique_fd fd_;
    std::string path_;
};

}  // namespace trama

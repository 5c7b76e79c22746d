// What the tests of files share: a folder of their own, what lies in it, and a second process.
#pragma once

#include "trama.hpp"

#include "../support/net.hpp"

#include <csignal>
#include <cstdio>
#include <set>
#include <stdexcept>
#include <string>
#include <vector>

#include <dirent.h>
#include <ftw.h>
#include <sys/resource.h>
#include <sys/wait.h>

namespace test {

using namespace std::string_literals;

/// Names of files in the folder itself, however strange they look.
inline const std::vector<std::string> plain_names = {"a"s,          "data.csv"s,
                                                     "..."s,        "..a"s,
                                                     "a.."s,        ".hidden"s,
                                                     " "s,          "a b"s,
                                                     "-rf"s,        "~"s,
                                                     "*"s,          "back\\slash"s,
                                                     "quo\"te"s,    "it's"s,
                                                     "new\nline"s,  "car\rriage"s,
                                                     "%2e%2e"s,     "\x1b[2J"s,
                                                     "a\xc3\xb1o"s, "\xf0\x9f\x90\xa7"s,
                                                     "\xff\xfe"s,   std::string(255, 'x')};

/// Names that lead elsewhere, or nowhere.
inline const std::vector<std::string> other_names = {""s,
                                                     "."s,
                                                     ".."s,
                                                     "/"s,
                                                     "../x"s,
                                                     "..//x"s,
                                                     "./x"s,
                                                     "x/"s,
                                                     "x/.."s,
                                                     "../files/"s,
                                                     "x/../../y"s,
                                                     "a/b"s,
                                                     "//etc"s,
                                                     "/etc/passwd"s,
                                                     "\0"s,
                                                     "x\0"s,
                                                     "x\0y"s,
                                                     "..\0"s,
                                                     "/dev/zero"s,
                                                     std::string(256, 'x'),
                                                     std::string(5000, 'x')};

/// A new, empty folder. It is gone with its owner, and all that is in it.
class temporary_folder {
public:
    temporary_folder() {
        if (::mkdtemp(path_) == nullptr) throw std::runtime_error("mkdtemp");
    }
    temporary_folder(const temporary_folder&) = delete;
    temporary_folder& operator=(const temporary_folder&) = delete;
    ~temporary_folder() {
        const auto remove = [](const char* path, const struct stat*, int, FTW*) {
            return std::remove(path);
        };
        ::nftw(path_, remove, 16, FTW_DEPTH | FTW_PHYS);
    }

    std::string path() const { return path_; }
    std::string operator/(const std::string& name) const { return path() + '/' + name; }

private:
    char path_[32] = "/tmp/trama-files-XXXXXX";
};

/// Writes all of `bytes` in one call, as a file of a disk with room takes them.
inline void write_to(int file, std::string_view bytes) {
    if (::write(file, bytes.data(), bytes.size()) != static_cast<ssize_t>(bytes.size()))
        throw std::runtime_error("write");
}

/// Makes a file, or a new one in its place, with these bytes.
inline void make_file(const std::string& path, std::string_view bytes) {
    ::unlink(path.c_str());
    const trama::unique_fd file(::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL, 0644));
    write_to(file.get(), bytes);
}

/// All bytes of an open file. Its position stays.
inline std::string bytes_of(const trama::unique_fd& file) {
    std::string bytes;
    char piece[65536];
    for (;;) {
        const auto end = static_cast<off_t>(bytes.size());
        const ssize_t count = ::pread(file.get(), piece, sizeof piece, end);
        if (count <= 0) return bytes;
        bytes.append(piece, static_cast<std::size_t>(count));
    }
}

inline std::string bytes_at(const std::string& path) {
    return bytes_of(trama::unique_fd(::open(path.c_str(), O_RDONLY)));
}

/// A file without a name, open for reading and writing, at its start.
inline trama::unique_fd open_file(std::string_view bytes = {}) {
    const temporary_folder folder;
    make_file(folder / "x", bytes);
    return trama::unique_fd(::open((folder / "x").c_str(), O_RDWR | O_CLOEXEC));
}

/// The names of everything in a folder, dot-files too.
inline std::set<std::string> names_in(const std::string& path) {
    std::set<std::string> names;
    DIR* const list = ::opendir(path.c_str());
    while (const dirent* entry = ::readdir(list)) names.insert(entry->d_name);
    ::closedir(list);
    names.erase(".");
    names.erase("..");
    return names;
}

/// The file_error that `function` ends with.
template <typename Function>
outcome file_failure_of(Function function) {
    try {
        function();
    } catch (const trama::file_error& error) {
        return {error.code(), error.what()};
    }
    return {{}, "no error"};
}

/// Lowers a limit of this process for a while: RLIMIT_NOFILE, RLIMIT_FSIZE.
template <auto Resource>
class lower_limit {
public:
    explicit lower_limit(rlim_t value) {
        ::getrlimit(Resource, &before_);
        const rlimit lower{value, before_.rlim_max};
        ::setrlimit(Resource, &lower);
    }
    lower_limit(const lower_limit&) = delete;
    lower_limit& operator=(const lower_limit&) = delete;
    ~lower_limit() { ::setrlimit(Resource, &before_); }

private:
    rlimit before_{};
};

/// Another process, which runs `work`. It lives no longer than this.
class child_process {
public:
    template <typename Work>
    explicit child_process(Work work) : id_(::fork()) {
        if (id_ == -1) throw std::runtime_error("fork");
        if (id_ == 0) run(work);
    }
    child_process(const child_process&) = delete;
    child_process& operator=(const child_process&) = delete;
    ~child_process() { kill(); }

    /// Ends it at once, whatever it is doing.
    void kill() noexcept {
        if (id_ == -1) return;
        ::kill(id_, SIGKILL);
        wait();
    }

    /// Waits until it ends; true: as it should.
    bool wait() noexcept {
        int status = -1;
        ::waitpid(std::exchange(id_, -1), &status, 0);
        return status == 0;
    }

private:
    // Nothing may leave this function: the rest of the tests is for the parent.
    template <typename Work>
    [[noreturn]] static void run(Work work) noexcept {
        work();
        ::_exit(0);
    }

    pid_t id_;
};

}  // namespace test

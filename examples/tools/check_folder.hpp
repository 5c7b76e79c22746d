// examples/tools/check_folder.hpp -- the folder {dir} of the program: empty before each test, and
// gone at the end. man 3 mkdtemp
#pragma once

#include <cerrno>
#include <cstdlib>
#include <string>
#include <system_error>

#include <dirent.h>
#include <stdlib.h>
#include <unistd.h>

namespace check {

/// Removes all that is in a folder, and not the folder. A link is removed, and not followed.
inline void empty_folder(const std::string& path) {
    DIR* folder = ::opendir(path.c_str());
    if (folder == nullptr) return;
    for (const dirent* entry = ::readdir(folder); entry != nullptr; entry = ::readdir(folder)) {
        const std::string name = entry->d_name;
        if (name == "." || name == "..") continue;
        const std::string inside = path + '/' + name;
        if (::unlink(inside.c_str()) == 0) continue;
        empty_folder(inside);
        ::rmdir(inside.c_str());
    }
    ::closedir(folder);
}

/// A new folder below $TMPDIR or /tmp. The destructor removes it.
class scratch_folder {
public:
    scratch_folder() {
        const char* place = std::getenv("TMPDIR");
        path_ = std::string(place != nullptr ? place : "/tmp") + "/check.XXXXXX";
        if (::mkdtemp(path_.data()) == nullptr)
            throw std::system_error(errno, std::generic_category(), "mkdtemp " + path_);
    }
    scratch_folder(const scratch_folder&) = delete;
    scratch_folder& operator=(const scratch_folder&) = delete;
    ~scratch_folder() {
        empty_folder(path_);
        ::rmdir(path_.c_str());
    }

    const std::string& path() const { return path_; }

private:
    std::string path_;
};

}  // namespace check

// 18_collector/gather.hpp -- finds the images, PDFs, audio and video below a folder.
#pragma once

#include "../support/program.hpp"

#include <algorithm>
#include <cstddef>
#include <filesystem>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

namespace collector {

namespace fs = std::filesystem;

constexpr std::string_view kinds[] = {
    // images
    ".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".svg", ".heic",
    // documents
    ".pdf",
    // audio
    ".mp3", ".wav", ".ogg", ".oga", ".opus", ".flac", ".aac", ".m4a", ".wma",
    // video
    ".mp4", ".m4v", ".avi", ".mkv", ".mov", ".webm", ".mpg", ".mpeg", ".wmv", ".flv", ".3gp",
    ".ogv"};

/// True if the name ends in one of them, in small letters or capitals.
inline bool is_wanted(const fs::path& name) {
    std::string kind = name.extension();
    for (char& letter : kind)
        if (letter >= 'A' && letter <= 'Z') letter = static_cast<char>(letter - 'A' + 'a');
    return std::find(std::begin(kinds), std::end(kinds), kind) != std::end(kinds);
}

/// The files that were found, relative to the folder in which the search began.
struct findings {
    std::vector<fs::path> files;
    std::size_t failures = 0;  // folders and files that could not be read
};

/// Finds all that is wanted in `folder` of `root` and below. Links are not followed: one could lead
/// out of the folder, or around in a circle. Hidden files are left out.
inline void gather(const fs::path& root, const fs::path& folder, findings& found) {
    try {
        for (const fs::directory_entry& entry : fs::directory_iterator(root / folder)) {
            const fs::path name = entry.path().filename();
            const fs::file_type type = entry.symlink_status().type();
            if (name.native()[0] == '.') continue;
            if (type == fs::file_type::directory) gather(root, folder / name, found);
            if (type == fs::file_type::regular && is_wanted(name))
                found.files.push_back(folder / name);
        }
    } catch (const fs::filesystem_error& error) {
        ++found.failures;
        program::say_error("skipped: ", program::shown{folder.native()}, ": ",
                           error.code().message());
    }
}

}  // namespace collector

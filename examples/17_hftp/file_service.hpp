// 17_hftp/file_service.hpp -- the meaning of each request: the checks in their order, the answer.
//
// This file knows no socket and no client: a line goes in, an answer comes out.
#pragma once

#include "../support/program.hpp"
#include "answer.hpp"
#include "hftp.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace hftp {

/// The part of an answer behind "0 OK": text, and then perhaps a slice or a listing.
struct body {
    std::string text = {};
    std::unique_ptr<piece_source> rest = {};
};

/// Serves the files of one folder, which is looked up at each request: it may vanish and return.
class file_service {
public:
    explicit file_service(std::string folder) : folder_(std::move(folder)) {}

    /// The body of the answer to one line, given without its CR LF. Throws refusal for a mistake of
    /// the client, file_error for an error of this machine.
    body body_of(std::string_view line) const {
        require(std::none_of(line.begin(), line.end(), is_no_ascii), code::bad_request);
        require(line.find_first_not_of(" \t\r\v\f") != line.npos, code::bad_request);
        const words given = split(line);
        for (const command& each : commands) {
            if (each.name != given[0]) continue;
            const std::size_t arguments = given.size() - 1;
            require(arguments >= each.least && arguments <= each.most, code::invalid_arguments);
            return (this->*each.answer)(given);
        }
        throw refusal{code::no_such_command};
    }

private:
    using words = std::vector<std::string_view>;

    struct command {
        std::string_view name;
        std::size_t least;  // arguments
        std::size_t most;
        body (file_service::*answer)(const words&) const;
    };
    static const std::array<command, 5> commands;  // in alphabetical order

    static void require(bool condition, code otherwise) {
        if (!condition) throw refusal{otherwise};
    }

    static bool is_no_ascii(char byte) { return static_cast<unsigned char>(byte) >= 0x80; }

    /// The words between single spaces. No command has more than five words: behind them the rest
    /// stays one word, so that a line of a million spaces needs no million words.
    static words split(std::string_view line) {
        words found;
        std::size_t space = line.find(' ');
        while (space != line.npos && found.size() < 5) {
            found.push_back(line.substr(0, space));
            line.remove_prefix(space + 1);
            space = line.find(' ');
        }
        found.push_back(line);
        return found;
    }

    body get_file_listing(const words&) const {
        return with_first_piece("", std::make_unique<file_listing>(trama::folder(folder_)));
    }

    body get_metadata(const words& given) const {
        const trama::unique_fd file = open(given[1]);
        return {std::to_string(size_of(file, given[1])) + "\r\n"};
    }

    body get_slice(const words& given) const {
        require(is_legal_name(given[1]), code::invalid_arguments);
        const auto offset = number(given[2]);
        const auto size = number(given[3]);
        require(offset && size, code::invalid_arguments);
        const bool is_raw = given.size() == 5;
        require(!is_raw || given[4] == "raw", code::invalid_arguments);
        trama::unique_fd file = open(given[1]);
        const std::uint64_t end = size_of(file, given[1]);
        require(*offset <= end && *size <= end - *offset, code::offset_exceeds);
        const std::string length = "Content-Length: " + std::to_string(*size) + "\r\n\r\n";
        const auto form = is_raw ? file_slice::form::raw : file_slice::form::base64;
        auto slice = std::make_unique<file_slice>(std::move(file), *offset, *size, form);
        return with_first_piece(is_raw ? length : "", std::move(slice));
    }

    /// Reads the first piece at once: an answer that cannot be read must not begin with OK.
    static body with_first_piece(std::string text, std::unique_ptr<piece_source> rest) {
        const bool has_more = rest->append_piece(text);
        if (!has_more) rest.reset();
        return {std::move(text), std::move(rest)};
    }

    body help(const words&) const {
        body names;
        for (const command& each : commands) {
            names.text += std::string(each.name) + "\r\n";
        }
        names.text += "\r\n";
        return names;
    }

    body quit(const words&) const { return {}; }

    /// Opens a file. Its size is read from the open descriptor, so that size and bytes belong to
    /// one file, even if somebody renames files meanwhile.
    trama::unique_fd open(std::string_view given) const {
        require(is_legal_name(given), code::invalid_arguments);
        require(trama::is_plain_name(given), code::file_not_found);
        try {
            return trama::folder(folder_).open(std::string(given));
        } catch (const trama::file_error& error) {
            require(!means_absent(error.code()), code::file_not_found);
            throw;
        }
    }

    /// True for the errors of a file that is not there, also because its folder is not.
    static bool means_absent(const std::error_code& error) {
        return error == std::errc::no_such_file_or_directory ||
               error == std::errc::not_a_directory || error == std::errc::filename_too_long;
    }

    /// Throws file_error for a file whose size the system cannot tell, such as those of /proc.
    static std::uint64_t size_of(const trama::unique_fd& file, std::string_view name) {
        return trama::size_of_file(file.get(), std::string(name));
    }

    const std::string folder_;
};

inline const std::array<file_service::command, 5> file_service::commands{
    {{"get_file_listing", 0, 0, &file_service::get_file_listing},
     {"get_metadata", 1, 1, &file_service::get_metadata},
     {"get_slice", 3, 4, &file_service::get_slice},
     {"help", 0, 0, &file_service::help},
     {"quit", 0, 0, &file_service::quit}}};

}  // namespace hftp

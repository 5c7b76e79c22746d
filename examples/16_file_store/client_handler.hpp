// 16_file_store/client_handler.hpp -- the server's part of a conversation: one request, answered
// from the folder or into it.
#pragma once

#include "../support/file_name.hpp"
#include "../support/system.hpp"
#include "connection.hpp"
#include "file_list.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace store {

/// The numbers that the server shows. Each handler thread adds to them.
struct statistics {
    std::atomic<std::uint64_t> connections{0};
    std::atomic<std::uint64_t> upload_requests{0};
    std::atomic<std::uint64_t> download_requests{0};
    std::atomic<std::uint64_t> list_requests{0};
    std::atomic<std::uint64_t> unknown_requests{0};
    std::atomic<std::uint64_t> uploads{0};
    std::atomic<std::uint64_t> downloads{0};
    traffic bytes;
};

/// Serves one client. All access to files goes through trama::folder: no name leads out of it. The
/// folder is opened for each request, because another program may have replaced it.
class client_handler {
public:
    client_handler(trama::tcp_stream& client, std::uint64_t number, const std::string& storage,
                   statistics& counts)
        : stream_(client),
          peer_(client, counts.bytes),
          tag_("[ClientHandler:" + std::to_string(number) + "] "),
          storage_(storage),
          counts_(counts) {}

    /// Answers one request. Throws network_error and unexpected_eof when the connection breaks,
    /// file_error when a file becomes shorter while it is sent.
    void run() {
        log(level::debug, tag_, "serves ", peer_.peer());
        serve();
        discard_until_closed();
        log(level::debug, tag_, "has served ", peer_.peer());
    }

private:
    void serve() {
        const std::optional<char> opcode = peer_.receive_byte();
        if (!opcode) return;  // it closed without a request
        switch (*opcode) {
            case upload: return serve_upload();
            case download: return serve_download();
            case list: return serve_list();
            default: break;
        }
        ++counts_.unknown_requests;
        answer(unknown_opcode, "Unknown opcode");
    }

    void serve_upload() {
        ++counts_.upload_requests;
        answer(ok);
        const std::optional<std::string> name = receive_name();
        if (!name) return answer(refused, "Name refused");
        const std::uint64_t size = peer_.receive_number();
        if (size > longest_file) return answer(storage_failed, "Length refused");
        if (!store_file(*name, size)) return answer(storage_failed);
        ++counts_.uploads;
        log(level::info, "File ", program::harmless(*name), " uploaded from ", peer_.peer(), '.');
        confirm();
    }

    /// Receives the file and stores it. Returns false, after a line in the log, if the storage
    /// fails. Without commit(), ~atomic_file deletes the bytes that have come.
    bool store_file(const std::string& name, std::uint64_t size) {
        try {
            const trama::folder storage(storage_);
            trama::atomic_file file(storage, name);
            peer_.receive_file(file.fd(), size, [](std::uint64_t) {});
            file.commit();
            return true;
        } catch (const trama::file_error& error) {
            log(level::critical, "File ", program::harmless(name), " not stored: ", error.what());
            return false;
        }
    }

    void serve_download() {
        ++counts_.download_requests;
        answer(ok);
        const std::optional<std::string> name = receive_name();
        const std::optional<open_file> file = name ? open(*name) : std::nullopt;
        if (!file) return answer(not_found, "File not found");
        peer_.send(byte_of(ok) + bytes_of(file->size));
        peer_.send_file(
            file->fd.get(), file->size, [](std::uint64_t) {}, [] { return true; });
        ++counts_.downloads;
        log(level::info, "File ", program::harmless(*name), " downloaded from ", peer_.peer(), '.');
    }

    void serve_list() {
        ++counts_.list_requests;
        std::string text;
        try {
            text = list_text();
        } catch (const trama::file_error& error) {
            log(level::critical, "Files not listed: ", error.what());
            return answer(storage_failed);
        }
        peer_.send(byte_of(ok) + sized(text));
        log(level::info, "Files list downloaded from ", peer_.peer(), '.');
    }

    /// Sorted, so that the same files give the same text.
    std::string list_text() const {
        std::vector<std::string> lines;
        trama::folder(storage_).each_file([&](const std::string& name, const struct stat& status) {
            const timespec time = program::time_of_change(status);
            const double changed =
                static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec) / 1e9;
            const auto size = static_cast<std::uint64_t>(status.st_size);
            if (program::is_file_name(name)) lines.push_back(line_of({name, size, changed}));
        });
        std::sort(lines.begin(), lines.end());
        std::string text;
        for (const std::string& line : lines) {
            text += (text.empty() ? "" : "\n") + line;
        }
        return text;
    }

    /// Receives a name. Returns nothing, perhaps before all of it has come, for a name that the
    /// store does not take.
    std::optional<std::string> receive_name() {
        const std::uint64_t size = peer_.receive_number();
        if (size > name_limit) return std::nullopt;
        std::string name = peer_.receive(static_cast<std::size_t>(size));
        log(level::debug, tag_, "the name is \"", program::harmless(name), '"');
        return program::is_file_name(name) ? std::optional<std::string>(name) : std::nullopt;
    }

    /// A file to be sent. Its size is measured once, at the open descriptor: exactly these bytes
    /// are announced and sent, even if the file grows meanwhile.
    struct open_file {
        trama::unique_fd fd;
        std::uint64_t size;
    };

    /// Opens a file. Returns nothing if there is none, if it may not be read, or if its size is
    /// unknown (/proc); a client gets the same answer for all of them.
    std::optional<open_file> open(const std::string& name) const {
        try {
            trama::unique_fd file = trama::folder(storage_).open(name);
            const std::uint64_t size = trama::size_of_file(file.get(), name);
            return open_file{std::move(file), size};
        } catch (const trama::file_error& error) {
            log(level::debug, tag_, error.what());
            return std::nullopt;
        }
    }

    void answer(status code) { peer_.send(byte_of(code)); }

    void answer(status code, const char* what) {
        log(level::warning, what, ": request from ", peer_.peer(), '.');
        answer(code);
    }

    /// Sends the status after an upload. Clients of the course do not wait for it and may have
    /// closed, which is no error.
    void confirm() {
        try {
            answer(ok);
        } catch (const trama::network_error& error) {
            log(level::debug, tag_, error.what());
        }
    }

    /// Throws away what the client still sends, for at most 5 s. If the server closed with bytes
    /// unread, the system would reset the connection, and the client might lose the answer.
    void discard_until_closed() {
        using namespace std::chrono_literals;
        const trama::deadline limit(5s);
        char unwanted[16384];
        bool is_open = true;
        try {
            stream_.shutdown_send();
            while (is_open && !limit.passed()) {
                is_open = stream_.recv_some(unwanted, sizeof unwanted, limit) > 0;
            }
        } catch (const trama::network_error& error) {  // the time is up, or the client has reset
            log(level::debug, tag_, error.what());
        }
    }

    static constexpr std::uint64_t longest_file = std::numeric_limits<std::int64_t>::max();

    trama::tcp_stream& stream_;
    connection peer_;
    const std::string tag_;
    const std::string& storage_;
    statistics& counts_;
};

}  // namespace store

// 16_file_store/client_handler.hpp -- the server's part of a conversation: one request, answered
// from or into the folder.
#pragma once

#include "connection.hpp"
#include "file_list.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <vector>

namespace store {

/// What the server counts. Each handler thread adds to it.
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

/// Serves one client; throws when it is lost. Everything about files goes through trama::folder,
/// which no name leads out of, and which is opened anew each time: it may have been replaced since.
class client_handler {
public:
    client_handler(trama::tcp_stream& client, std::uint64_t number, const std::string& storage,
                   statistics& counts)
        : stream_(client),
          peer_(client, counts.bytes),
          tag_("[ClientHandler:" + std::to_string(number) + "] "),
          storage_(storage),
          counts_(counts) {}

    void run() {
        log(level::debug, tag_, peer_.peer(), " came");
        serve();
        linger();
        log(level::debug, tag_, peer_.peer(), " left");
    }

private:
    void serve() {
        const std::optional<char> opcode = peer_.receive_byte();
        if (!opcode) return;  // it came and went
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
        if (!name) return answer(refused, "Refused a name");
        const std::uint64_t size = peer_.receive_number();
        if (size > longest_file) return answer(storage_failed, "Refused a length");
        try {
            store_file(*name, size);
        } catch (const trama::file_error& error) {
            log(level::critical, "File ", program::harmless(*name), " not stored: ", error.what());
            return answer(storage_failed);
        }
        ++counts_.uploads;
        log(level::info, "File ", program::harmless(*name), " uploaded from ", peer_.peer(), '.');
        confirm();
    }

    /// When this ends by an exception, ~atomic_file deletes what has come.
    void store_file(const std::string& name, std::uint64_t size) {
        const trama::folder storage(storage_);
        trama::atomic_file file(storage, name);
        peer_.receive_file(file.fd(), size, [](std::uint64_t) {});
        file.commit();
    }

    void serve_download() {
        ++counts_.download_requests;
        answer(ok);
        const std::optional<std::string> name = receive_name();
        const trama::unique_fd file = name ? open(*name) : trama::unique_fd();
        if (!file) return answer(not_found, "File not found");
        const auto status = trama::folder::status_of(file.get(), *name);
        const auto size = static_cast<std::uint64_t>(status.st_size);
        peer_.send(byte_of(ok) + bytes_of(size));
        peer_.send_file(
            file.get(), size, [](std::uint64_t) {}, [] { return true; });
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
            const double changed = static_cast<double>(status.st_mtim.tv_sec) +
                                   static_cast<double>(status.st_mtim.tv_nsec) / 1e9;
            const auto size = static_cast<std::uint64_t>(status.st_size);
            if (is_storable(name)) lines.push_back(line_of({name, size, changed}));
        });
        std::sort(lines.begin(), lines.end());
        std::string text;
        for (const std::string& line : lines) text += (text.empty() ? "" : "\n") + line;
        return text;
    }

    /// None: the name is not one that the store takes. Then not even all of it was received.
    std::optional<std::string> receive_name() {
        const std::uint64_t size = peer_.receive_number();
        if (size > name_limit) return std::nullopt;
        std::string name = peer_.receive(static_cast<std::size_t>(size));
        log(level::debug, tag_, "the name is \"", program::harmless(name), '"');
        return is_storable(name) ? std::optional<std::string>(name) : std::nullopt;
    }

    /// No descriptor: there is no such file, or it may not be read; strangers are not told which.
    trama::unique_fd open(const std::string& name) const {
        try {
            return trama::folder(storage_).open(name);
        } catch (const trama::file_error& error) {
            log(level::debug, tag_, error.what());
            return {};
        }
    }

    void answer(status code) { peer_.send(byte_of(code)); }

    void answer(status code, const char* what) {
        log(level::warning, what, ", asked by ", peer_.peer(), '.');
        answer(code);
    }

    /// Clients of the course do not wait for this one, and may have gone.
    void confirm() {
        try {
            answer(ok);
        } catch (const trama::network_error& error) {
            log(level::debug, tag_, error.what());
        }
    }

    /// The last answer reaches also a client that is still sending: what comes is thrown away for
    /// a while. To close with bytes unread would reset the connection, and the answer be lost.
    void linger() {
        using namespace std::chrono_literals;
        const trama::deadline limit(5s);
        char waste[16384];
        try {
            stream_.shutdown_send();
            while (stream_.recv_some(waste, sizeof waste, limit) > 0 && !limit.passed()) continue;
        } catch (const trama::network_error& error) {  // it stays, or it was quicker
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

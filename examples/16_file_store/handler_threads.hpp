// 16_file_store/handler_threads.hpp -- a thread for each client: started, joined when it has ended,
// and stopped in order, as in chapter 11.
#pragma once

#include "client_handler.hpp"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <iterator>
#include <list>
#include <mutex>
#include <string>
#include <system_error>
#include <thread>
#include <utility>

namespace store {

class handler_threads {
public:
    /// Serves at most `most` clients at once, because each of them costs a thread. Drops a client
    /// that neither sends nor takes a byte for `silence`.
    handler_threads(std::string storage, trama::duration silence, std::size_t most,
                    statistics& counts)
        : storage_(std::move(storage)), silence_(silence), most_(most), counts_(counts) {}
    handler_threads(const handler_threads&) = delete;
    handler_threads& operator=(const handler_threads&) = delete;
    ~handler_threads() { end_all(); }

    /// Starts a thread for this client, or refuses it.
    void add(trama::tcp_stream client) {
        join_finished();
        if (handlers_.size() == most_) return refuse(client, "there is no room");
        client.set_timeout(silence_);
        handler& added = handlers_.emplace_back(std::move(client), ++counts_.connections);
        try {
            added.thread = std::thread([this, &added] { serve(added); });
        } catch (const std::system_error& error) {  // the system allows no more threads
            refuse(added.client, error.what());
            handlers_.pop_back();
        }
    }

    /// Joins the threads that have ended: until then each of them keeps its stack.
    void join_finished() {
        for (auto each = handlers_.begin(); each != handlers_.end();) {
            const auto next = std::next(each);
            if (has_finished(*each)) {
                each->thread.join();
                handlers_.erase(each);
            }
            each = next;
        }
    }

    /// Waits up to two seconds for open transfers, cuts the others, and joins all threads.
    void end_all() {
        using namespace std::chrono_literals;
        std::unique_lock<std::mutex> lock(mutex_);
        one_finished_.wait_for(lock, 2s, [this] {
            return std::all_of(handlers_.begin(), handlers_.end(),
                               [](const handler& each) { return each.finished; });
        });
        for (handler& each : handlers_) {
            if (!each.finished) ::shutdown(each.client.fd(), SHUT_RDWR);  // its calls end at once
        }
        lock.unlock();
        for (handler& each : handlers_) {
            each.thread.join();
        }
        handlers_.clear();
    }

private:
    struct handler {
        handler(trama::tcp_stream stream, std::uint64_t which)
            : client(std::move(stream)), number(which) {}
        trama::tcp_stream client;  // closed under the lock
        const std::uint64_t number;
        bool finished = false;  // read and written under the lock
        std::thread thread;     // used by the main thread only, as the list is
    };

    /// The body of a thread. An exception that left it would end the whole server.
    void serve(handler& one) {
        try {
            client_handler(one.client, one.number, storage_, counts_).run();
        } catch (const std::exception& error) {
            log(level::warning, "Lost ", one.client.remote_endpoint(), ": ", error.what());
        }
        const std::lock_guard<std::mutex> lock(mutex_);
        one.client.close();
        one.finished = true;
        one_finished_.notify_one();
    }

    /// The format has no status for "too many clients"; "storage failed" comes closest.
    static void refuse(trama::tcp_stream& client, const char* why) {
        using namespace std::chrono_literals;
        log(level::critical, "[Acceptor] refused ", client.remote_endpoint(), ": ", why);
        const trama::io_result sent = client.try_send_some(byte_of(storage_failed));
        if (sent.status == trama::io_status::done) client.close_lingering(20ms);
    }

    bool has_finished(const handler& one) {
        const std::lock_guard<std::mutex> lock(mutex_);
        return one.finished;
    }

    const std::string storage_;
    const trama::duration silence_;
    const std::size_t most_;
    statistics& counts_;
    std::list<handler> handlers_;  // a list, because its elements never move
    std::mutex mutex_;
    std::condition_variable one_finished_;
};

}  // namespace store

// 16_file_store/handler_threads.hpp -- a thread for each client: started, joined when it has ended,
// and stopped in order. It is the crowd of chapter 11.
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
    /// No more than `most` clients at once: each of them costs a thread.
    handler_threads(std::string storage, trama::duration silence, std::size_t most,
                    statistics& counts)
        : storage_(std::move(storage)), silence_(silence), most_(most), counts_(counts) {}
    handler_threads(const handler_threads&) = delete;
    handler_threads& operator=(const handler_threads&) = delete;
    ~handler_threads() { end_all(); }

    void add(trama::tcp_stream client) {
        join_finished();
        if (guests_.size() == most_) return refuse(client, "there is no room");
        client.set_timeout(silence_);
        guest& added = guests_.emplace_back(std::move(client), ++counts_.connections);
        try {
            added.thread = std::thread([this, &added] { attend(added); });
        } catch (const std::system_error& error) {  // the system has no thread left for us
            refuse(added.client, error.what());
            guests_.pop_back();
        }
    }

    /// A thread that has ended still holds its stack, until somebody joins it.
    void join_finished() {
        for (auto each = guests_.begin(); each != guests_.end();) {
            const auto next = std::next(each);
            if (is_gone(*each)) {
                each->thread.join();
                guests_.erase(each);
            }
            each = next;
        }
    }

    /// A transfer that is done within two seconds is finished; one that is not is cut.
    void end_all() {
        using namespace std::chrono_literals;
        std::unique_lock<std::mutex> lock(mutex_);
        somebody_left_.wait_for(lock, 2s, [this] {
            return std::all_of(guests_.begin(), guests_.end(),
                               [](const guest& each) { return each.gone; });
        });
        for (guest& each : guests_)
            if (!each.gone) ::shutdown(each.client.fd(), SHUT_RDWR);  // its calls end at once
        lock.unlock();
        for (guest& each : guests_) each.thread.join();
        guests_.clear();
    }

private:
    struct guest {
        guest(trama::tcp_stream stream, std::uint64_t which)
            : client(std::move(stream)), number(which) {}
        trama::tcp_stream client;  // closed under the lock
        const std::uint64_t number;
        bool gone = false;   // read and written under the lock
        std::thread thread;  // the main thread's own affair, as the list is
    };

    void attend(guest& one) {
        try {
            client_handler(one.client, one.number, storage_, counts_).run();
        } catch (const std::exception& error) {  // if it left the thread, it would end the server
            log(level::warning, "Lost ", one.client.remote_endpoint(), ": ", error.what());
        }
        const std::lock_guard<std::mutex> lock(mutex_);
        one.client.close();
        one.gone = true;
        somebody_left_.notify_one();
    }

    /// The format has no status for this; "storage failed" is what comes closest.
    static void refuse(trama::tcp_stream& client, const char* why) {
        using namespace std::chrono_literals;
        log(level::critical, "[Acceptor] refused ", client.remote_endpoint(), ": ", why);
        const trama::io_result sent = client.try_send_some(byte_of(storage_failed));
        if (sent.status == trama::io_status::done) client.close_lingering(20ms);
    }

    bool is_gone(const guest& one) {
        const std::lock_guard<std::mutex> lock(mutex_);
        return one.gone;
    }

    const std::string storage_;
    const trama::duration silence_;
    const std::size_t most_;
    statistics& counts_;
    std::list<guest> guests_;  // a list, because its elements never move
    std::mutex mutex_;
    std::condition_variable somebody_left_;
};

}  // namespace store

// examples/15_remote_copy/client_threads.hpp -- a thread for each client; the destructor waits
// for all of them.
//
// Simpler than in chapter 11: these threads watch the stop signal themselves, so no other thread
// has to shut down their sockets.
#pragma once

#include <atomic>
#include <cstddef>
#include <list>
#include <thread>
#include <utility>

namespace copy {

class client_threads {
public:
    explicit client_threads(std::size_t most) : most_(most) {}
    client_threads(const client_threads&) = delete;
    client_threads& operator=(const client_threads&) = delete;
    ~client_threads() {
        for (worker& each : workers_) each.thread.join();
    }

    bool is_full() {
        join_finished();
        return workers_.size() >= most_;
    }

    /// Runs `work` in a thread of its own; it must not throw. Throws std::system_error if the
    /// system allows no more threads.
    template <typename Work>
    void start(Work work) {
        worker& added = workers_.emplace_back();
        try {
            added.thread = std::thread([&added, work = std::move(work)]() mutable {
                work();
                added.is_done = true;
            });
        } catch (...) {
            workers_.pop_back();
            throw;
        }
    }

private:
    /// A thread that has ended keeps its stack until it is joined.
    void join_finished() {
        workers_.remove_if([](worker& each) {
            if (!each.is_done) return false;
            each.thread.join();
            return true;
        });
    }

    struct worker {
        std::atomic<bool> is_done{false};
        std::thread thread;
    };

    const std::size_t most_;
    std::list<worker> workers_;  // a list, because its elements never move
};

}  // namespace copy

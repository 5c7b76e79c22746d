// by_hand_poll -- an echo server on poll, with nothing between it and the system calls.
//
// Build  g++ -std=c++17 -O2 by_hand_poll.cpp -o by_hand_poll
// Run    ./by_hand_poll --port 5000 [--framed]
#include "by_hand.hpp"

#include <memory>
#include <utility>
#include <vector>

#include <poll.h>

namespace {

using by_hand::connection;
using by_hand::wait_for;

class server {
public:
    explicit server(const rival::options& given) : echo_(given.framed) {
        polled_.push_back({rival::listen_on(given.port), POLLIN, 0});
        connections_.push_back(nullptr);
    }

    [[noreturn]] void run() {
        for (;;) {
            int ready = ::poll(polled_.data(), polled_.size(), -1);
            const bool somebody_waits = polled_[0].revents != 0;
            if (somebody_waits) --ready;
            go_on_with(ready);
            if (somebody_waits) accept();
        }
    }

private:
    /// Looks for the `ready` connections among all: this search is what poll costs.
    void go_on_with(int ready) {
        for (std::size_t i = 1; ready > 0 && i < polled_.size();) {
            const bool is_ready = polled_[i].revents != 0;
            if (is_ready) --ready;
            if (is_ready && !go_on(i)) {
                remove(i);  // the last one is at `i` now
            } else {
                ++i;
            }
        }
    }

    bool go_on(std::size_t i) {
        const wait_for next = echo_.go_on(*connections_[i]);
        polled_[i].events = next == wait_for::input ? POLLIN : POLLOUT;
        return next != wait_for::nothing;
    }

    void remove(std::size_t i) {
        polled_[i] = polled_.back();
        polled_.pop_back();
        connections_[i] = std::move(connections_.back());
        connections_.pop_back();
    }

    void accept() {
        by_hand::accept_all(polled_[0].fd, [this](std::unique_ptr<connection> accepted) {
            polled_.push_back({accepted->fd, POLLIN, 0});
            connections_.push_back(std::move(accepted));
        });
    }

    by_hand::echo echo_;
    std::vector<pollfd> polled_;                            // the first one is the listener
    std::vector<std::unique_ptr<connection>> connections_;  // in the same order
};

}  // namespace

int main(int argc, char** argv) {
    server(rival::parse(argc, argv)).run();
}

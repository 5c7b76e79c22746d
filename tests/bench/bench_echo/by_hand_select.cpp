// by_hand_select -- an echo server on select, with nothing between it and the system calls.
//
// Build  g++ -std=c++17 -O2 by_hand_select.cpp -o by_hand_select
// Run    ./by_hand_select --port 5000 [--framed]
//
// An fd_set has room for the file descriptors below FD_SETSIZE, 1024; who comes with a higher one
// is sent away.
#include "by_hand.hpp"

#include <array>
#include <memory>
#include <utility>

#include <sys/select.h>

namespace {

using by_hand::connection;
using by_hand::wait_for;

class server {
public:
    explicit server(const rival::options& given)
        : listener_(rival::listen_on(given.port)), echo_(given.framed), highest_(listener_) {
        FD_ZERO(&input_);
        FD_ZERO(&room_);
        FD_SET(listener_, &input_);
    }

    [[noreturn]] void run() {
        for (;;) {
            fd_set readable = input_;
            fd_set writable = room_;
            int ready = ::select(highest_ + 1, &readable, &writable, nullptr, nullptr);
            const bool somebody_waits = FD_ISSET(listener_, &readable);
            if (somebody_waits) --ready;
            FD_CLR(listener_, &readable);
            go_on_with(ready, readable, writable);
            if (somebody_waits) accept();
        }
    }

private:
    /// Looks for the `ready` connections among all: this search is what select costs.
    void go_on_with(int ready, const fd_set& readable, const fd_set& writable) {
        for (int fd = 0; ready > 0 && fd <= highest_; ++fd) {
            if (!FD_ISSET(fd, &readable) && !FD_ISSET(fd, &writable)) continue;
            --ready;
            go_on(fd);
        }
    }

    void go_on(int fd) {
        const wait_for next = echo_.go_on(*at(fd));
        FD_CLR(fd, next == wait_for::input ? &room_ : &input_);
        if (next == wait_for::nothing) {
            FD_CLR(fd, &room_);
            at(fd).reset();
            while (highest_ > listener_ && at(highest_) == nullptr) --highest_;
        } else {
            FD_SET(fd, next == wait_for::input ? &input_ : &room_);
        }
    }

    void accept() {
        by_hand::accept_all(listener_, [this](std::unique_ptr<connection> accepted) {
            const int fd = accepted->fd;
            if (fd >= FD_SETSIZE) return;
            FD_SET(fd, &input_);
            if (fd > highest_) highest_ = fd;
            at(fd) = std::move(accepted);
        });
    }

    std::unique_ptr<connection>& at(int fd) { return connections_[static_cast<std::size_t>(fd)]; }

    int listener_;
    by_hand::echo echo_;
    fd_set input_{};
    fd_set room_{};
    int highest_;
    std::array<std::unique_ptr<connection>, FD_SETSIZE> connections_;  // by file descriptor
};

}  // namespace

int main(int argc, char** argv) {
    server(rival::parse(argc, argv)).run();
}

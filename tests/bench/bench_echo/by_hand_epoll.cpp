// by_hand_epoll -- an echo server on epoll, with nothing between it and the system calls.
//
// Build  g++ -std=c++17 -O2 by_hand_epoll.cpp -o by_hand_epoll
// Run    ./by_hand_epoll --port 5000 [--framed]
#include "by_hand.hpp"

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include <sys/epoll.h>

namespace {

using by_hand::connection;
using by_hand::wait_for;

class server {
public:
    explicit server(const rival::options& given)
        : listener_(rival::listen_on(given.port)), echo_(given.framed) {
        if (epoll_ == -1) rival::fail("epoll_create1");
        control(EPOLL_CTL_ADD, listener_, EPOLLIN);
    }

    [[noreturn]] void run() {
        for (std::array<epoll_event, 1024> events{};;) {
            const int ready = ::epoll_wait(epoll_, events.data(), int{events.size()}, -1);
            for (int i = 0; i < ready; ++i) {
                const int fd = events[static_cast<std::size_t>(i)].data.fd;
                if (fd == listener_) {
                    accept();
                } else {
                    go_on(fd);
                }
            }
        }
    }

private:
    void accept() {
        by_hand::accept_all(listener_, [this](std::unique_ptr<connection> accepted) {
            const auto at = static_cast<std::size_t>(accepted->fd);
            control(EPOLL_CTL_ADD, accepted->fd, EPOLLIN);
            if (at >= connections_.size()) connections_.resize(at + 1);
            connections_[at] = std::move(accepted);
        });
    }

    void go_on(int fd) {
        std::unique_ptr<connection>& with = connections_[static_cast<std::size_t>(fd)];
        const bool waited_for_input = with->unsent.empty();
        const wait_for next = echo_.go_on(*with);
        if (next == wait_for::nothing) {
            with.reset();  // closes it, and so epoll forgets it
        } else if (waited_for_input != (next == wait_for::input)) {
            control(EPOLL_CTL_MOD, fd, next == wait_for::input ? EPOLLIN : EPOLLOUT);
        }
    }

    void control(int operation, int fd, std::uint32_t events) const {
        epoll_event event{};
        event.events = events;
        event.data.fd = fd;
        if (::epoll_ctl(epoll_, operation, fd, &event) == -1) rival::fail("epoll_ctl");
    }

    int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    int listener_;
    by_hand::echo echo_;
    std::vector<std::unique_ptr<connection>> connections_;  // by file descriptor
};

}  // namespace

int main(int argc, char** argv) {
    server(rival::parse(argc, argv)).run();
}

// by_hand.hpp -- a connection of the echo servers written by hand. The three programs beside it
// only wait: with select, with poll, with epoll.
//
// Each readiness is one recv and one send: what one receive call brought is answered at once, from
// one buffer that all connections share. What the kernel does not take is kept, and until it is
// gone nothing more is read from that connection.
#pragma once

#include "rival.hpp"

#include <array>
#include <cerrno>
#include <memory>
#include <string>
#include <string_view>

#include <sys/socket.h>
#include <unistd.h>

namespace by_hand {

struct connection {
    explicit connection(int accepted) : fd(accepted) {}
    connection(const connection&) = delete;
    connection& operator=(const connection&) = delete;
    ~connection() { ::close(fd); }

    int fd;
    unsigned unsent_from = 0;  // what is before it in `unsent` is gone
    std::string unsent;
    rival::frame_echo frames;
};

/// What to wait for next on a connection.
enum class wait_for { input, room, nothing };

/// Accepts all who wait, and calls `add(connection)` for each.
template <typename Add>
void accept_all(int listener, Add add) {
    for (;;) {
        const int fd = ::accept4(listener, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd != -1) {
            add(std::make_unique<connection>(fd));
        } else if (errno == EAGAIN) {
            return;
        } else if (errno != ECONNABORTED && errno != EINTR) {
            rival::fail("accept");
        }
    }
}

class echo {
public:
    explicit echo(bool framed) : framed_(framed) {}

    /// Goes on with a connection that is ready for what it waited for.
    wait_for go_on(connection& with) {
        return with.unsent.empty() ? receive(with) : send_rest(with);
    }

private:
    wait_for receive(connection& from) {
        const ssize_t count = ::recv(from.fd, received_.data(), received_.size(), 0);
        if (count == -1 && errno == EAGAIN) return wait_for::input;
        if (count <= 0) return wait_for::nothing;
        const std::string_view came(received_.data(), static_cast<std::size_t>(count));
        if (!framed_) return send(from, came);

        answers_.clear();
        if (!from.frames.answer(came, answers_)) return wait_for::nothing;
        return answers_.empty() ? wait_for::input : send(from, answers_);
    }

    static wait_for send(connection& to, std::string_view bytes) {
        const ssize_t count = ::send(to.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (count == -1 && errno != EAGAIN) return wait_for::nothing;
        const std::size_t sent = count == -1 ? 0 : static_cast<std::size_t>(count);
        if (sent == bytes.size()) return wait_for::input;
        to.unsent = bytes.substr(sent);
        return wait_for::room;
    }

    static wait_for send_rest(connection& to) {
        const std::string_view rest = std::string_view(to.unsent).substr(to.unsent_from);
        const ssize_t count = ::send(to.fd, rest.data(), rest.size(), MSG_NOSIGNAL);
        if (count == -1) return errno == EAGAIN ? wait_for::room : wait_for::nothing;
        to.unsent_from += static_cast<unsigned>(count);
        if (to.unsent_from < to.unsent.size()) return wait_for::room;
        to.unsent_from = 0;
        rival::release(to.unsent);
        return wait_for::input;
    }

    bool framed_;
    std::array<char, rival::receive_size> received_{};
    std::string answers_;
};

}  // namespace by_hand

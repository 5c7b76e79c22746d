// trama/net/unique_fd.hpp -- owns one file descriptor and closes it once. man 2 close
#ifndef TRAMA_NET_UNIQUE_FD_HPP
#define TRAMA_NET_UNIQUE_FD_HPP

#include <trama/base/error.hpp>

#include <utility>

namespace trama {

/// The owner of a descriptor, or of none (-1). Move-only, as the descriptor is one.
class unique_fd {
public:
    unique_fd() noexcept = default;

    /// Takes over `fd`: from now on it is closed here.
    explicit unique_fd(int fd) noexcept : fd_(fd) {}

    unique_fd(unique_fd&& other) noexcept : fd_(other.release()) {}
    unique_fd& operator=(unique_fd&& other) noexcept {
        if (this != &other) reset(other.release());
        return *this;
    }
    ~unique_fd() { reset(); }

    /// The descriptor, still owned here; -1 for none.
    int get() const noexcept { return fd_; }

    /// True: it owns a descriptor.
    explicit operator bool() const noexcept { return fd_ != -1; }

    /// Gives the descriptor away: the caller must close it.
    int release() noexcept { return std::exchange(fd_, -1); }

    /// Closes what is owned and takes over `fd` (-1: nothing).
    void reset(int fd = -1) noexcept {
        const int old = std::exchange(fd_, fd);
        if (old == -1) return;
        // Not through the funnel: after EINTR the descriptor is gone all the same, and closing it
        // again could close one that another thread has just been given.
        ::close(old);
        if (tracing()) trama_detail::write_trace(old, 0, trama_detail::text("close"));
    }

private:
    int fd_ = -1;
};

}  // namespace trama

#endif  // TRAMA_NET_UNIQUE_FD_HPP

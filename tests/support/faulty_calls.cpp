// A library for LD_PRELOAD: system calls of the program fail, are interrupted, or move fewer bytes
// than they were asked to. tests/examples/faulty_calls.py builds it and says what is in its file.
//
//     g++ -shared -fPIC faulty_calls.cpp -o faulty_calls.so -ldl
//     LD_PRELOAD=./faulty_calls.so TRAMA_FAULTS=FILE program
//
// FILE is read and written while the program runs, by the program and by the test: see `control`.
// stdin, stdout and stderr are left alone; so is every descriptor but sockets and regular files.
// A fault is one that the kernel could give: EAGAIN comes only from a call that does not wait.
#include <atomic>
#include <cerrno>
#include <cstdarg>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>

#include <dlfcn.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

namespace {

enum kind : unsigned {
    shortened,
    interrupted,
    not_yet,         // EAGAIN
    no_buffers,      // ENOBUFS
    no_descriptors,  // EMFILE
    no_space,        // ENOSPC
    kinds
};

/// The file. A word has 64 bits, in the order of the machine.
struct control {
    std::atomic<std::uint64_t> seed;     // 0: no faults; a new one starts each thread anew
    std::atomic<std::uint64_t> rate;     // faults in a thousand calls
    std::atomic<std::uint64_t> allowed;  // a bit for each kind
    std::atomic<std::uint64_t> injected[kinds];
};

/// nullptr: there is no such file, and so no fault.
control* open_control() {
    const char* const path = std::getenv("TRAMA_FAULTS");
    if (path == nullptr) return nullptr;
    const auto real_open =
        reinterpret_cast<int (*)(const char*, int, ...)>(::dlsym(RTLD_NEXT, "open"));
    const int fd = real_open(path, O_RDWR | O_CLOEXEC);
    void* const memory =
        ::mmap(nullptr, sizeof(control), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    ::close(fd);
    if (memory != MAP_FAILED) return static_cast<control*>(memory);
    std::fputs("faulty_calls: TRAMA_FAULTS names no file that can be mapped\n", stderr);
    std::abort();
}

control* the_control() {
    static control* const opened = open_control();
    return opened;
}

std::atomic<std::uint64_t> threads{0};

/// Random numbers: the same ones for the same seed, in each thread others. (splitmix64)
class dice {
public:
    std::uint64_t roll(std::uint64_t seed) {
        if (seed != seed_) state_ = seed * 1000003 + thread_;
        seed_ = seed;
        state_ += 0x9E3779B97F4A7C15;
        std::uint64_t value = state_;
        value = (value ^ value >> 30) * 0xBF58476D1CE4E5B9;
        value = (value ^ value >> 27) * 0x94D049BB133111EB;
        return value ^ value >> 31;
    }

private:
    const std::uint64_t thread_ = threads++;
    std::uint64_t seed_ = 0;
    std::uint64_t state_ = 0;
};

std::uint64_t roll(std::uint64_t seed) {
    thread_local dice own;
    return own.roll(seed);
}

constexpr unsigned bit(kind which) {
    return 1U << which;
}

/// Decides what happens to one call, out of the kinds that are `possible`; `kinds`: nothing.
kind choose(unsigned possible) {
    control* const file = the_control();
    if (file == nullptr) return kinds;
    const std::uint64_t seed = file->seed;
    const unsigned wanted = possible & static_cast<unsigned>(file->allowed);
    if (seed == 0 || wanted == 0 || roll(seed) % 1000 >= file->rate) return kinds;
    unsigned which = static_cast<unsigned>(roll(seed) % kinds);
    while ((wanted & 1U << which) == 0) {
        which = (which + 1) % kinds;
    }
    ++file->injected[which];
    return static_cast<kind>(which);
}

int errno_of(kind which) {
    switch (which) {
        case interrupted: return EINTR;
        case not_yet: return EAGAIN;
        case no_buffers: return ENOBUFS;
        case no_descriptors: return EMFILE;
        case no_space: return ENOSPC;
        default: return 0;
    }
}

/// True if the call is to fail; errno says why.
bool fails(unsigned possible) {
    const int error = errno_of(choose(possible));
    if (error != 0) errno = error;
    return error != 0;
}

bool has_type(int fd, mode_t type) {
    struct stat status {};
    return fd > STDERR_FILENO && ::fstat(fd, &status) == 0 && (status.st_mode & S_IFMT) == type;
}

bool does_not_wait(int fd, int flags) {
    return (flags & MSG_DONTWAIT) != 0 || (::fcntl(fd, F_GETFL) & O_NONBLOCK) != 0;
}

/// What can happen to a call that moves bytes. `of_socket`, `of_file`: what only this one can have.
unsigned transfer_kinds(int fd, int flags, unsigned of_socket, unsigned of_file) {
    if (has_type(fd, S_IFREG)) return bit(shortened) | bit(interrupted) | of_file;
    if (!has_type(fd, S_IFSOCK)) return 0;
    const unsigned more = does_not_wait(fd, flags) ? bit(not_yet) : 0;
    return bit(shortened) | bit(interrupted) | more | of_socket;
}

/// The size of the call: `size`, or less, but not 0, which would mean something else. -1: it fails.
ssize_t size_of_call(int fd, int flags, std::size_t size, unsigned of_socket, unsigned of_file) {
    const int before = errno;
    const kind chosen = choose(transfer_kinds(fd, flags, of_socket, of_file));
    errno = before;
    if (errno_of(chosen) != 0) {
        errno = errno_of(chosen);
        return -1;
    }
    if (chosen != shortened || size < 2) return static_cast<ssize_t>(size);
    // Mostly a few bytes, so that headers are cut, too.
    const std::uint64_t seed = the_control()->seed;
    const std::size_t most = roll(seed) % 2 == 0 ? 16 : size;
    return static_cast<ssize_t>(1 + roll(seed) % ((most < size ? most : size) - 1));
}

ssize_t size_of_receive(int fd, int flags, std::size_t size) {
    return size_of_call(fd, flags, size, 0, 0);
}

ssize_t size_of_send(int fd, int flags, std::size_t size) {
    return size_of_call(fd, flags, size, bit(no_buffers), bit(no_space));
}

/// The first `size` bytes of the parts of a call, as new parts.
class first_parts {
public:
    first_parts(const iovec* parts, std::size_t count, std::size_t size) {
        for (; count_ < count && count_ < most && size > 0; ++count_) {
            parts_[count_] = parts[count_];
            if (parts_[count_].iov_len > size) parts_[count_].iov_len = size;
            size -= parts_[count_].iov_len;
        }
    }
    iovec* data() { return parts_; }
    std::size_t count() const { return count_; }

private:
    static constexpr std::size_t most = 1024;  // IOV_MAX
    iovec parts_[most];
    std::size_t count_ = 0;
};

std::size_t size_of(const iovec* parts, std::size_t count) {
    std::size_t size = 0;
    for (const iovec* part = parts; part != parts + count; ++part) {
        size += part->iov_len;
    }
    return size;
}

mode_t mode_of(int flags, va_list arguments) {
    return (flags & (O_CREAT | O_TMPFILE)) != 0 ? va_arg(arguments, mode_t) : 0;
}

unsigned open_kinds(int flags) {
    return bit(no_descriptors) | ((flags & O_CREAT) != 0 ? bit(no_space) : 0);
}

}  // namespace

// The call of the C library that has the name of this function.
#define REAL(name) \
    static const auto real = reinterpret_cast<decltype(&::name)>(::dlsym(RTLD_NEXT, #name))

extern "C" {

// ---- bytes -------------------------------------------------------------------------------------

ssize_t recv(int fd, void* memory, size_t size, int flags) {
    REAL(recv);
    const ssize_t most = size_of_receive(fd, flags, size);
    return most == -1 ? -1 : real(fd, memory, static_cast<size_t>(most), flags);
}

ssize_t send(int fd, const void* memory, size_t size, int flags) {
    REAL(send);
    const ssize_t most = size_of_send(fd, flags, size);
    return most == -1 ? -1 : real(fd, memory, static_cast<size_t>(most), flags);
}

ssize_t read(int fd, void* memory, size_t size) {
    REAL(read);
    const ssize_t most = size_of_receive(fd, 0, size);
    return most == -1 ? -1 : real(fd, memory, static_cast<size_t>(most));
}

ssize_t write(int fd, const void* memory, size_t size) {
    REAL(write);
    const ssize_t most = size_of_send(fd, 0, size);
    return most == -1 ? -1 : real(fd, memory, static_cast<size_t>(most));
}

ssize_t pread(int fd, void* memory, size_t size, off_t offset) {
    REAL(pread);
    const ssize_t most = size_of_receive(fd, 0, size);
    return most == -1 ? -1 : real(fd, memory, static_cast<size_t>(most), offset);
}

ssize_t pread64(int fd, void* memory, size_t size, off64_t offset) {
    REAL(pread64);
    const ssize_t most = size_of_receive(fd, 0, size);
    return most == -1 ? -1 : real(fd, memory, static_cast<size_t>(most), offset);
}

ssize_t recvmsg(int fd, msghdr* message, int flags) {
    REAL(recvmsg);
    const size_t size = size_of(message->msg_iov, message->msg_iovlen);
    const ssize_t most = size_of_receive(fd, flags, size);
    if (most == -1) return -1;
    first_parts parts(message->msg_iov, message->msg_iovlen, static_cast<size_t>(most));
    msghdr first = *message;
    first.msg_iov = parts.data();
    first.msg_iovlen = parts.count();
    const ssize_t moved = real(fd, &first, flags);
    first.msg_iov = message->msg_iov;
    first.msg_iovlen = message->msg_iovlen;
    *message = first;
    return moved;
}

ssize_t sendmsg(int fd, const msghdr* message, int flags) {
    REAL(sendmsg);
    const size_t size = size_of(message->msg_iov, message->msg_iovlen);
    const ssize_t most = size_of_send(fd, flags, size);
    if (most == -1) return -1;
    first_parts parts(message->msg_iov, message->msg_iovlen, static_cast<size_t>(most));
    msghdr first = *message;
    first.msg_iov = parts.data();
    first.msg_iovlen = parts.count();
    return real(fd, &first, flags);
}

ssize_t readv(int fd, const iovec* given, int count) {
    REAL(readv);
    const ssize_t most = size_of_receive(fd, 0, size_of(given, static_cast<size_t>(count)));
    if (most == -1) return -1;
    first_parts parts(given, static_cast<size_t>(count), static_cast<size_t>(most));
    return real(fd, parts.data(), static_cast<int>(parts.count()));
}

ssize_t writev(int fd, const iovec* given, int count) {
    REAL(writev);
    const ssize_t most = size_of_send(fd, 0, size_of(given, static_cast<size_t>(count)));
    if (most == -1) return -1;
    first_parts parts(given, static_cast<size_t>(count), static_cast<size_t>(most));
    return real(fd, parts.data(), static_cast<int>(parts.count()));
}

// ---- descriptors -------------------------------------------------------------------------------

int accept4(int fd, sockaddr* address, socklen_t* size, int flags) {
    REAL(accept4);
    const unsigned more = does_not_wait(fd, 0) ? bit(not_yet) : 0;
    if (fails(bit(interrupted) | bit(no_descriptors) | bit(no_buffers) | more)) return -1;
    return real(fd, address, size, flags);
}

int accept(int fd, sockaddr* address, socklen_t* size) {
    return ::accept4(fd, address, size, 0);
}

int socket(int family, int type, int protocol) noexcept {
    REAL(socket);
    if (fails(bit(no_descriptors) | bit(no_buffers))) return -1;
    return real(family, type, protocol);
}

int pipe(int* ends) noexcept {
    REAL(pipe);
    return fails(bit(no_descriptors)) ? -1 : real(ends);
}

int open(const char* path, int flags, ...) {
    REAL(open);
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return fails(open_kinds(flags)) ? -1 : real(path, flags, mode);
}

int open64(const char* path, int flags, ...) {
    REAL(open64);
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return fails(open_kinds(flags)) ? -1 : real(path, flags, mode);
}

int openat(int folder, const char* path, int flags, ...) {
    REAL(openat);
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return fails(open_kinds(flags)) ? -1 : real(folder, path, flags, mode);
}

int openat64(int folder, const char* path, int flags, ...) {
    REAL(openat64);
    va_list arguments;
    va_start(arguments, flags);
    const mode_t mode = mode_of(flags, arguments);
    va_end(arguments);
    return fails(open_kinds(flags)) ? -1 : real(folder, path, flags, mode);
}

// ---- names -------------------------------------------------------------------------------------

int fsync(int fd) {
    REAL(fsync);
    return fails(bit(no_space) | bit(interrupted)) ? -1 : real(fd);
}

int rename(const char* from, const char* to) noexcept {
    REAL(rename);
    return fails(bit(no_space)) ? -1 : real(from, to);
}

int renameat(int from_folder, const char* from, int to_folder, const char* to) noexcept {
    REAL(renameat);
    return fails(bit(no_space)) ? -1 : real(from_folder, from, to_folder, to);
}

int renameat2(int from_folder, const char* from, int to_folder, const char* to,
              unsigned flags) noexcept {
    REAL(renameat2);
    return fails(bit(no_space)) ? -1 : real(from_folder, from, to_folder, to, flags);
}

int linkat(int from_folder, const char* from, int to_folder, const char* to, int flags) noexcept {
    REAL(linkat);
    return fails(bit(no_space)) ? -1 : real(from_folder, from, to_folder, to, flags);
}

// ---- waiting -----------------------------------------------------------------------------------

int poll(pollfd* watched, nfds_t count, int timeout) {
    REAL(poll);
    return timeout != 0 && fails(bit(interrupted)) ? -1 : real(watched, count, timeout);
}

int select(int count, fd_set* to_read, fd_set* to_write, fd_set* broken, timeval* timeout) {
    REAL(select);
    return fails(bit(interrupted)) ? -1 : real(count, to_read, to_write, broken, timeout);
}

int pselect(int count, fd_set* to_read, fd_set* to_write, fd_set* broken, const timespec* timeout,
            const sigset_t* blocked) {
    REAL(pselect);
    return fails(bit(interrupted)) ? -1 : real(count, to_read, to_write, broken, timeout, blocked);
}

int epoll_wait(int epoll, epoll_event* events, int most, int timeout) {
    REAL(epoll_wait);
    return fails(bit(interrupted)) ? -1 : real(epoll, events, most, timeout);
}

}  // extern "C"

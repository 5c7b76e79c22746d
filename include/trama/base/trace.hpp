// trama/base/trace.hpp -- one line for each system call and for each frame, while it happens.
//
//     $ TRAMA_TRACE=1 ./framed_echo_server
//     trama: fd 4: recv 5 of 16384 asked: "00000"
//     trama: fd 4: recv 6 of 16384 asked: "4:hola"
//     trama: fd 4: frame in, 4 bytes: "hola"
//
// TRAMA_TRACE=time adds the seconds since the start. Switched off, a call costs one branch more.
#ifndef TRAMA_BASE_TRACE_HPP
#define TRAMA_BASE_TRACE_HPP

#include <trama/base/system.hpp>

#include <cstdlib>
#include <ctime>

namespace trama {

/// Receives each line of the trace, without a line feed; the text is gone when it returns. It must
/// not throw. The thread that made the call calls it.
using trace_sink = void (*)(std::string_view line);

namespace trama_detail {

/// When the program started, if TRAMA_TRACE=time; else 0.
inline timespec trace_start{};

inline void trace_to_stderr(std::string_view line) {
    text time;
    if (trace_start.tv_sec > 0) {
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        const auto seconds = static_cast<double>(now.tv_sec - trace_start.tv_sec);
        const auto nanoseconds = static_cast<double>(now.tv_nsec - trace_start.tv_nsec);
        time = text("%.6f s: ", seconds + nanoseconds * 1e-9);
    }
    const text whole("trama: %s%.*s\n", time.c_str(), static_cast<int>(line.size()), line.data());
    // One write, so that lines of several programs on one terminal stay whole.
    const ssize_t written = ::write(STDERR_FILENO, whole.c_str(), std::strlen(whole.c_str()));
    static_cast<void>(written);  // there is nowhere left to report a failure
}

inline trace_sink sink_from_environment() noexcept {
    const char* value = std::getenv("TRAMA_TRACE");
    if (value == nullptr || *value == '\0' || std::strcmp(value, "0") == 0) return nullptr;
    if (std::strcmp(value, "time") == 0) ::clock_gettime(CLOCK_MONOTONIC, &trace_start);
    return trace_to_stderr;
}

/// The trace and stop_signal have the only global state of the library.
inline trace_sink current_sink = sink_from_environment();

/// True if `error` says that a call would wait. The two names are one number on most systems.
inline bool is_would_block(int error) noexcept {
    if (error == EAGAIN) return true;
    return error == EWOULDBLOCK;
}

/// Writes one line to the trace. `fd`: the descriptor it is about, or -1. `error`: the errno of a
/// call that failed, or 0. Changes nothing: errno stays as it is.
inline void write_trace(int fd, int error, const text& what) {
    const int saved = errno;
    const bool would_block = is_would_block(error);
    const text start = fd < 0 ? text() : text("fd %d: ", fd);
    const char* between = error == 0 ? "" : would_block ? ": " : ": failed, ";
    const char* reason = error == 0 ? "" : would_block ? "not yet" : std::strerror(error);
    // A very long text is cut, so that the reason behind it is shown in any case.
    current_sink(text("%s%.340s%s%s", start.c_str(), what.c_str(), between, reason).c_str());
    errno = saved;
}

}  // namespace trama_detail

/// True when the trace is switched on.
inline bool tracing() noexcept {
    return trama_detail::current_sink != nullptr;
}

/// Sends the trace to `sink`; nullptr switches it off. Returns the sink before. Call it while no
/// other thread uses the library.
inline trace_sink trace_to(trace_sink sink) noexcept {
    const trace_sink before = trama_detail::current_sink;
    trama_detail::current_sink = sink;
    return before;
}

}  // namespace trama

#endif  // TRAMA_BASE_TRACE_HPP

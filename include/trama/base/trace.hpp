// trama/base/trace.hpp -- what each system call and each frame did, one line each, told while it
// happens.
//
//     $ TRAMA_TRACE=1 ./framed_echo_server
//     trama: fd 4: recv 5 of 16384 asked: "00000"
//     trama: fd 4: recv 6 of 16384 asked: "4:hola"
//     trama: fd 4: frame in, 4 bytes: "hola"
//
// TRAMA_TRACE=time adds the seconds since the start. Off, it costs one predictable branch a call.
#pragma once

#include <trama/base/text.hpp>

#include <cerrno>
#include <cstdlib>
#include <ctime>

#include <unistd.h>

namespace trama {

/// Receives each line of the trace, without a line feed; the text is gone when it returns. It must
/// not throw, and it is called from whichever thread made the call.
using trace_sink = void (*)(std::string_view line);

namespace trama_detail {

/// When the program started, if TRAMA_TRACE=time; else 0.
inline timespec trace_start{};

[[gnu::cold]] inline void trace_to_stderr(std::string_view line) {
    char time[32];
    time[0] = '\0';
    if (trace_start.tv_sec > 0) {
        timespec now{};
        ::clock_gettime(CLOCK_MONOTONIC, &now);
        const auto seconds = static_cast<double>(now.tv_sec - trace_start.tv_sec);
        const auto nanoseconds = static_cast<double>(now.tv_nsec - trace_start.tv_nsec);
        std::snprintf(time, sizeof time, "%.6f s: ", seconds + nanoseconds * 1e-9);
    }
    char text[512];
    const int size = std::snprintf(text, sizeof text, "trama: %s%.*s\n", time,
                                   static_cast<int>(line.size()), line.data());
    // One write, so that lines of several programs on one terminal stay whole.
    const ssize_t written = ::write(STDERR_FILENO, text, static_cast<std::size_t>(size));
    static_cast<void>(written);  // nobody is left to be told
}

inline trace_sink sink_from_environment() noexcept {
    const char* value = std::getenv("TRAMA_TRACE");
    if (value == nullptr || *value == '\0' || std::strcmp(value, "0") == 0) return nullptr;
    if (std::strcmp(value, "time") == 0) ::clock_gettime(CLOCK_MONOTONIC, &trace_start);
    return trace_to_stderr;
}

/// The only global state of the library.
inline trace_sink current_sink = sink_from_environment();

/// Tells one line, made as printf(3) does; what goes beyond 339 bytes is left out. `fd`: what
/// it is about, or -1. `error`: the errno of a call that failed, or 0. Never allocates.
[[gnu::cold, gnu::format(printf, 3, 4)]] inline void trace(int fd, int error, const char* format,
                                                           ...) noexcept {
    const int saved = errno;  // a trace changes nothing
    char line[400];
    const int start = fd < 0 ? 0 : std::snprintf(line, sizeof line, "fd %d: ", fd);
    std::va_list arguments;
    va_start(arguments, format);
    std::vsnprintf(line + start, 340, format, arguments);
    va_end(arguments);
    if (error != 0) {
        const bool not_yet = error == EAGAIN || error == EWOULDBLOCK;
        const std::size_t end = std::strlen(line);
        std::snprintf(line + end, sizeof line - end, not_yet ? ": %s" : ": failed, %s",
                      not_yet ? "not yet" : std::strerror(error));
    }
    current_sink(line);
    errno = saved;
}

/// The first bytes of what moved, as the trace shows them: `"hola\n"`, and dots if there are more.
[[gnu::cold]] inline text shown(std::string_view bytes) noexcept {
    return text("\"%s\"%s", escaped_text(48, bytes).c_str(), bytes.size() > 48 ? "..." : "");
}

}  // namespace trama_detail

/// True when somebody listens to the trace.
inline bool tracing() noexcept {
    return trama_detail::current_sink != nullptr;
}

/// Sends the trace to `sink`; nullptr turns it off. Returns the sink before. Call it while no other
/// thread uses the library.
inline trace_sink trace_to(trace_sink sink) noexcept {
    const trace_sink before = trama_detail::current_sink;
    trama_detail::current_sink = sink;
    return before;
}

}  // namespace trama

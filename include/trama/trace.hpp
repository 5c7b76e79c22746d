// trama/trace.hpp -- what each system call and each frame did, one line each, told while it
// happens.
//
//     $ TRAMA_TRACE=1 ./framed_echo_server
//     trama: fd 4: recv 5 of 16384 asked: "00000"
//     trama: fd 4: recv 6 of 16384 asked: "4:hola"
//     trama: fd 4: frame in, 4 bytes: "hola"
//
// TRAMA_TRACE=time adds the seconds since the start. Off, it costs one predictable branch a call.
#pragma once

#include <trama/codec/escape.hpp>

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <type_traits>

#include <unistd.h>

namespace trama {

/// Receives each line of the trace, without a line feed; the text is gone when it returns. It must
/// not throw, and it is called from whichever thread made the call.
using trace_sink = void (*)(std::string_view line);

namespace detail {

inline double steady_seconds() noexcept {
    timespec now{};
    ::clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

inline const double trace_start = steady_seconds();

template <bool WithTime>
void trace_to_stderr(std::string_view line) {
    char time[32] = "";
    if (WithTime) std::snprintf(time, sizeof time, "%.6f s: ", steady_seconds() - trace_start);
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
    return std::strcmp(value, "time") == 0 ? trace_to_stderr<true> : trace_to_stderr<false>;
}

/// The only global state of the library.
inline trace_sink current_sink = sink_from_environment();

}  // namespace detail

/// True when somebody listens to the trace.
inline bool tracing() noexcept {
    return detail::current_sink != nullptr;
}

/// Sends the trace to `sink`; nullptr turns it off. Returns the sink before. Call it while no other
/// thread uses the library.
inline trace_sink trace_to(trace_sink sink) noexcept {
    const trace_sink before = detail::current_sink;
    detail::current_sink = sink;
    return before;
}

/// One line under construction; it goes to the sink when it is destroyed. Never throws and never
/// allocates: what does not fit into its 400 bytes is left out.
class trace_line {
public:
    /// `fd`: the descriptor it is about; -1 for none.
    explicit trace_line(int fd) noexcept {
        if (fd >= 0) *this << "fd " << fd << ": ";
    }
    trace_line(const trace_line&) = delete;
    trace_line& operator=(const trace_line&) = delete;
    ~trace_line() {
        if (tracing()) detail::current_sink({text_, size_});
    }

    trace_line& operator<<(std::string_view text) noexcept {
        const std::string_view fitting = text.substr(0, sizeof text_ - size_);
        std::memcpy(text_ + size_, fitting.data(), fitting.size());
        size_ += fitting.size();
        return *this;
    }

    template <typename Integer, typename = std::enable_if_t<std::is_integral_v<Integer>>>
    trace_line& operator<<(Integer number) noexcept {
        char digits[24];
        std::snprintf(digits, sizeof digits, "%lld", static_cast<long long>(number));
        return *this << std::string_view(digits);
    }

    /// `: "hola\n"`, escaped; the first 48 bytes, and dots when there are more. For bytes in
    /// several pieces: open_bytes, more_bytes for each, close_bytes.
    void bytes(std::string_view bytes) noexcept {
        open_bytes();
        more_bytes(bytes);
        close_bytes();
    }
    void open_bytes() noexcept { *this << ": \""; }
    void more_bytes(std::string_view bytes) noexcept {
        for (char byte : bytes) {
            if (bytes_shown_++ >= most_bytes_shown) return;
            char form[4];
            *this << std::string_view(form, detail::escape_byte(byte, form));
        }
    }
    void close_bytes() noexcept { *this << (bytes_shown_ > most_bytes_shown ? "\"..." : "\""); }

private:
    static constexpr std::size_t most_bytes_shown = 48;

    char text_[400];
    std::size_t size_ = 0;
    std::size_t bytes_shown_ = 0;
};

}  // namespace trama

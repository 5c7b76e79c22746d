// bench_codec -- what the codecs cost, each job against a loop written by hand for that job alone.
//
// Build  g++ -std=c++17 -O2 -I single_include tests/bench/bench_codec.cpp -o bench_codec
// Run    ./bench_codec                    a Markdown table on stdout
//
// Every job decodes or encodes 64 MiB of frames with 16 bytes of payload. Both loops of a job make
// the same checks (digits, limit, whole frame), hand out the same payloads and are timed in turns,
// ten rounds; the table shows medians. The clock is the processor time of this thread, so that a
// busy machine disturbs little. A checksum over the payloads proves that both did the same work.
#include "trama.hpp"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr std::size_t total_bytes = 64U << 20U;
constexpr std::size_t payload_size = 16;

// Where the stack begins depends on the length of the environment and of the program's name. An
// object that lies across two cache lines would cost up to 1.5 times as much, by chance.
constexpr std::size_t cache_line = 64;
constexpr int rounds = 10;

// ---- measuring ------------------------------------------------------------------------------

double now_ns() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return static_cast<double>(time.tv_sec) * 1e9 + static_cast<double>(time.tv_nsec);
}

/// What a job did: how many frames, a checksum over their payloads, how long it took.
struct work {
    std::size_t frames = 0;
    std::size_t sum = 0;
    double elapsed_ns = 0;

    void take(std::string_view payload) {
        ++frames;
        sum = sum * 3 + payload.size() + static_cast<unsigned char>(payload.back());
    }
    double ns_per_frame() const { return elapsed_ns / static_cast<double>(frames); }
};

/// Adds the time from construction to destruction to a job.
class stopwatch {
public:
    explicit stopwatch(work& job) : job_(job), start_(now_ns()) {}
    stopwatch(const stopwatch&) = delete;
    stopwatch& operator=(const stopwatch&) = delete;
    ~stopwatch() { job_.elapsed_ns += now_ns() - start_; }

private:
    work& job_;
    double start_;
};

[[noreturn]] void broken(const char* what) {
    throw std::runtime_error(what);
}

// ---- two formats, as a careful programmer writes them by hand -------------------------------

struct prefix_format {
    using codec = trama::length_prefix<4>;
    static constexpr const char* name = "4-byte prefix";
    static constexpr double view_target_ns = 3;

    /// Hands every whole frame to `job`; returns how many bytes they took.
    static std::size_t parse(const char* begin, const char* end, std::size_t limit, work& job) {
        const char* at = begin;
        while (end - at >= 4) {
            const std::size_t length = read(at);
            if (length > limit) broken("too long");
            if (static_cast<std::size_t>(end - at - 4) < length) break;
            job.take({at + 4, length});
            at += 4 + length;
        }
        return static_cast<std::size_t>(at - begin);
    }

    static void encode(std::string_view payload, std::string& out, std::size_t limit) {
        if (payload.size() > limit) broken("too long");
        const auto size = static_cast<unsigned>(payload.size());
        const char header[4] = {static_cast<char>(size >> 24U), static_cast<char>(size >> 16U),
                                static_cast<char>(size >> 8U), static_cast<char>(size)};
        out.append(header, 4).append(payload);
    }

    /// A frame that arrives byte by byte.
    class machine {
    public:
        explicit machine(std::size_t limit) : limit_(limit) {}

        void feed(char byte, work& job) {
            if (header_ < 4) {
                length_ = length_ << 8U | static_cast<unsigned char>(byte);
                if (++header_ < 4) return;
                if (length_ > limit_) broken("too long");
            } else {
                payload_.push_back(byte);
            }
            if (payload_.size() < length_) return;
            job.take(payload_);
            payload_.clear();
            header_ = 0;
            length_ = 0;
        }

    private:
        std::size_t limit_;
        std::size_t header_ = 0;
        std::size_t length_ = 0;
        std::string payload_;
    };

private:
    static std::size_t read(const char* bytes) {
        const auto* at = reinterpret_cast<const unsigned char*>(bytes);
        return std::size_t{at[0]} << 24U | std::size_t{at[1]} << 16U | std::size_t{at[2]} << 8U |
               at[3];
    }
};

struct digits_format {
    using codec = trama::six_digit_colon;
    static constexpr const char* name = "six digits";
    static constexpr double view_target_ns = 6;

    static std::size_t parse(const char* begin, const char* end, std::size_t limit, work& job) {
        const char* at = begin;
        while (end - at >= 7) {
            std::size_t length = 0;
            for (int i = 0; i < 6; ++i) length = length * 10 + digit(at[i]);
            if (at[6] != ':') broken("bad header");
            if (length > limit) broken("too long");
            if (static_cast<std::size_t>(end - at - 7) < length) break;
            job.take({at + 7, length});
            at += 7 + length;
        }
        // A wrong byte is refused at once, also in a header that is not whole yet.
        for (const char* rest = at; rest < end && rest < at + 6; ++rest) digit(*rest);
        return static_cast<std::size_t>(at - begin);
    }

    static void encode(std::string_view payload, std::string& out, std::size_t limit) {
        if (payload.size() > limit) broken("too long");
        std::size_t rest = payload.size();
        char header[7] = {};
        for (int i = 6; i-- > 0; rest /= 10) header[i] = static_cast<char>('0' + rest % 10);
        header[6] = ':';
        out.append(header, 7).append(payload);
    }

    class machine {
    public:
        explicit machine(std::size_t limit) : limit_(limit) {}

        void feed(char byte, work& job) {
            if (header_ < 6) {
                length_ = length_ * 10 + digit(byte);
                ++header_;
                return;
            }
            if (header_ == 6) {
                if (byte != ':') broken("bad header");
                if (length_ > limit_) broken("too long");
                ++header_;
            } else {
                payload_.push_back(byte);
            }
            if (payload_.size() < length_) return;
            job.take(payload_);
            payload_.clear();
            header_ = 0;
            length_ = 0;
        }

    private:
        std::size_t limit_;
        std::size_t header_ = 0;
        std::size_t length_ = 0;
        std::string payload_;
    };

private:
    static std::size_t digit(char byte) {
        const unsigned value = static_cast<unsigned char>(byte) - unsigned{'0'};
        if (value > 9) broken("bad header");
        return value;
    }
};

// ---- the jobs: ours and by hand -------------------------------------------------------------
//
// Not inlined into each other, so that a loop is compiled alike whatever else is in this file.

/// Frames back to back, total_bytes of them.
template <typename Format>
std::string make_stream() {
    std::string stream;
    stream.reserve(total_bytes);
    std::string payload(payload_size, 'x');
    while (stream.size() + payload_size + 8 <= total_bytes) {
        payload.back() = static_cast<char>('a' + stream.size() % 23);
        Format::codec::encode(payload, stream);
    }
    return stream;
}

/// Calls `each(piece)` for the stream cut into pieces of `size` bytes.
template <typename Each>
void cut(std::string_view stream, std::size_t size, Each each) {
    for (std::size_t at = 0; at < stream.size(); at += size) each(stream.substr(at, size));
}

/// Views straight from memory.
template <typename Format>
struct views {
    static constexpr const char* name = "views, Codec::scan over memory";

    [[gnu::noinline]] static void ours(std::string_view stream, work& job) {
        const stopwatch watch(job);
        for (std::string_view rest = stream; !rest.empty();) {
            const trama::scan_result result = Format::codec::scan(rest);
            if (result.status != trama::scan_status::frame) broken("not a frame");
            job.take(rest.substr(result.offset, result.length));
            rest.remove_prefix(result.offset + result.length + result.trailer);
        }
    }
    [[gnu::noinline]] static void by_hand(std::string_view stream, work& job) {
        const stopwatch watch(job);
        Format::parse(stream.data(), stream.data() + stream.size(), Format::codec::max_payload,
                      job);
    }
};

/// Views from a buffer that a receive call fills; filling it is not timed.
template <typename Format>
struct lent_views {
    static constexpr const char* name = "views, next_view, 64 KiB lent at a time";
    static constexpr std::size_t piece_size = 65536;

    [[gnu::noinline]] static void ours(std::string_view stream, work& job) {
        alignas(cache_line) trama::frame_decoder<typename Format::codec> decoder;
        cut(stream, piece_size, [&](std::string_view piece) {
            std::memcpy(decoder.prepare(piece_size), piece.data(), piece.size());
            decoder.commit(piece.size());
            const stopwatch watch(job);
            while (const auto payload = decoder.next_view()) job.take(*payload);
        });
    }
    [[gnu::noinline]] static void by_hand(std::string_view stream, work& job) {
        const std::size_t limit = Format::codec::max_payload;
        std::vector<char> buffer(2 * piece_size);
        std::size_t size = 0;
        cut(stream, piece_size, [&](std::string_view piece) {
            std::memcpy(buffer.data() + size, piece.data(), piece.size());
            size += piece.size();
            const stopwatch watch(job);
            const std::size_t used = Format::parse(buffer.data(), buffer.data() + size, limit, job);
            size -= used;
            std::memmove(buffer.data(), buffer.data() + used, size);
        });
    }
};

/// Chunks that somebody else owns.
template <typename Format>
struct chunks {
    static constexpr const char* name = "4 KiB chunks, receive_data, next_view";

    [[gnu::noinline]] static void ours(std::string_view stream, work& job) {
        const stopwatch watch(job);
        alignas(cache_line) trama::frame_decoder<typename Format::codec> decoder;
        cut(stream, 4096, [&](std::string_view piece) {
            decoder.receive_data(piece);
            while (const auto payload = decoder.next_view()) job.take(*payload);
        });
    }
    [[gnu::noinline]] static void by_hand(std::string_view stream, work& job) {
        const stopwatch watch(job);
        std::string buffer;
        cut(stream, 4096, [&](std::string_view piece) {
            buffer.append(piece);
            buffer.erase(0, Format::parse(buffer.data(), buffer.data() + buffer.size(),
                                          Format::codec::max_payload, job));
        });
    }
};

template <typename Format>
struct single_bytes {
    static constexpr const char* name = "one byte at a time";

    [[gnu::noinline]] static void ours(std::string_view stream, work& job) {
        const stopwatch watch(job);
        alignas(cache_line) trama::frame_decoder<typename Format::codec> decoder;
        for (const char& byte : stream) {
            decoder.receive_data({&byte, 1});
            while (const auto payload = decoder.next_view()) job.take(*payload);
        }
    }
    [[gnu::noinline]] static void by_hand(std::string_view stream, work& job) {
        const stopwatch watch(job);
        alignas(cache_line) typename Format::machine machine(Format::codec::max_payload);
        for (const char byte : stream) machine.feed(byte, job);
    }
};

/// Into one string that is emptied every 64 KiB, as an outbox is.
template <typename Format>
struct encoding {
    static constexpr const char* name = "encode into a std::string";

    template <typename Encode>
    static void run(std::string_view stream, work& job, Encode encode) {
        const stopwatch watch(job);
        std::string out;
        const std::size_t frames = stream.size() / (payload_size + 8);
        for (std::size_t i = 0; i < frames; ++i) {
            const std::string_view payload = stream.substr(i * payload_size, payload_size);
            if (out.size() > 65536) out.clear();
            encode(payload, out);
            job.take(out);
        }
    }
    [[gnu::noinline]] static void ours(std::string_view stream, work& job) {
        run(stream, job, [](std::string_view payload, std::string& out) {
            Format::codec::encode(payload, out);
        });
    }
    [[gnu::noinline]] static void by_hand(std::string_view stream, work& job) {
        run(stream, job, [](std::string_view payload, std::string& out) {
            Format::encode(payload, out, Format::codec::max_payload);
        });
    }
};

// ---- the table ------------------------------------------------------------------------------

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return (values[(values.size() - 1) / 2] + values[values.size() / 2]) / 2;
}

/// How far the rounds lie apart: (largest - smallest) / median, in percent.
double spread(const std::vector<double>& values) {
    const auto ends = std::minmax_element(values.begin(), values.end());
    return 100 * (*ends.second - *ends.first) / median(values);
}

/// One line of the table; `target_ns` 0: there is only a target for the ratio.
template <typename Job>
bool measure(const char* format, std::string_view stream, double target_ratio, double target_ns) {
    std::vector<double> ours;
    std::vector<double> by_hand;
    for (int round = 0; round < rounds; ++round) {
        work a;
        work b;
        Job::ours(stream, a);
        Job::by_hand(stream, b);
        if (a.frames != b.frames || a.sum != b.sum) broken("the two loops did different work");
        ours.push_back(a.ns_per_frame());
        by_hand.push_back(b.ns_per_frame());
    }
    const double ratio = median(ours) / median(by_hand);
    const bool met = ratio <= target_ratio || median(ours) <= target_ns;
    std::printf("| %s | %s | %.2f | %.0f | %.2f | %.0f | %.2f | %s |\n", Job::name, format,
                median(ours), spread(ours), median(by_hand), spread(by_hand), ratio,
                met ? "met" : "MISSED");
    std::fflush(stdout);
    return met;
}

template <typename Format>
bool measure_format() {
    const std::string stream = make_stream<Format>();
    const double view_ns = Format::view_target_ns;
    bool met = measure<views<Format>>(Format::name, stream, 1.5, view_ns);
    met &= measure<lent_views<Format>>(Format::name, stream, 1.5, view_ns);
    met &= measure<chunks<Format>>(Format::name, stream, 1.5, 0);
    met &= measure<single_bytes<Format>>(Format::name, stream, 2.0, 0);
    met &= measure<encoding<Format>>(Format::name, stream, 1.5, 0);
    return met;
}

std::string processor() {
    std::ifstream file("/proc/cpuinfo");
    for (std::string line; std::getline(file, line);)
        if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
    return "unknown processor";
}

}  // namespace

int main() {
#ifdef __clang__
    const char* compiler = __VERSION__;
#else
    const char* compiler = "GCC " __VERSION__;
#endif
    std::printf("%s; %s; 64 MiB of frames with 16 bytes of payload; medians of %d rounds\n\n",
                processor().c_str(), compiler, rounds);
    std::printf("| job | format | ns/frame | spread %% | by hand | spread %% | ratio | target |\n");
    std::printf("|---|---|---:|---:|---:|---:|---:|---|\n");
    const bool prefix_met = measure_format<prefix_format>();
    const bool digits_met = measure_format<digits_format>();
    return prefix_met && digits_met ? 0 : 1;
}

// examples/tools/segments_calls.hpp -- the calls of a program, out of its trace, in the time of a
// capture.
//
//     trama: 0.006045 s: fd 3: connect 127.0.0.1:5077          the trace of a client
//     trama: 0.006080 s: fd 3: getsockname: 127.0.0.1:55414    by this port its connection is found
//     trama: 0.513642 s: fd 3: accept: fd 6 from 127.0.0.1:55414     the same in that of a server
//
// A trace counts from the start of its program, and a capture from its first packet. Events that
// both have seen bring them together: the client's connect is its SYN, and the first send of the
// server is its first segment with data (or, if it sends none, accept is the end of the handshake).
// docs/trace.md has the format.
#pragma once

#include "segments_ladder.hpp"

#include <fstream>

namespace segments {

struct call {
    std::int64_t time = 0;      ///< nanoseconds since the connection began
    direction end = to_server;  ///< whose call: to_server for the client, by what it sends
    std::string text;
};

class program_trace {
public:
    /// Reads the lines with a time. Throws program::usage_error.
    explicit program_trace(const std::string& path) : path_(path) {
        std::ifstream file(path);
        if (!file)
            throw program::usage_error("open " + trama::escaped(path) + ": " +
                                       std::strerror(errno));
        std::string text;
        while (std::getline(file, text)) {
            add_line(text);
        }
        if (lines_.empty())
            throw program::usage_error(trama::escaped(path) +
                                       ": no trace with times: start the program with "
                                       "TRAMA_TRACE=time, and write its stderr to this file");
    }

    /// The calls of this connection, with the times of the capture. `first`: when that saw what.
    /// Throws program::usage_error if the trace is of no program of this connection.
    std::vector<call> calls_of(const connection& of, const moments& first) const {
        const std::string port = ':' + std::to_string(of.client.port);
        std::map<int, std::size_t> connects;  // the last one of each descriptor
        for (std::size_t i = 0; i < lines_.size(); ++i) {
            const std::string& text = lines_[i].text;
            const int fd = lines_[i].fd;
            if (begins_with(text, "connect ")) connects[fd] = i;
            if (!ends_with(text, port)) continue;
            if (begins_with(text, "accept: fd "))
                return calls_from(i, accepted(text), to_client, of, first);
            if (begins_with(text, "getsockname: ") && connects.count(fd) > 0)
                return calls_from(connects[fd], fd, to_server, of, first);
        }
        throw program::usage_error(
            trama::escaped(path_) + ": no connect or accept of a client with port " +
            std::to_string(of.client.port) + " is in this trace: is it of another run?");
    }

private:
    struct line {
        std::int64_t time;  // nanoseconds since the program started
        int fd;
        std::string text;
    };

    /// The times of a trace by which it is moved: connect or accept, and what came first.
    struct anchors {
        std::int64_t begin;
        std::optional<std::int64_t> send;
        std::optional<std::int64_t> recv;
    };

    static constexpr std::size_t most_lines = 200'000;

    static bool begins_with(const std::string& text, std::string_view begin) {
        return text.compare(0, begin.size(), begin) == 0;
    }
    static bool ends_with(const std::string& text, std::string_view end) {
        return text.size() >= end.size() &&
               text.compare(text.size() - end.size(), end.size(), end) == 0;
    }

    /// Other lines are what the program itself has said.
    void add_line(const std::string& text) {
        constexpr std::size_t longest = 400;  // of a trace
        double seconds = 0;
        int fd = -1;
        int end = 0;
        const int found = std::sscanf(text.c_str(), "trama: %lf s: fd %d: %n", &seconds, &fd, &end);
        if (found != 2 || end == 0 || !(seconds >= 0 && seconds < 1e9)) return;
        if (lines_.size() == most_lines)
            throw program::usage_error(trama::escaped(path_) + ": more than " +
                                       grouped(most_lines) + " lines of trace");
        const std::string rest = text.substr(static_cast<std::size_t>(end), longest);
        lines_.push_back({static_cast<std::int64_t>(seconds * 1e9), fd, rest});
    }

    static int accepted(const std::string& text) {
        int fd = -1;
        std::sscanf(text.c_str(), "accept: fd %d", &fd);
        return fd;
    }

    /// From line `begin` to the close of `fd`.
    std::vector<call> calls_from(std::size_t begin, int fd, direction end, const connection& of,
                                 const moments& first) const {
        std::vector<call> calls;
        anchors known{lines_[begin].time, {}, {}};
        for (std::size_t i = begin; i < lines_.size(); ++i) {
            const line& each = lines_[i];
            if (i != begin && each.fd != fd) continue;
            if (!known.send && begins_with(each.text, "send")) known.send = each.time;
            if (!known.recv && begins_with(each.text, "recv") && !ends_with(each.text, ": not yet"))
                known.recv = each.time;
            if (is_worth_showing(each.text)) calls.push_back({each.time, end, each.text});
            if (each.text == "close") break;
        }
        const std::int64_t shift = shift_of(known, end, of, first);
        for (call& each : calls) {
            each.time += shift;
        }
        return calls;
    }

    /// Calls that move nothing and wait for nothing are left out.
    static bool is_worth_showing(const std::string& text) {
        for (const char* dull : {"setsockopt", "getsockopt", "getsockname", "getpeername",
                                 "O_NONBLOCK", "epoll_ctl"}) {
            if (begins_with(text, dull)) return false;
        }
        return !ends_with(text, ": not yet");
    }

    /// What is to be added to a time of the trace.
    static std::int64_t shift_of(const anchors& known, direction end, const connection& of,
                                 const moments& first) {
        const auto since = [&](std::uint64_t time) { return elapsed(of.first_time, time); };
        if (end == to_server && first.syn) return since(*first.syn) - known.begin;
        if (!known.send || !first.first_data[end])
            return since(first.established.value_or(of.first_time)) - known.begin;
        const std::int64_t by_send = since(*first.first_data[end]) - *known.send;
        const direction back = end == to_server ? to_client : to_server;
        if (!known.recv || !first.first_data[back]) return by_send;
        // Nothing is received before it has arrived.
        const std::uint64_t arrived = *first.first_data[back] + 2 * first.way(back);
        return std::max(by_send, since(arrived) - *known.recv);
    }

    std::string path_;
    std::vector<line> lines_;
};

/// The calls of all these traces, in the order of their times.
inline std::vector<call> calls_in(const std::vector<std::string>& paths, const connection& of,
                                  const moments& first) {
    std::vector<call> all;
    for (const std::string& path : paths) {
        const std::vector<call> calls = program_trace(path).calls_of(of, first);
        all.insert(all.end(), calls.begin(), calls.end());
    }
    std::stable_sort(all.begin(), all.end(),
                     [](const call& a, const call& b) { return a.time < b.time; });
    return all;
}

}  // namespace segments

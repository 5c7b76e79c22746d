// examples/tools/segments_capture.hpp -- the packets of a capture file, in whichever format it is.
#pragma once

#include "segments_pcapng.hpp"

namespace segments {

class capture {
public:
    /// Reads the start of the file. Throws capture_error if it is no capture.
    explicit capture(byte_stream::source from) : stream_(std::move(from)) {
        const std::string_view begin = stream_.peek(4);
        if (begin.empty()) throw capture_error(0, "the file is empty");
        if (pcap_format::recognises(begin)) format_ = std::make_unique<pcap_format>(stream_);
        if (pcapng_format::recognises(begin)) format_ = std::make_unique<pcapng_format>(stream_);
        if (format_ == nullptr) throw capture_error(0, reason_for(begin));
    }

    /// Reads the next packet. Returns false at the end of the file. Throws capture_error.
    bool next(packet& into) { return format_->next(into); }

    const capture_format& format() const { return *format_; }

private:
    static std::string reason_for(std::string_view begin) {
        if (begin.substr(0, 2) == "\x1f\x8b") return "the file is compressed: run gunzip on it";
        return "this is no capture file: write one with tcpdump -w FILE, or save it in Wireshark "
               "as pcap or pcapng";
    }

    byte_stream stream_;
    std::unique_ptr<capture_format> format_;
};

}  // namespace segments

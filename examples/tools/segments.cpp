// segments -- shows the TCP segments of a capture file: as a list, as arrows, as graphs
//
// Goal:     A program calls connect, send and close. The wire carries segments with flags and
//           numbers. Here you see both, and how TCP delivers what the network lost.
// Run:      tcpdump -i lo -w echo.pcap tcp port 5000         (as root; end it with Ctrl-C)
//           ./segments list echo.pcap
//           ./segments ladder echo.pcap -a
// Observe:  The list has one line for each segment, with the absolute numbers and with those
//           relative to the first one. The ladder shows set-up, transfer and release.
// Exercise: Add up the bytes that one end sent. Which number does the last ack of the other end
//           have, and why is it larger by two?
// Next:     check.cpp, which tests your own server for each exercise
//
// segments_stream.hpp reads the file, segments_pcap.hpp and segments_pcapng.hpp find the packets,
// segments_packet.hpp reads their headers, segments_connections.hpp sorts the segments, and
// segments_analysis.hpp draws conclusions. One header for each command shows the result.
#include "segments_list.hpp"

namespace {

constexpr const char* examples = R"(
  segments list out.pcap                        the connections, and each segment
  segments list out.pcap --connection 2 -a      one connection, absolute numbers only

In a list, "->" goes to the server and "<-" to the client. The client sent the SYN; if no SYN was
captured, it is the end with the larger port. Relative numbers count from the SYN. The marks are
those of Wireshark (tcp.analysis): retransmission, fast and spurious retransmission, out of order,
duplicate ack, zero window, window full, and some more.
Exit code: 0 done, 1 the capture is damaged or no capture, 2 usage, or a file that cannot be used.
)";

std::size_t chosen_connection(const program::options& given) {
    if (!given.flag("connection")) return 0;
    return static_cast<std::size_t>(
        given.number("connection", 1, static_cast<long>(segments::connections::most)));
}

segments::numbering numbers(const program::options& given) {
    return given.flag("absolute") ? segments::numbering::absolute : segments::numbering::both;
}

int show(const program::options& given) {
    const auto& words = given.words();
    if (words.size() < 2)
        throw program::usage_error("type a command and a file, such as: list out.pcap");
    if (words[0] == "list") {
        segments::list_command(words[1], chosen_connection(given), numbers(given)).run();
        return 0;
    }
    throw program::usage_error("there is no command \"" + trama::escaped(words[0]) +
                               "\": see --help");
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples,
                        {{'c', "connection", "NUMBER", "", "only this connection"},
                         program::flag('a', "absolute", "no relative numbers")},
                        show, "COMMAND FILE", 2);
}

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
#include "segments_graph.hpp"
#include "segments_ladder_command.hpp"
#include "segments_list.hpp"
#include "segments_report.hpp"

namespace {

constexpr const char* examples = R"(
  segments list out.pcap                        the connections, and each segment
  segments list out.pcap --connection 2 -a      one connection, absolute numbers only
  segments ladder out.pcap -a                   a connection as arrows between two lines
  segments ladder out.pcap --svg ladder.svg     the same as a drawing, for a browser
  segments ladder out.pcap --calls client.trace server.trace
                                                with the calls of both programs beside
  segments graph out.pcap --kind sequence --svg sequence.svg
  segments graph out.pcap --kind window --samples cwnd.csv --svg window.svg
  segments report out.pcap -o report.html       all of it in one page, to look at and to enlarge

In a list, "->" goes to the server and "<-" to the client. The client sent the SYN; if no SYN was
captured, it is the end with the larger port. Relative numbers count from the SYN. The marks are
those of Wireshark (tcp.analysis): retransmission, fast and spurious retransmission, out of order,
duplicate ack, zero window, window full, and some more.
In a ladder, data segments that are alike are folded into "and 8 more"; --all shows each. In the
drawing, the arrows fall by the time under way, which the quickest answers tell; time is stretched
where much happens. ladder and graph show connection 1, unless --connection names another.
--calls takes what TRAMA_TRACE=time wrote to stderr (docs/trace.md), and a second file may follow at
the end. Such times count from the start of the program. So they are moved until the connect of the
client stands at its SYN, and the first send of the server at its first segment with data; if the
server sends nothing, its accept stands at the end of the handshake. A connection is found in a
trace by the port of the client.
Graphs show the end that sent more: sequence (what was sent, acknowledged, allowed), throughput, rtt
(as seen where the capture was made), window (room at the receiver, and bytes under way). --samples
takes a CSV file whose first line is seconds,cwnd,ssthresh,rtt_ms,unacked,retransmissions, in
seconds since the SYN and in segments: window shows its cwnd and ssthresh, rtt its rtt_ms.
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

std::size_t most_segments(const program::options& given) {
    constexpr std::size_t usual = 10'000;
    if (!given.flag("most")) return usual;
    return static_cast<std::size_t>(given.number("most", 1, 1'000'000));
}

segments::ladder_settings read_ladder(const program::options& given) {
    segments::ladder_settings all;
    all.path = given.words()[1];
    all.only = std::max<std::size_t>(chosen_connection(given), 1);
    all.how = numbers(given);
    all.fold = !given.flag("all");
    all.svg = given.text("svg");
    all.most = most_segments(given);
    if (given.flag("calls")) all.traces.push_back(given.text("calls"));
    all.traces.insert(all.traces.end(), given.words().begin() + 2, given.words().end());
    return all;
}

void draw_graph(const program::options& given) {
    segments::graph_settings all;
    all.path = given.words()[1];
    all.only = std::max<std::size_t>(chosen_connection(given), 1);
    all.kind = given.text("kind");
    all.samples = given.text("samples");
    if (!given.flag("kind") || !given.flag("svg"))
        throw program::usage_error("graph needs --kind KIND and --svg FILE: see --help");
    segments::run_graph(all, given.text("svg"));
}

void write_report(const program::options& given) {
    segments::report_settings all;
    all.path = given.words()[1];
    all.only = chosen_connection(given);
    all.output = given.text("output");
    all.most = most_segments(given);
    if (all.output.empty()) throw program::usage_error("report needs -o FILE: see --help");
    segments::report_command(all).run();
}

/// Throws program::usage_error if one of these options was given: they belong to other commands.
void refuse(const program::options& given, const std::vector<const char*>& names) {
    for (const char* name : names) {
        if (given.flag(name))
            throw program::usage_error(given.words()[0] + " takes no --" + name + ": see --help");
    }
}

void run_command(const program::options& given) {
    const std::string& command = given.words()[0];
    if (command == "list") {
        refuse(given, {"all", "calls", "kind", "samples", "svg", "output", "most"});
        segments::list_command(given.words()[1], chosen_connection(given), numbers(given)).run();
    } else if (command == "ladder") {
        refuse(given, {"kind", "samples", "output"});
        segments::ladder_command(read_ladder(given)).run();
    } else if (command == "graph") {
        refuse(given, {"absolute", "all", "calls", "output", "most"});
        draw_graph(given);
    } else if (command == "report") {
        refuse(given, {"absolute", "all", "calls", "kind", "samples", "svg"});
        write_report(given);
    } else {
        throw program::usage_error("there is no command \"" + trama::escaped(command) +
                                   "\": see --help");
    }
}

int show(const program::options& given) {
    const auto& words = given.words();
    if (words.size() < 2)
        throw program::usage_error("type a command and a file, such as: list out.pcap");
    if (words.size() > 2 && !given.flag("calls"))
        throw program::usage_error("unexpected word \"" + trama::escaped(words[2]) +
                                   "\": see --help");
    run_command(given);
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {{'c', "connection", "NUMBER", "", "only this connection"},
         program::flag('a', "absolute", "absolute numbers only"),
         program::flag('A', "all", "ladder: fold nothing"),
         {'C', "calls", "TRACE", "", "ladder: show these calls beside, see above"},
         {'k', "kind", "KIND", "", "graph: sequence, throughput, rtt or window"},
         {'S', "samples", "FILE", "", "graph: what the sender knew, see above"},
         {'s', "svg", "FILE", "", "write a drawing to this file"},
         {'o', "output", "FILE", "", "report: write it to this file"},
         {'m', "most", "NUMBER", "", "segments in a drawing or a report (without it: 10000)"}},
        show, "COMMAND FILE [TRACE]", 3);
}

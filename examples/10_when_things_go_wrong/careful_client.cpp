// careful_client -- asks one question, and tells every way of getting no answer from every other
//
// Goal:     Turn each failure into one line: what happened, what it means, what to do.
// Run:      ./troublesome_server -p 5000 --trouble reset     (and silent, drip, close, ...)
//           ./careful_client -p 5000; echo "exit code $?"
// Observe:  "refused" comes at once: somebody is there and says no. A time-out comes late: nobody
//           knows anything. In between lies all that TCP can tell about the other end.
//           With --verbose the line of the library comes first.
// Exercise: Which of the failures allow to simply ask again? Think of "pay 10 euros".
//           Pull the cable (or: ip link set eth0 down) while it waits for an answer. What is told?
// Next:     11_threads, so that one stuck client does not hold up the server
#include "../support/program.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <system_error>

namespace {

constexpr const char* examples = R"(
  careful_client hola                 ask the framed echo server on port 5000 of this machine
  careful_client -p 1                 refused: nobody listens there
  careful_client -H 255.255.255.255   unreachable: no connection can lead there
  careful_client -H a..b              no address: that is no name
  careful_client -t 500               give up when no answer has come after half a second

TEXT travels as one six-digit frame (default: hola); the answer goes to stdout.
)";

using framed_stream = trama::framed_stream<trama::six_digit_colon>;

std::chrono::milliseconds milliseconds(const program::options& given, const char* name) {
    return std::chrono::milliseconds(given.number(name, 1, 600'000));
}

/// Why there is no connection. In all these cases the server has heard nothing from us.
std::string no_connection(const trama::network_error& error) {
    const std::error_code code = error.code();
    if (code == std::errc::no_such_device_or_address || code == std::errc::operation_would_block)
        return "no address: nobody knows that name; check the spelling, then the name server";
    if (code == std::errc::connection_refused)
        return "refused: the machine says that nobody listens there; start the server, or check "
               "the port";
    if (code == std::errc::network_unreachable || code == std::errc::host_unreachable)
        return "unreachable: no way leads there; check the address, then our network (ip route)";
    if (code == std::errc::timed_out)
        return "no connection in time: nothing came back at all; the machine is off, its queue is "
               "full, or a firewall is silent";
    return error.what();
}

/// Why the talk ended. From here on nobody knows whether the server has done what we asked.
std::string broken_talk(const trama::network_error& error) {
    if (error.code() == std::errc::timed_out)
        return "no answer in time: we are connected, but the server is stuck or slow; ask what it "
               "has done before you repeat";
    if (error.code() == std::errc::connection_reset || error.code() == std::errc::broken_pipe)
        return "reset: the server has cut the connection; its program died, or closed without "
               "reading; look at its log";
    return error.what();
}

std::string broken_frame(const trama::frame_error& error) {
    if (error.why() == trama::frame_error::reason::truncated)
        return std::string("cut off: do not use the part that came; ") + error.what();
    return std::string("no frame: another service answers there; check the port; ") + error.what();
}

trama::tcp_stream connect(const program::options& given) {
    try {
        return trama::tcp_stream::connect(given.host(), given.port(),
                                          milliseconds(given, "connect-timeout"));
    } catch (const trama::network_error& error) {
        program::say_more(error.what());
        throw program::peer_error(no_connection(error));
    }
}

// [region ask]
/// One question, one answer. Throws peer_error, whose text is the line for the user.
std::string ask(framed_stream& server, std::string_view question, bool half_close) {
    try {
        server.send_frame(question);
        if (half_close) server.stream().shutdown_send();
        if (const auto answer = server.recv_frame()) return *answer;
    } catch (const trama::network_error& error) {
        program::say_more(error.what());
        throw program::peer_error(broken_talk(error));
    } catch (const trama::frame_error& error) {
        throw program::peer_error(broken_frame(error));
    }
    throw program::peer_error(
        "closed: the stream ended in order, but without an answer; the server was stopped, or "
        "understands something else");
}
// [/region ask]

int ask_once(const program::options& given) {
    const auto timeout = milliseconds(given, "timeout");
    framed_stream server(connect(given));
    server.stream().set_timeout(timeout);
    const program::hang_up_on_stop on_stop(server.stream().fd());
    const std::string question = given.words().empty() ? "hola" : given.words()[0];
    program::print(ask(server, question, given.flag("half-close")));
    return 0;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::host_option(),
         program::port_option(),
         {'c', "connect-timeout", "MS", "3000", "how long to wait for the connection"},
         {'t', "timeout", "MS", "2000", "how long to wait for the answer"},
         program::flag('s', "half-close", "end the stream to the server before the answer comes")},
        ask_once, "[TEXT]", 1);
}

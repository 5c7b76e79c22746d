// careful_client -- sends one request, and reports each way of getting no answer in its own words
//
// Goal:     Turn each failure into one line: what happened, what it means, what to do.
// Run:      ./troublesome_server -p 5000 --trouble reset     (and silent, drip, close, ...)
//           ./careful_client -p 5000; echo "exit code $?"
// Observe:  "refused" comes at once: a machine is there, and no program listens. A time-out comes
//           late, and says nothing about the other end. With --verbose the text of the library
//           comes first.
// Exercise: After which failures can you simply send the request again? Think of "pay 10 euros".
//           Pull the cable (or: ip link set eth0 down) while it waits. Which line comes?
// Next:     11_threads, so that one stuck client does not hold up the server
#include "../support/program.hpp"

#include <chrono>
#include <string>
#include <string_view>
#include <system_error>

namespace {

constexpr const char* examples = R"(
  careful_client hola                 send a frame to the framed echo server on port 5000
  careful_client -p 1                 refused: no program listens there
  careful_client -H 255.255.255.255   unreachable: no route leads there
  careful_client -H a..b              no address: that is no name
  careful_client -t 500               end with an error if no answer has come after half a second

TEXT travels as one six-digit frame (default: hola); the answer goes to stdout.
)";

using framed_stream = trama::framed_stream<trama::six_digit_colon>;

std::chrono::milliseconds milliseconds(const program::options& given, const char* name) {
    return std::chrono::milliseconds(given.number(name, 1, 600'000));
}

/// Why there is no connection. In all these cases the server has received nothing from us.
std::string no_connection(const std::system_error& error) {
    const std::error_code code = error.code();
    if (code == std::errc::no_such_device_or_address || code == std::errc::operation_would_block)
        return "no address: the name is unknown; check the spelling, then the name server";
    if (code == std::errc::connection_refused)
        return "refused: no program listens there; start the server, or check address and port";
    if (code == std::errc::network_unreachable || code == std::errc::host_unreachable)
        return "unreachable: no route leads there; check the address, then the network (ip route)";
    if (code == std::errc::timed_out)
        return "no connection in time: nothing came back; the machine is off, its queue is full, "
               "or a firewall drops the segments";
    return error.what();
}

/// Why there is no answer. In all these cases the server may have done what we requested.
std::string no_answer(const std::system_error& error) {
    const std::error_code code = error.code();
    if (code == std::errc::timed_out)
        return "no answer in time: connected, but the server is stuck or slow; find out what it "
               "has done before you repeat the request";
    if (code == std::errc::connection_reset || code == std::errc::broken_pipe)
        return "reset: the server cut the connection; its program died, or closed without "
               "reading; look at its log";
    if (code == std::errc::connection_aborted)
        return std::string("cut off: do not use the part that came; ") + error.what();
    if (code == std::errc::bad_message || code == std::errc::message_size)
        return std::string("no frame: another service answers; check the port; ") + error.what();
    return error.what();
}

trama::tcp_stream connect(const program::options& given) {
    try {
        return trama::tcp_stream::connect(given.host(), given.port(),
                                          milliseconds(given, "connect-timeout"));
    } catch (const std::system_error& error) {
        program::say_more(error.what());
        throw program::peer_error(no_connection(error));
    }
}

// [region request]
/// Sends one request and returns its answer. Throws peer_error, whose text is for the user.
std::string request(framed_stream& server, std::string_view text, bool half_close) {
    try {
        server.send_frame(text);
        if (half_close) server.stream().shutdown_send();
        if (const auto answer = server.recv_frame()) return *answer;
    } catch (const std::system_error& error) {
        program::say_more(error.what());
        throw program::peer_error(no_answer(error));
    }
    throw program::peer_error(
        "closed: the stream ended in order, but without an answer; the server was stopped, or "
        "does not understand the request");
}
// [/region request]

int request_once(const program::options& given) {
    const auto timeout = milliseconds(given, "timeout");
    framed_stream server(connect(given));
    server.stream().set_timeout(timeout);
    const program::hang_up_on_stop on_stop(server.stream().fd());
    const std::string text = given.words().empty() ? "hola" : given.words()[0];
    program::print(request(server, text, given.flag("half-close")));
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
        request_once, "[TEXT]", 1);
}

// chop -- a proxy that cuts a byte stream into other pieces, for any client and any server
//
// Goal:     TCP keeps the order of the bytes, not their grouping. On one machine a message nearly
//           always arrives as it was sent, so a program that counts on it seems to work. With chop
//           between client and server it must show whether it can read a stream.
// Run:      ./framed_echo_server -p 5000
//           ./chop --to localhost:5000 -p 5001 --mode bytes -v
//           ./framed_echo_client -p 5001
// Observe:  -v shows each piece, just as the server gets it. A good server answers the same in
//           each mode. For a flawed one, such as 08_frames/naive/readmsg_server, let chop search:
//           ./chop --to localhost:5000 --find 'echo hola | ./framed_echo_client -p {port}'
// Exercise: Write the shortest server that works with --mode whole and fails with a single cut.
//           Which of your own programs get through --mode bytes, and which through --mode glue?
// Next:     check.cpp, which tests your own server for each exercise, plain and chopped
//
// Where the cuts are is decided in chop_cutter.hpp, without sockets. chop_delivery.hpp sees to it
// that each piece is read as a piece, chop_lane.hpp and chop_pump.hpp carry the bytes, and
// chop_find.hpp searches, with chop_drawing.hpp for the result.
#include "../support/program.hpp"
#include "chop_cutter.hpp"
#include "chop_find.hpp"
#include "chop_pump.hpp"
#include "tool_options.hpp"

#include <string>

namespace {

constexpr const char* examples = R"(
  chop --to localhost:5000 -p 5001 --mode bytes            one byte at a time, both directions
  chop --to localhost:5000 -p 5001 --mode random --seed 7  the same random pieces each time
  chop --to localhost:5000 -p 5001 --mode cuts --cuts 3,9  cut behind byte 3 and behind byte 9
  chop --to localhost:5000 --find 'echo hola | ./client -H {host} -p {port}'
                                                           find the smallest cutting that breaks it

Modes: whole       as it comes
       bytes       one byte at a time
       random      1 to 20 bytes, sometimes more
       headers     message k is cut inside its header, at its position k
       glue        several messages in one piece
       cuts        at the positions of --cuts
       stall       stop in the middle; the connection stays open
       reset       reset both connections in the middle
       half-close  end the stream to the server early; answers still pass

Connection k of seed N is cut like the first one of seed N + k.
--find runs its COMMAND with sh -c, with {host} and {port} or $CHOP_HOST and $CHOP_PORT. A run
fails when its exit code is not 0, when it prints something else than when nothing is cut, or when
it takes too long. Give --start for a server that does not survive a failure.
Exit code: 0 stopped in order, 1 network error, 2 usage. With --find: 0 nothing found, 1 found,
2 no search was possible.
)";

constexpr long largest_number = 1'000'000'000'000;  // of --after

chop::mode mode_of(const std::string& name) {
    using chop::mode;
    const std::pair<const char*, mode> modes[] = {
        {"whole", mode::whole},     {"bytes", mode::bytes}, {"random", mode::random},
        {"headers", mode::headers}, {"glue", mode::glue},   {"cuts", mode::cuts},
        {"stall", mode::stall},     {"reset", mode::reset}, {"half-close", mode::half_close}};
    for (const auto& [known, value] : modes)
        if (name == known) return value;
    throw program::usage_error("--mode: there is no \"" + trama::escaped(name) + "\": see --help");
}

/// "3,9".
std::vector<std::uint64_t> read_cuts(const std::string& text) {
    std::vector<std::uint64_t> cuts;
    for (std::size_t start = 0; start <= text.size();) {
        const std::size_t end = std::min(text.find(',', start), text.size());
        const std::string number = text.substr(start, end - start);
        const bool digits = number.find_first_not_of("0123456789") == std::string::npos;
        if (number.empty() || number.size() > 15 || !digits)
            throw program::usage_error("--cuts takes numbers such as 3,9, not \"" +
                                       trama::escaped(text) + '"');
        cuts.push_back(std::stoull(number));
        start = end + 1;
    }
    return cuts;
}

void read_direction(const std::string& direction, chop::plan& cutting) {
    if (direction != "up" && direction != "down" && direction != "both")
        throw program::usage_error("--direction is up, down or both");
    cutting.cut_direction[chop::to_server] = direction != "down";
    // A half-close is the client's: the answers go on.
    const bool is_half_close = cutting.how == chop::mode::half_close;
    cutting.cut_direction[chop::to_client] = direction != "up" && !is_half_close;
}

chop::plan read_plan(const program::options& given) {
    chop::plan cutting;
    cutting.how = mode_of(given.text("mode"));
    read_direction(given.text("direction"), cutting);
    cutting.codec = given.text("codec");
    if (chop::find_frames(cutting.codec) == nullptr)
        throw program::usage_error("--codec is six-digit, u8, u16, u32, u64 or line");
    if (given.flag("cuts") && cutting.how != chop::mode::cuts)
        throw program::usage_error("--cuts belongs to --mode cuts");
    if (cutting.how == chop::mode::cuts) cutting.cuts = read_cuts(given.text("cuts"));
    cutting.glue = static_cast<std::size_t>(given.number("glue", 0, 1000));
    if (given.flag("after"))
        cutting.after = static_cast<std::uint64_t>(given.number("after", 0, largest_number));
    cutting.seed = program::read_seed(given);
    return cutting;
}

chop::settings read_settings(const program::options& given) {
    chop::settings all;
    if (!given.flag("to")) throw program::usage_error("--to HOST:PORT is missing: see --help");
    const program::address server = program::read_address(given, "to");
    all.host = server.host;
    all.port = server.port;
    all.cutting = read_plan(given);
    all.stall = std::chrono::milliseconds(given.number("stall", 0, 86'400'000));
    all.hold = std::chrono::milliseconds(given.number("hold", 0, 60'000));
    all.pause = std::chrono::microseconds(given.number("pause", 0, 60'000'000));
    all.server_starts_late = given.flag("start");
    return all;
}

int serve(trama::tcp_listener& listener, const chop::settings& all) {
    chop::pump pump(listener, all);
    while (!program::stopping()) pump.turn();
    pump.finish();
    return 0;
}

int serve_or_search(const program::options& given) {
    const chop::settings all = read_settings(given);
    auto listener = trama::tcp_listener::listen(given.host(), given.port());
    for (const trama::endpoint each : trama::resolve(all.host, all.port))
        if (each == listener.local_endpoint())
            throw program::usage_error("--to is the address of chop itself: choose another port");
    program::announce(listener.local_endpoint());
    if (!given.flag("seed")) program::say("seed ", all.cutting.seed);
    return given.flag("find") ? chop::search(listener, all, given).run() : serve(listener, all);
}

int chop_all(const program::options& given) {
    try {
        return serve_or_search(given);
    } catch (const std::system_error& error) {
        // As of any error of the network, its exit code would be 1; of a search, that says "found".
        if (given.flag("find")) throw program::usage_error(error.what());
        throw;
    }
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::address_option("127.0.0.1"),
         program::port_option("0"),
         {'t', "to", "HOST:PORT", "", "the server (required)"},
         {'m', "mode", "MODE", "whole", "how to cut, see above"},
         {'s', "seed", "NUMBER", "", "the same seed makes the same cuts (without it: random)"},
         {'d', "direction", "WHICH", "both", "up (to the server), down (to the client) or both"},
         {'c', "codec", "CODEC", "six-digit", "the frames: six-digit, u8 to u64, or line"},
         {'x', "cuts", "PLACES", "", "positions since the start of the stream, such as 3,9"},
         {'g', "glue", "NUMBER", "0", "messages in a piece; 0: 2 to 4, by the seed"},
         {'w', "hold", "MS", "20", "glue: send what there is when no more comes for this long"},
         {'a', "after", "BYTES", "",
          "where to stall, reset or half-close (without it: 1 to 64, by the seed)"},
         {'S', "stall", "MS", "60000", "how long to stall"},
         {'P', "pause", "US", "1000", "between pieces, if the receiver is on another machine"},
         {'f', "find", "COMMAND", "",
          "search for the smallest cutting that breaks this run, see above"},
         {'r', "start", "COMMAND", "",
          "find: start the server with this command, again for each run"},
         {'n', "tries", "NUMBER", "20", "find: random cuttings to try, after one byte at a time"},
         {'T', "timeout", "SECONDS", "5", "find: the time for each run"}},
        chop_all);
}

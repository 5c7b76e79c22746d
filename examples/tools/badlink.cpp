// badlink -- runs programs over a slow link that loses packets, on one machine and without root
//
// Goal:     Over loopback TCP has nothing to do: no delay, no loss, segments of 65,483 bytes. Over
//           this link it starts slowly, fills a queue, loses segments and sends them again.
// Run:      ./badlink --pcap out.pcap -- sh
//           echo $BADLINK_HOST        then, in that shell, a server in the background and a client
// Observe:  Whatever goes to $BADLINK_HOST comes back to this machine, over the link. The last line
//           counts the packets. The file is for Wireshark, and for ./segments list out.pcap
// Exercise: How long does a file of 4 MB take at --rate 8mbit? And with --loss 5? Predict it first.
// Next:     segments.cpp, which shows what is in the file; 20_slow_start
//
// Only Linux can do this. The kernel sends each packet of the device to this program and not to a
// cable. The program exchanges source and destination, waits, and gives the packet back.
#include "../support/program.hpp"

#if defined(__linux__)

#include "badlink_device.hpp"
#include "badlink_line.hpp"
#include "badlink_packet.hpp"
#include "tool_options.hpp"

#include <chrono>
#include <cstdlib>
#include <optional>
#include <string>
#include <vector>

#include <poll.h>
#include <sys/syscall.h>
#include <sys/wait.h>

namespace {

constexpr const char* examples = R"(
  badlink -- sh                                   a shell whose $BADLINK_HOST is behind the link
  badlink --rate 2mbit --delay 100ms -- tmux      slower, with several terminals in it
  badlink --loss 1 --seed 7 --pcap out.pcap -- ./transfer.sh

RATE: 500kbit, 8mbit, 1gbit. TIME, for each direction: 500us, 25ms, 1s. QUEUE: packets.
Exit code: that of the command; 128 + N if signal N ended it; 1 if the link cannot be made; 2 usage.
)";

constexpr const char* device_name = "badlink";

// ---- the options ------------------------------------------------------------------------------

/// Reads a number with one of the units, such as "25ms". Returns it times the size of the unit.
double read_amount(const program::options& given, const std::string& name,
                   const std::vector<std::pair<std::string, double>>& units) {
    const std::string& text = given.text(name);
    char* end = nullptr;
    const double number = std::strtod(text.c_str(), &end);
    for (const auto& [unit, size] : units) {
        const bool is_whole = end != text.c_str() && unit == end;
        if (is_whole && number >= 0 && number * size <= 1e12) return number * size;
    }
    std::string known;
    for (const auto& [unit, size] : units) known += (known.empty() ? "" : ", ") + unit;
    throw program::usage_error("--" + name + " takes a number" +
                               (known.empty() ? "" : " with a unit (" + known + ")") +
                               ", not \"" + trama::escaped(text) + '"');
}

double read_percent(const program::options& given, const std::string& name) {
    const double percent = read_amount(given, name, {{"", 1}});
    if (percent <= 100) return percent;
    throw program::usage_error("--" + name + " takes a number from 0 to 100, not \"" +
                               trama::escaped(given.text(name)) + '"');
}

badlink::settings read_settings(const program::options& given) {
    badlink::settings all;
    const double bits = read_amount(given, "rate", {{"kbit", 1e3}, {"mbit", 1e6}, {"gbit", 1e9}});
    if (bits < 1000) throw program::usage_error("--rate takes at least 1kbit");
    all.bytes_per_second = bits / 8;
    const double delay = read_amount(given, "delay", {{"us", 1e-6}, {"ms", 1e-3}, {"s", 1}});
    all.delay = std::chrono::duration_cast<badlink::clock::duration>(
        std::chrono::duration<double>(std::min(delay, 60.0)));
    all.queue = static_cast<std::size_t>(given.number("queue", 1, 1'000'000));
    all.loss = read_percent(given, "loss");
    all.reorder = read_percent(given, "reorder");
    all.seed = program::read_seed(given);
    return all;
}

// ---- the command ------------------------------------------------------------------------------

/// Starts the command. Returns the number of its process.
pid_t start(const std::vector<std::string>& words) {
    ::setenv("BADLINK_HOST", badlink::far_address, 1);
    const pid_t child = ::fork();
    if (child == -1) throw std::system_error(errno, std::generic_category(), "fork");
    if (child > 0) return child;
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    ::execvp(arguments[0], arguments.data());
    std::fprintf(stderr, "badlink: cannot start %s: %s\n", arguments[0], std::strerror(errno));
    ::_exit(127);
}

int exit_code_of(pid_t child) {
    int status = 0;
    while (::waitpid(child, &status, 0) == -1 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

// ---- the link ---------------------------------------------------------------------------------

/// Moves the packets between the device and the two lines, one for each direction.
class link_loop {
public:
    link_loop(trama::unique_fd device, const badlink::settings& given)
        : device_(std::move(device)),
          to_server_(given, given.seed),
          to_client_(given, given.seed + 1),
          patience_(4 * given.delay + std::chrono::milliseconds(300)) {}

    void record_to(const std::string& path) { capture_.emplace(path); }

    /// Carries packets until `child` ends, and then those that are still under way. A signal that
    /// ends this program is passed on to the child.
    void run(pid_t child) {
        carry_until_the_end_of(child);
        carry_the_rest();
    }

    const badlink::line& to_server() const { return to_server_; }
    const badlink::line& to_client() const { return to_client_; }

private:
    void carry_until_the_end_of(pid_t child) {
        const trama::unique_fd ended(static_cast<int>(::syscall(SYS_pidfd_open, child, 0)));
        if (!ended) throw std::system_error(errno, std::generic_category(), "pidfd_open");
        const trama::stop_signal& stop = program::catch_signals();
        pollfd watched[] = {
            {device_.get(), POLLIN, 0}, {ended.get(), POLLIN, 0}, {stop.fd(), POLLIN, 0}};
        while (true) {
            wait(watched, 3, next_arrival());
            carry();
            if (watched[1].revents != 0) return;
            if (watched[2].revents != 0) {
                watched[2].fd = -1;  // only once
                ::kill(child, SIGTERM);
            }
        }
    }

    /// A program that ends leaves its last FIN under way, and the answer is still to come. They are
    /// through when nothing was sent for so long that TCP would have sent it again.
    void carry_the_rest() {
        const auto latest = badlink::clock::now() + std::chrono::seconds(3);
        last_packet_ = badlink::clock::now();
        pollfd watched[] = {{device_.get(), POLLIN, 0}};
        while (true) {
            const auto end = std::min(latest, last_packet_ + patience_);
            if (badlink::clock::now() >= end) return;
            wait(watched, 1, std::min(end, next_arrival().value_or(end)));
            carry();
        }
    }

    /// Waits for one of `watched` until `time`; nullopt: without end. In nanoseconds: poll(2) knows
    /// only milliseconds, and a packet takes 1.5 of them.
    static void wait(pollfd* watched, nfds_t count,
                     std::optional<badlink::clock::time_point> until) {
        timespec time{};
        if (until) {
            const auto left = std::max(*until - badlink::clock::now(), badlink::clock::duration(0));
            const auto nanoseconds = std::chrono::nanoseconds(left).count();
            time.tv_sec = static_cast<int>(nanoseconds / 1'000'000'000);
            time.tv_nsec = static_cast<int>(nanoseconds % 1'000'000'000);
        }
        const int ready = ::ppoll(watched, count, until ? &time : nullptr, nullptr);
        if (ready == -1 && errno != EINTR)
            throw std::system_error(errno, std::generic_category(), "ppoll");
    }

    std::optional<badlink::clock::time_point> next_arrival() const {
        const auto first = to_server_.next_arrival();
        const auto second = to_client_.next_arrival();
        if (!first || !second) return first ? first : second;
        return std::min(*first, *second);
    }

    void carry() {
        take_packets();
        deliver_packets();
    }

    /// Reads all packets that the kernel has sent.
    void take_packets() {
        char bytes[65536];
        while (true) {
            const ssize_t size = ::read(device_.get(), bytes, sizeof bytes);
            if (size <= 0) return;
            const std::string_view packet(bytes, static_cast<std::size_t>(size));
            if (!badlink::goes_to(packet, badlink::far_address)) continue;
            last_packet_ = badlink::clock::now();
            enter(std::string(packet));
        }
    }

    /// The capture shows what the client sees: its packets when it sends them, and those of the
    /// server when they arrive.
    void enter(std::string packet) {
        const bool is_clients = conversations_.goes_to_server(packet);
        if (is_clients && capture_) capture_->add_packet(packet);
        badlink::swap_addresses(packet);
        (is_clients ? to_server_ : to_client_).push(std::move(packet), badlink::clock::now());
    }

    void deliver_packets() {
        const auto now = badlink::clock::now();
        while (const auto packet = to_server_.pop(now)) write(*packet);
        while (const auto packet = to_client_.pop(now)) {
            if (capture_) capture_->add_packet(*packet);
            write(*packet);
        }
    }

    /// A packet that the kernel does not take is lost, as on any link.
    void write(const std::string& packet) {
        const ssize_t written = ::write(device_.get(), packet.data(), packet.size());
        static_cast<void>(written);
    }

    trama::unique_fd device_;
    badlink::conversations conversations_;
    badlink::line to_server_;
    badlink::line to_client_;
    badlink::clock::duration patience_;
    badlink::clock::time_point last_packet_;
    std::optional<badlink::capture> capture_;
};

void say_counts(const char* direction, const badlink::line& line) {
    const badlink::counts& all = line.count();
    program::say("badlink: to the ", direction, ": ", all.packets, " packets, ", all.lost_in_queue,
                 " lost in the queue, ", all.lost_by_chance, " by chance, ", all.reordered,
                 " reordered");
}

int run_over_link(const program::options& given) {
    if (given.words().empty()) throw program::usage_error("no command: badlink [OPTION]... -- sh");
    const badlink::settings settings = read_settings(given);
    badlink::enter_own_network();
    link_loop link(badlink::open_device(device_name), settings);
    badlink::device_settings devices;
    devices.switch_on("lo");
    devices.set_address(device_name, badlink::own_address);
    devices.switch_on(device_name);
    badlink::add_far_address(device_name, given.text("congestion"));
    if (given.flag("pcap")) link.record_to(given.text("pcap"));
    program::say("badlink: ", badlink::far_address, " is behind ", given.text("rate"), "/s, ",
                 given.text("delay"), " each way, a queue of ", settings.queue, " packets; seed ",
                 settings.seed, ", ", given.text("congestion"));
    const pid_t child = start(given.words());
    ::signal(SIGINT, SIG_IGN);  // Ctrl-C is for the command
    link.run(child);
    say_counts("server", link.to_server());
    say_counts("client", link.to_client());
    return exit_code_of(child);
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {{'r', "rate", "RATE", "8mbit", "bits a second, in each direction"},
         {'d', "delay", "TIME", "25ms", "how long a packet is under way"},
         {'n', "queue", "QUEUE", "40", "packets that may wait; the next one is lost"},
         {'l', "loss", "PERCENT", "0", "packets that are lost by chance"},
         {'o', "reorder", "PERCENT", "0", "packets that arrive later than those behind them"},
         {'s', "seed", "N", "", "the same chances again; else it is chosen, and shown"},
         {'c', "congestion", "NAME", "reno", "congestion control of TCP: reno, cubic, bbr"},
         {'w', "pcap", "FILE", "", "write all packets to FILE, as the client sees them"}},
        run_over_link, "-- COMMAND [WORD]...", 1000);
}

#else

int main() {
    program::say_error("badlink: only Linux can do this: run it there, or in a virtual machine");
    return 2;
}

#endif

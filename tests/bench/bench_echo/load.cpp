// load -- asks an echo server on this machine as fast as it answers, and checks every byte.
//
// Build  g++ -std=c++17 -O2 load.cpp -o load
// Run    ./load --port 5000 --connections 64 --depth 16 --seconds 0.5
//        ./load --port 5000 --connections 10000 --active 1 --messages 100000 --framed
//
// One process with one epoll. `--depth` messages are under way on each connection that talks; for
// each answer the next message is sent. First every connection, also one that is to be silent, gets
// one message echoed: so the server has accepted it. That is not counted. Prints one line of JSON.
//
// --steps: waits for a line on stdin before it starts (says "ready") and again before it closes its
// connections, so that somebody else can look at the server before and after.
//
// man 7 epoll, man 7 ip (IP_BIND_ADDRESS_NO_PORT), man 2 setrlimit
#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

namespace {

using clock_type = std::chrono::steady_clock;
using time_point = clock_type::time_point;

// ---- the command line ------------------------------------------------------------------------

struct settings {
    std::uint16_t port = 5000;
    std::size_t connections = 1;
    std::size_t active = 0;  // how many of them talk; 0: all
    std::size_t depth = 1;
    std::size_t payload = 64;
    bool framed = false;
    std::uint64_t messages = 0;  // 0: as many as fit into `seconds`
    double seconds = 1;
    unsigned give_up = 120;
    bool steps = false;
};

[[noreturn]] void usage() {
    std::fputs(
        "usage: load [--port 5000] [--connections 1] [--active ALL] [--depth 1] [--payload 64]\n"
        "            [--framed] [--messages COUNT | --seconds 1] [--give-up 120] [--steps]\n",
        stderr);
    std::exit(2);
}

unsigned long number(unsigned long least, unsigned long most) {
    char* end = nullptr;
    const unsigned long value = std::strtoul(optarg, &end, 10);
    if (*optarg == '\0' || *end != '\0' || value < least || value > most) usage();
    return value;
}

double seconds() {
    char* end = nullptr;
    const double value = std::strtod(optarg, &end);
    if (*end != '\0' || !(value > 0 && value <= 86400)) usage();
    return value;
}

settings parse(int argc, char** argv) {
    const option known[] = {{"port", required_argument, nullptr, 'p'},
                            {"connections", required_argument, nullptr, 'c'},
                            {"active", required_argument, nullptr, 'a'},
                            {"depth", required_argument, nullptr, 'd'},
                            {"payload", required_argument, nullptr, 'b'},
                            {"framed", no_argument, nullptr, 'f'},
                            {"messages", required_argument, nullptr, 'm'},
                            {"seconds", required_argument, nullptr, 's'},
                            {"give-up", required_argument, nullptr, 'g'},
                            {"steps", no_argument, nullptr, 't'},
                            {nullptr, 0, nullptr, 0}};
    settings given;
    for (int letter = 0; (letter = ::getopt_long(argc, argv, "", known, nullptr)) != -1;) {
        switch (letter) {
            case 'p': given.port = static_cast<std::uint16_t>(number(1, 65535)); break;
            case 'c': given.connections = number(1, 1000000); break;
            case 'a': given.active = number(1, 1000000); break;
            case 'd': given.depth = number(1, 10000); break;
            case 'b': given.payload = number(1, 16U << 20U); break;
            case 'f': given.framed = true; break;
            case 'm': given.messages = number(1, 1000000000000); break;
            case 's': given.seconds = seconds(); break;
            case 'g': given.give_up = static_cast<unsigned>(number(1, 86400)); break;
            case 't': given.steps = true; break;
            default: usage();
        }
    }
    if (given.active == 0 || given.active > given.connections) given.active = given.connections;
    return given;
}

// ---- what is sent and expected ---------------------------------------------------------------

/// The messages of all connections: a pattern, stamped with its connection and its number, so that
/// an answer out of order or meant for another is found.
class message_maker {
public:
    message_maker(std::size_t payload, bool framed) : header_(framed ? 4 : 0) {
        const auto size = static_cast<unsigned>(payload);
        if (framed) {
            for (const unsigned shift : {24U, 16U, 8U, 0U})
                bytes_.push_back(static_cast<char>(size >> shift));
        }
        for (unsigned i = 0; i < size; ++i) bytes_.push_back(static_cast<char>(i * 31 + 7));
    }

    std::size_t size() const { return bytes_.size(); }

    /// Message `number` of a connection. Good until the next call.
    std::string_view make(std::size_t connection, std::uint64_t number) {
        const std::uint64_t stamp = number ^ std::uint64_t{connection} << 40U;
        std::memcpy(&bytes_[header_], &stamp, std::min(sizeof stamp, bytes_.size() - header_));
        return bytes_;
    }

private:
    std::size_t header_;
    std::string bytes_;
};

// ---- how long it took ------------------------------------------------------------------------

/// Counts times in 32 steps for each doubling: a percentile is at most 3.2 % too high.
class histogram {
public:
    void add(std::chrono::nanoseconds time) {
        const auto value = std::max<std::uint64_t>(steps, static_cast<std::uint64_t>(time.count()));
        const auto doublings = static_cast<unsigned>(58 - __builtin_clzll(value));
        ++counts_[doublings * steps + (value >> doublings) - steps];
        ++total_;
    }

    /// The time in microseconds that `share` of all are not above.
    double percentile(double share) const {
        const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total_));
        std::size_t at = 0;
        for (std::uint64_t seen = counts_[0]; seen < wanted; seen += counts_[at]) ++at;
        return static_cast<double>((at % steps + steps + 1) << (at / steps)) / 1000;
    }

private:
    static constexpr std::size_t steps = 32;

    std::array<std::uint64_t, 59 * steps> counts_{};
    std::uint64_t total_ = 0;
};

// ---- connections -----------------------------------------------------------------------------

struct connection {
    int fd = -1;
    std::size_t number = 0;
    std::uint64_t asked = 0;    // messages that may be sent
    std::uint64_t sent = 0;     // bytes
    std::uint64_t checked = 0;  // bytes
    bool waits_for_room = false;
    std::vector<time_point> asked_at{};  // of the messages under way, by number modulo depth
};

[[noreturn]] void fail(const char* what) {
    throw std::system_error(errno, std::generic_category(), what);
}

sockaddr_in loopback(std::uint32_t last_byte, std::uint16_t port) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(0x7f000000U + last_byte);
    return address;
}

/// A socket that leaves no trace: closing it sends a reset, so no port stays in TIME_WAIT.
int make_socket() {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd == -1) fail("socket");
    const int yes = 1;
    const linger reset{1, 0};
    ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    ::setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof reset);
    ::setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    return fd;
}

/// Connects from 127.0.0.1; when its ports have run out from 127.0.0.2, and so on.
int connect_to(std::uint16_t port) {
    static std::uint32_t source = 1;
    const sockaddr_in server = loopback(1, port);
    for (;; ++source) {
        const int fd = make_socket();
        const sockaddr_in own = loopback(source, 0);
        if (::bind(fd, reinterpret_cast<const sockaddr*>(&own), sizeof own) == -1) fail("bind");
        if (::connect(fd, reinterpret_cast<const sockaddr*>(&server), sizeof server) == 0) {
            if (::fcntl(fd, F_SETFL, O_NONBLOCK) == -1) fail("fcntl");
            return fd;
        }
        if (errno != EADDRNOTAVAIL || source == 254) fail("connect");
        ::close(fd);
    }
}

// ---- asking ----------------------------------------------------------------------------------

class load {
public:
    explicit load(const settings& given)
        : given_(given), messages_(given.payload, given.framed), connections_(given.connections) {
        if (epoll_ == -1) fail("epoll_create1");
    }
    load(const load&) = delete;
    load& operator=(const load&) = delete;
    ~load() {
        for (const connection& each : connections_)
            if (each.fd != -1) ::close(each.fd);
        ::close(epoll_);
    }

    void connect_all() {
        for (connection& each : connections_) {
            each.number = static_cast<std::size_t>(&each - connections_.data());
            each.asked_at.resize(each.number < given_.active ? given_.depth : 1);
            each.fd = connect_to(given_.port);
            control(EPOLL_CTL_ADD, each);
        }
    }

    /// One message on every connection.
    void warm_up() {
        allowed_ = connections_.size();
        talk(connections_.size(), 1);
    }

    /// Asks until the messages or the seconds are used up, and all answers are here.
    void measure() {
        times_ = histogram{};
        answers_ = 0;
        allowed_ = given_.messages != 0 ? given_.messages : UINT64_MAX;
        const time_point start = clock_type::now();
        if (given_.messages == 0)
            end_ = start + std::chrono::duration_cast<clock_type::duration>(
                               std::chrono::duration<double>(given_.seconds));
        talk(given_.active, given_.depth);
        const std::chrono::duration<double> took = clock_type::now() - start;
        print(took.count());
    }

private:
    void talk(std::size_t active, std::size_t depth) {
        for (std::size_t i = 0; i < active; ++i) ask(connections_[i], depth, clock_type::now());
        for (std::array<epoll_event, 1024> events{}; under_way_ > 0;) {
            const int ready = ::epoll_wait(epoll_, events.data(), int{events.size()}, -1);
            for (int i = 0; i < ready; ++i) {
                const epoll_event& event = events[static_cast<std::size_t>(i)];
                connection& with = *static_cast<connection*>(event.data.ptr);
                if ((event.events & EPOLLOUT) != 0) send(with);
                if ((event.events & ~std::uint32_t{EPOLLOUT}) != 0) receive(with);
            }
        }
    }

    void ask(connection& server, std::uint64_t count, time_point now) {
        count = now < end_ ? std::min(count, allowed_) : 0;
        allowed_ -= count;
        under_way_ += count;
        for (; count > 0; --count) server.asked_at[server.asked++ % server.asked_at.size()] = now;
        if (!server.waits_for_room) send(server);
    }

    /// Sends what may be sent, as much as the kernel takes.
    void send(connection& to) {
        bool takes_more = true;
        while (takes_more && to.sent < to.asked * messages_.size()) {
            const std::string_view bytes = next_bytes(to);
            const ssize_t count = ::send(to.fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
            if (count == -1 && errno != EAGAIN) fail("send");
            const std::uint64_t taken = count == -1 ? 0 : static_cast<std::uint64_t>(count);
            to.sent += taken;
            takes_more = taken == bytes.size();
        }
        if (takes_more == to.waits_for_room) {
            to.waits_for_room = !takes_more;
            control(EPOLL_CTL_MOD, to);
        }
    }

    /// The bytes to be sent next, about 64 KiB at most.
    std::string_view next_bytes(const connection& to) {
        const std::uint64_t first = to.sent / messages_.size();
        const std::uint64_t most = std::max<std::uint64_t>(1, buffer_.size() / messages_.size());
        outgoing_.clear();
        for (std::uint64_t i = first; i < std::min(to.asked, first + most); ++i)
            outgoing_ += messages_.make(to.number, i);
        return std::string_view(outgoing_).substr(to.sent % messages_.size());
    }

    void receive(connection& from) {
        const ssize_t count = ::recv(from.fd, buffer_.data(), buffer_.size(), 0);
        if (count == -1 && errno == EAGAIN) return;
        if (count == -1) fail("recv");
        if (count == 0) throw std::runtime_error("the server closed a connection");
        const time_point now = clock_type::now();
        const std::uint64_t before = from.checked / messages_.size();
        check(from, {buffer_.data(), static_cast<std::size_t>(count)});
        const std::uint64_t after = from.checked / messages_.size();

        for (std::uint64_t i = before; i < after; ++i)
            times_.add(now - from.asked_at[i % from.asked_at.size()]);
        answers_ += after - before;
        under_way_ -= after - before;
        if (after > before) ask(from, after - before, now);
    }

    void check(connection& from, std::string_view answer) {
        if (from.checked + answer.size() > from.sent)
            throw std::runtime_error("more came back than was sent");
        while (!answer.empty()) {
            const std::uint64_t number = from.checked / messages_.size();
            const std::string_view expected =
                messages_.make(from.number, number).substr(from.checked % messages_.size());
            const std::size_t size = std::min(expected.size(), answer.size());
            if (expected.substr(0, size) != answer.substr(0, size))
                throw std::runtime_error("connection " + std::to_string(from.number) +
                                         ": the answer to message " + std::to_string(number) +
                                         " is not what was sent");
            from.checked += size;
            answer.remove_prefix(size);
        }
    }

    void control(int operation, connection& with) const {
        epoll_event event{};
        event.events = EPOLLIN | (with.waits_for_room ? std::uint32_t{EPOLLOUT} : 0U);
        event.data.ptr = &with;
        if (::epoll_ctl(epoll_, operation, with.fd, &event) == -1) fail("epoll_ctl");
    }

    void print(double seconds) const {
        std::printf(
            "{\"connections\": %zu, \"active\": %zu, \"depth\": %zu, \"payload\": %zu, "
            "\"framed\": %s, \"messages\": %llu, \"seconds\": %.6f, \"per_second\": %.0f, "
            "\"p50_us\": %.2f, \"p99_us\": %.2f}\n",
            given_.connections, given_.active, given_.depth, given_.payload,
            given_.framed ? "true" : "false", static_cast<unsigned long long>(answers_), seconds,
            static_cast<double>(answers_) / seconds, times_.percentile(0.5),
            times_.percentile(0.99));
        std::fflush(stdout);
    }

    settings given_;
    message_maker messages_;
    std::vector<connection> connections_;
    int epoll_ = ::epoll_create1(EPOLL_CLOEXEC);
    std::array<char, 64 * 1024> buffer_{};
    std::string outgoing_;

    std::uint64_t allowed_ = 0;  // messages that may still be asked
    std::uint64_t under_way_ = 0;
    std::uint64_t answers_ = 0;
    time_point end_ = time_point::max();
    histogram times_;
};

// ---- in steps --------------------------------------------------------------------------------

void raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) == -1) fail("getrlimit");
    limit.rlim_cur = limit.rlim_max;
    if (::setrlimit(RLIMIT_NOFILE, &limit) == -1) fail("setrlimit");
}

/// False: nobody wants to go on.
bool wait_for_line() {
    for (int byte = 0; (byte = std::getchar()) != '\n';)
        if (byte == EOF) return false;
    return true;
}

void run(const settings& given) {
    raise_file_limit();
    ::alarm(given.give_up);
    load asking(given);
    asking.connect_all();
    asking.warm_up();
    if (given.steps) {
        std::puts("ready");
        std::fflush(stdout);
        if (!wait_for_line()) return;
    }
    asking.measure();
    if (given.steps) wait_for_line();
}

}  // namespace

int main(int argc, char** argv) {
    try {
        run(parse(argc, argv));
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "load: %s\n", error.what());
        return 1;
    }
}

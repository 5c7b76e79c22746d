// endpoint: how addresses are written and compared, and how names become addresses.
#include "trama.hpp"

#include "../codec/allocations.hpp"
#include "../support/catch.hpp"
#include "../support/net.hpp"

#include <cstring>
#include <map>
#include <sstream>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include <arpa/inet.h>

using test::failure_of;
using trama::endpoint;
using trama::resolve;

namespace {

endpoint at(const std::string& host, int port) {
    return resolve(host, port).front();
}

}  // namespace

TEST_CASE("an endpoint is written as ADDRESS:PORT", "[net]") {
    CHECK(at("127.0.0.1", 5000).to_string() == "127.0.0.1:5000");
    CHECK(at("255.255.255.255", 65535).to_string() == "255.255.255.255:65535");
    CHECK(at("0.0.0.0", 0).to_string() == "0.0.0.0:0");
}

TEST_CASE("an IPv6 endpoint is written with brackets, its address without", "[net]") {
    const endpoint one = at("::1", 5000);
    CHECK(one.to_string() == "[::1]:5000");
    CHECK(one.address() == "::1");
    CHECK(one.port() == 5000);
    CHECK(one.family() == AF_INET6);
    CHECK(at("2001:0db8:0:0:0:0:0:1", 1).to_string() == "[2001:db8::1]:1");
}

TEST_CASE("an IPv4 address inside IPv6 is shown as such", "[net]") {
    CHECK(at("::ffff:192.0.2.1", 80).to_string() == "[::ffff:192.0.2.1]:80");
    CHECK(at("::ffff:192.0.2.1", 80) != at("192.0.2.1", 80));
}

TEST_CASE("a link-local address keeps its interface", "[net]") {
    const endpoint link_local = at("fe80::1%lo", 7);
    CHECK(link_local.to_string() == "[fe80::1%lo]:7");
    endpoint elsewhere = at("fe80::1", 7);
    CHECK(link_local != elsewhere);
}

TEST_CASE("an endpoint of nothing is nowhere", "[net]") {
    const endpoint nowhere{};
    CHECK(nowhere.to_string() == "nowhere");
    CHECK(nowhere.address() == "nowhere");
    CHECK(nowhere.port() == 0);
    CHECK(nowhere.family() == AF_UNSPEC);
    CHECK(nowhere == endpoint());
    CHECK(nowhere != at("0.0.0.0", 0));
}

TEST_CASE("an address that is too short, or of another family, is nowhere", "[net]") {
    sockaddr_in6 six{};
    six.sin6_family = AF_INET6;
    const auto* generic = reinterpret_cast<const sockaddr*>(&six);
    CHECK(endpoint(generic, sizeof six).to_string() == "[::]:0");
    CHECK(endpoint(generic, sizeof six - 1) == endpoint());
    CHECK(endpoint(generic, 0) == endpoint());
    CHECK(endpoint(nullptr, 0) == endpoint());
    sockaddr_storage local{};
    local.ss_family = AF_UNIX;
    CHECK(endpoint(reinterpret_cast<const sockaddr*>(&local), sizeof local) == endpoint());
}

TEST_CASE("endpoints are equal when address and port are", "[net]") {
    CHECK(at("127.0.0.1", 1) == at("127.0.0.1", 1));
    CHECK(at("127.0.0.1", 1) != at("127.0.0.1", 2));
    CHECK(at("127.0.0.1", 1) != at("127.0.0.2", 1));
    CHECK(at("::1", 1) == at("::1", 1));
    CHECK(at("::1", 1) != at("::1", 2));
    CHECK(at("::1", 1) != at("::2", 1));
    CHECK(at("::", 1) != at("0.0.0.0", 1));
}

TEST_CASE("what an endpoint was not told does not matter when it is compared", "[net]") {
    sockaddr_in with_padding{};
    with_padding.sin_family = AF_INET;
    with_padding.sin_port = htons(5000);
    with_padding.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    std::memset(with_padding.sin_zero, 'x', sizeof with_padding.sin_zero);
    const endpoint dirty(reinterpret_cast<const sockaddr*>(&with_padding), sizeof with_padding);
    CHECK(dirty == at("127.0.0.1", 5000));
}

TEST_CASE("an endpoint can be printed", "[net]") {
    std::ostringstream out;
    out << at("::1", 80) << ' ' << endpoint();
    CHECK(out.str() == "[::1]:80 nowhere");
}

TEST_CASE("an endpoint is handed to system calls with the size of its family", "[net]") {
    CHECK(at("127.0.0.1", 1).size() == sizeof(sockaddr_in));
    CHECK(at("::1", 1).size() == sizeof(sockaddr_in6));
    CHECK(at("127.0.0.1", 1).data()->sa_family == AF_INET);
}

TEST_CASE("resolve gives each address once", "[net]") {
    CHECK(resolve("127.0.0.1", 5000).size() == 1);
    const auto local = resolve("localhost", 5000);
    std::vector<endpoint> known;
    for (const endpoint each : local) {
        for (const endpoint& other : known) CHECK(each != other);
        known.push_back(each);
    }
    CHECK(known.size() == local.size());
}

TEST_CASE("resolve keeps no memory", "[net]") {
    if (!test::realloc_is_counted())
        return test::skip("a sanitizer, or another C library, keeps what was freed");
    static_cast<void>(resolve("127.0.0.1", 80));
    const std::size_t before = test::memory_in_use();
    for (int i = 0; i < 50'000; ++i) static_cast<void>(resolve("127.0.0.1", 80));
    CHECK(test::memory_in_use() < before + (2U << 20U));
}

TEST_CASE("preferred takes the first IPv4 address, else the first", "[net]") {
    const endpoint four = at("127.0.0.1", 1);
    const endpoint other = at("127.0.0.2", 1);
    const endpoint six = at("::1", 1);
    CHECK(trama::preferred(std::vector<endpoint>{six, four, other}) == four);
    CHECK(trama::preferred(std::vector<endpoint>{six, at("::2", 1)}) == six);
}

TEST_CASE("a port out of range is refused before anybody is asked", "[net]") {
    for (const int port : {-1, 65536, 1000000}) {
        const auto failed = failure_of([&] { return resolve("127.0.0.1", port); });
        CHECK(failed.code == std::errc::invalid_argument);
        CHECK(failed.text == "resolve 127.0.0.1:" + std::to_string(port) + ": " +
                                 test::reason(EINVAL) + " (a port is a number from 0 to 65535)");
    }
}

TEST_CASE("a host name with a NUL byte is refused, and shown escaped", "[net]") {
    const std::string host("127.0.0.1\0.evil.test", 20);
    const auto failed = failure_of([&] { return resolve(host, 80); });
    CHECK(failed.code == std::errc::invalid_argument);
    CHECK(failed.text == "resolve 127.0.0.1\\x00.evil.test:80: " + test::reason(EINVAL) +
                             " "
                             "(a host name holds no NUL byte)");
}

TEST_CASE("an unknown host is an error of the resolver, with its name", "[net]") {
    for (const std::string host : {"256.256.256.256.", "no such host", "127.0.0.1:80"}) {
        const auto failed = failure_of([&] { return resolve(host, 80); });
        INFO(failed.text);
        // No name server at all says "try again", not "no such name".
        CHECK((failed.code == std::errc::no_such_device_or_address ||
               failed.code == std::errc::resource_unavailable_try_again));
        CHECK(failed.text.find("resolve ") == 0);
        CHECK(test::contains(failed.text, ":80: "));
    }
}

TEST_CASE("control characters in a host name do not reach the terminal", "[net]") {
    const auto failed = failure_of([] { return resolve("\x1b[2J\n", 80); });
    CHECK(test::contains(failed.text, "resolve \\x1b[2J\\n:80: "));
}

TEST_CASE("an endpoint is a key: one entry for each address, port and family", "[net]") {
    std::map<endpoint, int> ordered;
    std::unordered_map<endpoint, int> hashed;
    std::unordered_set<endpoint> seen;
    const std::vector<endpoint> all = {{},
                                       at("127.0.0.1", 1),
                                       at("127.0.0.1", 2),
                                       at("127.0.0.2", 1),
                                       at("::1", 1),
                                       at("::1", 2),
                                       at("::2", 1),
                                       at("::ffff:127.0.0.1", 1),
                                       at("0.0.0.0", 0),
                                       at("::", 0)};
    for (int round = 0; round < 2; ++round) {
        for (const endpoint& each : all) {
            ++ordered[each];
            ++hashed[each];
            seen.insert(each);
        }
    }
    CHECK(ordered.size() == all.size());
    CHECK(hashed.size() == all.size());
    CHECK(seen.size() == all.size());
    for (const endpoint& each : all) {
        CHECK(ordered.at(each) == 2);
        CHECK(hashed.at(each) == 2);
    }
}

TEST_CASE("the order of endpoints is total, and agrees with ==", "[net]") {
    const std::vector<endpoint> all = {{},
                                       at("127.0.0.1", 1),
                                       at("127.0.0.1", 256),
                                       at("127.0.0.1", 65535),
                                       at("255.255.255.255", 1),
                                       at("::1", 1),
                                       at("::ffff:127.0.0.1", 1),
                                       at("ffff::", 65535)};
    for (const endpoint& one : all) {
        for (const endpoint& other : all) {
            const int truths =
                (one < other ? 1 : 0) + (other < one ? 1 : 0) + (one == other ? 1 : 0);
            CHECK(truths == 1);
            for (const endpoint& third : all) {
                if (one < other && other < third) CHECK(one < third);
            }
        }
    }
}

TEST_CASE("equal endpoints have equal hashes, wherever they come from", "[net]") {
    sockaddr_in with_padding{};
    std::memset(&with_padding, 0xff, sizeof with_padding);
    with_padding.sin_family = AF_INET;
    with_padding.sin_port = htons(80);
    ::inet_pton(AF_INET, "127.0.0.1", &with_padding.sin_addr);
    const endpoint one(reinterpret_cast<const sockaddr*>(&with_padding), sizeof with_padding);
    const std::hash<endpoint> hash;
    CHECK(one == at("127.0.0.1", 80));
    CHECK(hash(one) == hash(at("127.0.0.1", 80)));
    CHECK_FALSE(one < at("127.0.0.1", 80));
    auto listener = trama::tcp_listener::listen("127.0.0.1", 0);
    const int port = listener.local_endpoint().port();
    const auto client = trama::tcp_stream::connect("127.0.0.1", port);
    const auto accepted = listener.accept();
    CHECK(hash(client.local_endpoint()) == hash(accepted.remote_endpoint()));
    CHECK(hash(one) != hash(at("127.0.0.1", 81)));
    CHECK(hash(one) != hash(at("127.0.0.2", 80)));
}

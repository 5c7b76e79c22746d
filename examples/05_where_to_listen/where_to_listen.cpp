// where_to_listen -- a server listens at an address: who reaches it there?
//
// Goal:     Understand localhost, 127.0.0.1, 0.0.0.0, ::1, :: and * by trying each of them.
// Run:      ./where_to_listen
// Observe:  A server at localhost is not reached at the address that other machines call: they are
//           refused, although it runs. 0.0.0.0 is no address that anybody has; it stands for every
//           IPv4 address of this machine, :: for every IPv6 address, * for both.
// Exercise: Start 03_echo_server with -H and each of these, and call it from another machine. If
//           the table says yes and you do not get through, what stands between?
// Next:     06_tcp_or_udp, where nobody has to connect.
#include "../support/program.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <iostream>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#include <ifaddrs.h>
#include <net/if.h>

namespace {

constexpr const char* examples = R"(
  where_to_listen                  try the usual addresses
  where_to_listen -v 127.0.0.2     try this one, and say why a connection failed

Exit code 1: there is no address for a name.
)";

/// Whether other machines can call this address of ours. A link-local one (fe80::1%eth0) is left
/// out: it is called by another name on every machine.
bool is_for_others(const ifaddrs& entry, int family) {
    return entry.ifa_addr != nullptr && entry.ifa_addr->sa_family == family &&
           (entry.ifa_flags & IFF_UP) != 0 && (entry.ifa_flags & IFF_LOOPBACK) == 0 &&
           trama::endpoint(entry.ifa_addr, sizeof(sockaddr_in6)).address().find('%') ==
               std::string::npos;
}

// [region own-address]
/// The address at which other machines call this one, IPv4 if there is one; "": there is none.
std::string address_for_others() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) == -1)
        throw std::system_error(errno, std::generic_category(), "getifaddrs");
    std::string found;
    for (int family : {AF_INET, AF_INET6})
        for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next)
            if (found.empty() && is_for_others(*each, family))
                found = trama::endpoint(each->ifa_addr, sizeof(sockaddr_in6)).address();
    ::freeifaddrs(list);
    return found;
}
// [/region own-address]

// [region call]
/// Whether a client that calls `address` gets through to `listener`.
bool is_reached(trama::tcp_listener& listener, const std::string& address) {
    try {
        const int port = listener.local_endpoint().port();
        const auto client = trama::tcp_stream::connect(address, port, std::chrono::seconds(1));
        const trama::tcp_stream accepted = listener.accept();
        return true;
    } catch (const trama::network_error& error) {
        program::say_more(error.what());
        return false;
    }
}
// [/region call]

/// One row of the table: the columns begin at 0, 26, 42, 58.
void print_row(const std::vector<std::string>& cells) {
    std::string row;
    for (std::size_t i = 0; i < cells.size(); ++i) {
        if (i > 0) row.resize(std::max(row.size() + 2, 10 + 16 * i), ' ');
        row += cells[i];
    }
    std::cout << row << std::endl;
}

/// Whether a name could not be made into an address: getaddrinfo(3) has failed.
bool has_no_address(const trama::network_error& error) {
    return error.code() == std::errc::no_such_device_or_address ||
           error.code() == std::errc::resource_unavailable_try_again;
}

// [region listen]
/// Listens at `address`, calls it in every way, and prints a row of the table. False: that cannot
/// even be tried, since the name stands for no address.
bool try_address(const std::string& address, const std::vector<std::string>& ways) {
    try {
        auto listener = trama::tcp_listener::listen(address, 0);
        listener.set_timeout(std::chrono::seconds(1));
        const std::string really = listener.local_endpoint().address();
        std::vector<std::string> row{address == really ? address : address + " (" + really + ')'};
        for (const std::string& way : ways) row.push_back(is_reached(listener, way) ? "yes" : "no");
        print_row(row);
    } catch (const trama::network_error& error) {
        program::say_more(error.what());
        const bool is_no_name = has_no_address(error);
        print_row({address, is_no_name ? "no such name, or the name server does not answer"
                                       : "cannot listen there: " + error.code().message()});
        return !is_no_name;
    }
    return true;
}
// [/region listen]

bool has_ipv6() {
    try {
        const auto listener = trama::tcp_listener::listen("::1", 0);
        return true;
    } catch (const trama::network_error&) {
        return false;
    }
}

int try_all(const program::options& given) {
    const std::string outside = address_for_others();
    std::vector<std::string> addresses = given.words();
    if (addresses.empty()) addresses = {"localhost", "127.0.0.1", "0.0.0.0", "::1", "::", "*"};
    std::vector<std::string> ways = {"127.0.0.1", "::1"};
    if (!outside.empty()) {
        ways.push_back(outside);
        if (given.words().empty()) addresses.push_back(outside);
    }
    print_row({"a server listens at ...", "and is reached at ..."});
    std::vector<std::string> header = ways;
    header.insert(header.begin(), "");
    print_row(header);
    bool all_were_tried = true;
    for (const std::string& each : addresses)
        all_were_tried = try_address(each, ways) && all_were_tried;
    if (!has_ipv6()) program::say("This machine has no IPv6.");
    program::say(outside.empty() ? "This machine has loopback addresses only: no other reaches it."
                                 : outside + " is the address that other machines call.");
    return all_were_tried ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples, {}, try_all, "[ADDRESS]...", 100);
}

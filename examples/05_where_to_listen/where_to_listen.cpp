// where_to_listen -- a server listens on an address: at which addresses can clients reach it?
//
// Goal:     Understand localhost, 127.0.0.1, 0.0.0.0, ::1, :: and * by trying each of them.
// Run:      ./where_to_listen
// Observe:  A server on localhost refuses the connections of other machines, although it runs.
//           0.0.0.0 is the address of no machine; it means every IPv4 address of this machine, ::
//           every IPv6 address, * both.
// Exercise: Start 03_echo_server with -H and each of these, and connect from another machine. If
//           the table says yes and you cannot connect, what stands between the two machines?
// Next:     06_tcp_or_udp, where no connection is needed.
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

/// True if other machines can connect to this address. A link-local address (fe80::1%eth0) is left
/// out: each machine writes it in another way.
bool is_for_others(const ifaddrs& entry, int family) {
    if (entry.ifa_addr == nullptr || entry.ifa_addr->sa_family != family) return false;
    if ((entry.ifa_flags & IFF_UP) == 0 || (entry.ifa_flags & IFF_LOOPBACK) != 0) return false;
    const trama::endpoint address(entry.ifa_addr, sizeof(sockaddr_in6));
    return address.address().find('%') == std::string::npos;
}

/// Returns the first address of `family` in the list that other machines can use, or "".
std::string find_address(const ifaddrs* list, int family) {
    for (const ifaddrs* each = list; each != nullptr; each = each->ifa_next) {
        if (is_for_others(*each, family))
            return trama::endpoint(each->ifa_addr, sizeof(sockaddr_in6)).address();
    }
    return "";
}

/// Returns the address that other machines use for this one, IPv4 if there is one, or "".
std::string address_for_others() {
    ifaddrs* list = nullptr;
    if (::getifaddrs(&list) == -1)
        throw std::system_error(errno, std::generic_category(), "getifaddrs");
    std::string found = find_address(list, AF_INET);
    if (found.empty()) found = find_address(list, AF_INET6);
    ::freeifaddrs(list);
    return found;
}

// [region connect]
/// Returns true if a client that connects to `address` reaches `listener`.
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
// [/region connect]

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
/// Listens on `address` and connects to each of `destinations`. Returns a row of the table.
std::vector<std::string> row_of(const std::string& address,
                                const std::vector<std::string>& destinations) {
    auto listener = trama::tcp_listener::listen(address, 0);  // 0: any free port
    listener.set_timeout(std::chrono::seconds(1));
    const std::string bound = listener.local_endpoint().address();
    std::vector<std::string> row{address == bound ? address : address + " (" + bound + ')'};
    for (const std::string& each : destinations) {
        row.push_back(is_reached(listener, each) ? "yes" : "no");
    }
    return row;
}
// [/region listen]

/// Prints the row of `address`. Returns false if the name has no address, so that nothing was
/// tried.
bool try_address(const std::string& address, const std::vector<std::string>& destinations) {
    try {
        print_row(row_of(address, destinations));
        return true;
    } catch (const trama::network_error& error) {
        program::say_more(error.what());
        const bool is_unknown = has_no_address(error);
        print_row({address, is_unknown ? "no such name, or the name server does not answer"
                                       : "cannot listen there: " + error.code().message()});
        return !is_unknown;
    }
}

bool has_ipv6() {
    try {
        const auto listener = trama::tcp_listener::listen("::1", 0);
        return true;
    } catch (const trama::network_error&) {
        return false;
    }
}

/// Prints the two lines above the table.
void print_header(const std::vector<std::string>& destinations) {
    print_row({"a server listens on ...", "and is reached at ..."});
    std::vector<std::string> header{""};
    header.insert(header.end(), destinations.begin(), destinations.end());
    print_row(header);
}

/// Says which address other machines use. `own` is "" if there is none.
void print_summary(const std::string& own) {
    if (!has_ipv6()) program::say("This machine has no IPv6.");
    program::say(own.empty()
                     ? "This machine has loopback addresses only: other machines cannot reach it."
                     : "Other machines connect to " + own + '.');
}

int try_all(const program::options& given) {
    const std::string own = address_for_others();
    std::vector<std::string> usual{"localhost", "127.0.0.1", "0.0.0.0", "::1", "::", "*"};
    std::vector<std::string> destinations{"127.0.0.1", "::1"};
    if (!own.empty()) {
        usual.push_back(own);
        destinations.push_back(own);
    }
    print_header(destinations);
    bool all_were_tried = true;
    for (const std::string& each : given.words().empty() ? usual : given.words()) {
        if (!try_address(each, destinations)) all_were_tried = false;
    }
    print_summary(own);
    return all_were_tried ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples, {}, try_all, "[ADDRESS]...", 100);
}

// tool_options.hpp -- options that more than one tool has: --seed, and HOST:PORT
#pragma once

#include "../support/program.hpp"

#include <cstdint>
#include <random>
#include <string>

namespace program {

constexpr long largest_seed = 1'000'000'000'000;

/// The number of --seed; without it, one by chance.
inline std::uint64_t read_seed(const options& given) {
    if (!given.flag("seed")) return std::random_device{}() % 1'000'000;
    return static_cast<std::uint64_t>(given.number("seed", 0, largest_seed));
}

/// A server that runs somewhere.
struct address {
    std::string host;
    int port;
};

/// The value of option `name`: "localhost:5000", "[::1]:5000". Throws usage_error.
inline address read_address(const options& given, const std::string& name) {
    const std::string& text = given.text(name);
    const std::size_t colon = text.rfind(':');
    const std::string port = colon == std::string::npos ? "" : text.substr(colon + 1);
    std::string host = text.substr(0, colon);
    if (host.size() > 2 && host.front() == '[' && host.back() == ']')
        host = host.substr(1, host.size() - 2);
    const int number = trama::port_number(port).is_valid() ? std::stoi(port) : 0;
    if (host.empty() || number == 0)
        throw usage_error("--" + name + " takes HOST:PORT, such as localhost:5000, not \"" +
                          trama::escaped(text) + '"');
    return {host, number};
}

}  // namespace program

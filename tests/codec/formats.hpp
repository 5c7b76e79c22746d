// The framings of the library, each with an encoder written a second time and differently: what
// the library makes and reads is compared with that.
#pragma once

#include "trama.hpp"

#include <cstdint>
#include <cstdio>
#include <string>
#include <vector>

namespace test {

struct six_digits {
    using codec = trama::six_digit_colon;

    static bool legal(const std::string&) { return true; }
    static std::string wire(const std::string& payload) {
        char header[32];
        std::snprintf(header, sizeof header, "%06zu:", payload.size());
        return header + payload;
    }
};

template <std::size_t Size, trama::byte_order Order>
struct prefix {
    using codec = trama::length_prefix<Size, Order>;

    static bool legal(const std::string&) { return true; }
    static std::string header(std::uint64_t length) {
        std::string bytes;
        for (std::size_t i = 0; i < Size; ++i, length /= 256) {
            const char byte = static_cast<char>(length % 256);
            bytes.insert(Order == trama::byte_order::big ? bytes.begin() : bytes.end(), byte);
        }
        return bytes;
    }
    static std::string wire(const std::string& payload) { return header(payload.size()) + payload; }
};

template <typename Codec>
struct line {
    using codec = Codec;

    static bool legal(const std::string& payload) {
        const bool strips_return = std::is_same<Codec, trama::any_line>::value;
        const bool ends_in_return = !payload.empty() && payload.back() == '\r';
        return payload.find('\n') == std::string::npos && !(strips_return && ends_in_return);
    }
    static std::string wire(const std::string& payload) {
        return payload + (std::is_same<Codec, trama::crlf_line>::value ? "\r\n" : "\n");
    }
};

using big1 = prefix<1, trama::byte_order::big>;
using big2 = prefix<2, trama::byte_order::big>;
using big4 = prefix<4, trama::byte_order::big>;
using big8 = prefix<8, trama::byte_order::big>;
using little1 = prefix<1, trama::byte_order::little>;
using little2 = prefix<2, trama::byte_order::little>;
using little4 = prefix<4, trama::byte_order::little>;
using little8 = prefix<8, trama::byte_order::little>;
using lf = line<trama::lf_line>;
using crlf = line<trama::crlf_line>;
using any = line<trama::any_line>;

/// For TEMPLATE_TEST_CASE: a test for all framings.
#define ALL_FORMATS                                                                  \
    test::six_digits, test::big1, test::big2, test::big4, test::big8, test::little1, \
        test::little2, test::little4, test::little8, test::lf, test::crlf, test::any

/// Short payloads that a careless decoder trips over, those that `Format` can carry.
template <typename Format>
std::vector<std::string> tricky_payloads() {
    const std::string nul(1, '\0');
    const std::vector<std::string> all = {"",
                                          "x",
                                          ":",
                                          nul,
                                          nul + nul + nul + "\x04hola",
                                          "\n",
                                          "\r\n",
                                          "\r",
                                          "\rx",
                                          "0",
                                          "000000:",
                                          "000005:hola",
                                          "12345",
                                          "a" + nul + "b",
                                          "\xff\xfe\x80",
                                          "\xc3\xb1",
                                          "GET / HTTP/1.1",
                                          ":000001"};
    std::vector<std::string> legal;
    for (const std::string& payload : all)
        if (Format::legal(payload)) legal.push_back(payload);
    return legal;
}

}  // namespace test

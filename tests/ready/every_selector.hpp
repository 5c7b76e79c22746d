// The three selectors, which behave alike: TEMPLATE_LIST_TEST_CASE runs a test with each of them.
#pragma once

#include "trama.hpp"

#include <map>
#include <string>
#include <tuple>

namespace test {

using every_selector = std::tuple<trama::selector, trama::poll_selector, trama::epoll_selector>;

/// What a wait found, by descriptor: "r" readable, "w" writable, "rw" both.
using found = std::map<int, std::string>;

template <typename Selector>
found wait_for(Selector& ready, trama::duration timeout) {
    found all;
    for (const trama::ready_event event : ready.wait(timeout))
        all[event.fd] += std::string(event.readable ? "r" : "") + (event.writable ? "w" : "");
    return all;
}

}  // namespace test

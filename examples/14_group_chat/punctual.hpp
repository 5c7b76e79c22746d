// 14_group_chat/punctual.hpp -- a selector that keeps one appointment more.
//
// message_server waits for its clients, and has one patience for all of them. Who stands at the
// door gets less of it: so what waits for the clients wakes up for the door, too.
#pragma once

#include "trama.hpp"

#include <algorithm>
#include <functional>

namespace chat {

// [region punctual]
template <typename Selector>
class punctual : public Selector {
public:
    /// When to call what. The server makes its selector itself, so they belong to the class.
    inline static trama::deadline appointment{trama::forever};
    inline static std::function<void()> keep_appointment;

    const trama::ready_events& wait(trama::duration timeout) {
        const auto& events = Selector::wait(std::min(timeout, appointment.left()));
        if (appointment.passed()) keep_appointment();
        return events;
    }
};
// [/region punctual]

}  // namespace chat

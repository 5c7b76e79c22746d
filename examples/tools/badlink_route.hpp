// badlink_route.hpp -- how TCP controls congestion on the way to one address
//
// The setting for a whole network (net.ipv4.tcp_congestion_control) takes only the names that root
// has allowed. A route may have one of its own. Routes are set by messages to the kernel.
// man 7 rtnetlink, man 7 netlink, man 8 ip-route (congctl)
#pragma once

#include "trama.hpp"

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include <arpa/inet.h>
#include <linux/rtnetlink.h>
#include <sys/socket.h>

namespace badlink {

/// A request to the kernel: a new route. Each attribute is a length, a type, and a value, and
/// begins at a multiple of four bytes.
class route_message {
public:
    route_message() {
        nlmsghdr head{};
        head.nlmsg_type = RTM_NEWROUTE;
        head.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_ACK;
        rtmsg route{};
        route.rtm_family = AF_INET;
        route.rtm_dst_len = 32;  // bits: one address
        route.rtm_table = RT_TABLE_MAIN;
        route.rtm_protocol = RTPROT_STATIC;
        route.rtm_scope = RT_SCOPE_LINK;
        route.rtm_type = RTN_UNICAST;
        bytes_.append(reinterpret_cast<const char*>(&head), sizeof head);
        bytes_.append(reinterpret_cast<const char*>(&route), sizeof route);
    }

    void add(unsigned short type, std::string_view value) { bytes_ += attribute(type, value); }

    static std::string attribute(unsigned short type, std::string_view value) {
        rtattr head{};
        head.rta_len = static_cast<unsigned short>(sizeof head + value.size());
        head.rta_type = type;
        std::string bytes(reinterpret_cast<const char*>(&head), sizeof head);
        bytes += value;
        bytes.resize((bytes.size() + 3) / 4 * 4);
        return bytes;
    }

    /// The whole message, with its length at the front.
    const std::string& bytes() {
        const auto size = static_cast<std::uint32_t>(bytes_.size());
        bytes_.replace(0, sizeof size, reinterpret_cast<const char*>(&size), sizeof size);
        return bytes_;
    }

private:
    std::string bytes_;
};

/// Sends the message. Returns 0 or the errno that the kernel answers.
inline int send_to_kernel(const std::string& message) {
    const trama::unique_fd fd(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE));
    if (!fd || ::send(fd.get(), message.data(), message.size(), 0) == -1) return errno;
    struct {
        nlmsghdr head;
        nlmsgerr result;
        char rest[1024];  // a copy of the message
    } answer{};
    if (::recv(fd.get(), &answer, sizeof answer, 0) == -1) return errno;
    return answer.head.nlmsg_type == NLMSG_ERROR ? -answer.result.error : EPROTO;
}

/// Adds a route to `address` through the device with this number. TCP connections to and from it
/// use the congestion control `name`. Returns 0 or an errno; ENOENT or EINVAL: no such name.
inline int add_route(const char* address, unsigned device, const std::string& name) {
    in_addr destination{};
    ::inet_pton(AF_INET, address, &destination);
    const auto view_of = [](const auto& value) {
        return std::string_view(reinterpret_cast<const char*>(&value), sizeof value);
    };
    route_message message;
    message.add(RTA_DST, view_of(destination));
    message.add(RTA_OIF, view_of(device));
    message.add(RTA_METRICS, route_message::attribute(RTAX_CC_ALGO, name + '\0'));
    return send_to_kernel(message.bytes());
}

}  // namespace badlink

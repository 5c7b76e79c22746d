// badlink_device.hpp -- a network of our own with one device, whose packets a program moves
//
// man 7 user_namespaces, man 7 network_namespaces, man 7 netdevice,
// https://docs.kernel.org/networking/tuntap.html
#pragma once

#include "badlink_route.hpp"
#include "trama.hpp"

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <system_error>

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <unistd.h>

namespace badlink {

// Addresses for examples (RFC 5737): nobody has them.
constexpr const char* own_address = "192.0.2.1";
constexpr const char* far_address = "192.0.2.2";

/// The link cannot be made here; what() says why, and what to type.
struct no_link : std::runtime_error {
    using std::runtime_error::runtime_error;
};

[[noreturn]] inline void fail(const std::string& what, int error, const std::string& step) {
    throw no_link(what + ": " + std::strerror(error) + " (" + step + ')');
}

/// Writes `text` to a file of the kernel. Returns 0 or the errno of the failure.
inline int write_setting(const std::string& path, const std::string& text) {
    const trama::unique_fd file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
    if (!file) return errno;
    return ::write(file.get(), text.data(), text.size()) == -1 ? errno : 0;
}

/// Moves this process into a network of its own. Root may simply do that. Another user needs a user
/// namespace, in which it keeps its number. Throws no_link.
inline void enter_own_network() {
    if (::geteuid() == 0 && ::unshare(CLONE_NEWNET) == 0) return;
    const auto user = std::to_string(::getuid());
    const auto group = std::to_string(::getgid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNET) == -1)
        fail("no network of its own", errno,
             "user namespaces are off here: sudo sysctl kernel.unprivileged_userns_clone=1 "
             "kernel.apparmor_restrict_unprivileged_userns=0, or start badlink with sudo");
    write_setting("/proc/self/setgroups", "deny");
    write_setting("/proc/self/uid_map", user + ' ' + user + " 1");
    write_setting("/proc/self/gid_map", group + ' ' + group + " 1");
}

/// Makes the device. Returns its descriptor: a read takes a packet that the kernel sends, a write
/// is a packet that the kernel receives. Throws no_link.
inline trama::unique_fd open_device(const std::string& name) {
    trama::unique_fd device(::open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC));
    if (!device)
        fail("/dev/net/tun", errno,
             errno == EACCES ? "sudo chmod 666 /dev/net/tun" : "sudo modprobe tun");
    ifreq request{};
    request.ifr_flags = IFF_TUN | IFF_NO_PI;
    name.copy(request.ifr_name, IFNAMSIZ - 1);
    if (::ioctl(device.get(), TUNSETIFF, &request) == -1)
        fail("cannot make a network device", errno, "start badlink with sudo");
    return device;
}

/// Gives addresses to network devices and switches them on.
class device_settings {
public:
    device_settings() : socket_(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)) {}

    void set_address(const std::string& device, const char* address) {
        change(device, SIOCSIFADDR, [&](ifreq& request) { fill(request, address); });
        change(device, SIOCSIFNETMASK, [&](ifreq& request) { fill(request, "255.255.255.0"); });
    }

    void switch_on(const std::string& device) {
        change(device, SIOCSIFFLAGS,
               [](ifreq& request) { request.ifr_flags = IFF_UP | IFF_RUNNING; });
    }

private:
    static void fill(ifreq& request, const char* address) {
        sockaddr_in value{};
        value.sin_family = AF_INET;
        ::inet_pton(AF_INET, address, &value.sin_addr);
        std::memcpy(&request.ifr_addr, &value, sizeof value);
    }

    template <typename Fill>
    void change(const std::string& device, unsigned long what, Fill fill) {
        ifreq request{};
        device.copy(request.ifr_name, IFNAMSIZ - 1);
        fill(request);
        if (::ioctl(socket_.get(), what, &request) == -1)
            fail("cannot set up " + device, errno, "start badlink with sudo");
    }

    trama::unique_fd socket_;
};

/// Adds the way to the far address; "reno", "cubic": how TCP controls congestion on it. Throws
/// no_link.
inline void add_far_address(const std::string& device, const std::string& congestion_control) {
    const int error = add_route(far_address, ::if_nametoindex(device.c_str()), congestion_control);
    if (error != 0)
        fail("congestion control " + congestion_control, error,
             "which are there: sysctl net.ipv4.tcp_available_congestion_control; another one may "
             "come with sudo modprobe tcp_" +
                 congestion_control);
    // Else the second connection would begin with what the first one has learned.
    write_setting("/proc/sys/net/ipv4/tcp_no_metrics_save", "1");
}

}  // namespace badlink

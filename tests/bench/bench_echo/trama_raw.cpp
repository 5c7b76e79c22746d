// trama_raw -- the raw echo server on trama's selectors, as an example of the tutorial has it: what
// one receive brought is sent back at once, and what the kernel does not take waits.
//
// Build  g++ -std=c++17 -O2 -I ../../../single_include trama_raw.cpp -o trama_raw
// Run    ./trama_raw --backend epoll --port 5000
#include "trama.hpp"

#include <array>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace {

struct connection {
    trama::tcp_stream stream;
    std::string unsent;
};

template <typename Selector>
class server {
public:
    explicit server(int port) : listener_(trama::tcp_listener::listen("127.0.0.1", port, 4096)) {
        std::printf("listening on %s\n", listener_.local_endpoint().to_string().c_str());
        std::fflush(stdout);
        listener_.set_option(IPPROTO_TCP, TCP_NODELAY, 1, "TCP_NODELAY");  // inherited on Linux
        ready_.add(listener_.fd(), trama::interest::read);
    }

    [[noreturn]] void run() {
        for (;;) {
            for (const trama::ready_event event : ready_.wait()) {
                if (event.fd == listener_.fd()) {
                    accept_all();
                } else if (event.readable) {
                    receive(event.fd);
                } else {
                    send_rest(event.fd);
                }
            }
        }
    }

private:
    void accept_all() {
        trama::tcp_stream stream;
        while (listener_.try_accept(stream).status == trama::io_status::done) {
            const auto at = static_cast<std::size_t>(stream.fd());
            ready_.add(stream.fd(), trama::interest::read);
            if (at >= connections_.size()) connections_.resize(at + 1);
            connections_[at].reset(new connection{std::move(stream), {}});
        }
    }

    void receive(int fd) {
        const trama::io_result got =
            at(fd).stream.try_recv_some(received_.data(), received_.size());
        if (got.status == trama::io_status::would_block) return;
        if (got.status != trama::io_status::done) return close(fd);
        const std::string_view came(received_.data(), got.bytes);
        const trama::io_result sent = at(fd).stream.try_send_some(came);
        if (sent.status == trama::io_status::failed) return close(fd);
        if (sent.bytes == came.size()) return;
        at(fd).unsent = came.substr(sent.bytes);
        ready_.modify(fd, trama::interest::write);
    }

    void send_rest(int fd) {
        const trama::io_result sent = at(fd).stream.try_send_some(at(fd).unsent);
        if (sent.status == trama::io_status::failed) return close(fd);
        at(fd).unsent.erase(0, sent.bytes);
        if (!at(fd).unsent.empty()) return;
        std::string().swap(at(fd).unsent);
        ready_.modify(fd, trama::interest::read);
    }

    void close(int fd) {
        ready_.remove(fd);
        connections_[static_cast<std::size_t>(fd)].reset();
    }

    connection& at(int fd) { return *connections_[static_cast<std::size_t>(fd)]; }

    trama::tcp_listener listener_;
    Selector ready_;
    std::array<char, 64 * 1024> received_{};
    std::vector<std::unique_ptr<connection>> connections_;  // by descriptor
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) return 2;  // --backend select|poll|epoll --port PORT
    const std::string backend = argv[2];
    const int port = std::atoi(argv[4]);
    if (backend == "select") server<trama::selector>(port).run();
    if (backend == "poll") server<trama::poll_selector>(port).run();
    if (backend == "epoll") server<trama::epoll_selector>(port).run();
}

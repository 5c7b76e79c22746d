// pthread_cancel(3) in a call that blocks: the thread ends as cancelled, the objects that it owns
// are destroyed, and the program goes on. A noexcept on the way would end the program instead.
#include "trama.hpp"

#include "../support/catch.hpp"
#include "../support/net.hpp"

#include <functional>
#include <stdexcept>
#include <utility>
#include <vector>

#include <pthread.h>

// The sanitizers do not know this way of leaving a function: they report the stack of the thread
// as broken when it is used again.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TRAMA_HAS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TRAMA_HAS_SANITIZER
#endif
#endif

#if !defined(TRAMA_HAS_SANITIZER) && defined(__linux__)

using namespace std::chrono_literals;
using test::net_test;

namespace {

using six_digits = trama::framed_stream<trama::six_digit_colon>;

/// What the blocked call uses; the destructors run in the thread that is cancelled.
struct things {
    trama::tcp_listener listener = trama::tcp_listener::listen("127.0.0.1", 0);
    test::stream_pair pair = test::tcp_pair();
    std::string many = std::string(64U << 20U, 'x');
    char memory[16] = {};
};

struct blocking_call {
    const char* name;
    std::function<void(things&)> call;
};

template <typename Selector>
void wait_with(things& all) {
    Selector ready;
    ready.add(all.pair.client.fd(), trama::interest::read);
    ready.wait();
}

template <typename Selector>
void wait_with_time(things& all) {
    Selector ready;
    ready.add(all.pair.client.fd(), trama::interest::read);
    ready.wait(20s);
}

void serve(things&) {
    trama::message_server<trama::any_line> server("127.0.0.1", 0);
    server.run();
}

void receive_a_file(things& all) {
    const trama::unique_fd file(::open("/dev/null", O_WRONLY | O_CLOEXEC));
    trama::receive_file(all.pair.client, file.get(), 100);
}

void send_a_file(things& all) {
    const trama::unique_fd file(::open("/dev/shm", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600));
    if (::ftruncate(file.get(), 64 << 20) == -1) throw std::runtime_error("no file");
    trama::send_file(all.pair.client, file.get(), 0, 64U << 20U);
}

/// Connects to a listener whose queue is full: the kernel answers nobody any more.
void connect_to_a_full_queue(things& all) {
    const auto where = trama::tcp_listener::listen("127.0.0.1", 0, 0);
    const int port = where.local_endpoint().port();
    std::vector<trama::tcp_stream> queue;
    static_cast<void>(all);
    while (queue.size() < 100) {
        queue.push_back(trama::tcp_stream::connect("127.0.0.1", port, 20s));
    }
}

const std::vector<blocking_call> calls = {
    {"recv_some", [](things& all) { (void)all.pair.client.recv_some(10); }},
    {"recv_some without a time-out",
     [](things& all) {
         all.pair.client.set_timeout(trama::no_timeout);
         (void)all.pair.client.recv_some(10);
     }},
    {"recv_exact", [](things& all) { all.pair.client.recv_exact(all.memory, 10); }},
    {"recv_exact into a string",
     [](things& all) { (void)all.pair.client.recv_exact(std::size_t{10}); }},
    {"send_all", [](things& all) { all.pair.client.send_all(all.many); }},
    {"send_all without a time-out",
     [](things& all) {
         all.pair.client.set_timeout(trama::no_timeout);
         all.pair.client.send_all(all.many);
     }},
    {"send_all of parts",
     [](things& all) {
         all.pair.client.send_all({all.many, all.many});
     }},
    {"send_some",
     [](things& all) {
         for (int i = 0; i < 1000; ++i) (void)all.pair.client.send_some(all.many);
     }},
    {"close_lingering", [](things& all) { all.pair.client.close_lingering(20s); }},
    {"accept", [](things& all) { (void)all.listener.accept(); }},
    {"accept with a time-out",
     [](things& all) {
         all.listener.set_timeout(20s);
         (void)all.listener.accept();
     }},
    {"connect", connect_to_a_full_queue},
    {"recv_frame", [](things& all) { (void)six_digits(std::move(all.pair.client)).recv_frame(); }},
    {"recv_view", [](things& all) { (void)six_digits(std::move(all.pair.client)).recv_view(); }},
    {"send_frame",
     [](things& all) {
         six_digits framed(std::move(all.pair.client));
         for (int i = 0; i < 100; ++i) framed.send_frame({all.many.data(), 900'000});
     }},
    {"poll_selector", wait_with<trama::poll_selector>},
    {"epoll_selector", wait_with<trama::epoll_selector>},
    {"poll_selector with a time-out", wait_with_time<trama::poll_selector>},
    {"epoll_selector with a time-out", wait_with_time<trama::epoll_selector>},
    {"recv_from", [](things&) { (void)trama::udp_socket::bind("127.0.0.1", 0).recv_from(); }},
    {"recv_from with a time-out",
     [](things&) {
         auto socket = trama::udp_socket::bind("127.0.0.1", 0);
         socket.set_timeout(20s);
         (void)socket.recv_from();
     }},
    {"receive_file", receive_a_file},
    {"send_file", send_a_file},
    {"run", serve},
};

struct job {
    const blocking_call* what = nullptr;
    std::promise<void> starts;
};

void* work(void* argument) {
    job& mine = *static_cast<job*>(argument);
    things all;
    mine.starts.set_value();
    mine.what->call(all);
    return nullptr;
}

/// Makes the call in a thread, cancels the thread, and waits for it. True: it ended as cancelled.
bool is_cancelled_in(const blocking_call& what, std::chrono::milliseconds pause) {
    job mine;
    mine.what = &what;
    pthread_t thread{};
    REQUIRE(::pthread_create(&thread, nullptr, work, &mine) == 0);
    mine.starts.get_future().wait();
    test::pause(pause);  // either way is right: cancelled before the call blocks, or in it
    ::pthread_cancel(thread);
    void* result = nullptr;
    ::pthread_join(thread, &result);
    return result == PTHREAD_CANCELED;
}

}  // namespace

TEST_CASE("a thread that is cancelled in a blocking call ends, and the program goes on", "[net]") {
    const net_test nothing_left_open;
    for (const blocking_call& each : calls) {
        INFO(each.name);
        const test::stopwatch watch;
        CHECK(is_cancelled_in(each, 30ms));
        CHECK(watch.undisturbed_seconds() < 10);
    }
}

TEST_CASE("a thread that is cancelled in selector::wait ends, and the program goes on", "[net]") {
    const net_test nothing_left_open;
    CHECK(is_cancelled_in({"selector", wait_with<trama::selector>}, 30ms));
    CHECK(is_cancelled_in({"with a time-out", wait_with_time<trama::selector>}, 30ms));
}

#endif

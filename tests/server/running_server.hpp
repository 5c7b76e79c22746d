// A message_server that runs in a thread of its own, its clients, and word of what happens in it.
#pragma once

#include "trama.hpp"

#include "../ready/every_selector.hpp"
#include "../support/catch.hpp"
#include "../support/net.hpp"

#include <condition_variable>
#include <deque>
#include <mutex>
#include <stdexcept>
#include <string>
#include <vector>

namespace test {

/// A client of the server: frames of six digits, and no call lasts longer than 20 s.
using peer = trama::framed_stream<trama::six_digit_colon>;

/// Carries values from the thread of the server to that of the test, in order.
template <typename Value>
class mailbox {
public:
    void put(Value value) {
        const std::lock_guard<std::mutex> guard(mutex_);
        values_.push_back(std::move(value));
        changed_.notify_all();
    }

    /// The next value, waiting for it; 20 s is a defect.
    Value take() {
        std::unique_lock<std::mutex> guard(mutex_);
        if (!changed_.wait_for(guard, 20s, [this] { return !values_.empty(); }))
            throw std::runtime_error("nothing was put into the mailbox");
        Value value = std::move(values_.front());
        values_.pop_front();
        return value;
    }

    bool empty() {
        const std::lock_guard<std::mutex> guard(mutex_);
        return values_.empty();
    }

private:
    std::mutex mutex_;
    std::condition_variable changed_;
    std::deque<Value> values_;
};

/// Set its handlers, then start() it. It is stopped at the end of its life at the latest; so what
/// its handlers use must live longer.
template <typename Selector, typename State = trama::no_state,
          typename Codec = trama::six_digit_colon>
class running_server {
public:
    using server_type = trama::message_server<Codec, State, Selector>;
    using client = typename server_type::client;

    explicit running_server(std::size_t limit = Codec::max_payload)
        : server("127.0.0.1", 0, limit), port(server.local_endpoint().port()) {}
    running_server(const running_server&) = delete;
    running_server& operator=(const running_server&) = delete;
    ~running_server() {
        server.stop();
        if (running_.valid()) running_.wait();
    }

    void start() {
        running_ = in_background([this] { return server.run(); });
    }

    /// Waits until run() has returned; throws what it threw.
    void wait() { running_.get(); }

    void end() {
        server.stop();
        wait();
    }

    trama::tcp_stream call() const {
        auto stream = trama::tcp_stream::connect("127.0.0.1", port, 20s);
        stream.set_timeout(20s);
        return stream;
    }

    peer join() const { return peer(call()); }

    server_type server;
    const int port;

private:
    std::future<void> running_;
};

/// Answers each message with itself.
template <typename Running>
void echo(Running& running) {
    running.server.on_message([](auto& from, std::string_view text) { from.send(text); });
}

/// Puts the reason of each leave into `reasons`.
template <typename Running>
void tell_leaves(Running& running, mailbox<std::string>& reasons) {
    running.server.on_leave(
        [&reasons](auto&, std::string_view reason) { reasons.put(std::string(reason)); });
}

/// One message there and back. It is true that the server has then also handled all that anybody
/// had sent before, as it serves all who are ready before it waits again.
inline bool is_served(peer& client, const std::string& text = "are you there?") {
    client.send_frame(text);
    return client.recv_frame() == text;
}

/// All frames up to the end of the stream.
inline std::vector<std::string> recv_all_frames(peer& client) {
    std::vector<std::string> all;
    while (auto frame = client.recv_frame()) all.push_back(std::move(*frame));
    return all;
}

/// The bytes of these frames, one behind the other.
inline std::string frames(const std::vector<std::string>& payloads) {
    std::string bytes;
    for (const std::string& each : payloads) trama::six_digit_colon::encode(each, bytes);
    return bytes;
}

}  // namespace test

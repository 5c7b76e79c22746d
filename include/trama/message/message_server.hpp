// trama/message/message_server.hpp -- many clients, one thread: whole messages in, whole messages
// out.
//
//     trama::message_server<trama::six_digit_colon> chat{"0.0.0.0", 5000};
//     chat.on_message([&](auto& from, std::string_view text) {
//         for (auto& client : chat.clients()) if (&client != &from) client.send(text);
//     });
//     chat.run();                                       // until stop(), SIGINT or SIGTERM
//
// Nothing in here waits for one client. What a client is slow to take waits in its outbox; who is
// silent for too long, breaks the format, or lets its outbox overflow, is dropped, and nobody else
// notices. One round of the loop: see who is ready, receive from them, then send all that was
// written meanwhile, then bury who has left.
#pragma once

#include <trama/message/message_room.hpp>
#include <trama/ready/stop_signal.hpp>

namespace trama {

/// Serves clients that speak `Codec`. `State`: what you want to know of each client, its member
/// `state`. Neither copied nor moved; used by one thread, except stop().
template <typename Codec, typename State = no_state, typename Selector = poll_selector>
class message_server : trama_detail::message_room<Codec, State, Selector> {
    using room = trama_detail::message_room<Codec, State, Selector>;

public:
    using client = message_client<Codec, State>;

    /// Listens as tcp_listener::listen does. `limit`: the longest payload, in bytes. From here on
    /// SIGINT and SIGTERM end run(), unless another stop_signal of the program has them.
    message_server(const std::string& host, int port, std::size_t limit = Codec::max_payload)
        : room(limit), listener_(tcp_listener::listen(host, port, 4096)) {
        if (!stop_signal::signals_are_caught()) stop_.catch_signals();
        ready_.add(stop_.fd(), interest::read);
        open_door();
    }

    /// Where it listens.
    endpoint local_endpoint() const { return listener_.local_endpoint(); }

    /// Drops who sends no byte for that long from now on; `no_timeout` is the default. Who is not
    /// listened to, because it takes nothing, counts as silent.
    void idle_timeout(duration time) { clients_.set_idle_timeout(time); }

    /// Drops who takes longer than that over a message, from its first byte on, or from now on.
    void message_timeout(duration time) { clients_.set_message_timeout(time); }

    /// Bytes that may wait for one client (1 MiB). Above, it is not listened to until it has taken
    /// some; at twice that much it is dropped.
    void high_water_mark(std::size_t bytes) { clients_.set_high_water(bytes); }

    /// So many clients at once; the others wait until one has left.
    void max_clients(std::size_t count) noexcept { max_clients_ = count; }

    // What to call, from within run(), when ...
    /// ... somebody has come: `void(client&)`.
    template <typename Function>
    void on_join(Function function) {
        on_join_.hold(std::move(function));
    }

    /// ... somebody has sent a message, lent for the call: `void(client&, std::string_view)`.
    template <typename Function>
    void on_message(Function function) {
        on_message_.hold(std::move(function));
    }

    /// ... somebody is about to be dropped for being silent, or by dismiss_after: `void(client&)`.
    /// What it is sent now is still delivered.
    template <typename Function>
    void on_idle(Function function) {
        on_idle_.hold(std::move(function));
    }

    /// ... somebody has left, and why: `void(client&, std::string_view)`.
    template <typename Function>
    void on_leave(Function function) {
        on_leave_.hold(std::move(function));
    }

    /// ... run() is about to end, before the clients leave: `void()`. What you send now is still
    /// delivered.
    template <typename Function>
    void on_stop(Function function) {
        on_stop_.hold(std::move(function));
    }

    /// ... somebody could not be taken in, and why: `void(const endpoint&, std::string_view)`. Out
    /// of descriptors or memory, nobody knows who it is, and it waits until it can be.
    template <typename Function>
    void on_refused(Function function) {
        on_refused_.hold(std::move(function));
    }

    /// All who are here, for a range-for.
    client_range<client> clients() const noexcept { return client_range<client>(clients_.table); }

    /// Serves until stop(), SIGINT or SIGTERM; then delivers what is owed, for less than a second,
    /// and closes. Throws network_error when listening itself fails, and what your functions throw:
    /// after that the server can only be destroyed.
    void run() {
        if (std::exchange(is_broken_, true))
            throw std::logic_error("message_server: an exception ended run() before");
        while (!is_stopping_) serve_round(no_timeout);
        say_farewell();
        is_broken_ = false;
    }

    /// Ends run(): from any thread, from any signal handler.
    void stop() noexcept { stop_.stop(); }

private:
    using room::clients_, room::count_, room::ready_;
    using room::on_idle_, room::on_join_, room::on_leave_, room::on_message_;
    void serve_round(duration time) {
        if (!clients_.unheard.empty()) time = duration::zero();
        const duration next = clients_.late.left();
        if (next < time) time = next;
        if (time_until_open() < time) time = time_until_open();
        const ready_events& events = ready_.wait(time);
        for (const ready_event event : events) {
            if (event.fd == stop_.fd()) {
                is_stopping_ = clients_.has_moved = true;
            } else {
                event.fd == listener_.fd() ? welcome() : this->serve(event);
            }
        }
        if (!clients_.unheard.empty()) this->hear_the_rest();
        this->settle();
        if (clients_.late.any_passed()) this->drop_late();
        clients_.look_for_spinning(events);
        if (time_until_open() == duration::zero()) open_door();
    }

    void welcome() {
        // Not all of them: who is here already must not wait for a crowd at the door.
        for (int round = 0; round < 64; ++round) {
            if (count_ >= max_clients_) return close_door(duration::zero());
            tcp_stream stream;
            const io_result result = listener_.try_accept(stream);
            if (result.status == io_status::would_block) return;
            clients_.has_moved = true;
            if (result.status == io_status::failed) return cannot_accept(result.error.value());
            admit(std::move(stream));
        }
    }

    void admit(tcp_stream stream) {
        try {
            ready_.add(stream.fd(), interest::read);
            stream.set_no_delay(true);  // an outbox is sent in one piece, and should leave at once
        } catch (const network_error& error) {
            ready_.remove(stream.fd());
            return on_refused_(stream.remote_endpoint(), error.what());
        }
        this->take_in(std::move(stream));
    }

    // Out of descriptors or memory. The connection stays at the door, which would be ready again at
    // once; so it is not watched until somebody has left, or some time has passed.
    void cannot_accept(int error) {
        if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM)
            trama_detail::throw_system_error(error, "accept on", local_endpoint());
        const char* step = trama_detail::next_step(error);
        on_refused_({}, trama_detail::text("%s (%s)", std::strerror(error), step).c_str());
        close_door(std::chrono::milliseconds(500));
    }

    void close_door(duration time) {
        ready_.remove(listener_.fd());
        door_opens_ = deadline(time);
        count_at_closing_ = count_;
        is_door_open_ = false;
    }

    duration time_until_open() const noexcept {
        if (is_door_open_ || is_stopping_ || count_ >= max_clients_) return no_timeout;
        return count_ < count_at_closing_ ? duration::zero() : door_opens_.left();
    }

    void open_door() {
        ready_.add(listener_.fd(), interest::read);
        is_door_open_ = true;
    }

    void say_farewell() {
        ready_.remove(stop_.fd());
        close_door(no_timeout);
        listener_.close();
        on_stop_();
        this->dismiss("the server stops");
        const deadline end(std::chrono::milliseconds(800));
        while (count_ > 0 && !end.passed()) serve_round(end.left());
        this->drop_all();
    }

    tcp_listener listener_;
    stop_signal stop_;
    std::size_t max_clients_ = static_cast<std::size_t>(-1);
    bool is_stopping_ = false;
    bool is_broken_ = false;
    bool is_door_open_ = false;
    deadline door_opens_;
    std::size_t count_at_closing_ = 0;
    trama_detail::callback<> on_stop_;
    trama_detail::callback<const endpoint&, std::string_view> on_refused_;
};

}  // namespace trama

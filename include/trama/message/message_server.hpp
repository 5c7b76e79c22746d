// trama/message/message_server.hpp -- many clients, one thread, whole messages.
//
//     trama::message_server<trama::six_digit_colon> chat{"0.0.0.0", 5000};
//     chat.on_message([&](auto& from, std::string_view text) {
//         for (auto& client : chat.clients()) if (&client != &from) client.send(text);
//     });
//     chat.run();                                       // until stop(), SIGINT or SIGTERM
//
// Nothing in here waits for one client. run() repeats this round:
//
//     wait -> each event: accept, or receive and deliver the messages that have come whole
//          -> deliver the messages that are left from the last round
//          -> check the deadlines that have passed
//          -> settle the clients that changed, until no more change:
//               send to each of them; call on_leave for those that leave;
//               then for each: gone? erase; leaving and all sent? shut down; else watch it
//
// Four lists: the clients by descriptor, those with messages left, those that changed, and those
// that leave, with the reason.
#ifndef TRAMA_MESSAGE_MESSAGE_SERVER_HPP
#define TRAMA_MESSAGE_MESSAGE_SERVER_HPP

#include <trama/message/callback.hpp>
#include <trama/message/message_client.hpp>
#include <trama/ready/poll_selector.hpp>
#include <trama/ready/stop_signal.hpp>

namespace trama {

/// The default for `State`: nothing.
struct no_state {};

/// Serves clients that speak `Codec`. `State`: the type of each client's member `state`. Neither
/// copied nor moved; used by one thread, except stop().
template <typename Codec, typename State = no_state, typename Selector = poll_selector>
class message_server {
public:
    using client = message_client<Codec, State>;

    /// The parameter of on_join and the others: a lambda or a function that takes `Arguments`.
    template <typename... Arguments>
    using handler = trama_detail::callback<Arguments...>;

    /// Listens as tcp_listener::listen does. `limit`: the longest payload that is accepted, in
    /// bytes. Throws network_error. From here on SIGINT and SIGTERM end run(), unless they have a
    /// handler already.
    message_server(const std::string& host, const port_number& port,
                   std::size_t limit = Codec::max_payload)
        : listener_(tcp_listener::listen(host, port, 4096)), group_(limit) {
        if (!stop_signal::signals_are_caught()) stop_.catch_signals();
        ready_.add(stop_.fd(), interest::read);
        ready_.add(listener_.fd(), interest::read);
    }
    message_server(const message_server&) = delete;
    message_server& operator=(const message_server&) = delete;
    ~message_server() {
        for (client*& each : clients_) delete std::exchange(each, nullptr);
    }

    /// Where it listens.
    endpoint local_endpoint() const { return listener_.local_endpoint(); }

    /// Drops a client that sends nothing for `time`, from now on; no_timeout is the default. The
    /// server reads nothing from a client above the high-water mark, so that counts as silence too.
    void idle_timeout(duration time) {
        group_.idle_timeout = time;
        for (client& each : clients()) each.restart_idle_time();
    }

    /// Drops a client that needs longer than `time` for one message, from its first byte, or from
    /// now on; no_timeout is the default.
    void message_timeout(duration time) {
        group_.message_timeout = time;
        for (client& each : clients()) {
            each.message_end_ = deadline();
            each.mark_changed();
        }
    }

    /// Bytes that may wait for one client; 1 MiB is the default. Above it the server reads
    /// nothing from the client until it has taken some; at twice that much it is dropped.
    void high_water_mark(std::size_t bytes) {
        group_.high_water = bytes;
        for (client& each : clients()) each.mark_changed();
    }

    /// Accepts at most `count` clients at once; further ones wait in the listener's queue.
    void max_clients(std::size_t count) {
        max_clients_ = count;
        resume_accepting();
    }

    // For all handlers: one that throws a std::exception costs the client that it serves, which
    // leaves with the text as reason. Out of on_leave, on_refused and on_stop, and for
    // std::bad_alloc, the exception ends run().

    /// Calls `function(client&)` when a client has come.
    void on_join(handler<client&> function) { on_join_.replace(function); }

    /// Calls `function(client&, std::string_view)` for each message, which is lent for the call.
    void on_message(handler<client&, std::string_view> function) { on_message_.replace(function); }

    /// Calls `function(client&)` before a client is dropped for its silence, or by dismiss_after. A
    /// message sent to it now is still delivered.
    void on_idle(handler<client&> function) { on_idle_.replace(function); }

    /// Calls `function(client&, std::string_view)` when a client has left, with the reason.
    void on_leave(handler<client&, std::string_view> function) { on_leave_.replace(function); }

    /// Calls `function(const endpoint&, std::string_view)` when a client could not be accepted,
    /// with the reason. Without free descriptors or memory the endpoint is not known ("nowhere"),
    /// and the client waits in the listener's queue.
    void on_refused(handler<const endpoint&, std::string_view> function) {
        on_refused_.replace(function);
    }

    /// Calls `function()` when the server stops, and every client is still here. A message sent now
    /// is still delivered.
    void on_stop(handler<> function) { on_stop_.replace(function); }

    /// The clients that are here, for a range-for.
    client_range<client> clients() const noexcept { return client_range<client>(clients_); }

    /// Serves until stop(), SIGINT or SIGTERM; then sends what waits in the outboxes, for less than
    /// a second, and closes. Throws network_error when listening itself fails, and the exceptions
    /// named above: after that the server can only be destroyed.
    void run() {
        if (is_broken_) throw std::logic_error("message_server: an exception ended run() before");
        is_broken_ = true;
        while (!is_stopping_) serve_round(no_timeout);
        finish();
        is_broken_ = false;
    }

    /// Ends run(): from any thread, from any signal handler.
    void stop() noexcept { stop_.stop(); }

private:
    /// One round, as the picture above shows it. `time`: how long the wait may last.
    void serve_round(duration time) {
        const ready_events& events = ready_.wait(wait_time(time));
        for (const ready_event event : events) handle(event);
        deliver_messages_left();
        if (group_.late.any()) check_deadlines();
        settle_changed();
        check_progress(events);
    }

    duration wait_time(duration time) const noexcept {
        if (!with_messages_left_.empty()) return duration::zero();
        const duration until_late = group_.late.left();
        return until_late < time ? until_late : time;
    }

    void handle(const ready_event& event) {
        if (event.fd == stop_.fd()) {
            is_stopping_ = true;
            group_.has_progress = true;
        } else if (event.fd == listener_.fd()) {
            accept_clients();
        } else {
            client& peer = *clients_[index(event.fd)];
            // Messages that are left come first: nothing new is received before.
            if (event.readable && !peer.has_messages_) receive(peer);
            if (event.writable) peer.mark_changed();
        }
    }

    // ---- accepting ----

    void accept_clients() {
        // Not all of them: those who are here must not wait for a crowd.
        for (int i = 0; i < 64; ++i) {
            if (count_ >= max_clients_) return pause_accepting(no_timeout);
            tcp_stream stream;
            const io_result result = listener_.try_accept(stream);
            if (result.status == io_status::would_block) return;
            group_.has_progress = true;
            if (result.status == io_status::failed) return refuse(result.error.value());
            add_client(std::move(stream));
        }
    }

    void add_client(tcp_stream stream) {
        const int fd = stream.fd();
        try {
            ready_.add(fd, interest::read);
            stream.set_no_delay(true);  // an outbox is sent in one piece, and should leave at once
        } catch (const network_error& error) {
            ready_.remove(fd);
            return on_refused_(stream.remote_endpoint(), error.what());
        }
        if (clients_.size() <= index(fd)) clients_.resize(index(fd) + 1, nullptr);
        client& added = *new client(std::move(stream), group_);
        clients_[index(fd)] = &added;
        ++count_;
        protect(added, [&] { on_join_(added); });
    }

    /// No descriptors or memory. The connection stays in the queue and would make the listener
    /// ready at once, again and again; so it is not watched until a client has left, or for a time.
    void refuse(int error) {
        if (error != EMFILE && error != ENFILE && error != ENOBUFS && error != ENOMEM)
            trama_detail::throw_system_error(error, "accept on", local_endpoint());
        const char* step = trama_detail::next_step(error);
        pause_accepting(std::chrono::milliseconds(500));
        on_refused_({}, trama_detail::text("%s (%s)", std::strerror(error), step).c_str());
    }

    void pause_accepting(duration time) {
        if (is_accepting_) ready_.remove(listener_.fd());
        is_accepting_ = false;
        group_.late.set(listener_.fd(), time);
    }

    void resume_accepting() {
        if (is_accepting_ || is_stopping_ || count_ >= max_clients_) return;
        ready_.add(listener_.fd(), interest::read);
        is_accepting_ = true;
    }

    // ---- receiving ----

    void receive(client& peer) {
        const io_status status = peer.receive();
        if (status == io_status::done && peer.is_open()) deliver(peer);
        if (status == io_status::end_of_stream) receive_end(peer);
    }

    /// Delivers at most 64 messages, and none while too much waits in the outbox: the rest waits
    /// until every other client had its share.
    void deliver(client& peer) {
        for (int i = 0; i < 64 && peer.may_have_message() && !peer.is_full(); ++i) {
            const auto message = peer.next_message();
            if (!message) break;
            if (tracing()) trama_detail::trace_frame(peer.fd(), "in", *message);
            protect(peer, [&] { on_message_(peer, *message); });
        }
        peer.keep_rest();
    }

    void deliver_messages_left() {
        for (const int fd : with_messages_left_) {
            client* const peer = clients_[index(fd)];
            if (peer == nullptr) continue;  // it has left
            peer->is_queued_ = false;
            group_.has_progress = true;
            if (peer->is_open()) deliver(*peer);
        }
        with_messages_left_.clear();
    }

    void receive_end(client& peer) {
        peer.has_ended_ = true;
        if (peer.phase_ == client::phase::lingering) return peer.drop("");
        peer.mark_changed();
        try {
            peer.decoder_.receive_eof();
            peer.leave("closed by the peer");
        } catch (const frame_error& error) {
            peer.leave(error.what());
        }
    }

    /// Calls a function of the program for `peer`, which leaves if the function throws.
    template <typename Call>
    void protect(client& peer, Call call) {
        try {
            call();
        } catch (const std::bad_alloc&) {
            throw;
        } catch (const std::exception& error) {
            peer.leave(error.what());
        }
    }

    // ---- deadlines ----

    void check_deadlines() {
        while (true) {
            const int fd = group_.late.next_passed();
            if (fd == -1) return;
            if (fd == listener_.fd()) {
                resume_accepting();
            } else {
                check_deadline(*clients_[index(fd)]);
            }
        }
    }

    void check_deadline(client& peer) {
        if (!peer.is_open()) return peer.drop("");
        peer.mark_changed();
        // Bytes that came during a slow round are in time.
        if (!peer.has_messages_ && !peer.is_full()) receive(peer);
        if (!peer.is_open()) return;
        if (peer.message_end_.passed()) return peer.leave("took too long over one message");
        const bool is_dismissed = peer.dismissal_.passed();
        const bool is_silent = peer.idle_end_.passed();
        if (!is_dismissed && !is_silent) return;
        protect(peer, [&] { on_idle_(peer); });
        peer.leave(is_dismissed ? "its time was up" : "silent for too long");
    }

    // ---- settling ----

    /// Sends to all of them before it looks at one: so peers that have gone together are found
    /// together, and on_leave of the first writes nothing for the others.
    void settle_changed() {
        std::vector<client*>& changed = group_.changed;
        std::size_t begin = 0;
        while (begin < changed.size()) {
            const std::size_t end = changed.size();  // behind it stand those that change meanwhile
            for (std::size_t i = begin; i < end; ++i) {
                changed[i]->is_changed_ = false;
                changed[i]->send_pending();
            }
            if (!group_.leaving.empty()) call_on_leave();
            for (std::size_t i = begin; i < end; ++i) {
                if (!changed[i]->is_changed_) settle(*changed[i]);  // else it stands behind `end`
            }
            begin = end;
        }
        changed.clear();
    }

    /// By index: on_leave may make others leave.
    void call_on_leave() {
        for (std::size_t i = 0; i < group_.leaving.size(); ++i) {
            const auto each = std::move(group_.leaving[i]);
            on_leave_(*each.client, each.reason);
        }
        group_.leaving.clear();
    }

    void settle(client& peer) {
        if (!peer.is_open()) return settle_leaving(peer);
        watch(peer);
        if (peer.has_messages_ && !peer.is_full()) queue(peer);
        if (group_.has_deadlines()) peer.update_deadline();
    }

    void settle_leaving(client& peer) {
        if (peer.phase_ == client::phase::gone) return erase(peer);
        if (peer.phase_ == client::phase::finishing && peer.pending() == 0) peer.finish_sending();
        watch(peer);
    }

    void queue(client& peer) {
        if (!peer.is_queued_) with_messages_left_.push_back(peer.fd());
        peer.is_queued_ = true;
    }

    void watch(client& peer) {
        const interest wanted = peer.wanted();
        if (wanted == peer.watched_) return;
        ready_.modify(peer.fd(), wanted);
        peer.watched_ = wanted;
    }

    void erase(client& peer) {
        ready_.remove(peer.fd());
        group_.late.clear(peer.fd());
        clients_[index(peer.fd())] = nullptr;
        --count_;
        group_.has_progress = true;
        delete &peer;
        resume_accepting();
    }

    // ---- the end ----

    void finish() {
        ready_.remove(stop_.fd());
        pause_accepting(no_timeout);
        listener_.close();
        on_stop_();
        for (client& each : clients()) each.leave("the server stops");
        settle_changed();
        const deadline end(std::chrono::milliseconds(800));
        while (count_ > 0 && !end.passed()) serve_round(end.left());
        for (client* each : clients_) {
            if (each != nullptr) each->drop("");
        }
        settle_changed();
    }

    /// Throws if a descriptor stays ready for a second although every round does nothing: a fault
    /// in here, or in a selector of yours, that would cost all of a processor.
    void check_progress([[maybe_unused]] const ready_events& events) {
#ifndef NDEBUG
        idle_rounds_ = group_.has_progress || events.empty() ? 0 : idle_rounds_ + 1;
        group_.has_progress = false;
        if (idle_rounds_ == 1) idle_rounds_end_ = deadline(std::chrono::seconds(1));
        if (idle_rounds_ < 1000 || !idle_rounds_end_.passed()) return;
        throw std::logic_error(
            trama_detail::text("message_server: descriptor %d is always ready, without effect",
                               (*events.begin()).fd)
                .c_str());
#endif
    }

    static std::size_t index(int fd) noexcept {
        return static_cast<std::size_t>(fd);
    }

    Selector ready_;
    tcp_listener listener_;
    stop_signal stop_;
    trama_detail::client_group<client> group_;
    std::vector<client*> clients_;         // by descriptor; owns them
    std::vector<int> with_messages_left_;  // descriptors
    std::size_t count_ = 0;
    std::size_t max_clients_ = static_cast<std::size_t>(-1);
    bool is_accepting_ = true;
    bool is_stopping_ = false;
    bool is_broken_ = false;
    int idle_rounds_ = 0;
    deadline idle_rounds_end_;
    handler<client&> on_join_;
    handler<client&, std::string_view> on_message_;
    handler<client&> on_idle_;
    handler<client&, std::string_view> on_leave_;
    handler<const endpoint&, std::string_view> on_refused_;
    handler<> on_stop_;
};

}  // namespace trama

#endif  // TRAMA_MESSAGE_MESSAGE_SERVER_HPP

// trama/message_room.hpp -- the clients of a message_server: what comes from them, what goes to
// them, who is late, who leaves. The door, where they come in, is in message_server.hpp.
#pragma once

#include <trama/callback.hpp>
#include <trama/message_client.hpp>
#include <trama/ready/deadlines.hpp>
#include <trama/ready/poll_selector.hpp>

namespace trama {

namespace detail {

/// The base of message_server.
template <typename Codec, typename Selector, typename State>
class message_room {
protected:
    using client = message_client<Codec, State>;

    explicit message_room(std::size_t limit) : clients_(limit) {}
    message_room(const message_room&) = delete;
    message_room& operator=(const message_room&) = delete;
    ~message_room() {
        for (client* each : clients_.table) delete each;
    }

    /// Somebody new, whose descriptor is watched already.
    void take_in(tcp_stream stream) {
        const auto place = static_cast<std::size_t>(stream.fd());
        clients_.table.reach(place, nullptr);
        clients_.table[place] = new client(std::move(stream), clients_);
        ++count_;
        clients_.table[place]->set_deadline();
        on_join_(*clients_.table[place]);
    }

    /// A descriptor of a client is ready.
    void serve(const ready_event& event) {
        client& who = *clients_.table[static_cast<std::size_t>(event.fd)];
        if (event.readable && who.phase_ != client_phase::gone) receive(who);
        if (event.writable) who.note_written();
    }

    // ---- what comes ----

    void receive(client& who) {
        const io_status status = who.receive();
        if (status == io_status::done) take_messages(who);
        if (status == io_status::end_of_stream) take_end(who);
    }

    void take_messages(client& who) {
        if (!who.is_open()) return;  // it may go on talking, but nobody listens
        // Above the mark the rest waits, too, until some of the answers have been taken.
        while (who.decoder_.missing() == 0 && !who.is_full()) {
            const auto message = who.next_message();
            if (!message) break;
            who.message_end_ = deadline();
            if (tracing()) tell_frame(who.fd(), "in", *message);
            on_message_(who, *message);
        }
        who.give_memory_back();
        who.has_more_ = who.is_full();
        if (clients_.has_deadlines()) who.set_deadline();
    }

    [[gnu::noinline]] void take_end(client& who) {
        who.has_ended_ = true;
        if (who.phase_ == client_phase::lingering) return who.drop("");
        who.note_written();
        if (!who.is_open()) return;
        try {
            who.decoder_.receive_eof();
            who.leave("closed by the peer");
        } catch (const frame_error& error) {
            who.leave(error.what());
        }
    }

    // ---- who is late ----

    bool drop_late() {
        bool any = false;
        for (int fd = clients_.late.next_passed(); fd != -1; fd = clients_.late.next_passed()) {
            client& who = *clients_.table[static_cast<std::size_t>(fd)];
            if (!who.is_open()) {
                who.drop("");
            } else if (who.message_end_.passed()) {
                who.leave("took too long over one message");
            } else {
                on_idle_(who);
                who.leave(who.dismissal_.passed() ? "its time was up" : "silent for too long");
            }
            any = true;
        }
        return any;
    }

    // ---- what goes, and who goes ----

    /// Until nobody has anything new to be told or sent; then those who have gone are closed.
    void settle() {
        while (!clients_.written.empty() || !clients_.leaving.empty()) {
            if (!clients_.leaving.empty()) tell_who_left();
            send_written();
        }
        if (!clients_.gone.empty()) bury();
    }

    // What is called may write to others, or make them leave: then the lists grow meanwhile.
    [[gnu::noinline]] void tell_who_left() {
        for (std::size_t i = 0; i < clients_.leaving.size(); ++i) {
            const auto each = std::move(clients_.leaving[i]);
            clients_.late.set(each.client->fd(), farewell);
            on_leave_(*each.client, each.reason);
        }
        clients_.leaving.clear();
    }

    void send_written() {
        for (std::size_t i = 0; i < clients_.written.size(); ++i) {
            client& who = *clients_.written[i];
            who.is_written_ = false;
            who.flush();
            if (who.has_more_ && !who.is_full()) take_messages(who);
            if (who.phase_ == client_phase::finishing && who.owed() == 0) bow_out(who);
            if (who.phase_ != client_phase::gone) watch(who);
        }
        clients_.written.clear();
    }

    void bow_out(client& who) {
        if (who.has_ended_ || shut_down_sending(who.fd()).failed()) return who.drop("");
        who.phase_ = client_phase::lingering;
        clients_.late.set(who.fd(), lingering);
    }

    void watch(client& who) {
        const interest wanted = who.wanted();
        if (wanted == who.watched_) return;
        ready_.modify(who.fd(), wanted);
        who.watched_ = wanted;
    }

    void dismiss(const char* reason) {
        for (client& each : client_range<client>(clients_.table)) each.leave(reason);
        settle();
    }

    void drop_all() {
        for (client* each : clients_.table)
            if (each != nullptr) each->drop("");
        settle();
    }

    [[gnu::noinline]] void bury() {
        for (client* each : clients_.gone) {
            ready_.remove(each->fd());
            clients_.late.clear(each->fd());
            clients_.table[static_cast<std::size_t>(each->fd())] = nullptr;
            delete each;
            --count_;
        }
        clients_.gone.clear();
    }

    static constexpr duration farewell = std::chrono::seconds(10);  // to take what it is owed
    static constexpr duration lingering = std::chrono::seconds(2);  // and then to close as well

    Selector ready_;
    client_list<client> clients_;
    std::size_t count_ = 0;
    callback<client&> on_join_;
    callback<client&, std::string_view> on_message_;
    callback<client&> on_idle_;
    callback<client&, std::string_view> on_leave_;
};

}  // namespace detail

}  // namespace trama

// trama/message/message_room.hpp -- the clients of a message_server: what comes from them, what
// goes to them, who is late, who leaves. The door, where they come in, is in message_server.hpp.
#pragma once

#include <trama/message/callback.hpp>
#include <trama/message/message_client.hpp>
#include <trama/ready/poll_selector.hpp>

namespace trama {

namespace trama_detail {

/// The base of message_server.
template <typename Codec, typename State, typename Selector>
class message_room {
protected:
    using client = message_client<Codec, State>;

    explicit message_room(std::size_t limit) : clients_(limit) {}
    message_room(const message_room&) = delete;
    message_room& operator=(const message_room&) = delete;
    ~message_room() {
        for (client*& each : clients_.table) delete std::exchange(each, nullptr);
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
        if (event.readable && !who.is_waiting_to_be_heard()) receive(who);
        if (event.writable) who.note_written();
    }

    /// Those who had more to say than one round has room for.
    void hear_the_rest() {
        clients_.has_moved = true;
        clients_.hearing.swap(clients_.unheard);
        for (int fd : clients_.hearing) {
            client* who = clients_.table[static_cast<std::size_t>(fd)];
            if (who == nullptr) continue;  // it has left
            who->is_unheard_ = false;
            if (who->is_waiting_to_be_heard()) take_messages(*who);
        }
        clients_.hearing.clear();
    }

    void receive(client& who) {
        const io_status status = who.receive();
        if (status == io_status::done) take_messages(who);
        if (status == io_status::end_of_stream) take_end(who);
    }

    void take_messages(client& who) {
        if (!who.is_open()) return;  // it may go on talking, but nobody listens
        // The rest waits until answers have been taken, or everybody had a turn.
        for (int turns = 64; who.has_whole_message(); --turns) {
            if (turns == 0 || who.is_full()) break;
            const auto message = who.next_message();
            if (!message) {
                who.has_more_ = false;  // the start of one, whose time is running
                break;
            }
            who.times_.message_end = deadline();
            if (tracing()) tell_frame(who.fd(), "in", *message);
            on_message_(who, *message);
        }
        who.give_memory_back();
        if (who.has_more_) who.note_written();
        if (clients_.has_deadlines()) who.restart_idle_time();
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

    void drop_late() {
        for (int fd = clients_.late.next_passed(); fd != -1; fd = clients_.late.next_passed()) {
            client& who = *clients_.table[static_cast<std::size_t>(fd)];
            who.is_open() ? judge(who) : who.drop("");
            settle();  // who has left just now gets time to take what it is owed
        }
    }

    void judge(client& who) {
        if (!who.has_more_ && !who.is_full()) receive(who);  // what came meanwhile is in time
        if (!who.is_open()) return;
        if (who.times_.message_end.passed()) return who.leave("took too long over one message");
        const bool is_up = who.times_.dismissal.passed();
        if (!is_up && !who.times_.idle_end.passed()) return who.set_deadline();
        if (!is_up && who.is_unheard_) return;  // it is not silent: hear_the_rest() sets it anew
        on_idle_(who);
        who.leave(is_up ? "its time was up" : "silent for too long");
    }

    /// Until nobody has anything new to be told or sent; then those who have gone are closed.
    void settle() {
        do {
            while (!clients_.written.empty() || !clients_.leaving.empty()) {
                if (!clients_.leaving.empty()) tell_who_left();
                send_written();
            }
        } while (!clients_.gone.empty() && bury());
    }

    // What is called may write to others, or make them leave: then the lists grow meanwhile.
    [[gnu::noinline]] void tell_who_left() {
        for (std::size_t i = 0; i < clients_.leaving.size(); ++i) {
            const auto each = std::move(clients_.leaving[i]);
            if (each.client->phase_ == client_phase::finishing)
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
            if (who.is_waiting_to_be_heard() && !who.is_full()) who.hear_later();
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

    // One at a time: the destructor of its state may write to others, or make them leave.
    [[gnu::noinline]] bool bury() {
        client* const last = clients_.gone.back();
        clients_.gone.pop_back();
        ready_.remove(last->fd());
        clients_.late.clear(last->fd());
        clients_.table[static_cast<std::size_t>(last->fd())] = nullptr;
        --count_;
        delete last;
        return true;
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

}  // namespace trama_detail

}  // namespace trama

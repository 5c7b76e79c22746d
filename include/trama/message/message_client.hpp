// trama/message/message_client.hpp -- one client of a message_server: its connection, what came of
// its next message, and its outbox, where messages wait until the kernel takes them.
//
//     open  ---- close(), end of stream, broken frame, idle ---->  finishing: what it is owed
//      |                                                           is still sent
//      |  reset, or its outbox overflowed                              |  all of it was taken
//      v                                                               v
//     gone  <---------- the peer closed, or the time is up ---------  lingering
#pragma once

#include <trama/message/client_list.hpp>
#include <trama/message/framed_stream.hpp>

namespace trama {

/// Lives from on_join until on_leave has returned. Neither copied nor moved.
template <typename Codec, typename State>
class message_client {
public:
    /// Yours: a name, a score, whatever you want to know of this client.
    State state{};

    message_client(const message_client&) = delete;
    message_client& operator=(const message_client&) = delete;

    /// Puts a message into the outbox, never waits; in vain for who is leaving. Throws frame_error.
    void send(std::string_view payload) {
        if (!is_open() || (owed() / 2 > list_->high_water && has_overflowed())) return;
        const frame_edge header = Codec::header(payload, list_->limit);
        const frame_edge trailer = Codec::trailer();
        if (outbox_.capacity() == 0) list_->lend_memory(outbox_);
        char* at = outbox_.prepare(header.size() + payload.size() + trailer.size());
        at += header.view().copy(at, header.size());
        at += payload.copy(at, payload.size());
        trailer.view().copy(at, trailer.size());
        outbox_.commit(header.size() + payload.size() + trailer.size());
        if (tracing()) trama_detail::tell_frame(fd(), "out", payload);
        note_written();
    }

    /// Closes when all that was sent before has been delivered.
    void close() { leave("closed by this server"); }

    /// Drops it after `time`, whatever it says until then; on_idle is called before. `no_timeout`,
    /// the default, takes that back.
    void dismiss_after(duration time) {
        times_.dismissal = deadline(time);
        set_deadline();
    }

    /// False: it is leaving, or has left.
    bool is_open() const noexcept { return phase_ == trama_detail::client_phase::open; }

    /// Bytes in the outbox: sent to it, and not yet taken by the kernel.
    std::size_t owed() const noexcept { return outbox_.size(); }

    const endpoint& remote_endpoint() const noexcept { return stream_.remote_endpoint(); }
    int fd() const noexcept { return stream_.fd(); }

private:
    template <typename, typename, typename>
    friend class trama_detail::message_room;
    friend struct trama_detail::client_list<message_client>;

    message_client(tcp_stream stream, trama_detail::client_list<message_client>& all)
        : stream_(std::move(stream)), decoder_(all.limit), list_(&all) {
        times_.idle_end = deadline(all.idle_timeout);
    }

    /// Receives what is there, into memory that all clients share. Bytes of a message that is under
    /// way already lie in memory of its own, and the new ones join them there.
    io_status receive() {
        constexpr std::size_t most = 65536;
        char* bytes = list_->memory.prepare(most);
        const io_result result = stream_.try_recv_some(bytes, most);
        if (result.status != io_status::would_block) list_->has_moved = true;
        if (result.status == io_status::failed) drop(result.error.message());
        if (result.status != io_status::done || !is_open()) return result.status;
        uses_shared_memory_ = decoder_.buffered() == 0;
        if (uses_shared_memory_) {
            list_->memory.commit(result.bytes);
            decoder_.swap_buffer(list_->memory);
        } else {
            decoder_.receive_data({bytes, result.bytes});
        }
        return io_status::done;
    }

    bool has_whole_message() noexcept { return has_more_ = decoder_.missing() == 0; }
    bool is_waiting_to_be_heard() const noexcept { return has_more_ && is_open(); }

    std::optional<std::string_view> next_message() {
        if (!is_open()) return std::nullopt;
        try {
            return decoder_.next_view();
        } catch (const frame_error& error) {
            leave(error.what());
            return std::nullopt;
        }
    }

    bool is_full() const noexcept { return owed() > list_->high_water; }

    /// After all whole messages were taken: the start of the next one moves to memory of its own.
    void give_memory_back() {
        if (std::exchange(uses_shared_memory_, false)) {
            decoder_.swap_buffer(list_->memory);
            decoder_.receive_data(list_->memory.bytes());
            list_->memory.consume(list_->memory.size());
        } else if (decoder_.buffered() == 0) {
            trama_detail::byte_queue none;
            decoder_.swap_buffer(none);
        }
    }

    /// Drops who is slower than others write. One message of any size fits above the mark.
    [[gnu::noinline]] bool has_overflowed() {
        flush();
        if (owed() / 2 <= list_->high_water) return false;
        drop(trama_detail::text("too slow: %zu bytes wait for it", owed()).c_str());
        return true;
    }

    void note_written() {
        if (!is_written_) list_->written.push_back(this);
        is_written_ = true;
    }

    /// Sends what the kernel takes now; the rest stays.
    void flush() {
        if (owed() == 0) return;
        const io_result result = stream_.try_send_some(outbox_.bytes());
        if (result.status == io_status::failed) return drop(result.error.message());
        if (result.status == io_status::would_block) return;
        list_->has_moved = true;
        outbox_.consume(result.bytes);
        if (owed() == 0) list_->take_memory_back(outbox_);
    }

    /// The messages that have come whole are heard in the next round, after those of others.
    void hear_later() {
        if (!is_unheard_) list_->unheard.push_back(fd());
        is_unheard_ = true;
    }

    void restart_idle_time() {
        times_.idle_end = deadline(list_->idle_timeout);
        set_deadline();
    }

    /// After something came or was set: when it will be late next.
    void set_deadline() {
        if (!is_open()) return;
        // Above the mark it is not listened to: it is heard, and its time set, when it is below.
        if (is_full() && decoder_.buffered() > 0) has_more_ = true;
        const bool is_under_way = decoder_.buffered() > 0 && !has_more_;
        if (!is_under_way || times_.message_end.is_never())
            times_.message_end = deadline(is_under_way ? list_->message_timeout : no_timeout);
        list_->late.set(fd(), times_.first());
    }

    /// No more messages from it and to it; what it is owed is still sent.
    void leave(std::string reason) {
        if (!is_open()) return;
        phase_ = trama_detail::client_phase::finishing;
        list_->leaving.push_back({this, std::move(reason)});
        note_written();
    }

    /// Closes without more ado.
    void drop(std::string reason) {
        leave(std::move(reason));
        if (phase_ == trama_detail::client_phase::gone) return;
        phase_ = trama_detail::client_phase::gone;
        list_->has_moved = true;
        list_->gone.push_back(this);
    }

    interest wanted() const noexcept {
        if (owed() == 0) return interest::read;
        const bool listen = is_open() ? !is_full() : !has_ended_;
        return listen ? interest::read_write : interest::write;
    }

    // The small ones first: behind a small `state` they take no room of their own.
    trama_detail::client_phase phase_ = trama_detail::client_phase::open;
    interest watched_ = interest::read;
    bool is_written_ = false;
    bool uses_shared_memory_ = false;
    bool has_more_ = false;    // messages that have come whole, and wait
    bool is_unheard_ = false;  // in the list of that name
    bool has_ended_ = false;   // the end of its stream was seen
    tcp_stream stream_;
    frame_decoder<Codec> decoder_;
    trama_detail::byte_queue outbox_;
    trama_detail::client_list<message_client>* list_;
    trama_detail::client_times times_;
};

}  // namespace trama

// trama/message/message_client.hpp -- one client of a message_server: its connection, its state,
// and its outbox, where messages wait until the kernel takes them.
//
//     open ---- close(), end of stream, broken frame, late, throw ---->  finishing: the messages
//      |                                                                 in the outbox are sent
//      |  reset, or its outbox is too long                                     |  all are sent
//      v                                                                       v
//     gone  <------- the peer closed, or the time is up -------  lingering: its bytes are thrown
//                                                                away until it closes
#ifndef TRAMA_MESSAGE_MESSAGE_CLIENT_HPP
#define TRAMA_MESSAGE_MESSAGE_CLIENT_HPP

#include <trama/message/framed_stream.hpp>
#include <trama/ready/deadlines.hpp>
#include <trama/ready/interest.hpp>

namespace trama {

template <typename Codec, typename State, typename Selector>
class message_server;

namespace trama_detail {

/// The common part of all clients of one server: settings that they read, the list of those
/// that changed, and the list of those that leave. Memory is passed from client to client, so that
/// a silent one holds none.
template <typename Client>
struct client_group {
    struct leaver {
        Client* client;
        std::string reason;
    };

    explicit client_group(std::size_t longest) noexcept : limit(longest) {}

    duration idle_timeout = no_timeout;
    duration message_timeout = no_timeout;
    std::size_t limit;                   // the longest payload that is accepted, in bytes
    std::size_t high_water = 1U << 20U;  // bytes that may wait in one outbox
    std::vector<Client*> changed;        // to be settled at the end of the round
    std::vector<leaver> leaving;         // those for which on_leave is to be called
    deadlines late;                      // when to look at each client again
    byte_queue received;                 // every client receives into this memory
    spare_memory spare;                  // of outboxes that are empty
    bool has_progress = false;           // something came, went or changed in this round

    /// False: no client can be late.
    bool has_deadlines() const noexcept {
        return idle_timeout != no_timeout || message_timeout != no_timeout || late.any();
    }
};

}  // namespace trama_detail

/// Lives from on_join until on_leave has returned. Neither copied nor moved.
template <typename Codec, typename State>
class message_client {
public:
    /// Yours: a name, a score, anything that the program needs to know of this client.
    State state{};

    message_client(const message_client&) = delete;
    message_client& operator=(const message_client&) = delete;

    /// Puts a message into the outbox and never waits; does nothing if the client is leaving.
    /// Throws frame_error for a payload that the format cannot carry. Drops the client if its
    /// outbox was longer than twice the high-water mark before this message.
    void send(std::string_view payload) {
        if (is_open() && is_too_long()) drop_if_too_slow();
        if (!is_open()) return;
        if (outbox_.capacity() == 0) group_->spare.give_to(outbox_);
        trama_detail::append_frame<Codec>(payload, outbox_);
        if (tracing()) trama_detail::trace_frame(fd(), "out", payload);
        mark_changed();
    }

    /// Closes after everything in the outbox has been sent. No more messages are received.
    void close() { leave("closed by this server"); }

    /// Drops the client after `time`, whether it speaks or not; on_idle is called before.
    /// no_timeout, the default, takes that back.
    void dismiss_after(duration time) {
        if (!is_open()) return;
        dismissal_ = deadline(time);
        update_deadline();
    }

    /// False: it is leaving, or has left.
    bool is_open() const noexcept { return phase_ == phase::open; }

    /// Bytes in the outbox: sent to this client, and not yet taken by the kernel.
    std::size_t pending() const noexcept { return outbox_.size(); }

    const endpoint& remote_endpoint() const noexcept { return stream_.remote_endpoint(); }
    int fd() const noexcept { return stream_.fd(); }

private:
    template <typename, typename, typename>
    friend class message_server;

    using group = trama_detail::client_group<message_client>;
    enum class phase : unsigned char { open, finishing, lingering, gone };

    message_client(tcp_stream stream, group& all)
        : stream_(std::move(stream)), decoder_(all.limit), group_(&all) {
        restart_idle_time();
    }

    // ---- receiving ----

    /// Receives the bytes that are there. Bytes of a message that has begun lie in memory of its
    /// own, and the new ones join them there. Those of a client that is leaving are thrown away.
    io_status receive() {
        constexpr std::size_t most = 65536;
        char* const memory = group_->received.prepare(most);
        const io_result result = stream_.try_recv_some(memory, most);
        if (result.status == io_status::would_block) return result.status;
        group_->has_progress = true;
        if (result.status == io_status::failed) drop(result.error.message());
        if (result.status != io_status::done || !is_open()) return result.status;
        if (decoder_.buffered() == 0) {
            group_->received.commit(result.bytes);
            decoder_.swap_buffer(group_->received);  // lends the memory to the decoder
        } else {
            decoder_.receive_data({memory, result.bytes});
        }
        return result.status;
    }

    /// False: no message can have come whole.
    bool may_have_message() const noexcept { return decoder_.missing() == 0; }

    /// Returns the next message that has come whole. A broken one makes the client leave.
    std::optional<std::string_view> next_message() {
        if (!is_open()) return std::nullopt;
        try {
            const auto message = decoder_.next_view();
            if (message) message_end_ = deadline();
            return message;
        } catch (const frame_error& error) {
            leave(error.what());
            return std::nullopt;
        }
    }

    /// After messages were taken: the bytes that are left move to memory of this client's own, and
    /// the memory that all share goes back.
    void keep_rest() {
        const bool is_lent = group_->received.capacity() == 0;
        if (is_lent) {
            decoder_.swap_buffer(group_->received);
            decoder_.receive_data(group_->received.bytes());
            group_->received.consume(group_->received.size());
        } else if (decoder_.buffered() == 0) {
            trama_detail::byte_queue none;
            decoder_.swap_buffer(none);
        }
        has_messages_ = is_open() && may_have_message();
        restart_idle_time();
    }

    /// Above the high-water mark the server receives nothing from the client.
    bool is_full() const noexcept { return pending() > group_->high_water; }

    // ---- sending ----

    bool is_too_long() const noexcept { return pending() / 2 > group_->high_water; }

    /// A single message of any size fits above the mark; it is the second that is too much.
    void drop_if_too_slow() {
        send_pending();
        if (is_too_long()) drop(trama_detail::text("too slow: %zu bytes wait", pending()).c_str());
    }

    /// Sends the bytes that the kernel takes now; the rest stays.
    void send_pending() {
        if (pending() == 0 || phase_ == phase::gone) return;
        const io_result result = stream_.try_send_some(outbox_.bytes());
        if (result.status == io_status::failed) drop(result.error.message());
        if (result.status != io_status::done) return;
        group_->has_progress = true;
        outbox_.consume(result.bytes);
        if (pending() == 0) group_->spare.take_from(outbox_);
    }

    /// What the descriptor is to be watched for.
    interest wanted() const noexcept {
        if (pending() == 0) return interest::read;
        const bool listens = is_open() ? !is_full() : !has_ended_;
        return listens ? interest::read_write : interest::write;
    }

    // ---- deadlines ----

    void restart_idle_time() {
        idle_end_ = deadline(group_->idle_timeout);
        mark_changed();
    }

    /// The time of a message runs from its first byte until it has come whole. It does not run
    /// for a client above the high-water mark.
    void update_message_time() {
        const bool has_begun = decoder_.buffered() > 0 && !has_messages_ && !is_full();
        if (!has_begun) {
            message_end_ = deadline();
        } else if (message_end_.is_never()) {
            message_end_ = deadline(group_->message_timeout);
        }
    }

    /// Sets when this client is late, if nothing comes until then.
    void update_deadline() {
        update_message_time();
        const deadline& either = idle_end_.is_before(message_end_) ? idle_end_ : message_end_;
        group_->late.set(fd(), dismissal_.is_before(either) ? dismissal_ : either);
    }

    // ---- leaving ----

    /// No more messages from it and to it; those in its outbox are still sent, for at most 10 s.
    void leave(std::string_view reason) {
        if (!is_open()) return;
        group_->leaving.push_back({this, std::string(reason)});
        phase_ = phase::finishing;
        group_->late.set(fd(), std::chrono::seconds(10));
        mark_changed();
    }

    /// Closes at once.
    void drop(std::string_view reason) {
        leave(reason);
        phase_ = phase::gone;
        mark_changed();
    }

    /// Everything was sent: the peer finds the end of the stream, and gets 2 s to close as well. A
    /// close with bytes unread would reset the connection, and the last message would be lost.
    void finish_sending() {
        if (has_ended_ || trama_detail::shut_down(fd(), SHUT_WR).failed()) return drop("");
        phase_ = phase::lingering;
        group_->late.set(fd(), std::chrono::seconds(2));
    }

    void mark_changed() {
        if (!is_changed_) group_->changed.push_back(this);
        is_changed_ = true;
    }

    // The small ones first: behind a small `state` they take no room of their own.
    phase phase_ = phase::open;
    interest watched_ = interest::read;
    bool is_changed_ = false;          // is in the list of the group
    bool has_messages_ = false;        // messages have come whole, and wait
    bool is_queued_ = false;           // is in the server's list of those with messages left
    bool has_ended_ = false;           // the end of its stream was received
    tcp_stream stream_;                // bytes come and go here,
    frame_decoder<Codec> decoder_;     // become messages here,
    trama_detail::byte_queue outbox_;  // and wait here to be sent
    group* group_;
    deadline idle_end_;
    deadline message_end_;  // of the message that has begun
    deadline dismissal_;
};

/// The clients of a server, for a range-for; those that are leaving are left out.
template <typename Client>
class client_range {
public:
    class iterator {
    public:
        iterator(Client* const* at, Client* const* end) noexcept : at_(at), end_(end) {
            skip_absent();
        }
        Client& operator*() const noexcept { return **at_; }
        iterator& operator++() noexcept {
            ++at_;
            skip_absent();
            return *this;
        }
        bool operator!=(const iterator& other) const noexcept { return at_ != other.at_; }

    private:
        void skip_absent() noexcept {
            while (at_ != end_ && (*at_ == nullptr || !(*at_)->is_open())) ++at_;
        }

        Client* const* at_;
        Client* const* end_;
    };

    explicit client_range(const std::vector<Client*>& clients) noexcept
        : first_(clients.data()), end_(clients.data() + clients.size()) {}
    iterator begin() const noexcept { return {first_, end_}; }
    iterator end() const noexcept { return {end_, end_}; }

private:
    Client* const* first_;
    Client* const* end_;
};

}  // namespace trama

#endif  // TRAMA_MESSAGE_MESSAGE_CLIENT_HPP

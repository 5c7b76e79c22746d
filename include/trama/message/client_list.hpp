// trama/message/client_list.hpp -- what the clients of a message_server have in common.
#pragma once

#include <trama/codec/byte_queue.hpp>
#include <trama/ready/deadlines.hpp>
#include <trama/ready/interest.hpp>

#include <string>

namespace trama {

/// What a message_server knows of a client besides its connection, if you do not say otherwise.
struct no_state {};

/// The clients that are here, one after the other; who is leaving is left out.
template <typename Client>
class client_range {
public:
    class iterator {
    public:
        iterator(Client* const* at, Client* const* end) noexcept : at_(at), end_(end) { skip(); }
        Client& operator*() const noexcept { return **at_; }
        iterator& operator++() noexcept {
            ++at_;
            skip();
            return *this;
        }
        bool operator!=(const iterator& other) const noexcept { return at_ != other.at_; }

    private:
        void skip() noexcept {
            while (at_ != end_ && (*at_ == nullptr || !(*at_)->is_open())) ++at_;
        }

        Client* const* at_;
        Client* const* end_;
    };

    explicit client_range(const trama_detail::list<Client*>& table) noexcept
        : first_(table.begin()), end_(table.end()) {}
    iterator begin() const noexcept { return {first_, end_}; }
    iterator end() const noexcept { return {end_, end_}; }

private:
    Client* const* first_;
    Client* const* end_;
};

namespace trama_detail {

template <typename Codec, typename State, typename Selector>
class message_room;

/// When a client is late.
struct client_times {
    deadline idle_end;
    deadline message_end;  // of the message that is under way
    deadline dismissal;

    deadline first() const noexcept {
        const deadline& either = idle_end.is_before(message_end) ? idle_end : message_end;
        return dismissal.is_before(either) ? dismissal : either;
    }
};

enum class client_phase : unsigned char { open, finishing, lingering, gone };

/// What the clients of one server share. Memory for receiving and sending goes from hand to hand,
/// so that a client who is silent holds none.
template <typename Client>
struct client_list {
    struct leaver {
        Client* client = nullptr;
        std::string reason;
    };

    explicit client_list(std::size_t longest) noexcept : limit(longest) {}

    duration idle_timeout = no_timeout;
    duration message_timeout = no_timeout;
    std::size_t limit;                   // the longest payload, in bytes
    std::size_t high_water = 1U << 20U;  // bytes that may wait for one client
    list<Client*> table;                 // by descriptor; owns them
    list<Client*> written;               // have something new in their outboxes
    list<leaver> leaving;                // are no longer open, and nobody was told yet
    list<Client*> gone;                  // are to be closed
    list<int> unheard;                   // descriptors: what they said waits for the next round
    list<int> hearing;                   // the same, in this round
    byte_queue outboxes[64];             // empty ones; the first `spare` of them have memory
    std::size_t spare = 0;
    byte_queue memory;
    deadlines late;          // when to look whether somebody is
    bool has_moved = false;  // something came, went or changed in this round
    int rounds_in_vain = 0;
    deadline vain_end;  // until when that may be chance

    void set_idle_timeout(duration time) {
        idle_timeout = time;
        for (Client& each : client_range<Client>(table)) each.restart_idle_time();
    }

    void set_message_timeout(duration time) {
        message_timeout = time;
        for (Client& each : client_range<Client>(table)) {
            each.times_.message_end = deadline();
            each.set_deadline();
        }
    }

    void set_high_water(std::size_t bytes) {
        high_water = bytes;  // and each is watched for what it is now
        for (Client& each : client_range<Client>(table)) each.note_written();
    }

    /// False: whoever sends nothing may do so for ever.
    bool has_deadlines() const noexcept {
        return idle_timeout != no_timeout || message_timeout != no_timeout || late.any();
    }

    void lend_memory(byte_queue& outbox) noexcept {
        if (spare > 0) outbox.swap(outboxes[--spare]);
    }

    void take_memory_back(byte_queue& outbox) noexcept {
        if (spare < 64 && outbox.capacity() <= 65536) {
            outbox.swap(outboxes[spare++]);
        } else {
            outbox = byte_queue();
        }
    }

    // A descriptor that stays ready whatever is done: a mistake here, or in a selector of yours.
    void look_for_spinning(const ready_events& events) {
#ifndef NDEBUG
        const bool moved = std::exchange(has_moved, false);
        rounds_in_vain = moved || events.empty() ? 0 : rounds_in_vain + 1;
        if (rounds_in_vain == 1) vain_end = deadline(std::chrono::seconds(1));
        if (rounds_in_vain < 1000 || !vain_end.passed()) return;
        const text what(
            "message_server: descriptor %d is ready all the time, but nothing comes of it",
            (*events.begin()).fd);
        throw std::logic_error(what.c_str());
#else
        static_cast<void>(events);
#endif
    }
};

}  // namespace trama_detail

}  // namespace trama

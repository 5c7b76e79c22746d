// trama/client_list.hpp -- what the clients of a message_server have in common.
#pragma once

#include <trama/codec/byte_queue.hpp>

#include <string>
#include <vector>

namespace trama {

namespace detail {

enum class client_phase : unsigned char { open, finishing, lingering, gone };

/// What the clients of one server share. Memory for receiving and sending goes from hand to hand,
/// so that a client who is silent holds none.
template <typename Client>
struct client_list {
    struct leaver {
        Client* client;
        std::string reason;
    };

    explicit client_list(std::size_t longest) noexcept : limit(longest) {}

    std::size_t limit;                   // the longest payload, in bytes
    std::size_t high_water = 1U << 20U;  // bytes that may wait for one client
    std::vector<Client*> table;          // by descriptor; owns them
    std::vector<Client*> written;        // have something new in their outboxes
    std::vector<leaver> leaving;         // are no longer open, and nobody was told yet
    std::vector<Client*> gone;           // are to be closed
    std::vector<byte_queue> outboxes;    // empty ones, with memory
    byte_queue memory;
};

}  // namespace detail

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

    explicit client_range(const std::vector<Client*>& table) noexcept
        : first_(table.data()), end_(first_ + table.size()) {}
    iterator begin() const noexcept { return {first_, end_}; }
    iterator end() const noexcept { return {end_, end_}; }

private:
    Client* const* first_;
    Client* const* end_;
};

}  // namespace trama

// 14_group_chat/chat.hpp -- the protocol of the chat: limits, fixed texts, and the form of notices.
//
// Both ends send text, one frame or one line for each message. A message of the server begins with
// a star, a message of a member with its name in angle brackets: so no member can write in the
// server's name. With lines, notices and messages have the form of the lab's chat.
#pragma once

#include "../support/characters.hpp"

#include <chrono>

namespace chat {

constexpr std::size_t longest_message = 1000;  // bytes of one message of a member
constexpr std::size_t longest_frame = 8000;    // bytes; a longer frame or line ends the connection
constexpr std::size_t longest_name = 20;       // characters
constexpr int messages_in_a_second = 50;       // of one member

constexpr std::string_view password_question = "* password?";
constexpr std::string_view name_question = "* name?";
constexpr std::string_view welcome = "* welcome: /who, /nick NAME and /quit are commands";
constexpr std::string_view list_begins = "* here:";  // and then names
constexpr std::string_view list_goes_on = "* and:";

inline bool starts_with(std::string_view text, std::string_view start) {
    return text.substr(0, start.size()) == start;
}

inline bool ends_with(std::string_view text, std::string_view end) {
    return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

/// True if the server ends the conversation: "* too much at once: goodbye". Its answer to /quit has
/// no colon. A list of members may end like that, too: members choose their names.
inline bool is_dismissal(std::string_view text) {
    const bool is_list = starts_with(text, list_begins) || starts_with(text, list_goes_on);
    return starts_with(text, "* ") && ends_with(text, ": goodbye") && !is_list;
}

/// True for 1 to 20 visible characters. (A letter with an accent may be two: letter and accent.)
inline bool is_name(std::string_view text) {
    std::size_t count = 0;
    while (!text.empty()) {
        const program::character next = program::first_of(text);
        if (next.bytes.empty() || !program::is_visible(next.code)) return false;
        text.remove_prefix(next.bytes.size());
        ++count;
    }
    return count >= 1 && count <= longest_name;
}

/// True if the password is right. The comparison goes through all of `given`, right or wrong: if it
/// stopped at the first difference, its duration would show how much of a guess was right.
inline bool is_same(std::string_view given, std::string_view password) {
    std::size_t difference = given.size() ^ password.size();
    for (std::size_t i = 0; i < given.size(); ++i)
        difference |= static_cast<unsigned char>(given[i] ^ password[i % password.size()]);
    return difference == 0;
}

/// Counts the messages of a member: one member must not fill the outboxes of all others.
class rate_limit {
public:
    /// Counts one message. Returns whether there were too many in this second.
    bool is_exceeded() {
        if (second_.passed()) {
            second_ = trama::deadline(std::chrono::seconds(1));
            messages_ = 0;
        }
        ++messages_;
        return messages_ > messages_in_a_second;
    }

private:
    trama::deadline second_{trama::duration::zero()};
    int messages_ = 0;
};

/// "127.0.0.1, 5000", with the quotation mark `mark` around the address.
inline std::string host_and_port(const trama::endpoint& peer, const char* mark) {
    return mark + peer.address() + mark + ", " + std::to_string(peer.port());
}

/// The texts that the members receive about each other: with frames.
struct framed_wording {
    static std::string first_name(const trama::endpoint&) { return {}; }  // the client chooses it
    static std::string said(const std::string& name, const std::string& text) {
        return '<' + name + "> " + text;
    }
    static std::string entered(const trama::endpoint&, const std::string& name) {
        return "* " + name + " is here";
    }
    static std::string left(const trama::endpoint&, const std::string& name) {
        return "* " + name + " has left";
    }
};

/// The same with lines, in the form of the lab's chat. The CR makes a terminal write the message
/// over its prompt. The address is the name of a member that has chosen no other.
struct lab_wording {
    static std::string first_name(const trama::endpoint& peer) {
        return '(' + host_and_port(peer, "'") + ')';
    }
    static std::string said(const std::string& name, const std::string& text) {
        return "\r<" + name + "> " + text;
    }
    static std::string entered(const trama::endpoint& peer, const std::string&) {
        return '[' + peer.to_string() + "] entered room";
    }
    static std::string left(const trama::endpoint& peer, const std::string&) {
        return "Client (" + host_and_port(peer, "") + ") is offline";
    }
};

}  // namespace chat

// 14_group_chat/chat.hpp -- what chat_server and chat_client agree on, and what the server says.
//
// Both ends send text, one frame or one line for each message. What the server says by itself
// begins with a star, what a member says with its name in angle brackets: so nobody can speak in
// the server's name. With lines, notices and messages have the form of the lab's chat.
#pragma once

#include "../support/characters.hpp"

#include <chrono>

namespace chat {

constexpr std::size_t longest_message = 1000;  // bytes that a member may say at once
constexpr std::size_t longest_frame = 8000;    // bytes; what is longer is not even answered
constexpr std::size_t longest_name = 20;       // characters
constexpr int most_in_a_second = 50;           // messages of one member

constexpr std::string_view password_question = "* password?";
constexpr std::string_view name_question = "* name?";
constexpr std::string_view welcome = "* welcome: /who, /nick NAME and /quit are commands";
constexpr std::string_view list_begins = "* here:";  // and then names
constexpr std::string_view list_goes_on = "* and:";

/// Whether the server says that we must go: "* too much at once: goodbye". Its answer to /quit has
/// no colon. A list of members may end like that, too, for they choose their names.
inline bool is_dismissal(std::string_view text) {
    constexpr std::string_view end = ": goodbye";
    const auto begins = [&](std::string_view word) { return text.substr(0, word.size()) == word; };
    return begins("* ") && text.size() >= end.size() &&
           text.substr(text.size() - end.size()) == end && !begins(list_begins) &&
           !begins(list_goes_on);
}

/// 1 to 20 visible characters. (A letter with an accent may be two: the letter, and the accent.)
inline bool is_name(std::string_view text) {
    std::size_t count = 0;
    for (; !text.empty() && count <= longest_name; ++count) {
        const program::character next = program::first_of(text);
        if (next.bytes.empty() || !program::is_visible(next.code)) return false;
        text.remove_prefix(next.bytes.size());
    }
    return count >= 1 && count <= longest_name;
}

/// Whether the password is right. It looks at all of `given`, right or wrong: a comparison that
/// stops at the first difference tells by its time how much of a guess was right.
inline bool is_same(std::string_view given, std::string_view password) {
    std::size_t difference = given.size() ^ password.size();
    for (std::size_t i = 0; i < given.size(); ++i)
        difference |= static_cast<unsigned char>(given[i] ^ password[i % password.size()]);
    return difference == 0;
}

/// Counts what a member says: one must not be able to fill the outboxes of all others.
class pace {
public:
    bool is_too_fast() {
        if (second_.passed()) {
            second_ = trama::deadline(std::chrono::seconds(1));
            messages_ = 0;
        }
        return ++messages_ > most_in_a_second;
    }

private:
    trama::deadline second_{trama::duration::zero()};
    int messages_ = 0;
};

/// "127.0.0.1, 5000", with the quotation mark of your choice around the address.
inline std::string host_and_port(const trama::endpoint& who, const char* mark) {
    std::string host = who.to_string();
    host.resize(host.rfind(':'));
    if (host[0] == '[') host = host.substr(1, host.size() - 2);  // IPv6
    return mark + host + mark + ", " + std::to_string(who.port());
}

/// How those who are in the room are told of the others: with frames.
struct framed_wording {
    static std::string first_name(const trama::endpoint&) { return {}; }  // will be asked for
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

/// The same with lines, as the lab's chat says it. The CR puts a message in the place of what a
/// terminal has as its prompt; and the address is the name of whoever has chosen no other.
struct lab_wording {
    static std::string first_name(const trama::endpoint& who) {
        return '(' + host_and_port(who, "'") + ')';
    }
    static std::string said(const std::string& name, const std::string& text) {
        return "\r<" + name + "> " + text;
    }
    static std::string entered(const trama::endpoint& who, const std::string&) {
        return '[' + who.to_string() + "] entered room";
    }
    static std::string left(const trama::endpoint& who, const std::string&) {
        return "Client (" + host_and_port(who, "") + ") is offline";
    }
};

}  // namespace chat

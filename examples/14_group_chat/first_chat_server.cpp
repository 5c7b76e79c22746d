// first_chat_server -- a chat in which each member receives what the others write
// Run:      g++ first_chat_server.cpp && ./a.out
//           nc localhost 5000                     in a second terminal, and in a third
// Observe:  One thread serves all of them. A member that reads nothing does not delay the others.
// Missing:  names, a password, members that send too much, controls of two bytes: chat_server.cpp
#include "trama.hpp"

#include <algorithm>
#include <iostream>
#include <string>
#include <string_view>

using chat_server = trama::message_server<trama::any_line>;  // one line is one message
constexpr std::size_t longest_line = 1000;                   // bytes

/// The text with a question mark for each control character: a terminal would obey it.
std::string harmless(std::string_view text) {
    const auto is_control = [](unsigned char byte) { return byte < ' ' || byte == 127; };
    std::string shown(text);
    std::replace_if(shown.begin(), shown.end(), is_control, '?');
    return shown;
}

/// Sends `text` to all members but one.
void send_to_others(chat_server& chat, const chat_server::client& speaker, std::string_view text) {
    for (chat_server::client& member : chat.clients()) {
        if (&member != &speaker) member.send(text);
    }
}

/// How the others see a member: <127.0.0.1:41000>
std::string name_of(const chat_server::client& member) {
    return '<' + member.remote_endpoint().to_string() + '>';
}

int main(int argc, char** argv) {
    const std::string port = argc > 1 ? argv[1] : "5000";
    try {
        chat_server chat("0.0.0.0", port, longest_line);
        // A lambda, [&](...) { ... }, is a function without a name. The server calls it later.
        chat.on_join(
            [&](auto& member) { send_to_others(chat, member, name_of(member) + " came"); });
        chat.on_message([&](auto& member, std::string_view text) {
            send_to_others(chat, member, name_of(member) + ' ' + harmless(text));
        });
        chat.on_leave([&](auto& member, std::string_view) {
            send_to_others(chat, member, name_of(member) + " left");
        });
        std::cout << "listening on " << chat.local_endpoint() << std::endl;
        chat.run();
    } catch (const std::exception& error) {
        std::cerr << error.what() << '\n';
        return 1;
    }
}

// chat_server -- a group chat: the server sends what one member writes to all others
//
// Goal:     Use frames, one loop and limits for each client together, and show text from strangers.
// Run:      ./chat_server --password sesame
//           ./chat_client --name ana         in a second terminal; --name luis in a third
// Observe:  A client receives nothing of the room before it has given the password. The server
//           drops a member that sends nothing for a minute. A member that never reads delays no
//           other one. With --lines, nc localhost 5000 is a client.
// Exercise: Add /tell NAME TEXT, which is sent to one member only. Then let each wrong password
//           delay the next answer to that address. Which clients must not wait for it?
// Next:     chat_client.cpp; naive/chat_server.cpp, the same without limits and checks
#include "../support/program.hpp"
#include "../support/system.hpp"
#include "chat.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

namespace {

constexpr const char* examples = R"(
  chat_server                     frames of six digits on port 5000 of every address; no password
  chat_server --password sesame   a client has three tries and 20 seconds for the word
  chat_server --lines             lines, for nc and telnet: nc localhost 5000
)";

/// What the room knows of a client. A client without a name is not in the room yet.
struct member {
    std::string name;
    bool knows_password = false;
    int tries_left = 3;
    chat::rate_limit rate;
};

/// Returns --password or $CHAT_PASSWORD. Empty: the chat has no password.
std::string read_password(const program::options& given) {
    const char* variable = std::getenv("CHAT_PASSWORD");
    const std::string& typed = given.text("password");
    return typed.empty() && variable != nullptr ? variable : typed;
}

template <typename Codec, typename Wording, typename Selector>
class room {
    using server = trama::message_server<Codec, member, Selector>;
    using client = typename server::client;

public:
    explicit room(const program::options& given)
        : server_(given.host(), given.port(), chat::longest_frame),
          password_(read_password(given)),
          door_time_(given.number("door", 1, 86400)),
          idle_time_(given.number("idle", 1, 86400)),
          max_members_(static_cast<std::size_t>(given.number("max-clients", 1, 10000))) {
        server_.idle_timeout(idle_time_);
        server_.message_timeout(std::chrono::seconds(30));
        server_.high_water_mark(256 * 1024);
        server_.max_clients(2 * max_members_ + 500);  // a client that is dismissed takes time to go
        server_.on_join([this](client& peer) { on_join(peer); });
        server_.on_message([this](client& peer, std::string_view text) { on_message(peer, text); });
        server_.on_idle([this](client& peer) { on_idle(peer); });
        server_.on_leave([this](client& peer, std::string_view why) { on_leave(peer, why); });
        server_.on_stop([this] { send_to_all("* the server stops: goodbye"); });
        server_.on_refused(
            [](auto& peer, auto why) { program::say_error(peer, " is refused: ", why); });
    }

    int run() {
        program::announce(server_.local_endpoint());
        server_.run();
        return 0;
    }

private:
    /// As many clients may wait at the door as fit into the room. Then a new client takes the place
    /// of the one that has waited longest: so those that only wait keep nobody out.
    void on_join(client& peer) {
        program::say(peer.remote_endpoint(), " came");
        if (door_.size() == max_members_)
            dismiss(*door_.front(), "* others want to come in: goodbye");
        peer.dismiss_after(door_time_);
        peer.state.knows_password = password_.empty();
        door_.push_back(&peer);
        send_question(peer);
    }

    void on_idle(client& peer) {
        if (!is_member(peer)) return peer.send("* that took too long: goodbye");
        peer.send("* silent for " + std::to_string(idle_time_.count()) + " s: goodbye");
    }

    void on_leave(client& peer, std::string_view why) {
        remove_from_door(peer);
        program::say(peer.remote_endpoint(), " left: ", why);
        if (!is_member(peer)) return;
        --member_count_;
        send_to_others(peer, Wording::left(peer.remote_endpoint(), peer.state.name));
    }

    // [region message]
    void on_message(client& peer, std::string_view text) {
        if (peer.state.rate.is_exceeded()) return dismiss(peer, "* too much at once: goodbye");
        if (!peer.state.knows_password) return check_password(peer, text);
        if (!is_member(peer)) return take_name(peer, text);
        if (text.size() > chat::longest_message) return peer.send("* not sent: over 1000 bytes");
        if (!program::is_utf8(text)) return peer.send("* not sent: this is not UTF-8");
        if (text.substr(0, 1) == "/") return run_command(peer, text);
        if (text.empty()) return;
        send_to_others(peer, Wording::said(peer.state.name, program::harmless(text)));
    }
    // [/region message]

    /// Sends to all members but one. A client at the door receives nothing of the room.
    void send_to_others(const client& sender, std::string_view text) {
        program::say_more(program::shown{text});
        for (client& each : server_.clients())
            if (&each != &sender && is_member(each)) each.send(text);
    }

    void send_to_all(std::string_view text) {
        for (client& each : server_.clients()) each.send(text);
    }

    static bool is_member(const client& peer) { return !peer.state.name.empty(); }

    void remove_from_door(client& peer) {
        door_.erase(std::remove(door_.begin(), door_.end(), &peer), door_.end());
    }

    void dismiss(client& peer, std::string_view why) {
        remove_from_door(peer);
        peer.send(why);
        peer.close();
    }

    /// Sends the next question to a client at the door, or admits it.
    void send_question(client& peer) {
        if (!peer.state.knows_password) return peer.send(chat::password_question);
        const std::string name = Wording::first_name(peer.remote_endpoint());
        if (name.empty()) return peer.send(chat::name_question);
        admit(peer, name);
    }

    void check_password(client& peer, std::string_view given) {
        peer.state.knows_password = chat::is_same(given, password_);
        if (peer.state.knows_password) return send_question(peer);
        program::say(peer.remote_endpoint(), " gave a wrong password");
        --peer.state.tries_left;
        if (peer.state.tries_left == 0) return dismiss(peer, "* wrong password: goodbye");
        peer.send("* wrong password");
        send_question(peer);
    }

    void admit(client& peer, const std::string& name) {
        if (member_count_ == max_members_) return dismiss(peer, "* the room is full: goodbye");
        remove_from_door(peer);
        peer.dismiss_after(trama::no_timeout);
        peer.state.name = name;
        ++member_count_;
        program::say(peer.remote_endpoint(), " is in the room: ", program::harmless(name));
        peer.send(chat::welcome);
        send_to_others(peer, Wording::entered(peer.remote_endpoint(), name));
    }

    void run_command(client& peer, std::string_view text) {
        if (text == "/who") return send_list(peer);
        if (text.substr(0, 6) == "/nick ") return take_name(peer, text.substr(6));
        if (text == "/quit") return dismiss(peer, "* goodbye");
        peer.send("* commands: /who, /nick NAME, /quit");
    }

    /// Sends the names in as many messages as necessary: a hundred may not fit into one.
    void send_list(client& peer) {
        std::string names(chat::list_begins);
        for (const client& each : server_.clients()) {
            if (!is_member(each)) continue;
            if (names.size() > chat::longest_message) {
                peer.send(names);
                names = chat::list_goes_on;
            }
            names += ' ' + each.state.name;
        }
        peer.send(names);
    }

    void take_name(client& peer, std::string_view name) {
        if (!chat::is_name(name)) return refuse_name(peer, "1 to 20 visible characters, no blanks");
        if (is_taken(name)) return refuse_name(peer, "somebody has it");
        if (!is_member(peer)) return admit(peer, std::string(name));
        const std::string notice = "* " + peer.state.name + " is now " + std::string(name);
        peer.state.name = name;
        peer.send(notice);
        send_to_others(peer, notice);
    }

    void refuse_name(client& peer, const std::string& why) {
        peer.send("* not this name: " + why);
        if (!is_member(peer)) send_question(peer);
    }

    bool is_taken(std::string_view name) const {
        for (const client& each : server_.clients())
            if (each.state.name == name) return true;
        return false;
    }

    server server_;
    const std::string password_;
    const std::chrono::seconds door_time_;
    const std::chrono::seconds idle_time_;
    const std::size_t max_members_;
    std::size_t member_count_ = 0;
    std::vector<client*> door_;  // clients that are not in the room yet, the oldest first
};

template <typename Selector>
int serve(const program::options& given) {
    if (given.flag("lines")) return room<trama::any_line, chat::lab_wording, Selector>(given).run();
    return room<trama::six_digit_colon, chat::framed_wording, Selector>(given).run();
}

int serve_backend(const program::options& given) {
    const std::string& backend = given.text("backend");
    if (backend == "select") return serve<trama::selector>(given);
    if (backend == "poll") return serve<trama::poll_selector>(given);
    if (backend == "epoll") return serve<program::epoll_selector>(given);
    throw program::usage_error("--backend takes select, poll or epoll, not \"" +
                               trama::escaped(backend) + '"');
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(
        argc, argv, examples,
        {program::address_option(),
         program::port_option(),
         {'w', "password", "WORD", "",
          "without it: $CHAT_PASSWORD, which ps does not show; without both: none"},
         {'d', "door", "SECONDS", "20", "drop a client that has not logged in after this time"},
         {'i', "idle", "SECONDS", "60", "drop a member that sends nothing for this long"},
         {'m', "max-clients", "N", "100",
          "at most N members, and N clients that have not logged in"},
         program::flag('l', "lines", "send lines instead of frames"),
         {'b', "backend", "BACKEND", "poll", "how to wait: select, poll or epoll"}},
        serve_backend);
}

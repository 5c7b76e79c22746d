// chat_server -- a room in which everybody hears everybody, behind a door with a password
//
// Goal:     Put it all together: frames, one loop, limits for each client, and text from strangers.
// Run:      ./chat_server --password sesame
//           ./chat_client --name ana         in a second terminal; --name luis in a third
// Observe:  Who has not given the password hears nothing. Who says nothing for a minute has to go.
//           Who never reads costs the others nothing. With --lines, nc localhost 5000 is a client.
// Exercise: Add /tell NAME TEXT, which only one member hears. Then make each wrong password delay
//           the next answer to that address. Who else must not have to wait for it?
// Next:     chat_client.cpp; naive/chat_server.cpp, the same without all the care
#include "../support/program.hpp"
#include "chat.hpp"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

constexpr const char* examples = R"(
  chat_server                     frames of six digits on port 5000 of every address; no password
  chat_server --password sesame   a client has three tries and 20 seconds for the word
  chat_server --lines             lines, for nc and telnet: nc localhost 5000
)";

/// What the room knows of a client. Who has no name is not in the room yet.
struct member {
    std::string name;
    bool knows_password = false;
    int tries_left = 3;
    chat::pace pace;
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
          most_(static_cast<std::size_t>(given.number("max-clients", 1, 10000))) {
        server_.idle_timeout(idle_time_);
        server_.message_timeout(std::chrono::seconds(30));
        server_.high_water_mark(256 * 1024);
        server_.max_clients(2 * most_ + 500);  // who is shown out takes some time to go
        server_.on_join([this](client& who) { meet(who); });
        server_.on_message([this](client& who, std::string_view text) { hear(who, text); });
        server_.on_idle([this](client& who) { lose_patience(who); });
        server_.on_leave([this](client& who, std::string_view why) { miss(who, why); });
        server_.on_refused([](auto& who, auto why) { program::say(who, " is refused: ", why); });
    }

    int run() {
        program::announce(server_.local_endpoint());
        server_.run();
        return 0;
    }

private:
    // [region door]
    /// As many may stand at the door as fit into the room. Then whoever comes takes the place of
    /// who has stood there longest: so those who only stand there keep nobody out.
    void meet(client& who) {
        program::say(who.remote_endpoint(), " came");
        if (door_.size() == most_) show_out(*door_.front(), "* others want to come in: goodbye");
        who.dismiss_after(door_time_);
        who.state.knows_password = password_.empty();
        door_.push_back(&who);
        ask(who);
    }
    // [/region door]

    void lose_patience(client& who) {
        if (who.state.name.empty()) return who.send("* that took too long: goodbye");
        who.send("* silent for " + std::to_string(idle_time_.count()) + " s: goodbye");
    }

    void leave_door(client& who) {
        door_.erase(std::remove(door_.begin(), door_.end(), &who), door_.end());
    }

    void show_out(client& who, std::string_view why) {
        leave_door(who);
        who.send(why);
        who.close();
    }

    void ask(client& who) {
        if (!who.state.knows_password) return who.send(chat::password_question);
        const std::string name = Wording::first_name(who.remote_endpoint());
        name.empty() ? who.send(chat::name_question) : let_in(who, name);
    }

    void check_password(client& who, std::string_view given) {
        who.state.knows_password = chat::is_same(given, password_);
        if (who.state.knows_password) return ask(who);
        program::say(who.remote_endpoint(), " gave a wrong password");
        if (--who.state.tries_left == 0) return show_out(who, "* wrong password: goodbye");
        who.send("* wrong password");
        ask(who);
    }

    void let_in(client& who, const std::string& name) {
        if (inside_ == most_) return show_out(who, "* the room is full: goodbye");
        leave_door(who);
        who.dismiss_after(trama::no_timeout);
        who.state.name = name;
        ++inside_;
        program::say(who.remote_endpoint(), " is in the room: ", name);
        who.send(chat::welcome);
        tell_others(who, Wording::entered(who.remote_endpoint(), name));
    }

    // [region hear]
    void hear(client& who, std::string_view text) {
        if (who.state.pace.is_too_fast()) return show_out(who, "* too much at once: goodbye");
        if (!who.state.knows_password) return check_password(who, text);
        if (who.state.name.empty()) return take_name(who, text);
        if (text.size() > chat::longest_message) return who.send("* not said: over 1000 bytes");
        if (!program::is_utf8(text)) return who.send("* not said: this is not UTF-8");
        if (text.substr(0, 1) == "/") return obey(who, text);
        if (!text.empty()) tell_others(who, Wording::said(who.state.name, program::harmless(text)));
    }

    /// Who is not in the room does not hear what is said there.
    void tell_others(const client& from, std::string_view text) {
        program::say_more(program::shown{text});
        for (client& each : server_.clients())
            if (&each != &from && !each.state.name.empty()) each.send(text);
    }
    // [/region hear]

    void obey(client& who, std::string_view text) {
        if (text == "/who") return list(who);
        if (text.substr(0, 6) == "/nick ") return take_name(who, text.substr(6));
        if (text == "/quit") return show_out(who, "* goodbye");
        who.send("* commands: /who, /nick NAME, /quit");
    }

    /// In as many messages as it takes: a hundred names may not fit into one.
    void list(client& who) {
        std::string names(chat::list_begins);
        for (const client& each : server_.clients()) {
            if (names.size() > chat::longest_message)
                who.send(std::exchange(names, std::string(chat::list_goes_on)));
            if (!each.state.name.empty()) names += ' ' + each.state.name;
        }
        who.send(names);
    }

    void take_name(client& who, std::string_view name) {
        if (!chat::is_name(name)) return refuse_name(who, "1 to 20 visible characters, no blanks");
        if (is_taken(name)) return refuse_name(who, "somebody has it");
        if (who.state.name.empty()) return let_in(who, std::string(name));
        const std::string notice = "* " + std::exchange(who.state.name, name) + " is now ";
        who.send(notice + who.state.name);
        tell_others(who, notice + who.state.name);
    }

    void refuse_name(client& who, const std::string& why) {
        who.send("* not this name: " + why);
        if (who.state.name.empty()) ask(who);
    }

    bool is_taken(std::string_view name) const {
        for (const client& each : server_.clients())
            if (each.state.name == name) return true;
        return false;
    }

    void miss(client& who, std::string_view why) {
        leave_door(who);
        program::say(who.remote_endpoint(), " left: ", why);
        if (who.state.name.empty()) return;
        --inside_;
        tell_others(who, Wording::left(who.remote_endpoint(), who.state.name));
    }

    server server_;
    const std::string password_;
    const std::chrono::seconds door_time_;
    const std::chrono::seconds idle_time_;
    const std::size_t most_;
    std::size_t inside_ = 0;     // how many are in the room
    std::vector<client*> door_;  // in the order in which they came
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
    if (backend == "epoll") return serve<trama::epoll_selector>(given);
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
         {'i', "idle", "SECONDS", "60", "drop a member who says nothing for this long"},
         {'m', "max-clients", "N", "100",
          "at most N members, and N clients that have not logged in"},
         program::flag('l', "lines", "send lines instead of frames"),
         {'b', "backend", "BACKEND", "poll", "how to wait: select, poll or epoll"}},
        serve_backend);
}

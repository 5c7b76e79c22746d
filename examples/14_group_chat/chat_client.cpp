// chat_client -- says what you type, and prints what the others say meanwhile
//
// Goal:     Watch a keyboard and a socket at once, with one thread and one selector.
// Run:      ./chat_client --name ana
//           printf 'hola\n' | ./chat_client --name luis     in a pipe, too
// Observe:  A message may arrive in the middle of your typing, and does not tear it. The password
//           is not shown. Ctrl-D is the end of your stream; what is on its way is still printed.
// Exercise: Start it with TRAMA_TRACE=1 2>trace. Which calls does it make while nobody speaks?
//           Beep ("\a") when somebody says your name; whose beeps do you want to hear?
// Next:     naive/chat_server.cpp
#include "../support/program.hpp"
#include "chat.hpp"
#include "line_editor.hpp"

#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;

constexpr const char* examples = R"(
  chat_client                                    join the chat on port 5000 of this machine
  chat_client -H chat.example --name ana         as ana, on another machine
  printf 'sesame\nhola\n' | chat_client -n ana   give the password, say something and leave

The messages go to stdout. Exit code 1: the server has ended the conversation.
)";

/// Lines from stdin: typed at a terminal, or read from a file or a pipe.
class keyboard {
public:
    explicit keyboard(trama::stop_signal& stop) {
        if (::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1)
            editor_.emplace(stop, chat::longest_message);
        else
            stop.catch_signals();
    }

    /// Takes what there is to read.
    void receive() {
        char bytes[4096];
        const ssize_t count = ::read(STDIN_FILENO, bytes, sizeof bytes);
        if (count == -1 && errno == EINTR) return;
        if (count == -1)
            throw program::usage_error(std::string("cannot read stdin: ") + std::strerror(errno));
        std::string_view came(bytes, static_cast<std::size_t>(count));
        has_ended_ = came.empty();
        if (editor_) {
            has_ended_ = has_ended_ || !editor_->type(came);
            return;
        }
        if (has_ended_ && last_ != '\n') came = "\n";  // the last line of a file may lack its end
        lines_.receive_data(came);
        if (!came.empty()) last_ = came.back();
    }

    bool has_ended() const { return has_ended_; }

    /// Takes the next whole line. False: it has not come yet. Throws frame_error: too long.
    bool next_line(std::string& line) {
        if (editor_) return editor_->next_line(line);
        const auto next = lines_.next_frame();
        if (next) line = *next;
        return next.has_value();
    }

    void ask(const char* prompt, bool is_secret = false) {
        if (editor_) editor_->ask(prompt, is_secret);
    }

    /// Prints a message above the line that is being typed.
    void print(std::string_view message) {
        if (editor_) editor_->wipe();
        program::print(message);
        if (editor_) editor_->draw();
    }

private:
    std::optional<chat::line_editor> editor_;
    trama::frame_decoder<trama::any_line> lines_{chat::longest_message};
    char last_ = '\n';
    bool has_ended_ = false;
};

template <typename Codec>
class conversation {
public:
    explicit conversation(const program::options& given)
        : server_(trama::tcp_stream::connect(given.host(), given.port())),
          name_(given.text("name")),
          keyboard_(stop_) {
        server_.set_timeout(30s);
    }

    /// Until the server closes, or a signal comes.
    int run() {
        ready_.add(stop_.fd(), trama::interest::read);
        ready_.add(server_.fd(), trama::interest::read);
        while (!is_over_) {
            for (const trama::ready_event event : ready_.wait()) {
                if (event.fd == stop_.fd()) return 0;
                if (event.fd == server_.fd()) hear();
                if (event.fd == STDIN_FILENO) keyboard_.receive();
            }
            speak();
        }
        if (turn_ != turn::free) throw program::peer_error("you were not let in");
        if (!has_left_ || is_dismissed_)
            throw program::peer_error("the server ended the conversation");
        return 0;
    }

private:
    /// Receives once, which does not wait, for something is there; and takes what is whole.
    void hear() {
        constexpr std::size_t most = 16384;
        const std::size_t count = server_.recv_some(decoder_.prepare(most), most);
        decoder_.commit(count);
        while (const auto message = decoder_.next_frame()) take(*message);
        is_over_ = count == 0;
        if (is_over_) decoder_.receive_eof();
    }

    /// The server leads until it says welcome: what was typed for the room is no password.
    void take(std::string_view message) {
        if (message.substr(0, 1) == "\r") message.remove_prefix(1);  // where the lab has a prompt
        keyboard_.print(message);
        is_dismissed_ = is_dismissed_ || chat::is_dismissal(message);
        if (message == chat::password_question) {
            turn_ = turn::once;
            keyboard_.ask("password: ", true);
        } else if (message == chat::name_question) {
            answer_name();
        } else if (message == chat::welcome && turn_ != turn::free) {
            turn_ = turn::free;
            keyboard_.ask("> ");
            if (!name_.empty()) say("/nick " + name_);
        }
    }

    void answer_name() {
        if (has_given_name_) throw program::peer_error("the server did not take that name");
        if (name_.empty()) {
            turn_ = turn::once;
            return keyboard_.ask("name: ");
        }
        has_given_name_ = true;
        say(std::exchange(name_, {}));
    }

    /// Says what was typed, as far as it is our turn. At the end of stdin, the server is told that
    /// nothing more comes: it sends what we are owed, and closes.
    void speak() {
        for (std::string line; next_line(line);) {
            if (turn_ == turn::once) {
                turn_ = turn::wait;
                keyboard_.ask("");
            }
            say(line);
        }
        const bool listens = turn_ != turn::wait && !keyboard_.has_ended() && !has_left_;
        listens ? ready_.add(STDIN_FILENO, trama::interest::read) : ready_.remove(STDIN_FILENO);
        if (has_left_ || turn_ == turn::wait || !keyboard_.has_ended()) return;
        has_left_ = true;
        server_.shutdown_send();
    }

    void say(std::string_view text) {
        std::string frame;
        Codec::encode(text, frame);
        server_.send_all(frame);
        has_left_ = text == "/quit";
    }

    /// The next line of ours, if it is our turn. One that is too long is not sent at all.
    bool next_line(std::string& line) {
        if (turn_ == turn::wait || has_left_) return false;
        try {
            return keyboard_.next_line(line);
        } catch (const trama::frame_error& error) {
            throw program::usage_error(error.what());
        }
    }

    /// Whose turn it is: the server's, ours for one answer, ours for as long as we like.
    enum class turn { wait, once, free };

    trama::stop_signal stop_;
    trama::tcp_stream server_;
    trama::frame_decoder<Codec> decoder_{chat::longest_frame};
    trama::poll_selector ready_;
    std::string name_;
    turn turn_ = turn::wait;
    bool has_given_name_ = false;
    bool has_left_ = false;
    bool is_dismissed_ = false;
    bool is_over_ = false;
    keyboard keyboard_;
};

int talk(const program::options& given) {
    if (given.flag("lines")) return conversation<trama::any_line>(given).run();
    return conversation<trama::six_digit_colon>(given).run();
}

}  // namespace

int main(int argc, char** argv) {
    return program::run(argc, argv, examples,
                        {program::host_option(),
                         program::port_option(),
                         {'n', "name", "NAME", "",
                          "the name to use (without it, you type one when the server asks)"},
                         program::flag('l', "lines", "send lines instead of frames")},
                        talk);
}

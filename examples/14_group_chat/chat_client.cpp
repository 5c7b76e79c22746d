// chat_client -- sends what you type, and prints what the others write meanwhile
//
// Goal:     Watch a keyboard and a socket at once, with one thread and one selector.
// Run:      ./chat_client --name ana
//           printf 'hola\n' | ./chat_client --name luis     in a pipe, too
// Observe:  A message that arrives while you type does not tear your line. The password is not
//           shown. Ctrl-D ends your stream; what is on its way to you is still printed.
// Exercise: Start it with TRAMA_TRACE=1 2>trace. Which calls does it make while nobody writes?
//           Beep ("\a") when a message contains your name. Which members can make your terminal
//           beep then?
// Next:     naive/chat_server.cpp
#include "../support/program.hpp"
#include "chat.hpp"
#include "line_editor.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>

#include <unistd.h>

namespace {

using namespace std::chrono_literals;

constexpr const char* examples = R"(
  chat_client                                    join the chat on port 5000 of this machine
  chat_client -H chat.example --name ana         as ana, on another machine
  printf 'sesame\nhola\n' | chat_client -n ana   give the password, send a message, leave

The messages go to stdout. Exit code 1: the server has ended the conversation.
)";

/// Lines from stdin: typed at a terminal, or read from a file or a pipe.
class keyboard {
public:
    explicit keyboard(trama::stop_signal& stop) {
        if (::isatty(STDIN_FILENO) == 1 && ::isatty(STDOUT_FILENO) == 1) {
            editor_.emplace(stop, chat::longest_message);
        } else {
            stop.catch_signals();
        }
    }

    bool is_terminal() const { return editor_.has_value(); }

    /// Reads what has come from stdin, once. Throws usage_error.
    void receive() {
        char bytes[4096];
        const ssize_t count = ::read(STDIN_FILENO, bytes, sizeof bytes);
        if (count == -1 && errno == EINTR) return;
        if (count == -1)
            throw program::usage_error(std::string("cannot read stdin: ") + std::strerror(errno));
        add({bytes, static_cast<std::size_t>(count)});
    }

    bool has_ended() const { return has_ended_; }

    /// Takes the next whole line. Returns false if it has not come yet. Throws frame_error if the
    /// line is too long.
    bool next_line(std::string& line) {
        if (editor_) return editor_->next_line(line);
        const auto next = lines_.next_frame();
        if (next) line = *next;
        return next.has_value();
    }

    void set_prompt(const char* prompt, bool is_secret = false) {
        if (editor_) editor_->set_prompt(prompt, is_secret);
    }

    /// Prints a message above the line that is being typed.
    void print(std::string_view message) {
        if (editor_) editor_->erase();
        program::print(message);
        if (editor_) editor_->draw();
    }

private:
    /// `bytes` is empty at the end of stdin.
    void add(std::string_view bytes) {
        has_ended_ = bytes.empty();
        if (editor_) {
            if (!editor_->add(bytes)) has_ended_ = true;
            return;
        }
        if (has_ended_ && last_ != '\n') bytes = "\n";  // the last line of a file may lack its end
        lines_.receive_data(bytes);
        if (!bytes.empty()) last_ = bytes.back();
    }

    std::optional<chat::line_editor> editor_;
    trama::frame_decoder<trama::any_line> lines_{chat::longest_message};
    char last_ = '\n';
    bool has_ended_ = false;
};

template <typename Codec>
class conversation {
public:
    explicit conversation(const program::options& given)
        : server_(trama::tcp_stream::connect(given.host(), given.port()), chat::longest_frame),
          name_(given.text("name")),
          keyboard_(stop_) {
        server_.stream().set_timeout(30s);
    }

    /// Returns 0 after /quit, the end of the input, or a signal. Throws peer_error if the server
    /// ended the conversation.
    int run() {
        ready_.add(stop_.fd(), trama::interest::read);
        ready_.add(server_.stream().fd(), trama::interest::read);
        begin();
        while (!is_over_) {
            send_lines();
            for (const trama::ready_event event : ready_.wait(limit_.left())) {
                if (event.fd == stop_.fd()) return 0;
                if (event.fd == server_.stream().fd()) receive();
                if (event.fd == STDIN_FILENO) keyboard_.receive();
            }
            if (limit_.passed()) stop_waiting();
        }
        check_end();
        return 0;
    }

private:
    /// At a terminal you can write at once. Lines from a file or a pipe give the server a moment to
    /// ask for a password or a name: a line that was meant for the room is no password.
    void begin() {
        if (keyboard_.is_terminal()) return start_talking();
        limit_ = trama::deadline(time_for_question);
    }

    /// Takes all messages that have come, and does not wait for more. Also returns at a stop: if a
    /// server sends without a pause, there is always one more message.
    void receive() {
        std::string message;
        while (!is_over_ && !stop_.stopped()) {
            const trama::io_status status = receive_one(message);
            if (status == trama::io_status::would_block) return;
            if (status == trama::io_status::end_of_stream) is_over_ = true;
            if (status == trama::io_status::done) take(message);
        }
    }

    /// A last line without its line feed is an end like any other; half a frame is an error.
    trama::io_status receive_one(std::string& message) {
        try {
            return server_.try_recv_frame(message);
        } catch (const trama::frame_error& error) {
            constexpr bool has_lines = std::is_same_v<Codec, trama::any_line>;
            if (!has_lines || error.why() != trama::frame_error::reason::truncated) throw;
            program::say(error.what());
            return trama::io_status::end_of_stream;
        }
    }

    /// In the form of the lab a CR stands before a message, and a notice may lack its line feed.
    void take(std::string_view message) {
        while (!message.empty()) {
            const std::size_t end = std::min(message.find('\r'), message.size());
            if (end > 0) take_line(message.substr(0, end));
            message.remove_prefix(std::min(end + 1, message.size()));
        }
    }

    void take_line(std::string_view message) {
        keyboard_.print(message);
        if (chat::is_dismissal(message)) is_dismissed_ = true;
        if (has_left_) return;
        if (message == chat::password_question) {
            ask("password: ", true);
        } else if (message == chat::name_question) {
            answer_name();
        } else if (message == chat::welcome) {
            enter();
        } else if (!chat::starts_with(message, "* ") && phase_ == phase::waiting) {
            start_talking();  // a server without questions
        }
    }

    /// The next line that is typed is the answer.
    void ask(const char* prompt, bool is_secret = false) {
        phase_ = phase::answering;
        limit_ = trama::deadline(trama::no_timeout);
        keyboard_.set_prompt(prompt, is_secret);
    }

    void answer_name() {
        if (has_given_name_) throw program::peer_error("the server did not take that name");
        if (name_.empty()) return ask("name: ");
        has_given_name_ = true;
        send(name_);
        wait_for_server();
    }

    void enter() {
        const bool is_named = has_given_name_ || name_.empty();
        has_given_name_ = true;
        start_talking();
        if (!is_named) send("/nick " + name_);
    }

    void start_talking() {
        phase_ = phase::talking;
        limit_ = trama::deadline(trama::no_timeout);
        keyboard_.set_prompt("> ");
    }

    /// Keeps the next lines until the server has reacted to the answer.
    void wait_for_server() {
        phase_ = phase::waiting;
        limit_ = trama::deadline(time_for_reaction);
        keyboard_.set_prompt("");
    }

    /// The time is up: the server has sent no question, or does not close.
    void stop_waiting() {
        if (has_left_) {
            is_over_ = true;
        } else {
            start_talking();
        }
    }

    /// Sends the lines that were typed, unless the server has to react first.
    void send_lines() {
        std::string line;
        while (may_send() && next_line(line)) {
            const bool is_answer = phase_ == phase::answering;
            send(line);
            if (is_answer) wait_for_server();
        }
        if (may_send() && keyboard_.has_ended()) leave();
        if (may_send()) {
            ready_.add(STDIN_FILENO, trama::interest::read);
        } else {
            ready_.remove(STDIN_FILENO);
        }
    }

    bool may_send() const { return phase_ != phase::waiting && !has_left_; }

    bool next_line(std::string& line) {
        try {
            return keyboard_.next_line(line);
        } catch (const trama::frame_error& error) {
            throw program::usage_error(error.what());
        }
    }

    void send(std::string_view text) {
        server_.send_frame(text);
        if (text == "/quit") wait_for_end();
    }

    /// Ends the stream to the server. It sends what is left for us, and closes.
    void leave() {
        server_.stream().shutdown_send();
        wait_for_end();
    }

    void wait_for_end() {
        has_left_ = true;
        limit_ = trama::deadline(time_to_close);
    }

    void check_end() const {
        if (phase_ != phase::talking) throw program::peer_error("the server did not let you in");
        if (!has_left_ || is_dismissed_)
            throw program::peer_error("the server ended the conversation");
    }

    /// Waiting: the next lines are kept. Answering: the next line is the answer to a question.
    /// Talking: each line is a message.
    enum class phase { waiting, answering, talking };

    static constexpr auto time_for_question = 1s;
    static constexpr auto time_for_reaction = 3s;
    static constexpr auto time_to_close = 3s;

    trama::stop_signal stop_;
    trama::framed_stream<Codec> server_;
    trama::poll_selector ready_;
    const std::string name_;
    phase phase_ = phase::waiting;
    trama::deadline limit_{trama::no_timeout};  // the wait for the server
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
                          "the name to use (without it, you type one when the server requests it)"},
                         program::flag('l', "lines", "send lines instead of frames")},
                        talk);
}

// 14_group_chat/line_editor.hpp -- typing one line at a terminal while others print on it.
//
// A terminal by itself collects a line and shows it, and knows nothing of what a program prints in
// the middle of it. So here it hands over each key at once, and shows nothing by itself: the line
// typed so far is drawn by us, wiped before something is printed, and drawn again below it.
// man 3 termios, man 4 console_codes
#pragma once

#include "../support/characters.hpp"

#include <cerrno>
#include <csignal>
#include <deque>
#include <iostream>
#include <string>
#include <string_view>

#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

namespace chat {

/// While it lives, the terminal hands over each key at once. A signal gives the terminal back
/// before anything else, whatever the program is doing, and then stops it in order. One at a time.
class raw_terminal {
public:
    explicit raw_terminal(trama::stop_signal& stop) {
        ::tcgetattr(STDIN_FILENO, &before());
        who_stops() = &stop;
        struct sigaction action {};
        action.sa_handler = give_back_and_stop;
        action.sa_flags = static_cast<int>(SA_RESETHAND);  // a second signal ends the program
        for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT})
            ::sigaction(number, &action, nullptr);
        termios raw = before();
        raw.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO | IEXTEN);  // Ctrl-C stays a signal
        raw.c_cc[VSUSP] =
            _POSIX_VDISABLE;  // Ctrl-Z would leave the terminal to the shell like this
        raw.c_cc[VMIN] = 1;
        raw.c_cc[VTIME] = 0;
        ::tcsetattr(STDIN_FILENO, TCSANOW, &raw);
    }
    raw_terminal(const raw_terminal&) = delete;
    raw_terminal& operator=(const raw_terminal&) = delete;
    ~raw_terminal() {
        ::tcsetattr(STDIN_FILENO, TCSANOW, &before());
        for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::signal(number, SIG_DFL);
    }

private:
    static termios& before() {
        static termios settings{};
        return settings;
    }
    static trama::stop_signal*& who_stops() {
        static trama::stop_signal* stop = nullptr;
        return stop;
    }
    static void give_back_and_stop(int) {
        const int saved = errno;
        ::tcsetattr(STDIN_FILENO, TCSANOW, &before());
        who_stops()->stop();
        errno = saved;
    }
};

/// The line that is being typed, and those that were finished and not yet taken.
class line_editor {
public:
    line_editor(trama::stop_signal& stop, std::size_t longest)
        : terminal_(stop), longest_(longest) {}
    ~line_editor() { wipe(); }
    line_editor(const line_editor&) = delete;
    line_editor& operator=(const line_editor&) = delete;

    /// Shows a prompt and what is typed behind it; of a secret, the prompt only.
    void ask(const char* prompt, bool is_secret) {
        prompt_ = prompt;
        is_secret_ = is_secret;
        draw();
    }

    /// Takes the line off the screen, to print something.
    void wipe() const { std::cout << "\r\x1b[K" << std::flush; }

    /// Puts it back: as much of its end as fits into one row.
    void draw() const {
        const std::string shown = is_secret_ ? "" : program::harmless(typed_);
        std::cout << "\r\x1b[K" << prompt_ << end_of(shown, columns() - 1 - prompt_.size())
                  << std::flush;
    }

    /// What came from the keyboard. False: it was Ctrl-D, on an empty line.
    bool type(std::string_view keys) {
        for (const char key : keys) {
            if (is_in_sequence(key)) continue;
            switch (key) {
                case '\n': finish(); break;
                case '\b':
                case '\x7F': remove_last(); break;
                case '\x15': typed_.clear(); break;  // Ctrl-U
                case '\x04':
                    if (typed_.empty()) return false;
                    break;
                default:
                    if (!is_control(key)) insert(key);
            }
        }
        draw();
        return true;
    }

    /// Takes the next finished line. False: there is none.
    bool next_line(std::string& line) {
        if (lines_.empty()) return false;
        line = lines_.front();
        lines_.pop_front();
        return true;
    }

private:
    static bool is_control(char key) { return static_cast<unsigned char>(key) < ' '; }

    /// Whether the byte belongs to the character before it.
    static bool is_inside(char byte) { return (static_cast<unsigned char>(byte) & 0xC0u) == 0x80; }

    /// A character that might not fit in whole is not begun; its other bytes are dropped, too.
    void insert(char byte) {
        if (!is_inside(byte)) has_room_ = typed_.size() + 4 <= longest_;
        if (has_room_ && typed_.size() < longest_) typed_ += byte;
    }

    /// One character, which may be several bytes: all but its first are 10xxxxxx in binary.
    void remove_last() {
        while (!typed_.empty() && is_inside(typed_.back())) typed_.pop_back();
        if (!typed_.empty()) typed_.pop_back();
    }

    /// An arrow key is ESC [ A; such a sequence ends with its first letter or ~.
    bool is_in_sequence(char key) {
        const sequence before = sequence_;
        if (key == '\x1b') {
            sequence_ = sequence::escape;
        } else if (before == sequence::escape) {
            sequence_ = key == '[' || key == 'O' ? sequence::rest : sequence::none;
        } else if (key >= '@' && key <= '~') {
            sequence_ = sequence::none;
        }
        return before != sequence::none || sequence_ != sequence::none;
    }

    void finish() {
        wipe();
        std::cout << prompt_ << (is_secret_ ? "" : program::harmless(typed_)) << std::endl;
        lines_.push_back(typed_);
        typed_.clear();
    }

    static std::size_t columns() {
        winsize size{};
        const bool is_known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20;
        return is_known ? size.ws_col : 80;
    }

    /// No more than `most` columns; every character that may be two columns wide counts as two.
    static std::string_view end_of(std::string_view text, std::size_t most) {
        const auto width_of = [](const program::character& one) {
            return one.code < 0x1100 ? 1U : 2U;
        };
        std::size_t width = 0;
        for (std::string_view rest = text; !rest.empty();) {
            const program::character next = program::first_of(rest);
            width += width_of(next);
            rest.remove_prefix(next.bytes.size());
        }
        while (width > most) {
            const program::character next = program::first_of(text);
            width -= width_of(next);
            text.remove_prefix(next.bytes.size());
        }
        return text;
    }

    enum class sequence { none, escape, rest };

    raw_terminal terminal_;
    std::size_t longest_;
    std::string prompt_;
    bool is_secret_ = false;
    sequence sequence_ = sequence::none;
    std::string typed_;
    bool has_room_ = true;
    std::deque<std::string> lines_;
};

}  // namespace chat

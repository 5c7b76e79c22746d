// 14_group_chat/line_editor.hpp -- typing one line at a terminal while messages are printed on it.
//
// A terminal usually collects a line, shows it, and does not know what a program prints meanwhile.
// Here it passes on each key at once, and shows nothing by itself. The editor draws the line that
// is being typed, erases it before a message is printed, and draws it again below the message.
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

/// While it lives, the terminal passes on each key at once. A signal first restores the terminal,
/// whatever the program is doing, and then stops the program in order. Only one at a time.
class raw_terminal {
public:
    explicit raw_terminal(trama::stop_signal& stop) {
        ::tcgetattr(STDIN_FILENO, &before_);
        stop_ = &stop;
        for (const int number : signals) {
            if (!is_ignored(number)) catch_signal(number);
        }
        termios raw = before_;
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
        ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
        for (const int number : signals) {
            if (!is_ignored(number)) ::signal(number, SIG_DFL);
        }
    }

private:
    /// True if the program that started this one ignores the signal: then it stays ignored.
    static bool is_ignored(int number) {
        struct sigaction present {};
        ::sigaction(number, nullptr, &present);
        return present.sa_handler == SIG_IGN;
    }

    static void catch_signal(int number) {
        struct sigaction action {};
        action.sa_handler = restore_and_stop;
        action.sa_flags = static_cast<int>(SA_RESETHAND);  // a second signal ends the program
        ::sigaction(number, &action, nullptr);
    }

    static void restore_and_stop(int) {
        const int saved = errno;
        ::tcsetattr(STDIN_FILENO, TCSANOW, &before_);
        stop_->stop();
        errno = saved;
    }

    static constexpr int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
    static inline termios before_{};                    // the settings to restore
    static inline trama::stop_signal* stop_ = nullptr;  // a signal handler has no argument of ours
};

/// The line that is being typed, and the finished lines that were not taken yet.
class line_editor {
public:
    line_editor(trama::stop_signal& stop, std::size_t longest)
        : terminal_(stop), longest_(longest) {}
    ~line_editor() { erase(); }
    line_editor(const line_editor&) = delete;
    line_editor& operator=(const line_editor&) = delete;

    /// Shows `prompt`, and behind it the typed characters unless they are a secret.
    void set_prompt(const char* prompt, bool is_secret) {
        prompt_ = prompt;
        is_secret_ = is_secret;
        draw();
    }

    /// Removes the line from the screen, before something else is printed.
    void erase() const { std::cout << "\r\x1b[K" << std::flush; }

    /// Shows the line: as much of its end as fits into one row.
    void draw() const {
        const std::string text = shown();
        std::cout << "\r\x1b[K" << prompt_ << end_of(text, columns() - 1 - prompt_.size())
                  << std::flush;
    }

    /// Adds what came from the keyboard. Returns false after Ctrl-D on an empty line.
    bool add(std::string_view keys) {
        for (const char key : keys) {
            if (key == '\x04' && typed_.empty()) return false;
            add(key);
        }
        draw();
        return true;
    }

    /// Takes the next finished line. Returns false if there is none.
    bool next_line(std::string& line) {
        if (lines_.empty()) return false;
        line = lines_.front();
        lines_.pop_front();
        return true;
    }

private:
    enum class sequence { none, escape, parameters };

    void add(char key) {
        const bool is_part = sequence_ != sequence::none;
        follow_sequence(key);
        if (is_part || sequence_ != sequence::none) return;
        switch (key) {
            case '\n': return finish_line();
            case '\b':
            case '\x7F': return remove_last();
            case '\x15': return typed_.clear();  // Ctrl-U
            default:
                if (!is_control(key)) insert(key);
        }
    }

    /// An arrow key sends ESC [ A. Such a sequence ends with its first letter or ~.
    void follow_sequence(char key) {
        if (key == '\x1b') {
            sequence_ = sequence::escape;
        } else if (sequence_ == sequence::escape && (key == '[' || key == 'O')) {
            sequence_ = sequence::parameters;
        } else if (sequence_ == sequence::escape || (key >= '@' && key <= '~')) {
            sequence_ = sequence::none;
        }
    }

    static bool is_control(char key) { return static_cast<unsigned char>(key) < ' '; }

    /// True for the second and each further byte of a character in UTF-8: 10xxxxxx in binary.
    static bool is_continuation(char byte) {
        return (static_cast<unsigned char>(byte) & 0xC0u) == 0x80;
    }

    /// Drops a whole character if it might not fit.
    void insert(char byte) {
        if (!is_continuation(byte)) has_room_ = typed_.size() + 4 <= longest_;
        if (has_room_ && typed_.size() < longest_) typed_ += byte;
    }

    /// Removes one character, which may be several bytes.
    void remove_last() {
        while (!typed_.empty() && is_continuation(typed_.back())) typed_.pop_back();
        if (!typed_.empty()) typed_.pop_back();
    }

    void finish_line() {
        erase();
        std::cout << prompt_ << shown() << std::endl;
        lines_.push_back(typed_);
        typed_.clear();
    }

    std::string shown() const { return is_secret_ ? std::string() : program::harmless(typed_); }

    static std::size_t columns() {
        winsize size{};
        const bool is_known = ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 20;
        return is_known ? size.ws_col : 80;
    }

    /// Returns the columns of a character; 2 for every one that may be wide.
    static std::size_t width_of(const program::character& one) { return one.code < 0x1100 ? 1 : 2; }

    static std::size_t width_of(std::string_view text) {
        std::size_t width = 0;
        while (!text.empty()) {
            const program::character next = program::first_of(text);
            width += width_of(next);
            text.remove_prefix(next.bytes.size());
        }
        return width;
    }

    /// Returns the end of `text` that fits into `most` columns.
    static std::string_view end_of(std::string_view text, std::size_t most) {
        std::size_t width = width_of(text);
        while (width > most) {
            const program::character next = program::first_of(text);
            width -= width_of(next);
            text.remove_prefix(next.bytes.size());
        }
        return text;
    }

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

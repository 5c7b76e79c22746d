// examples/tools/check_words.hpp -- every sentence of check, in English and in Spanish.
//
// A sentence is a pair of texts. {1}, {2} and {3} are places that fill() puts values into, so that
// each language can have its own order of words.
#pragma once

#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

namespace check {

enum class language { english, spanish };

/// The language of this run.
inline language chosen_language = language::english;

struct words {
    const char* english = "";
    const char* spanish = "";

    bool is_empty() const { return *english == '\0'; }
};

/// The text in the language of this run.
inline std::string text(const words& sentence) {
    return chosen_language == language::spanish ? sentence.spanish : sentence.english;
}

inline void replace_all(std::string& text, const std::string& from, const std::string& to) {
    std::size_t at = text.find(from);
    while (at != std::string::npos) {
        text.replace(at, from.size(), to);
        at = text.find(from, at + to.size());
    }
}

/// The text with values in the places {1}, {2} and so on.
inline std::string fill(const words& sentence, const std::vector<std::string>& values) {
    std::string filled = text(sentence);
    for (std::size_t i = 0; i < values.size(); ++i) {
        replace_all(filled, '{' + std::to_string(i + 1) + '}', values[i]);
    }
    return filled;
}

/// The language that the environment names: LC_ALL before LANG. man 7 locale
inline language language_of_environment() {
    for (const char* name : {"LC_ALL", "LANG"}) {
        const char* value = std::getenv(name);
        if (value == nullptr || *value == '\0') continue;
        return std::string(value).rfind("es", 0) == 0 ? language::spanish : language::english;
    }
    return language::english;
}

/// How many columns a text in UTF-8 takes; a byte that continues a character takes none.
inline std::size_t columns(const std::string& text) {
    std::size_t count = 0;
    for (const char byte : text) {
        if ((static_cast<unsigned char>(byte) & 0xC0U) != 0x80U) ++count;
    }
    return count;
}

/// The text with spaces behind it, up to `width` columns.
inline std::string padded(const std::string& text, std::size_t width) {
    const std::size_t size = columns(text);
    return size < width ? text + std::string(width - size, ' ') : text;
}

}  // namespace check

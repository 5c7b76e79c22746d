// examples/tools/check_report.hpp -- the results: for people line by line, for programs as JSON.
//
//     {"name": "echo-server", "status": "fail", "message": "...", "output": "...", "tests": [
//       {"name": "line", "status": "pass", "message": "", "output": "..."}, ...]}
//
// One run is one object on one line: RFC 8259.
#pragma once

#include "check_run.hpp"

#include <iostream>
#include <string>
#include <string_view>
#include <vector>

namespace check {

inline const char* name_of(status outcome) {
    if (outcome == status::pass) return "pass";
    return outcome == status::fail ? "fail" : "skip";
}

/// `text` as a string of JSON. It is UTF-8 already: bytes of the network have been escaped.
inline std::string json_string(std::string_view text) {
    std::string quoted = "\"";
    for (const char byte : text) {
        if (byte == '"' || byte == '\\') {
            quoted += '\\';
            quoted += byte;
        } else if (byte == '\n') {
            quoted += "\\n";
        } else if (static_cast<unsigned char>(byte) < 0x20) {
            quoted += ' ';
        } else {
            quoted += byte;
        }
    }
    return quoted + '"';
}

inline std::string json_members(const std::string& name, status outcome, const std::string& message,
                                const std::string& output) {
    return "\"name\": " + json_string(name) + ", \"status\": \"" + name_of(outcome) +
           "\", \"message\": " + json_string(message) + ", \"output\": " + json_string(output);
}

class report {
public:
    report(const exercise& of, bool as_json) : exercise_(of), as_json_(as_json) {}

    void add(const result& one) {
        results_.push_back(one);
        if (!as_json_) print(one);
    }

    bool has_failed() const { return count(status::fail) > 0; }

    /// The last line, or the object of JSON.
    void finish() const {
        if (as_json_) {
            print_json();
        } else {
            print_summary();
        }
    }

private:
    std::size_t count(status outcome) const {
        std::size_t sum = 0;
        for (const result& each : results_) {
            if (each.outcome == outcome) ++sum;
        }
        return sum;
    }

    static void print(const result& one) {
        const words marks[] = {{"ok", "bien"}, {"FAILED", "FALLA"}, {"skipped", "omitida"}};
        const std::string mark = text(marks[static_cast<std::size_t>(one.outcome)]);
        std::cout << padded(mark, 9) << padded(one.name, 26) << ' ' << one.title << std::endl;
        if (one.outcome == status::pass) return;
        std::cout << one.message;
        if (one.outcome == status::fail && !one.output.empty())
            std::cout << "    " << text({"The program wrote:", "El programa escribió:"}) << '\n'
                      << one.output;
        std::cout << std::flush;
    }

    std::string summary() const {
        const std::vector<std::string> numbers{std::to_string(count(status::pass)),
                                               std::to_string(count(status::fail)),
                                               std::to_string(count(status::skip))};
        return fill({"{1} passed, {2} failed, {3} skipped", "{1} bien, {2} mal, {3} omitidas"},
                    numbers);
    }

    void print_summary() const { std::cout << exercise_.name << ": " << summary() << std::endl; }

    const result* first_failure() const {
        for (const result& each : results_) {
            if (each.outcome == status::fail) return &each;
        }
        return nullptr;
    }

    void print_json() const {
        const result* failed = first_failure();
        std::cout << '{'
                  << json_members(exercise_.name, failed ? status::fail : status::pass,
                                  failed ? failed->message : summary(),
                                  failed ? failed->output : "")
                  << ", \"tests\": [";
        const char* comma = "";
        for (const result& each : results_) {
            std::cout << comma << '{'
                      << json_members(each.name, each.outcome, each.message, each.output) << '}';
            comma = ", ";
        }
        std::cout << "]}" << std::endl;
    }

    const exercise& exercise_;
    bool as_json_;
    std::vector<result> results_;
};

}  // namespace check

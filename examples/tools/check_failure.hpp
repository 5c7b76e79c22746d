// examples/tools/check_failure.hpp -- what a test has found, before it is told as a story.
#pragma once

#include "check_words.hpp"

#include <cstddef>
#include <string>

namespace check {

enum class fault {
    wrong_bytes,      ///< something else came
    nothing_came,     ///< nothing came in time
    too_few,          ///< a part came, and then nothing more
    ended_early,      ///< the program closed before it had sent all
    was_reset,        ///< the program closed, and threw away what it had not read
    too_many,         ///< something came where nothing was expected
    not_closed,       ///< the connection stayed open
    closed_too_soon,  ///< the connection was closed, and should not have been
    not_taken,        ///< the program did not take what was sent
    program_ended,    ///< the program under test has ended
    not_listening,    ///< nothing accepts connections
    no_connection,    ///< the client under test did not connect
    not_printed,
    wrong_exit,
    still_running,
    wrong_file,
    uses_processor  ///< it uses the processor, and has nothing to do
};

/// Thrown by a step that did not happen as it should.
struct failure {
    fault what;
    int peer = 0;
    std::string expected = {};
    std::string received = {};
    std::string detail = {};
    bool is_search = false;  ///< `expected` may stand anywhere in what was received
    words cause = {};        ///< more precise than the cause of the step
};

/// The place of the first byte that differs.
inline std::size_t first_difference(const std::string& expected, const std::string& received) {
    std::size_t place = 0;
    while (place < expected.size() && place < received.size() &&
           expected[place] == received[place]) {
        ++place;
    }
    return place;
}

}  // namespace check

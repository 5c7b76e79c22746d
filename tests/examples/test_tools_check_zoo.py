#!/usr/bin/env python3
"""examples/tools/check finds the error of each program of examples/21_check/zoo, and its cause."""
import unittest

import programs
from check_programs import PYTHON, ZOO, CheckCase

# The exercise, the wrong program with its words, the test that finds it, and words of the cause.
ZOO_SERVERS = [
    ("echo-server", "no_reuse_address {port}", "restart", "SO_REUSEADDR"),
    ("echo-server", "dies_of_sigpipe {port}", "gone", "SIGPIPE"),
    ("echo-server", "spins_at_the_end {port}", "line", "loops without waiting"),
    ("echo-server", "text_buffer {port}", "any-bytes", "changes the bytes"),
    ("echo-server", "forgets_to_close.py {port}", "line", "forgets to close"),
    ("echo-server", "answers_twice.py {port}", "line", "same answer twice"),
    ("echo-server", "ends_with_its_client.py {port}", "reset", "an error of one client ended all"),
    ("turns-server", "accepts_once.py {port}", "waiting", "does not come back to accept"),
    ("short-visit-server", "waits_for_ever.py {port}", "silent", "without a limit", "--idle", "1"),
    ("framed-server", "one_recv.py {port}", "one/bytes", "one recv for one message"),
    ("framed-server", "atoi_length {port}", "letter-in-header", "atoi"),
    ("framed-server", "believes_a_length {port}", "truncated", "believes a length"),
    ("framed-server", "counts_letters.py {port}", "letters", "letters and not bytes"),
    ("select-server", "loses_the_rest {port}", "large", "loses what send did not take"),
    ("select-server", "one_at_a_time.py {port}", "several", "one client at a time"),
    ("select-server", "blocks_on_a_slow_reader.py {port}", "never-reads", "blocks the program"),
    ("idle-server", "one_time_out.py {port} 1", "own-deadline", "One time-out serves all",
     "--idle", "1"),
    ("chat-lines", "tells_the_speaker.py {port}", "said", "all members but its sender"),
    ("copy-frame-server", "stores_half_a_file.py {port} {file}", "truncated", "Half a file"),
    ("store-server", "allocates_a_length.py {port} {dir}", "huge-length", "takes memory for it"),
]
ZOO_CLIENTS = [
    ("web-client", "lines_of_lf.py {host} {port}", "page", "CR LF"),
    ("copy-lines-client", "loses_line_feeds.py {host} {port} {file}", "lines",
     "cuts off the line feed"),
    ("echo-client", "client_of_one_recv.py {host} {port}", "line/bytes",
     "one recv for one message"),
    ("framed-client", "client_that_believes.py {host} {port}", "bad-header",
     "takes an answer that is no message"),
    ("two-sends", "counts_the_zero {port}", "nine-bytes", "the byte 0"),
]


class Wrong(CheckCase):
    @staticmethod
    def zoo(words):
        """The command that starts a member of the zoo."""
        name = words.split(" ")[0]
        if name.endswith(".py"):
            return "%s %s/%s" % (PYTHON, ZOO, words)
        return programs.example("21_check/zoo/" + name) + words[len(name):]

    def test_each_server_of_the_zoo_is_caught_with_its_cause(self):
        def body(exercise, words, test, cause, *more):
            self.assert_caught(exercise, "--cmd", self.zoo(words), test, cause, *more)

        self.each(ZOO_SERVERS, body)

    def test_each_client_of_the_zoo_is_caught_with_its_cause(self):
        def body(exercise, words, test, cause, *more):
            self.assert_caught(exercise, "--client", self.zoo(words), test, cause, *more)

        self.each(ZOO_CLIENTS, body)

    def test_every_program_of_the_zoo_is_in_this_test(self):
        named = {row[1].split(" ")[0].split(".")[0] for row in ZOO_SERVERS + ZOO_CLIENTS}
        self.assertEqual({each.stem for each in ZOO.iterdir() if each.suffix in (".cpp", ".py")},
                         named)


if __name__ == "__main__":
    unittest.main()

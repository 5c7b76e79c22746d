#!/usr/bin/env python3
"""The manners that every program of the examples has; and tests of the harness itself, programs.py,
with cat and sh as the programs.

Run: python3 tests/examples/test_programs.py
"""
import errno
import re
import shlex
import signal
import socket
import unittest
from unittest import mock

import programs

SH = "/bin/sh"
CAT = "/bin/cat"


class Waiting(programs.TestCase):
    def test_a_line_is_found_only_when_it_is_whole(self):
        program = self.start(SH, "-c", "printf 'port 12'; read x; echo 34")
        program.wait_for_text("port 12")
        program.send_line("go on")
        again = self.start(SH, "-c", "printf 'port 12'; read x; echo 34")
        again.send_line("go on")
        self.assertEqual(again.wait_for_line(r"port (\d+)").group(1), "1234")

    def test_each_wait_goes_on_behind_the_one_before(self):
        program = self.start(SH, "-c", "echo a 1; echo b 2; echo a 3")
        self.assertEqual(program.wait_for_line(r"a (\d)").group(1), "1")
        self.assertEqual(program.wait_for_line(r"a (\d)").group(1), "3")

    def test_text_behind_any_bytes_is_found(self):
        program = self.start(SH, "-c", r"printf '\303x\377\303\261y\nhola adios'")
        program.wait_for_text("y$")
        self.assertEqual(program.wait_for_text("(.*) adios").group(1), "hola")

    def test_a_last_line_without_a_line_feed_is_a_line(self):
        self.start(SH, "-c", "printf end").wait_for_line("^end$")

    def test_stdout_and_stderr_are_apart(self):
        program = self.run_to_end(SH, "-c", "echo data; echo talk >&2")
        self.assertEqual((program.stdout, program.stderr), ("data\n", "talk\n"))

    def test_what_never_comes_fails_at_once_when_the_program_ends_and_shows_what_it_said(self):
        program = self.start(SH, "-c", "echo data; echo talk >&2; exit 3")
        with self.assertRaises(AssertionError) as caught:
            program.wait_for_line("nothing like this")
        for part in ("/nothing like this/", "never came", "data", "talk", "/bin/sh -c"):
            self.assertIn(part, str(caught.exception))

    def test_what_does_not_come_in_time_fails(self):
        program = self.start(CAT)
        with self.assertRaisesRegex(AssertionError, "did not come within 0.01 s"):
            program.wait_for_line("anything", limit=0.01)
        with self.assertRaisesRegex(AssertionError, "did not end within 0.01 s"):
            program.wait_exit(limit=0.01)


class Ending(programs.TestCase):
    def test_end_of_file_ends_it(self):
        program = self.start(CAT)
        program.send(b"\x00\xff")
        program.close_stdin()
        self.assertEqual(program.wait_exit(), 0)
        self.assertEqual(program.stdout_bytes, b"\x00\xff")

    def test_a_signal_is_told_as_a_negative_exit_code(self):
        program = self.start(CAT)
        program.terminate()
        self.assertEqual(program.wait_exit(), -signal.SIGTERM)

    def test_close_ends_what_still_runs(self):
        with programs.Program(CAT) as program:
            self.assertTrue(program.running())
        self.assertEqual(program.process.returncode, -signal.SIGKILL)

    def test_a_program_that_is_not_built_says_so(self):
        with self.assertRaisesRegex(AssertionError, "TRAMA_BUILD"):
            programs.example("99_nowhere/nothing")


class Needs(programs.TestCase):
    def test_without_terminals_a_test_is_skipped_and_says_why(self):
        for number in (errno.ENODEV, errno.ENOENT):
            with mock.patch("os.openpty", side_effect=OSError(number, "no")):
                with self.assertRaisesRegex(unittest.SkipTest, "/dev/pts"):
                    self.start(CAT, terminal=["stdin"])
                self.assertEqual(self.run_to_end(CAT, stdin="hola").stdout, "hola")

    def test_another_error_of_a_terminal_is_no_reason_to_skip(self):
        with mock.patch("os.openpty", side_effect=OSError(errno.EMFILE, "too many")):
            with self.assertRaisesRegex(OSError, "too many"):
                self.start(CAT, terminal=["stdin"])


class Sockets(programs.TestCase):
    def test_a_peer_in_the_background_hands_over_its_result_and_its_error(self):
        def receive():
            with programs.accept(listener) as connection:
                return programs.recv_all(connection)

        listener = self.listener()
        peer = self.in_background(receive)
        with programs.connect(programs.port_of(listener)) as connection:
            connection.sendall(b"hola")
        self.assertEqual(peer.result(), b"hola")
        with self.assertRaises(ZeroDivisionError):
            self.in_background(lambda: 1 // 0).result()

    def test_reset_is_a_reset(self):
        listener = self.listener()
        with programs.connect(programs.port_of(listener)) as connection:
            programs.reset(programs.accept(listener))
            with self.assertRaises(ConnectionResetError):
                connection.recv(1)

    def test_recv_exactly_stops_at_the_end_of_the_stream(self):
        left, right = socket.socketpair()
        with left, right:
            left.sendall(b"hola")
            left.shutdown(socket.SHUT_WR)
            self.assertEqual(programs.recv_exactly(right, 3), b"hol")
            self.assertEqual(programs.recv_exactly(right, 3), b"a")


class Manners(programs.TestCase):
    """Of every program that has program::run."""

    OPTION = re.compile(r"""[{(]'(?P<letter>.)',\s*"(?P<name>[\w-]+)",\s*
                            (?:"(?P<value_name>[^"]+)",\s*(?:"(?P<default>[^"]*)"|\w))?""", re.VERBOSE)
    @staticmethod
    def sources():
        """(path of the program, its source), for all of them."""
        folder = programs.ROOT / "examples"
        for source in sorted(folder.rglob("*.cpp")):
            text = source.read_text()
            if "program::run(" in text:
                yield str(source.relative_to(folder).with_suffix("")), text

    def each(self, check):
        count = 0
        for path, source in self.sources():
            with self.subTest(path):
                check(path, source)
                count += 1
        self.assertGreater(count, 40)

    def help_of(self, path):
        program = self.run_to_end(path, "--help")
        self.assertEqual((program.code, program.stderr), (0, ""), program.story("--help"))
        return program.stdout

    @staticmethod
    def shown_options(text):
        """The options that --help shows: {name: (letter, value name, text)}."""
        shown = re.findall(r"(?m)^  -(.), --([\w-]+)(?: ([A-Z:]+))?  +(\S.*)$", text)
        return {name: (letter, value, rest) for letter, name, value, rest in shown}

    def test_help_shows_examples_the_usage_and_every_option_in_at_most_100_columns(self):
        def check(path, _):
            self.assert_help(path)
            text = self.help_of(path)
            self.assertLessEqual(max(map(len, text.splitlines())), 100, text)
            self.assertNotRegex(text, r"(?m) $")
            self.assertLessEqual({"quiet", "verbose", "help"}, self.shown_options(text).keys())

        self.each(check)

    def test_every_option_in_the_table_of_a_program_is_in_its_help_with_its_default(self):
        def check(path, source):
            shown = self.shown_options(self.help_of(path))
            call = source[source.index("program::run("):]
            for option in self.OPTION.finditer(call):
                letter, value_name, text = shown[option["name"]]
                self.assertEqual(letter, option["letter"])
                self.assertEqual(value_name, option["value_name"] or "")
                if option["default"]:
                    self.assertTrue(text.endswith("(default: %s)" % option["default"]), text)
            for name, default in re.findall(r"program::\w*?(host|address|port)_option\((.*?)\)",
                                            call):
                default = default or ("5000" if name == "port" else
                                      "localhost" if name == "host" else "0.0.0.0")
                text = shown["port" if name == "port" else "host"][2]
                self.assertRegex(text, r"\(default: \S+\)$")
                if "::" not in default:
                    self.assertIn("(default: %s)" % default.strip('"'), text)

        self.each(check)

    def examples(self, path):
        """The command lines of its --help that start this program, as lists of words."""
        name = path.split("/")[-1]
        for line in self.help_of(path).split("\nUsage: ")[0].splitlines():
            command = re.split(r"(?<=\S)  +", line.strip())[0]
            found = re.search(r"(?:^|\| |TRAMA_TRACE=1 )" + re.escape(name) + r"(?![\w-])", command)
            if line.startswith("  ") and found:
                words = shlex.split(command[found.end():])
                yield words[:next((i for i, word in enumerate(words) if word in "<>|"), None)]

    def test_the_examples_of_the_help_are_command_lines_that_the_program_accepts(self):
        def check(path, _):
            examples = list(self.examples(path))
            self.assertTrue(examples, "--help shows no example that begins with the program")
            for words in examples:
                end = words.index("--") if "--" in words else len(words)  # then a command follows
                program = self.run_to_end(path, *words[:end], "--help", *words[end:])
                self.assertEqual((program.code, program.stderr), (0, ""), program.story(words))

        self.each(check)

    def test_an_empty_value_is_called_empty(self):
        def check(path, _):
            for name, (letter, value_name, _) in self.shown_options(self.help_of(path)).items():
                for words in (["--" + name, ""], ["--%s=" % name], ["-" + letter, ""]):
                    if value_name:
                        self.assert_usage_error(path, *words, says="value of --%s is empty" % name)

        self.each(check)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""examples/tools/check: its story in two languages, its command line, and that nothing is left."""
import json
import os
import signal
import time
import unittest

import programs
from check_programs import CHECK, PYTHON, ZOO, CheckCase

SERVER = "-q -H 127.0.0.1 -p {port}"


class Story(CheckCase):
    SHOUTS = """
        import socket, sys
        listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
        while True:
            client, _ = listener.accept()
            for data in iter(lambda: client.recv(1024), b""):
                client.sendall(data.replace(b"l", b"L"))
    """

    def story(self, *words, env=None):
        program = self.check("echo-server", "--cmd", self.script(self.SHOUTS) + " {port}", *words,
                             env=env)
        self.assertEqual(program.code, 1, program.story("it must fail"))
        return program

    def test_the_caret_stands_under_the_first_wrong_byte(self):
        lines = self.story().stdout.splitlines()
        came = next(i for i, line in enumerate(lines) if line.lstrip().startswith("received"))
        self.assertEqual(lines[came].index("L"), lines[came + 1].index("^"))
        self.assertIn('byte 2: "l" was expected, "L" came', lines[came + 1])

    def test_it_says_what_was_sent_how_it_was_cut_and_where_to_read(self):
        story = self.story().stdout
        for part in ('client 1 sends              "hola\\n"', "nothing is cut", "Likely cause:",
                     "docs/03_echo_server.md", "echo-server: 0 passed, 1 failed"):
            self.assertIn(part, story)

    def test_it_stops_at_the_first_failure_and_goes_on_with_all(self):
        self.assertEqual(self.story().stdout.count("FAILED"), 1)
        self.assertGreater(self.story("--all").stdout.count("FAILED"), 1)

    def test_lang_es_tells_it_in_spanish(self):
        story = self.story("--lang", "es").stdout
        for part in ("FALLA", "el cliente 1 envía", "se esperaba", "Causa probable:"):
            self.assertIn(part, story)
        self.assertNotIn("expected", story)

    def test_the_environment_chooses_the_language_and_lc_all_comes_first(self):
        spanish = {"LC_ALL": "es_ES.UTF-8", "LANG": "C"}
        self.assertIn("Causa probable", self.story(env=spanish).stdout)
        english = {"LC_ALL": "C.UTF-8", "LANG": "es_ES.UTF-8"}
        self.assertIn("Likely cause", self.story(env=english).stdout)
        self.assertIn("Likely cause", self.story("--lang", "en", env=spanish).stdout)

    def test_the_seed_of_random_pieces_is_printed_and_gives_the_same_pieces(self):
        self.assertRegex(self.story().stderr, r"(?m)^seed \d+$")
        command = "%s %s/one_recv.py {port}" % (PYTHON, ZOO)
        runs = [self.results("framed-server", "--cmd", command, "--seed", "7", "--all")[1]
                for _ in range(2)]
        stories = [{each["name"]: each["status"] for each in run["tests"]} for run in runs]
        self.assertEqual(*stories)
        random = next(each for each in runs[0]["tests"] if each["name"] == "one/random")
        self.assertIn("--seed 7", random["message"])

    def test_json_is_one_object_with_name_status_message_and_output(self):
        program = self.story("--json")
        self.assertEqual(len(program.stdout.splitlines()), 1)
        found = json.loads(program.stdout)
        keys = {"name", "status", "message", "output"}
        self.assertEqual(set(found), keys | {"tests"})
        self.assertEqual(set(found["tests"][0]), keys)
        self.assertEqual((found["name"], found["status"]), ("echo-server", "fail"))

    def test_what_the_program_has_written_is_shown_harmless(self):
        command = r"""printf 'bad \033[2J news\nsay "\\n"\n' >&2; exit 3"""
        program = self.check("echo-server", "--cmd", command + " # {port}")
        self.assertEqual(program.code, 1)
        self.assertIn("bad \\x1b[2J news", program.stdout)
        self.assertIn('say "\\n"\n', program.stdout)  # as it was printed, and not escaped twice
        self.assertIn("exit code 3", program.stdout)


class Running(CheckCase):
    def test_a_server_that_runs_already_is_tested_with_connect(self):
        server = self.server("03_echo_server/echo_server")
        code, found = self.results("echo-server", "--connect", "127.0.0.1:%d" % server.port)
        self.assertEqual((code, found["status"]), (0, "pass"), found["message"])
        skipped = [each["name"] for each in found["tests"] if each["status"] == "skip"]
        self.assertEqual(skipped, ["restart"])
        self.assertTrue(server.running())

    def test_a_server_that_never_listens_costs_a_bounded_time(self):
        begin = time.monotonic()
        self.assert_caught("echo-server", "--cmd", "sleep 1000 # {port}", "line",
                           "Nothing listens")
        self.assertLess(time.monotonic() - begin, programs.LIMIT)

    def test_with_all_a_server_that_is_never_reached_is_started_once(self):
        _, found = self.results("echo-server", "--cmd", "./no-such-program {port}", "--all")
        self.assertEqual([each["name"] for each in found["tests"]], ["line"])

    def test_a_host_without_an_address_is_named_before_any_test(self):
        program = self.check("echo-server", "--connect", "no-such-host.invalid:5000")
        self.assertEqual((program.code, program.stdout), (1, ""))
        self.assertIn("resolve no-such-host.invalid:5000: ", program.stderr)

    def test_a_client_that_never_connects_costs_a_bounded_time(self):
        self.assert_caught("two-sends", "--client", "sleep 1000 # {port}", "nine-bytes",
                           "did not connect")

    def test_a_server_that_hangs_after_it_has_received_costs_a_bounded_time(self):
        command = self.script("""
            import socket, sys
            listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
            client, _ = listener.accept()
            client.recv(1000)
            listener.accept()
        """)
        self.assert_caught("echo-server", "--cmd", command + " {port}", "line",
                           "waits for more than has come")

    def test_a_program_that_prints_and_sends_without_end_costs_a_bounded_time(self):
        command = self.script("""
            import socket, sys
            listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
            client, _ = listener.accept()
            while True:
                print("x" * 1000)
                client.sendall(b"hola\\n" * 1000)
        """)
        self.assert_caught("echo-server", "--cmd", command + " {port}", "line",
                           "same answer twice")

    def test_a_command_that_does_not_exist_is_called_so(self):
        self.assert_caught("echo-server", "--cmd", "./no-such-program {port}", "line",
                           "cannot run this command")

    def test_a_server_that_others_have_started_cannot_show_its_files(self):
        self.assert_usage_error(CHECK, "copy-lines-server", "--connect", "127.0.0.1:1",
                                says="no test is left to run")

    @staticmethod
    def is_alive(number):
        try:
            os.kill(number, 0)
            return True
        except ProcessLookupError:
            return False

    def leaves_nothing(self, command, numbers):
        self.check("echo-server", "--cmd", command + " # {port}", "-q")
        started = [int(line) for line in numbers.read_text().split()]
        self.assertGreater(len(started), 0)
        self.assertFalse([each for each in started if self.is_alive(each)])

    def test_children_of_the_program_are_ended_with_it(self):
        numbers = self.folder() / "numbers"
        self.leaves_nothing("sleep 1000 & echo $! >>%s; wait" % numbers, numbers)

    def test_a_child_in_a_session_of_its_own_is_ended_too(self):
        numbers = self.folder() / "numbers"
        inner = "echo \\$\\$ >>%s; exec sleep 1000" % numbers
        self.leaves_nothing('setsid sh -c "%s" & wait' % inner, numbers)

    def test_a_program_that_ignores_sigterm_is_ended(self):
        numbers = self.folder() / "numbers"
        self.leaves_nothing("trap '' TERM; echo $$ >>%s; sleep 1000" % numbers, numbers)

    def test_ctrl_c_ends_check_and_the_program(self):
        numbers = self.folder() / "numbers"
        program = self.start(CHECK, "echo-server", "--cmd",
                             "echo $$ >>%s; sleep 1000 # {port}" % numbers)
        end = time.monotonic() + programs.LIMIT
        while not numbers.exists() or not numbers.read_text().strip():
            self.assertLess(time.monotonic(), end, "the program never started")
        program.signal(signal.SIGINT)
        self.assertEqual(program.wait_exit(), 1, program.story("not all has passed"))
        self.assertFalse(self.is_alive(int(numbers.read_text())))

    def test_dir_is_a_folder_that_is_removed_at_the_end(self):
        place = self.folder() / "place"
        self.check("echo-server", "--cmd", "echo {dir} >%s; touch {dir}/a; exit # {port}" % place)
        self.assertFalse(os.path.exists(place.read_text().strip()))

    def test_a_fixed_port_needs_no_place_in_the_command(self):
        port = programs.refusing_port()
        command = "%s -q -H 127.0.0.1 -p %d" % (programs.example("03_echo_server/echo_server"),
                                                port)
        self.assert_passes("turns-server", "--cmd", command, "--port", str(port))


class CommandLine(CheckCase):
    def test_list_shows_each_exercise_how_to_start_it_and_its_chapter(self):
        shown = self.check("list")
        self.assertEqual((shown.code, shown.stderr), (0, ""))
        rows = [line.split() for line in shown.stdout.splitlines()]
        for row in (["03", "echo-server", "--cmd"], ["08", "framed-client", "--client"]):
            self.assertIn(row, [each[:3] for each in rows])
        for row in rows:
            self.assertEqual(len(list((programs.ROOT / "docs").glob(row[0] + "_*.md"))), 1, row)

    def test_list_is_in_spanish_too(self):
        self.assertIn("devuelve lo que recibe", self.check("list", "--lang", "es").stdout)

    def test_usage_errors(self):
        command = ["--cmd", "x {port}"]
        for words, says in [
                ((), "give an exercise"),
                (("swim-server", *command), "there is no exercise"),
                (("echo-server",), "needs --cmd"),
                (("echo-server", "--client", "x {port}"), "needs --cmd"),
                (("echo-client", *command), "needs --client"),
                (("echo-client", "--connect", "a:1"), "needs --client"),
                (("echo-server", "--cmd", "x"), "has no {port}"),
                (("echo-server", "--connect", "here"), "HOST:PORT"),
                (("echo-server", *command, "--connect", "a:1"), "not both"),
                (("echo-server", *command, "--lang", "fr"), "en or es"),
                (("echo-server", *command, "--skip", "none"), "has no test"),
                (("echo-server", *command, "--idle", "0"), "from 1 to 600"),
                (("echo-server", "two", *command), "unexpected word")]:
            with self.subTest(words):
                self.assert_usage_error(CHECK, *words, says=says)


if __name__ == "__main__":
    unittest.main()

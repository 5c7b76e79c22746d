#!/usr/bin/env python3
"""examples/tools/check: right programs pass, wrong ones fail with their cause, nothing is left."""
import concurrent.futures
import json
import os
import signal
import sys
import tempfile
import textwrap
import time
import unittest
from pathlib import Path

import programs

CHECK = "tools/check"
PYTHON = sys.executable + " -I -S"  # starts in half the time
HERE = Path(__file__).resolve().parent
ZOO = programs.ROOT / "examples/21_check/zoo"
LIMIT = 150.0  # seconds for one exercise, on a busy machine, under a sanitizer

SERVER = "-q -H 127.0.0.1 -p {port}"
CLIENT = "-q -H {host} -p {port}"

# The exercise, and the program of the course with its words. A word of check may follow.
SERVERS = [
    ("echo-server", "03_echo_server/echo_server", SERVER),
    ("echo-server", "03_echo_server/first_echo_server", "{port}", "--skip", "dot"),
    ("turns-server", "03_echo_server/echo_server", SERVER),
    ("turns-server", "03_echo_server/first_echo_server", "{port}"),
    ("short-visit-server", "04_short_visits/short_visit_server", SERVER + " --idle 1", "--idle",
     "1"),
    ("short-visit-server", "04_short_visits/first_short_visits", "{port}"),
    ("framed-server", "08_frames/framed_echo_server", SERVER),
    ("framed-server", "08_frames/first_framed_server", "{port}"),
    ("framed-server", "12_select/framed_echo_server", SERVER),
    ("select-server", "12_select/select_echo_server", SERVER),
    ("select-server", "12_select/select_echo_server", SERVER + " --backend epoll"),
    ("select-server", "12_select/first_select_server", "{port}"),
    ("select-server", "11_threads/thread_echo_server", SERVER),
    ("select-server", "11_threads/fork_echo_server", SERVER),
    ("idle-server", "13_idle_clients/idle_echo_server", SERVER + " --idle 1", "--idle", "1"),
    ("idle-server", "13_idle_clients/first_idle_server", "{port}"),
    ("chat-lines", "14_group_chat/chat_server", SERVER + " --lines"),
    # It says in its first lines that it has no names.
    ("chat-lines", "14_group_chat/first_chat_server", "{port}", "--skip", "entered,prefix,offline"),
    ("chat-framed", "14_group_chat/chat_server", SERVER),
    ("copy-lines-server", "15_remote_copy/copy_lines_server", SERVER + " {file}"),
    ("copy-frame-server", "15_remote_copy/copy_frame_server", SERVER + " {file}"),
    ("store-server", "16_file_store/start-server", SERVER + " -s {dir}"),
    ("hftp-server", "17_hftp/hftp_server", "-q -a 127.0.0.1 -p {port} -d {dir}"),
    ("collector-server", "18_collector/collector_server", SERVER + " -d {dir}"),
]
CLIENTS = [
    ("echo-client", "02_echo_client/echo_client", CLIENT),
    ("echo-client", "02_echo_client/first_echo_client", "{host} {port}"),
    ("two-sends", "07_no_messages/two_sends", CLIENT),
    ("framed-client", "08_frames/framed_echo_client", CLIENT),
    ("framed-client", "08_frames/first_framed_client", "{host} {port}"),
    ("web-client", "01_web_client/web_client", "-q -p {port} {host} /"),
    ("web-client", "01_web_client/first_web_client", "{host} {port}"),
    ("copy-lines-client", "15_remote_copy/copy_lines_client", CLIENT + " {file}"),
    ("copy-frame-client", "15_remote_copy/copy_frame_client", CLIENT + " {file}"),
    ("store-upload", "16_file_store/upload-file", CLIENT + " -s {file} -n nota.txt"),
    ("store-download", "16_file_store/download-file", CLIENT + " -d {file} -n nota.txt"),
    ("store-list", "16_file_store/list-files", "-H {host} -p {port}"),
    ("collector-client", "18_collector/collector_client", CLIENT + " -d {dir}"),
]

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
]
ZOO_CLIENTS = [
    ("echo-client", "client_of_one_recv.py {host} {port}", "line/bytes",
     "one recv for one message"),
    ("framed-client", "client_that_believes.py {host} {port}", "bad-header",
     "takes an answer that is no message"),
    ("two-sends", "counts_the_zero {port}", "nine-bytes", "the byte 0"),
]

# A server of the labs in Python, around a function of lab_*.py that serves one client.
LAB_SERVER = """
    import socket, sys
    sys.path.insert(0, %r)
    import lab_frames, lab_peers
    class Listener:
        def __init__(self, client):
            self.client = client
        def accept(self):
            return self.client, None
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
    while True:
        client, _ = listener.accept()
        with client:
            try:
                %s
            except (OSError, EOFError, ValueError) as error:
                print(repr(error), file=sys.stderr)
"""


def one_line(story):
    """The story with single spaces, so that a sentence can be found over several lines."""
    return " ".join(story.split())


class CheckCase(programs.TestCase):
    def folder(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        return Path(made.name)

    def script(self, text):
        path = self.folder() / "program.py"
        path.write_text(textwrap.dedent(text))
        return "%s %s" % (PYTHON, path)

    def lab_server(self, serve):
        return self.script(LAB_SERVER % (str(HERE), serve))

    def check(self, *words, env=None):
        """Runs check to its end."""
        program = programs.Program(programs.example(CHECK), *words, env=env)
        self.addCleanup(program.close)
        program.close_stdin()
        program.code = program.wait_exit(LIMIT)
        return program

    def results(self, exercise, option, command, *words):
        program = self.check(exercise, option, command, "--json", "-q", *words)
        self.assertIn(program.code, (0, 1), program.story("check"))
        return program.code, json.loads(program.stdout)

    def assert_passes(self, exercise, option, command, *words):
        code, found = self.results(exercise, option, command, *words)
        self.assertEqual((code, found["status"]), (0, "pass"), found["message"])

    def assert_caught(self, exercise, option, command, test, cause, *words):
        """The first failure is this test, with this cause; those before it have passed."""
        code, found = self.results(exercise, option, command, *words)
        self.assertEqual((code, found["status"]), (1, "fail"), found)
        self.assertEqual(found["tests"][-1]["name"], test, found["message"])
        self.assertIn(cause, one_line(found["message"]).split("Likely cause:")[1])
        self.assertEqual({each["status"] for each in found["tests"][:-1]} - {"pass"}, set())

    def each(self, rows, body):
        """Runs `body(*row)` for all rows, two at a time: they wait more than they work."""
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            runs = [(row, pool.submit(body, *row)) for row in rows]
            for row, run in runs:
                with self.subTest(row[:2]):
                    run.result()


class Right(CheckCase):
    def test_each_server_of_the_course_passes_its_exercise(self):
        def body(exercise, path, words, *more):
            self.assert_passes(exercise, "--cmd", programs.example(path) + " " + words, *more)

        self.each(SERVERS, body)

    def test_each_client_of_the_course_passes_its_exercise(self):
        def body(exercise, path, words, *more):
            self.assert_passes(exercise, "--client", programs.example(path) + " " + words, *more)

        self.each(CLIENTS, body)

    def test_the_hftp_client_of_the_course_passes(self):
        client = programs.example("17_hftp/hftp_client")
        self.assert_passes("hftp-client", "--client", "cd {dir} && %s %s" % (client, CLIENT))

    def test_the_echo_server_of_the_lab_in_python_passes(self):
        command = self.lab_server("lab_peers.echo_server(Listener(client), [])")
        self.assert_passes("echo-server", "--cmd", command + " {port}")

    def test_the_framed_server_of_the_lab_with_a_right_readmsg_passes(self):
        command = self.lab_server("lab_frames.echo_server(client)")
        self.assert_passes("framed-server", "--cmd", command + " {port}")


    def test_the_remote_copy_of_the_lab_in_python_passes(self):
        command = "%s %s/lab_copy.py -p {port} %%s {file}" % (sys.executable, HERE)
        self.each([("copy-lines-server", "--cmd", command.replace("%s", "lines-server")),
                   ("copy-frame-server", "--cmd", command.replace("%s", "frame-server")),
                   ("copy-lines-client", "--client", command.replace("%s", "lines-client")),
                   ("copy-frame-client", "--client", command.replace("%s", "frame-client"))],
                  self.assert_passes)

    def test_the_file_store_of_the_lab_in_python_passes(self):
        command = "%s %s/lab_store.py -p {port} " % (sys.executable, HERE)
        self.each([  # it serves any path, as its course left it
                   ("store-server", "--cmd", command + "server {dir}", "--skip", "outside"),
                   ("store-upload", "--client", command + "upload {file} nota.txt"),
                   ("store-download", "--client", command + "download {file} nota.txt"),
                   ("store-list", "--client", command + "list")],
                  self.assert_passes)

    def test_hftp_of_the_lab_in_python_passes(self):
        command = "%s %s/lab_hftp.py -p {port} " % (sys.executable, HERE)
        self.each([("hftp-server", "--cmd", command + "server {dir}"),
                   ("hftp-client", "--client", "cd {dir} && " + command + "get foto.jpg")],
                  self.assert_passes)


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


class Labs(CheckCase):
    """The programs of the labs, with the verdicts that their chapters give."""

    def test_the_five_flaws_of_the_naive_readmsg_are_found_each_with_its_cause(self):
        command = programs.example("08_frames/naive/readmsg_server") + " " + SERVER
        _, found = self.results("framed-server", "--cmd", command, "--all")
        causes = {each["name"]: one_line(each["message"]) for each in found["tests"]
                  if each["status"] == "fail"}
        passed = {each["name"] for each in found["tests"] if each["status"] == "pass"}
        self.assertLessEqual({"one", "two"}, passed)  # at a keyboard it works
        for test, cause in [("one/bytes", "one recv for one message"), ("colon", "byte 6"),
                            ("empty", "empty message"), ("letter-in-header", "atoi")]:
            self.assertIn(cause, causes[test])
        self.assertIn("byte 6", causes["colon/glued"])  # and not the gluing

    def test_the_readmsg_of_the_lab_in_python_fails(self):
        command = self.lab_server(
            "lab_frames.echo_server(client, lab_frames.readmsg_of_the_lab)")
        _, found = self.results("framed-server", "--cmd", command + " {port}", "--all")
        causes = {each["name"]: one_line(each["message"]) for each in found["tests"]}
        self.assertEqual(causes["one"], "")
        self.assertIn("loops without waiting", causes["truncated"])
        self.assertIn("byte 6", causes["colon"])

    def test_the_echo_client_of_the_lab_takes_one_recv_for_the_answer(self):
        command = self.script("""
            import sys
            sys.path.insert(0, %r)
            import lab_peers
            for answer in lab_peers.echo_client(int(sys.argv[1]), [b"hola", b"adios"]):
                print(answer)
        """ % str(HERE))
        _, found = self.results("echo-client", "--client", command + " {port}", "--all")
        stories = {each["name"]: one_line(each["message"]) for each in found["tests"]}
        self.assertEqual(stories["two-lines"], "")
        self.assertIn("one recv for one message", stories["two-lines/bytes"])

    def test_the_naive_readmsg_client_fails(self):
        command = programs.example("08_frames/naive/readmsg_client") + " " + CLIENT
        self.assert_caught("framed-client", "--client", command, "colon", "byte 6")

    def test_the_naive_select_server_blocks_on_a_slow_reader(self):
        command = programs.example("12_select/naive/select_echo_server") + " " + SERVER
        self.assert_caught("select-server", "--cmd", command, "never-reads", "blocks the program")

    def test_the_naive_idle_server_has_one_time_out_for_all(self):
        command = programs.example("13_idle_clients/naive/idle_echo_server") + " " + SERVER
        self.assert_caught("idle-server", "--cmd", command + " --idle 1", "own-deadline",
                           "One time-out serves all", "--idle", "1")

    def test_the_file_store_of_the_lab_serves_files_outside_of_its_folder(self):
        command = "%s %s/lab_store.py -p {port} server {dir}" % (sys.executable, HERE)
        self.assert_caught("store-server", "--cmd", command, "outside", "outside of its folder")

    def test_the_naive_chat_server_takes_one_recv_for_one_message(self):
        command = programs.example("14_group_chat/naive/chat_server") + " " + SERVER
        self.assert_caught("chat-lines", "--cmd", command, "said/bytes",
                           "one recv for one message")

    def test_the_server_of_the_first_exercise_has_no_dot(self):
        command = programs.example("03_echo_server/first_echo_server") + " {port}"
        self.assert_caught("echo-server", "--cmd", command, "dot", "exactly one dot")

    def test_a_server_for_one_client_at_a_time_is_no_select_server(self):
        command = programs.example("03_echo_server/echo_server") + " " + SERVER
        self.assert_caught("select-server", "--cmd", command, "several", "one client at a time")


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
        command = "printf 'bad \\033[2J news\\n' >&2; exit 3"
        program = self.check("echo-server", "--cmd", command + " # {port}")
        self.assertEqual(program.code, 1)
        self.assertIn("bad \\x1b[2J news", program.stdout)
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
        for name, option, chapter in [("echo-server", "--cmd", "docs/03_echo_server.md"),
                                      ("framed-client", "--client", "docs/08_frames.md")]:
            self.assertIn((name, option, chapter), [(row[0], row[1], row[-1]) for row in rows])
        for row in rows:
            self.assertTrue((programs.ROOT / row[-1]).exists(), row)

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

"""Runs examples/tools/check on programs, and reads what it says: for the two tests of check."""
import concurrent.futures
import json
import sys
import tempfile
import textwrap
from pathlib import Path

import programs

CHECK = "tools/check"
PYTHON = sys.executable + " -I -S"  # starts in half the time
HERE = Path(__file__).resolve().parent
ZOO = programs.ROOT / "examples/21_check/zoo"
LIMIT = 150.0  # seconds for one exercise, on a busy machine, under a sanitizer

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

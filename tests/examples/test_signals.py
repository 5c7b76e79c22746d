#!/usr/bin/env python3
"""A signal that is ignored when a server starts stays ignored: `server &` in a script must not end
by a Ctrl-C that is meant for another program. Every server of the examples is tried.

Run: python3 tests/examples/test_signals.py
"""
import re
import signal
import tempfile
import unittest
from pathlib import Path

import programs

NEEDED = {"tools/chop": ["--to", "127.0.0.1:1"],  # they do not start without
          "15_remote_copy/copy_frame_server": ["copy.txt"],
          "15_remote_copy/copy_lines_server": ["copy.txt"]}


def servers():
    """The programs that announce where they listen."""
    folder = programs.ROOT / "examples"
    sources = [each for each in folder.rglob("*.cpp") if "program::announce(" in each.read_text()]
    return sorted(str(each.relative_to(folder).with_suffix("")) for each in sources)


def ignores(program, number):
    """Whether the running program ignores this signal. man 5 proc"""
    status = Path("/proc/%d/status" % program.process.pid).read_text()
    ignored = int(re.search(r"^SigIgn:\s*([0-9a-f]+)$", status, re.MULTILINE).group(1), 16)
    return bool(ignored & 1 << (number - 1))


@unittest.skipUnless(Path("/proc/self/status").exists(), "/proc is not mounted here")
class EveryServer(programs.TestCase):
    def started(self, path, ignored):
        """The server, as a shell starts it in which this signal is ignored: trap "" INT."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        Path(folder.name, "testdata").mkdir()  # of hftp_server
        before = signal.signal(ignored, signal.SIG_IGN)
        try:
            server = self.start(path, "-p", 0, *NEEDED.get(path, []), cwd=folder.name)
        finally:
            signal.signal(ignored, before)
        server.wait_for_line("^listening on ")
        return server

    def check(self, ignored, stops):
        self.assertGreater(len(servers()), 20)
        for path in servers():
            with self.subTest(path):
                server = self.started(path, ignored)
                server.signal(ignored)
                self.assertTrue(ignores(server, ignored), server.story("it does not ignore it"))
                self.assertFalse(ignores(server, stops), server.story("it ignores both"))
                server.signal(stops)
                self.assertEqual(server.wait_exit(), 0, server.story("it was stopped"))

    def test_an_ignored_SIGINT_stays_ignored_and_SIGTERM_stops_it(self):
        self.check(signal.SIGINT, stops=signal.SIGTERM)

    def test_an_ignored_SIGTERM_stays_ignored_and_SIGINT_stops_it(self):
        self.check(signal.SIGTERM, stops=signal.SIGINT)


if __name__ == "__main__":
    unittest.main()

"""Builds a small program of tests/support and runs it under strace, which counts its system calls
and lets some of them fail. Used by test_counts.py and test_faults.py.
"""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
LIMIT = 30.0  # seconds; every program here needs a small part of one
SKIPPED = 77  # the exit code that CTest reports as "skipped"


def why_not():
    """Why nothing can be tested here, or None."""
    if not shutil.which("strace"):
        return "there is no strace: apt-get install strace"
    tried = subprocess.run(["strace", "-f", "-o", os.devnull, "-e", "inject=socket:error=EMFILE",
                            "true"], capture_output=True, text=True, timeout=LIMIT)
    if tried.returncode != 0:
        return "strace is not permitted here: %s" % tried.stderr.strip()
    return None


def main():
    """unittest.main, or one line that says why not and the exit code for "skipped"."""
    reason = why_not()
    if reason:
        print("SKIPPED: %s" % reason)
        sys.exit(SKIPPED)
    unittest.main()


class TestCase(unittest.TestCase):
    """Tests of the program tests/support/`source`, compiled once for all of them."""

    source = None

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = Path(folder.name)
        cls.program = str(cls.folder / "program")
        subprocess.run(
            [os.environ.get("CXX") or "g++", "-std=c++17", "-O1",
             "-I", str(ROOT / "include" / "trama"), "-I", str(ROOT / "include"),
             str(ROOT / "tests" / "support" / cls.source), "-o", cls.program], check=True)

    @classmethod
    def run_traced(cls, *arguments, inject=None):
        """Runs the program; returns it with `calls`, the names of its system calls in order."""
        log = cls.folder / "strace.log"
        options = ["-e", "inject=" + inject] if inject else []
        done = subprocess.run(
            ["strace", "-o", str(log), *options, cls.program, *arguments], timeout=LIMIT,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        done.calls = re.findall(r"^(\w+)\(", log.read_text(errors="replace"), re.MULTILINE)
        return done

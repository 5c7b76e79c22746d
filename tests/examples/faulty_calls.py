"""Programs whose system calls fail, are interrupted, or move fewer bytes than they were asked to.

    class Echo(faulty_calls.TestCase):
        def test_short_calls(self):
            server = self.faulty_server("12_select/select_echo_server")
            with server.faults.on(seed=7, kinds=faulty_calls.HARMLESS):
                self.talk_to(server)                    # what happens to it depends on the seed
            self.assertGreater(server.faults.injected(), 0)

The library tests/support/faulty_calls.cpp is loaded before the program, by LD_PRELOAD. Test and
program share a file: the test says what is to happen, and the program counts what has happened.
"""
import contextlib
import functools
import mmap
import os
import random
import shutil
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

import file_programs
import programs

SOURCE = programs.ROOT / "tests" / "support" / "faulty_calls.cpp"
KINDS = ("shortened", "EINTR", "EAGAIN", "ENOBUFS", "EMFILE", "ENOSPC")  # in the order of the file
HARMLESS = KINDS[:3]  # a program that is right does the same as without them


@functools.lru_cache(maxsize=None)
def library():
    """The library, compiled once; it is deleted when Python ends."""
    folder = tempfile.TemporaryDirectory()
    built = Path(folder.name) / "faulty_calls.so"
    done = subprocess.run(
        [os.environ.get("CXX") or "g++", "-std=c++17", "-O1", "-shared", "-fPIC", str(SOURCE),
         "-o", str(built), "-ldl"], capture_output=True, text=True)
    if done.returncode != 0:
        raise AssertionError("%s does not compile:\n%s" % (SOURCE, done.stderr))
    return built, folder


def why_not():
    """Why nothing can be tested here, or None."""
    if not os.path.isdir("/proc/self/fd"):
        return "/proc is not mounted here: it shows the descriptors of a program"
    if not shutil.which(os.environ.get("CXX") or "g++"):
        return "there is no compiler here for the library that lets calls fail"
    return None


class Faults:
    """The file that a program shares with the test: seed, rate, kinds, and a counter for each."""

    LAYOUT = struct.Struct("=%dQ" % (3 + len(KINDS)))

    def __init__(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(bytes(self.LAYOUT.size))
            file.flush()
            self._memory = mmap.mmap(file.fileno(), self.LAYOUT.size)
            self._keep = os.dup(file.fileno())  # /proc/PID/fd/N is its name for the programs

    @property
    def variables(self):
        """What the environment of the program must have. (A sanitizer wants to be first.)"""
        asan = os.environ.get("ASAN_OPTIONS", "")
        return {"LD_PRELOAD": str(library()[0]),
                "TRAMA_FAULTS": "/proc/%d/fd/%d" % (os.getpid(), self._keep),
                "ASAN_OPTIONS": asan + (":" if asan else "") + "verify_asan_link_order=0"}

    @contextlib.contextmanager
    def on(self, seed, kinds=KINDS, rate=100):
        """Until the end of the `with`, `rate` calls in a thousand have a fault of these kinds."""
        self.start(seed, kinds, rate)
        try:
            yield self
        finally:
            self.stop()

    def start(self, seed, kinds=KINDS, rate=100):
        self._set(1, rate)
        self._set(2, sum(1 << KINDS.index(each) for each in kinds))
        self._set(0, seed + 1)

    def stop(self):
        self._set(0, 0)

    def is_on(self):
        return self.LAYOUT.unpack(self._memory[:])[0] != 0

    def injected(self, *kinds):
        """How many faults there were, of these kinds or of all."""
        counters = self.LAYOUT.unpack(self._memory[:])[3:]
        return sum(counters[KINDS.index(each)] for each in kinds or KINDS)

    def close(self):
        self._memory.close()
        os.close(self._keep)

    def _set(self, place, value):
        struct.pack_into("=Q", self._memory, 8 * place, value)


class TestCase(file_programs.TestCase):
    def faults(self):
        made = Faults()
        self.addCleanup(made.close)
        return made

    def faulty(self, path, *arguments, faults=None, env=None, **keywords):
        """Starts an example; its faults begin with program.faults.start()."""
        faults = faults or self.faults()
        program = self.start(path, *arguments, env={**(env or {}), **faults.variables}, **keywords)
        program.faults = faults
        return program

    def faulty_server(self, path, *arguments, host="-H", **keywords):
        """The same for a server; waits until it listens."""
        return self.listening(self.faulty(path, host, "127.0.0.1", "-p", 0, *arguments,
                                          **keywords))

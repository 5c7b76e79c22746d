"""What the tests of chapters 15 to 18 share: folders, peers, and what a process uses."""
import functools
import hashlib
import os
import re
import resource
import select
import shutil
import socket
import sys
import tempfile
import time
import unittest
from pathlib import Path

import programs

NOBODY = 65534  # a user who may nothing, on every Linux
MIB = 1 << 20
SIZES = (0, 1, 2, 3, 4095, 4096, 65536, 999999, 1000000, 3 * MIB + 1)

# Takes this process's place after a change that the program cannot undo.
AS_NOBODY = """
import os, sys
os.setgroups([]); os.setgid(%d); os.setuid(%d)
os.execv(sys.argv[1], sys.argv[1:])
""" % (NOBODY, NOBODY)
WITH_SMALL_FILES = """
import os, resource, signal, sys
signal.signal(signal.SIGXFSZ, signal.SIG_DFL)  # Python ignores it, which programs inherit
resource.setrlimit(resource.RLIMIT_FSIZE, (%d, %d))
os.execv(sys.argv[1], sys.argv[1:])
"""


@functools.lru_cache(maxsize=None)
def some_bytes(size):
    """The same at each call; no piece of it is like another."""
    return hashlib.shake_128(b"some bytes").digest(size)


def need_proc():
    if not Path("/proc/self/status").is_file():
        raise unittest.SkipTest("/proc is not mounted here: it tells what a process uses")


def peak_memory(pid):
    """The most memory that the process has used until now, in bytes."""
    need_proc()
    for line in Path("/proc/%d/status" % pid).read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM in /proc/%d/status" % pid)


def descriptors_of(pid):
    need_proc()
    return len(os.listdir("/proc/%d/fd" % pid))


def threads_of(pid):
    need_proc()
    return len(os.listdir("/proc/%d/task" % pid))


def cpu_seconds(pid):
    need_proc()
    fields = Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def allow_descriptors(count):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise unittest.SkipTest("only %d descriptors are allowed here (ulimit -Hn)" % hard)
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def tree(folder):
    """Everything below a folder, hidden files too: {path: its bytes, or what else it is}."""
    found = {}
    for path in sorted(Path(folder).rglob("*")):
        name = os.fsencode(path.relative_to(folder))
        try:
            if path.is_symlink():
                found[name] = "-> " + os.readlink(path)
            else:
                found[name] = path.read_bytes() if path.is_file() else "no regular file"
        except FileNotFoundError:  # it was a temporary one
            pass
    return found


class TestCase(programs.TestCase):
    def folder(self, files=None):
        """A new folder with these files ({name: bytes}), removed at the end of the test."""
        made = tempfile.mkdtemp()
        self.addCleanup(shutil.rmtree, made, ignore_errors=True)
        os.chmod(made, 0o755)
        self.fill(made, files or {})
        return Path(made)

    @staticmethod
    def fill(folder, files):
        for name, data in files.items():
            with open(os.path.join(os.fsencode(folder), os.fsencode(name)), "wb") as file:
                file.write(data)

    def listening(self, program):
        """Waits for its first line; then program.port is its port."""
        found = program.wait_for_line("")
        address = re.fullmatch(r"listening on (.*):(\d+)", found.string.rstrip("\r\n"))
        self.assertTrue(address, program.story("its first line is not `listening on HOST:PORT`"))
        program.host, program.port = address.group(1).strip("[]"), int(address.group(2))
        return program

    def connect(self, program):
        made = programs.connect(program.port)
        self.addCleanup(made.close)
        return made

    def converse(self, program, data):
        """What comes back on a new connection, up to the end, when `data` is sent at once."""
        with programs.connect(program.port) as connection:
            connection.sendall(data)
            return programs.recv_all(connection)

    def behind_chop(self, server):
        """Proxies in front of the server, one after another: they cut the stream in other places.
        """
        for options in (("bytes",), ("random", "--seed", 1), ("random", "--seed", 2)):
            with self.server("tools/chop", "-q", "--to", "127.0.0.1:%d" % server.port,
                             "--mode", *options) as chop, self.subTest(cut=options):
                yield chop

    def narrow_connection(self, program):
        """One that holds little: what the server sends soon waits inside the server."""
        connection = socket.socket()
        self.addCleanup(connection.close)
        connection.settimeout(programs.LIMIT)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        connection.connect(("127.0.0.1", program.port))
        return connection

    def peer(self, function):
        """A server made by hand, for one client: function(connection). Returns its port, and what
        it does in the background.
        """
        listener = self.listener()

        def serve_one():
            with programs.accept(listener) as connection:
                return function(connection)

        return programs.port_of(listener), self.in_background(serve_one)

    def lab_server(self, serve, *arguments):
        """The server of a lab_*.py module, in the background until the end; returns its port."""
        listener = self.listener()
        self.in_background(serve, listener, *arguments)
        self.addCleanup(listener.shutdown, socket.SHUT_RDWR)
        return programs.port_of(listener)

    def eventually(self, what, expected, program):
        """Waits until what() is `expected`: a folder, or /proc, tells nobody when it changes."""
        end = time.monotonic() + programs.LIMIT
        while what() != expected:
            if time.monotonic() > end:
                self.fail(program.story("it is %.300r, and should be %.300r" % (what(), expected)))
            select.select([], [], [], 0.005)

    def assert_bars_stand_alone(self, program, others):
        """On the terminal, a line shows a progress bar or matches the pattern `others`, not both.
        """
        lines = programs.screen(program.stderr)
        bars = [line for line in lines if "%" in line]
        self.assertTrue(bars, program.story("there is no bar"))
        for line in bars:
            self.assertRegex(line, r"^\[[=<> ]{20}\] \d+% \(\d+ \w+/\d+ \w+\) *$", program.stderr)
        for line in lines:
            if line not in bars:
                self.assertRegex(line, "^(%s)$" % others, program.stderr)

    # ---- programs with a handicap ----

    def as_nobody(self, path, *arguments, **keywords):
        """Starts an example without the rights of root, for whom no file is unreadable."""
        program = programs.example(path)
        if os.geteuid() != 0:
            return self.start(path, *arguments, **keywords)
        copy = str(self.folder() / os.path.basename(path))  # nobody may not see the build folder
        shutil.copy(program, copy)
        return self.start(sys.executable, "-c", AS_NOBODY, copy, *arguments, **keywords)

    def with_small_files(self, limit, path, *arguments, **keywords):
        """Starts an example that can write no file longer than `limit` bytes: a full disk."""
        return self.start(sys.executable, "-c", WITH_SMALL_FILES % (limit, limit),
                          programs.example(path), *arguments, **keywords)

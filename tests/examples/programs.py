"""Starts programs and talks to them: the harness of all tests in this folder.

    class Echo(programs.TestCase):
        def test_what_is_sent_comes_back(self):
            server = self.server("03_echo_server/echo_server")
            with programs.connect(server.port) as peer:
                peer.sendall(b"hola")
                self.assertEqual(programs.recv_exactly(peer, 4), b"hola")
            server.interrupt()
            self.assertEqual(server.wait_exit(), 0)

A test that needs what this machine lacks (see need_pty) is skipped, out loud.

Nothing here sleeps. Every wait ends as soon as what it waits for has happened, fails after LIMIT
seconds, and shows in its failure all that the program had said until then. The programs are found
in the build folder, which is $TRAMA_BUILD, or `build` beside `tests`.
"""
import errno
import fcntl
import os
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import termios
import threading
import time
import unittest
from pathlib import Path

# A shell script starts what stands before & with Ctrl-C ignored, and every program inherits that.
signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[2]
BUILD = Path(os.environ.get("TRAMA_BUILD") or ROOT / "build").resolve()
LIMIT = 20.0  # seconds; far above what anything here takes, even under a sanitizer
LOSSLESS = {"encoding": "utf-8", "errors": "surrogateescape"}  # any bytes can be text, and back


def within(seconds):
    """A limit of time: so many seconds on a machine that does nothing else, more on a busy one."""
    busy = os.getloadavg()[0]  # the mean of a minute
    if Path("/proc/loadavg").exists():
        running = Path("/proc/loadavg").read_text().split()[3]  # just now, such as 3/120
        busy = max(busy, int(running.split("/")[0]))
    return seconds * max(1, busy / os.cpu_count())


def example(path):
    """The file of a built example: example("03_echo_server/echo_server")."""
    found = BUILD / "examples" / path
    if not os.access(found, os.X_OK):
        raise AssertionError("%s is not built: set TRAMA_BUILD to the build folder" % found)
    return str(found)


def need_pty():
    """Skips the test that asks, or its subTest, where no program can be given a terminal."""
    try:
        for fd in os.openpty():
            os.close(fd)
    except OSError as error:
        if error.errno not in (errno.ENODEV, errno.ENOENT):  # an error like any other
            raise
        raise unittest.SkipTest("no pseudo-terminal here: is /dev/pts mounted?") from None


def main(need):
    """unittest.main for a file all of whose tests have this need. Without it, CTest shows it as
    skipped, which exit code 77 tells.
    """
    try:
        need()
    except unittest.SkipTest as reason:
        print("SKIPPED: %s" % reason)
        sys.exit(77)
    unittest.main()


def screen(text):
    """The lines that a terminal shows after this text: a CR goes back to the begin of the line."""
    lines = []
    for line in text.split("\n"):
        shown = ""
        for piece in line.split("\r"):
            shown = piece + shown[len(piece):]
        lines.append(shown)
    return lines


class Program:
    """One running program. Use it in a `with`, or through TestCase.start, so that it is ended.

    `terminal` says which of its streams are a terminal, out of "stdin", "stdout" and "stderr";
    the others are pipes. What is written to the terminal is found in `stdout`, or in `stderr` if
    stdout is a pipe. A line feed becomes CR LF there, as on every terminal. Without terminals on
    this machine, the test is skipped.
    """

    STREAMS = ("stdin", "stdout", "stderr")

    def __init__(self, *argv, env=None, cwd=None, terminal=()):
        self.argv = [str(word) for word in argv]
        self._bytes = {"stdout": bytearray(), "stderr": bytearray()}
        self._seen = {"stdout": 0, "stderr": 0}  # the wait_for methods go on behind this
        self._ended = {"stdout": False, "stderr": False}
        self._changed = threading.Condition()
        self._readers = []
        self._terminal = None
        self._start(env or {}, cwd, frozenset(terminal))

    # ---- talking to it ----

    def send(self, text):
        """Types `text` (str or bytes) into its stdin: "\\x03" at a terminal is Ctrl-C."""
        data = text.encode() if isinstance(text, str) else text
        while data:
            data = data[os.write(self._stdin, data):]

    def send_line(self, text):
        self.send(text + ("\n" if isinstance(text, str) else b"\n"))

    def close_stdin(self):
        """End of file, as Ctrl-D gives it; only for a stdin that is a pipe."""
        self.process.stdin.close()

    def signal(self, number):
        self.process.send_signal(number)

    def interrupt(self):
        """What Ctrl-C does."""
        self.signal(signal.SIGINT)

    def terminate(self):
        """What `kill` and a machine that shuts down do."""
        self.signal(signal.SIGTERM)

    # ---- what it said ----

    @property
    def stdout(self):
        return self.stdout_bytes.decode(errors="backslashreplace")

    @property
    def stderr(self):
        return self.stderr_bytes.decode(errors="backslashreplace")

    @property
    def stdout_bytes(self):
        with self._changed:
            return bytes(self._bytes["stdout"])

    @property
    def stderr_bytes(self):
        with self._changed:
            return bytes(self._bytes["stderr"])

    def wait_for_line(self, pattern, on="stdout", limit=LIMIT):
        """The match of `pattern`, a regular expression, in the next whole line that has one.

        Each call goes on behind the line that the one before has found.
        """
        def find():
            place = self._seen[on]
            end = None if self._ended[on] else self._bytes[on].rfind(b"\n", place) + 1
            if end == 0:  # nothing is copied while a long line grows
                return None
            for line in self._bytes[on][place:end].splitlines(keepends=True):
                place += len(line)
                found = re.search(pattern, line.decode(**LOSSLESS).rstrip("\r\n"))
                if found:
                    self._seen[on] = place
                    return found
            return None

        return self._wait(find, on, "a line on %s with /%s/" % (on, pattern), limit)

    def wait_for_text(self, pattern, on="stdout", limit=LIMIT):
        """As wait_for_line, but for any text, finished line or not: a prompt, several lines."""
        def find():
            new = self._bytes[on][self._seen[on]:].decode(**LOSSLESS)
            found = re.search(pattern, new, re.MULTILINE)
            if found:
                self._seen[on] += len(new[:found.end()].encode(**LOSSLESS))
            return found

        return self._wait(find, on, "text on %s with /%s/" % (on, pattern), limit)

    def wait_for_bytes(self, count, on="stdout", limit=LIMIT):
        """All it has written since its start, as soon as that is at least `count` bytes."""
        def find():
            return bytes(self._bytes[on]) if len(self._bytes[on]) >= count else None

        return self._wait(find, on, "%d bytes on %s" % (count, on), limit)

    # ---- its end ----

    def wait_exit(self, limit=LIMIT):
        """The exit code, or minus the signal that ended it. All its output can be read then."""
        try:
            self.process.wait(limit)
        except subprocess.TimeoutExpired:
            raise AssertionError(self.story("it did not end within %g s" % limit)) from None
        for reader in self._readers:
            reader.join(limit)
        return self.process.returncode

    def running(self):
        return self.process.poll() is None

    def close(self):
        """Ends it, if it still runs, by its own process id. Can be called twice."""
        if self.running():
            self.process.kill()
        self.process.wait()
        for reader in self._readers:
            reader.join(LIMIT)
        if self.process.stdin:
            try:
                self.process.stdin.close()
            except BrokenPipeError:
                pass
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        if self._terminal is not None:
            os.close(self._terminal)
            self._terminal = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def story(self, what):
        """The text of a failure: what went wrong, and all that the program has said."""
        code = self.process.poll()
        state = "still running" if code is None else "ended with exit code %d" % code
        return "%s\n--- %s (%s)\n--- stdout\n%s\n--- stderr\n%s\n---" % (
            what, " ".join(self.argv), state, self.stdout, self.stderr)

    # ---- inside ----

    def _start(self, env, cwd, terminal):
        assert terminal <= set(self.STREAMS), terminal
        if terminal:
            need_pty()
        own, theirs = os.openpty() if terminal else (None, None)
        variables = {key: value for key, value in os.environ.items() if key != "TRAMA_TRACE"}
        variables.update({"LC_ALL": "C.UTF-8"}, **env)

        def take_terminal():  # so that a Ctrl-C that is typed there becomes a signal
            fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            self.argv, env=variables, cwd=cwd, bufsize=0, start_new_session=True,
            preexec_fn=take_terminal if terminal else None,
            **{name: theirs if name in terminal else subprocess.PIPE for name in self.STREAMS})
        self._terminal = own
        if terminal:
            os.close(theirs)
        self._stdin = own if "stdin" in terminal else self.process.stdin.fileno()
        on_terminal = "stdout" if "stdout" in terminal else "stderr"
        for name in ("stdout", "stderr"):
            if name not in terminal:
                self._read_in_background(name, getattr(self.process, name).fileno())
            elif name == on_terminal:
                self._read_in_background(name, own)
            else:
                self._ended[name] = True

    def _read_in_background(self, name, fd):
        reader = threading.Thread(target=self._read, args=(name, fd), daemon=True)
        reader.start()
        self._readers.append(reader)

    def _read(self, name, fd):
        data = True
        while data:
            try:
                data = os.read(fd, 65536)
            except OSError:  # a terminal that nobody has open any more
                data = b""
            with self._changed:
                self._bytes[name] += data
                self._ended[name] = not data
                self._changed.notify_all()

    def _wait(self, find, on, what, limit):
        with self._changed:
            end = time.monotonic() + limit
            while True:
                found = find()
                if found is not None:
                    return found
                if self._ended[on]:
                    why = "%s never came: the program has closed it" % what
                    break
                if not self._changed.wait(end - time.monotonic()):
                    why = "%s did not come within %g s" % (what, limit)
                    break
        raise AssertionError(self.story(why))


class TestCase(unittest.TestCase):
    """A test case that ends what it has started."""

    maxDiff = None

    def start(self, path, *arguments, **keywords):
        """Starts the example at `path` ("03_echo_server/echo_server"), or any absolute file."""
        argv0 = path if os.path.isabs(path) else example(path)
        program = Program(argv0, *arguments, **keywords)
        self.addCleanup(program.close)
        return program

    def server(self, path, *arguments, port=0, host="127.0.0.1", **keywords):
        """The same with -H and -p, and waits until it listens: `server.port` is its port."""
        program = self.start(path, "-H", host, "-p", port, *arguments, **keywords)
        first = program.wait_for_line("")
        found = re.fullmatch(r"listening on (.*):(\d+)", first.string.rstrip("\r\n"))
        if found is None:
            raise AssertionError(program.story("its first line is not `listening on HOST:PORT`"))
        program.host, program.port = found.group(1).strip("[]"), int(found.group(2))
        return program

    def run_to_end(self, path, *arguments, stdin=None, **keywords):
        """Starts it, gives it `stdin` and end of file; returns it when it has ended (`.code`)."""
        program = self.start(path, *arguments, **keywords)
        if stdin:
            program.send(stdin)
        program.close_stdin()
        program.code = program.wait_exit()
        return program

    def listener(self, host="127.0.0.1"):
        """A plain listening socket on a free port, closed at the end of the test."""
        made = listen(host)
        self.addCleanup(made.close)
        return made

    def in_background(self, function, *arguments):
        """Runs `function` in a thread: a peer that is written by hand. Call its `result()`."""
        return Background(function, arguments)

    def assert_answers(self, path, pieces, expected):
        """A new server answers these pieces so; each is sent when the answer before has come."""
        server = self.server(path)
        with connect(server.port) as peer:
            received = b""
            for piece, answer in zip(pieces, expected):
                peer.sendall(piece)
                received += recv_exactly(peer, len(answer))
            peer.shutdown(socket.SHUT_WR)
            self.assertEqual(received + recv_all(peer), b"".join(expected))

    # ---- the manners of every program ----

    def assert_help(self, path):
        """-h and --help: examples first, on stdout, exit code 0, nothing on stderr."""
        for flag in ("-h", "--help"):
            program = self.run_to_end(path, flag)
            self.assertEqual((program.code, program.stderr), (0, ""), program.story(flag))
            self.assertEqual(program.stdout.splitlines()[0], "Examples:", program.story(flag))
            name = path.split("/")[-1]
            self.assertRegex(program.stdout.splitlines()[1], r"^ +" + name + r"\b")
            self.assertRegex(program.stdout, r"(?m)^Usage: " + name + r"\b")

    def assert_usage_error(self, path, *arguments, says=""):
        """Exit code 2, nothing on stdout, and a last line on stderr that begins with the name."""
        program = self.run_to_end(path, *arguments)
        self.assertEqual((program.code, program.stdout), (2, ""), program.story(arguments))
        lines = program.stderr.splitlines()
        self.assertLessEqual(len(lines), 2, program.story("more than a line, and its `see --help`"))
        self.assertRegex(lines[-1], "^" + path.split("/")[-1] + ": .", program.story(arguments))
        self.assertIn(says, program.stderr, program.story(arguments))

    def assert_fails(self, program, code, says):
        """It ends with `code`, and with one line on stderr that matches the pattern `says`."""
        self.assertEqual(program.wait_exit(), code, program.story("wrong exit code"))
        name = os.path.basename(program.argv[0])
        told = [line for line in program.stderr.splitlines() if line.startswith(name + ": ")]
        self.assertEqual(len(told), 1, program.story("one line should say what went wrong"))
        self.assertRegex(told[0], says, program.story("the error does not say " + says))

    def assert_stops_in_order(self, path, *arguments, by, **keywords):
        """A server that is stopped by a signal ends with 0, and its port is free at once."""
        server = self.server(path, *arguments, **keywords)
        server.signal(by)
        self.assertEqual(server.wait_exit(), 0, server.story("it was stopped"))
        again = self.server(path, *arguments, port=server.port, **keywords)
        self.assertEqual(again.port, server.port)


class Background:
    """A function in a thread of its own; what it raises comes out of result().

    A test that has failed does not wait for it: the thread ends with the tests.
    """

    def __init__(self, function, arguments):
        self._value = self._error = None
        self._thread = threading.Thread(target=self._run, args=(function, arguments), daemon=True)
        self._thread.start()

    def _run(self, function, arguments):
        try:
            self._value = function(*arguments)
        except BaseException as error:  # handed to the thread that asks for the result
            self._error = error

    def result(self):
        self._thread.join(LIMIT)
        if self._thread.is_alive():
            raise AssertionError("the peer in the background did not end within %g s" % LIMIT)
        if self._error:
            raise self._error
        return self._value


# ---- plain sockets; every call on them ends after LIMIT seconds ----------------------------------

def connect(port, host="127.0.0.1"):
    return socket.create_connection((host, port), LIMIT)


def listen(host="127.0.0.1", backlog=16):
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    made = socket.socket(family, socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.settimeout(LIMIT)
    made.bind((host, 0))
    made.listen(backlog)
    return made


def port_of(listener):
    return listener.getsockname()[1]


def refusing_port():
    """A port at which nobody listens."""
    with listen() as listener:
        return port_of(listener)


def accept(listener):
    """The next connection, with a time-out of its own."""
    connection, _ = listener.accept()
    connection.settimeout(LIMIT)
    return connection


def address_of(connection):
    """The address of this end, as the peer's talk shows it: 127.0.0.1:40000."""
    name = connection.getsockname()
    return ("[%s]:%d" if ":" in name[0] else "%s:%d") % name[:2]


def recv_exactly(connection, count):
    """`count` bytes; fewer only if the stream ends before."""
    received = bytearray()  # not bytes: they are copied each time they grow
    while len(received) < count:
        piece = connection.recv(count - len(received))
        if not piece:
            break
        received += piece
    return bytes(received)


def recv_all(connection):
    """Everything up to the end of the stream."""
    received = bytearray()
    for piece in iter(lambda: connection.recv(65536), b""):
        received += piece
    return bytes(received)


def reset(connection):
    """Closes the hard way: the peer gets a reset and not an end of stream."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def readable(connection):
    """Whether something (bytes, the end, an error) has come; does not wait."""
    return bool(select.select([connection], [], [], 0)[0])


def has_ipv6():
    """Whether this machine can listen at ::1."""
    try:
        listen("::1").close()
        return True
    except OSError:
        return False

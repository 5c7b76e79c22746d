"""15_remote_copy: a file arrives as it is, or not at all, and who has sent it knows which.

The lab's programs are in lab_copy.py; `Stream` below is a second copy_stream client, in Python,
written from docs/wire_formats.md. With TRAMA_THOROUGH=1 in the environment the files are larger and
the tries more.
"""
import contextlib
import hashlib
import itertools
import os
import random
import re
import resource
import select
import shutil
import socket
import struct
import sys
import time
import unittest

import file_programs
import lab_copy
import lab_frames
import programs
import traced

LINES_CLIENT = "15_remote_copy/copy_lines_client"
LINES_SERVER = "15_remote_copy/copy_lines_server"
FRAME_CLIENT = "15_remote_copy/copy_frame_client"
FRAME_SERVER = "15_remote_copy/copy_frame_server"
CLIENT = "15_remote_copy/copy_stream_client"
SERVER = "15_remote_copy/copy_stream_server"
SERVERS = (LINES_SERVER, FRAME_SERVER, SERVER)
CLIENTS = (LINES_CLIENT, FRAME_CLIENT, CLIENT)

MIB = file_programs.MIB
THOROUGH = bool(os.environ.get("TRAMA_THOROUGH"))
SIZES = (0, 1, 2, 3, 4095, 4096, 999_999, 1_000_000)
PARTIAL = ".partial"


def content(size, seed=b""):
    """Bytes of all kinds, others for each seed."""
    return hashlib.shake_128(b"%d %s" % (size, seed)).digest(size)


def checksum(data):
    """The sum of copy_stream, written a second time: docs/wire_formats.md."""
    def mixed(lane, word):
        lane ^= word
        lane = (lane << 29 | lane >> 35) & (2 ** 64 - 1)
        return lane * 0x9E3779B97F4A7C15 & (2 ** 64 - 1)

    lanes = [1, 2, 3, 4]
    padded = data + bytes(32 - len(data) % 32)
    for block in struct.iter_unpack("<4Q", padded):
        lanes = [mixed(lane, word) for lane, word in zip(lanes, block)]
    total = mixed(0, len(data))
    for lane in lanes:
        total = mixed(total, lane)
    return "%016x" % (total ^ total >> 32)


class Files(file_programs.TestCase):
    """Each test has a folder of its own."""

    def setUp(self):
        self.place = self.folder()
        self.copies = self.place / "copies"

    def file(self, data, name="original"):
        path = self.place / name
        path.write_bytes(data)
        return path

    def stream_server(self, *options, **keywords):
        return self.server(SERVER, "-d", self.copies, *options, **keywords)

    def call(self, path, port, *arguments, **keywords):
        return self.start(path, "-H", "127.0.0.1", "-p", port, *arguments, **keywords)

    def copy(self, path, port, *files):
        """A client that must end with 0."""
        client = self.call(path, port, *files)
        self.assertEqual(client.wait_exit(), 0, client.story("copy"))
        client.close()
        return client

    def chop(self, server, *options):
        return self.server("tools/chop", "--to", "127.0.0.1:%d" % server.port, "-q", *options)

    def assert_holds(self, path, data, why=""):
        self.assertTrue(path.read_bytes() == data, "%s differs %s" % (path, why))

    def left(self):
        return sorted(os.listdir(self.copies / PARTIAL))

    def stored(self):
        return sorted(name for name in os.listdir(self.copies) if name != PARTIAL)


class Stream:
    """A copy_stream client, step by step."""

    def __init__(self, port):
        self.peer = programs.connect(port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.peer.close()

    def say(self, text):
        self.peer.sendall(lab_frames.encapsula(text if isinstance(text, bytes) else text.encode()))

    def hear(self):
        message = lab_frames.readmsg(self.peer)
        return None if message is None else message.decode()

    def ask(self, text):
        self.say(text)
        return self.hear()

    def put(self, size, name="copy"):
        """What the server has: the number of bytes, and their sum."""
        word, count, total = self.ask("put %d %s" % (size, name)).split(" ")
        assert word == "have", word
        return int(count), total

    def copy(self, data, name="copy"):
        self.put(len(data), name)
        self.say("from 0")
        self.peer.sendall(data)
        return self.ask("sum " + checksum(data))


# ---- the first two versions ----------------------------------------------------------------------

class Lab(Files):
    """Our client with the lab's server, the lab's client with ours, and ours with ours."""

    def assert_copied(self, send, server, data):
        send()
        server.wait_for_line(": stored %d bytes$" % len(data), on="stderr")
        self.assert_holds(self.place / "copy", data)

    def assert_both_ways(self, client, server_path, sizes, send, receive):
        server = self.server(server_path, self.place / "copy")
        for size in sizes:
            data = content(size)
            original = self.file(data)
            self.assert_copied(lambda: self.copy(client, server.port, original), server, data)

            def lab_client():
                with programs.connect(server.port) as peer, open(original, "rb") as file:
                    send(peer, file)

            self.assert_copied(lab_client, server, data)
            listener = self.listener()
            lab_server = self.in_background(lambda: self.lab_server(listener, receive))
            self.copy(client, programs.port_of(listener), original)
            self.assertTrue(lab_server.result() == data, size)

    @staticmethod
    def lab_server(listener, receive):
        with programs.accept(listener) as client:
            return receive(client)

    def test_lines(self):
        self.assert_both_ways(LINES_CLIENT, LINES_SERVER, SIZES, lab_copy.send_lines,
                              lab_copy.receive_lines)

    def test_one_frame(self):
        self.assert_both_ways(FRAME_CLIENT, FRAME_SERVER, SIZES[:-1],
                              lambda peer, file: lab_copy.send_frame(peer, file.read()),
                              lab_copy.receive_frame)

    def test_the_lab_programs_as_they_are_started(self):
        data = content(5000)
        original, copy = self.file(data), self.place / "copy"
        lab = [sys.executable, lab_copy.__file__, "-H", "127.0.0.1", "-p"]
        for kind, ours in (("lines", LINES_CLIENT), ("frame", FRAME_CLIENT)):
            theirs = self.start(*lab, 0, kind + "-server", copy)
            port = int(theirs.wait_for_line(r"listening on .*:(\d+)").group(1))
            self.copy(ours, port, original)
            self.assertEqual(theirs.wait_exit(), 0)
            self.assert_holds(copy, data)
        for kind, path in (("lines", LINES_SERVER), ("frame", FRAME_SERVER)):
            copy.unlink()
            server = self.server(path, copy)
            theirs = self.start(*lab, server.port, kind + "-client", original)
            server.wait_for_line("stored 5000 bytes$", on="stderr")
            self.assertEqual(theirs.wait_exit(), 0)
            self.assert_holds(copy, data)

    def test_through_chop(self):
        for client, path in ((LINES_CLIENT, LINES_SERVER), (FRAME_CLIENT, FRAME_SERVER)):
            server = self.server(path, self.place / "copy")
            for mode in ("whole", "bytes", "random", "headers"):
                chop = self.chop(server, "--mode", mode, "--seed", 1)
                for size in (0, 1, 4096):
                    data = content(size, mode.encode())
                    self.assert_copied(lambda: self.copy(client, chop.port, self.file(data)),
                                       server, data)


class ByTurns(Files):
    def test_without_descriptors_the_next_client_waits_at_the_door_and_is_served(self):
        for path, client in ((LINES_SERVER, LINES_CLIENT), (FRAME_SERVER, FRAME_CLIENT)):
            server = self.server(path, self.place / "copy")
            pid, data = server.process.pid, content(1000, path.encode())
            held = file_programs.descriptors_of(pid)
            limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
            resource.prlimit(pid, resource.RLIMIT_NOFILE, (held, limits[1]))
            started = time.monotonic()
            guest = self.call(client, server.port, self.file(data))
            for _ in range(3):
                server.wait_for_line("^cannot accept: Too many open files$", on="stderr")
            self.assertGreater(time.monotonic() - started, 0.3, "it tries all the time")
            resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
            self.assertEqual(guest.wait_exit(), 0, server.story(path))
            self.assert_holds(self.place / "copy", data)


class WithoutASize(Files):
    """The system says that the files of /proc have 0 bytes, and some of /sys 4,096."""

    PATHS = ("/proc/version", "/proc/self/mem", "/proc/sys/kernel/ostype",
             "/sys/class/net/lo/mtu", "/sys/kernel/mm/transparent_hugepage/enabled")

    def setUp(self):
        super().setUp()
        file_programs.need_proc()

    def test_it_is_refused_by_name_and_nobody_is_called(self):
        for path in filter(os.path.exists, self.PATHS):
            for program in CLIENTS:
                client = self.call(program, programs.refusing_port(), path)
                self.assert_fails(client, 2, re.escape(path))

    def test_nothing_of_it_is_stored(self):
        server = self.stream_server()
        original = self.file(b"hola")
        for path in filter(os.path.exists, self.PATHS):
            client = self.call(CLIENT, server.port, original, path)
            self.assert_fails(client, 2, "a file with a wrong size|Input/output error")
        self.assertEqual(self.stored(), [])


class Growing(Files):
    def test_a_file_of_a_frame_is_sent_as_it_was_announced(self):
        """It grows as long as the client runs, and each copy is a front part of it."""
        path = self.file(content(100_000))
        server = self.server(FRAME_SERVER, self.place / "copy")
        for _ in range(10):
            client = self.call(FRAME_CLIENT, server.port, path)
            with open(path, "ab") as file:
                while client.running():
                    file.write(b"x")
                    file.flush()
                    select.select([], [], [], 0.001)
            self.assertEqual(client.wait_exit(), 0, client.story("the file grew"))
            copied = (self.place / "copy").read_bytes()
            self.assertGreaterEqual(len(copied), 100_000)
            self.assertTrue(path.read_bytes().startswith(copied))

    def test_a_file_that_is_rewritten_or_shrinks_meanwhile_is_no_frame(self):
        path = self.file(bytes(900_000))
        client = self.call(FRAME_CLIENT, programs.refusing_port(), path)
        self.assert_fails(client, 1, "Connection refused")
        codes = []
        while 2 not in codes and len(codes) < 50:  # until one reads it while it changes
            client = self.call(FRAME_CLIENT, programs.refusing_port(), path)
            sizes = itertools.cycle((900_000, 800_000))
            while client.running():
                os.truncate(path, next(sizes))
            codes.append(client.wait_exit())
        self.assertEqual(codes[-1], 2, codes)
        self.assertIn("changed while it was copied", client.stderr)


class EndlessAnswers(Files):
    """A server that answers without end, whatever it gets: the first two versions expect nothing."""

    def test_they_are_thrown_away_for_a_while_and_then_it_is_a_failure(self):
        for program in (LINES_CLIENT, FRAME_CLIENT):
            def serve(peer):
                with contextlib.suppress(ConnectionError):
                    while True:
                        peer.sendall(bytes(65536))

            port, _ = self.peer(serve)
            client = self.call(program, port, self.file(b"hola"))
            self.assert_fails(client, 1, "does not stop sending")

    def test_a_word_and_an_end_are_no_failure(self):
        for program in (LINES_CLIENT, FRAME_CLIENT):
            port, _ = self.peer(lambda peer: (peer.sendall(b"thank you"), programs.recv_all(peer)))
            client = self.call(program, port, self.file(b"hola"))
            self.assertEqual(client.wait_exit(), 0, client.story("the server said a word"))


@unittest.skipIf(traced.why_not(), traced.why_not())
class FoldersThatCannotBeSynced(Files):
    """fsync(2) of a folder says EINVAL or ENOSYS on shared folders, FUSE and CIFS."""

    def injected(self, fault, server, *arguments):
        """A server under strace, with this fault in each of its threads."""
        return self.listening(self.start(
            shutil.which("strace"), "-D", "-f", "-o", self.folder() / "log", "-e",
            "trace=" + fault.split(":")[0], "-e", "inject=" + fault, programs.example(server),
            "-H", "127.0.0.1", "-p", 0, *arguments, env={"ASAN_OPTIONS": "detect_leaks=0"}))

    def traced(self, server, error, *arguments):
        """Each second fsync of a thread fails: the one of a file works, and the one of its folder
        behind it does not.
        """
        return self.injected("fsync:error=%s:when=2+2" % error, server, *arguments)

    def test_a_stored_file_is_reported_as_stored(self):
        for error in ("EINVAL", "ENOSYS"):
            for server, client in ((LINES_SERVER, LINES_CLIENT), (FRAME_SERVER, FRAME_CLIENT)):
                data = content(3000, error.encode())
                started = self.traced(server, error, self.place / "copy")
                self.copy(client, started.port, self.file(data))
                started.wait_for_line(": stored 3000 bytes", on="stderr")
                self.assert_holds(self.place / "copy", data)

    def test_the_client_of_a_stream_is_told_so(self):
        for number, error in enumerate(("EINVAL", "ENOSYS")):
            self.copies = self.place / str(number)
            server = self.traced(SERVER, error, "-d", self.copies)
            for name in ("one", "two"):
                self.copy(CLIENT, server.port, self.file(content(3000), name))
            self.assertEqual((self.stored(), self.left()), (["one", "two"], []))
            self.assertNotIn("cannot", server.stderr)

    def test_a_disk_that_fails_is_a_failure(self):
        server = self.traced(SERVER, "EIO", "-d", self.copies)
        client = self.call(CLIENT, server.port, self.file(content(3000)))
        self.assert_fails(client, 1, "it cannot be stored: Input/output error")

    def test_a_signal_that_interrupts_the_wait_for_the_disk_is_no_failure(self):
        server = self.injected("fsync:error=EINTR:when=1", SERVER, "-d", self.copies)
        self.copy(CLIENT, server.port, self.file(content(3000)))
        self.assertEqual((self.stored(), self.left()), (["original"], []))

    def test_a_file_system_without_locks_is_no_other_client(self):
        server = self.injected("flock:error=ENOLCK", SERVER, "-d", self.copies)
        client = self.call(CLIENT, server.port, self.file(content(3000)))
        self.assert_fails(client, 1, "it cannot be stored: No locks available")


class Lines(Files):
    def test_each_line_is_sent_by_itself(self):
        data = b"one\n\nthree\nno line feed"
        listener = self.listener()
        server = self.in_background(lambda: Lab.lab_server(listener, lab_copy.receive_lines))
        client = self.call(LINES_CLIENT, programs.port_of(listener), self.file(data),
                           env={"TRAMA_TRACE": "1"})
        self.assertEqual(client.wait_exit(), 0)
        self.assertEqual(server.result(), data)
        self.assertEqual(re.findall(r"send (\d+) of", client.stderr), ["4", "1", "6", "12"])

    def test_the_flaw_half_a_file_is_taken_for_a_whole_one(self):
        server = self.server(LINES_SERVER, self.place / "copy")
        data = content(100_000)
        with programs.connect(server.port) as peer:
            peer.sendall(data[:40_000])
        server.wait_for_line("stored 40000 bytes$", on="stderr")
        self.assert_holds(self.place / "copy", data[:40_000])

    def test_the_flaw_a_client_that_says_nothing_empties_the_file(self):
        server = self.server(LINES_SERVER, self.file(b"precious", "copy"))
        programs.connect(server.port).close()
        server.wait_for_line("stored 0 bytes$", on="stderr")
        self.assert_holds(self.place / "copy", b"")

    def test_a_reset_and_a_stop_leave_the_old_file(self):
        server = self.server(LINES_SERVER, self.file(b"precious", "copy"))
        peer = programs.connect(server.port)
        peer.sendall(b"half")
        programs.reset(peer)
        server.wait_for_line("nothing is stored: .*reset", on="stderr")
        peer = programs.connect(server.port)
        self.addCleanup(peer.close)
        peer.sendall(b"half")
        self.eventually(lambda: len(os.listdir(self.place)), 2, server)  # a temporary file
        server.interrupt()
        self.assertEqual(server.wait_exit(), 0)
        self.assert_holds(self.place / "copy", b"precious")
        self.assertEqual(os.listdir(self.place), ["copy"])

    def test_memory_does_not_depend_on_the_size(self):
        file_programs.need_proc()
        server = self.server(LINES_SERVER, self.place / "copy")
        data = bytes(32 * MIB)  # one line without end
        self.copy(LINES_CLIENT, server.port, self.file(data))
        server.wait_for_line("stored", on="stderr")
        self.assertLess(file_programs.peak_memory(server.process.pid), 16 * MIB)


class Frame(Files):
    def test_a_million_bytes_are_refused_before_anybody_is_called(self):
        original = self.file(content(1_000_000))
        client = self.call(FRAME_CLIENT, programs.refusing_port(), original)
        self.assert_fails(client, 2, "original has 1000000 bytes, and a frame carries 999999: try "
                                     "copy_stream_client")

    def test_what_is_no_whole_frame_is_not_stored(self):
        server = self.server(FRAME_SERVER, self.file(b"precious", "copy"))
        for sent, says in ((b"", "has closed, and sent nothing"), (b"0000", "ended inside"),
                           (b"000005:hol", "ended inside"), (b"+00004:hola", "bad frame header"),
                           (b"GET / HTTP/1.1\r\n\r\n", "looks like HTTP"),
                           (b"hola\n", "bad frame header")):
            with programs.connect(server.port) as peer:
                peer.sendall(sent)
                peer.shutdown(socket.SHUT_WR)
                server.wait_for_line("nothing is stored: .*" + says, on="stderr")
        self.assert_holds(self.place / "copy", b"precious")
        self.assertEqual(os.listdir(self.place), ["copy"])

    def test_a_silent_client_has_to_go(self):
        server = self.server(FRAME_SERVER, "-t", 1, self.place / "copy")
        with programs.connect(server.port) as peer:
            peer.sendall(b"000005:hol")
            self.assertEqual(programs.recv_all(peer), b"")
        server.wait_for_line("nothing is stored: .*timed out", on="stderr")


# ---- copy_stream ---------------------------------------------------------------------------------

class Copies(Files):
    def test_each_size_arrives_as_it_is_and_nothing_else_is_left(self):
        server = self.stream_server()
        originals = [self.file(content(size), "of %d" % size) for size in SIZES]
        for original in originals:
            client = self.copy(CLIENT, server.port, original)
            self.assertIn(": stored, ", client.stderr)
        for original in originals:
            self.assert_holds(self.copies / original.name, original.read_bytes())
        self.assertEqual((self.left(), len(self.stored())), ([], len(SIZES)))

    def test_the_checksum_is_the_one_of_the_wire_format(self):
        server = self.stream_server()
        with Stream(server.port) as client:
            for size in (*range(0, 70), 4096, 262_143, 262_145):
                self.assertEqual(client.copy(content(size)), "stored", size)
                self.assert_holds(self.copies / "copy", content(size), size)

    def test_many_files_through_one_connection(self):
        server = self.stream_server()
        names = ["file %d" % number for number in range(10_000 if THOROUGH else 100)]
        originals = [self.file(content(number % 5000), name) for number, name in enumerate(names)]
        client = self.call(CLIENT, server.port, "-q", *originals)
        self.assertEqual(client.wait_exit(limit=300), 0, client.story("many"))
        self.assertEqual(self.stored(), sorted(names))
        for original in originals:
            self.assert_holds(self.copies / original.name, original.read_bytes())
        self.assertLess(file_programs.peak_memory(server.process.pid), 16 * MIB)

    def test_through_chop(self):
        server = self.stream_server()
        for mode, sizes in (("whole", SIZES), ("bytes", SIZES[:6]), ("random", SIZES[:6]),
                            ("cuts", SIZES)):
            places = ["--cuts", "1,7,8,20,40,41,999"] if mode == "cuts" else ["--seed", 1]
            chop = self.chop(server, "--mode", mode, *places)
            for size in sizes:
                data = content(size, mode.encode())
                self.copy(CLIENT, chop.port, self.file(data))
                self.assert_holds(self.copies / "original", data, mode)

    def test_many_clients_at_once(self):
        server = self.stream_server()
        clients = {}
        for number in range(50 if THOROUGH else 12):
            original = self.file(content(200_000, b"%d" % number), "file %d" % number)
            clients[original] = self.call(CLIENT, server.port, original)
        for original, client in clients.items():
            self.assertEqual(client.wait_exit(), 0, client.story("one of many"))
            self.assert_holds(self.copies / original.name, original.read_bytes())

    def test_only_the_owner_may_write_to_a_new_file_and_nobody_may_run_it(self):
        server = self.stream_server()
        original = self.file(b"hola")
        original.chmod(0o4777)
        self.copy(CLIENT, server.port, original)
        mask = os.umask(0)
        os.umask(mask)
        self.assertEqual((self.copies / "original").stat().st_mode & 0o7777, 0o644 & ~mask)


class Large(Files):
    SIZE = (1024 if THOROUGH else 48) * MIB

    def large_file(self):
        path = self.place / "large"
        piece = content(MIB)
        with open(path, "wb") as file:
            for number in range(self.SIZE // MIB):
                file.write(b"%8d" % number + piece[8:])
        return path

    def test_memory_does_not_depend_on_the_size(self):
        original = self.large_file()
        server = self.stream_server()
        client = self.call(CLIENT, server.port, original)
        self.assertEqual(client.wait_exit(limit=120), 0)
        sums = [hashlib.sha256(), hashlib.sha256()]
        for path, total in zip((original, self.copies / "large"), sums):
            with open(path, "rb") as file:
                for piece in iter(lambda: file.read(MIB), b""):
                    total.update(piece)
        self.assertEqual(sums[0].digest(), sums[1].digest())
        self.assertLess(file_programs.peak_memory(server.process.pid), 16 * MIB)

    def serve_and_look(self, listener, client):
        """A server that looks at the memory of its client before it confirms."""
        with programs.accept(listener) as peer:
            size = int(lab_frames.readmsg(peer).split()[1])
            peer.sendall(lab_frames.encapsula(b"have 0 " + checksum(b"").encode()))
            lab_frames.readmsg(peer)
            memory = memoryview(bytearray(MIB))
            while size:
                size -= peer.recv_into(memory[:min(size, MIB)])
            lab_frames.readmsg(peer)
            peak = file_programs.peak_memory(client.process.pid)
            peer.sendall(lab_frames.encapsula(b"stored"))
            return peak

    def test_nor_does_that_of_the_client(self):
        file_programs.need_proc()
        listener = self.listener()
        client = self.call(CLIENT, programs.port_of(listener), self.large_file())
        server = self.in_background(self.serve_and_look, listener, client)
        self.assertEqual(client.wait_exit(limit=120), 0, client.story("copy"))
        self.assertLess(server.result(), 16 * MIB)


class Cut(Files):
    """What has come before a cut is not sent again."""

    def start_copy(self, server, data, sent, name="original"):
        """A client that is cut when the server has written `sent` bytes."""
        with Stream(server.port) as client:
            client.put(len(data), name)
            client.say("from 0")
            client.peer.sendall(data[:sent])
            part = self.copies / PARTIAL / name
            self.eventually(lambda: part.stat().st_size, sent, server)
            yield client

    def cut(self, server, data, sent, name="original"):
        for _ in self.start_copy(server, data, sent, name):
            pass

    def assert_goes_on(self, server, data, where):
        client = self.copy(CLIENT, server.port, self.file(data))
        self.assertRegex(client.stderr, "(?m)^continuing after %s" % where)
        self.assert_holds(self.copies / "original", data)
        self.assertEqual(self.left(), [])

    def test_by_a_reset_in_the_middle(self):
        server = self.stream_server()
        data = content(300_000)
        original = self.file(data)
        chop = self.chop(server, "--mode", "reset", "--after", 150_000, "--direction", "up")
        client = self.call(CLIENT, chop.port, original)
        self.assert_fails(client, 1, "the connection was cut: the same command sends the rest")
        self.assertEqual(self.stored(), [])
        kept = (self.copies / PARTIAL / "original").stat().st_size
        self.assertTrue(100_000 < kept < 150_000, kept)
        self.assert_goes_on(server, data, "14")

    def test_cut_again_and_again(self):
        server = self.stream_server()
        data = content(300_000)
        chop = self.chop(server, "--mode", "reset", "--after", 70_000, "--direction", "up")
        original = self.file(data)
        runs = 1
        while self.call(CLIENT, chop.port, original).wait_exit() != 0:
            runs += 1
            self.assertLess(runs, 7)
        self.assertEqual(runs, 5)
        self.assert_holds(self.copies / "original", data)

    def test_by_kill_9_of_the_client(self):
        server = self.stream_server()
        data = content(300_000)
        chop = self.chop(server, "--mode", "stall", "--after", 150_000, "--direction", "up")
        client = self.call(CLIENT, chop.port, self.file(data))
        part = self.copies / PARTIAL / "original"
        self.eventually(lambda: part.exists() and part.stat().st_size > 100_000, True, server)
        client.process.kill()
        client.process.wait()
        chop.terminate()
        self.assertEqual(self.stored(), [])
        self.assert_goes_on(server, data, "14")

    def test_by_kill_9_of_the_server(self):
        server = self.stream_server()
        data = content(300_000)
        for _ in self.start_copy(server, data, 200_000):
            server.process.kill()
            server.process.wait()
        self.assert_goes_on(self.stream_server(), data, "195.31 KB")

    def test_by_a_stop_of_the_server_which_tells_the_client(self):
        server = self.stream_server()
        data = content(300_000)
        for client in self.start_copy(server, data, 200_000):
            server.interrupt()
            self.assertEqual(client.hear(), "no stopped by its user")
        self.assertEqual(server.wait_exit(), 0)
        self.assert_goes_on(self.stream_server(), data, "195.31 KB")

    def test_just_before_the_last_word(self):
        server = self.stream_server()
        data = content(5000)
        self.cut(server, data, 5000)
        self.assertEqual(self.stored(), [])
        self.assert_goes_on(server, data, "4.88 KB")

    def test_another_file_of_that_name_begins_at_the_front(self):
        server = self.stream_server()
        for mine in (content(300_000, b"other"), content(1000), b""):
            self.cut(server, content(300_000), 2000)
            client = self.copy(CLIENT, server.port, self.file(mine))
            self.assertNotIn("going on", client.stderr)
            self.assert_holds(self.copies / "original", mine)
            self.assertEqual(self.left(), [])

    def test_the_sum_covers_the_part_that_was_there(self):
        server = self.stream_server()
        data = content(5000)
        self.cut(server, data, 4000)
        with Stream(server.port) as client:
            self.assertEqual(client.put(5000, "original"), (4000, checksum(data[:4000])))
            client.say("from 4000")
            client.peer.sendall(data[4000:])
            self.assertEqual(client.ask("sum " + checksum(data)), "stored")
        self.assert_holds(self.copies / "original", data)

    def test_the_old_file_stays_until_the_new_one_is_whole(self):
        self.copies.mkdir()
        (self.copies / "original").write_bytes(b"precious")
        server = self.stream_server()
        self.cut(server, content(5000), 4000)
        self.assert_holds(self.copies / "original", b"precious")
        self.assert_goes_on(server, content(5000), "3.91 KB")

    def test_an_unfinished_file_is_kept_for_a_day(self):
        server = self.stream_server()
        for name in ("young", "old"):
            self.cut(server, content(5000), 4000, name)
        part = self.copies / PARTIAL / "old"
        self.eventually(lambda: self.left(), ["old", "young"], server)
        server.terminate()
        server.wait_exit()
        day = part.stat().st_mtime - 86_401
        os.utime(part, (day, day))
        self.stream_server().terminate()
        self.assertEqual(self.left(), ["young"])
        self.stream_server("--keep", 0)
        self.assertEqual(self.left(), [])

    def test_nothing_is_left_of_one_of_which_nothing_came(self):
        server = self.stream_server()
        with Stream(server.port) as client:
            client.put(5000)
        self.eventually(self.left, [], server)


class Killed(Files):
    def test_at_any_moment_leaves_the_old_file_or_the_new_one(self):
        dice = random.Random(15)
        old, new = content(150_000, b"old"), content(150_000, b"new")
        wire = (lab_frames.encapsula(b"from 0") + new +
                lab_frames.encapsula(b"sum " + checksum(new).encode()))
        self.copies.mkdir()
        seen = set()
        for _ in range(200 if THOROUGH else 25):
            (self.copies / "copy").write_bytes(old)
            server = self.stream_server("--keep", 0)
            self.assertEqual(self.left(), [], "the next start clears what was left")
            with Stream(server.port) as client:
                client.put(len(new))
                sent = dice.choice((dice.randrange(len(wire)), len(wire), len(wire)))
                client.peer.sendall(wire[:sent])
                if dice.randrange(3) == 0 and sent == len(wire):
                    client.hear()
                server.close()
            found = (self.copies / "copy").read_bytes()
            self.assertTrue(found in (old, new), "torn after %d bytes" % sent)
            seen.add(found == new)
        self.assertEqual(seen, {True, False})


class Together(Files):
    def test_two_uploads_of_one_name_give_one_of_the_two(self):
        server = self.stream_server()
        mine, yours = content(50_000, b"mine"), content(60_000, b"yours")
        with Stream(server.port) as first, Stream(server.port) as second:
            first.put(len(mine))
            second.say("put %d copy" % len(yours))
            first.say("from 0")
            first.peer.sendall(mine)
            self.assertEqual(first.ask("sum " + checksum(mine)), "stored")
            self.assert_holds(self.copies / "copy", mine)
            self.assertEqual(second.hear(), "have 0 " + checksum(b""))
            second.say("from 0")
            second.peer.sendall(yours)
            self.assertEqual(second.ask("sum " + checksum(yours)), "stored")
        self.assert_holds(self.copies / "copy", yours)

    def test_who_comes_while_another_one_sends_it_for_long_is_told(self):
        server = self.stream_server()
        with Stream(server.port) as first:
            first.put(1000)
            client = self.call(CLIENT, server.port, self.file(b"hola", "copy"))
            self.assert_fails(client, 1, "the server refuses: another client is sending this")

    def test_a_trickling_client_delays_nobody(self):
        server = self.stream_server()
        with Stream(server.port) as slow:
            slow.put(1000, "slow")
            slow.say("from 0")
            for number in range(100 if THOROUGH else 10):
                slow.peer.sendall(b"x")
                self.copy(CLIENT, server.port, self.file(content(number), "quick"))

    def test_who_finds_the_server_full_is_told(self):
        server = self.stream_server("-m", 1)
        with Stream(server.port) as first:
            first.put(1000)
            client = self.call(CLIENT, server.port, self.file(b"hola"))
            self.assert_fails(client, 1, "the server refuses: the server is full")
        self.eventually(self.left, [], server)
        self.copy(CLIENT, server.port, self.file(b"hola"))

    def test_without_descriptors_the_server_lives(self):
        server = self.listening(self.start("/bin/sh", "-c", 'ulimit -n 14; exec "$0" "$@"',
                                           programs.example(SERVER), "-H", "127.0.0.1", "-p", 0,
                                           "-d", self.copies))
        guests = [programs.connect(server.port) for _ in range(20)]
        server.wait_for_line("cannot accept: .*Too many open files", on="stderr")
        for guest in guests:
            guest.close()
        self.copy(CLIENT, server.port, self.file(b"hola"))

    @unittest.skipIf(traced.why_not(), traced.why_not())
    def test_a_client_whose_socket_fails_is_one_client_less(self):
        # -D: the server is our child, and strace a stranger. The first option is the listener's.
        server = self.listening(self.start(
            shutil.which("strace"), "-D", "-o", os.devnull, "-e",
            "inject=setsockopt:error=EINVAL:when=2", programs.example(SERVER), "-H", "127.0.0.1",
            "-p", 0, "-d", self.copies, env={"ASAN_OPTIONS": "detect_leaks=0"}))
        with programs.connect(server.port) as guest:
            server.wait_for_line("a client is refused: .*TCP_NODELAY", on="stderr")
            self.assertEqual(programs.recv_all(guest), b"")
        self.copy(CLIENT, server.port, self.file(b"hola"))


class Names(Files):
    HOSTILE = (b"", b".", b"..", b"../x", b"/etc/passwd", b"a/b", b"a/", b".hidden", b".partial",
               b".partial/x", b"nul\0inside", b"x" * 256, b"..\0", b"/", b"\n", b"line\nfeed",
               b"a\r", b"\x1b[2J", b"a\x07", b"a\x7f", b"\0", b"a\tb", "a\x80".encode(),
               "\x9b2J".encode(), b"\xff\xfe", b"a\xc3", b"\xc0\xaf", b"\xed\xa0\x80")
    HARMLESS = (b"a b", b"it's \"x\"", b"back\\slash", b"x" * 255,
                "año 🎉".encode(), b"-rf", b"a" + b".." * 5, b"put 3 x")

    def test_a_hostile_name_is_refused_and_nothing_is_touched(self):
        server = self.stream_server()
        before = sorted(os.listdir(self.place))
        for name in self.HOSTILE:
            with Stream(server.port) as client:
                self.assertEqual(client.ask(b"put 4 " + name), "no no file can have this name here",
                                 name)
                self.assertEqual(programs.recv_all(client.peer), b"")
        self.assertEqual((sorted(os.listdir(self.place)), self.stored(), self.left()),
                         (before, [], []))

    def test_any_other_name_is_as_good_as_another(self):
        server = self.stream_server()
        for name in self.HARMLESS:
            self.copy(CLIENT, server.port, self.file(name, os.fsdecode(name)))
        for name in self.HARMLESS:
            self.assert_holds(self.copies / os.fsdecode(name), name, name)
        self.assertNotIn("\x1b", server.stderr)

    def test_what_is_no_file_is_not_replaced(self):
        server = self.stream_server()
        outside = self.file(b"precious", "outside")
        (self.copies / "folder").mkdir()
        (self.copies / "link").symlink_to(outside)
        os.mkfifo(self.copies / "fifo")
        for name in ("folder", "link", "fifo"):
            with Stream(server.port) as client:
                self.assertEqual(client.ask("put 4 " + name),
                                 "no something other than a file has this name")
        self.assert_holds(outside, b"precious")

    def test_a_link_in_place_of_the_unfinished_file_is_not_followed(self):
        server = self.stream_server()
        outside = self.file(b"precious", "outside")
        (self.copies / PARTIAL / "copy").symlink_to(outside)
        with Stream(server.port) as client:
            self.assertRegex(client.ask("put 4 copy"), "^no it cannot be stored: ")
        self.assert_holds(outside, b"precious")


class Wrong(Files):
    """Whatever a client says, it costs only this client."""

    def assert_refused(self, server, talk, says):
        with Stream(server.port) as client:
            answer = talk(client)
            self.assertRegex(str(answer), "^no .*" + says)
            self.assertEqual(programs.recv_all(client.peer), b"")

    def test_sizes_that_are_none(self):
        server = self.stream_server()
        for size in ("", "-1", "+1", "0x1", "1.0", "1_0", str(2 ** 63), str(2 ** 64 - 1),
                     str(2 ** 64), "9" * 100):
            self.assert_refused(server, lambda client, size=size: client.ask("put %s x" % size),
                                "this is no size of a file")
        self.assertLess(file_programs.peak_memory(server.process.pid), 16 * MIB)

    def test_words_that_nobody_expects(self):
        server = self.stream_server()
        for word in ("hola", "", "from 0", "put", "no"):
            self.assert_refused(server, lambda client, word=word: client.ask(word), "")

        def from_nowhere(client):
            client.put(1000)
            return client.ask("from 5")

        self.assert_refused(server, from_nowhere, "only 0 or what is there")

    def test_what_is_said_is_told_of_the_side_that_said_it(self):
        server = self.stream_server()
        for said, answer in (("no way", "no the client refuses: way"),
                             ("hola", 'no the client sent "hola", where "put" was expected')):
            with Stream(server.port) as client:
                self.assertEqual(client.ask(said), answer)
            server.wait_for_line(": the client (refuses|sent)", on="stderr")

    def test_a_refusal_reaches_a_client_that_is_still_sending(self):
        server = self.stream_server()
        for _ in range(10):
            with Stream(server.port) as client:
                client.peer.sendall(lab_frames.encapsula(b"put 9 ../x") + bytes(8 * MIB))
                self.assertEqual(client.hear(), "no no file can have this name here")

    def test_no_frames_and_frames_that_are_too_long(self):
        server = self.stream_server()
        for sent in (b"GET / HTTP/1.1\r\n\r\n", b"001001:" + b"x" * 1001, b"999999:", b"00000a:"):
            with programs.connect(server.port) as peer:
                peer.sendall(sent)
                server.wait_for_line("is lost: (bad frame|frame too long)", on="stderr")

    def test_a_promise_costs_nothing(self):
        server = self.stream_server()
        with Stream(server.port) as client:
            client.put(2 ** 63 - 1)
            client.say("from 0")
            client.peer.sendall(b"x")
            self.eventually(lambda: (self.copies / PARTIAL / "copy").stat().st_size, 1, server)
        self.assertLess(file_programs.peak_memory(server.process.pid), 16 * MIB)

    def test_bytes_that_changed_on_the_way_are_not_stored_and_not_kept(self):
        server = self.stream_server()
        data = content(1000)
        for place in (0, 500, 999):
            def talk(client, place=place):
                client.put(1000)
                client.say("from 0")
                client.peer.sendall(data[:place] + bytes([data[place] ^ 1]) + data[place + 1:])
                return client.ask("sum " + checksum(data))

            self.assert_refused(server, talk, "the bytes that came are not those that were sent")
            self.assertEqual((self.stored(), self.left()), ([], []))

    def test_more_bytes_than_were_announced_are_no_message(self):
        server = self.stream_server()
        with Stream(server.port) as client:
            client.put(4)
            client.say("from 0")
            client.peer.sendall(b"hola y adios")
            server.wait_for_line("is lost: bad frame header", on="stderr")
        self.assertEqual(self.stored(), [])

    def test_a_silent_client_has_to_go(self):
        server = self.stream_server("-t", 1)
        with Stream(server.port) as client:
            client.put(1000)
            self.assertEqual(client.hear(), "no the client takes too long")

    def test_a_message_that_drips_has_to_come_in_time_as_a_whole(self):
        server = self.stream_server("-t", 1)
        with Stream(server.port) as client:
            for byte in b"000020:" + bytes(20):
                client.peer.sendall(bytes([byte]))
                if select.select([client.peer], [], [], 0.4)[0]:
                    break
            self.assertEqual(client.hear(), "no the client takes too long")

    def test_a_disk_that_is_full_is_told_and_the_space_given_back(self):
        self.copies.mkdir()
        (self.copies / "original").write_bytes(b"precious")
        server = self.listening(self.with_small_files(100_000, SERVER, "-H", "127.0.0.1", "-p", 0,
                                                      "-d", self.copies))
        client = self.call(CLIENT, server.port, self.file(content(20 * MIB)))
        self.assert_fails(client, 1, "the server refuses: it cannot be stored: File too large")
        self.assert_holds(self.copies / "original", b"precious")
        self.eventually(self.left, [], server)
        self.copy(CLIENT, server.port, self.file(b"hola"))


class Client(Files):
    """copy_stream_client with a server that is written here."""

    def talk(self, serve, *options, data=b"hola", **keywords):
        listener = self.listener()

        def run():
            with programs.accept(listener) as peer:
                return serve(peer)

        server = self.in_background(run)
        client = self.call(CLIENT, programs.port_of(listener), *options, self.file(data),
                           **keywords)
        return client, server

    @staticmethod
    def say(peer, text):
        peer.sendall(lab_frames.encapsula(text.encode()))

    def assert_client_fails(self, answers, says, code=1):
        def serve(peer):
            for answer in answers:
                lab_frames.readmsg(peer)
                self.say(peer, answer)
            peer.shutdown(socket.SHUT_WR)
            programs.recv_all(peer)

        client, _ = self.talk(serve)
        self.assert_fails(client, code, says)

    NOTHING = "have 0 " + checksum(b"")

    def test_only_stored_is_success(self):
        self.assert_client_fails([], "the server has closed before it was done")
        self.assert_client_fails([self.NOTHING], "the server has closed before it was done")
        self.assert_client_fails(["no not today"], "the server refuses: not today")
        self.assert_client_fails(["hola"], 'the server sent "hola", where "have" was expected')
        self.assert_client_fails(["have x " + checksum(b"")], "this is no size of a file")
        self.assert_client_fails(["have 5 " + checksum(b"hola!")], "more of the file than there is")

    def test_what_is_said_behind_the_last_byte_counts(self):
        for answer, says in ((None, "the server has closed before it was done"),
                             ("no space", "the server refuses: space"),
                             ("hola", 'the server sent "hola", where "stored" was expected')):
            def serve(peer, answer=answer):
                self.begin(peer)
                lab_frames.recv_exactly(peer, 4)
                lab_frames.readmsg(peer)
                if answer is not None:
                    self.say(peer, answer)

            client, _ = self.talk(serve)
            self.assert_fails(client, 1, says)

    def test_what_the_server_says_is_escaped(self):
        client, _ = self.talk(lambda peer: (lab_frames.readmsg(peer),
                                            self.say(peer, "no \x1b[2Jhola\n"),
                                            programs.recv_all(peer)))
        self.assert_fails(client, 1, r"\\x1b\[2Jhola\\n$")

    def test_a_sum_that_differs_sends_it_from_the_start(self):
        def serve(peer):
            lab_frames.readmsg(peer)
            self.say(peer, "have 2 " + checksum(b"xx"))
            start, data = lab_frames.readmsg(peer), lab_frames.recv_exactly(peer, 4)
            total = lab_frames.readmsg(peer)
            self.say(peer, "stored")
            return start, data, total

        client, server = self.talk(serve)
        self.assertEqual(client.wait_exit(), 0)
        self.assertEqual(server.result(),
                         (b"from 0", b"hola", b"sum " + checksum(b"hola").encode()))
        self.assertIn("another file: sending from the start", client.stderr)

    def begin(self, peer):
        """Takes nothing of the data: the client is in the middle of it."""
        lab_frames.readmsg(peer)
        self.say(peer, self.NOTHING)
        self.assertEqual(lab_frames.readmsg(peer), b"from 0")

    def test_a_refusal_in_the_middle_of_the_data_is_heard(self):
        done = self.listener()

        def serve(peer):  # it reads no more, so the client cannot come to the end of its data
            self.begin(peer)
            self.say(peer, "no room")
            programs.accept(done).close()

        client, _ = self.talk(serve, data=bytes(20 * MIB))
        self.assert_fails(client, 1, "the server refuses: room")
        programs.connect(programs.port_of(done)).close()

    def test_ctrl_c_ends_it_at_once_also_when_the_server_takes_nothing(self):
        for send_signal in ("interrupt", "terminate"):
            ready, done = self.listener(), self.listener()

            def serve(peer, ready=ready, done=done):
                self.begin(peer)
                programs.connect(programs.port_of(ready)).close()
                programs.accept(done).close()

            client, _ = self.talk(serve, data=bytes(20 * MIB))
            programs.accept(ready).close()
            getattr(client, send_signal)()
            self.assert_fails(client, 1, "stopped by its user")
            programs.connect(programs.port_of(done)).close()

    def test_a_server_that_does_nothing_is_given_up(self):
        client, _ = self.talk(programs.recv_all, "-t", 1)
        self.assert_fails(client, 1, "the server takes too long")

    def test_a_server_that_dies_is_told(self):
        def serve(peer):
            self.begin(peer)
            programs.reset(peer)

        client, _ = self.talk(serve, data=bytes(20 * MIB))
        self.assert_fails(client, 1, "the connection was cut")

    def test_a_file_that_changes_meanwhile_is_not_confirmed(self):
        for change in (lambda path: os.truncate(path, 10 * MIB),
                       lambda path: os.utime(path, (1, 1))):
            def serve(peer, change=change):
                self.begin(peer)
                change(self.place / "original")
                return len(programs.recv_all(peer)) <= 20 * MIB  # and no "sum" behind it

            client, server = self.talk(serve, data=bytes(20 * MIB))
            self.assert_fails(client, 2, "changed while it was copied")
            self.assertTrue(server.result())

    def test_of_a_file_that_grows_meanwhile_the_announced_bytes_are_confirmed(self):
        data = content(2 * MIB)

        def serve(peer):
            self.begin(peer)
            with open(self.place / "original", "ab") as file:
                file.write(b"more")
            received, total = lab_frames.recv_exactly(peer, len(data)), lab_frames.readmsg(peer)
            self.say(peer, "stored")
            return received == data, total, programs.recv_all(peer)

        client, server = self.talk(serve, data=data)
        self.assertEqual(client.wait_exit(), 0, client.story("the file grew"))
        self.assertEqual(server.result(), (True, b"sum " + checksum(data).encode(), b""))

    def test_the_bar_is_shown_at_a_terminal_only(self):
        server = self.stream_server()
        original = self.file(content(100_000))
        quiet = self.copy(CLIENT, server.port, original)
        self.assertNotIn("[", quiet.stderr)
        client = self.call(CLIENT, server.port, original, terminal=["stderr"])
        self.assertEqual(client.wait_exit(), 0)
        self.assertIn("[====================] 100% (97 KB/97 KB)\r\n", client.stderr)


class Manners(Files):
    def test_help_shows_the_examples_first(self):
        for path in (*SERVERS, *CLIENTS):
            self.assert_help(path)

    def test_a_client_needs_a_file(self):
        (self.place / "sub").mkdir()
        os.mkfifo(self.place / "fifo")
        for path in CLIENTS:
            self.assert_usage_error(path, says="which file")
            self.assert_usage_error(path, self.place / "none", says="No such file")
            self.assert_usage_error(path, self.place, says="no regular file")
            self.assert_usage_error(path, self.place / "fifo", says="no regular file")

    def test_a_server_needs_a_place(self):
        for path in (LINES_SERVER, FRAME_SERVER):
            self.assert_usage_error(path, "-p", 0, says="which file")
            self.assert_usage_error(path, "-p", 0, self.place, says="no regular file")
            self.assert_usage_error(path, "-p", 0, self.place / "none" / "x", says="No such file")
        self.assert_usage_error(SERVER, "-p", 0, "-d", self.place / "no" / "x", says="No such file")
        self.assert_usage_error(SERVER, "-p", 0, "-d", self.file(b""), says="Not a directory")
        self.assert_usage_error(SERVER, "-m", 0, "-d", self.copies, says="1 to 10000")

    def test_nobody_there(self):
        for path in CLIENTS:
            client = self.call(path, programs.refusing_port(), self.file(b"hola"))
            self.assert_fails(client, 1, "Connection refused")

    def test_a_stop_is_orderly(self):
        for by in (2, 15):
            for path in (LINES_SERVER, FRAME_SERVER):
                self.assert_stops_in_order(path, self.place / "copy", by=by)
            self.assert_stops_in_order(SERVER, "-d", self.copies, by=by)

    def test_quiet_says_nothing(self):
        original = self.file(b"hola")
        for client, path, place in ((LINES_CLIENT, LINES_SERVER, [self.place / "copy"]),
                                    (FRAME_CLIENT, FRAME_SERVER, [self.place / "copy"]),
                                    (CLIENT, SERVER, ["-d", self.copies])):
            server = self.server(path, "-q", *place)
            self.assertEqual(self.copy(client, server.port, "-q", original).stderr, "")
            server.terminate()
            server.wait_exit()
            self.assertEqual(server.stderr, "")


if __name__ == "__main__":
    unittest.main()

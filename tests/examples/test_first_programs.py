#!/usr/bin/env python3
"""The first_*.cpp of all chapters: their form, and what they do, also with awkward peers.

Each is compiled as a reader compiles it: alone in a folder with trama.hpp, by its own Run line.

Run: TRAMA_BUILD=build python3 tests/examples/test_first_programs.py
"""
import contextlib
import functools
import os
import re
import shlex
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import programs
import test_12_select as chapter_12

SOURCES = {each.stem: each for each in sorted(programs.ROOT.glob("examples/*/first_*.cpp"))}
HEADER = programs.ROOT / "single_include/trama.hpp"
CHOP = "tools/chop"
MOST_LINES = 60
SELECTORS = ("selector", "poll_selector", "epoll_selector")
PATIENCE = 5  # seconds, of the servers of chapters 04 and 13
STANDARD = set("""
    algorithm array atomic cctype charconv chrono cstddef cstdint cstdio cstdlib cstring deque
    exception fstream functional future iomanip iostream limits list map memory mutex optional
    queue set sstream stdexcept string string_view system_error thread tuple unordered_map
    utility vector""".split())


# ---- compiling them all, once --------------------------------------------------------------------

FOLDER = tempfile.TemporaryDirectory(prefix="trama-first-")
COMPILED = {}  # name: what the compiler said


def compiler():
    """Plain g++, or what $CXX says; an old one is told the language, as chapter 00 tells it."""
    command = shlex.split(os.environ.get("CXX", "g++"))
    macros = subprocess.run(command + ["-dM", "-E", "-x", "c++", "/dev/null"], check=True,
                            capture_output=True, text=True).stdout
    year = int(re.search(r"__cplusplus (\d+)", macros).group(1))
    return command + (["-std=c++17"] if year < 201703 else [])


def binary(name):
    return str(Path(FOLDER.name, name, "a.out"))


def compile_alone(command, name, text, options):
    """Compiles `text` in a folder that holds nothing else but the header."""
    folder = Path(FOLDER.name, name)
    folder.mkdir()
    shutil.copy(HEADER, folder)
    file = name + ".cpp"
    (folder / file).write_text(text, encoding="utf-8")
    done = subprocess.run(command + [file] + options, cwd=folder, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True)
    COMPILED[name] = done.stdout + ("" if done.returncode == 0 else "(it does not compile)")


def setUpModule():
    command = compiler()
    jobs = []
    for name, source in SOURCES.items():
        text = source.read_text(encoding="utf-8")
        jobs.append((name, text, ["-pthread"] if "-pthread" in run_lines(text) else []))
    select_server = SOURCES["first_select_server"].read_text(encoding="utf-8")
    for other in SELECTORS[1:]:
        jobs.append(("first_" + other, with_selector(select_server, other), []))
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        list(pool.map(lambda job: compile_alone(command, *job), jobs))


def tearDownModule():
    FOLDER.cleanup()


SHORT_SENDS = """
#include <sys/socket.h>
extern "C" ssize_t send(int fd, const void* bytes, size_t size, int flags) {
    return sendto(fd, bytes, size < 1000 ? size : 1000, flags, nullptr, 0);
}
"""


@functools.lru_cache(maxsize=None)
def short_sends():
    """A library to preload, with which send(2) takes at most 1,000 bytes."""
    file = Path(FOLDER.name, "short_sends.so")
    done = subprocess.run(compiler() + ["-shared", "-fPIC", "-o", file, "-x", "c++", "-"],
                          input=SHORT_SENDS, capture_output=True, text=True)
    if done.returncode != 0:
        raise unittest.SkipTest("a library to preload cannot be built here: " + done.stderr)
    return str(file)


def run_lines(text):
    return "\n".join(text.splitlines()[1:3])


def with_selector(text, other):
    """The select server after the change that its comment speaks of: one line."""
    return re.sub(r"\btrama::selector\b", "trama::" + other, text, count=1)


def chopped_modes():
    return (("bytes",), ("random", "--seed", 7), ("glue", "--hold", 5), ("half-close", "--seed", 3))


# ---- their form ----------------------------------------------------------------------------------

class Form(unittest.TestCase):
    def for_each(self, check):
        """Calls check(name, lines) for each of them; a failure names the program."""
        for name, source in SOURCES.items():
            with self.subTest(name):
                check(name, source.read_text(encoding="utf-8").splitlines())

    def test_there_are_first_programs(self):
        chapters = {source.parent.name[:2] for source in SOURCES.values()}
        wanted = set("00 01 02 03 04 06 08 09 10 11 12 13 14 15 19 20".split())
        self.assertEqual(wanted - chapters, set())

    def test_each_fits_on_one_screen(self):
        def check(_, lines):
            self.assertLessEqual(len(lines), MOST_LINES)
            self.assertLessEqual(max(map(len, lines)), 100)

        self.for_each(check)

    def test_each_begins_with_title_run_observe_and_what_is_missing(self):
        def check(name, lines):
            self.assertRegex(lines[0], "^// %s -- ." % name)
            self.assertRegex(lines[1], r"^// Run:      (g\+\+|nc) .")
            self.assertRegex(lines[2], "^//           .")
            self.assertRegex(lines[3], r"^// Observe:  .*\S$")
            self.assertRegex(lines[4], r"^// Missing:  .*\S$")
            self.assertEqual(lines[5], '#include "trama.hpp"')
            self.assertIn("g++ %s.cpp" % name, run_lines("\n".join(lines)))

        self.for_each(check)

    def test_the_file_that_has_what_is_missing_is_there(self):
        def check(name, lines):
            named = re.findall(r"[\w./]+\.cpp", lines[4])
            self.assertTrue(named, lines[4])
            for each in named:
                self.assertTrue((SOURCES[name].parent / each).is_file(), each)

        self.for_each(check)

    def test_each_includes_trama_and_the_standard_library_only(self):
        def check(_, lines):
            included = [line.split()[1] for line in lines if line.startswith("#include")]
            self.assertEqual(included[0], '"trama.hpp"')
            for other in included[1:]:
                self.assertIn(other.strip("<>"), STANDARD)

        self.for_each(check)

    def test_the_compiler_says_nothing(self):
        for name, said in sorted(COMPILED.items()):
            with self.subTest(name):
                self.assertEqual(said, "")


# ---- running them --------------------------------------------------------------------------------

class TestCase(programs.TestCase):
    def begin(self, name, *words, **keywords):
        """Starts a server at a free port, and waits until it listens."""
        server = self.start(binary(name), "0", *words, **keywords)
        server.port = int(server.wait_for_line(r"^listening on 0\.0\.0\.0:(\d+)$").group(1))
        return server

    def client(self, name, port, **keywords):
        return self.start(binary(name), "localhost", port, **keywords)

    def connect(self, server):
        made = programs.connect(server.port)
        self.addCleanup(made.close)
        return made

    def assert_conversation(self, server, sent, expected):
        """One client sends all of this, then the end; this and no more comes back."""
        with programs.connect(server.port) as peer:
            peer.sendall(sent)
            peer.shutdown(socket.SHUT_WR)
            self.assertEqual(programs.recv_all(peer), expected, server.story("the answer"))

    def assert_dropped(self, server, sent, expected=b""):
        """A client that sends this is dropped, although it would go on."""
        with programs.connect(server.port) as peer:
            with contextlib.suppress(OSError):
                peer.sendall(sent)
            came = b""
            with contextlib.suppress(ConnectionResetError):
                for piece in iter(lambda: peer.recv(65536), b""):
                    came += piece
            self.assertEqual(came, expected, server.story("what came before the end"))

    def assert_echoes(self, peer, payload=b"hola\n"):
        peer.sendall(payload)
        self.assertEqual(programs.recv_exactly(peer, len(payload)), payload)

    def assert_sentence(self, program, says, code=1):
        """It ends with this code and one line on stderr, and not with `terminate called`."""
        self.assertEqual(program.wait_exit(), code, program.story("wrong exit code"))
        self.assertRegex(program.stderr, r"\A[^\n]*%s[^\n]*\n\Z" % says)

    def assert_same_through_chop(self, server, sent, expected):
        for mode in chopped_modes():
            whole = mode[0] != "half-close"
            with self.subTest(mode=mode[0]), self.server(
                    CHOP, "--quiet", "--to", "127.0.0.1:%d" % server.port, "--mode",
                    *mode) as chop, programs.connect(chop.port) as peer:
                peer.sendall(sent)
                peer.shutdown(socket.SHUT_WR)
                came = programs.recv_all(peer)
                self.assertTrue(expected.startswith(came))
                if whole:
                    self.assertEqual(came, expected)
        self.assertTrue(server.running(), server.story("it should live"))


SERVERS = ("first_echo_server", "first_short_visits", "first_framed_server", "first_readmsg",
           "first_line_server", "first_thread_server", "first_select_server", "first_poll_selector",
           "first_epoll_selector", "first_idle_server", "first_chat_server", "first_copy_server")
CLIENTS = ("first_web_client", "first_echo_client", "first_framed_client", "first_chat_client")


class Errors(TestCase):
    """What goes wrong is shown as its sentence, and costs one client."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(dir=FOLDER.name)
        self.addCleanup(self.folder.cleanup)

    def test_a_port_that_is_taken(self):
        listener = self.listener("0.0.0.0")
        for name in SERVERS:
            with self.subTest(name):
                server = self.start(binary(name), programs.port_of(listener), cwd=self.folder.name)
                self.assert_sentence(server, "listen on 0.0.0.0:.*: Address already in use")

    def test_a_udp_port_that_is_taken(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
            taken.bind(("0.0.0.0", 0))
            server = self.start(binary("first_udp_server"), taken.getsockname()[1])
            self.assert_sentence(server, "Address already in use")

    def test_nobody_listens(self):
        port = programs.refusing_port()
        for name in CLIENTS:
            with self.subTest(name):
                client = self.start(binary(name), "127.0.0.1", port)
                self.assert_sentence(client, "connect to 127.0.0.1:.*: Connection refused")

    def test_a_word_that_is_no_port(self):
        for name in SERVERS + CLIENTS + ("first_udp_server", "first_udp_client"):
            with self.subTest(name):
                words = ["localhost"] if "client" in name else []
                program = self.start(binary(name), *words, "http", cwd=self.folder.name)
                self.assert_sentence(program, "a port is a number from 0 to 65535")

    def test_clients_that_reset_or_leave_at_once_cost_nobody_else_anything(self):
        for name in SERVERS:
            with self.subTest(name):
                server = self.begin(name, cwd=self.folder.name)
                for sent in (b"", b"\0\xff\x1b[2J\n", b"000005:ho", b"GET / HTTP/1.1\r\n\r\n"):
                    peer = programs.connect(server.port)
                    peer.sendall(sent)
                    programs.reset(peer)
                    programs.connect(server.port).close()
                self.assertTrue(server.running(), server.story("it should live"))
                programs.connect(server.port).close()
                self.assertNotIn("terminate", server.stderr)


class Start(TestCase):
    def test_first_errors_shows_each_error_with_its_advice(self):
        program = self.run_to_end(binary("first_errors"))
        self.assertEqual((program.code, program.stderr), (0, ""))
        for line in (r"take another port: listen on .*Address already in use",
                     r"try again later: recv_some from .*timed out",
                     r"connect again: .*Connection reset",
                     r"only 2 bytes came: .*ended after 2 of 4 bytes",
                     r"start the server first: connect to .*Connection refused",
                     r"no error of the network: ."):
            self.assertRegex(program.stdout, "(?m)^" + line)

    def test_first_frames_draws_boxes_that_fit_each_byte(self):
        text = SOURCES["first_frames"].read_text(encoding="utf-8")
        text = text.replace('"hola", "", "adios"', r'"hola", "", "año\n"')
        compile_alone(compiler(), "first_frames_with_escapes", text, [])
        lines = self.run_to_end(binary("first_frames_with_escapes")).stdout.splitlines()
        drawn = [place for place, line in enumerate(lines) if line.startswith("|")]
        self.assertEqual(lines[drawn[2]],
                         r"| 0 | 0 | 0 | 0 | 0 | 5 | : | a | \xc3 | \xb1 | o | \n |")
        for place in drawn:
            corners = [i for i, c in enumerate(lines[place]) if c == "|"]
            for border in (lines[place - 1], lines[place + 1]):
                self.assertEqual([i for i, c in enumerate(border) if c == "+"], corners)

    def test_first_no_messages_receives_both_at_once(self):
        program = self.run_to_end(binary("first_no_messages"))
        self.assertEqual((program.code, program.stderr), (0, ""))
        self.assertIn('received "holaadios"', program.stdout)


class WebClient(TestCase):
    def test_it_sends_one_request_and_prints_all_that_comes(self):
        def serve():
            with programs.accept(listener) as peer:
                request = b""
                while not request.endswith(b"\r\n\r\n"):
                    request += peer.recv(1)
                peer.sendall(b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100000)
                return request

        listener = self.listener()
        port = programs.port_of(listener)
        peer = self.in_background(serve)
        client = self.run_to_end(binary("first_web_client"), "127.0.0.1", port)
        self.assertEqual(peer.result(), b"GET / HTTP/1.1\r\nHost: 127.0.0.1:%d\r\n"
                                        b"Connection: close\r\n\r\n" % port)
        self.assertEqual((client.code, client.stderr), (0, ""))
        self.assertEqual(client.stdout_bytes, b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * 100000)


class EchoClient(TestCase):
    def test_an_answer_in_two_pieces_is_one_answer(self):
        listener = self.listener()
        client = self.client("first_echo_client", programs.port_of(listener))
        with programs.accept(listener) as peer:
            client.send_line("hola")
            self.assertEqual(programs.recv_exactly(peer, 5), b"hola\n")
            peer.sendall(b"ho")
            client.wait_for_text("ho")
            client.send_line("adios")
            self.assertFalse(programs.readable(peer))
            peer.sendall(b"la\n")
            self.assertEqual(programs.recv_exactly(peer, 6), b"adios\n")
            peer.sendall(b"adios\n")
            client.wait_for_line("^adios$")
            client.close_stdin()
            self.assertEqual(client.wait_exit(), 0)

    def test_a_server_that_closes_instead_of_answering(self):
        listener = self.listener()
        client = self.client("first_echo_client", programs.port_of(listener))
        with programs.accept(listener) as peer:
            client.send_line("hola")
            programs.recv_exactly(peer, 5)
        self.assert_sentence(client, "the server has closed the connection")

    def test_with_the_first_echo_server(self):
        server = self.begin("first_echo_server")
        client = self.run_to_end(binary("first_echo_client"), "localhost", server.port,
                                 stdin="hola\n\naño\nadios")
        self.assertEqual((client.code, client.stdout), (0, "hola\n\naño\nadios\n"))


class EchoServers(TestCase):
    ONE_BY_ONE = ("first_echo_server",)
    AT_ONCE = ("first_thread_server", "first_select_server", "first_poll_selector",
               "first_epoll_selector")

    def test_all_that_was_sent_comes_back_and_then_the_end(self):
        for name in self.ONE_BY_ONE + self.AT_ONCE:
            with self.subTest(name):
                server = self.begin(name)
                self.assert_conversation(server, b"x" * 50000, b"x" * 50000)
                self.assert_conversation(server, b"", b"")

    def test_the_second_client_waits_until_the_first_has_left(self):
        server = self.begin("first_echo_server")
        first, second = self.connect(server), self.connect(server)
        second.sendall(b"hola")
        self.assert_echoes(first)
        self.assertFalse(programs.readable(second))
        first.close()
        self.assertEqual(programs.recv_exactly(second, 4), b"hola")

    def test_through_chop(self):
        sent = b"000004:hola000000:000060:" + b"x" * 60
        for name in self.ONE_BY_ONE + self.AT_ONCE:
            with self.subTest(name):
                self.assert_same_through_chop(self.begin(name), sent, sent)

    def test_clients_are_served_in_the_order_in_which_they_speak(self):
        for name in self.AT_ONCE:
            with self.subTest(name):
                server = self.begin(name)
                peers = [self.connect(server) for _ in range(20)]
                for peer in reversed(peers):
                    self.assert_echoes(peer)
                for peer in peers:
                    self.assert_echoes(peer, b"again")

    def flood(self, peer):
        """Sends until the server takes no more from this client, which reads nothing. Returns what
        was sent."""
        block = os.urandom(65536)
        sent = 0
        peer.settimeout(0.3)
        with contextlib.suppress(socket.timeout):
            while True:
                sent += peer.send(block[sent % len(block):])
        peer.settimeout(programs.LIMIT)
        return (block * (sent // len(block) + 1))[:sent]

    def test_a_client_that_reads_late_gets_every_byte(self):
        for name in self.ONE_BY_ONE + self.AT_ONCE:
            with self.subTest(name):
                server = self.begin(name)
                peer = self.connect(server)
                sent = self.flood(peer)
                peer.shutdown(socket.SHUT_WR)
                self.assertTrue(programs.recv_all(peer) == sent, "other bytes came back")

    def test_a_system_that_takes_only_part_of_each_send(self):
        for name in self.ONE_BY_ONE + self.AT_ONCE:
            with self.subTest(name):
                server = self.begin(name, env={"LD_PRELOAD": short_sends()})
                sent = os.urandom(50000)
                self.assert_conversation(server, sent, sent)

    def test_a_client_that_never_reads_does_not_delay_300_others(self):
        for name in self.AT_ONCE:
            with self.subTest(name):
                server = self.begin(name)
                stuck = self.connect(server)
                self.flood(stuck)
                with contextlib.ExitStack() as stack:
                    peers = [stack.enter_context(programs.connect(server.port))
                             for _ in range(300)]
                    for number, peer in enumerate(peers):
                        peer.sendall(b"%d hola" % number)
                    for number, peer in enumerate(peers):
                        expected = b"%d hola" % number
                        self.assertEqual(programs.recv_exactly(peer, len(expected)), expected)
                self.assertTrue(server.running())

    def test_without_descriptors_it_serves_those_who_are_here_and_waits_without_spinning(self):
        chapter_12.need_proc()
        for name in ("first_thread_server", "first_idle_server") + self.AT_ONCE[1:]:
            with self.subTest(name):
                server = self.start("/bin/sh", "-c", 'ulimit -n 12; exec "$0" 0', binary(name))
                server.port = int(server.wait_for_line(r"listening on .*:(\d+)").group(1))
                peers = [self.connect(server) for _ in range(20)]
                self.assert_echoes(peers[0])
                peers[19].sendall(b"hola")
                used = chapter_12.cpu_seconds(server.process.pid)
                self.assertFalse(chapter_12.readable([peers[19]], 0.5))
                self.assertLess(chapter_12.cpu_seconds(server.process.pid) - used, 0.25)
                for peer in peers[:19]:
                    peer.close()
                self.assertEqual(programs.recv_exactly(peers[19], 4), b"hola")

    def test_the_memory_does_not_grow_with_what_a_client_does_not_read(self):
        status = Path("/proc/self/statm")
        if not status.is_file():
            self.skipTest("/proc is not mounted here: it shows the memory of a process")
        server = self.begin("first_select_server")
        peer = self.connect(server)
        self.flood(peer)
        pages = int(Path("/proc/%d/statm" % server.process.pid).read_text().split()[1])
        self.assertLess(pages * os.sysconf("SC_PAGE_SIZE"), 16 << 20)

    def test_what_one_client_sends_never_reaches_another(self):
        server = self.begin("first_select_server")
        left_something = self.connect(server)
        self.flood(left_something)
        programs.reset(left_something)
        for _ in range(20):  # one of them has the descriptor of the client that was lost
            self.assert_conversation(server, b"hola", b"hola")

    def test_poll_and_epoll_differ_in_one_line(self):
        text = SOURCES["first_select_server"].read_text(encoding="utf-8")
        for other in SELECTORS[1:]:
            lines = zip(text.splitlines(), with_selector(text, other).splitlines())
            self.assertEqual(sum(one != two for one, two in lines), 1)


class ShortVisits(TestCase):
    def test_one_answer_and_then_the_end(self):
        server = self.begin("first_short_visits")
        for _ in range(3):
            with programs.connect(server.port) as peer:
                peer.sendall(b"hola")
                self.assertEqual(programs.recv_all(peer), b"hola")

    def test_the_answer_arrives_even_if_the_client_had_sent_more(self):
        server = self.begin("first_short_visits")
        with programs.connect(server.port) as peer:
            peer.sendall(b"x" * 100000)
            self.assertEqual(programs.recv_all(peer), b"x" * 1024)

    def test_a_silent_client_leaves_after_5_seconds_and_the_next_is_served(self):
        server = self.begin("first_short_visits")
        begun = time.monotonic()
        silent = self.connect(server)
        with programs.connect(server.port) as peer:
            peer.sendall(b"hola")
            self.assertEqual(programs.recv_all(peer), b"hola")
        self.assertGreaterEqual(time.monotonic() - begun, PATIENCE - 0.1)
        self.assertEqual(silent.recv(1), b"")
        server.wait_for_line("timed out", on="stderr")


class Udp(TestCase):
    def test_each_datagram_goes_back_to_its_sender_also_an_empty_one(self):
        server = self.begin("first_udp_server")
        with contextlib.ExitStack() as stack:
            peers = [stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                     for _ in range(2)]
            for peer in peers:
                peer.settimeout(programs.LIMIT)
                peer.connect(("127.0.0.1", server.port))
            for payload in (b"hola", b"", b"\0\x1b[2J\xff", b"x" * 60000):
                for peer in peers:
                    peer.send(payload)
                    self.assertEqual(peer.recv(65536), payload)
        self.assertNotIn("\x1b", server.stdout)

    def test_with_its_client(self):
        server = self.begin("first_udp_server")
        client = self.run_to_end(binary("first_udp_client"), "127.0.0.1", server.port,
                                 stdin="hola\n\nadios\n")
        self.assertEqual((client.code, client.stdout, client.stderr), (0, "hola\n\nadios\n", ""))

    def test_a_lost_datagram_is_sent_again_and_another_answer_is_ignored(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.settimeout(programs.LIMIT)
            peer.bind(("127.0.0.1", 0))
            client = self.start(binary("first_udp_client"), "127.0.0.1", peer.getsockname()[1])
            client.send_line("hola")
            self.assertEqual(peer.recv(100), b"hola")  # lost
            line, address = peer.recvfrom(100)
            peer.sendto(b"late", address)
            peer.sendto(line, address)
            client.wait_for_line("^hola$")
            client.close_stdin()
            self.assertEqual((client.wait_exit(), client.stdout), (0, "hola\n"))

    def test_it_gives_up_after_three_tries(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            client = self.run_to_end(binary("first_udp_client"), "127.0.0.1",
                                     peer.getsockname()[1], stdin="hola\n")
            self.assertEqual((client.code, client.stdout), (1, "lost\n"))
            self.assertEqual(len(client.stderr.splitlines()), 3)

    def test_nobody_is_there(self):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as peer:
            peer.bind(("127.0.0.1", 0))
            port = peer.getsockname()[1]
        client = self.start(binary("first_udp_client"), "127.0.0.1", port)
        client.send_line("hola")
        self.assert_sentence(client, "Connection refused")


def six_digits(payload):
    return b"%06d:%s" % (len(payload), payload)


class Frames(TestCase):
    SERVERS = ("first_framed_server", "first_readmsg")

    def test_every_legal_message_comes_back(self):
        payloads = (b"hola", b"", b":", b":::", b"000004:hola", b"a\xc3\xb1o", b"\0\xff\n",
                    b"x" * 70000)
        sent = b"".join(map(six_digits, payloads))
        for name in self.SERVERS:
            with self.subTest(name):
                self.assert_conversation(self.begin(name), sent, sent)

    def test_the_largest_message(self):
        sent = six_digits(b"x" * 999999)
        for name in self.SERVERS:
            with self.subTest(name):
                self.assert_conversation(self.begin(name), sent, sent)

    def test_through_chop(self):
        sent = six_digits(b"hola") + six_digits(b"") + six_digits(b"x" * 60)
        for name in self.SERVERS:
            with self.subTest(name):
                server = self.begin(name)
                self.assert_same_through_chop(server, sent, sent)
                with self.server(CHOP, "--quiet", "--to", "127.0.0.1:%d" % server.port,
                                 "--mode", "headers") as chop:
                    self.assert_conversation(chop, sent, sent)

    def test_a_wrong_header_costs_this_client_only(self):
        wrong = (b"hola, qu\xc3\xa9 tal", b"+00004:hola", b" 00004:hola", b"-00004:hola",
                 b"0x0004:hola", b"0000004:hola", b"00004:hola  ", b"000004;hola", b"\x1b[2J    ")
        for name in self.SERVERS:
            server = self.begin(name)
            for sent in wrong:
                with self.subTest(name=name, sent=sent):
                    self.assert_dropped(server, six_digits(b"hola") + sent, six_digits(b"hola"))
                    self.assert_conversation(server, six_digits(b"hola"), six_digits(b"hola"))
            self.assertNotIn("\x1b", server.stdout + server.stderr)

    def test_the_end_inside_a_message_is_an_error_and_not_the_end(self):
        for name in self.SERVERS:
            for sent in (b"0", b"000004", b"000004:", b"000004:hol"):
                with self.subTest(name=name, sent=sent):
                    server = self.begin(name)
                    self.assert_conversation(server, sent, b"")
                    server.wait_for_line("ended|closed", on="stderr")
                    self.assert_conversation(server, six_digits(b"hola"), six_digits(b"hola"))

    def test_the_client_with_each_server(self):
        for name in self.SERVERS:
            with self.subTest(name):
                server = self.begin(name)
                client = self.run_to_end(binary("first_framed_client"), "localhost", server.port,
                                         stdin="hola\n\n:\naño\n")
                self.assertEqual((client.code, client.stdout), (0, "hola\n\n:\naño\n"))

    def test_the_client_says_that_the_server_has_closed_or_speaks_otherwise(self):
        for answer, says in ((b"", "the server has closed the connection"),
                             (b"HTTP/1.1 400 Bad Request", "looks like HTTP"),
                             (b"000009:hol", "the stream ended inside the frame")):
            listener = self.listener()
            client = self.client("first_framed_client", programs.port_of(listener))
            with programs.accept(listener) as peer:
                client.send_line("hola")
                self.assertEqual(programs.recv_exactly(peer, 11), b"000004:hola")
                peer.sendall(answer)
            self.assert_sentence(client, says)


class Lines(TestCase):
    def test_each_line_has_its_answer_in_order(self):
        server = self.begin("first_line_server")
        self.assert_conversation(server, b"ECHO hola\nECHO \r\nHOLA\n\nQUIT\nECHO no\n",
                                 b"200 hola\n200 \n400 unknown command\n400 unknown command\n"
                                 b"200 bye\n")

    def test_the_longest_line_is_answered_and_a_longer_one_ends_the_visit(self):
        server = self.begin("first_line_server")
        text = b"x" * (512 - len(b"ECHO "))
        self.assert_conversation(server, b"ECHO " + text + b"\n", b"200 " + text + b"\n")
        self.assert_dropped(server, b"ECHO " + text + b"x\n")
        self.assert_dropped(server, b"x" * 100000)
        self.assert_conversation(server, b"QUIT\n", b"200 bye\n")

    def test_what_cannot_be_one_line_costs_this_client_only(self):
        server = self.begin("first_line_server")
        self.assert_dropped(server, b"ECHO hola\r\r\n")
        self.assert_conversation(server, b"ECHO hola", b"")  # a line that does not end
        self.assert_conversation(server, b"QUIT\n", b"200 bye\n")

    def test_through_chop(self):
        self.assert_same_through_chop(self.begin("first_line_server"), b"ECHO a\r\nB\nECHO c\n",
                                      b"200 a\n400 unknown command\n200 c\n")


class IdleServer(TestCase):
    def test_the_silent_client_leaves_after_5_seconds_and_the_others_stay(self):
        server = self.begin("first_idle_server")
        begun = time.monotonic()
        silent, talker = self.connect(server), self.connect(server)
        silent.settimeout(0.5)
        ended = False
        while not ended:
            self.assertLess(time.monotonic() - begun, programs.LIMIT)
            self.assert_echoes(talker)
            with contextlib.suppress(socket.timeout):
                ended = silent.recv(1) == b""
        self.assertGreaterEqual(time.monotonic() - begun, PATIENCE - 0.1)
        self.assertLess(time.monotonic() - begun, PATIENCE + 10)
        self.assert_echoes(talker)
        self.assert_conversation(server, b"hola", b"hola")

    def test_each_line_comes_back_also_through_chop(self):
        sent = b"hola\n" * 20
        self.assert_same_through_chop(self.begin("first_idle_server"), sent, sent)

    def test_a_client_that_never_reads_does_not_delay_the_others(self):
        server = self.begin("first_idle_server")
        stuck = self.connect(server)
        with contextlib.suppress(OSError):
            while True:
                stuck.send(b"x" * 65536)
        for _ in range(20):
            self.assert_conversation(server, b"hola", b"hola")


class Chat(TestCase):
    LONGEST = 1000

    def join(self, server, *others):
        """A new member, of whom all others have heard."""
        peer = self.connect(server)
        for other in others:
            self.assert_hears(other, b"<%s> came" % programs.address_of(peer).encode())
        return peer

    @staticmethod
    def line(peer):
        received = b""
        while not received.endswith(b"\n"):
            piece = peer.recv(1)
            if not piece:
                break
            received += piece
        return received

    def assert_hears(self, peer, text):
        self.assertEqual(self.line(peer), text + b"\n")

    def three(self):
        server = self.begin("first_chat_server")
        ana = self.join(server)
        bea = self.join(server, ana)
        eva = self.join(server, ana, bea)
        return server, ana, bea, eva

    @staticmethod
    def said(peer, text):
        return b"<%s> %s" % (programs.address_of(peer).encode(), text)

    def test_the_others_receive_what_one_says_and_that_it_came_and_left(self):
        _, ana, bea, eva = self.three()
        ana.sendall(b"hola\nadios\r\n")
        for other in (bea, eva):
            self.assert_hears(other, self.said(ana, b"hola"))
            self.assert_hears(other, self.said(ana, b"adios"))
        name = self.said(bea, b"left")
        bea.close()
        self.assert_hears(ana, name)  # and nothing of what it said itself
        self.assert_hears(eva, name)

    def test_letters_of_spanish_are_shown_and_control_characters_are_not_obeyed(self):
        _, ana, bea, eva = self.three()
        ana.sendall("¿año?\n".encode() + b"\x1b[2J\x07\rhola\n")
        self.assert_hears(bea, self.said(ana, "¿año?".encode()))
        self.assert_hears(bea, self.said(ana, b"?[2J??hola"))
        self.assert_hears(eva, self.said(ana, "¿año?".encode()))

    def test_a_line_that_is_too_long_costs_its_speaker_only(self):
        _, ana, bea, eva = self.three()
        name = self.said(ana, b"left")
        ana.sendall(b"x" * (self.LONGEST + 1) + b"\n")
        self.assertEqual(self.line(ana), b"")
        for other in (bea, eva):
            self.assert_hears(other, name)
        bea.sendall(b"hola\n")
        self.assert_hears(eva, self.said(bea, b"hola"))

    def test_a_line_that_becomes_too_long_with_the_name_before_it_is_said(self):
        _, ana, bea, eva = self.three()
        for text in (b"x" * self.LONGEST, b"x" * (self.LONGEST - 1)):
            ana.sendall(text + b"\n")
            for other in (bea, eva):
                self.assert_hears(other, self.said(ana, text))

    def test_the_end_inside_a_line_costs_its_speaker_only(self):
        _, ana, bea, eva = self.three()
        name = self.said(ana, b"left")
        ana.sendall(b"no line feed")
        ana.shutdown(socket.SHUT_WR)
        self.assertEqual(programs.recv_all(ana), b"")
        for other in (bea, eva):
            self.assert_hears(other, name)

    def test_a_member_that_never_reads_does_not_delay_the_others(self):
        _, ana, bea, eva = self.three()
        del eva  # it stays, and reads nothing
        text = b"x" * 900
        for _ in range(3000):
            ana.sendall(text + b"\n")
            self.assert_hears_bytes(bea, self.said(ana, text) + b"\n")

    def assert_hears_bytes(self, peer, expected):
        self.assertEqual(programs.recv_exactly(peer, len(expected)), expected)

    def test_sigterm_and_ctrl_c_stop_it_in_order(self):
        for stop in ("terminate", "interrupt"):
            server = self.begin("first_chat_server")
            peer = self.join(server)
            getattr(server, stop)()
            self.assertEqual(programs.recv_all(peer), b"")
            self.assertEqual(server.wait_exit(), 0)


class ChatClient(TestCase):
    def setUp(self):
        self.room = self.begin("first_chat_server")
        self.peer = self.connect(self.room)

    def member(self, **keywords):
        client = self.client("first_chat_client", self.room.port, **keywords)
        found = re.fullmatch(rb"<(.*)> came\n", Chat.line(self.peer))
        client.address = found.group(1)
        return client

    def test_it_sends_what_is_typed_and_prints_what_comes(self):
        client = self.member()
        client.send_line("hola")
        self.assertEqual(Chat.line(self.peer), b"<%s> hola\n" % client.address)
        self.peer.sendall("¿qué tal?\nadios\n".encode())
        client.wait_for_line("> ¿qué tal\\?$")
        client.wait_for_line("> adios$")
        client.close_stdin()
        self.assertEqual(client.wait_exit(), 0, client.story("end of the input"))

    def test_lines_that_came_together_are_all_printed_at_once(self):
        listener = self.listener()
        client = self.client("first_chat_client", programs.port_of(listener))
        with programs.accept(listener) as peer:
            peer.sendall(b"one\ntwo\nthree\nfo")
            for each in ("one", "two", "three"):
                client.wait_for_line("^%s$" % each)
            peer.sendall(b"ur\nfive\nsix")
            client.wait_for_line("^five$")
            self.assertNotIn("six", client.stdout)

    def test_what_comes_is_printed_while_a_line_is_half_typed(self):
        client = self.member()
        client.send("ho")
        self.peer.sendall(b"first\n")
        client.wait_for_line("> first$")
        client.send("la\n")
        self.assertEqual(Chat.line(self.peer), b"<%s> hola\n" % client.address)

    def test_a_pipe_says_all_its_lines_also_the_last_one_without_its_end(self):
        client = self.member()
        client.send("one\ntwo\nthree")
        client.close_stdin()
        self.assertEqual(client.wait_exit(), 0, client.story("end of the input"))
        for each in (b"one", b"two", b"three"):
            self.assertEqual(Chat.line(self.peer), b"<%s> %s\n" % (client.address, each))

    def test_a_server_that_closes_first_is_an_error(self):
        client = self.member()
        self.room.terminate()
        self.assert_sentence(client, "the server has closed")

    def test_a_server_that_breaks_off_inside_a_line_is_an_error(self):
        listener = self.listener()
        client = self.client("first_chat_client", programs.port_of(listener))
        with programs.accept(listener) as peer:
            peer.sendall(b"no line feed")
        self.assert_sentence(client, "the stream ended inside the frame")


class Copy(TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(dir=FOLDER.name)
        self.addCleanup(folder.cleanup)
        self.here = Path(folder.name)
        self.copies = self.here / "server" / "copies"
        self.copies.parent.mkdir()
        self.copy_server = self.begin("first_copy_server", cwd=self.copies.parent)

    def client(self, name, cwd=None):
        return self.run_to_end(binary("first_copy_client"), name, "localhost",
                               self.copy_server.port, cwd=cwd or self.here)

    def stored(self):
        """What lies in the folder: names, also those of files that are being written."""
        return sorted(each.name for each in self.copies.iterdir())

    def test_files_of_all_sizes_arrive_as_they_are(self):
        for size in (0, 1, 16383, 16384, 16385, 3_000_000):
            with self.subTest(size):
                content = os.urandom(size)
                (self.here / "photo.jpg").write_bytes(content)
                client = self.client("photo.jpg")
                self.assertEqual((client.code, client.stdout, client.stderr), (0, "stored\n", ""))
                self.assertEqual((self.copies / "photo.jpg").read_bytes(), content)
        self.assertEqual(self.stored(), ["photo.jpg"])

    def test_a_name_in_spanish(self):
        (self.here / "año nuevo.txt").write_text("hola")
        self.assertEqual(self.client("año nuevo.txt").code, 0)
        self.assertEqual((self.copies / "año nuevo.txt").read_text(), "hola")

    def test_name_size_and_bytes_in_one_piece_or_byte_by_byte(self):
        content = b"x\n" * 100 + b"\0"
        sent = b"a.txt\n%d\n%s" % (len(content), content)
        for mode in ("whole", "bytes", "random"):
            with self.subTest(mode), self.server(
                    CHOP, "--quiet", "--to", "127.0.0.1:%d" % self.copy_server.port,
                    "--mode", mode) as chop, programs.connect(chop.port) as peer:
                peer.sendall(sent)
                self.assertEqual(programs.recv_exactly(peer, 3), b"ok\n")
                self.assertEqual((self.copies / "a.txt").read_bytes(), content)
            (self.copies / "a.txt").unlink()

    def test_a_cut_connection_leaves_nothing_and_an_older_file_as_it_was(self):
        (self.copies / "a.txt").write_text("old")
        for sent in (b"a.txt", b"a.txt\n", b"a.txt\n10", b"a.txt\n10\n", b"a.txt\n10\n012345678"):
            with self.subTest(sent):
                self.assert_conversation(self.copy_server, sent, b"")
                self.assertEqual(self.stored(), ["a.txt"])
                self.assertEqual((self.copies / "a.txt").read_text(), "old")

    def test_a_reset_leaves_nothing(self):
        peer = programs.connect(self.copy_server.port)
        peer.sendall(b"a.txt\n10\n01234")
        programs.reset(peer)
        self.copy_server.wait_for_line("reset", on="stderr")
        self.assert_conversation(self.copy_server, b"b.txt\n1\nx", b"ok\n")
        self.assertEqual(self.stored(), ["b.txt"])

    def test_hostile_names_store_nothing_anywhere(self):
        names = (b"", b".", b"..", b"../a.txt", b"/tmp/a.txt", b"a/b", b"\0", b"a\0b", b"x" * 256,
                 b".trama-1", b"\x1b[2J", b"a\rb", b"\x07", b"\x7f",
                 b"x" * 10000)
        before = sorted(self.here.rglob("*"))
        for name in names:
            with self.subTest(name):
                self.assert_dropped(self.copy_server, name + b"\n4\nhola")
        self.assertEqual(sorted(self.here.rglob("*")), before)
        self.assertNotIn("\x1b", self.copy_server.stdout + self.copy_server.stderr)
        self.assert_conversation(self.copy_server, b"b.txt\n1\nx", b"ok\n")

    def test_what_is_no_size_stores_nothing(self):
        for size in (b"", b"-1", b"+4", b" 4", b"4 ", b"0x4", b"4.0", b"18446744073709551616",
                     b"9" * 100):
            with self.subTest(size):
                self.assert_dropped(self.copy_server, b"a.txt\n%s\nhola" % size)
        self.assertEqual(self.stored(), [])

    def test_a_name_that_a_folder_has_is_refused(self):
        (self.copies / "folder").mkdir()
        self.assert_dropped(self.copy_server, b"folder\n4\nhola")
        self.assertEqual(self.stored(), ["folder"])

    def test_the_client_refuses_what_is_no_file_of_this_folder(self):
        os.mkfifo(self.here / "fifo")
        for name in ("nothing", "fifo", "server", "../" + self.here.name, "/etc/passwd", ""):
            with self.subTest(name):
                client = self.client(name)
                self.assertEqual(client.code, 1, client.story(name))
                self.assertRegex(client.stderr, r"\A[^\n]+\n\Z")
                self.copy_server.wait_for_line("^not a name and a size", on="stderr")
        self.assertEqual(self.stored(), [])

    def test_a_file_of_proc_is_refused_and_not_sent_as_empty(self):
        if not Path("/proc/version").is_file():
            self.skipTest("/proc is not mounted here")
        client = self.client("version", cwd="/proc")
        self.assertEqual(client.code, 1, client.story("0 bytes are no copy"))
        self.assertEqual(self.stored(), [])

    def test_the_client_needs_a_file(self):
        self.assertEqual(self.run_to_end(binary("first_copy_client")).code, 2)

    def test_a_server_that_does_not_confirm_is_an_error(self):
        (self.here / "a.txt").write_text("hola")
        for answer, says in ((b"", "has not stored"), (b"no\n", "has not stored"),
                             (b"ok", "the stream ended inside the frame")):
            listener = self.listener()
            client = self.start(binary("first_copy_client"), "a.txt", "localhost",
                                programs.port_of(listener), cwd=self.here)
            with programs.accept(listener) as peer:
                self.assertEqual(programs.recv_exactly(peer, 12), b"a.txt\n4\nhola")
                peer.sendall(answer)
            self.assert_sentence(client, says)

    def test_nobody_listens(self):
        (self.here / "a.txt").write_text("hola")
        client = self.start(binary("first_copy_client"), "a.txt", "127.0.0.1",
                            programs.refusing_port(), cwd=self.here)
        self.assert_sentence(client, "Connection refused")


if __name__ == "__main__":
    unittest.main()

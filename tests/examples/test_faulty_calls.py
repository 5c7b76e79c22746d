#!/usr/bin/env python3
"""Chapters 11 to 18 while their system calls are cut short, interrupted, or fail: all at once.

Calls that move fewer bytes, EINTR and EAGAIN change nothing of what a program does. ENOBUFS, EMFILE
and ENOSPC cost the client whose call it was, and nothing else: an echo is right up to its end, a
file is whole or not there, and success is said only when it is. Afterwards each server serves a
good client, and has no descriptor more than before.

Each seed is another choice of faults: a few seeds, and 200 with TRAMA_THOROUGH=1 in the
environment. The first one is printed; TRAMA_SEED=NUMBER begins there again.

Run: TRAMA_BUILD=build python3 tests/examples/test_faulty_calls.py
"""
import contextlib
import errno
import os
import random
import re
import resource
import shutil
import signal
import socket
import sys
import unittest

import faulty_calls
import programs
import store_programs
import traced
from faulty_calls import HARMLESS
from file_programs import descriptors_of, some_bytes, tree
from test_14_group_chat import Frames, Peer

THOROUGH = bool(os.environ.get("TRAMA_THOROUGH"))
SEEDS = 200 if THOROUGH else 15
FIRST_SEED = int(os.environ.get("TRAMA_SEED") or random.randrange(10 ** 6))
OFTEN = 300  # faults in a thousand calls


def rate_of(seed):
    """Of faults that a program cannot hide: with many, hardly a call after the first is reached."""
    return (30, 60, 120, 250)[seed % 4]


def seeds():
    return range(FIRST_SEED, FIRST_SEED + SEEDS)


def seeds_until(has_happened):
    """At least all of them; more, if the faults of none of them have met a call."""
    yield from seeds()
    for seed in range(FIRST_SEED + SEEDS, FIRST_SEED + SEEDS + 100):
        if has_happened():
            return
        yield seed
    raise AssertionError("nothing was tested: no call had a fault")


@contextlib.contextmanager
def may_break():
    """The connection may end in here. A time-out is a failure: it is how a program hangs."""
    try:
        yield
    except OSError as error:
        if not isinstance(error, ConnectionError) and error.errno != errno.ENOTCONN:
            raise


def six_digits(payload):
    return b"%06d:%b" % (len(payload), payload)


# ---- what every server must do -------------------------------------------------------------------

class ServerCase(faulty_calls.TestCase):
    """`talk` says what a client does. With is_sure=True all of it must be right."""

    path = None
    options = ()
    host = "-H"

    def begin(self):
        return self.faulty_server(self.path, *self.options, host=self.host)

    def talk(self, server, seed, is_sure):
        raise NotImplementedError

    def assert_lives(self, server, held):
        if not server.running():  # no seed after this one would say anything
            self.fail(server.story("the server has ended"))
        self.eventually(lambda: descriptors_of(server.process.pid), held, server)

    def assert_stops(self, server):
        server.terminate()
        self.assertEqual(server.wait_exit(), 0, server.story("it was stopped"))

    def start_faults(self, server, seed, kinds, rate):
        server.faults.start(seed, kinds, rate)

    def stop_faults(self, server):
        server.faults.stop()

    def talk_with_each_seed(self, kinds, is_sure):
        """After each seed a good client is served, and the server is as it was."""
        server = self.begin()
        self.held = descriptors_of(server.process.pid)
        for seed in seeds_until(lambda: server.faults.injected() > 0):
            with self.subTest(seed=seed):
                self.start_faults(server, seed, kinds, OFTEN if is_sure else rate_of(seed))
                try:
                    self.talk(server, seed, is_sure)
                finally:
                    self.stop_faults(server)
                self.talk(server, seed, True)
            self.assert_lives(server, self.held)
        self.assert_stops(server)

    def test_short_and_interrupted_calls_change_nothing(self):
        self.talk_with_each_seed(HARMLESS, True)

    def test_calls_that_fail_cost_one_client(self):
        self.talk_with_each_seed(faulty_calls.KINDS, False)

    def test_it_starts_and_stops_or_says_why_not(self):
        for seed in seeds():
            with self.subTest(seed=seed):
                faults = self.faults()
                faults.start(seed, rate=rate_of(seed))
                server = self.faulty(self.path, self.host, "127.0.0.1", "-p", 0, *self.options,
                                     faults=faults)
                with contextlib.suppress(AssertionError):  # it has ended, and says so on stderr
                    server.wait_for_line("^listening on ")
                if server.running():
                    server.terminate()
                self.assertIn(server.wait_exit(), (0, 1, 2), server.story("it did not start"))
                if server.process.returncode:
                    self.assert_says_why(server)
                server.close()

    def assert_says_why(self, program):
        name = getattr(program, "name", os.path.basename(program.argv[0]))
        told = re.findall(r"(?m)^%s: ." % re.escape(name), program.stderr)
        self.assertEqual(len(told), 1, program.story("one line should say what went wrong"))


class EchoCase(ServerCase):
    """Three clients at once. What they send fits into the buffers of the system."""

    def stream(self, seed, number):
        dice = random.Random(10 * seed + number)
        return some_bytes(60000)[:dice.choice((1, 5, 1024, 1025, dice.randrange(60000)))]

    def talk(self, server, seed, is_sure):
        streams = [self.stream(seed, number) for number in range(3)]
        clients = [programs.connect(server.port) for _ in streams]
        for client, stream in zip(clients, streams):
            with may_break():
                client.sendall(stream)
                client.shutdown(socket.SHUT_WR)
        for client, stream in zip(clients, streams):
            self.assert_echo(server, client, stream, is_sure)

    def assert_echo(self, server, client, stream, is_sure):
        received = b""
        with client, may_break():
            for piece in iter(lambda: client.recv(65536), b""):
                received += piece
        if is_sure:
            self.assertEqual(len(received), len(stream), server.story("not all came back"))
        self.assertTrue(stream.startswith(received), server.story("something else came back"))


class FramedCase(EchoCase):
    def stream(self, seed, number):
        dice = random.Random(10 * seed + number)
        sizes = [dice.choice((0, 1, 7, dice.randrange(3000))) for _ in range(12)]
        return b"".join(six_digits(some_bytes(3000)[:size]) for size in sizes)


class Threads(EchoCase):
    path = "11_threads/thread_echo_server"


class Forks(EchoCase):
    path = "11_threads/fork_echo_server"


class Select(EchoCase):
    path = "12_select/select_echo_server"
    options = ("--backend", "select")


class Poll(Select):
    options = ("--backend", "poll")


class Epoll(Select):
    options = ("--backend", "epoll")


class Framed(FramedCase):
    path = "12_select/framed_echo_server"


class FramedEpoll(FramedCase):
    path = "12_select/framed_echo_server"
    options = ("--backend", "epoll", "--idle", 60)


class Idle(EchoCase):
    path = "13_idle_clients/idle_echo_server"


class OneClientAfterAnother(faulty_calls.TestCase):
    """Servers with one thread for all clients, and one that ends the wait for the present client at
    Ctrl-C. So a client needs three descriptors: its own, and two to stop that thread.
    """

    ANSWERS = (("03_echo_server/echo_server", b"hola", b"hola"),
               ("04_short_visits/short_visit_server", b"hola", b"hola"),
               ("08_frames/framed_echo_server", b"000001:x", b"000001:x"),
               ("09_lines/command_server", b"ECHO x\n", b"200 x\n"))

    def assert_descriptors_may_run_out(self, path, *arguments):
        server = self.server(path, *arguments)
        held = descriptors_of(server.process.pid)
        before = resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE)
        # Descriptors are numbered from 0 on: this leaves one and the half of the other two.
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, (held + 2, before[1]))
        with programs.connect(server.port) as client, may_break():
            client.recv(1)  # the end, or a reset
        server.wait_for_text("Too many open files", on="stderr")
        resource.prlimit(server.process.pid, resource.RLIMIT_NOFILE, before)
        return server, held

    def assert_answers(self, server, held, question, answer):
        with programs.connect(server.port) as client:
            client.sendall(question)
            self.assertEqual(programs.recv_exactly(client, len(answer)), answer)
        self.eventually(lambda: descriptors_of(server.process.pid), held, server)

    def test_without_descriptors_for_one_client_the_next_is_served(self):
        for path, question, answer in self.ANSWERS:
            with self.subTest(path):
                self.assert_answers(*self.assert_descriptors_may_run_out(path), question, answer)

    def test_without_a_thread_for_one_client_the_next_is_served(self):
        if traced.why_not():
            self.skipTest(traced.why_not())
        for path, question, answer in self.ANSWERS:
            with self.subTest(path):
                server = self.listening(self.start(
                    shutil.which("strace"), "-D", "-f", "-o", os.devnull, "-e",
                    r"inject=/^clone3?$:error=EAGAIN:when=1", programs.example(path), "-H",
                    "127.0.0.1", "-p", 0, env={"ASAN_OPTIONS": "detect_leaks=0"}))
                held = descriptors_of(server.process.pid)
                with programs.connect(server.port) as client, may_break():
                    self.assertEqual(client.recv(1), b"")
                server.wait_for_text("Resource temporarily unavailable", on="stderr")
                self.assert_answers(server, held, question, answer)

    def test_nor_do_copies_need_more(self):
        for kind, stream in (("lines", b"hola"), ("frame", b"000004:hola")):
            with self.subTest(kind):
                copy = self.folder() / "copy"
                server, _ = self.assert_descriptors_may_run_out(
                    "15_remote_copy/copy_%s_server" % kind, copy)
                with programs.connect(server.port) as client:
                    client.sendall(stream)
                    client.shutdown(socket.SHUT_WR)
                    server.wait_for_line(": stored 4 bytes", on="stderr")
                self.assertEqual(tree(copy.parent), {b"copy": b"hola"})


# ---- chapter 14 ----------------------------------------------------------------------------------

class WholeFrames(Frames):
    @staticmethod
    def read(stream):
        """The next message; None at the end, also if that comes in the middle of a message."""
        header = stream.read(7)
        size = int(header[:6]) if len(header) == 7 else 0
        payload = stream.read(size)
        return payload if len(header) == 7 and len(payload) == size else None


class Chat(ServerCase):
    path = "14_group_chat/chat_server"
    talks = 0

    def talk(self, server, seed, is_sure):
        """Three members; the first two speak, and all hear the others."""
        members = []
        self.talks += 1  # of the last talk somebody may still be there, and have the name
        self.names = ["%s-%d" % (name, self.talks) for name in ("ana", "luis", "eva")]
        try:
            for name in self.names:
                member = Peer(WholeFrames, server.port)
                members.append(member)
                member.heard = []
                with may_break():
                    member.say(name)
                self.hear_until(member, "* welcome", is_sure)
            said = ["message %d of seed %d" % (number, seed) for number in range(4)]
            for number, text in enumerate(said):
                with may_break():
                    members[number % 2].say(text)
                speaker = self.names[number % 2]
                self.hear_until(members[2], "<%s> %s" % (speaker, text), is_sure)
            self.leave(members)
            self.assert_heard(members, said, is_sure)
        finally:
            for member in members:
                member.close()

    def hear_until(self, member, start, is_sure):
        """Reads up to this message. Not sure: the member may be out, or the other one."""
        if not is_sure:
            return
        while not member.heard or not member.heard[-1].startswith(start):
            message = member.hears()
            self.assertIsNotNone(message, "the end came before %r: %r" % (start, member.heard))
            member.heard.append(message)

    def leave(self, members):
        """One after another, each to the end of what is for it."""
        for member in members:
            with may_break():
                member.say("/quit")
                member.heard += member.hears_all()

    def assert_heard(self, members, said, is_sure):
        """Nothing but what was said, of each speaker in order; all of it, if nothing may fail."""
        for place, name in enumerate(self.names[:2]):
            expected = ["<%s> %s" % (name, text) for text in said[place::2]]
            for member in members[:place] + members[place + 1:]:
                heard = [text for text in member.heard if text.startswith("<%s>" % name)]
                if is_sure:
                    self.assertEqual(heard, expected)
                rest = iter(expected)
                self.assertTrue(all(text in rest for text in heard), (heard, expected))


class ChatClient(faulty_calls.TestCase):
    def chat(self, server, seed, kinds, rate):
        """One client says three lines. Returns it, what was heard, and what was to be heard."""
        said = ["<ana> line %d of seed %d" % (number, seed) for number in range(3)]
        with contextlib.closing(Peer(Frames, server.port)) as peer:
            peer.say("eva")
            while not peer.hears().startswith("* welcome"):
                pass
            faults = self.faults()
            faults.start(seed, kinds, rate)
            client = self.faulty("14_group_chat/chat_client", "-H", "127.0.0.1", "-p",
                                 server.port, "-n", "ana", faults=faults)
            with may_break():  # it may have ended
                client.send("".join(text[6:] + "\n" for text in said))
            client.close_stdin()
            client.wait_exit()
            client.close()
            peer.say("/quit")
            return client, [text for text in peer.hears_all() if text.startswith("<")], said

    def test_short_and_interrupted_calls_change_nothing(self):
        server = self.server(Chat.path)
        for seed in seeds():
            with self.subTest(seed=seed):
                client, heard, said = self.chat(server, seed, HARMLESS, OFTEN)
                self.assertEqual((client.process.returncode, heard), (0, said), client.story(""))

    def test_calls_that_fail_are_told(self):
        server = self.server(Chat.path)
        for seed in seeds():
            with self.subTest(seed=seed):
                client, heard, said = self.chat(server, seed, faulty_calls.KINDS, rate_of(seed))
                self.assertEqual(heard, said[:len(heard)], client.story("something else"))
                self.assertIn(client.process.returncode, (0, 1, 2), client.story("a crash"))
                if client.process.returncode == 0:
                    self.assertEqual(heard, said, client.story("it does not say what is lost"))
                else:
                    self.assertRegex(client.stderr, "(?m)^chat_client: .", client.story("why?"))


# ---- chapters 15 to 18: files --------------------------------------------------------------------

class FilesCase(ServerCase):
    """`client_faults` are those of the client programs that talk() starts."""

    def setUp(self):
        super().setUp()
        self.client_faults = self.faults()
        self.place = self.folder()
        self.here = self.folder()  # of the clients

    @staticmethod
    def content(seed, number=0):
        """The bytes of a file: nothing, a few, one piece of a transfer, several pieces."""
        dice = random.Random(10 * seed + number)
        size = dice.choice((0, 1, dice.randrange(2, 5000), 65536, dice.randrange(300000, 700000)))
        return some_bytes(800000)[dice.randrange(1000):][:size]

    def start_faults(self, server, seed, kinds, rate):
        """They are in the server, in the client, or in both."""
        if seed % 3 != 0 or kinds == HARMLESS:
            server.faults.start(seed, kinds, rate)
        if seed % 3 != 1 or kinds == HARMLESS:
            self.client_faults.start(seed, kinds, rate)

    def stop_faults(self, server):
        server.faults.stop()
        self.client_faults.stop()

    def run_client(self, path, server, *arguments, is_sure, stdin=""):
        """Runs a client to its end. Returns it, with `code`."""
        client = self.start_client(programs.example(path), "-H", "127.0.0.1", "-p", server.port,
                                   *arguments, cwd=self.here)
        client.name = os.path.basename(path)
        with may_break():  # it may have ended
            client.send(stdin)
        client.close_stdin()
        client.code = client.wait_exit()
        client.close()
        story = client.story("the client; and the server:\n" + server.stderr[-2000:])
        self.assertIn(client.code, (0,) if is_sure else (0, 1, 2), story)
        if client.code:
            self.assert_says_why(client)
        return client

    def start_client(self, *argv, **keywords):
        return self.faulty(*argv, faults=self.client_faults, **keywords)

    def source(self, data, name="source"):
        self.fill(self.here, {name: data})
        return self.here / name

    def assert_whole(self, folder, allowed, program):
        """Each file is one of those that are allowed under its name, and none is a left-over."""
        for name, data in tree(folder).items():
            self.assertIn(name, allowed, program.story("left behind"))
            self.assertTrue(data in allowed[name],
                            program.story("%r has %d bytes" % (name, len(data))))


class OneFile(FilesCase):
    """Servers that write what comes into one file, and clients that never hear of it."""

    client = None
    is_framed = True  # the server knows whether all came
    talks = 0

    def begin(self):
        self.copy = self.place / "copy"
        self.copy.write_bytes(b"the first one")
        return self.faulty_server(self.path, self.copy)

    def test_it_starts_and_stops_or_says_why_not(self):
        self.options = (self.place / "copy",)
        super().test_it_starts_and_stops_or_says_why_not()

    def talk(self, server, seed, is_sure):
        before, data = self.copy.read_bytes(), self.content(seed)
        self.talks += 1  # each file has a size of its own, so that the server's words tell of one
        data = data[:len(data) // 1000 * 1000] + some_bytes(self.talks)
        client = self.run_client(self.client, server, self.source(data), is_sure=is_sure)
        says_so = ": stored %d bytes\n" % len(data)
        if is_sure:
            server.wait_for_line(says_so.strip(), on="stderr")
        self.eventually(lambda: descriptors_of(server.process.pid), self.held, server)
        after = self.copy.read_bytes()
        is_cut = client.code != 0 and not self.is_framed and data.startswith(after)
        self.assertTrue(after in (before, data) or is_cut,
                        client.story("%d of %d bytes" % (len(after), len(data))))
        if says_so in server.stderr:
            self.assertTrue(after == data, server.story("it says that it has stored it"))
        self.assertEqual(os.listdir(self.place), ["copy"], server.story("left behind"))


class CopyLines(OneFile):
    path = "15_remote_copy/copy_lines_server"
    client = "15_remote_copy/copy_lines_client"
    is_framed = False


class CopyFrame(OneFile):
    path = "15_remote_copy/copy_frame_server"
    client = "15_remote_copy/copy_frame_client"


class CopyStream(FilesCase):
    path = "15_remote_copy/copy_stream_server"
    client = "15_remote_copy/copy_stream_client"

    def begin(self):
        self.options = ("-d", self.place)
        return super().begin()

    def talk(self, server, seed, is_sure):
        stored = self.place / "source"
        before = stored.read_bytes() if stored.exists() else None
        data = self.content(seed)
        client = self.run_client(self.client, server, self.source(data), is_sure=is_sure)
        after = stored.read_bytes() if stored.exists() else None
        self.assertTrue(after in (before, data), client.story("a torn file"))
        if client.code == 0:
            self.assertTrue(after == data, client.story("success, and it is not there"))
            self.assertEqual(os.listdir(self.place / ".partial"), [])


class Store(FilesCase):
    path = store_programs.SERVER

    def begin(self):
        self.options = ("-s", self.place)
        self.fill(self.place, {"file": b"the first one"})
        server = super().begin()
        server.wait_for_line("Listening", on="stderr")  # for the time of day it has opened a file
        return server

    def talk(self, server, seed, is_sure):
        before, data = (self.place / "file").read_bytes(), self.content(seed)
        uploaded = self.run_client(store_programs.UPLOAD, server, "-s", self.source(data), "-n",
                                   "file", is_sure=is_sure)
        self.eventually(lambda: os.listdir(self.place), ["file"], server)
        after = (self.place / "file").read_bytes()
        self.assertTrue(after in (before, data), uploaded.story("a torn file"))
        if "sent and confirmed" in uploaded.stderr:
            self.assertTrue(after == data, uploaded.story("confirmed, and it is not there"))
        self.assertTrue("confirmed" in uploaded.stderr or uploaded.code, uploaded.story("silent"))
        self.download(server, after, is_sure)
        self.list(server, len(after), is_sure)

    def download(self, server, data, is_sure):
        self.fill(self.here, {"copy": b"an old one"})
        client = self.run_client(store_programs.DOWNLOAD, server, "-n", "file", "-d", "copy",
                                 is_sure=is_sure)
        copy = (self.here / "copy").read_bytes()
        self.assertTrue(copy in (data, b"an old one"), client.story("a torn file"))
        if client.code == 0:
            self.assertTrue(copy == data, client.story("success, and it is not there"))
        self.assertEqual(sorted(os.listdir(self.here)), ["copy", "source"])

    def list(self, server, size, is_sure):
        client = self.run_client(store_programs.LIST, server, is_sure=is_sure)
        if client.code == 0:
            self.assertRegex(client.stdout, r"\(1\):\n.*\bfile\b", client.story("the list"))


class Hftp(FilesCase):
    path = "17_hftp/hftp_server"
    host = "-a"

    def begin(self):
        self.options = ("-d", self.place)
        self.fill(self.place, {"other": b"hola"})
        return super().begin()

    def talk(self, server, seed, is_sure):
        data = self.content(seed)
        self.fill(self.place, {"file": data})
        self.fill(self.here, {"file": b"an old one"})
        client = self.run_client("17_hftp/hftp_client", server, is_sure=is_sure, stdin="file\n")
        copy = (self.here / "file").read_bytes()
        self.assertTrue(copy in (data, b"an old one"), client.story("a torn file"))
        if client.code == 0 or "saved" in client.stderr:
            self.assertTrue(copy == data, client.story("success, and it is not there"))
            self.assertEqual(client.stdout, "file\nother\n")
        self.assertEqual(os.listdir(self.here), ["file"], client.story("left behind"))


class Collector(FilesCase):
    path = "18_collector/collector_server"

    def begin(self):
        self.options = ("-d", self.place)
        return super().begin()

    def talk(self, server, seed, is_sure):
        stored = self.place / "127.0.0.1"
        shutil.rmtree(stored, ignore_errors=True)
        sent = {name: self.content(seed, number) for number, name in enumerate(("a.jpg", "b.pdf"))}
        self.fill(self.here, sent)
        client = self.run_client("18_collector/collector_client", server, "-d", self.here,
                                 is_sure=is_sure)
        named = client.stdout.split()
        if client.code == 0:
            self.assertEqual(named, sorted(sent), client.story("success"))
        self.eventually(lambda: descriptors_of(server.process.pid), self.held, server)
        found = tree(stored) if stored.exists() else {}
        for name in named:
            self.assertTrue(found.get(name.encode()) == sent[name], client.story(name))
        self.assert_whole(stored, {name.encode(): [data] for name, data in sent.items()}, server)


def load_tests(loader, _, __):
    """All cases but those without a program."""
    suite = unittest.TestSuite()
    for each in list(globals().values()):
        is_case = isinstance(each, type) and issubclass(each, faulty_calls.TestCase)
        if is_case and getattr(each, "path", "its own"):
            suite.addTests(loader.loadTestsFromTestCase(each))
    return suite


def need_faults():
    if faulty_calls.why_not():
        raise unittest.SkipTest(faulty_calls.why_not())
    print("%d seeds from TRAMA_SEED=%d on" % (SEEDS, FIRST_SEED), file=sys.stderr)


if __name__ == "__main__":
    programs.main(need_faults)

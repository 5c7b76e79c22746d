#!/usr/bin/env python3
"""Chapters 11 and 12: 50 clients at once through chop, in each of its modes.

Each seed is a chop of its own, and cuts each of the 50 in another way. There are a few seeds, and
200 with TRAMA_THOROUGH=1 in the environment. One server has all seeds of a mode, and must have
nothing left of them, say nothing, and end with exit code 0: so a sanitizer that it was built with
is heard. tests/matrix.py does that: TRAMA_THOROUGH=1 python3 tests/matrix.py --only programs

Run: TRAMA_BUILD=build python3 tests/examples/test_12_chop.py
"""
import contextlib
import os
import random
import socket
import subprocess

import programs
import test_12_select as chapter_12

CHOP = "tools/chop"
CLIENTS = 50
SEEDS = 200 if os.environ.get("TRAMA_THOROUGH") else 2


# The thread sanitizer keeps a signal until the program makes a call that the sanitizer knows, and
# select(2) is none. So a signal that comes just before a select waits as long as that does.
KEEPS_SIGNALS = bool(os.environ.get("TRAMA_THREAD_SANITIZER"))


def knock_until_it_ends(program):
    """Each connection ends a wait."""
    for _ in range(20):
        with contextlib.suppress(subprocess.TimeoutExpired):
            return program.process.wait(1)
        with contextlib.suppress(OSError):
            programs.connect(program.port).close()


def u32(payload):
    return len(payload).to_bytes(4, "big") + payload


class Talk:
    """What one client says, and what came of it."""

    def __init__(self, codec, seed, number):
        dice = random.Random(CLIENTS * seed + number)
        encode = chapter_12.six_digits if codec == "six-digit" else u32
        payloads = [b"hola", b"", b":", b"000004:hola", b"\0\xff\r\n", b"%d" % number,
                    b"x" * dice.randrange(20, 150)]
        dice.shuffle(payloads)
        self.messages = [encode(each) for each in payloads]
        self.stream = b"".join(self.messages)
        self.name = "client %d of seed %d" % (number, seed)
        self.received = b""
        self.was_reset = False

    def begin(self, port):
        """Says everything at once."""
        self.client = programs.connect(port)
        self.client.sendall(self.stream)
        with contextlib.suppress(OSError):  # it may be reset already
            self.client.shutdown(socket.SHUT_WR)

    def end(self):
        """Receives up to the end, or a reset."""
        with self.client:
            try:
                for piece in iter(lambda: self.client.recv(65536), b""):
                    self.received += piece
            except ConnectionResetError:
                self.was_reset = True


class Chopped:
    """The tests. The classes at the end say which server it is."""

    PATH = None
    OPTIONS = ()
    CODECS = ("six-digit",)  # of the messages; each has its share of the seeds

    eventually = chapter_12.Server.eventually

    def begin(self, codec):
        """A server for messages of this kind."""
        return self.server(self.PATH, "--quiet", *self.OPTIONS)

    def answer(self, talk, count):
        """What comes back when only `count` bytes of it reach the server."""
        return talk.stream[:count]

    def seeds(self):
        """Each seed, with a server, which in the end must have nothing left of them."""
        for turn, codec in enumerate(self.CODECS):
            server = self.begin(codec)
            server.codec = codec
            pid = server.process.pid
            held = chapter_12.descriptors_of(pid)
            for seed in range(turn, SEEDS, len(self.CODECS)):
                yield seed, server
            self.eventually(lambda: chapter_12.descriptors_of(pid), held, server)
            self.assert_ends_in_silence(server)

    def assert_ends_in_silence(self, program):
        program.terminate()
        if KEEPS_SIGNALS:
            knock_until_it_ends(program)
        self.assertEqual((program.wait_exit(), program.stderr), (0, ""), program.story("ended"))

    def talks(self, seed, server, mode, *options):
        """The talks of 50 clients through chop, all at the same time."""
        talks = [Talk(server.codec, seed, number) for number in range(CLIENTS)]
        with self.server(CHOP, "--quiet", "--to", "127.0.0.1:%d" % server.port, "--mode", mode,
                         "--codec", server.codec, "--seed", CLIENTS * seed, *options) as chop:
            for each in talks:
                each.begin(chop.port)
            for each in talks:
                each.end()
            self.assert_ends_in_silence(chop)
        return talks

    def assert_answer(self, talk, answer):
        self.assertEqual((talk.received, talk.was_reset), (answer, False), talk.name)

    def assert_all_comes_back(self, mode, *options):
        for seed, server in self.seeds():
            for talk in self.talks(seed, server, mode, *options):
                self.assert_answer(talk, talk.stream)

    def test_whole(self):
        self.assert_all_comes_back("whole")

    def test_one_byte_at_a_time(self):
        self.assert_all_comes_back("bytes")

    def test_random_pieces(self):
        self.assert_all_comes_back("random")

    def test_a_cut_at_each_place_of_the_header(self):
        self.assert_all_comes_back("headers")

    def test_glue(self):
        self.assert_all_comes_back("glue", "--hold", 5)

    def test_a_stall(self):
        self.assert_all_comes_back("stall", "--stall", 5)

    def test_cuts_at_chosen_places(self):
        for seed, server in self.seeds():
            places = random.Random(seed).sample(range(1, 70), 4)
            cuts = ",".join(map(str, places))
            for talk in self.talks(seed, server, "cuts", "--cuts", cuts):
                self.assert_answer(talk, talk.stream)

    def test_what_was_sent_before_a_half_close_is_answered(self):
        for seed, server in self.seeds():
            count = random.Random(seed).randrange(200)
            for talk in self.talks(seed, server, "half-close", "--after", count):
                self.assert_answer(talk, self.answer(talk, count))

    def test_resets_cost_nobody_else_anything(self):
        for seed, server in self.seeds():
            for talk in self.talks(seed, server, "reset"):
                self.assertTrue(talk.was_reset, talk.name)
                self.assertTrue(talk.stream.startswith(talk.received), talk.name)
            other = Talk(server.codec, seed, CLIENTS)
            other.begin(server.port)
            other.end()
            self.assert_answer(other, other.stream)


class Threads(Chopped, programs.TestCase):
    PATH = "11_threads/thread_echo_server"
    OPTIONS = ("--max-clients", 4 * CLIENTS)  # who was reset may still be there


class Forks(Threads):
    PATH = "11_threads/fork_echo_server"


class Framed(Chopped):
    PATH = "12_select/framed_echo_server"
    CODECS = ("six-digit", "u32")

    def begin(self, codec):
        return self.server(self.PATH, "--quiet", *self.OPTIONS, "--codec", codec)

    def answer(self, talk, count):
        """Whole messages."""
        answer = b""
        for each in talk.messages:
            if len(answer) + len(each) > count:
                break
            answer += each
        return answer


class Select(Framed, programs.TestCase):
    OPTIONS = ("--backend", "select")


class Poll(Framed, programs.TestCase):
    OPTIONS = ("--backend", "poll")


class Epoll(Framed, programs.TestCase):
    OPTIONS = ("--backend", "epoll")


if __name__ == "__main__":
    programs.main(chapter_12.need_proc)

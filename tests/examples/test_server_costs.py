#!/usr/bin/env python3
"""What a message costs the echo servers of tests/bench/bench_echo, and those that chapter 12 ships
(with -q): system calls (counted by strace), instructions and heap calls (by valgrind's callgrind).
Nothing here is timed.

Run: python3 tests/examples/test_server_costs.py

A server echoes some messages, and a new one twice as many. What the second one did more is what
the messages cost: start, connections and end are the same in both. The servers are compiled here,
with optimisation, however the programs of the build folder were.
"""
import contextlib
import functools
import itertools
import os
import platform
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import unittest
from collections import Counter
from pathlib import Path

import programs
import traced

SOURCES = programs.ROOT / "tests" / "bench" / "bench_echo"
CHAPTER = programs.ROOT / "examples" / "12_select"
SOURCE = {"raw": SOURCES / "trama_raw.cpp", "framed": SOURCES / "trama_framed.cpp",
          "raw, shipped": CHAPTER / "select_echo_server.cpp",
          "framed, shipped": CHAPTER / "framed_echo_server.cpp"}
OPTIONS = {"raw, shipped": ["-q"], "framed, shipped": ["-q", "--codec", "u32"]}
FORMATS = tuple(SOURCE)
BACKENDS = ("epoll", "poll", "select")
PAYLOAD = b"x" * 64
FRAME = len(PAYLOAD).to_bytes(4, "big") + PAYLOAD
MESSAGE = {form: FRAME if form.startswith("framed") else PAYLOAD for form in FORMATS}
HEAP = {"malloc", "calloc", "realloc", "memalign", "aligned_alloc", "posix_memalign"}
PATIENCE = 60  # seconds; under valgrind everything takes some fifty times as long

NO_STRACE = traced.why_not()
NO_VALGRIND = "there is no valgrind: apt-get install valgrind" if not shutil.which("valgrind") else \
    None if Path("/proc/self/maps").exists() else "/proc is not mounted here: valgrind needs it"
# Another compiler or processor needs other instructions for the same program.
NO_BUDGET = None if shutil.which("g++") and platform.machine() == "x86_64" else \
    "the instructions that a message may take are those of g++ for x86-64"

folder = None  # of the compiled servers, while the tests run


def setUpModule():
    global folder
    made = tempfile.TemporaryDirectory()
    unittest.addModuleCleanup(made.cleanup)
    folder = Path(made.name)
    compiler = "g++" if shutil.which("g++") else os.environ.get("CXX", "c++")
    include = programs.ROOT / "include"
    for form, source in SOURCE.items():
        subprocess.run([compiler, "-std=c++17", "-O2", "-DNDEBUG", "-pthread", "-I",
                        include / "trama", "-I", include, source, "-o", folder / form], check=True)


# ---- a server that is watched by a tool, and its clients -----------------------------------------

@contextlib.contextmanager
def watched(tool, form, backend):
    """The server under `tool`, a command. It is stopped in the end, or killed if a test fails."""
    with programs.Program(*tool, folder / form, "--backend", backend, "--port", 0,
                          *OPTIONS.get(form, [])) as program:
        try:
            line = program.wait_for_line(r"listening on .*:(\d+)", limit=PATIENCE)
            program.port = int(line.group(1))
            yield program
            signal_both(program, signal.SIGTERM)
            program.wait_exit(PATIENCE)
        finally:
            signal_both(program, signal.SIGKILL)


def signal_both(program, number):
    """To tool and server: strace does not pass signals on."""
    if program.running():
        os.killpg(program.process.pid, number)


@contextlib.contextmanager
def held(strace):
    """A server under strace stops at the next start or end of a system call, and goes on later."""
    os.kill(strace.process.pid, signal.SIGSTOP)
    os.waitid(os.P_PID, strace.process.pid, os.WSTOPPED)
    try:
        yield
    finally:
        os.kill(strace.process.pid, signal.SIGCONT)


def echo(program, form, rounds, clients=1, depth=1):
    """In each round every client sends `depth` messages at once, and then receives them again."""
    batch = depth * MESSAGE[form]
    peers = [programs.connect(program.port) for _ in range(clients)]
    for _ in range(rounds):
        # However busy this machine is, the server finds all its clients ready together. (If it
        # is waiting already, the first of them ends that wait, and the next one finds the others.)
        with held(program) if clients > 1 else contextlib.nullcontext():
            for peer in peers:
                peer.sendall(batch)
        for peer in peers:
            if programs.recv_exactly(peer, len(batch)) != batch:
                raise AssertionError(program.story("the echo is not what was sent"))
    for peer in peers:  # who reads the end of the stream is no longer on the server's mind
        peer.shutdown(socket.SHUT_WR)
        programs.recv_all(peer)
        peer.close()


# ---- counting ------------------------------------------------------------------------------------

def system_calls(form, backend, rounds, clients, depth):
    """How many a message takes, by name."""
    log = folder / "strace.log"

    def calls(number):
        with watched(["strace", "-o", log], form, backend) as program:
            echo(program, form, number, clients, depth)
        return Counter(re.findall(r"^(\w+)\(", log.read_text(errors="replace"), re.MULTILINE))

    messages = rounds * clients * depth
    more = calls(2 * rounds) - calls(rounds)
    return {name: count / messages for name, count in more.items()}


@functools.lru_cache(maxsize=None)
def instructions_and_heap_calls(form, backend, rounds=1000):
    """How many a message takes, of a client that sends one at a time."""
    profile = folder / "callgrind.out"
    tool = ["valgrind", "--tool=callgrind", "--compress-strings=no",
            "--callgrind-out-file=%s" % profile]

    def counts(number):
        with watched(tool, form, backend) as program:
            echo(program, form, number)
        text = profile.read_text(errors="replace")
        instructions = int(re.search(r"^totals: (\d+)", text, re.MULTILINE).group(1))
        calls = re.findall(r"^cfn=(\w+)\ncalls=(\d+)", text, re.MULTILINE)
        heap_calls = sum(int(count) for name, count in calls if name in HEAP)
        if heap_calls == 0:
            raise AssertionError("the start takes memory, too, and callgrind has not seen it")
        return instructions, heap_calls

    return [(more - few) / rounds for few, more in zip(counts(rounds), counts(2 * rounds))]


class EveryServer(unittest.TestCase):
    def each(self, check, backends=BACKENDS):
        """Calls check(form, backend) for all of them, and tells which ones fail."""
        for form, backend in itertools.product(FORMATS, backends):
            with self.subTest(form=form, backend=backend):
                check(form, backend)


@unittest.skipIf(NO_STRACE, NO_STRACE)
class SystemCalls(EveryServer):
    def test_one_message_at_a_time_is_one_wait_one_receive_and_one_send(self):
        def check(form, backend):
            calls = system_calls(form, backend, rounds=500, clients=1, depth=1)
            # Rounded: the first message may be there when its client is, or come a wait later.
            rounded = {name: round(count, 2) for name, count in calls.items()}
            self.assertEqual((rounded.pop("recvfrom", 0), rounded.pop("sendto", 0)), (1, 1), calls)
            self.assertEqual(sum(rounded.values()), 1, calls)

        self.each(check)

    def test_sixteen_messages_each_of_eight_clients_share_their_system_calls(self):
        def check(form, backend):
            calls = system_calls(form, backend, rounds=50, clients=8, depth=16)
            self.assertLessEqual(sum(calls.values()), 0.15, calls)

        self.each(check)


@unittest.skipIf(NO_VALGRIND, NO_VALGRIND)
class Instructions(EveryServer):
    # Not select: it looks at every number up to that of the largest descriptor. The shipped server
    # holds six servers in one program, so the compiler inlines less.
    LIMITS = {("raw", "epoll"): 280, ("raw", "poll"): 280,
              ("framed", "epoll"): 730, ("framed", "poll"): 800,
              ("raw, shipped", "epoll"): 450, ("raw, shipped", "poll"): 450,
              ("framed, shipped", "epoll"): 790, ("framed, shipped", "poll"): 850}

    @unittest.skipIf(NO_BUDGET, NO_BUDGET)
    def test_a_message_takes_at_most_so_many_instructions(self):
        def check(form, backend):
            instructions, _ = instructions_and_heap_calls(form, backend)
            self.assertLessEqual(instructions, self.LIMITS[form, backend])

        self.each(check, ("epoll", "poll"))

    def test_a_message_takes_no_memory_from_the_heap(self):
        def check(form, backend):
            _, heap_calls = instructions_and_heap_calls(form, backend)
            self.assertEqual(heap_calls, 0)

        self.each(check)


if __name__ == "__main__":
    if NO_STRACE and NO_VALGRIND:
        print("SKIPPED: %s; %s" % (NO_STRACE, NO_VALGRIND))
        sys.exit(traced.SKIPPED)
    unittest.main()

#!/usr/bin/env python3
"""Chapters 12 and 15 to 18: the Nth call of a kind fails, for every N (by strace).

In a server this costs one client; a client says why it ends. test_faulty_calls.py says what else is
true then: no torn file, nothing left behind, no success that is none. Afterwards a good client is
served, and the server has no descriptor more than before. Its memory does not grow.

With TRAMA_THOROUGH=1 in the environment each call fails with each errno; else with one of them,
another one at each run: TRAMA_SEED=NUMBER, which is printed, chooses them again.

Run: TRAMA_BUILD=build python3 tests/examples/test_nth_call.py
"""
import os
import random
import re
import shutil
import signal
import unittest

import programs
import store_programs
import test_faulty_calls as together
import traced
from file_programs import MIB, descriptors_of, some_bytes

THOROUGH = bool(os.environ.get("TRAMA_THOROUGH"))
SEED = int(os.environ.get("TRAMA_SEED") or random.randrange(10 ** 6))
MOST = 40 if THOROUGH else 6  # N; a large file takes many calls of a kind

# The calls as strace knows them, on every processor, and errnos of their man pages.
ACCEPT = (r"/^accept4?$", "EMFILE ENFILE ENOBUFS ENOMEM ECONNABORTED EPERM EPROTO ENETDOWN")
RECEIVE = ("recvfrom", "ECONNRESET ETIMEDOUT ENOMEM EHOSTUNREACH")
SEND = (r"/^send(to|msg)$", "ECONNRESET EPIPE ENOBUFS ENOMEM ETIMEDOUT")
READ = ("read", "EIO")
READ_AT = ("pread64", "EIO")
# Not in a program that ends a thread by a byte in a pipe (program::hang_up_on_stop): no kernel says
# of a pipe that the disk is full. test_faulty_calls.py lets those writes fail that are to files.
WRITE = ("write", "ENOSPC EIO EDQUOT EFBIG")
OPEN = ("openat", "EMFILE ENFILE ENOMEM EACCES EIO ENOSPC EDQUOT EROFS")
FSYNC = ("fsync", "EIO ENOSPC EDQUOT")
NAME = (r"/^(rename(at2?)?|linkat)$", "ENOSPC EIO EDQUOT EROFS EXDEV")
POLL = (r"/^p?poll$", "ENOMEM EINVAL")  # in the thread that waits for Ctrl-C, too
NETWORK = (ACCEPT, RECEIVE, SEND)

WITHOUT_LEAK_CHECK = {"ASAN_OPTIONS": "detect_leaks=0"}  # it is a tracer, too


def memory_of(pid):
    with open("/proc/%d/status" % pid, encoding="ascii") as status:
        return int(re.search(r"VmRSS:\s+(\d+) kB", status.read()).group(1)) * 1024


def end_with_its_program(tracer):
    """A strace that is killed lets its program run on. Both are in a group of their own."""
    if tracer.running():
        os.killpg(tracer.process.pid, signal.SIGKILL)


def was_injected(log):
    return "(INJECTED)" in log.read_text(errors="replace")


class NthCall:
    """With a case of test_faulty_calls.py, whose clients talk to its server."""

    calls = NETWORK

    @staticmethod
    def content(seed, number=0):
        """Two pieces of a transfer; never empty, so that each call is made."""
        return some_bytes(320000)[seed % 1000 + number:][:300000]

    def errnos(self, names, number):
        names = names.split()
        return names if THOROUGH else [random.Random(SEED + number).choice(names)]

    def fail_each(self, call, run, first=1):
        """Goes on with the next number until there was no such call: run() returns whether."""
        expression, names = call
        for number in range(first, first + MOST):
            was_there = False
            for error in self.errnos(names, number):
                inject = "inject=%s:error=%s:when=%d" % (expression, error, number)
                with self.subTest(inject):
                    was_there |= run(["-e", "trace=" + expression, "-e", inject], number)
            if not was_there:
                break
        self.assertGreater(number, first, "%s is never called: nothing is tested" % expression)

    # ---- in the server ----

    def fail_in_server(self, server, options, number):
        """strace attaches itself, and counts the calls of each thread from then on."""
        log = self.folder() / "strace.log"
        tracer = self.start(shutil.which("strace"), "-f", "-o", log, *options, "-p",
                            server.process.pid)
        if "attached" not in tracer.wait_for_line("attach", on="stderr").string:
            self.skipTest("strace may not attach here: %s" % tracer.stderr)
        try:
            self.talk(server, SEED + number, False)
        finally:
            tracer.interrupt()
            tracer.wait_exit()
            tracer.close()
        self.talk(server, SEED + number, True)
        return was_injected(log)

    def test_the_nth_call_of_the_server_fails(self):
        server = self.begin()
        pid = server.process.pid
        self.held = descriptors_of(pid)
        for number in range(5):
            self.talk(server, number, True)
        before = memory_of(pid)

        def run(options, number):
            was_there = self.fail_in_server(server, options, number)
            self.assert_lives(server, self.held)
            return was_there

        for call in self.calls:
            self.fail_each(call, run)
            self.assertTrue(server.running(), server.story("the server has ended"))
        self.assertLess(memory_of(pid) - before, 8 * MIB, "its memory grows")
        self.assert_stops(server)


class NthCallOfClients(NthCall):
    """The same for the client programs, each under a strace of its own."""

    client_calls = (RECEIVE, SEND, OPEN)
    log = faulty_path = None

    def start_client(self, path, *arguments, **keywords):
        """As in test_faulty_calls.py. The fault is for the client `self.faulty_path` only."""
        if path != self.faulty_path:
            return self.start(path, *arguments, **keywords)
        self.log = self.folder() / "strace.log"
        tracer = self.start(shutil.which("strace"), "-f", "-qq", "-o", self.log,
                            *self.strace_options, path, *arguments, env=WITHOUT_LEAK_CHECK,
                            **keywords)
        self.addCleanup(end_with_its_program, tracer)
        return tracer

    def loader_calls(self, expression):
        """How many of these calls are those of the loader, which are none of the program."""
        log = self.folder() / "strace.log"
        self.run_to_end(shutil.which("strace"), "-o", log, "-e", "trace=" + expression,
                        self.faulty_path, "--help", env=WITHOUT_LEAK_CHECK)
        return len(re.findall(r"(?m)^\w+\((?!1,)", log.read_text(errors="replace")))

    def test_the_nth_call_of_a_client_fails(self):
        server = self.begin()
        self.held = descriptors_of(server.process.pid)
        for name, calls in self.clients.items():
            self.faulty_path = programs.example(name)
            for call in self.client_calls + calls:
                def run(options, number):
                    self.strace_options = options
                    self.talk(server, SEED + number, False)
                    was_there = was_injected(self.log)
                    self.assert_lives(server, self.held)
                    return was_there

                first = 1 + self.loader_calls(call[0])
                self.fail_each(call, run, first)
            self.faulty_path = None
            self.talk(server, SEED, True)


# ---- the programs --------------------------------------------------------------------------------

class Select(NthCall, together.Select):
    pass


class Poll(NthCall, together.Poll):
    pass


class Epoll(NthCall, together.Epoll):
    pass


class Framed(NthCall, together.Framed):
    pass


class CopyLines(NthCallOfClients, together.CopyLines):
    calls = (ACCEPT, RECEIVE, OPEN, FSYNC, NAME)
    clients = {together.CopyLines.client: (READ, READ_AT)}


class CopyFrame(NthCallOfClients, together.CopyFrame):
    calls = (ACCEPT, RECEIVE, OPEN, FSYNC, NAME)
    clients = {together.CopyFrame.client: (READ, READ_AT)}


class CopyStream(NthCallOfClients, together.CopyStream):
    calls = (*NETWORK, READ, WRITE, OPEN, FSYNC, NAME)
    clients = {together.CopyStream.client: (READ, READ_AT)}


class Store(NthCallOfClients, together.Store):
    calls = (*NETWORK, READ_AT, WRITE, OPEN, FSYNC, NAME)
    clients = {store_programs.UPLOAD: (READ_AT,), store_programs.DOWNLOAD: (FSYNC, NAME, POLL),
               store_programs.LIST: ()}


class Hftp(NthCallOfClients, together.Hftp):
    calls = (*NETWORK, READ_AT, OPEN)
    clients = {"17_hftp/hftp_client": (FSYNC, NAME, POLL)}


class Collector(NthCallOfClients, together.Collector):
    calls = (*NETWORK, WRITE, OPEN, FSYNC, NAME)
    clients = {"18_collector/collector_client": (READ, READ_AT)}


def load_tests(loader, _, __):
    """Only the tests of this file, and not those of the classes that it takes from the other."""
    suite = unittest.TestSuite()
    for each in list(globals().values()):
        is_case = isinstance(each, type) and issubclass(each, (NthCall,))
        if is_case and issubclass(each, unittest.TestCase):
            names = [name for name in loader.getTestCaseNames(each) if name.startswith("test_the")]
            suite.addTests(map(each, names))
    return suite


def need_strace():
    together.need_faults()
    if traced.why_not():
        raise unittest.SkipTest(traced.why_not())


if __name__ == "__main__":
    programs.main(need_strace)

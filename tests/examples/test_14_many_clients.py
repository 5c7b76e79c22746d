#!/usr/bin/env python3
"""Chapter 14: a thousand clients in the chat with select, ten thousand with epoll.

One of them, the witness, is there from the beginning, and what it hears is the record. Everybody
else must hear the same, from their entry on, without what they said themselves: so each message
comes to each client once, and to all in the same order. Then there are bad clients among them: one
in a hundred never reads, one sends a byte a second, and one resets its connection at some moment.

Run: TRAMA_BUILD=build python3 tests/examples/test_14_many_clients.py
"""
import collections
import os
import random
import resource
import selectors
import time
import unittest
from pathlib import Path

import programs
import test_12_select as chapter_12

SERVER = "14_group_chat/chat_server"
WORD = "sesame"
GREETING = b"* password?\n* welcome: /who, /nick NAME and /quit are commands\n"
HIGH_WATER = 256 << 10  # of chat_server: who lets twice as many bytes wait is dropped

SEED = 14
BATCH = 200  # so many come in at a time
SPEAKERS, MESSAGES, SIZE = 4, 2, 900  # in each round; SIZE: bytes of a message
CALM_ROUNDS = 10
WITNESS, ABLE, SILENT, DRIPPING, RESETTING = range(5)  # kinds of clients

# What the server may use. For a moment everything that is said in a round waits for all clients at
# once: 7 KB for each, in memory that may be twice as large, with gaps between. Who never reads is
# owed twice the high-water mark, and no more. The rest is the program.
MEMORY_OF_CLIENT = 32 << 10
MEMORY_OF_SILENT = 2 * HIGH_WATER
MEMORY_OF_PROGRAM = 8 << 20

# The kernel, too, keeps something for who never reads: a send buffer grows to 4 MiB at most (man 7
# tcp, tcp_wmem). Who is still there after so much was said will not be dropped any more.
MOST_SAID = MEMORY_OF_SILENT + (4 << 20)


def need_schedstat():
    """Skips all where nobody tells how long a process had no processor: see Stopwatch."""
    if not Path("/proc/self/schedstat").exists():
        raise unittest.SkipTest("/proc/self/schedstat is not here")


def allowed_clients(count):
    """So many, or as many as this machine allows: both ends need a descriptor for each."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    if hard == resource.RLIM_INFINITY or count <= hard - 100:
        return count
    print("ONLY %d clients, and not %d: `ulimit -Hn` is %d" % (hard - 100, count, hard))
    return hard - 100


def most_memory_of(pid):
    """The most that a process has ever used, in bytes."""
    for line in Path("/proc/%d/status" % pid).read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) << 10
    raise AssertionError("/proc/%d/status has no VmHWM" % pid)


class Record:
    """What the witness has heard. No two lines of it are the same."""

    def __init__(self):
        self.text = bytearray()
        self.ends = {}  # of each line, in the text
        self._rest = b""

    def add(self, piece):
        *lines, self._rest = (self._rest + piece).split(b"\n")
        for line in lines:
            line += b"\n"
            if line in self.ends:
                raise AssertionError("the witness hears this twice: %r" % line)
            self.text += line
            self.ends[line] = len(self.text)

    def end_of(self, lines):
        """Where the last of these lines ends. None: they have not all been heard."""
        ends = [self.ends.get(line) for line in lines]
        return None if None in ends else max(ends, default=0)


class Member:
    """A client of the room."""

    def __init__(self, port, kind):
        # Who never reads has small buffers: so what is sent to it soon waits in the server.
        connect = chapter_12.narrow_connection if kind == SILENT else programs.connect
        self.kind = kind
        self.socket = connect(port)
        self.port = self.socket.getsockname()[1]
        self.socket.setblocking(False)
        self.gone = False
        self._place = None  # in the record: it has heard all that is before
        self._unchecked = bytearray()
        self._own = collections.deque()  # lines that it has said, and must not hear

    def enter(self):
        self.socket.sendall(WORD.encode() + b"\n")

    def arrival(self):
        return b"[127.0.0.1:%d] entered room\n" % self.port

    def departure(self):
        return b"Client (127.0.0.1, %d) is offline\n" % self.port

    def say(self, messages):
        """Says these in one piece. Returns the lines that all others are to hear."""
        self.socket.sendall(b"".join(each + b"\n" for each in messages))
        lines = [b"\r<('127.0.0.1', %d)> %b\n" % (self.port, each) for each in messages]
        self._own.extend(lines)
        return lines

    def hear(self, piece):
        self._unchecked += piece

    def has_heard(self, goal, record):
        """Whether it has come so far in the record; what it has heard must be what is there."""
        if self.gone:
            return True
        if self._place is None and not self._was_greeted(record):
            return False
        while self._own and self._own[0] in record.ends:
            end = record.ends[self._own[0]]
            if not self._compare(record, end - len(self._own[0])):
                return False
            self._own.popleft()
            self._place = end
        self._compare(record, len(record.text))
        return self._place >= goal

    def _was_greeted(self, record):
        if len(self._unchecked) < len(GREETING):
            return False
        if not self._unchecked.startswith(GREETING):
            raise AssertionError("%d is greeted with %r" % (self.port, self._unchecked))
        del self._unchecked[:len(GREETING)]
        self._place = record.ends[self.arrival()]
        return True

    def _compare(self, record, end):
        """Goes on to this place, or as far as it has heard. Returns whether it got there."""
        heard = self._unchecked[:end - self._place]
        recorded = record.text[self._place:self._place + len(heard)]
        if heard != recorded:
            at = len(os.path.commonprefix([heard, recorded]))
            raise AssertionError("%d hears %r, and the witness %r" % (
                self.port, heard[at:at + 60], recorded[at:at + 60]))
        del self._unchecked[:len(heard)]
        self._place += len(heard)
        return self._place == end


class Witness(Member):
    def __init__(self, port, record):
        super().__init__(port, WITNESS)
        self._record = record
        self.socket.settimeout(programs.LIMIT)
        self.enter()
        greeting = programs.recv_exactly(self.socket, len(GREETING))
        assert greeting == GREETING, greeting
        self.socket.setblocking(False)

    def hear(self, piece):
        self._record.add(piece)

    def has_heard(self, goal, record):
        return len(record.text) >= goal


class Stopwatch:
    """How long something takes, less the time in which the server, or this process, could have run
    and had no processor. On a machine with other work that alone can be more than the second that
    is asserted below, and no server can help it. When both wait at once, too much is taken off.
    """

    def __init__(self, server):
        self._pids = ("self", server.process.pid)
        self._started = self._now()

    def seconds(self):
        return max(0, self._now() - self._started)

    def _now(self):
        return time.monotonic() - sum(map(self._without_processor, self._pids))

    @staticmethod
    def _without_processor(pid):
        return int(Path("/proc/%s/schedstat" % pid).read_text().split()[1]) / 1e9


class Room:
    """The clients, all in this process. They talk in rounds."""

    def __init__(self, server):
        self._server = server
        self._dice = random.Random(SEED)
        self._record = Record()
        self._selector = selectors.DefaultSelector()  # has those who listen
        self._members = []
        self._messages = 0
        self._next_drip = 0
        self._take_in(Witness(server.port, self._record))

    # ---- coming and going ----

    def fill(self, count, few):
        """In batches, so that what they hear of each other at a time stays little."""
        kinds = [DRIPPING, RESETTING] * few + [ABLE] * (count - 1 - 2 * few)
        self._dice.shuffle(kinds)
        for start in range(0, len(kinds), BATCH):
            self._let_in(kinds[start:start + BATCH])

    def let_in_silent(self, few):
        """They come last, and never read anything."""
        self._let_in([SILENT] * few)

    def _let_in(self, kinds):
        batch = [Member(self._server.port, kind) for kind in kinds]
        for each in batch:
            self._take_in(each)
        for each in batch:
            each.enter()
        self._wait_until_heard([each.arrival() for each in batch])

    def _take_in(self, member):
        self._members.append(member)
        if member.kind != SILENT:
            self._selector.register(member.socket, selectors.EVENT_READ, member)

    def empty(self):
        self._selector.close()
        for each in self._members:
            each.socket.close()

    # ---- talking ----

    def talk(self, meanwhile=lambda: None):
        """A few speak, and all others hear them. Returns how long that took, in seconds."""
        watch = Stopwatch(self._server)
        lines = []
        for speaker in self._dice.sample(self._present(ABLE), SPEAKERS):
            lines += speaker.say([self._new_message() for _ in range(MESSAGES)])
        meanwhile()
        self._wait_until_heard(lines)
        return watch.seconds()

    def _new_message(self):
        self._messages += 1
        return (b"%08d " % self._messages).ljust(SIZE, b"x")

    def _wait_until_heard(self, lines):
        """Receives until these lines have come to everybody who listens; to the witness first."""
        while self._record.end_of(lines) is None:
            self._receive()
        goal = self._record.end_of(lines)
        listening = {key.data for key in self._selector.get_map().values()}
        late = {each for each in listening if not each.has_heard(goal, self._record)}
        while late:
            late -= {each for each in self._receive() if each.has_heard(goal, self._record)}

    def _receive(self):
        """Takes what has come. Returns to whom."""
        ready = [key.data for key, _ in self._selector.select(programs.LIMIT)]
        if not ready:
            raise AssertionError(self._server.story("some wait in vain"))
        for member in ready:
            piece = member.socket.recv(1 << 16)
            if piece:
                member.hear(piece)
            elif member.kind == DRIPPING:  # its message has taken too long
                self._let_go(member)
            else:
                raise AssertionError(self._server.story("%d was dropped" % member.port))
        return ready

    # ---- misbehaving ----

    def misbehave(self):
        """In the middle of a round, so that something is on its way to those who reset."""
        if time.monotonic() >= self._next_drip:
            self._next_drip = time.monotonic() + 1
            for each in self._present(DRIPPING):
                each.socket.sendall(b"x")
        for each in self._present(RESETTING):
            if self._dice.random() < 0.05:
                self._reset(each)

    def _reset(self, member):
        self._let_go(member)
        programs.reset(member.socket)

    def _let_go(self, member):
        member.gone = True
        self._selector.unregister(member.socket)

    def silent_are_dropped(self):
        lines = [each.departure() for each in self._present(SILENT)]
        return self._record.end_of(lines) is not None

    def wait_until_departures_are_heard(self):
        self._wait_until_heard([each.departure() for each in self._members if each.gone])

    def bytes_said(self):
        return self._messages * SIZE

    def _present(self, kind):
        return [each for each in self._members if each.kind == kind and not each.gone]


class ManyClients(programs.TestCase):
    eventually = chapter_12.Server.eventually

    def test_1000_clients_with_select(self):
        self.check("select", 1000)

    def test_10000_clients_with_epoll(self):
        self.check("epoll", 10000)

    def check(self, backend, most):
        """The story of a room. Each step needs the one before it."""
        count = allowed_clients(most)
        few = count // 100  # bad clients of each kind
        server = self.server(SERVER, "--quiet", "--lines", "--backend", backend, "--password", WORD,
                             "--max-clients", count, "--idle", 3600)
        pid = server.process.pid
        descriptors = chapter_12.descriptors_of(pid)

        room = Room(server)
        self.addCleanup(room.empty)
        room.fill(count - few, few)
        calm = max(room.talk() for _ in range(CALM_ROUNDS))
        rough = self.talk_among_bad_clients(room, few)
        room.empty()
        self.eventually(lambda: chapter_12.descriptors_of(pid), descriptors, server)
        memory = most_memory_of(pid)

        print("%s, %d clients, seed %d: what is said comes to all within %.2f s, with bad clients "
              "among them within %.2f s; memory at most %.0f MB"
              % (backend, count, SEED, calm, rough, memory / 1e6))
        self.assertLess(rough - calm, 1)
        self.assertLess(memory, MEMORY_OF_PROGRAM + count * MEMORY_OF_CLIENT +
                        few * MEMORY_OF_SILENT)
        Room(server).empty()  # it lives on
        server.terminate()
        self.assertEqual((server.wait_exit(), server.stderr), (0, ""))

    def talk_among_bad_clients(self, room, few):
        """Until those who do not read are dropped. Returns how long the longest round took."""
        longest = 0
        room.let_in_silent(few)
        while not room.silent_are_dropped():
            self.assertLess(room.bytes_said(), MOST_SAID, "who does not read is not dropped")
            longest = max(longest, room.talk(meanwhile=room.misbehave))
        room.wait_until_departures_are_heard()
        return longest


if __name__ == "__main__":
    programs.main(need_schedstat)

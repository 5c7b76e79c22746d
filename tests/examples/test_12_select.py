#!/usr/bin/env python3
"""Chapter 12: select_echo_server with each of its backends, framed_echo_server, and the naive one.

Run: TRAMA_BUILD=build python3 tests/examples/test_12_select.py
"""
import contextlib
import fcntl
import os
import re
import resource
import select
import signal
import socket
import struct
import subprocess
import termios
import time
import unittest
from pathlib import Path

import lab_peers
import programs

SH = "/bin/sh"
CHOP = "tools/chop"
FRAMED = "12_select/framed_echo_server"
FRAMED_CLIENT = "08_frames/framed_echo_client"
NAIVE = "12_select/naive/select_echo_server"
BACKENDS = ("select", "poll", "epoll")
SEEDS = 5


def need_proc():
    """Skips the test that asks where descriptors and processor time cannot be counted."""
    if not Path("/proc/self/fd").is_dir():
        raise unittest.SkipTest("/proc is not mounted here: it lists what a process holds")


def need_descriptors(count):
    """Lets this process and its children open so many, or skips the test."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise unittest.SkipTest("only %d descriptors are allowed here (ulimit -Hn)" % hard)
    if soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))


def descriptors_of(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def memory_of(pid):
    """The memory that a process uses, in bytes."""
    return int(Path("/proc/%d/statm" % pid).read_text().split()[1]) * resource.getpagesize()


def cpu_seconds(pid):
    """The processor time that a process has used."""
    fields = Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def readable(connections, seconds):
    """Those to which something comes within that time. For any number of descriptors."""
    watched = select.poll()
    for each in connections:
        watched.register(each, select.POLLIN)
    ready = {fd for fd, _ in watched.poll(seconds * 1000)}
    return [each for each in connections if each.fileno() in ready]


def narrow_connection(port):
    """A connection that holds little: what the server sends soon waits inside the server."""
    connection = socket.socket()
    connection.settimeout(programs.LIMIT)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.connect(("127.0.0.1", port))
    return connection


def widen(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)


def has_arrived(connection):
    """Waits until the other system has all that was sent. False: it has no room for that."""
    end = time.monotonic() + 0.5
    while struct.unpack("i", fcntl.ioctl(connection, termios.TIOCOUTQ, bytes(4))) != (0,):
        if time.monotonic() > end:
            return False
        select.select([], [], [], 0.005)
    return True


def six_digits(payload):
    return b"%06d:%s" % (len(payload), payload)


class Server(programs.TestCase):
    """What every server here must do; the classes at the end say which one it is."""

    PATH = None
    OPTIONS = ()

    @staticmethod
    def message(payload):
        """The bytes that are echoed as they are."""
        return payload

    def begin(self, *options, port=0):
        return self.server(self.PATH, *self.OPTIONS, *options, port=port)

    def clients(self, server, count):
        """So many connections, closed at the end of the test."""
        made = []
        for _ in range(count):
            made.append(programs.connect(server.port))
            self.addCleanup(made[-1].close)
        return made

    def assert_echoes(self, client, payload=b"hola"):
        client.sendall(self.message(payload))
        self.assert_comes(client, payload)

    def assert_comes(self, client, payload=b"hola"):
        expected = self.message(payload)
        self.assertEqual(programs.recv_exactly(client, len(expected)), expected)

    def eventually(self, what, expected, server):
        """Waits until what() is `expected`: /proc tells nobody when it changes."""
        end = time.monotonic() + programs.LIMIT
        while what() != expected:
            if time.monotonic() > end:
                self.fail(server.story("%s, and should be %s" % (what(), expected)))
            select.select([], [], [], 0.005)

    def limited(self, descriptors):
        """The server, started by a shell with a limit that it cannot change."""
        server = self.start(SH, "-c", 'ulimit -n %d; exec "$0" "$@"' % descriptors,
                            programs.example(self.PATH), *self.OPTIONS, "-H", "127.0.0.1", "-p", 0)
        server.port = int(server.wait_for_line(r"listening on .*:(\d+)").group(1))
        return server

    def narrow_client(self, server):
        made = narrow_connection(server.port)
        self.addCleanup(made.close)
        return made

    def fill(self, stuck):
        """Sends messages until the server takes no more for a while. Returns what was taken."""
        line = self.message(b"x" * 50000)
        sent = 0
        stuck.setblocking(False)
        while select.select([], [stuck], [], 0.2)[1]:
            with contextlib.suppress(BlockingIOError):
                sent += stuck.send(line[sent % len(line):])
        stuck.settimeout(programs.LIMIT)
        return line * (sent // len(line)) + line[:sent % len(line)], line[sent % len(line):]

    @contextlib.contextmanager
    def within_a_second(self, server):
        """What happens inside makes the server end with exit code 0, within a second."""
        started = time.monotonic()
        yield
        self.assertEqual(server.wait_exit(), 0, server.story("it was stopped"))
        self.assertLess(time.monotonic() - started, programs.within(1.0), server.story("it was stopped"))


class Conversations:
    def test_clients_are_served_in_the_order_in_which_they_speak(self):
        server = self.begin()
        silent, first, second = self.clients(server, 3)
        self.assert_echoes(second)
        self.assert_echoes(first)
        self.assert_echoes(second, b"adios")
        self.assert_echoes(silent)

    def test_50_clients_at_once_each_get_their_own_bytes(self):
        server = self.begin("-q")
        clients = self.clients(server, 50)
        payloads = [bytes([number]) * 3000 for number in range(50)]
        for client, payload in zip(clients, payloads):
            client.sendall(self.message(payload))
        for client, payload in reversed(list(zip(clients, payloads))):
            self.assert_comes(client, payload)

    def test_one_thread_serves_all(self):
        need_proc()
        server = self.begin()
        for client in self.clients(server, 10):
            self.assert_echoes(client)
        self.assertEqual(len(os.listdir("/proc/%d/task" % server.process.pid)), 1)

    def test_a_client_that_has_sent_all_still_gets_all(self):
        server = self.begin("-q")
        with programs.connect(server.port) as client:
            client.sendall(self.message(b"x" * 50000))
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(programs.recv_all(client), self.message(b"x" * 50000))

    def test_a_slow_reader_keeps_nobody_waiting_costs_little_memory_and_gets_all_in_the_end(self):
        need_proc()
        server = self.begin("-q")
        slow, other = self.clients(server, 2)
        self.assert_echoes(other)
        before = memory_of(server.process.pid)
        sent, rest = self.fill(slow)
        self.assertGreater(len(sent), 2 << 20)
        for _ in range(100):
            self.assert_echoes(other)
        self.assert_echoes(*self.clients(server, 1))
        self.assertLess(memory_of(server.process.pid) - before, 8 << 20)

        def finish_sending():
            slow.sendall(rest)
            slow.shutdown(socket.SHUT_WR)

        sender = self.in_background(finish_sending)
        self.assertEqual(programs.recv_all(slow) == sent + rest, True)
        sender.result()


    def test_a_client_that_has_sent_all_and_reads_late_still_gets_all(self):
        server = self.begin("-q")
        for size in range(20000, 220000, 20000):  # some of these wait inside the server
            with self.narrow_client(server) as client:
                client.sendall(self.message(b"x" * size))
                has_arrived(client)
                client.shutdown(socket.SHUT_WR)
                self.assert_echoes(*self.clients(server, 1))
                widen(client)
                self.assertEqual(len(programs.recv_all(client)), len(self.message(b"x" * size)))


class Failures:
    def test_a_client_that_resets_costs_only_itself(self):
        server = self.begin()
        (other,) = self.clients(server, 1)
        for _ in range(20):
            client = programs.connect(server.port)
            self.assert_echoes(client)
            programs.reset(client)
            server.wait_for_line("Connection reset", on="stderr")
            self.assert_echoes(other)

    def test_a_client_that_resets_with_megabytes_unread_costs_only_itself(self):
        need_proc()
        server = self.begin()
        (other,) = self.clients(server, 1)
        self.assert_echoes(other)
        before = descriptors_of(server.process.pid)
        for _ in range(3):
            client = programs.connect(server.port)
            self.fill(client)
            programs.reset(client)
            server.wait_for_line("Connection reset|Broken pipe", on="stderr")
            self.assert_echoes(other)
        self.eventually(lambda: descriptors_of(server.process.pid), before, server)

    def test_a_client_that_is_gone_before_it_is_accepted_costs_only_itself(self):
        server = self.begin()
        for _ in range(20):
            programs.reset(programs.connect(server.port))
        self.assert_echoes(*self.clients(server, 1))

    def test_200_clients_that_leave_leave_nothing_behind(self):
        need_proc()
        server = self.begin("-q")
        self.assert_echoes(*self.clients(server, 1))
        before = descriptors_of(server.process.pid)
        for number in range(200):
            client = programs.connect(server.port)
            self.assert_echoes(client)
            if number % 2:
                programs.reset(client)
            else:
                client.close()
        self.eventually(lambda: descriptors_of(server.process.pid), before, server)

    def test_without_descriptors_it_serves_on_does_not_spin_and_whoever_leaves_makes_room(self):
        need_proc()
        server = self.limited(32)
        room = 32 - descriptors_of(server.process.pid)
        clients = self.clients(server, 60)
        for client in clients:
            client.sendall(self.message(b"hola"))
        for client in clients[:room]:
            self.assert_comes(client)
        inside, outside = clients[:room], clients[room:]
        before = cpu_seconds(server.process.pid)
        self.assertEqual(readable(outside, 2), [])
        self.assertLess(cpu_seconds(server.process.pid) - before, 0.6)
        for client in inside:
            self.assert_echoes(client, b"adios")
        started = time.monotonic()
        for waiting in outside:
            inside.pop(0).close()
            self.assert_comes(waiting)
            inside.append(waiting)
        # Waiting half a second for each is 17.
        self.assertLess(time.monotonic() - started, programs.within(5))

    def test_a_descriptor_that_comes_free_elsewhere_is_noticed_within_a_second(self):
        need_proc()
        server = self.limited(32)
        pid = server.process.pid
        held = descriptors_of(pid)
        hard = resource.prlimit(pid, resource.RLIMIT_NOFILE)[1]
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (held, hard))
        (client,) = self.clients(server, 1)
        client.sendall(self.message(b"hola"))
        self.assertEqual(readable([client], 0.2), [])
        started = time.monotonic()
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (held + 1, hard))
        self.assert_comes(client)
        self.assertLess(time.monotonic() - started, programs.within(1))


class Stopping:
    """A client is served first: then the server surely waits in its loop."""

    def test_ctrl_c_and_sigterm_end_it_in_order_and_free_the_port(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            server = self.begin()
            clients = self.clients(server, 40)
            for client in clients[1:]:
                self.assert_echoes(client)
            with self.within_a_second(server):
                server.signal(number)
                for client in clients:
                    self.assertEqual(programs.recv_all(client), b"")  # an end, and no reset
                    client.close()
            again = self.begin(port=server.port)
            self.assertEqual(again.port, server.port)

    def test_a_stop_does_not_wait_for_clients_that_stay(self):
        server = self.begin()
        clients = self.clients(server, 5)
        for client in clients:
            self.assert_echoes(client)
        with self.within_a_second(server):
            server.terminate()
        for client in clients:
            self.assertEqual(programs.recv_all(client), b"")
        self.begin(port=server.port)  # although our sides are still open

    def test_a_client_that_never_reads_does_not_hinder_a_stop(self):
        server = self.begin("-q")
        (stuck,) = self.clients(server, 1)
        self.fill(stuck)
        with self.within_a_second(server):
            server.terminate()

    def test_a_client_that_never_stops_sending_does_not_hinder_a_stop(self):
        server = self.begin("-q")
        (busy,) = self.clients(server, 1)

        def send_and_read():
            with contextlib.suppress(OSError):
                while True:
                    busy.sendall(self.message(b"x" * 1024))
                    if not busy.recv(65536):
                        return

        sender = self.in_background(send_and_read)
        self.assert_echoes(*self.clients(server, 1))
        with self.within_a_second(server):
            server.interrupt()
        sender.result()

    def test_what_a_client_is_owed_is_delivered_after_the_stop(self):
        for size in range(50000, 250000, 50000):  # some of these wait inside the server
            server = self.begin("-v")
            client = self.narrow_client(server)
            client.sendall(self.message(b"x" * size))
            if not has_arrived(client):
                break
            server.wait_for_line(": .*xxx", on="stderr")
            self.assert_echoes(*self.clients(server, 1))
            server.terminate()
            widen(client)
            self.assertEqual(len(programs.recv_all(client)), len(self.message(b"x" * size)))
            client.close()
            self.assertEqual(server.wait_exit(), 0)


class Manners:
    def test_only_the_address_is_on_stdout(self):
        server = self.begin("-v")
        self.assert_echoes(*self.clients(server, 1))
        server.terminate()
        server.wait_exit()
        self.assertEqual(server.stdout, "listening on 127.0.0.1:%d\n" % server.port)

    def test_quiet_says_nothing(self):
        server = self.begin("-q")
        (client,) = self.clients(server, 1)
        self.assert_echoes(client)
        programs.reset(client)
        self.assert_echoes(*self.clients(server, 1))
        server.terminate()
        server.wait_exit()
        self.assertEqual(server.stderr, "")

    def test_a_port_in_use_is_told_with_a_hint(self):
        port = programs.port_of(self.listener())
        server = self.start(self.PATH, *self.OPTIONS, "-H", "127.0.0.1", "-p", port)
        self.assert_fails(server, 1, "listen on 127.0.0.1:%d: Address already in use .*ss -(ltnp|tanp)"
                          % port)

    def test_help_shows_the_examples_first(self):
        self.assert_help(self.PATH)

    def test_bad_command_lines_are_usage_errors(self):
        self.assert_usage_error(self.PATH, "--twice", says="--help")
        self.assert_usage_error(self.PATH, "-p", "http", says="0 to 65535")


class ByHand:
    """The servers of bytes, whose talk is exactly known."""

    def test_it_says_who_came_what_came_and_who_left_and_no_control_character(self):
        server = self.begin()
        client, other = self.clients(server, 2)
        self.assert_echoes(client, b"\x1b[2J\r\n\xff\"")
        name = programs.address_of(client)
        client.close()
        server.wait_for_line(name + " left$", on="stderr")
        lines = [line for line in server.stderr.splitlines() if line.startswith(name)]
        self.assertEqual(lines, [name + " came", name + r': \x1b[2J\r\n\xff\"', name + " left"])
        self.assertIn(programs.address_of(other) + " came\n", server.stderr)

    def test_a_dot_alone_comes_back_like_any_other_byte(self):
        server = self.begin()
        (client,) = self.clients(server, 1)
        self.assert_echoes(client, b".")
        self.assert_echoes(client, b"hola")

    def test_bytes_that_come_one_at_a_time_all_come_back(self):
        server = self.begin()
        chop = self.server(CHOP, "--to", "127.0.0.1:%d" % server.port, "--mode", "bytes")
        with programs.connect(chop.port) as client:
            client.sendall(b"adios. fin")
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(programs.recv_all(client), b"adios. fin")

    def test_the_client_of_the_lab_is_content_with_it(self):
        server = self.begin()
        answers = lab_peers.echo_client(server.port, [b"hola", b"adios"])
        self.assertEqual(answers, [b"hola", b"adios", b"."])

    def test_what_came_before_the_stop_is_still_answered(self):
        for _ in range(20):
            server = self.begin()
            clients = self.clients(server, 5)
            for client in clients:
                self.assert_echoes(client)
            for client in clients:
                client.sendall(b"adios")
            server.terminate()
            for client in clients:
                self.assertEqual(programs.recv_all(client), b"adios", server.story("stopped"))
            self.assertEqual(server.wait_exit(), 0)

    def test_a_client_that_is_lost_is_said_once(self):
        server = self.begin()
        client = programs.connect(server.port)
        self.assert_echoes(client)
        name = programs.address_of(client)
        programs.reset(client)
        server.wait_for_line(name + " is lost", on="stderr")
        self.assert_echoes(*self.clients(server, 1))
        self.assertEqual([line for line in server.stderr.splitlines() if line.startswith(name)],
                         [name + what for what in (" came", ": hola",
                                                   " is lost: Connection reset by peer")])

    def test_a_client_that_leaves_and_then_does_not_take_what_it_is_owed_is_said_once(self):
        need_proc()
        server = self.begin()
        before = descriptors_of(server.process.pid)
        names = []
        for size in range(20000, 220000, 20000):  # some of these wait inside the server
            client = self.narrow_client(server)
            client.sendall(b"x" * size)
            has_arrived(client)
            client.shutdown(socket.SHUT_WR)
            names.append(programs.address_of(client))
            self.assert_echoes(*self.clients(server, 1))
            programs.reset(client)
        self.eventually(lambda: descriptors_of(server.process.pid) - before, len(names), server)
        server.terminate()
        server.wait_exit()  # all that it said has come
        for name in names:
            told = re.findall(r"(?m)^%s ((?!came).*)$" % name, server.stderr)
            self.assertEqual(len(told), 1, server.story(name))

    def test_while_it_finishes_nobody_else_gets_in(self):
        server = self.begin("-q")
        (stuck,) = self.clients(server, 1)
        self.fill(stuck)
        server.terminate()
        with self.assertRaises(ConnectionRefusedError):
            while True:
                with contextlib.suppress(ConnectionResetError, socket.timeout):
                    socket.create_connection(("127.0.0.1", server.port), 0.1).close()
        self.assertTrue(server.running())
        self.assertEqual(server.wait_exit(), 0)

    def test_a_stop_is_over_at_once_when_nobody_is_owed_anything(self):
        took = []
        for _ in range(3):
            server = self.begin()
            for client in self.clients(server, 5):
                self.assert_echoes(client)
            started = time.monotonic()
            server.terminate()
            self.assertEqual(server.wait_exit(), 0)
            took.append(time.monotonic() - started)
        self.assertLess(min(took), programs.within(0.4))

    def test_a_stop_as_soon_as_it_listens_is_a_stop(self):
        self.assert_stops_in_order(self.PATH, *self.OPTIONS, by=signal.SIGINT)
        self.assert_stops_in_order(self.PATH, *self.OPTIONS, by=signal.SIGTERM)

    def test_that_no_descriptor_is_left_is_said_and_not_all_the_time(self):
        server = self.limited(12)
        clients = self.clients(server, 20)
        server.wait_for_line("^cannot accept: Too many open files$", on="stderr")
        self.assertEqual(readable(clients, 1), [])
        self.assertLess(server.stderr.count("cannot accept"), 5)


class Crowd:
    """1,100 clients: more than select(2) has descriptors for."""

    def come(self, server):
        return self.clients(server, 1100)

    def test_1100_clients_are_all_served(self):
        need_descriptors(1300)
        server = self.begin()
        clients = self.come(server)
        for client in clients:
            self.assert_echoes(client)
        self.assertNotIn("refused", server.stderr)


class SmallCrowd(Crowd):
    """What select(2) makes of them."""

    def test_1100_clients_are_all_served(self):
        need_descriptors(1300)
        server = self.begin()
        clients = self.come(server)
        refusal = (r" is refused: watch descriptor 1024: .*select\(2\) holds 0 to 1023.*"
                   "use poll_selector or epoll_selector")
        server.wait_for_line(refusal, on="stderr")
        for client in clients[:1000]:
            self.assert_echoes(client)
        with contextlib.suppress(ConnectionResetError):
            self.assertEqual(programs.recv_all(clients[-1]), b"")
        for client in clients[500:]:
            client.close()
        name = programs.address_of(clients[0])
        self.assert_echoes(clients[0])
        clients[0].close()
        server.wait_for_line(name + " left", on="stderr")
        self.assert_echoes(*self.clients(server, 1))  # it lives on, and there is room again


class Select(Conversations, Failures, Stopping, Manners, ByHand, SmallCrowd, Server):
    PATH = "12_select/select_echo_server"


class Poll(Conversations, Failures, Stopping, Manners, ByHand, Crowd, Server):
    PATH = "12_select/select_echo_server"
    OPTIONS = ("--backend", "poll")


class Epoll(Conversations, Failures, Stopping, Manners, ByHand, Crowd, Server):
    PATH = "12_select/select_echo_server"
    OPTIONS = ("--backend", "epoll")


class NobodyReadsTheTalk(programs.TestCase):
    """All servers with a loop, of this chapter and the next two, as in "server 2>&1 | head -1"."""

    PATHS = ("12_select/select_echo_server", FRAMED, NAIVE, "13_idle_clients/idle_echo_server",
             "13_idle_clients/naive/idle_echo_server", "14_group_chat/naive/chat_server")

    def first_line(self, path):
        """A server whose talk goes into a pipe, and the line after which nobody reads there."""
        server = subprocess.Popen([programs.example(path), "-H", "127.0.0.1", "-p", "0"],
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.addCleanup(server.wait)
        self.addCleanup(server.kill)
        with server.stdout as talk:
            return server, talk.readline().decode()

    def test_it_serves_on_and_stops_in_order(self):
        for path in self.PATHS:
            with self.subTest(path):
                server, line = self.first_line(path)
                port = int(re.fullmatch(r"listening on 127\.0\.0\.1:(\d+)\n", line).group(1))
                with programs.connect(port) as one, programs.connect(port) as other:
                    for each in (one, other):
                        each.sendall(six_digits(b"hola"))
                    self.assertEqual(len(programs.recv_exactly(one, 11)), 11)
                    server.terminate()
                    self.assertEqual(server.wait(programs.LIMIT), 0)


class FramedCase(Server):
    PATH = FRAMED

    @staticmethod
    def message(payload):
        return six_digits(payload)


class FramedSelect(Conversations, Failures, Stopping, Manners, SmallCrowd, FramedCase):
    OPTIONS = ("--backend", "select")


class FramedPoll(Conversations, Failures, Stopping, Manners, Crowd, FramedCase):
    OPTIONS = ("--backend", "poll")


class FramedEpoll(Conversations, Failures, Stopping, Manners, Crowd, FramedCase):
    OPTIONS = ("--backend", "epoll")


class Framed(FramedCase):
    """What only a server of messages does, on each backend."""

    def on_each_backend(self, *options):
        for backend in BACKENDS:
            with self.subTest(backend):
                with self.begin("--backend", backend, *options) as server:
                    yield server

    def test_what_is_no_frame_ends_its_client_behind_the_owed_answers(self):
        for server in self.on_each_backend():
            other, client = self.clients(server, 2)
            client.sendall(six_digits(b"hola") + b"GET / HTTP/1.1\r\n\r\n" + six_digits(b"no"))
            self.assertEqual(programs.recv_all(client), six_digits(b"hola"))
            server.wait_for_line("left: bad frame header at byte 11", on="stderr")
            self.assert_echoes(other)

    def test_owed_answers_arrive_although_8_mb_follow_what_is_no_frame(self):
        owed = b"".join(six_digits(b"%d" % number * 100) for number in range(10))

        def send_all(client):
            client.sendall(owed + b"x" * 8_000_000)
            client.shutdown(socket.SHUT_WR)

        for server in self.on_each_backend("-q"):
            for _ in range(100):
                with programs.connect(server.port) as client:
                    self.in_background(send_all, client).result()  # before anything is read
                    self.assertEqual(programs.recv_all(client), owed)

    def test_a_length_above_the_limit_is_refused(self):
        for server in self.on_each_backend("--codec", "u32"):
            (client,) = self.clients(server, 1)
            client.sendall(b"\x00\x0f\x42\x40")  # 1,000,000
            self.assertEqual(programs.recv_all(client), b"")

    def test_the_longest_message_comes_back(self):
        for server in self.on_each_backend("-q"):
            (client,) = self.clients(server, 1)
            sender = self.in_background(client.sendall, six_digits(b"x" * 999999) * 3)
            for _ in range(3):
                self.assert_comes(client, b"x" * 999999)
            sender.result()

    def test_idle_drops_who_is_silent_and_nobody_else(self):
        for server in self.on_each_backend("--idle", 1):
            silent, talker = self.clients(server, 2)
            started = time.monotonic()  # before the server hears the last of it
            self.assert_echoes(silent)
            while not readable([silent], 0.2):
                self.assert_echoes(talker)
                self.assertLess(time.monotonic() - started, programs.within(2))
            self.assertGreaterEqual(time.monotonic() - started, 1)
            self.assertEqual(programs.recv_all(silent), b"")
            server.wait_for_line("left: silent for too long", on="stderr")
            self.assert_echoes(talker)

    def test_above_max_clients_they_wait_until_one_leaves(self):
        for server in self.on_each_backend("--max-clients", 2):
            first, second, third = self.clients(server, 3)
            third.sendall(six_digits(b"third"))
            self.assert_echoes(first)
            self.assert_echoes(second)
            self.assertEqual(readable([third], 0.2), [])
            first.close()
            self.assert_comes(third, b"third")
            self.assert_echoes(second)

    def test_wrong_names_are_usage_errors(self):
        self.assert_usage_error(FRAMED, "--backend", "kqueue", says="select, poll or epoll")
        self.assert_usage_error(FRAMED, "--codec", "u8", says="six-digit or u32")
        self.assert_usage_error(FRAMED, "--max-clients", "0", says="1 to 1000000")
        self.assert_usage_error(FRAMED, "--idle", "-1", says="0 to 86400")


class Chopped(programs.TestCase):
    """Through chop: however the stream is cut, the same messages come out."""

    LINES = b"hola\n\n:adios\n0\n000004:hola\n" + b"x" * 130 + b"\n"

    def echo(self, through, codec):
        """One run of the real client."""
        with programs.Program(programs.example(FRAMED_CLIENT), "-q", "-H", "127.0.0.1", "-p",
                              through.port, "--codec", codec) as client:
            client.send(self.LINES)
            client.close_stdin()
            client.code = client.wait_exit()
            return client

    def servers_behind_chop(self, mode, *options):
        """The server with each backend and codec, and chop in front of it."""
        for backend in BACKENDS:
            for codec in ("six-digit", "u32"):
                with self.subTest(backend=backend, codec=codec):
                    server = self.server(FRAMED, "--backend", backend, "--codec", codec)
                    with server, self.server(CHOP, "-q", "--to", "127.0.0.1:%d" % server.port,
                                             "--codec", codec, "--mode", mode, "--seed", 0,
                                             *options) as chop:
                        yield server, chop, codec

    def assert_same_bytes(self, mode, *options):
        for _, chop, codec in self.servers_behind_chop(mode, *options):
            for seed in range(SEEDS):
                client = self.echo(chop, codec)
                self.assertEqual((client.code, client.stdout_bytes), (0, self.LINES),
                                 client.story("seed %d" % seed))

    def test_whole(self):
        self.assert_same_bytes("whole")

    def test_one_byte_at_a_time(self):
        self.assert_same_bytes("bytes")

    def test_random_pieces(self):
        self.assert_same_bytes("random")

    def test_a_cut_at_each_place_of_the_header(self):
        self.assert_same_bytes("headers")

    def test_a_cut_at_chosen_places(self):
        self.assert_same_bytes("cuts", "--cuts", "1,2,9,13")

    def test_glue(self):
        self.assert_same_bytes("glue", "--hold", 1)

    def test_glue_with_a_client_that_sends_all_its_messages_first(self):
        for _, chop, codec in self.servers_behind_chop("glue", "--hold", 60000):
            payloads = self.LINES.split(b"\n")[:-1]
            encode = six_digits if codec == "six-digit" else self.u32
            stream = b"".join(map(encode, payloads))
            for seed in range(SEEDS):
                with programs.connect(chop.port) as peer:
                    peer.sendall(stream)
                    peer.shutdown(socket.SHUT_WR)
                    self.assertEqual(programs.recv_all(peer), stream, seed)

    @staticmethod
    def u32(payload):
        return len(payload).to_bytes(4, "big") + payload

    def test_after_a_stall_the_same_bytes_come(self):
        self.assert_same_bytes("stall", "--stall", 5)

    def test_a_reset_costs_one_client(self):
        for server, chop, codec in self.servers_behind_chop("reset", "--direction", "up"):
            for seed in range(SEEDS):
                client = self.echo(chop, codec)
                self.assertEqual(client.code, 1, client.story("seed %d" % seed))
                self.assertTrue(self.LINES.startswith(client.stdout_bytes))
            self.assertEqual(self.echo(server, codec).stdout_bytes, self.LINES)

    def test_after_a_half_close_all_whole_messages_are_answered(self):
        for server, chop, codec in self.servers_behind_chop("half-close", "--after", 15):
            message = six_digits(b"hola") if codec == "six-digit" else self.u32(b"hola")
            for _ in range(SEEDS):
                with programs.connect(chop.port) as peer:
                    peer.sendall(message * 3)
                    self.assertEqual(programs.recv_all(peer), message)
                server.wait_for_line("left: the stream ended inside the frame", on="stderr")


class Naive(programs.TestCase):
    """The flaw that the chapter shows is really there."""

    fill = Server.fill
    clients = Server.clients
    message = staticmethod(Server.message)

    def test_one_slow_reader_stops_all_until_it_reads(self):
        server = self.server(NAIVE)
        slow, other = self.clients(server, 2)
        sent, _ = self.fill(slow)
        other.sendall(b"hola")
        (late,) = self.clients(server, 1)
        late.sendall(b"adios")
        self.assertEqual(readable([other, late], 1), [])
        slow.shutdown(socket.SHUT_WR)
        self.assertEqual(programs.recv_all(slow) == sent, True)
        self.assertEqual(programs.recv_exactly(other, 4), b"hola")
        self.assertEqual(programs.recv_exactly(late, 5), b"adios")

    def test_while_it_is_stuck_it_does_not_notice_a_stop_but_the_second_one_ends_it(self):
        server = self.server(NAIVE)
        (slow,) = self.clients(server, 1)
        self.fill(slow)
        server.interrupt()
        with self.assertRaisesRegex(AssertionError, "did not end"):
            server.wait_exit(limit=0.5)
        server.interrupt()
        self.assertEqual(server.wait_exit(), -signal.SIGINT)

    def test_otherwise_it_serves_and_stops_as_the_others_do(self):
        server = self.server(NAIVE)
        first, second = self.clients(server, 2)
        for client in (second, first):
            client.sendall(b"hola")
            self.assertEqual(programs.recv_exactly(client, 4), b"hola")
        programs.reset(first)
        server.wait_for_line("is lost: recv_some from .*: Connection reset", on="stderr")
        server.interrupt()
        self.assertEqual(server.wait_exit(), 0)

    def test_help_shows_the_examples_first(self):
        self.assert_help(NAIVE)


if __name__ == "__main__":
    unittest.main()

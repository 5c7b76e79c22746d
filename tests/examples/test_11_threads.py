#!/usr/bin/env python3
"""Chapter 11: thread_echo_server and fork_echo_server, many clients at once.

Run: TRAMA_BUILD=build python3 tests/examples/test_11_threads.py
"""
import contextlib
import os
import re
import resource
import select
import signal
import socket
import time
import unittest
from pathlib import Path

import lab_peers
import programs

SH = "/bin/sh"
CLIENT = "02_echo_client/echo_client"


def need_proc():
    """Skips the test that asks where threads, descriptors and children cannot be counted."""
    if not Path("/proc/self/task").is_dir():
        raise unittest.SkipTest("/proc is not mounted here: it lists what a process holds")


def children_of(pid):
    """The processes that `pid` has started and not yet reaped, zombies included."""
    found = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):  # it has ended meanwhile
            parent = stat.read_text(errors="replace").rpartition(")")[2].split()[1]
            if int(parent) == pid:
                found.add(int(stat.parent.name))
    return found


def held_by(pid):
    """What a process holds: the numbers of its threads, descriptors and children."""
    return (len(os.listdir("/proc/%d/task" % pid)), len(os.listdir("/proc/%d/fd" % pid)),
            len(children_of(pid)))


def address_space(pid):
    """How much memory a process has asked for, used or not, in bytes."""
    return int(Path("/proc/%d/statm" % pid).read_text().split()[0]) * resource.getpagesize()


def cpu_ticks(pid):
    return sum(map(int, Path("/proc/%d/stat" % pid).read_text().rpartition(")")[2].split()[11:13]))


class Server(programs.TestCase):
    """What both servers must do; the classes below say which one it is."""

    SERVER = None

    def clients(self, server, count):
        """So many connections, closed at the end of the test."""
        made = []
        for _ in range(count):
            made.append(programs.connect(server.port))
            self.addCleanup(made[-1].close)
        return made

    def assert_echoes(self, client, message=b"hola"):
        client.sendall(message)
        self.assertEqual(programs.recv_exactly(client, len(message)), message)

    def eventually(self, what, expected, server):
        """Waits until what() is `expected`: /proc tells nobody when it changes."""
        end = time.monotonic() + programs.LIMIT
        while what() != expected:
            if time.monotonic() > end:
                self.fail(server.story("%s, and should be %s" % (what(), expected)))
            select.select([], [], [], 0.005)

    def limited(self, limit):
        """The server, started by a shell with a limit that it cannot change."""
        exec_it = limit + '; exec "$0" "$@"'
        server = self.start(SH, "-c", exec_it, programs.example(self.SERVER), "-H", "127.0.0.1",
                            "-p", "0")
        server.port = int(server.wait_for_line(r"listening on .*:(\d+)").group(1))
        return server

    def refused(self, server):
        """Comes once more, and must be turned away."""
        with programs.connect(server.port) as client:
            self.assertEqual(programs.recv_all(client), b"the server is full\n")


class Conversations:
    def test_a_silent_client_keeps_nobody_waiting(self):
        server = self.server(self.SERVER)
        silent, first, second = self.clients(server, 3)
        self.assert_echoes(second)
        self.assert_echoes(first)
        self.assert_echoes(second, b"adios")
        self.assert_echoes(silent)

    def test_a_client_that_never_reads_keeps_nobody_waiting(self):
        server = self.server(self.SERVER)
        stuck, other = self.clients(server, 2)
        self.fill(stuck)
        self.assert_echoes(other)

    def test_what_is_sent_comes_back_whatever_the_bytes(self):
        server = self.server(self.SERVER)
        everything = bytes(range(256)) * 16
        for client in self.clients(server, 5):
            self.assert_echoes(client, everything)

    def test_a_dot_alone_comes_back_like_any_other_byte(self):
        server = self.server(self.SERVER)
        (client,) = self.clients(server, 1)
        for message in (b".", b"..", b".\n", b"hola"):
            self.assert_echoes(client, message)

    def test_a_conversation_that_is_over_is_closed_at_once(self):
        server = self.server(self.SERVER)
        clients = self.clients(server, 5)
        started = time.monotonic()
        for client in clients:
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(programs.recv_all(client), b"")
        # And not when its thread is joined.
        self.assertLess(time.monotonic() - started, programs.within(2.0))

    def test_a_client_that_has_sent_all_still_gets_all(self):
        server = self.server(self.SERVER)
        with programs.connect(server.port) as client:
            client.sendall(b"x" * 50000)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(len(programs.recv_all(client)), 50000)

    def test_the_client_of_the_lab_is_content_with_it(self):
        server = self.server(self.SERVER)
        answers = lab_peers.echo_client(server.port, [b"hola", b"adios"])
        self.assertEqual(answers, [b"hola", b"adios", b"."])  # the dot ends its client only

    def fill(self, stuck):
        """Sends until the server can neither send nor take any more."""
        stuck.setblocking(False)
        while select.select([], [stuck], [], 0.2)[1]:
            with contextlib.suppress(BlockingIOError):
                stuck.send(b"x" * 65536)


class Failures:
    def test_a_client_that_resets_costs_only_itself(self):
        server = self.server(self.SERVER)
        (other,) = self.clients(server, 1)
        for _ in range(20):
            client = programs.connect(server.port)
            self.assert_echoes(client)
            programs.reset(client)
            server.wait_for_line("is lost: recv_some from .*: Connection reset", on="stderr")
            self.assert_echoes(other)

    def test_a_client_that_is_killed_costs_only_itself(self):
        server = self.server(self.SERVER)
        (other,) = self.clients(server, 1)
        self.assert_echoes(other)
        victim = self.start(CLIENT, "-H", "127.0.0.1", "-p", server.port)
        victim.send("hola\n")
        victim.wait_for_line("hola")
        victim.signal(signal.SIGKILL)
        server.wait_for_line(" left$", on="stderr")
        self.assert_echoes(other)

    def test_a_client_that_is_gone_before_it_is_served_costs_only_itself(self):
        server = self.server(self.SERVER)
        for _ in range(20):
            programs.reset(programs.connect(server.port))
        self.assert_echoes(self.clients(server, 1)[0])

    def test_no_more_than_max_clients_get_in_and_the_others_are_told(self):
        server = self.server(self.SERVER, "--max-clients", "2")
        first, second = self.clients(server, 2)
        self.assert_echoes(first)
        self.assert_echoes(second)
        for _ in range(10):
            self.refused(server)
        server.wait_for_line(" is refused: there is no room$", on="stderr")
        self.assert_echoes(first)
        first.close()
        server.wait_for_line(" left$", on="stderr")
        self.eventually(lambda: self.gets_in(server), True, server)
        self.assert_echoes(second)

    def gets_in(self, server):
        with programs.connect(server.port) as client:
            client.sendall(b"hola")
            return programs.recv_exactly(client, 4) == b"hola"


class LeftOvers:
    def test_200_clients_one_after_another_leave_nothing_behind(self):
        need_proc()
        server = self.server(self.SERVER, "-q")
        self.assert_echoes(self.clients(server, 1)[0])
        before, memory = held_by(server.process.pid), address_space(server.process.pid)
        for _ in range(200):
            with programs.connect(server.port) as client:
                self.assert_echoes(client)
        self.eventually(lambda: held_by(server.process.pid), before, server)
        # A thread that nobody joins is seen in no list, but its stack of 8 MiB stays.
        self.assertLess(address_space(server.process.pid) - memory, 400 << 20)

    def test_50_clients_at_once_that_leave_together_leave_nothing_behind(self):
        need_proc()
        server = self.server(self.SERVER)
        self.assert_echoes(self.clients(server, 1)[0])
        before = held_by(server.process.pid)
        for number, client in enumerate(self.clients(server, 50)):
            self.assert_echoes(client)
            if number % 2:
                programs.reset(client)
            else:
                client.close()
        self.eventually(lambda: held_by(server.process.pid), before, server)


class Stopping:
    def test_ctrl_c_and_sigterm_stop_it_in_order_and_free_the_port(self):
        self.assert_stops_in_order(self.SERVER, by=signal.SIGINT)
        self.assert_stops_in_order(self.SERVER, by=signal.SIGTERM)

    def test_a_stop_during_conversations_ends_all_of_them_in_order(self):
        needed = []
        for number in (signal.SIGINT, signal.SIGTERM):
            server = self.server(self.SERVER)
            clients = self.clients(server, 40)
            for client in clients[1:]:
                self.assert_echoes(client)
            started = time.monotonic()
            with self.within_a_second(server):
                server.signal(number)
            needed.append(time.monotonic() - started)
            for client in clients:
                self.assertEqual(programs.recv_all(client), b"")  # an end, and no reset
            self.server(self.SERVER, port=server.port)  # although our sides are still open
        self.assertLess(min(needed), 0.5)  # nobody had to be cut off

    def test_what_came_before_the_stop_is_still_answered(self):
        owed = b"adios" * 20_000  # more than the server takes at a time, less than buffers hold
        for _ in range(5):
            server = self.server(self.SERVER)
            clients = self.clients(server, 5)
            for client in clients:
                self.assert_echoes(client)
            for client in clients:
                client.sendall(owed)
            server.terminate()
            for client in clients:
                self.assertTrue(programs.recv_all(client) == owed, server.story("stopped"))
            self.assertEqual(server.wait_exit(), 0)

    def test_a_client_that_never_reads_does_not_hinder_a_stop(self):
        server = self.server(self.SERVER)
        (stuck,) = self.clients(server, 1)
        self.fill(stuck)
        with self.within_a_second(server):
            server.terminate()

    def test_a_client_that_never_stops_sending_does_not_hinder_a_stop(self):
        server = self.server(self.SERVER)
        (busy,) = self.clients(server, 1)
        busy.settimeout(programs.LIMIT)

        def send_and_read():
            with contextlib.suppress(OSError):
                while True:
                    busy.sendall(b"x" * 1024)
                    if not busy.recv(65536):
                        return

        sender = self.in_background(send_and_read)
        self.assert_echoes(self.clients(server, 1)[0])
        with self.within_a_second(server):
            server.interrupt()
        sender.result()

    @contextlib.contextmanager
    def within_a_second(self, server):
        """What happens inside makes the server end with exit code 0, within a second."""
        started = time.monotonic()
        yield
        self.assertEqual(server.wait_exit(), 0, server.story("it was stopped"))
        self.assertLess(time.monotonic() - started, programs.within(1.0), server.story("it was stopped"))


class Manners:
    def test_only_the_address_is_on_stdout(self):
        server = self.server(self.SERVER, "-v")
        self.assert_echoes(self.clients(server, 1)[0])
        server.terminate()
        server.wait_exit()
        self.assertEqual(server.stdout, "listening on 127.0.0.1:%d\n" % server.port)

    def test_lines_of_several_clients_are_never_mixed(self):
        server = self.server(self.SERVER)
        clients = self.clients(server, 100)
        for client in clients:
            self.assert_echoes(client)
        names = [programs.address_of(client) for client in clients]
        server.terminate()
        server.wait_exit()
        lines = [re.sub(r", and has process \d+$", "", line) for line in server.stderr.splitlines()]
        self.assertEqual(sorted(lines),
                         sorted(name + what for name in names for what in (" came", " left")))

    def test_quiet_says_nothing(self):
        server = self.server(self.SERVER, "-q", "-m", "1")
        self.assert_echoes(self.clients(server, 1)[0])
        self.refused(server)
        server.terminate()
        server.wait_exit()
        self.assertEqual(server.stderr, "")

    def test_a_port_in_use_is_told_with_a_hint(self):
        port = programs.port_of(self.listener())
        server = self.start(self.SERVER, "-H", "127.0.0.1", "-p", port)
        self.assert_fails(server, 1, "listen on 127.0.0.1:%d: Address already in use .*ss -tanp"
                          % port)

    def test_help_shows_the_examples_first(self):
        self.assert_help(self.SERVER)

    def test_bad_command_lines_are_usage_errors(self):
        self.assert_usage_error(self.SERVER, "--once", says="--help")
        self.assert_usage_error(self.SERVER, "-m", "0", says="1 to 30000")


class Threads(Conversations, Failures, LeftOvers, Stopping, Manners, Server):
    SERVER = "11_threads/thread_echo_server"

    def test_each_client_has_a_thread(self):
        need_proc()
        server = self.server(self.SERVER)
        threads = []
        for _ in range(30):
            self.assert_echoes(*self.clients(server, 1))
            threads.append(held_by(server.process.pid)[0])
        self.assertEqual(threads, list(range(threads[0], threads[0] + 30)))

    def test_without_descriptors_the_clients_that_are_here_are_served_and_the_others_wait(self):
        server = self.limited("ulimit -n 12")
        clients = self.clients(server, 20)
        self.assert_echoes(clients[0])
        server.wait_for_line("cannot accept: Too many open files", on="stderr")
        self.assert_echoes(clients[0], b"adios")
        for client in clients[:-1]:
            client.close()
        self.assert_echoes(clients[-1])
        self.assertLess(server.stderr.count("cannot accept"), 100)  # it does not try all the time

    def test_when_the_system_has_no_more_threads_the_client_is_refused(self):
        server = self.limited("ulimit -v 65536")  # 64 MiB: each stack takes 8
        clients = self.clients(server, 20)
        server.wait_for_line(" is refused: Resource temporarily unavailable", on="stderr")
        self.assert_echoes(clients[0])
        self.assertEqual(programs.recv_all(clients[-1]), b"the server is full\n")


class Processes(Conversations, Failures, LeftOvers, Stopping, Manners, Server):
    SERVER = "11_threads/fork_echo_server"

    def child_for(self, server, client):
        """The process that serves `client`. Ask for the clients in the order of their lines."""
        line = r"^%s came, and has process (\d+)$" % programs.address_of(client)
        return int(server.wait_for_line(line, on="stderr").group(1))

    def test_each_client_has_a_process_which_holds_its_socket_and_no_other(self):
        need_proc()
        server = self.server(self.SERVER)
        for _ in range(5):
            (client,) = self.clients(server, 1)
            descriptors = Path("/proc/%d/fd" % self.child_for(server, client))
            sockets = [each for each in descriptors.iterdir()
                       if os.readlink(each).startswith("socket:")]
            self.assertEqual(len(sockets), 1, server.story("listener and client"))
        self.assertEqual(len(children_of(server.process.pid)), 5)

    def test_a_child_that_is_killed_costs_only_its_client(self):
        server = self.server(self.SERVER)
        (victim,) = self.clients(server, 1)
        pid = self.child_for(server, victim)
        (other,) = self.clients(server, 1)
        self.assert_echoes(other)
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(programs.recv_all(victim), b"")
        server.wait_for_line("process %d was killed: Killed$" % pid, on="stderr")
        self.assert_echoes(other)

    def test_a_child_that_is_terminated_ends_its_conversation_and_the_parent_waits_on(self):
        need_proc()
        server = self.server(self.SERVER)
        for _ in range(3):
            (client,) = self.clients(server, 1)
            child = self.child_for(server, client)
            before = cpu_ticks(server.process.pid)
            os.kill(child, signal.SIGTERM)
            self.assertEqual(programs.recv_all(client), b"")
            self.eventually(lambda: children_of(server.process.pid), set(), server)
            self.assertLess(cpu_ticks(server.process.pid) - before, 20)  # of the 100 of a second

    def test_ctrl_c_at_a_terminal_reaches_all_processes_and_ends_them_in_order(self):
        server = self.server(self.SERVER, terminal=["stdin"])
        clients = self.clients(server, 5)
        for client in clients:
            self.assert_echoes(client)
        server.send("\x03")
        for client in clients:
            self.assertEqual(programs.recv_all(client), b"")
        self.assertEqual(server.wait_exit(), 0)
        self.assertNotIn("was killed", server.stderr)

    def test_without_the_parent_the_port_is_free_and_the_children_finish_their_work(self):
        server = self.server(self.SERVER)
        (client,) = self.clients(server, 1)
        self.assert_echoes(client)
        server.signal(signal.SIGKILL)
        server.process.wait(programs.LIMIT)
        self.server(self.SERVER, port=server.port)
        self.assert_echoes(client)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Chapter 13: idle_echo_server, a deadline for each client; and the naive one, one for all.

Run: TRAMA_BUILD=build python3 tests/examples/test_13_idle_clients.py
"""
import contextlib
import time
import unittest

import lab_peers
import programs
import test_12_select as chapter_12

SERVER = "13_idle_clients/idle_echo_server"
NAIVE = "13_idle_clients/naive/idle_echo_server"
EXPELLED = " was silent for too long$"


class AsBefore(chapter_12.Conversations, chapter_12.Failures, chapter_12.Stopping,
               chapter_12.Manners, chapter_12.ByHand, chapter_12.Server):
    """With much patience it is the server of chapter 12."""

    PATH = SERVER
    OPTIONS = ("--idle", "60")


    def test_the_time_is_a_number_of_seconds(self):
        self.assert_usage_error(SERVER, "--idle", "0", says="1 to 86400")
        self.assert_usage_error(SERVER, "--idle", "soon", says="1 to 86400")


class Case(chapter_12.Server):
    PATH = SERVER

    def assert_stays(self, client, seconds):
        """Nothing comes for so long, and no end either."""
        self.assertEqual(chapter_12.readable([client], seconds), [])

    def assert_out(self, client, started, patience=1):
        """Its stream ends between `patience` and one second more after `started`."""
        self.assertEqual(programs.recv_all(client), b"")
        took = time.monotonic() - started
        self.assertGreaterEqual(took, patience - 0.01)
        self.assertLess(took, programs.within(patience + 1))

    def assert_a_dot_comes_back(self):
        server = self.begin("--idle", 60)
        (client,) = self.clients(server, 1)
        for message in (b".", b"..", b".\n", b"hola"):
            self.assert_echoes(client, message)

    def talk_until(self, talker, other, seconds):
        """`talker` speaks five times a second until something comes to `other`, or time is up."""
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            self.assert_echoes(talker)
            if chapter_12.readable([other], 0.2):
                break


class Idle(Case):
    def test_a_dot_alone_comes_back_like_any_other_byte(self):
        self.assert_a_dot_comes_back()

    def test_the_client_of_the_lab_is_content_with_it(self):
        server = self.begin("--idle", 60)
        answers = lab_peers.echo_client(server.port, [b"hola", b"adios"])
        self.assertEqual(answers, [b"hola", b"adios", b"."])  # the dot ends its client only

    def test_a_silent_client_is_out_in_time_although_another_one_speaks(self):
        server = self.begin("--idle", 1)
        started = time.monotonic()
        silent, talker = self.clients(server, 2)
        self.talk_until(talker, silent, 10)
        self.assert_out(silent, started)
        self.assert_echoes(talker)
        server.wait_for_line(programs.address_of(silent) + EXPELLED, on="stderr")

    def test_a_client_that_spoke_is_out_in_time_after_its_last_word(self):
        server = self.begin("--idle", 1)
        (client,) = self.clients(server, 1)
        for _ in range(3):
            self.assert_echoes(client)
            self.assert_stays(client, 0.5)
        started = time.monotonic()
        self.assert_echoes(client)
        self.assert_out(client, started)

    def test_each_is_out_at_its_own_time(self):
        server = self.begin("--idle", 1)
        started = time.monotonic()
        first, second = self.clients(server, 2)
        self.assert_stays(second, 0.5)
        spoke = time.monotonic()
        self.assert_echoes(second)
        self.assert_out(first, started)
        self.assert_out(second, spoke)

    def test_100_silent_clients_are_all_out_in_time_and_leave_nothing_behind(self):
        chapter_12.need_proc()
        server = self.begin("--idle", 1, "-q")
        before = chapter_12.descriptors_of(server.process.pid)
        started = time.monotonic()
        for client in self.clients(server, 100):
            self.assert_out(client, started)
        self.assertEqual(chapter_12.descriptors_of(server.process.pid), before)

    def test_a_newcomer_has_all_its_time_whoever_had_its_descriptor_before(self):
        server = self.begin("--idle", 1)
        (before,) = self.clients(server, 1)
        name = programs.address_of(before)
        self.assert_stays(before, 0.6)
        before.close()
        server.wait_for_line(name + " left$", on="stderr")
        started = time.monotonic()
        (newcomer,) = self.clients(server, 1)
        self.assert_out(newcomer, started)

    def test_the_deadline_of_a_client_that_has_left_is_forgotten(self):
        server = self.begin("--idle", 1)
        gone, talker = self.clients(server, 2)
        self.assert_echoes(gone)
        gone.close()
        for _ in range(6):
            self.assert_echoes(talker)
            self.assert_stays(talker, 0.25)
        self.assert_echoes(talker)

    def test_to_read_is_not_to_speak(self):
        server = self.begin("--idle", 1, "-q")
        (reader,) = self.clients(server, 1)
        self.fill(reader)
        with contextlib.suppress(ConnectionResetError):  # it was owed something
            started = time.monotonic()
            while reader.recv(1000):
                self.assertLess(time.monotonic() - started, programs.LIMIT)

    def test_one_that_is_expelled_makes_room_for_one_at_the_door(self):
        self.OPTIONS = ("--idle", "1")
        server = self.limited(12)
        started = time.monotonic()
        clients = self.clients(server, 12)
        clients[-1].sendall(b"hola")
        self.assert_comes(clients[-1])
        self.assertGreaterEqual(time.monotonic() - started, 0.99)
        self.assertLess(time.monotonic() - started, programs.within(2))


class Naive(Case):
    """The flaw that the chapter shows is really there."""

    PATH = NAIVE

    def test_a_dot_alone_comes_back_like_any_other_byte(self):
        self.assert_a_dot_comes_back()

    def test_who_speaks_keeps_the_silent_one_alive_and_both_are_expelled_together(self):
        server = self.begin("--idle", 1)
        silent, talker = self.clients(server, 2)
        self.talk_until(talker, silent, 2.5)
        self.assert_stays(silent, 0)
        started = time.monotonic()
        self.assert_echoes(talker)
        self.assert_out(talker, started)
        self.assert_out(silent, started)
        for _ in range(2):
            server.wait_for_line(EXPELLED, on="stderr")

    def test_a_client_alone_is_out_in_time(self):
        server = self.begin("--idle", 1)
        started = time.monotonic()
        (silent,) = self.clients(server, 1)
        self.assert_out(silent, started)

    def test_that_nobody_can_be_accepted_for_a_while_is_no_silence(self):
        self.OPTIONS = ("--idle", "2")
        server = self.limited(12)
        started = time.monotonic()
        clients = self.clients(server, 12)
        server.wait_for_line("^cannot accept", on="stderr")
        self.assert_stays(clients[0], 1)
        self.assert_echoes(clients[0])
        self.assertLess(time.monotonic() - started, programs.within(2))

    def test_help_shows_the_examples_first(self):
        self.assert_help(NAIVE)


if __name__ == "__main__":
    unittest.main()

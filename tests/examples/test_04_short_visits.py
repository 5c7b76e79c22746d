#!/usr/bin/env python3
"""Chapter 04: short_visit_server and short_visit_client.

Run: TRAMA_BUILD=build python3 tests/examples/test_04_short_visits.py
"""
import signal
import time
import unittest

import lab_peers
import programs

SERVER = "04_short_visits/short_visit_server"
CLIENT = "04_short_visits/short_visit_client"


class Server(programs.TestCase):
    def test_closes_after_the_first_answer(self):
        server = self.server(SERVER)
        with programs.connect(server.port) as client:
            client.sendall(b"hola\x00")
            self.assertEqual(programs.recv_all(client), b"hola\x00")
        server.wait_for_line(" left$", on="stderr")

    def test_closes_after_the_time_in_which_nothing_came_and_not_before(self):
        server = self.server(SERVER, "--idle", "1")
        started = time.monotonic()
        with programs.connect(server.port) as client:
            self.assertEqual(programs.recv_all(client), b"")
        passed = time.monotonic() - started
        self.assertGreaterEqual(passed, 1.0)
        self.assertLess(passed, 3.0)
        server.wait_for_line("was silent for too long$", on="stderr")

    def test_a_silent_client_does_not_keep_the_next_one_for_ever(self):
        server = self.server(SERVER, "--idle", "1")
        with programs.connect(server.port), programs.connect(server.port) as second:
            second.sendall(b"hola")
            self.assertEqual(programs.recv_all(second), b"hola")

    def test_the_answer_arrives_although_the_client_sends_more_than_is_read(self):
        server = self.server(SERVER)
        with programs.connect(server.port) as client:
            sender = self.in_background(client.sendall, b"x" * 8_000_000)
            answer = programs.recv_all(client)
            sender.result()
        self.assertTrue(0 < len(answer) <= 1024, len(answer))

    def test_a_client_that_resets_costs_only_itself(self):
        server = self.server(SERVER)
        programs.reset(programs.connect(server.port))
        server.wait_for_line(" is lost: .*Connection reset", on="stderr")
        self.assertEqual(lab_peers.short_visit(server.port, b"hola"), b"hola")

    def test_a_client_that_sends_nothing_and_leaves_costs_only_itself(self):
        server = self.server(SERVER)
        programs.connect(server.port).close()
        server.wait_for_line(" left$", on="stderr")
        self.assertEqual(lab_peers.short_visit(server.port, b"hola"), b"hola")

    def test_ctrl_c_and_sigterm_stop_it_in_order_and_free_the_port(self):
        self.assert_stops_in_order(SERVER, by=signal.SIGINT)
        self.assert_stops_in_order(SERVER, by=signal.SIGTERM)

    def test_a_stop_ends_the_waiting_for_a_silent_client(self):
        server = self.server(SERVER, "--idle", "86400")
        with programs.connect(server.port) as client:
            server.wait_for_line(" came$", on="stderr")
            server.interrupt()
            self.assertEqual(programs.recv_all(client), b"")
        self.assertEqual(server.wait_exit(), 0)

    def test_verbose_shows_the_bytes_but_no_control_character(self):
        server = self.server(SERVER, "-v")
        lab_peers.short_visit(server.port, b"\x1b]0;title\x07")
        server.wait_for_line(r": \\x1b\]0;title\\x07$", on="stderr")
        self.assertNotIn("\x1b", server.stderr)

    def test_a_port_in_use_is_told_with_a_hint(self):
        server = self.start(SERVER, "-H", "127.0.0.1", "-p", programs.port_of(self.listener()))
        self.assert_fails(server, 1, "Address already in use .*ss -tanp")

    def test_bad_command_lines_are_usage_errors(self):
        self.assert_usage_error(SERVER, "--idle", "0", says="from 1 to 86400")
        self.assert_usage_error(SERVER, "--idle", "2s", says='"2s"')
        self.assert_usage_error(SERVER, "--patience", says="--help")

    def test_help_shows_the_examples_first(self):
        self.assert_help(SERVER)


class Client(programs.TestCase):
    def connected(self, *arguments):
        listener = self.listener()
        client = self.start(CLIENT, "-H", "127.0.0.1", "-p", programs.port_of(listener), *arguments)
        peer = programs.accept(listener)
        self.addCleanup(peer.close)
        return client, peer

    def test_leaves_after_the_first_answer_although_the_server_would_go_on(self):
        client, peer = self.connected("-q")
        client.send("hola\nadios\n")
        self.assertEqual(programs.recv_exactly(peer, 5), b"hola\n")
        peer.sendall(b"ho")
        client.wait_for_bytes(2)
        peer.sendall(b"la\n")
        self.assertEqual(programs.recv_all(peer), b"")
        self.assertEqual((client.wait_exit(), client.stdout, client.stderr), (0, "hola\n", ""))

    def test_server_and_client_of_this_chapter_fit(self):
        server = self.server(SERVER)
        for line in ("hola\n", "\n", "ma\u00f1ana\n"):
            client = self.run_to_end(CLIENT, "-H", "127.0.0.1", "-p", server.port, stdin=line)
            self.assertEqual((client.code, client.stdout), (0, line), client.stderr)

    def test_a_server_that_has_closed_after_its_time_out_is_an_error(self):
        client, peer = self.connected()
        peer.close()
        client.send_line("hola")
        self.assert_fails(client, 1, "closed before it had answered|Connection reset|Broken pipe")

    def test_nothing_to_send_is_no_error(self):
        client, peer = self.connected()
        client.close_stdin()
        self.assertEqual(programs.recv_all(peer), b"")
        self.assertEqual(client.wait_exit(), 0)

    def test_ctrl_c_and_sigterm_end_it_in_order(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            client, peer = self.connected()
            client.send_line("hola")
            programs.recv_exactly(peer, 5)
            client.signal(number)
            self.assertEqual(client.wait_exit(), 0, client.story("signal %d" % number))

    def test_nobody_listens(self):
        port = programs.refusing_port()
        client = self.start(CLIENT, "-H", "127.0.0.1", "-p", port)
        self.assert_fails(client, 1, "Connection refused")

    def test_bad_command_lines_are_usage_errors(self):
        self.assert_usage_error(CLIENT, "--idle", "5", says="--help")

    def test_help_shows_the_examples_first(self):
        self.assert_help(CLIENT)


if __name__ == "__main__":
    unittest.main()

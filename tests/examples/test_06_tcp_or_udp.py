#!/usr/bin/env python3
"""Chapter 06: datagrams echoed, lost on purpose, noticed and sent again.

Run: python3 tests/examples/test_06_tcp_or_udp.py
"""
import signal
import socket
import unittest

import programs

SERVER = "06_tcp_or_udp/udp_echo_server"
CLIENT = "06_tcp_or_udp/udp_echo_client"
LOCAL = ("-H", "127.0.0.1")


class UdpTestCase(programs.TestCase):
    def udp_socket(self):
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.addCleanup(made.close)
        made.settimeout(programs.LIMIT)
        made.bind(("127.0.0.1", 0))
        return made

    def client(self, port, *arguments, **keywords):
        return self.start(CLIENT, *LOCAL, "-p", port, *arguments, **keywords)


class Server(UdpTestCase):
    def test_sends_each_datagram_back_to_whom_it_came_from(self):
        server = self.server(SERVER)
        one, other = self.udp_socket(), self.udp_socket()
        one.sendto(b"hola", ("127.0.0.1", server.port))
        other.sendto(b"adios", ("127.0.0.1", server.port))
        self.assertEqual(other.recv(100), b"adios")
        self.assertEqual(one.recv(100), b"hola")

    def test_an_empty_datagram_and_the_longest_one_come_back(self):
        server = self.server(SERVER)
        peer = self.udp_socket()
        for size in (0, 1, 65507):
            with self.subTest(size=size):
                peer.sendto(b"x" * size, ("127.0.0.1", server.port))
                self.assertEqual(peer.recv(65536), b"x" * size)

    def test_loses_every_nth_datagram_and_no_other(self):
        server = self.server(SERVER, "--drop", 3)
        peer = self.udp_socket()
        for number in range(1, 8):
            peer.sendto(b"%d" % number, ("127.0.0.1", server.port))
        received = [peer.recv(100) for _ in range(5)]
        self.assertEqual(received, [b"1", b"2", b"4", b"5", b"7"])
        for _ in range(2):
            server.wait_for_line("127.0.0.1:[0-9]+: 1 bytes, lost on purpose", on="stderr")

    def test_shows_hostile_bytes_escaped(self):
        server = self.server(SERVER, "-v")
        self.udp_socket().sendto(b"\x1b[2J\r\n", ("127.0.0.1", server.port))
        server.wait_for_line(r'"\\x1b\[2J\\r\\n"', on="stderr")
        self.assertNotIn(b"\x1b", server.stderr_bytes)

    def test_goes_on_when_its_clients_are_gone(self):
        server = self.server(SERVER)
        for _ in range(3):
            gone = self.udp_socket()
            gone.sendto(b"hola", ("127.0.0.1", server.port))
            gone.close()
        peer = self.udp_socket()
        peer.sendto(b"adios", ("127.0.0.1", server.port))
        self.assertEqual(peer.recv(100), b"adios")

    def test_stops_in_order(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number):
                self.assert_stops_in_order(SERVER, by=number)

    def test_a_second_server_on_its_port_fails(self):
        server = self.server(SERVER)
        second = self.start(SERVER, *LOCAL, "-p", server.port)
        self.assert_fails(second, 1, "Address already in use")


class Client(UdpTestCase):
    def test_prints_the_answers_and_sums_up(self):
        server = self.server(SERVER)
        client = self.run_to_end(CLIENT, *LOCAL, "-p", server.port, stdin="hola\n\nadios")
        self.assertEqual((client.code, client.stdout), (0, "hola\n\nadios\n"), client.stderr)
        self.assertIn("lines: 3, given up: 0; datagrams sent: 3, without an answer: 0\n",
                      client.stderr)

    def test_sends_again_what_was_lost(self):
        server = self.server(SERVER, "-d", 2)
        client = self.run_to_end(CLIENT, *LOCAL, "-p", server.port, "-t", 50,
                                 stdin="uno\ndos\ntres\n")
        self.assertEqual((client.code, client.stdout), (0, "uno\ndos\ntres\n"), client.stderr)
        tries = [line.split(" after")[0] for line in client.stderr.splitlines()[:-1]]
        self.assertEqual(tries, ["line 1, try 1: answer",
                                 "line 2, try 1: no answer", "line 2, try 2: answer",
                                 "line 3, try 1: no answer", "line 3, try 2: answer"])
        self.assertIn("lines: 3, given up: 0; datagrams sent: 5, without an answer: 2\n",
                      client.stderr)

    def test_gives_a_line_up_after_its_last_try_and_goes_on_with_the_next(self):
        peer = self.udp_socket()
        client = self.client(peer.getsockname()[1], "-t", 50, "-n", 3)
        client.send("uno\ndos\n")
        self.assertEqual([peer.recv(100) for _ in range(3)], [b"1 uno"] * 3)
        request, where = peer.recvfrom(100)
        peer.sendto(request, where)
        client.close_stdin()
        self.assertEqual((client.wait_exit(), client.stdout), (1, "dos\n"), client.stderr)
        self.assertRegex(client.stderr, ", given up: 1; datagrams sent: \\d+, without an answer: \\d+\n$")

    def test_does_not_take_a_late_answer_for_a_new_one(self):
        peer = self.udp_socket()
        client = self.client(peer.getsockname()[1], "-t", 100, "-n", 100)
        client.send("hola\nhola\n")
        first, where = peer.recvfrom(100)
        self.assertEqual(peer.recv(100), first)  # sent again: the first answer is late by now
        peer.sendto(first, where)
        client.wait_for_line("^hola$")
        while peer.recv(100) == first:
            pass
        peer.sendto(first, where)
        client.wait_for_line('a late answer, ignored: "1 hola"', on="stderr")
        self.assertEqual(client.stdout, "hola\n")
        peer.sendto(b"2 hola", where)
        client.wait_for_line("^hola$")
        client.close_stdin()
        self.assertEqual(client.wait_exit(), 0)

    def test_a_flood_of_wrong_answers_does_not_stretch_the_time_out(self):
        peer = self.udp_socket()
        client = self.client(peer.getsockname()[1], "-t", 50, "-n", 2, "-q")
        client.send_line("hola")
        client.close_stdin()
        _, where = peer.recvfrom(100)
        for _ in range(1000000):  # far more than two time-outs of 50 ms can take
            if not client.running():
                break
            peer.sendto(b"never what was asked for", where)
        self.assertEqual((client.wait_exit(), client.stdout), (1, ""))

    def test_shows_hostile_answers_escaped(self):
        peer = self.udp_socket()
        client = self.client(peer.getsockname()[1])
        client.send_line("hola")
        _, where = peer.recvfrom(100)
        peer.sendto(b"\x1b[2J", where)
        client.wait_for_line(r'ignored: "\\x1b\[2J"', on="stderr")
        self.assertNotIn(b"\x1b", client.stderr_bytes)

    def test_says_refused_when_nobody_is_there(self):
        closed = self.udp_socket()
        port = closed.getsockname()[1]
        closed.close()
        client = self.client(port)
        client.send_line("hola")
        self.assert_fails(client, 1, "Connection refused")

    def test_a_line_that_fits_no_datagram_is_an_error(self):
        peer = self.udp_socket()
        client = self.client(peer.getsockname()[1])
        client.send_line("x" * 65506)  # and the number, and the space
        self.assert_fails(client, 1, "at most 65,507 bytes")

    def test_stops_in_order_where_it_waits(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number, waits="for a line"):
                client = self.client(self.server(SERVER).port)
                client.send_line("hola")
                client.wait_for_line("hola")
                client.signal(number)
                self.assertEqual(client.wait_exit(), 0)
            with self.subTest(number=number, waits="for an answer"):
                peer = self.udp_socket()
                client = self.client(peer.getsockname()[1], "-t", 60000)
                client.send_line("hola")
                client.send_line("adios")  # is not sent any more
                peer.recv(100)
                client.signal(number)
                self.assertEqual(client.wait_exit(), 1, client.stderr)
                self.assertRegex(client.stderr, "^(?s:.*)lines: 1, given up: 1; datagrams "
                                                "sent: 1, without an answer: 1\n$")


class CommandLine(programs.TestCase):
    def test_help(self):
        for path in (SERVER, CLIENT):
            self.assert_help(path)

    def test_mistakes(self):
        self.assert_usage_error(SERVER, "--drop", "-1", says="--drop takes a number from 0")
        self.assert_usage_error(SERVER, "--drop", "x", says="--drop takes a number from 0")
        self.assert_usage_error(SERVER, "-p", "65536", says="--port takes a number")
        self.assert_usage_error(CLIENT, "--tries", "0", says="--tries takes a number from 1")
        self.assert_usage_error(CLIENT, "--timeout", "0", says="--timeout takes a number from 1")
        for path in (SERVER, CLIENT):
            self.assert_usage_error(path, "--nonsense", says="see --help")


if __name__ == "__main__":
    unittest.main()

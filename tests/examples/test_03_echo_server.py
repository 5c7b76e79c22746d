#!/usr/bin/env python3
"""Chapter 03: echo_server, one client after another.

Run: TRAMA_BUILD=build python3 tests/examples/test_03_echo_server.py
"""
import signal
import socket
import unittest

import lab_peers
import programs

SERVER = "03_echo_server/echo_server"


class Echo(programs.TestCase):
    def test_what_is_sent_comes_back_whatever_the_bytes(self):
        server = self.server(SERVER)
        everything = bytes(range(256)) * 16
        with programs.connect(server.port) as client:
            client.sendall(everything)
            self.assertEqual(programs.recv_exactly(client, len(everything)), everything)

    def test_a_client_that_has_sent_all_still_gets_all(self):
        server = self.server(SERVER)
        with programs.connect(server.port) as client:
            client.sendall(b"x" * 50000)
            client.shutdown(socket.SHUT_WR)
            self.assertEqual(len(programs.recv_all(client)), 50000)

    def test_a_dot_alone_ends_its_client(self):
        server = self.server(SERVER)
        with programs.connect(server.port) as client:
            client.sendall(b".")
            self.assertEqual(programs.recv_all(client), b"")
        self.assertIsNone(server.process.poll())

    def test_a_dot_with_company_is_echoed(self):
        server = self.server(SERVER)
        with programs.connect(server.port) as client:
            for message in (b".\n", b"..", b"a."):
                client.sendall(message)
                self.assertEqual(programs.recv_exactly(client, 2), message)

    def test_the_client_of_the_lab_works_with_it(self):
        server = self.server(SERVER)
        answers = lab_peers.echo_client(server.port, [b"hola", b"adios"])
        self.assertEqual(answers, [b"hola", b"adios", b""])

    def test_our_own_client_works_with_it(self):
        server = self.server(SERVER)
        client = self.run_to_end("02_echo_client/echo_client", "-H", "127.0.0.1", "-p", server.port,
                                 stdin="hola\n\nadios\n.\n")
        self.assertEqual((client.code, client.stdout), (0, "hola\n\nadios\n"), client.stderr)


class OneAfterAnother(programs.TestCase):
    def test_the_second_client_waits_in_the_queue_until_the_first_has_left(self):
        server = self.server(SERVER)
        first, second = programs.connect(server.port), programs.connect(server.port)
        with first, second:
            second.sendall(b"second")
            first.sendall(b"first")
            self.assertEqual(programs.recv_exactly(first, 5), b"first")
            self.assertFalse(programs.readable(second))
            names = [programs.address_of(each) for each in (first, second)]
            first.close()
            self.assertEqual(programs.recv_exactly(second, 6), b"second")
        server.wait_for_line(names[1] + " left", on="stderr")
        self.assertEqual(server.stderr.splitlines(),
                         [name + what for name in names for what in (" came", " left")])

    def test_once_serves_one_client_and_ends(self):
        server = self.server(SERVER, "--once")
        with programs.connect(server.port) as client:
            client.sendall(b"hola")
            self.assertEqual(programs.recv_exactly(client, 4), b"hola")
        self.assertEqual(server.wait_exit(), 0)

    def test_a_client_that_resets_costs_only_itself(self):
        server = self.server(SERVER)
        for _ in range(20):
            client = programs.connect(server.port)
            client.sendall(b"hola")
            programs.recv_exactly(client, 4)
            programs.reset(client)
            server.wait_for_line("is lost: recv_some from .*: Connection reset", on="stderr")
        with programs.connect(server.port) as client:
            client.sendall(b"hola")
            self.assertEqual(programs.recv_exactly(client, 4), b"hola")

    def test_a_client_that_leaves_before_its_turn_costs_only_itself(self):
        server = self.server(SERVER)
        with programs.connect(server.port) as first:
            programs.reset(programs.connect(server.port))
            programs.connect(server.port).close()
            with programs.connect(server.port) as last:
                first.close()
                last.sendall(b"hola")
                self.assertEqual(programs.recv_exactly(last, 4), b"hola")


class Stopping(programs.TestCase):
    def test_ctrl_c_and_sigterm_stop_it_in_order_and_free_the_port(self):
        self.assert_stops_in_order(SERVER, by=signal.SIGINT)
        self.assert_stops_in_order(SERVER, by=signal.SIGTERM)

    def test_a_stop_while_a_client_is_served_ends_its_stream_in_order(self):
        server = self.server(SERVER)
        with programs.connect(server.port) as client:
            client.sendall(b"hola")
            self.assertEqual(programs.recv_exactly(client, 4), b"hola")
            server.interrupt()
            self.assertEqual(programs.recv_all(client), b"")
            self.assertEqual(server.wait_exit(), 0)
            # The connection lingers in TIME_WAIT on the side of the server: no hindrance.
            self.server(SERVER, port=server.port)

    def test_ctrl_c_at_a_terminal_is_a_stop(self):
        server = self.server(SERVER, terminal=["stdin"])
        server.send("\x03")
        self.assertEqual(server.wait_exit(), 0)


class Manners(programs.TestCase):
    def test_only_the_address_is_on_stdout(self):
        server = self.server(SERVER, "-v", "--once")
        with programs.connect(server.port) as client:
            client.sendall(b"hola")
            programs.recv_exactly(client, 4)
        server.wait_exit()
        self.assertEqual(server.stdout, "listening on 127.0.0.1:%d\n" % server.port)

    def test_verbose_shows_the_bytes_but_no_control_character(self):
        server = self.server(SERVER, "-v")
        with programs.connect(server.port) as client:
            client.sendall(b"\x1b[2J\r\n\x00\xff\"")
            server.wait_for_line(r': \\x1b\[2J\\r\\n\\x00\\xff\\"$', on="stderr")
        self.assertNotIn("\x1b", server.stderr)

    def test_quiet_says_nothing(self):
        server = self.server(SERVER, "-q", "--once")
        programs.connect(server.port).close()
        server.wait_exit()
        self.assertEqual(server.stderr, "")

    def test_a_port_in_use_is_an_error_with_advice(self):
        listener = self.listener()
        port = programs.port_of(listener)
        server = self.start(SERVER, "-H", "127.0.0.1", "-p", port)
        self.assert_fails(server, 1, "listen on 127.0.0.1:%d: Address( already)? in use .*ss -tanp"
                          % port)
        self.assertEqual(server.stdout, "")

    def test_two_servers_never_share_a_port(self):
        first = self.server(SERVER)
        second = self.start(SERVER, "-H", "127.0.0.1", "-p", first.port)
        self.assert_fails(second, 1, "Address( already)? in use")

    def test_an_address_of_another_machine_is_an_error(self):
        server = self.start(SERVER, "-H", "192.0.2.77", "-p", 0)
        self.assert_fails(server, 1, "this machine does not have that address")

    @unittest.skipUnless(programs.has_ipv6(), "this machine has no IPv6")
    def test_it_serves_ipv6_and_shows_the_address_in_brackets(self):
        server = self.server(SERVER, host="::1")
        self.assertEqual(server.stdout, "listening on [::1]:%d\n" % server.port)
        with programs.connect(server.port, "::1") as client:
            client.sendall(b"hola")
            self.assertEqual(programs.recv_exactly(client, 4), b"hola")

    def test_help_shows_the_examples_first(self):
        self.assert_help(SERVER)

    def test_bad_command_lines_are_usage_errors(self):
        self.assert_usage_error(SERVER, "--twice", says="--help")
        self.assert_usage_error(SERVER, "-p", "http", says="0 to 65535")


if __name__ == "__main__":
    unittest.main()

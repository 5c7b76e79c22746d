#!/usr/bin/env python3
"""Chapter 02: echo_client, against peers written by hand and the server of the lab.

Run: TRAMA_BUILD=build python3 tests/examples/test_02_echo_client.py
"""
import signal
import unittest

import lab_peers
import programs

CLIENT = "02_echo_client/echo_client"


class EchoClientCase(programs.TestCase):
    """Every test has a client that is connected to a peer in the hands of the test."""

    def connected(self, *arguments, **keywords):
        listener = self.listener()
        client = self.start(CLIENT, "-H", "127.0.0.1", "-p", programs.port_of(listener),
                            *arguments, **keywords)
        peer = programs.accept(listener)
        self.addCleanup(peer.close)
        return client, peer


class Conversation(EchoClientCase):
    def test_a_line_goes_out_with_its_line_feed_and_the_answer_is_printed(self):
        client, peer = self.connected()
        client.send_line("hola")
        self.assertEqual(programs.recv_exactly(peer, 5), b"hola\n")
        peer.sendall(b"hola\n")
        client.wait_for_line("^hola$")
        client.close_stdin()
        self.assertEqual(programs.recv_all(peer), b"")
        peer.close()
        self.assertEqual(client.wait_exit(), 0)
        self.assertEqual(client.stdout, "hola\n")

    def test_an_answer_in_pieces_is_one_answer(self):
        client, peer = self.connected()
        client.send("one\ntwo\n")
        self.assertEqual(programs.recv_exactly(peer, 4), b"one\n")
        for count, piece in enumerate((b"o", b"n", b"e"), start=1):
            peer.sendall(piece)
            client.wait_for_bytes(count)
            self.assertFalse(programs.readable(peer), "the client sent before the answer was whole")
        peer.sendall(b"\n")
        self.assertEqual(programs.recv_exactly(peer, 4), b"two\n")

    def test_a_person_may_answer_more_or_less_than_was_sent(self):
        client, peer = self.connected()
        for line, answer in (("hola", b"no\n"), ("si", b"a long answer\n"), ("", b"\n")):
            client.send_line(line)
            self.assertEqual(programs.recv_exactly(peer, len(line) + 1), line.encode() + b"\n")
            peer.sendall(answer)
            client.wait_for_line("^" + answer.decode().strip() + "$")

    def test_any_bytes_travel(self):
        client, peer = self.connected()
        line = bytes(range(256)).replace(b"\n", b"") + b"\n"
        client.send(line)
        self.assertEqual(programs.recv_exactly(peer, len(line)), line)
        peer.sendall(line)
        self.assertEqual(client.wait_for_bytes(len(line)), line)

    def test_a_last_line_without_line_feed_is_sent_as_a_line(self):
        client, peer = self.connected()
        client.send("hola")
        client.close_stdin()
        self.assertEqual(programs.recv_exactly(peer, 5), b"hola\n")

    def test_a_dot_goes_alone_and_ends_the_conversation(self):
        client, peer = self.connected()
        client.send_line(".")
        self.assertEqual(programs.recv_all(peer), b".")
        peer.close()
        self.assertEqual(client.wait_exit(), 0)

    def test_the_longest_line_comes_back(self):
        server = self.server("03_echo_server/echo_server")
        line = "x" * 65536 + "\n"
        client = self.run_to_end(CLIENT, "-H", "127.0.0.1", "-p", server.port, stdin=line)
        self.assertEqual((client.code, client.stdout == line), (0, True), client.stderr)

    def test_a_longer_line_is_refused_before_both_ends_wait_for_ever(self):
        client, _ = self.connected()
        client.send("x" * 65537 + "\n")
        self.assert_fails(client, 2, "a line of 65537 bytes is too long: at most 65536")

    def test_the_server_of_the_lab_is_content_with_it(self):
        listener, heard = self.listener(), []
        task = self.in_background(lab_peers.echo_server, listener, heard)
        client = self.run_to_end(CLIENT, "-p", programs.port_of(listener), stdin="hola\nadios\n.\n")
        task.result()
        self.assertEqual((client.code, client.stdout), (0, "hola\nadios\n"), client.stderr)
        self.assertEqual(heard, [b"hola\n", b"adios\n", b"."])


class Faults(EchoClientCase):
    def test_nobody_listens(self):
        port = programs.refusing_port()
        client = self.start(CLIENT, "-H", "127.0.0.1", "-p", port)
        self.assert_fails(client, 1, r"Connection refused \(nobody listens there")

    def test_a_server_that_closes_in_the_middle_of_an_answer_is_told(self):
        client, peer = self.connected()
        client.send_line("hola")
        programs.recv_exactly(peer, 5)
        peer.sendall(b"ho")
        peer.close()
        self.assert_fails(client, 1, "the server has closed the connection")
        self.assertEqual(client.stdout, "ho")

    def test_a_server_that_is_killed_is_told(self):
        client, peer = self.connected()
        client.send_line("hola")
        programs.recv_exactly(peer, 5)
        programs.reset(peer)
        self.assert_fails(client, 1, "Connection reset by peer")

    def test_ctrl_c_and_sigterm_end_it_in_order_while_it_waits_for_the_answer(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            client, peer = self.connected()
            client.send_line("hola")
            programs.recv_exactly(peer, 5)
            client.signal(number)
            self.assertEqual(programs.recv_all(peer), b"")
            peer.close()
            self.assertEqual(client.wait_exit(), 0, client.story("signal %d" % number))

    def test_ctrl_c_at_a_terminal_ends_it_in_order_while_it_waits_for_a_line(self):
        client, peer = self.connected(terminal=["stdin"])
        client.send_line("hola")  # its answer shows that the client waits for a line again
        programs.recv_exactly(peer, 5)
        peer.sendall(b"hola\n")
        client.wait_for_line("hola")
        client.send("\x03")
        self.assertEqual(programs.recv_all(peer), b"")
        peer.close()
        self.assertEqual(client.wait_exit(), 0)


class Manners(EchoClientCase):
    def test_talk_is_on_stderr_and_quiet_is_quiet(self):
        client, peer = self.connected()
        client.wait_for_line(r"^connected to 127\.0\.0\.1:\d+$", on="stderr")
        quiet, peer = self.connected("-q")
        quiet.close_stdin()
        peer.close()
        self.assertEqual((quiet.wait_exit(), quiet.stdout, quiet.stderr), (0, "", ""))

    def test_verbose_counts_the_bytes(self):
        client, peer = self.connected("-v")
        client.send_line("hola")
        client.wait_for_line("^sent 5 bytes$", on="stderr")
        peer.sendall(b"si\n")
        client.wait_for_line("^received 3 bytes$", on="stderr")

    def test_help_shows_the_examples_first(self):
        self.assert_help(CLIENT)

    def test_bad_command_lines_are_usage_errors(self):
        self.assert_usage_error(CLIENT, "--lines", says="--help")
        self.assert_usage_error(CLIENT, "-p", "70000", says="0 to 65535")
        self.assert_usage_error(CLIENT, "-p", "+80", says='"+80"')

    def test_what_is_wrong_with_an_option_is_told_of_just_that_option(self):
        for arguments, says in (
                (("-zq",), 'unknown option "-z"'),
                (("-qz",), 'unknown option "-z"'),
                (("--verbose", "-zq"), 'unknown option "-z"'),
                (("--lines",), 'unknown option "--lines"'),
                (("-q", "--lines=3", "-v"), 'unknown option "--lines=3"'),
                (("--h", "-v"), 'unknown option "--h"'),  # --host or --help
                (("-q", "--quiet=yes"), 'unknown option "--quiet=yes"'),
                (("--a\x1b[2Jño",), 'unknown option "--a\\x1b[2Jño"'),
                (("-p",), '"-p" needs a value'),
                (("-qp",), '"-p" needs a value'),
                (("--quiet", "-p"), '"-p" needs a value'),
                (("-q", "--port"), '"--port" needs a value'),
                (("word", "--po"), '"--po" needs a value')):
            with self.subTest(arguments):
                self.assert_usage_error(CLIENT, *arguments, says=says + ": see --help\n")


if __name__ == "__main__":
    unittest.main()

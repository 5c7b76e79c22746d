#!/usr/bin/env python3
"""Chapter 09: commands and answers, one line each.

Run: python3 tests/examples/test_09_lines.py
"""
import signal
import socket
import unittest

import programs

SERVER = "09_lines/command_server"
CLIENT = "09_lines/command_client"
NAIVE_SERVER = "09_lines/naive/command_server"
LOCAL = ("-H", "127.0.0.1")
LONGEST = 512

ANSWERS = [
    (b"ADD 2 3", b"200 5"),
    (b"ADD -2 -3", b"200 -5"),
    (b"ADD 2147483647 2147483647", b"200 4294967294"),
    (b"ADD 2147483648 1", b"401 wrong arguments"),
    (b"ADD 2", b"401 wrong arguments"),
    (b"ADD", b"401 wrong arguments"),
    (b"ADD 2 3 4", b"401 wrong arguments"),
    (b"ADD  2 3", b"401 wrong arguments"),
    (b"ADD +2 3", b"401 wrong arguments"),
    (b"ADD 0x2 3", b"401 wrong arguments"),
    (b"ADD 2 3\x00", b"401 wrong arguments"),
    (b"ECHO hola", b"200 hola"),
    (b"ECHO  two  spaces ", b"200  two  spaces "),
    (b"ECHO a\x00b\rc", b"200 a\x00b\rc"),
    (b"ECHO", b"401 wrong arguments"),
    (b"HELP", b"200 commands: ADD ECHO HELP QUIT TIME"),
    (b"HELP me", b"401 wrong arguments"),
    (b"TIME now", b"401 wrong arguments"),
    (b"QUIT now", b"401 wrong arguments"),
    (b"time", b"400 unknown command"),
    (b"HELPLESS", b"400 unknown command"),
    (b" HELP", b"400 unknown command"),
    (b"HELP\x00", b"400 unknown command"),
    (b"", b"400 unknown command"),
    (b"\xff\xfe", b"400 unknown command"),
]


class Server(programs.TestCase):
    def converse(self, sent, path=SERVER):
        """All that a new server answers to `sent` and the end of the stream."""
        server = self.server(path)
        with programs.connect(server.port) as peer:
            peer.sendall(sent)
            peer.shutdown(socket.SHUT_WR)
            return programs.recv_all(peer)

    def test_answers_each_command_with_a_code(self):
        server = self.server(SERVER)
        with programs.connect(server.port) as peer:
            for command, answer in ANSWERS:
                with self.subTest(command=command):
                    peer.sendall(command + b"\n")
                    self.assertEqual(programs.recv_exactly(peer, len(answer) + 1), answer + b"\n")

    def test_answers_pipelined_commands_in_order(self):
        for end in (b"\n", b"\r\n"):
            with self.subTest(end=end):
                sent = b"".join(command + end for command, _ in ANSWERS)
                expected = b"".join(answer + b"\n" for _, answer in ANSWERS)
                self.assertEqual(self.converse(sent), expected)

    def test_a_carriage_return_that_an_answer_could_not_carry_is_refused_and_costs_no_answer(self):
        self.assertEqual(self.converse(b"ECHO hola\r\r\nADD 2 3\r\r\nECHO adios\r\n"),
                         b"401 wrong arguments\n401 wrong arguments\n200 adios\n")

    def test_tells_the_time_in_utc(self):
        self.assertRegex(self.converse(b"TIME\n"),
                         rb"^200 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ\n$")

    def test_finds_the_commands_however_the_bytes_are_cut(self):
        server = self.server(SERVER)
        stream, answers = b"ADD 2 3\r\nHELP\nECHO x\r\n", [b"200 5\n", ANSWERS[15][1] + b"\n",
                                                            b"200 x\n"]
        for cut in range(len(stream) + 1):
            with self.subTest(cut=cut), programs.connect(server.port) as peer:
                due = b"".join(answers[:stream[:cut].count(b"\n")])
                peer.sendall(stream[:cut])
                self.assertEqual(programs.recv_exactly(peer, len(due)), due)
                peer.sendall(stream[cut:])
                rest = b"".join(answers)[len(due):]
                self.assertEqual(programs.recv_exactly(peer, len(rest)), rest)

    def test_quit_is_answered_and_what_follows_it_is_not(self):
        self.assertEqual(self.converse(b"HELP\nQUIT\nADD 2 3\n"),
                         ANSWERS[15][1] + b"\n200 bye\n")

    def test_the_answer_to_quit_arrives_although_the_client_goes_on_sending(self):
        self.assertEqual(self.converse(b"QUIT\n" + b"ADD 2 3\n" * 100000), b"200 bye\n")

    def test_a_line_as_long_as_the_limit_is_answered(self):
        text = b"x" * (LONGEST - len(b"ECHO "))
        for end in (b"\n", b"\r\n"):
            self.assertEqual(self.converse(b"ECHO " + text + end), b"200 " + text + b"\n")

    def test_a_longer_line_is_answered_and_closed_also_when_its_sender_goes_on(self):
        for size in (LONGEST + 1, LONGEST + 100, 1000000):
            for end in (b"", b"\n", b"\r\nHELP\n"):
                with self.subTest(size=size, end=end):
                    self.assertEqual(self.converse(b"HELP\n" + b"x" * size + end),
                                     ANSWERS[15][1] + b"\n500 line too long\n")

    def test_a_line_that_never_ends_is_refused_as_soon_as_it_is_too_long(self):
        server = self.server(SERVER)
        with programs.connect(server.port) as peer:
            peer.sendall(b"x" * (LONGEST + 1))
            self.assertEqual(programs.recv_all(peer), b"500 line too long\n")
            name = programs.address_of(peer)
        server.wait_for_line(name + ": frame too long at byte 0 .*here at most 512", on="stderr")

    def test_a_stream_that_ends_inside_a_line_is_told_and_not_answered(self):
        server = self.server(SERVER)
        with programs.connect(server.port) as peer:
            peer.sendall(b"ADD 2 3\nADD 2 3")
            peer.shutdown(socket.SHUT_WR)
            self.assertEqual(programs.recv_all(peer), b"200 5\n")
        server.wait_for_line("ended inside the frame at byte 8", on="stderr")

    def test_clients_that_are_killed_cost_nobody_else_anything(self):
        server = self.server(SERVER)
        for sent in (b"", b"AD", b"HELP\n", b"x" * 600, b"QUIT\n", b"HELP\n" * 1000):
            with self.subTest(sent=sent[:10]):
                peer = programs.connect(server.port)
                peer.sendall(sent)
                programs.reset(peer)
                with programs.connect(server.port) as other:
                    other.sendall(b"ADD 2 3\n")
                    self.assertEqual(programs.recv_exactly(other, 6), b"200 5\n")

    def test_shows_hostile_commands_escaped(self):
        server = self.server(SERVER, "-v")
        with programs.connect(server.port) as peer:
            peer.sendall(b"ECHO \x1b[2J\n")
            server.wait_for_line(r'"ECHO \\x1b\[2J": 200 \\x1b\[2J', on="stderr")
        self.assertNotIn(b"\x1b", server.stderr_bytes)

    def test_stops_in_order(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number):
                self.assert_stops_in_order(SERVER, by=number)
                server = self.server(SERVER)
                with programs.connect(server.port) as peer:
                    peer.sendall(b"ADD 2 3\n")
                    self.assertEqual(programs.recv_exactly(peer, 6), b"200 5\n")
                    server.signal(number)
                    self.assertEqual(programs.recv_all(peer), b"")
                self.assertEqual(server.wait_exit(), 0)

    def test_a_second_server_on_its_port_fails(self):
        server = self.server(SERVER)
        self.assert_fails(self.start(SERVER, *LOCAL, "-p", server.port), 1, "already in use")


class Client(programs.TestCase):
    def talk(self, stdin):
        return self.run_to_end(CLIENT, *LOCAL, "-p", self.server(SERVER).port, stdin=stdin)

    def start_with_hand_made_server(self, **keywords):
        listener = self.listener()
        client = self.start(CLIENT, *LOCAL, "-p", programs.port_of(listener), **keywords)
        client.send_line("HELP")
        connection = programs.accept(listener)
        self.addCleanup(connection.close)
        self.assertEqual(programs.recv_exactly(connection, 5), b"HELP\n")
        return client, connection

    def test_prints_the_answers(self):
        client = self.talk("ADD 2 3\nECHO año\nQUIT\n")
        self.assertEqual((client.code, client.stdout), (0, "200 5\n200 año\n200 bye\n"))

    def test_ends_with_1_when_an_answer_was_not_200_and_yet_sends_all(self):
        client = self.talk("ADD 2 3\nADD 2\nADD 3 4")
        self.assertEqual((client.code, client.stdout),
                         (1, "200 5\n401 wrong arguments\n200 7\n"))

    def test_leaves_after_quit(self):
        server = self.server(SERVER)
        client = self.start(CLIENT, *LOCAL, "-p", server.port)
        client.send("QUIT\nADD 2 3\n")
        self.assertEqual((client.wait_exit(), client.stdout), (0, "200 bye\n"))

    def test_a_line_too_long_for_the_server_gets_its_500_and_then_the_end(self):
        for size in (600, 8193):  # 8193: more than the client itself would receive
            with self.subTest(size=size):
                client = self.talk("x" * size)
                self.assertEqual((client.code, client.stdout), (1, "500 line too long\n"))

    def test_a_line_of_a_file_with_cr_lf_is_refused_before_it_is_sent(self):
        client = self.start(CLIENT, *LOCAL, "-p", self.server(SERVER).port)
        client.send_line("ADD 2 3\r")
        self.assert_fails(client, 2, "byte 7 of this payload would end the line")

    def test_refuses_what_is_no_answer(self):
        for answer in (b"hola\n", b"20 x\n", b"200\n", b"2000 x\n", b"\n", b"\x1b[2J\n"):
            with self.subTest(answer=answer):
                client, connection = self.start_with_hand_made_server()
                connection.sendall(answer)
                self.assert_fails(client, 1, "this is no answer: ")
                self.assertNotIn(b"\x1b", client.stderr_bytes)

    def test_prints_hostile_answers_as_they_are_but_escaped_at_a_terminal(self):
        for terminal, shown in ((["stdout"], b"200 \\x1b[2J\r\n"), ([], b"200 \x1b[2J\n")):
            with self.subTest(terminal=terminal):
                client, connection = self.start_with_hand_made_server(terminal=terminal)
                connection.sendall(b"200 \x1b[2J\n")
                self.assertEqual(client.wait_for_bytes(len(shown)), shown)

    def test_tells_a_server_that_closes_without_an_answer(self):
        client, connection = self.start_with_hand_made_server()
        connection.close()
        self.assert_fails(client, 1, "the server closed before it had answered")

    def test_tells_a_server_that_closes_inside_an_answer(self):
        client, connection = self.start_with_hand_made_server()
        connection.sendall(b"200 comm")
        connection.close()
        self.assert_fails(client, 1, "the stream ended inside the frame at byte 0: 8 bytes came")

    def test_tells_a_server_that_was_killed(self):
        client, connection = self.start_with_hand_made_server()
        programs.reset(connection)
        self.assert_fails(client, 1, "Connection reset by peer")

    def test_tells_that_nobody_listens(self):
        port = programs.refusing_port()
        self.assert_fails(self.start(CLIENT, *LOCAL, "-p", port), 1, "Connection refused")

    def test_stops_in_order_where_it_waits(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for waits in ("for a line", "for an answer"):
                with self.subTest(number=number, waits=waits):
                    client, connection = self.start_with_hand_made_server()
                    if waits == "for a line":
                        connection.sendall(b"200 OK\n")
                        client.wait_for_line("200 OK")
                    client.signal(number)
                    self.assertEqual(client.wait_exit(), 0, client.stderr)


class Naive(programs.TestCase):
    """Each flaw shows; the correct server handles the same bytes correctly."""

    def assert_flaw(self, pieces, naive, cured):
        self.assert_answers(NAIVE_SERVER, pieces, naive)
        self.assert_answers(SERVER, pieces, cured)

    def test_one_line_at_a_time_works(self):
        self.assert_flaw([b"ADD 2 3\n", b"ADD 2\n", b"QUIT\n"],
                         [b"200 5\n", b"401 wrong arguments\n", b"200 bye\n"],
                         [b"200 5\n", b"401 wrong arguments\n", b"200 bye\n"])

    def test_flaw_1_of_two_commands_in_one_receive_only_the_first_is_answered(self):
        self.assert_flaw([b"ADD 2 3\nADD 4 5\n"], [b"200 5\n"], [b"200 5\n200 9\n"])

    def test_flaw_2_a_command_in_two_receives_gets_two_wrong_answers(self):
        self.assert_flaw([b"AD", b"D 2 3\n"], [b"400 unknown command\n", b"400 unknown command\n"],
                         [b"", b"200 5\n"])

    def test_flaw_3_what_only_starts_like_a_command_is_taken_for_it(self):
        self.assert_flaw([b"HELPLESS\n"], [b"200 commands: ADD HELP QUIT\n"],
                         [b"400 unknown command\n"])

    def test_the_naive_server_stops_in_order(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.assert_stops_in_order(NAIVE_SERVER, by=number)


class CommandLine(programs.TestCase):
    def test_help(self):
        for path in (SERVER, CLIENT, NAIVE_SERVER):
            self.assert_help(path)

    def test_mistakes(self):
        for path in (SERVER, CLIENT, NAIVE_SERVER):
            self.assert_usage_error(path, "-p", "http", says="--port takes a number")
            self.assert_usage_error(path, "--nonsense", says="see --help")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Chapter 10: each way of getting no answer has a line of its own, and the exit code 1.

Run: python3 tests/examples/test_10_when_things_go_wrong.py
"""
import signal
import socket
import unittest

import lab_frames
import programs

CLIENT = "10_when_things_go_wrong/careful_client"
SERVER = "10_when_things_go_wrong/troublesome_server"
ECHO = "08_frames/framed_echo_server"
LOCAL = ("-H", "127.0.0.1")

REFUSED = "refused: no program listens there"
UNREACHABLE = "unreachable: no route leads there"
NO_ADDRESS = "no address: .*; check the spelling"
NO_CONNECTION = "no connection in time: nothing came back"
NO_ANSWER = "no answer in time: connected"
RESET = "reset: the server cut the connection"
CLOSED = "closed: the stream ended in order, but without an answer"
CUT_OFF = 'cut off: do not use the part that came; .*11 bytes came, at least 6 are missing'
NO_FRAME = "no frame: another service answers; check the port; .*looks like HTTP"

LINES = [REFUSED, UNREACHABLE, NO_ADDRESS, NO_CONNECTION, NO_ANSWER, RESET, CLOSED, CUT_OFF,
         NO_FRAME]


class CarefulClient(programs.TestCase):
    def request(self, port, *arguments, host="127.0.0.1", **keywords):
        return self.start(CLIENT, "-H", host, "-p", port, *arguments, **keywords)

    def assert_says(self, client, line):
        self.assert_fails(client, 1, "^careful_client: " + line)
        self.assertEqual(client.stdout, "")
        self.assertEqual(len(client.stderr.splitlines()), 1, client.stderr)

    # ---- no connection ----

    def test_refused(self):
        port = programs.refusing_port()
        self.assert_says(self.request(port), REFUSED)

    def test_unreachable(self):
        self.assert_says(self.request(5000, host="255.255.255.255"), UNREACHABLE)

    def test_no_such_name(self):
        self.assert_says(self.request(5000, host="a..b"), NO_ADDRESS)

    def test_no_connection_in_time(self):
        server = self.server(SERVER, "--trouble", "full")
        self.assert_says(self.request(server.port, "--connect-timeout", 100), NO_CONNECTION)

    # ---- no answer ----

    def test_each_trouble_has_its_line(self):
        troubles = {"silent": NO_ANSWER, "drip": NO_ANSWER, "reset": RESET, "close": CLOSED,
                    "half-frame": CUT_OFF, "garbage": NO_FRAME}
        for trouble, line in troubles.items():
            server = self.server(SERVER, "--trouble", trouble)
            for again in range(3):
                with self.subTest(trouble=trouble, again=again):
                    timeout = 300 if line is NO_ANSWER else 20000
                    self.assert_says(self.request(server.port, "--timeout", timeout), line)

    def test_each_client_gets_the_next_trouble(self):
        server = self.server(SERVER, "--trouble", "each")
        lines = [NO_ANSWER, NO_ANSWER, CLOSED, CUT_OFF, NO_FRAME, RESET]
        for number, line in enumerate(2 * lines):
            with self.subTest(number=number):
                timeout = 300 if line is NO_ANSWER else 20000
                self.assert_says(self.request(server.port, "--timeout", timeout), line)

    def test_no_two_failures_have_the_same_line(self):
        starts = [line.split(":")[0] for line in LINES]
        self.assertEqual(len(set(starts)), len(LINES))

    def test_a_server_that_is_killed_looks_as_if_it_had_left(self):
        server = self.server(SERVER, "--trouble", "silent", "-v")
        client = self.request(server.port, "--timeout", 20000)
        server.wait_for_line("received bytes", on="stderr")
        server.signal(signal.SIGKILL)
        self.assert_says(client, CLOSED)

    def test_a_reset_in_the_middle_of_an_answer_is_a_reset(self):
        listener = self.listener()
        client = self.request(programs.port_of(listener), env={"TRAMA_TRACE": "1"})
        connection = programs.accept(listener)
        programs.recv_exactly(connection, 11)
        connection.sendall(b"000009:ho")
        client.wait_for_line('recv 9 of .* asked: "000009:ho"', on="stderr")
        programs.reset(connection)
        self.assert_fails(client, 1, "^careful_client: " + RESET)

    def test_a_hostile_answer_is_shown_escaped(self):
        listener = self.listener()
        client = self.request(programs.port_of(listener))
        with programs.accept(listener) as connection:
            programs.recv_exactly(connection, 11)
            connection.sendall(b"\x1b[2J")
            self.assert_fails(client, 1, r'no frame: .*"\\x1b\[2J"')
        self.assertNotIn(b"\x1b", client.stderr_bytes)

    def test_verbose_shows_the_text_of_the_library_too(self):
        port = programs.refusing_port()
        client = self.request(port, "-v")
        self.assert_fails(client, 1, REFUSED)
        self.assertIn("connect to 127.0.0.1:%d: Connection refused" % port, client.stderr)

    # ---- an answer ----

    def test_prints_the_answer(self):
        server = self.server(ECHO)
        for arguments, answer in (([], "hola\n"), (["a b"], "a b\n"), ([""], "\n"),
                                  (["año"], "año\n"), (["--half-close", "x"], "x\n")):
            with self.subTest(arguments=arguments):
                client = self.request(server.port, *arguments)
                self.assertEqual((client.wait_exit(), client.stdout, client.stderr),
                                 (0, answer, ""))

    def test_after_a_half_close_the_server_gets_the_end_and_the_client_its_answer(self):
        for half_close in (True, False):
            with self.subTest(half_close=half_close):
                listener = self.listener()
                client = self.request(programs.port_of(listener), *["-s"] * half_close)
                with programs.accept(listener) as connection:
                    self.assertEqual(lab_frames.readmsg(connection), b"hola")
                    if half_close:
                        self.assertEqual(connection.recv(1), b"")
                    connection.sendall(lab_frames.encapsula(b"adios"))
                    self.assertEqual((client.wait_exit(), client.stdout), (0, "adios\n"))

    def test_an_answer_is_escaped_at_a_terminal_and_only_there(self):
        server = self.server(ECHO)
        for terminal, shown in ((["stdout"], b"\\x1b[2J\r\n"), ([], b"\x1b[2J\n")):
            with self.subTest(terminal=terminal):
                client = self.request(server.port, "\x1b[2J", terminal=terminal)
                self.assertEqual(client.wait_exit(), 0)
                self.assertEqual(client.stdout_bytes, shown)

    def test_a_stop_while_it_waits_is_orderly(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for answer in (b"", b"000009:ho"):
                with self.subTest(number=number, answer=answer):
                    listener = self.listener()
                    client = self.request(programs.port_of(listener), "-t", 20000,
                                      env={"TRAMA_TRACE": "1"})
                    with programs.accept(listener) as connection:
                        programs.recv_exactly(connection, 11)
                        connection.sendall(answer)
                        client.wait_for_line('asked: (not yet|"000009)', on="stderr")
                        client.signal(number)
                        self.assertEqual(client.wait_exit(), 0, client.stderr)
                    self.assertIn("careful_client: stopped in the middle of the conversation\n",
                                  client.stderr)


class TroublesomeServer(programs.TestCase):
    def test_stops_in_order_before_anybody_has_come(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for trouble in ("silent", "full", "each"):
                with self.subTest(number=number, trouble=trouble):
                    self.assert_stops_in_order(SERVER, "-t", trouble, by=number)

    def test_stops_in_order_while_it_makes_trouble(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for trouble in ("silent", "drip", "close", "half-frame", "garbage", "reset"):
                with self.subTest(number=number, trouble=trouble):
                    server = self.server(SERVER, "-t", trouble)
                    with programs.connect(server.port):
                        server.wait_for_line(" came; trouble: %s$" % trouble, on="stderr")
                        server.signal(number)
                        self.assertEqual(server.wait_exit(), 0, server.stderr)

    def test_clients_that_are_killed_do_not_end_it(self):
        for trouble in ("silent", "drip", "close", "half-frame", "garbage", "reset"):
            with self.subTest(trouble=trouble):
                server = self.server(SERVER, "-t", trouble)
                for sent in (b"", b"hola"):
                    peer = programs.connect(server.port)
                    peer.sendall(sent)
                    name = programs.address_of(peer)
                    server.wait_for_line(name + " came; trouble", on="stderr")
                    programs.reset(peer)
                    server.wait_for_line(name + " is (finished|lost)", on="stderr")
                self.assertTrue(server.running())


class CommandLine(programs.TestCase):
    def test_help(self):
        for path in (CLIENT, SERVER):
            self.assert_help(path)

    def test_mistakes(self):
        self.assert_usage_error(SERVER, "--trouble", "\x1b", says=r'there is no trouble "\x1b"')
        self.assert_usage_error(CLIENT, "--timeout", "0", says="--timeout takes a number from 1")
        self.assert_usage_error(CLIENT, "-c", "x", says="--connect-timeout takes a number from 1")
        self.assert_usage_error(CLIENT, "two", "words", says='unexpected word "words"')
        for path in (CLIENT, SERVER):
            self.assert_usage_error(path, "-p", "http", says="--port takes a number")
            self.assert_usage_error(path, "--nonsense", says="see --help")


if __name__ == "__main__":
    unittest.main()

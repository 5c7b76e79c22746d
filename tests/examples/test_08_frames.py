#!/usr/bin/env python3
"""Chapter 08: messages through frames, and the reader that gets it wrong in five ways.

What is no frame at all is the matter of test_08_malformed_headers.py.
Run: python3 tests/examples/test_08_frames.py
"""
import signal
import socket
import struct
import unittest

import lab_frames
import programs

SERVER = "08_frames/framed_echo_server"
CLIENT = "08_frames/framed_echo_client"
NAIVE_SERVER = "08_frames/naive/readmsg_server"
NAIVE_CLIENT = "08_frames/naive/readmsg_client"
LOCAL = ("-H", "127.0.0.1")

# The codec, its header for a length, and the longest payload.
CODECS = {
    "six-digit": (lambda size: b"%06d:" % size, 999999),
    "u8": (lambda size: struct.pack(">B", size), 255),
    "u16": (lambda size: struct.pack(">H", size), 65535),
    "u32": (lambda size: struct.pack(">I", size), 16 * 1024 * 1024),
    "u64": (lambda size: struct.pack(">Q", size), 16 * 1024 * 1024),
}
SIZES = [0, 1, 127, 128, 255, 256, 65535, 65536, 999999]
frame = lab_frames.encapsula


class Server(programs.TestCase):
    def test_sends_each_frame_back_in_every_codec(self):
        for codec, (header, limit) in CODECS.items():
            server = self.server(SERVER, "--codec", codec)
            for size in (size for size in SIZES if size <= limit):
                with self.subTest(codec=codec, size=size):
                    sent = header(size) + b"x" * size
                    with programs.connect(server.port) as peer:
                        peer.sendall(sent)
                        self.assertTrue(programs.recv_exactly(peer, len(sent)) == sent)

    def test_finds_the_frames_however_the_bytes_are_cut(self):
        stream = frame(b"hola") + frame(b"") + frame(b":") + frame(b"adios")
        server = self.server(SERVER)
        for cut in range(len(stream) + 1):
            with self.subTest(cut=cut), programs.connect(server.port) as peer:
                whole = [end for end in (11, 18, 26, 38) if end <= cut]
                peer.sendall(stream[:cut])
                first = programs.recv_exactly(peer, max(whole, default=0))
                peer.sendall(stream[cut:])
                self.assertEqual(first + programs.recv_exactly(peer, len(stream) - len(first)),
                                 stream)

    def test_delivers_the_answers_it_owes_to_a_client_that_has_sent_all(self):
        server = self.server(SERVER)
        with programs.connect(server.port) as peer:
            peer.sendall(frame(b"hola") * 100)
            peer.shutdown(socket.SHUT_WR)
            self.assertEqual(programs.recv_all(peer), frame(b"hola") * 100)

    def test_serves_the_clients_by_turns(self):
        server = self.server(SERVER)
        first, second = programs.connect(server.port), programs.connect(server.port)
        with first, second:
            second.sendall(frame(b"two"))
            first.sendall(frame(b"one"))
            self.assertEqual(programs.recv_exactly(first, 10), frame(b"one"))
            self.assertFalse(programs.readable(second))
            first.close()
            self.assertEqual(programs.recv_exactly(second, 10), frame(b"two"))

    def test_goes_on_after_a_client_that_was_killed(self):
        server = self.server(SERVER)
        for _ in range(20):
            peer = programs.connect(server.port)
            peer.sendall(frame(b"x" * 9999))
            programs.reset(peer)
        with programs.connect(server.port) as peer:
            peer.sendall(frame(b"hola"))
            self.assertEqual(programs.recv_exactly(peer, 11), frame(b"hola"))

    def test_shows_hostile_payloads_escaped(self):
        server = self.server(SERVER, "-v")
        with programs.connect(server.port) as peer:
            peer.sendall(frame(b"\x1b[2J\r\n"))
            server.wait_for_line(r'frame of 6 bytes: "\\x1b\[2J\\r\\n"', on="stderr")
        self.assertNotIn(b"\x1b", server.stderr_bytes)

    def test_stops_in_order_before_anybody_has_come(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number):
                self.assert_stops_in_order(SERVER, by=number)

    def test_stops_in_order_while_a_client_is_silent(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number):
                server = self.server(SERVER)
                with programs.connect(server.port) as peer:
                    peer.sendall(frame(b"hola"))
                    self.assertEqual(programs.recv_exactly(peer, 11), frame(b"hola"))
                    server.signal(number)
                    self.assertEqual(programs.recv_all(peer), b"")
                self.assertEqual(server.wait_exit(), 0)

    def test_does_not_blame_the_client_when_it_is_stopped_inside_a_frame(self):
        server = self.server(SERVER, env={"TRAMA_TRACE": "1"})
        with programs.connect(server.port) as peer:
            peer.sendall(b"000009:ho")
            server.wait_for_line('asked: "000009:ho"', on="stderr")
            server.interrupt()
            self.assertEqual(programs.recv_all(peer), b"")
        self.assertEqual(server.wait_exit(), 0)
        self.assertIn(": stopped in the middle of the conversation\n", server.stderr)

    def test_a_second_server_on_its_port_fails(self):
        server = self.server(SERVER)
        self.assert_fails(self.start(SERVER, *LOCAL, "-p", server.port), 1, "already in use")


class Client(programs.TestCase):
    def talk(self, server, stdin, *arguments):
        return self.run_to_end(CLIENT, *LOCAL, "-p", server.port, *arguments, stdin=stdin)

    def test_sends_lines_and_prints_answers_in_every_codec(self):
        for codec in CODECS:
            with self.subTest(codec=codec):
                client = self.talk(self.server(SERVER, "-c", codec), "hola\n\n:año", "-c", codec)
                self.assertEqual((client.code, client.stdout), (0, "hola\n\n:año\n"))

    def test_a_line_as_long_as_the_limit_comes_back(self):
        for codec, (_, limit) in CODECS.items():
            with self.subTest(codec=codec):
                client = self.talk(self.server(SERVER, "-c", codec), b"x" * limit, "-c", codec)
                self.assertEqual(client.code, 0, client.stderr)
                self.assertTrue(client.stdout_bytes == b"x" * limit + b"\n")

    def test_a_line_that_the_header_cannot_count_is_refused_before_anything_is_sent(self):
        for codec in ("six-digit", "u8", "u16"):
            with self.subTest(codec=codec):
                size = CODECS[codec][1] + 1
                listener = self.listener()
                client = self.start(CLIENT, *LOCAL, "-p", programs.port_of(listener), "-c", codec)
                client.send(b"x" * size)
                client.close_stdin()
                self.assert_fails(client, 2, "a payload of %d bytes does not fit" % size)
                with programs.accept(listener) as connection:
                    self.assertEqual(programs.recv_all(connection), b"")

    def test_a_frame_over_the_limit_of_the_server_is_refused_by_the_server(self):
        for codec in ("u32", "u64"):
            with self.subTest(codec=codec):
                size = CODECS[codec][1] + 1
                server = self.server(SERVER, "-c", codec)
                client = self.talk(server, b"x" * size, "-c", codec)
                self.assertEqual((client.code, client.stdout), (1, ""), client.stderr)
                server.wait_for_line("frame too long at byte 0 .*: %d bytes" % size, on="stderr")

    def test_shows_what_travels(self):
        shown = {
            "six-digit": ["30 30 30 30 30 34 3a 68 6f 6c 61  000004:hola",
                          "30 30 30 30 30 30 3a  000000:"],
            "u8": [r"04 68 6f 6c 61  \x04hola", r"00  \x00"],
            "u16": [r"00 04 68 6f 6c 61  \x00\x04hola", r"00 00  \x00\x00"],
        }
        for codec, frames in shown.items():
            with self.subTest(codec=codec):
                client = self.talk(self.server(SERVER, "-c", codec), "hola\n\n", "-x", "-c", codec)
                expected = ["%s %s" % (way, each) for each in frames for way in ("sent", "came")]
                self.assertEqual(client.stderr.splitlines(), expected)

    def test_shows_the_first_16_bytes_of_a_long_frame(self):
        client = self.talk(self.server(SERVER), "x" * 10, "-x")
        self.assertRegex(client.stderr, r"^sent (\w\w ){16}\.\.\. 000010:xxxxxxxxx\.\.\.\n")

    def test_prints_hostile_answers_as_they_are_but_escaped_at_a_terminal(self):
        for terminal, shown in ((["stdout"], b"\\x1b[2J\r\n"), ([], b"\x1b[2J\n")):
            with self.subTest(terminal=terminal):
                client = self.start(CLIENT, *LOCAL, "-p", self.server(SERVER).port,
                                    terminal=terminal)
                client.send_line("\x1b[2J")
                self.assertEqual(client.wait_for_bytes(len(shown)), shown)

    def test_tells_a_server_that_closes_without_an_answer(self):
        self.assert_tells(b"", "closed without an answer")

    def test_tells_a_server_that_closes_inside_an_answer(self):
        self.assert_tells(b"000004:ho", "ended inside the frame at byte 0: 9 bytes came, .* 2 are")

    def test_tells_a_server_that_answers_with_no_frame(self):
        self.assert_tells(b"HTTP/1.1 200 OK\r\n", "bad frame header at byte 0 .*looks like HTTP")

    def assert_tells(self, answer, says):
        listener = self.listener()
        client = self.start(CLIENT, *LOCAL, "-p", programs.port_of(listener))
        client.send_line("hola")
        with programs.accept(listener) as connection:
            programs.recv_exactly(connection, 11)
            connection.sendall(answer)
        self.assert_fails(client, 1, says)

    def test_tells_a_server_that_was_killed(self):
        listener = self.listener()
        client = self.start(CLIENT, *LOCAL, "-p", programs.port_of(listener))
        client.send_line("hola")
        connection = programs.accept(listener)
        programs.recv_exactly(connection, 11)
        programs.reset(connection)
        self.assert_fails(client, 1, "Connection reset by peer")

    def test_tells_that_nobody_listens(self):
        port = programs.refusing_port()
        client = self.start(CLIENT, *LOCAL, "-p", port)
        self.assert_fails(client, 1, "connect to 127.0.0.1:%d: Connection refused" % port)

    def test_with_another_codec_than_the_server_ends_with_an_error(self):
        client = self.talk(self.server(SERVER), "hola", "-c", "u32")
        self.assertEqual((client.code, client.stdout), (1, ""))
        self.assertIn("it was stopped, or it has another --codec", client.stderr)

    def test_a_timeout_of_0_is_none(self):
        listener = self.listener()
        client = self.start(CLIENT, *LOCAL, "-p", programs.port_of(listener), "--timeout", 0,
                            env={"TRAMA_TRACE": "1"})
        client.send("hola\n" * 50)  # one of 50 answers, at least, comes after the client waits
        with programs.accept(listener) as connection:
            for _ in range(50):
                programs.recv_exactly(connection, 11)
                connection.sendall(frame(b"hola"))
                client.wait_for_line("^hola$")
        self.assertNotRegex(client.stderr, r"(?s)fd (\d+): frame out.*fd \1: poll for reading")

    def test_stops_in_order_where_it_waits(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            listener = self.listener()
            for waits in ("for a line", "for an answer"):
                with self.subTest(number=number, waits=waits):
                    client = self.start(CLIENT, *LOCAL, "-p", programs.port_of(listener))
                    client.send_line("hola")
                    with programs.accept(listener) as connection:
                        programs.recv_exactly(connection, 11)
                        if waits == "for a line":
                            connection.sendall(frame(b"hola"))
                            client.wait_for_line("hola")
                        client.signal(number)
                        self.assertEqual(client.wait_exit(), 0, client.stderr)


class Naive(programs.TestCase):
    """Each flaw of the lab's reader shows; the correct server handles the same bytes correctly."""

    def assert_flaw(self, pieces, naive, cured):
        self.assert_answers(NAIVE_SERVER, pieces, naive)
        self.assert_answers(SERVER, pieces, cured)

    def test_simple_messages_work(self):
        self.assert_flaw([frame(b"hola"), frame(b"adios")], [frame(b"hola"), frame(b"adios")],
                         [frame(b"hola"), frame(b"adios")])

    def test_flaw_1_half_a_header_is_taken_for_a_message(self):
        self.assert_flaw([b"0000", b"04:hola"], [frame(b"0000"), frame(b"hola")],
                         [b"", frame(b"hola")])

    def test_flaw_2_a_payload_that_starts_with_a_colon_loses_bytes(self):
        self.assert_flaw([b"000003::::000004:hola"], [frame(b"::0") + frame(b"hola")],
                         [frame(b":::") + frame(b"hola")])

    def test_flaw_3_an_empty_payload_swallows_the_start_of_the_next_frame(self):
        self.assert_flaw([frame(b"") + frame(b"hola")], [frame(b"0") + frame(b"hola")],
                         [frame(b"") + frame(b"hola")])

    def test_flaw_4_the_end_inside_a_message_makes_it_spin(self):
        self.assert_flaw([b"000009:hola"], [b""], [b""])
        for path, says in ((NAIVE_SERVER, "gave up after 1000 empty reads"),
                           (SERVER, "the stream ended inside the frame at byte 0")):
            server = self.server(path)
            with programs.connect(server.port) as peer:
                peer.sendall(b"000009:hola")
            server.wait_for_line(says, on="stderr")

    def test_flaw_5_a_header_of_other_bytes_than_digits_is_not_refused(self):
        self.assert_flaw([b"+00004:hola"], [frame(b"hola")], [b""])
        self.assert_flaw([b"00000a:h"], [frame(b"h")], [b""])

    def test_the_naive_client_waits_for_ever_for_what_it_has_lost(self):
        server = self.server(SERVER)
        client = self.start(NAIVE_CLIENT, *LOCAL, "-p", server.port, env={"TRAMA_TRACE": "1"})
        client.send("hola\n:adios\n")
        client.wait_for_line("^hola$")
        client.wait_for_line('recv 5 of 6 asked: "adios"', on="stderr")  # and one byte is missing
        server.interrupt()
        self.assert_fails(client, 1, "gave up after 1000 empty reads")

    def test_a_promise_costs_the_naive_server_no_memory_before_the_bytes_come(self):
        server = self.server(NAIVE_SERVER)
        with programs.connect(server.port) as peer:
            peer.sendall(b"99999999")
        server.wait_for_line("gave up after 1000 empty reads", on="stderr")

    def test_the_naive_server_stops_in_order(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.assert_stops_in_order(NAIVE_SERVER, by=number)
            server = self.server(NAIVE_SERVER)
            with programs.connect(server.port) as peer:
                peer.sendall(frame(b"hola"))
                self.assertEqual(programs.recv_exactly(peer, 11), frame(b"hola"))
                server.signal(number)
                self.assertEqual(server.wait_exit(), 0)


class CommandLine(programs.TestCase):
    def test_help(self):
        for path in (SERVER, CLIENT, NAIVE_SERVER, NAIVE_CLIENT):
            self.assert_help(path)

    def test_mistakes(self):
        for path in (SERVER, CLIENT):
            self.assert_usage_error(path, "--codec", "u128",
                                    says='--codec takes six-digit, u8, u16, u32 or u64, not "u128"')
        for path in (SERVER, CLIENT, NAIVE_SERVER, NAIVE_CLIENT):
            self.assert_usage_error(path, "-p", "http", says="--port takes a number")
            self.assert_usage_error(path, "--nonsense", says="see --help")
        self.assert_usage_error(CLIENT, "--timeout", "-1", says="--timeout takes a number from 0")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""What is no frame is refused where it stands, in order, and costs only the client that sent it.

Run: python3 tests/examples/test_08_malformed_headers.py
"""
import re
import socket
import struct
import unittest

import programs

SERVER = "08_frames/framed_echo_server"
LIMIT = 16 * 1024 * 1024  # bytes: the longest payload of u32 and u64
MORE = b"000004:more" * 100000  # what a client goes on sending, 1.1 MB of it


def six_digit(payload):
    return b"%06d:" % len(payload) + payload


def u32(payload):
    return struct.pack(">I", len(payload)) + payload


def u64(payload):
    return struct.pack(">Q", len(payload)) + payload


# What is sent, and the first byte in it that no header can have.
BAD_SIX_DIGIT = [
    (b"+00005:hello", 0),
    (b"-00001:x", 0),
    (b" 00005:hello", 0),
    (b"0x0005:hello", 1),
    (b"00005 :hello", 5),
    (b"00005:hello", 5),
    (b"5:hello", 1),
    (b":hello", 0),
    (b"0000005:hello", 6),
    (b"000005;hello", 6),
    (b"000005hello", 6),
    (b"00000a:hello", 5),
    (b"1e0005:hello", 1),
    (b"00,005:hello", 2),
    ("\u0660\u0660\u0660\u0660\u0660\u0665:hello".encode(), 0),  # digits, but Arabic ones
    (b"\x00000005:hello", 0),
    (b"00000\x00:hello", 5),
    (b"\r\n000005:hello", 0),
    (b"000005\r\n:hello", 6),
    (b"\xff\xfe\xfd", 0),
    (b"\x1b[2J\x07", 0),
    (b"GET / HTTP/1.1\r\n\r\n", 0),
    (b"\x16\x03\x01\x02\x00", 0),
]

TOO_LONG_U32 = [LIMIT + 1, 2 ** 31 - 1, 2 ** 31, 2 ** 32 - 1, 0x47455420]
TOO_LONG_U64 = TOO_LONG_U32 + [2 ** 32, 2 ** 32 + 4, 2 ** 63 - 1, 2 ** 63, 2 ** 64 - 8, 2 ** 64 - 1]


def escaped(data):
    """As trama::escaped shows it, the first 24 bytes."""
    named = {9: "\\t", 10: "\\n", 13: "\\r", 34: '\\"', 92: "\\\\"}
    shown = "".join(named.get(byte) or (chr(byte) if 32 <= byte < 127 else "\\x%02x" % byte)
                    for byte in data[:24])
    return shown + ("..." if len(data) > 24 else "")


class Refusal(programs.TestCase):
    def assert_refused(self, server, encode, bad, says, sends_on=b""):
        """Two good frames are answered, then comes the end; and the next client is served."""
        with programs.connect(server.port) as connection:
            connection.sendall(encode(b"hola") + encode(b"") + bad)
            if sends_on:
                connection.sendall(sends_on)
            received = programs.recv_all(connection)  # raises if the server resets the connection
            name = programs.address_of(connection)
        self.assertEqual(received, encode(b"hola") + encode(b""), bad)
        told = server.wait_for_line("^" + re.escape(name) + ": ", on="stderr").string
        self.assertIn(says, told)
        self.assertTrue(told.rstrip("\n").isprintable(), told)
        self.assert_serves(server, encode)

    def assert_serves(self, server, encode):
        with programs.connect(server.port) as connection:
            connection.sendall(encode(b"adios"))
            self.assertEqual(programs.recv_exactly(connection, len(encode(b"adios"))),
                             encode(b"adios"))

    # ---- six digits and a colon ----

    def test_each_malformed_six_digit_header_is_refused_at_its_first_wrong_byte(self):
        server = self.server(SERVER)
        good = len(six_digit(b"hola") + six_digit(b""))
        for bad, wrong in BAD_SIX_DIGIT:
            with self.subTest(bad=bad):
                says = 'bad frame header at byte %d of the stream: "%s"' % (
                    good + wrong, escaped(bad))
                self.assert_refused(server, six_digit, bad, says)

    def test_a_client_that_goes_on_sending_reads_its_answers_and_then_the_end(self):
        server = self.server(SERVER)
        for bad, wrong in BAD_SIX_DIGIT:
            with self.subTest(bad=bad):
                says = "bad frame header at byte %d of the stream" % (18 + wrong)
                self.assert_refused(server, six_digit, bad, says, sends_on=MORE)

    def test_it_is_refused_when_its_first_wrong_byte_is_in_and_not_later(self):
        server = self.server(SERVER)
        for bad, wrong in BAD_SIX_DIGIT:
            with self.subTest(bad=bad), programs.connect(server.port) as connection:
                connection.sendall(bad[:wrong + 1])
                self.assertEqual(programs.recv_all(connection), b"")

    def test_what_looks_like_http_is_called_so(self):
        server = self.server(SERVER)
        self.assert_refused(server, six_digit, b"GET / HTTP/1.1\r\n\r\n", "this looks like HTTP")

    # ---- binary lengths ----

    def test_a_u32_length_over_the_limit_is_refused(self):
        server = self.server(SERVER, "-c", "u32")
        for length in TOO_LONG_U32:
            with self.subTest(length=length):
                bad = struct.pack(">I", length) + b"x"
                self.assert_too_long(server, u32, bad, length)

    def test_a_u64_length_over_the_limit_is_refused_and_no_sum_wraps(self):
        server = self.server(SERVER, "-c", "u64")
        for length in TOO_LONG_U64:
            with self.subTest(length=length):
                bad = struct.pack(">Q", length) + b"x"
                self.assert_too_long(server, u64, bad, length)

    def assert_too_long(self, server, encode, bad, length):
        good = len(encode(b"hola") + encode(b""))
        says = "frame too long at byte %d of the stream: %d bytes, here at most %d" % (
            good, length, LIMIT)
        says += '; it starts with "' + escaped(bad) + '"'
        self.assert_refused(server, encode, bad, says)
        self.assert_refused(server, encode, bad, escaped(bad)[:8], sends_on=MORE)

    def test_the_limit_itself_is_served(self):
        for codec, encode in (("u32", u32), ("u64", u64)):
            with self.subTest(codec=codec):
                server = self.server(SERVER, "-c", codec)
                frame = encode(b"x" * LIMIT)
                with programs.connect(server.port) as connection:
                    connection.sendall(frame)
                    self.assertTrue(programs.recv_exactly(connection, len(frame)) == frame)

    def test_every_u8_and_u16_header_is_a_length(self):
        for codec, form, most in (("u8", ">B", 255), ("u16", ">H", 65535)):
            server = self.server(SERVER, "-c", codec)
            for length in (0, 1, 0x47 % most, most):
                with self.subTest(codec=codec, length=length):
                    frame = struct.pack(form, length) + b"x" * length
                    with programs.connect(server.port) as connection:
                        connection.sendall(frame)
                        self.assertEqual(programs.recv_exactly(connection, len(frame)), frame)

    # ---- a stream that ends too soon ----

    def test_a_stream_that_ends_inside_a_frame_is_told_with_what_is_missing(self):
        for codec, encode, head in (("six-digit", six_digit, 7), ("u32", u32, 4), ("u64", u64, 8)):
            server = self.server(SERVER, "-c", codec)
            frame, good = encode(b"adios"), len(encode(b"hola"))
            for cut in range(1, len(frame)):
                with self.subTest(codec=codec, cut=cut), programs.connect(server.port) as peer:
                    peer.sendall(encode(b"hola") + frame[:cut])
                    peer.shutdown(socket.SHUT_WR)
                    self.assertEqual(programs.recv_all(peer), encode(b"hola"))
                    # While the header is not whole, nobody can know how much is missing.
                    missing = "[1-9]" if cut < head else str(len(frame) - cut)
                    server.wait_for_line(
                        "ended inside the frame at byte %d: %d bytes came, at least %s are missing"
                        % (good, cut, missing), on="stderr")

    def test_a_client_that_is_killed_inside_a_frame_costs_nobody_else_anything(self):
        server = self.server(SERVER)
        for cut in range(1, 12):
            with self.subTest(cut=cut):
                connection = programs.connect(server.port)
                connection.sendall(six_digit(b"hola")[:cut])
                programs.reset(connection)
                self.assert_serves(server, six_digit)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""What comes from the network is printed as it is, and made harmless at a terminal.

Run: python3 tests/examples/test_print.py
"""
import random
import socket
import unittest

import characters
import programs

ECHO = "08_frames/framed_echo_server"
MESSAGES = "08_frames/framed_echo_client"  # prints messages, one a line
STREAM = "02_echo_client/echo_client"      # prints pieces of a stream
PAGE = "01_web_client/web_client"          # the same, up to the end of the stream


def harmless(data):
    """The same rule once more, with Python's decoder in place of ours."""
    text = data.decode(**programs.LOSSLESS)
    return characters.harmless(text).encode(**programs.LOSSLESS)


class Terminal(programs.TestCase):
    def client(self, path, peer_port, **keywords):
        return self.start(path, "-q", "-H", "127.0.0.1", "-p", peer_port, **keywords)

    def shown_at_a_terminal(self, lines):
        client = self.client(MESSAGES, self.server(ECHO, "-q").port, terminal=["stdout"])
        client.send(b"\n".join(lines) + b"\n")
        client.close_stdin()
        self.assertEqual(client.wait_exit(), 0, client.stderr)
        return client.stdout_bytes.split(b"\r\n")[:-1]

    def assert_shown(self, lines):
        """Each line as it should be; a difference names the line."""
        all_shown = self.shown_at_a_terminal(lines)
        self.assertEqual(len(all_shown), len(lines))
        for line, shown in zip(lines, all_shown):
            self.assertEqual(shown, harmless(line), line)

    def test_text_of_every_language_is_let_through(self):
        lines = ["año", "¿Qué?", "Ελλάδα", "日本語", "שלום", "😀", 'a "b" \\ c', "", "e\u0301"]
        lines = [line.encode() for line in lines]
        self.assertEqual(self.shown_at_a_terminal(lines), lines)

    def test_what_commands_the_terminal_is_escaped(self):
        lines = [b"\x1b[2J", b"a\rb\tc", b"\x00\x07\x7f", "\u009b2J".encode(), b"\x9b2J"]
        self.assertEqual(self.shown_at_a_terminal(lines), [
            b"\\x1b[2J", b"a\\rb\\tc", b"\\x00\\x07\\x7f", b"\\u{9b}2J", b"\\x9b2J"])

    def test_what_turns_the_line_around_is_escaped(self):
        self.assertEqual(self.shown_at_a_terminal(["abc\u202edcba".encode()]),
                         [b"abc\\u{202e}dcba"])

    def test_what_begins_another_line_is_escaped(self):
        self.assertEqual(self.shown_at_a_terminal(["one\u2028two\u2029".encode()]),
                         [b"one\\u{2028}two\\u{2029}"])

    def test_what_is_no_utf_8_is_escaped(self):
        lines = [b"a\xf1o", b"\xc0\xaf", b"\xe0\x80\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
                 b"\xf8\x88\x80\x80\x80", b"\xe2\x82", b"\xe2\x82a", b"\xbf"]
        self.assertEqual(self.shown_at_a_terminal(lines), [
            b"a\\xf1o", b"\\xc0\\xaf", b"\\xe0\\x80\\xaf", b"\\xed\\xa0\\x80",
            b"\\xf4\\x90\\x80\\x80", b"\\xf8\\x88\\x80\\x80\\x80", b"\\xe2\\x82", b"\\xe2\\x82a",
            b"\\xbf"])

    def test_what_is_not_drawn_is_escaped(self):
        self.assertEqual(self.shown_at_a_terminal(["an\u034fa".encode(), "\U0001d173".encode()]),
                         [b"an\\u{34f}a", b"\\u{1d173}"])

    def test_of_all_characters_just_the_hidden_ones_are_escaped(self):
        every = [chr(code).encode(errors="surrogatepass") for code in range(0x110000) if code != 10]
        self.assert_shown([b"".join(every[start:start + 200])
                           for start in range(0, len(every), 200)])

    def test_every_pair_of_a_first_and_a_second_byte(self):
        rests = (b"", b"\x80", b"\xbf\xbf", b"a")
        self.assert_shown([bytes([first, second]) + rest for first in range(0xC0, 0x100)
                           for second in (0x20, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0)
                           for rest in rests])

    def test_random_bytes(self):
        dice = random.Random(1)
        bytes_of_interest = bytes([0x41, 0x80, 0x9F, 0xA8, 0xBF, 0xC2, 0xE2, 0xED, 0xF0, 0xF4])
        self.assert_shown([bytes(dice.choices(bytes_of_interest, k=12)) for _ in range(2000)])

    def test_a_message_of_several_lines_is_one_line(self):
        listener = self.listener()
        client = self.client(MESSAGES, programs.port_of(listener), terminal=["stdout"])
        client.send_line("hola")
        with programs.accept(listener) as connection:
            connection.sendall(b"000009:one\nt\xc3\xb1o\n")
            client.wait_for_text("\r\n")
        self.assertEqual(client.stdout_bytes, "one\\ntño\\n\r\n".encode())

    def test_a_stream_keeps_its_line_feeds_and_tabs(self):
        listener = self.listener()
        client = self.client(STREAM, programs.port_of(listener), terminal=["stdout"])
        client.send_line("hola")
        with programs.accept(listener) as connection:
            connection.sendall("uno\n\x1b[2Jdos\r\n\n\taño\n".encode())
            client.wait_for_text("año\r\n")
        self.assertEqual(client.stdout_bytes,
                         "uno\r\n\\x1b[2Jdos\\r\r\n\r\n\taño\r\n".encode())

    def shown_of_pieces(self, *pieces):
        """What STREAM shows at a terminal of pieces that come one by one; then the peer closes."""
        listener = self.listener()
        client = self.start(STREAM, "-v", "-H", "127.0.0.1", "-p", programs.port_of(listener),
                            terminal=["stdout"])
        client.send_line("hola")
        with programs.accept(listener) as connection:
            programs.recv_exactly(connection, 5)
            for piece in pieces:
                connection.sendall(piece)
                client.wait_for_line("^received %d bytes" % len(piece), on="stderr")
        client.close_stdin()
        client.wait_exit()
        return client.stdout_bytes

    def test_a_letter_that_is_cut_between_two_pieces_is_shown_whole(self):
        for letter in ("ñ", "€", "😀"):
            data = letter.encode()
            for place in range(1, len(data)):
                with self.subTest(letter, place=place):
                    shown = self.shown_of_pieces(b"el ni" + data[:place], data[place:] + b"o\n")
                    self.assertEqual(shown, b"el ni" + data + b"o\r\n")
        alone = [bytes([byte]) for byte in "a😀ñ\n".encode()]
        self.assertEqual(self.shown_of_pieces(*alone), "a😀ñ\r\n".encode())

    def test_half_a_letter_whose_other_half_does_not_come_is_escaped(self):
        self.assertEqual(self.shown_of_pieces(b"a\xc3", b"o\n"), b"a\\xc3o\r\n")
        self.assertEqual(self.shown_of_pieces(b"\xe2\x82", b"\xc3", b"\xb1\n"),
                         b"\\xe2\\x82\xc3\xb1\r\n")
        self.assertEqual(self.shown_of_pieces(b"\xc2", b"\x9b2J\n"), b"\\u{9b}2J\r\n")

    def test_half_a_letter_at_the_end_of_a_program_that_fails_is_escaped(self):
        self.assertEqual(self.shown_of_pieces(b"ho\xc3"), b"ho\\xc3")

    def shown_page(self, body, pieces):
        listener = self.listener()
        client = self.start(PAGE, "-p", programs.port_of(listener), "127.0.0.1",
                            terminal=["stdout"])
        with programs.accept(listener) as connection:
            while not connection.recv(4096).endswith(b"\r\n\r\n"):
                pass
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n")
            for piece in pieces(body):
                connection.sendall(piece)
        self.assertEqual(client.wait_exit(), 0, client.stderr)
        return client.stdout_bytes

    def test_a_page_is_shown_the_same_in_whatever_pieces_it_comes(self):
        def in_pieces(body):
            dice, at = random.Random(1), 0
            while at < len(body):
                size = dice.choice((1, 2, 3, 5, 999))
                yield body[at:at + size]
                at += size

        dice = random.Random(2)
        bytes_of_interest = bytes([0x41, 0x80, 0x9F, 0xA8, 0xBF, 0xC2, 0xE2, 0xED, 0xF0, 0xF4])
        for body in (b"a" + "ñ".encode() * 20000, "a€😀".encode() * 500 + b"\xf0\x9f\x98",
                     bytes(dice.choices(bytes_of_interest, k=9999))):
            self.assertEqual(self.shown_page(body, in_pieces), harmless(body))
            self.assertEqual(self.shown_page(body, lambda whole: [whole]), harmless(body))

    def test_into_a_pipe_half_a_letter_goes_at_once(self):
        listener = self.listener()
        client = self.client(STREAM, programs.port_of(listener))
        client.send_line("hola")
        with programs.accept(listener) as connection:
            connection.sendall(b"ni\xc3")
            self.assertEqual(client.wait_for_bytes(3), b"ni\xc3")

    def test_into_a_pipe_all_bytes_go_as_they_are(self):
        everything = bytes(range(10)) + bytes(range(11, 256)) + "\u202e".encode()
        for path, peer in ((MESSAGES, ECHO), (STREAM, "03_echo_server/echo_server")):
            with self.subTest(path):
                client = self.client(path, self.server(peer, "-q").port)
                client.send(everything + b"\n")
                self.assertEqual(client.wait_for_bytes(len(everything) + 1), everything + b"\n")


if __name__ == "__main__":
    unittest.main()

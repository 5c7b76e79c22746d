"""08_frames through chop: however the stream is cut, the same messages come out.

The real programs, each seed with a client of its own: connection k of `chop --seed N` is cut by the
seed N + k, so one chop serves all the seeds of a mode. A client that waits for each answer never
has two messages under way, so glue is tried with a client that sends all of them first as well.
"""
import random
import socket
import unittest

import programs

SERVER = "08_frames/framed_echo_server"
CLIENT = "08_frames/framed_echo_client"
NAIVE = "08_frames/naive/readmsg_server"
CHOP = "tools/chop"
SEEDS = 200
CUTTING = ("whole", "bytes", "random", "headers", "glue")
LINES = b"hola\n\n:adios\n0\n000004:hola\n" + b"x" * 130 + b"\n"
MESSAGES = LINES.split(b"\n")[:-1]


def frame(payload):
    return b"%06d:%s" % (len(payload), payload)


class Chopped(programs.TestCase):
    def chop(self, server, *options):
        """chop -q in front of `server`."""
        return self.server(CHOP, "--to", "127.0.0.1:%d" % server.port, "-q", *options)

    def echo(self, chop, *options, stdin=LINES):
        """One run of the real client through `chop`."""
        with programs.Program(programs.example(CLIENT), "-q", "-H", "127.0.0.1", "-p", chop.port,
                              *options) as client:
            client.send(stdin)
            client.close_stdin()
            client.code = client.wait_exit()
            return client

    def assert_served(self, server):
        """The server still serves a client that comes directly."""
        self.assertEqual(self.echo(server).stdout_bytes, LINES)


class Cut(Chopped):
    def assert_same_bytes_for_every_seed(self, mode, *options):
        server = self.server(SERVER, "-q")
        chop = self.chop(server, "--mode", mode, "--seed", 0, *options)
        for seed in range(SEEDS):
            client = self.echo(chop)
            self.assertEqual((client.code, client.stdout_bytes), (0, LINES),
                             client.story("--mode %s --seed %d" % (mode, seed)))

    def test_whole(self):
        self.assert_same_bytes_for_every_seed("whole")

    def test_one_byte_at_a_time(self):
        self.assert_same_bytes_for_every_seed("bytes")

    def test_random_pieces(self):
        self.assert_same_bytes_for_every_seed("random")

    def test_a_cut_at_each_place_of_the_header(self):
        self.assert_same_bytes_for_every_seed("headers")

    def test_glue(self):
        self.assert_same_bytes_for_every_seed("glue", "--hold", 1)

    def test_glue_with_a_client_that_sends_all_its_messages_first(self):
        server = self.server(SERVER, "-q")
        chop = self.chop(server, "--mode", "glue", "--seed", 0, "--hold", 60000)
        for seed in range(SEEDS):
            with programs.connect(chop.port) as peer:
                for payload in MESSAGES:
                    peer.sendall(frame(payload))
                peer.shutdown(socket.SHUT_WR)
                self.assertEqual(programs.recv_all(peer), b"".join(map(frame, MESSAGES)), seed)

    def test_every_codec_in_every_mode(self):
        for codec in ("u8", "u16", "u32", "u64"):
            server = self.server(SERVER, "-q", "--codec", codec)
            for mode in CUTTING:
                with self.subTest(codec=codec, mode=mode):
                    with self.chop(server, "--mode", mode, "--codec", codec, "--seed", 0, "--hold",
                                   1) as chop:
                        for _ in range(8):  # as many as the longest header has bytes
                            client = self.echo(chop, "--codec", codec)
                            self.assertEqual((client.code, client.stdout_bytes), (0, LINES))

    def test_long_messages(self):
        lines = b"".join(bytes([random.Random(size).randrange(97, 123)]) * size + b"\n"
                         for size in (65535, 65536, 200000))
        server = self.server(SERVER, "-q")
        for mode in ("random", "headers", "glue"):
            with self.subTest(mode):
                with self.chop(server, "--mode", mode, "--seed", 1) as chop:
                    client = self.echo(chop, stdin=lines)
                    self.assertEqual((client.code, client.stdout_bytes == lines), (0, True))


class Broken(Chopped):
    """The connection does not survive; the programs do, each as it has promised."""

    def test_a_reset_ends_the_client_with_one_line_and_costs_the_server_one_client(self):
        server = self.server(SERVER, "-q")
        chop = self.chop(server, "--mode", "reset", "--seed", 0, "--direction", "up")
        for seed in range(20):
            client = self.echo(chop)
            self.assert_fails(client, 1, "cut the connection|closed")
            self.assertTrue(LINES.startswith(client.stdout_bytes), client.story(seed))
        self.assert_served(server)

    def test_a_reset_at_each_place_of_a_frame(self):
        server = self.server(SERVER, "-q")
        for after in range(len(frame(b"hola")) + 1):
            with self.subTest(after):
                with self.chop(server, "--mode", "reset", "--after", after, "--direction",
                               "down") as chop:
                    client = self.echo(chop)
                    self.assert_fails(client, 1, "cut the connection|closed")
                    whole = b"hola\n" if after == len(frame(b"hola")) else b""
                    self.assertEqual(client.stdout_bytes, whole)
        self.assert_served(server)

    def test_a_half_close_in_a_frame_is_refused_by_the_server_behind_the_owed_answers(self):
        server = self.server(SERVER)
        for after in range(len(frame(b"hola")), 2 * len(frame(b"hola"))):
            with self.subTest(after):
                with self.chop(server, "--mode", "half-close", "--after", after) as chop:
                    with programs.connect(chop.port) as peer:
                        peer.sendall(frame(b"hola") * 2)
                        self.assertEqual(programs.recv_all(peer), frame(b"hola"))
        server.wait_for_line("the stream ended inside the frame at byte 11: 1 bytes came",
                             on="stderr")
        self.assert_served(server)

    def test_a_half_close_between_frames_is_an_end_and_the_client_says_what_is_missing(self):
        server = self.server(SERVER)
        chop = self.chop(server, "--mode", "half-close", "--after", len(frame(b"hola")))
        client = self.echo(chop)
        self.assert_fails(client, 1, "the server closed")
        self.assertEqual(client.stdout_bytes, b"hola\n")
        server.wait_for_line(" left$", on="stderr")

    def test_after_a_stall_the_same_bytes_come(self):
        server = self.server(SERVER, "-q")
        chop = self.chop(server, "--mode", "stall", "--seed", 0, "--stall", 5)
        for seed in range(20):
            client = self.echo(chop)
            self.assertEqual((client.code, client.stdout_bytes), (0, LINES), client.story(seed))

    def test_a_client_that_gives_up_in_a_stall_ends_and_the_server_serves_the_next(self):
        server = self.server(SERVER, "-q")
        for direction in ("up", "down"):
            for by in ("interrupt", "kill"):
                with self.subTest(direction=direction, by=by):
                    chop = self.server(CHOP, "--to", "127.0.0.1:%d" % server.port, "--mode",
                                       "stall", "--after", 5, "--direction", direction)
                    client = self.start(CLIENT, "-q", "-H", "127.0.0.1", "-p", chop.port)
                    client.send_line("hola")
                    chop.wait_for_line("stalls after byte 5", on="stderr")
                    {"interrupt": client.interrupt, "kill": client.close}[by]()
                    client.wait_exit()
                    self.assertEqual(client.stdout_bytes, b"")
                    self.assert_served(server)

    def test_a_client_whose_time_is_up_in_a_stall_tells_it_and_the_server_serves_the_next(self):
        server = self.server(SERVER, "-q")
        for direction in ("up", "down"):
            for after in (0, 5, 9):
                with self.subTest(direction=direction, after=after):
                    with self.chop(server, "--mode", "stall", "--after", after, "--direction",
                                   direction) as chop:
                        client = self.echo(chop, "--timeout", 1, stdin=b"hola\n")
                        self.assert_fails(client, 1, "no answer in time")
                        self.assertEqual(len(client.stderr.splitlines()), 1, client.stderr)
                        self.assertEqual(client.stdout_bytes, b"")
                    self.assert_served(server)


class Flawed(Chopped):
    """The naive server, which takes what one recv brings for a header."""

    def exchange(self, port):
        with programs.connect(port) as peer:
            peer.sendall(frame(b"hola"))
            return programs.recv_exactly(peer, len(frame(b"hola")))

    def test_it_works_as_long_as_nothing_is_cut(self):
        server = self.server(NAIVE, "-q")
        chop = self.chop(server, "--mode", "whole")
        self.assertEqual([self.exchange(chop.port) for _ in range(20)], [frame(b"hola")] * 20)

    def test_one_byte_at_a_time_breaks_it_20_times_of_20(self):
        server = self.server(NAIVE, "-q")
        chop = self.chop(server, "--mode", "bytes")
        right = [self.exchange(chop.port) == frame(b"hola") for _ in range(20)]
        self.assertEqual(right, [False] * 20)

    def test_a_single_cut_breaks_it_at_each_place_of_the_header(self):
        server = self.server(NAIVE, "-q")
        chop = self.chop(server, "--mode", "headers", "--seed", 0, "--direction", "up")
        right = [self.exchange(chop.port) == frame(b"hola") for _ in range(7)]
        # The last place is the border of header and payload: that is where it hopes for a cut.
        self.assertEqual(right, [False] * 6 + [True])

    def find(self, server):
        command = "printf 'hola\\nadios\\n' | %s -q -H {host} -p {port}" % programs.example(CLIENT)
        return self.run_to_end(CHOP, "--to", "127.0.0.1:%d" % server.port, "--seed", 1, "--find",
                               command)

    def test_find_draws_the_smallest_cutting(self):
        chop = self.find(self.server(NAIVE, "-q"))
        self.assertEqual(chop.code, 1, chop.story(""))
        self.assertRegex(chop.stdout, "smallest cutting that fails: 1 cut, after byte 1 of the "
                                      "stream to the server")
        self.assertIn("     0|0 0 0 0 4 : h o l a\n"
                      "     \\___________/ \\_____/\n"
                      "     header        payload\n"
                      "      ^ cut\n", chop.stdout)

    def test_find_finds_nothing_in_ours(self):
        chop = self.find(self.server(SERVER, "-q"))
        self.assertEqual(chop.code, 0, chop.story(""))
        self.assertIn("nothing found", chop.stdout)


if __name__ == "__main__":
    unittest.main()

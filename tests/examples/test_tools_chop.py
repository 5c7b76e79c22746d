"""examples/tools/chop: the pieces that a receiver gets, and what happens to the connections."""
import contextlib
import re
import signal
import socket
import sys
import tempfile
import textwrap
import time
import unittest
from pathlib import Path

import programs

CHOP = "tools/chop"
PYTHON = sys.executable + " -I -S"  # starts in half the time
SHORT = b"000004:hola000005:adios000000:"


def frames(*payloads):
    return b"".join(b"%06d:%s" % (len(each), each) for each in payloads)


def cut(data, *places):
    """`data` in pieces: cut(b"hola", 1, 3) is [b"h", b"ol", b"a"]."""
    edges = [0, *places, len(data)]
    return [data[begin:end] for begin, end in zip(edges, edges[1:])]


def receive_pieces(connection):
    """What each recv returns, up to the end of the stream."""
    return list(iter(lambda: connection.recv(65536), b""))


class ChopCase(programs.TestCase):
    def chop(self, *options, target=None):
        """chop in front of self.target, a listener of ours; `target` is another port."""
        if target is None:
            self.target = self.listener()
            target = programs.port_of(self.target)
        return self.server(CHOP, "--to", "127.0.0.1:%d" % target, *options)

    def join(self, chop):
        """A client's and a server's end of one connection through `chop`."""
        client = programs.connect(chop.port)
        self.addCleanup(client.close)
        server = programs.accept(self.target)
        self.addCleanup(server.close)
        return client, server

    def pieces(self, chop, data):
        """The pieces in which a server gets what a client sends in one."""
        client, server = self.join(chop)
        client.sendall(data)
        client.shutdown(socket.SHUT_WR)
        return receive_pieces(server)

    def pieces_of(self, data, *options):
        with self.chop(*options) as chop:
            return self.pieces(chop, data)

    def answer_pieces(self, chop, data):
        """The other direction: in which a client gets what a server sends."""
        client, server = self.join(chop)
        server.sendall(data)
        server.shutdown(socket.SHUT_WR)
        return receive_pieces(client)


class Cutting(ChopCase):
    def test_whole_passes_the_bytes_as_they_come(self):
        self.assertEqual(self.pieces_of(SHORT, "--mode", "whole"), [SHORT])

    def test_bytes_sends_each_byte_alone(self):
        data = SHORT * 20
        self.assertEqual(self.pieces_of(data, "--mode", "bytes"), cut(data, *range(1, len(data))))

    def test_both_directions_are_cut(self):
        chop = self.chop("--mode", "bytes")
        self.assertEqual(self.answer_pieces(chop, SHORT), cut(SHORT, *range(1, len(SHORT))))

    def test_direction_up_leaves_the_answers_whole(self):
        chop = self.chop("--mode", "bytes", "--direction", "up")
        self.assertEqual(self.answer_pieces(chop, SHORT), [SHORT])
        self.assertEqual(self.pieces(chop, b"ab"), [b"a", b"b"])

    def test_direction_down_leaves_the_questions_whole(self):
        chop = self.chop("--mode", "bytes", "--direction", "down")
        self.assertEqual(self.answer_pieces(chop, b"ab"), [b"a", b"b"])
        self.assertEqual(self.pieces(chop, SHORT), [SHORT])

    def test_cuts_cuts_where_it_is_told_to(self):
        self.assertEqual(self.pieces_of(SHORT, "--mode", "cuts", "--cuts", "3,9"),
                         cut(SHORT, 3, 9))

    def test_a_piece_waits_until_the_one_before_has_been_read(self):
        client, server = self.join(self.chop("--mode", "bytes"))
        client.sendall(b"ab")
        self.assertEqual(server.recv(1, socket.MSG_PEEK), b"a")
        # Peeking leaves the byte unread. So an answer, which comes after chop has had its time to
        # send more, finds still one byte.
        server.sendall(b"!")
        self.assertEqual(client.recv(9), b"!")
        self.assertEqual(server.recv(9, socket.MSG_PEEK), b"a")
        self.assertEqual([server.recv(9), server.recv(9)], [b"a", b"b"])

    def test_a_receiver_that_does_not_read_gets_the_rest_all_the_same(self):
        client, server = self.join(self.chop("--mode", "bytes"))
        client.sendall(b"hola")
        end = time.monotonic() + programs.LIMIT
        while server.recv(9, socket.MSG_PEEK) != b"hola":  # peeking takes nothing
            self.assertLess(time.monotonic(), end, "the rest never came")

    def test_ipv6_is_cut_too(self):
        if not programs.has_ipv6():
            self.skipTest("this machine has no ::1")
        self.target = self.listener("::1")
        chop = self.server(CHOP, "--to", "[::1]:%d" % programs.port_of(self.target), "--mode",
                           "bytes", host="::1")
        client = programs.connect(chop.port, "::1")
        self.addCleanup(client.close)
        server = programs.accept(self.target)
        self.addCleanup(server.close)
        client.sendall(SHORT)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(receive_pieces(server), cut(SHORT, *range(1, len(SHORT))))


class Random(ChopCase):
    DATA = bytes(range(256)) * 4

    def test_one_seed_cuts_the_same_each_time(self):
        first = self.pieces_of(self.DATA, "--mode", "random", "--seed", 7)
        self.assertEqual(first, self.pieces_of(self.DATA, "--mode", "random", "--seed", 7))
        self.assertEqual(b"".join(first), self.DATA)
        self.assertGreater(len(first), 3)

    def test_the_cuts_do_not_depend_on_how_the_stream_arrives(self):
        whole = self.pieces_of(self.DATA, "--mode", "random", "--seed", 7)
        chop = self.chop("--mode", "random", "--seed", 7)
        client, server = self.join(chop)
        got = []
        for each in whole:  # sent just as it will be cut: nothing is cut in addition
            client.sendall(each)
            got.append(server.recv(65536))
        self.assertEqual(got, whole)

    def test_another_seed_cuts_elsewhere(self):
        cuttings = {tuple(self.pieces_of(self.DATA, "--mode", "random", "--seed", seed))
                    for seed in range(5)}
        self.assertEqual(len(cuttings), 5)

    def test_every_seed_makes_at_least_five_pieces_of_13_bytes_or_more(self):
        chop = self.chop("--mode", "random", "--seed", 1)  # connection k has the seed 1 + k
        for size in (13, 14, 20, 50, 100, 431, 1000, 3000):
            data = bytes(place % 256 for place in range(size))
            for number in range(40):
                pieces = self.pieces(chop, data)
                self.assertEqual(b"".join(pieces), data)
                self.assertGreaterEqual(len(pieces), 5, "%d bytes, connection %d" % (size, number))

    def test_of_431_bytes_every_seed_from_1_to_300_makes_at_least_five_pieces(self):
        data = b"x" * 431
        chop = self.chop("--mode", "random", "--seed", 1)
        counts = [len(self.pieces(chop, data)) for _ in range(300)]
        self.assertGreaterEqual(min(counts), 5)
        self.assertGreater(len(set(counts)), 10)  # the seeds differ

    def test_connection_k_is_cut_like_the_first_one_of_seed_plus_k(self):
        chop = self.chop("--mode", "random", "--seed", 10)
        in_a_row = [self.pieces(chop, self.DATA) for _ in range(3)]
        alone = [self.pieces_of(self.DATA, "--mode", "random", "--seed", 10 + k) for k in range(3)]
        self.assertEqual(in_a_row, alone)

    def test_a_seed_that_was_not_given_is_told_and_repeats(self):
        chop = self.chop("--mode", "random")
        seed = chop.wait_for_line(r"^seed (\d+)$", on="stderr").group(1)
        self.assertEqual(self.pieces(chop, self.DATA),
                         self.pieces_of(self.DATA, "--mode", "random", "--seed", seed))


class Headers(ChopCase):
    def test_message_k_is_cut_at_place_k_of_its_header(self):
        data = frames(*[b"hola"] * 8)
        places = [11 * k + 1 + k % 7 for k in range(8)]
        self.assertEqual(self.pieces_of(data, "--mode", "headers", "--seed", 0),
                         cut(data, *places))

    def test_as_many_connections_as_header_bytes_cover_each_place(self):
        data = frames(b"hola")
        chop = self.chop("--mode", "headers", "--seed", 0)
        self.assertEqual([self.pieces(chop, data) for _ in range(7)],
                         [cut(data, place) for place in range(1, 8)])

    def test_binary_lengths(self):
        for codec, size in (("u8", 1), ("u16", 2), ("u32", 4), ("u64", 8)):
            with self.subTest(codec=codec):
                data = ((4).to_bytes(size, "big") + b"hola") * (size + 1)
                places = [k * (size + 4) + 1 + k % size for k in range(size + 1)]
                self.assertEqual(
                    self.pieces_of(data, "--mode", "headers", "--codec", codec, "--seed", 0),
                    cut(data, *places))

    def test_a_line_is_cut_before_its_end_and_near_its_start(self):
        data = b"hello world\r\nHELO you\r\n"
        self.assertEqual(
            self.pieces_of(data, "--mode", "headers", "--codec", "line", "--seed", 0),
            [b"h", b"ello world\r", b"\nHE", b"LO you\r", b"\n"])

    def test_a_stream_of_another_framing_passes_plainly_and_a_line_says_so(self):
        chop = self.chop("--mode", "headers", "--seed", 3)
        self.assertEqual(self.pieces(chop, b"GET / HTTP/1.1\r\n\r\n"), [b"GET / HTTP/1.1\r\n\r\n"])
        chop.wait_for_line("to the server: passed plainly from here: bad frame header at byte 0 "
                           "of the stream.*looks like HTTP", on="stderr")


class Glue(ChopCase):
    def test_messages_sent_one_by_one_arrive_in_one_piece(self):
        client, server = self.join(self.chop("--mode", "glue", "--glue", 3, "--hold", 60000))
        for payload in (b"a", b"", b"ccc", b"d", b"e", b"f"):
            client.sendall(frames(payload))
        self.assertEqual(server.recv(99), frames(b"a", b"", b"ccc"))
        self.assertEqual(server.recv(99), frames(b"d", b"e", b"f"))

    def test_the_end_of_the_stream_lets_go_of_what_is_held(self):
        client, server = self.join(self.chop("--mode", "glue", "--glue", 9, "--hold", 60000))
        client.sendall(frames(b"a"))
        client.sendall(frames(b"b") + b"0000")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(receive_pieces(server), [frames(b"a", b"b") + b"0000"])

    def test_a_quiet_time_lets_go_of_what_is_held(self):
        client, server = self.join(self.chop("--mode", "glue", "--glue", 9, "--hold", 1))
        client.sendall(frames(b"a"))
        self.assertEqual(server.recv(99), frames(b"a"))

    def test_without_a_number_the_seed_chooses_two_to_four_messages(self):
        data = frames(*[b"x"] * 60)
        pieces = self.pieces_of(data, "--mode", "glue", "--seed", 5, "--hold", 60000)
        self.assertEqual(pieces, self.pieces_of(data, "--mode", "glue", "--seed", 5))
        self.assertEqual({len(each) // 8 for each in pieces[:-1]}, {2, 3, 4})


class Cruelty(ChopCase):
    """Modes in which the stream does not survive."""

    def test_a_stall_holds_one_connection_and_no_other(self):
        chop = self.chop("--mode", "stall", "--after", 5, "--direction", "up")
        client, server = self.join(chop)
        client.sendall(b"0123456789")
        self.assertEqual(server.recv(99), b"01234")
        chop.wait_for_line("to the server: stalls after byte 5", on="stderr")
        server.sendall(b"answer")  # that direction was not asked to stall
        self.assertEqual(client.recv(99), b"answer")
        other_client, other_server = self.join(chop)
        other_client.sendall(b"abc")
        self.assertEqual(other_server.recv(99), b"abc")
        self.assertFalse(programs.readable(server))

    def test_a_stall_ends_after_its_time(self):
        chop = self.chop("--mode", "stall", "--after", 5, "--stall", 1)
        self.assertEqual(self.pieces(chop, b"0123456789"), [b"01234", b"56789"])

    def test_a_client_that_leaves_during_a_stall_frees_the_server(self):
        chop = self.chop("--mode", "stall", "--after", 5)
        client, server = self.join(chop)
        client.sendall(b"0123456789")
        self.assertEqual(server.recv(99), b"01234")
        client.close()
        self.assertEqual(server.recv(99), b"")

    def test_a_reset_reaches_both_ends_after_exactly_so_many_bytes(self):
        client, server = self.join(self.chop("--mode", "reset", "--after", 5))
        client.sendall(b"0123456789")
        self.assertEqual(server.recv(99), b"01234")
        for end in (server, client):
            with self.assertRaises(ConnectionResetError):
                end.recv(99)

    def test_the_seed_chooses_the_place_of_a_reset(self):
        def bytes_before_reset(seed):
            client, server = self.join(self.chop("--mode", "reset", "--seed", seed))
            client.sendall(b"x" * 100)
            got = b""
            with self.assertRaises(ConnectionResetError):
                while True:
                    got += server.recv(99)
            return len(got)

        places = [bytes_before_reset(seed) for seed in (1, 2, 3, 1)]
        self.assertEqual(places[0], places[3])
        self.assertEqual(len(set(places)), 3)
        self.assertTrue(all(1 <= place <= 64 for place in places), places)

    def test_after_a_half_close_the_answers_still_come(self):
        client, server = self.join(self.chop("--mode", "half-close", "--after", 5))
        client.sendall(b"0123456789")
        self.assertEqual(receive_pieces(server), [b"01234"])
        answer = b"z" * 300000
        answering = self.in_background(lambda: (server.sendall(answer), server.close()))
        client.sendall(b"to nobody" * 2000000)  # thrown away; no reset may hit the answer
        self.assertEqual(programs.recv_all(client), answer)
        answering.result()


class Connections(ChopCase):
    def test_the_end_of_the_client_is_passed_on_and_answers_still_come(self):
        client, server = self.join(self.chop("--mode", "random", "--seed", 1))
        client.sendall(b"question")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(programs.recv_all(server), b"question")
        server.sendall(b"answer")
        server.close()
        self.assertEqual(programs.recv_all(client), b"answer")

    def test_a_reset_is_passed_on_as_a_reset(self):
        client, server = self.join(self.chop())
        client.sendall(b"a")
        self.assertEqual(server.recv(9), b"a")
        programs.reset(client)
        with self.assertRaises(ConnectionResetError):
            server.recv(9)

    def test_two_clients_are_served_at_once(self):
        chop = self.chop("--mode", "bytes")
        one, two = self.join(chop), self.join(chop)
        for client, server in (two, one):
            client.sendall(b"ab")
            self.assertEqual([server.recv(9), server.recv(9)], [b"a", b"b"])

    def test_a_server_that_never_reads_keeps_nobody_waiting(self):
        chop = self.chop("--mode", "random", "--seed", 1)
        stuck, _ = self.join(chop)
        stuck.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while stuck.send(b"x" * 65536):
                pass
        client, server = self.join(chop)
        client.sendall(b"a")
        self.assertEqual(server.recv(9), b"a")

    def test_a_megabyte_arrives_unchanged(self):
        data = bytes(range(256)) * 4096
        client, server = self.join(self.chop("--mode", "whole"))
        sending = self.in_background(lambda: (client.sendall(data), client.close()))
        self.assertEqual(programs.recv_all(server), data)
        sending.result()

    def test_a_target_that_refuses_costs_the_client_its_connection_and_nothing_else(self):
        port = programs.refusing_port()
        chop = self.chop("--mode", "bytes", target=port)
        with programs.connect(chop.port) as client:
            self.assertEqual(client.recv(9), b"")
        chop.wait_for_line("connection 0 is closed: connect to 127.0.0.1:%d: Connection refused"
                           % port, on="stderr")
        with programs.connect(chop.port) as client:  # chop is still there
            self.assertEqual(client.recv(9), b"")

    def test_v_shows_each_piece_escaped(self):
        chop = self.chop("--mode", "cuts", "--cuts", "2", "--seed", 0, "-v")
        self.pieces(chop, b"a\x1b\n")
        chop.wait_for_line(r'connection 0, to the server, byte 0: 2 "a\\x1b"$', on="stderr")
        chop.wait_for_line(r'connection 0, to the server, byte 2: 1 "\\n"$', on="stderr")


class Manners(ChopCase):
    def test_help(self):
        self.assert_help(CHOP)

    def test_usage_errors(self):
        for arguments, says in (
                ((), "--to HOST:PORT is missing"),
                (("--to", "localhost"), "HOST:PORT"),
                (("--to", "localhost:0"), "HOST:PORT"),
                (("--to", "localhost:65536"), "HOST:PORT"),
                (("--to", "a:1", "--mode", "gentle"), 'no "gentle"'),
                (("--to", "a:1", "--mode", "cuts"), "--cuts takes"),
                (("--to", "a:1", "--mode", "cuts", "--cuts", "1,,2"), "--cuts takes"),
                (("--to", "a:1", "--mode", "cuts", "--cuts", "-1"), "--cuts takes"),
                (("--to", "a:1", "--cuts", "3"), "--mode cuts"),
                (("--to", "a:1", "--codec", "u9"), "--codec is"),
                (("--to", "a:1", "--direction", "left"), "--direction is"),
                (("--to", "a:1", "--seed", "x"), "--seed takes"),
                (("--to", "a:1", "word"), "word")):
            with self.subTest(arguments):
                self.assert_usage_error(CHOP, *arguments, says=says)

    def test_its_own_address_is_no_target(self):
        with programs.listen() as other:
            port = programs.port_of(other)
        self.assert_usage_error(CHOP, "-p", port, "--to", "localhost:%d" % port,
                                says="chop itself")

    def test_a_target_without_address_ends_it_at_once(self):
        self.assert_fails(self.start(CHOP, "--to", "no.such.host.invalid:1"), 1, "no such host")
        search = self.start(CHOP, "--to", "no.such.host.invalid:1", "--find", "true")
        self.assert_fails(search, 2, "no such host")

    def test_it_stops_in_order(self):
        for by in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(by):
                self.assert_stops_in_order(CHOP, "--to", "127.0.0.1:1", by=by)

    def test_a_search_that_is_stopped_has_found_nothing_and_says_so(self):
        search = self.server(CHOP, "--to", "127.0.0.1:1", "--timeout", 60, "--find",
                             "echo running >&2; exec cat /dev/zero", "-v")
        search.wait_for_line("running", on="stderr")
        search.interrupt()
        self.assert_fails(search, 2, "stopped")

    def test_a_stop_delivers_what_has_come_and_ends_both_connections(self):
        chop = self.chop("--mode", "glue", "--hold", 60000, "--glue", 9, "-v")
        client, server = self.join(chop)
        client.sendall(frames(b"a") * 2)
        server.sendall(frames(b"b"))
        # Whoever is asked later has been served before: so both are with chop by now.
        other_client, other_server = self.join(chop)
        other_client.close()
        self.assertEqual(other_server.recv(9), b"")
        chop.interrupt()
        self.assertEqual(programs.recv_all(server), frames(b"a", b"a"))
        self.assertEqual(programs.recv_all(client), frames(b"b"))
        self.assertEqual(chop.wait_exit(), 0)


# A server that counts on pieces, in one way or another.
FRAGILE_SERVER = """
    import socket, sys
    listener = socket.create_server(("127.0.0.1", int(sys.argv[1])), reuse_port=False)
    print("ready", flush=True)
    while True:
        client, _ = listener.accept()
        with client:
            ends = [0]  # of the pieces
            for bytes in iter(lambda: client.recv(65536), b""):
                ends.append(ends[-1] + len(bytes))
                if len(bytes) < 7 and "--dies" in sys.argv:
                    sys.exit(1)
                if len(bytes) < 7 and "--once" in sys.argv:
                    sys.argv.remove("--once")
                    bytes = b"WRONG"
                if "--counts" in sys.argv:
                    bytes = b"%d" % len(bytes)
                if "--minds-3-and-14" in sys.argv and {3, 14} < set(ends):
                    bytes = bytes.upper()
                client.sendall(bytes)
"""

CLIENT = """
    import socket, sys
    peer = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
    peer.sendall(b"000004:hola000005:adios")
    peer.shutdown(socket.SHUT_WR)
    if "--one-recv" in sys.argv:
        print(peer.recv(65536))
    else:
        print(b"".join(iter(lambda: peer.recv(65536), b"")))
    if "--fails" in sys.argv:
        sys.exit(3)
"""


class Find(ChopCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.server_file, self.client_file = (
            str(Path(folder.name, name)) for name in ("server.py", "client.py"))
        Path(self.server_file).write_text(textwrap.dedent(FRAGILE_SERVER))
        Path(self.client_file).write_text(textwrap.dedent(CLIENT))
        free = programs.listen()
        self.port = programs.port_of(free)
        free.close()

    def start_server(self, *options):
        server = self.start(sys.executable, self.server_file, self.port, *options)
        server.wait_for_line("ready")

    def find(self, *client_options, chop_options=()):
        command = " ".join((PYTHON, self.client_file, "{port}", *client_options))
        return self.run_to_end(CHOP, "--to", "127.0.0.1:%d" % self.port, "--seed", 1, "--tries", 3,
                               *chop_options, "--find", command)

    def test_nothing_is_found_where_nothing_is_wrong(self):
        self.start_server()
        chop = self.find()
        self.assertEqual(chop.code, 0, chop.story(""))
        self.assertRegex(chop.stdout, "(?m)^nothing found: .*seed 1")

    def test_a_server_that_counts_on_pieces_is_found_and_the_cut_is_drawn(self):
        self.start_server("--counts")
        chop = self.find()
        self.assertEqual(chop.code, 1, chop.story(""))
        self.assertIn("the smallest cutting that fails: 1 cut, after byte 1 of the stream to the "
                      "server", chop.stdout)
        self.assertIn("  message 1, from byte 0 of the stream:\n"
                      "     0|0 0 0 0 4 : h o l a\n"
                      "     \\___________/ \\_____/\n"
                      "     header        payload\n"
                      "      ^ cut\n", chop.stdout)
        self.assertIn("again: chop --to 127.0.0.1:%d --direction up --mode cuts --cuts 1\n"
                      % self.port, chop.stdout)

    def test_two_cuts_that_break_it_only_together_are_both_found(self):
        self.start_server("--minds-3-and-14")
        chop = self.find()
        self.assertEqual(chop.code, 1, chop.story(""))
        self.assertIn("2 cuts, after the bytes 3,14 of the stream to the server", chop.stdout)
        self.assertIn("  message 1, from byte 0 of the stream:\n"
                      "     0 0 0|0 0 4 : h o l a\n"
                      "     \\___________/ \\_____/\n"
                      "     header        payload\n"
                      "          ^ cut\n"
                      "  message 2, from byte 11 of the stream:\n"
                      "     0 0 0|0 0 5 : a d i o s\n"
                      "     \\___________/ \\_______/\n"
                      "     header        payload\n"
                      "          ^ cut\n", chop.stdout)

    def test_what_is_found_can_be_repeated_with_the_line_that_is_printed(self):
        self.start_server("--minds-3-and-14")
        again = self.find().stdout.split("again: chop ")[1].split()
        chop = self.server(CHOP, *again)
        with programs.connect(chop.port) as peer:
            peer.sendall(b"000004:hola000005:adios")
            peer.shutdown(socket.SHUT_WR)
            self.assertEqual(programs.recv_all(peer), b"000004:HOLA000005:ADIOS")

    def test_a_client_that_counts_on_pieces_is_found_in_the_stream_to_it(self):
        self.start_server()
        chop = self.find("--one-recv", chop_options=("--direction", "down"))
        self.assertEqual(chop.code, 1, chop.story(""))
        self.assertIn("1 cut, after byte 1 of the stream to the client", chop.stdout)
        self.assertIn("--direction down --mode cuts --cuts 1\n", chop.stdout)

    def test_a_failure_that_does_not_repeat_is_shown_as_it_was(self):
        self.start_server("--once")
        chop = self.find()
        self.assertEqual(chop.code, 1, chop.story(""))
        self.assertIn("but not each time: it depends on something else too\n", chop.stdout)
        uncut, cut = re.findall(r'(?m)^(?:uncut|cut): +(.*)$', chop.stdout)
        self.assertIn('"b\'000004:hola000005:adios\'\\n"', uncut)
        self.assertIn("WRONG", cut)

    def test_a_search_without_a_server_finds_nothing_out_and_says_so(self):
        for options in ((), ("--start", "sleep 60")):
            with self.subTest(options=options):
                # The client ends with 0 and prints the same, whether there is a server or not.
                chop = self.run_to_end(
                    CHOP, "--to", "127.0.0.1:%d" % self.port, "--tries", 3, "--timeout", 20,
                    *options, "--find", "exec %s %s {port}" % (PYTHON, self.silent_client()))
                self.assert_fails(chop, 2, "no server at 127.0.0.1:%d: connect to .*refused"
                                  % self.port)
                self.assertNotIn("nothing found", chop.stdout)

    def test_a_server_that_dies_unnoticed_by_its_client_is_noticed(self):
        self.start_server("--dies")
        chop = self.run_to_end(CHOP, "--to", "127.0.0.1:%d" % self.port, "--seed", 1, "--tries", 3,
                               "--find", "%s %s {port}" % (PYTHON, self.silent_client()))
        self.assertEqual(chop.code, 1, chop.story(""))
        self.assertIn("the server does not survive it", chop.stdout)

    def silent_client(self):
        """A client that sends, ends with 0 and prints nothing, whatever comes back."""
        path = Path(self.client_file).with_name("silent.py")
        path.write_text("import contextlib, socket, sys\n"
                        "with contextlib.suppress(OSError):\n"
                        "    peer = socket.create_connection(('127.0.0.1', int(sys.argv[1])), 20)\n"
                        "    peer.sendall(b'000004:hola')\n"
                        "    peer.shutdown(socket.SHUT_WR)\n"
                        "    while peer.recv(99): pass\n")
        return str(path)

    def test_a_server_that_dies_of_it_is_noticed(self):
        self.start_server("--dies")
        chop = self.find()
        self.assertEqual(chop.code, 1, chop.story(""))
        self.assertIn("does not survive", chop.stdout)
        self.assertIn("--start", chop.stdout)

    def test_a_server_that_dies_of_it_can_be_started_for_each_run(self):
        start = "exec %s %s %d --dies" % (PYTHON, self.server_file, self.port)
        chop = self.find(chop_options=("--start", start))
        self.assertEqual(chop.code, 1, chop.story(""))
        self.assertIn("1 cut, after byte 1 of the stream to the server", chop.stdout)

    def test_a_command_that_fails_uncut_cannot_be_searched(self):
        self.start_server()
        chop = self.find("--fails")
        self.assert_fails(chop, 2, "fails when nothing is cut .*exit code 3")

    def test_a_command_that_goes_past_chop_to_the_server_cannot_be_searched(self):
        self.start_server("--counts")
        command = " ".join((PYTHON, self.client_file, str(self.port)))
        chop = self.run_to_end(CHOP, "--to", "127.0.0.1:%d" % self.port, "--find", command)
        self.assert_fails(chop, 2, "the command never came to chop: write {port} where its port")
        self.assertNotIn("nothing found", chop.stdout)

    def test_a_command_that_leaves_at_once_has_come_all_the_same(self):
        self.start_server()
        connect = "exec %s -c 'import socket; socket.create_connection((\"127.0.0.1\", {port}))'"
        chop = self.run_to_end(CHOP, "--to", "127.0.0.1:%d" % self.port, "--find", connect % PYTHON)
        self.assertEqual(chop.code, 0, chop.story(""))

    def test_a_run_without_end_is_a_failure(self):
        self.start_server()
        chop = self.run_to_end(CHOP, "--to", "127.0.0.1:%d" % self.port, "--seed", 1, "--timeout",
                               1, "--find", "sleep 60 & wait")
        self.assert_fails(chop, 2, "fails when nothing is cut .*does not end in time")


if __name__ == "__main__":
    unittest.main()

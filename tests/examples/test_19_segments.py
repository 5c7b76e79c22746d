#!/usr/bin/env python3
"""Chapter 19: the first program, the captures that the page shows, and the dissector for Wireshark.

Run: TRAMA_BUILD=build python3 tests/examples/test_19_segments.py

The dissector is tested with tshark, which reads each capture once as a live one (in one pass) and
once as Wireshark does (in two).
"""
import collections
import functools
import os
import random
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

import captures
import programs
from captures import ACK, PSH, Talk
from test_tools_badlink import why_not
from test_tools_segments import rows_of

FIRST = "19_segments/first_exchange"
SCRIPT = programs.ROOT / "examples" / "19_segments" / "trama.lua"
PROTOCOLS = ("six_digits", "length_prefix", "file_store", "hftp")
CAPTURES = programs.ROOT / "docs" / "captures"


def segments_of(path):
    done = subprocess.run([programs.example("tools/segments"), "list", str(path)], check=True,
                          capture_output=True, text=True)
    return rows_of(done.stdout)


def behind_badlink(capture, command, folder, options=(), **names):
    """Runs a command of sh over the link. Returns what it printed."""
    done = subprocess.run(
        [programs.example("tools/badlink"), "-q", "--delay", "2ms", *options, "--pcap",
         str(capture), "--", "sh", "-euc", command],
        env={**os.environ, **{name: str(value) for name, value in names.items()}},
        cwd=folder, capture_output=True, text=True, timeout=programs.LIMIT)
    if done.returncode != 0:
        raise AssertionError(done.stdout + done.stderr)
    return done.stdout


class Case(programs.TestCase):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def need_link(self):
        reason = why_not()
        if reason:
            self.skipTest(reason)

    def assert_exchange(self, rows):
        flags = [(row.way, row.flags) for row in rows if row.flags != "ACK"]
        self.assertEqual(flags, [("->", "SYN"), ("<-", "SYN,ACK"), ("->", "PSH,ACK"),
                                 ("<-", "PSH,ACK"), ("->", "FIN,ACK"), ("<-", "FIN,ACK")])
        self.assertEqual((rows[-1].rel_seq, rows[-1].rel_ack), (6, 6))


class FirstProgram(Case):
    def test_it_prints_its_three_phases(self):
        program = self.run_to_end(programs.example(FIRST), "127.0.0.1", 0)
        self.assertEqual((program.code, program.stderr), (0, ""))
        self.assertRegex(program.stdout,
                         r'\Afrom 127\.0\.0\.1:\d+ to 127\.0\.0\.1:\d+\n'
                         r'the client has received "hola"\n'
                         r'the server has received 0 bytes: the end of the stream\n\Z')

    def test_a_host_that_reaches_no_listener_is_an_error_in_one_line(self):
        if not programs.has_ipv6():
            self.skipTest("this machine has no ::1")
        program = self.run_to_end(programs.example(FIRST), "::1", 0)
        self.assertEqual(program.code, 1)
        self.assertRegex(program.stderr, r"\Aconnect to \[::1\]:\d+: Connection refused.*\n\Z")

    def test_behind_a_link_its_capture_has_the_segments_of_the_page(self):
        self.need_link()
        path = self.folder / "exchange.pcap"
        once = '"$first" "$BADLINK_HOST" 0; '
        behind_badlink(path, 2 * once,  # when the second one ends, all of the first has arrived
                       self.folder, first=programs.example(FIRST))
        self.assert_exchange([row for row in segments_of(path) if row.conn == 1])


class CapturesOfThePage(Case):
    def test_one_exchange_is_set_up_transfer_and_release(self):
        self.assert_exchange(segments_of(CAPTURES / "exchange.pcap"))

    def test_each_end_counts_one_for_SYN_four_for_hola_and_one_for_FIN(self):
        rows = segments_of(CAPTURES / "exchange.pcap")
        for way, back in (("->", "<-"), ("<-", "->")):
            first = next(row for row in rows if row.way == way)
            last = [row for row in rows if row.way == back][-1]
            self.assertEqual(last.ack - first.seq, 1 + 4 + 1)

    def test_with_unread_bytes_there_is_a_RST_and_no_FIN(self):
        rows = segments_of(CAPTURES / "unread.pcap")
        self.assertEqual([row.flags for row in rows if "FIN" in row.flags], [])
        self.assertEqual((rows[-1].way, rows[-1].flags), ("->", "RST,ACK"))

    def test_an_answer_came_in_three_segments(self):
        self.assertEqual([row.len for row in segments_of(CAPTURES / "frames.pcap")
                          if row.way == "<-" and row.len > 0], [3, 6, 2])

    def test_they_are_small_and_the_README_says_how_each_was_made(self):
        readme = (CAPTURES / "README.md").read_text()
        for file in CAPTURES.iterdir():
            self.assertLess(file.stat().st_size, 4096, file.name)
            if file.name != "README.md":
                self.assertIn(file.name, readme)


# ---- the dissector ------------------------------------------------------------------------------

@functools.lru_cache(maxsize=None)
def why_no_tshark():
    if not shutil.which("tshark"):
        return "tshark is not installed: apt-get install tshark"
    version = subprocess.run(["tshark", "-v"], capture_output=True, text=True).stdout
    if not re.search(r"\bwith Lua\b", version):
        return "this tshark has no Lua"
    return None


def big(number, size=8):
    return number.to_bytes(size, "big")


def pieces(data, cut):
    """`data` in segments: "whole", "bytes", or at places that a seed chooses."""
    if cut == "whole":
        return [data]
    if cut == "bytes":
        return [data[i:i + 1] for i in range(len(data))]
    places = sorted(random.Random(cut).sample(range(1, len(data)), min(4, len(data) - 1)))
    return [data[a:b] for a, b in zip([0, *places], [*places, len(data)])]


def conversation(turns, port, cut="whole", client_port=40000):
    """The packets of one connection. `turns` are ("up" or "down", bytes)."""
    talk = Talk(client_port=client_port, server_port=port)
    packets = talk.handshake()
    for way, data in turns:
        for piece in pieces(data, cut):
            packets.append(talk.send(way, PSH | ACK, piece))
    return packets + talk.release()


class Dissector(Case):
    CUTS = ("whole", "bytes", 1, 2, 3)

    def setUp(self):
        super().setUp()
        reason = why_no_tshark()
        if reason:
            self.skipTest(reason)

    def tshark(self, path, *options):
        done = subprocess.run(
            ["tshark", "-n", "-X", "lua_script:%s" % SCRIPT, "-r", str(path), *options],
            env={**os.environ, "HOME": str(self.folder), "XDG_CONFIG_HOME": str(self.folder)},
            capture_output=True, encoding="utf-8", timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNotRegex(done.stderr + done.stdout, "(?i)lua.*error|error.*lua")
        return done.stdout

    def values(self, source, *options):
        """All (field, value) of our protocols in a capture with one connection, in order."""
        return sum(self.values_of_each(source, *options), [])

    def values_of_each(self, source, *options):
        """The same for each connection of a capture."""
        path = source
        if not isinstance(source, Path):
            path = self.folder / "made.pcap"
            path.write_bytes(captures.pcap(source))
        one_pass = by_connection(self.tshark(path, *options, "-T", "pdml"))
        two_passes = by_connection(self.tshark(path, *options, "-T", "pdml", "-2", "-R", "tcp"))
        self.assertEqual(one_pass, two_passes)
        return one_pass

    def assert_values(self, turns, port, expected, *options):
        """Whatever the segments are, the values are these: one connection for each way to cut."""
        packets = []
        for place, cut in enumerate(self.CUTS):
            packets += conversation(turns, port, cut, 40000 + place)
        found = self.values_of_each(packets, *options)
        for cut, values in zip(self.CUTS, found):
            with self.subTest(cut=cut):
                self.assertEqual(values, expected)
        self.assertEqual(len(found), len(self.CUTS))


def by_connection(pdml):
    """(field, value) of our protocols in each connection, without the name of the protocol. The
    pieces of a file are put together."""
    found = collections.defaultdict(list)
    for packet in ElementTree.fromstring(pdml).iter("packet"):
        stream = int(packet.find(".//field[@name='tcp.stream']").get("show"))
        for node in packet.iter("field"):
            protocol, _, name = node.get("name").partition(".")
            if protocol in PROTOCOLS:
                add_value(found[stream], name, node)
    return [found[stream] for stream in sorted(found)]


def add_value(values, name, node):
    value = node.get("show")
    if name in ("file", "data"):
        value = bytes.fromhex(node.get("value"))
        if values and values[-1][0] == name:
            value = values.pop()[1] + value
    values.append((name, value))


class SixDigits(Dissector):
    def test_messages_are_found_in_any_segments(self):
        self.assert_values([("up", "000004:hola000000:000005:años".encode()),
                            ("down", b"000004:hola")], 5000,
                           [("length", "4"), ("payload", "hola"), ("length", "0"),
                            ("payload", ""), ("length", "5"), ("payload", "años"),
                            ("length", "4"), ("payload", "hola")])

    def test_a_long_message_is_put_together(self):
        data = b"%06d:" % 100_000 + b"x" * 100_000
        turns = [("up", data[i:i + 1448]) for i in range(0, len(data), 1448)]
        self.assertEqual(self.values(conversation(turns, 65433)),
                         [("length", "100000"), ("payload", "x" * 100_000)])

    def test_bytes_of_another_format_are_left_to_others(self):
        packets = []
        for data in (b"hola", b"+00004:hola", b"4:hola", b"000004;hola", b"00004\xb2:hola"):
            packets += conversation([("up", data)], 5000, "whole", 40000 + len(packets))
        self.assertEqual(self.values(packets), [])
        shown_as_data = self.tshark(self.folder / "made.pcap", "-T", "fields", "-e", "data.len")
        self.assertEqual(shown_as_data.split(), ["4", "11", "6", "11", "11"])

    def test_what_follows_a_message_and_is_none_is_shown_as_such(self):
        packets = conversation([("up", b"000004:hola5:hello")], 5000)
        self.assertEqual(self.values(packets), [("length", "4"), ("payload", "hola")])
        self.assertIn("No message of this format",
                      self.tshark(self.folder / "made.pcap", "-V"))

    def test_a_message_whose_rest_never_comes_is_not_shown(self):
        self.assertEqual(self.values(conversation([("up", b"000005:hol")], 5000)), [])

    def test_another_port_is_decoded_as_it_is_told(self):
        self.assertEqual(self.values(conversation([("up", b"000001:x")], 7777)), [])
        self.assert_values([("up", b"000001:x")], 7777, [("length", "1"), ("payload", "x")],
                           "-d", "tcp.port==7777,six_digits")


class LengthPrefix(Dissector):
    AS = ("-d", "tcp.port==7777,length_prefix")

    def test_messages_are_found_in_any_segments(self):
        self.assert_values([("up", big(4, 4) + b"hola" + big(0, 4) + big(1, 4) + b"\0"),
                            ("down", big(2, 4) + b"\xff\n")], 7777,
                           [("length", "4"), ("payload", "68:6f:6c:61"), ("length", "0"),
                            ("payload", ""), ("length", "1"), ("payload", "00"),
                            ("length", "2"), ("payload", "ff:0a")], *self.AS)

    def test_a_length_above_the_limit_is_left_to_others(self):
        turns = [("up", b"GET / HTTP/1.1\r\n\r\n")]
        self.assertEqual(self.values(conversation(turns, 7777), *self.AS), [])


class FileStore(Dissector):
    PORT = 4321

    def test_an_upload(self):
        for answer, statuses in ((b"\0", ["0"]), (b"\0\0", ["0", "0"]), (b"\0\4", ["0", "4"])):
            self.assert_values(
                [("up", b"\0" + big(6) + "año.b".encode() + big(300) + b"\0x:" * 100),
                 ("down", answer)], self.PORT,
                [("opcode", "0"), ("length", "6"), ("name", "año.b"), ("length", "300"),
                 ("file", b"\0x:" * 100)] + [("status", each) for each in statuses])

    def test_a_download(self):
        self.assert_values(
            [("up", b"\1"), ("down", b"\0"), ("up", big(5) + b"a.txt"),
             ("down", b"\0" + big(3) + b"abc")], self.PORT,
            [("opcode", "1"), ("status", "0"), ("length", "5"), ("name", "a.txt"),
             ("status", "0"), ("length", "3"), ("file", b"abc")])

    def test_a_download_of_a_file_that_is_not_there(self):
        self.assert_values([("up", b"\1" + big(1) + b"a"), ("down", b"\0\2")], self.PORT,
                           [("opcode", "1"), ("length", "1"), ("name", "a"), ("status", "0"),
                            ("status", "2")])

    def test_an_empty_file(self):
        self.assert_values([("up", b"\1" + big(1) + b"a"), ("down", b"\0\0" + big(0))],
                           self.PORT,
                           [("opcode", "1"), ("length", "1"), ("name", "a"), ("status", "0"),
                            ("status", "0"), ("length", "0")])

    def test_a_list(self):
        text = b"('a', 1, 2.5)\n('b', 3, 4.5)"
        self.assert_values([("up", b"\2"), ("down", b"\0" + big(len(text)) + text)], self.PORT,
                           [("opcode", "2"), ("status", "0"), ("length", str(len(text))),
                            ("entry", "('a', 1, 2.5)"), ("entry", "('b', 3, 4.5)")])

    def test_a_length_of_any_size_does_no_harm(self):
        packets, expected = [], []
        for place, number in enumerate((2**63 - 1, 2**63, 2**64 - 1)):
            turns = [("up", b"\0" + big(1) + b"a" + big(number) + b"abc")]
            packets += conversation(turns, self.PORT, client_port=40000 + place)
            packets += conversation([("up", b"\0" + big(number) + b"a")], self.PORT,
                                    client_port=41000 + place)
            expected += [[("opcode", "0"), ("length", "1"), ("name", "a"),
                          ("length", str(number)), ("file", b"abc")], [("opcode", "0")]]
        self.assertEqual(self.values_of_each(packets), expected)

    def test_our_programs_behind_a_link_that_loses_packets(self):
        self.need_link()
        path, file = self.folder / "store.pcap", self.folder / "photo.jpg"
        file.write_bytes(random.Random(1).randbytes(200_000))
        behind_badlink(path, """
            mkfifo started; mkdir files
            "$store/start-server" -q -H 0.0.0.0 -p 4321 -s files > started & server=$!
            read line < started
            "$store/upload-file" -q -H "$BADLINK_HOST" -p 4321 -s photo.jpg -n photo.jpg
            "$store/download-file" -q -H "$BADLINK_HOST" -p 4321 -d copy.jpg -n photo.jpg
            kill $server; wait $server || true""", self.folder, ("--loss", "3", "--seed", "4"),
                       store=programs.BUILD / "examples" / "16_file_store")
        found = self.values(path, "-o", "tcp.reassemble_out_of_order:TRUE")
        self.assertEqual([value for name, value in found if name == "file"],
                         [file.read_bytes()] * 2)
        self.assertEqual([value for name, value in found if name == "name"], ["photo.jpg"] * 2)


class Hftp(Dissector):
    PORT = 19500

    def test_each_request_has_its_answer_in_any_segments(self):
        up = b"get_file_listing\r\nget_metadata a\r\nget_slice a 0 4\r\nget_slice a 0 4 raw\r\n"
        down = (b"0 OK\r\na\r\n\r\n" b"0 OK\r\n4\r\n" b"0 OK\r\naG9sYQ==\r\n"
                b"0 OK\r\nContent-Length: 4\r\n\r\nhola")
        answer = [("code", "0"), ("answer", "0 OK")]
        self.assert_values(
            [("up", up), ("down", down), ("up", b"quit\r\n"), ("down", b"0 OK\r\n")], self.PORT,
            [("request", "get_file_listing"), ("request", "get_metadata a"),
             ("request", "get_slice a 0 4"), ("request", "get_slice a 0 4 raw"),
             *answer, ("line", "a"), ("line", ""), *answer, ("line", "4"),
             *answer, ("data", b"aG9sYQ=="), ("line", ""),
             *answer, ("line", "Content-Length: 4"), ("line", ""), ("data", b"hola"),
             ("request", "quit"), *answer])

    def test_an_error_has_no_body(self):
        self.assert_values(
            [("up", b"get_slice a 9 9\r\nget_metadata a\r\n"),
             ("down", b"203 OFFSET EXCEEDS FILE SIZE\r\n0 OK\r\n4\r\n")], self.PORT,
            [("request", "get_slice a 9 9"), ("request", "get_metadata a"),
             ("code", "203"), ("answer", "203 OFFSET EXCEEDS FILE SIZE"),
             ("code", "0"), ("answer", "0 OK"), ("line", "4")])

    def test_an_empty_slice(self):
        self.assert_values(
            [("up", b"get_slice a 0 0\r\nget_slice a 0 0 raw\r\nhelp\r\n"),
             ("down", b"0 OK\r\n\r\n0 OK\r\nContent-Length: 0\r\n\r\n0 OK\r\nhelp\r\n\r\n")],
            self.PORT,
            [("request", "get_slice a 0 0"), ("request", "get_slice a 0 0 raw"),
             ("request", "help"), ("code", "0"), ("answer", "0 OK"), ("line", ""), ("code", "0"),
             ("answer", "0 OK"), ("line", "Content-Length: 0"), ("line", ""), ("code", "0"),
             ("answer", "0 OK"), ("line", "help"), ("line", "")])


class TwoConnections(Dissector):
    def test_each_has_a_state_of_its_own(self):
        def store(port, opcode, rest):
            talk = Talk(client_port=port, server_port=4321)
            return talk.handshake() + [talk.up(opcode), talk.down(b"\0"), talk.up(rest)]

        first = store(40000, b"\1", big(1) + b"a")
        second = store(40001, b"\0", big(1) + b"b" + big(0))
        mixed = [packet for pair in zip(first, second) for packet in pair]
        self.assertEqual([dict(values)["name"] for values in self.values_of_each(mixed)],
                         ["a", "b"])


if __name__ == "__main__":
    unittest.main()

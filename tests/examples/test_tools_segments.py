"""examples/tools/segments: the segments of capture files. Most captures are made here, byte by byte
(see captures.py). Where tshark is installed, its numbers and marks are compared with ours.
"""
import collections
import os
import random
import re
import shutil
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

import captures
import programs
from captures import ACK, FIN, PSH, RST, SYN, Talk

SEGMENTS = "tools/segments"
HEADING = "packet conn"

Row = collections.namedtuple(
    "Row", "packet conn seconds way flags seq ack rel_seq rel_ack len window notes")


def rows_of(text):
    """The segments of a list, as Row tuples; missing numbers are None."""
    lines = iter(text.splitlines())
    for line in lines:
        if line.strip().startswith(HEADING):
            break
    rows = []
    for line in lines:
        words = line.split(None, 11)
        number = [None if word == "-" else int(word) for word in words[5:11]]
        notes = words[11].strip() if len(words) > 11 else ""
        rows.append(Row(int(words[0]), int(words[1]), words[2], words[3], words[4], *number,
                        notes))
    return rows


def whole_conversation():
    """A handshake, "hola" and its echo, and the release, as Ethernet frames."""
    talk = Talk(client_seq=1000, server_seq=2000)
    return talk.handshake() + [
        talk.up(b"hola", flags=PSH | ACK), talk.down(), talk.down(b"hola", flags=PSH | ACK),
        talk.up()] + talk.release()


class SegmentsCase(programs.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def file(self, data, name="test.pcap"):
        path = self.folder / name
        path.write_bytes(data)
        return path

    def run_on(self, data, *options, command="list"):
        return self.run_to_end(SEGMENTS, command, self.file(data), *options)

    def listed(self, data, *options):
        """The output of a run that succeeds."""
        program = self.run_on(data, *options)
        self.assertEqual((program.code, program.stderr), (0, ""), program.story("it failed"))
        return program.stdout

    def rows(self, data, *options):
        return rows_of(self.listed(data, *options))

    def notes(self, packets):
        return [row.notes for row in self.rows(captures.pcap(packets))]

    def assert_damaged(self, data, says, rows):
        """Exit code 1, an error with a place, and the segments before it."""
        program = self.run_on(data)
        self.assert_fails(program, 1, says)
        self.assertRegex(program.stderr, r"test\.pcap: byte \d+: ")
        self.assertEqual(len(rows_of(program.stdout)), rows, program.story("other rows"))


class Manners(SegmentsCase):
    def test_help_shows_examples_first(self):
        self.assert_help(SEGMENTS)

    def test_a_wrong_command_line_is_a_usage_error(self):
        for words, says in (((), "a command and a file"), (("list",), "a command and a file"),
                            (("draw", "x"), 'no command "draw"'),
                            (("list", "x", "--connection", "0"), "--connection takes a number"),
                            (("list", "x", "y"), "y")):
            with self.subTest(words):
                self.assert_usage_error(SEGMENTS, *words, says=says)

    def test_a_file_that_is_not_there_is_named(self):
        self.assert_usage_error(SEGMENTS, "list", "no such file", says="no such file")

    def test_a_pipe_is_refused_because_it_cannot_be_read_twice(self):
        pipe = self.folder / "pipe"
        os.mkfifo(pipe)
        keep = os.open(pipe, os.O_RDWR)
        self.addCleanup(os.close, keep)
        self.assert_usage_error(SEGMENTS, "list", pipe, says="no regular file")


class List(SegmentsCase):
    def test_each_segment_has_its_absolute_and_relative_numbers(self):
        rows = self.rows(captures.pcap(whole_conversation()))
        self.assertEqual([row[1:11] for row in rows], [
            (1, "0.000000", "->", "SYN", 1000, None, 0, None, 0, 64240),
            (1, "0.001000", "<-", "SYN,ACK", 2000, 1001, 0, 1, 0, 65160),
            (1, "0.002000", "->", "ACK", 1001, 2001, 1, 1, 0, 65536),
            (1, "0.003000", "->", "PSH,ACK", 1001, 2001, 1, 1, 4, 65536),
            (1, "0.004000", "<-", "ACK", 2001, 1005, 1, 5, 0, 65536),
            (1, "0.005000", "<-", "PSH,ACK", 2001, 1005, 1, 5, 4, 65536),
            (1, "0.006000", "->", "ACK", 1005, 2005, 5, 5, 0, 65536),
            (1, "0.007000", "->", "FIN,ACK", 1005, 2005, 5, 5, 0, 65536),
            (1, "0.008000", "<-", "FIN,ACK", 2005, 1006, 5, 6, 0, 65536),
            (1, "0.009000", "->", "ACK", 1006, 2006, 6, 6, 0, 65536)])

    def test_absolute_alone_leaves_the_relative_numbers_out(self):
        text = self.listed(captures.pcap(whole_conversation()), "-a")
        self.assertNotIn("rel.seq", text)
        self.assertRegex(text, r"(?m)^ +4 +1 +0\.003000 -> PSH,ACK +1001 +2001 +4 +65536$")

    def test_the_options_of_the_handshake_are_shown(self):
        talk = Talk()
        options = captures.MSS + captures.SACK + captures.TIMESTAMP + captures.SCALE
        rows = self.rows(captures.pcap(talk.handshake(options)))
        self.assertEqual(rows[0].notes,
                         "MSS 1460, SACK permitted, timestamp 77 echo 0, window scale 7")
        self.assertEqual(rows[1].notes, rows[0].notes)

    def test_the_client_is_the_one_that_sent_the_SYN_even_from_a_small_port(self):
        talk = Talk(client_port=80, server_port=50000)
        text = self.listed(captures.pcap(talk.handshake()))
        self.assertIn("connection 1: client 10.0.0.1:80, server 10.0.0.2:50000; 3 segments", text)

    def test_without_a_SYN_the_client_is_the_one_with_the_larger_port(self):
        for ports, client in (((40000, 5000), "10.0.0.1:40000"), ((80, 7000), "10.0.0.2:7000")):
            with self.subTest(ports):
                talk = Talk(client_port=ports[0], server_port=ports[1])
                text = self.listed(captures.pcap([talk.up(b"a")]))
                self.assertIn("client " + client, text)
                self.assertIn("no complete handshake", text)

    def test_a_connection_that_begins_with_SYN_ACK_has_its_server_there(self):
        talk = Talk(client_port=80, server_port=50000)
        self.assertIn("client 10.0.0.1:80,",
                      self.listed(captures.pcap([talk.down(flags=SYN | ACK)])))

    def test_without_a_handshake_relative_numbers_begin_at_one(self):
        talk = Talk(client_seq=7000, server_seq=9000)
        rows = self.rows(captures.pcap([talk.up(b"hola"), talk.down()]))
        self.assertEqual([(row.rel_seq, row.rel_ack, row.window) for row in rows],
                         [(1, 1, 512), (1, 5, 512)])

    def test_a_window_is_scaled_only_if_both_ends_have_the_option(self):
        talk = Talk()
        packets = [talk.up(flags=SYN, options=captures.SCALE, window=64240),
                   talk.down(flags=SYN | ACK, window=65160), talk.up(), talk.down()]
        self.assertEqual([row.window for row in self.rows(captures.pcap(packets))],
                         [64240, 65160, 512, 512])

    def test_connections_are_numbered_and_one_can_be_chosen(self):
        first, second = Talk(), Talk(client_port=40001, client_seq=5)
        packets = [*first.handshake(), *second.handshake(), first.up(b"a"), second.up(b"b")]
        self.assertEqual([row.conn for row in self.rows(captures.pcap(packets))],
                         [1, 1, 1, 2, 2, 2, 1, 2])
        text = self.listed(captures.pcap(packets), "--connection", "2")
        self.assertEqual([row.packet for row in rows_of(text)], [4, 5, 6, 8])
        self.assertNotIn("connection 1:", text)
        self.assertEqual(rows_of(text)[0].seconds, "0.000000")

    def test_a_connection_that_is_not_there_is_named(self):
        path = self.file(captures.pcap(whole_conversation()))
        self.assert_usage_error(SEGMENTS, "list", path, "--connection", "2",
                                says="no connection 2")

    def test_a_new_SYN_on_the_same_ports_begins_another_connection(self):
        first, second = Talk(client_seq=1000), Talk(client_seq=900_000)
        rows = self.rows(captures.pcap(first.handshake() + second.handshake()))
        self.assertEqual([row.conn for row in rows], [1, 1, 1, 2, 2, 2])
        self.assertEqual(rows[3].rel_seq, 0)

    def test_the_same_SYN_again_is_a_retransmission(self):
        talk = Talk()
        syn = talk.up(flags=SYN)
        self.assertEqual(self.notes([(0, syn), (10**9, syn)]), ["", "retransmission"])

    def test_numbers_pass_over_the_end_of_32_bits(self):
        talk = Talk(client_seq=2**32 - 3)
        packets = talk.handshake() + [talk.up(b"hola"), talk.up(b"adios"), talk.down()]
        rows = self.rows(captures.pcap(packets))
        self.assertEqual([(row.seq, row.rel_seq, row.notes) for row in rows[2:5]],
                         [(2**32 - 2, 1, ""), (2**32 - 2, 1, ""), (2, 5, "")])
        self.assertEqual((rows[5].ack, rows[5].rel_ack, rows[5].notes), (7, 10, ""))

    def test_a_reset_is_told(self):
        talk = Talk()
        text = self.listed(captures.pcap(talk.handshake() + [talk.down(flags=RST | ACK)]))
        self.assertIn("; reset", text)
        self.assertEqual(rows_of(text)[3].flags, "RST,ACK")

    def test_a_clock_that_was_set_back_gives_negative_times(self):
        talk = Talk()
        rows = self.rows(captures.pcap([(5_000_000, talk.up()), (3_500_000, talk.down())]))
        self.assertEqual(rows[1].seconds, "-0.001500")


class Marks(SegmentsCase):
    """The definitions of Wireshark, each with the smallest conversation that has it."""

    def after_handshake(self, *packets):
        """The notes of what follows a handshake that took 2 ms."""
        return self.notes(self.opening + list(packets))[3:]

    def setUp(self):
        super().setUp()
        self.talk = Talk(client_seq=0, server_seq=0)
        self.opening = self.talk.handshake()

    def test_data_that_comes_again_late_is_a_retransmission(self):
        talk = self.talk
        first = talk.up(b"a" * 100)
        self.assertEqual(self.after_handshake(first, (300_000_000, first)),
                         ["", "retransmission"])

    def test_data_that_was_acknowledged_and_comes_again_is_a_spurious_retransmission(self):
        talk = self.talk
        first = talk.up(b"a" * 100)
        self.assertEqual(self.after_handshake(first, talk.down(), first),
                         ["", "", "spurious retransmission"])

    def test_data_after_two_duplicate_acks_is_a_fast_retransmission(self):
        talk = self.talk
        lost = talk.up(b"a" * 100)
        packets = [lost, talk.up(b"b" * 100), talk.up(b"c" * 100)]
        acks = [talk.down(ack=1), talk.down(ack=1)]
        self.assertEqual(self.after_handshake(talk.down(ack=1), *packets, *acks, lost)[1:],
                         ["", "", "", "duplicate ack 1", "duplicate ack 2",
                          "fast retransmission"])

    def test_a_segment_that_fills_a_gap_soon_is_out_of_order(self):
        talk = self.talk
        first, second = talk.up(b"a" * 100), talk.up(b"b" * 100)
        self.assertEqual(self.after_handshake(second, first), ["gap before", "out of order"])

    def test_a_window_of_zero_is_told_and_a_byte_sent_into_it_is_a_probe(self):
        talk = self.talk
        packets = [talk.up(b"a" * 100), talk.down(window=0),
                   talk.up(b"x", seq=101), talk.down(window=0), talk.down(window=9)]
        self.assertEqual(self.after_handshake(*packets),
                         ["", "zero window", "zero window probe",
                          "zero window, ack of a zero window probe", "window update"])

    def test_a_segment_up_to_the_edge_of_the_window_fills_it(self):
        talk = self.talk
        packets = [talk.down(window=2), talk.up(b"a" * 200), talk.up(b"b" * 56)]
        self.assertEqual(self.after_handshake(*packets), ["window update", "", "window full"])

    def test_a_keep_alive_and_its_ack(self):
        talk = self.talk
        packets = [talk.up(b"a"), talk.down(), talk.up(seq=1), talk.down()]
        self.assertEqual(self.after_handshake(*packets),
                         ["", "", "keep-alive", "ack of a keep-alive"])

    def test_an_ack_of_what_was_not_captured(self):
        talk = self.talk
        packets = [talk.down(), talk.down(ack=500)]
        self.assertEqual(self.after_handshake(*packets)[1:], ["acks bytes not captured"])


class Formats(SegmentsCase):
    def assert_as_usual(self, data, message=None):
        """The conversation is all there, with its times."""
        rows = self.rows(data)
        usual = self.rows(captures.pcap(whole_conversation()))
        short = [row._replace(seconds=row.seconds[:8]) for row in rows]
        self.assertEqual(short, usual, message)

    def test_pcap_in_both_byte_orders_with_micro_and_nanoseconds(self):
        for order in "<>":
            for nano in (False, True):
                with self.subTest(order=order, nano=nano):
                    data = captures.pcap(whole_conversation(), order, nano)
                    self.assert_as_usual(data)
                    digits = len(self.rows(data)[0].seconds.split(".")[1])
                    self.assertEqual(digits, 9 if nano else 6)

    def test_pcapng_in_both_byte_orders(self):
        for order in "<>":
            with self.subTest(order):
                self.assert_as_usual(captures.pcapng(whole_conversation(), order))

    def test_pcapng_with_each_kind_of_resolution(self):
        packets = [(0, Talk().up()), (1_500_000_000, Talk().up(b"a"))]
        for resolution, units in ((0, 1), (3, 10**3), (6, 10**6), (9, 10**9), (0x81, 2),
                                  (0x8A, 2**10), (0xA0, 2**32)):
            with self.subTest(resolution):
                data = captures.pcapng(packets, resolution=resolution, units=units)
                expected = "1.0" if resolution == 0 else "1.5"
                self.assertEqual(self.rows(data)[1].seconds[:3], expected)

    def test_pcapng_with_units_in_which_the_time_since_1970_has_no_room(self):
        for resolution, units in ((12, 10**12), (19, 10**19), (0xA8, 2**40), (0xBF, 2**63)):
            with self.subTest(resolution):
                data = (captures.section() + captures.interface(resolution=resolution) +
                        captures.enhanced(0, Talk().up()) +
                        captures.enhanced(units * 3 // 2, Talk().up(b"a")))
                self.assertEqual(self.rows(data)[1].seconds, "1.500000000")

    def test_pcapng_with_simple_packets_has_no_times(self):
        data = captures.section() + captures.interface() + b"".join(
            map(captures.simple, whole_conversation()))
        rows = self.rows(data)
        self.assertEqual(len(rows), 10)
        self.assertEqual({row.seconds for row in rows}, {"0.000000"})

    def test_pcapng_blocks_that_are_unknown_are_skipped(self):
        packets = captures.timed(whole_conversation())
        unknown = captures.block(0xBAD, b"x" * 5000)
        statistics = captures.block(5, bytes(12))
        data = captures.section() + unknown + captures.interface() + b"".join(
            captures.enhanced(time // 1000, packet) + unknown + statistics
            for time, packet in packets)
        self.assert_as_usual(data)

    def test_pcapng_with_two_interfaces_and_two_sections(self):
        packets = captures.timed(whole_conversation())
        first = captures.section("<") + captures.interface(
            "<", captures.RAW) + captures.interface("<") + b"".join(
                captures.enhanced(time // 1000, packet, "<", 1) for time, packet in packets[:5])
        second = captures.section(">") + captures.interface(">", resolution=9) + b"".join(
            captures.enhanced(time, packet, ">") for time, packet in packets[5:])
        self.assert_as_usual(first + second)

    def test_a_packet_that_was_cut_by_the_snap_length_counts_whole(self):
        packet = Talk().up(b"x" * 1000)
        record = captures.pcap_record(0, packet[:60], wire=len(packet))
        rows = self.rows(captures.pcap_header() + record)
        self.assertEqual(rows[0].len, 1000)


def ipv4_talk(wrap):
    """The usual conversation in other wrappers."""
    talk = Talk(wrap=lambda body, **ends: wrap(captures.ipv4(body, **ends)))
    return talk.handshake() + [talk.up(b"hola")]


class Layers(SegmentsCase):
    def assert_hola(self, packets, link=captures.ETHERNET, order="<"):
        rows = self.rows(captures.pcap(packets, order, link=link))
        self.assertEqual([(row.flags, row.rel_seq, row.len) for row in rows],
                         [("SYN", 0, 0), ("SYN,ACK", 0, 0), ("ACK", 1, 0), ("ACK", 1, 4)])

    def test_each_link_type_with_IPv4(self):
        for name, link, order, head in (
                ("raw", captures.RAW, "<", b""), ("raw, BSD", 12, "<", b""),
                ("raw IPv4", captures.RAW_IPV4, "<", b""),
                ("cooked", captures.SLL, "<", bytes(14) + b"\x08\x00"),
                ("cooked v2", captures.SLL2, "<", b"\x08\x00" + bytes(18)),
                ("loopback, little", captures.NULL, "<", b"\2\0\0\0"),
                ("loopback, big", captures.NULL, ">", b"\0\0\0\2"),
                ("loopback of OpenBSD", captures.LOOP, "<", b"\0\0\0\2")):
            with self.subTest(name):
                self.assert_hola(ipv4_talk(lambda body: head + body), link, order)

    def ipv6_talk(self, wrap, following=6, between=b""):
        way = {"10.0.0.2": ("fd00::2", "fd00::1")}

        def make(body, source="10.0.0.1", target=""):
            ends = way.get(source, ("fd00::1", "fd00::2"))
            return wrap(captures.ipv6(between + body, *ends, following))

        talk = Talk(wrap=make)
        return talk.handshake() + [talk.up(b"hola")]

    def test_each_link_type_with_IPv6(self):
        for name, link, head in (
                ("Ethernet", captures.ETHERNET, captures.ethernet(b"", 0x86DD)),
                ("raw", captures.RAW, b""), ("raw IPv6", captures.RAW_IPV6, b""),
                ("cooked", captures.SLL, bytes(14) + b"\x86\xdd"),
                ("loopback of Linux", captures.NULL, b"\x0a\0\0\0"),
                ("loopback of macOS", captures.NULL, b"\x1e\0\0\0")):
            with self.subTest(name):
                self.assert_hola(self.ipv6_talk(lambda body: head + body), link)

    def test_IPv6_addresses_are_in_brackets(self):
        text = self.listed(captures.pcap(self.ipv6_talk(lambda body: body), link=captures.RAW))
        self.assertIn("client [fd00::1]:40000, server [fd00::2]:5000", text)

    def test_IPv6_extension_headers_are_passed_over(self):
        hop_by_hop = b"\x3c\0" + bytes(6)  # then destination options
        destination = b"\x2c\1" + bytes(14)  # then a fragment header that splits nothing
        atomic = b"\x06\0" + bytes(6)
        packets = self.ipv6_talk(lambda body: body, 0, hop_by_hop + destination + atomic)
        self.assert_hola(packets, captures.RAW)

    def test_VLAN_tags_are_passed_over(self):
        for tags in (b"\x81\0\0\x05", b"\x88\xa8\0\x07\x81\0\0\x05"):
            with self.subTest(tags):
                self.assert_hola(ipv4_talk(lambda body: captures.ethernet(body, tags=tags)))

    def test_IPv4_options_are_passed_over(self):
        talk = Talk(wrap=lambda body, **ends: captures.ethernet(
            captures.ipv4(body, options=b"\x94\4\0\0", **ends)))
        self.assert_hola(talk.handshake() + [talk.up(b"hola")])

    def test_what_Ethernet_adds_to_short_packets_is_no_payload(self):
        packets = [packet.ljust(60, b"\0") for packet in ipv4_talk(captures.ethernet)]
        self.assert_hola(packets)

    def test_fragments_are_skipped_and_counted(self):
        body = captures.tcp(1, 2, 0, 0, ACK, b"x" * 80)
        packets = [captures.ethernet(captures.ipv4(body, fragment=0x2000)),
                   captures.ethernet(captures.ipv4(body, fragment=0x0008)),
                   captures.ethernet(captures.ipv6(b"\x06\0\0\1\0\0\0\1" + body, following=44),
                                     0x86DD),
                   captures.ethernet(captures.ipv4(body, fragment=0x4000))]  # "do not fragment"
        text = self.listed(captures.pcap(packets))
        self.assertIn("4 packets, 1 of them TCP; 3 fragments of IP", text)

    def test_what_is_no_TCP_is_counted_by_kind(self):
        packets = [captures.ethernet(b"", 0x0806), captures.ethernet(b"", 0x88CC),
                   captures.ethernet(captures.ipv4(b"", protocol=17)),
                   captures.ethernet(captures.ipv4(b"", protocol=1)),
                   captures.ethernet(captures.ipv4(b"", protocol=50)), b"short"]
        text = self.listed(captures.pcap(packets))
        self.assertIn("6 packets, 0 of them TCP; 1 UDP; 1 ICMP; 1 ARP; 2 of other protocols; "
                      "1 damaged or cut off in their headers", text)

    def test_a_link_type_that_is_unknown_is_counted(self):
        self.assertIn("1 of a link type that segments does not know",
                      self.listed(captures.pcap([b"x" * 80], link=147)))

    def test_headers_that_lie_about_their_length_are_counted_as_damaged(self):
        good = captures.ipv4(captures.tcp(1, 2, 0, 0, ACK, b"hola"))
        bad = [b"\x4f" + good[1:30],                       # the header is longer than the packet
               b"\x44" + good[1:],                         # shorter than a header can be
               good[:2] + b"\xff\xff" + good[4:],          # more than was on the wire
               good[:2] + b"\0\x10" + good[4:],            # less than its own header
               good[:32] + b"\xf0" + good[33:],            # TCP header longer than the packet
               good[:32] + b"\x40" + good[33:],            # shorter than 20
               good[:30], good[:10], b""]
        text = self.listed(captures.pcap(bad, link=captures.RAW))
        self.assertIn("%d packets, 0 of them TCP; %d damaged" % (len(bad), len(bad)), text)

    def test_options_that_lie_about_their_length_end_the_options(self):
        for options in (b"\2\xff\5\xb4", b"\2\0\5\xb4", b"\2\1\5\xb4", b"\1\1\1\2"):
            with self.subTest(options):
                self.assertEqual(self.notes([Talk().up(flags=SYN, options=options)]), [""])


class Damage(SegmentsCase):
    """A capture of a stranger is input like any other."""

    def test_a_file_that_ends_inside_a_record_shows_what_came(self):
        for name, make in (("pcap", captures.pcap), ("pcapng", captures.pcapng)):
            packets = whole_conversation()[:2]
            one, two = len(make(packets[:1])), len(make(packets))
            for size in {1, 3, 4, 23, one - 1, one + 1, one + 15, one + 17, two - 1}:
                with self.subTest(name, size=size):
                    data = make(packets)[:size]
                    self.assert_damaged(data, "byte", 1 if size >= one else 0)

    def test_the_place_of_the_cut_is_told(self):
        data = captures.pcap(whole_conversation())
        first = 24 + 16 + len(whole_conversation()[0])
        program = self.run_on(data[:first + 20])
        self.assert_fails(program, 1, "byte %d: the file ends at byte %d, in the middle of a "
                          "packet" % (first, first + 20))

    def test_a_packet_that_promises_4_GiB_is_refused(self):
        record = struct.pack("<IIII", 0, 0, 0xFFFFFFFF, 0xFFFFFFFF) + b"x" * 100
        self.assert_damaged(captures.pcap(whole_conversation()) + record,
                            "promises 4294967295 bytes", 10)

    def test_a_block_that_promises_4_GiB_is_refused(self):
        good = captures.pcapng(whole_conversation())
        for kind, says in ((6, "promises 4294967292 bytes"), (0xBAD, "the file ends at byte")):
            with self.subTest(kind):
                self.assert_damaged(good + struct.pack("<II", kind, 0xFFFFFFFC) + bytes(50), says,
                                    10)

    def test_lengths_of_blocks_that_cannot_be(self):
        good = captures.pcapng(whole_conversation())
        for length in (0, 4, 8, 11, 13):
            with self.subTest(length):
                self.assert_damaged(good + struct.pack("<II", 6, length) + bytes(50),
                                    "says that its length is %d" % length, 10)
        other_end = bytearray(good + captures.simple(b"x" * 20))
        other_end[-1] ^= 1
        self.assert_damaged(bytes(other_end), "ends with another length", 10)

    def test_contents_of_blocks_that_cannot_be(self):
        good = captures.pcapng(whole_conversation())
        for name, block, says in (
                ("too short", captures.block(6, bytes(8)), "too short"),
                ("captured more than there is",
                 captures.block(6, struct.pack("<IIIII", 0, 0, 0, 5000, 5000)), "too short"),
                ("captured 4 GiB", captures.block(6, struct.pack("<IIIII", 0, 0, 0, 2**32 - 1, 0)),
                 "promises 4294967295 bytes"),
                ("no such interface", captures.enhanced(0, b"", number=7), "interface 7"),
                ("option too long", captures.block(1, bytes(8) + b"\x09\0\xff\xff"), "an option"),
                ("units too small", captures.interface(resolution=30), "too small"),
                ("no byte order", captures.block(0x0A0D0D0A, bytes(16)), "byte order")):
            with self.subTest(name):
                self.assert_damaged(good + block, says, 10)

    def test_a_file_that_is_no_capture_is_called_that(self):
        for data, says in ((b"", "the file is empty"), (b"hola, mundo\n", "no capture file"),
                           (b"\x1f\x8b\x08\0", "run gunzip"),
                           (b"\xd4\xc3\xb2\xa1\7\0" + bytes(18), "version 7 of pcap")):
            with self.subTest(data):
                self.assert_damaged(data, says, 0)

    def test_random_damage_ends_with_0_or_1(self):
        chance = random.Random(19)
        for name, make in (("pcap", captures.pcap), ("pcapng", captures.pcapng)):
            good = make(whole_conversation())
            for turn in range(40):
                data = bytearray(good)
                for _ in range(chance.randrange(1, 6)):
                    data[chance.randrange(len(data))] = chance.choice((0, 1, 0x7F, 0x80, 0xFF))
                with self.subTest(name, turn=turn):
                    program = self.run_on(bytes(data))
                    self.assertIn(program.code, (0, 1), program.story(bytes(data).hex()))

    def test_control_characters_in_the_name_of_a_file_do_not_reach_the_terminal(self):
        path = self.file(b"nonsense", "\x1b[2J")
        program = self.run_to_end(SEGMENTS, "list", path)
        self.assertNotIn("\x1b", program.stderr)


class Size(SegmentsCase):
    def cost(self, path):
        """Seconds of CPU of a list that may have 64 MiB of memory."""
        limited = ["sh", "-c", 'ulimit -d 65536; exec "$@"', "sh", programs.example(SEGMENTS)]
        with open(os.devnull, "wb") as nothing:
            process = subprocess.Popen([*limited, "list", path], stdout=nothing)
            _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        self.assertEqual(process.returncode, 0)
        return usage.ru_utime + usage.ru_stime

    def long_capture(self, count):
        talk = Talk()
        records = [captures.pcap_record(10**18, packet) for packet in talk.handshake()]
        pair = captures.pcap_record(10**18, talk.up(b"x" * 100)) + captures.pcap_record(
            10**18, talk.down())
        return self.file(captures.pcap_header() + b"".join(records) + pair * (count // 2),
                         "long.pcap")

    def test_time_is_linear_and_memory_is_bounded(self):
        short = self.cost(self.long_capture(50_000))
        long = self.cost(self.long_capture(400_000))
        self.assertLess(long, 16 * short + 1)

    def test_a_hundred_thousand_connections_stay_within_64_MiB(self):
        records = [captures.pcap_record(10**18, captures.ethernet(captures.ipv4(captures.tcp(
            number % 65536, 5000 + number // 65536, number, 0, SYN)))) for number in
            range(100_000)]
        path = self.file(captures.pcap_header() + b"".join(records))
        program = self.run_to_end(SEGMENTS, "list", path, "--connection", "1")
        self.assertIn("50,000 segments of the later ones are left out", program.stdout)
        self.cost(path)


# ---- the same numbers as tshark ------------------------------------------------------------------

MARKS = ("retransmission", "fast_retransmission", "spurious_retransmission", "out_of_order",
         "duplicate_ack", "duplicate_ack_num", "zero_window", "window_full", "zero_window_probe",
         "zero_window_probe_ack", "keep_alive", "keep_alive_ack", "window_update", "lost_segment")
FIELDS = ("frame.number", "tcp.stream", "tcp.seq_raw", "tcp.seq", "tcp.ack", "tcp.len",
          "tcp.window_size", "frame.time_epoch") + tuple("tcp.analysis." + mark for mark in MARKS)
NOT_COMPARED = ("MSS", "SACK", "timestamp", "window scale", "acks bytes")


def tshark_rows(path):
    """(packet, connection, seq, relative seq, relative ack, length, window, marks) for each."""
    command = ["tshark", "-r", str(path), "-Y", "tcp", "-T", "fields"]
    for field in FIELDS:
        command += ["-e", field]
    text = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    rows = []
    for line in text.splitlines():
        values = line.split("\t")
        number = [int(value or 0) for value in values[:7]]
        rows.append((number[0], number[1] + 1, *number[2:], tshark_marks(values[8:])))
    return rows


def tshark_marks(values):
    marks = {name: value for name, value in zip(MARKS, values) if value}
    if "fast_retransmission" in marks or "spurious_retransmission" in marks:
        del marks["retransmission"]
    if "duplicate_ack" in marks:
        marks["duplicate_ack " + marks.pop("duplicate_ack_num")] = marks.pop("duplicate_ack")
    names = {"zero_window_probe_ack": "ack of a zero window probe",
             "keep_alive": "keep-alive", "keep_alive_ack": "ack of a keep-alive",
             "lost_segment": "gap before"}
    return {names.get(mark, mark.replace("_", " ")) for mark in marks}


def our_rows(text):
    rows = []
    for row in rows_of(text):
        marks = {note for note in row.notes.split(", ") if note}
        marks = {note for note in marks if not note.startswith(NOT_COMPARED)}
        rows.append((row.packet, row.conn, row.seq, row.rel_seq, row.rel_ack or 0, row.len,
                     row.window, marks))
    return rows


def need_tshark():
    """The marks are those of version 4.0: later ones draw other conclusions."""
    if shutil.which("tshark") is None:
        raise unittest.SkipTest("no tshark here (apt-get install tshark)")
    text = subprocess.run(["tshark", "--version"], capture_output=True, text=True).stdout
    version = re.search(r"TShark \(Wireshark\) (\d+\.\d+)", text)
    if version is None or version.group(1) != "4.0":
        raise unittest.SkipTest("this tshark is not of version 4.0: " + text.split("\n")[0])


def bad_transfer(seed):
    """A transfer as its receiver sees it: segments early, late, twice, and acks for them, with a
    window that changes, and closes."""
    chance = random.Random(seed)
    talk = Talk(client_seq=chance.choice((1000, 2**32 - 20_000)), server_seq=5000)
    packets = [(each * 10**7, packet) for each, packet in enumerate(talk.handshake())]
    start, size, time = talk.seq["up"], 1000, 2 * 10**7
    missing, window = list(range(60)), 200
    while missing:
        time += chance.choice((2000, 500_000, 2_000_000, 30_000_000))
        pick = chance.choice((0, 0, 0, 0, 1, 2, 3)) if len(missing) > 3 else 0
        place = missing.pop(pick) if chance.random() < 0.9 else max(0, missing[0] - 1 - pick)
        packets.append((time, talk.up(bytes(size), seq=start + size * place)))
        if chance.random() < 0.8:
            expected = missing[0] if missing else 60
            window = chance.choice((window, window, window, 200, 0, 8))
            time += 1000
            packets.append((time, talk.down(ack=start + size * expected, window=window)))
    return packets


class SameAsTshark(SegmentsCase):
    def setUp(self):
        super().setUp()
        need_tshark()

    def assert_same(self, path):
        program = self.run_to_end(SEGMENTS, "list", path)
        self.assertEqual(program.code, 0, program.story("list failed"))
        ours, theirs = our_rows(program.stdout), tshark_rows(path)
        for our, their in zip(ours, theirs):
            self.assertEqual(our, their)
        self.assertEqual(len(ours), len(theirs))
        return ours

    def test_a_plain_conversation(self):
        for name, data in (("pcap", captures.pcap(whole_conversation())),
                           ("pcapng", captures.pcapng(whole_conversation()))):
            with self.subTest(name):
                self.assert_same(self.file(data))

    def test_transfers_as_a_receiver_sees_them(self):
        seen = collections.Counter()
        for seed in range(12):
            with self.subTest(seed=seed):
                for row in self.assert_same(self.file(captures.pcap(bad_transfer(seed)))):
                    seen.update(note.rstrip(" 0123456789") for note in row[-1])
        for mark in ("retransmission", "spurious retransmission", "out of order", "zero window",
                     "fast retransmission", "duplicate ack", "gap before", "window full"):
            self.assertGreater(seen[mark], 0, "no capture had: " + mark)

    def test_transfers_over_a_bad_link(self):
        badlink = programs.BUILD / "examples/tools/badlink"
        if not badlink.exists():
            self.skipTest("tools/badlink is not built: no link that loses packets")
        script = self.folder / "transfer.py"
        script.write_text(TRANSFER)
        for number, options in enumerate((("--loss", "2", "--reorder", "1", "--seed", "3"),
                                          ("--reorder", "8", "--seed", "2"),
                                          ("--rate", "4mbit", "--queue", "8", "--seed", "5"))):
            with self.subTest(options):
                path = self.folder / ("%d.pcap" % number)
                self.transfer(badlink, path, *options)
                marks = set().union(*(row[-1] for row in self.assert_same(path)))
                self.assertTrue(marks, "this link was too good")

    def transfer(self, badlink, path, *options):
        command = [badlink, "--quiet", *options, "--pcap", path, "--", "python3",
                   self.folder / "transfer.py"]
        program = self.run_to_end(str(badlink), *command[1:])
        if program.code == 1 and not path.exists():
            self.skipTest("no such link can be made here: " + program.stderr)
        self.assertEqual(program.code, 0, program.story("the transfer failed"))


TRANSFER = """
import os, socket, threading
listener = socket.create_server(("0.0.0.0", 0))

def receive():
    connection, _ = listener.accept()
    while connection.recv(65536):
        pass
    connection.close()

receiver = threading.Thread(target=receive)
receiver.start()
with socket.create_connection((os.environ["BADLINK_HOST"], listener.getsockname()[1])) as sender:
    sender.sendall(bytes(500_000))
    sender.shutdown(socket.SHUT_WR)
    sender.recv(1)
receiver.join()
"""


if __name__ == "__main__":
    unittest.main()

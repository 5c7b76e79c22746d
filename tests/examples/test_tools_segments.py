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
import sys
import tempfile
import unittest
from pathlib import Path
from xml.etree import ElementTree

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
                            (("list", "x", "y"), 'unexpected word "y"'),
                            (("list", "x", "--svg", "y"), "list takes no --svg"),
                            (("ladder", "x", "-k", "rtt"), "ladder takes no --kind"),
                            (("graph", "x", "-C", "y"), "graph takes no --calls"),
                            (("report", "x", "-a"), "report takes no --absolute")):
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


def ipv6_talk(wrap, following=6, between=b""):
    """The same over IPv6, with extension headers `between`, the first of kind `following`."""
    def make(body, source="10.0.0.1", target=""):
        ends = ("fd00::1", "fd00::2") if source == "10.0.0.1" else ("fd00::2", "fd00::1")
        return wrap(captures.ipv6(between + body, *ends, following))

    talk = Talk(wrap=make)
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

    def test_each_link_type_with_IPv6(self):
        for name, link, head in (
                ("Ethernet", captures.ETHERNET, captures.ethernet(b"", 0x86DD)),
                ("raw", captures.RAW, b""), ("raw IPv6", captures.RAW_IPV6, b""),
                ("cooked", captures.SLL, bytes(14) + b"\x86\xdd"),
                ("loopback of Linux", captures.NULL, b"\x0a\0\0\0"),
                ("loopback of macOS", captures.NULL, b"\x1e\0\0\0")):
            with self.subTest(name):
                self.assert_hola(ipv6_talk(lambda body: head + body), link)

    def test_IPv6_addresses_are_in_brackets(self):
        text = self.listed(captures.pcap(ipv6_talk(lambda body: body), link=captures.RAW))
        self.assertIn("client [fd00::1]:40000, server [fd00::2]:5000", text)

    def test_IPv6_extension_headers_are_passed_over(self):
        hop_by_hop = b"\x3c\0" + bytes(6)  # then destination options
        destination = b"\x2c\1" + bytes(14)  # then a fragment header that splits nothing
        atomic = b"\x06\0" + bytes(6)
        packets = ipv6_talk(lambda body: body, 0, hop_by_hop + destination + atomic)
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
                self.assertEqual(self.run_on(data).stdout, "")

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
        if subprocess.run([*limited, "--help"], capture_output=True).returncode != 0:
            self.skipTest("it does not start with 64 MiB: is a sanitizer in it?")
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


class Ladder(SegmentsCase):
    def ladder(self, data, *options):
        program = self.run_on(data, *options, command="ladder")
        self.assertEqual(program.code, 0, program.story("ladder failed"))
        return program.stdout

    def drawn(self, data, *options):
        """The root of an SVG ladder, and its text."""
        path = self.folder / "ladder.svg"
        self.ladder(data, *options, "--svg", path)
        text = path.read_text()
        return ElementTree.fromstring(text), text

    def test_each_segment_is_an_arrow_and_the_phases_are_marked(self):
        text = self.ladder(captures.pcap(whole_conversation()))
        arrows = [re.sub(r"[- ]+", " ", line.split("|")[1]).strip()
                  for line in text.splitlines() if line.count("|") == 2]
        self.assertEqual(arrows, [
            "set up", "SYN seq 0 >", "< SYN,ACK seq 0 ack 1", "ACK seq 1 ack 1 >", "transfer",
            'PSH,ACK seq 1 ack 1 len 4 "hola" >', "< ACK seq 1 ack 5",
            '< PSH,ACK seq 1 ack 5 len 4 "hola"', "ACK seq 5 ack 5 >", "release",
            "FIN,ACK seq 5 ack 5 >", "< FIN,ACK seq 5 ack 6", "ACK seq 6 ack 6 >"])

    def test_the_numbers_can_be_absolute(self):
        text = self.ladder(captures.pcap(whole_conversation()), "-a")
        self.assertIn("-- PSH,ACK seq 1001 ack 2001 len 4 ", text)

    def test_equal_data_segments_are_folded_and_counted(self):
        talk = Talk()
        packets = talk.handshake() + [talk.up(b"x" * 100) for _ in range(9)] + [talk.down()]
        data = captures.pcap(packets)
        text = self.ladder(data)
        self.assertEqual(text.count("len 100"), 1)
        self.assertIn(":: and 8 more of 100 bytes, up to seq 901 ::", text)
        self.assertEqual(self.ladder(data, "--all").count("len 100"), 9)

    def test_a_segment_with_a_mark_is_never_folded(self):
        talk = Talk()
        first = talk.up(b"x" * 100)
        packets = talk.handshake() + [first, first, first]
        text = self.ladder(captures.pcap([(each * 10**8, packet)
                                          for each, packet in enumerate(packets)]))
        self.assertNotIn("more of", text)
        self.assertEqual(text.count("retransmission"), 3)

    def test_a_connection_can_be_chosen_and_the_first_is_the_default(self):
        first, second = Talk(), Talk(client_port=40001)
        data = captures.pcap(first.handshake() + second.handshake())
        program = self.run_on(data, command="ladder")
        self.assertIn("connection 1 of 2: --connection NUMBER shows another one", program.stderr)
        self.assertIn("10.0.0.1:40000", program.stdout)
        self.assertIn("10.0.0.1:40001", self.ladder(data, "--connection", "2"))

    def test_a_truncated_file_shows_the_arrows_that_came(self):
        data = captures.pcap(whole_conversation())[:-5]
        program = self.run_on(data, command="ladder")
        self.assert_fails(program, 1, r"test\.pcap: byte \d+: the file ends")
        self.assertEqual(program.stdout.count("FIN,ACK"), 2)

    def test_control_characters_of_the_payload_are_escaped(self):
        data = captures.pcap([Talk().up(b"\x1b[2J<b>&")])
        text = self.ladder(data)
        self.assertIn(r'"\x1b[2J<b>&"', text)
        _, drawing = self.drawn(data)
        self.assertIn(r"&quot;\x1b[2J&lt;b&gt;&amp;&quot;", drawing)

    def test_the_drawing_has_an_arrow_for_each_segment_with_its_label(self):
        root, text = self.drawn(captures.pcap(whole_conversation()), "-a")
        self.assertEqual(len(arrows_of(root)), 10)
        labels = [each.text for each in root.iter(SVG + "text")]
        self.assertIn('PSH,ACK seq 1001 ack 2001 len 4 "hola"', labels)
        for phase in ("set-up", "transfer", "release"):
            self.assertEqual(labels.count(phase), 1)

    def test_the_arrows_of_the_drawing_fall_by_the_time_under_way(self):
        talk = Talk()
        syn, syn_ack, ack = talk.handshake()
        # Captured at the client, 40 ms from the server.
        packets = [(0, syn), (40_000_000, syn_ack), (40_010_000, ack)]
        root, _ = self.drawn(captures.pcap(packets))
        ends = [arrow_ends(each) for each in arrows_of(root)]
        for (_, begin), (_, end) in ends:
            self.assertGreater(end, begin + 10)
        self.assertGreater(ends[1][0][1], ends[0][1][1])  # the answer leaves after the question
        self.assertGreater(ends[2][0][1], ends[1][1][1])

    def test_without_an_answer_the_arrows_are_level(self):
        root, text = self.drawn(captures.pcap([Talk().up(b"a"), Talk().up(b"b", seq=2000)]))
        for (_, begin), (_, end) in map(arrow_ends, arrows_of(root)):
            self.assertLess(abs(end - begin), 20)
        self.assertIn("the arrows are level", text)

    def test_a_drawing_has_a_limited_number_of_segments(self):
        path = self.folder / "ladder.svg"
        program = self.run_on(captures.pcap(whole_conversation()), "--svg", path, "--most", "4",
                              command="ladder")
        self.assertIn("the first 4 of 10 segments", program.stderr)
        self.assertEqual(len(arrows_of(ElementTree.parse(path).getroot())), 4)

    def test_a_drawing_that_cannot_be_written_is_an_error(self):
        path = self.file(captures.pcap(whole_conversation()))
        self.assert_usage_error(SEGMENTS, "ladder", path, "--svg", "/no such folder/x.svg",
                                says="/no such folder/")


CLIENT_TRACE = """\
trama: 0.100000 s: fd 3: socket TCP IPv4
trama: 0.200000 s: fd 3: connect 10.0.0.2:5000
trama: 0.201000 s: fd 3: getsockname: 10.0.0.1:40000
hello, I am the client
trama: 0.203100 s: fd 3: sendmsg 4 of 4 bytes: "hola"
trama: 0.203150 s: fd 3: recv 16384 asked: not yet
trama: 0.205500 s: fd 3: recv 4 of 16384 asked: "hola"
trama: 0.206000 s: fd 9: close
trama: 0.206900 s: fd 3: close
"""
SERVER_TRACE = """\
trama: 7.000000 s: fd 3: accept: fd 5 from 10.9.9.9:41111
trama: 7.100000 s: fd 3: accept: fd 6 from 10.0.0.1:40000
trama: 7.101000 s: fd 5: recv 9 of 9 asked: "not of us"
trama: 7.103500 s: fd 6: recv 4 of 16384 asked: "hola"
trama: 7.104000 s: fd 6: sendmsg 4 of 4 bytes: "hola"
trama: 7.106000 s: fd 6: close
"""


class Calls(SegmentsCase):
    """The lines of a trace beside the ladder."""

    def with_calls(self, *traces, packets=None):
        path = self.file(captures.pcap(packets or whole_conversation()))
        files = []
        for number, text in enumerate(traces):
            files.append(self.folder / ("trace %d" % number))
            files[-1].write_text(text)
        return self.run_to_end(SEGMENTS, "ladder", path, "--calls", *files)

    def calls(self, *traces, **keywords):
        """(seconds, side, call) of the lines beside the ladder."""
        program = self.with_calls(*traces, **keywords)
        self.assertEqual(program.code, 0, program.story("it failed"))
        found = []
        for line in program.stdout.splitlines():
            left, _, rest = line.partition("|")
            middle, _, right = rest.rpartition("|")
            words = left.split(None, 1)
            if middle.strip(" ") == "" and rest and words:
                side = "client" if len(words) > 1 else "server"
                found.append((words[0], side, (words + [right])[1].strip()))
        return found

    def test_the_connect_of_the_client_stands_at_its_SYN(self):
        self.assertEqual(self.calls(CLIENT_TRACE), [
            ("0.000000", "client", "connect 10.0.0.2:5000"),
            ("0.003100", "client", 'sendmsg 4 of 4 bytes: "hola"'),
            ("0.005500", "client", 'recv 4 of 16384 asked: "hola"'),
            ("0.006900", "client", "close")])

    def test_the_first_send_of_the_server_stands_at_its_first_data(self):
        self.assertEqual(self.calls(SERVER_TRACE), [
            ("0.001000", "server", "accept: fd 6 from 10.0.0.1:40000"),
            ("0.004500", "server", 'recv 4 of 16384 asked: "hola"'),
            ("0.005000", "server", 'sendmsg 4 of 4 bytes: "hola"'),
            ("0.007000", "server", "close")])

    def test_a_server_that_sends_nothing_is_moved_by_its_accept(self):
        trace = "".join(line for line in SERVER_TRACE.splitlines(True) if "sendmsg" not in line)
        talk = Talk()
        packets = talk.handshake() + [talk.up(b"hola"), talk.down()]
        self.assertEqual(self.calls(trace, packets=packets)[0],
                         ("0.002000", "server", "accept: fd 6 from 10.0.0.1:40000"))

    def test_both_programs_stand_beside_in_the_order_of_time(self):
        calls = self.calls(CLIENT_TRACE, SERVER_TRACE)
        self.assertEqual([side for _, side, _ in calls],
                         ["client", "server", "client", "server", "server", "client", "client",
                          "server"])
        self.assertEqual(calls, sorted(calls, key=lambda call: float(call[0])))

    def test_they_stand_in_the_drawing_too(self):
        path, trace, svg = (self.folder / name for name in ("x.pcap", "trace", "x.svg"))
        path.write_bytes(captures.pcap(whole_conversation()))
        trace.write_text(CLIENT_TRACE)
        program = self.run_to_end(SEGMENTS, "ladder", path, "--calls", trace, "--svg", svg)
        self.assertEqual(program.code, 0, program.story("it failed"))
        words = [each.text for each in ElementTree.parse(svg).getroot().iter(SVG + "text")]
        self.assertIn('sendmsg 4 of 4 bytes: "hola"', words)

    def test_a_trace_without_times_or_of_another_connection_is_refused(self):
        for text, says in (("trama: fd 3: connect 10.0.0.2:5000\n", "TRAMA_TRACE=time"),
                           ("", "TRAMA_TRACE=time"),
                           (CLIENT_TRACE.replace("40000", "40009"), "port 40000")):
            with self.subTest(text):
                program = self.with_calls(text)
                self.assert_fails(program, 2, says)

    def test_control_characters_in_a_trace_do_not_reach_the_terminal(self):
        program = self.with_calls(CLIENT_TRACE.replace('"hola"', '"\x1b[2J"'))
        self.assertNotIn("\x1b", program.stdout)

    def test_nothing_is_received_before_it_can_have_arrived(self):
        calls = self.calls(SERVER_TRACE.replace("7.103500", "7.102000"))
        self.assertEqual([time for time, _, _ in calls],
                         ["0.002000", "0.004000", "0.006000", "0.008000"])

    def test_the_traces_of_a_real_exchange_fit_its_capture(self):
        script, path = self.folder / "exchange.py", self.folder / "real.pcap"
        script.write_text(EXCHANGE % (programs.BUILD / "examples/08_frames/framed_echo_%s"))
        run_on_bad_link(self, path, script, "--delay", "5ms")
        program = self.run_to_end(SEGMENTS, "ladder", path, "--calls", self.folder / "client",
                                  self.folder / "server")
        self.assertEqual(program.code, 0, program.story("it failed"))
        text = program.stdout
        order = ["connect ", "<----", "sendmsg 11 of 11", "accept: fd", "recv 11 of 16384 asked",
                 "FIN,ACK seq", "recv 0 of 16384 asked: end of stream"]
        places = [text.index(each) for each in order]
        self.assertEqual(places, sorted(places), text)


EXCHANGE = """
import os, subprocess
def start(which, *options):
    return subprocess.Popen(["%s" %% which, *options], stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE, stderr=open(FOLDER + "/" + which, "w"),
                            env=dict(os.environ, TRAMA_TRACE="time"))
FOLDER = os.path.dirname(os.path.abspath(__file__))
server = start("server", "-H", "0.0.0.0", "-p", "0")
port = server.stdout.readline().decode().strip().rpartition(":")[2]
client = start("client", "-H", os.environ["BADLINK_HOST"], "-p", port)
client.communicate(b"hola\\n")
while "close" not in open(FOLDER + "/server").read().rpartition("end of stream")[2]:
    pass
server.terminate()
server.wait()
"""


def run_on_bad_link(case, path, script, *options):
    """Runs a Python script over a link that writes its packets to `path`."""
    badlink = programs.BUILD / "examples/tools/badlink"
    if not badlink.exists():
        case.skipTest("tools/badlink is not built: no link that loses packets")
    program = case.run_to_end(str(badlink), "--quiet", *options, "--pcap", path, "--",
                              sys.executable, script)
    if program.code == 1 and not path.exists():
        case.skipTest("no such link can be made here: " + program.stderr)
    case.assertEqual(program.code, 0, program.story("what ran over the link failed"))


SVG = "{http://www.w3.org/2000/svg}"


def arrows_of(root):
    return [each for each in root.iter(SVG + "path") if each.get("class").startswith("arrow ")]


def arrow_ends(arrow):
    """((x, y) of its start, (x, y) of its end)."""
    numbers = [float(number) for number in re.findall(r"-?\d+\.\d", arrow.get("d"))]
    return (numbers[0], numbers[1]), (numbers[2], numbers[3])


class Graph(SegmentsCase):
    def graph(self, data, kind, *options):
        path = self.folder / "graph.svg"
        program = self.run_on(data, "--kind", kind, "--svg", path, *options, command="graph")
        self.assertEqual(program.code, 0, program.story("graph failed"))
        return ElementTree.parse(path).getroot()

    def words(self, root):
        return [each.text for each in root.iter(SVG + "text")]

    def transfer(self):
        return captures.pcap(bad_transfer(7))

    def test_each_kind_has_axes_with_units_and_a_legend(self):
        for kind, title, unit, legend in (
                ("sequence", "Sequence numbers", "bytes since the start, kB", "acknowledged"),
                ("throughput", "Throughput", "payload, Mbit/s", "without retransmissions"),
                ("rtt", "Round trip time", "round trip, ", "from a segment to its ack"),
                ("window", "Windows", "bytes, kB", "receive window")):
            with self.subTest(kind):
                words = self.words(self.graph(self.transfer(), kind))
                self.assertIn(title + ", connection 1: data of the client", words)
                self.assertIn("time since the first segment, ms", words)
                self.assertTrue(any(word.startswith(unit) for word in words), words)
                self.assertIn(legend, words)

    def test_the_points_of_a_sequence_graph_are_those_of_the_segments(self):
        talk = Talk()
        packets = talk.handshake() + [(10**9, talk.up(b"x" * 500)),
                                      (2 * 10**9, talk.up(b"y" * 500)), (4 * 10**9, talk.down())]
        root = self.graph(captures.pcap(packets), "sequence")
        dots = [each.get("d") for each in root.iter(SVG + "path")
                if each.get("class") == "dot blue" and "h0" in each.get("d")]
        places = [tuple(map(float, re.findall(r"\d+\.\d", each))) for each in dots]
        data = [place for place in places if place[1] > 50]  # the legend is above
        left, right, top, bottom = 90, 935, 60, 460
        expected = [(left + (right - left) / 4, bottom - (bottom - top) * 501 / 1001),
                    (left + (right - left) / 2, top)]
        self.assertEqual(len(data), 2)
        for place, wanted in zip(data, expected):
            self.assertAlmostEqual(place[0], wanted[0], delta=0.2)
            self.assertAlmostEqual(place[1], wanted[1], delta=0.2)

    def test_samples_draw_the_congestion_window_and_its_threshold(self):
        samples = self.folder / "samples.csv"
        samples.write_text("seconds,cwnd,ssthresh,rtt_ms,unacked,retransmissions\n"
                           "0.0,10,2147483647,50.5,10,0\n0.1,20,7,60,20,1\n0.3,8,7,60,20,1\n")
        words = self.words(self.graph(self.transfer(), "window", "--samples", samples))
        self.assertIn("congestion window", words)
        self.assertIn("slow start threshold", words)
        words = self.words(self.graph(self.transfer(), "rtt", "--samples", samples))
        self.assertIn("smoothed, by the sender", words)

    def test_samples_of_watch_transfer_have_an_empty_threshold_until_the_first_loss(self):
        samples = self.folder / "samples.csv"
        samples.write_text("seconds,cwnd,ssthresh,rtt_ms,unacked,retransmissions,bytes\n"
                           "0.0,10,,50.5,10,0,0\n0.1,20,7,60,20,1,9\n0.3,8,7,60,20,1,9\n")
        for kind, says in (("window", "slow start threshold"), ("rtt", "smoothed, by the sender")):
            words = self.words(self.graph(self.transfer(), kind, "--samples", samples))
            self.assertIn(says, words)

    def test_samples_that_are_wrong_are_refused(self):
        path, samples = self.file(self.transfer()), self.folder / "samples.csv"
        header = "seconds,cwnd,ssthresh,rtt_ms,unacked,retransmissions\n"
        for text, kind, says in (("time,cwnd\n", "window", 'has no "seconds"'),
                                 (header + "1,x,3,4,5,6\n", "window", "line 2: cwnd is no number"),
                                 (header + "1,nan,3,4,5,6\n", "window", "no number"),
                                 (header + "1\n", "window", "line 2: cwnd is no number"),
                                 (header, "sequence", "belongs to")):
            with self.subTest(text):
                samples.write_text(text)
                self.assert_usage_error(SEGMENTS, "graph", path, "--kind", kind, "--samples",
                                        samples, "--svg", self.folder / "x.svg", says=says)

    def test_a_kind_that_is_unknown_and_a_file_that_is_missing_are_usage_errors(self):
        path = self.file(self.transfer())
        self.assert_usage_error(SEGMENTS, "graph", path, "--kind", "pie", "--svg", "x",
                                says="--kind is sequence")
        self.assert_usage_error(SEGMENTS, "graph", path, "--kind", "rtt", says="--svg FILE")
        self.assert_usage_error(SEGMENTS, "graph", path, "--svg", "x", says="--kind KIND")

    def test_a_large_capture_gives_a_drawing_of_limited_size(self):
        talk = Talk()
        packets = talk.handshake() + [talk.up(b"x") for _ in range(30_000)]
        self.graph(captures.pcap([(each * 1000, packet)
                                  for each, packet in enumerate(packets)]), "sequence")
        self.assertLess((self.folder / "graph.svg").stat().st_size, 200_000)

    def test_a_connection_without_data_gives_an_empty_graph(self):
        for kind in ("sequence", "throughput", "rtt", "window"):
            self.graph(captures.pcap([Talk().up(flags=SYN)]), kind)


class Report(SegmentsCase):
    def report(self, data, *options):
        path = self.folder / "report.html"
        program = self.run_on(data, "-o", path, *options, command="report")
        return program, path.read_text()

    def test_the_ladders_have_as_many_arrows_as_the_list_has_segments(self):
        first, second = Talk(), Talk(client_port=40001)
        packets = first.handshake() + second.handshake() + [first.up(b"a"), second.up(b"b")]
        for options, count in (((), 8), (("--connection", "2"), 4), (("--most", "5"), 5)):
            with self.subTest(options):
                program, page = self.report(captures.pcap(packets), *options)
                self.assertEqual(program.code, 0, program.story("report failed"))
                self.assertEqual(page.count('class="arrow '), count)
                self.assertEqual(page.count("<tr class="), count)

    def test_it_has_the_graphs_of_a_transfer(self):
        _, page = self.report(captures.pcap(bad_transfer(7)))
        for title in ("Sequence numbers", "Throughput", "Round trip time", "Windows"):
            self.assertIn(title + ", connection 1", page)

    def test_text_of_the_capture_is_escaped(self):
        _, page = self.report(captures.pcap([Talk().up(b"<script>")]))
        self.assertIn("&lt;script&gt;", page)
        self.assertEqual(page.count("<script>"), 1)

    def test_the_name_of_the_file_is_escaped(self):
        path = self.file(captures.pcap(whole_conversation()), "<b>.pcap")
        output = self.folder / "report.html"
        self.run_to_end(SEGMENTS, "report", path, "-o", output)
        self.assertIn("<h1>&lt;b&gt;.pcap</h1>", output.read_text())

    def test_it_loads_nothing(self):
        _, page = self.report(captures.pcap(bad_transfer(7)))
        links = set(re.findall(r"""(?:https?:)?//[^\s"'<]+""", page))
        self.assertEqual(links, {"http://www.w3.org/2000/svg"})  # the name of a format
        self.assertIn("default-src 'none'", page)

    def test_of_a_truncated_file_it_shows_what_came_and_says_so(self):
        program, page = self.report(captures.pcap(whole_conversation())[:-5])
        self.assert_fails(program, 1, "the file ends")
        self.assertIn("Reading stopped: byte ", page)
        self.assertEqual(page.count("<tr class="), 9)

    def test_without_a_file_to_write_it_is_a_usage_error(self):
        self.assert_usage_error(SEGMENTS, "report", self.file(b""), says="-o FILE")

    def test_a_browser_shows_it_without_an_error_and_without_a_request(self):
        self.report(captures.pcap(bad_transfer(7)))
        log = self.folder / "net.json"
        program = self.in_browser("--log-net-log=%s" % log)
        self.assertIn('data-ready="yes"', program.stdout, program.story("no script ran"))
        self.assertNotIn("CONSOLE", program.stderr)
        asked = set(re.findall(r'"url":"(https?://[^"]*report[^"]*|file:[^"]*)"', log.read_text()))
        self.assertLessEqual({Path(each).name for each in asked}, {"report.html"})

    def test_its_buttons_change_the_size_of_a_drawing(self):
        path = self.folder / "report.html"
        _, page = self.report(captures.pcap(whole_conversation()))
        before = re.search(r'<svg [^>]*?width="([\d.]+)"', page).group(1)
        path.write_text(page + '<script>document.querySelector("figure button").click()</script>')
        after = re.search(r'<svg [^>]*?width="([\d.]+)"', self.in_browser().stdout).group(1)
        self.assertAlmostEqual(float(after), 1.4 * float(before), delta=0.1)

    def in_browser(self, *options):
        """A browser that shows the report and prints what became of it; without one, skips."""
        browser = shutil.which("chromium") or shutil.which("chromium-browser")
        if browser is None:
            self.skipTest("no chromium here (apt-get install chromium)")
        return self.run_to_end(
            browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run",
            "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--user-data-dir=%s" % (self.folder / "browser"), "--enable-logging=stderr", *options,
            "--dump-dom", (self.folder / "report.html").as_uri())


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

    def test_each_link_type(self):
        def tagged(body):
            return captures.ethernet(body, tags=b"\x81\0\0\x05")

        for name, link, packets in (
                ("VLAN", captures.ETHERNET, ipv4_talk(tagged)),
                ("cooked", captures.SLL, ipv4_talk(lambda body: bytes(14) + b"\x08\0" + body)),
                ("cooked v2", captures.SLL2,
                 ipv4_talk(lambda body: b"\x08\0" + bytes(18) + body)),
                ("raw IPv4", captures.RAW_IPV4, ipv4_talk(lambda body: body)),
                ("loopback", captures.NULL, ipv4_talk(lambda body: b"\2\0\0\0" + body)),
                ("loopback of OpenBSD", captures.LOOP,
                 ipv4_talk(lambda body: b"\0\0\0\2" + body)),
                ("raw, with IPv6", captures.RAW, ipv6_talk(lambda body: body)),
                ("raw IPv6", captures.RAW_IPV6, ipv6_talk(lambda body: body))):
            with self.subTest(name):
                rows = self.assert_same(self.file(captures.pcap(packets, link=link)))
                self.assertEqual(len(rows), 4)

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
        script = self.folder / "transfer.py"
        script.write_text(TRANSFER)
        for number, options in enumerate((("--loss", "2", "--reorder", "1", "--seed", "3"),
                                          ("--reorder", "8", "--seed", "2"),
                                          ("--rate", "4mbit", "--queue", "8", "--seed", "5"))):
            with self.subTest(options):
                path = self.folder / ("%d.pcap" % number)
                run_on_bad_link(self, path, script, *options)
                marks = set().union(*(row[-1] for row in self.assert_same(path)))
                self.assertTrue(marks, "this link was too good")


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

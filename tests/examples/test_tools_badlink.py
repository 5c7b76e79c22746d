#!/usr/bin/env python3
"""badlink: a command runs over a link of its own, which is slow, and loses and reorders packets.

Run: TRAMA_BUILD=build python3 tests/examples/test_tools_badlink.py

No test says that something is fast enough: how long it takes at least is enough to see the link.
"""
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import programs

HOST = "192.0.2.2"  # behind the link; this machine is 192.0.2.1

# Each of these runs behind badlink, prints its result as JSON, and needs no file of its own.
COUNT_DATAGRAMS = """
import json, os, socket, sys
number, size = int(sys.argv[1]), int(sys.argv[2])
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind(("0.0.0.0", 0))
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.connect((os.environ["BADLINK_HOST"], receiver.getsockname()[1]))
for i in range(number):
    sender.send(i.to_bytes(4, "big").ljust(size, b"."))
receiver.settimeout(float(sys.argv[3]))  # a datagram that takes longer is lost
came = []
try:
    while len(came) < number:
        came.append(int.from_bytes(receiver.recv(2000)[:4], "big"))
except socket.timeout:
    pass
print(json.dumps(came))
"""
CONGESTION_CONTROL = """
import json, os, socket
listener = socket.create_server(("0.0.0.0", 0))
client = socket.create_connection((os.environ["BADLINK_HOST"], listener.getsockname()[1]))
ends = [client, listener.accept()[0]]
print(json.dumps([end.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\\0")
                  .decode() for end in ends]))
"""
TRANSFER = """
import json, os, random, socket, sys, threading, time
sent = random.Random(1).randbytes(int(sys.argv[1]))
listener = socket.create_server(("0.0.0.0", 0))
came = []
def receive():
    peer, address = listener.accept()
    came.append(address[0])
    while piece := peer.recv(65536):
        came.append(piece)
    peer.sendall(b"!")
    peer.close()
server = threading.Thread(target=receive)
server.start()
start = time.monotonic()
client = socket.create_connection((os.environ["BADLINK_HOST"], listener.getsockname()[1]))
connected = time.monotonic() - start
client.sendall(sent)
client.shutdown(socket.SHUT_WR)
client.recv(1)
seconds = time.monotonic() - start
server.join()
print(json.dumps({"from": came[0], "is_equal": b"".join(came[1:]) == sent,
                  "connected": connected, "seconds": seconds}))
"""

# Both ends of a connection are closed at the end of the process, and nothing waits.
CLOSE_AND_END = """
import os, socket
listener = socket.create_server(("0.0.0.0", 0))
client = socket.create_connection((os.environ["BADLINK_HOST"], listener.getsockname()[1]))
peer, _ = listener.accept()
client.shutdown(socket.SHUT_WR)
peer.recv(1)
print("null")
"""

# Leaves a process behind that sends until there is no link any more.
NEVER_ENDS = """
import os, socket, time
receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind(("0.0.0.0", 0))
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.connect((os.environ["BADLINK_HOST"], receiver.getsockname()[1]))
if os.fork() == 0:
    os.close(1)
    os.close(2)
    try:
        while True:
            sender.send(b"more")
            time.sleep(0.001)
    finally:
        os._exit(0)
print("null")
"""


def why_not():
    """Why no link can be made here; None: it can."""
    found = subprocess.run([programs.example("tools/badlink"), "-q", "--", "true"],
                           capture_output=True, text=True)
    return None if found.returncode == 0 else found.stderr.strip()


class Badlink(programs.TestCase):
    def badlink(self, *words, code=0, limit=programs.LIMIT):
        """Runs badlink to its end; what it printed on stdout and stderr."""
        done = subprocess.run([programs.example("tools/badlink"), *map(str, words)],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=limit)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout, done.stderr

    def python(self, options, program, *words):
        """The result of one of the programs above, and the talk of badlink."""
        out, err = self.badlink(*options, "--", sys.executable, "-c", program, *words)
        return json.loads(out), err


class TheCommandLine(Badlink):
    def test_a_missing_command_is_a_usage_error(self):
        self.assertIn("no command", self.badlink(code=2)[1])

    def test_a_value_without_its_unit_is_refused_by_name(self):
        for option, value in [("--rate", "8"), ("--rate", "8 mbit"), ("--rate", "-1mbit"),
                              ("--rate", "1bit"), ("--rate", "nanmbit"), ("--delay", "25"),
                              ("--delay", "ms"), ("--loss", "101"), ("--loss", "1%"),
                              ("--reorder", "x"), ("--queue", "0"), ("--seed", "-1")]:
            with self.subTest(option=option, value=value):
                error = self.badlink(option, value, "--", "true", code=2)[1]
                self.assertIn(option, error)
                if value != "1bit":  # there the limit is named
                    self.assertIn('not "%s"' % value, error)

    @unittest.skipUnless(os.geteuid() == 0 and shutil.which("setpriv"),
                         "needs root, to be an ordinary user")
    def test_a_user_who_may_not_open_the_device_is_told_what_to_type(self):
        if os.stat("/dev/net/tun").st_mode & 0o002:
            self.skipTest("everybody may open /dev/net/tun here")
        with tempfile.TemporaryDirectory() as folder:
            os.chmod(folder, 0o755)
            copy = shutil.copy(programs.example("tools/badlink"), folder)
            done = subprocess.run(["setpriv", "--reuid=65534", "--clear-groups", copy, "--", "true"],
                                  cwd="/", capture_output=True, text=True)
        self.assertEqual(done.returncode, 1)
        self.assertRegex(done.stderr, r"sudo (chmod|sysctl)")
        self.assertEqual(done.stderr.count("\n"), 1)


class TheLink(Badlink):
    def setUp(self):
        super().setUp()
        reason = why_not()
        if reason:
            self.skipTest(reason)

    def test_the_exit_code_is_that_of_the_command(self):
        self.badlink("-q", "--", "sh", "-c", "exit 7", code=7)
        self.badlink("-q", "--", "sh", "-c", "kill -9 $$", code=128 + signal.SIGKILL)
        self.assertIn("cannot start", self.badlink("--", "/no/such/program", code=127)[1])

    def test_the_command_finds_the_address_in_its_environment(self):
        self.assertEqual(self.badlink("--", "sh", "-c", "echo $BADLINK_HOST")[0], HOST + "\n")

    def test_sigterm_ends_the_command(self):
        with programs.Program(programs.example("tools/badlink"), "--", "sh", "-c",
                              "echo started; exec sleep 1000") as link:
            link.wait_for_line("started")
            link.terminate()
            self.assertEqual(link.wait_exit(), 128 + signal.SIGTERM)

    def test_a_transfer_comes_from_the_far_address_and_arrives_unchanged(self):
        options = ["--rate", "80mbit", "--delay", "2ms", "--loss", "2", "--reorder", "2", "-s", 5]
        result, _ = self.python(options, TRANSFER, 200_000)
        self.assertEqual((result["from"], result["is_equal"]), (HOST, True))

    def test_a_connection_takes_two_delays_at_least(self):
        result, _ = self.python(["--delay", "40ms"], TRANSFER, 1)
        self.assertGreaterEqual(result["connected"], 0.08)

    def test_bytes_take_at_least_what_the_rate_says(self):
        result, _ = self.python(["--rate", "2mbit", "--delay", "1ms"], TRANSFER, 100_000)
        self.assertGreaterEqual(result["seconds"], 0.4)

    def test_connections_use_the_congestion_control_that_was_chosen(self):
        names = Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text().split()
        for name in names:
            with self.subTest(name=name):
                out, _ = self.badlink("-c", name, "--", sys.executable, "-c", CONGESTION_CONTROL)
                self.assertEqual(json.loads(out), [name, name])

    def test_a_congestion_control_that_is_not_there_is_refused_by_name(self):
        self.assertIn("nosuch", self.badlink("-c", "nosuch", "--", "true", code=1)[1])

    def test_a_full_queue_loses_what_comes_behind(self):
        options = ["--rate", "100kbit", "--delay", "1ms", "--queue", 10]
        came, talk = self.python(options, COUNT_DATAGRAMS, 100, 500, 2)
        self.assertEqual(came[:10], list(range(10)))
        self.assertLess(len(came), 30)
        self.assertIn("%d lost in the queue" % (100 - len(came)), talk)

    def test_one_seed_loses_and_reorders_the_same_datagrams_each_time(self):
        options = ["--rate", "1gbit", "--delay", "1ms", "--queue", 1000, "--loss", 10, "--seed"]
        first, _ = self.python([*options, 3], COUNT_DATAGRAMS, 200, 100, 1)
        again, _ = self.python([*options, 3], COUNT_DATAGRAMS, 200, 100, 1)
        other, _ = self.python([*options, 4], COUNT_DATAGRAMS, 200, 100, 1)
        self.assertEqual(first, again)
        self.assertNotEqual(first, other)
        self.assertTrue(150 <= len(first) < 200, len(first))

    def test_reordering_loses_nothing(self):
        options = ["--rate", "10mbit", "--delay", "1ms", "--queue", 1000, "--reorder", 20]
        came, _ = self.python(options, COUNT_DATAGRAMS, 200, 100, 2)
        self.assertEqual(sorted(came), list(range(200)))
        self.assertNotEqual(came, sorted(came))

    def test_the_capture_shows_what_the_client_sees_with_right_checksums(self):
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "out.pcap")
            self.python(["--rate", "80mbit", "--delay", "1ms", "--pcap", path], TRANSFER, 20_000)
            packets = packets_of(path.read_bytes())
        syn, answer = packets[0], packets[1]
        self.assertEqual((address(syn, 12), address(syn, 16)), ("192.0.2.1", HOST))
        self.assertEqual((address(answer, 12), address(answer, 16)), (HOST, "192.0.2.1"))
        self.assertEqual((flags(syn), flags(answer)), ({"SYN"}, {"SYN", "ACK"}))
        for packet in packets:
            self.assertEqual(sum_of_words(packet[:20]), 0xFFFF)
            pseudo = packet[12:20] + struct.pack("!BBH", 0, packet[9], len(packet) - 20)
            self.assertEqual(sum_of_words(pseudo + packet[20:]), 0xFFFF)

    def test_the_last_segments_arrive_although_the_command_has_ended(self):
        # One process has both ends and ends with them: both FINs are under way then.
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder, "out.pcap")
            self.python(["--delay", "50ms", "--pcap", path], CLOSE_AND_END)
            packets = packets_of(path.read_bytes())
        self.assertEqual([flags(packet) for packet in packets].count({"FIN", "ACK"}), 2)
        self.assertEqual(flags(packets[-1]), {"ACK"})

    def test_a_program_that_goes_on_sending_does_not_keep_the_link(self):
        self.python(["--delay", "1ms"], NEVER_ENDS)

    def test_a_capture_that_cannot_be_written_is_an_error(self):
        self.assertIn("/no/such/folder/x",
                      self.badlink("--pcap", "/no/such/folder/x", "--", "true", code=2)[1])


def packets_of(data):
    """The packets of a pcap file of this machine."""
    magic, major, minor, _, _, longest, kind = struct.unpack_from("=IHHiIII", data)
    if (magic, major, minor, longest, kind) != (0xA1B2C3D4, 2, 4, 65535, 101):
        raise AssertionError("not the head of a capture of raw IP packets: %r" % data[:24])
    packets, at = [], 24
    while at < len(data):
        _, _, size, whole = struct.unpack_from("=IIII", data, at)
        packets.append(data[at + 16:at + 16 + size])
        at += 16 + size
        if size != whole or at > len(data):
            raise AssertionError("a packet is cut off")
    return packets


def address(packet, at):
    return ".".join(map(str, packet[at:at + 4]))


def flags(packet):
    names = ["FIN", "SYN", "RST", "PSH", "ACK"]
    return {name for bit, name in enumerate(names) if packet[33] >> bit & 1}


def sum_of_words(data):
    """The sum of RFC 1071; 0xFFFF with the checksum in it."""
    even = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(even) // 2), even))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


if __name__ == "__main__":
    unittest.main()

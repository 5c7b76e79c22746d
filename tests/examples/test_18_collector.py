#!/usr/bin/env python3
"""Chapter 18: the collector. Most peers are made by hand, for the course's program has no frames.

Run: TRAMA_BUILD=build python3 tests/examples/test_18_collector.py
"""
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import time
import unittest

import file_programs
import programs
import traced
from file_programs import MIB, some_bytes
from lab_frames import encapsula, readmsg
from lab_hftp import drip
from store_programs import HOSTILE_NAMES, LEGAL_NAMES

SERVER = "18_collector/collector_server"
CLIENT = "18_collector/collector_client"
CHOP = "tools/chop"

ACK = encapsula(b"recibido")
END_OF_PART = encapsula(b"")
PIECE = 65536  # bytes in a frame, at most
SIZES = (0, 1, 2, 3, 4, 5, 4095, 4096, 4097, 4 * PIECE, 999999, 1000000, 3 * MIB + 1)


def header(name, size):
    name = name.encode() if isinstance(name, str) else name
    return encapsula(b"%d %s" % (size, name))


def frames(data):
    """The frames of a part, with its end."""
    pieces = [encapsula(data[at:at + PIECE]) for at in range(0, len(data), PIECE)]
    return b"".join(pieces) + END_OF_PART


def quarters(data):
    quarter = len(data) // 4
    return [data[:quarter], data[quarter:2 * quarter], data[2 * quarter:3 * quarter],
            data[3 * quarter:]]


def whole(name, data):
    """All that is sent for a file."""
    return header(name, len(data)) + b"".join(map(frames, quarters(data)))


class CollectorCase(file_programs.TestCase):
    def collector(self, *options, folder=None):
        """A server; self.collected is its folder."""
        self.collected = folder or self.folder()
        return self.server(SERVER, "-d", self.collected, *options)

    def traced(self, *expressions):
        """A server under strace with these options -e, and the log of its calls."""
        if traced.why_not():
            self.skipTest(traced.why_not())
        self.collected = getattr(self, "collected", None) or self.folder()
        log = self.folder() / "strace.log"
        options = [word for each in expressions for word in ("-e", each)]
        # -D: the server is our child, and strace a stranger.
        server = self.listening(self.start(
            shutil.which("strace"), "-D", "-o", log, *options, programs.example(SERVER),
            "-H", "127.0.0.1", "-p", 0, "-d", self.collected,
            env={"ASAN_OPTIONS": "detect_leaks=0"}))
        return server, log

    def stored(self, address="127.0.0.1"):
        return file_programs.tree(self.collected / address)

    def all_stored(self):
        """Without the folders themselves."""
        found = file_programs.tree(self.collected)
        return {name: data for name, data in found.items() if isinstance(data, bytes)}

    def send_file(self, connection, name, data):
        """Part by part, as the course wants it."""
        connection.sendall(header(name, len(data)))
        for part in quarters(data):
            connection.sendall(frames(part))
            self.assertEqual(readmsg(connection), b"recibido")

    def assert_refused(self, connection):
        """An explanation, and an orderly end."""
        self.assertRegex(readmsg(connection), b"^error: .")
        self.assertIsNone(readmsg(connection))

    def assert_code(self, program, code, says=""):
        self.assertEqual(program.code, code, program.story("wrong exit code"))
        self.assertTrue(re.search(says, program.stderr), program.story("it does not say " + says))


# ---- the server ----------------------------------------------------------------------------------

class Server(CollectorCase):
    def test_a_file_step_by_step(self):
        connection = self.connect(self.collector())
        connection.sendall(b"000011:11 foto.jpg")
        for part in (b"000002:ho000000:", b"000001:l000001:a000000:", b"000002:, 000000:"):
            connection.sendall(part)
            self.assertEqual(programs.recv_exactly(connection, 15), b"000008:recibido")
            self.assertNotIn(b"127.0.0.1/foto.jpg", file_programs.tree(self.collected))
        connection.sendall(b"000005:adios" b"000000:")
        self.assertEqual(programs.recv_exactly(connection, 15), b"000008:recibido")
        self.assertEqual(self.stored(), {b"foto.jpg": b"hola, adios"})

    def test_only_the_end_of_a_part_is_acknowledged(self):
        connection = self.connect(self.collector())
        for said in (header("a.jpg", 4), encapsula(b"x"), encapsula(b"yz")):
            connection.sendall(said)
            self.assertFalse(select.select([connection], [], [], 0.1)[0], said)
        connection.sendall(END_OF_PART)
        self.assertEqual(readmsg(connection), b"recibido")
        self.assertFalse(select.select([connection], [], [], 0.1)[0])

    def test_files_of_every_size_follow_each_other_on_a_connection(self):
        connection = self.connect(self.collector())
        for size in SIZES:
            self.send_file(connection, "f%d.jpg" % size, some_bytes(size))
        self.assertTrue(self.stored() == {b"f%d.jpg" % size: some_bytes(size) for size in SIZES})
        connection.shutdown(socket.SHUT_WR)
        self.assertEqual(connection.recv(1), b"")

    def test_a_client_need_not_wait_and_bytes_may_come_one_at_a_time(self):
        server = self.collector()
        self.connect(server)
        for send in (socket.socket.sendall, drip):
            connection = self.connect(server)
            send(connection, whole("a.jpg", b"hola") + whole("b.jpg", b""))
            connection.shutdown(socket.SHUT_WR)
            self.assertEqual(programs.recv_all(connection), ACK * 8)
        self.assertEqual(self.stored(), {b"a.jpg": b"hola", b"b.jpg": b"",
                                         b"a-2.jpg": b"hola", b"b-2.jpg": b""})

    def test_the_folder_is_the_address_that_the_server_sees(self):
        server = self.collector()
        for address in ("127.0.0.1", "127.0.0.2"):
            with socket.socket() as connection:
                connection.settimeout(programs.LIMIT)
                connection.bind((address, 0))
                connection.connect(("127.0.0.1", server.port))
                self.send_file(connection, "a.jpg", address.encode())
        self.assertEqual(self.all_stored(), {b"127.0.0.1/a.jpg": b"127.0.0.1",
                                             b"127.0.0.2/a.jpg": b"127.0.0.2"})

    def test_who_comes_by_ipv4_to_a_door_for_both_families_has_an_ipv4_address(self):
        if not programs.has_ipv6():
            self.skipTest("no IPv6 here")
        self.collected = self.folder()
        server = self.server(SERVER, "-d", self.collected, host="*")
        for address in ("127.0.0.1", "::1"):
            with programs.connect(server.port, address) as connection:
                self.send_file(connection, "a.jpg", address.encode())
        self.assertEqual(self.all_stored(), {b"127.0.0.1/a.jpg": b"127.0.0.1",
                                             b"::1/a.jpg": b"::1"})

    def test_a_folder_in_its_folder_that_it_may_not_open_is_passed_over(self):
        self.collected = self.folder()
        (self.collected / "lost+found").mkdir(mode=0)
        self.listening(self.as_nobody(SERVER, "-H", "127.0.0.1", "-p", 0, "-d", self.collected))

    def test_files_of_one_name_are_all_kept(self):
        server = self.collector()
        long, tail, wide = "x" * 251 + ".jpg", "a." + "x" * 253, "ñ" * 127 + "x"
        for name, expected in (("foto.jpg", ["foto.jpg", "foto-2.jpg", "foto-3.jpg"]),
                               ("a.b.c", ["a.b.c", "a.b-2.c", "a.b-3.c"]),
                               ("none", ["none", "none-2", "none-3"]),
                               (long, [long, "x" * 249 + "-2.jpg", "x" * 249 + "-3.jpg"]),
                               (tail, [tail, tail[:-2] + "-2", tail[:-2] + "-3"]),
                               (wide, [wide, wide[:-2] + "-2", wide[:-2] + "-3"])):
            for place, kept in enumerate(expected):
                with self.connect(server) as connection:
                    self.send_file(connection, name, b"%d" % place)
                self.assertEqual(self.stored()[kept.encode()], b"%d" % place)
        self.assertEqual(len(self.stored()), 18)

    def test_files_of_one_name_at_once_are_all_kept(self):
        server = self.collector()
        connections = [self.connect(server) for _ in range(20)]
        for number, connection in enumerate(connections):
            connection.sendall(whole("a.jpg", b"%d" % number * 4)[:-len(END_OF_PART)])
        for connection in connections:
            connection.sendall(END_OF_PART)
            self.assertEqual(programs.recv_exactly(connection, 4 * len(ACK)), ACK * 4)
        self.assertEqual(sorted(self.stored().values()),
                         sorted(b"%d" % number * 4 for number in range(20)))

    def test_one_thread_serves_fifty_clients_beside_a_slow_one(self):
        file_programs.need_proc()
        server = self.collector()
        slow = self.connect(server)
        slow.sendall(whole("slow.jpg", b"slow")[:-3])
        connections = [self.connect(server) for _ in range(50)]
        for number, connection in enumerate(connections):
            connection.sendall(whole("%d.jpg" % number, some_bytes(300000)))
        for connection in connections:
            self.assertEqual(programs.recv_exactly(connection, 4 * len(ACK)), ACK * 4)
        self.assertEqual(file_programs.threads_of(server.process.pid), 1)
        slow.sendall(END_OF_PART[-3:])
        self.assertEqual(programs.recv_exactly(slow, 4 * len(ACK)), ACK * 4)
        self.assertEqual(len(self.stored()), 51)

    def test_a_large_file_needs_little_memory(self):
        server = self.collector()
        with self.connect(server) as connection:
            self.send_file(connection, "a.mp4", some_bytes(8 * MIB) * 8)
        self.assertTrue(self.stored() == {b"a.mp4": some_bytes(8 * MIB) * 8})
        self.assertLess(file_programs.peak_memory(server.process.pid), 16 * MIB)


class Refusals(CollectorCase):
    def test_a_name_that_is_not_plain_is_refused_and_nothing_is_touched(self):
        outer = self.folder({"outside": b"secret"})
        (outer / "collected").mkdir()
        server = self.collector(folder=outer / "collected")
        for name in HOSTILE_NAMES + [os.fsencode(outer / "outside")]:
            with self.subTest(name=name[:40]), self.connect(server) as connection:
                connection.sendall(header(name, 4))
                self.assert_refused(connection)
        self.assertEqual(self.all_stored(), {})
        self.assertEqual((outer / "outside").read_bytes(), b"secret")

    def test_every_plain_name_is_taken(self):
        connection = self.connect(self.collector())
        for name in LEGAL_NAMES:
            self.send_file(connection, name, name.encode())
        self.assertEqual(self.stored(), {name.encode(): name.encode() for name in LEGAL_NAMES})

    def test_a_header_is_a_size_a_space_and_a_name(self):
        server = self.collector()
        for text in (b"", b"a.jpg", b"4", b"4 ", b" a.jpg", b"-4 a.jpg", b"+4 a.jpg", b"0x4 a.jpg",
                     b"4.0 a.jpg", b"4\ta.jpg", b"9223372036854775808 a.jpg",
                     b"9" * 1000 + b" a.jpg"):
            with self.subTest(text=text[:40]), self.connect(server) as connection:
                connection.sendall(encapsula(text))
                self.assert_refused(connection)
        self.assertEqual(self.all_stored(), {})

    def test_the_thousand_and_first_file_of_one_name_is_refused(self):
        server = self.collector()
        names = ["a.jpg"] + ["a-%d.jpg" % number for number in range(2, 1000)]
        (self.collected / "127.0.0.1").mkdir()
        self.fill(self.collected / "127.0.0.1", {name: b"" for name in names})
        with self.connect(server) as connection:
            self.send_file(connection, "a.jpg", b"hola")
            self.assertEqual(self.stored()[b"a-1000.jpg"], b"hola")
            connection.sendall(whole("a.jpg", b"adios"))
            self.assertEqual([readmsg(connection) for _ in range(3)], [b"recibido"] * 3)
            self.assert_refused(connection)
        self.assertEqual(len(self.stored()), 1000)

    def test_however_many_have_its_name_a_file_waits_for_the_disk_and_is_linked_once(self):
        self.collected = self.folder()
        (self.collected / "127.0.0.1").mkdir()
        self.fill(self.collected / "127.0.0.1",
                  dict.fromkeys(["a.jpg"] + ["a-%d.jpg" % number for number in range(2, 500)], b""))
        server, log = self.traced("trace=fsync,linkat")
        with self.connect(server) as connection:
            self.send_file(connection, "a.jpg", b"hola")
        self.assertEqual(self.stored()[b"a-500.jpg"], b"hola")
        server.terminate()
        self.assertEqual(server.wait_exit(), 0, server.story("it was stopped"))
        calls = re.findall(r"^(\w+)\(", log.read_text(), re.MULTILINE)
        self.assertEqual(calls, ["fsync", "linkat", "fsync"])  # the file; its name; the folder

    def test_more_or_fewer_bytes_than_announced_are_refused(self):
        server = self.collector()
        with self.connect(server) as connection:
            connection.sendall(header("a.jpg", 4) + encapsula(b"holas"))  # that is known at once
            self.assert_refused(connection)
        for size, data in ((4, b"holas"), (4, b"hol"), (0, b"x"), (1, b"")):
            with self.connect(server) as connection:
                connection.sendall(header("a.jpg", size) + frames(data) + END_OF_PART * 3)
                answers = programs.recv_all(connection)
                self.assertRegex(answers, b"^(000008:recibido){0,3}[0-9]{6}:error: .")
        self.eventually(self.all_stored, {}, server)

    def test_what_is_no_frame_or_too_long_ends_the_connection(self):
        server = self.collector()
        for data in (b"hola\r\n\r\n", b"+00004:hola", b"%06d:" % (PIECE + 1), b"999999:"):
            for before in (b"", header("a.jpg", 4)):
                received = self.converse(server, before + data)
                self.assertRegex(received, b"^([0-9]{6}:error: .*)?$")
        self.eventually(self.all_stored, {}, server)

    def test_who_still_sends_gets_the_refusal(self):
        connection = self.connect(self.collector())
        connection.sendall(header("../a.jpg", 8 * MIB) + frames(bytes(8 * MIB)))
        self.assert_refused(connection)

    def test_a_file_that_ends_anywhere_before_its_end_leaves_nothing(self):
        server = self.collector()
        data = whole("a.jpg", b"hola, adios")
        for end in range(len(data)):
            connection = self.connect(server)
            connection.sendall(data[:end])
            connection.shutdown(socket.SHUT_WR)
            self.assertLess(len(programs.recv_all(connection)), 4 * len(ACK))
            connection = self.connect(server)
            connection.sendall(data[:end])
            programs.reset(connection)
        self.eventually(self.all_stored, {}, server)
        with self.connect(server) as connection:
            self.send_file(connection, "a.jpg", b"hola")
        self.assertEqual(self.stored(), {b"a.jpg": b"hola"})

    def test_nothing_is_set_aside_for_bytes_that_are_only_promised(self):
        server = self.collector()
        with self.connect(server) as connection:
            self.send_file(connection, "a.jpg", b"hola")
        before = file_programs.peak_memory(server.process.pid)
        for number in range(50):
            size = 2 ** 62 if number % 2 else 64 * MIB
            self.connect(server).sendall(header("b.jpg", size) + b"%06d:x" % PIECE)
        with self.connect(server) as connection:
            self.send_file(connection, "c.jpg", b"hola")
        self.assertLess(file_programs.peak_memory(server.process.pid) - before, 16 * MIB)

    def test_a_full_disk_is_told_and_nothing_is_left(self):
        self.collected = self.folder()
        server = self.listening(self.with_small_files(MIB, SERVER, "-H", "127.0.0.1", "-p", 0,
                                                      "-d", self.collected))
        connection = self.connect(server)
        connection.sendall(header("a.jpg", MIB + 1) + frames(bytes(MIB + 1)))
        self.assert_refused(connection)
        self.eventually(self.all_stored, {}, server)
        with self.connect(server) as connection:
            self.send_file(connection, "a.jpg", bytes(MIB))

    def test_a_server_that_was_killed_leaves_no_half_file_and_clears_up_when_it_starts_again(self):
        folder = self.folder()
        for number in range(5):
            server = self.collector(folder=folder)
            connection = self.connect(server)
            connection.sendall(header("a.jpg", 4 * MIB) + frames(bytes(number * 200000)))
            self.assertEqual(readmsg(connection), b"recibido")
            server.signal(signal.SIGKILL)
            server.wait_exit()
        self.collector(folder=folder)
        self.assertEqual(self.all_stored(), {})

    def test_who_falls_silent_in_a_file_is_dropped_and_nobody_else(self):
        server = self.collector("--timeout", "1")
        started = time.monotonic()
        active, silent = self.connect(server), self.connect(server)
        data = whole("active.jpg", b"x" * 1000)
        silent.sendall(data[:100])
        while True:
            self.assertLess(time.monotonic() - started, programs.within(3))
            active.sendall(data[:1])
            data = data[1:]
            if select.select([silent], [], [], 0.02)[0] and silent.recv(100) == b"":
                break
        self.assertGreaterEqual(time.monotonic() - started, 0.9)
        self.assertLess(time.monotonic() - started, programs.within(3))
        active.sendall(data)
        self.assertEqual(programs.recv_exactly(active, 4 * len(ACK)), ACK * 4)
        self.eventually(self.all_stored, {b"127.0.0.1/active.jpg": b"x" * 1000}, server)


class LackingFileSystems(CollectorCase):
    """Shared folders, FUSE and FAT lack fsync(2) of a folder, or linkat(2)."""

    # The first fsync is of the new folder; then each file has one, and one more for its name.
    FOLDERS_OF_FILES = "inject=fsync:error=%s:when=3+2"

    def assert_stored_once_and_told_so(self, server):
        folder = self.folder({"a.jpg": some_bytes(3000)})
        for expected in ((b"a.jpg",), (b"a.jpg", b"a-2.jpg")):  # a second client, a second file
            client = self.run_to_end(CLIENT, "-H", "127.0.0.1", "-p", server.port, "-d", folder)
            self.assert_code(client, 0)
            self.assertEqual(client.stdout, "a.jpg\n")
            server.wait_for_line(", stored as ", on="stderr")
            self.assertEqual(self.stored(), dict.fromkeys(expected, some_bytes(3000)))
        self.assertEqual(server.stderr.count(", stored as "), 2)
        self.assertNotIn("error", server.stderr)

    def test_a_folder_that_cannot_be_synced_is_no_failure(self):
        for error in ("EINVAL", "ENOSYS"):
            with self.subTest(error=error):
                self.collected = self.folder()
                self.assert_stored_once_and_told_so(
                    self.traced("trace=fsync", self.FOLDERS_OF_FILES % error)[0])

    def test_nor_is_the_new_folder_of_a_client(self):
        server, _ = self.traced("trace=fsync", "inject=fsync:error=EINVAL:when=1")
        self.assert_stored_once_and_told_so(server)

    def test_a_disk_that_fails_is_a_failure(self):
        server, _ = self.traced("trace=fsync", self.FOLDERS_OF_FILES % "EIO")
        with self.connect(server) as connection:
            connection.sendall(whole("a.jpg", b"hola"))
            self.assertEqual([readmsg(connection) for _ in range(3)], [b"recibido"] * 3)
            self.assertEqual(readmsg(connection), b"error: Input/output error")

    def test_without_hard_links_files_are_stored_and_none_is_replaced(self):
        for error in ("EPERM", "ENOSYS", "EOPNOTSUPP", "EMLINK"):
            for more in ((), ("inject=renameat2:error=EINVAL",)):  # nor a rename that replaces none
                with self.subTest(error=error, more=more):
                    self.collected = self.folder()
                    server, _ = self.traced("trace=linkat,renameat2",
                                            "inject=linkat:error=" + error, *more)
                    self.assert_stored_once_and_told_so(server)


class WhatIsUnfinished(CollectorCase):
    """It has been deleted before anybody is told that it is not kept, however long that takes."""

    SLOWLY = ("trace=unlinkat", "inject=unlinkat:delay_enter=300000")  # microseconds

    def under_way(self, connection):
        connection.sendall(header("a.jpg", 4) + frames(b"h"))
        self.assertEqual(readmsg(connection), b"recibido")
        self.assertEqual(len(self.stored()), 1)

    def test_when_the_server_says_that_a_client_has_left(self):
        for end in (socket.socket.close, programs.reset):
            self.collected = self.folder()
            server, _ = self.traced(*self.SLOWLY)
            connection = self.connect(server)
            self.under_way(connection)
            end(connection)
            server.wait_for_line("deleted the unfinished a.jpg| left: ", on="stderr")
            self.assertEqual(self.stored(), {})

    def test_when_a_client_reads_that_its_file_is_refused(self):
        server, _ = self.traced(*self.SLOWLY)
        connection = self.connect(server)
        self.under_way(connection)
        connection.sendall(encapsula(b"more bytes than were announced"))
        self.assert_refused(connection)
        self.assertEqual(self.stored(), {})

    def test_when_clients_flood_it_and_go(self):
        server = self.collector()
        for end in (socket.socket.close, programs.reset):
            for cut in (100, 70000, 900000):
                connections = [self.connect(server) for _ in range(20)]
                flood = b"".join(whole("%d.jpg" % size, some_bytes(size)) for size in (4, MIB))
                for connection in connections:
                    connection.sendall(flood[:cut])
                for connection in connections:
                    end(connection)
                for _ in connections:
                    server.wait_for_line(" left: ", on="stderr")
                self.assertFalse([name for name in self.stored() if name.startswith(b".")])


# ---- the client ----------------------------------------------------------------------------------

class Client(CollectorCase):
    def sends(self, port, folder, *options, **keywords):
        return self.run_to_end(CLIENT, "-H", "127.0.0.1", "-p", port, "-d", folder, *options,
                               **keywords)

    def receive_files(self, connection):
        """A server made by hand: [(header, [the frames of a part, ...]), ...]."""
        files = []
        for first in iter(lambda: readmsg(connection), None):
            parts = []
            for _ in range(4):
                parts.append(list(iter(lambda: readmsg(connection), b"")))
                self.assertFalse(select.select([connection], [], [], 0.05)[0], "it did not wait")
                connection.sendall(ACK)
            files.append((first, parts))
        return files

    def test_every_file_goes_in_four_parts_and_each_is_acknowledged_before_the_next(self):
        folder = self.folder({"f%07d.jpg" % size: some_bytes(size) for size in SIZES})
        port, served = self.peer(self.receive_files)
        self.assert_code(self.sends(port, folder), 0)
        files = served.result()
        self.assertEqual([first for first, _ in files],
                         [b"%d f%07d.jpg" % (size, size) for size in SIZES])
        for size, (_, parts) in zip(SIZES, files):
            self.assertTrue([b"".join(part) for part in parts] == quarters(some_bytes(size)))
            self.assertLessEqual(max([0] + [len(piece) for part in parts for piece in part]), PIECE)

    def test_images_pdfs_audio_and_video_are_sent_from_all_folders_and_nothing_else(self):
        sent = ["a.jpg", "b.JPEG", "c.png", "d.gif", "e.pdf", "f.PDF", "g.mp3", "h.wav", "i.ogg",
                "j.mp4", "k.avi", "l.mkv", "m.Mov", "n.webm", "o p.flac", "año.jpg"]
        not_sent = ["a.txt", "b.cpp", "jpg", "c.jpg.txt", "d.jpgx", "e.", ".f.jpg", "mp3"]
        folder = self.folder({name: name.encode() for name in sent + not_sent})
        (folder / "deep" / "er.jpg").mkdir(parents=True)
        (folder / ".hidden").mkdir()
        self.fill(folder / "deep" / "er.jpg", {"z.jpg": b"z", "a.jpg": b"another"})
        self.fill(folder / ".hidden", {"y.jpg": b"y"})
        os.symlink(folder, folder / "loop")
        os.symlink("/dev/zero", folder / "zero.jpg")
        os.symlink(folder / "a.jpg", folder / "link.jpg")
        os.mkfifo(folder / "fifo.jpg")
        server = self.collector()
        client = self.sends(server.port, folder)
        self.assert_code(client, 0)
        expected = {name.encode(): name.encode() for name in sent}
        expected.update({b"z.jpg": b"z", b"a-2.jpg": b"another"})
        self.assertEqual(self.stored(), expected)
        self.assertEqual(client.stdout.splitlines(),
                         sorted(sent + ["deep/er.jpg/a.jpg", "deep/er.jpg/z.jpg"],
                                key=os.fsencode))

    def test_nothing_to_send_is_no_error(self):
        client = self.sends(self.collector().port, self.folder({"a.txt": b"hola"}))
        self.assert_code(client, 0)
        self.assertEqual((client.stdout, self.all_stored()), ("", {}))

    def test_a_name_that_no_server_would_take_is_told_and_the_others_are_sent(self):
        folder = self.folder({"a.jpg": b"a", b"b\xff.jpg": b"b", "c\n.jpg": b"c", "d.jpg": b"d"})
        client = self.sends(self.collector().port, folder)
        self.assert_code(client, 2, r"b\\\S+\.jpg")
        self.assertEqual(self.stored(), {b"a.jpg": b"a", b"d.jpg": b"d"})

    def test_a_file_that_cannot_be_read_is_told_and_the_others_are_sent(self):
        folder = self.folder({"a.jpg": b"a", "b.jpg": b"b", "c.jpg": b"c"})
        os.chmod(folder / "b.jpg", 0)
        server = self.collector()
        client = self.as_nobody(CLIENT, "-H", "127.0.0.1", "-p", server.port, "-d", folder)
        client.code = client.wait_exit()
        self.assert_code(client, 2, r"b\.jpg")
        self.assertEqual(self.stored(), {b"a.jpg": b"a", b"c.jpg": b"c"})

    def test_an_answer_other_than_recibido_is_an_error(self):
        folder = self.folder({"a.jpg": b"hola"})
        for answer in (encapsula(b"error: no space"), encapsula(b"Recibido"), encapsula(b""),
                       b"recibido", b"", b"000008:reci", b"999999:"):
            def serve_one(connection):
                readmsg(connection)
                connection.sendall(answer)

            port, _ = self.peer(serve_one)
            self.assert_code(self.sends(port, folder), 1)

    def test_what_the_server_says_is_shown(self):
        def serve_one(connection):
            readmsg(connection)
            connection.sendall(encapsula(b"error: no space\x1b[2J"))
            connection.shutdown(socket.SHUT_WR)
            try:
                programs.recv_all(connection)
            except ConnectionResetError:
                pass

        port, _ = self.peer(serve_one)
        client = self.sends(port, self.folder({"a.jpg": b"hola"}))
        self.assert_code(client, 1, "no space")
        self.assertNotIn("\x1b", client.stderr)

    def test_gives_up_when_the_server_is_silent_and_when_nobody_listens(self):
        folder = self.folder({"a.jpg": b"hola"})
        port, _ = self.peer(programs.recv_all)
        started = time.monotonic()
        self.assert_code(self.sends(port, folder, "--timeout", "1"), 1)
        self.assertLess(time.monotonic() - started, programs.within(5))
        self.assert_code(self.sends(programs.refusing_port(), folder), 1, "(?i)refused")

    def test_a_file_that_becomes_shorter_while_it_is_sent_is_told_and_one_that_grows_is_sent(self):
        for size in (4 * MIB, 64 * MIB + 1):  # it has 64 MiB when the client opens it
            folder = self.folder()
            with open(folder / "a.jpg", "wb") as file:
                file.truncate(64 * MIB)

            def serve_one(connection):
                readmsg(connection)
                os.truncate(folder / "a.jpg", size)
                answered = 0
                while answered < 4 and connection:
                    message = readmsg(connection)
                    if message is None:
                        return answered
                    if message == b"":
                        connection.sendall(ACK)
                        answered += 1
                return answered

            port, served = self.peer(serve_one)
            if size < 64 * MIB:
                self.assert_code(self.sends(port, folder), 2, "a.jpg became shorter")
                self.assertLess(served.result(), 4)
            else:
                self.assert_code(self.sends(port, folder), 0)
                self.assertEqual(served.result(), 4)

    def test_a_file_without_a_size_is_skipped_by_name(self):
        file_programs.need_proc()
        folder = self.folder({"a.jpg": b"", "b.jpg": b"hola"})
        mount = "mount --bind /proc/version %s/a.jpg" % folder
        if subprocess.run(["unshare", "-m", "sh", "-c", mount], capture_output=True).returncode:
            self.skipTest("nothing can be mounted here")
        server = self.collector()
        client = self.start("/usr/bin/env", "unshare", "-m", "sh", "-c", mount + '; exec "$@"', "sh",
                            programs.example(CLIENT), "-H", "127.0.0.1", "-p", server.port,
                            "-d", folder)
        self.assertEqual(client.wait_exit(), 2, client.story("a file has no size"))
        self.assertRegex(client.stderr, "skipped: a.jpg: .*wrong size")
        self.assertEqual(self.stored(), {b"b.jpg": b"hola"})

    def test_an_acknowledgement_of_what_was_not_sent_is_an_error(self):
        # The first part is still coming; and of four parts, one has come, and two are acknowledged.
        for data, acknowledged in ((bytes(64 * MIB), ACK), (b"hola", ACK * 2)):
            listener = self.listener()
            client = self.start(CLIENT, "-H", "127.0.0.1", "-p", programs.port_of(listener), "-d",
                                self.folder({"a.mp4": data}))
            with programs.accept(listener) as connection:
                self.assertEqual(readmsg(connection), b"%d a.mp4" % len(data))
                if len(data) == 4:
                    self.assertEqual((readmsg(connection), readmsg(connection)), (b"h", b""))
                connection.sendall(acknowledged)
                self.assert_fails(client, 1, "not sent")

    def test_ctrl_c_ends_it_at_once_although_the_server_takes_nothing(self):
        for data in (b"hola", bytes(64 * MIB)):
            listener = self.listener()
            folder = self.folder({"a.jpg": data})
            client = self.start(CLIENT, "-H", "127.0.0.1", "-p", programs.port_of(listener),
                                "-d", folder)
            with programs.accept(listener) as connection:
                connection.recv(1)
                client.interrupt()
                self.assertEqual(client.wait_exit(), 1, client.story("it was interrupted"))
                self.assertIn("0 of 1 files", client.stderr)

    def test_a_large_file_needs_little_memory(self):
        listener = self.listener()
        folder = self.folder({"a.mp4": some_bytes(8 * MIB) * 8})
        client = self.start(CLIENT, "-H", "127.0.0.1", "-p", programs.port_of(listener), "-d",
                            folder)
        with programs.accept(listener) as connection:
            readmsg(connection)
            for _ in range(4):
                while readmsg(connection):
                    pass
                self.assertLess(file_programs.peak_memory(client.process.pid), 16 * MIB)
                connection.sendall(ACK)
        self.assertEqual(client.wait_exit(), 0, client.stderr)


# ---- both ----------------------------------------------------------------------------------------

class Both(CollectorCase):
    FILES = {"a.jpg": b"", "b.pdf": b"x", "c.mp3": b"hola", "d.mp4": b"000004:hola" * 30}

    def client(self, port, folder, *options):
        return self.start(CLIENT, "-H", "127.0.0.1", "-p", port, "-d", folder, *options)

    def chop(self, server, *options):
        return self.server(CHOP, "--to", "127.0.0.1:%d" % server.port, "-q", *options)

    def is_under_way(self):
        return any(b".trama-" in name for name in file_programs.tree(self.collected))

    def stalled(self, server):
        """A client whose file has come in part, and for which no more comes until one of them ends.
        """
        def carry(client):
            with programs.connect(server.port) as connection:
                left = 100000
                while True:
                    for end in select.select([client, connection], [], [])[0]:
                        data = end.recv(65536)
                        if not data:
                            return
                        if end is client:
                            connection.sendall(data[:left])
                            left -= len(data[:left])

        port, _ = self.peer(carry)
        client = self.client(port, self.folder({"a.jpg": some_bytes(8 * MIB)}))
        self.eventually(self.is_under_way, True, server)
        return client

    def test_twenty_clients_at_once_and_nothing_is_lost(self):
        server = self.collector()
        clients = []
        for number in range(20):
            files = {"a.jpg": b"%d" % number, "%d.mp4" % number: some_bytes(100000 + number)}
            clients.append(self.client(server.port, self.folder(files)))
        for client in clients:
            self.assertEqual(client.wait_exit(), 0, client.story("one of twenty"))
        stored = self.stored()
        for number in range(20):
            self.assertTrue(stored.pop(b"%d.mp4" % number) == some_bytes(100000 + number))
        self.assertEqual(sorted(stored.values()), sorted(b"%d" % number for number in range(20)))

    def test_a_client_that_dies_leaves_nothing_and_the_others_go_on(self):
        for by, code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 1)):
            server = self.collector()
            client = self.stalled(server)
            other = self.client(server.port, self.folder({"b.jpg": b"hola"}))
            self.assertEqual(other.wait_exit(), 0, other.stderr)
            self.assertTrue(self.is_under_way())
            client.signal(by)
            self.assertEqual(client.wait_exit(), code, client.story("it was ended"))
            self.eventually(self.stored, {b"b.jpg": b"hola"}, server)

    def test_a_server_that_stops_leaves_nothing_and_the_client_says_so(self):
        server = self.collector()
        client = self.stalled(server)
        server.interrupt()
        self.assertEqual(server.wait_exit(), 0, server.stderr)
        self.assertEqual(self.stored(), {})
        self.assert_fails(client, 1, "the server closed|reset|pipe")

    def test_however_the_bytes_are_cut_all_files_arrive(self):
        server = self.collector()
        folder = self.folder(self.FILES)
        for mode in ("bytes", "random", "headers", "glue"):
            for seed in (1, 2):
                chop = self.chop(server, "--mode", mode, "--seed", seed)
                client = self.client(chop.port, folder)
                self.assertEqual(client.wait_exit(), 0, client.story(mode))
        stored = self.stored()
        for name, data in self.FILES.items():
            stem, kind = name.split(".")
            self.assertEqual(stored.pop(name.encode()), data)
            for number in range(2, 9):
                self.assertEqual(stored.pop(b"%s-%d.%s" % (stem.encode(), number, kind.encode())),
                                 data)
        self.assertEqual(stored, {})

    def test_wherever_the_connection_breaks_each_file_is_whole_or_not_there(self):
        folder = self.folder(self.FILES)
        for mode in ("reset", "half-close"):
            for after in (1, 40, 100, 150, 300):
                server = self.collector()
                chop = self.chop(server, "--mode", mode, "--after", after, "--direction", "up")
                client = self.client(chop.port, folder)
                self.assertEqual(client.wait_exit(), 1, client.story(mode))
                server.wait_for_line(" left: ", on="stderr")
                stored = self.stored()
                told = [os.fsencode(name) for name in client.stdout.splitlines()]
                self.assertLessEqual(set(told), set(stored))  # it may be stored, and not yet told
                self.assertLess(len(stored), len(self.FILES))
                for name, data in stored.items():
                    self.assertEqual(data, self.FILES[name.decode()])


class Manners(CollectorCase):
    def test_help(self):
        for path, defaults in ((SERVER, ("0.0.0.0", "65433", "collected")),
                               (CLIENT, ("localhost", "65433"))):
            self.assert_help(path)
            told = self.run_to_end(path, "--help").stdout
            for default in defaults:
                self.assertIn(default, told)

    def test_quiet_shows_errors_and_nothing_else(self):
        server = self.collector("-q")
        with self.connect(server) as connection:
            self.send_file(connection, "a.jpg", b"hola")
            connection.sendall(header("..", 4))
            self.assert_refused(connection)
        server.wait_for_line("^127.0.0.1:[0-9]+: error: this is no name", on="stderr")
        folder = self.folder({"a.jpg": b"a", "c\n.jpg": b"c"})
        client = self.run_to_end(CLIENT, "-q", "-H", "127.0.0.1", "-p", server.port, "-d", folder)
        self.assertEqual((client.code, client.stdout), (2, "a.jpg\n"), client.stderr)
        self.assertRegex(client.stderr, r"^skipped: c\\n.jpg: .*\n.*1 could not be sent\n$")
        server.interrupt()
        self.assertEqual(server.wait_exit(), 0)
        self.assertEqual(len(server.stderr.splitlines()), 1, server.stderr)

    def test_usage_errors(self):
        for path in (SERVER, CLIENT):
            self.assert_usage_error(path, "--nonsense", says="nonsense")
            self.assert_usage_error(path, "-p", "70000", says="port")
            self.assert_usage_error(path, "word", says="word")
            self.assert_usage_error(path, "-d", self.folder() / "none", says="none")
            self.assert_usage_error(path, "-d", __file__)

    def test_the_server_makes_its_default_folder(self):
        folder = self.folder()
        server = self.listening(self.start(SERVER, "-p", 0, cwd=folder))
        self.assertEqual(server.host, "0.0.0.0")
        with self.connect(server) as connection:
            self.send_file(connection, "a.jpg", b"hola")
        self.assertEqual((folder / "collected" / "127.0.0.1" / "a.jpg").read_bytes(), b"hola")

    def test_a_port_that_is_taken_is_told(self):
        server = self.collector()
        second = self.run_to_end(SERVER, "-H", "127.0.0.1", "-p", server.port, "-d", self.collected)
        self.assert_fails(second, 1, "in use")

    def test_a_signal_stops_the_server_in_order_and_leaves_no_half_file(self):
        for by in (signal.SIGINT, signal.SIGTERM):
            server = self.collector()
            connection = self.connect(server)
            connection.sendall(header("a.jpg", 4) + frames(b"ho"))
            self.assertEqual(readmsg(connection), b"recibido")
            server.signal(by)
            self.assertEqual(server.wait_exit(), 0, server.stderr)
            self.assertEqual(self.all_stored(), {})
            self.assert_stops_in_order(SERVER, "-d", self.folder(), by=by)


if __name__ == "__main__":
    unittest.main()

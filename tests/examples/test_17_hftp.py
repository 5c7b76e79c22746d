#!/usr/bin/env python3
"""Chapter 17: the HFTP server and client, by hand-made sockets and by the course's own programs.

Run: TRAMA_BUILD=build python3 tests/examples/test_17_hftp.py
"""
import base64
import contextlib
import os
import re
import resource
import select
import shutil
import signal
import socket
import threading
import time
import unittest
from pathlib import Path

import file_programs
import lab_hftp
import programs
from file_programs import MIB, SIZES, some_bytes
from lab_hftp import BIG, HUGE_NAME, drip

SERVER = "17_hftp/hftp_server"
CLIENT = "17_hftp/hftp_client"

ANSWERS = {
    0: b"0 OK\r\n", 100: b"100 BAD EOL\r\n", 101: b"101 BAD REQUEST\r\n",
    199: b"199 INTERNAL SERVER ERROR\r\n", 200: b"200 NO SUCH COMMAND\r\n",
    201: b"201 INVALID ARGUMENTS FOR COMMAND\r\n", 202: b"202 FILE NOT FOUND\r\n",
    203: b"203 OFFSET EXCEEDS FILE SIZE\r\n"}
HELP = b"0 OK\r\nget_file_listing\r\nget_metadata\r\nget_slice\r\nhelp\r\nquit\r\n\r\n"
FILES = {"hola.txt": b"hola, adios\n", "empty": b""}
LIMIT = 6 * MIB  # of a line, its CR LF not counted

# The checks in their order. The file hola.txt has 12 bytes.
FATAL = [
    (100, b"\n"), (100, b"help\n"), (100, b"qui\nt\r\n"), (100, b" \n"), (100, b"\r \n"),
    (100, b"\xff\n"), (100, b"get_metadata \n"),
    (101, b"\xff\r\n"), (101, b"help \x80\r\n"), (101, "get_metadata año\r\n".encode()),
    (101, b"\r\n"), (101, b" \r\n"), (101, b"    \r\n"), (101, b"\t\r\n")]
GO_ON = [
    (200, b"x"), (200, b"HELP"), (200, b"Help"), (200, b"help\t"), (200, b" help"),
    (200, b"help\r"), (200, b"\x00"), (200, b"help\x00"), (200, b"get_file_listings"),
    (200, b"GET / HTTP/1.1"), (200, b"x hola.txt"),
    (201, b"help me"), (201, b"help "), (201, b"quit now"), (201, b"get_file_listing ."),
    (201, b"get_metadata"), (201, b"get_metadata hola.txt "), (201, b"get_metadata  hola.txt"),
    (201, b"get_metadata a b"), (201, b"get_slice"), (201, b"get_slice hola.txt 0"),
    (201, b"get_slice hola.txt 0 1 raw raw"), (201, b"get_slice hola.txt  0 1"),
    (201, b"get_metadata "), (201, b"get_metadata ../hola.txt"), (201, b"get_metadata /etc/passwd"),
    (201, b"get_metadata a\x00b"), (201, b"get_metadata a\tb"), (201, b"get_metadata hola.txt\r"),
    (201, b"get_metadata *"), (201, b"get_metadata ~"), (201, b"get_slice ../hola.txt 0 1"),
    (201, b"get_metadata \x7f"), (201, b"get_metadata hola.txt\x00"),
    (201, b"get_slice hola.txt x 1"), (201, b"get_slice hola.txt 0 x"),
    (201, b"get_slice hola.txt -1 1"), (201, b"get_slice hola.txt +1 1"),
    (201, b"get_slice hola.txt 0x1 1"),
    (201, b"get_slice hola.txt 1_0 1"), (201, b"get_slice hola.txt 1.0 1"),
    (201, b"get_slice hola.txt 1e0 1"), (201, b"get_slice hola.txt 0 \t1"),
    (201, b"get_slice none x 1"),
    (201, b"get_slice hola.txt 0 1 RAW"), (201, b"get_slice hola.txt 0 1 base64"),
    (201, b"get_slice none 0 1 x"), (201, b"get_slice hola.txt 0 1 "),
    (202, b"get_metadata none"), (202, b"get_metadata ."), (202, b"get_metadata .."),
    (202, b"get_metadata HOLA.TXT"), (202, b"get_metadata " + b"x" * 256),
    (202, b"get_slice none 0 1"), (202, b"get_slice none 99999999999999999999999 1 raw"),
    (202, b"get_slice .. 0 0"),
    (203, b"get_slice hola.txt 13 0"), (203, b"get_slice hola.txt 12 1"),
    (203, b"get_slice hola.txt 0 13"), (203, b"get_slice hola.txt 0 13 raw"),
    (203, b"get_slice empty 0 1"), (203, b"get_slice hola.txt 0 9223372036854775808"),
    (203, b"get_slice hola.txt 18446744073709551615 1"),
    (203, b"get_slice hola.txt 1 18446744073709551615"),
    (203, b"get_slice hola.txt 18446744073709551616 0"),
    (203, b"get_slice hola.txt 0 " + b"9" * 1000)]


class HftpCase(file_programs.TestCase):
    def hftp(self, files=None, *options, port=0):
        """A server; self.data is its folder, with these files."""
        self.data = self.folder(FILES if files is None else files)
        return self.hftp_at(self.data, *options, port=port)

    def hftp_at(self, folder, *options, port=0):
        return self.listening(self.start(SERVER, "-a", "127.0.0.1", "-p", port, "-d", folder,
                                         *options))

    def lab_client(self, server):
        client = lab_hftp.Client(self.connect(server))
        self.addCleanup(client.close)
        return client

    def assert_answers(self, server, requests, expected):
        """These bytes, sent at once, are answered so, whoever closes first."""
        received = self.converse(server, requests)
        self.assertTrue(received == expected,
                        "%.80r: %.200r, and should be %.200r" % (requests, received, expected))

    def assert_serves(self, server):
        self.assert_answers(server, b"help\r\nquit\r\n", HELP + ANSWERS[0])

    def slow_slice(self, server, name, size, form=""):
        """A connection that has begun to receive this slice, and what came."""
        connection = self.narrow_connection(server)
        connection.sendall(b"get_slice %s 0 %d%s\r\n" % (name.encode(), size, form.encode()))
        return connection, programs.recv_exactly(connection, 100)

    @staticmethod
    def read_on(connection):
        """All that still comes; a connection may be cut in any way."""
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
        pieces = []
        try:
            pieces.extend(iter(lambda: connection.recv(65536), b""))
        except ConnectionResetError:
            pass
        return b"".join(pieces)


# ---- the server, byte by byte --------------------------------------------------------------------

class Wire(HftpCase):
    def test_help_lists_the_commands(self):
        self.assert_serves(self.hftp())

    def test_quit_is_answered_and_the_server_closes(self):
        server = self.hftp()
        self.assert_answers(server, b"quit\r\n", ANSWERS[0])
        self.assert_answers(server, b"quit\r\nhelp\r\n", ANSWERS[0])
        self.assert_answers(server, b"quit\r\n" + bytes(MIB), ANSWERS[0])

    def test_a_listing_has_a_name_a_line_and_ends_in_an_empty_line(self):
        names = ["...", ".hidden", "C-1_x.tar.gz", "a", "b.txt"]  # sorted byte by byte
        server = self.hftp({name: b"x" for name in names})
        lines = "".join(name + "\r\n" for name in names).encode()
        self.assert_answers(server, b"get_file_listing\r\nquit\r\n",
                            b"0 OK\r\n" + lines + b"\r\n0 OK\r\n")

    def test_the_listing_of_an_empty_folder_is_an_empty_line(self):
        self.assert_answers(self.hftp({}), b"get_file_listing\r\nquit\r\n", b"0 OK\r\n\r\n0 OK\r\n")

    def test_metadata_is_the_size(self):
        server = self.hftp({"empty": b"", "big": some_bytes(MIB)})
        self.assert_answers(server, b"get_metadata empty\r\nget_metadata big\r\nquit\r\n",
                            b"0 OK\r\n0\r\n0 OK\r\n1048576\r\n0 OK\r\n")

    def test_a_slice_is_one_line_of_base64(self):
        server = self.hftp()
        for offset, size, line in ((0, 12, b"aG9sYSwgYWRpb3MK"), (0, 4, b"aG9sYQ=="),
                                   (6, 5, b"YWRpb3M="), (11, 1, b"Cg=="), (0, 0, b""), (12, 0, b""),
                                   (5, 0, b"")):
            request = b"get_slice hola.txt %d %d\r\nquit\r\n" % (offset, size)
            self.assert_answers(server, request, b"0 OK\r\n" + line + b"\r\n0 OK\r\n")
        self.assert_answers(server, b"get_slice empty 0 0\r\nquit\r\n", b"0 OK\r\n\r\n0 OK\r\n")

    def test_numbers_may_have_zeros_in_front(self):
        request = b"get_slice hola.txt 000 00000000000000000000000004\r\nquit\r\n"
        self.assert_answers(self.hftp(), request, b"0 OK\r\naG9sYQ==\r\n0 OK\r\n")

    def test_a_raw_slice_has_its_length_in_front_and_nothing_behind(self):
        server = self.hftp()
        self.assert_answers(server, b"get_slice hola.txt 6 5 raw\r\nquit\r\n",
                            b"0 OK\r\nContent-Length: 5\r\n\r\nadios0 OK\r\n")
        self.assert_answers(server, b"get_slice hola.txt 12 0 raw\r\nquit\r\n",
                            b"0 OK\r\nContent-Length: 0\r\n\r\n0 OK\r\n")

    def test_every_byte_and_every_size_comes_whole(self):
        server = self.hftp({"file": some_bytes(MIB)})
        for size in range(0, 300):
            line = base64.b64encode(some_bytes(MIB)[size:2 * size])
            self.assert_answers(server, b"get_slice file %d %d\r\nquit\r\n" % (size, size),
                                b"0 OK\r\n" + line + b"\r\n0 OK\r\n")
        for size in (4095, 4096, 4097, 49152, 65535, 65536, 999999, MIB):
            requests = b"get_slice file 0 %d\r\nget_slice file 0 %d raw\r\nquit\r\n" % (size, size)
            data = some_bytes(MIB)[:size]
            line = b"0 OK\r\n%s\r\n" % base64.b64encode(data)
            raw = b"0 OK\r\nContent-Length: %d\r\n\r\n%s" % (size, data)
            self.assert_answers(server, requests, line + raw + ANSWERS[0])

    def test_answers_come_in_the_order_of_the_requests(self):
        server = self.hftp()
        requests = b"get_metadata hola.txt\r\nnone\r\nget_slice hola.txt 0 4\r\nhelp\r\n" * 500
        answers = b"0 OK\r\n12\r\n" + ANSWERS[200] + b"0 OK\r\naG9sYQ==\r\n" + HELP
        self.assert_answers(server, requests + b"quit\r\n", answers * 500 + ANSWERS[0])

    def test_requests_may_arrive_a_byte_at_a_time(self):
        server = self.hftp()
        connection = self.connect(server)
        drip(connection, b"get_metadata hola.txt\r\nnone\r\nhelp\r\nquit\r\n")
        self.assertEqual(programs.recv_all(connection),
                         b"0 OK\r\n12\r\n" + ANSWERS[200] + HELP + ANSWERS[0])

    def test_an_answer_does_not_wait_for_the_next_request(self):
        connection = self.connect(self.hftp())
        for _ in range(3):
            connection.sendall(b"help\r\nhel")
            self.assertEqual(programs.recv_exactly(connection, len(HELP)), HELP)
            connection.sendall(b"p\r\n")
            self.assertEqual(programs.recv_exactly(connection, len(HELP)), HELP)

    def test_a_client_that_has_shut_down_sending_gets_every_pending_answer(self):
        server = self.hftp({"big": some_bytes(3 * MIB)})
        connection = self.connect(server)
        connection.sendall(b"get_slice big 0 %d\r\n" % (3 * MIB) + b"help\r\n" * 1000 + b"get_meta")
        connection.shutdown(socket.SHUT_WR)
        expected = b"0 OK\r\n" + base64.b64encode(some_bytes(3 * MIB)) + b"\r\n" + HELP * 1000
        self.assertTrue(programs.recv_all(connection) == expected)


class Refusals(HftpCase):
    def test_a_fatal_mistake_is_answered_and_ends_the_connection(self):
        server = self.hftp()
        for code, request in FATAL:
            self.assert_answers(server, request + b"help\r\n", ANSWERS[code])

    def test_other_mistakes_are_answered_and_the_connection_goes_on(self):
        server = self.hftp()
        for code, request in GO_ON:
            self.assert_answers(server, request + b"\r\nquit\r\n", ANSWERS[code] + ANSWERS[0])

    def test_the_answer_is_the_same_when_bytes_come_one_at_a_time(self):
        server = self.hftp()
        for code, request in FATAL + [(code, line + b"\r\n") for code, line in GO_ON]:
            connection = self.connect(server)
            drip(connection, request)
            if code >= 200:
                connection.shutdown(socket.SHUT_WR)
            self.assertEqual(programs.recv_all(connection), ANSWERS[code], request[:80])

    def test_a_bare_line_feed_is_refused_at_once(self):
        connection = self.connect(self.hftp())
        connection.sendall(b"hel\n")
        self.assertEqual(programs.recv_all(connection), ANSWERS[100])

    def test_requests_before_a_fatal_mistake_are_answered(self):
        server = self.hftp()
        self.assert_answers(server, b"help\r\nnone\r\nhel\np\r\nhelp\r\n",
                            HELP + ANSWERS[200] + ANSWERS[100])
        self.assert_answers(server, b"help\r\n\r\nhelp\r\n", HELP + ANSWERS[101])

    def test_a_client_that_still_sends_gets_the_fatal_answer(self):
        server = self.hftp()
        for _ in range(5):
            self.assert_answers(server, b"\r\n" + bytes(8 * MIB), ANSWERS[101])

    def test_a_line_over_the_limit_is_refused_before_it_ends(self):
        server = self.hftp()
        self.assert_answers(server, b"x" * (LIMIT + 3), ANSWERS[101])
        self.assert_answers(server, b"help\r\n" + b"x" * (LIMIT + MIB) + b"\n", HELP + ANSWERS[101])
        self.assert_answers(server, b"x" * LIMIT + b"\r\nquit\r\n", ANSWERS[200] + ANSWERS[0])

    def test_names_are_files_of_the_folder_and_nothing_else(self):
        outer = self.folder({"outside": b"secret"})
        server = self.hftp({"file": b"hola", "a b": b"", "año": b"", "a\nb": b"", b"\xff": b""})
        links = {"out": outer / "outside", "dangling": "nowhere", "loop": "loop",
                 "device": "/dev/zero", "etc": "/etc"}
        for name, target in links.items():
            os.symlink(target, self.data / name)
        (self.data / "folder").mkdir()
        os.mkfifo(self.data / "fifo")
        with socket.socket(socket.AF_UNIX) as local:
            local.bind(str(self.data / "socket"))
        for name in map(str.encode, [*links, "folder", "fifo", "socket"]):
            requests = (b"get_metadata %s\r\nget_slice %s 0 1\r\nget_slice %s 0 0 raw\r\nquit\r\n"
                        % (name, name, name))
            self.assert_answers(server, requests, ANSWERS[202] * 3 + ANSWERS[0])
        self.assert_answers(server, b"get_file_listing\r\nquit\r\n",
                            b"0 OK\r\nfile\r\n\r\n0 OK\r\n")

    def test_a_folder_that_is_gone_cannot_be_listed_and_one_that_is_back_can(self):
        server = self.hftp()
        connection = self.connect(server)
        connection.sendall(b"get_metadata hola.txt\r\n")
        self.assertEqual(programs.recv_exactly(connection, 10), b"0 OK\r\n12\r\n")
        away = self.folder() / "away"
        self.data.rename(away)
        self.assert_answers(server, b"get_file_listing\r\nhelp\r\n", ANSWERS[199])
        connection.sendall(b"get_metadata hola.txt\r\n")
        self.assertEqual(programs.recv_exactly(connection, len(ANSWERS[202])), ANSWERS[202])
        self.data.mkdir()
        self.fill(self.data, {"other": b"other"})
        connection.sendall(b"get_metadata hola.txt\r\nget_metadata other\r\n"
                           b"get_file_listing\r\nquit\r\n")
        self.assertEqual(programs.recv_all(connection),
                         ANSWERS[202] + b"0 OK\r\n5\r\n0 OK\r\nother\r\n\r\n0 OK\r\n")

    def test_a_file_whose_size_is_unknown_is_an_error_of_the_server(self):
        file_programs.need_proc()
        server = self.hftp_at("/proc/self")
        for request in (b"get_metadata status\r\n", b"get_slice status 0 0\r\n",
                        b"get_slice status 0 1 raw\r\n", b"get_metadata mem\r\n"):
            self.assert_answers(server, request + b"help\r\n", ANSWERS[199])

    def test_a_file_that_cannot_be_read_is_an_error_of_the_server(self):
        self.data = self.folder({"secret": b"secret", "open": b"hola"})
        os.chmod(self.data / "secret", 0)
        server = self.listening(self.as_nobody(SERVER, "-a", "127.0.0.1", "-p", 0, "-d", self.data))
        for request in (b"get_metadata secret\r\n", b"get_slice secret 0 1\r\n",
                        b"get_slice secret 999 999 raw\r\n"):
            self.assert_answers(server, request + b"help\r\n", ANSWERS[199])
        self.assert_answers(server, b"get_metadata open\r\nquit\r\n", b"0 OK\r\n4\r\n0 OK\r\n")

    def test_what_is_no_file_is_not_found_even_if_it_could_not_be_opened(self):
        self.data = self.folder()
        (self.data / "folder").mkdir()
        os.mkfifo(self.data / "fifo")
        for name in ("folder", "fifo"):
            os.chmod(self.data / name, 0)
        server = self.listening(self.as_nobody(SERVER, "-a", "127.0.0.1", "-p", 0, "-d", self.data))
        self.assert_answers(server, b"get_metadata folder\r\nget_slice fifo 0 0\r\nquit\r\n",
                            ANSWERS[202] * 2 + ANSWERS[0])

    def test_a_file_that_can_be_opened_but_not_read_is_an_error_of_the_server(self):
        files = "/sys/kernel"  # they say that they have 4,096 bytes, and have fewer
        if not os.path.isfile(files + "/fscaps"):
            self.skipTest("/sys/kernel/fscaps is not there")
        server = self.hftp_at(files)
        self.assert_answers(server, b"get_slice fscaps 0 4096\r\nhelp\r\n", ANSWERS[199])

    def test_a_folder_that_cannot_be_read_is_an_error_of_the_server(self):
        self.data = self.folder({"file": b""})
        os.chmod(self.data, 0)
        server = self.listening(self.as_nobody(SERVER, "-a", "127.0.0.1", "-p", 0, "-d", self.data))
        self.assert_answers(server, b"get_file_listing\r\nhelp\r\n", ANSWERS[199])


class Endurance(HftpCase):
    def growth(self, server):
        """How much more memory the server has needed since the last call."""
        peak = file_programs.peak_memory(server.process.pid)
        grown = peak - getattr(self, "peak", peak)
        self.peak = peak
        return grown

    def warmed_up(self, files=None):
        server = self.hftp(files)
        self.assert_serves(server)
        self.growth(server)
        return server

    def test_a_name_of_five_megabytes_is_not_found(self):
        server = self.warmed_up()
        name = HUGE_NAME.encode()
        requests = b"get_metadata %s\r\nget_slice %s 0 1 raw\r\nhelp\r\nquit\r\n" % (name, name)
        self.assert_answers(server, requests, ANSWERS[202] * 2 + HELP + ANSWERS[0])
        self.assertLess(self.growth(server), 8 * MIB)

    def test_a_long_line_in_small_pieces_costs_linear_time(self):
        server = self.warmed_up()
        connection = self.connect(server)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        request = b"get_metadata " + HUGE_NAME.encode() + b"\r\n"
        for start in range(0, len(request), 64):
            connection.sendall(request[start:start + 64])
        self.assertEqual(programs.recv_exactly(connection, len(ANSWERS[202])), ANSWERS[202])
        self.assertLess(file_programs.cpu_seconds(server.process.pid), 3)

    def test_a_slice_of_33_megabytes_is_one_line_and_needs_little_memory(self):
        data = some_bytes(BIG)
        server = self.warmed_up({"big": data})
        client = self.lab_client(server)
        self.assertTrue(client.slice("big", 0, BIG) == data)
        self.assertTrue(client.raw_slice("big", 0, BIG) == data)
        self.assertLess(self.growth(server), 8 * MIB)

    def test_a_client_that_requests_much_and_takes_nothing_costs_little_and_delays_no_other(self):
        server = self.warmed_up({"big": some_bytes(MIB)})
        stuck = self.narrow_connection(server)
        stuck.sendall(b"get_slice big 0 1048576\r\n" * 100 + b"quit\r\n")
        greedy = self.narrow_connection(server)
        greedy.setblocking(False)
        sent = 0
        while select.select([], [greedy], [], 0.2)[1] and sent < 64 * MIB:
            sent += greedy.send(b"help\r\n" * 10000)
        self.assert_serves(server)
        self.assertLess(self.growth(server), 16 * MIB)  # two clients
        answer = b"0 OK\r\n" + base64.b64encode(some_bytes(MIB)) + b"\r\n"
        self.assertEqual(len(self.read_on(stuck)), 100 * len(answer) + len(ANSWERS[0]))

    def test_a_listing_of_any_length_needs_little_memory_and_comes_whole(self):
        names = sorted(b"%05d" % number + b"x" * 245 for number in range(20000))
        server = self.warmed_up(dict.fromkeys(names, b""))
        stuck = [self.narrow_connection(server) for _ in range(8)]
        for connection in stuck:
            connection.sendall(b"get_file_listing\r\nquit\r\n")
        received = [programs.recv_exactly(connection, 100) for connection in stuck]
        whole = b"0 OK\r\n" + b"".join(name + b"\r\n" for name in names) + b"\r\n" + ANSWERS[0]
        self.assertTrue(received[0] + self.read_on(stuck[0]) == whole)
        self.assertLess(self.growth(server), 8 * 5 * MIB)
        shutil.rmtree(self.data)
        cut = received[1] + self.read_on(stuck[1])
        self.assertLess(len(cut), len(whole))
        self.assertTrue(whole.startswith(cut), "not the names of the files")
        self.assert_serves(server)

    def test_when_memory_runs_out_only_clients_that_need_much_are_lost(self):
        server = self.warmed_up()
        first = self.connect(server)
        self.limit_memory(server.process.pid, 25 * MIB)
        connections = [self.connect(server) for _ in range(8)]
        for connection in connections:
            with contextlib.suppress(ConnectionResetError, BrokenPipeError):
                connection.sendall(b"x" * (5 * MIB))
        server.wait_for_line("^127.0.0.1:.* is lost: std::bad_alloc$", on="stderr")
        first.sendall(b"help\r\n")
        self.assertEqual(programs.recv_exactly(first, len(HELP)), HELP)
        self.assert_serves(server)

    def limit_memory(self, pid, more):
        """From now on the process gets no more than these bytes."""
        status = Path("/proc/%d/status" % pid).read_text()
        most = int(re.search(r"VmSize:\s+(\d+)", status).group(1)) * 1024 + more
        resource.prlimit(pid, resource.RLIMIT_AS, (most, most))

    def test_one_thread_serves_a_hundred_clients_beside_slow_ones(self):
        file_programs.need_proc()
        file_programs.allow_descriptors(400)
        server = self.hftp({"big": some_bytes(BIG), "hola.txt": b"hola"})
        silent = self.connect(server)
        silent.sendall(b"get_metad")
        slow, _ = self.slow_slice(server, "big", BIG)
        clients = [self.connect(server) for _ in range(100)]
        for client in clients:
            client.sendall(b"get_slice hola.txt 0 4\r\nget_slice big 1000 100000\r\n")
        line = base64.b64encode(some_bytes(BIG)[1000:101000])
        expected = b"0 OK\r\naG9sYQ==\r\n0 OK\r\n%s\r\n" % line
        for client in clients:
            self.assertTrue(programs.recv_exactly(client, len(expected)) == expected)
        self.assertEqual(file_programs.threads_of(server.process.pid), 1)
        silent.sendall(b"ata hola.txt\r\n")
        self.assertEqual(programs.recv_exactly(silent, 9), b"0 OK\r\n4\r\n")

    def test_a_file_that_shrinks_while_it_is_sent_ends_in_a_cut_connection(self):
        for form in ("", " raw"):
            data = some_bytes(BIG)
            server = self.hftp({"big": data})
            connection, received = self.slow_slice(server, "big", BIG, form)
            os.truncate(self.data / "big", 0)
            received += self.read_on(connection)
            whole = b"0 OK\r\n" + (b"Content-Length: %d\r\n\r\n" % BIG + data if form else
                                   base64.b64encode(data) + b"\r\n")
            self.assertLess(len(received), len(whole))
            self.assertTrue(whole.startswith(received), "not the bytes of the file")
            self.assert_serves(server)

    def test_a_file_that_is_replaced_or_removed_is_still_sent_as_it_was(self):
        data = some_bytes(BIG)
        server = self.hftp({"big": data})
        connection, received = self.slow_slice(server, "big", BIG)
        os.rename(self.data / "big", self.data / "other")
        os.unlink(self.data / "other")
        connection.sendall(b"quit\r\n")
        received += self.read_on(connection)
        self.assertTrue(received == b"0 OK\r\n%s\r\n0 OK\r\n" % base64.b64encode(data))

    def test_only_a_client_that_takes_nothing_of_its_answer_is_cut_at_the_time_limit(self):
        server = self.hftp({"big": some_bytes(BIG)}, "--timeout", "1")
        silent = self.connect(server)
        silent.sendall(b"hel")
        _, received = self.slow_slice(server, "big", BIG)
        self.assertTrue(received.startswith(b"0 OK\r\n"))
        before = file_programs.descriptors_of(server.process.pid)
        self.eventually(lambda: file_programs.descriptors_of(server.process.pid), before - 2,
                        server)
        silent.sendall(b"p\r\n")
        self.assertEqual(programs.recv_exactly(silent, len(HELP)), HELP)

    def test_a_client_that_still_sends_after_a_fatal_answer_delays_no_other(self):
        server = self.hftp()
        rude = self.connect(server)
        rude.sendall(b"\r\n")
        self.assertEqual(programs.recv_all(rude), ANSWERS[101])
        for _ in range(20):
            rude.sendall(bytes(65536))
            self.assert_serves(server)

    def test_when_descriptors_run_out_new_clients_wait_and_the_others_are_served(self):
        self.data = self.folder(FILES)
        server = self.listening(self.start(
            "/bin/sh", "-c", 'ulimit -n 32; exec "$0" "$@"', programs.example(SERVER), "-a",
            "127.0.0.1", "-p", 0, "-d", self.data))
        first = self.connect(server)
        others = [self.connect(server) for _ in range(40)]
        for _ in range(3):
            first.sendall(b"get_slice hola.txt 0 4\r\n")
            self.assertEqual(programs.recv_exactly(first, 16), b"0 OK\r\naG9sYQ==\r\n")
        for other in others:
            other.close()
        self.assert_serves(server)
        self.assertLess(file_programs.cpu_seconds(server.process.pid), 1)

    def test_clients_that_vanish_cost_nothing(self):
        server = self.hftp({"big": some_bytes(8 * MIB)})
        stays = self.connect(server)
        stays.sendall(b"help\r\n")
        programs.recv_exactly(stays, len(HELP))
        self.growth(server)
        before = file_programs.descriptors_of(server.process.pid)
        for number in range(60):
            connection = self.connect(server)
            connection.sendall((b"get_slice big 0 %d\r\n" % (8 * MIB), b"hel", b"")[number % 3])
            if number % 3 == 0:
                programs.recv_exactly(connection, number * 1000)
            programs.reset(connection) if number % 2 else connection.close()
        self.eventually(lambda: file_programs.descriptors_of(server.process.pid), before, server)
        self.assertLess(self.growth(server), 8 * MIB)
        self.assert_serves(server)


# ---- the programs of the course ------------------------------------------------------------------

class LabClient(HftpCase):
    def test_lists_measures_and_fetches_at_our_server(self):
        files = {"f%d" % size: some_bytes(size) for size in SIZES}
        client = self.lab_client(self.hftp(files))
        self.assertEqual(client.file_listing(), sorted(files))
        for name, data in files.items():
            self.assertEqual(client.metadata(name), len(data))
            self.assertTrue(client.retrieve(name) == data)
            self.assertTrue(client.slice(name, len(data) // 3, len(data) // 2)
                            == data[len(data) // 3:][:len(data) // 2])
            self.assertTrue(client.raw_slice(name, 0, len(data)) == data)
        self.assertEqual(client.help(), sorted(lab_hftp.COMMANDS))
        client.quit()
        self.assertEqual(client.stream.read(), b"")

    def test_may_pipeline_its_requests(self):
        client = self.lab_client(self.hftp())
        requests = ["none", "get_metadata none", "get_slice hola.txt 13 0", "get_metadata a/b"]
        self.assertEqual(lab_hftp.pipeline(client, requests * 100), [200, 202, 203, 201] * 100)

    def test_gets_answers_to_its_mistakes_and_can_go_on(self):
        client = self.lab_client(self.hftp())
        for request, code in (("get_metadata none", 202), ("get_slice hola.txt 0 13", 203),
                              ("get_metadata " + HUGE_NAME, 202), ("nothing", 200)):
            with self.assertRaises(lab_hftp.Refused) as refused:
                client.ask(request)
            self.assertEqual(refused.exception.code, code)
        self.assertEqual(client.metadata("hola.txt"), 12)


class FetchCase(HftpCase):
    """What the tests of hftp_client share; self.here is the folder in which it runs."""

    def fetch(self, port, name, *options, here=None, **keywords):
        self.here = here or self.folder()
        client = self.start(CLIENT, "-H", "127.0.0.1", "-p", port, *options, cwd=self.here,
                            **keywords)
        try:
            client.send_line(name or "")
        except BrokenPipeError:  # it has given up before it asked
            pass
        client.close_stdin()
        client.code = client.wait_exit()
        return client

    def saved(self):
        return file_programs.tree(self.here)

    def assert_code(self, program, code, says=""):
        self.assertEqual(program.code, code, program.story("wrong exit code"))
        self.assertTrue(re.search(says, program.stderr), program.story("it does not say " + says))


class Fetching(FetchCase):
    def test_from_the_server_of_the_course_whatever_the_size(self):
        data = self.folder({"f%d" % size: some_bytes(size) for size in SIZES})
        port = self.lab_server(lab_hftp.serve, data)
        for size in SIZES:
            client = self.fetch(port, "f%d" % size)
            self.assert_code(client, 0)
            self.assertTrue(self.saved() == {b"f%d" % size: some_bytes(size)})
            self.assertEqual(sorted(client.stdout.splitlines()), sorted(os.listdir(data)))

    def test_from_one_that_sends_a_byte_at_a_time(self):
        data = self.folder({"file": some_bytes(3000), "other": b""})
        port = self.lab_server(lab_hftp.serve, data, drip)
        self.assert_code(self.fetch(port, "file"), 0)
        self.assertEqual(self.saved(), {b"file": some_bytes(3000)})

    def test_from_our_server_whatever_the_size(self):
        server = self.hftp({"f%d" % size: some_bytes(size) for size in SIZES})
        for size in SIZES:
            self.assert_code(self.fetch(server.port, "f%d" % size), 0)
            self.assertTrue(self.saved() == {b"f%d" % size: some_bytes(size)})

    def test_it_does_not_matter_where_the_stream_is_cut(self):
        for chop in self.behind_chop(self.hftp({"file": some_bytes(20000)})):
            self.assert_code(self.fetch(chop.port, "file"), 0)
            self.assertEqual(self.saved(), {b"file": some_bytes(20000)})

    def test_a_file_that_is_not_there_is_an_error_and_nothing_is_saved(self):
        for port in (self.hftp().port, self.lab_server(lab_hftp.serve, self.folder())):
            self.assert_code(self.fetch(port, "none"), 1, "202")
            self.assertEqual(self.saved(), {})

    def test_an_older_file_is_replaced(self):
        server = self.hftp({"file": b"new"})
        self.assert_code(self.fetch(server.port, "file", here=self.folder({"file": b"older"})), 0)
        self.assertEqual(self.saved(), {b"file": b"new"})

    def test_without_a_name_it_only_lists_and_quits(self):
        server = self.hftp()
        nothing_typed = self.run_to_end(CLIENT, "-H", "127.0.0.1", "-p", server.port,
                                        cwd=self.folder())
        for client in (nothing_typed, self.fetch(server.port, None)):
            self.assert_code(client, 0)
            self.assertEqual(client.stdout, "empty\nhola.txt\n")
        self.assertEqual(self.saved(), {})

    def test_a_name_that_could_lead_elsewhere_is_not_requested(self):
        server = self.hftp()
        outer = self.folder({"x": b"old"})
        here = outer / "here"
        for name in ("../x", "/tmp/x", ".", "..", "a b", "año"):
            here.mkdir(exist_ok=True)
            self.assert_code(self.fetch(server.port, name, here=here), 2, "name")
            self.assertEqual(file_programs.tree(outer), {b"here": "no regular file", b"x": b"old"})


class HandMadeServers(FetchCase):
    def serve(self, answers):
        """Answers so, request after request, and then reads up to the end; returns the port and
        what was received.
        """
        def serve_one(connection):
            received = []
            with connection.makefile("rb") as stream:
                for answer in answers:
                    received.append(stream.readline())
                    connection.sendall(answer)
                try:
                    received.extend(stream)
                except ConnectionResetError:
                    pass
            return received

        return self.peer(serve_one)

    def test_the_requests_are_listing_metadata_slices_and_quit(self):
        data = some_bytes(3 * MIB + 1)
        folder = self.folder({"file": data})
        requests = []

        def serve_one(connection):
            with connection.makefile("rb") as stream:
                for line in stream:
                    requests.append(line)
                    code, body = lab_hftp.answer_to(line, folder)
                    connection.sendall(b"%d text\r\n" % code + body)
                    if line == b"quit\r\n":
                        return

        port, served = self.peer(serve_one)
        self.assert_code(self.fetch(port, "file"), 0)
        served.result()
        self.assertEqual(requests[:2], [b"get_file_listing\r\n", b"get_metadata file\r\n"])
        self.assertEqual(requests[-1], b"quit\r\n")
        at = 0
        for request in requests[2:-1]:
            found = re.fullmatch(rb"get_slice file (\d+) (\d+)( raw)?\r\n", request)
            self.assertEqual(int(found.group(1)), at)
            self.assertLessEqual(int(found.group(2)), MIB)
            at += int(found.group(2))
        self.assertEqual(at, len(data))

    def test_without_a_name_it_quits_in_order(self):
        port, served = self.serve([b"0 OK\r\n\r\n", b"0 OK\r\n"])
        self.assert_code(self.fetch(port, None), 0)
        self.assertEqual(served.result(), [b"get_file_listing\r\n", b"quit\r\n"])

    def test_the_text_of_an_answer_is_free(self):
        port, _ = self.serve([b"0 Todo bien: 0 1 2\r\nfile\r\n\r\n", b"0 \r\n0\r\n",
                              b"0 adios\r\n"])
        self.assert_code(self.fetch(port, "file"), 0)
        self.assertEqual(self.saved(), {b"file": b""})

    def test_a_wrong_answer_is_an_error_and_leaves_the_older_file(self):
        listing, size = b"0 OK\r\nfile\r\n\r\n", b"0 OK\r\n4\r\n"
        wrong = [
            [b""], [b"garbage\r\n"], [b"0\r\n\r\n"], [b"OK 0\r\n\r\n"], [b"x" * MIB],
            [b"199 INTERNAL SERVER ERROR\r\n"],
            [listing, b"202 FILE NOT FOUND\r\n"], [listing, b"0 OK\r\nfour\r\n"],
            [listing, b"0 OK\r\n-4\r\n"], [listing, b"0 OK\r\n+4\r\n"], [listing, b"0 OK\r\n\r\n"],
            [listing, b"0 OK\r\n99999999999999999999999\r\n"], [listing, b"0 OK\r\n4\n"],
            [listing, size, b"203 OFFSET EXCEEDS FILE SIZE\r\n"],
            [listing, size, b"0 OK\r\naG9s\r\n"], [listing, size, b"0 OK\r\naG9sYWE=\r\n"],
            [listing, size, b"0 OK\r\n\r\n"], [listing, size, b"0 OK\r\naG9sYQ=\r\n"],
            [listing, size, b"0 OK\r\naG9sYQ\r\n"], [listing, size, b"0 OK\r\naG9s*YQ==\r\n"],
            [listing, size, b"0 OK\r\n" + b"QUFB" * 300000]]
        for answers in wrong:
            with self.subTest(answers=[answer[:30] for answer in answers]):
                def serve_one(connection):
                    with connection.makefile("rb") as stream:
                        for answer in answers:
                            stream.readline()
                            connection.sendall(answer)
                        if answers[-1]:
                            stream.readline()  # leaves the connection open until the client closes

                port, _ = self.peer(serve_one)
                client = self.fetch(port, "file", here=self.folder({"file": b"older"}))
                self.assert_code(client, 1)
                self.assertEqual(self.saved(), {b"file": b"older"})

    def test_a_cut_in_the_middle_is_an_error_and_leaves_the_older_file(self):
        def serve_one(connection):
            with connection.makefile("rb") as stream:
                for answer in (b"0 OK\r\nfile\r\n\r\n", b"0 OK\r\n4000000\r\n", b"0 OK\r\nQUFB"):
                    stream.readline()
                    connection.sendall(answer)

        port, _ = self.peer(serve_one)
        client = self.fetch(port, "file", here=self.folder({"file": b"older"}))
        self.assert_code(client, 1)
        self.assertEqual(self.saved(), {b"file": b"older"})

    def test_an_interrupted_fetch_is_no_success_and_leaves_the_older_file(self):
        def serve_one(connection):
            with connection.makefile("rb") as stream:
                for answer in (b"0 OK\r\nfile\r\n\r\n", b"0 OK\r\n4\r\n", b"0 OK\r\naG"):
                    stream.readline()
                    connection.sendall(answer)
                client.wait_for_line("^file$")
                client.interrupt()
                stream.read()

        here = self.folder({"file": b"older"})
        port, served = self.peer(serve_one)
        client = self.start(CLIENT, "-H", "127.0.0.1", "-p", port, cwd=here)
        client.send_line("file")
        served.result()
        self.assertEqual(client.wait_exit(), 1, client.stderr)
        self.assertEqual(file_programs.tree(here), {b"file": b"older"})

    def test_interrupted_before_there_is_a_name_it_is_no_success_either(self):
        for listing in (b"", b"0 OK\r\nfile\r\n", b"0 OK\r\nfile\r\n\r\n"):
            with self.subTest(listing=listing):
                asked = threading.Event()

                def serve_one(connection):
                    connection.recv(100)
                    connection.sendall(listing)
                    asked.set()
                    return programs.recv_all(connection)

                port, served = self.peer(serve_one)
                client = self.start(CLIENT, "-H", "127.0.0.1", "-p", port)
                self.assertTrue(asked.wait(programs.LIMIT))
                if listing:
                    client.wait_for_line("^file$")
                client.interrupt()
                self.assertEqual(served.result(), b"")
                self.assertEqual(client.wait_exit(), 1, client.stderr)
                self.assertEqual(client.stderr, "stopped: nothing is saved\n")

    def test_gives_up_when_the_server_is_silent(self):
        port, _ = self.peer(programs.recv_all)
        started = time.monotonic()
        self.assert_code(self.fetch(port, "file", "--timeout", "1"), 1)
        self.assertLess(time.monotonic() - started, programs.within(5))

    def test_a_port_without_a_server_is_an_error(self):
        self.assert_code(self.fetch(programs.refusing_port(), "file"), 1, "(?i)refused")


class Streams(FetchCase):
    """What program.hpp does for all examples, when stdin, stdout or stderr is not as it should be.
    """

    # Each with its answer to a line that makes no sense to it.
    SERVERS = ((SERVER, ("-a", "127.0.0.1", "-p", 0), ANSWERS[101]),
               ("16_file_store/start-server", ("-H", "127.0.0.1", "-p", 0), b"\x01"))

    def assert_answers_and_stops(self, server, answer):
        for _ in range(3):
            self.assertEqual(self.converse(server, b"\t\r\n"), answer)
        server.terminate()
        self.assertEqual(server.wait_exit(), 0)

    def start_with(self, redirection, path, *arguments, **keywords):
        """Starts an example after a redirection of the shell: "2>&-" closes its stderr."""
        return self.start("/bin/sh", "-c", 'exec "$0" "$@" ' + redirection, programs.example(path),
                          *arguments, **keywords)

    def log_without_reader(self):
        """A redirection into a pipe, and its end for reading: to be closed."""
        path = self.folder() / "pipe"
        os.mkfifo(path)
        return '"%s"' % path, os.open(path, os.O_RDONLY | os.O_NONBLOCK)

    def test_without_stderr_a_server_serves_without_a_log(self):
        for path, options, answer in self.SERVERS:
            with self.subTest(path):
                server = self.listening(self.start_with("2>&-", path, *options,
                                                        cwd=self.folder()))
                self.assert_answers_and_stops(server, answer)

    def test_without_stdin_a_client_reads_no_name_from_its_server(self):
        def serve_one(connection):
            with connection.makefile("rb") as stream:
                requests = [stream.readline()]
                connection.sendall(b"0 OK\r\n\r\nfile\n0 OK\r\n0\r\n0 OK\r\n")
                return requests + list(stream)

        here = self.folder({"file": b"older"})
        port, served = self.peer(serve_one)
        client = self.start_with("<&-", CLIENT, "-H", "127.0.0.1", "-p", port, cwd=here)
        self.assertEqual(client.wait_exit(), 2, client.stderr)
        self.assertIn("cannot read stdin", client.stderr)
        self.assertEqual(served.result(), [b"get_file_listing\r\n"])
        self.assertEqual(file_programs.tree(here), {b"file": b"older"})

    def test_without_stdout_a_client_fails_and_its_server_receives_requests_only(self):
        def serve_one(connection):
            with connection.makefile("rb") as stream:
                requests = [stream.readline()]
                connection.sendall(b"0 OK\r\nfile\r\n\r\n0 OK\r\n")
                return requests + list(stream)

        port, served = self.peer(serve_one)
        client = self.start_with(">&-", CLIENT, "-H", "127.0.0.1", "-p", port)
        client.close_stdin()
        self.assertEqual(client.wait_exit(), 2, client.stderr)
        self.assertIn("cannot write to stdout", client.stderr)
        self.assertEqual(served.result(), [b"get_file_listing\r\n", b"quit\r\n"])

    def test_a_server_goes_on_when_its_log_has_no_reader_any_more(self):
        for path, options, answer in self.SERVERS:
            with self.subTest(path):
                pipe, reader = self.log_without_reader()
                server = self.listening(self.start_with("2>" + pipe, path, *options,
                                                        cwd=self.folder()))
                os.close(reader)
                self.assert_answers_and_stops(server, answer)

    def test_a_client_ends_silently_when_its_output_has_no_reader(self):
        def serve_one(connection):
            connection.recv(100)
            os.close(reader)
            connection.sendall(b"0 OK\r\nfile\r\n\r\n")
            return programs.recv_all(connection)

        pipe, reader = self.log_without_reader()
        port, served = self.peer(serve_one)
        client = self.start_with(">" + pipe, CLIENT, "-H", "127.0.0.1", "-p", port)
        self.assertEqual((client.wait_exit(), client.stderr), (-signal.SIGPIPE, ""))
        self.assertEqual(served.result(), b"")


class AtTheTerminal(FetchCase):
    def test_it_prompts_for_a_name_and_draws_a_bar_that_stays(self):
        server = self.hftp({"file": some_bytes(99328)})
        here = self.folder()
        client = self.start(CLIENT, "-H", "127.0.0.1", "-p", server.port, cwd=here,
                            terminal=("stdin", "stderr"))
        client.wait_for_line("^file$")
        client.wait_for_text(r"name.*: $", on="stderr")
        client.send_line("file")
        client.wait_for_text(re.escape("[====================] 100% (97 KB/97 KB)") + r"\s*\r\n",
                             on="stderr")
        self.assertEqual(client.wait_exit(), 0, client.stderr)
        self.assertEqual(file_programs.tree(here), {b"file": some_bytes(99328)})

    def test_the_bar_keeps_its_line_when_the_client_is_verbose(self):
        server = self.hftp({"file": some_bytes(MIB)})
        client = self.start(CLIENT, "127.0.0.1", "-p", server.port, "-v", cwd=self.folder(),
                            terminal=("stdin", "stderr"))
        client.wait_for_text(r"name.*: $", on="stderr")
        client.send_line("file")
        self.assertEqual(client.wait_exit(), 0, client.stderr)
        self.assertEqual(client.stderr.count("get_slice"), 11)
        self.assert_bars_stand_alone(client, r"get_\w+( [\w ]+)?|name of the file: file|"
                                             r"saved file|quit|")

    def test_its_message_after_ctrl_c_stands_below_the_prompt(self):
        server = self.hftp()
        client = self.start(CLIENT, "127.0.0.1", "-p", server.port, cwd=self.folder(),
                            terminal=("stdin", "stderr"))
        client.wait_for_text(r"name.*: $", on="stderr")
        client.send("\x03")
        self.assertEqual(client.wait_exit(), 1, client.stderr)
        self.assertEqual(programs.screen(client.stderr)[-2:], ["stopped: nothing is saved", ""])

    def test_there_is_no_bar_in_a_pipe(self):
        client = self.fetch(self.hftp({"file": some_bytes(99328)}).port, "file")
        self.assertNotIn("[=", client.stderr + client.stdout)


class Manners(HftpCase):
    def test_help(self):
        for path, defaults in ((SERVER, ("0.0.0.0", "19500", "testdata")),
                               (CLIENT, ("localhost", "19500"))):
            self.assert_help(path)
            told = self.run_to_end(path, "--help").stdout
            for default in defaults:
                self.assertIn(default, told)

    def test_quiet_shows_errors_and_nothing_else(self):
        self.data = self.folder()
        server = self.hftp_at(self.data / "absent", "-q")
        server.wait_for_line("absent: No such file or directory: until it is there", on="stderr")
        self.assert_answers(server, b"get_file_listing\r\n", ANSWERS[199])
        server.wait_for_line("^127.0.0.1:[0-9]+: open folder .*absent: No such", on="stderr")
        self.assert_serves(server)
        programs.reset(self.connect(server))  # a client that goes is no error of the server
        self.assert_serves(server)
        server.interrupt()
        self.assertEqual(server.wait_exit(), 0)
        self.assertEqual(len(server.stderr.splitlines()), 2, server.stderr)

    def test_usage_errors(self):
        for path in (SERVER, CLIENT):
            self.assert_usage_error(path, "--nonsense", says="nonsense")
            self.assert_usage_error(path, "-p", "70000", says="port")
        self.assert_usage_error(SERVER, "word", says="word")
        self.assert_usage_error(CLIENT, "127.0.0.1", "word", says="word")
        self.assert_usage_error(CLIENT, "127.0.0.1", "-H", "127.0.0.2", says="two servers")

    def test_the_client_takes_its_server_as_a_word_too(self):
        server = self.hftp()
        for words in (("127.0.0.1", "-p", server.port), ("-p", server.port, "127.0.0.1"),
                      ("127.0.0.1", "-H", "127.0.0.1", "-p", server.port)):
            client = self.run_to_end(CLIENT, *words)
            self.assertEqual((client.code, client.stdout), (0, "empty\nhola.txt\n"), client.stderr)

    def test_the_defaults_of_the_server(self):
        folder = self.folder()
        (folder / "testdata").mkdir()
        self.fill(folder / "testdata", {"file": b""})
        server = self.listening(self.start(SERVER, "-p", 0, cwd=folder))
        self.assertEqual(server.host, "0.0.0.0")
        self.assert_answers(server, b"get_file_listing\r\nquit\r\n",
                            b"0 OK\r\nfile\r\n\r\n0 OK\r\n")

    def test_long_options_are_the_same(self):
        folder = self.folder({"file": b""})
        server = self.listening(self.start(SERVER, "--address", "127.0.0.1", "--port", 0,
                                           "--datadir", folder))
        client = self.run_to_end(CLIENT, "--host", "127.0.0.1", "--port", server.port)
        self.assertEqual((client.code, client.stdout), (0, "file\n"), client.stderr)

    def test_a_port_in_use_is_an_error(self):
        server = self.hftp()
        second = self.run_to_end(SERVER, "-a", "127.0.0.1", "-p", server.port, "-d", self.data)
        self.assert_fails(second, 1, "in use")

    def test_a_signal_stops_the_server_in_order_and_its_port_is_free(self):
        for by in (signal.SIGINT, signal.SIGTERM):
            server = self.hftp({"big": some_bytes(BIG)})
            slow, _ = self.slow_slice(server, "big", BIG)
            started = time.monotonic()
            server.signal(by)
            self.assertEqual(server.wait_exit(), 0, server.stderr)
            self.assertLess(time.monotonic() - started, programs.within(5))
            slow.close()
            self.assert_serves(self.hftp(None, port=server.port))


if __name__ == "__main__":
    unittest.main()

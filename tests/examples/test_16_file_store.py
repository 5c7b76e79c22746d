#!/usr/bin/env python3
"""Chapter 16: the server of the file store, by hand-made sockets and by the course's own client.

Run: TRAMA_BUILD=build python3 tests/examples/test_16_file_store.py
"""
import ast
import contextlib
import os
import re
import select
import shutil
import signal
import socket
import stat
import struct
import time
import unittest

import file_programs
import lab_store
import programs
from file_programs import MIB, SIZES, some_bytes
from lab_hftp import drip
from store_programs import (DOWNLOAD, EMPTY_LIST, HOSTILE_NAMES, LEGAL_NAMES, LIST, NOT_FOUND, OK,
                            REFUSED, SERVER, STORAGE_FAILED, STORED, StoreCase, UNKNOWN_OPCODE,
                            download_of, log, sized, upload_of)

# ---- the server, byte by byte --------------------------------------------------------------------

class Wire(StoreCase):
    def test_an_upload_step_by_step(self):
        server = self.store()
        client = self.connect(server)
        client.sendall(b"\x00")
        self.assertEqual(programs.recv_exactly(client, 1), OK)
        client.sendall(b"\x00\x00\x00\x00\x00\x00\x00\x08hola.txt")
        client.sendall(b"\x00\x00\x00\x00\x00\x00\x00\x05adios")
        self.assertEqual(programs.recv_exactly(client, 1), STORED)
        self.assertEqual(self.stored(), {b"hola.txt": b"adios"})
        self.assertEqual(programs.recv_all(client), b"")

    def test_a_download_step_by_step(self):
        server = self.store(files={"hola.txt": b"adios"})
        client = self.connect(server)
        client.sendall(b"\x01")
        self.assertEqual(programs.recv_exactly(client, 1), OK)
        client.sendall(b"\x00\x00\x00\x00\x00\x00\x00\x08hola.txt")
        expected = b"\x00" b"\x00\x00\x00\x00\x00\x00\x00\x05adios"
        self.assertEqual(programs.recv_exactly(client, 14), expected)
        self.assertEqual(programs.recv_all(client), b"")

    def test_a_list_step_by_step(self):
        server = self.store(files={"b": b"12345", "a": b""})
        for name, when in (("a", 1620937349.0625), ("b", -1.5)):
            os.utime(self.storage / name, (when, when))
        answer = self.converse(server, b"\x02")
        self.assertEqual(answer[:1], OK)
        text = answer[9:].decode()
        self.assertEqual(struct.unpack(">Q", answer[1:9]), (len(text),))
        self.assertEqual(len(text.split("\n")), 2, text)
        self.assertRegex(text, r"(?m)^\('a', 0, 1620937349\.06250*\)$")
        self.assertRegex(text, r"(?m)^\('b', 5, -1\.50*\)$")

    def test_the_list_of_an_empty_folder_is_empty(self):
        self.assertEqual(self.converse(self.store(), b"\x02"), EMPTY_LIST)

    def test_a_missing_file_is_not_found(self):
        self.assertEqual(self.converse(self.store(), download_of(b"none")), OK + NOT_FOUND)

    def test_an_unknown_opcode_is_answered_and_the_server_lives_on(self):
        server = self.store()
        for data in (b"\x03", b"\xff", b"0", b"GET / HTTP/1.1\r\n\r\n", b"\x03" + bytes(MIB)):
            self.assertEqual(self.converse(server, data), UNKNOWN_OPCODE, data[:20])
        self.assertEqual(self.converse(server, b"\x02"), EMPTY_LIST)

    def test_a_client_need_not_wait_for_a_status(self):
        server = self.store()
        self.assertEqual(self.converse(server, upload_of(b"a", b"hola")), OK + STORED)
        self.assertEqual(self.converse(server, download_of(b"a")), OK + OK + sized(b"hola"))

    def test_bytes_may_arrive_one_at_a_time(self):
        server = self.store()
        for data, answer in ((upload_of("año".encode(), b"hola" * 50), OK + STORED),
                             (download_of("año".encode()), OK + OK + sized(b"hola" * 50)),
                             (b"\x02", None)):
            client = self.connect(server)
            drip(client, data)
            received = programs.recv_all(client)
            self.assertEqual(received, answer or received)

    def test_what_a_client_sends_behind_its_request_is_ignored(self):
        server = self.store(files={"a": b"hola"})
        more = b"\x02" * 100000
        self.assertEqual(self.converse(server, upload_of(b"b", b"") + more), OK + STORED)
        self.assertEqual(self.converse(server, download_of(b"a") + more), OK + OK + sized(b"hola"))
        self.assertEqual(self.converse(server, download_of(b"c") + more), OK + NOT_FOUND)

    def test_a_client_that_has_closed_its_sending_side_gets_its_answer(self):
        server = self.store(files={"a": some_bytes(3 * MIB)})
        client = self.connect(server)
        client.sendall(download_of(b"a"))
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(programs.recv_all(client), OK + OK + sized(some_bytes(3 * MIB)))

    def test_every_size_comes_back_as_it_went(self):
        server = self.store()
        for size in SIZES:
            data = some_bytes(size)
            self.assertEqual(self.converse(server, upload_of(b"file", data)), OK + STORED, size)
            answer = self.converse(server, download_of(b"file"))
            self.assertTrue(answer == OK + OK + sized(data), "%d bytes came back otherwise" % size)

    def test_a_file_of_that_name_is_replaced_and_can_be_read_by_all(self):
        server = self.store(files={"file": b"a longer one that was there before"})
        self.assertEqual(self.converse(server, upload_of(b"file", b"new")), OK + STORED)
        self.assertEqual(self.stored(), {b"file": b"new"})
        self.assertEqual(stat.S_IMODE(os.stat(self.storage / "file").st_mode), 0o644)

    def test_a_download_answers_with_the_file_that_was_there_when_it_began(self):
        before, after = some_bytes(20 * MIB), b"new"
        server = self.store(files={"file": before})
        client = self.narrow_connection(server)
        client.sendall(download_of(b"file"))
        received = programs.recv_exactly(client, 100)
        self.assertEqual(self.converse(server, upload_of(b"file", after)), OK + STORED)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
        received += programs.recv_all(client)
        self.assertTrue(received == OK + OK + sized(before))

    def test_a_file_that_shrinks_while_it_is_sent_ends_in_a_cut_connection(self):
        server = self.store(files={"file": some_bytes(20 * MIB)})
        client = self.narrow_connection(server)
        client.sendall(download_of(b"file"))
        received = programs.recv_exactly(client, 10 + 100)
        os.truncate(self.storage / "file", 0)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
        try:
            for piece in iter(lambda: client.recv(65536), b""):
                received += piece
        except ConnectionResetError:
            pass
        self.assertEqual(received[:10], (OK + OK + sized(some_bytes(20 * MIB)))[:10])
        self.assertLess(len(received), 10 + 20 * MIB)
        self.assertEqual(self.converse(server, download_of(b"none")), OK + NOT_FOUND)

    def test_of_a_file_that_grows_while_it_is_sent_exactly_the_announced_bytes_come(self):
        data = some_bytes(20 * MIB)
        server = self.store(files={"log": data})
        client = self.narrow_connection(server)
        client.sendall(download_of(b"log"))
        received = programs.recv_exactly(client, 10 + 100)
        with open(self.storage / "log", "ab") as log_file:
            log_file.write(b"one more line\n")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
        received += programs.recv_all(client)
        self.assertTrue(received == OK + OK + sized(data))
        server.wait_for_line(log("INFO", r"File log downloaded from .*"), on="stderr")

    def test_a_folder_that_cannot_be_synced_is_no_failure_of_an_upload(self):
        server = self.store()
        # The first fsync is that of the file, the second that of its folder.
        tracer = self.trace(server, "inject=fsync:error=EINVAL:when=2")
        self.assertEqual(self.converse(server, upload_of(b"file", b"hola")), OK + STORED)
        tracer.interrupt()
        tracer.wait_exit()
        self.assertEqual(self.stored(), {b"file": b"hola"})
        self.assertNotIn("CRITICAL", server.stderr)


# ---- names ---------------------------------------------------------------------------------------

class Names(StoreCase):
    def test_a_name_that_is_not_plain_is_refused_and_nothing_is_touched(self):
        outer = self.folder({"outside": b"secret"})
        self.storage = outer / "storage"
        self.storage.mkdir()
        self.fill(self.storage, {"file": b"inside", ".hidden": b"secret"})
        (self.storage / "a").mkdir()
        self.fill(self.storage / "a", {"b": b"secret"})
        before = file_programs.tree(outer)
        server = self.server(SERVER, "-s", self.storage)
        absolute = [os.fsencode(outer / "outside"), os.fsencode(self.storage / "file")]
        for name in HOSTILE_NAMES + absolute:
            with self.subTest(name=name[:40]):
                self.assertEqual(self.converse(server, upload_of(name, b"data")), OK + REFUSED)
                self.assertEqual(self.converse(server, download_of(name)), OK + NOT_FOUND)
        self.assertEqual(file_programs.tree(outer), before)

    def test_a_name_is_refused_as_soon_as_it_is_known(self):
        server = self.store()
        for opcode, answer in ((b"\x00", REFUSED), (b"\x01", NOT_FOUND)):
            for start in (sized(b".."), sized(b""), struct.pack(">Q", 256)):
                self.assertEqual(self.converse(server, opcode + start), OK + answer, start)

    def test_a_client_that_still_sends_gets_the_refusal(self):
        server = self.store()
        client = self.connect(server)
        client.sendall(upload_of(b"../x", bytes(8 * MIB)))
        self.assertEqual(programs.recv_all(client), OK + REFUSED)

    def test_every_plain_name_can_be_stored_listed_and_fetched(self):
        server = self.store()
        for name in LEGAL_NAMES:
            data = b"the file " + name.encode()
            with self.subTest(name=name[:40]):
                answer = self.converse(server, upload_of(name.encode(), data))
                self.assertEqual(answer, OK + STORED)
                answer = self.converse(server, download_of(name.encode()))
                self.assertEqual(answer, OK + OK + sized(data))
        self.assertEqual(set(self.stored()), {name.encode() for name in LEGAL_NAMES})
        text = self.converse(server, b"\x02")[9:].decode()
        for lines in (text.split("\n"), text.splitlines()):  # clients of the course do either
            listed = [ast.literal_eval(line) for line in lines]
            self.assertEqual({name: size for name, size, _ in listed},
                             {name: len("the file ") + len(name.encode()) for name in LEGAL_NAMES})

    def test_the_literal_of_a_name_has_double_quotes_only_if_that_spares_a_backslash(self):
        for name, literal in (("a", "'a'"), ("it's", '"it\'s"'), ('"', "'\"'"),
                              ("'\"", "'\\'\"'"), ("\\", "'\\\\'"), ("año", "'año'")):
            server = self.store(files={name: b""})
            text = self.converse(server, b"\x02")[9:].decode()
            self.assertTrue(text.startswith("(%s, 0, " % literal), text)

    def test_what_is_no_regular_file_is_neither_listed_nor_served(self):
        outer = self.folder({"outside": b"secret"})
        server = self.store(files={"file": b"hola", ".hidden": b"secret", b"\xff": b"",
                                   "a\nb": b""})
        (self.storage / "folder").mkdir()
        os.mkfifo(self.storage / "fifo")
        for name, target in (("out", outer / "outside"), ("up", "../" + outer.name + "/outside"),
                             ("dangling", "nowhere"), ("device", "/dev/zero"), ("loop", "loop")):
            os.symlink(target, self.storage / name)
        with socket.socket(socket.AF_UNIX) as local:
            local.bind(str(self.storage / "socket"))
        names = set(os.listdir(os.fsencode(self.storage))) - {b"file"}
        self.assertEqual(len(names), 11)
        for name in names:
            self.assertEqual(self.converse(server, download_of(name)), OK + NOT_FOUND, name)
        with self.connect(server) as client:
            listed = lab_store.list_files(client)
        self.assertEqual([name for name, _, _ in listed], ["file"])

    def test_an_upload_replaces_a_link_and_a_fifo_and_never_what_is_behind_them(self):
        outer = self.folder({"outside": b"secret"})
        server = self.store()
        os.symlink(outer / "outside", self.storage / "out")
        os.mkfifo(self.storage / "fifo")
        for name in (b"out", b"fifo"):
            self.assertEqual(self.converse(server, upload_of(name, b"new")), OK + STORED, name)
        self.assertEqual(self.stored(), {b"out": b"new", b"fifo": b"new"})
        self.assertEqual(file_programs.tree(outer), {b"outside": b"secret"})

    def test_an_upload_cannot_replace_a_folder(self):
        server = self.store()
        (self.storage / "folder").mkdir()
        answer = self.converse(server, upload_of(b"folder", b"new"))
        self.assertEqual(answer, OK + STORAGE_FAILED)
        self.assertEqual(self.stored(), {b"folder": "no regular file"})

    def test_a_file_whose_size_is_unknown_is_not_found(self):
        file_programs.need_proc()
        server = self.server(SERVER, "-s", "/proc/self")
        for name in (b"status", b"cmdline", b"mem"):
            self.assertEqual(self.converse(server, download_of(name)), OK + NOT_FOUND, name)
        server = self.server(SERVER, "-s", "/sys/kernel")
        if os.path.exists("/sys/kernel/uevent_seqnum"):
            self.assertEqual(self.converse(server, download_of(b"uevent_seqnum")), OK + NOT_FOUND)

    def test_what_the_server_may_not_read_is_not_found(self):
        self.storage = self.folder({"secret": b"secret"})
        os.chmod(self.storage / "secret", 0)
        server = self.listening(self.as_nobody(SERVER, "-H", "127.0.0.1", "-p", 0,
                                               "-s", self.storage))
        self.assertEqual(self.converse(server, download_of(b"secret")), OK + NOT_FOUND)


# ---- lengths, cuts and other accidents -----------------------------------------------------------

class Accidents(StoreCase):
    def assert_lives(self, server):
        self.assertEqual(self.converse(server, download_of(b"none")), OK + NOT_FOUND)

    def test_a_name_of_absurd_length_is_refused_at_once(self):
        server = self.store()
        for length in (256, 2 ** 31, 2 ** 32 + 1, 2 ** 63 - 1, 2 ** 63, 2 ** 64 - 1):
            start = struct.pack(">Q", length) + b"name"
            self.assertEqual(self.converse(server, b"\x00" + start), OK + REFUSED)
            self.assertEqual(self.converse(server, b"\x01" + start), OK + NOT_FOUND)

    def test_a_file_longer_than_any_file_can_be_is_refused_at_once(self):
        server = self.store(files={"file": b"old"})
        for length in (2 ** 63, 2 ** 64 - 1):
            data = b"\x00" + sized(b"file") + struct.pack(">Q", length) + b"data"
            self.assertEqual(self.converse(server, data), OK + STORAGE_FAILED)
        self.assertEqual(self.stored(), {b"file": b"old"})

    def test_nothing_is_set_aside_for_bytes_that_are_only_promised(self):
        server = self.store()
        self.assert_lives(server)
        before = file_programs.peak_memory(server.process.pid)
        clients = [self.connect(server) for _ in range(20)]
        for number, client in enumerate(clients):
            promise = struct.pack(">Q", 2 ** 62 if number % 2 else 64 * MIB)
            client.sendall(b"\x00" + sized(b"file%d" % number) + promise + b"x")
        for client in clients:
            self.assertEqual(programs.recv_exactly(client, 1), OK)
            client.shutdown(socket.SHUT_WR)
        for client in clients:
            self.assertEqual(programs.recv_all(client), b"")
        self.eventually(self.stored, {}, server)
        self.assertLess(file_programs.peak_memory(server.process.pid) - before, 16 * MIB)

    def test_a_large_file_needs_little_memory(self):
        data = some_bytes(8 * MIB) * 8
        server = self.store()
        self.assertEqual(self.converse(server, upload_of(b"file", data)), OK + STORED)
        with self.connect(server) as client:
            self.assertTrue(lab_store.download(client, "file") == data)
        self.assertLess(file_programs.peak_memory(server.process.pid), 16 * MIB)

    def test_an_upload_that_ends_anywhere_before_its_end_changes_nothing(self):
        server = self.store(files={"file": b"old"})
        whole = upload_of(b"file", b"new data")
        for end in range(len(whole)):
            with self.subTest(sent=end):
                client = self.connect(server)
                client.sendall(whole[:end])
                client.shutdown(socket.SHUT_WR)
                self.assertEqual(programs.recv_all(client), OK if end else b"")
                client = self.connect(server)
                client.sendall(whole[:end])
                programs.reset(client)
        self.eventually(self.stored, {b"file": b"old"}, server)
        self.assertEqual(self.converse(server, whole), OK + STORED)
        self.assertEqual(self.stored(), {b"file": b"new data"})

    def test_clients_that_vanish_in_a_download_cost_nothing(self):
        server = self.store(files={"file": some_bytes(8 * MIB)})
        stays = self.connect(server)
        stays.sendall(b"\x01")
        self.assertEqual(programs.recv_exactly(stays, 1), OK)
        before = file_programs.descriptors_of(server.process.pid)
        for number in range(40):
            client = self.connect(server)
            client.sendall(download_of(b"file"))
            programs.recv_exactly(client, number * 1000)
            programs.reset(client) if number % 2 else client.close()
        self.assert_lives(server)
        self.eventually(lambda: file_programs.descriptors_of(server.process.pid), before, server)

    def test_an_upload_counts_even_if_the_client_reads_no_confirmation(self):
        server = self.store("-v")
        for number in range(20):
            client = self.connect(server)
            client.sendall(upload_of(b"file%d" % number, b"hola"))
            client.close()
        self.eventually(self.stored, {b"file%d" % i: b"hola" for i in range(20)}, server)
        self.assertNotRegex(server.stderr, "ERROR|WARNING")

    def test_while_an_upload_is_on_its_way_the_old_file_is_served_and_nothing_else_is_listed(self):
        server = self.store(files={"file": b"old"})
        slow = self.connect(server)
        slow.sendall(b"\x00" + sized(b"file") + struct.pack(">Q", 2 * MIB) + bytes(MIB))
        self.assertEqual(programs.recv_exactly(slow, 1), OK)
        with self.connect(server) as client:
            self.assertEqual(lab_store.download(client, "file"), b"old")
        with self.connect(server) as client:
            self.assertEqual([entry[:2] for entry in lab_store.list_files(client)], [("file", 3)])
        slow.sendall(bytes(MIB))
        self.assertEqual(programs.recv_exactly(slow, 1), STORED)
        self.assertEqual(self.stored(), {b"file": bytes(2 * MIB)})

    def test_of_two_uploads_of_one_name_at_once_one_is_there_whole(self):
        server = self.store()
        files = [b"a" * 3 * MIB, b"b" * 2 * MIB]
        clients = [self.connect(server) for _ in files]
        wires = [upload_of(b"file", data) for data in files]
        for start in range(0, max(map(len, wires)), 100000):
            for client, wire in zip(clients, wires):
                client.sendall(wire[start:start + 100000])
        for client in clients:
            self.assertEqual(programs.recv_all(client), OK + STORED)
        (stored,) = self.stored().values()
        self.assertTrue(stored in files)

    def test_a_client_that_trickles_delays_none_of_a_hundred_others(self):
        file_programs.allow_descriptors(400)
        server = self.store()
        trickling = self.connect(server)
        wire = upload_of(b"slow", b"slow")
        clients = [self.connect(server) for _ in range(100)]
        pieces = [wire[i:i + 1] for i in range(len(wire) - 1)]
        for number, client in enumerate(clients):
            if pieces:
                trickling.sendall(pieces.pop(0))
            client.sendall(upload_of(b"%d" % number, some_bytes(100000)))
        for client in clients:
            self.assertEqual(programs.recv_all(client), OK + STORED)
        trickling.sendall(wire[-1:])
        self.assertEqual(programs.recv_all(trickling), OK + STORED)
        self.assertEqual(len(self.stored()), 101)

    def test_a_server_that_was_killed_leaves_the_old_file_and_clears_up_when_it_starts_again(self):
        self.storage = self.folder({"file": b"old", ".mine": b"kept"})
        for number in range(10):
            server = self.server(SERVER, "-s", self.storage)
            client = self.connect(server)
            client.sendall(b"\x00" + sized(b"file") + struct.pack(">Q", 4 * MIB))
            self.assertEqual(programs.recv_exactly(client, 1), OK)
            client.sendall(bytes(number * 300000))
            server.signal(signal.SIGKILL)
            server.wait_exit()
        self.assertEqual((self.storage / "file").read_bytes(), b"old")
        server = self.server(SERVER, "-s", self.storage)
        self.assertEqual(self.stored(), {b"file": b"old", b".mine": b"kept"})

    def test_a_full_disk_is_reported_and_the_old_file_stays(self):
        self.storage = self.folder({"file": b"old"})
        server = self.listening(self.with_small_files(MIB, SERVER, "-H", "127.0.0.1", "-p", 0,
                                                      "-s", self.storage))
        answer = self.converse(server, upload_of(b"file", bytes(MIB + 1)))
        self.assertEqual(answer, OK + STORAGE_FAILED)
        self.assertEqual(self.stored(), {b"file": b"old"})
        self.assertEqual(self.converse(server, upload_of(b"file", bytes(MIB))), OK + STORED)

    def test_a_storage_that_is_gone_fails_and_one_that_is_back_works(self):
        server = self.store(files={"file": b"hola"})
        shutil.rmtree(self.storage)
        self.assertEqual(self.converse(server, upload_of(b"a", b"b")), OK + STORAGE_FAILED)
        self.assertEqual(self.converse(server, download_of(b"file")), OK + NOT_FOUND)
        self.assertEqual(self.converse(server, b"\x02"), STORAGE_FAILED)
        self.storage.mkdir()
        self.assertEqual(self.converse(server, upload_of(b"a", b"b")), OK + STORED)

    def test_only_a_client_that_neither_sends_nor_takes_for_the_time_limit_is_dropped(self):
        server = self.store("--timeout", "1", files={"file": some_bytes(20 * MIB)})
        wire = upload_of(b"drip", b"x" * 1000)
        active = self.connect(server)
        stuck = self.narrow_connection(server)
        stuck.sendall(download_of(b"file"))
        for said in ((b"", b"\x01" + bytes(7), wire[:20], wire[:500]), (b"",)):
            wire = self.drip_while_dropped(server, said, active, wire)
        active.sendall(wire)
        self.assertEqual(programs.recv_all(active), OK + STORED)
        self.assertEqual(set(self.stored()), {b"file", b"drip"})
        stuck.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
        with contextlib.suppress(ConnectionResetError):
            self.assertLess(len(programs.recv_all(stuck)), 20 * MIB)

    def test_a_client_that_takes_something_now_and_then_is_not_dropped(self):
        data = some_bytes(20 * MIB)
        server = self.store("--timeout", "1", files={"file": data})
        client = self.narrow_connection(server)
        client.sendall(download_of(b"file"))
        received = b""
        for _ in range(3):  # as long as it takes to drop three silent ones
            silent = self.connect(server)
            while not select.select([silent], [], [], 0.05)[0]:
                received += programs.recv_exactly(client, 10000)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)
        received += programs.recv_all(client)
        self.assertTrue(received == OK + OK + sized(data))

    def test_more_clients_than_allowed_are_refused_until_one_leaves(self):
        server = self.store("--max-clients", "2")
        silent = [self.connect(server) for _ in range(2)]
        for _ in range(10):
            self.assertEqual(self.converse(server, b""), STORAGE_FAILED)
        server.wait_for_line(log("CRITICAL", r"\[Acceptor\] refused .*: there is no room"),
                             on="stderr")
        self.assertLessEqual(file_programs.threads_of(server.process.pid), 1 + 2)
        silent.pop().close()
        self.eventually(lambda: self.gets_in(server), True, server)

    def gets_in(self, server):
        with contextlib.suppress(ConnectionError):  # it was refused before it had asked
            return self.converse(server, b"\x02") == EMPTY_LIST

    def test_an_option_of_the_socket_that_fails_costs_that_client_only(self):
        server = self.store()
        tracer = self.trace(server, "inject=setsockopt:error=EINVAL")
        with self.connect(server) as client, contextlib.suppress(ConnectionResetError):
            client.sendall(b"\x02")
            self.assertEqual(programs.recv_all(client), b"")
        server.wait_for_line(log("WARNING", "Lost .*TCP_NODELAY.*"), on="stderr")
        tracer.interrupt()
        tracer.wait_exit()
        self.assert_lives(server)

    def drip_while_dropped(self, server, said, active, wire):
        """Sends the wire byte by byte until clients that fell silent are dropped; returns the rest.
        """
        started = time.monotonic()
        silent = [self.connect(server) for _ in said]
        for client, begin in zip(silent, said):
            client.sendall(begin)
        while silent:
            self.assertLess(time.monotonic() - started, programs.within(3))
            active.sendall(wire[:1])
            wire = wire[1:]
            for client in select.select(silent, [], [], 0.02)[0]:
                if client.recv(1) == b"":
                    silent.remove(client)
                    self.assertGreaterEqual(time.monotonic() - started, 0.9)
        return wire


# ---- the client of the course --------------------------------------------------------------------

class LabClient(StoreCase):
    def test_uploads_downloads_and_lists_at_our_server(self):
        server = self.store()
        for size in SIZES:
            with self.connect(server) as client:
                lab_store.upload(client, "file %d" % size, some_bytes(size))
        self.eventually(self.stored, {b"file %d" % size: some_bytes(size) for size in SIZES},
                        server)
        for size in SIZES:
            with self.connect(server) as client:
                data = lab_store.download(client, "file %d" % size)
            self.assertTrue(data == some_bytes(size))
        with self.connect(server) as client:
            listed = lab_store.list_files(client)
        self.assertEqual(sorted(entry[:2] for entry in listed),
                         sorted(("file %d" % size, size) for size in SIZES))
        for name, _, changed in listed:
            self.assertIsInstance(changed, float)
            self.assertAlmostEqual(changed, os.stat(self.storage / name).st_mtime, places=4)

    def test_need_not_wait_for_a_status(self):
        server = self.store()
        with self.connect(server) as client:
            lab_store.upload_at_once(client, "file", b"hola")
        self.eventually(self.stored, {b"file": b"hola"}, server)
        with self.connect(server) as client:
            self.assertEqual(lab_store.download_at_once(client, "file"), b"hola")

    def test_gets_the_answer_that_there_is_no_such_file(self):
        with self.connect(self.store()) as client, self.assertRaises(FileNotFoundError):
            lab_store.download(client, "none")

    def test_finds_nothing_in_an_empty_folder(self):
        with self.connect(self.store()) as client:
            self.assertEqual(lab_store.list_files(client), [])


# ---- what is shown -------------------------------------------------------------------------------

class Log(StoreCase):
    def test_names_the_port_and_each_client_with_its_operation(self):
        server = self.store()
        server.wait_for_line(log("INFO", r"Listening on port %d\." % server.port), on="stderr")
        for data, text in ((upload_of(b"a.txt", b"x"), r"File a\.txt uploaded from %s\."),
                           (download_of(b"a.txt"), r"File a\.txt downloaded from %s\."),
                           (b"\x02", r"Files list downloaded from %s\.")):
            client = self.connect(server)
            client.sendall(data)
            address = programs.address_of(client)
            client.shutdown(socket.SHUT_WR)
            programs.recv_all(client)
            server.wait_for_line(log("INFO", text % re.escape(address)), on="stderr")

    def test_has_tagged_details_with_verbose_only(self):
        for options, seen in (((), False), (("-v",), True), (("--verbose",), True)):
            server = self.store(*options)
            self.assertEqual(self.converse(server, upload_of(b"a.txt", b"x")), OK + STORED)
            server.wait_for_line(log("INFO", r"File a\.txt uploaded from .*"), on="stderr")
            for tag in (r"\[Socket\]", r"\[Acceptor\]", r"\[ClientHandler:\d+\]"):
                line = log("DEBUG", tag + " .+")
                self.assertEqual(bool(re.search(line, server.stderr, re.MULTILINE)), seen, line)

    def test_quiet_has_no_line_for_success(self):
        server = self.store("-q", files={"file": b"hola"})
        for data in (upload_of(b"a", b"x"), download_of(b"a"), download_of(b"none"), b"\x02"):
            self.converse(server, data)
        self.assert_code(self.uploads(server.port, b"hola", "file", "-q"), 0)
        self.assertEqual(self.client(DOWNLOAD, server.port, "-q", "-n", "file", "-d",
                                     self.folder() / "file").stderr, "")
        client = self.client(LIST, server.port, "-q")
        self.assertEqual((client.stderr, len(client.stdout.splitlines())), ("", 2))
        server.interrupt()
        self.assertEqual(server.wait_exit(), 0)
        self.assertEqual(server.stderr, "")

    def test_every_line_of_the_log_has_its_form_and_a_name_cannot_forge_one(self):
        server = self.store("-v")
        hostile = b"a\n20:22:29 - INFO - Listening on port 1."
        self.assertEqual(self.converse(server, upload_of(hostile, b"x")), OK + REFUSED)
        self.assertEqual(self.converse(server, b"\x09"), UNKNOWN_OPCODE)
        server.interrupt()
        server.wait_exit()
        for line in server.stderr.splitlines():
            self.assertRegex(line, log("(DEBUG|INFO|WARNING|ERROR|CRITICAL)", ".+"))
        self.assertNotIn("Listening on port 1.\n", server.stderr)


class Statistics(StoreCase):
    def at_terminal(self, **keywords):
        return self.store(terminal=["stdin"], **keywords)

    def numbers(self, server):
        """The next statistics: {what: number}."""
        begin = server.wait_for_text(r"Run time: (\d+):[0-5]\d:[0-5]\d$")
        self.assertEqual(begin.group(1), "0")
        names = ("Established connections", "Upload requests", "Download requests",
                 "List requests", "Unknown requests", "Bytes received", "Bytes sent",
                 "Files uploaded", "Files downloaded")
        return {name: int(server.wait_for_line(r"^ *%s: (\d+)\b" % name).group(1))
                for name in names}

    def test_s_prints_them_and_q_stops_and_prints_them_again(self):
        server = self.at_terminal()
        server.send_line("s")
        self.assertEqual(set(self.numbers(server).values()), {0})
        sent = received = 0
        refused = b"\x00" + sized(b"..")
        for data in (upload_of(b"a", b"hola"), refused, download_of(b"a"),
                     download_of(b"a"), download_of(b"none"), b"\x02", b"\x09"):
            answer = self.converse(server, data)
            sent += len(answer)
            received += len(data)
        expected = {"Established connections": 7, "Upload requests": 2, "Download requests": 3,
                    "List requests": 1, "Unknown requests": 1, "Bytes sent": sent,
                    "Bytes received": received, "Files uploaded": 1, "Files downloaded": 2}
        server.send_line("s")
        self.assertEqual(self.numbers(server), expected)
        server.send_line("q")
        self.assertEqual(self.numbers(server), expected)
        self.assertEqual(server.wait_exit(), 0, server.stderr)

    def test_q_lets_a_transfer_end_that_is_quick_and_counts_it(self):
        server = self.store(terminal=["stdin"])
        client = self.connect(server)
        client.sendall(upload_of(b"file", b"hola")[:-1])
        self.assertEqual(programs.recv_exactly(client, 1), OK)
        server.send_line("q")
        server.wait_for_line(log("INFO", r"Stopping\."), on="stderr")
        client.sendall(b"a")
        self.assertEqual(programs.recv_all(client), STORED)
        client.close()
        self.assertEqual(self.numbers(server)["Files uploaded"], 1)
        self.assertEqual(server.wait_exit(), 0, server.stderr)
        self.assertEqual(self.stored(), {b"file": b"hola"})

    def test_q_cuts_what_is_open_and_leaves_nothing_behind(self):
        server = self.at_terminal(files={"file": b"old"})
        client = self.connect(server)
        client.sendall(upload_of(b"file", b"new data")[:-1])
        self.assertEqual(programs.recv_exactly(client, 1), OK)
        started = time.monotonic()
        server.send_line("q")
        self.assertEqual(server.wait_exit(), 0, server.stderr)
        self.assertLess(time.monotonic() - started, programs.within(7))
        self.assertEqual(self.stored(), {b"file": b"old"})

    def test_other_words_and_the_end_of_the_typing_stop_nothing(self):
        server = self.at_terminal()
        server.send("\n\nhola\nS\nquit\ns\n\x04")
        self.numbers(server)
        self.assertEqual(self.converse(server, b"\x02"), EMPTY_LIST)

    def test_commands_come_from_a_pipe_too_and_its_end_stops_nothing(self):
        server = self.store()
        server.send("s\nno command\n\nq")
        self.assertEqual(set(self.numbers(server).values()), {0})
        self.assertEqual(self.converse(server, b"\x02"), EMPTY_LIST)  # "q" has no line feed yet
        server.send("uit\ns\n")
        self.assertEqual(self.numbers(server)["List requests"], 1)
        server.close_stdin()
        for _ in range(3):
            self.assertEqual(self.converse(server, b"\x02"), EMPTY_LIST)
        self.assertTrue(server.running())
        self.assertNotIn("Enter s", server.stderr)  # a hint is for people

    def test_q_from_a_pipe_stops_with_or_without_a_line_feed(self):
        for typed in ("q\n", "\nq\r\n", "q"):
            with self.subTest(typed=typed):
                server = self.store()
                self.converse(server, b"\x02")
                server.send(typed)
                server.close_stdin()
                self.assertEqual(self.numbers(server)["List requests"], 1)
                self.assertEqual(server.wait_exit(), 0, server.stderr)

    def test_commands_come_from_a_file_too(self):
        for commands, counts in ((b"s\nq\ns\n", 2), (b"s", 1), (b"", 0)):
            with self.subTest(commands=commands):
                path = self.folder({"commands": commands}) / "commands"
                server = self.start_with_stdin(path)
                if b"q" not in commands:
                    self.assertEqual(self.converse(server, b"\x02"), EMPTY_LIST)
                    server.terminate()
                self.assertEqual(server.wait_exit(), 0, server.stderr)
                self.assertEqual(server.stdout.count("Run time:"), counts, server.stdout)

    def test_a_stdin_that_gives_nothing_stops_nothing_and_costs_no_time(self):
        for stdin in ("/dev/null", self.folder(), None):
            with self.subTest(stdin=stdin):
                server = self.start_with_stdin(stdin)
                before = file_programs.cpu_seconds(server.process.pid)
                with self.connect(server) as client:  # 60 s of silence are allowed
                    self.assertEqual(select.select([client], [], [], 1.2)[0], [])
                self.assertLess(file_programs.cpu_seconds(server.process.pid) - before, 0.3)
                self.assertEqual(self.converse(server, b"\x02"), EMPTY_LIST)

    def test_a_line_without_end_on_stdin_costs_no_memory_and_is_no_command(self):
        server = self.store()
        self.converse(server, b"\x02")
        before = file_programs.peak_memory(server.process.pid)
        self.in_background(server.send, b"x" * 16 * MIB + b"q\ns\n")
        self.assertEqual(self.numbers(server)["List requests"], 1)
        self.assertLess(file_programs.peak_memory(server.process.pid) - before, 4 * MIB)
        self.assertTrue(server.running())

    def test_commands_are_obeyed_at_once_when_no_descriptor_is_left(self):
        self.storage = self.folder()
        server = self.listening(self.start(
            "/bin/sh", "-c", 'ulimit -n 20; exec "$0" "$@"', programs.example(SERVER),
            "-H", "127.0.0.1", "-p", 0, "-s", self.storage))
        # UBSan opens a pipe when it sees a type for the first time: here, the function of a thread.
        self.assertEqual(self.converse(server, b"\x02"), EMPTY_LIST)
        clients = [self.connect(server) for _ in range(20)]
        server.wait_for_line(log("CRITICAL", r"\[Acceptor\] cannot accept: Too many open files"),
                             on="stderr")
        before = file_programs.cpu_seconds(server.process.pid)
        started = time.monotonic()
        for number in range(10):
            server.send_line("s")
            self.numbers(server)
        self.assertLess(time.monotonic() - started, programs.within(2))
        for client in clients:
            client.close()
        self.assertEqual(self.converse(server, b"\x02"), EMPTY_LIST)
        self.assertLess(file_programs.cpu_seconds(server.process.pid) - before, 1)

    def test_in_the_background_of_a_shell_it_leaves_what_is_typed_to_others(self):
        self.storage = self.folder()
        script = 'set -m; "$0" "$@" & read line; echo "the shell read $line"; kill $!; wait $!'
        shell = self.start("/bin/bash", "-c", script, programs.example(SERVER), "-H", "127.0.0.1",
                           "-p", 0, "-s", self.storage, terminal=programs.Program.STREAMS)
        shell.wait_for_text("Enter s for the statistics")
        shell.send_line("q")
        shell.wait_for_text("the shell read q")
        self.assertEqual(shell.wait_exit(), 0, shell.stdout)

    def test_quiet_leaves_the_statistics_out_at_the_end_and_shows_them_for_s(self):
        for keywords in ({}, {"terminal": ["stdin"]}):
            with self.subTest(**keywords):
                server = self.store("-q", **keywords)
                server.send_line("s")
                self.numbers(server)
                server.send_line("q")
                self.assertEqual(server.wait_exit(), 0, server.stderr)
                self.assertEqual(server.stdout.count("Statistics"), 1)
                self.assertEqual(server.stderr, "")

    def start_with_stdin(self, path):
        """A server whose stdin is this file; None: it is closed."""
        self.storage = self.folder()
        redirection = "<&-" if path is None else '<"%s"' % path
        return self.listening(self.start(
            "/bin/sh", "-c", 'exec "$0" "$@" ' + redirection, programs.example(SERVER),
            "-H", "127.0.0.1", "-p", 0, "-s", self.storage))

    def test_at_a_terminal_a_signal_stops_it_and_prints_them_too(self):
        server = self.at_terminal()
        self.converse(server, b"\x02")
        server.send("\x03")
        self.assertEqual(self.numbers(server)["List requests"], 1)
        self.assertEqual(server.wait_exit(), 0)


class Manners(StoreCase):
    def test_help(self):
        self.assert_help(SERVER)
        told = self.run_to_end(SERVER, "--help").stdout
        for default in ("localhost", "4321", "files", "60", "256"):
            self.assertIn(default, told)

    def test_usage_errors(self):
        self.assert_usage_error(SERVER, "-v", "-q", says="quiet")
        self.assert_usage_error(SERVER, "--verbose", "--quiet", says="quiet")
        self.assert_usage_error(SERVER, "--nonsense", says="nonsense")
        self.assert_usage_error(SERVER, "-p", "70000", says="port")
        self.assert_usage_error(SERVER, "-m", "0", says="1 to 10000")
        self.assert_usage_error(SERVER, "word", says="word")
        self.assert_usage_error(SERVER, "-s", self.folder() / "none", says="none")
        self.assert_usage_error(SERVER, "-s", __file__)

    def test_a_mistyped_option_makes_no_folder(self):
        folder = self.folder()
        for options in (("-p", "70000"), ("-m", "0"), ("-t", "x")):
            self.assertEqual(self.run_to_end(SERVER, *options, cwd=folder).code, 2)
        self.assertEqual(file_programs.tree(folder), {})

    def test_nothing_is_mandatory_for_the_server_and_it_makes_its_default_folder(self):
        folder = self.folder()
        server = self.listening(self.start(SERVER, "-p", 0, cwd=folder))
        self.assertEqual(server.host, "127.0.0.1")
        self.assertEqual(self.converse(server, upload_of(b"a", b"b")), OK + STORED)
        self.assertEqual((folder / "files" / "a").read_bytes(), b"b")
        again = self.listening(self.start(SERVER, "-p", 0, cwd=folder))
        self.assertNotEqual(self.converse(again, b"\x02"), EMPTY_LIST)

    def test_a_port_in_use_is_an_error(self):
        server = self.store()
        second = self.run_to_end(SERVER, "-H", "127.0.0.1", "-p", server.port, "-s", self.storage)
        self.assert_fails(second, 1, "in use")

    def test_a_signal_stops_the_server_in_order(self):
        for by in (signal.SIGINT, signal.SIGTERM):
            self.assert_stops_in_order(SERVER, "-s", self.folder(), by=by)

    def test_a_signal_cuts_what_is_open_and_leaves_nothing_behind(self):
        server = self.store(files={"file": b"old"})
        client = self.connect(server)
        client.sendall(upload_of(b"file", b"new data")[:-1])
        self.assertEqual(programs.recv_exactly(client, 1), OK)
        server.terminate()
        self.assertEqual(server.wait_exit(), 0, server.stderr)
        self.assertEqual(self.stored(), {b"file": b"old"})


if __name__ == "__main__":
    unittest.main()

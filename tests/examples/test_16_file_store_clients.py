#!/usr/bin/env python3
"""Chapter 16: upload-file, download-file and list-files, against servers of every kind.

Run: TRAMA_BUILD=build python3 tests/examples/test_16_file_store_clients.py
"""
import ast
import os
import random
import re
import select
import signal
import socket
import struct
import threading
import time
import unittest
import warnings

import file_programs
import lab_store
import programs
from file_programs import MIB, SIZES, some_bytes
from lab_hftp import drip
from store_programs import (DOWNLOAD, LEGAL_NAMES, LIST, NOT_FOUND, OK, REFUSED, SERVER,
                            STORAGE_FAILED, STORED, StoreCase, UNKNOWN_OPCODE, UPLOAD, download_of,
                            log, sized)

CONFIRMED = r"(?<!not )\bconfirmed\b"


def visible(name):
    """The name as list-files shows it; only for ASCII and for characters that can be printed."""
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
    return re.sub("[\x00-\x1f\x7f]",
                  lambda found: short.get(found.group(), "\\x%02x" % ord(found.group())), name)


def value_of(literal):
    """What a literal means for Python; None: it is none, or half of a pair of UTF-16."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python warns of unknown escapes, and takes them
        try:
            name = ast.literal_eval(literal)
            str.encode(name)
        except (ValueError, SyntaxError, TypeError):
            return None
    return name


def is_shown_as_it_is(literal):
    """False: beyond ASCII, it has a character that list-files shows in another form."""
    return all(character < "\x80" or character.isprintable()
               for character in value_of(literal) or "")


# ---- against the server of the course, and against ours ------------------------------------------

class LabServer(StoreCase):
    def setUp(self):
        self.storage = self.folder()
        self.port = self.lab_server(lab_store.serve, self.storage)

    def test_gets_files_of_every_size_from_our_client_which_reports_no_confirmation(self):
        sizes = (0, 1, 4096, 3 * MIB + 1)
        running = [self.in_background(self.uploads, self.port, some_bytes(size), "%d" % size)
                   for size in sizes]  # at once: each waits two seconds
        for each in running:
            self.assert_code(each.result(), 0, "sent, not confirmed")
        self.assertEqual(self.stored(), {b"%d" % size: some_bytes(size) for size in sizes})

    def test_gives_files_of_every_size_to_our_client_which_does_not_wait_for_the_end(self):
        for size in SIZES:
            self.fill(self.storage, {"file": some_bytes(size)})
            self.assert_code(self.downloads(self.port), 0)
            self.assertTrue(self.destination.read_bytes() == some_bytes(size))

    def test_answers_our_client_that_there_is_no_such_file(self):
        self.assert_code(self.downloads(self.port, "none"), 1, "(?i)not found")
        self.assertFalse(self.destination.exists())

    def test_lists_any_names_for_our_client(self):
        self.fill(self.storage, {name: b"" for name in LEGAL_NAMES})
        client = self.client(LIST, self.port)
        self.assert_code(client, 0)
        self.assertEqual(len(client.stdout.split("\n")), 1 + len(LEGAL_NAMES) + 1)
        for name in LEGAL_NAMES:
            if not set("\\\u2028\u2029") & set(name):
                self.assertIn("] %s - 0.00 B\n" % name, client.stdout)

    def test_lists_nothing_for_our_client_which_says_so(self):
        client = self.client(LIST, self.port)
        self.assert_code(client, 0)
        self.assertEqual(client.stdout, "The store is empty: there are no files.\n")


class OurOwn(StoreCase):
    def test_uploads_downloads_and_lists_in_a_row(self):
        server = self.store()
        for size in SIZES:
            client = self.uploads(server.port, some_bytes(size), "file %d" % size)
            self.assert_code(client, 0, CONFIRMED)
        for size in SIZES:
            self.assert_code(self.downloads(server.port, "file %d" % size), 0)
            self.assertTrue(self.destination.read_bytes() == some_bytes(size))
        client = self.client(LIST, server.port)
        self.assert_code(client, 0)
        self.assertEqual(len(client.stdout.splitlines()), 1 + len(SIZES))

    def test_it_does_not_matter_where_the_stream_is_cut(self):
        data = some_bytes(5000)
        for chop in self.behind_chop(self.store()):
            self.assert_code(self.uploads(chop.port, data), 0, CONFIRMED)
            self.assert_code(self.downloads(chop.port), 0)
            self.assertTrue(self.destination.read_bytes() == data)
            client = self.client(LIST, chop.port)
            self.assert_code(client, 0)
            self.assertRegex(client.stdout, r"\n> \[.*\] file - 4\.88 KB\n$")

    def test_a_name_that_is_not_plain_is_refused(self):
        server = self.store()
        self.assert_code(self.uploads(server.port, b"data", "../x"), 1, "(?i)name")
        self.assert_code(self.downloads(server.port, "../x"), 1, "(?i)not found")
        self.assertFalse(self.destination.exists())


# ---- against servers made by hand ----------------------------------------------------------------

class UploadFile(StoreCase):
    def serve(self, answer, read=b"\x00" + sized(b"file") + sized(b"hola"), first=OK):
        """Answers one upload of `hola`; returns the port, and what was received."""
        def serve_one(connection):
            received = programs.recv_exactly(connection, 1)
            connection.sendall(first)
            received += programs.recv_exactly(connection, len(read) - 1)
            answer(connection)
            return received

        return self.peer(serve_one)

    def test_sends_these_bytes_and_waits_for_the_status_before_the_name(self):
        def serve_one(connection):
            first = connection.recv(100)
            silent = not select.select([connection], [], [], 0.2)[0]
            connection.sendall(OK)
            rest = programs.recv_exactly(connection, 8 + 4 + 8 + 4)
            connection.sendall(STORED)
            return first, silent, rest + programs.recv_all(connection)

        port, served = self.peer(serve_one)
        client = self.uploads(port, b"hola")
        self.assert_code(client, 0, CONFIRMED)
        self.assertEqual(served.result(), (b"\x00", True, sized(b"file") + sized(b"hola")))

    def test_an_orderly_close_is_no_confirmation_and_no_error(self):
        port, _ = self.serve(lambda connection: None)
        self.assert_code(self.uploads(port, b"hola"), 0, "sent, not confirmed")

    def test_no_answer_within_two_seconds_is_no_confirmation_and_no_error(self):
        port, _ = self.serve(programs.recv_all)
        started = time.monotonic()
        self.assert_code(self.uploads(port, b"hola"), 0, "sent, not confirmed")
        self.assertGreaterEqual(time.monotonic() - started, 1.9)
        self.assertLess(time.monotonic() - started, programs.within(3.5))

    def test_a_refusal_and_a_failure_are_errors(self):
        for status, says in ((REFUSED, "(?i)name"), (STORAGE_FAILED, "(?i)stor"), (b"\x09", "9")):
            port, _ = self.serve(lambda connection: connection.sendall(status))
            self.assert_code(self.uploads(port, b"hola"), 1, says)

    def test_a_reset_is_an_error(self):
        port, _ = self.serve(programs.reset)
        self.assert_code(self.uploads(port, b"hola"), 1)

    def test_a_status_other_than_ok_is_an_error(self):
        for status in (UNKNOWN_OPCODE, NOT_FOUND, b"\xff"):
            port, _ = self.serve(lambda connection: None, read=b"\x00", first=status)
            self.assert_code(self.uploads(port, b"hola"), 1)

    def test_a_server_that_closes_before_the_status_is_an_error(self):
        port, _ = self.peer(lambda connection: connection.recv(1))
        self.assert_code(self.uploads(port, b"hola"), 1)

    def test_stops_sending_when_the_answer_comes_early(self):
        def refuse(connection):
            connection.sendall(REFUSED)
            ended.wait(programs.LIMIT)  # and takes nothing

        ended = threading.Event()
        self.addCleanup(ended.set)
        port, _ = self.serve(refuse, read=b"\x00" + sized(b"file"))
        self.assert_code(self.uploads(port, bytes(64 * MIB)), 1, "(?i)name")

    def test_a_server_that_closes_in_the_middle_of_the_file_is_an_error(self):
        def close(connection):
            connection.shutdown(socket.SHUT_WR)
            ended.wait(programs.LIMIT)  # and takes nothing

        ended = threading.Event()
        self.addCleanup(ended.set)
        port, _ = self.serve(close, read=b"\x00" + sized(b"file"))
        self.assert_code(self.uploads(port, bytes(64 * MIB)), 1,
                         "the server closed before it had the whole file")

    def test_a_refusal_is_reported_although_a_reset_follows(self):
        def refuse(connection):
            programs.recv_exactly(connection, MIB)
            connection.sendall(REFUSED)
            programs.reset(connection)

        port, _ = self.serve(refuse, read=b"\x00" + sized(b"file"))
        self.assert_code(self.uploads(port, bytes(64 * MIB)), 1, "(?i)name")

    def upload_that_changes(self, change):
        """Uploads 32 MiB which `change(path)` changes in the middle. Returns the client, and what
        the server receives, in the background.
        """
        def serve_one(connection):
            connection.sendall(OK)
            received = programs.recv_exactly(connection, 1 + 8 + 4 + 8 + MIB)
            change(source)
            received += programs.recv_exactly(connection, 31 * MIB)
            connection.sendall(STORED)
            return received[1 + 8 + 4 + 8:] + programs.recv_all(connection)

        source = self.folder({"source": bytes(32 * MIB)}) / "source"
        port, served = self.peer(serve_one)
        client = self.client(UPLOAD, port, "-s", source, "-n", "file")
        return client, served

    def test_of_a_source_that_grows_exactly_the_announced_bytes_are_sent(self):
        def grow(path):
            with open(path, "ab") as source:
                source.write(b"one more line\n")

        client, served = self.upload_that_changes(grow)
        self.assert_code(client, 0, CONFIRMED)
        self.assertEqual(len(served.result()), 32 * MIB)

    def test_a_source_that_shrinks_is_an_error_that_says_so(self):
        client, _ = self.upload_that_changes(lambda path: os.truncate(path, 0))
        self.assert_code(client, 2, "became shorter")

    def test_gives_up_when_the_server_is_silent(self):
        port, _ = self.peer(programs.recv_all)
        started = time.monotonic()
        self.assert_code(self.uploads(port, b"hola", "file", "--timeout", "1"), 1)
        self.assertLess(time.monotonic() - started, programs.within(5))

    def test_a_port_without_a_server_is_an_error(self):
        self.assert_code(self.uploads(programs.refusing_port(), b"hola"), 1, "(?i)refused")

    def test_a_source_that_is_no_readable_file_is_refused_before_connecting(self):
        folder = self.folder()
        os.mkfifo(folder / "fifo")
        for source in (folder / "none", folder, folder / "fifo", "/dev/zero"):
            self.assert_usage_error(UPLOAD, "-H", "127.0.0.1", "-p", programs.refusing_port(),
                                    "-s", source, "-n", "file")

    def test_a_source_whose_size_is_unknown_is_refused_by_name_before_connecting(self):
        file_programs.need_proc()
        for source in ("/proc/cpuinfo", "/proc/self/status", "/proc/self/mem",
                       "/sys/kernel/mm/transparent_hugepage/enabled"):
            if os.path.exists(source):
                self.assert_usage_error(UPLOAD, "-H", "127.0.0.1", "-p", programs.refusing_port(),
                                        "-s", source, "-n", "file", says=source)


class DownloadFile(StoreCase):
    def serve(self, *answers):
        """Sends answers[0] when it has the opcode, answers[1] when it has the name."""
        def serve_one(connection):
            received = programs.recv_exactly(connection, 1)
            connection.sendall(answers[0])
            if len(answers) > 1:
                received += programs.recv_exactly(connection, 8 + 4)
                connection.sendall(answers[1])
            return received

        return self.peer(serve_one)

    def fetch(self, *answers):
        """Downloads over an older file; returns the client and what is there afterwards."""
        port, _ = self.serve(*answers)
        folder = self.folder({"destination": b"old"})
        client = self.client(DOWNLOAD, port, "-d", folder / "destination", "-n", "file")
        return client, file_programs.tree(folder)

    def test_sends_these_bytes_and_stops_by_length(self):
        def serve_one(connection):
            received = programs.recv_exactly(connection, 1)
            connection.sendall(OK)
            received += programs.recv_exactly(connection, 8 + 4)
            connection.sendall(OK + sized(b"hola") + b"and more")
            select.select([connection], [], [], programs.LIMIT)  # the client closes first
            return received

        port, served = self.peer(serve_one)
        self.assert_code(self.downloads(port), 0)
        self.assertEqual(self.destination.read_bytes(), b"hola")
        self.assertEqual(served.result(), download_of(b"file"))

    def test_an_answer_may_arrive_a_byte_at_a_time(self):
        def serve_one(connection):
            connection.recv(1)
            drip(connection, OK)
            programs.recv_exactly(connection, 8 + 4)
            drip(connection, OK + sized(b"hola" * 100))

        port, _ = self.peer(serve_one)
        self.assert_code(self.downloads(port), 0)
        self.assertEqual(self.destination.read_bytes(), b"hola" * 100)

    def test_replaces_an_older_file_and_makes_missing_folders(self):
        client, saved = self.fetch(OK, OK + sized(b"new"))
        self.assert_code(client, 0)
        self.assertEqual(saved, {b"destination": b"new"})
        port, _ = self.serve(OK, OK + sized(b"new"))
        folder = self.folder()
        client = self.client(DOWNLOAD, port, "-d", folder / "a" / "b" / "c", "-n", "file")
        self.assert_code(client, 0)
        self.assertEqual((folder / "a" / "b" / "c").read_bytes(), b"new")

    def test_a_destination_can_be_a_name_alone_and_a_link_stays_one(self):
        folder = self.folder({"file": b"old"})
        os.symlink("file", folder / "link")
        for name, changed in (("new", "new"), ("link", "file")):
            port, _ = self.serve(OK, OK + sized(name.encode()))
            client = self.client(DOWNLOAD, port, "-d", name, "-n", "file", cwd=folder)
            self.assert_code(client, 0)
            self.assertEqual((folder / changed).read_bytes(), name.encode())
        self.assertEqual(os.readlink(folder / "link"), "file")

    def test_what_goes_wrong_leaves_the_older_file_as_it_was(self):
        failures = [(UNKNOWN_OPCODE,), (NOT_FOUND,), (b"",),
                    (OK, b""), (OK, NOT_FOUND), (OK, b"\x09"),
                    (OK, OK), (OK, OK + bytes(7)), (OK, OK + sized(b"hola")[:-1]),
                    (OK, OK + struct.pack(">Q", 20 * MIB) + bytes(MIB)),
                    (OK, OK + struct.pack(">Q", 2 ** 63) + b"hola"),
                    (OK, OK + struct.pack(">Q", 2 ** 64 - 1) + b"hola")]
        for answers in failures:
            with self.subTest(answers=[answer[:20] for answer in answers]):
                client, saved = self.fetch(*answers)
                self.assert_code(client, 1)
                self.assertEqual(saved, {b"destination": b"old"})

    def test_a_file_that_is_not_found_makes_no_folder(self):
        port, _ = self.serve(OK, NOT_FOUND)
        folder = self.folder()
        client = self.client(DOWNLOAD, port, "-d", folder / "a" / "b", "-n", "file")
        self.assert_code(client, 1, "(?i)not found")
        self.assertEqual(file_programs.tree(folder), {})

    def test_a_large_file_needs_little_memory(self):
        def serve_one(connection):
            connection.recv(1)
            connection.sendall(OK)
            programs.recv_exactly(connection, 8 + 4)
            connection.sendall(OK + struct.pack(">Q", 40 * MIB + 1))
            for _ in range(40):
                connection.sendall(some_bytes(MIB))
            started.wait(programs.LIMIT)
            peak = file_programs.peak_memory(client.process.pid)
            connection.sendall(b"x")
            return peak

        started = threading.Event()
        port, served = self.peer(serve_one)
        client = self.start(DOWNLOAD, "-H", "127.0.0.1", "-p", port,
                            "-d", self.folder() / "file", "-n", "file")
        started.set()
        self.assertLess(served.result(), 16 * MIB)
        self.assertEqual(client.wait_exit(), 0, client.stderr)

    def test_gives_up_when_the_server_is_silent(self):
        port, _ = self.peer(programs.recv_all)
        self.assert_code(self.downloads(port, "file", "--timeout", "1"), 1)

    def test_a_destination_that_is_no_file_is_refused_before_connecting(self):
        for path in (self.folder(), "/dev/null", "new/"):
            self.assert_usage_error(DOWNLOAD, "-H", "127.0.0.1", "-p", programs.refusing_port(),
                                    "-d", path, "-n", "file")

    def test_a_folder_that_cannot_be_made_is_an_error_of_the_command_line(self):
        port, _ = self.serve(OK, OK + sized(b"hola"))
        client = self.client(DOWNLOAD, port, "-d", "/dev/null/file", "-n", "file")
        self.assert_fails(client, 2, "/dev/null")

    def test_a_deleted_working_folder_is_reported_before_connecting(self):
        client = self.run_to_end(
            "/bin/sh", "-c", 'rmdir "$PWD"; exec "$0" "$@"', programs.example(DOWNLOAD),
            "-H", "127.0.0.1", "-p", programs.refusing_port(), "-d", "file", "-n", "file",
            cwd=self.folder())
        self.assert_code(client, 2, "(?m)^download-file: the folder where you are: No such file")


class ListFiles(StoreCase):
    TIME = 1620937349  # 13-May-2021 20:22:29 in UTC

    def lists(self, text, *options, zone="UTC0", status=OK, length=None, **keywords):
        """What list-files shows when the server sends this text."""
        data = text.encode() if isinstance(text, str) else text

        def serve_one(connection):
            opcode = connection.recv(100)
            connection.sendall(status)
            connection.sendall(struct.pack(">Q", len(data) if length is None else length) + data)
            if status == OK and length is None:
                programs.recv_all(connection)  # the client does not wait for the end
            return opcode

        port, served = self.peer(serve_one)
        env = {"TZ": zone, **keywords.pop("env", {})}
        client = self.client(LIST, port, *options, env=env, **keywords)
        self.assertEqual(served.result(), b"\x02")
        return client

    def names(self, *options):
        """The order of four files."""
        text = "\n".join(["('b', 100324, %d.25)" % self.TIME, "('d', 7, %d.5)" % (self.TIME + 9),
                          "('a', 3145728, %d.75)" % self.TIME, "('c', 7, 99.5)"])
        client = self.lists(text, *options)
        self.assert_code(client, 0)
        return re.findall(r"(?m)^> \[.*\] (.) - ", client.stdout)

    def test_a_file_is_a_line_with_its_date_its_name_and_its_size(self):
        client = self.lists("('hola.txt', 100324, %d.643)" % self.TIME)
        self.assert_code(client, 0)
        self.assertEqual(client.stdout, "Available files (1):\n"
                                        "> [13-May-2021 (20:22:29)] hola.txt - 97.97 KB\n")

    def test_before_the_files_stands_their_number_in_english_or_spanish(self):
        files = "('a', 1, 1.0)\n('b', 1, 1.0)\n('c', 1, 1.0)"
        english = ("Available files (3):", "The store is empty: there are no files.")
        spanish = ("Archivos disponibles (3):", "El almacén está vacío: no hay archivos.")
        settings = [  # LC_ALL, LC_MESSAGES, LANG: the first that is not empty decides
            (("", "", ""), english), (("C", "es_AR.UTF-8", "es_ES"), english),
            (("es_AR.UTF-8", "C", "C"), spanish), (("", "es", "C"), spanish),
            (("", "", "es_ES@euro"), spanish), (("", "", "es.UTF-8"), spanish),
            (("", "en_GB.UTF-8", "es_ES"), english), (("", "", "et_EE"), english),
            (("", "", "esperanto"), english), (("C.UTF-8", "", "es_MX"), english)]
        for values, (title, sentence) in settings:
            env = dict(zip(("LC_ALL", "LC_MESSAGES", "LANG"), values))
            with self.subTest(**env):
                client = self.lists(files, env=env)
                self.assertEqual(client.stdout.splitlines()[0], title)
                self.assertEqual(len(client.stdout.splitlines()), 4)
                self.assertEqual(self.lists("", env=env).stdout, sentence + "\n")

    def test_quiet_shows_the_files_alone(self):
        client = self.lists("('a', 1, %d.0)" % self.TIME, "-q")
        self.assertEqual(client.stdout, "> [13-May-2021 (20:22:29)] a - 1.00 B\n")
        self.assertEqual(self.lists("", "-q").stdout, "")

    def test_the_date_is_local(self):
        client = self.lists("('a', 1, %d.0)" % (self.TIME + 3 * 3600), zone="ART3")
        self.assertIn("\n> [13-May-2021 (20:22:29)] a - 1.00 B\n", client.stdout)

    def test_sizes_have_two_decimals_and_a_unit(self):
        sizes = [(0, "0.00 B"), (1023, "1023.00 B"), (1024, "1.00 KB"), (1536, "1.50 KB"),
                 (MIB, "1.00 MB"), (5 * MIB // 2, "2.50 MB"), (1 << 30, "1.00 GB"),
                 (5 << 40, "5120.00 GB")]
        for size, shown in sizes:
            client = self.lists("('a', %d, %d.0)" % (size, self.TIME))
            self.assertIn("\n> [13-May-2021 (20:22:29)] a - %s\n" % shown, client.stdout)

    def test_the_default_order_is_by_name_and_descending(self):
        self.assertEqual(self.names(), list("dcba"))
        self.assertEqual(self.names("-n"), list("dcba"))
        self.assertEqual(self.names("--by-name", "--ascending"), list("abcd"))
        self.assertEqual(self.names("-a"), list("abcd"))

    def test_the_order_can_be_by_size_and_by_date(self):
        self.assertEqual(self.names("-s"), list("abdc"))
        self.assertEqual(self.names("--by-size", "-a"), list("cdba"))
        self.assertEqual(self.names("-d"), list("dabc"))
        self.assertEqual(self.names("--by-date", "-a"), list("cbad"))

    def test_literals_are_read_as_python_writes_them(self):
        for name in LEGAL_NAMES + ["\u200b", "\U000e0001", "\u0301x", "\u3000"]:
            client = self.lists(repr((name, 1, float(self.TIME))))
            self.assert_code(client, 0)
            self.assertEqual(client.stdout.count("\n"), 2, client.story(repr(name)))
            if name.isprintable() and "\\" not in name:
                self.assertIn("] %s - 1.00 B\n" % name, client.stdout)

    def test_a_name_cannot_control_the_terminal_or_forge_a_line(self):
        for name, shown in (("a\n> [x] b", r"a\n> [x] b"), ("\x1b[2J", r"\x1b[2J"),
                            ("a\rb", r"a\rb")):
            client = self.lists(repr((name, 1, float(self.TIME))))
            self.assert_code(client, 0)
            self.assertIn("] %s - 1.00 B\n" % shown, client.stdout)
            self.assertNotRegex(client.stdout.splitlines()[1], r"[\x00-\x1f]")
            self.assertEqual(client.stdout.count("\n"), 2)

    def assert_reads_as_python(self, literals):
        """Each literal has the value, or is refused, as Python says; one list has them all."""
        expected = {}
        for size, literal in enumerate(literals):
            name = value_of(literal)
            if name is not None:
                expected[size] = name
        client = self.lists("\n".join("(%s, %d, 1.0)" % (literal, size)
                                      for size, literal in enumerate(literals)), "-s", "-a")
        self.assertEqual(client.code, 0 if len(expected) == len(literals) else 1, client.stderr)
        shown = re.findall(r"(?m)^> \[.*?\] (.*) - (\d+)\.00 B$", client.stdout)
        self.assertEqual({int(size): name for name, size in shown},
                         {size: visible(name) for size, name in expected.items()})

    def test_every_escape_of_a_literal_is_read_as_python_reads_it(self):
        literals = [quote + "a\\%sz" % chr(code) + quote
                    for code in range(0x20, 0x7F) for quote in "'\""]
        literals += ["'\\%o'" % code for code in range(0, 0o1000)]
        literals += ["'\\%03o7'" % code for code in range(0, 0o400)]
        literals += ["'\\x%02x\\x%02X'" % (code, code) for code in range(0x100)]
        literals = [literal for literal in literals if is_shown_as_it_is(literal)]
        self.assert_reads_as_python(literals[:500])
        self.assert_reads_as_python(literals[500:])
        self.assert_reads_as_python([
            r"'\101'", r"'\8'", r"'\1a'", r"'\18'", r"'\0'", r"'\777'", r"'\7777'", r"'\x4'",
            r"'\xg0'", r"'\x-1'", r"'\x+1'", r"'\x 1'", r"'\x'", r"'\u00f1'", r"'\u00F1o'",
            r"'\u00f'", r"'\u+0f1'",
            r"'\U0001F600'", r"'\U00110000'", r"'\Uffffffff'", r"'\ud800'",
            r"'\udce9'", r"'\ud83d\ude00'", r"'\q'", r"'\ñ'", r"'\日'", r"'\\'",
            r"'\\\'", r"'\'", r"'\''", r"'\"'", r'"\'"', r'"\""', "''", '""', "'\t'", "'\f'",
            "'\r'", "'a\\\rb'", "'\x7f'", "'\0'",
            r"r'\101'", r"R'a\'b'", r"r'a\\'", r"r'a\'", r"u'\u00f1'", r"U'a'", r"ur'a'", r"b'a'",
            r"f'a'", r"x'a'", "'año'", "'😀'", r"'\N'"])

    def test_random_literals_are_read_as_python_reads_them(self):
        source = random.Random(16)
        pieces = ["\\", "\\", "\\", "\\'", '\\"', *"01234789abcfnrtuvxUX qñ日😀{"]
        for _ in range(5):
            literals = [
                quote + "".join(source.choice(pieces) for _ in range(source.randrange(12))) + quote
                for quote in "'\"" * 150]
            self.assert_reads_as_python(list(filter(is_shown_as_it_is, literals)))

    def test_a_malformed_line_is_a_warning_and_exit_code_1_and_the_others_are_shown(self):
        folder = self.folder()
        malformed = [
            "x", "", "()", "('b', 1)", "('b', 1, 1.0", "'b', 1, 1.0", "('b', 1, 1.0),",
            "('b', 1, 1.0, 2)", "('b', -1, 1.0)", "('b', 1.5, 1.0)", "('b', '1', 1.0)",
            "('b', 1, x)", "(b, 1, 1.0)", "('b, 1, 1.0)", "('b\", 1, 1.0)", "('b' + 'c', 1, 1.0)",
            "('b'c', 1, 1.0)", "('\\', 1, 1.0)", "('\\x1', 1, 1.0)", "('\\ud800', 1, 1.0)",
            "('\\U00110000', 1, 1.0)", "('b', 0x10, 1.0)", "('b', 1_0, 1.0)",
            "('b', 99999999999999999999999, 1.0)", "('b', 1, nan)",
            "__import__('os').mkdir('pwned')", "('b', __import__('os').mkdir('pwned'), 1.0)"]
        text = "\n".join(["('a', 1, 1.0)"] + malformed + ["('z', 1, 1.0)"])
        client = self.lists(text, cwd=folder)
        self.assert_code(client, 1)
        self.assertEqual(re.findall(r"(?m)^> \[.*\] (.+) - ", client.stdout), ["z", "a"])
        self.assertEqual(len(re.findall(log("WARNING", ".*"), client.stderr, re.MULTILINE)),
                         len(malformed), client.story("one warning for each"))
        self.assertEqual(file_programs.tree(folder), {})

    def test_a_character_by_its_name_is_said_to_be_unsupported(self):
        client = self.lists(r"('a', 1, 1.0)" "\n" r"('\N{BULLET}', 1, 1.0)")
        self.assert_code(client, 1, r"WARNING - \\N\{\.\.\.\}, a character by its name, is not "
                                    r"supported: \('\\\\N\{BULLET\}', 1, 1\.0\)\n")
        self.assertIn("] a - 1.00 B\n", client.stdout)

    def test_one_malformed_line_alone_is_enough_for_exit_code_1(self):
        for line in (b"x", b"('\xff', 1, 1.0)", b"\x00"):
            client = self.lists(line)
            self.assert_code(client, 1, "WARNING")
            self.assertEqual(client.stdout, "")

    def test_other_statuses_and_cut_lists_are_errors(self):
        self.assert_code(self.lists("", status=UNKNOWN_OPCODE), 1)
        self.assert_code(self.lists("", status=STORAGE_FAILED), 1)
        for length in (14, 2 ** 40, 2 ** 63, 2 ** 64 - 1):
            client = self.lists("('a', 1, 1.0)", length=length)
            self.assert_code(client, 1)


# ---- what is shown -------------------------------------------------------------------------------

class Progress(StoreCase):
    SIZE = 100324  # 97.97 KB
    FULL = "[====================] 100% (97 KB/97 KB)"

    def frames(self, program):
        """What was painted on the terminal, repaint after repaint."""
        return [frame for frame in re.split(r"[\r\n]|\x1b\[K", program.stderr) if "%" in frame]

    def assert_bars(self, program, pattern):
        for frame in self.frames(program):
            found = re.search(pattern, frame.rstrip())
            self.assertTrue(found, repr(frame))
            cells, percent, done, unit = found.group("cells", "percent", "done", "unit")
            self.assertEqual(len(cells), 20, repr(frame))
            self.assertEqual(cells.count("="), int(percent) * 20 // 100, repr(frame))
            self.assertEqual(len(cells.strip(" ")), min(cells.count("=") + 1, 20), repr(frame))
            size = int(done) * (1024 if unit == "KB" else 1)
            self.assertLess(abs(size * 100 / self.SIZE - int(percent)), 2.1)

    def test_an_upload_paints_a_bar_that_ends_full_and_stays(self):
        server = self.store()
        client = self.uploads(server.port, some_bytes(self.SIZE), "a", terminal=["stderr"])
        self.assert_code(client, 0)
        self.assertEqual(self.frames(client)[-1].rstrip(), self.FULL)
        self.assertRegex(client.stderr, re.escape(self.FULL) + r"[^\r\n]*\r\n")
        self.assert_bars(client, r"\[(?P<cells>=*>? *)\] (?P<percent>\d+)% "
                                 r"\((?P<done>\d+) (?P<unit>K?B)/97 KB\)$")

    def test_a_download_paints_its_bar_from_the_right(self):
        def serve_one(connection):
            connection.recv(1)
            connection.sendall(OK)
            programs.recv_exactly(connection, 8 + 1)
            at = self.SIZE * 42 // 100 + 1
            started.wait(programs.LIMIT)
            connection.sendall(OK + struct.pack(">Q", self.SIZE) + bytes(at))
            known.wait(programs.LIMIT)
            for _ in range(500):  # a few bytes more, until it is time to paint again
                connection.sendall(b"x")
                at += 1
                try:
                    client.wait_for_text(re.escape("[           <========] 42% (41 KB/97 KB)"),
                                         on="stderr", limit=0.02)
                    break
                except AssertionError:
                    continue
            else:
                raise AssertionError(client.story("42 % was never painted"))
            connection.sendall(bytes(self.SIZE - at))

        known = threading.Event()
        started = threading.Event()
        port, served = self.peer(serve_one)
        client = self.start(DOWNLOAD, "-H", "127.0.0.1", "-p", port, "-n", "a",
                            "-d", self.folder() / "a", terminal=["stderr"])
        started.set()
        known.set()
        served.result()
        self.assertEqual(client.wait_exit(), 0, client.stderr)
        self.assertEqual(self.frames(client)[-1].rstrip(), self.FULL)
        self.assert_bars(client, r"\[(?P<cells> *<?=*)\] (?P<percent>\d+)% "
                                 r"\((?P<done>\d+) (?P<unit>K?B)/97 KB\)$")

    def test_an_empty_file_is_done_at_once(self):
        server = self.store()
        client = self.uploads(server.port, b"", "a", terminal=["stderr"])
        self.assertEqual(self.frames(client)[-1].rstrip(), "[====================] 100% (0 B/0 B)")

    def test_there_is_at_most_one_repaint_in_a_tenth_of_a_second(self):
        server = self.store()
        started = time.monotonic()
        client = self.uploads(server.port, some_bytes(MIB) * 30, "a", terminal=["stderr"])
        self.assertLessEqual(len(self.frames(client)), 3 + 10 * (time.monotonic() - started))

    def test_there_is_no_bar_in_a_pipe_and_none_when_quiet(self):
        server = self.store()
        for keywords in ({}, {"terminal": ["stderr"]}):
            options = ("-q",) if keywords else ()
            client = self.uploads(server.port, b"hola", "a", *options, **keywords)
            self.assertNotIn("[=", client.stderr)


class TheBarKeepsItsLine(StoreCase):
    """At a terminal, whatever else a client says stands above the bar or below it."""

    def assert_lines(self, client):
        self.assert_bars_stand_alone(client, r"\d\d:\d\d:\d\d - [A-Z]+ - .+|[a-z-]+: .+|")

    def test_when_the_client_is_verbose(self):
        server = self.store()
        client = self.uploads(server.port, some_bytes(3 * MIB), "a", "-v", terminal=["stderr"])
        self.assert_code(client, 0, "DEBUG")
        self.assert_lines(client)
        client = self.downloads(server.port, "a", "-v", terminal=["stderr"])
        self.assert_code(client, 0, "DEBUG")
        self.assert_lines(client)

    def test_when_the_transfer_fails_in_the_middle(self):
        def refuse(connection):
            programs.recv_exactly(connection, 1)
            connection.sendall(OK)
            programs.recv_exactly(connection, MIB)
            connection.sendall(REFUSED)
            programs.recv_all(connection)

        port, _ = self.peer(refuse)
        client = self.uploads(port, bytes(64 * MIB), "a", "-v", terminal=["stderr"])
        self.assert_code(client, 1, "(?m)^upload-file: ")
        self.assert_lines(client)

        def cut(connection):
            programs.recv_exactly(connection, 1)
            connection.sendall(OK)
            programs.recv_exactly(connection, 8 + 1)
            connection.sendall(OK + struct.pack(">Q", 3 * MIB) + bytes(MIB))

        port, _ = self.peer(cut)
        client = self.downloads(port, "a", "-v", terminal=["stderr"])
        self.assert_code(client, 1, "(?m)^download-file: ")
        self.assert_lines(client)


class Manners(StoreCase):
    COMPLETE = {UPLOAD: ("-s", __file__, "-n", "a"), DOWNLOAD: ("-d", "a", "-n", "a"), LIST: ()}

    def test_help(self):
        for path in self.COMPLETE:
            self.assert_help(path)
            told = self.run_to_end(path, "--help").stdout
            for default in ("localhost", "4321"):
                self.assertIn(default, told)

    def test_usage_errors(self):
        for path, rest in self.COMPLETE.items():
            self.assert_usage_error(path, *rest, "-v", "-q", says="quiet")
            self.assert_usage_error(path, *rest, "--verbose", "--quiet", says="quiet")
            self.assert_usage_error(path, *rest, "--nonsense", says="nonsense")
            self.assert_usage_error(path, *rest, "-p", "70000", says="port")
            self.assert_usage_error(path, *rest, "word", says="word")
        self.assert_usage_error(UPLOAD, "-s", __file__, says="name")
        self.assert_usage_error(UPLOAD, "-n", "name", says="src")
        self.assert_usage_error(UPLOAD, "-s", __file__, "-n", "", says="--name is empty")
        self.assert_usage_error(DOWNLOAD, "-n", "name", "--dst=", says="--dst is empty")
        self.assert_usage_error(DOWNLOAD, "-d", "nowhere", says="name")
        self.assert_usage_error(DOWNLOAD, "-n", "name", says="dst")
        for two in (("-n", "-s"), ("-s", "-d"), ("--by-name", "--by-date")):
            self.assert_usage_error(LIST, *two)

    def test_long_options_are_the_same(self):
        folder = self.folder({"source": b"hola"})
        (folder / "storage").mkdir()
        server = self.listening(self.start(SERVER, "--host", "127.0.0.1", "--port", 0,
                                           "--storage", folder / "storage"))
        to = ("--host", "127.0.0.1", "--port", server.port)
        done = self.run_to_end(UPLOAD, *to, "--src", folder / "source", "--name", "a")
        self.assert_code(done, 0)
        done = self.run_to_end(DOWNLOAD, *to, "--dst", folder / "copy", "--name", "a")
        self.assert_code(done, 0)
        self.assertEqual((folder / "copy").read_bytes(), b"hola")

    def test_an_interrupted_download_leaves_nothing_behind(self):
        def serve_one(connection):
            connection.recv(1)
            connection.sendall(OK)
            programs.recv_exactly(connection, 8 + 4)
            connection.sendall(OK + struct.pack(">Q", 100 * MIB) + bytes(20 * MIB))
            started.wait(programs.LIMIT)
            client.signal(by)
            return client.wait_exit()

        for by in (signal.SIGINT, signal.SIGTERM):
            started = threading.Event()
            folder = self.folder({"destination": b"old"})
            port, served = self.peer(serve_one)
            client = self.start(DOWNLOAD, "-H", "127.0.0.1", "-p", port,
                                "-d", folder / "destination", "-n", "file")
            started.set()
            self.assertNotEqual(served.result(), 0, client.stderr)
            self.assertEqual(file_programs.tree(folder), {b"destination": b"old"})


if __name__ == "__main__":
    unittest.main()

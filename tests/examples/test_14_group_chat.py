#!/usr/bin/env python3
"""Chapter 14: the group chat, with frames and with lines, by hand-made sockets and by real clients.

Run: TRAMA_BUILD=build python3 tests/examples/test_14_group_chat.py
"""
import contextlib
import os
import select
import shutil
import signal
import socket
import subprocess
import tempfile
import termios
import time
import unittest
from pathlib import Path

import characters
import lab_peers
import programs

SERVER = "14_group_chat/chat_server"
CLIENT = "14_group_chat/chat_client"
NAIVE_SERVER = "14_group_chat/naive/chat_server"
LOCAL = ("-H", "127.0.0.1")
TERMINAL = programs.Program.STREAMS
WELCOME = "* welcome: /who, /nick NAME and /quit are commands"
LONGEST = 1000  # bytes of a message
PACE = 50  # messages of one member in a second
WORD = "ábrete sésamo"


class Frames:
    """Six digits, a colon, the payload."""

    options = ()

    @staticmethod
    def encode(text):
        return b"%06d:%b" % (len(text), text)

    @staticmethod
    def read(stream):
        header = stream.read(7)
        return stream.read(int(header[:6])) if header else None


class Lines:
    options = ("--lines",)

    @staticmethod
    def encode(text):
        return text + b"\n"

    @staticmethod
    def read(stream):
        line = stream.readline()
        return line[:-1] if line else None


class Peer:
    """A client made by hand, which reads message after message."""

    def __init__(self, codec, port, receive_buffer=None):
        self.codec = codec
        self.socket = socket.socket()
        self.socket.settimeout(programs.LIMIT)
        if receive_buffer:
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        self.socket.connect(("127.0.0.1", port))
        self.stream = self.socket.makefile("rb")
        self.port = self.socket.getsockname()[1]

    def say(self, *texts):
        data = [text.encode() if isinstance(text, str) else text for text in texts]
        self.socket.sendall(b"".join(map(self.codec.encode, data)))

    def hears(self):
        """The next message; None: the end of the stream."""
        message = self.codec.read(self.stream)
        return message if message is None else message.decode()

    def hears_all(self):
        return list(iter(self.hears, None))

    def close(self):
        self.stream.close()
        self.socket.close()


class ChatCase(programs.TestCase):
    """What the tests below share; `codec` is Frames or Lines."""

    codec = Frames

    def open_room(self, *options, **keywords):
        return self.server(SERVER, *self.codec.options, *options, **keywords)

    def peer(self, server, **keywords):
        made = Peer(self.codec, server.port, **keywords)
        self.addCleanup(made.close)
        return made

    def assert_hears(self, peer, *messages):
        for message in messages:
            self.assertEqual(peer.hears(), message)

    def join(self, server, name, *others, password=None, **keywords):
        """A new member, of whom the others have been told."""
        peer = self.peer(server, **keywords)
        if password:
            self.assert_hears(peer, "* password?")
            peer.say(password)
        if self.codec is Frames:
            self.assert_hears(peer, "* name?")
            peer.say(name)
            self.assert_hears(peer, WELCOME)
        else:
            peer.say("/nick " + name)
            self.assert_hears(peer, WELCOME, "* %s is now %s" % (self.address(peer), name))
        peer.name = name
        for other in others:
            self.assert_hears(other, *self.joining(peer))
        return peer

    # ---- what the others are told ----

    @staticmethod
    def address(peer):
        return "('127.0.0.1', %d)" % peer.port

    def joining(self, peer):
        if self.codec is Frames:
            return ["* %s is here" % peer.name]
        return ["[127.0.0.1:%d] entered room" % peer.port,
                "* %s is now %s" % (self.address(peer), peer.name)]

    def leaving(self, peer):
        if self.codec is Frames:
            return "* %s has left" % peer.name
        return "Client (127.0.0.1, %d) is offline" % peer.port

    def said(self, peer, text):
        return ("<%s> %s" if self.codec is Frames else "\r<%s> %s") % (peer.name, text)


class Talking:
    """Tests that hold with frames and with lines."""

    def test_everybody_hears_everybody_but_not_themselves(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        luis = self.join(server, "luis", ana)
        eva = self.join(server, "eva", ana, luis)
        ana.say("hola", "¿qué tal?")
        for other in (luis, eva):
            self.assert_hears(other, self.said(ana, "hola"), self.said(ana, "¿qué tal?"))
        eva.say("bien")
        self.assert_hears(ana, self.said(eva, "bien"))
        self.assert_hears(luis, self.said(eva, "bien"))

    def test_works_the_same_with_every_backend(self):
        for backend in ("select", "poll", "epoll"):
            with self.subTest(backend=backend):
                server = self.open_room("--backend", backend, "--door", 1)
                ana = self.join(server, "ana")
                luis = self.join(server, "luis", ana)
                luis.say("hola")
                self.assert_hears(ana, self.said(luis, "hola"))

    def test_members_are_told_who_leaves_by_quit_by_closing_and_by_reset(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        for how in ("quit", "half-close", "reset"):
            with self.subTest(how=how):
                luis = self.join(server, "luis", ana)
                if how == "quit":
                    luis.say("/quit")
                    self.assertEqual(luis.hears_all(), ["* goodbye"])
                elif how == "half-close":
                    luis.say("adios")
                    luis.socket.shutdown(socket.SHUT_WR)
                    self.assert_hears(ana, self.said(luis, "adios"))
                    self.assertEqual(luis.hears_all(), [])
                else:
                    luis.stream.close()
                    programs.reset(luis.socket)
                self.assert_hears(ana, self.leaving(luis))

    def test_what_follows_quit_is_not_said(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        luis = self.join(server, "luis", ana)
        luis.say("/quit", "hola")
        self.assert_hears(ana, self.leaving(luis))

    def test_who_lists_those_who_are_in_the_room(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        luis = self.join(server, "luis", ana)
        luis.say("/who")
        names = luis.hears().split(": ")
        self.assertEqual((names[0], sorted(names[1].split())), ("* here", ["ana", "luis"]))

    def test_nick_changes_the_name_for_all_and_frees_the_old_one(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        luis = self.join(server, "luis", ana)
        luis.say("/nick lu", "hola")
        self.assert_hears(luis, "* luis is now lu")
        luis.name = "lu"
        self.assert_hears(ana, "* luis is now lu", self.said(luis, "hola"))
        ana.say("/nick luis")
        self.assert_hears(ana, "* ana is now luis")

    def test_a_name_is_unique_and_has_1_to_20_visible_characters(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        for name in ("ñ" * 20, "日本語", "a" * 20, "<*>"):
            with self.subTest(good=name):
                old = ana.name
                ana.say("/nick " + name)
                ana.name = name
                self.assert_hears(ana, "* %s is now %s" % (old, name))
        luis = self.join(server, "luis", ana)
        luis.say("/nick <*>")
        self.assert_hears(luis, "* not this name: somebody has it")
        for name in (b"", b"a b", b" ", b"a" * 21, "ñ".encode() * 21, b"a\x00", b"\x1b[2J",
                     b"a\tb", b"a\rb", "\u009b2J".encode(), "\u202eana".encode(),
                     "a\u200bb".encode(), "\u00a0".encode(), "\u3000".encode()):
            with self.subTest(bad=name):
                luis.say(b"/nick " + name)
                self.assert_hears(luis, "* not this name: 1 to 20 visible characters, no blanks")

    def test_a_name_with_a_character_that_is_not_drawn_is_refused(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        hidden = characters.HIDDEN
        edges = [chr(code) for code in sorted(hidden)  # of each range
                 if code - 1 not in hidden or code + 1 not in hidden]
        self.assertGreater(len(edges), 30)
        for start in range(0, len(edges), PACE - 10):
            luis = self.join(server, "luis", ana)
            for each in edges[start:start + PACE - 10]:
                with self.subTest(character="U+%04X" % ord(each)):
                    luis.say("/nick ana" + each)
                    self.assert_hears(luis, "* not this name: 1 to 20 visible characters, "
                                            "no blanks")
            luis.say("/quit")
            self.assert_hears(ana, self.leaving(luis))

    def test_an_unknown_command_is_answered_and_not_said(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        luis = self.join(server, "luis", ana)
        for text in ("/", "/help", "/nick", "/whois", "/quit now", "/QUIT"):
            luis.say(text)
            self.assert_hears(luis, "* commands: /who, /nick NAME, /quit")
        luis.say("hola")
        self.assert_hears(ana, self.said(luis, "hola"))

    # ---- hostile text ----

    def test_control_characters_are_escaped_before_anybody_sees_them(self):
        server = self.open_room("-v")
        ana = self.join(server, "ana")
        luis = self.join(server, "luis", ana)
        for sent, heard in ((b"\x1b[2J", r"\x1b[2J"), (b"a\x00b\x07", r"a\x00b\x07"),
                            (b"a\rb\tc\x7f", r"a\rb\tc\x7f"), ("\u009b2J".encode(), r"\u{9b}2J"),
                            ("\u202eana".encode(), r"\u{202e}ana"),
                            ("an\u034fa".encode(), r"an\u{34f}a"),
                            ("año 日本 🙂".encode(), "año 日本 🙂")):
            with self.subTest(sent=sent):
                luis.say(sent)
                self.assert_hears(ana, self.said(luis, heard))
        server.terminate()
        server.wait_exit()
        self.assertNotRegex(server.stderr_bytes, rb"[\x00-\x09\x0b-\x1f\x7f-\xff]")

    def test_what_is_no_utf_8_is_refused_with_an_answer(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        luis = self.join(server, "luis", ana)
        for bad in (b"\xff", b"a\xc3", b"\x80", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80",
                    b"\xe0\x80\x80", b"\xf8\x88\x80\x80\x80"):
            with self.subTest(bad=bad):
                luis.say(bad)
                self.assert_hears(luis, "* not sent: this is not UTF-8")
        luis.say("hola")
        self.assert_hears(ana, self.said(luis, "hola"))

    def test_a_message_of_1000_bytes_is_said_and_a_longer_one_is_refused_with_an_answer(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        luis = self.join(server, "luis", ana)
        luis.say("x" * LONGEST, "x" * (LONGEST + 1), "x" * 8000, "\x01" * LONGEST)
        self.assert_hears(luis, "* not sent: over 1000 bytes", "* not sent: over 1000 bytes")
        self.assert_hears(ana, self.said(luis, "x" * LONGEST), self.said(luis, r"\x01" * LONGEST))

    def test_10_mb_in_one_message_cost_its_sender_the_connection_and_nobody_else(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        luis = self.join(server, "luis", ana)
        flood = b"000900:" + b"x" * 10_000_000 if self.codec is Lines else b"9" * 10_000_000
        sending = self.in_background(self.send_all_or_fail, luis.socket, flood)
        self.assert_hears(ana, self.leaving(luis))
        luis.socket.shutdown(socket.SHUT_RDWR)
        sending.result()
        self.assert_in_order(server, ana)

    @staticmethod
    def send_all_or_fail(connection, data):
        try:
            connection.sendall(data)
        except OSError:
            pass  # it was thrown out

    def assert_in_order(self, server, member):
        """Newcomers come in, and are heard."""
        new = self.join(server, "new", member)
        new.say("hola")
        self.assert_hears(member, self.said(new, "hola"))

    def test_messages_are_found_however_the_bytes_are_cut(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        luis = self.join(server, "luis", ana)
        stream = self.codec.encode("año".encode()) + self.codec.encode(b"") + \
            self.codec.encode(b"adios")
        for cut in range(1, len(stream)):
            with self.subTest(cut=cut):
                luis.socket.sendall(stream[:cut])
                luis.socket.sendall(stream[cut:])
                self.assert_hears(ana, self.said(luis, "año"), self.said(luis, "adios"))
                luis.say("/quit")  # or it would say too much in a second
                self.assert_hears(ana, self.leaving(luis))
                luis = self.join(server, "luis", ana)

    # ---- the door ----

    def test_who_gives_the_password_comes_in(self):
        server = self.open_room("--password", WORD)
        ana = self.join(server, "ana", password=WORD)
        luis = self.join(server, "luis", ana, password=WORD)
        luis.say("hola")
        self.assert_hears(ana, self.said(luis, "hola"))

    def test_the_password_can_come_from_the_environment(self):
        server = self.open_room(env={"CHAT_PASSWORD": WORD})
        self.join(server, "ana", password=WORD)

    def test_three_wrong_passwords_are_answered_and_then_the_door_is_closed(self):
        server = self.open_room("--password", WORD)
        peer = self.peer(server)
        peer.say("", WORD + "x", WORD[:-1], WORD)
        self.assertEqual(peer.hears_all(), ["* password?", "* wrong password", "* password?",
                                            "* wrong password", "* password?",
                                            "* wrong password: goodbye"])
        server.terminate()
        server.wait_exit()
        self.assertNotIn("sésamo", server.stderr)

    def test_two_wrong_passwords_and_the_right_one_open_the_door(self):
        server = self.open_room("--password", WORD)
        peer = self.peer(server)
        for _ in range(2):
            self.assert_hears(peer, "* password?")
            peer.say("guess")
            self.assert_hears(peer, "* wrong password")
        self.assert_hears(peer, "* password?")
        peer.say(WORD)
        self.assert_hears(peer, "* name?" if self.codec is Frames else WELCOME)

    def test_who_is_not_let_in_hears_nothing_of_the_room_and_is_not_heard_there(self):
        server = self.open_room("--password", WORD)
        ana = self.join(server, "ana", password=WORD)
        outsider = self.peer(server)
        self.assert_hears(outsider, "* password?")
        luis = self.join(server, "luis", ana, password=WORD)
        luis.say("secret", "/nick lu", "/quit")
        self.assert_hears(ana, self.said(luis, "secret"), "* luis is now lu")
        luis.name = "lu"
        self.assert_hears(ana, self.leaving(luis))
        outsider.say("/who", "hola")
        outsider.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(outsider.hears_all(), ["* wrong password", "* password?"] * 2)
        ana.say("/who")
        self.assert_hears(ana, "* here: ana")

    def test_who_stands_at_the_door_for_too_long_is_told_and_shown_out(self):
        server = self.open_room("--password", WORD, "--door", 1)
        silent, dripping = self.peer(server), self.peer(server)
        begin = time.monotonic()
        dripping.say("guess")
        self.assertEqual(silent.hears_all(), ["* password?", "* that took too long: goodbye"])
        took = time.monotonic() - begin
        self.assertTrue(0.9 < took < 2, took)
        self.assertEqual(dripping.hears_all(), ["* password?", "* wrong password", "* password?",
                                                "* that took too long: goodbye"])

    def test_who_was_let_in_in_time_may_stay(self):
        server = self.open_room("--password", WORD, "--door", 1)
        ana = self.join(server, "ana", password=WORD)
        self.assertEqual(self.peer(server).hears_all()[-1], "* that took too long: goodbye")
        self.assert_in_order_with_password(server, ana)

    def assert_in_order_with_password(self, server, member):
        new = self.join(server, "new", member, password=WORD)
        new.say("hola")
        self.assert_hears(member, self.said(new, "hola"))

    def test_a_crowd_at_the_door_keeps_nobody_out(self):
        server = self.open_room("--password", WORD, "--max-clients", 3)
        ana = self.join(server, "ana", password=WORD)
        crowd = [self.peer(server) for _ in range(30)]
        self.assert_in_order_with_password(server, ana)
        self.assertEqual(crowd[0].hears_all(), ["* password?",
                                                "* others want to come in: goodbye"])

    def test_who_comes_when_the_room_is_full_is_told_so_and_when_somebody_leaves_may_come_in(self):
        server = self.open_room("--password", WORD, "--max-clients", 1)
        ana = self.join(server, "ana", password=WORD)
        late = self.peer(server)
        late.say(WORD, "late")
        self.assertEqual(late.hears_all()[-1], "* the room is full: goodbye")
        ana.say("/quit")
        self.assertEqual(ana.hears_all(), ["* goodbye"])
        self.join(server, "luis", password=WORD)

    # ---- the idle, the slow, and the loud ----

    def test_who_says_nothing_is_told_and_shown_out_although_it_hears_much(self):
        server = self.open_room("--idle", 1)
        talker = self.join(server, "talker")
        idle = self.join(server, "idle", talker)
        begin = time.monotonic()
        heard = []
        while heard[-1:] != ["* silent for 1 s: goodbye"]:
            self.assertLess(time.monotonic() - begin, programs.LIMIT)
            talker.say("hola")
            self.wait_for_more(0.1, talker)
            heard.append(idle.hears())
        took = time.monotonic() - begin
        self.assertTrue(0.9 < took < 2, took)
        self.assertGreater(heard.count(self.said(talker, "hola")), 2)
        self.assert_hears(talker, self.leaving(idle))

    def test_one_hundred_clients_hear_one_and_are_all_listed(self):
        server = self.open_room("--max-clients", 100)
        members = [self.peer(server) for _ in range(100)]
        for number, each in enumerate(members):
            each.name = "a_long_name_%08d" % number
            each.say(each.name if self.codec is Frames else "/nick " + each.name)
            self.skip_to(each, WELCOME if self.codec is Frames else "is now " + each.name)
        speaker = members[0]
        speaker.say("hola")
        for each in members[1:]:
            self.skip_to(each, self.said(speaker, "hola"))
        speaker.say("/who")
        names = []
        while len(names) < 100:
            heard = speaker.hears()
            self.assertLess(len(heard), LONGEST + 100)
            if heard.startswith(("* here:", "* and:")):
                names += heard.split(":")[1].split()
        self.assertEqual(sorted(names), [each.name for each in members])

    def skip_to(self, peer, end):
        """Hears what comes, up to a message that ends so."""
        heard = peer.hears()
        while not heard.endswith(end):
            heard = peer.hears()

    def test_a_member_who_never_reads_is_dropped_and_costs_the_others_nothing(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        lazy = self.join(server, "lazy", ana, receive_buffer=4096)
        heard, rounds = "", 0
        while heard != self.leaving(lazy):
            rounds += 1
            self.assertLess(rounds * 40 * LONGEST, 8 << 20, "so much waits for it in the server")
            loud = self.join(server, "loud%d" % rounds)
            loud.say(*["x" * LONGEST] * 40, "/quit")
            while heard not in (self.leaving(loud), self.leaving(lazy)):
                heard = ana.hears()
            loud.close()
            if heard == self.leaving(loud):
                heard = ""
        server.wait_for_line("127.0.0.1:%d left: too slow" % lazy.port, on="stderr")

    def test_who_says_too_much_at_once_is_told_and_shown_out(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        loud = self.join(server, "loud", ana)
        loud.say(*["x"] * (2 * PACE))
        heard = [ana.hears()]
        while heard[-1] != self.leaving(loud):
            heard.append(ana.hears())
        self.assertEqual(loud.hears_all(), ["* too much at once: goodbye"])
        self.assertTrue(PACE - 5 <= len(heard) <= PACE + 1, len(heard))

    def test_who_says_as_much_but_not_at_once_may_stay(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        luis = self.join(server, "luis", ana)
        for _ in range(3):
            luis.say(*["x"] * (PACE - 10))
            self.assert_hears(ana, *[self.said(luis, "x")] * (PACE - 10))
            self.wait_for_more(1.1, ana)

    @staticmethod
    def wait_for_more(seconds, peer):
        """Waits until something comes, but no longer than that."""
        select.select([peer.socket], [], [], seconds)

    def test_a_line_of_8190_bytes_costs_its_sender_the_connection_and_nobody_else_notices(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        luis = self.join(server, "luis", ana)
        luis.say("x" * 8190)
        self.assertEqual(luis.hears_all(), [])
        self.assert_hears(ana, self.leaving(luis))
        server.wait_for_line("127.0.0.1:%d left: .*8190 bytes, here at most 8000" % luis.port,
                             on="stderr")
        self.assert_in_order(server, ana)

    def test_every_message_of_1000_bytes_reaches_the_others_also_behind_the_longest_name(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        luis = self.join(server, "\U0001f642" * 20, ana)
        for character in ("\x01", "\x9b", "\u034f", "\u202e", "\U0001d173", "\U000e0001"):
            with self.subTest(character=ascii(character)):
                text = character * (LONGEST // len(character.encode()))
                luis.say(text)
                self.assert_hears(ana, self.said(luis, characters.harmless(text)))

    # ---- the end ----

    def test_a_stop_is_announced_to_everybody_and_delivered_before_the_end(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number):
                server = self.open_room("--password", WORD)
                ana = self.join(server, "ana", password=WORD)
                waiting = self.peer(server)
                self.assert_hears(waiting, "* password?")
                server.signal(number)
                self.assertEqual(ana.hears_all(), ["* the server stops: goodbye"])
                self.assertEqual(waiting.hears_all(), ["* the server stops: goodbye"])
                for each in (ana, waiting):
                    each.close()
                self.assertEqual(server.wait_exit(), 0, server.stderr)

    def test_a_stop_is_delivered_behind_all_that_was_said_before(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        luis = self.join(server, "luis", ana)
        texts = ["%d " % number + "x" * 900 for number in range(PACE - 10)]
        luis.say(*texts)
        luis.say("/who")
        self.assertIn("* here:", luis.hears())  # the server has received all of them
        server.terminate()
        self.assertEqual(ana.hears_all(), [self.said(luis, text) for text in texts] +
                         ["* the server stops: goodbye"])

    def test_stops_in_order_with_clients_inside_and_at_the_door(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number):
                server = self.open_room()
                ana = self.join(server, "ana")
                waiting = self.peer(server)
                self.assertIn(waiting.hears(), ("* name?", WELCOME))
                server.signal(number)
                for each in (ana, waiting):
                    each.hears_all()
                    each.close()
                self.assertEqual(server.wait_exit(), 0)
                self.server(SERVER, port=server.port)


class WithFrames(Talking, ChatCase):
    codec = Frames

    def test_the_name_is_asked_for_until_it_is_one_that_nobody_has(self):
        server = self.open_room()
        self.join(server, "ana")
        peer = self.peer(server)
        peer.say("ana", "a b", "luis")
        self.assert_hears(peer, "* name?", "* not this name: somebody has it", "* name?",
                          "* not this name: 1 to 20 visible characters, no blanks", "* name?",
                          WELCOME)

    def test_who_has_no_name_yet_hears_nothing_and_is_not_listed(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        nameless = self.peer(server)
        self.assert_hears(nameless, "* name?")
        ana.say("hola", "/who")
        self.assert_hears(ana, "* here: ana")
        nameless.say("luis", "/quit")
        self.assertEqual(nameless.hears_all(), [WELCOME, "* goodbye"])

    def test_a_line_feed_in_a_message_does_not_make_two_of_it(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        luis = self.join(server, "luis", ana)
        luis.say("hola\n* ana has left")
        self.assert_hears(ana, r"<luis> hola\n* ana has left")

    def test_what_is_no_frame_is_refused(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        for bad in (b"GET / HTTP/1.1\r\n\r\n", b"+00005:", b"5:hola\n"):
            with self.subTest(bad=bad):
                peer = self.join(server, "bad", ana)
                peer.socket.sendall(bad)
                self.assertEqual(peer.hears_all(), [])
                self.assert_hears(ana, self.leaving(peer))


class WithLines(Talking, ChatCase):
    codec = Lines

    def test_the_announcements_are_those_of_the_lab(self):
        server = self.open_room()
        with programs.connect(server.port) as one, programs.connect(server.port) as other:
            self.assertEqual(programs.recv_exactly(one, len(WELCOME) + 1).decode(), WELCOME + "\n")
            self.assertEqual(programs.recv_exactly(other, len(WELCOME) + 1).decode(),
                             WELCOME + "\n")
            port = other.getsockname()[1]
            other.sendall(b"hola\r\n")  # as telnet sends it
            other.shutdown(socket.SHUT_WR)
            expected = ("[127.0.0.1:%d] entered room\n\r<('127.0.0.1', %d)> hola\n"
                        "Client (127.0.0.1, %d) is offline\n" % (port, port, port))
            self.assertEqual(programs.recv_exactly(one, len(expected)).decode(), expected)

    def test_an_empty_line_is_not_said(self):
        server = self.open_room()
        ana = self.join(server, "ana")
        luis = self.join(server, "luis", ana)
        luis.say("", "hola")
        self.assert_hears(ana, self.said(luis, "hola"))


class Client(ChatCase):
    def client(self, server, *options, **keywords):
        return self.start(CLIENT, *LOCAL, "-p", server.port, *options, **keywords)

    def test_three_clients_in_pipes_hear_each_other(self):
        for lines in ((), ("--lines",)):
            with self.subTest(lines=lines):
                server = self.server(SERVER, *lines, "--password", WORD)
                ana, luis, eva = (self.client(server, "-n", name, *lines)
                                  for name in ("ana", "luis", "eva"))
                for each in (ana, luis, eva):
                    each.wait_for_line(r"^\* password\?$")
                    each.send_line(WORD)
                    each.wait_for_line("is now" if lines else "welcome")
                    each.send_line("/who")
                    each.wait_for_line(r"^\* here: ")
                ana.send_line("hola, año nuevo")
                for each in (luis, eva):
                    each.wait_for_line("^<ana> hola, año nuevo$")
                eva.close_stdin()
                self.assertEqual(eva.wait_exit(), 0, eva.stderr)
                ana.wait_for_line("has left$|is offline$")
                luis.send_line("/quit")
                luis.wait_for_line(r"^\* goodbye$")
                self.assertEqual(luis.wait_exit(), 0, luis.stderr)

    def test_all_that_is_in_the_pipe_is_said_and_what_is_owed_is_printed(self):
        server = self.server(SERVER, "--password", WORD)
        ana = self.join(server, "ana", password=WORD)
        client = self.client(server, "-n", "luis")
        client.send(WORD + "\nhola\nadios\r\n/who\nno line feed")
        client.close_stdin()
        self.assertEqual(client.wait_exit(), 0, client.stderr)
        self.assertRegex(client.stdout, r"\* here: (ana luis|luis ana)\n$")
        self.assert_hears(ana, "* luis is here", "<luis> hola", "<luis> adios",
                          "<luis> no line feed", "* luis has left")

    def test_what_was_written_for_the_room_is_no_password_and_no_name(self):
        server = self.server(SERVER)
        ana = self.join(server, "ana")
        client = self.run_to_end("/bin/sh", "-c", 'printf "hola\\n" | "$0" "$@"',
                                 programs.example(CLIENT), *LOCAL, "-p", server.port, "-n", "ana")
        self.assertEqual(client.code, 1)
        self.assertIn("the server did not take that name", client.stderr)
        luis = self.client(server, "-n", "luis")
        luis.send_line("hola")
        self.assert_hears(ana, "* luis is here", "<luis> hola")

    def test_three_wrong_passwords_end_it_with_1(self):
        server = self.server(SERVER, "--password", WORD)
        client = self.client(server)
        client.send("a\nb\nc\nd\n")
        self.assert_fails(client, 1, "did not let you in")
        self.assertEqual(client.stdout.count("* wrong password"), 3)

    def test_an_end_of_stdin_at_the_door_ends_it_with_1(self):
        client = self.client(self.server(SERVER, "--password", WORD))
        client.close_stdin()
        self.assert_fails(client, 1, "did not let you in")

    def test_a_server_that_stops_or_shows_it_out_ends_it_with_1(self):
        server = self.server(SERVER, "--idle", 1)
        client = self.client(server, "-n", "ana")
        client.wait_for_line(r"^\* silent for 1 s: goodbye$")
        self.assert_fails(client, 1, "the server ended the conversation")

    def test_who_is_shown_out_behind_the_end_of_stdin_ends_with_1_too(self):
        server = self.server(SERVER)
        client = self.run_to_end(CLIENT, *LOCAL, "-p", server.port, "-n", "ana",
                                 stdin="hola\n" * 4 * PACE)
        self.assert_fails(client, 1, "the server ended the conversation")
        self.assertRegex(client.stdout, r"\n\* too much at once: goodbye\n$")

    def test_no_member_can_make_it_believe_that_it_was_shown_out(self):
        for self.codec in (Frames, Lines):
            with self.subTest(codec=self.codec):
                server = self.open_room()
                client = self.client(server, "-n", "goodbye", *self.codec.options)
                client.wait_for_line("is now goodbye" if self.codec is Lines else "welcome")
                ana = self.join(server, "ana")
                ana.say("* x: goodbye", ": goodbye", "/nick x:", "/quit")
                client.wait_for_line(r"^<ana> \* x: goodbye$")
                client.wait_for_line(r"^<ana> : goodbye$")
                client.wait_for_line("has left$|is offline$")
                client.send_line("/who")
                client.wait_for_line(r"^\* here: goodbye$")
                client.close_stdin()
                self.assertEqual(client.wait_exit(), 0, client.story("it left by itself"))

    def test_a_message_too_long_is_refused_before_it_is_sent(self):
        server = self.server(SERVER)
        client = self.client(server, "-n", "ana")
        client.send_line("x" * (LONGEST + 1))
        self.assert_fails(client, 2, "frame too long|does not fit")

    def test_hostile_messages_are_escaped_at_a_terminal(self):
        listener = self.listener()
        client = self.start(CLIENT, *LOCAL, "-p", programs.port_of(listener), terminal=["stdout"])
        with programs.accept(listener) as connection:
            connection.sendall(Frames.encode(b"\x1b[2J") + Frames.encode(b"a\nb"))
            client.wait_for_line(r"^\\x1b\[2J$")
            client.wait_for_line(r"^a\\nb$")

    def test_a_server_that_speaks_no_frames_is_told(self):
        client = self.client(self.server(SERVER, "--lines"))
        self.assert_fails(client, 1, "bad frame header")

    def test_signals_stop_it_in_order_at_the_door_and_in_the_room(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for options in ((), ("-n", "ana")):
                with self.subTest(number=number, options=options):
                    client = self.client(self.server(SERVER), *options)
                    client.wait_for_line("welcome" if options else "name")
                    client.signal(number)
                    self.assertEqual(client.wait_exit(), 0, client.stderr)


class OtherServers(ChatCase):
    """The client at a chat that has no welcome."""

    def start_client(self, port, *options, **keywords):
        return self.start(CLIENT, *LOCAL, "-p", port, *options, **keywords)

    def start_lab_server(self, leavers):
        """The port of the chat of the lab, and the server itself."""
        listener = self.listener()
        server = self.in_background(lab_peers.chat_server, listener, leavers)
        return programs.port_of(listener), server

    def test_from_a_pipe_it_talks_at_once(self):
        naive = self.server(NAIVE_SERVER)
        listener = programs.connect(naive.port)
        self.addCleanup(listener.close)
        client = self.run_to_end(CLIENT, *LOCAL, "-p", naive.port, "--lines", stdin="hola\nadios\n")
        self.assertEqual(client.code, 0, client.story(""))
        heard = listener.makefile("rb")
        self.assertRegex(heard.readline(), rb"entered room\n$")
        self.assertRegex(heard.readline(), rb"^\r<.*> hola\n$")
        self.assertRegex(heard.readline(), rb"adios\n$")  # without a name, if both came at once
        self.assertRegex(heard.readline(), rb"is offline\n$")

    def test_at_a_terminal_it_talks_at_once(self):
        naive = self.server(NAIVE_SERVER)
        other = programs.connect(naive.port)
        self.addCleanup(other.close)
        client = self.start_client(naive.port, "--lines", terminal=TERMINAL)
        client.wait_for_text("> $")
        heard = other.makefile("rb")
        self.assertRegex(heard.readline(), rb"entered room\n$")
        client.send("hola\n")
        self.assertRegex(heard.readline(), rb"^\r<.*> hola\n$")
        other.sendall(b"adios\n")
        client.wait_for_text(r"<\('127.0.0.1', \d+\)> adios\r\n\r\x1b\[K> $")
        client.send("\x04")
        self.assertEqual(client.wait_exit(), 0, client.stdout)

    def test_the_server_of_the_lab_works_at_a_terminal_and_from_a_pipe(self):
        port, server = self.start_lab_server(leavers=2)
        ana = self.start_client(port, "--lines", terminal=TERMINAL)
        ana.wait_for_text("> $")
        luis = self.start_client(port, "--lines")
        ana.wait_for_text(r"\[127.0.0.1:\d+\] entered room\r\n")
        luis.send_line("hola, año nuevo")
        ana.wait_for_text(r"<\('127.0.0.1', \d+\)> hola, año nuevo\r\n")
        ana.send("adios\n")
        luis.wait_for_line(r"^<\('127.0.0.1', \d+\)> adios$")
        luis.close_stdin()
        self.assertEqual(luis.wait_exit(), 0, luis.story("the server does not close"))
        eva = self.start_client(port, "--lines")
        eva.send_line("hola")
        ana.wait_for_text(r"Client \(127.0.0.1, \d+\) is offline"
                          r"\[127.0.0.1:\d+\] entered room\r\n")
        ana.wait_for_text(r"<\('127.0.0.1', \d+\)> hola\r\n")
        ana.send("\x04")
        server.result()
        self.assertEqual(ana.wait_exit(), 0, ana.stdout)
        self.assert_fails(eva, 1, "the server ended the conversation")

    def test_a_notice_without_a_line_feed_is_a_line_of_its_own_before_a_message(self):
        listener = self.listener()
        client = self.start_client(programs.port_of(listener), "--lines")
        with programs.accept(listener) as connection:
            connection.sendall(b"Client (127.0.0.1, 7) is offline\r<('127.0.0.1', 8)> hola\n")
            client.wait_for_text(r"^Client \(127.0.0.1, 7\) is offline\n"
                                 r"<\('127.0.0.1', 8\)> hola\n")

    def test_with_frames_it_talks_at_once_too(self):
        listener = self.listener()
        client = self.start_client(programs.port_of(listener))
        client.send_line("hola")
        with programs.accept(listener) as connection:
            self.assertEqual(programs.recv_exactly(connection, 11), Frames.encode(b"hola"))

    def test_a_question_of_the_server_takes_the_turn_at_a_terminal(self):
        listener = self.listener()
        client = self.start_client(programs.port_of(listener), "--lines", terminal=TERMINAL)
        client.wait_for_text("> $")
        with programs.accept(listener) as connection:
            connection.sendall(b"* password?\n")
            client.wait_for_text("password: $")
            client.send("sesame\n")
            self.assertEqual(programs.recv_exactly(connection, 7), b"sesame\n")
            self.assertNotIn("sesame", client.stdout)
            connection.sendall(b"hola\n")
            client.wait_for_text("hola\r\n.*> $")
            client.send("adios\n")
            self.assertEqual(programs.recv_exactly(connection, 6), b"adios\n")

    def test_a_question_of_the_server_takes_the_turn_from_a_pipe(self):
        listener = self.listener()
        client = self.start_client(programs.port_of(listener), "--lines")
        client.send("sesame\nhola\n")
        with programs.accept(listener) as connection:
            connection.sendall(b"* password?\n")
            self.assertEqual(connection.recv(99), b"sesame\n")
            self.assertEqual(select.select([connection], [], [], 1)[0], [], "this is no password")
            connection.sendall(b"come in\n")
            self.assertEqual(connection.recv(99), b"hola\n")

    def test_a_server_that_says_nothing_to_an_answer_does_not_silence_it(self):
        listener = self.listener()
        client = self.start_client(programs.port_of(listener), "--lines")
        client.send("sesame\nhola\n")
        with programs.accept(listener) as connection:
            connection.sendall(b"* password?\n")
            self.assertEqual(connection.recv(99), b"sesame\n")
            self.assertEqual(connection.recv(99), b"hola\n")

    @staticmethod
    def flood(listener):
        """Sends messages to one client until it has left."""
        with programs.accept(listener) as connection:
            with contextlib.suppress(ConnectionError):
                while True:
                    connection.sendall(Frames.encode(b"<ana> hola") * 1000)

    def test_the_first_ctrl_c_ends_it_although_the_server_sends_without_a_pause(self):
        for terminal in ((), TERMINAL):
            with self.subTest(terminal=terminal):
                listener = self.listener()
                server = self.in_background(self.flood, listener)
                client = self.start_client(programs.port_of(listener), terminal=terminal)
                client.wait_for_bytes(100000)
                client.interrupt()
                self.assertEqual(client.wait_exit(limit=5), 0, "it has not left")
                server.result()

    def test_a_server_that_does_not_close_does_not_keep_it(self):
        for text in ("hola\n", "/quit\n"):
            with self.subTest(text=text):
                listener = self.listener()
                client = self.start_client(programs.port_of(listener), "--lines")
                client.send(text)
                client.close_stdin()
                with programs.accept(listener) as connection:
                    self.assertEqual(programs.recv_exactly(connection, len(text)), text.encode())
                    self.assertEqual(client.wait_exit(), 0, client.stderr)


class Typing(ChatCase):
    """The client at a terminal."""

    def at_terminal(self, server, *options):
        """A client in the room, with its prompt drawn; and its terminal's settings before."""
        client = self.start(CLIENT, *LOCAL, "-p", server.port, *options, terminal=TERMINAL)
        return client

    def enter(self, server, name="luis"):
        client = self.at_terminal(server, "-n", name)
        client.wait_for_text("welcome.*\r\n")
        client.wait_for_text("> $")
        return client

    def test_a_message_that_arrives_does_not_tear_what_is_typed(self):
        server = self.server(SERVER)
        ana = self.join(server, "ana")
        client = self.enter(server)
        self.assert_hears(ana, "* luis is here")
        client.send("ho")
        client.wait_for_text("> ho$")
        ana.say("in between")
        client.wait_for_text("\r\x1b\\[K<ana> in between\r\n\r\x1b\\[K> ho$")
        client.send("la\n")
        client.wait_for_text("\r\x1b\\[K> hola\r\n")
        self.assert_hears(ana, "<luis> hola")

    def test_backspace_takes_one_character_however_many_bytes_it_has(self):
        server = self.server(SERVER)
        ana = self.join(server, "ana")
        client = self.enter(server)
        self.assert_hears(ana, "* luis is here")
        for keys, text in (("xñ日🙂\x7f\x7f\x7fa\n", "xa"), ("a\x7f\x7f\x7fb\n", "b"),
                           ("wrong\x15right\n", "right"), ("a\x1b[Db\x1bOP\x1b[3~c\n", "abc"),
                           ("a\x01\tb\n", "ab"), ("no end\x04 here\n", "no end here")):
            with self.subTest(keys=keys):
                client.send(keys)
                self.assert_hears(ana, "<luis> " + text)

    def test_half_a_character_is_kept_until_its_rest_is_typed(self):
        server = self.server(SERVER)
        ana = self.join(server, "ana")
        client = self.enter(server)
        self.assert_hears(ana, "* luis is here")
        client.send(b"\xc3")
        client.wait_for_text(r"> \\xc3$")
        client.send(b"\xb1\n")
        self.assert_hears(ana, "<luis> ñ")

    def test_a_line_longer_than_the_screen_shows_its_end_and_is_said_whole(self):
        server = self.server(SERVER)
        ana = self.join(server, "ana")
        client = self.enter(server)
        self.assert_hears(ana, "* luis is here")
        client.send("a" * 100 + "b" * 70)
        client.wait_for_text("\r\x1b\\[K> a{7}b{70}$")
        client.send("\n")
        self.assert_hears(ana, "<luis> " + "a" * 100 + "b" * 70)

    def test_what_does_not_fit_into_a_message_is_not_taken_and_no_character_is_cut(self):
        server = self.server(SERVER)
        ana = self.join(server, "ana")
        client = self.enter(server)
        self.assert_hears(ana, "* luis is here")
        for character, count in (("a", LONGEST - 3), ("ñ", LONGEST // 2 - 1), ("🙂", LONGEST // 4)):
            with self.subTest(character=character):
                client.send(character * LONGEST + "\n")
                self.assert_hears(ana, "<luis> " + character * count)

    def test_the_password_is_not_shown(self):
        server = self.server(SERVER, "--password", WORD)
        client = self.at_terminal(server)
        client.wait_for_text("password: $")
        client.send(WORD + "\n")
        client.wait_for_text("name: $")
        client.send("luis\n")
        client.wait_for_text("welcome")
        self.assertNotIn("sésamo", client.stdout)
        self.assertIn("name: luis", client.stdout)

    def test_ctrl_d_on_an_empty_line_leaves(self):
        client = self.enter(self.server(SERVER))
        client.send("\x04")
        self.assertEqual(client.wait_exit(), 0, client.stdout)

    def test_a_ctrl_c_that_its_starter_ignores_stays_ignored(self):
        server = self.server(SERVER)
        ana = self.join(server, "ana")
        client = self.start("/bin/sh", "-c", 'trap "" INT; exec "$0" "$@"',
                            programs.example(CLIENT), *LOCAL, "-p", server.port, "-n", "luis",
                            terminal=TERMINAL)
        self.assert_hears(ana, "* luis is here")
        client.wait_for_text("> $")
        client.send("\x03")
        for text in ("still here", "here again"):  # the first may come before the stop
            client.send(text + "\n")
            self.assert_hears(ana, "<luis> " + text)
        client.terminate()
        self.assertEqual(client.wait_exit(), 0, client.stdout)

    def test_the_terminal_is_given_back_however_it_ends(self):
        ends = {
            "/quit": (lambda client, server: client.send("/quit\n"), 0),
            "Ctrl-D": (lambda client, server: client.send("\x04"), 0),
            "Ctrl-C": (lambda client, server: client.send("\x03"), 0),
            "Ctrl-\\": (lambda client, server: client.send("\x1c"), 0),
            "SIGTERM": (lambda client, server: client.terminate(), 0),
            "SIGHUP": (lambda client, server: client.signal(signal.SIGHUP), 0),
            "server stops": (lambda client, server: server.terminate(), 1),
        }
        for how, (end, code) in ends.items():
            with self.subTest(how=how):
                server = self.server(SERVER)
                client = self.enter(server)
                raw = self.settings(client)
                self.assertFalse(raw[3] & (termios.ICANON | termios.ECHO))
                end(client, server)
                self.assertEqual(client.wait_exit(), code, client.stdout)
                after = self.settings(client)
                self.assertEqual(after[3] & (termios.ICANON | termios.ECHO),
                                 termios.ICANON | termios.ECHO)

    @staticmethod
    def settings(client):
        return termios.tcgetattr(client._terminal)


# A chat as a reader of the chapter writes it: no limits of its own, and handlers that throw.
OWN_SERVER = """
#include "trama.hpp"
#include <iostream>
int main() {
    using chat_server = trama::message_server<CODEC>;
    chat_server chat{"127.0.0.1", 0};
    const auto send_to_others = [&](chat_server::client& sender, const std::string& text) {
        for (auto& each : chat.clients())
            if (&each != &sender) each.send(text);
    };
    chat.on_message([&](chat_server::client& sender, std::string_view text) {
        if (text.substr(0, 5) == "/add ") {
            sender.send(std::to_string(std::stoi(std::string(text.substr(5))) + 1));
        } else if (text == "/two") {
            sender.send("one\\ntwo");
        } else {
            send_to_others(sender, "<somebody> " + std::string(text));
        }
    });
    chat.on_leave([](chat_server::client&, std::string_view why) { std::cerr << why << std::endl; });
    std::cout << "listening on " << chat.local_endpoint() << std::endl;
    chat.run();
}
"""
COMPILER = os.environ.get("CXX") or shutil.which("g++") or shutil.which("c++")


class OwnServer(programs.TestCase):
    """A mistake in a handler, and a line that becomes too long, cost at most the speaker."""

    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        source = Path(folder.name, "own.cpp")
        source.write_text(OWN_SERVER)
        cls.servers = {}
        for codec, name in ((Lines, "any_line"), (Frames, "six_digit_colon")):
            cls.servers[codec] = str(source.with_name(name))
            subprocess.run([COMPILER, "-std=c++17", "-DCODEC=trama::" + name, "-I",
                            programs.ROOT / "single_include", source, "-o", cls.servers[codec]],
                           check=True)

    def members(self, codec):
        """The server, somebody who speaks, and two others."""
        server = self.start(self.servers[codec])
        server.port = int(server.wait_for_line(r"listening on .*:(\d+)").group(1))
        peers = [Peer(codec, server.port) for _ in range(3)]
        for each in peers:
            self.addCleanup(each.close)
            each.say("/add 1")
            self.assertEqual(each.hears(), "2")
        return server, peers

    def assert_costs_only_the_speaker(self, codec, text, why):
        server, (speaker, ana, luis) = self.members(codec)
        speaker.say(text)
        self.assertEqual(speaker.hears_all(), [])
        server.wait_for_line(why, on="stderr")
        self.assert_talk(ana, luis)
        self.assert_stops(server)

    def assert_talk(self, ana, luis):
        ana.say("hola")
        self.assertEqual(luis.hears(), "<somebody> hola")
        luis.say("adios")
        self.assertEqual(ana.hears(), "<somebody> adios")

    def assert_stops(self, server):
        server.terminate()
        self.assertEqual(server.wait_exit(), 0, server.stderr)

    def test_a_line_that_becomes_too_long_with_the_name_before_it_is_delivered(self):
        server, (speaker, ana, luis) = self.members(Lines)
        speaker.say("x" * 8190)
        for each in (ana, luis):
            self.assertEqual(each.hears(), "<somebody> " + "x" * 8190)
        ana.say("hola")
        for each in (speaker, luis):
            self.assertEqual(each.hears(), "<somebody> hola")
        self.assert_stops(server)

    def test_an_exception_in_a_handler_costs_only_the_speaker(self):
        for codec in (Lines, Frames):
            with self.subTest(codec=codec):
                self.assert_costs_only_the_speaker(codec, "/add x", "stoi")

    def test_a_line_feed_in_a_line_costs_only_the_speaker_and_in_a_frame_nobody(self):
        self.assert_costs_only_the_speaker(Lines, "/two", "line")
        server, (speaker, ana, luis) = self.members(Frames)
        speaker.say("/two", "a\nb")
        self.assertEqual(speaker.hears(), "one\ntwo")
        for each in (ana, luis):
            self.assertEqual(each.hears(), "<somebody> a\nb")
        self.assert_stops(server)


class Naive(ChatCase):
    """Each flaw shows; what the cure makes of the same is tested above."""

    codec = Lines

    def members(self, count):
        server = self.server(NAIVE_SERVER)
        made = [self.peer(server)]
        for _ in range(count - 1):
            made.append(self.peer(server))
            for each in made[:-1]:
                self.assert_hears(each, "[127.0.0.1:%d] entered room" % made[-1].port)
        return server, made

    def said(self, peer, text):
        return "\r<%s> %s" % (self.address(peer), text)

    def test_it_has_the_announcements_of_the_lab(self):
        _, (ana, luis, eva) = self.members(3)
        luis.say("hola")
        self.assert_hears(ana, self.said(luis, "hola"))
        self.assert_hears(eva, self.said(luis, "hola"))
        luis.socket.shutdown(socket.SHUT_WR)
        self.assert_hears(ana, self.leaving(luis))

    def test_flaw_1_two_messages_at_once_are_one_and_half_a_one_is_one(self):
        _, (ana, luis) = self.members(2)
        luis.say("hola", "adios")
        self.assert_hears(ana, self.said(luis, "hola"), "adios")
        luis.socket.sendall(b"ho")
        half = self.said(luis, "ho").encode()
        self.assertEqual(ana.stream.read(len(half)), half)

    def test_flaw_2_a_member_who_does_not_read_stops_the_chat_for_all(self):
        server, (ana, lazy) = self.members(2)
        ana.socket.settimeout(0.5)
        with self.assertRaises(socket.timeout):
            for _ in range(1000):
                ana.socket.sendall(b"x" * 65536)
        late = programs.connect(server.port)  # by the kernel; the server does not even see it
        self.addCleanup(late.close)
        self.assertFalse(programs.readable(ana.socket))

    def test_flaw_3_bytes_pass_as_they_are(self):
        _, (ana, luis) = self.members(2)
        luis.say("\x1b[2J")
        self.assert_hears(ana, self.said(luis, "\x1b[2J"))

    def test_it_stops_in_order(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.assert_stops_in_order(NAIVE_SERVER, by=number)


class CommandLine(programs.TestCase):
    def test_help(self):
        for path in (SERVER, CLIENT, NAIVE_SERVER):
            self.assert_help(path)

    def test_mistakes(self):
        for path in (SERVER, CLIENT, NAIVE_SERVER):
            self.assert_usage_error(path, "-p", "http", says="--port takes a number")
            self.assert_usage_error(path, "--nonsense", says="see --help")
        for option in ("--idle", "--door", "--max-clients"):
            self.assert_usage_error(SERVER, option, "0", says=option + " takes a number from 1")
        self.assert_usage_error(SERVER, "-b", "kqueue", says="--backend takes select, poll")

    def test_a_second_server_on_its_port_fails(self):
        server = self.server(SERVER)
        self.assert_fails(self.start(SERVER, *LOCAL, "-p", server.port), 1, "already in use")

    def test_a_client_without_a_server_fails(self):
        port = programs.refusing_port()
        self.assert_fails(self.start(CLIENT, *LOCAL, "-p", port), 1, "Connection refused")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""The framed echo of chapter 08 talks with peers that were written for the labs, both ways.

Run: python3 tests/examples/test_08_lab_peers.py
"""
import unittest

import lab_frames
import programs

SERVER = "08_frames/framed_echo_server"
CLIENT = "08_frames/framed_echo_client"
PAYLOADS = [b"hola", b"", b":", b"::::", b"000004:", "año".encode(), b"\x00\xff\n\r\x1b[2J",
            b"x" * 65536, bytes(range(256)) * 3906, b"y" * 999999]


class LabClient(programs.TestCase):
    def test_gets_every_legal_message_back_from_our_server(self):
        server = self.server(SERVER)
        with programs.connect(server.port) as connection:
            self.assertEqual(lab_frames.echo_client(connection, PAYLOADS), PAYLOADS)

    def test_may_send_all_messages_before_it_reads_an_answer(self):
        server = self.server(SERVER)
        few = PAYLOADS[:7]
        with programs.connect(server.port) as connection:
            connection.sendall(b"".join(map(lab_frames.encapsula, few)))
            self.assertEqual([lab_frames.readmsg(connection) for _ in few], few)

    def test_with_the_flawed_reader_still_gets_simple_messages(self):
        server = self.server(SERVER)
        simple = [b"hola", b"adios", b"x" * 3000]
        with programs.connect(server.port) as connection:
            answers = lab_frames.echo_client(connection, simple, lab_frames.readmsg_of_the_lab)
        self.assertEqual(answers, simple)

    def test_finds_an_orderly_end_when_our_server_is_stopped(self):
        server = self.server(SERVER)
        with programs.connect(server.port) as connection:
            self.assertEqual(lab_frames.echo_client(connection, [b"hola"]), [b"hola"])
            server.interrupt()
            self.assertIsNone(lab_frames.readmsg(connection))
        self.assertEqual(server.wait_exit(), 0)


class LabServer(programs.TestCase):
    def serve(self, read=lab_frames.readmsg):
        """The lab's server, for one client; returns its port and what counts its messages."""
        listener = self.listener()

        def serve_one():
            with programs.accept(listener) as connection:
                return lab_frames.echo_server(connection, read)

        return programs.port_of(listener), self.in_background(serve_one)

    def test_answers_every_line_of_our_client(self):
        port, served = self.serve()
        lines = [payload for payload in PAYLOADS if b"\n" not in payload]
        client = self.run_to_end(CLIENT, "-H", "127.0.0.1", "-p", port,
                                 stdin=b"".join(line + b"\n" for line in lines))
        self.assertEqual(client.code, 0, client.stderr)
        self.assertEqual(client.stdout_bytes.split(b"\n"), lines + [b""])
        self.assertEqual(served.result(), len(lines))

    def test_with_the_flawed_reader_is_served_by_our_client_as_long_as_lines_are_simple(self):
        def until_empty(connection):
            return lab_frames.readmsg_of_the_lab(connection) or None

        port, served = self.serve(until_empty)
        client = self.start(CLIENT, "-H", "127.0.0.1", "-p", port)
        for line in ("hola", "adios"):
            client.send_line(line)
            client.wait_for_line("^%s$" % line)
        client.close_stdin()
        with self.assertRaises(ValueError):  # at the end of the stream the flawed one breaks
            served.result()
        self.assertEqual(client.wait_exit(), 0)


if __name__ == "__main__":
    unittest.main()

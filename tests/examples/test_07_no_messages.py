#!/usr/bin/env python3
"""Chapter 07: two sends become one receive.

Run: python3 tests/examples/test_07_no_messages.py
"""
import os
import signal
import unittest

import programs

RECEIVER = "07_no_messages/one_recv"
SENDER = "07_no_messages/two_sends"


def pause(program):
    """Stops it as Ctrl-Z does, and waits until it stands."""
    program.signal(signal.SIGSTOP)
    os.waitid(os.P_PID, program.process.pid, os.WSTOPPED)


class Glue(programs.TestCase):
    def receive_two_sends(self, *arguments):
        """The receiver reads when the sender has come, sent and gone: as after a long wait."""
        receiver = self.server(RECEIVER, "--wait", 20, *arguments)
        pause(receiver)
        sender = self.run_to_end(SENDER, "-H", "127.0.0.1", "-p", receiver.port)
        self.assertEqual(sender.code, 0, sender.stderr)
        receiver.signal(signal.SIGCONT)
        self.assertEqual(receiver.wait_exit(), 0, receiver.stderr)
        return receiver

    def test_hola_and_adios_arrive_as_one_piece(self):
        receiver = self.receive_two_sends()
        self.assertEqual(receiver.stdout.splitlines()[1:], ["holaadios"])
        self.assertIn("one recv of at most 1024 bytes returned 9\n", receiver.stderr)

    def test_a_recv_of_6_bytes_cuts_through_the_second_message(self):
        self.assertEqual(self.receive_two_sends("-s", 6).stdout.splitlines()[1:], ["holaad"])

    def test_the_sender_makes_two_calls(self):
        listener = self.listener()
        sender = self.run_to_end(SENDER, "-H", "127.0.0.1", "-p", programs.port_of(listener),
                                 env={"TRAMA_TRACE": "1"})
        sends = [line.split(": ", 2)[2] for line in sender.stderr.splitlines() if ": send " in line]
        self.assertEqual(sends, ['send 4 of 4 bytes: "hola"', 'send 5 of 5 bytes: "adios"'])
        self.assertIn(": 4 bytes, then 5 bytes\n", sender.stderr)

    def test_without_a_wait_the_first_piece_is_all_that_is_read(self):
        receiver = self.server(RECEIVER, "-w", 0)
        with programs.connect(receiver.port) as connection:
            connection.sendall(b"hola")
            self.assertEqual(receiver.wait_exit(), 0)
        self.assertEqual(receiver.stdout.splitlines()[1:], ["hola"])

    def test_hostile_bytes_are_escaped_at_a_terminal_and_only_there(self):
        for terminal, shown in ((["stdout"], b"\\x1b[2J\r\n"), ([], b"\x1b[2J\n")):
            with self.subTest(terminal=terminal):
                receiver = self.server(RECEIVER, "-w", 0, terminal=terminal)
                with programs.connect(receiver.port) as connection:
                    connection.sendall(b"\x1b[2J")
                    self.assertEqual(receiver.wait_exit(), 0)
                self.assertTrue(receiver.stdout_bytes.endswith(b"\n" + shown),
                                receiver.stdout_bytes)


class Faults(programs.TestCase):
    def test_the_sender_is_refused_when_no_program_listens(self):
        port = programs.refusing_port()
        sender = self.start(SENDER, "-H", "127.0.0.1", "-p", port)
        self.assert_fails(sender, 1, "Connection refused")

    def test_the_receiver_reports_a_sender_that_was_killed(self):
        receiver = self.server(RECEIVER, "-w", 0)
        pause(receiver)
        programs.reset(programs.connect(receiver.port))
        receiver.signal(signal.SIGCONT)
        self.assert_fails(receiver, 1, "Connection reset by peer")

    def test_the_receiver_stops_in_order_before_anybody_has_come(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number):
                self.assert_stops_in_order(RECEIVER, by=number)

    def test_a_stop_ends_the_wait(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            with self.subTest(number=number):
                receiver = self.server(RECEIVER, "-w", 60000)
                with programs.connect(receiver.port) as sender:
                    sender.sendall(b"hola")
                    receiver.wait_for_line(" came; now a wait of 60000 ms", on="stderr")
                    sender.sendall(b"adios")  # only a receiver that waits reads both at once
                    receiver.signal(number)
                    self.assertEqual(receiver.wait_exit(), 0)
                self.assertEqual(receiver.stdout.splitlines()[1:], ["holaadios"])


class CommandLine(programs.TestCase):
    def test_help(self):
        for path in (RECEIVER, SENDER):
            self.assert_help(path)

    def test_mistakes(self):
        self.assert_usage_error(RECEIVER, "--wait", "soon", says="--wait takes a number from 0")
        self.assert_usage_error(RECEIVER, "--size", "0", says="--size takes a number from 1")
        for path in (RECEIVER, SENDER):
            self.assert_usage_error(path, "--nonsense", says="see --help")


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Chapter 00: first_frames, the first program that anybody runs.

Run: TRAMA_BUILD=build python3 tests/examples/test_00_start.py
"""
import unittest

import programs

FIRST_FRAMES = "00_start/first_frames"


class FirstFrames(programs.TestCase):
    def test_needs_no_setting_up_and_says_nothing_on_stderr(self):
        program = self.run_to_end(FIRST_FRAMES)
        self.assertEqual((program.code, program.stderr), (0, ""))

    def test_shows_what_was_sent_and_that_it_came_glued(self):
        program = self.run_to_end(FIRST_FRAMES)
        self.assertEqual(program.stdout.splitlines()[:5],
                         ['sent "hola"', 'sent ""', 'sent "adios"', "",
                          "received 30 bytes: 000004:hola000000:000005:adios"])

    def test_draws_each_frame_with_its_header_and_its_payload(self):
        lines = self.run_to_end(FIRST_FRAMES).stdout.splitlines()
        self.assertEqual([line for line in lines if line.startswith("|")],
                         ["| 0 | 0 | 0 | 0 | 0 | 4 | : | h | o | l | a |",
                          "| 0 | 0 | 0 | 0 | 0 | 0 | : |",
                          "| 0 | 0 | 0 | 0 | 0 | 5 | : | a | d | i | o | s |"])
        self.assertEqual(lines.count("+" + 7 * "===+" + 4 * "---+"), 2)
        self.assertEqual(lines.count("+" + 7 * "===+"), 2)

    def test_is_the_same_each_time(self):
        told = {self.run_to_end(FIRST_FRAMES).stdout for _ in range(20)}
        self.assertEqual(len(told), 1, told)

    def test_the_trace_tells_the_system_calls_on_stderr(self):
        program = self.run_to_end(FIRST_FRAMES, env={"TRAMA_TRACE": "1"})
        self.assertEqual(program.code, 0)
        self.assertIn('frame out, 4 bytes: "hola"', program.stderr)
        self.assertIn('recv 30 of 1024 asked: "000004:hola000000:000005:adios"', program.stderr)
        self.assertNotIn("trama:", program.stdout)


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""What a message costs: system calls (counted by strace), heap calls and copies.

Run: python3 tests/examples/test_counts.py
"""
import subprocess
from collections import Counter

import traced


class Costs(traced.TestCase):
    source = "costs.cpp"

    def calls_per_message(self, mode):
        """The difference of a long run and a short one, so that the start does not count."""
        short = Counter(self.run_traced(mode, "10").calls)
        long = Counter(self.run_traced(mode, "110").calls)
        return {name: count / 100 for name, count in (long - short).items()}

    def printed(self, mode):
        return subprocess.run([self.program, mode, "1000"], check=True, capture_output=True,
                              text=True, timeout=traced.LIMIT).stdout

    def test_a_raw_echo_is_one_send_and_one_receive_at_each_end(self):
        calls = self.calls_per_message("raw")
        self.assertEqual(calls, {"sendto": 2, "recvfrom": 2})

    def test_a_framed_echo_is_one_send_and_one_receive_at_each_end(self):
        calls = self.calls_per_message("framed")
        self.assertEqual(calls, {"sendmsg": 2, "recvfrom": 2})

    def test_an_echo_makes_no_heap_call(self):
        for mode in ("raw", "framed"):
            self.assertIn("heap calls: 0\n", self.printed(mode), mode)

    def test_send_frame_copies_no_payload(self):
        self.assertIn("copied payloads: 0\n", self.printed("framed"))


if __name__ == "__main__":
    traced.main()

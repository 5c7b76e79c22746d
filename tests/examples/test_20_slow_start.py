#!/usr/bin/env python3
"""Chapter 20: the four experiments have the shape that the page says, on any machine.

Run: TRAMA_BUILD=build python3 tests/examples/test_20_slow_start.py

Each experiment is run once. The numbers differ from run to run, so only what the theory says is
looked at: the window doubles, is halved, grows by one; a full receiver stops the sender; a long
queue makes the round trip long.
"""
import csv
import functools
import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import NamedTuple, Optional

import programs
from test_tools_badlink import why_not

SCRIPT = programs.ROOT / "examples" / "20_slow_start" / "experiments.sh"
MOST_IN_FLIGHT = 40 + 37  # segments: those in the queue, and those under way in 50 ms at 8 Mbit/s


class Sample(NamedTuple):
    seconds: float
    cwnd: int
    ssthresh: Optional[int]
    rtt_ms: float
    unacked: int
    retransmissions: int
    bytes: int


@functools.lru_cache(maxsize=None)
def experiment(*words):
    """The samples of one experiment, and what the programs printed."""
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(["sh", SCRIPT, *words], cwd=folder, capture_output=True, text=True,
                              env={**os.environ, "TRAMA_BUILD": str(programs.BUILD)}, timeout=60)
        if done.returncode != 0:
            raise AssertionError(done.stdout + done.stderr)
        with open(Path(folder, words[0] + ".csv"), newline="") as file:
            rows = list(csv.DictReader(file))
    numbers = [{name: float(text) if text else None for name, text in row.items()} for row in rows]
    return [Sample(**row) for row in numbers], done.stdout


class Experiment(programs.TestCase):
    def setUp(self):
        super().setUp()
        reason = why_not()
        if reason:
            self.skipTest(reason)

    def assert_between(self, low, value, high):
        self.assertTrue(low <= value <= high, "%s <= %s <= %s" % (low, value, high))


class SlowStart(Experiment):
    def test_the_window_begins_with_ten_segments(self):
        samples, _ = experiment("slow-start")
        self.assertEqual(samples[0].cwnd, 10)

    def test_it_at_least_doubles_in_two_round_trips_until_the_first_loss(self):
        samples, _ = experiment("slow-start")
        start = [each for each in samples if each.ssthresh is None]
        self.assertEqual([each.cwnd for each in start], sorted(each.cwnd for each in start))
        for each in start:
            later = [late for late in start if late.seconds >= each.seconds + 2.5 * 0.05]
            if later:
                self.assertGreaterEqual(later[0].cwnd, min(2 * each.cwnd, MOST_IN_FLIGHT))

    def test_the_first_loss_comes_when_the_queue_is_full_and_halves_the_window(self):
        samples, _ = experiment("slow-start")
        largest = max(each.cwnd for each in samples)
        threshold = next(each.ssthresh for each in samples if each.ssthresh is not None)
        self.assert_between(MOST_IN_FLIGHT, largest, 2.5 * MOST_IN_FLIGHT)
        self.assert_between(0.4 * largest, threshold, 0.6 * largest)

    def test_then_it_grows_by_about_one_segment_in_each_round_trip(self):
        samples, _ = experiment("slow-start")
        calm = max(list(without_loss(samples))[1:], key=len)[20:]  # the first ones belong to the recovery
        round_trips = sum((b.seconds - a.seconds) / (a.rtt_ms / 1000)
                          for a, b in zip(calm, calm[1:]))
        self.assertGreater(round_trips, 10)
        self.assert_between(0.5, (calm[-1].cwnd - calm[0].cwnd) / round_trips, 1.5)

    def test_cubic_starts_the_same_way_and_keeps_a_larger_part_of_the_window(self):
        names = Path("/proc/sys/net/ipv4/tcp_available_congestion_control").read_text().split()
        if "cubic" not in names:
            self.skipTest("this kernel has no cubic")
        samples, _ = experiment("slow-start", "--congestion", "cubic")
        largest = max(each.cwnd for each in samples)
        threshold = next(each.ssthresh for each in samples if each.ssthresh is not None)
        self.assertEqual(samples[0].cwnd, 10)
        # 0.7 after a loss; all of it if the round trips had grown before, which ends slow start.
        self.assert_between(0.6 * largest, threshold, largest)


def without_loss(samples):
    """The parts of the transfer between one loss and the next."""
    part = samples[:1]
    for before, after in zip(samples, samples[1:]):
        if after.retransmissions > before.retransmissions:
            yield part
            part = []
        part.append(after)
    yield part


class Loss(Experiment):
    def test_each_loss_halves_the_window_and_the_file_arrives(self):
        samples, drawing = experiment("loss")
        self.assertIn("4000000 bytes", drawing)
        halved = [(before.cwnd, after.ssthresh) for before, after in zip(samples, samples[1:])
                  if after.ssthresh not in (None, before.ssthresh)]
        self.assertGreaterEqual(len(halved), 2)
        for window, threshold in halved:
            self.assert_between(0.3 * window, threshold, 0.7 * window)


class StoppedReceiver(Experiment):
    def test_the_sender_stands_still_for_most_of_the_pause(self):
        samples, drawing = experiment("stop")
        self.assertIn("3000000 bytes", drawing)
        still = max(standing_still(samples))
        self.assert_between(1.0, still, 5.0)


def standing_still(samples):
    """How long the sender had to wait with nothing under way, in seconds, each time."""
    start = None
    for each in samples:
        if each.unacked > 0 or each.bytes == 0:
            start = None
        else:
            start = each.seconds if start is None else start
            yield each.seconds - start


class LongQueue(Experiment):
    def test_the_round_trip_takes_many_times_the_fifty_milliseconds_of_the_line(self):
        samples, _ = experiment("queue")
        self.assertLess(samples[0].rtt_ms, 200)
        self.assert_between(300, max(each.rtt_ms for each in samples), 1500)


if __name__ == "__main__":
    unittest.main()

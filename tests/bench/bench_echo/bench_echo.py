#!/usr/bin/env python3
"""Echo servers side by side: trama, by hand on select, poll and epoll, Asio, libuv, libevent.

    python3 tests/bench/bench_echo/bench_echo.py                  ten rounds, about half an hour
    python3 tests/bench/bench_echo/bench_echo.py --json echo.json   and the numbers, for plot.py
    python3 tests/bench/bench_echo/bench_echo.py --rounds 1 --connections 64 --servers hand

Every server is asked by the same load.cpp, in turns, so that a busy machine disturbs all alike; the
server has one core and the load another. What counts is the server's CPU time for a message (user +
system), because the messages per second also depend on the load. Shown are medians over the rounds,
± half the distance between the quartiles, and the ratio to the server written by hand on the same
system call (select, poll or epoll) in the same round.

All talk: every connection always has DEPTH messages under way. One talks: the others are silent,
which is the usual case, and where select and poll pay for looking at everybody.

What does not exist or compile here is skipped, and it says so. Linux only.
"""

import argparse
import contextlib
import json
import os
import platform
import resource
import select
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
CXX = [os.environ.get("CXX", "g++"), "-std=c++17", "-O2", f"-I{ROOT}/single_include"]
LIBRARIES = {"libuv": ["-luv"], "libevent": ["-levent_core"]}

PATIENCE = 60          # seconds that any single step may take
LONGEST_LIFE = 180     # seconds after which the kernel ends a server or load that is still there
SELECT_LIMIT = 1000    # an fd_set has room for 1,024 file descriptors


class Server(NamedTuple):
    name: str
    backend: str       # the system call it waits with
    raw: list          # program and arguments; --port is added
    framed: list


def by_hand(backend):
    return f"by hand, {backend}"


def all_servers():
    backends = ("epoll", "poll", "select")
    for backend in backends:
        program = f"by_hand_{backend}"
        yield Server(by_hand(backend), backend, [program], [program, "--framed"])
    for backend in backends:
        arguments = ["--backend", backend]
        yield Server(f"trama, {backend}", backend,
                     ["trama_raw", *arguments], ["trama_framed", *arguments])
    for program, name in (("asio", "Asio"), ("libuv", "libuv"), ("libevent", "libevent")):
        yield Server(name, "epoll", [program], [program, "--framed"])


class Scenario(NamedTuple):
    format: str
    connections: int
    active: int
    depth: int

    def __str__(self):
        talking = "all talk" if self.active == self.connections else f"{self.active} talks"
        return f"{self.format}, {count(self.connections, 'connection')}, {talking}, " \
               f"depth {self.depth}"


def count(number, thing):
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


def all_scenarios(given):
    """All talk, in every format and depth; one talks: raw, because framing adds nothing there."""
    for form in given.formats:
        for depth in given.depths:
            for connections in given.connections:
                yield Scenario(form, connections, connections, depth)
    for connections in given.connections:
        if connections > 1 and "raw" in given.formats and 1 in given.depths:
            yield Scenario("raw", connections, 1, 1)


class Skipped(set):
    """What could not be measured and why; each is said once, at once."""

    def say(self, what, why):
        line = f"{what}: {why}"
        if line not in self:
            self.add(line)
            print(f"skipped: {line}", file=sys.stderr)


# ---- building --------------------------------------------------------------------------------

def build(program, folder, skipped):
    """True if the program could be built."""
    source = HERE / f"{program}.cpp"
    if not source.exists():
        skipped.say(program, f"there is no {source.name}")
        return False
    command = [*CXX, str(source), "-o", str(folder / program), *LIBRARIES.get(program, [])]
    result = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
                            timeout=10 * PATIENCE, check=False)
    if result.returncode == 0:
        return True
    errors = [line for line in result.stderr.splitlines() if "error" in line]
    skipped.say(program, "it does not compile here: " + (errors or ["(no message)"])[0])
    return False


def build_all(servers, folder, skipped):
    """The names of the programs that are there now, and `load`."""
    programs = {command[0] for server in servers for command in (server.raw, server.framed)}
    return {program for program in sorted(programs) + ["load"] if build(program, folder, skipped)}


# ---- processes -------------------------------------------------------------------------------

class Failed(Exception):
    """A server or the load did not do what it should."""


def cores():
    """One for the servers and one for the load; both None where there is only one."""
    here = sorted(os.sched_getaffinity(0))
    return (here[-1], here[0]) if len(here) > 1 else (None, None)


@contextlib.contextmanager
def process(command, core):
    """Runs until the end of the block, and never longer than LONGEST_LIFE."""
    def prepare():
        signal.alarm(LONGEST_LIFE)  # exec keeps it
        if core is not None:
            os.sched_setaffinity(0, {core})

    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                          preexec_fn=prepare) as running:
        try:
            yield running
        finally:
            running.kill()


def read_line(running):
    """The next line of its stdout. Everything here prints whole lines and flushes."""
    if not select.select([running.stdout], [], [], PATIENCE)[0]:
        raise Failed(f"{running.args[0]} said nothing for {PATIENCE} seconds")
    line = running.stdout.readline()
    if not line:
        raise Failed(f"{running.args[0]} ended with exit code {running.wait(PATIENCE)}")
    return line.strip()


@contextlib.contextmanager
def listening(server, form, folder):
    """(process, port) of a fresh server."""
    program, *arguments = getattr(server, form)
    with process([str(folder / program), *arguments, "--port", "0"], cores()[0]) as running:
        yield running, read_line(running).rsplit(":", 1)[1]


@contextlib.contextmanager
def load(folder, port, form, *arguments):
    """A load whose connections are there, each with one message echoed."""
    command = [str(folder / "load"), "--steps", "--port", port,
               *(["--framed"] if form == "framed" else []), *map(str, arguments)]
    with process(command, cores()[1]) as running:
        if read_line(running) != "ready":
            raise Failed("load does not say that it is ready")
        yield running


# ---- measuring -------------------------------------------------------------------------------

def cpu_seconds(pid):
    """User + system time of a process. /proc/PID/stat has the same in steps of 10 ms only."""
    return time.clock_gettime(~pid << 3 | 2)  # what man 3 clock_getcpuclockid returns for pid


def rss_bytes(pid):
    """The memory it occupies; exact, which VmRSS in /proc/PID/status is not."""
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Rss:"):
            return 1024 * int(line.split()[1])
    raise Failed("no Rss in smaps_rollup")


def measure_speed(server, scenario, given, folder):
    """One run: what load printed, and the server's CPU time for a message in microseconds."""
    with listening(server, scenario.format, folder) as (running, port), \
            load(folder, port, scenario.format, "--connections", scenario.connections,
                 "--active", scenario.active, "--depth", scenario.depth,
                 "--payload", given.payload, "--seconds", given.seconds) as asking:
        before = cpu_seconds(running.pid)
        asking.stdin.write("\n")
        asking.stdin.flush()
        result = json.loads(read_line(asking))
        used = cpu_seconds(running.pid) - before
    return {**result, "cpu_us": 1e6 * used / result["messages"]}


def measure_memory(server, form, connections, folder):
    """Bytes for a connection that had one message echoed and is silent now."""
    with listening(server, form, folder) as (running, port):
        # What the server has for all connections together is there after the first one.
        with load(folder, port, form):
            before = rss_bytes(running.pid)
        with load(folder, port, form, "--connections", connections):
            return (rss_bytes(running.pid) - before) / connections


class Bench:
    """Runs everything in rounds, and keeps the numbers."""

    def __init__(self, given, servers, folder, skipped):
        self.given, self.folder, self.skipped = given, folder, skipped
        self.built = build_all(servers, folder, skipped)
        self.servers = servers
        self.speed = {}     # (scenario, server name): {"cpu_us": [...], ...}
        self.memory = {}    # (format, connections, server name): [bytes, ...]
        self.failures = 0

    def can_run(self, server, form, connections):
        if getattr(server, form)[0] not in self.built:
            return False
        most_files = resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 16
        if connections > most_files:
            self.skipped.say(count(connections, "connection"), "more than ulimit -n allows")
            return False
        if server.backend == "select" and connections > SELECT_LIMIT:
            self.skipped.say(f"{server.name}, {count(connections, 'connection')}",
                             "more than an fd_set has room for")
            return False
        return True

    def round(self, number):
        # Who is first changes from round to round.
        turn = number % len(self.servers)
        in_turn = self.servers[turn:] + self.servers[:turn]
        for scenario in all_scenarios(self.given):
            for server in in_turn:
                if self.can_run(server, scenario.format, scenario.connections):
                    self.one_speed(number, server, scenario)
        for form in self.given.formats:
            for connections in self.given.idle:
                for server in in_turn:
                    if self.can_run(server, form, connections):
                        self.one_memory(server, form, connections)

    def one_speed(self, number, server, scenario):
        try:
            result = measure_speed(server, scenario, self.given, self.folder)
        except (Failed, OSError) as error:
            self.skipped.say(f"{server.name}, {scenario}, round {number + 1}", error)
            self.failures += 1
            return
        numbers = self.speed.setdefault((scenario, server.name), {"rounds": []})
        numbers["rounds"].append(number)
        for what in ("cpu_us", "per_second", "p50_us", "p99_us"):
            numbers.setdefault(what, []).append(result[what])

    def one_memory(self, server, form, connections):
        try:
            per_connection = measure_memory(server, form, connections, self.folder)
        except (Failed, OSError) as error:
            self.skipped.say(f"{server.name}, memory, {form}, {connections:,}", error)
            self.failures += 1
            return
        self.memory.setdefault((form, connections, server.name), []).append(per_connection)

    def ratios(self, scenario, server):
        """Its CPU time to that of the twin written by hand, round by round."""
        own = self.speed[scenario, server.name]
        twin = self.speed.get((scenario, by_hand(server.backend)), {"rounds": [], "cpu_us": []})
        of_twin = dict(zip(twin["rounds"], twin["cpu_us"]))
        return [cpu / of_twin[number] for number, cpu in zip(own["rounds"], own["cpu_us"])
                if number in of_twin]


# ---- tables ----------------------------------------------------------------------------------

def median_and_spread(values, digits):
    if not values:
        return "–"
    text = f"{statistics.median(values):,.{digits}f}"
    if len(values) < 2:
        return text
    quartiles = statistics.quantiles(values, n=4)
    return f"{text} ± {(quartiles[2] - quartiles[0]) / 2:,.{digits}f}"


def print_speed(bench):
    for scenario in all_scenarios(bench.given):
        rows = [server for server in bench.servers if (scenario, server.name) in bench.speed]
        if not rows:
            continue
        print(f"\n### {scenario}\n\n"
              "| server | CPU, µs/message | to its twin | messages/s | p50, µs | p99, µs |\n"
              "|---|---:|---:|---:|---:|---:|")
        for server in rows:
            numbers = bench.speed[scenario, server.name]
            print(f"| {server.name} | {median_and_spread(numbers['cpu_us'], 3)} "
                  f"| {median_and_spread(bench.ratios(scenario, server), 2)} "
                  f"| {statistics.median(numbers['per_second']):,.0f} "
                  f"| {statistics.median(numbers['p50_us']):,.1f} "
                  f"| {statistics.median(numbers['p99_us']):,.1f} |")


def print_memory(bench):
    columns = [(form, connections) for form in bench.given.formats
               for connections in bench.given.idle]
    rows = [server for server in bench.servers
            if any((*column, server.name) in bench.memory for column in columns)]
    if not rows:
        return
    print("\n### Memory: bytes for each connection that is silent after one message\n")
    print("| server | " + " | ".join(f"{form}, {number:,}" for form, number in columns) + " |")
    print("|---|" + "---:|" * len(columns))
    for server in rows:
        cells = [median_and_spread(bench.memory.get((*column, server.name), []), 0)
                 for column in columns]
        print(f"| {server.name} | " + " | ".join(cells) + " |")


def processor():
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return "unknown processor"


def machine():
    compiler = subprocess.run([CXX[0], "--version"], capture_output=True, text=True, check=True)
    pinned = "a core each for server and load" if cores()[0] is not None else "one core for both"
    return f"{processor()}; Linux {platform.release()}; {compiler.stdout.splitlines()[0]}; {pinned}"


def print_tables(bench):
    given = bench.given
    print(f"{machine()}; {count(given.rounds, 'round')} of {given.seconds:g} s each; "
          f"payload of {given.payload} bytes")
    print_speed(bench)
    print_memory(bench)
    for line in sorted(bench.skipped):
        print(f"\nNot measured: {line}")


def write_json(bench, path):
    backends = {server.name: server.backend for server in bench.servers}
    numbers = {
        "machine": machine(),
        "rounds": bench.given.rounds,
        "seconds": bench.given.seconds,
        "payload": bench.given.payload,
        "speed": [{"server": name, "backend": backends[name], **scenario._asdict(), **measured}
                  for (scenario, name), measured in bench.speed.items()],
        "memory": [{"server": name, "backend": backends[name], "format": form,
                    "connections": connections, "bytes": measured}
                   for (form, connections, name), measured in bench.memory.items()],
        "skipped": sorted(bench.skipped),
    }
    Path(path).write_text(json.dumps(numbers, indent=1) + "\n")


# ---- the command line ------------------------------------------------------------------------

def whole_numbers(text):
    return [int(each) for each in text.split(",") if each]


def words(text):
    return text.split(",")


def parse():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--seconds", type=float, default=0.5, help="of each run")
    parser.add_argument("--payload", type=int, default=64, help="bytes of a message")
    parser.add_argument("--connections", type=whole_numbers, default=[1, 64, 1000, 10000])
    parser.add_argument("--depths", type=whole_numbers, default=[1, 16])
    parser.add_argument("--formats", type=words, default=["raw", "framed"])
    parser.add_argument("--idle", type=whole_numbers, default=[1000, 10000],
                        help="connections for the table of memory; '' for none")
    parser.add_argument("--servers", type=words, help="only those with one of these in their name")
    parser.add_argument("--json", metavar="FILE")
    parser.add_argument("--build", metavar="FOLDER", type=Path, help="default: a temporary one")
    return parser.parse_args()


def chosen_servers(given):
    return [server for server in all_servers()
            if not given.servers or any(part in server.name for part in given.servers)]


def run(given, folder):
    skipped = Skipped()
    bench = Bench(given, chosen_servers(given), folder, skipped)
    if "load" not in bench.built:
        return 1
    for number in range(given.rounds):
        print(f"round {number + 1} of {given.rounds}", file=sys.stderr)
        bench.round(number)
    print_tables(bench)
    if given.json:
        write_json(bench, given.json)
    return 1 if bench.failures else 0


def main():
    given = parse()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that its processes end as well
    hard_limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard_limit, hard_limit))
    if given.build:
        given.build.mkdir(parents=True, exist_ok=True)
        return run(given, given.build)
    with tempfile.TemporaryDirectory() as folder:
        return run(given, Path(folder))


if __name__ == "__main__":
    sys.exit(main())

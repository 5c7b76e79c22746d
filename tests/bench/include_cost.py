#!/usr/bin/env python3
"""What it costs to compile an echo client: on plain POSIX, with trama, and with Asio.

    python3 tests/bench/include_cost.py                  ten rounds, a Markdown table
    python3 tests/bench/include_cost.py --rounds 30
    python3 tests/bench/include_cost.py --headers        what each standard header of ours costs
    python3 tests/bench/include_cost.py --check          exit 1 above the goals of the project

The programs are in include_cost/. The floor is POSIX + <string>, <vector>, <system_error>: what any
useful wrapper costs. CPU: user + system time of `g++ -std=c++17 -O2 -c`, compiled in turns so that
a busy machine disturbs all alike; the median, and half the distance between the quartiles. Lines:
`g++ -E -P | wc -l`; in brackets without -P, which also counts blank lines and line markers. Memory:
the largest process of the compilation. Program: linked with -O2, then stripped.
"""

import argparse
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
GXX = ["g++", "-std=c++17", "-O2", f"-I{ROOT}/single_include"]

PROGRAMS = {
    "posix": "POSIX",
    "floor": "POSIX + string, vector, system_error: the floor",
    "trama": "trama",
    "framed": "trama, with frames",
    "asio": "Asio",
}
GOALS = {"cpu": 2.5, "lines": 40000}


def compile_cost(source, output):
    """CPU seconds and MiB that compiling `source` takes; None if it does not compile."""
    process = subprocess.Popen([*GXX, "-c", source, "-o", output], stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = status
    if status != 0:
        return None
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024


def in_turns(sources, rounds):
    """{source: [(seconds, MiB), ...]} of those that compile."""
    with tempfile.NamedTemporaryFile(suffix=".o") as output:
        # A first round, not counted: it fills the disk cache and finds what does not compile.
        costs = {source: [] for source in sources if compile_cost(source, output.name)}
        for _ in range(rounds):
            for source, measured in costs.items():
                measured.append(compile_cost(source, output.name))
    return costs


def spread(values):
    quartiles = statistics.quantiles(values, n=4)
    return (quartiles[2] - quartiles[0]) / 2


def preprocessed_lines(source, *flags):
    result = subprocess.run([*GXX, "-E", *flags, source], capture_output=True, check=True)
    return result.stdout.count(b"\n")


def program_kib(source):
    with tempfile.NamedTemporaryFile() as output:
        subprocess.run([*GXX, source, "-o", output.name], check=True)
        subprocess.run(["strip", output.name], check=True)
        return os.path.getsize(output.name) / 1024


def measure(rounds):
    """One dictionary for each program that compiles here."""
    costs = in_turns([str(HERE / "include_cost" / f"{name}.cpp") for name in PROGRAMS], rounds)
    table = {}
    for source, measured in costs.items():
        seconds = [each[0] for each in measured]
        table[Path(source).stem] = {
            "cpu": statistics.median(seconds),
            "spread": spread(seconds),
            "lines": preprocessed_lines(source, "-P"),
            "all_lines": preprocessed_lines(source),
            "memory": statistics.median(each[1] for each in measured),
            "program": program_kib(source),
        }
    return table


def print_programs(table):
    floor = table["floor"]["cpu"]
    print("| echo client | CPU s | to the floor | lines | memory, MiB | program, KiB |\n"
          "|---|---:|---:|---:|---:|---:|")
    for name, row in table.items():
        print(f"| {PROGRAMS[name]} | {row['cpu']:.3f} ± {row['spread']:.3f} "
              f"| {row['cpu'] / floor:.2f} | {row['lines']:,} ({row['all_lines']:,}) "
              f"| {row['memory']:.0f} | {row['program']:.1f} |")
    for name in PROGRAMS.keys() - table.keys():
        print(f"\n{PROGRAMS[name]}: not measured, it does not compile here (not installed?)")


def above_goals(table):
    """Which goals trama misses, as lines of text."""
    ours = dict(table["trama"], cpu=table["trama"]["cpu"] / table["floor"]["cpu"])
    return [f"trama: {what} {ours[what]:,.2f} is above the goal {goal:,}"
            for what, goal in GOALS.items() if ours[what] > goal]


def print_headers(rounds):
    """What each header we include costs alone, and what leaving only it out would save."""
    text = (ROOT / "single_include/trama.hpp").read_text()
    headers = list(dict.fromkeys(re.findall(r"^#include <([^>]+)>", text, re.MULTILINE)))
    with tempfile.TemporaryDirectory() as folder:
        def write(name, included):
            path = Path(folder, name.replace("/", "_") + ".cpp")
            path.write_text("".join(f"#include <{each}>\n" for each in included))
            return str(path)
        nothing, everything = write("nothing", []), write("everything", headers)
        alone = {name: write(f"alone {name}", [name]) for name in headers}
        without = {name: write(f"without {name}", [each for each in headers if each != name])
                   for name in headers}
        costs = in_turns([nothing, everything, *alone.values(), *without.values()], rounds)
        lines = {source: preprocessed_lines(source, "-P") for source in costs}
    seconds = {source: statistics.median(each[0] for each in measured)
               for source, measured in costs.items()}
    print("| header | alone, ms | alone, lines | without it: ms less | lines less |\n"
          "|---|---:|---:|---:|---:|")
    for name in sorted(headers, key=lambda each: -lines[alone[each]]):
        print(f"| `<{name}>` | {1000 * (seconds[alone[name]] - seconds[nothing]):.0f} "
              f"| {lines[alone[name]]:,} "
              f"| {1000 * (seconds[everything] - seconds[without[name]]):.0f} "
              f"| {lines[everything] - lines[without[name]]:,} |")
    print(f"\nAll together: {1000 * (seconds[everything] - seconds[nothing]):.0f} ms, "
          f"{lines[everything]:,} lines.")


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--headers", action="store_true", help="measure our standard headers")
    parser.add_argument("--check", action="store_true", help="exit 1 if a goal is missed")
    given = parser.parse_args()
    if given.headers:
        print_headers(given.rounds)
        return 0
    table = measure(given.rounds)
    print_programs(table)
    missed = above_goals(table)
    print("\n" + ("\n".join(missed) or "trama meets its goals: " + ", ".join(
        f"{what} at most {goal:,}" for what, goal in GOALS.items()) + "."))
    return 1 if missed and given.check else 0


if __name__ == "__main__":
    sys.exit(main())

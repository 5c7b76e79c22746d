#!/usr/bin/env python3
"""Draws what a message costs the server against the number of connections: select, poll, epoll.

    python3 tests/bench/bench_echo/plot.py echo.json > echo.svg     what bench_echo.py --json wrote
    python3 tests/bench/bench_echo/plot.py echo.json --talking all --depth 16 --format framed
    python3 tests/bench/bench_echo/plot.py echo.json --servers "by hand"

Both axes are logarithmic, so a cost that grows with the connections is a straight line, and one
that does not is level. Every colour can be read on white and on black, and every line has a mark of
its own for those who do not see colours.
"""

import argparse
import json
import math
import statistics
import sys
from pathlib import Path

WIDTH, HEIGHT = 720, 440
LEFT, RIGHT, TOP, BOTTOM = 70, 20, 76, 56
GREY = "#7b7b7b"
# In the order in which they are drawn: select often lies on poll, so it is dashed and on top.
COLOURS = {"poll": "#cc6d00", "select": "#a667c9", "epoll": "#0a8f6f"}
DASHES = {"select": "3 6"}
MARKS = {
    "poll": '<path d="M{x:.1f} {y:.1f}m-6 -6h12v12h-12z" fill="{colour}"/>',
    "select": '<path d="M{x:.1f} {y:.1f}m0 -5l5 5l-5 5l-5 -5z" fill="{colour}"/>',
    "epoll": '<circle cx="{x:.1f}" cy="{y:.1f}" r="5.5" fill="{colour}"/>',
}


def points(numbers, backend, given):
    """[(connections, microseconds), ...] of one line, from left to right."""
    found = {}
    for run in numbers["speed"]:
        active = run["connections"] if given.talking == "all" else 1
        if (run["server"] == f"{given.servers}, {backend}" and run["format"] == given.format
                and run["depth"] == given.depth and run["active"] == active):
            found[run["connections"]] = statistics.median(run["cpu_us"])
    return sorted(found.items())


class Axis:
    """A logarithmic scale from a value to a place in the picture."""

    def __init__(self, values, start, end):
        low, high = math.log10(min(values)), math.log10(max(values))
        margin = max(0.08, 0.05 * (high - low))
        self.low, self.high = low - margin, high + margin
        self.start, self.end = start, end

    def place(self, value):
        share = (math.log10(value) - self.low) / (self.high - self.low)
        return self.start + share * (self.end - self.start)

    def ticks(self, steps):
        """`steps` times the powers of ten that are in sight."""
        powers = range(math.floor(self.low), math.ceil(self.high) + 1)
        values = [step * 10.0 ** power for power in powers for step in steps]
        return [value for value in values if self.low <= math.log10(value) <= self.high]


def text(x, y, words, anchor="middle", size=13, more=""):
    return (f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}"'
            f' fill="{GREY}"{more}>{words}</text>')


def grid(across, up):
    """The ticks of both axes, with a thin line each, and what the axes say."""
    for value in across.ticks([1]):
        x = across.place(value)
        yield f'<path d="M{x:.1f} {TOP}V{HEIGHT - BOTTOM}" stroke="{GREY}" stroke-opacity=".25"/>'
        yield text(x, HEIGHT - BOTTOM + 20, f"{value:,.0f}")
    for value in up.ticks([1, 2, 5]):
        y = up.place(value)
        yield f'<path d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}" stroke="{GREY}" stroke-opacity=".25"/>'
        yield text(LEFT - 8, y + 4, f"{value:,g}", "end")
    yield text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 12, "connections")
    middle = (TOP + HEIGHT - BOTTOM) / 2
    yield text(18, middle, "µs of CPU for a message", more=f' transform="rotate(-90 18 {middle})"')


def line(backend, places):
    colour = COLOURS[backend]
    path = "L".join(f"{x:.1f} {y:.1f}" for x, y in places)
    yield (f'<path d="M{path}" fill="none" stroke="{colour}" stroke-width="2.5"'
           f' stroke-dasharray="{DASHES.get(backend, "none")}"/>')
    for x, y in places:
        yield MARKS[backend].format(x=x, y=y, colour=colour)


def legend(backends, servers):
    for i, backend in enumerate(backends):
        x = LEFT + 10 + 90 * i
        yield from line(backend, [(x, TOP - 20)])
        yield text(x + 12, TOP - 15, backend, "start", 14)
    yield text(WIDTH - RIGHT, TOP - 15, servers, "end", 14)


def draw(lines, title, servers):
    """The whole picture as lines of SVG. `lines`: {backend: points}."""
    every = [point for each in lines.values() for point in each]
    across = Axis([connections for connections, _ in every], LEFT, WIDTH - RIGHT)
    up = Axis([cost for _, cost in every], HEIGHT - BOTTOM, TOP)
    yield (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img"'
           f' font-family="system-ui, sans-serif">')
    yield f"<title>{title}</title>"
    yield text(LEFT, 28, title, "start", 16)
    yield from grid(across, up)
    for backend, each in lines.items():
        yield from line(backend, [(across.place(x), up.place(y)) for x, y in each])
    yield from legend(lines, servers)
    yield "</svg>"


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("json", type=Path)
    parser.add_argument("--servers", default="trama", help='or "by hand"')
    parser.add_argument("--talking", choices=["one", "all"], default="one")
    parser.add_argument("--format", choices=["raw", "framed"], default="raw")
    parser.add_argument("--depth", type=int, default=1)
    given = parser.parse_args()
    numbers = json.loads(given.json.read_text())
    lines = {backend: points(numbers, backend, given) for backend in COLOURS}
    lines = {backend: each for backend, each in lines.items() if each}
    if not lines:
        print(f"plot.py: {given.json} has no such runs", file=sys.stderr)
        return 2
    talking = "all connections talk" if given.talking == "all" else "one connection talks"
    print("\n".join(draw(lines, f"What a message costs the server when {talking}",
                         f"{given.servers}, {given.format}, depth {given.depth}")))
    return 0


if __name__ == "__main__":
    sys.exit(main())

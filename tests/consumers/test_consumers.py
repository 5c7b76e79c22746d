#!/usr/bin/env python3
"""The ways to use trama in a program of one's own, each tried in an empty folder.

Run: python3 tests/consumers/test_consumers.py      (with cmake, g++ and, if there, pkg-config)
"""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VERSION = re.search(r'TRAMA_VERSION "([^"]+)"',
                    (ROOT / "include/trama/trama.hpp").read_text())[1]

MAIN = """\
#include <trama/trama.hpp>
#include <iostream>

int main() {
    auto listener = trama::tcp_listener::listen("127.0.0.1", 0);
    auto client = trama::tcp_stream::connect("127.0.0.1", listener.local_endpoint().port());
    client.send_all("hola");
    std::cout << listener.accept().recv_exact(4);
}
"""

PROJECT = """\
cmake_minimum_required(VERSION 3.16)
project(consumer CXX)
%s
add_executable(consumer main.cpp)
target_link_libraries(consumer PRIVATE trama::trama)
"""


class Consumer(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def run_command(self, *command, **more):
        """What a command that must succeed printed."""
        result = subprocess.run([str(word) for word in command], cwd=self.folder, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
        self.assertEqual(result.returncode, 0, result.stdout)
        return result.stdout

    def configure(self, cmake_lines):
        (self.folder / "main.cpp").write_text(MAIN)
        (self.folder / "CMakeLists.txt").write_text(PROJECT % cmake_lines)
        return ["cmake", "-S", ".", "-B", "build"]

    def build_and_run(self, cmake_lines, *flags):
        self.run_command(*self.configure(cmake_lines), *flags)
        self.run_command("cmake", "--build", "build")
        self.assertEqual(self.run_command("build/consumer"), "hola")

    def install(self):
        """Installs into a folder that is then moved, as a package manager does. Its new name."""
        self.run_command("cmake", "-S", ROOT, "-B", "trama", "-DTRAMA_BUILD_TESTS=OFF",
                         "-DTRAMA_BUILD_EXAMPLES=OFF")
        self.run_command("cmake", "--install", "trama", "--prefix", self.folder / "first")
        return (self.folder / "first").rename(self.folder / "prefix")


class AddSubdirectory(Consumer):
    def test_brings_the_library_and_nothing_else(self):
        self.build_and_run(f"add_subdirectory({ROOT} trama)")
        programs = [path for path in (self.folder / "build").rglob("*")
                    if path.is_file() and os.access(path, os.X_OK) and not path.suffix
                    and "CMakeFiles" not in path.parts]
        self.assertEqual([path.name for path in programs], ["consumer"])
        targets = self.run_command("cmake", "--build", "build", "--target", "help")
        self.assertNotRegex(targets, r"trama_tests|examples\.|\btest\b")
        self.run_command("cmake", "--install", "build", "--prefix", self.folder / "prefix")
        self.assertEqual(list((self.folder / "prefix").rglob("*.hpp")), [])

    def test_through_fetch_content(self):
        self.build_and_run("include(FetchContent)\n"
                           f"FetchContent_Declare(trama SOURCE_DIR {ROOT})\n"
                           "FetchContent_MakeAvailable(trama)")


class Installed(Consumer):
    def test_is_found_by_find_package(self):
        prefix = self.install()
        self.build_and_run(f"find_package(trama {VERSION} REQUIRED)",
                           f"-DCMAKE_PREFIX_PATH={prefix}")

    def test_an_older_one_than_asked_for_is_not_found(self):
        prefix = self.install()
        command = self.configure("find_package(trama 99.0 REQUIRED)")
        result = subprocess.run([*command, f"-DCMAKE_PREFIX_PATH={prefix}"], cwd=self.folder,
                                text=True, capture_output=True)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(f"version: {VERSION}", result.stderr)

    def test_every_header_is_there(self):
        def headers(folder):
            return sorted(path.relative_to(folder) for path in folder.rglob("*.hpp"))
        self.assertEqual(headers(self.install() / "include"), headers(ROOT / "include"))

    @unittest.skipUnless(shutil.which("pkg-config"), "pkg-config is not installed")
    def test_is_found_by_pkg_config(self):
        prefix = self.install()
        path = dict(os.environ, PKG_CONFIG_PATH=str(prefix / "share/pkgconfig"))
        version = self.run_command("pkg-config", "--modversion", "trama", env=path)
        self.assertEqual(version.strip(), VERSION)
        flags = self.run_command("pkg-config", "--cflags", "--libs", "trama", env=path)
        (self.folder / "main.cpp").write_text(MAIN)
        self.run_command("g++", "-std=c++17", "main.cpp", *flags.split(), "-o", "consumer")
        self.assertEqual(self.run_command("./consumer"), "hola")


class OneCopiedHeader(Consumer):
    def test_the_first_program_of_the_readme_compiles_with_no_flag_and_no_warning(self):
        program = re.search(r"```cpp\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
        self.assertIn('#include "trama.hpp"', program)
        shutil.copy(ROOT / "single_include/trama.hpp", self.folder)
        (self.folder / "main.cpp").write_text(program)
        self.assertEqual(self.run_command("g++", "main.cpp"), "")


if __name__ == "__main__":
    unittest.main()

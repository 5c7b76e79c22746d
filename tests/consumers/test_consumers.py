#!/usr/bin/env python3
"""The ways to get trama into a program of one's own, each tried from empty folders with spaces in
their names; and the recipes of docs/packaging for tools that cannot be tried here.

Run: python3 tests/consumers/test_consumers.py
    (with cmake, g++ and, as far as they are there, pkg-config, dpkg, git, meson and ninja)
"""

import json
import os
import re
import runpy
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import types
import unittest
from pathlib import Path
from unittest import mock

ROOT = Path(__file__).resolve().parents[2]
RECIPES = ROOT / "docs/packaging"
VERSION = re.search(r'TRAMA_VERSION "([^"]+)"',
                    (ROOT / "include/trama/trama.hpp").read_text())[1]

MAIN = """\
#include <trama.hpp>
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

MESON_PROJECT = """\
project('consumer', 'cpp', default_options: ['cpp_std=c++17'])
executable('consumer', 'main.cpp', dependencies: dependency('trama'))
"""


def temporary_folder(add_cleanup):
    folder = tempfile.TemporaryDirectory(prefix="trama and spaces ")
    add_cleanup(folder.cleanup)
    return Path(folder.name)


def run(folder, *command, **more):
    """What a command that must succeed printed."""
    result = subprocess.run([str(word) for word in command], cwd=folder, text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **more)
    if result.returncode != 0:
        raise AssertionError(f"$ {shlex.join(map(str, command))}\n{result.stdout}")
    return result.stdout


def headers(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.hpp"))


def files(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


HEADERS = sorted(["trama.hpp", *headers(ROOT / "include")])


class Shared:
    """What several tests need, made once: a build of trama, an installation, a second name."""


def setUpModule():
    folder = temporary_folder(unittest.addModuleCleanup)
    Shared.source = folder / "trama from a friend"
    Shared.source.symlink_to(ROOT)
    Shared.build = folder / "build"
    run(folder, "cmake", "-S", ROOT, "-B", Shared.build, "-DTRAMA_BUILD_TESTS=OFF",
        "-DTRAMA_BUILD_EXAMPLES=OFF")
    # Installed into a folder that is then moved, as a package manager does.
    run(folder, "cmake", "--install", Shared.build, "--prefix", folder / "first")
    Shared.prefix = (folder / "first").rename(folder / "moved prefix")


class Consumer(unittest.TestCase):
    def setUp(self):
        self.folder = temporary_folder(self.addCleanup)
        (self.folder / "main.cpp").write_text(MAIN)

    def run_command(self, *command, **more):
        return run(self.folder, *command, **more)

    def configure(self, project):
        (self.folder / "CMakeLists.txt").write_text(project)
        return ["cmake", "-S", ".", "-B", "build"]

    def build_and_run(self, cmake_lines, *flags):
        self.run_command(*self.configure(PROJECT % cmake_lines), *flags)
        self.run_command("cmake", "--build", "build")
        self.assertEqual(self.run_command("build/consumer"), "hola")

    def compile_and_run(self, *flags):
        self.run_command("g++", "-std=c++17", "main.cpp", *flags, "-o", "consumer")
        self.assertEqual(self.run_command("./consumer"), "hola")


class AddSubdirectory(Consumer):
    def test_brings_the_library_and_nothing_else(self):
        self.build_and_run(f'add_subdirectory("{Shared.source}" trama)')
        programs = [path for path in (self.folder / "build").rglob("*")
                    if path.is_file() and os.access(path, os.X_OK) and not path.suffix
                    and "CMakeFiles" not in path.parts]
        self.assertEqual([path.name for path in programs], ["consumer"])
        targets = self.run_command("cmake", "--build", "build", "--target", "help")
        self.assertNotRegex(targets, r"trama_tests|examples\.|\btest\b|\bpackage\b")
        self.run_command("cmake", "--install", "build", "--prefix", self.folder / "prefix")
        self.assertEqual(headers(self.folder / "prefix"), [])

    def test_through_fetch_content(self):
        self.build_and_run("include(FetchContent)\n"
                           f'FetchContent_Declare(trama SOURCE_DIR "{Shared.source}")\n'
                           "FetchContent_MakeAvailable(trama)")


class Installed(Consumer):
    def test_is_found_by_find_package(self):
        self.build_and_run(f"find_package(trama {VERSION} REQUIRED)",
                           f"-DCMAKE_PREFIX_PATH={Shared.prefix}")

    def test_an_older_one_than_asked_for_is_not_found(self):
        command = self.configure("cmake_minimum_required(VERSION 3.16)\nproject(consumer NONE)\n"
                                 "find_package(trama 99.0 REQUIRED)\n")
        result = subprocess.run([*command, f"-DCMAKE_PREFIX_PATH={Shared.prefix}"],
                                cwd=self.folder, text=True, capture_output=True)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(f"version: {VERSION}", result.stderr)

    def test_every_header_is_there_and_the_single_one_beside_them(self):
        self.assertEqual(headers(Shared.prefix / "include"), HEADERS)

    def test_goes_where_the_variables_of_gnuinstalldirs_say(self):
        self.run_command("cmake", "-S", ROOT, "-B", "build", "-DTRAMA_BUILD_TESTS=OFF",
                         "-DTRAMA_BUILD_EXAMPLES=OFF", "-DCMAKE_INSTALL_INCLUDEDIR=some/headers",
                         "-DCMAKE_INSTALL_DATADIR=data")
        prefix = self.folder / "prefix"
        self.run_command("cmake", "--install", "build", "--prefix", prefix)
        self.assertEqual(headers(prefix / "some/headers"), HEADERS)
        self.assertEqual(files(prefix / "data"), [
            "cmake/trama/trama-config-version.cmake", "cmake/trama/trama-config.cmake",
            "pkgconfig/trama.pc"])
        self.assertIn("/some/headers", (prefix / "data/cmake/trama/trama-config.cmake").read_text())
        self.assertIn("${pcfiledir}/../../some/headers\n",
                      (prefix / "data/pkgconfig/trama.pc").read_text())

    @unittest.skipUnless(shutil.which("pkg-config"), "pkg-config is not installed")
    def test_is_found_by_pkg_config(self):
        path = dict(os.environ, PKG_CONFIG_PATH=str(Shared.prefix / "share/pkgconfig"))
        version = self.run_command("pkg-config", "--modversion", "trama", env=path)
        self.assertEqual(version.strip(), VERSION)
        flags = self.run_command("pkg-config", "--cflags", "--libs", "trama", env=path)
        self.compile_and_run(*shlex.split(flags))


class Package(Consumer):
    """What cpack makes."""

    @classmethod
    def setUpClass(cls):
        run(Shared.build, "cpack")

    @unittest.skipUnless(shutil.which("dpkg"), "dpkg is not installed")
    def test_deb_is_installed_used_and_removed_and_leaves_nothing(self):
        deb = Shared.build / f"libtrama-dev_{VERSION}_all.deb"
        described = self.run_command("dpkg-deb", "--field", deb)
        self.assertIn("Architecture: all", described)
        self.assertIn("Maintainer: the trama authors", described)
        self.assertIn("Description: POSIX sockets", described)
        self.assertNotIn("Depends", described)

        system = self.folder / "system"
        for name in ("updates", "info", "triggers"):
            (system / "var/lib/dpkg" / name).mkdir(parents=True)
        (system / "var/lib/dpkg/status").touch()
        dpkg = ["dpkg", f"--root={system}", f"--log={self.folder}/log", "--force-not-root"]
        # It insists on programs of /sbin, which a user who is not root may not have in $PATH.
        path = dict(os.environ, PATH=os.environ["PATH"] + ":/usr/sbin:/sbin")
        self.run_command(*dpkg, "--install", deb, env=path)
        self.assertEqual(files(system / "usr"), files(Shared.prefix))
        self.compile_and_run(f"-I{system}/usr/include")
        self.run_command(*dpkg, "--remove", "libtrama-dev", env=path)
        self.assertEqual([path.name for path in system.iterdir()], ["var"])

    def test_tar_has_the_files_of_an_installation_in_one_folder(self):
        folder = f"trama-{VERSION}-all"
        with tarfile.open(Shared.build / f"{folder}.tar.gz") as archive:
            found = sorted(each.name for each in archive if each.isfile())
        self.assertEqual(found, [f"{folder}/{name}" for name in files(Shared.prefix)])


class Meson(Consumer):
    @unittest.skipUnless(shutil.which("meson") and shutil.which("ninja") and shutil.which("git"),
                         "meson, ninja or git is not installed")
    def test_gets_it_through_the_wrap_file(self):
        origin = self.folder / "origin"
        for name in ("include", "single_include"):
            shutil.copytree(ROOT / name, origin / name)
        for command in (["init", "--quiet"], ["add", "."], ["-c", "user.name=trama", "-c",
                        "user.email=trama@localhost", "commit", "--quiet", "--message=all"],
                        ["tag", f"v{VERSION}"]):
            run(origin, "git", *command)
        shutil.copytree(RECIPES / "meson", self.folder / "subprojects")
        wrap = self.folder / "subprojects/trama.wrap"
        wrap.write_text(re.sub("url = .*", f"url = {origin}", wrap.read_text()))
        (self.folder / "meson.build").write_text(MESON_PROJECT)
        self.run_command("meson", "setup", "build")
        self.run_command("ninja", "-C", "build")
        self.assertEqual(self.run_command("build/consumer"), "hola")


class SeveralConfigurations(unittest.TestCase):
    @unittest.skipUnless(shutil.which("ninja"), "ninja is not installed")
    def test_have_their_programs_in_the_one_place_where_tests_and_pages_look(self):
        folder = temporary_folder(self.addCleanup)
        run(folder, "cmake", "-S", ROOT, "-B", "build", "-G", "Ninja Multi-Config",
            "-DTRAMA_BUILD_TESTS=OFF")
        for name in ("Debug", "Release"):
            targets = run(folder / "build", "ninja", "-f", f"build-{name}.ninja", "-t", "targets",
                          "all")
            self.assertIn("\nexamples/00_start/first_frames: ", targets)


class OneCopiedHeader(Consumer):
    def test_the_first_program_of_the_readme_compiles_with_no_flag_and_no_warning(self):
        program = re.search(r"```cpp\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)[1]
        self.assertIn('#include "trama.hpp"', program)
        shutil.copy(ROOT / "single_include/trama.hpp", self.folder)
        (self.folder / "main.cpp").write_text(program)
        self.assertEqual(self.run_command("g++", "main.cpp"), "")


class Recipes(unittest.TestCase):
    """docs/packaging: what can be known of a recipe without its tool."""

    def setUp(self):
        self.folder = temporary_folder(self.addCleanup)

    def test_each_has_the_version_of_the_library_and_so_have_the_pages(self):
        deb, found = f"libtrama-dev_{VERSION}_all.deb", VERSION.rpartition(".")[0]
        for name, line in (("../../README.md", deb), ("README.md", deb),
                           ("../../README.md", f"find_package(trama {found} REQUIRED)"),
                           ("README.md", f"find_package(trama {found} REQUIRED)"),
                           ("README.md", f"trama-{VERSION}-all.tar.gz"),
                           ("README.md", f"trama/{VERSION}"),
                           ("meson/trama.wrap", f"revision = v{VERSION}\n"),
                           ("meson/packagefiles/trama/meson.build", f"version: '{VERSION}'"),
                           ("conan/conanfile.py", f'version = "{VERSION}"\n'),
                           ("vcpkg/trama/vcpkg.json", f'"version": "{VERSION}"'),
                           ("bazel/MODULE.bazel", f'name = "trama", version = "{VERSION}"')):
            with self.subTest(name):
                self.assertIn(line, (RECIPES / name).read_text())

    def test_conan_packages_what_an_installation_has(self):
        def copy(_, pattern, source, target):
            for path in Path(source).rglob(pattern):
                place = Path(target, path.relative_to(source))
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, place)
        conan = {"conan": types.SimpleNamespace(ConanFile=object), "conan.tools": None,
                 "conan.tools.files": types.SimpleNamespace(copy=copy)}
        with mock.patch.dict(sys.modules, conan):
            recipe = runpy.run_path(str(RECIPES / "conan/conanfile.py"))["Trama"]()
        recipe.recipe_folder = str(RECIPES / "conan")
        recipe.export_sources_folder = recipe.source_folder = str(self.folder / "source")
        recipe.package_folder = str(self.folder / "package")
        recipe.cpp_info = types.SimpleNamespace()
        recipe.export_sources()
        recipe.package()
        recipe.package_info()
        self.assertEqual(headers(self.folder / "package/include"), HEADERS)
        self.assertTrue((self.folder / "package/licenses/LICENSE").is_file())

    def test_vcpkg_builds_this_checkout_and_knows_where_the_package_file_is(self):
        self.assertEqual(json.loads((RECIPES / "vcpkg/trama/vcpkg.json").read_text())["name"],
                         "trama")
        calls = ("vcpkg_cmake_configure", "vcpkg_cmake_install", "vcpkg_cmake_config_fixup",
                 "vcpkg_fixup_pkgconfig", "vcpkg_install_copyright")
        script = "".join(f'function({name})\n    message("{name} ${{ARGN}}")\nendfunction()\n'
                         for name in calls)
        (self.folder / "stubs.cmake").write_text(
            script + 'include("${CURRENT_PORT_DIR}/portfile.cmake")\n')
        printed = run(self.folder, "cmake", f"-DCURRENT_PORT_DIR={RECIPES}/vcpkg/trama",
                      f"-DCURRENT_PACKAGES_DIR={self.folder}/package", "-P", "stubs.cmake")
        self.assertEqual(re.findall(r"^vcpkg_\w+", printed, re.MULTILINE), list(calls))
        self.assertIn(f"SOURCE_PATH;{ROOT};", printed)
        self.assertIn(f"FILE_LIST;{ROOT}/LICENSE\n", printed)
        path = re.search(r"CONFIG_PATH;(\S+)", printed)[1]
        self.assertTrue((Shared.prefix / path / "trama-config.cmake").is_file())

    def test_bazel_names_every_header(self):
        made = []
        names = {"load": lambda *_: None, "cc_library": lambda **rule: made.append(rule),
                 "glob": lambda patterns: [path for each in patterns for path in ROOT.glob(each)],
                 "module": lambda **_: None, "bazel_dep": lambda **_: None}
        for name in ("MODULE.bazel", "BUILD.bazel"):
            exec((RECIPES / "bazel" / name).read_text(), dict(names))
        rule = made[0]
        found = [path.relative_to(ROOT / folder) for path in rule["hdrs"]
                 for folder in rule["includes"] if ROOT / folder in path.parents]
        self.assertEqual(sorted(map(str, found)), HEADERS)


if __name__ == "__main__":
    unittest.main()

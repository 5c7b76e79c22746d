#!/usr/bin/env python3
"""What must be true of the headers themselves: layers, budgets, and what compiles and what not.

Run: python3 tests/headers/test_headers.py      (with g++ and clang++, whichever are installed)
"""

import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include"
UMBRELLA = "trama/trama.hpp"
TEXTS = {str(path.relative_to(INCLUDE)): path.read_text()
         for path in sorted(INCLUDE.rglob("*.hpp"))}

# Layers by folder, lowest first. A header includes headers of its own row and of rows above it in
# this list, and the next table takes away what would be legal but is not wanted.
LAYERS = [
    r"base/",
    r"codec/",
    r"net/",
    r"ready/",
    r"file/",
    r"message/",
    r"trama\.hpp",
]
FORBIDDEN = [
    (r"(base|net|ready|file)/", r"codec/"),
    (r"(net|file)/", r"ready/"),
]
# Each of these costs every program that includes trama more to compile than it saves us.
COSTLY = {"iostream", "functional", "regex", "filesystem", "thread", "mutex", "memory", "map",
          "limits", "future", "sstream", "iomanip", "condition_variable", "unordered_map"}

# What else has braces; its own functions are counted one by one.
NO_FUNCTION = re.compile(r"\s*(template <.*>\s+)?(inline )?(namespace|class|struct|enum)\b")

STRICT = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wconversion", "-Wsign-conversion",
          "-Wold-style-cast", "-Wnull-dereference", "-Werror"]
COMPILERS = [name for name in ("g++", "clang++") if shutil.which(name)]
SINGLE = f"-I{ROOT}/single_include"


def includes(name):
    """All that a header includes, in order, as it is written between < and >."""
    return re.findall(r"^\s*#\s*include\s*<([^>]+)>", TEXTS[name], re.MULTILINE)


def own_includes(name):
    return [each for each in includes(name) if each.startswith("trama/")]


def system_includes(name):
    return [each for each in includes(name) if not each.startswith("trama/")]


def short(name):
    return name[len("trama/"):]


def guard(name):
    """The macro of its include guard: TRAMA_NET_TCP_HPP for trama/net/tcp.hpp."""
    return "TRAMA_HPP" if name == UMBRELLA else re.sub(r"\W", "_", name).upper()


def lines_of(name):
    """Its lines of code and comment, without blank ones. The include guard counts as one line."""
    return sum(1 for line in TEXTS[name].splitlines()
               if line.strip() and not re.match(rf"#(define|endif  //) {guard(name)}$", line))


def layer(name):
    return next(i for i, pattern in enumerate(LAYERS) if re.match(pattern, short(name)))


def too_long_functions(text, most=40):
    """The first line of every function with more lines than that, its signature included."""
    found, first = [], 0
    lines = [re.sub(r"\s*//.*", "", line) for line in text.splitlines()]
    for number, line in enumerate(lines):
        if line.endswith("{") and not NO_FUNCTION.match(" ".join(lines[first:number + 1])):
            # clang-format puts the closing brace below the first letter of the first line.
            closing = re.match(" *", lines[first])[0] + "}"
            end = next(i for i in range(number, len(lines)) if lines[i].startswith(closing))
            if end - first + 1 > most:
                found.append(first + 1)
        if not line or line[-1] in ";{}:" or line.startswith("#"):
            first = number + 1  # the next line begins a statement
    return found


def compile_text(compiler, text, *flags):
    """Checks the syntax of `text`; the result's stderr is what a beginner would see."""
    command = [compiler, *flags, "-fsyntax-only", "-x", "c++", "-"]
    # The words of compiler messages depend on the language of the terminal.
    environment = dict(os.environ, LC_ALL="C")
    return subprocess.run(command, input=text, text=True, capture_output=True, env=environment)


def in_main(statements, header="trama.hpp"):
    return f'#include "{header}"\n#include <utility>\nint main() {{\n    {statements}\n}}\n'


class Layers(unittest.TestCase):
    def test_every_header_has_a_layer(self):
        for name in TEXTS:
            self.assertTrue(any(re.match(each, short(name)) for each in LAYERS), name)

    def test_a_header_includes_lower_layers_only(self):
        for name in TEXTS:
            for other in own_includes(name):
                self.assertLessEqual(layer(other), layer(name), f"{name} includes {other}")

    def test_no_header_includes_itself_by_a_detour(self):
        def visit(name, path):
            self.assertNotIn(name, path, f"a cycle: {path}")
            for other in own_includes(name):
                visit(other, path + [name])
        for name in TEXTS:
            visit(name, [])

    def test_sockets_know_nothing_of_frames(self):
        for name in TEXTS:
            for here, unwanted in FORBIDDEN:
                for other in own_includes(name) if re.match(here, short(name)) else []:
                    self.assertIsNone(re.match(unwanted, short(other)), f"{name}: {other}")

    def test_a_codec_needs_no_system_header(self):
        for name in TEXTS:
            for other in system_includes(name) if short(name).startswith("codec/") else []:
                self.assertNotRegex(other, r"[./]", f"{name} is to be pure C++")

    def test_systems_differ_in_one_header(self):
        # The umbrella leaves out what needs Linux as a whole.
        allowed = {"base/system.hpp", "ready/epoll_selector.hpp", "net/tcp_info.hpp", "trama.hpp"}
        different = re.compile(r"__linux__|__APPLE__|SO_NOSIGPIPE|MSG_NOSIGNAL|SOCK_(CLOEXEC|NON)|"
                               r"accept4|pipe2|RENAME_NOREPLACE|::fsync|TRAMA_PLAIN_POSIX")
        found = {short(name) for name, text in TEXTS.items() if different.search(text)}
        self.assertLessEqual(found, allowed)

    def test_programs_use_what_only_linux_has_behind_a_condition(self):
        only_linux = re.compile(r"\b(SOCK_CLOEXEC|SOCK_NONBLOCK|(accept4|pipe2|ppoll|prctl)\(|"
                                r"st_mtim\b|SYS_\w+|AF_NETLINK|trama::epoll_selector)")
        for path in sorted((ROOT / "examples").rglob("*.[ch]pp")):
            text = path.read_text()
            is_device = path.name.startswith("badlink_")  # badlink.cpp has the condition for them
            found = only_linux.search(re.sub(r"//.*", "", text))
            if found and not is_device:
                self.assertTrue("__linux__" in text, f"{path} uses {found[0]}")

    def test_the_umbrella_includes_every_header_in_reading_order(self):
        order = own_includes(UMBRELLA)
        self.assertEqual(sorted(order), sorted(set(TEXTS) - {UMBRELLA}))
        for name in order:
            for other in own_includes(name):
                self.assertLess(order.index(other), order.index(name), f"{name} before {other}")

    def test_no_header_includes_a_costly_standard_header(self):
        for name in TEXTS:
            self.assertEqual(COSTLY.intersection(system_includes(name)), set(), name)

    def test_every_header_has_a_guard_with_its_path_as_the_name(self):
        for name, text in TEXTS.items():
            code = [line for line in text.splitlines() if not line.startswith("//")]
            macro = guard(name)
            with self.subTest(name):
                self.assertEqual(code[:2], [f"#ifndef {macro}", f"#define {macro}"])
                self.assertEqual(code[-1], f"#endif  // {macro}")

    def test_the_version_as_text_and_as_numbers_is_the_same(self):
        text = TEXTS[UMBRELLA]
        numbers = [re.search(rf"#define TRAMA_VERSION_{part} (\d+)\n", text)[1]
                   for part in ("MAJOR", "MINOR", "PATCH")]
        self.assertIn(f'#define TRAMA_VERSION "{".".join(numbers)}"\n', text)

    def test_quotes_are_for_files_beside_the_program(self):
        for name, text in TEXTS.items():
            self.assertNotIn('#include "', text, name)


class Budgets(unittest.TestCase):
    def test_the_library_has_at_most_3930_lines_of_code_and_comment(self):
        self.assertLessEqual(sum(map(lines_of, TEXTS)), 3930)

    def test_the_server_has_at_most_680_lines(self):
        parts = [name for name in TEXTS if re.search(r"message/(callback|message_)", name)]
        self.assertEqual(len(parts), 3)
        self.assertLessEqual(sum(map(lines_of, parts)), 680)

    def test_a_header_has_at_most_200_lines_of_code_and_comment(self):
        # The loop of the server, and its client, are whole in one place.
        large = {"message/message_server.hpp": 380, "message/message_client.hpp": 255,
                 "net/socket.hpp": 210}
        for name in TEXTS:
            with self.subTest(name):
                self.assertLessEqual(lines_of(name), large.get(short(name), 200))

    def test_no_compiler_tricks(self):
        found = [(short(name), match) for name, text in TEXTS.items()
                 for match in re.findall(r"gnu::\w+|\basm\b|__attribute__|#pragma (?!once).*", text)]
        self.assertEqual(sorted(found), [
            ("base/text.hpp", "gnu::__cold__"), ("base/text.hpp", "gnu::__cold__"),
            ("base/text.hpp", "gnu::__format__"),
            ("trama.hpp", "#pragma GCC visibility pop"),
            ("trama.hpp", "#pragma GCC visibility push(default)")])

    def test_a_line_has_at_most_100_columns(self):
        for name, text in TEXTS.items():
            for number, line in enumerate(text.splitlines(), 1):
                self.assertLessEqual(len(line), 100, f"{name}:{number}")

    def test_a_function_has_at_most_40_lines(self):
        for name, text in TEXTS.items():
            self.assertEqual(too_long_functions(text), [], name)

    def test_a_function_of_40_lines_is_accepted_and_one_of_41_refused(self):
        for signature in ("    void f() {", "void f(int a,\n       int b) {",
                          "    explicit f(int a)\n        : a_(a) {",
                          "template <typename T>\nvoid f() noexcept {"):
            indent = signature[:len(signature) - len(signature.lstrip())]
            block = [f"{indent}    if (a) {{", f"{indent}        return;", f"{indent}    }}"]
            for length, refused in ((40, []), (41, [4])):
                rest = [f"{indent}    ++a;"] * (length - len(signature.split("\n")) - 4)
                text = "\n".join(["class other {", "    int a = 0;", "};", signature, *block, *rest,
                                  indent + "}", "", "void g();"])
                with self.subTest(signature, length=length):
                    self.assertEqual(too_long_functions(text), refused)


class Compiles(unittest.TestCase):
    def test_every_header_compiles_alone_with_every_warning_an_error(self):
        self.assertTrue(COMPILERS, "neither g++ nor clang++ is installed")
        jobs = [(compiler, name) for name in TEXTS for compiler in COMPILERS]

        def run(job):
            compiler, name = job
            only_gcc = ["-Wuseless-cast", "-Wlogical-op"] if compiler == "g++" else []
            return compile_text(compiler, f"#include <{name}>\n", "-std=c++17", *STRICT,
                                *only_gcc, f"-I{INCLUDE}")
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for job, result in zip(jobs, pool.map(run, jobs)):
                with self.subTest(job):
                    self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_two_source_files_that_include_everything_link_together(self):
        for flag in (f"-I{INCLUDE}/trama", SINGLE):
            with self.subTest(flag), tempfile.TemporaryDirectory() as folder:
                include = '#include "trama.hpp"\n'
                Path(folder, "one.cpp").write_text(
                    include + "const char* two();\nint main() { return two() == nullptr; }\n")
                Path(folder, "two.cpp").write_text(
                    include + "const char* two() { return TRAMA_VERSION; }\n")
                command = [COMPILERS[0], "-std=c++17", flag, f"-I{INCLUDE}", "one.cpp", "two.cpp",
                           "-o", "program"]
                result = subprocess.run(command, cwd=folder, text=True, capture_output=True)
                self.assertEqual((result.returncode, result.stderr), (0, ""))
                self.assertEqual(subprocess.run([f"{folder}/program"]).returncode, 0)


class BothForms(unittest.TestCase):
    """The single header and the headers of include/trama/ in one program, in any order."""
    FLAGS = ["-std=c++17", *STRICT, SINGLE, f"-I{INCLUDE}"]

    def includes_compile(self, *names):
        text = "".join(f"#include <{name}>\n" for name in names)
        result = compile_text(COMPILERS[0], text, *self.FLAGS)
        self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_first_the_single_header_and_then_each_of_the_others(self):
        self.includes_compile("trama.hpp", *TEXTS)

    def test_first_the_umbrella_and_then_the_single_header(self):
        self.includes_compile(UMBRELLA, "trama.hpp")

    def test_first_some_headers_then_the_single_one_and_then_the_rest(self):
        self.includes_compile("trama/net/tcp.hpp", "trama/codec/line.hpp", "trama.hpp", *TEXTS)

    def test_one_in_one_source_file_and_the_other_in_another_link_together(self):
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "one.cpp").write_text(
                "#include <trama.hpp>\nint port(trama::endpoint at);\n"
                "int main() { return port(trama::endpoint()); }\n")
            Path(folder, "two.cpp").write_text(
                "#include <trama/trama.hpp>\n"
                "int port(trama::endpoint at) { return at.port(); }\n")
            command = [COMPILERS[0], *self.FLAGS, "one.cpp", "two.cpp", "-o", "program"]
            result = subprocess.run(command, cwd=folder, text=True, capture_output=True)
            self.assertEqual((result.returncode, result.stderr), (0, ""))
            self.assertEqual(subprocess.run([f"{folder}/program"]).returncode, 0)


# Macros that other headers and other people's programs define: curses, Qt, Boost, Windows' habits.
FOREIGN_MACROS = """
#define check(x) (x)
#define forever for (;;)
#define timeout(d) wtimeout(0, d)
#define max(a, b) ((a) > (b) ? (a) : (b))
#define min(a, b) ((a) < (b) ? (a) : (b))
#define trace(...) printf(__VA_ARGS__)
#define cold
#define noinline
#define foreach(a, b) for (a : b)
#define emit
#define slots
#define signals public
"""

# A student's file: everything of std and of trama, and names of its own that trama uses inside.
STUDENT = """
#include "trama.hpp"
#include <chrono>
#include <iostream>
#include <map>
#include <string>
#include <vector>
using namespace std;
using namespace trama;
using namespace std::chrono_literals;
namespace detail { inline int helper() { return 1; } }
inline int check(int value) { return value; }
inline int index(int value, int) { return value; }
struct client { string name; };
int main() {
    map<endpoint, int> seen;
    auto listener = tcp_listener::listen("127.0.0.1", 0);
    const auto port = to_string(listener.local_endpoint().port());
    auto peer = tcp_stream::connect("127.0.0.1", port);
    peer.set_timeout(5s);
    seen[peer.remote_endpoint()] = detail::helper();
    framed_stream<any_line> framed(listener.accept());
    framed.send_frame("hola");
    cout << peer.recv_exact(5) << seen.size() << check(1) << index(2, 0) << endl;
}
"""


def standard_libraries(compiler):
    """The flags of each C++ library that `compiler` finds."""
    libcxx = compile_text(compiler, "#include <string>\n", "-stdlib=libc++")
    return [[], ["-stdlib=libc++"]] if libcxx.returncode == 0 else [[]]


class OtherPeoplesNames(unittest.TestCase):
    """The header beside the macros and the names of others."""

    def accept(self, text, *flags):
        for compiler in COMPILERS:
            for library in standard_libraries(compiler):
                with self.subTest(compiler=compiler, library=library):
                    result = compile_text(compiler, text, "-std=c++17", "-Wall", "-Wextra",
                                          "-Werror", SINGLE, *library, *flags)
                    self.assertEqual((result.returncode, result.stderr), (0, ""))

    def test_macros_of_others_may_stand_before_the_header(self):
        self.accept(FOREIGN_MACROS + in_main("return 0;"))

    def test_a_name_that_a_macro_has_replaced_would_be_noticed(self):
        result = compile_text(COMPILERS[0], "#define send_frame(a) a a\n" + in_main("return 0;"),
                              "-std=c++17", SINGLE)
        self.assertNotEqual(result.returncode, 0)

    def test_the_macros_of_curses_may_stand_before_the_header(self):
        curses = "#include <ncurses.h>\n"
        if compile_text(COMPILERS[0], curses).returncode != 0:
            self.skipTest("ncurses is not installed")
        self.accept(curses + in_main("trama::selector ready; ready.wait(trama::duration(0));"))

    def test_the_macros_of_qt_may_stand_before_the_header(self):
        flags = subprocess.run(["pkg-config", "--cflags", "Qt5Core"], capture_output=True,
                               text=True).stdout.split() if shutil.which("pkg-config") else []
        if not flags:
            self.skipTest("Qt is not installed")
        self.accept("#include <QtCore/QtCore>\n" + in_main("trama::selector ready;"), "-fPIC",
                    *[flag.replace("-I", "-isystem") for flag in flags])

    def test_a_student_may_use_both_namespaces_and_names_of_his_own(self):
        self.accept(STUDENT)

    def test_what_the_student_wrote_runs(self):
        for compiler in COMPILERS:
            with self.subTest(compiler), tempfile.TemporaryDirectory() as folder:
                Path(folder, "main.cpp").write_text(STUDENT)
                subprocess.run([compiler, "-std=c++17", SINGLE, "main.cpp", "-o", "main"],
                               cwd=folder, check=True)
                done = subprocess.run([f"{folder}/main"], capture_output=True, text=True,
                                      timeout=60)
                self.assertEqual((done.returncode, done.stdout), (0, "hola\n112\n"))


class DoesNotCompile(unittest.TestCase):
    def refuse(self, wrong, right, message):
        """`wrong` is refused with `message`; `right`, which differs in that one thing, is fine."""
        for compiler in COMPILERS:
            with self.subTest(compiler):
                accepted = compile_text(compiler, in_main(right), "-std=c++17", SINGLE)
                self.assertEqual(accepted.returncode, 0, accepted.stderr)
                refused = compile_text(compiler, in_main(wrong), "-std=c++17", SINGLE)
                self.assertEqual(refused.returncode, 1)
                self.assertRegex(refused.stderr, message)

    def test_a_connection_has_one_owner(self):
        self.refuse("trama::tcp_stream one; trama::tcp_stream two = one;",
                    "trama::tcp_stream one; trama::tcp_stream two = std::move(one);",
                    r"error: .*deleted.*tcp_stream")

    def test_a_listener_has_one_owner(self):
        start = 'trama::tcp_listener one = trama::tcp_listener::listen("::", 0);'
        self.refuse(f"{start} trama::tcp_listener two = one;",
                    f"{start} trama::tcp_listener two = std::move(one);",
                    r"error: .*deleted.*tcp_listener")

    def test_a_length_takes_1_2_4_or_8_bytes(self):
        self.refuse("trama::length_prefix<3>::scan({});", "trama::length_prefix<4>::scan({});",
                    "the length takes 1, 2, 4 or 8 bytes")

    def test_a_descriptor_does_not_become_a_stream_unasked(self):
        self.refuse("trama::tcp_stream one = 3;",
                    "trama::tcp_stream one{trama::unique_fd(3)};", "error: ")

    def test_a_time_has_a_unit(self):
        self.refuse("trama::tcp_stream one; one.set_timeout(5);",
                    "trama::tcp_stream one; one.set_timeout(std::chrono::seconds(5));",
                    r"error: .*duration")

    def test_an_old_language_standard_is_one_error_that_says_what_to_type(self):
        text = '#include "trama.hpp"\nint main() {}\n'
        for compiler in COMPILERS:
            for flags in ([SINGLE], [f"-I{INCLUDE}/trama", f"-I{INCLUDE}"]):
                with self.subTest(compiler=compiler, flags=flags):
                    result = compile_text(compiler, text, "-std=c++14", *flags)
                    errors = re.findall(r"error: .*", result.stderr)
                    self.assertEqual(len(errors), 1, result.stderr)
                    self.assertIn("-std=c++17", errors[0])

    def test_no_exceptions_is_one_error_that_says_what_to_change(self):
        text = '#include "trama.hpp"\nint main() {}\n'
        for compiler in COMPILERS:
            for flags in ([SINGLE], [f"-I{INCLUDE}/trama", f"-I{INCLUDE}"]):
                with self.subTest(compiler=compiler, flags=flags):
                    result = compile_text(compiler, text, "-std=c++17", "-fno-exceptions", *flags)
                    errors = re.findall(r"error: .*", result.stderr)
                    self.assertEqual(len(errors), 1, result.stderr)
                    self.assertIn("without  -fno-exceptions", errors[0])


class Mistakes(unittest.TestCase):
    """A beginner's mistake is told in lines he can count. g++ 12 needs the number in brackets."""

    def lines(self, statements):
        if "g++" not in COMPILERS:
            self.skipTest("g++ is not installed")
        result = compile_text("g++", in_main(statements), "-std=c++17", SINGLE)
        self.assertEqual(result.returncode, 1)
        return len(result.stderr.splitlines())

    def test_the_host_was_forgotten(self):  # [9]
        self.assertLessEqual(self.lines("trama::tcp_listener::listen(5000);"), 12)

    def test_a_number_is_not_bytes(self):  # [13]
        self.assertLessEqual(self.lines("trama::tcp_stream one; one.send_all(42);"), 16)

    def test_a_stream_was_copied(self):  # [16]
        self.assertLessEqual(self.lines("trama::tcp_stream one; auto two = one;"), 24)

    def test_a_size_was_forgotten(self):  # [17]
        self.assertLessEqual(self.lines("trama::tcp_stream one; one.recv_some();"), 22)

    def test_a_time_without_a_unit(self):  # [10]
        self.assertLessEqual(self.lines("trama::tcp_stream one; one.set_timeout(5);"), 13)

    def test_the_codec_was_forgotten(self):  # [20]
        self.assertLessEqual(self.lines("trama::framed_stream one{trama::tcp_stream()};"), 24)


# One call of each kind that is made once for a connection, or that comes to a wait.
SELDOM = """
connect     stream = trama::tcp_stream::connect("a", 1);
listen      listener = trama::tcp_listener::listen("a", 1);
accept      stream = listener.accept();
linger      stream.close_lingering();
local       sum += listener.local_endpoint().port();
to_string   sum += stream.remote_endpoint().to_string().size();
address     sum += stream.remote_endpoint().address().size();
resolve     sum += trama::resolve("a", 1).size();
preferred   sum += trama::preferred(trama::resolve("a", 1)).port();
option      stream.set_no_delay(true);
flags       stream.set_non_blocking(true);
shutdown    stream.shutdown_send();
udp_bind    udp = trama::udp_socket::bind("a", 1);
udp_connect udp = trama::udp_socket::connect("a", 1);
udp_receive sum += udp.recv_from().bytes.size();
udp_send    udp.send("x");
send        stream.send_all("x");
receive     sum += stream.recv_exact(5).size() + stream.recv_some(5).size();
selector    trama::selector ready; ready.add(1, trama::interest::read); ready.wait();
stop        trama::stop_signal stop; stop.catch_signals();
server      trama::message_server<trama::lf_line> server("a", 1); server.run();
file        trama::atomic_file file(trama::folder("."), "x");
send_file   trama::send_file(stream, 3, 0, 10);
"""


class MachineCode(unittest.TestCase):
    """What g++ -O2 makes of it. Code "for what is unlikely" is compiled to be small, not fast."""

    def calls(self, included=""):
        """Where g++ puts what follows each of the calls above: {name: {section, ...}}."""
        if "g++" not in COMPILERS:
            self.skipTest("g++ is not installed")
        text = f'#include "trama.hpp"\n{included}\nextern std::size_t sum;\n'
        for line in SELDOM.strip().splitlines():
            name, call = line.split(maxsplit=1)
            text += (f'extern "C" void after_{name}();\nvoid {name}_often(int times, '
                     "trama::tcp_stream& stream, trama::tcp_listener& listener, "
                     "trama::udp_socket& udp) {\n    for (; times > 0; --times) {\n"
                     "        static_cast<void>(stream), static_cast<void>(listener), "
                     f"static_cast<void>(udp);\n        {call}\n        after_{name}();\n"
                     "    }\n}\n")
        with tempfile.NamedTemporaryFile("w", suffix=".cpp") as source:
            source.write(text)
            source.flush()
            made = subprocess.run(["g++", "-std=c++17", "-O2", SINGLE, "-S", "-o", "-",
                                   source.name], capture_output=True, text=True, check=True)
        sections, section = {}, ".text"
        for line in made.stdout.splitlines():
            start = re.match(r"\s+(?:\.section\s+)?(\.text[\w.]*)", line)
            section = start.group(1) if start else section
            found = re.search(r"\bafter_(\w+)", line)
            if found and not line.lstrip().startswith("."):
                sections.setdefault(found.group(1), set()).add(section)
        return sections

    def test_no_call_makes_the_code_of_the_program_around_it_unlikely(self):
        sections = self.calls()
        self.assertEqual(len(sections), len(SELDOM.strip().splitlines()))
        for name, found in sections.items():
            with self.subTest(name):
                self.assertEqual([each for each in found if "unlikely" in each], [])

    def test_a_function_that_is_cold_itself_would(self):
        cold = "[[gnu::cold]] void rare();\n#define wait() wait(); rare()"
        self.assertIn(".text.unlikely", self.calls(cold)["selector"])


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Tests of docs/docs.py: small projects in a temporary folder, with tiny servers as programs.

Run: python3 tests/docs/test_docs_tool.py
"""
import os
import re
import select
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "examples"))
import programs

TOOL = ROOT / "docs" / "docs.py"
PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
NAMESPACES = subprocess.run(
    ["sh", "-c", "unshare -n sh -c 'ip link set lo up' || unshare -rn sh -c 'ip link set lo up'"],
    stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0

SERVER = """\
    #!/usr/bin/env python3
    import socket, sys
    listener = socket.create_server(("127.0.0.1", int(sys.argv[2])))
    print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
    try:
        while True:
            client, (host, port) = listener.accept()
            print("%s:%d came" % (host, port), flush=True)
            for line in client.makefile("rb"):
                client.sendall(line)
            print("%s:%d left" % (host, port), flush=True)
    except KeyboardInterrupt:
        print("bye")
    """
CLIENT = """\
    #!/usr/bin/env python3
    import socket, sys
    with socket.create_connection(("127.0.0.1", int(sys.argv[2]))) as server:
        print("connected to 127.0.0.1:%s from port %d" % (sys.argv[2], server.getsockname()[1]))
        answers = server.makefile("r")
        for line in sys.stdin:
            server.sendall(line.encode())
            print("echo: " + answers.readline(), end="", flush=True)
    """
ECHO = """\
    server$ build/server -p 5000
    client$ build/client -p 5000
    client> hola
    client: waits for "hola"
    client> ^D
    client: ends
    server: waits for "left"
    client$ build/client -p 5000 < hello.txt
    server: waits for "left"
    server> ^C
    server: ends"""
ECHO_SHOWN = """\
    # terminal 1 (server)
    $ build/server -p 5000
    listening on 127.0.0.1:5000

    # terminal 2 (client)
    $ build/client -p 5000
    hola
    connected to 127.0.0.1:5000 from port 41000
    echo: hola
    ^D

    # terminal 1 (server)
    127.0.0.1:41000 came
    127.0.0.1:41000 left

    # terminal 2 (client)
    $ build/client -p 5000 < hello.txt
    connected to 127.0.0.1:5000 from port 41001
    echo: one
    echo: two

    # terminal 1 (server)
    127.0.0.1:41001 came
    127.0.0.1:41001 left
    ^C
    bye"""


class ProjectTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="trama-docs-test-")
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name).resolve()
        self.write("docs/docs.py", TOOL.read_text(encoding="utf-8"))
        self.program("server", SERVER)
        self.program("client", CLIENT)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), encoding="utf-8")
        return path

    def change_tool(self, old, new):
        """Lets the tool find a machine unlike this one."""
        text = TOOL.read_text(encoding="utf-8")
        self.assertIn(old, text)
        self.write("docs/docs.py", text.replace(old, new))

    def program(self, name, text):
        self.write("build/" + name, text).chmod(0o755)

    def page(self, text):
        return self.write("docs/page.md", text)

    def transcript(self, script, shown=None):
        script = textwrap.dedent(script).strip("\n")
        block = "```text\n" + textwrap.dedent(shown).strip("\n") + "\n```\n" if shown else ""
        return self.page(f"<!-- transcript: t\n{script}\n-->\n{block}<!-- /transcript -->\n")

    def command(self, *arguments):
        return [sys.executable, str(self.root / "docs/docs.py"),
                "--build", str(self.root / "build"), *arguments]

    def tool(self, *arguments):
        ran = subprocess.run(self.command(*arguments), stdout=subprocess.PIPE,
                             stderr=subprocess.STDOUT, text=True)
        return ran.returncode, ran.stdout

    def assert_true_page(self, *arguments):
        code, output = self.tool("--check", *arguments)
        self.assertEqual(code, 0, output)
        return output

    def assert_problem(self, *expected, arguments=("--check",)):
        code, output = self.tool(*arguments)
        self.assertEqual(code, 1, output)
        for text in expected:
            self.assertIn(text, output)
        return output

    def assert_shown(self, script, shown, *arguments):
        page = self.transcript(script)
        code, output = self.tool("--update", *arguments)
        self.assertEqual(code, 0, output)
        text = page.read_text(encoding="utf-8")
        text = re.search(r"```text\n(.*)\n```", text, re.DOTALL).group(1)
        self.assertEqual(text, textwrap.dedent(shown).strip("\n"))


class Snippets(ProjectTest):
    SOURCE = """\
        // A program
        // Goal: none.

        #include <x>
        // [region all]
        int main() {
            // [region inner]
            work();
            // [/region inner]
        }
        // [/region all]
        """

    def setUp(self):
        super().setUp()
        self.write("examples/a.cpp", self.SOURCE)

    def test_update_writes_the_dedented_region_and_check_is_content(self):
        page = self.page("Text\n<!-- snippet: examples/a.cpp inner -->\n<!-- /snippet -->\nMore\n")
        self.assertEqual(self.tool("--update")[0], 0)
        self.assertEqual(page.read_text(), "Text\n<!-- snippet: examples/a.cpp inner -->\n"
                         "```cpp\nwork();\n```\n<!-- /snippet -->\nMore\n")
        self.assertIn("1 snippets, 0 transcripts checked, 0 skipped", self.assert_true_page())

    def test_marker_lines_of_a_nested_region_are_not_printed(self):
        page = self.page("<!-- snippet: examples/a.cpp all -->\n<!-- /snippet -->\n")
        self.tool("--update")
        self.assertIn("```cpp\nint main() {\n    work();\n}\n```", page.read_text())

    def test_without_a_region_the_file_is_shown_without_its_top_comment(self):
        page = self.page("<!-- snippet: examples/a.cpp -->\n<!-- /snippet -->\n")
        self.tool("--update")
        self.assertIn("```cpp\n#include <x>\nint main() {\n    work();\n}\n```", page.read_text())

    def test_python_and_cmake_regions_are_marked_with_a_hash(self):
        self.write("examples/a.py", "# [region r]\nx = 1\n# [/region r]\n")
        page = self.page("<!-- snippet: examples/a.py r -->\n<!-- /snippet -->\n")
        self.tool("--update")
        self.assertIn("```python\nx = 1\n```", page.read_text())

    def test_a_changed_snippet_is_shown_as_a_difference_with_page_and_line(self):
        self.page("One\n\n<!-- snippet: examples/a.cpp inner -->\n```cpp\nold();\n```\n"
                  "<!-- /snippet -->\n")
        self.assert_problem("docs/page.md:3", "-old();", "+work();")

    def test_check_changes_nothing(self):
        page = self.page("<!-- snippet: examples/a.cpp inner -->\n<!-- /snippet -->\n")
        before = page.read_text()
        self.tool("--check")
        self.assertEqual(page.read_text(), before)

    def test_a_missing_region_is_an_error_that_names_those_that_exist(self):
        self.page("<!-- snippet: examples/a.cpp nowhere -->\n<!-- /snippet -->\n")
        self.assert_problem("docs/page.md:1: no region 'nowhere' in examples/a.cpp", "inner, all")

    def test_a_missing_file_is_an_error(self):
        self.page("<!-- snippet: examples/b.cpp -->\n<!-- /snippet -->\n")
        self.assert_problem("there is no file examples/b.cpp")

    def test_a_block_that_is_never_closed_is_an_error(self):
        self.page("<!-- snippet: examples/a.cpp inner -->\n```cpp\nwork();\n```\nText\n")
        self.assert_problem("docs/page.md:1: expected one fenced block")

    def test_wrong_region_markers_in_sources_are_errors_though_nobody_uses_them(self):
        for text, error in (("// [region a]\n", "never closed"),
                            ("// [/region a]\n", "not the region open here"),
                            ("// [region a]\n// [/region a]\n// [region a]\n", "a second time"),
                            ("// [endregion a]\n", "markers are")):
            with self.subTest(text):
                self.write("examples/b.cpp", text)
                self.assert_problem("examples/b.cpp", error)

    def test_markers_inside_fenced_code_are_left_alone(self):
        self.page("````markdown\n<!-- snippet: nothing.cpp -->\n```cpp\n```\n"
                  "<!-- /snippet -->\n````\n")
        self.assert_true_page()

    def test_a_block_in_a_list_keeps_its_indentation(self):
        page = self.page("1. Item\n   <!-- snippet: examples/a.cpp inner -->\n"
                         "   <!-- /snippet -->\n")
        self.tool("--update")
        self.assertIn("\n   ```cpp\n   work();\n   ```\n", page.read_text())

    def test_only_the_pages_asked_for_are_updated(self):
        page = self.page("<!-- snippet: examples/a.cpp inner -->\n<!-- /snippet -->\n")
        other = self.write("README.md", page.read_text())
        self.tool("--update", str(other))
        self.assertNotIn("work", page.read_text())
        self.assertIn("work", other.read_text())


@unittest.skipUnless(shutil.which("g++"), "needs g++")
class Declarations(ProjectTest):
    BLOCK = "<!-- declarations: include/a.hpp{} -->\n<!-- /declarations -->\n"

    def setUp(self):
        super().setUp()
        self.write("docs/declarations.py", (TOOL.parent / "declarations.py").read_text())
        self.write("include/a.hpp", "namespace trama {\n/// One.\nint one() { return 1; }\n"
                                    "int two() { return 2; }\n}\n")

    def test_a_header_is_shown_without_bodies(self):
        page = self.page(self.BLOCK.format(""))
        self.assertEqual(self.tool("--update")[0], 0)
        self.assertIn("```cpp\n/// One.\nint one();\nint two();\n```\n", page.read_text())
        self.assert_true_page()

    def test_a_declaration_that_the_page_has_changed_is_a_problem(self):
        page = self.page(self.BLOCK.format(" two"))
        self.tool("--update")
        page.write_text(page.read_text().replace("int two()", "long two()"))
        self.assert_problem("-long two();", "+int two();")

    def test_a_name_that_the_header_does_not_declare_is_a_problem(self):
        self.page(self.BLOCK.format(" three"))
        self.assert_problem("no public three (there are: one, two)")


class CompiledCode(ProjectTest):
    def test_code_that_compiles_passes_and_other_code_does_not(self):
        self.write("single_include/trama.hpp", "int trama();\n")
        self.page('<!-- compile -->\n```cpp\n#include "trama.hpp"\nint x = trama();\n```\n')
        self.assertIn("1 snippets", self.assert_true_page())
        self.page("<!-- compile -->\n```cpp\nint x = trama();\n```\n")
        self.assert_problem("docs/page.md:1: this code does not compile", "trama")

    def test_code_that_must_be_refused_has_to_be_refused_for_the_reason_given(self):
        self.page("<!-- compile-fails: undeclared|not declared -->\n```cpp\nint x = y;\n```\n")
        self.assert_true_page()
        self.page("<!-- compile-fails: deleted -->\n```cpp\nint x = y;\n```\n")
        self.assert_problem("the compiler does not say 'deleted'")
        self.page("<!-- compile-fails: . -->\n```cpp\nint x = 1;\n```\n")
        self.assert_problem("should be refused")


class Transcripts(ProjectTest):
    def test_one_terminal_is_a_plain_session(self):
        self.assert_shown("me$ printf 'one\\ntwo\\n'\nme$ echo three",
                          "$ printf 'one\\ntwo\\n'\none\ntwo\n$ echo three\nthree")

    def test_a_server_and_a_client_look_the_same_with_mapped_ports(self):
        self.assert_shown("file hello.txt: one\\ntwo\\n\n" + textwrap.dedent(ECHO), ECHO_SHOWN,
                          "--mapped-ports")

    @unittest.skipUnless(NAMESPACES, "SKIPPED: no network namespaces here")
    def test_a_server_and_a_client_look_the_same_in_a_namespace(self):
        self.assert_shown("file hello.txt: one\\ntwo\\n\n" + textwrap.dedent(ECHO), ECHO_SHOWN)
        self.assertIn("in a namespace of its own", self.assert_true_page())
        self.assertIn("stand in", self.assert_true_page("--mapped-ports"))

    @unittest.skipUnless(NAMESPACES and PORT_RANGE.exists(),
                         "SKIPPED: no network namespaces here, or no /proc")
    def test_the_clients_of_two_servers_never_come_from_one_port(self):
        ports = f"cat {PORT_RANGE}"
        self.assert_shown(f"""\
            one$ build/server -p 5000
            setup$ {ports} > first
            two$ build/server -p 5001
            setup$ {ports} > second
            me$ read _ high < first; read low _ < second; echo $((high < low))""", """\
            # terminal 1 (one)
            $ build/server -p 5000
            listening on 127.0.0.1:5000

            # terminal 2 (two)
            $ build/server -p 5001
            listening on 127.0.0.1:5001

            # terminal 3 (me)
            $ read _ high < first; read low _ < second; echo $((high < low))
            1""")

    def test_a_port_chosen_by_the_system_is_captured_and_shown_as_a_steady_number(self):
        script = """\
            server$ build/server -p 0
            client$ build/client -p $server.port < /dev/null
            client$ build/client -p $PORT < /dev/null"""
        self.assert_shown(script, """\
            # terminal 1 (server)
            $ build/server -p 0
            listening on 127.0.0.1:41000

            # terminal 2 (client)
            $ build/client -p 41000 < /dev/null
            connected to 127.0.0.1:41000 from port 41001
            $ build/client -p 41000 < /dev/null
            connected to 127.0.0.1:41000 from port 41002""")

    def test_a_port_that_no_command_names_is_taken_as_it_is_or_the_transcript_is_skipped(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.transcript(f"fixed: {port}\nme$ true", "$ true")
            self.assertIn(f"port {port} is taken", self.assert_true_page("--mapped-ports"))

    def test_numbers_that_are_no_ports_stay(self):
        command = "echo 40000 bytes, 5000 more, 127.0.0.1:5000"
        self.assert_shown(f"me$ {command}", f"$ {command}\n{command[5:]}", "--mapped-ports")

    def test_a_redirection_is_no_port_and_a_port_before_one_is(self):
        command = "echo 127.0.0.1 2>&1; echo localhost 2>/dev/null; echo 127.0.0.1 5000 <&0"
        self.assert_shown(f"me$ {command}",
                          f"$ {command}\n127.0.0.1\nlocalhost\n127.0.0.1 5000", "--mapped-ports")
        command = "echo http://127.0.0.1:$PORT'>'"
        self.assert_shown(f"server$ build/server -p 0\nme$ {command}", """\
            # terminal 1 (server)
            $ build/server -p 0
            listening on 127.0.0.1:41000

            # terminal 2 (me)
            $ echo http://127.0.0.1:41000'>'
            http://127.0.0.1:41000>""")

    def test_a_file_of_several_lines_is_taken_as_it_stands(self):
        self.assert_shown("""\
            file two.txt <<END
            me$ no \\n command \\
              # and no remark

            EN
            END
            me$ cat two.txt""", """\
            $ cat two.txt
            me$ no \\n command \\
              # and no remark

            EN""")

    def test_a_file_of_several_lines_must_have_an_end(self):
        self.transcript("file two.txt <<END\nme$ true")
        self.assert_problem("docs/page.md:1", "script line 2: no line END ends this file")

    def test_exit_codes_are_shown_by_the_shell_and_must_be_named(self):
        self.assert_shown("me$ exit 3\nme: ends with 3\nme$ echo $?\nme$ true\nme$ echo $?",
                          "$ exit 3\n$ echo $?\n3\n$ true\n$ echo $?\n0")
        self.transcript("me$ exit 3")
        self.assert_problem("docs/page.md:1", "script line 2: exit code 3, not 0",
                            "me: ends with 3")
        self.transcript("me$ true\nme: ends with 1")
        self.assert_problem("exit code 0, not 1")

    def test_a_program_that_an_interrupt_kills_has_exit_code_130(self):
        self.assert_shown('me$ echo up; exec tail -f /dev/null\nme: waits for "up"\nme> ^C\n'
                          "me: ends with 130", "$ echo up; exec tail -f /dev/null\nup\n^C")

    def test_a_page_in_error_is_not_rewritten(self):
        page = self.transcript("me$ no-such-program", "$ old")
        before = page.read_text()
        self.assert_problem("not found", arguments=("--update",))
        self.assertEqual(page.read_text(), before)

    def test_environment_assignments_and_continued_lines_are_shown_as_typed(self):
        command = "WHO=you sh -c \\\n  'echo hi $WHO'"
        self.assert_shown(f"me$ {command}", f"$ {command}\nhi you")

    def test_what_is_typed_after_a_prompt_stands_beside_it(self):
        self.assert_shown("""\
            me$ printf 'name: '; read name; echo "hi $name"
            me: prompts "name: "
            me> Ada
            me: waits for /^hi A.a$/
            me: ends""", """\
            $ printf 'name: '; read name; echo "hi $name"
            name: Ada
            hi Ada""")

    def test_errors_and_output_are_shown_in_the_order_they_were_written(self):
        self.assert_shown("me$ echo 1; echo 2 >&2; echo 3", "$ echo 1; echo 2 >&2; echo 3\n1\n2\n3")

    def test_the_address_after_an_option_is_no_port(self):
        command = "echo -l 127.0.0.1 5000; echo -l 127.0.0.1 5000 | grep -c 127.0.0.1"
        self.assert_shown(f"me$ {command}", f"$ {command}\n-l 127.0.0.1 5000\n1", "--mapped-ports")

    def test_nobody_gets_a_terminal_unasked(self):
        command = "test -t 0 || test -t 1 || echo no terminal"
        self.assert_shown(f"me$ {command}", f"$ {command}\nno terminal")

    def test_a_terminal_is_given_when_asked_for(self):
        programs.need_pty()
        command = "test -t 0 && test -t 1 && printf '10%%\\r100%%\\n' || echo no terminal"
        self.assert_shown(f"tty: me\nme$ {command}", f"$ {command}\n100%")
        self.assert_shown("tty: me\nme$ cat\nme> hi\nme: waits for \"hi\"\nme> ^D",
                          "$ cat\nhi\nhi\n^D")

    def test_masks_are_applied_when_asked_for(self):
        command = "echo 12:34:56 0.103 ms 5s pid 77 2024-01-31 1.5 MB/s id-9"
        self.assert_shown(f"me$ {command}", f"$ {command}\n{command[5:]}")
        shown = "HH:MM:SS TIME TIME pid PID DATE RATE id-N"
        self.assert_shown(f"mask: clock time pid date rate\nreplace: id-\\d => id-N\nme$ {command}",
                          f"$ {command}\n{shown}")
        self.transcript("mask: everything\nme$ true")
        self.assert_problem("no mask 'everything'", "clock")

    def test_control_characters_never_reach_the_page(self):
        command = r"printf '\033[1mx\a\n'"
        self.assert_shown(f"me$ {command}", f"$ {command}\n\\x1b[1mx\\x07")

    def test_backticks_in_the_output_get_a_longer_fence(self):
        page = self.transcript("me$ echo '```'")
        self.tool("--update")
        self.assertIn("````text\n$ echo '```'\n```\n````", page.read_text())
        self.assert_true_page()

    def test_the_terminal_called_setup_is_not_shown(self):
        self.assert_shown("setup$ echo hidden > note\nme$ cat note", "$ cat note\nhidden")

    def test_a_script_line_that_means_nothing_is_an_error(self):
        self.transcript("me$ true\nme: hopes for the best")
        self.assert_problem("script line 3 is not understood: me: hopes for the best")

    def test_a_wrong_regular_expression_is_an_error(self):
        self.transcript("me$ echo a\nme: waits for /(/")
        self.assert_problem("docs/page.md:1: not a regular expression: (")

    def test_a_changed_output_is_a_difference(self):
        self.transcript("me$ echo new", "$ echo new\nold")
        self.assert_problem("docs/page.md:1", "-old", "+new")

    def test_without_a_needed_program_it_is_skipped_out_loud_and_left_as_it_is(self):
        page = self.transcript("needs: sh no-such-tool\nme$ false", "$ old")
        before = page.read_text()
        for mode in ("--check", "--update"):
            code, output = self.tool(mode)
            self.assertEqual(code, 0, output)
            self.assertIn("SKIPPED transcript docs/page.md:1: needs 'no-such-tool'", output)
            self.assertIn("0 snippets, 0 transcripts checked, 1 skipped", output)
        self.assertEqual(page.read_text(), before)

    def test_on_a_machine_without_terminals_a_script_that_asks_for_one_is_skipped(self):
        self.change_tool("os.openpty()", "os.listdir('/no/dev/pts')")
        self.transcript("tty: me\nme$ false")
        self.assertIn("SKIPPED transcript docs/page.md:1: needs a pseudo-terminal",
                      self.assert_true_page())

    def test_without_proc_ports_look_the_same_and_a_script_that_shows_programs_is_skipped(self):
        self.change_tool("/proc/", "/no/proc/")
        self.transcript("me$ ss -Htanp 'sport = :5000'")
        self.assertIn("SKIPPED transcript docs/page.md:1: needs /proc", self.assert_true_page())
        self.assert_shown("server$ build/server -p 0", """\
            $ build/server -p 0
            listening on 127.0.0.1:41000""")

    def test_a_probe_that_fails_skips_it(self):
        self.transcript("probe: test -e /no/such/thing\nme$ false")
        self.assertIn("SKIPPED", self.assert_true_page())

    def test_a_wait_for_what_never_comes_fails_as_soon_as_the_program_has_ended(self):
        self.transcript('me$ echo hello\nme: waits for "bye"')
        self.assert_problem("'me' has ended without: waits for bye", "hello")


class Endings(ProjectTest):
    """Programs hold a FIFO open: its end of file proves that the last of them is gone."""

    def listen_to_programs(self):
        fifo = self.root / "alive"
        if not fifo.exists():
            os.mkfifo(str(fifo))
        self.alive = os.open(str(fifo), os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, self.alive)

    def next_bytes(self):
        self.assertTrue(select.select([self.alive], [], [], 20)[0], "a program still runs")
        return os.read(self.alive, 100)

    def hanging_script(self, before=""):
        fifo = self.root / "alive"
        return f"me$ exec 9> {fifo}; {before} echo started | tee {fifo}; tail -f /dev/null & wait"

    def test_a_hanging_program_is_ended_and_reported_with_what_it_printed(self):
        for network, stubborn in ([], ""), (["--mapped-ports"], "trap '' TERM;"):
            with self.subTest(network):
                self.listen_to_programs()
                self.transcript(self.hanging_script(stubborn))
                self.assert_problem("script line 2: waited 0.5 s", "[me]", "    started",
                                    arguments=["--check", "--timeout", "0.5"] + network)
                self.assertEqual(self.next_bytes(), b"started\n")
                self.assertEqual(self.next_bytes(), b"")

    def test_servers_still_running_at_the_end_are_ended(self):
        self.listen_to_programs()
        fifo = self.root / "alive"
        self.transcript(f"server$ exec 9> {fifo}; echo started >&9; build/server -p 0")
        self.tool("--update")
        self.assertEqual(self.next_bytes(), b"started\n")
        self.assertEqual(self.next_bytes(), b"")

    def test_an_interrupted_or_terminated_tool_ends_its_programs(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            for network in ([], ["--mapped-ports"]):
                with self.subTest(number=number, network=network):
                    self.listen_to_programs()
                    self.transcript(self.hanging_script())
                    tool = subprocess.Popen(self.command("--check", *network),
                                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
                    self.assertEqual(self.next_bytes(), b"started\n")
                    tool.send_signal(number)
                    self.assertNotEqual(tool.wait(20), 0)
                    self.assertEqual(self.next_bytes(), b"")


class Links(ProjectTest):
    def test_links_to_files_and_headings_that_exist_pass(self):
        self.write("README.md", "# Trama: sockets & `frames`!\n[page](docs/page.md#the-end-1)\n")
        self.page("""\
            # The end
            ## The end
            [up](../README.md#trama-sockets--frames) [here](#the-end) [web](https://example.org/x)
            `[code](nowhere.md)` <!-- [comment](nowhere.md) -->
            ```text
            [fenced](nowhere.md)
            ```
            [ref]: ../docs/docs.py
            """)
        self.assert_true_page()

    def test_a_broken_link_is_found_with_its_line(self):
        self.page("Text\n\nsee [this](nowhere.md) page\n")
        self.assert_problem("docs/page.md:3: the link nowhere.md leads to no file")

    def test_a_link_to_a_heading_that_is_not_there_is_found(self):
        self.write("README.md", "[page](docs/page.md#middle)\n")
        self.page("# The end\n")
        self.assert_problem("README.md:1: page.md has no heading #middle")


class CommandLine(ProjectTest):
    def test_help_has_examples_and_the_script_language(self):
        code, output = self.tool("--help")
        self.assertEqual(code, 0)
        self.assertIn("python3 docs/docs.py --update --build build", output)
        self.assertIn("waits for", output)

    def test_a_page_that_does_not_exist_is_a_wrong_command_line(self):
        self.assertEqual(self.tool("--check", "docs/none.md")[0], 2)


if __name__ == "__main__":
    unittest.main()

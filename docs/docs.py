#!/usr/bin/env python3
r"""Keep the tutorial true: what the pages show is cut from real files and real runs.

  python3 docs/docs.py --check  --build build                is every page as if generated now?
  python3 docs/docs.py --update --build build                write the generated parts again
  python3 docs/docs.py --update --build build docs/03_*.md   only these pages

Exit code 0: all is true. 1: a difference or an error, shown with page:line. 2: wrong command line.
The pages are docs/*.md and README.md. Blocks inside other fenced code are left alone. Relative
links and #anchors are checked too, and that each [region] of a source file is opened and closed.

SNIPPET. Mark a part of a file (// in C++, # in Python, CMake, shell); regions may be nested:
      // [region serve]   ...   // [/region serve]
  Show it in a page; the fence between the comments is generated. Paths start at the repository
  root. Without a region: the whole file but its top comment.
      <!-- snippet: examples/03_echo_server/echo_server.cpp serve -->
      <!-- /snippet -->

DECLARATIONS. What a header declares for its users, with the comments; for docs/reference.md. With
  names: these alone. docs/declarations.py cuts them out.
      <!-- declarations: include/trama/net/tcp.hpp tcp_stream -->
      <!-- /declarations -->

COMPILED CODE, for code that comes from no file: before a ```cpp fence write
      <!-- compile -->    or, for code that must be refused,    <!-- compile-fails: regex -->

TRANSCRIPT. Programs are run in named terminals, and what they print is put below.
      <!-- transcript: echo
      needs: nc                       skip, out loud, without these programs (see below)
      mask: time                      hide what differs from run to run (see below)
      file hello.txt: hola\nadios\n   make a file; \n, \t, \\ ... as in C
      file hello.py <<END             the same; up to the line END all is taken as it stands
      print("hola")
      END
      server$ build/examples/03_echo_server/echo_server -p 5000
      client$ build/examples/02_echo_client/echo_client -p 5000
      client> hola
      client: waits for "hola"
      client> ^D
      client: ends
      server: waits for "left"
      server> ^C
      server: ends
      -->
      <!-- /transcript -->

  NAME$ COMMAND        type a command. Then wait until it ends or prints "listening on ...:PORT",
                       unless the very next line is about the same terminal: then that one rules.
                       A last \ continues the line. Each command has a shell of its own (no cd).
  NAME> TEXT           type a line into the running program;  ^D: end of input;  ^C: interrupt
  NAME: listens        wait for the line "listening on ...:PORT" ("... on port PORT" and
                       "... on ADDRESS PORT", as of nc -lv, will do)
  NAME: waits for "T"  wait for a whole line that contains T; waits for /REGEX/ works too
  NAME: prompts "T"    wait for T where no newline follows, as in "password: "
  NAME: ends           wait for the end of the program, with exit code 0 ...
  NAME: ends with 2    ... or with this one (130 after a ^C that nobody handled)
  NAME: starts         wait for nothing: a later line will
  # TEXT               a remark for who reads the script
  $PORT, $NAME.port    the port last listened on, by anybody or by NAME; $? works as in a shell
  setup$ COMMAND       the terminal "setup" is run and not shown

  Nothing waits for a time. What a terminal prints is shown at the script line that waits for it,
  so the page does not depend on who was faster; what nobody waits for, of a program that still
  runs at the end, is not shown. A step that takes longer than --timeout is an error. An exit code
  that the script does not name is an error. In the end every program is stopped.
  Standard output and error come through one pipe. "tty: NAME" gives a terminal instead, for a
  program that behaves differently there; what a carriage return overwrites is then not shown.

  needs:    programs, or the words "ipv6", "namespace" (the network must be ours alone). That tty:
            needs a pseudo-terminal, and that "/proc/..." and "ss -p" need /proc, is known unasked.
  probe:    COMMAND; the transcript is skipped if it fails (tc qdisc add ..., and the like)
  mask:     clock  12:34:56[.789] -> HH:MM:SS             date  2024-01-31, 31-Jan-2024 -> DATE
            time   0.103 ms, 5s (ns us ms s) -> TIME      rate  12.5 MB/s -> RATE
            pid    pid 123, pid=123 -> pid PID
  replace:  REGEX => TEXT, for anything else. Masks and replacements leave commands alone.
  fixed:    4321, a port that a program takes although no command of the script names it

  Ports are the one thing replaced unasked. Each transcript runs in a network namespace of its own
  if the system allows (unshare, ip), so that port 5000 is free; if not, free ports stand in for
  the written ones. Ports the system chose become 41000, 41001 ... in order of appearance. A number
  is taken for a port after an address (127.0.0.1:N, [::1]:N, localhost N, ('127.0.0.1', N), *:N),
  "port", -p, -l or a lone colon; the 2 of "localhost 2>&1" is none. Blanks at line ends are
  dropped.
"""
import argparse
import codecs
import difflib
import json
import os
import pty
import random
import re
import selectors
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import termios
import textwrap
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Dict, List, Optional, Tuple
from urllib.parse import unquote

ROOT = Path(__file__).resolve().parent.parent
FENCE = re.compile(r" *(`{3,}|~{3,})([^`]*)$")
OPENING = re.compile(r"( *)<!--\s*(snippet|transcript|declarations|compile-fails|compile)\b:?"
                     r"\s*(.*?)\s*(-->)?\s*$")
CLOSING = re.compile(r"\s*<!--\s*/(snippet|transcript|declarations)\s*-->\s*$")
MARKER = re.compile(r"\s*(?://|#)\s*\[(/?)region ([\w-]+)\]\s*$")
MARKER_LIKE = re.compile(r"\s*(?://|#)\s*\[\s*(?:/|end)?\s*region\b")
LANGUAGES = {".cpp": "cpp", ".hpp": "cpp", ".py": "python", ".sh": "sh", ".txt": "cmake",
             ".cmake": "cmake", ".c": "c"}
PORT_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
HEADERS = ("needs", "probe", "mask", "replace", "fixed", "tty")
LISTENING = re.compile(r"^.*\blistening on (?:port |\S*[: ])(\d+)\b.*\n",
                       re.MULTILINE | re.IGNORECASE)
ADDRESS = r"(?:\d+\.\d+\.\d+\.\d+|\[[^\]\s]*\]|::1?|\blocalhost|\*|'')"
PORT = re.compile(rf"({ADDRESS}(?:[\"']?[:,.] ?| +)|(?:^|[\s(=]):|\bports?[ =:]+|\s-\w*[lp] +"
                  r"|http\.server )(\d{1,5})(?!\d|\.\d|(?<= \d)[<>])", re.MULTILINE)
MASKS = {"clock": (r"\b\d\d:\d\d:\d\d(?:\.\d+)?\b", "HH:MM:SS"),
         "date": (r"\b(?:\d{4}-\d\d-\d\d|\d\d-[A-Z][a-z][a-z]-\d{4})\b", "DATE"),
         "time": (r"\b\d+(?:\.\d+)? ?(?:[nuµm]?s)\b", "TIME"),
         "rate": (r"\b\d+(?:\.\d+)? ?[kKMG]?i?(?:B|bit|bytes)/s\b", "RATE"),
         "pid": (r"\bpid[ =:]+\d+\b", "pid PID")}


class Problem(Exception):
    """Something in a page that is not as it should be, told to its author."""


class Skip(Exception):
    """A check that this machine cannot make."""


# ---- pages: blocks and fences ----------------------------------------------------------------

@dataclass
class Block:
    kind: str               # snippet, transcript, declarations, compile, compile-fails
    argument: str
    line: int               # of the opening comment, counted from 1
    indent: str = ""
    script: List[str] = field(default_factory=list)
    begin: int = 0          # lines[begin:end] is the generated part, fence included
    end: int = 0


def end_of_fence(lines: List[str], opening: int) -> int:
    mark = FENCE.match(lines[opening]).group(1)
    for index in range(opening + 1, len(lines)):
        line = lines[index].strip()
        if line.startswith(mark) and set(line) == {mark[0]}:
            return index
    raise Problem(f"{opening + 1}: this fenced block is never closed")


def find_blocks(lines: List[str]) -> List[Block]:
    blocks, index = [], 0
    while index < len(lines):
        opening = OPENING.match(lines[index])
        if FENCE.match(lines[index]):
            index = end_of_fence(lines, index)
        elif CLOSING.match(lines[index]):
            raise Problem(f"{index + 1}: this closes a block that was never opened")
        elif opening:
            blocks.append(read_block(lines, index, opening))
            index = blocks[-1].end
        index += 1
    return blocks


def read_block(lines: List[str], index: int, opening) -> Block:
    indent, kind, argument, closed = opening.groups()
    block = Block(kind, argument, index + 1, indent)
    lines = lines + ["", ""]
    while not closed:
        index += 1
        if index >= len(lines) - 2:
            raise Problem(f"{block.line}: this comment is never closed")
        closed = lines[index].strip() == "-->"
        if not closed:
            block.script.append(lines[index][len(indent):])
    block.begin = block.end = index + 1
    if FENCE.match(lines[block.begin]):
        block.end = end_of_fence(lines, block.begin) + 1
    if kind.startswith("compile"):
        block.end -= 1      # nothing closes it: go on after its fence
        if block.end < block.begin:
            raise Problem(f"{block.line}: no fenced code after this comment")
    elif lines[block.end].strip() != f"<!-- /{kind} -->":
        raise Problem(f"{block.line}: expected one fenced block (or nothing) and <!-- /{kind} -->")
    return block


def fenced(block: Block, lines: List[str], language: str, text: str) -> List[str]:
    if block.end > block.begin:
        language = FENCE.match(lines[block.begin]).group(2).strip()
    longest = max([2] + [len(run) for run in re.findall("`+", text)])
    mark = "`" * (longest + 1)
    body = [mark + language] + text.split("\n") + [mark]
    return [(block.indent + line).rstrip() for line in body]


# ---- snippets --------------------------------------------------------------------------------

def regions_of(text: str, name: str) -> Dict[str, str]:
    """The regions of a source file; a marker that is wrong anywhere is a problem."""
    done, opened = {}, {}       # region: its lines; those opened stand in order, outermost first
    for number, line in enumerate(text.split("\n"), 1):
        marker = MARKER.match(line)
        closes, region = marker.groups() if marker else ("", "")
        if closes and (not opened or list(opened)[-1] != region):
            raise Problem(f"{name}:{number}: '{region}' is not the region open here")
        if closes:
            done[region] = textwrap.dedent("\n".join(opened.pop(region))).strip("\n")
        elif marker and (region in done or region in opened):
            raise Problem(f"{name}:{number}: region '{region}' is opened a second time")
        elif marker:
            opened[region] = []
        elif MARKER_LIKE.match(line):
            raise Problem(f"{name}:{number}: markers are // [region name] and // [/region name]")
        else:
            for lines in opened.values():
                lines.append(line)
    if opened:
        raise Problem(f"{name}: region '{list(opened)[-1]}' is never closed")
    return done


def without_top_comment(text: str) -> str:
    lines = [line for line in text.strip("\n").split("\n") if not MARKER.match(line)]
    while lines and re.match(r"//|#!|# |#$", lines[0]):
        lines.pop(0)
    return "\n".join(lines).strip("\n")


def snippet_text(argument: str) -> Tuple[str, str]:
    name, _, region = argument.partition(" ")
    source = ROOT / name
    if not source.is_file():
        raise Problem(f"there is no file {name}")
    text = source.read_text(encoding="utf-8")
    regions = regions_of(text, name)
    if region and region not in regions:
        raise Problem(f"no region '{region}' in {name} (it has: {', '.join(regions) or 'none'})")
    shown = regions[region] if region else without_top_comment(text)
    return LANGUAGES.get(source.suffix, ""), shown


def declarations_text(argument: str) -> str:
    import declarations
    name, *wanted = argument.split()
    try:
        return declarations.shown((ROOT / name).read_text(encoding="utf-8"), wanted)
    except (OSError, KeyError) as error:
        raise Problem(f"{name}: {error}")


def check_compiles(block: Block, lines: List[str]) -> None:
    compiler = shlex.split(os.environ.get("CXX", "g++"))
    if not shutil.which(compiler[0]):
        raise Skip(f"needs '{compiler[0]}'")
    code = textwrap.dedent("\n".join(lines[block.begin + 1:block.end]))
    library = str(ROOT / "single_include")
    compiler += ["-std=c++17", "-fsyntax-only", "-x", "c++", "-I", library, "-"]
    ran = subprocess.run(compiler, input=code, text=True, stderr=subprocess.PIPE)
    if block.kind == "compile" and ran.returncode != 0:
        raise Problem("this code does not compile:\n" + ran.stderr)
    if block.kind == "compile-fails" and ran.returncode == 0:
        raise Problem("this code should be refused, and it compiles")
    if block.kind == "compile-fails" and not re.search(block.argument, ran.stderr):
        raise Problem(f"refused, but the compiler does not say '{block.argument}':\n" + ran.stderr)


# ---- transcripts: the script -----------------------------------------------------------------

@dataclass
class Step:
    line: int
    terminal: str
    sign: str               # $ a command, > a line typed, : something to wait for
    text: str


@dataclass
class Script:
    steps: List[Step] = field(default_factory=list)
    files: List[Tuple[str, str]] = field(default_factory=list)
    headers: List[Tuple[str, str]] = field(default_factory=list)

    def words(self, header: str) -> List[str]:
        return [word for name, text in self.headers if name == header for word in text.split()]

    def values(self, header: str) -> List[str]:
        return [text for name, text in self.headers if name == header]


WATCH = re.compile(r'(?:(listens|starts)|(waits for|prompts) (?:"(.+)"|/(.+)/)|'
                   r'ends(?: with (\d+))?)$')


def lines_until(end: str, lines: List[Tuple[int, str]], number: int) -> str:
    """Takes the text up to the line `end`, and that line, off the front of `lines`."""
    text = ""
    while lines:
        line = lines.pop(0)[1]
        if line == end:
            return text
        text += line + "\n"
    raise Problem(f"script line {number}: no line {end} ends this file")


def parse_script(lines: List[str], first: int) -> Script:
    script, lines = Script(), list(enumerate(lines, first))
    while lines:
        number, line = lines.pop(0)
        while line.endswith("\\") and lines:
            line += "\n" + lines.pop(0)[1]
        file = re.match(r"file (\S+): ?(.*)$", line)
        long_file = re.match(r"file (\S+) <<(\w+)$", line)
        step = re.match(r"(\w+)([$>:]) ?(.*)$", line, re.DOTALL)
        if not line.strip() or line.startswith("#"):
            continue
        if file:
            escaped = file.group(2).encode("latin-1", "backslashreplace")
            script.files.append((file.group(1), escaped.decode("unicode_escape")))
        elif long_file:
            name, end = long_file.groups()
            script.files.append((name, lines_until(end, lines, number)))
        elif step and step.group(2) == ":" and step.group(1) in HEADERS:
            script.headers.append((step.group(1), step.group(3)))
        elif step and (step.group(2) != ":" or WATCH.match(step.group(3))):
            script.steps.append(Step(number, *step.groups()))
        else:
            raise Problem(f"script line {number} is not understood: {line}")
    for mask in script.words("mask"):
        if mask not in MASKS:
            raise Problem(f"no mask '{mask}' (there are: {', '.join(MASKS)})")
    for rule in script.values("replace"):
        if " => " not in rule:
            raise Problem(f"write replace: REGEX => TEXT, not: {rule}")
    regexes = [rule.split(" => ", 1)[0] for rule in script.values("replace")]
    regexes += [WATCH.match(step.text).group(4) or "" for step in script.steps if step.sign == ":"]
    for regex in regexes:
        try:
            re.compile(regex)
        except re.error as error:
            raise Problem(f"not a regular expression: {regex} ({error})")
    return script


# ---- transcripts: ports and what is masked ---------------------------------------------------

def ephemeral_range() -> Tuple[int, int]:
    try:
        low, high = PORT_RANGE.read_text().split()
        return int(low), int(high)
    except OSError:             # a chroot without /proc, or no Linux
        return 32768, 65535     # Linux begins with the one, others end with the other


def is_free(port: int) -> bool:
    try:
        for kind in (socket.SOCK_STREAM, socket.SOCK_DGRAM):
            with socket.socket(socket.AF_INET, kind) as probe:
                if kind == socket.SOCK_STREAM:      # what a transcript before this one left behind
                    probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(("", port))
        return True
    except OSError:
        return False


def stand_in(port: int, avoid: str) -> int:
    """A free port with as many digits, so that columns stay, and that no text shows by chance."""
    low, high = (10000, ephemeral_range()[0] - 1) if port > 9999 else (1024, 9999)
    candidates = range(low, high + 1)
    for candidate in random.sample(candidates, min(500, len(candidates))):
        if str(candidate) not in avoid and is_free(candidate):
            return candidate
    raise Problem(f"no free port to stand in for {port}")


def real_ports(script: Script, request: dict) -> Dict[int, int]:
    """What stands in for each written port: itself, where the network is ours alone."""
    typed = "\n".join(step.text for step in script.steps if step.sign != ":")
    written = {int(port) for _, port in PORT.findall(typed)} - {0}
    ports = {int(port): int(port) for port in script.words("fixed")}
    for port in ports:
        if request["mapped"] and not is_free(port):
            raise Skip(f"port {port} is taken")
    for port in sorted(written - set(ports)):
        ports[port] = stand_in(port, request["avoid"] + str(ports)) if request["mapped"] else port
    return ports


def choose_ports_from(low: int, high: int) -> None:
    """Where the system takes the ports from that it chooses; only for a network that is ours."""
    try:
        PORT_RANGE.write_text(f"{low} {high}")
    except OSError:             # then two connections to two servers may get one number
        pass


def normalised(text: str, script: Script, stand_ins: Dict[int, int],
               chosen: Tuple[int, int]) -> str:
    for port, real in stand_ins.items():
        text = re.sub(rf"(?<!\d){real}(?!\d)", str(port), text)
    low, high = chosen
    shown = {}

    def steady(match):
        port = int(match.group(2))
        if low <= port <= high and port not in stand_ins:
            return match.group(1) + str(shown.setdefault(port, 41000 + len(shown)))
        return match.group(0)

    rules = [MASKS[mask] for mask in script.words("mask")]
    rules += [rule.split(" => ", 1) for rule in script.values("replace")]
    lines = PORT.sub(steady, text).split("\n")
    for pattern, replacement in rules:
        lines = [line if line.startswith("$ ") else re.sub(pattern, replacement, line)
                 for line in lines]
    return "\n".join(lines)


def on_screen(line: str) -> str:
    """What a terminal shows of a line: a carriage return starts it again from the left."""
    shown = ""
    for part in line.split("\r"):
        erased = "\x1b[K" in part
        part = part.replace("\x1b[K", "")
        shown = part + ("" if erased else shown[len(part):])
    return re.sub(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", lambda found: f"\\x{ord(found.group()):02x}",
                  shown.rstrip())


# ---- transcripts: the run --------------------------------------------------------------------

class Terminal:
    def __init__(self, name: str, tty: bool):
        self.name, self.tty = name, tty
        self.process: Optional[subprocess.Popen] = None
        self.stdin = self.output = -1
        self.text = ""          # printed, and not yet shown
        self.story = ""         # everything, for the error message
        self.eof = True
        self.closing = False    # got ^C or ^D
        self.code = 0
        self.port = 0

    def start(self, command: str, folder: Path) -> None:
        if self.tty:
            self.output, theirs = pty.openpty()
            mode = termios.tcgetattr(theirs)
            mode[1] &= ~termios.OPOST   # leave newlines alone
            mode[3] &= ~termios.ECHO    # what is typed is shown by us, at its place in the script
            termios.tcsetattr(theirs, termios.TCSANOW, mode)
            self.stdin, their_stdin, their_output = os.dup(self.output), theirs, os.dup(theirs)
        else:
            their_stdin, self.stdin = os.pipe()
            self.output, their_output = os.pipe()
        environment = dict(os.environ, LC_ALL="C.UTF-8", TZ="UTC", TERM="dumb",
                           PYTHONUNBUFFERED="1")
        environment.pop("TRAMA_TRACE", None)
        self.text, self.eof, self.closing = "", False, False
        self.decoder = codecs.getincrementaldecoder("utf-8")("backslashreplace")
        try:
            self.process = subprocess.Popen(
                ["bash", "-c", command], cwd=str(folder), env=environment, stdin=their_stdin,
                stdout=their_output, stderr=their_output, start_new_session=True)
        finally:
            os.close(their_stdin)
            os.close(their_output)

    def read(self) -> None:
        try:
            data = os.read(self.output, 65536)
        except OSError:         # Linux says so at the end of a pty
            data = b""
        self.eof = not data
        text = self.decoder.decode(data, final=self.eof)
        self.text += text
        self.story += text

    def type(self, text: str) -> None:
        if text == "^C":
            os.killpg(self.process.pid, signal.SIGINT)
        elif text == "^D" and not self.tty:
            os.close(self.stdin)
            self.stdin = -1
        else:
            os.write(self.stdin, b"\x04" if text == "^D" else (text + "\n").encode())
        self.closing = text in ("^C", "^D")

    def close(self) -> None:
        for descriptor in (self.stdin, self.output):
            if descriptor >= 0:
                os.close(descriptor)
        self.stdin = self.output = -1


class Replay:
    def __init__(self, script: Script, folder: Path, request: dict):
        self.script, self.folder, self.timeout = script, folder, request["timeout"]
        self.stand_ins = real_ports(script, request)
        self.chosen = ephemeral_range()
        self.network_is_ours = not request["mapped"]
        self.servers = 0
        self.terminals = {name: Terminal(name, name in script.words("tty"))
                          for name in [step.terminal for step in script.steps]}
        self.started: List[subprocess.Popen] = []
        self.scenes: List[List[str]] = []       # [terminal, what is shown of it], in script order
        self.selector = selectors.DefaultSelector()
        self.port = 0
        self.line = 0

    def run(self) -> str:
        steps = self.script.steps
        for index, step in enumerate(steps):
            self.line = step.line
            terminal = self.terminals[step.terminal]
            if step.sign == "$":
                self.command(terminal, self.filled_in(step.text))
                following = steps[index + 1] if index + 1 < len(steps) else None
                if not following or following.terminal != step.terminal or following.sign == "$":
                    self.settle(terminal)
            elif step.sign == ">":
                self.type(terminal, self.filled_in(step.text))
            else:
                self.watch(terminal, *WATCH.match(step.text).groups())
        for terminal in self.terminals.values():
            if terminal.closing and terminal.process:
                self.finish(terminal)
        return normalised(self.rendered(), self.script, self.stand_ins, self.chosen)

    def filled_in(self, text: str) -> str:
        def real(match):
            return match.group(1) + str(self.stand_ins.get(int(match.group(2)), match.group(2)))

        def captured(match):
            name = match.group(1)
            port = self.terminals[name].port if name in self.terminals else 0 if name else self.port
            return str(port) if port else self.fail(f"nothing has listened yet: {match.group()}")
        return re.sub(r"\$(?:PORT|(\w+)\.port)\b", captured, PORT.sub(real, text))

    def command(self, terminal: Terminal, command: str) -> None:
        if terminal.process:
            self.finish(terminal)
        self.show(terminal, f"$ {command}\n", new_line=True)
        terminal.story += f"$ {command}\n"
        exit_code = f"(exit {terminal.code}); " if "$?" in command else ""
        terminal.start(exit_code + command, self.folder)
        self.started.append(terminal.process)
        self.selector.register(terminal.output, selectors.EVENT_READ, terminal)

    def settle(self, terminal: Terminal) -> None:
        self.wait(lambda: terminal.eof or LISTENING.search(terminal.text),
                  f"'{terminal.name}': its end or a line 'listening on ADDRESS:PORT'")
        if terminal.eof:
            self.finish(terminal)
        else:
            self.listens(terminal)

    def type(self, terminal: Terminal, text: str) -> None:
        if not terminal.process:
            self.fail(f"nothing runs in terminal '{terminal.name}'")
        self.show(terminal, text + "\n")
        terminal.story += f"> {text}\n"
        try:
            terminal.type(text)
        except OSError as error:
            self.fail(f"cannot type into terminal '{terminal.name}': {error}")

    def watch(self, terminal, word, waits, text, regex, code) -> None:
        if not terminal.process:
            self.fail(f"nothing runs in terminal '{terminal.name}'")
        if word == "listens":
            self.listens(terminal)
        elif waits:
            pattern = regex or re.escape(text)
            line = pattern if waits == "prompts" else rf"^.*?(?:{pattern}).*?\n"
            self.expect(terminal, re.compile(line, re.MULTILINE), f"{waits} {text or regex}")
        elif word != "starts":
            self.finish(terminal, int(code or 0))

    def listens(self, terminal: Terminal) -> None:
        found = self.expect(terminal, LISTENING, "a line 'listening on ADDRESS:PORT'")
        self.port = terminal.port = int(found.group(1))
        if self.network_is_ours:
            self.take_other_ports()

    def take_other_ports(self) -> None:
        """One port may serve two connections, to two servers: give each server's a thousand."""
        low, high = self.chosen
        self.servers += 1
        low += 1000 * self.servers
        if low + 999 <= high:
            choose_ports_from(low, low + 999)

    def expect(self, terminal: Terminal, pattern, what: str):
        """Wait for the pattern, and show all that was printed up to its end."""
        self.wait(lambda: terminal.eof or pattern.search(terminal.text),
                  f"'{terminal.name}': {what}")
        found = pattern.search(terminal.text)
        if not found:
            self.fail(f"'{terminal.name}' has ended without: {what}")
        self.show(terminal, terminal.text[:found.end()])
        terminal.text = terminal.text[found.end():]
        return found

    def finish(self, terminal: Terminal, expected: int = 0) -> None:
        what = f"'{terminal.name}': the end of its program"
        self.wait(lambda: terminal.eof, what)
        try:
            code = terminal.process.wait(self.timeout)
        except subprocess.TimeoutExpired:
            self.fail(f"waited {self.timeout:g} s for {what}")
        terminal.code = code if code >= 0 else 128 - code
        terminal.process = None
        terminal.close()
        self.show(terminal, terminal.text)
        terminal.text = ""
        if terminal.code != expected:
            self.fail(f"exit code {terminal.code}, not {expected} (if this is right, "
                      f"write '{terminal.name}: ends with {terminal.code}')")

    def wait(self, done, what: str) -> None:
        """Read what all the terminals print, until done() is true."""
        deadline = time.monotonic() + self.timeout
        while not done():
            left = deadline - time.monotonic()
            if left <= 0:
                self.fail(f"waited {self.timeout:g} s for {what}")
            for key, _ in self.selector.select(left):
                key.data.read()
                if key.data.eof:
                    self.selector.unregister(key.fd)

    def fail(self, what: str):
        story = "".join(f"  [{terminal.name}]\n{textwrap.indent(terminal.story, '    ')}\n"
                        for terminal in self.terminals.values()).rstrip()
        raise Problem(f"script line {self.line}: {what}\n  what the terminals have shown:\n{story}")

    def show(self, terminal: Terminal, text: str, new_line: bool = False) -> None:
        if terminal.name == "setup" or not text:
            return
        if not self.scenes or self.scenes[-1][0] != terminal.name:
            self.scenes.append([terminal.name, ""])
        scene = self.scenes[-1]
        if new_line and scene[1] and not scene[1].endswith("\n"):
            scene[1] += "\n"
        scene[1] += text

    def rendered(self) -> str:
        names = [name for name in self.terminals if name != "setup"]
        parts = []
        for name, text in self.scenes:
            lines = [on_screen(line) for line in text.rstrip("\n").split("\n")]
            heading = [f"# terminal {names.index(name) + 1} ({name})"] if len(names) > 1 else []
            parts.append("\n".join(heading + lines))
        return "\n\n".join(parts)

    def end_all(self) -> None:
        """Stop what runs, first politely; then whatever is left of each process group."""
        running = [process for process in self.started if process.poll() is None]
        self.signal_all(running, signal.SIGTERM)
        deadline = time.monotonic() + 2
        for process in self.started:
            try:
                process.wait(max(0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                pass
        self.signal_all(self.started, signal.SIGKILL)
        for process in self.started:
            process.wait()
        for terminal in self.terminals.values():
            terminal.close()
        self.selector.close()

    @staticmethod
    def signal_all(processes: List[subprocess.Popen], number: int) -> None:
        for process in processes:
            try:
                os.killpg(process.pid, number)
            except (ProcessLookupError, PermissionError):
                pass            # its group is gone


def replay(request: dict) -> dict:
    """Run one transcript; plain values in and out, because it may happen in another process."""
    script = parse_script(request["lines"], request["line"])
    with tempfile.TemporaryDirectory(prefix="trama-docs-") as name:
        folder = Path(name)
        (folder / "build").symlink_to(request["build"])
        for linked in ("examples", "include", "single_include", "docs"):
            (folder / linked).symlink_to(ROOT / linked)
        for file, text in script.files:
            (folder / file).parent.mkdir(parents=True, exist_ok=True)
            (folder / file).write_bytes(text.encode())
        run = None
        try:
            for probe in script.values("probe"):
                if not works(["bash", "-c", probe], cwd=name):
                    raise Skip(f"'{probe}' does not work here")
            run = Replay(script, folder, request)
            return {"text": run.run()}
        except Skip as skip:
            return {"skip": str(skip)}
        except Problem as problem:
            return {"problem": str(problem)}
        finally:
            if run:
                run.end_all()


def works(command: List[str], **options) -> bool:
    no = subprocess.DEVNULL
    return subprocess.run(command, stdin=no, stdout=no, stderr=no, **options).returncode == 0


def namespace_command() -> Optional[List[str]]:
    for flags in ("-n", "-rn"):     # root may; others with a user namespace, where it is allowed
        command = ["unshare", flags, "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
        if shutil.which("unshare") and works(command + ["true"]):
            return command
    return None


def replay_in(namespace: Optional[List[str]], request: dict) -> dict:
    if namespace is None:
        return replay(request)
    # A session of its own: a Ctrl-C comes to us, and we tell the child to clear up.
    child = subprocess.Popen(namespace + [sys.executable, __file__, "--replay"], text=True,
                             stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True)
    try:
        answer, _ = child.communicate(json.dumps(request))
    except BaseException:
        child.terminate()
        child.wait()
        raise
    return json.loads(answer) if child.returncode == 0 else {"problem": "the replay itself failed"}


def transcript_text(block: Block, lines: List[str], options) -> str:
    script = parse_script(block.script, block.line + 1)
    missing = what_is_missing(script, options.namespace)
    if missing:
        raise Skip(f"needs {missing}")
    if not Path(options.build).is_dir():
        raise Problem(f"there is no build directory {options.build}")
    avoid = "\n".join(block.script + lines[block.begin:block.end])
    result = replay_in(options.namespace, {
        "lines": block.script, "line": block.line + 1, "build": str(Path(options.build).resolve()),
        "timeout": options.timeout, "mapped": options.namespace is None, "avoid": avoid})
    if "skip" in result:
        raise Skip(result["skip"])
    if "problem" in result:
        raise Problem(result["problem"])
    return result["text"]


def what_is_missing(script: Script, namespace: Optional[List[str]]) -> Optional[str]:
    for need in script.words("needs"):
        if not has(need, namespace):
            return f"'{need}'"
    if script.words("tty") and not has_terminals():
        return "a pseudo-terminal (is /dev/pts mounted?)"
    commands = "\n".join(step.text for step in script.steps if step.sign == "$")
    if re.search(r"/proc/|\bss -\w*p", commands) and not Path("/proc/self/fd").is_dir():
        return "/proc, where the system tells about programs (ss -p looks there, too)"
    return None


def has_terminals() -> bool:
    try:
        for descriptor in os.openpty():
            os.close(descriptor)
        return True
    except OSError:
        return False


def has(need: str, namespace: Optional[List[str]]) -> bool:
    if need == "namespace":
        return namespace is not None
    if need != "ipv6":
        return shutil.which(need) is not None
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_STREAM) as probe:
            probe.bind(("::1", 0))
        return True
    except OSError:
        return False


# ---- links -----------------------------------------------------------------------------------

def prose(text: str, spans: bool = True) -> str:
    """The page without fenced code, comments and code spans; line numbers stay."""
    lines, index = text.split("\n"), 0
    while index < len(lines):
        if FENCE.match(lines[index]):
            end = end_of_fence(lines, index)
            lines[index:end + 1] = [""] * (end + 1 - index)
        index += 1
    hidden = r"<!--.*?-->" + (r"|(?<!`)(`+)(?!`)(?:(?!\n\n).)+?(?<!`)\1(?!`)" if spans else "")
    return re.sub(hidden, lambda m: "\n" * m.group().count("\n"), "\n".join(lines), flags=re.DOTALL)


def anchors(page: Path) -> set:
    """GitHub's names for the headings: lower case, no punctuation, blanks as hyphens."""
    found, seen = set(), Counter()
    text = prose(page.read_text(encoding="utf-8"), spans=False)
    for heading in re.findall(r"^ {0,3}#{1,6}[ \t]+(.*?)[ \t#]*$", text, re.MULTILINE):
        plain = re.sub(r"!?\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        found.add(f"{slug}-{seen[slug]}" if seen[slug] else slug)
        seen[slug] += 1
    return found | set(re.findall(r"<a\s+(?:id|name)=\"([^\"]+)\"", text))


LINK = re.compile(r"\]\(\s*<?([^)\s>]+)>?(?:\s+[\"'(][^)]*)?\)|^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)|"
                  r"<(?:a|img)\s[^>]*?(?:href|src)=\"([^\"]+)\"", re.MULTILINE)


def broken_links(page: Path) -> List[str]:
    text, broken = prose(page.read_text(encoding="utf-8")), []
    for match in LINK.finditer(text):
        target = match.group(1) or match.group(2) or match.group(3)
        if re.match(r"[a-zA-Z][\w+.-]*:|//", target):
            continue
        path, _, anchor = unquote(target).partition("#")
        start = ROOT if path.startswith("/") else page.parent
        file = (start / path.lstrip("/")) if path else page
        line = text.count("\n", 0, match.start()) + 1
        if not file.exists():
            broken.append(f"{line}: the link {target} leads to no file")
        elif anchor and file.suffix == ".md" and anchor not in anchors(file):
            broken.append(f"{line}: {file.name} has no heading #{anchor}")
    return broken


# ---- the whole ------------------------------------------------------------------------------

@dataclass
class Report:
    snippets: int = 0
    transcripts: int = 0
    skipped: int = 0
    problems: int = 0

    def problem(self, text: str) -> None:
        self.problems += 1
        print(text, flush=True)


def generated(block: Block, lines: List[str], options, report: Report) -> List[str]:
    """The block's new lines; the old ones where nothing is generated."""
    if block.kind == "transcript":
        text = transcript_text(block, lines, options)
        report.transcripts += 1
        return fenced(block, lines, "text", text)
    if block.kind == "snippet":
        language, text = snippet_text(block.argument)
        report.snippets += 1
        return fenced(block, lines, language, text)
    if block.kind == "declarations":
        report.snippets += 1
        return fenced(block, lines, "cpp", declarations_text(block.argument))
    check_compiles(block, lines)
    report.snippets += 1
    return lines[block.begin:block.end]


def process_page(page: Path, options, report: Report) -> None:
    name = page.relative_to(ROOT).as_posix()
    lines = page.read_text(encoding="utf-8").split("\n")
    result, copied = [], 0
    try:
        blocks = find_blocks(lines)
        for broken in broken_links(page):
            report.problem(f"{name}:{broken}")
    except Problem as problem:
        report.problem(f"{name}:{problem}")
        return
    for block in blocks:
        where, old = f"{name}:{block.line}", lines[block.begin:block.end]
        new = old
        try:
            new = generated(block, lines, options, report)
        except Problem as problem:
            report.problem(f"{where}: {problem}")
        except Skip as skip:
            report.skipped += 1
            print(f"SKIPPED {block.kind} {where}: {skip}", flush=True)
        if new != old and options.check:
            report.problem("\n".join(difflib.unified_diff(
                old, new, f"{where} (the page)", f"{where} (as it is now)", lineterm="")))
        result += lines[copied:block.begin] + new
        copied = block.end
    result += lines[copied:]
    if options.update and result != lines:
        page.write_text("\n".join(result), encoding="utf-8")
        print(f"updated {name}")


def check_regions(report: Report) -> None:
    for folder in ("examples", "include"):
        for source in sorted((ROOT / folder).rglob("*")):
            name = source.relative_to(ROOT).as_posix()
            try:
                if source.suffix in LANGUAGES:
                    regions_of(source.read_text(encoding="utf-8"), name)
            except Problem as problem:
                report.problem(str(problem))


def command_line() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    mode = parser.add_mutually_exclusive_group(required=True)
    mode.add_argument("--check", action="store_true", help="compare, and show every difference")
    mode.add_argument("--update", action="store_true", help="rewrite the pages in place")
    mode.add_argument("--replay", action="store_true", help=argparse.SUPPRESS)
    add = parser.add_argument
    add("--build", metavar="DIR", default=str(ROOT / "build"), help="where the programs are")
    add("--timeout", metavar="SECONDS", type=float, default=10, help="for each step (10)")
    add("--mapped-ports", action="store_true", help="do without network namespaces")
    add("pages", nargs="*", type=Path, help="only these (default: all)")
    options = parser.parse_args()
    for page in options.pages:
        if not page.is_file() or ROOT not in page.resolve().parents:
            parser.error(f"{page} is no page of this project")
    return options


def end_on_sigterm(*_) -> None:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise SystemExit(143)


def main() -> int:
    signal.signal(signal.SIGTERM, end_on_sigterm)
    signal.signal(signal.SIGINT, signal.default_int_handler)    # inherited, and ^C needs it
    options = command_line()
    if options.replay:
        print(json.dumps(replay(json.load(sys.stdin))))
        return 0
    options.namespace = None if options.mapped_ports else namespace_command()
    network = ("each transcript in a namespace of its own" if options.namespace
               else "no namespaces, free ports stand in for the written ones")
    print(f"network: {network}", flush=True)
    report = Report()
    every = [ROOT / "README.md"] + sorted((ROOT / "docs").rglob("*.md"))
    for page in [page.resolve() for page in options.pages] or every:
        if page.is_file():
            process_page(page, options, report)
    if not options.pages:
        check_regions(report)
    if report.problems:
        print(f"{report.problems} problems")
    print(f"{report.snippets} snippets, {report.transcripts} transcripts checked, "
          f"{report.skipped} skipped")
    return 1 if report.problems else 0


if __name__ == "__main__":
    sys.exit(main())

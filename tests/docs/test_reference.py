#!/usr/bin/env python3
"""docs/reference.md lists every public name of the library, and nothing else; docs/trace.md shows
every kind of line that the trace can print.

Run: python3 tests/docs/test_reference.py
     python3 tests/docs/test_reference.py --names      the names, as the reference must list them
"""

import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include"
REFERENCE = ROOT / "docs" / "reference.md"
TRACE = ROOT / "docs" / "trace.md"


# ---- names in the headers ------------------------------------------------------------------------
# No C++ parser: our headers are regular (clang-format sees to it), and what this does not
# understand fails loudly, as a name that is listed in one place only.

def reading_order():
    umbrella = (INCLUDE / "trama/trama.hpp").read_text()
    return re.findall(r"#include <(trama/\S+)>", umbrella) + ["trama/trama.hpp"]


def bare(text):
    """C++ without comments, strings and preprocessor lines. An unnamed parameter keeps its name,
    which stands in a comment: std::size_t /*seen*/."""
    text = re.sub(r"/\*(\w+)\*/", r"\1", text)
    text = re.sub(r'R"\((.*?)\)"|"(\\.|[^"\\\n])*"|\'(\\.|[^\'\\\n])\'', '0', text)
    text = re.sub(r"//[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL)
    return re.sub(r"^\s*#.*", "", text, flags=re.MULTILINE)


def without_template(head):
    """template <typename T, ...> is taken off the front, however deep its brackets go."""
    while head.startswith("template"):
        end, depth = head.index("<"), 0
        for end in range(end, len(head)):
            depth += {"<": 1, ">": -1}.get(head[end], 0)
            if depth == 0:
                break
        head = head[end + 1:].strip()
    return head


def split_at_commas(text):
    """The parts between the commas that no bracket holds."""
    parts, depth = [""], 0
    for letter in text:
        depth += (letter in "(<{") - (letter in ")>}")
        if letter == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += letter
    return [part.strip() for part in parts if part.strip()]


def parameters(text):
    """The names between the brackets of a function: `int port, int backlog = 128)...`."""
    depth = 1
    for end, letter in enumerate(text):
        depth += {"(": 1, ")": -1}.get(letter, 0)
        if depth == 0:
            break
    return [re.search(r"(\w+)\s*(=.*)?$", part, re.DOTALL)[1]
            for part in split_at_commas(text[:end])]


def declared(head):
    """What one declaration declares: `listen(host, port)`, `max_payload`; None for no name."""
    head = re.sub(r"\s+", " ", without_template(head.strip()))
    if not head or head.startswith("static_assert") or head.endswith(("= delete", "= default")):
        return None
    alias = re.match(r"using (\w+) =", head)
    if alias:
        return alias[1]
    front = re.match(r".*?\boperator ?[^\w(]+(?=\()|[^=(]*", head)[0]
    name = re.search(r"(operator ?\W+|operator \w+|~?\w+) ?$", front)[1]
    is_function = head[len(front):].startswith("(")
    return f"{name}({', '.join(parameters(head[len(front) + 1:]))})" if is_function else name


class Scanner:
    """Walks through a header, and enters namespaces and classes only."""

    def __init__(self, text):
        self.text, self.at, self.found = bare(text), 0, []
        self.namespace("")

    def skip_braces(self):
        """From behind a { to behind its }."""
        depth = 1
        while depth:
            depth += {"{": 1, "}": -1}.get(self.text[self.at], 0)
            self.at += 1

    def namespace(self, scope, public=True):
        """Reads declarations up to the } that ends them, or the end of the header."""
        head = ""
        while self.at < len(self.text):
            letter = self.text[self.at]
            self.at += 1
            access = re.match(r"\s*(public|private|protected)$", head) if letter == ":" else None
            if access:
                head, public = "", access[1] == "public"
            elif letter == "}":
                return
            elif letter == ";":
                self.add(scope, head, public)
                head = ""
            elif letter == "{":
                head = self.braces(scope, head, public)
            else:
                head += letter

    def braces(self, scope, head, public):
        """What stands between braces; returns what of the declaration is still open."""
        plain = without_template(head.strip())
        kind = re.match(r"(namespace|enum(?: class)?|class|struct|union)\s+(?:\[\[\w+\]\]\s+)?(\w+)?",
                        plain)
        if not kind:
            self.skip_braces()
            # A value, `int a = most{1} + 1;`, and a list, `: a_{1}, b_{2} {...}`, go on behind the
            # brace; a function ends with its body.
            value = re.match(r"(?!.*\boperator\b)[^(]*=", plain, re.DOTALL)
            default = plain.count("(") > plain.count(")")
            if value or default or self.text[self.at:].lstrip()[:1] in (";", ",", "{"):
                return head
            self.add(scope, head, public)
        elif kind[1] == "namespace" and kind[2] != "detail":
            self.namespace(scope)
        elif not public or kind[2] in (None, "detail"):
            self.skip_braces()
        else:
            self.found.append(scope + kind[2])
            inner = scope + kind[2] + "::"
            if kind[1].startswith("enum"):
                start = self.at
                self.skip_braces()
                self.found += [inner + re.match(r"\w+", value)[0]
                               for value in split_at_commas(self.text[start:self.at - 1])]
            else:
                self.namespace(inner, public=kind[1] != "class")
        return ""

    def add(self, scope, head, public):
        name = declared(head) if public else None
        # Constructors, destructors and assignment are no names of their own.
        itself = rf"~?{scope.split('::')[-2]}\(|operator=\(" if scope else "$"
        if name and scope + name not in self.found and not re.match(itself, name):
            self.found.append(scope + name)


def names_of(header):
    """The public names of a header, in the order of their declarations."""
    text = (INCLUDE / header).read_text()
    return re.findall(r"^#define (\w+)", text, re.MULTILINE) + Scanner(text).found


# ---- names in the page ---------------------------------------------------------------------------

def sections():
    """header -> the names that the first column of its table lists."""
    found = {}
    for line in REFERENCE.read_text().splitlines():
        heading = re.match(r"#+ \[`(\S+)`\]\(\.\./include/(\S+)\)$", line)
        if heading:
            names = found.setdefault(heading[2], [])
        elif line.startswith("| ") and found:
            names += re.findall(r"`([^`]+)`", line.split(" | ")[0])
    return found


class Reference(unittest.TestCase):
    maxDiff = None

    def test_the_headers_stand_in_reading_order(self):
        expected = [header for header in reading_order() if names_of(header)]
        self.assertEqual(list(sections()), expected)

    def test_every_public_name_is_listed_and_every_listed_name_exists(self):
        for header in reading_order():
            with self.subTest(header):
                self.assertEqual(sections().get(header, []), names_of(header))

    def test_the_scanner_sees_each_kind_of_name(self):
        found = Scanner("""
            #pragma once
            namespace trama {
            namespace detail { int hidden(); class secret { public: int no(); }; }
            /// int comment();
            enum class color { red, green = 2 };
            struct [[nodiscard]] plain { int data = 0; std::vector<int> more{}; };
            template <typename T, typename = std::enable_if_t<is_small<T>>>
            class box : public base<T> {
            public:
                explicit box(int a) noexcept : a_{a}, b_(a) {}
                box(const box&) = delete;
                box& operator=(const box&) = default;
                ~box() { close(); }
                static box make(const char* text = "a;{", int /*seen*/ = {}) { return {}; }
                explicit operator bool() const { return true; }
                friend bool operator==(const box& one, const box& two) { return true; }
                static constexpr int most = 1 << (2 * 3);
                enum class reason { bad };
            private:
                int a_ = 0;
                void hidden();
            };
            using text_box = box<char>;
            inline constexpr int limit = box<int>::most;
            inline int total(const std::vector<int>& all, int last = f(1, 2)) { if (last) { } }
            }""").found
        self.assertEqual(found, [
            "color", "color::red", "color::green", "plain", "plain::data", "plain::more", "box",
            "box::make(text, seen)", "box::operator bool()",
            "box::operator==(one, two)", "box::most", "box::reason", "box::reason::bad",
            "text_box", "limit", "total(all, last)"])


class Trace(unittest.TestCase):
    def test_every_text_that_a_trace_line_can_hold_is_explained(self):
        page = TRACE.read_text().split("\n## Every kind of line\n")[1].split("\n## ")[0]
        for header in reading_order():
            code = (INCLUDE / header).read_text()
            for call in re.findall(r"\btrace(?:_address)?\((?![^)]*noexcept)[^;{]*;", code):
                for text in re.findall(r'"((?:\\.|[^"\\])*)"', call):
                    for words in re.split(r"%[a-z]+", text):
                        with self.subTest(f"{header}: {text}"):
                            self.assertIn(words.strip(" :,"), page)

    def test_the_calls_that_tell_the_trace_are_found(self):
        told = [call for header in reading_order() for call in re.findall(
            r"\btrace(?:_address)?\(", (INCLUDE / header).read_text())]
        self.assertGreater(len(told), 20)


if __name__ == "__main__":
    if "--names" in sys.argv:
        for each in reading_order():
            print(f"\n{each}\n" + "\n".join(names_of(each)))
    else:
        unittest.main()

#!/usr/bin/env python3
"""docs/reference.md shows every public declaration of the library as the headers have it, and an
example of each class; docs/trace.md shows every kind of line that the trace can print; the terms of
docs/glossary.md stand in order.

Run: python3 tests/docs/test_reference.py
"""

import re
import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
INCLUDE = ROOT / "include"
REFERENCE = ROOT / "docs" / "reference.md"
TRACE = ROOT / "docs" / "trace.md"
GLOSSARY = ROOT / "docs" / "glossary.md"

sys.path.insert(0, str(ROOT / "docs"))
import declarations
import docs


def reading_order():
    umbrella = (INCLUDE / "trama/trama.hpp").read_text()
    return re.findall(r"#include <(trama/\S+)>", umbrella)


def read(header):
    return (INCLUDE / header).read_text(encoding="utf-8")


def public_names(header):
    return [item.name for item in declarations.declarations(read(header))]


def without_private_parts(header):
    """A header without the namespaces that are private: another way to the same end."""
    return re.sub(r"namespace trama_detail \{.*?\}  // namespace trama_detail", "", read(header),
                  flags=re.DOTALL)


class Page:
    """docs/reference.md: its blocks, its examples, and the text between them."""

    def __init__(self):
        self.lines = REFERENCE.read_text(encoding="utf-8").split("\n")
        self.blocks = docs.find_blocks(self.lines)

    def shown(self, block):
        return "\n".join(self.lines[block.begin + 1:block.end - 1])

    def declared(self):
        return [(block.argument.split(), self.shown(block)) for block in self.blocks
                if block.kind == "declarations"]

    def examples(self):
        return ["\n".join(self.lines[block.begin + 1:block.end]) for block in self.blocks
                if block.kind == "compile"]

    def headings(self):
        return re.findall(r"^### \[`(\S+)`\]\(\.\./include/trama/\1\)$", "\n".join(self.lines),
                          re.MULTILINE)

    def prose(self):
        return re.sub(r"^```.*?^```$", "", "\n".join(self.lines), flags=re.DOTALL | re.MULTILINE)


class Reference(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.page = Page()

    def test_the_headers_stand_in_reading_order(self):
        expected = [header[len("trama/"):] for header in reading_order() if public_names(header)]
        self.assertEqual(self.page.headings(), expected)

    def test_every_public_declaration_is_shown_once(self):
        shown = []
        for (file, *names), _ in self.page.declared():
            header = file[len("include/"):]
            shown += [(header, name) for name in names or public_names(header)]
        expected = [(header, name) for header in reading_order() for name in public_names(header)]
        self.assertEqual(shown, expected)

    def test_what_is_shown_is_what_the_header_declares(self):
        for (file, *names), text in self.page.declared():
            with self.subTest(file):
                header = (ROOT / file).read_text(encoding="utf-8")
                self.assertEqual(text, declarations.shown(header, names))

    def test_each_class_has_an_example(self):
        examples = "\n".join(self.page.examples())
        for header in reading_order():
            for item in declarations.declarations(read(header)):
                is_type = re.search(r"^(?:class|struct|enum class) (?:\[\[\w+\]\] )?\w+\b(?!:)",
                                    item.text, re.MULTILINE)
                if is_type:
                    with self.subTest(item.name):
                        self.assertRegex(examples, rf"\b{item.name}\b")

    def test_the_text_names_nothing_that_no_header_has(self):
        words = set()
        for header in ["trama/trama.hpp"] + reading_order():
            words |= set(re.findall(r"\w+", read(header)))
        for name in re.findall(r"`(?!std::)(?:\w+::)*(\w+)(?:\([^`]*\))?`", self.page.prose()):
            with self.subTest(name):
                self.assertTrue(name in words or any(word.startswith(name) or word.endswith(name)
                                                     for word in words))

    def test_the_version_is_that_of_the_library(self):
        version = re.search(r'TRAMA_VERSION "(.*)"', read("trama/trama.hpp"))[1]
        self.assertIn(f'`TRAMA_VERSION` is a macro with the version as text: `"{version}"`',
                      "\n".join(self.page.lines).replace("\n", " "))


class Declarations(unittest.TestCase):
    """docs/declarations.py: what it cuts out of a header."""
    maxDiff = None

    def cut(self, header, *names):
        return declarations.shown(header, list(names))

    def test_bodies_and_initialisers_go_comments_and_defaults_stay(self):
        self.assertEqual(self.cut("""
#pragma once
#include <string>

namespace trama {

/// A box.
template <typename T, typename = std::enable_if_t<is_small<T>>>
class box : public base<T> {
public:
    explicit box(int a, const char* text = "a:;{") noexcept : a_{a}, b_(text) {}
    box(const box&) = delete;
    ~box() { close(); }

    /// Makes one.
    [[nodiscard]] static box make(int size, int /*seen*/ = {}) {
        // why
        return box(size);
    }
    explicit operator bool() const { return true; }
    int size() const noexcept { return a_; }  ///< in bytes
    friend bool operator==(const box& one, const box& two) { return one.a_ == two.a_; }

    static constexpr int most = 1 << (2 * 3);
    T value{};

    // ---- a part ----

    enum class reason { bad, worse };  ///< why

private:
    friend class other;
    int a_ = 0;
    void hidden();
};

}  // namespace trama
"""), """\
/// A box.
template <typename T, typename = std::enable_if_t<is_small<T>>>
class box : public base<T> {
public:
    explicit box(int a, const char* text = "a:;{") noexcept;
    box(const box&) = delete;
    ~box();

    /// Makes one.
    [[nodiscard]] static box make(int size, int /*seen*/ = {});
    explicit operator bool() const;
    int size() const noexcept;  ///< in bytes
    friend bool operator==(const box& one, const box& two);

    static constexpr int most = 1 << (2 * 3);
    T value{};

    enum class reason { bad, worse };
};""")

    def test_private_namespaces_and_announced_names_are_left_out(self):
        self.assertEqual(self.cut("""
namespace trama {
template <typename T>
class announced;
namespace trama_detail {
int hidden();
class secret { public: int no(); };
}  // namespace trama_detail

using text_box = box<char>;
inline constexpr int limit = box<int>::most;
inline int total(const std::vector<int>& all, int last = f(1, 2)) {
    if (last) { return 0; }
    return last;
}
struct none {};
}
"""), """\
using text_box = box<char>;
inline constexpr int limit = box<int>::most;
inline int total(const std::vector<int>& all, int last = f(1, 2));
struct none {};""")

    def test_only_the_names_that_are_asked_for(self):
        header = "namespace trama {\nint one();\nint two();\n}\n"
        self.assertEqual(self.cut(header, "two"), "int two();")
        with self.assertRaises(KeyError):
            self.cut(header, "three")

    def test_of_our_headers_nothing_that_is_private_and_no_body_is_shown(self):
        for header in reading_order():
            text = declarations.shown(read(header), [])
            code = re.sub(r"//[^\n]*", "", text)
            with self.subTest(header):
                self.assertEqual(code.count("{"), code.count("}"))
                self.assertNotRegex(code, r"\b(return|throw|private|protected|if \()|\w_;")

    def test_of_our_headers_every_promise_of_the_public_part_is_shown(self):
        for header in reading_order():
            text = declarations.shown(read(header), [])
            public = without_private_parts(header)
            with self.subTest(header):
                self.assertEqual(text.count("[[nodiscard]]"), public.count("[[nodiscard]]"))
                self.assertEqual(len(re.findall("^(?:class|struct|enum) ", text, re.MULTILINE)),
                                 len(re.findall(r"^(?:class|struct|enum) .*\{", public,
                                                re.MULTILINE)))


class Trace(unittest.TestCase):
    CALL = r"\b(?:write_trace|trace_frame)\((?!int)[^;{]*;"

    def test_every_text_that_a_trace_line_can_hold_is_explained(self):
        page = TRACE.read_text().split("\n## Every kind of line\n")[1].split("\n## ")[0]
        for header in reading_order():
            for call in re.findall(self.CALL, read(header)):
                for text in re.findall(r'"((?:\\.|[^"\\])*)"', call):
                    for words in re.split(r"%[a-z]+", text):
                        with self.subTest(f"{header}: {text}"):
                            self.assertIn(words.strip(" :,\\\"()"), page)

    def test_the_calls_that_write_the_trace_are_found(self):
        found = [call for header in reading_order() for call in re.findall(self.CALL, read(header))]
        self.assertGreater(len(found), 20)


class Glossary(unittest.TestCase):
    def setUp(self):
        lines = GLOSSARY.read_text(encoding="utf-8").split("\n")
        self.rows = [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines
                     if line.startswith("| <a ")]
        self.assertGreater(len(self.rows), 60)

    def test_the_terms_stand_in_alphabetical_order(self):
        terms = [re.sub(r"<.*?>", "", row[0]).lower() for row in self.rows]
        self.assertEqual(terms, sorted(terms))

    def test_each_has_an_anchor_of_its_own_a_spanish_name_and_one_line(self):
        anchors = [re.match(r'<a id="([\w-]+)"></a>\w', row[0])[1] for row in self.rows]
        self.assertEqual(len(set(anchors)), len(anchors))
        for row in self.rows:
            with self.subTest(row[0]):
                self.assertEqual(len(row), 3)
                self.assertTrue(all(row))


if __name__ == "__main__":
    unittest.main()

#!/usr/bin/env python3
"""Cuts the public declarations out of a header, with their comments and without their bodies.

Run: python3 docs/declarations.py include/trama/net/tcp.hpp [NAME...]

docs.py puts the result into docs/reference.md, so the page has the words of the headers. This is no
C++ parser: our headers are regular, because clang-format formats them. What it does not understand
comes out as text that is not a declaration, and a test looks for that.
"""
import re
import sys
from pathlib import Path
from typing import List, NamedTuple

PRIVATE = "trama_detail"
# What has to be taken as one piece: comments, texts and characters, which may hold brackets.
TOKEN = re.compile(r'//[^\n]*|/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])\'|'
                   r'^[ \t]*#(?:[^\n\\]|\\.|\\\n)*|.', re.DOTALL | re.MULTILINE)
TEMPLATE = re.compile(r"template <(?:[^<>]|<(?:[^<>]|<[^<>]*>)*>)*>\s*")
TYPE = re.compile(r"(namespace|enum class|enum|class|struct|union)\b\s*(?:\[\[\w+\]\]\s*)?"
                  r"((?:std::)?\w*(?:<[\w:]+>)?)")


class Item(NamedTuple):
    """One declaration: the name that it declares, and its text with comments."""
    name: str
    text: str


def without_template(head: str) -> str:
    return TEMPLATE.sub("", head, count=1) if head.startswith("template") else head


def depth_of(text: str) -> int:
    """How many round brackets of `text` are open."""
    bare = re.sub(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])\'', "", text)
    return bare.count("(") - bare.count(")")


def end_of_parameters(head: str) -> int:
    """The place behind the `)` that closes the parameters of a function; 0: it is no function."""
    start = re.match(r"(?:template[^(]*?)?[^(=]*?(?:operator\s*(?:\(\)|[^\w\s(]+)|[^(=])\(", head)
    if not start:
        return 0
    end = start.end()
    while depth_of(head[start.end() - 1:end]) > 0 and end < len(head):
        end += 1
    return end


def without_initialisers(head: str) -> str:
    """A constructor without what stands behind the colon."""
    end = end_of_parameters(head)
    return head[:end] + re.sub(r"\s*:(?!:).*", "", head[end:], flags=re.DOTALL)


def name_of(head: str) -> str:
    """The name that a declaration declares."""
    plain = without_template(head)
    alias = re.match(r"using (\w+) =", plain)
    if alias:
        return alias[1]
    operator = re.search(r"\boperator\s*(?:\(\)|[^\w\s(]+|bool)", plain)
    if operator:
        return operator[0]
    end = end_of_parameters(plain)
    front = plain[:plain.index("(")] if end else re.split(r"\s*[={;]", plain)[0]
    return re.search(r"~?\w+$", front.rstrip())[0]


class Reader:
    """Reads a header from the front to the end, and enters namespaces and classes."""

    def __init__(self, text: str):
        self.tokens = TOKEN.findall(text)
        self.at = 0

    def take(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1]

    def braces(self) -> str:
        """The text from behind a { to its }."""
        taken, depth = "", 1
        while depth:
            token = self.take()
            depth += {"{": 1, "}": -1}.get(token, 0)
            taken += token
        return taken

    def remark(self) -> str:
        """A ///< behind a declaration, on the same line."""
        rest = "".join(self.tokens[self.at:self.at + 200]).split("\n")[0]
        found = re.match(r" *///<.*", rest)
        return found[0] if found else ""

    def scope(self, in_class: bool = False, public: bool = True) -> List[Item]:
        """The public declarations up to the } that ends the scope, or the end of the header."""
        items, front, head = [], "", ""     # front: blanks and comments before the declaration
        while self.at < len(self.tokens):
            token = self.take()
            if not head and token.startswith("//"):
                front += "" if token.startswith(("///<", "// ----", "// [", "// namespace")) else token
            elif not head and token.lstrip().startswith("#"):
                front += token if in_class else ""
            elif not head and token.isspace():
                front += token
            elif token == "}" and not head:
                return items
            elif token == ":" and head in ("public", "private", "protected"):
                public, front, head = head == "public", "", ""
            elif token == ";" and depth_of(head) == 0:
                items += self.declaration(front, head) if public else []
                front, head = "", ""
            elif token == "{":
                head, found = self.opened(front, head, public)
                items += found
                front = front if head else ""
            else:
                head += token
        return items

    def declaration(self, front: str, head: str) -> List[Item]:
        """A whole declaration; none for one that only announces a name."""
        if re.match(r"(friend )?(class|struct)\s+\w+$", without_template(head)):
            return []
        name = "static_assert" if head.startswith("static_assert") else name_of(head)
        return [Item(name, front + head + ";" + self.remark())]

    def opened(self, front: str, head: str, public: bool):
        """A { has been taken. Returns what of the declaration is still open, and what is done."""
        kind = TYPE.match(without_template(head))
        if kind and "(" not in without_template(head):
            return "", self.type_or_namespace(front, head, kind, public)
        body = self.braces()
        ahead = "".join(self.tokens[self.at:self.at + 40]).lstrip()[:1]
        is_value = end_of_parameters(head) == 0 or depth_of(head) > 0
        is_in_list = ahead in (",", "{")        # of initialisers: a_{1}, b_{2} {}
        if is_value or is_in_list:
            return head + "{" + body, []
        if not public:
            return "", []
        text = without_initialisers(head).rstrip() + ";" + self.remark()
        return "", [Item(name_of(head), front + text)]

    def type_or_namespace(self, front: str, head: str, kind, public: bool) -> List[Item]:
        what, name = kind.groups()
        if what == "namespace" and name != PRIVATE:
            return self.scope()
        if what == "namespace" or not public:
            self.braces()
            return []
        if what.startswith("enum"):
            text = front + head + "{" + self.braces()
        else:
            inner = self.scope(in_class=True, public=what != "class")
            members = "".join(item.text for item in inner).strip("\n")
            indent = re.search(r"[ \t]*$", front)[0]
            access = f"\n{indent}public:" if what == "class" else ""
            body = f"{access}\n{members}\n{indent}" if members else ""
            text = front + head + "{" + body + "}"
        if self.tokens[self.at:self.at + 1] == [";"]:
            self.take()
        return [Item(name, text + ";")]


def declarations(header: str) -> List[Item]:
    """The public declarations of a header, given as its text, in their order."""
    return Reader(header).scope()


def shown(header: str, names: List[str]) -> str:
    """Those of `names` (empty: all), as a page shows them."""
    items = declarations(header)
    missing = set(names) - {item.name for item in items}
    if missing:
        raise KeyError(f"no public {', '.join(sorted(missing))} (there are: "
                       f"{', '.join(item.name for item in items)})")
    chosen = [item.text for item in items if not names or item.name in names]
    text = re.sub(r"[ \t]+$", "", "".join(chosen), flags=re.MULTILINE)
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


if __name__ == "__main__":
    print(shown(Path(sys.argv[1]).read_text(encoding="utf-8"), sys.argv[2:]))

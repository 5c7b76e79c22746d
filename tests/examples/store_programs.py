"""What the tests of chapter 16 share: bytes on the wire, names, and a server with its folder."""
import os
import re
import shutil
import struct

import file_programs
import traced

SERVER = "16_file_store/start-server"
UPLOAD = "16_file_store/upload-file"
DOWNLOAD = "16_file_store/download-file"
LIST = "16_file_store/list-files"

STORED, REFUSED, STORAGE_FAILED = b"\x00", b"\x03", b"\x04"
OK, UNKNOWN_OPCODE, NOT_FOUND = b"\x00", b"\x01", b"\x02"
EMPTY_LIST = OK + bytes(8)

HOSTILE_NAMES = [
    b"", b".", b"..", b"../outside", b"a/b", b"/", b"/etc/passwd", b"file/", b"./file",
    b".hidden", b"...", b"a\x00b", b"\x00", b"file\x00", b"a\nb", b"a\rb", b"a\tb", b"\x1b[2J",
    b"\x7f", "a\u0080b".encode(), "\u0085".encode(), "\u009f".encode(),       # control characters
    b"\xff", b"a\xc3", b"\xc3(", b"\x80", b"\xc0\xaf", b"\xc1\xbf", b"\xe0\x80\xaf",  # no UTF-8
    b"\xed\xa0\x80", b"\xf0\x80\x80\xaf", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80",
    b"x" * 256, "ñ".encode() * 128]
LEGAL_NAMES = [
    "a", "a b", " ", "-n", "--help", "x.", "x..", "~", "*", "%s%n", "\\", "\\n", "a\\", "'", '"',
    "it's", 'say "hi"', 'it\'s "both"', "'\\\"", "', 1, 1.0)", "'); raise SystemExit(1) #",
    "#", "año", "\u00a0", "日本", "😀", "\u2028", "a\u2029b", "x" * 255, "ñ" * 127 + "x",
    "😀" * 63 + "abc"]


def sized(data):
    return struct.pack(">Q", len(data)) + data


def upload_of(name, data):
    return b"\x00" + sized(name) + sized(data)


def download_of(name):
    return b"\x01" + sized(name)


def log(level, text):
    """The pattern of a line of the log."""
    return r"^\d\d:\d\d:\d\d - %s - %s$" % (level, text)


class StoreCase(file_programs.TestCase):
    def store(self, *options, files=None, **keywords):
        """A server; self.storage is its folder, with these files."""
        self.storage = self.folder(files)
        return self.server(SERVER, "-s", self.storage, *options, **keywords)

    def stored(self):
        return file_programs.tree(self.storage)

    def client(self, path, port, *arguments, **keywords):
        return self.run_to_end(path, "-H", "127.0.0.1", "-p", port, *arguments, **keywords)

    def uploads(self, port, data, name="file", *options, **keywords):
        """What upload-file does with these bytes."""
        source = self.folder({"source": data}) / "source"
        return self.client(UPLOAD, port, "-s", source, "-n", name, *options, **keywords)

    def downloads(self, port, name="file", *options, **keywords):
        """What download-file does; self.destination is where it saves."""
        self.destination = self.folder() / "destination"
        return self.client(DOWNLOAD, port, "-d", self.destination, "-n", name, *options, **keywords)

    def assert_code(self, program, code, says=""):
        self.assertEqual(program.code, code, program.story("wrong exit code"))
        self.assertTrue(re.search(says, program.stderr), program.story("it does not say " + says))

    def trace(self, server, expression):
        """strace, attached to the server: what `expression` says holds until it is interrupted."""
        reason = traced.why_not()
        if reason:
            self.skipTest(reason)
        tracer = self.start(shutil.which("strace"), "-f", "-o", os.devnull, "-e", expression,
                            "-p", server.process.pid)
        if "attached" not in tracer.wait_for_line("attach", on="stderr").string:
            self.skipTest("strace may not attach here: %s" % tracer.stderr)
        return tracer

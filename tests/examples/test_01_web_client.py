#!/usr/bin/env python3
"""Chapter 01: web_client, against Python's http.server and servers written by hand.

Run: TRAMA_BUILD=build python3 tests/examples/test_01_web_client.py
"""
import functools
import http.server
import tempfile
import threading
import unittest
from pathlib import Path

import programs

CLIENT = "01_web_client/web_client"


class WebClientCase(programs.TestCase):
    def fetch(self, answer, *flags, path="/", cut=None, host="127.0.0.1"):
        """Runs the client against a server that sends `answer` and closes.

        `answer` is bytes, or a list of pieces that are sent one by one; `cut` resets the
        connection in place of closing it. The ended client has the request in `.request`.
        """
        listener = self.listener(host)

        def serve():
            with programs.accept(listener) as connection:
                request = b""
                while not request.endswith(b"\r\n\r\n"):
                    request += connection.recv(4096)
                try:
                    for piece in [answer] if isinstance(answer, bytes) else answer:
                        connection.sendall(piece)
                    if cut:
                        programs.reset(connection)
                except ConnectionError:
                    pass  # the client had enough of it
            return request

        server = self.in_background(serve)
        client = self.run_to_end(CLIENT, "-p", programs.port_of(listener), *flags, host, path)
        client.request = server.result()
        return client

    def assert_body(self, client, body):
        self.assertEqual((client.code, client.stdout_bytes), (0, body), client.stderr)

    def assert_refused(self, client, says):
        self.assert_fails(client, 1, says)


class Request(WebClientCase):
    def asked(self, *arguments, **keywords):
        client = self.fetch(b"HTTP/1.1 204 No Content\r\n\r\n", *arguments, **keywords)
        return client.request.decode().split("\r\n"), client

    def test_is_a_get_with_the_host_and_its_port(self):
        lines, client = self.asked(path="/a/b?c=d")
        port = client.argv[2]
        self.assertEqual(lines, ["GET /a/b?c=d HTTP/1.1", "Host: 127.0.0.1:" + port,
                                 "Connection: close", "", ""])

    def test_head_is_asked_as_in_the_lab(self):
        lines, _ = self.asked("--head")
        self.assertEqual(lines[0], "HEAD / HTTP/1.0")

    @unittest.skipUnless(programs.has_ipv6(), "this machine has no IPv6")
    def test_an_ipv6_address_stands_in_brackets(self):
        lines, client = self.asked(host="::1")
        self.assertEqual(lines[1], "Host: [::1]:" + client.argv[2])

    def test_is_shown_with_its_line_ends_on_stderr(self):
        _, client = self.asked()
        self.assertRegex(client.stderr, r"(?m)^> GET / HTTP/1\.1\\r\\nHost: .*\\r\\n"
                                        r"Connection: close\\r\\n\\r\\n$")


class Body(WebClientCase):
    def test_ends_where_content_length_says(self):
        self.assert_body(self.fetch(b"HTTP/1.1 200 OK\r\ncontent-LENGTH:  4 \r\n\r\n"
                                    b"hola, not this"), b"hola")

    def test_of_length_zero_is_nothing(self):
        self.assert_body(self.fetch(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"), b"")

    def test_comes_in_chunks(self):
        self.assert_body(self.fetch(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    b"4\r\nhola\r\nA ;note=x\r\n, 9 bytes!\r\n"
                                    b"000\r\nLate: x\r\n\r\n"),
                         b"hola, 9 bytes!")

    def test_comes_in_chunks_byte_by_byte(self):
        answer = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                  b"4\r\nho\r\n\r\n1\r\n!\r\n0\r\n\r\n")
        pieces = [answer[i:i + 1] for i in range(len(answer))]
        self.assert_body(self.fetch(pieces), b"ho\r\n!")

    def test_without_a_length_ends_with_the_stream(self):
        body = bytes(range(256)) * 300
        self.assert_body(self.fetch(b"HTTP/1.0 200 OK\r\n\r\n" + body), body)

    def test_chunks_win_over_a_length(self):
        self.assert_body(self.fetch(b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n"
                                    b"Transfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"), b"x")

    def test_a_large_one_is_whole(self):
        body = b"\x00\xff\r\n" * 500_000
        self.assert_body(self.fetch(b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + body),
                         body)

    def test_of_head_204_and_304_is_none_although_a_length_is_told(self):
        for status in (b"204 No Content", b"304 Not Modified"):
            self.assert_body(self.fetch(b"HTTP/1.1 " + status + b"\r\nContent-Length: 9\r\n\r\n"),
                             b"")
        self.assert_body(self.fetch(b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n", "-I"), b"")

    def test_comes_after_an_interim_answer(self):
        self.assert_body(self.fetch(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n"
                                    b"Link: x\r\n\r\n"
                                    b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx"), b"x")

    def test_of_an_error_page_or_a_redirection_is_shown_like_any_other(self):
        client = self.fetch(b"HTTP/1.1 301 Moved\r\nLocation: /there\r\nContent-Length: 5\r\n\r\n"
                            b"moved")
        self.assert_body(client, b"moved")
        self.assertIn("< Location: /there", client.stderr)

    def test_lines_may_end_in_a_line_feed_alone(self):
        self.assert_body(self.fetch(b"HTTP/1.1 200 OK\nContent-Length: 1\n\nx"), b"x")


class CutShort(WebClientCase):
    def test_before_the_length_is_reached(self):
        client = self.fetch(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhola")
        self.assert_refused(client, "cut short: 5 bytes are missing")
        self.assertEqual(client.stdout, "hola")

    def test_anywhere_in_a_chunked_answer(self):
        answer = (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhola\r\n0\r\n\r\n")
        for length in range(0, len(answer), 3):
            self.assert_refused(self.fetch(answer[:length]), "the response is cut short")

    def test_by_a_reset(self):
        self.assert_refused(self.fetch(b"HTTP/1.0 200 OK\r\n\r\nhola", cut=True),
                            "Connection reset by peer")


class Nonsense(WebClientCase):
    def test_a_server_of_another_kind_is_told(self):
        self.assert_refused(self.fetch(b"SSH-2.0-OpenSSH\x1b[2J\r\n"),
                            r'no web server: it says "SSH-2.0-OpenSSH\\x1b\[2J"')
        self.assert_refused(self.fetch(b"\r\n"), "no web server")
        self.assert_refused(self.fetch(b"HTTP/1.1 abc\r\n\r\n"), "no number")

    def test_lengths_that_are_no_numbers_are_refused(self):
        for length in (b"-1", b"+5", b"5x", b"0x5", b"", b"5 5", b"99999999999999999999999"):
            self.assert_refused(
                self.fetch(b"HTTP/1.1 200 OK\r\nContent-Length: " + length + b"\r\n\r\nhola!"),
                "no number")
            self.assert_refused(
                self.fetch(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" +
                           length.replace(b"5x", b"5g") + b"\r\nhola!\r\n0\r\n\r\n"), "no number")

    def test_two_lengths_are_refused(self):
        self.assert_refused(self.fetch(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n"
                                       b"Content-Length: 5\r\n\r\nhola!"), '"4,5"')

    def test_a_chunk_that_goes_on_is_refused(self):
        self.assert_refused(self.fetch(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                       b"2\r\nhola\r\n0\r\n\r\n"), "longer than announced")

    def test_an_encoding_that_nobody_asked_for_is_refused(self):
        self.assert_refused(
            self.fetch(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n"),
            "did not request")

    def test_a_line_without_end_is_refused(self):
        self.assert_refused(self.fetch(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1_000_000),
                            "a line without end")
        self.assert_body(self.fetch(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 8000 + b"\r\n\r\nhola"),
                         b"hola")

    def test_headers_without_end_are_refused(self):
        self.assert_refused(self.fetch(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 10_000),
                            "the headers have no end")

    def test_headers_are_escaped(self):
        client = self.fetch(b"HTTP/1.1 200 \x1b[31mOK\r\nServer: \x07\xff\r\n\r\n")
        self.assertIn("< HTTP/1.1 200 \\x1b[31mOK\n< Server: \\x07\\xff\n", client.stderr)


class Manners(WebClientCase):
    def test_quiet_shows_the_page_only(self):
        client = self.fetch(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nhola", "-q")
        self.assertEqual((client.stdout, client.stderr), ("hola", ""))

    def test_a_page_is_harmless_at_a_terminal(self):
        page = "<p>año</p>\n\x1b[2J\n".encode()
        listener = self.listener()
        client = self.start(CLIENT, "-q", "-p", programs.port_of(listener), "127.0.0.1",
                            terminal=["stdout"])
        with programs.accept(listener) as connection:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(page) + page)
            self.assertEqual(client.wait_exit(), 0, client.stderr)
        self.assertEqual(client.stdout_bytes, "<p>año</p>\r\n\\x1b[2J\r\n".encode())

    def test_a_full_disk_is_told(self):
        listener = self.listener()
        client = self.start("/bin/sh", "-c", "exec \"$0\" \"$@\" > /dev/full",
                            programs.example(CLIENT), "-p", programs.port_of(listener), "127.0.0.1")
        with programs.accept(listener) as connection:
            connection.recv(4096)
            connection.sendall(b"HTTP/1.0 200 OK\r\n\r\n" + b"x" * 100_000)
        self.assertEqual(client.wait_exit(), 2)
        self.assertIn("cannot write to stdout", client.stderr)

    def test_nobody_listens(self):
        port = programs.refusing_port()
        self.assert_refused(self.start(CLIENT, "-p", port, "127.0.0.1"), "nobody listens there")

    def test_help_shows_the_examples_first(self):
        self.assert_help(CLIENT)

    def test_bad_command_lines_are_usage_errors(self):
        self.assert_usage_error(CLIENT, says="give one HOST")
        self.assert_usage_error(CLIENT, "a", "/", "b", says="at most")
        self.assert_usage_error(CLIENT, "", says="HOST is a name")
        self.assert_usage_error(CLIENT, "http://localhost/", says="without http://")
        self.assert_usage_error(CLIENT, "localhost:8000", says="port")
        self.assert_usage_error(CLIENT, "localhost\r\nX: y", says="HOST is a name")
        self.assert_usage_error(CLIENT, "localhost", "index.html", says="PATH begins with /")
        self.assert_usage_error(CLIENT, "localhost", "/a b", says="%20")
        self.assert_usage_error(CLIENT, "localhost", "", says="PATH begins with /")
        self.assert_usage_error(CLIENT, "-p", "65536", "localhost", says="0 to 65535")


class RealServer(programs.TestCase):
    """Python's own web server, serving a folder that holds one binary file."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.content = bytes(range(256)) * 1000
        Path(folder.name, "file.bin").write_bytes(self.content)

        class Handler(http.server.SimpleHTTPRequestHandler):
            def log_message(self, *_):
                pass

        self.web = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), functools.partial(Handler, directory=folder.name))
        thread = threading.Thread(target=self.web.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(self.web.server_close)
        self.addCleanup(self.web.shutdown)

    def fetch(self, *arguments):
        return self.run_to_end(CLIENT, "-p", self.web.server_port, "127.0.0.1", *arguments)

    def test_a_file_arrives_as_it_is(self):
        client = self.fetch("/file.bin")
        self.assertEqual((client.code, client.stdout_bytes == self.content), (0, True),
                         client.stderr)

    def test_head_brings_the_headers_only(self):
        client = self.fetch("/file.bin", "--head")
        self.assertEqual((client.code, client.stdout), (0, ""))
        self.assertIn("< Content-Length: 256000", client.stderr)

    def test_an_absent_file_is_an_answer_too(self):
        client = self.fetch("/nothing")
        self.assertEqual(client.code, 0)
        self.assertIn("< HTTP/1.0 404", client.stderr)


if __name__ == "__main__":
    unittest.main()

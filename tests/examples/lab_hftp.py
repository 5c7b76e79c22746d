#!/usr/bin/env python3
"""HFTP as the programs of the course behave, in Python: a client and a server.

    python3 tests/examples/lab_hftp.py -p 0 server FOLDER        its first line tells the port
    python3 tests/examples/lab_hftp.py -p PORT list
    python3 tests/examples/lab_hftp.py -p PORT get NAME          saved under the same name

And the habits with which the course tests a server: `drip` sends each byte alone, `pipeline` sends
many requests before it reads an answer. HUGE_NAME and a file of BIG bytes must work, too.
"""
import argparse
import base64
import os
import re
import socket
import threading

HUGE_NAME = "x" * (5 * 1024 * 1024)
BIG = 33 * 1000 * 1000
EOL = b"\r\n"

OK, BAD_EOL, BAD_REQUEST, INTERNAL_ERROR = 0, 100, 101, 199
NO_SUCH_COMMAND, INVALID_ARGUMENTS, FILE_NOT_FOUND, BAD_OFFSET = 200, 201, 202, 203
TEXTS = {OK: "OK", BAD_EOL: "BAD EOL", BAD_REQUEST: "BAD REQUEST",
         INTERNAL_ERROR: "INTERNAL SERVER ERROR", NO_SUCH_COMMAND: "NO SUCH COMMAND",
         INVALID_ARGUMENTS: "INVALID ARGUMENTS FOR COMMAND", FILE_NOT_FOUND: "FILE NOT FOUND",
         BAD_OFFSET: "OFFSET EXCEEDS FILE SIZE"}
FATAL = (BAD_EOL, BAD_REQUEST, INTERNAL_ERROR)


class Refused(Exception):
    """An answer other than OK. Its argument is the code."""

    @property
    def code(self):
        return self.args[0]


# ---- the client ----------------------------------------------------------------------------------

class Client:
    """Talks over a connected socket; what is refused is raised as Refused."""

    def __init__(self, server):
        self.server = server
        self.stream = server.makefile("rb")

    def close(self):
        self.stream.close()
        self.server.close()

    def send(self, *requests):
        self.server.sendall(b"".join(request.encode() + EOL for request in requests))

    def line(self):
        line = self.stream.readline()
        if not line.endswith(EOL):
            raise EOFError("the stream ended within a line")
        return line[:-2].decode()

    def lines(self):
        """Up to an empty one."""
        return list(iter(self.line, ""))

    def answer(self):
        code, _ = self.line().split(" ", 1)
        if int(code) != OK:
            raise Refused(int(code))

    def ask(self, request):
        self.send(request)
        self.answer()

    def file_listing(self):
        self.ask("get_file_listing")
        return self.lines()

    def metadata(self, name):
        self.ask("get_metadata %s" % name)
        return int(self.line())

    def slice(self, name, offset, size):
        self.ask("get_slice %s %d %d" % (name, offset, size))
        return base64.b64decode(self.line(), validate=True)

    def raw_slice(self, name, offset, size):
        self.ask("get_slice %s %d %d raw" % (name, offset, size))
        announced = int(re.fullmatch(r"Content-Length: (\d+)", self.line()).group(1))
        if self.line() != "":
            raise ValueError("no empty line before the bytes")
        data = self.stream.read(announced)
        if len(data) < announced:
            raise EOFError("the stream ended after %d of %d bytes" % (len(data), announced))
        return data

    def help(self):
        self.ask("help")
        return self.lines()

    def quit(self):
        self.ask("quit")

    def retrieve(self, name, piece=16384):
        """A whole file, slice after slice."""
        size = self.metadata(name)
        return b"".join(self.slice(name, offset, min(piece, size - offset))
                        for offset in range(0, size, piece))


def drip(connection, data):
    """Sends each byte alone."""
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    for byte in data:
        connection.sendall(bytes([byte]))


def pipeline(client, requests):
    """Sends all the requests, and reads an answer only then; returns the codes."""
    client.send(*requests)
    codes = []
    for _ in requests:
        try:
            client.answer()
            codes.append(OK)
        except Refused as refused:
            codes.append(refused.code)
    return codes


# ---- the server ----------------------------------------------------------------------------------

def path_of(folder, name):
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise Refused(INVALID_ARGUMENTS)
    path = os.path.join(folder, name)
    if not os.path.isfile(path):
        raise Refused(FILE_NOT_FOUND)
    return path


def number(word):
    if not re.fullmatch("[0-9]+", word):
        raise Refused(INVALID_ARGUMENTS)
    return int(word)


def lines(texts):
    return b"".join(text.encode() + EOL for text in texts)


def get_file_listing(folder):
    return lines(os.listdir(folder) + [""])


def get_metadata(folder, name):
    return lines([str(os.path.getsize(path_of(folder, name)))])


def get_slice(folder, name, offset, size, form=None):
    offset, size = number(offset), number(size)
    if form not in (None, "raw"):
        raise Refused(INVALID_ARGUMENTS)
    with open(path_of(folder, name), "rb") as file:
        if offset + size > os.fstat(file.fileno()).st_size:
            raise Refused(BAD_OFFSET)
        file.seek(offset)
        data = file.read(size)
    if form == "raw":
        return lines(["Content-Length: %d" % size, ""]) + data
    return base64.b64encode(data) + EOL


def show_help(_folder):
    return lines(sorted(COMMANDS) + [""])


def say_goodbye(_folder):
    return b""


COMMANDS = {  # and the numbers of arguments that each takes
    "get_file_listing": (get_file_listing, [0]),
    "get_metadata": (get_metadata, [1]),
    "get_slice": (get_slice, [3, 4]),
    "help": (show_help, [0]),
    "quit": (say_goodbye, [0]),
}


def body_of_answer(request, folder):
    try:
        words = request.decode("ascii").split(" ")
    except UnicodeDecodeError:
        raise Refused(BAD_REQUEST) from None
    if not request.strip():
        raise Refused(BAD_REQUEST)
    command, arguments = words[0], words[1:]
    if command not in COMMANDS:
        raise Refused(NO_SUCH_COMMAND)
    function, counts = COMMANDS[command]
    if len(arguments) not in counts:
        raise Refused(INVALID_ARGUMENTS)
    return function(folder, *arguments)


def answer_to(line, folder):
    """The code of the answer, and the bytes of its body."""
    try:
        if not line.endswith(EOL):
            raise Refused(BAD_EOL)
        return OK, body_of_answer(line[:-2], folder)
    except Refused as refused:
        return refused.code, b""
    except OSError:
        return INTERNAL_ERROR, b""


def serve_one(client, folder, send):
    """Request after request, until the client quits, has gone, or makes a fatal mistake."""
    with client, client.makefile("rb") as stream:
        for line in iter(stream.readline, b""):
            code, body = answer_to(line, folder)
            send(client, lines(["%d %s" % (code, TEXTS[code])]) + body)
            if code in FATAL or line == b"quit" + EOL:
                return


def handle(client, folder, send):
    try:
        serve_one(client, folder, send)
    except OSError:  # the client has closed, which is no error
        pass


def serve(listener, folder, send=socket.socket.sendall):
    """A thread for each client, until the listener is shut down. send=drip makes it slow."""
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        threading.Thread(target=handle, args=(client, folder, send), daemon=True).start()


# ---- as a program --------------------------------------------------------------------------------

def run_server(host, port, folder):
    with socket.create_server((host, port), backlog=10) as listener:
        print("listening on %s:%d" % listener.getsockname(), flush=True)
        serve(listener, folder)


def run_client(client, name=None):
    if name is None:
        print("\n".join(client.file_listing()))
    else:
        data = client.retrieve(name)
        with open(name, "wb") as file:
            file.write(data)
    client.quit()


def main():
    parser = argparse.ArgumentParser(
        usage="%(prog)s [-H HOST] [-p PORT] {server FOLDER | list | get NAME}")
    parser.add_argument("-H", "--host", default="127.0.0.1")
    parser.add_argument("-p", "--port", type=int, default=19500)
    parser.add_argument("operation", choices=["server", "list", "get"])
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    if len(given.words) != (0 if given.operation == "list" else 1):
        parser.error("%s takes other arguments" % given.operation)
    if given.operation == "server":
        run_server(given.host, given.port, *given.words)
    else:
        with socket.create_connection((given.host, given.port)) as server:
            run_client(Client(server), *given.words)


if __name__ == "__main__":
    main()

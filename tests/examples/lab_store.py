#!/usr/bin/env python3
"""The file store as the programs of the course behave, in Python: a client and a server.

    python3 tests/examples/lab_store.py -p 0 server FOLDER       its first line tells the port
    python3 tests/examples/lab_store.py -p PORT upload FILE NAME
    python3 tests/examples/lab_store.py -p PORT download FILE NAME
    python3 tests/examples/lab_store.py -p PORT list

They keep to the format, with habits that the programs of this project must tolerate:
  - a client may send all it has to say before it reads a status, or never read one;
  - it knows of no confirmation after an upload, and closes when it has what it wanted;
  - it evaluates each line of a list as Python;
  - the server confirms nothing, and leaves the connection open when it has answered.
"""
import argparse
import ast
import os
import socket
import struct
import threading

UPLOAD, DOWNLOAD, LIST = b"\x00", b"\x01", b"\x02"
OK, UNKNOWN_OPCODE, FILE_NOT_FOUND = b"\x00", b"\x01", b"\x02"


def sized(data):
    return struct.pack(">Q", len(data)) + data


def recv_exactly(connection, count):
    data = bytearray()
    while len(data) < count:
        piece = connection.recv(min(count - len(data), 65536))
        if not piece:
            raise EOFError("the stream ended after %d of %d bytes" % (len(data), count))
        data += piece
    return bytes(data)


def recv_sized(connection):
    (size,) = struct.unpack(">Q", recv_exactly(connection, 8))
    return recv_exactly(connection, size)


# ---- the client: one connection for each of these ------------------------------------------------

def expect_ok(server):
    status = recv_exactly(server, 1)
    if status == FILE_NOT_FOUND:
        raise FileNotFoundError("the server has no such file")
    if status != OK:
        raise ValueError("status %d" % status[0])


def upload(server, name, data):
    """Waits for the status, but not for the end: all is sent, so all is well."""
    server.sendall(UPLOAD)
    expect_ok(server)
    server.sendall(sized(name.encode()))
    server.sendall(sized(data))


def upload_at_once(server, name, data):
    """Reads nothing at all."""
    server.sendall(UPLOAD + sized(name.encode()) + sized(data))


def download(server, name):
    server.sendall(DOWNLOAD)
    expect_ok(server)
    server.sendall(sized(name.encode()))
    expect_ok(server)
    return recv_sized(server)


def download_at_once(server, name):
    """Reads both statuses when the name is sent."""
    server.sendall(DOWNLOAD + sized(name.encode()))
    expect_ok(server)
    expect_ok(server)
    return recv_sized(server)


def list_files(server):
    """The tuples (name, size, time). literal_eval is what eval should have been."""
    server.sendall(LIST)
    expect_ok(server)
    return [ast.literal_eval(line) for line in recv_sized(server).decode().splitlines()]


# ---- the server ----------------------------------------------------------------------------------

def list_text(folder):
    found = [(entry.name, entry.stat()) for entry in os.scandir(folder) if entry.is_file()]
    return "\n".join(str((name, about.st_size, about.st_mtime)) for name, about in found)


def serve_one(client, folder):
    """One operation. Nobody closes: the client knows by the lengths when it has all."""
    opcode = recv_exactly(client, 1)
    if opcode not in (UPLOAD, DOWNLOAD, LIST):
        client.sendall(UNKNOWN_OPCODE)
        return
    client.sendall(OK)
    if opcode == LIST:
        client.sendall(sized(list_text(folder).encode()))
        return
    path = os.path.join(folder, recv_sized(client).decode())
    if opcode == UPLOAD:
        data = recv_sized(client)
        with open(path, "wb") as file:
            file.write(data)
    elif os.path.isfile(path):
        with open(path, "rb") as file:
            client.sendall(OK + sized(file.read()))
    else:
        client.sendall(FILE_NOT_FOUND)


def handle(client, folder):
    try:
        serve_one(client, folder)
    except (EOFError, OSError):  # the client has closed, which is no error
        pass


def serve(listener, folder):
    """A thread for each client, until the listener is shut down."""
    left_open = []
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            break
        left_open.append(client)
        threading.Thread(target=handle, args=(client, folder), daemon=True).start()
    for client in left_open:
        client.close()


# ---- as a program --------------------------------------------------------------------------------

def run_server(host, port, folder):
    with socket.create_server((host, port), backlog=10) as listener:
        print("listening on %s:%d" % listener.getsockname(), flush=True)
        serve(listener, folder)


def run_client(server, operation, words):
    if operation == "list":
        for name, size, changed in list_files(server):
            print("%s - %d bytes, changed at %s" % (name, size, changed))
        return
    path, name = words
    if operation == "upload":
        with open(path, "rb") as file:
            upload(server, name, file.read())
    else:
        data = download(server, name)
        with open(path, "wb") as file:
            file.write(data)


def main():
    parser = argparse.ArgumentParser(
        usage="%(prog)s [-H HOST] [-p PORT] {server FOLDER | upload FILE NAME | "
              "download FILE NAME | list}")
    parser.add_argument("-H", "--host", default="127.0.0.1")
    parser.add_argument("-p", "--port", type=int, default=4321)
    parser.add_argument("operation", choices=["server", "upload", "download", "list"])
    parser.add_argument("words", nargs="*")
    given = parser.parse_args()
    if len(given.words) != {"server": 1, "list": 0}.get(given.operation, 2):
        parser.error("%s takes other arguments" % given.operation)
    if given.operation == "server":
        run_server(given.host, given.port, *given.words)
    else:
        with socket.create_connection((given.host, given.port)) as server:
            run_client(server, given.operation, given.words)


if __name__ == "__main__":
    main()

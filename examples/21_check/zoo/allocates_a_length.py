"""allocates_a_length -- a file store that takes memory for each length that a client announces

Run:   python3 allocates_a_length.py PORT FOLDER
Wrong: a client can announce any number, and need not send a byte.
"""
import os
import socket
import struct
import sys
import threading


def receive_sized(client, stream):
    (size,) = struct.unpack(">Q", stream.read(8))
    data = bytearray(size)  # the error
    if stream.readinto(data) < size:
        raise EOFError("the stream ended too early")
    return bytes(data)


def upload(client, stream):
    path = os.path.join(sys.argv[2], os.path.basename(receive_sized(client, stream).decode()))
    data = receive_sized(client, stream)
    with open(path, "wb") as file:
        file.write(data)
    client.sendall(b"\x00")


def download(client, stream):
    path = os.path.join(sys.argv[2], receive_sized(client, stream).decode().replace("/", "_"))
    if not os.path.isfile(path):
        client.sendall(b"\x02")
        return
    with open(path, "rb") as file:
        data = file.read()
    client.sendall(b"\x00" + struct.pack(">Q", len(data)) + data)


def list_files(client, _):
    found = [(each.name, each.stat().st_size, each.stat().st_mtime)
             for each in os.scandir(sys.argv[2])]
    text = "\n".join(map(str, found)).encode()
    client.sendall(struct.pack(">Q", len(text)) + text)


def serve(client):
    try:
        with client, client.makefile("rb") as stream:
            operation = {b"\0": upload, b"\1": download, b"\2": list_files}.get(stream.read(1))
            client.sendall(b"\x00" if operation else b"\x01")
            if operation:
                operation(client, stream)
    except (OSError, EOFError, struct.error) as error:
        print(error, file=sys.stderr)
    except MemoryError:
        os._exit(1)  # as a program of C++ ends when nobody catches bad_alloc


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

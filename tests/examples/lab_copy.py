#!/usr/bin/env python3
"""The remote copy of the course, in Python: both versions, client and server.

    python3 tests/examples/lab_copy.py -p 0 lines-server FILE    its first line tells the port
    python3 tests/examples/lab_copy.py -p PORT lines-client FILE
    and the same with frame-server and frame-client

The first version sends each line as it is. The second sends the whole file in one frame: six
digits, a colon, the bytes. Neither sends a name, and neither server answers.
"""
import argparse
import socket

import lab_frames


def send_lines(server, lines):
    for line in lines:
        server.sendall(line)


def receive_lines(client):
    """Whatever comes until the client closes; a recv may hold any part of any number of lines."""
    data = b""
    for piece in iter(lambda: client.recv(1024), b""):
        data += piece
    return data


def send_frame(server, data):
    server.sendall(lab_frames.encapsula(data))


def receive_frame(client):
    """None: the client has closed without a word."""
    return lab_frames.readmsg(client)


# ---- as a program --------------------------------------------------------------------------------

def run_server(host, port, path, receive):
    with socket.create_server((host, port), backlog=10) as listener:
        print("listening on %s:%d" % listener.getsockname(), flush=True)
        client, _ = listener.accept()
        with client:
            data = receive(client)
        with open(path, "wb") as file:
            file.write(data or b"")


def run_client(host, port, path, send):
    with socket.create_connection((host, port)) as server, open(path, "rb") as file:
        send(server, file)


def main():
    programs = {
        "lines-server": (run_server, receive_lines),
        "frame-server": (run_server, receive_frame),
        "lines-client": (run_client, send_lines),
        "frame-client": (run_client, lambda server, file: send_frame(server, file.read())),
    }
    parser = argparse.ArgumentParser()
    parser.add_argument("-H", "--host", default="127.0.0.1")
    parser.add_argument("-p", "--port", type=int, default=5000)
    parser.add_argument("program", choices=sorted(programs))
    parser.add_argument("file")
    given = parser.parse_args()
    run, move = programs[given.program]
    run(given.host, given.port, given.file, move)


if __name__ == "__main__":
    main()

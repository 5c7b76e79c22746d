"""loses_line_feeds -- sends a file line by line, without the ends of the lines

Run:   python3 loses_line_feeds.py HOST PORT FILE
Wrong: splitlines and strip take the line feed away.
"""
import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as server:
    with open(sys.argv[3], "rb") as file:
        for line in file.read().split(b"\n"):
            server.sendall(line)  # the error

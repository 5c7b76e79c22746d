"""client_that_believes -- a client of framed messages that prints whatever comes

Run:   python3 client_that_believes.py HOST PORT
Wrong: the header of the answer is not checked, and its bytes are not counted.
"""
import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as server:
    stream = server.makefile("rb")
    for line in sys.stdin:
        payload = line.rstrip("\n").encode()
        server.sendall(b"%06d:" % len(payload) + payload)
        header = stream.read(7)
        digits = b"".join(byte for byte in (header[i:i + 1] for i in range(6)) if byte.isdigit())
        print(stream.read(int(digits or b"0")).decode())  # the error

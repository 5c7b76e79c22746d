"""lines_of_lf -- a web client that ends its lines in LF

Run:   python3 lines_of_lf.py HOST PORT
Wrong: in HTTP each line ends in CR LF.
"""
import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as server:
    server.sendall(b"GET / HTTP/1.1\nHost: %s\nConnection: close\n\n" % sys.argv[1].encode())
    page = b""  # the error is in the line above: \n
    for piece in iter(lambda: server.recv(4096), b""):
        page += piece
    print(page.decode(errors="replace"))

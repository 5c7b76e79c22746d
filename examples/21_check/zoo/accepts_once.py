"""accepts_once -- an echo server that serves one client, and then ends

Run:   python3 accepts_once.py PORT
Wrong: accept is not in the loop.
"""
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
connection, _ = listener.accept()  # the error
with connection:
    data = connection.recv(1024)
    while data not in (b"", b"."):
        connection.sendall(data)
        data = connection.recv(1024)

"""client_of_one_recv -- an echo client that takes one recv for the whole answer

Run:   python3 client_of_one_recv.py HOST PORT
Wrong: the answer may come in several pieces.
"""
import socket
import sys

with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as server:
    for line in sys.stdin:
        server.sendall(line.encode())
        print(server.recv(1024).decode())  # the error

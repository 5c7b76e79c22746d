#!/usr/bin/env python3
"""Sends 8 MB to a server, and only then reads the answer (chapter 04).

Run: python3 docs/programs/visit.py HOST PORT
"""
# [region visit]
import socket
import sys

server = socket.create_connection(sys.argv[1:])
try:
    server.sendall(bytes(8_000_000))
    print("the answer has", len(server.recv(4096)), "bytes")
except OSError as error:
    print("no answer:", error.strerror)
# [/region visit]

"""ends_with_its_client -- an echo server that an error of one client ends

Run:   python3 ends_with_its_client.py PORT
Wrong: ConnectionResetError is not caught.
"""
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    with connection:
        data = connection.recv(1024)  # the error: no try around the client
        while data not in (b"", b"."):
            connection.sendall(data)
            data = connection.recv(1024)

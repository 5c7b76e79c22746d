"""forgets_to_close -- an echo server that goes to the next client and leaves the last one open

Run:   python3 forgets_to_close.py PORT
Wrong: nobody closes the socket of a client that has left.
"""
import socket
import sys


def serve(client):
    while True:
        data = client.recv(1024)
        if data in (b"", b"."):
            return  # the error: no close
        client.sendall(data)


left_open = []
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    left_open.append(connection)
    try:
        serve(connection)
    except OSError as error:
        print(error, file=sys.stderr)

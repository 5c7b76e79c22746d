"""answers_twice -- an echo server with a send in the loop and another one behind it

Run:   python3 answers_twice.py PORT
Wrong: the last answer is sent again when the client has ended its stream.
"""
import socket
import sys


def serve(client):
    last = b""
    while True:
        data = client.recv(1024)
        if data in (b"", b"."):
            break
        client.sendall(data)
        last = data
    client.sendall(last)  # the error


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    with connection:
        try:
            serve(connection)
        except OSError as error:
            print(error, file=sys.stderr)

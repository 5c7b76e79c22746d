"""one_recv -- a server of framed messages that takes one recv for one message

Run:   python3 one_recv.py PORT
Wrong: recv may return a part of a message, or several.
"""
import re
import socket
import sys


def serve(client):
    message = client.recv(2_000_000)
    while message:
        if len(message) >= 7:  # the error: a shorter one is forgotten, and was the beginning
            payload = message[7:]
            if not re.match(rb"[0-9]{6}:", message) or len(payload) != int(message[:6]):
                return
            client.sendall(b"%06d:" % len(payload) + payload)
        message = client.recv(2_000_000)


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    with connection:
        try:
            serve(connection)
        except OSError as error:
            print(error, file=sys.stderr)

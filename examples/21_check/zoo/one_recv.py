"""one_recv -- a server of framed messages that takes one recv for one message

Run:   python3 one_recv.py PORT
Wrong: recv may return a part of a message, or several.
"""
import re
import socket
import sys


def serve(client):
    while True:
        message = client.recv(2_000_000)  # the error: one recv, one message
        if not re.match(rb"[0-9]{6}:", message):
            return
        payload = message[7:]
        if len(payload) != int(message[:6]):
            return
        client.sendall(b"%06d:" % len(payload) + payload)


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    with connection:
        try:
            serve(connection)
        except OSError as error:
            print(error, file=sys.stderr)

"""counts_letters -- a server of framed messages that counts letters and not bytes

Run:   python3 counts_letters.py PORT
Wrong: len of a str counts letters. In UTF-8 "ñ" is two bytes.
"""
import re
import socket
import sys


def read_message(stream):
    """The text of the next message; None at the end of the stream, or of sense."""
    header = stream.read(7)
    if not re.fullmatch(rb"[0-9]{6}:", header):
        return None
    payload = stream.read(int(header[:6]))
    return payload.decode() if len(payload) == int(header[:6]) else None


def serve(client):
    with client.makefile("rb") as stream:
        text = read_message(stream)
        while text is not None:
            client.sendall(("%06d:%s" % (len(text), text)).encode())  # the error
            text = read_message(stream)


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    with connection:
        try:
            serve(connection)
        except (OSError, UnicodeDecodeError) as error:
            print(error, file=sys.stderr)

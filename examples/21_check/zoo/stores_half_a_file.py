"""stores_half_a_file -- stores the one message of a client, also if only a part of it has come

Run:   python3 stores_half_a_file.py PORT FILE
Wrong: nobody compares what has come with the length.
"""
import re
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    with connection, connection.makefile("rb") as stream:
        header = stream.read(7)
        if re.fullmatch(rb"[0-9]{6}:", header):
            data = stream.read(int(header[:6]))  # the error: it may be shorter
            with open(sys.argv[2], "wb") as file:
                file.write(data)

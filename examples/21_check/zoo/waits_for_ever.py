"""waits_for_ever -- a server for short visits that a silent client keeps for ever

Run:   python3 waits_for_ever.py PORT
Wrong: recv has no time-out.
"""
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
while True:
    connection, _ = listener.accept()
    with connection:
        try:
            connection.sendall(connection.recv(1024))  # the error: no settimeout before
        except OSError as error:
            print(error, file=sys.stderr)

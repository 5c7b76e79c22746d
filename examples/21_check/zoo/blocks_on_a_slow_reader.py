"""blocks_on_a_slow_reader -- an echo server with select, and with sendall

Run:   python3 blocks_on_a_slow_reader.py PORT
Wrong: sendall waits until this client has taken all; the others wait with it.
"""
import select
import socket
import sys


def serve(client):
    try:
        data = client.recv(4096)
        client.sendall(data)  # the error
        return data != b""
    except OSError as error:
        print(error, file=sys.stderr)
        return False


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
clients = []
while True:
    for ready in select.select([listener, *clients], [], [])[0]:
        if ready is listener:
            clients.append(listener.accept()[0])
        elif not serve(ready):
            clients.remove(ready)
            ready.close()

"""one_at_a_time -- an echo server that uses select, and then stays with one client

Run:   python3 one_at_a_time.py PORT
Wrong: the loop over one client is inside the loop over all.
"""
import select
import socket
import sys


def serve(client):
    data = client.recv(1024)
    while data:  # the error: receives from this client until it leaves
        client.sendall(data)
        data = client.recv(1024)


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
clients = []
while True:
    for ready in select.select([listener, *clients], [], [])[0]:
        if ready is listener:
            clients.append(listener.accept()[0])
            continue
        try:
            serve(ready)
        except OSError as error:
            print(error, file=sys.stderr)
        clients.remove(ready)
        ready.close()

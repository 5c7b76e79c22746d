"""one_time_out -- an echo server that closes silent clients, if all are silent

Run:   python3 one_time_out.py PORT SECONDS
Wrong: the time-out of select begins again whenever any client sends something.
"""
import select
import socket
import sys


def serve(client):
    try:
        data = client.recv(4096)
        client.setblocking(False)
        client.sendall(data)
        return data != b""
    except OSError:
        return False


listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
clients = []
while True:
    readable = select.select([listener, *clients], [], [], float(sys.argv[2]))[0]
    if not readable:  # the error: nobody has sent anything, and so all must leave
        for client in clients:
            client.close()
        clients = []
    for ready in readable:
        if ready is listener:
            clients.append(listener.accept()[0])
        elif not serve(ready):
            clients.remove(ready)
            ready.close()

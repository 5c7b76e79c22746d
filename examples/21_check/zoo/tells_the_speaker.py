"""tells_the_speaker -- a chat in which each member receives its own words

Run:   python3 tells_the_speaker.py PORT
Wrong: the loop over the clients does not leave out the sender.
"""
import select
import socket
import sys

listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
waiting = {}  # for each client, the bytes that are no whole line yet


def send_to_all(data):
    for client in waiting:  # the error
        client.sendall(data)


def receive(client):
    data = client.recv(4096)
    if not data:
        raise ConnectionError("it has left")
    *lines, waiting[client] = (waiting[client] + data).split(b"\n")
    for line in lines:
        send_to_all(b"\r<%s> %s\n" % (str(client.getpeername()).encode(), line))


def serve(client):
    name = client.getpeername()
    try:
        receive(client)
    except OSError:
        del waiting[client]
        client.close()
        send_to_all(b"Client (%s, %d) is offline\n" % (name[0].encode(), name[1]))


while True:
    for ready in select.select([listener, *waiting], [], [])[0]:
        if ready is listener:
            newcomer, address = listener.accept()
            send_to_all(b"[%s:%d] entered room\n" % (address[0].encode(), address[1]))
            waiting[newcomer] = b""
        elif ready in waiting:
            serve(ready)

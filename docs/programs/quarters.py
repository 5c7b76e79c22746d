#!/usr/bin/env python3
"""A file in four parts without lengths on the wire: which sizes end in a deadlock?

Run: python3 quarters.py
"""
import socket
import threading


# [region quarters]
def receive(client):
    for _ in range(4):
        while len(client.recv(1024)) == 1024:  # a full one: there is more
            pass
        client.sendall(b"recibido")


def send(server, file):
    size = len(file) // 4
    for part in range(4):
        end = (part + 1) * size if part < 3 else len(file)
        server.sendall(file[part * size:end])
        server.recv(8)  # "recibido"
# [/region quarters]


def attempt(size):
    server, client = socket.socketpair()
    server.settimeout(1)
    thread = threading.Thread(target=receive, args=[client])
    thread.start()
    try:
        send(server, bytes(size))
        print(size, "bytes: sent")
    except socket.timeout:
        print(size, "bytes: each waits for the other")
    server.shutdown(socket.SHUT_WR)  # so that the other one ends, too
    thread.join()
    server.close()
    client.close()


def main():
    for size in (10000, 4096, 3):
        attempt(size)


if __name__ == "__main__":
    main()

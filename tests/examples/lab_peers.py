"""The other end as the labs write it, in Python: blocking calls, plain bytes, no frames."""
import select
import socket


def echo_server(listener, answers):
    """Exercise 2: serves one client; a read that is exactly one dot, or the end, ends it."""
    client, _ = listener.accept()
    while True:
        message = client.recv(1024)
        answers.append(message)
        if message == b"." or not message:
            break
        client.sendall(message)
    client.close()


def echo_client(port, messages):
    """Exercise 1: sends each message and prints what one recv returns; then a dot."""
    server = socket.create_connection(("127.0.0.1", port), 20)
    answers = []
    for message in messages:
        server.sendall(message)
        answers.append(server.recv(1024))
    server.sendall(b".")
    answers.append(server.recv(1024))
    server.close()
    return answers


def short_visit(port, message):
    """Exercise 3: leaves after the first answer."""
    with socket.create_connection(("127.0.0.1", port), 20) as server:
        server.sendall(message)
        return server.recv(1024)


def chat_server(listener, leavers):
    """Final exercise 1: passes on what each receive returned. Ends when so many have left.

    A notice that somebody has left has no line feed, and the server does not close the socket.
    """
    clients = []
    gone = []

    def send_to_others(sender, data):
        for client in clients:
            if client is not sender:
                client.sendall(data)

    while len(gone) < leavers:
        for ready in select.select([listener, *clients], [], [])[0]:
            if ready is listener:
                client, address = listener.accept()
                clients.append(client)
                send_to_others(client, b"[%b:%d] entered room\n" % (address[0].encode(), address[1]))
                continue
            address = ready.getpeername()
            data = ready.recv(4096)
            if data:
                send_to_others(ready, b"\r<%b> %b" % (str(address).encode(), data))
            else:
                clients.remove(ready)
                gone.append(ready)
                send_to_others(ready, b"Client (%b, %d) is offline" % (address[0].encode(),
                                                                       address[1]))
    for client in clients + gone:
        client.close()

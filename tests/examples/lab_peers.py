"""The other end as the labs write it, in Python: blocking calls, plain bytes, no frames."""
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

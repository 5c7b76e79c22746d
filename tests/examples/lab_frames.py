"""The peers of the labs, as students write them in Python: the programs here must talk with them.

A frame is six decimal digits, a colon, and so many bytes of payload. `readmsg` reads it right;
`readmsg_of_the_lab` has the five flaws of the listing that went round.
"""


def encapsula(payload):
    return b"%06d:" % len(payload) + payload


def recv_exactly(connection, count):
    data = b""
    while len(data) < count:
        piece = connection.recv(count - len(data))
        if not piece:
            raise EOFError("the stream ended after %d of %d bytes" % (len(data), count))
        data += piece
    return data


def readmsg(connection):
    """The next message; None: the peer has closed between two messages."""
    first = connection.recv(1)
    if not first:
        return None
    header = first + recv_exactly(connection, 6)
    if not header[:6].isdigit() or header[6:] != b":":
        raise ValueError("no header: %r" % header)
    return recv_exactly(connection, int(header[:6]))


def readmsg_of_the_lab(connection):
    start = connection.recv(8)                      # may be fewer
    size, message = int(start[:6]), start.split(b":")[1]
    while len(message) < size:                      # never ends if the stream does
        message += connection.recv(size - len(message))
    return message


def echo_server(connection, read=readmsg):
    """Answers each message of one client until it closes; returns how many."""
    count = 0
    for payload in iter(lambda: read(connection), None):
        connection.sendall(encapsula(payload))
        count += 1
    return count


def echo_client(connection, payloads, read=readmsg):
    """Sends each message and reads its answer; returns the answers."""
    answers = []
    for payload in payloads:
        connection.sendall(encapsula(payload))
        answers.append(read(connection))
    return answers

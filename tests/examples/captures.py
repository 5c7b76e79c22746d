"""Capture files made by hand, for the tests of tools/segments: exact bytes, for exact cases.

    talk = captures.Talk(client_seq=1000, server_seq=2000)
    packets = talk.handshake() + [talk.up(b"hola"), talk.down(b"")]
    captures.write(path, captures.pcap(packets))
"""
import socket
import struct

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ETHERNET, RAW, SLL, SLL2, NULL, LOOP, RAW_IPV4, RAW_IPV6 = 1, 101, 113, 276, 0, 108, 228, 229

MSS = struct.pack(">BBH", 2, 4, 1460)
SCALE = struct.pack(">BBBB", 1, 3, 3, 7)
SACK = bytes([1, 1, 4, 2])
TIMESTAMP = struct.pack(">BBBBII", 1, 1, 8, 10, 77, 0)


def tcp(source, target, seq, ack, flags, payload=b"", window=512, options=b""):
    words = 5 + len(options) // 4
    return struct.pack(">HHIIBBHHH", source, target, seq % 2**32, ack % 2**32, words << 4, flags,
                       window, 0, 0) + options + payload


def ipv4(body, source="10.0.0.1", target="10.0.0.2", protocol=6, options=b"", fragment=0):
    words = 5 + len(options) // 4
    return struct.pack(">BBHHHBBH4s4s", 0x40 | words, 0, 4 * words + len(body), 1, fragment, 64,
                       protocol, 0, socket.inet_aton(source),
                       socket.inet_aton(target)) + options + body


def ipv6(body, source="fd00::1", target="fd00::2", following=6):
    return struct.pack(">IHBB16s16s", 6 << 28, len(body), following, 64,
                       socket.inet_pton(socket.AF_INET6, source),
                       socket.inet_pton(socket.AF_INET6, target)) + body


def ethernet(body, kind=0x0800, tags=b""):
    return b"\2\0\0\0\0\1\2\0\0\0\0\2" + tags + struct.pack(">H", kind) + body


class Talk:
    """One connection whose packets are Ethernet frames; it counts the numbers by itself."""

    def __init__(self, client_seq=1000, server_seq=2000, client_port=40000, server_port=5000,
                 wrap=lambda body, **ends: ethernet(ipv4(body, **ends))):
        self.seq = {"up": client_seq, "down": server_seq}
        self.ports = {"up": (client_port, server_port), "down": (server_port, client_port)}
        self.ends = {"up": {}, "down": {}}
        self.wrap = wrap

    def send(self, way, flags=ACK, payload=b"", seq=None, ack=None, window=512, options=b""):
        """A packet with the next numbers; with `seq`, it does not move them."""
        other = "down" if way == "up" else "up"
        packet = tcp(*self.ports[way], self.seq[way] if seq is None else seq,
                     (self.seq[other] if ack is None else ack) if flags & ACK else 0, flags,
                     payload, window, options)
        if seq is None:
            self.seq[way] += len(payload) + bool(flags & SYN) + bool(flags & FIN)
        ends = {} if way == "up" else {"source": "10.0.0.2", "target": "10.0.0.1"}
        return self.wrap(packet, **ends)

    def up(self, payload=b"", **keywords):
        return self.send("up", payload=payload, **keywords)

    def down(self, payload=b"", **keywords):
        return self.send("down", payload=payload, **keywords)

    def handshake(self, options=MSS + SACK + SCALE):
        return [self.up(flags=SYN, options=options, window=64240),
                self.down(flags=SYN | ACK, options=options, window=65160), self.up()]

    def release(self):
        return [self.up(flags=FIN | ACK), self.down(flags=FIN | ACK), self.up()]


def timed(packets, start=1_700_000_000_000_000_000, step=1_000_000):
    """(nanoseconds, packet) for each; a packet may bring its own time as such a pair, counted
    from the start."""
    result = []
    for place, packet in enumerate(packets):
        time, data = packet if isinstance(packet, tuple) else (place * step, packet)
        result.append((start + time, data))
    return result


def pcap_header(order="<", nano=False, link=ETHERNET, snap=262144):
    return struct.pack(order + "IHHiIII", 0xA1B23C4D if nano else 0xA1B2C3D4, 2, 4, 0, 0, snap,
                       link)


def pcap_record(time, data, order="<", nano=False, wire=None):
    return struct.pack(order + "IIII", time // 10**9, time % 10**9 // (1 if nano else 1000),
                       len(data), len(data) if wire is None else wire) + data


def pcap(packets, order="<", nano=False, link=ETHERNET):
    return pcap_header(order, nano, link) + b"".join(
        pcap_record(time, data, order, nano) for time, data in timed(packets))


def block(kind, body, order="<"):
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", 12 + len(body))
    return struct.pack(order + "I", kind) + size + body + size


def section(order="<"):
    return block(0x0A0D0D0A, struct.pack(order + "IHHq", 0x1A2B3C4D, 1, 0, -1), order)


def option(code, value, order="<"):
    return struct.pack(order + "HH", code, len(value)) + value + bytes(-len(value) % 4)


def interface(order="<", link=ETHERNET, resolution=None, snap=0):
    options = b"" if resolution is None else (
        option(2, b"lo", order) + option(9, bytes([resolution]), order) + option(0, b"", order))
    return block(1, struct.pack(order + "HHI", link, 0, snap) + options, order)


def enhanced(time, data, order="<", number=0, wire=None):
    """`time`: in the units of the interface."""
    return block(6, struct.pack(order + "IIIII", number, time >> 32, time & 0xFFFFFFFF, len(data),
                                len(data) if wire is None else wire) +
                 data + bytes(-len(data) % 4) + option(1, b"a comment", order) +
                 option(0, b"", order), order)


def simple(data, order="<"):
    return block(3, struct.pack(order + "I", len(data)) + data, order)


def pcapng(packets, order="<", link=ETHERNET, resolution=None, units=10**6):
    """`units`: those in a second, which `resolution` says."""
    return section(order) + interface(order, link, resolution) + b"".join(
        enhanced(time * units // 10**9, data, order) for time, data in timed(packets))

#!/usr/bin/env python3
"""The formats of trama in Python; the page wire_formats.md shows the functions.

  python3 frames.py six_digit_colon hola adios | xxd -g 1    each argument is one payload
  printf '000004:hola' | python3 frames.py six_digit_colon   no argument: the payloads, one a line
"""
import re
import struct
import sys


# [region exact]
def read_exact(stream, size):
    data = stream.read(size)    # waits until all have come, or the stream has ended
    if len(data) < size:
        raise EOFError(f"the stream ended after {len(data)} of {size} bytes")
    return data
# [/region exact]


# [region six]
def encode_six_digit_colon(payload):
    if len(payload) > 999_999:
        raise ValueError("too long")
    return b"%06d:" % len(payload) + payload


def read_six_digit_colon(stream):
    header = read_exact(stream, 7)
    if not re.fullmatch(rb"[0-9]{6}:", header):
        raise ValueError(f"bad header {header!r}")
    return read_exact(stream, int(header[:6]))
# [/region six]


# [region length]
def encode_length_prefix(payload):
    return struct.pack(">I", len(payload)) + payload    # struct.error: too long


def read_length_prefix(stream, limit=16 * 1024 * 1024):
    (size,) = struct.unpack(">I", read_exact(stream, 4))
    if size > limit:
        raise ValueError(f"too long: {size} bytes")
    return read_exact(stream, size)
# [/region length]


# [region line]
def encode_line(payload, end=b"\n"):
    if b"\n" in payload:
        raise ValueError("a line cannot hold a line feed")
    return payload + end


def read_line(stream, end=b"\n", limit=8192):
    line = stream.readline(limit + len(end))
    if not line:
        raise EOFError("the stream ended")
    if not line.endswith(end):
        raise ValueError(f"too long, cut off, or not ended by {end!r}")
    return line[:-len(end)]
# [/region line]


FORMATS = {
    "six_digit_colon": (encode_six_digit_colon, read_six_digit_colon),
    "length_prefix<4>": (encode_length_prefix, read_length_prefix),
    "lf_line": (encode_line, read_line),
    "crlf_line": (lambda payload: encode_line(payload, b"\r\n"),
                  lambda stream: read_line(stream, b"\r\n")),
}


def main():
    encode, read = FORMATS[sys.argv[1]]
    for payload in sys.argv[2:]:
        sys.stdout.buffer.write(encode(payload.encode()))
    while len(sys.argv) == 2 and sys.stdin.buffer.peek(1):
        print(read(sys.stdin.buffer))


if __name__ == "__main__":
    main()

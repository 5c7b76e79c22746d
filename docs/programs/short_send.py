#!/usr/bin/env python3
"""Two calls of send that take less than they were given (chapter 02).

Run: python3 docs/programs/short_send.py
"""
# [region calls]
import signal
import socket

here, there = socket.socketpair()  # nobody receives at the other end
here.setblocking(False)
print("without waiting, send took everything:", here.send(bytes(10_000_000)) == 10_000_000)

here, there = socket.socketpair()  # this end waits, until a signal comes
signal.signal(signal.SIGALRM, lambda *_: None)
signal.setitimer(signal.ITIMER_REAL, 0.2)
print("interrupted, send took everything:", here.send(bytes(10_000_000)) == 10_000_000)
# [/region calls]

#!/usr/bin/env python3
"""Every system call of a conversation fails once, with every errno of its man page (by strace).

Whatever fails: a typed error that names the operation, no crash, no hang, no descriptor left open.

Run: python3 tests/examples/test_faults.py
"""
import errno
import os
from collections import Counter

import traced

# call: what the error is about, as a pattern; then the errnos of its man page. ENDPOINT stands for
# an address and a port.
FAULTS = {
    "socket": ("(open a socket|connect to ENDPOINT)",
               "EACCES EAFNOSUPPORT EINVAL EMFILE ENFILE ENOBUFS ENOMEM"),
    "setsockopt": ("set option (SO_REUSEADDR|TCP_NODELAY)", "EBADF EINVAL ENOPROTOOPT ENOTSOCK"),
    "bind": ("(listen on|bind UDP socket to) ENDPOINT",
             "EACCES EADDRINUSE EBADF EINVAL EADDRNOTAVAIL"),
    "listen": ("listen on ENDPOINT", "EADDRINUSE EBADF EOPNOTSUPP"),
    "accept4": ("accept on ENDPOINT", "EBADF EINVAL EMFILE ENFILE ENOBUFS ENOMEM EPERM"),
    "connect": ("connect (UDP socket )?to ENDPOINT",
                "EACCES EPERM EADDRINUSE EADDRNOTAVAIL EAFNOSUPPORT EAGAIN EBADF ECONNREFUSED "
                "ENETUNREACH EHOSTUNREACH ETIMEDOUT"),
    "poll": ("", "EFAULT EINVAL ENOMEM"),
    "recvfrom": ("recv_(exact|some|frame) from ENDPOINT",
                 "EBADF ECONNREFUSED ECONNRESET EINVAL ENOMEM ENOTCONN ETIMEDOUT"),
    "sendto": ("(send_all|send a datagram) to ENDPOINT",
               "EACCES EBADF ECONNRESET EDESTADDRREQ EMSGSIZE ENOBUFS ENOMEM ENOTCONN EPIPE"),
    "sendmsg": ("send_(all|frame) to ENDPOINT",
                "EBADF ECONNRESET EINVAL EMSGSIZE ENOBUFS ENOMEM ENOTCONN EPIPE"),
    "recvmsg": ("recv_from", "EBADF ECONNREFUSED EINVAL ENOMEM"),
    "getsockname": ("", "EBADF ENOBUFS"),
    "getsockopt": ("", "EBADF ENOPROTOOPT"),
    "fcntl": ("(ask for|set) O_NONBLOCK", "EBADF EINVAL EPERM"),
    "shutdown": ("shut down sending to ENDPOINT", "EBADF ENOTCONN"),
}

# Faults that are no failure: the library goes on, and all goes well.
HARMLESS = {
    "accept4": "EAGAIN ECONNABORTED EPROTO ENOPROTOOPT ENETDOWN EHOSTUNREACH ENETUNREACH",
    "recvfrom": "EAGAIN",
    "sendmsg": "EAGAIN",
    "recvmsg": "EAGAIN",
}

INTERRUPTIBLE = ("accept4", "connect", "fcntl", "poll", "recvfrom", "sendto", "sendmsg", "recvmsg")

ENDPOINT = r"(127\.0\.0\.1|0\.0\.0\.0):\d+"


def of_every_system(call):
    """How strace is told the call: some processors have ppoll only."""
    return r"/^p?poll$" if call == "poll" else call


class Faults(traced.TestCase):
    source = "conversation.cpp"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        calls = cls.run_traced().calls
        cls.count = Counter("poll" if name == "ppoll" else name for name in calls)

    def injections(self, call, names):
        """What strace is told to let every single call fail with every errno of `names`."""
        self.assertGreater(self.count[call], 0, "%s is never called: nothing is tested" % call)
        return [(name, "%s:error=%s:when=%d" % (of_every_system(call), name, number))
                for name in names.split() for number in range(1, self.count[call] + 1)]

    def assert_typed_errors(self, call):
        pattern, names = FAULTS[call]
        pattern = "^" + pattern.replace("ENDPOINT", ENDPOINT)
        failures = 0
        for name, inject in self.injections(call, names):
            with self.subTest(inject):
                run = self.run_traced(inject=inject)
                self.assertIn(run.returncode, (0, 1), run.stdout)
                if run.returncode == 1:
                    failures += 1
                    self.assertRegex(run.stdout, pattern)
                    self.assertIn(": " + os.strerror(getattr(errno, name)), run.stdout)
                else:
                    self.assertEqual(run.stdout, "")
        self.assertGreater(failures, 0, "no fault of %s was ever told" % call)

    def assert_survived(self, inject):
        with self.subTest(inject):
            run = self.run_traced(inject=inject)
            self.assertEqual((run.returncode, run.stdout), (0, ""))

    def test_without_a_fault_all_goes_well(self):
        run = self.run_traced()
        self.assertEqual((run.returncode, run.stdout), (0, ""))

    def test_a_fault_that_passes_is_survived(self):
        for call, names in HARMLESS.items():
            for _, inject in self.injections(call, names):
                self.assert_survived(inject)

    def test_a_call_interrupted_by_a_signal_goes_well(self):
        for call in INTERRUPTIBLE:
            for _, inject in self.injections(call, "EINTR"):
                self.assert_survived(inject)

    def test_readiness_without_data_does_not_outlast_the_time_out(self):
        for call in ("accept4", "recvfrom", "sendto", "sendmsg", "recvmsg"):
            with self.subTest(call):
                run = self.run_traced("100", inject="%s:error=EAGAIN:when=1+" % call)
                self.assertEqual(run.returncode, 1, run.stdout)
                self.assertIn(": " + os.strerror(errno.ETIMEDOUT), run.stdout)

    def test_all_kinds_of_calls_interrupted_by_signals_go_well(self):
        calls = ",".join(name for name in INTERRUPTIBLE if name != "poll")
        self.assert_survived(calls + ":error=EINTR:when=1+2")


def add_tests():
    """One test for each call, so that a failure says which."""
    for call in FAULTS:
        name = "test_a_failing_%s_is_a_typed_error" % call
        setattr(Faults, name, lambda self, call=call: self.assert_typed_errors(call))


add_tests()

if __name__ == "__main__":
    traced.main()

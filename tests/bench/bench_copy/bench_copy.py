#!/usr/bin/env python3
"""A file over loopback: trama, the same by hand, and other programs that copy files.

    python3 tests/bench/bench_copy/bench_copy.py                  1 GiB, ten rounds
    python3 tests/bench/bench_copy/bench_copy.py --build build    and our programs of chapters 15, 16
    python3 tests/bench/bench_copy/bench_copy.py --size 256 --rounds 3 --only trama,sendfile

All ways run in turns, so that a busy machine disturbs all alike; each end has a core. Seconds: from the start of the
program that begins the copy to the end of the one that ends last. CPU seconds: user and system, of
both ends. Shown are medians over the rounds, ± half the distance between the quartiles, and the
ratio of the speed to sendfile by hand in the same round. Each copy is compared with the original.

The files lie on tmpfs (/dev/shm), so that no disk decides. --disk FOLDER tells instead what it costs
to store a file there with and without fsync. What is not installed is skipped, and it says so.
"""

import argparse
import contextlib
import os
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NamedTuple

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent.parent
CXX = [os.environ.get("CXX", "g++"), "-std=c++17", "-O2", f"-I{ROOT}/single_include"]
BASE = "sendfile by hand, 256 KiB"
PATIENCE = 120  # seconds for one copy

# How the programs of the courses do it: a loop of 4 KiB at both ends.
PYTHON_RECEIVER = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print("listening on", listener.getsockname()[1], flush=True)
client, _ = listener.accept()
with open(sys.argv[1], "wb") as file:
    while True:
        data = client.recv(4096)
        if not data: break
        file.write(data)
"""
PYTHON_SENDER = """
import socket, sys
server = socket.create_connection(("127.0.0.1", int(sys.argv[2])))
with open(sys.argv[1], "rb") as file:
    while True:
        data = file.read(4096)
        if not data: break
        server.sendall(data)
"""


class Round(NamedTuple):
    seconds: float
    cpu: float


class Skipped(Exception):
    pass


# ---- processes ---------------------------------------------------------------------------------

def end(process):
    """Waits for the end of a process; the CPU seconds of it and of its children."""
    too_long = threading.Timer(PATIENCE, process.kill)
    too_long.start()
    _, status, usage = os.wait4(process.pid, 0)
    too_long.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_utime + usage.ru_stime


def end_well(process):
    cpu = end(process)
    if process.returncode != 0:
        raise RuntimeError(f"{' '.join(process.args)}: exit code {process.returncode}")
    return cpu


def start(command, core, **options):
    """Starts a program that stays on one core: where the system moves it would decide else."""
    if shutil.which(command[0]) is None:
        raise Skipped(f"{command[0]} is not installed")
    cores = sorted(os.sched_getaffinity(0))
    return subprocess.Popen([str(each) for each in command], **options,
                            preexec_fn=lambda: os.sched_setaffinity(0, {cores[core % len(cores)]}))


def announced_port(process):
    return int(process.stdout.readline().split()[-1].rsplit(b":", 1)[-1])


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until_listening(port, process):
    """Looks into the kernel's table: to connect would be taken for the copy."""
    wanted = f":{port:04X} 00000000:0000 0A"
    begin = time.monotonic()
    while time.monotonic() < begin + 10:
        table = Path("/proc/net/tcp").read_text() + Path("/proc/net/tcp6").read_text()
        table = table.replace("0" * 32 + ":0000 0A", "00000000:0000 0A")
        if wanted in table:
            return
        if process.poll() is not None:
            raise Skipped(f"{process.args[0]} ended at once")
        os.sched_yield()
    raise RuntimeError(f"{process.args[0]} does not listen")


@contextlib.contextmanager
def server(command, port):
    """A server that must be told to end."""
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = start(command, 0, start_new_session=True, **quiet)
    try:
        wait_until_listening(port, process)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        if process.returncode is None:
            end(process)


# ---- ways to copy ------------------------------------------------------------------------------

def one_connection(receiver, sender, port=None):
    """Both ends are there for one copy, and end after it."""
    announces = port is None
    receiving = start(receiver, 0, stdout=subprocess.PIPE if announces else None,
                      stderr=subprocess.DEVNULL)
    if announces:
        port = announced_port(receiving)
    else:
        wait_until_listening(port, receiving)
    begin = time.monotonic()
    sending = start([*sender, port] if announces else sender, 1, stderr=subprocess.DEVNULL)
    cpu = end_well(sending) + end_well(receiving)
    return Round(time.monotonic() - begin, cpu)


def with_server(command, port, client):
    """The CPU time of the server is known at its end: that of starting it counts, too."""
    with server(command, port) as process:
        begin = time.monotonic()
        cpu = end_well(start(client, 1, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
        seconds = time.monotonic() - begin
        process.send_signal(signal.SIGTERM)
        cpu += end(process)
    return Round(seconds, cpu)


class Ways:
    """Each method copies `source` to `copy` once."""

    def __init__(self, folder, build, size):
        self.folder, self.size = folder, size
        self.source, self.copy = folder / "source", folder / "copy"
        self.build = build
        self.ends = folder / "copy_ends"
        subprocess.run([*CXX, HERE / "copy_ends.cpp", "-o", self.ends], check=True)

    def all(self):
        names = {"trama": "trama, send_file and receive_file", "sendfile": BASE,
                 "splice": "splice by hand, 1 MiB", "read": "read and write by hand, 1 MiB"}
        for way, name in names.items():
            yield way, name, lambda way=way: self.by_copy_ends(way)
        yield "store", "trama, upload-file and start-server", self.file_store
        yield "stream", "trama, copy_stream with its checksum", self.copy_stream
        yield "socat", "socat -b 262144", self.socat
        yield "nc", "nc", self.nc
        yield "rsync", "rsync, its daemon", self.rsync
        yield "vsftpd", "vsftpd and curl", self.vsftpd
        yield "http", "python3 -m http.server and curl", self.http
        yield "python", "Python as in the labs, 4 KiB", self.python

    def by_copy_ends(self, way):
        return one_connection([self.ends, "receive", way, self.copy, self.size],
                              [self.ends, "send", way, self.source])

    def example(self, name):
        path = self.build / "examples" / name if self.build else None
        if path is None or not path.exists():
            raise Skipped("no --build with our examples")
        return path

    def file_store(self):
        port = free_port()
        command = [self.example("16_file_store/start-server"), "-q", "-H", "127.0.0.1", "-p", port,
                   "-s", self.folder / "store"]
        (self.folder / "store").mkdir(exist_ok=True)
        done = with_server(command, port,
                           [self.example("16_file_store/upload-file"), "-q", "-H", "127.0.0.1",
                            "-p", port, "-s", self.source, "-n", "copy"])
        (self.folder / "store" / "copy").replace(self.copy)
        return done

    def copy_stream(self):
        port = free_port()
        command = [self.example("15_remote_copy/copy_stream_server"), "-q", "-H", "127.0.0.1",
                   "-p", port, "-d", self.folder / "store"]
        (self.folder / "store").mkdir(exist_ok=True)
        done = with_server(command, port,
                           [self.example("15_remote_copy/copy_stream_client"), "-q", "-H",
                            "127.0.0.1", "-p", port, self.source])
        (self.folder / "store" / "source").replace(self.copy)
        return done

    def socat(self):
        port = free_port()
        big = ["socat", "-u", "-b", "262144"]
        return one_connection([*big, f"TCP-LISTEN:{port},bind=127.0.0.1,reuseaddr",
                               f"OPEN:{self.copy},creat,trunc"],
                              [*big, f"OPEN:{self.source},rdonly", f"TCP:127.0.0.1:{port}"], port)

    def nc(self):
        port = free_port()
        script = 'exec nc "$@"'
        return one_connection(
            ["sh", "-c", f"{script} >{self.copy}", "nc", "-l", "-N", "127.0.0.1", port],
            ["sh", "-c", f"{script} <{self.source}", "nc", "-N", "127.0.0.1", port], port)

    def rsync(self):
        port = free_port()
        config = self.folder / "rsyncd.conf"
        config.write_text(f"use chroot = no\nuid = {os.getuid()}\ngid = {os.getgid()}\n"
                          f"[files]\npath = {self.folder}\nread only = yes\n")
        command = ["rsync", "--daemon", "--no-detach", f"--config={config}",
                   "--address=127.0.0.1", f"--port={port}"]
        return with_server(command, port, ["rsync", "--whole-file", "--ignore-times",
                                           f"rsync://127.0.0.1:{port}/files/source", self.copy])

    def vsftpd(self):
        port = free_port()
        if os.getuid() != 0:
            raise Skipped("vsftpd wants root")
        config = self.folder / "vsftpd.conf"
        (self.folder / "ftp").mkdir(exist_ok=True, mode=0o755)
        self.folder.chmod(0o755)
        with contextlib.suppress(FileExistsError):
            os.link(self.source, self.folder / "ftp" / "source")
        config.write_text(
            f"listen=YES\nlisten_address=127.0.0.1\nlisten_port={port}\nbackground=NO\n"
            f"anonymous_enable=YES\nanon_root={self.folder}/ftp\nsecure_chroot_dir={self.folder}\n"
            "connect_from_port_20=NO\nseccomp_sandbox=NO\nxferlog_enable=NO\n")
        return with_server(["vsftpd", config], port,
                           ["curl", "-s", "-o", self.copy, f"ftp://127.0.0.1:{port}/source"])

    def http(self):
        port = free_port()
        command = ["python3", "-m", "http.server", "-b", "127.0.0.1", "-d", self.folder, port]
        return with_server(command, port,
                           ["curl", "-s", "-o", self.copy, f"http://127.0.0.1:{port}/source"])

    def python(self):
        return one_connection(["python3", "-c", PYTHON_RECEIVER, self.copy],
                              ["python3", "-c", PYTHON_SENDER, self.source])


# ---- the run -----------------------------------------------------------------------------------

def half_spread(values):
    if len(values) < 2:
        return 0.0
    quartiles = statistics.quantiles(values, n=4)
    return (quartiles[2] - quartiles[0]) / 2


def same(one, other):
    return subprocess.run(["cmp", "-s", one, other]).returncode == 0


def run(ways, rounds, only):
    """{name: [Round or None, ...]}, one for each round."""
    chosen = [each for each in ways.all() if not only or each[0] in only]
    measured = {name: [] for _, name, _ in chosen}
    for number in range(rounds):
        for _, name, copy in chosen:
            if name not in measured:
                continue
            with contextlib.suppress(FileNotFoundError):
                ways.copy.unlink()
            try:
                measured[name].append(copy())
            except Skipped as reason:
                print(f"skipped: {name}: {reason}", file=sys.stderr)
                del measured[name]
                continue
            if number == 0 and not same(ways.source, ways.copy):
                raise RuntimeError(f"{name}: the copy differs")
        print(f"round {number + 1} of {rounds}", file=sys.stderr)
    return measured


def table(measured, size):
    gib = size / 2**30
    print("| way | GB/s | to sendfile by hand | CPU s per GiB, both ends |")
    print("|---|---:|---:|---:|")
    for name, rounds in measured.items():
        speed = [size / 1e9 / each.seconds for each in rounds]
        cpu = [each.cpu / gib for each in rounds]
        ratio = "–"
        if BASE in measured:
            ratios = [base.seconds / each.seconds for base, each in zip(measured[BASE], rounds)]
            ratio = f"{statistics.median(ratios):.2f} ± {half_spread(ratios):.2f}"
        print(f"| {name} | {statistics.median(speed):.2f} ± {half_spread(speed):.2f} | {ratio} "
              f"| {statistics.median(cpu):.2f} ± {half_spread(cpu):.2f} |")


def store_on_disk(folder, size, rounds):
    """What fsync costs: the same bytes written, with and without it."""
    block = os.urandom(1 << 20)
    print(f"| {size >> 20} MiB in {folder} | seconds |\n|---|---:|")
    for name, sync in (("written", False), ("written, and fsync", True)):
        seconds = []
        for _ in range(rounds):
            with tempfile.NamedTemporaryFile(dir=folder) as file:
                begin = time.monotonic()
                for _ in range(size >> 20):
                    file.write(block)
                file.flush()
                if sync:
                    os.fsync(file.fileno())
                seconds.append(time.monotonic() - begin)
        print(f"| {name} | {statistics.median(seconds):.3f} ± {half_spread(seconds):.3f} |")


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--size", type=int, default=1024, help="MiB")
    parser.add_argument("--build", type=Path, help="a build folder with our examples")
    parser.add_argument("--only", default="", help="ways, with commas: trama,sendfile,nc")
    parser.add_argument("--disk", type=Path, help="a folder on a disk: measure fsync there")
    given = parser.parse_args()
    size = given.size << 20
    if given.disk:
        return store_on_disk(given.disk, size, given.rounds)
    shared = Path("/dev/shm")
    if not shared.is_dir() or shutil.disk_usage(shared).free < 3 * size:
        sys.exit("SKIPPED: no room for the files on tmpfs, /dev/shm")
    with tempfile.TemporaryDirectory(dir=shared, prefix="bench_copy-") as folder:
        ways = Ways(Path(folder), given.build, size)
        with open(ways.source, "wb") as source:
            for _ in range(given.size):
                source.write(os.urandom(1 << 20))
        ways.source.chmod(0o644)
        only = set(given.only.split(",")) - {""}
        table(run(ways, given.rounds, only), size)
    return 0


if __name__ == "__main__":
    sys.exit(main())

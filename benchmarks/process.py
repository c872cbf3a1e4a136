"""A server in a process of its own, its CPU time and memory, and requests that load it."""

from __future__ import annotations

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from training.service import LISTENING

_TICK_S: Final = 1 / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    pid: int
    url: str

    def cpu_s(self) -> float:
        """Return the CPU time of all its threads so far, seconds."""
        total = 0
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            total += int((task / "schedstat").read_text().split()[0])
        return total / 1e9

    def start_cpu_s(self) -> float:
        """Return user and system time with that of threads that have ended, seconds."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) * _TICK_S

    def peak_rss_mb(self) -> float:
        """Return the largest resident set so far, MB of 10^6 bytes."""
        status = Path(f"/proc/{self.pid}/status").read_text()
        line = next(line for line in status.splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6


@contextmanager
def running(arguments: Sequence[str]) -> Iterator[Server]:
    """Run ``python ARGUMENTS`` until it listens, and end it afterwards."""
    process = subprocess.Popen([sys.executable, *arguments], stdout=subprocess.PIPE, text=True)
    try:
        line = next(line for line in process.stdout or () if LISTENING in line)
        yield Server(process.pid, line.partition(LISTENING)[2].strip())
    finally:
        process.terminate()
        process.communicate(timeout=10)


def post(server: Server, path: str, body: bytes, count: int) -> None:
    """Send the same request `count` times over one connection, and read each answer."""
    connection = http.client.HTTPConnection(urlsplit(server.url).netloc, timeout=10)
    headers = {"Content-Type": "application/json"}
    for _ in range(count):
        connection.request("POST", path, body, headers)
        answer = connection.getresponse()
        answer.read()
        if answer.status != http.client.OK:
            raise RuntimeError(f"{path} must answer 200, but answered {answer.status}")
    connection.close()

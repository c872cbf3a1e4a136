"""The service as a process of its own, as a user starts it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx

from tests.edge_bundle import demo_bundle

CHECKOUT: Final = Path(__file__).parents[1]
LISTENING: Final = "listening on "
END_S: Final = 20.0
"""Longest a process may take to end before a test fails, seconds; the machine may be busy."""


@dataclass
class Service:
    process: subprocess.Popen[str]
    url: str
    said: list[str]
    """The lines printed up to the address."""

    @property
    def port(self) -> int:
        return int(self.url.rpartition(":")[2])

    def get(self, path: str) -> httpx.Response:
        return httpx.get(self.url + path, timeout=END_S, trust_env=False)

    def stop(self, signal_number: int = signal.SIGTERM) -> int:
        self.process.send_signal(signal_number)
        return self.process.wait(END_S)


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "localizer", *arguments]


def environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(CHECKOUT), "PYTHONWARNINGS": "error"}


@contextmanager
def serving(
    *arguments: str, source: str | None = "simulate:demo?speed=10", port: int = 0
) -> Iterator[Service]:
    """Start the service, wait until it says where it listens, and end it afterwards."""
    process = start(["--port", str(port), *arguments], source)
    try:
        yield started(process)
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate(timeout=END_S)


def start(arguments: Sequence[str], source: str | None) -> subprocess.Popen[str]:
    chosen = ["--no-source"] if source is None else ["--source", source]
    return subprocess.Popen(
        command("serve", "--bundle", str(demo_bundle()), *chosen, *arguments),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def started(process: subprocess.Popen[str]) -> Service:
    said: list[str] = []
    assert process.stdout is not None
    for line in process.stdout:
        said.append(line.rstrip("\n"))
        if line.startswith(LISTENING):
            return Service(process, said[-1].removeprefix(LISTENING), said)
    assert process.stderr is not None
    raise AssertionError(f"the service must start, but said {said} and {process.stderr.read()}")

"""An MQTT broker of a test's own: Debian's mosquitto, a free port, gone at the end."""

from __future__ import annotations

import getpass
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from threading import Thread
from typing import IO, Final

from tests.conftest import lacking

_DEBIAN: Final = "/usr/sbin:/usr/bin"
"""Where Debian puts it; the first is not on everybody's path."""


class Mosquitto:
    """One broker, which a test may stop and start again on the same port."""

    def __init__(self, folder: Path, program: str, options: str) -> None:
        self.port = free_port()
        self._config = folder / "mosquitto.conf"
        # As root it would become the user mosquitto, who may not read a test's folder.
        self._config.write_text(
            f"user {getpass.getuser()}\npersistence false\nlog_dest stderr\nlog_type all\n"
            f"listener {self.port} 127.0.0.1\n{options}\n"
        )
        self._program = program
        self._process: subprocess.Popen[str] | None = None
        self._drain: Thread | None = None

    def start(self) -> None:
        """Start the broker and wait until it listens."""
        self._process = subprocess.Popen(
            [self._program, "-c", str(self._config)],
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        log = self._process.stderr
        assert log is not None
        said = []
        for line in log:
            said.append(line)
            if line.rstrip().endswith("running"):
                break
        else:
            raise RuntimeError(f"mosquitto did not start: {''.join(said)}")
        # Nobody reads what it says from here on, but a full pipe would stop it.
        self._drain = Thread(target=_read_to_the_end, args=[log])
        self._drain.start()

    def stop(self) -> None:
        """Stop the broker; who is connected loses the connection."""
        if self._process is None:
            return
        self._process.terminate()
        self._process.wait(timeout=10)
        if self._drain is not None:
            self._drain.join()
        self._process = self._drain = None


@contextmanager
def running_mosquitto(folder: Path, options: str = "allow_anonymous true") -> Iterator[Mosquitto]:
    """Start a broker, and stop it at the end, however the test went.

    Args:
        folder: where its configuration goes.
        options: lines of the configuration.
    """
    broker = Mosquitto(folder, program("mosquitto", "mosquitto"), options)
    try:
        broker.start()
        yield broker
    finally:
        broker.stop()


def program(name: str, package: str) -> str:
    """Return the path of a program; skip the test, or fail it in CI, where it is not installed."""
    found = shutil.which(name) or shutil.which(name, path=_DEBIAN)
    if found is None:
        lacking(f"needs Debian's package `{package}`")
    return found


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _read_to_the_end(log: IO[str]) -> None:
    with log:
        for _ in log:
            pass

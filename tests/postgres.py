"""A PostgreSQL of a test's own: Debian's binaries, a folder that goes away, a free port."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import psycopg
from psycopg import sql

from tests.conftest import lacking

_DEBIAN: Final = Path("/usr/lib/postgresql")
_NOBODY: Final = "nobody"
"""Who the server runs as where the tests run as root: PostgreSQL refuses root."""
_CONFIG: Final = """
listen_addresses = '127.0.0.1'
max_connections = 300
shared_buffers = 64MB
fsync = off
"""
"""Room for 64 workers with two connections each. A test's data need not survive the machine."""


class Postgres:
    """One server, which a test may stop and start."""

    def __init__(self, folder: Path, binaries: Path) -> None:
        self._binaries = binaries
        self._data = folder / "data"
        self._log = folder / "log"
        self._port = free_port()

    def create(self) -> None:
        """Make the cluster of databases."""
        self._run("initdb", "--username=tuner", "--auth=trust", "--no-sync", "--encoding=UTF8")
        with (self._data / "postgresql.conf").open("a") as file:
            file.write(f"{_CONFIG}port = {self._port}\nunix_socket_directories = ''\n")

    def start(self) -> None:
        """Start the server and wait until it answers."""
        self._run("pg_ctl", f"--log={self._log}", "--wait", "start")

    def stop(self) -> None:
        """Stop the server as a power cut would; who is connected loses the connection."""
        self._run("pg_ctl", "--mode=immediate", "--wait", "stop")

    def new_database(self, name: str) -> str:
        """Make a database and return what `open_storage` takes for it."""
        connection = f"host=127.0.0.1 port={self._port} user=tuner"
        with psycopg.connect(f"{connection} dbname=postgres", autocommit=True) as server:
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return f"postgresql://tuner@127.0.0.1:{self._port}/{name}"

    def _run(self, program: str, *options: str) -> None:
        command = [str(self._binaries / program), f"--pgdata={self._data}", *options]
        # Output goes nowhere: the server inherits a pipe, and nobody would ever see its end.
        subprocess.run(
            command,
            check=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=self._data.parent,
            env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8"},
            user=_NOBODY if os.geteuid() == 0 else None,
        )


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Start a server, and stop it at the end, however the test went."""
    binaries = _newest_binaries()
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    server = Postgres(folder, binaries)
    try:
        if os.geteuid() == 0:
            nobody = pwd.getpwnam(_NOBODY)
            os.chown(folder, nobody.pw_uid, nobody.pw_gid)
        server.create()
        server.start()
        yield server
    finally:
        try:
            server.stop()
        except subprocess.CalledProcessError:
            pass  # the test has stopped it, or it never started
        finally:
            shutil.rmtree(folder)


def _newest_binaries() -> Path:
    versions = [path for path in _DEBIAN.glob("*/bin") if (path / "initdb").exists()]
    if not versions:
        lacking("needs Debian's package `postgresql`")
    return max(versions, key=lambda path: int(path.parent.name))


def free_port() -> int:
    """Return a port of the loopback interface that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

"""Who a worker is: a process that others on the same machine can see to be dead."""

from __future__ import annotations

import functools
import os
import socket
import uuid
from pathlib import Path
from typing import NamedTuple, Self

_PROC = Path("/proc")


class WorkerId(NamedTuple):
    """A process on a machine, told apart from every other that was and will be."""

    host: str
    scope: str
    """Boot and process namespace of the machine, within which a pid means something; a random word
    where the system does not tell."""
    pid: int
    started: str
    """When the process began, in the system's own ticks: pids are used again."""

    def __str__(self) -> str:
        return f"{self.host}/{self.scope}/{self.pid}/{self.started}"

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Read what `str` wrote; None for anything else."""
        parts = text.split("/")
        if len(parts) != 4 or not parts[2].isdigit():
            return None
        return cls(parts[0], parts[1], int(parts[2]), parts[3])

    @classmethod
    def of_process(cls, pid: int) -> Self:
        """Return who the process `pid` of this machine is."""
        return cls(socket.gethostname().replace("/", "-"), _scope(), pid, _started(pid) or "0")

    @property
    def is_dead(self) -> bool:
        """Whether it is known for sure to have ended: only of processes that this one can see."""
        return self.scope == _scope() and _started(self.pid) != self.started


@functools.cache
def _scope() -> str:
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
        namespace = os.readlink(_PROC / "self/ns/pid")
    except OSError:
        # No such files, as on macOS: no other process is known to be dead, and leases decide.
        return uuid.uuid4().hex[:8]
    return uuid.uuid5(uuid.NAMESPACE_OID, f"{boot} {namespace}").hex[:8]


def _started(pid: int) -> str | None:
    """Return when a process began; None for one that has ended, or that is a zombie."""
    try:
        # The name in parentheses may hold blanks and parentheses: what follows the last one counts.
        fields = (_PROC / str(pid) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return None if fields[0] in "ZX" else fields[19]

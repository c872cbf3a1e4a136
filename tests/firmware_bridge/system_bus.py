"""A D-Bus daemon of a test's own, in the place of the system's."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.conftest import lacking

END_S: Final = 10.0

_ALLOW: Final = (
    '<allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/>'
)
_DENY: Final = '<deny send_destination="org.bluez"/>'
_CONFIG: Final = """<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig>
  <listen>unix:path={socket}</listen>
  <auth>EXTERNAL</auth>
  <policy context="default">{policy}</policy>
</busconfig>
"""


class SystemBus:
    """One daemon, which a test may kill and start again at the same address."""

    def __init__(self, folder: Path, program: str) -> None:
        self._program = program
        self._config = folder / "bus.conf"
        self._socket = folder / "socket"
        self._process: subprocess.Popen[str] | None = None
        self.allow()

    @property
    def address(self) -> str:
        return f"unix:path={self._socket}"

    def allow(self) -> None:
        """Let everybody talk to BlueZ; a daemon that runs must be told to read its config."""
        self._write(_ALLOW)

    def deny(self) -> None:
        """Let nobody talk to BlueZ, as a policy does for users outside of its group."""
        self._write(_ALLOW + _DENY)

    def start(self) -> None:
        """Start the daemon and wait until it listens."""
        self._process = subprocess.Popen(
            [self._program, f"--config-file={self._config}", "--nofork", "--print-address=1"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        assert self._process.stdout is not None
        assert self._process.stdout.readline().startswith("unix:")

    def kill(self) -> None:
        """End the daemon at once; whoever is connected loses the connection."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate(timeout=END_S)
        self._socket.unlink(missing_ok=True)

    def _write(self, policy: str) -> None:
        self._config.write_text(
            _CONFIG.format(socket=self._socket, policy=policy), encoding="utf-8"
        )


@contextmanager
def running_bus() -> Iterator[SystemBus]:
    """Start a daemon, and end it afterwards, however the test went."""
    program = shutil.which("dbus-daemon")
    if program is None:
        lacking("needs Debian's package `dbus`")
    # Not in the test's own folder: the path of a socket may have 107 bytes.
    folder = Path(tempfile.mkdtemp(prefix="bus-"))
    bus = SystemBus(folder, program)
    try:
        bus.start()
        yield bus
    finally:
        bus.kill()
        shutil.rmtree(folder)

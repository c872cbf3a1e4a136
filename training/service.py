"""The edge service as a process of its own, as an installer runs it, and its stream of fixes."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Any, Final, Self

from localizer.errors import LocalizerError

LISTENING: Final = "listening on "
"""What `localizer serve` prints, with its address, once it answers."""

STOP_S: Final = 5.0
SILENCE_S: Final = 15.0
"""A stream that says nothing for so long has died: windows end every second, heard or not."""


class ServiceError(LocalizerError):
    """The edge service did not start, or stopped by itself."""


class Service:
    """`localizer serve` in a child process."""

    def __init__(self, arguments: Sequence[str]) -> None:
        """Start it and wait until it answers.

        Raises:
            ServiceError: it ended before it answered; what it said is in the message.
        """
        command = [sys.executable, "-m", "localizer", "serve", *arguments]
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        self.url = self._wait_for_address()

    def _wait_for_address(self) -> str:
        for line in self._process.stdout or ():
            if LISTENING in line:
                return line.partition(LISTENING)[2].strip()
        self._process.wait()
        said = self._process.stderr.read().strip() if self._process.stderr else ""
        raise ServiceError(f"the edge service must start, but it ended: {said or 'without a word'}")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.terminate()
        try:
            self._process.communicate(timeout=STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()

    def fixes(self) -> Iterator[dict[str, Any]]:
        """Yield fixes as they happen, from the service's SSE stream.

        Raises:
            ServiceError: the stream broke off, or said nothing for `SILENCE_S`.
        """
        try:
            with urllib.request.urlopen(f"{self.url}/v1/stream", timeout=SILENCE_S) as stream:
                for line in stream:
                    if line.startswith(b"data:"):
                        yield json.loads(line[5:])
        except OSError as error:
            raise ServiceError(f"the service must go on streaming, but {error}") from error

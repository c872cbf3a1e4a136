"""What every source of advertisements offers, radio or not."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final, Protocol

from localizer.clock import Clock
from localizer.scans import Advertisement
from localizer.site import Position
from localizer.sources.status import SourceStatus

TRUTH_KEPT_S: Final = 120.0
"""How far back `truth_at` remembers, seconds: longer than any window or lag of a tracker."""


class Source(Protocol):
    """A stream of advertisements. Iterate it once, in one task; close it from any task."""

    @property
    def name(self) -> str:
        """The string that it was opened with."""
        ...

    @property
    def clock(self) -> Clock:
        """The clock whose time base the advertisements are in."""
        ...

    @property
    def status(self) -> SourceStatus:
        """How it is now; at any time, before the iteration and after it."""
        ...

    def __aiter__(self) -> AsyncIterator[Advertisement]:
        """Start; times do not decrease. Ends after `aclose`, or when there is no more.

        Raises:
            SourceError: it was iterated before (reason ``iterated_twice``), or has failed.
        """
        ...

    def truth_at(self, time_ns: int) -> Position | None:
        """Return where the receiver really was at a moment of `clock`; None if nobody knows.

        What is more than `TRUTH_KEPT_S` ago may be forgotten.
        """
        ...

    async def aclose(self) -> None:
        """End the iteration, even while it waits, and free the radio or the file.

        Further calls do nothing.
        """
        ...

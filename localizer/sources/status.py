"""How a source is: what it is doing, why, and what it had to leave out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

from localizer.clock import Clock

SourceState = Literal["opening", "running", "recovering", "ended", "failed"]
"""``opening``: not iterated, or not connected yet. ``running``: packets come as they are heard.
``recovering``: what it listens with is away, and is tried again by itself. ``ended`` and ``failed``
are final."""


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """How a source is at one moment, for people and for machines."""

    state: SourceState
    since_ns: int
    """When it came into this state, nanoseconds on the source's clock."""
    reason: str | None = None
    """Why, lower case with underscores (``powered_off``, ``silence``); None while all is well."""
    detail: str | None = None
    """The same in words, with what to do."""
    restarts: int = 0
    """How often it has come back from ``recovering``."""
    given: int = 0
    """Advertisements given on so far."""
    dropped: Mapping[str, int] = field(default_factory=lambda: MappingProxyType({}))
    """What came in and was not given on, counted by reason (``not_heard``, ``malformed``)."""


class StatusKeeper:
    """Keeps a source's status up to date; what every source has one of.

    Args:
        clock: the source's clock.
    """

    def __init__(self, clock: Clock) -> None:
        self.given = 0
        """Advertisements given on so far; the source counts them here."""
        self._clock = clock
        self._state: SourceState = "opening"
        self._since_ns = clock.now_ns()
        self._reason: str | None = None
        self._detail: str | None = None
        self._restarts = 0
        self._dropped: Counter[str] = Counter()

    @property
    def status(self) -> SourceStatus:
        """The status as of now."""
        return SourceStatus(
            self._state,
            self._since_ns,
            self._reason,
            self._detail,
            self._restarts,
            self.given,
            MappingProxyType(dict(self._dropped)),
        )

    def become(
        self, state: SourceState, reason: str | None = None, detail: str | None = None
    ) -> None:
        """Change the state. One that is final is kept: the first cause is what people need."""
        if self._state in ("ended", "failed"):
            return
        if (state, reason) != (self._state, self._reason):
            self._restarts += self._state == "recovering" and state == "running"
            self._since_ns = self._clock.now_ns()
        self._state, self._reason, self._detail = state, reason, detail

    def drop(self, reason: str, count: int = 1) -> None:
        """Count what came in and is not given on."""
        self._dropped[reason] += count

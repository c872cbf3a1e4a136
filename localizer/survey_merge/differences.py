"""What two surveys say differently, and which of them is believed."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from itertools import count
from typing import Literal

Side = Literal["A", "B"]
"""``A``: the survey that stands first; ``B``: the one that is merged into it."""

Preference = Literal["A", "B", "newest"]
"""Who is believed; ``newest``: the survey in which something was recorded or edited last."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that two surveys say differently."""

    kind: str
    """Such as ``beacon`` or ``session``."""
    what: str
    """Which one."""
    in_a: str
    in_b: str
    outcome: str
    """What the merged survey has; for a conflict without a choice, that one is needed."""
    conflict: bool
    """Whether somebody must choose; the others are settled without a loss."""


class Choices:
    """Collects the differences of two surveys, and decides the conflicts if it may.

    Args:
        winner: whom to believe; None if nobody has chosen.
    """

    def __init__(self, winner: Side | None) -> None:
        self.differences: list[Difference] = []
        """In the order in which they were found."""
        self._winner: Side | None = winner

    @property
    def open_conflicts(self) -> list[Difference]:
        """Conflicts that nobody has decided."""
        if self._winner is not None:
            return []
        return [one for one in self.differences if one.conflict]

    def decide(self, kind: str, what: str, says: tuple[str, str], *, loser: str = "") -> Side:
        """Note a conflict and return who is believed; A while nobody has chosen.

        Args:
            kind: of what.
            what: which one.
            says: what A says, and what B does.
            loser: what becomes of what the other says, where it is kept.
        """
        outcome = "choose with --prefer"
        if self._winner is not None:
            outcome = f"as {self._winner} says" + (f"; {loser}" if loser else "")
        self.differences.append(Difference(kind, what, *says, outcome, conflict=True))
        return self._winner or "A"

    def note(self, kind: str, what: str, says: tuple[str, str], outcome: str) -> None:
        """Note a difference that is settled without a loss."""
        self.differences.append(Difference(kind, what, *says, outcome, conflict=False))


def free_name(name: str, taken: Collection[str]) -> str:
    """Return the name, or the first of ``name (2)``, ``name (3)``, … that is free."""
    if name not in taken:
        return name
    return next(free for n in count(2) if (free := f"{name} ({n})") not in taken)

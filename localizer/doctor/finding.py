"""One check and what came of it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One check and what came of it."""

    check: str
    level: Level
    """``fail`` makes the whole examination fail, ``warn`` does not."""
    said: str
    """What was found."""
    advice: str | None = None
    """What to do; None where nothing is wrong."""


def is_fit(findings: Iterable[Finding]) -> bool:
    """Return whether nothing failed."""
    return all(one.level != "fail" for one in findings)

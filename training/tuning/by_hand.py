"""A person's own points beside the search's, at equal time: whether the search was worth it.

Shawki et al. (section IV of their paper) gave both the same three hours; here both have the
processor time that the person's points took, and the search what it took altogether beside it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate

from training.tuning.trials import TrialRecord


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one way of choosing points came to."""

    who: str
    trials: int
    seconds: float
    """Processor time of these trials."""
    best_m: float
    """The least error on held-out rows, metres; it flatters. NaN without a finished trial."""
    trial: int | None
    """Which one that was."""


def beside_by_hand(records: Iterable[TrialRecord]) -> tuple[Attempt, ...]:
    """Return what a person's points came to, and the search's in the same time and altogether.

    The default counts for neither. Trials of the search are taken in the order in which they were
    proposed. Empty where nobody gave a point.
    """
    by_number = sorted(records, key=lambda one: one.number)
    manual = [one for one in by_number if one.source == "manual"]
    automatic = [one for one in by_number if one.source in ("sampler", "rule")]
    if not manual:
        return ()
    allowed = sum(one.seconds for one in manual)
    spent = accumulate(one.seconds for one in automatic)
    equal = [one for one, total in zip(automatic, spent, strict=True) if total <= allowed]
    return (
        _attempt("by hand", manual),
        _attempt("the search, in the same time", equal),
        _attempt("the search, altogether", automatic),
    )


def _attempt(who: str, records: Sequence[TrialRecord]) -> Attempt:
    ended = [one for one in records if one.verdict == "ok" and math.isfinite(one.dev_m)]
    best = min(ended, key=lambda one: one.dev_m, default=None)
    seconds = sum(one.seconds for one in records)
    if best is None:
        return Attempt(who, len(records), seconds, math.nan, None)
    return Attempt(who, len(records), seconds, best.dev_m, best.number)

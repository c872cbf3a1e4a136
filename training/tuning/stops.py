"""When a study ends, and what is said of it then."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import optuna

from training.tuning.budget import Point, within
from training.tuning.trials import VERDICTS, Verdict
from training.tuning.verdicts import reason_of

Status = Literal[
    "running", "goal reached", "trials done", "time over", "stagnated", "failed", "interrupted"
]
"""What a study has come to. All of them can be resumed: with more trials, time or another goal."""

LIMITS: Final = "limits"
"""Key under which a study's limits lie, for its workers."""
ENDED: Final = "ended"
"""Key under which the end of a study lies; None while it goes on."""

RECENT: Final = 50
"""Trials over which the share of infeasible ones is told."""
TOP_ERRORS: Final = 3
COMPLETE: Final = "experiment complete"
"""Reason of what was stopped at a rung because its study had ended."""
INTERRUPTED: Final = "interrupted"
"""Reason of what stops at a rung to be given back: the study may go on with it."""
_ASK_AGAIN_S: Final = 1.0
"""How old the answer may be whether a study has ended, seconds: 32 trials of a batch would ask 32
times at each rung."""


@dataclass(frozen=True, slots=True)
class Limits:
    """When a study ends."""

    trials: int
    """Points in all, those of earlier runs among them."""
    goal_m: float | None = None
    """An error that is good enough, metres."""
    max_failed: int | None = None
    """Points that crashed, took too long or lost their workers, retries and all, at which a study
    is given up."""
    stagnation: int | None = None
    """Points in a row without a new best."""
    seconds: float | None = None
    """Wall time of this run."""
    terminator: bool = False
    """Whether Optuna's terminator may end the study: where the error's noise exceeds what is left
    to be gained."""


class End(NamedTuple):
    """The end of a study."""

    status: Status
    reason: str


def set_limits(study: optuna.Study, limits: Limits) -> None:
    """Let the workers of a study know its limits, and that it goes on."""
    study.set_user_attr(LIMITS, asdict(limits))
    study.set_user_attr(ENDED, None)


def limits_of(attrs: dict[str, Any]) -> Limits | None:
    """Return the limits in a study's attributes; None before anybody set any."""
    return Limits(**attrs[LIMITS]) if LIMITS in attrs else None


def end_of(attrs: dict[str, Any]) -> End | None:
    """Return the end in a study's attributes; None while it goes on."""
    told = attrs.get(ENDED)
    return End(told["status"], told["reason"]) if told else None


def tell_end(study: optuna.Study, end: End) -> None:
    """Let everybody know that a study has ended: what runs stops at its next rung."""
    study.set_user_attr(ENDED, end._asdict())


def end_by(known: Sequence[Point], limits: Limits) -> End | None:
    """Return the end that the trials themselves give, in Katib's order: the goal comes first."""
    counted = within(known, limits.trials)
    return (
        _goal(counted, limits.goal_m)
        or _failed(counted, limits.max_failed)
        or _done(counted, limits.trials)
        or _stagnated(counted, limits.stagnation)
    )


def _goal(counted: Sequence[Point], goal_m: float | None) -> End | None:
    found = best(counted)
    if goal_m is None or found is None or value_of(found) > goal_m:
        return None
    return End("goal reached", f"trial {found.last.number} has {value_of(found):.3f} m")


def _failed(counted: Sequence[Point], most: int | None) -> End | None:
    failed = [point for point in counted if point.failed]
    if most is None or len(failed) < most:
        return None
    errors = "; ".join(f"{count} × {reason}" for reason, count in top_errors(counted))
    return End("failed", f"{len(failed)} trials failed, of {most} allowed: {errors}")


def _done(counted: Sequence[Point], limit: int) -> End | None:
    done = sum(point.ended for point in counted)
    return End("trials done", f"{done} trials") if done >= limit else None


def _stagnated(counted: Sequence[Point], most: int | None) -> End | None:
    if most is None:
        return None
    # In the order in which they ended: ranks say only when they were written.
    ended = sorted((p for p in counted if p.ended), key=_when)
    found = best(counted)
    since = len(ended) if found is None else len(ended) - 1 - ended.index(found)
    return End("stagnated", f"no better one in {since} trials") if since >= most else None


def _when(point: Point) -> datetime:
    return point.last.datetime_complete or datetime.min


def value_of(point: Point) -> float:
    """Return a point's error, metres; NaN for one that was not trained to the end."""
    ok = point.ended and point.verdict == "ok"
    value = point.last.value if ok else None
    return math.nan if value is None else value


def best(known: Sequence[Point]) -> Point | None:
    """Return the point with the least error among those that were trained to the end."""
    ok = [point for point in known if not math.isnan(value_of(point))]
    return min(ok, key=value_of, default=None)


def verdict_counts(known: Sequence[Point]) -> dict[Verdict, int]:
    """Return how many points ended with each verdict."""
    found = Counter(point.verdict for point in known if point.ended)
    return {verdict: found[verdict] for verdict in VERDICTS if found[verdict]}


def top_errors(known: Sequence[Point]) -> list[tuple[str, int]]:
    """Return the most frequent reasons of failed points, with their counts."""
    reasons = Counter(f"{p.verdict}: {reason_of(p.last)}" for p in known if p.failed)
    return reasons.most_common(TOP_ERRORS)


def infeasible_share(known: Sequence[Point]) -> float:
    """Return which share of the last points could not be trained; told, and never a stop."""
    ended = [point for point in known if point.ended][-RECENT:]
    infeasible = sum(point.verdict == "infeasible" for point in ended)
    return infeasible / len(ended) if ended else 0.0


class StopSignal:
    """Why what runs in a worker is to stop at its next rung."""

    def __init__(self, study: optuna.Study, interrupted: threading.Event) -> None:
        self._study = study
        self._interrupted = interrupted
        self._asked_s = -math.inf
        self._end: End | None = None

    def reason(self) -> str | None:
        """Return it, or None where it is to go on.

        A study whose time is over is interrupted: what it had begun is not half measured.
        """
        if self._interrupted.is_set():
            return INTERRUPTED
        now_s = time.monotonic()
        if now_s - self._asked_s >= _ASK_AGAIN_S:
            self._asked_s, self._end = now_s, end_of(self._study.user_attrs)
        if self._end is None:
            return None
        return INTERRUPTED if self._end.status in ("time over", "interrupted") else COMPLETE

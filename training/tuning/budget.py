"""The trials of a study: as many as were asked for, with any number of workers.

A study holds a few waiting trials at any time. Whoever claims one writes another one, up to the
number that was asked for; a claim is a change of state that a storage grants to one caller only.
The k-th trial that was ever written for the budget has rank k, and ranks at or above the limit are
never claimed. So nobody hands trials out, and two who write at once write one too many that lies
there until somebody asks for more.

A trial that was lost or crashed is written again, as a copy with the same parameters and seed. What
is to be written follows from the trials alone: whoever dies in the middle leaves it to the next.
"""

from __future__ import annotations

import hashlib
import random
from collections.abc import Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, NamedTuple, cast

import optuna
from optuna.exceptions import UpdateFinishedTrialError
from optuna.trial import FrozenTrial, TrialState, create_trial

from training.tuning.trials import FAILURES, Source, Verdict
from training.tuning.verdicts import verdict_of

BUDGETED: Final = "budgeted"
"""Key of a trial that was written for the budget: its value is True."""
COPY_OF: Final = "copy of"
"""Key of a copy: the number of the first trial of its point."""
ATTEMPT: Final = "attempt"
SOURCE: Final = "source"
FIXED: Final = "fixed_params"
"""Optuna's key for parameters that a sampler must not choose."""

WINDOW: Final = 32
"""Waiting trials that a study holds. Each costs every reader of a relational storage 0.2 ms of
processor time a reading; with far fewer than there are workers, these find none and write their
own, at the same moment, and more than anybody asked for."""

RETRIES: Final = 2
"""How often a point that crashed or took too long is tried again."""
RETRIES_LOST: Final = 10
"""How often a point is tried again whose worker was lost: through no fault of its own, as a rule,
but one that takes its machine down each time must end too."""


@dataclass(frozen=True, slots=True)
class Point:
    """One point of a study: a trial, and its copies."""

    rank: int
    attempts: tuple[FrozenTrial, ...]
    """In order; the last one counts."""

    @property
    def first(self) -> FrozenTrial:
        """The trial that was written for the budget."""
        return self.attempts[0]

    @property
    def last(self) -> FrozenTrial:
        """The trial whose end is the point's."""
        return self.attempts[-1]

    @property
    def source(self) -> Source:
        """Who proposed it."""
        return cast(Source, self.last.user_attrs.get(SOURCE, "sampler"))

    @property
    def to_be_copied(self) -> bool:
        """Whether its last attempt is to be made again and is not yet written again."""
        if self.last.state != TrialState.FAIL:
            return False
        lost = sum(verdict_of(one) == "worker lost" for one in self.attempts)
        return lost <= RETRIES_LOST and len(self.attempts) - lost <= RETRIES

    @property
    def ended(self) -> bool:
        """Whether it counts as done."""
        return self.last.state.is_finished() and not self.to_be_copied

    @property
    def verdict(self) -> Verdict:
        """How its last attempt ended; only for one that has ended."""
        return verdict_of(self.last)

    @property
    def failed(self) -> bool:
        """Whether it counts against the most failed trials of a study."""
        return self.ended and self.verdict in FAILURES


class Claim(NamedTuple):
    """A trial that this worker alone runs."""

    trial_id: int
    number: int
    seed: int
    attempt: int
    source: Source


def read_points(study: optuna.Study) -> list[Point]:
    """Return the points of a study by rank, as they are now."""
    return points(study._storage.get_all_trials(study._study_id, deepcopy=False))


def points(trials: Sequence[FrozenTrial]) -> list[Point]:
    """Return the points of a study by rank; trials must be in the order of their numbers."""
    copies: dict[tuple[int, int], FrozenTrial] = {}
    for trial in trials:
        if COPY_OF in trial.user_attrs:
            # Two may have written the same copy: the first one counts, for all who read.
            copies.setdefault((trial.user_attrs[COPY_OF], trial.user_attrs[ATTEMPT]), trial)
    budgeted = (trial for trial in trials if BUDGETED in trial.user_attrs)
    return [Point(rank, tuple(_attempts(first, copies))) for rank, first in enumerate(budgeted)]


def _attempts(
    first: FrozenTrial, copies: Mapping[tuple[int, int], FrozenTrial]
) -> Iterator[FrozenTrial]:
    attempt, trial = 1, cast(FrozenTrial | None, first)
    while trial is not None:
        yield trial
        attempt += 1
        trial = copies.get((first.number, attempt))


def within(known: Sequence[Point], limit: int) -> Sequence[Point]:
    """Return the points that a budget of `limit` trials covers."""
    return known[:limit]


def top_up(study: optuna.Study, known: Sequence[Point], limit: int, *, most: int = WINDOW) -> int:
    """Write waiting trials until the window is full or the budget is; return how many.

    Args:
        study: where they go.
        known: all of its points.
        limit: trials of the budget.
        most: how many to write at most: many workers may do so at once.
    """
    waiting = sum(point.last.state == TrialState.WAITING for point in within(known, limit))
    missing = max(0, min(WINDOW - waiting, limit - len(known), most))
    for _ in range(missing):
        _write(study, {BUDGETED: True})
    return missing


def write_copies(
    study: optuna.Study, known: Sequence[Point], *, of: Container[int] | None = None
) -> int:
    """Write again what is to be made again; return how many.

    Args:
        study: where they go.
        known: all of its points.
        of: ids of trials whose copies are this caller's to write, as a rule those that it has
            ended; all if None. Were it everybody's, 64 workers would write 64 copies.
    """
    copied = [p for p in known if p.to_be_copied and (of is None or p.last._trial_id in of)]
    for point in copied:
        last = point.last
        attrs = {COPY_OF: point.first.number, ATTEMPT: len(point.attempts) + 1}
        if SOURCE in last.user_attrs:
            attrs[SOURCE] = last.user_attrs[SOURCE]
        fixed = {FIXED: last.system_attrs[FIXED]} if FIXED in last.system_attrs else {}
        _write(study, attrs, fixed, last)
    return len(copied)


def _write(
    study: optuna.Study,
    user_attrs: dict[str, Any],
    system_attrs: dict[str, Any] | None = None,
    like: FrozenTrial | None = None,
) -> None:
    study.add_trial(
        create_trial(
            state=TrialState.WAITING,
            params=dict(like.params) if like else None,
            distributions=dict(like.distributions) if like else None,
            user_attrs=user_attrs,
            system_attrs=system_attrs,
        )
    )


def claim(study: optuna.Study, known: Sequence[Point], *, most: int, seed: int) -> list[Claim]:
    """Take waiting trials for this worker: experts' points first, then copies, then by rank.

    A copy is taken alone: of trials that were trained together and took their worker down, the one
    that is to blame then shows.

    Args:
        study: where they lie.
        known: the points within the budget.
        most: how many trials.
        seed: the study's.
    """
    waiting = [point for point in known if point.last.state == TrialState.WAITING]
    waiting.sort(key=_priority)
    claims: list[Claim] = []
    while waiting and len(claims) < most:
        point = waiting.pop(0)
        alone = len(point.attempts) > 1
        if alone and claims:
            continue
        if take(study, point.last):
            claims.append(claim_of(point, seed))
        else:
            # Others are at the same end of the list: go on somewhere else.
            waiting.sort(key=lambda one: (*_priority(one)[:2], random.random()))
        if alone and claims:
            break
    return claims


def _priority(point: Point) -> tuple[bool, bool, int]:
    return point.source == "sampler", len(point.attempts) == 1, point.rank


def take(study: optuna.Study, trial: FrozenTrial) -> bool:
    """Set a waiting trial to running; True for one caller only."""
    try:
        return study._storage.set_trial_state_values(trial._trial_id, TrialState.RUNNING)
    except UpdateFinishedTrialError:
        return False


def claim_of(point: Point, seed: int) -> Claim:
    """Return the claim of a point that was taken; the seed is the study's."""
    last, attempt = point.last, len(point.attempts)
    own = seed_of(seed, point.first.number)
    return Claim(last._trial_id, last.number, own, attempt, point.source)


def seed_of(study_seed: int, number: int) -> int:
    """Return the seed of a point, by the number of its first trial: copies have the same one."""
    digest = hashlib.sha256(f"{study_seed} {number}".encode()).digest()
    return int.from_bytes(digest[:4], "big")

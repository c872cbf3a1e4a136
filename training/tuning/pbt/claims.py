"""How a worker claims a population: all of its trials or none."""

from __future__ import annotations

from collections.abc import Sequence

import optuna
from optuna.trial import TrialState

from training.tuning.budget import Claim, Point, claim_of, take
from training.tuning.leases import give_back


def claim_population(
    study: optuna.Study, known: Sequence[Point], *, size: int, limit: int, seed: int
) -> list[Claim]:
    """Take the trials of one population for this worker, or nothing.

    A population is free when all of its trials are written and those that have not ended wait. Who
    takes the first of these has the right to the others. What ended stays as it is: where a worker
    died while it told its results, the others begin again without it.

    Args:
        study: where they lie.
        known: the points within the budget.
        size: members of a population; the last one has what is left of the budget.
        limit: trials of the budget.
        seed: the study's.
    """
    for first in range(0, len(known), size):
        points = known[first : first + size]
        open_ones = [one for one in points if not one.ended]
        waiting = [one for one in open_ones if one.last.state == TrialState.WAITING]
        whole = len(points) == min(size, limit - first)
        if whole and waiting and len(waiting) == len(open_ones):
            claims = _take_all(study, waiting, seed)
            if claims:
                return claims
    return []


def _take_all(study: optuna.Study, waiting: Sequence[Point], seed: int) -> list[Claim]:
    taken: list[Point] = []
    for point in waiting:
        if not take(study, point.last):
            # Another worker has them, or has just given them back: it is not known how they stand.
            for one in taken:
                give_back(study, one.last._trial_id)
            return []
        taken.append(point)
    return [claim_of(one, seed) for one in taken]

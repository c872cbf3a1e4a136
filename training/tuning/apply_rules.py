"""Applying the rules: every n trials, what was found in them changes the space."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

import numpy as np

from training.tuning.diagnosis import Finding
from training.tuning.rule_changes import (
    NoRoom,
    change_space,
    first_point,
    place_of,
    values_of,
)
from training.tuning.rules import Action, Rule, RulesState
from training.tuning.space import Point, Space
from training.tuning.trials import FAILURES, TrialRecord

ACTS_ABOVE: Final = 0.5
"""A rule acts where the draw from its record says that it helps more often than not."""

_FEWEST_AFTER: Final = 3
"""Trials that must have followed an action before it is judged by them."""


class Step(NamedTuple):
    """What the rules made of the latest trials."""

    space: Space
    state: RulesState
    actions: tuple[Action, ...]
    """New in the state's log."""
    points: tuple[Point, ...]
    """To be tried next, with the source `rule`: the best one with what was added to the space."""


def apply_rules(
    rules: Sequence[Rule],
    space: Space,
    records: Sequence[TrialRecord],
    state: RulesState,
    *,
    every: int,
    seed: int,
) -> Step:
    """Change a space by what was found in the trials since the last time.

    Pure: the same arguments give the same step, so that whoever writes the state first decides.

    Args:
        rules: the table; without any, nothing is done.
        space: the present version.
        records: every trial of the study that has ended, with its findings.
        state: as the last step left it.
        every: trials since then that it takes.
        seed: of the study, for the draws.
    """
    told = [one for one in records if one.verdict not in FAILURES and one.verdict != "infeasible"]
    seen = set(state.seen)
    window = [one for one in told if one.number not in seen]
    if not rules or len(window) < every:
        return Step(space, state, (), ())
    state = _credit(state, told, every)
    best = _best(told)
    actions: list[Action] = []
    for number, rule in enumerate(rules):
        draw = np.random.default_rng([seed, len(state.seen), number])
        action, space = _tried(rule, space, window, state, draw=draw, best=best)
        actions += [] if action is None else [action]
    numbers = tuple(one.number for one in window)
    state = dataclasses.replace(state, log=(*state.log, *actions), seen=(*state.seen, *numbers))
    acted = {action.rule for action in actions if action.acted}
    first = [rule for rule in rules if rule.name in acted and rule.first is not None]
    points = [first_point(rule, space, best.params) for rule in first if best is not None]
    return Step(space, state, tuple(actions), tuple(points))


def _best(records: Sequence[TrialRecord]) -> TrialRecord | None:
    ended = [one for one in records if one.verdict == "ok" and math.isfinite(one.dev_m)]
    return min(ended, key=lambda one: one.dev_m, default=None)


def _tried(
    rule: Rule,
    space: Space,
    window: Sequence[TrialRecord],
    state: RulesState,
    *,
    draw: np.random.Generator,
    best: TrialRecord | None,
) -> tuple[Action | None, Space]:
    """Return what a rule did, None where its time had not come, and the space then."""
    found = [one for one in window if _finding(one, rule) is not None]
    if not found or len(found) < rule.share * len(window):
        return None, space
    trial = _example(rule, space, found)
    if trial is None or not rule.at_least <= place_of(rule, space, trial) <= rule.at_most:
        return None, space
    won, lost = state.record_of(rule)
    chance = float(draw.beta(won, lost))
    action = Action(
        rule=rule.name,
        diagnosis=rule.when,
        evidence=_evidence(trial, rule),
        trial=trial.number,
        found_in=tuple(one.number for one in found),
        window=tuple(one.number for one in window),
        record=(won, lost),
        draw=chance,
        versions=(space.version, space.version),
    )
    if chance <= ACTS_ABOVE:
        held = f"{chance:.2f} was drawn from its record, and it acts above {ACTS_ABOVE:g}"
        return dataclasses.replace(action, held_back=held), space
    try:
        changed, changes = change_space(rule, space, trial, best)
    except NoRoom as error:
        # An `add` that was done already is no news.
        return (
            None if rule.do == "add" else dataclasses.replace(action, held_back=str(error))
        ), space
    versions = (space.version, changed.version)
    return dataclasses.replace(action, versions=versions, changes=changes), changed


def _finding(record: TrialRecord, rule: Rule) -> Finding | None:
    told = (Finding.from_json(one) for one in record.findings if one["name"] == rule.when)
    return next(told, None)


def _evidence(record: TrialRecord, rule: Rule) -> str:
    finding = _finding(record, rule)
    return finding.evidence if finding is not None else ""


def _example(rule: Rule, space: Space, found: Sequence[TrialRecord]) -> TrialRecord | None:
    """Return the trial whose value the new bound is taken from.

    The best one: the sampler will look where it is. Of trials without an error the mildest that
    was too much: the least rate that diverged.
    """
    having = [one for one in found if rule.do == "add" or values_of(rule, space, one.params)]
    scored = [one for one in having if math.isfinite(one.dev_m)]
    if scored or rule.do not in ("raise low", "lower high"):
        return min(scored or having, key=lambda one: (one.dev_m, one.number), default=None)
    ends = {one.number: values_of(rule, space, one.params) for one in having}
    if rule.do == "lower high":
        return min(having, key=lambda one: (max(ends[one.number]), one.number), default=None)
    return max(having, key=lambda one: (min(ends[one.number]), -one.number), default=None)


def _credit(state: RulesState, records: Sequence[TrialRecord], every: int) -> RulesState:
    """Judge the actions that have been followed by enough trials of the space that they made."""
    by_number = {one.number: one for one in records}
    counts = dict(state.records)
    log = []
    for action in state.log:
        better = _better(action, records, by_number, every) if action.better is None else None
        if better is None:
            log.append(action)
            continue
        won, lost = counts.get(action.rule, (0.0, 0.0))
        counts[action.rule] = (won + better, lost + 1 - better)
        log.append(dataclasses.replace(action, better=better))
    return dataclasses.replace(state, records=counts, log=tuple(log))


def _better(
    action: Action,
    records: Sequence[TrialRecord],
    by_number: Mapping[int, TrialRecord],
    every: int,
) -> float | None:
    """Return how often a trial after an action beats one before, a half where nothing changed.

    A share and no yes or no: two handfuls of noisy errors say little, and this says how little.
    """
    if not action.acted:
        return None
    before = _errors([by_number[number] for number in action.window if number in by_number])
    after = _errors([one for one in records if one.space_version >= action.versions[1]])[:every]
    if len(before) == 0 or len(after) < min(_FEWEST_AFTER, every):
        return None
    less = after[:, None] < before[None]
    same = after[:, None] == before[None]
    return float((less + 0.5 * same).mean())


def _errors(records: Sequence[TrialRecord]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    return np.array([one.dev_m for one in records if one.verdict == "ok" and one.dev_m >= 0])

"""A population under training: all folds and seeds of all members as lanes, in lock step."""

from __future__ import annotations

import dataclasses
import functools
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from training.config import NetworkConfig
from training.executors.running import Part
from training.executors.stack import Stack, group
from training.stages import CHANGEABLE, is_there
from training.tuning.objective import NetworkObjective, config_of
from training.tuning.parameters import FloatParameter
from training.tuning.pbt.explore import explored
from training.tuning.pbt.lineage import told
from training.tuning.pbt.population import Member, Population
from training.tuning.scored import ScoredPart, TrainedTrial
from training.tuning.space import Space
from training.tuning.trials import TrialRecord, Verdict
from training.tuning.worker import LEASE_LOST, Assignment, AtRung


class Play(NamedTuple):
    """What a population is, beside its members."""

    number: int
    """In its study, from 0."""
    seed: int
    """Of all its members' trainings, and of who copies whom."""
    space: Space
    ranges: Mapping[str, FloatParameter]
    """What is explored, by name."""


class PopulationObjective(NetworkObjective):
    """Trains populations."""

    def evolve(
        self, play: Play, assigned: Sequence[Assignment], at_rung: AtRung
    ) -> Iterator[TrialRecord]:
        """Train the members of one population and yield what came of each, at the end.

        Args:
            play: the population.
            assigned: its members; their own seeds are not read.
            at_rung: told each member's error at each rung.
        """
        trials: list[TrainedTrial] = []
        first: NetworkConfig | None = None
        for one in assigned:
            made = self._begun(one._replace(seed=play.seed), (play.space,))
            if isinstance(made, TrialRecord):
                yield made
                continue
            first = first or made.config
            other = _not_shared(first, made.config)
            if other:
                yield TrialRecord(one.number, one.params, "infeasible", _NOT_SHARED.format(other))
                continue
            trials.append(made)
        if trials:
            yield from _Lives(play, trials).live(self._plan.rungs, at_rung)


_NOT_SHARED = "members of a population share their architecture, but this one has another {}"


def _not_shared(first: NetworkConfig, config: NetworkConfig) -> str:
    free = {"name", *CHANGEABLE}
    fixed = [one.name for one in dataclasses.fields(NetworkConfig) if one.name not in free]
    other = [one for one in fixed if getattr(first, one) != getattr(config, one)]
    other += [one for one in CHANGEABLE if is_there(first, one) != is_there(config, one)]
    return other[0] if other else ""


class _Lives:
    """The members of one population, from their first epoch to their last."""

    def __init__(self, play: Play, trials: Sequence[TrainedTrial]) -> None:
        self._play, self._trials = play, list(trials)
        self._open = list(trials)
        """Those of which nothing has been told."""
        members = [
            Member(one.number, {n: one.params[n] for n in play.ranges if n in one.params})
            for one in trials
        ]
        self._population = Population(
            members, functools.partial(explored, play.ranges), seed=(play.seed, play.number)
        )
        lanes = [lane for trial in trials for lane in trial.lanes]
        self._parts: list[ScoredPart] = []
        self._places: dict[int, tuple[Stack, int]] = {}
        for positions in group([one.lane for one in lanes]):
            stack = Stack([lanes[i].lane for i in positions])
            self._parts.append(ScoredPart(Part(positions, stack), [lanes[i] for i in positions]))
            places = {id(lanes[i]): (stack, number) for number, i in enumerate(positions)}
            self._places.update(places)

    def live(self, rungs: Sequence[int], at_rung: AtRung) -> Iterator[TrialRecord]:
        """Train on from rung to rung, and yield every member's record."""
        for part in self._parts:
            part.look()
        if all(one.dead for one in self._trials):
            # They began with the same weights: nobody is there who could be copied.
            yield from self._ended((one, "dead output", one.death()) for one in self._trials)
            return
        done = 0
        for epochs in rungs[:-1]:
            self._advance(epochs - done, epochs)
            done = epochs
            stopped = self._asked(epochs, at_rung)
            yield from self._ended((one, "stopped", reason) for one, reason in stopped)
            if not self._open:
                return
            self._step(epochs)
        self._advance(rungs[-1] - done, rungs[-1])
        for trial in self._open:
            record = trial.at(rungs[-1], at_rung, last=True)
            if record is not None:
                yield self._told(trial, record)

    def _advance(self, epochs: int, reached: int) -> None:
        for part in self._parts:
            part.advance(epochs, reached)

    def _ended(self, them: Iterable[tuple[TrainedTrial, Verdict, str]]) -> Iterator[TrialRecord]:
        for trial, verdict, reason in them:
            # Its lanes go on: others may be copied from them.
            self._open = [one for one in self._open if one is not trial]
            yield self._told(trial, trial.record(verdict, reason))

    def _asked(self, epochs: int, at_rung: AtRung) -> list[tuple[TrainedTrial, str]]:
        """Tell all errors; return who stops here: all, or those alone whose leases were lost."""

        def ask(trial: TrainedTrial) -> str | None:
            return at_rung(trial.number, epochs, trial.error_m(epochs))

        said = [(one, ask(one)) for one in self._open]
        for_all = next((why for _, why in said if why not in (None, LEASE_LOST)), None)
        if for_all is None:
            return [(one, why) for one, why in said if why is not None]
        # The first may have been asked before there was a reason, and must say so again: what is to
        # be given back is noted there.
        return [(one, why or ask(one) or for_all) for one, why in said]

    def _step(self, epochs: int) -> None:
        # A dead output learns no more: its error is that of a constant.
        errors = [math.inf if one.dead else one.error_m(epochs) for one in self._trials]
        for move in self._population.step(epochs, errors):
            self._copy(self._trials[move.source], self._trials[move.target])
            settings = self._settings(move.target)
            for lane in self._trials[move.target].lanes:
                stack, place = self._places[id(lane)]
                stack.set_hyper(place, **settings)

    def _copy(self, source: TrainedTrial, target: TrainedTrial) -> None:
        for its, mine in zip(source.lanes, target.lanes, strict=True):
            (of, taken), (stack, place) = self._places[id(its)], self._places[id(mine)]
            stack.copy_lane(taken, place, of=of)
            mine.follow(its)

    def _settings(self, place: int) -> dict[str, Any]:
        params = {**self._trials[place].params, **self._population.members[place].values}
        config = config_of(params, (self._play.space,), name="explored")
        return {name: getattr(config, name) for name in CHANGEABLE}

    def _told(self, trial: TrainedTrial, record: TrialRecord) -> TrialRecord:
        place = self._trials.index(trial)
        numbers = [one.number for one in self._trials]
        of = {"number": self._play.number, "members": numbers, "seed": self._play.seed}
        return told(record, self._population.members[place], of)

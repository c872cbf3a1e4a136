"""What a trial of a network is: trained over folds and seeds, scored at rungs, and told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from localizer.errors import ConfigError
from localizer.features import Features, features
from localizer.site import Site
from localizer.table import FingerprintTable
from training.config import NetworkConfig
from training.executors.running import ExecutorName, start
from training.executors.stacked.lanes import Lane
from training.preparation import Prepared, prepare
from training.splits import Fold
from training.tuning.parameter import Infeasible
from training.tuning.scored import ScoredLane, ScoredPart, TrainedTrial
from training.tuning.space import Space
from training.tuning.trials import TrialRecord
from training.tuning.worker import Assignment, AtRung

_KEPT_SETS: Final = 64
"""Prepared training sides that a process keeps: images of many augmentations fill the memory."""


@dataclass(frozen=True)
class ObjectivePlan:
    """All that a worker's process must be given to score trials."""

    table: FingerprintTable
    """Labelled rows that are searched on, which the folds cut."""
    unlabelled: FingerprintTable
    site: Site
    folds: tuple[Fold, ...]
    space: Space
    repeats: int
    """Seeds of a trial on each fold."""
    rungs: tuple[int, ...]
    """Epochs after which a trial is scored, the last one the whole training."""
    executor: ExecutorName


class NetworkObjective:
    """Trains batches of trials."""

    def __init__(self, plan: ObjectivePlan) -> None:
        """Begin with nothing prepared."""
        self._plan = plan
        self._sets: dict[Any, tuple[Prepared, Features]] = {}

    def evaluate(
        self,
        assigned: Sequence[Assignment],
        at_rung: AtRung,
        spaces: Sequence[Space] = (),
    ) -> Iterator[TrialRecord]:
        """Train trials side by side and yield what came of each.

        Where one of them breaks the batch, each is trained by itself: one point that cannot be
        trained takes no other with it.

        Args:
            assigned: what to train.
            at_rung: told each trial's error at each rung.
            spaces: every version of the space so far; the plan's alone if there is none.
        """
        spaces = spaces or (self._plan.space,)
        trials: list[TrainedTrial] = []
        for one in assigned:
            made = self._begun(one, spaces)
            if isinstance(made, TrialRecord):
                yield made
            else:
                trials.append(made)
        told: set[int] = set()
        try:
            for record in self._train(trials, at_rung):
                told.add(record.number)
                yield record
        except Exception:
            if len(trials) == 1:
                raise
            for trial in trials:
                if trial.number not in told:
                    yield from self._alone(trial, at_rung)

    def _alone(self, trial: TrainedTrial, at_rung: AtRung) -> Iterator[TrialRecord]:
        try:
            yield from self._train([trial.afresh()], at_rung)
        except Exception as error:
            yield trial.record("crashed", f"{type(error).__name__}: {error}"[:300])

    def _begun(self, one: Assignment, spaces: Sequence[Space]) -> TrainedTrial | TrialRecord:
        try:
            config = config_of(one.params, spaces, name=f"trial-{one.number}")
            return TrainedTrial(one, config, self._lanes(config, one.seed))
        except Infeasible as error:
            return TrialRecord(one.number, one.params, "infeasible", str(error))

    def _lanes(self, config: NetworkConfig, seed: int) -> list[ScoredLane]:
        lanes = []
        for number, fold in enumerate(self._plan.folds):
            for repeat in range(self._plan.repeats):
                own = int(np.random.SeedSequence([seed, repeat]).generate_state(1)[0] >> 1)
                prepared, held_out = self._set(config, number, own)
                lane = Lane(config, own, prepared.data, held_out)
                table = self._plan.table
                lanes.append(ScoredLane(number, own, lane, prepared.scale, table, fold))
        return lanes

    def _set(self, config: NetworkConfig, fold: int, seed: int) -> tuple[Prepared, Features]:
        """Return a training side, made once for all networks that see it in the same way."""
        seen = (config.network, config.convention, config.image_size)
        # Augmentations draw: another seed has other rows.
        drawn = (config.augment, seed if config.augment else None)
        key = (*seen, config.target, config.place_balanced, *drawn, fold)
        if key not in self._sets:
            while len(self._sets) >= _KEPT_SETS:
                self._sets.pop(next(iter(self._sets)))
            self._sets[key] = self._prepared(config, self._plan.folds[fold], seed)
        return self._sets[key]

    def _prepared(self, config: NetworkConfig, fold: Fold, seed: int) -> tuple[Prepared, Features]:
        table, unlabelled = self._plan.table, self._plan.unlabelled
        train, test = table.rows(fold.train), table.rows(fold.test)
        hidden = np.setdiff1d(test.session, train.session)
        unlabelled = unlabelled.rows(~np.isin(unlabelled.session, hidden))
        made = prepare(config, train, self._plan.site, seed=seed, unlabelled=unlabelled)
        return made, features(test.rssi_dbm, test.mask, made.spec)

    def _train(self, trials: Sequence[TrainedTrial], at_rung: AtRung) -> Iterator[TrialRecord]:
        lanes = [lane for trial in trials for lane in trial.lanes]
        parts = [
            ScoredPart(part, [lanes[i] for i in part.positions])
            for part in start([lane.lane for lane in lanes], self._plan.executor)
        ]
        for part in parts:
            part.look()
        open_trials = list(trials)
        for trial in [one for one in trials if one.dead]:
            open_trials.remove(trial)
            yield trial.record("dead output", trial.death())
        done = 0
        for epochs in self._plan.rungs:
            gone = {id(one) for one in trials} - {id(one) for one in open_trials}
            parts = [part for part in parts if part.keep_out(gone)]
            for part in parts:
                part.advance(epochs - done, epochs)
            done = epochs
            for trial in list(open_trials):
                record = trial.at(epochs, at_rung, last=epochs == self._plan.rungs[-1])
                if record is not None:
                    open_trials.remove(trial)
                    yield record


def config_of(params: Mapping[str, Any], spaces: Sequence[Space], *, name: str) -> NetworkConfig:
    """Return the configuration of a point by the latest version of a space that holds it.

    Raises:
        Infeasible: its convolutions do not fit the image.
        ConfigError: no version holds it.
    """
    *older, latest = spaces
    for space in reversed(older):
        try:
            return latest.config(params, name=name)
        except Infeasible:
            raise
        except ConfigError:
            latest = space
    return latest.config(params, name=name)

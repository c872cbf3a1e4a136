"""The search of a study as its workers do it: who proposes points, and what is made of them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import optuna
from optuna.trial import Trial

from localizer.errors import ConfigError
from training.tuning.diagnosis import Context, diagnose
from training.tuning.objective import NetworkObjective, ObjectivePlan
from training.tuning.parameter import Infeasible
from training.tuning.pruners import pruner_of
from training.tuning.samplers import PBT, sampler_of, suggest_batch
from training.tuning.space import Point, Space
from training.tuning.space_files import space_from_toml, space_to_toml
from training.tuning.trials import TrialRecord
from training.tuning.worker import Assignment, AtRung, Work

SPACES: Final = "spaces"
"""Key of a study's attributes under which every version of its space lies, as TOML, in order."""


@dataclass(frozen=True)
class Search:
    """How a study searches; each worker's process is given one."""

    plan: ObjectivePlan
    sampler: str
    pruner: str
    seed: int
    context: Context
    """What a trial is compared to when it is diagnosed."""
    population: int = 0
    """Members of a population; read by the sampler `pbt` alone."""


def build_search(search: Search, study: optuna.Study) -> Work:
    """Give a study its sampler and pruner, and return what its workers do."""
    study.pruner = pruner_of(search.pruner, search.sampler, search.plan.rungs)
    if search.sampler == PBT:
        from training.tuning.pbt.search import PopulationSearcher

        populations = PopulationSearcher(search, study)
        return Work(populations.propose, populations.evaluate, search.population)
    searcher = Searcher(search, study)
    return Work(searcher.propose, searcher.evaluate)


def write_space(study: optuna.Study, space: Space) -> None:
    """Let the workers of a study draw from another version of its space from here on."""
    versions = spaces_of(study.user_attrs)
    # Whoever wrote the space may have begun at any version.
    if not versions or versions[-1].version < space.version:
        known = study.user_attrs.get(SPACES, [])
        study.set_user_attr(SPACES, [*known, space_to_toml(space)])


def spaces_of(attrs: Mapping[str, Any]) -> list[Space]:
    """Return every version of a study's space, the present one last."""
    texts = attrs.get(SPACES, [])
    return [space_from_toml(text, origin="the study's space").space for text in texts]


class Searcher:
    """What a worker does with the trials of a study, one by one or many side by side."""

    def __init__(self, search: Search, study: optuna.Study) -> None:
        """Begin with the first version of the space, and give the study its sampler."""
        self._search, self._study = search, study
        self._spaces: list[Space] = [search.plan.space]
        self._objective = NetworkObjective(search.plan)
        self._sample_from(self._spaces)

    def _sample_from(self, spaces: list[Space]) -> None:
        self._spaces = spaces
        self._study.sampler = sampler_of(self._search.sampler, spaces[-1], seed=self._search.seed)

    def propose(self, trials: Sequence[Trial]) -> list[Point]:
        """Give trials their points, from the present version of the space."""
        known = self._study.user_attrs.get(SPACES, [])
        if len(known) > len(self._spaces):
            self._sample_from(spaces_of(self._study.user_attrs))
        try:
            return suggest_batch(self._study, self._spaces[-1], trials)
        except Infeasible:
            # One of them is made again, and its parameters are of a version before.
            return [self._of_any_version(trial) for trial in trials]

    def _of_any_version(self, trial: Trial) -> Point:
        for space in reversed(self._spaces):
            try:
                return space.suggest(trial)
            except (Infeasible, ValueError):
                continue
        raise ConfigError(
            f"trial {trial.number} must be of a version of the study's space, but fits none; "
            "begin another --study"
        )

    def evaluate(self, assigned: Sequence[Assignment], at_rung: AtRung) -> Iterator[TrialRecord]:
        """Train trials, and say what is wrong with each."""
        for record in self._objective.evaluate(assigned, at_rung, self._spaces):
            yield self._diagnosed(record)

    def _diagnosed(self, record: TrialRecord) -> TrialRecord:
        found = diagnose(record, self._search.context)
        return dataclasses.replace(
            record,
            findings=tuple(one.to_json() for one in found),
            space_version=self._spaces[-1].version,
        )

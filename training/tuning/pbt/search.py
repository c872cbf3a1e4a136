"""The search of a study by populations, as its workers do it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import optuna
from optuna.trial import Trial

from training.tuning.budget import read_points
from training.tuning.pbt.cast import cast_of, shared_of
from training.tuning.pbt.explore import changing
from training.tuning.pbt.objective import Play, PopulationObjective
from training.tuning.samplers import PopulationSampler
from training.tuning.search import Search, Searcher
from training.tuning.space import Point, Space
from training.tuning.study import seed_in
from training.tuning.trials import TrialRecord
from training.tuning.worker import Assignment, AtRung


class PopulationSearcher(Searcher):
    """What a worker does with the trials of a population."""

    def __init__(self, search: Search, study: optuna.Study) -> None:
        """Begin, and give the study its sampler."""
        Searcher.__init__(self, search, study)
        self._populations = PopulationObjective(search.plan)

    def _sample_from(self, spaces: list[Space]) -> None:
        self._spaces = spaces
        self._sampler = PopulationSampler(spaces[-1], seed=self._search.seed)
        self._study.sampler = self._sampler

    def propose(self, trials: Sequence[Trial]) -> list[Point]:
        """Give members of one population their points: its first one's architecture."""
        space = self._spaces[-1]
        cast = cast_of(read_points(self._study), trials[0].number, self._search.population)
        shared = cast.shared(space)
        points = []
        for trial in trials:
            self._sampler.shared = shared
            points.append(space.suggest(trial))
            if shared is None:
                shared = shared_of(space, trial.params)
        return points

    def evaluate(self, assigned: Sequence[Assignment], at_rung: AtRung) -> Iterator[TrialRecord]:
        """Train a population, and say what is wrong with each member."""
        space, study = self._spaces[-1], self._study
        cast = cast_of(read_points(study), assigned[0].number, self._search.population)
        ranges = {one.name: one for one in changing(space)}
        play = Play(cast.number, cast.seed(seed_in(study.user_attrs)), space, ranges)
        for record in self._populations.evolve(play, assigned, at_rung):
            yield self._diagnosed(record)

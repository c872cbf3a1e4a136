"""`tune`: a study from a survey to the network that won, and to what it gained."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import optuna

from localizer.errors import ConfigError
from training.catalogue import SIMPLE_METHODS
from training.config import NetworkConfig
from training.metrics import errors_m
from training.networks import build_network
from training.provenance import git_state
from training.specs import network_spec
from training.surveys import OpenedSurvey
from training.tasks import Progress, Task, Workers
from training.tuning.apply_rules import apply_rules
from training.tuning.brackets import ranked
from training.tuning.budget import read_points
from training.tuning.building import packed
from training.tuning.diagnosis import Context
from training.tuning.finalists import DEFAULT, FINALISTS, Candidate, Finals, Rows, run_finals
from training.tuning.forks import adoption
from training.tuning.local_workers import Crew
from training.tuning.minutes import seconds_of_a_fit, shortest_finals
from training.tuning.objective import ObjectivePlan
from training.tuning.pbt.lineage import changed
from training.tuning.pbt.retraining import retrained
from training.tuning.requests import REQUEST, Request, request_in
from training.tuning.rows import StudyRows, study_rows
from training.tuning.rules import RulesState
from training.tuning.run import Outcome, run_study
from training.tuning.search import Search, spaces_of, write_space
from training.tuning.space import Space
from training.tuning.stops import Limits
from training.tuning.storage import open_storage
from training.tuning.study import (
    IDENTITY,
    RULES,
    Identity,
    Objective,
    enqueue,
    fork_study,
    join_study,
    open_study,
)
from training.tuning.trials import TrialRecord
from training.tuning.verdicts import record_of
from training.tuning.watch import View

SIMPLE: Final = "simple methods"
"""Key of the simple methods' errors on the folds: whoever joins a study need not fit them again."""
BATCH_S: Final = 15.0
"""Wall time that a batch of trials may take, seconds: a study of five minutes is one of several
batches, each of which knows what came of those before; 32 networks of 32 shapes take minutes."""


@dataclass(frozen=True)
class Study:
    """A study that is open, and what its workers need."""

    study: optuna.Study
    place: str
    rows: StudyRows
    search: Search
    request: Request
    simple_m: Mapping[str, float]
    """Mean error of each simple method on the folds, metres."""
    simple_s: float
    """Wall time that scoring them took, their processes' start within it, seconds."""

    @property
    def records(self) -> list[TrialRecord]:
        """Every point that has ended, by number."""
        points = read_points(self.study)
        return [record_of(one.last) for one in points if one.ended]

    @property
    def spaces(self) -> list[Space]:
        """Every version of the space, the present one last."""
        return spaces_of(self.study.user_attrs) or [self.request.space]


def open_tuning(
    survey: OpenedSurvey, request: Request, place: str, name: str, *, workers: int, fork: bool
) -> Study:
    """Open or begin a study on a survey.

    Args:
        survey: its development rows alone are looked at.
        request: what is searched.
        place: of the storage.
        name: of the study.
        workers: processes that score the simple methods.
        fork: whether a study of other data or another space is gone on from.

    Raises:
        ConfigError: the survey is too small, or the study there is another one.
    """
    request = dataclasses.replace(request, space=request.space.for_site(survey.site))
    rows = _rows(survey, request)
    storage, code = open_storage(place), git_state()[0] or "unknown"
    identity = _identity(survey, request, rows)
    try:
        study = open_study(storage, name, identity, code_version=code)
    except ConfigError:
        if not fork:
            raise
        source = optuna.Study(name, storage)
        adopt = adoption(spaces_of(source.user_attrs)[-1], request.space)
        study = fork_study(source, identity, code_version=code, adopt=adopt)
    write_space(study, request.space)
    study.set_user_attr(REQUEST, request.to_json())
    return _opened(survey, request, rows, study, place, max(1, workers))


def join_tuning(survey: OpenedSurvey, place: str, name: str, *, workers: int) -> Study:
    """Open a study that somebody else began, as its workers do.

    Raises:
        ConfigError: there is none, or it is one of other data.
    """
    study = join_study(open_storage(place), name)
    request = request_in(study.user_attrs, name)
    rows = _rows(survey, request)
    there, here = study.user_attrs[IDENTITY], _identity(survey, request, rows).to_json()
    if there["data_hash"] != here["data_hash"]:
        raise ConfigError(
            f"a worker must have the study's survey, data {there['data_hash']}, but {survey.name} "
            f"is {here['data_hash']}; give it the same file"
        )
    return _opened(survey, request, rows, study, place, workers)


def _rows(survey: OpenedSurvey, request: Request) -> StudyRows:
    table = survey.development(request.space.base.aggregation)
    return study_rows(table, request.split, request.folds)


def _identity(survey: OpenedSurvey, request: Request, rows: StudyRows) -> Identity:
    objective = Objective(
        survey.name,
        request.split,
        len(rows.folds),
        tuple(range(request.repeats)),
        request.rungs[-1],
        request.rungs,
    )
    return Identity(request.space.sha256, survey.data_sha256, objective, request.seed)


def _opened(
    survey: OpenedSurvey, request: Request, rows: StudyRows, study: optuna.Study, *where: Any
) -> Study:
    place, workers = where
    told = study.user_attrs.get(SIMPLE, {"dev_m": {}, "seconds": 0.0})
    if set(told["dev_m"]) != set(SIMPLE_METHODS):
        began = time.monotonic()
        with _workers_of(survey, rows, workers) as pool:
            errors = _simple_errors(pool, rows, request.split)
        told = {"dev_m": errors, "seconds": time.monotonic() - began}
        study.set_user_attr(SIMPLE, told)
    simple = told["dev_m"]
    best = min(simple, key=lambda one: simple[one])
    plan = ObjectivePlan(
        rows.search,
        survey.unlabelled(request.space.base.aggregation),
        survey.site,
        rows.folds,
        request.space,
        request.repeats,
        request.rungs,
        request.executor,
    )
    context = Context(simple[best], SIMPLE_METHODS[best].title)
    search = Search(
        plan, request.sampler, request.pruner, request.seed, context, request.population
    )
    return Study(study, place, rows, search, request, simple, told["seconds"])


def _workers_of(survey: OpenedSurvey, rows: StudyRows, count: int) -> Workers:
    return Workers(count, rows.search, survey.site, survey.unlabelled(rows.search.aggregation))


def _simple_errors(pool: Workers, rows: StudyRows, split: str) -> dict[str, float]:
    tasks = [
        Task(name, number, fold.train, fold.test, split, None, 0)
        for name in SIMPLE_METHODS
        for number, fold in enumerate(rows.folds)
    ]
    errors: dict[str, list[Any]] = {}
    for one in pool.run(tasks, lambda _: None):
        truth = rows.search.position_m[one.task.test]
        errors.setdefault(one.task.method, []).append(errors_m(one.predicted, truth))
    return {name: float(np.concatenate(parts).mean()) for name, parts in errors.items()}


def time_finals(survey: OpenedSurvey, study: Study, *, workers: int, seeds: int) -> float:
    """Return about how long the shortest finals take, seconds: a training of the default is timed.

    Args:
        survey: whose rows.
        study: of them.
        workers: processes.
        seeds: of finals that time does not cut short.
    """
    fold, base = study.rows.folds[0], study.request.space.base
    task = Task("timed", 0, fold.train, fold.test, study.request.split, None, 0)
    with _workers_of(survey, study.rows, workers) as pool:
        fit_s = seconds_of_a_fit(pool, task, base)
    return shortest_finals(
        len(study.rows.folds), seeds, workers, fit_s=fit_s, simple_s=study.simple_s
    )


def enqueue_points(study: Study, manual: Sequence[Mapping[str, Any]], trials: int) -> int:
    """Let the default be the first trial, and a person's own points the next.

    Returns:
        The trials of the study: no more than were asked for, and in a grid no more than its points
        beside those that are given, for after the last one they would come again.
    """
    space = study.request.space
    try:
        default = [space.params_for_enqueue(space.default_point())]
    except ConfigError:
        default = []  # the base lies outside the space: it is compared with in the finals
    points = [space.params_for_enqueue(point) for point in manual]
    if study.request.sampler == "grid":
        trials = min(trials, space.grid_size() + len(default) + len(points))
    enqueue(study.study, default, source="default", limit=trials)
    enqueue(study.study, points, source="manual", limit=trials)
    return trials


def search(
    study: Study, crew_options: Mapping[str, Any], limits: Limits, watch: Callable[[View], None]
) -> Outcome:
    """Search until a limit is reached, with the rules at work meanwhile."""
    crew = crew_of(study, crew_options)
    looked = 0

    def see(view: View) -> None:
        nonlocal looked
        # Reading every record takes longer than a trial, and the rules wait for several.
        if view.end is None and view.done >= looked + study.request.every:
            looked = view.done
            step_rules(study, limits.trials)
        watch(view)

    return run_study(study.study, crew, limits, see)


def crew_of(study: Study, options: Mapping[str, Any]) -> Crew:
    """Return the workers of this machine."""
    build, epochs = packed(study.search), study.request.rungs[-1]
    name = study.study.study_name
    return Crew(study.place, name, build, epochs, **{"batch_s": BATCH_S, **options})


def step_rules(study: Study, trials: int) -> None:
    """Let the rules look at what has ended since the last time; whoever is first decides."""
    request = study.request
    if not request.rules:
        return
    attrs = study.study.user_attrs
    state = RulesState.from_json(attrs[RULES]) if RULES in attrs else RulesState()
    space = study.spaces[-1]
    step = apply_rules(
        request.rules, space, study.records, state, every=request.every, seed=request.seed
    )
    if step.state == state:
        return
    study.study.set_user_attr(RULES, step.state.to_json())
    if step.space.version > space.version:
        write_space(study.study, step.space)
    points = [step.space.params_for_enqueue(point) for point in step.points]
    for point in points:
        try:
            enqueue(study.study, [point], source="rule", limit=trials)
        except ConfigError:
            return  # no trial of the budget is left for it


def candidates_of(study: Study, most: int = FINALISTS) -> list[Candidate]:
    """Return the default and the best trials of the full budget, the default first.

    A trial that is the default again is no finalist. The best point of a person's own always is
    one: who proposed it wants to know.
    """
    default = default_of(study)
    found: list[Candidate] = []
    order = ranked(study.records, study.request.rungs[-1])
    own = next((one for one in order if one.source == "manual"), None)
    for record in sorted(order, key=lambda one: one is not own):
        config = retrained(record, study.spaces, name=f"trial-{record.number}")
        same = {_named(one.config, "same") for one in (default, *found)}
        if _named(config, "same") not in same and len(found) < most:
            found.append(Candidate(config, record.number, record.weights))
    return [default, *found]


def default_of(study: Study) -> Candidate:
    """Return what a study's trials are compared with."""
    base = _named(study.request.space.base, DEFAULT)
    plan = study.search.plan
    spec, _ = network_spec(base, plan.site, str(plan.table.floor[0]))
    weights = build_network(base, spec.shapes(), seed=0).count_params()
    # One whose settings changed on the way is the default no longer.
    same = (one for one in study.records if one.source == "default" and not changed(one))
    was = next((one.number for one in same), None)
    return Candidate(base, was, weights)


def _named(config: NetworkConfig, name: str) -> NetworkConfig:
    return dataclasses.replace(config, name=name)


def finals(
    survey: OpenedSurvey,
    study: Study,
    candidates: Sequence[Candidate],
    *,
    workers: int,
    seeds: int,
    left_s: float | None,
    progress: Callable[[Progress], None],
) -> Finals:
    """Train the candidates again, and score them on rows that the search has never seen."""
    rows, simple = final_rows(study), list(SIMPLE_METHODS)
    unlabelled = survey.unlabelled(rows.table.aggregation)
    with Workers(workers, rows.table, survey.site, unlabelled) as crew:
        return run_finals(
            candidates, simple, rows, crew, seeds=seeds, left_s=left_s, progress=progress
        )


def final_rows(study: Study) -> Rows:
    """Return the rows of the finals in one table."""
    rows = study.rows
    return Rows(rows.table, rows.final_folds, rows.unseen_fold, study.request.split)

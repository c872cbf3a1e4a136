"""How a study ended, as JSON and as a page: the best network, its gaps, and what tuning gained."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from localizer.site import Site
from training.catalogue import SIMPLE_METHODS
from training.html_report import count
from training.metrics import bootstrap_by_place
from training.provenance import git_state
from training.tuning.by_hand import Attempt, beside_by_hand
from training.tuning.finalists import Finalist, Finals
from training.tuning.gains import Interval, gap_between
from training.tuning.pbt.lineage import schedule_of
from training.tuning.report.content import Candidate, StudyReport, scales_of
from training.tuning.report.content import Outcome as Told
from training.tuning.rules import RulesState
from training.tuning.run import Outcome
from training.tuning.study import RULES
from training.tuning.trials import TrialRecord
from training.tuning.tune import Study

_WHY: Final = (
    "The chosen one is the simplest of the finalists within one standard error of the best, on "
    "fresh seeds; what it gained is told on rows that no trial was trained or scored on."
)


def document(study: Study, outcome: Outcome, finals: Finals | None, site: Site) -> dict[str, Any]:
    """Return a study's outcome for JSON; errors in metres, and in cells where the site has them."""
    found: dict[str, Any] = {
        "study": study.study.study_name,
        "survey": study.search.plan.site.id,
        "split": study.request.split,
        "status": outcome.status,
        "reason": outcome.reason,
        "trials": len(outcome.points),
        "trials_done": outcome.done,
        "verdicts": dict(outcome.verdicts),
        "errors": [{"reason": reason, "count": count} for reason, count in outcome.errors],
        "seconds": round(outcome.seconds, 2),
        "space": {"name": study.request.space.name, "version": study.spaces[-1].version},
        "cell_m": site.cell_m,
        "by_hand": [_attempt(one) for one in beside_by_hand(study.records)],
        "simple_methods": [
            {"method": name, "dev_m": error}
            for name, error in sorted(study.simple_m.items(), key=lambda pair: pair[1])
        ],
        "best": None,
        "verdict": None,
    }
    return found if finals is None else {**found, **_of_finals(study, finals)}


def _attempt(one: Attempt) -> dict[str, Any]:
    best_m = one.best_m if math.isfinite(one.best_m) else None
    return {**asdict(one), "best_m": best_m}


def _of_finals(study: Study, finals: Finals) -> dict[str, Any]:
    winner, gain = finals.winner, finals.gain
    records: dict[int | None, TrialRecord] = {one.number: one for one in study.records}
    simple = finals.best_simple
    return {
        "best": {
            **_finalist(finals, winner, records.get(winner.candidate.trial)),
            "config": winner.candidate.config.sha256,
        },
        "default": _finalist(finals, finals.default, records.get(finals.default.candidate.trial)),
        "finalists": [
            _finalist(finals, one, records.get(one.candidate.trial)) for one in finals.finalists
        ],
        "best_simple": {
            "method": simple,
            "dev_m": float(finals.simple[simple][0].mean()),
            "eval_m": float(finals.simple[simple][1].mean()),
        },
        "verdict": gain.verdict,
        "gain_m": gain.mean_m,
        "gain_low_m": gain.low_m,
        "gain_high_m": gain.high_m,
        "seeds": len(winner.dev),
    }


def _finalist(finals: Finals, one: Finalist, record: TrialRecord | None) -> dict[str, Any]:
    dev, unseen, gap = _dev_unseen_gap(finals, one.dev, one.unseen)
    return {
        "name": one.name,
        "trial": one.candidate.trial,
        "params": dict(record.params) if record else {},
        "schedule": schedule_of(record) if record else [],
        "weights": one.candidate.weights,
        "train_m": record.train_m if record else None,
        **_bounded("dev", dev),
        **_bounded("eval", unseen),
        **_bounded("gap", gap),
        "search_dev_m": record.dev_m if record else None,
        "dev_gain_m": list(finals.dev_gain(one)),
    }


def _bounded(name: str, of: Interval) -> dict[str, float]:
    return {f"{name}_m": of.mean_m, f"{name}_low_m": of.low_m, f"{name}_high_m": of.high_m}


def _dev_unseen_gap(
    finals: Finals, dev: NDArray[np.float64], unseen: NDArray[np.float64]
) -> tuple[Interval, Interval, Interval]:
    """Return the errors of a method on both kinds of rows, and how far they are apart."""
    found = _interval(dev, finals.groups), _interval(unseen, finals.unseen_groups)
    return *found, gap_between(*found)


def _interval(errors: NDArray[np.float64], groups: NDArray[np.int64]) -> Interval:
    """Return the mean of errors, [seeds, n] or [n], by places drawn again."""
    by_row = np.atleast_2d(errors).mean(axis=0)
    return Interval(float(errors.mean()), *bootstrap_by_place(by_row, groups))


def report_of(
    study: Study, outcome: Outcome, finals: Finals | None, site: Site, survey: str
) -> StudyReport:
    """Return what the page of a study shows."""
    request = study.request
    attrs = study.study.user_attrs
    state = RulesState.from_json(attrs[RULES]) if RULES in attrs else RulesState()
    commit, dirty = git_state()
    records: dict[int | None, TrialRecord] = {one.number: one for one in study.records}
    return StudyReport(
        study=study.study.study_name,
        survey=Path(survey).name,
        objective=(
            f"the mean error over {count(len(study.rows.folds), 'fold')} (split "
            f"{request.split!r}) and {count(request.repeats, 'seed')}, after "
            f"{count(request.rungs[-1], 'epoch')}"
        ),
        status=f"{outcome.status}: {outcome.reason}",
        records=study.records,
        scales=scales_of(study.spaces[-1]),
        finalists=() if finals is None else _candidates(finals, records),
        simple=() if finals is None else _simple(finals),
        outcome=None if finals is None else _told(finals),
        actions=state.log,
        rules=bool(request.rules),
        cell_m=site.cell_m,
        provenance=(
            f"code {(commit or 'unknown')[:12]}{' with changes' if dirty else ''}, space "
            f"{request.space.name} {request.space.sha256[:12]}"
        ),
    )


def _told(finals: Finals) -> Told:
    gain = finals.gain
    return Told(gain.low_m > 0, gain.mean_m, gain.low_m, gain.high_m, "the default", _WHY)


def _candidates(finals: Finals, records: Mapping[int | None, TrialRecord]) -> Sequence[Candidate]:
    winner = finals.winner
    all_of_them = (finals.default, *finals.finalists)
    ordered = sorted(all_of_them, key=lambda one: (one is not winner, one.dev_m))
    return [_candidate(finals, one, records.get(one.candidate.trial)) for one in ordered]


def _candidate(finals: Finals, one: Finalist, record: TrialRecord | None) -> Candidate:
    dev, unseen, gap = _dev_unseen_gap(finals, one.dev, one.unseen)
    gaps = [] if record is None else [t.dev_m - t.train_m for t in record.trainings]
    gap_se = float(np.std(gaps, ddof=1) / np.sqrt(len(gaps))) if len(gaps) > 1 else None
    is_default = one is finals.default
    return Candidate(
        title="default" if is_default else f"trial {one.candidate.trial}",
        errors_m=one.dev.mean(axis=0),
        low_m=dev.low_m,
        high_m=dev.high_m,
        train_m=None if record is None else record.train_m,
        gap_se_m=gap_se,
        unseen_m=unseen.mean_m,
        unseen_gap_m=gap,
        gain_m=None if is_default else finals.dev_gain(one),
        trial=None if is_default else one.candidate.trial,
        params={} if record is None else record.params,
        seeds=len(one.dev),
        weights=one.candidate.weights,
        is_default=is_default,
        chosen=one is finals.winner,
    )


def _simple(finals: Finals) -> Sequence[Candidate]:
    made = []
    for name, (errors, aside) in finals.simple.items():
        dev, unseen, gap = _dev_unseen_gap(finals, errors, aside)
        made.append(
            Candidate(
                SIMPLE_METHODS[name].title,
                errors,
                dev.low_m,
                dev.high_m,
                unseen_m=unseen.mean_m,
                unseen_gap_m=gap,
            )
        )
    return sorted(made, key=lambda one: one.mean_m)

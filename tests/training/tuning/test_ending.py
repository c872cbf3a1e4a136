"""What is said of a study that has ended: its errors on every kind of rows, and their gaps."""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from localizer.sites import built_in_site
from training.catalogue import SIMPLE_METHODS
from training.config import load_network
from training.tuning import ending
from training.tuning.finalists import Candidate, Finalist, Finals
from training.tuning.report.tables import candidates
from training.tuning.run import Outcome
from training.tuning.space_files import load_space
from training.tuning.tune import Study

SEEDS, ROWS = 4, 60
KNN = "knn"


def _finalist(name: str, dev_m: float, unseen_m: float) -> Finalist:
    random = np.random.default_rng(len(name))
    config = load_network("dnn")
    dev = random.gamma(25, dev_m / 25, (SEEDS, ROWS))
    unseen = random.gamma(25, unseen_m / 25, (SEEDS, ROWS))
    return Finalist(Candidate(config, None, 100), dev, unseen)


def _finals(dev_m: float, unseen_m: float) -> Finals:
    default, best = _finalist("default", 6, 6), _finalist("best", dev_m, unseen_m)
    simple = {KNN: (np.full(ROWS, 5.0), np.full(ROWS, 7.0))}
    groups = np.arange(ROWS) // 2
    return Finals(default, (best,), simple, groups, groups)


@pytest.fixture
def study() -> Study:
    """All of a study that has no trials that its end is told by."""
    space = load_space("cisco-dnn-adam")
    request = SimpleNamespace(
        split="cells", space=space, repeats=1, rungs=(11, 33, 100), rules=(), every=10
    )
    made = SimpleNamespace(
        study=SimpleNamespace(study_name="site", user_attrs={}),
        search=SimpleNamespace(plan=SimpleNamespace(site=built_in_site("demo"))),
        rows=SimpleNamespace(folds=(1, 2)),
        request=request,
        spaces=[space],
        records=[],
        simple_m={KNN: 5.0},
    )
    return cast(Study, made)


OUTCOME = Outcome("trials done", "0 trials", (), 1.0)


def test_the_outcome_has_dev_eval_and_gap_with_intervals(study: Study) -> None:
    told: dict[str, Any] = ending.document(study, OUTCOME, _finals(3, 9), built_in_site("demo"))
    best = told["best"]
    for name in ("dev", "eval", "gap"):
        assert best[f"{name}_low_m"] <= best[f"{name}_m"] <= best[f"{name}_high_m"]
    assert best["gap_m"] == pytest.approx(best["eval_m"] - best["dev_m"])
    assert best["gap_low_m"] > 0


def test_the_page_has_unseen_rows_beside_held_out_ones_and_marks_what_is_worse(
    study: Study,
) -> None:
    site = built_in_site("demo")
    for unseen_m, marked in ((9.0, True), (3.0, False)):
        finals = _finals(3, unseen_m)
        report = ending.report_of(study, OUTCOME, finals, site, "site.survey")
        chosen = next(one for one in report.finalists if one.chosen)
        assert chosen.unseen_m == pytest.approx(finals.winner.unseen_m)
        assert chosen.wide_unseen_gap is marked
        assert (f"{chosen.unseen_m:.2f} !" in candidates(report)) is marked
        (simple,) = report.simple
        assert (simple.title, simple.unseen_m) == (SIMPLE_METHODS[KNN].title, 7.0)
        assert simple.wide_unseen_gap

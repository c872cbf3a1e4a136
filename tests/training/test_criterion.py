from io import StringIO

import pytest
from rich.console import Console

from localizer.errors import ConfigError
from localizer.manifest import Forced
from tests.training.simulated import small_table
from training.criterion import choose, parse_criterion, usable_criterion
from training.journey import decidable
from training.recipe import Recipe
from training.records import Record, bundle_metrics
from training.splits import SPLITS


def record(method: str, split: str, mean: float | None, *, baseline: bool = True) -> Record:
    return Record(
        split=split,
        honest=True,
        method=method,
        is_baseline=baseline,
        n=100,
        seeds=1,
        mean=mean,
        ci_low=mean,
        ci_high=mean,
        median=mean,
        p75=mean,
        p95=mean,
    )


def figures(network_on_cells: float | None = 3.0) -> list[Record]:
    return [
        record("knn", "sessions", 4.0),
        record("knn", "cells", 2.0),
        record("weighted-centroid", "sessions", 2.0),
        record("weighted-centroid", "cells", 3.0),
        record("dnn", "sessions", 1.0, baseline=False),
        record("dnn", "cells", network_on_cells, baseline=False),
    ]


BOTH = ("sessions", "cells")


def test_the_mean_over_the_splits_decides_and_not_the_first_split() -> None:
    choice = choose(figures(5.0), BOTH)
    assert (choice.method, choice.is_baseline, choice.forced) == ("weighted-centroid", True, None)
    assert "2.50 m on the mean of splits 'sessions' and 'cells'" in choice.words
    assert "the dnn network (3.00 m), is no better" in choice.words
    assert choose(figures(5.0), ["sessions"]).method == "dnn"
    assert choose(figures(5.0), ["cells"]).method == "knn"


def test_a_network_that_is_best_is_exported_with_the_best_simple_method_named() -> None:
    choice = choose(figures(), BOTH)
    assert (choice.method, choice.is_baseline) == ("dnn", False)
    assert "the best simple method is weighted centroid (2.50 m)" in choice.words


def test_a_worse_method_needs_force_and_is_recorded() -> None:
    with pytest.raises(
        ConfigError, match=r"dnn has 3\.00 m and weighted-centroid 2\.50 m.*--force"
    ):
        choose(figures(5.0), BOTH, method="dnn")
    choice = choose(figures(5.0), BOTH, method="dnn", force=True)
    assert choice.forced == Forced(best="weighted-centroid", worse_by_m=0.5, criterion=BOTH)
    assert "Exported by --force: the dnn network" in choice.words


def test_the_best_method_may_be_named_and_nothing_is_forced() -> None:
    assert choose(figures(), BOTH, method="dnn", force=True).forced is None
    assert choose(figures(), BOTH, method="dnn") == choose(figures(), BOTH)


def test_a_diverged_method_is_never_exported() -> None:
    assert choose(figures(None), BOTH).method == "weighted-centroid"
    with pytest.raises(ConfigError, match="--method must be one of"):
        choose(figures(None), BOTH, method="dnn", force=True)


def test_what_was_not_evaluated_cannot_decide() -> None:
    with pytest.raises(ConfigError, match="--split sessions --split blocks"):
        choose(figures(), ("sessions", "blocks"))
    diverged = [record("dnn", "sessions", None, baseline=False)]
    with pytest.raises(ConfigError, match="diverged"):
        choose(diverged, ["sessions"])


def test_a_survey_of_one_session_is_decided_by_cells_with_a_note() -> None:
    table = small_table()
    assert usable_criterion(BOTH, table) == (BOTH, ())
    one = table.rows(table.session == table.session[0])
    criterion, (note,) = usable_criterion(BOTH, one)
    assert criterion == ("cells",)
    assert "'sessions' is left out of the criterion" in note
    with pytest.raises(ConfigError, match="can cut this survey"):
        usable_criterion(("sessions",), one)


def test_fit_evaluates_the_splits_that_decide_and_then_those_that_were_asked_for() -> None:
    table = small_table()
    one = table.rows(table.session == table.session[0])
    recipe = Recipe([SPLITS["random"], SPLITS["cells"]], ["knn"], [], (0,))
    said = StringIO()
    console = Console(file=said, width=300)
    whole, alone = (decidable(recipe, rows, console) for rows in (table, one))
    assert [split.name for split in whole.splits] == ["sessions", "cells", "random"]
    assert [split.name for split in alone.splits] == ["cells", "random"]
    assert (tuple(whole.criterion), tuple(alone.criterion)) == (BOTH, ("cells",))
    assert said.getvalue().count("left out of the criterion") == 1


def test_a_criterion_is_written_with_commas_and_must_be_honest() -> None:
    assert parse_criterion("sessions, cells,cells") == BOTH
    for text in ("random", "sessions,published", "", "magic"):
        with pytest.raises(ConfigError, match="must be honest"):
            parse_criterion(text)


def test_a_bundle_keeps_the_figures_of_its_method_with_the_best_simple_one_beside_them() -> None:
    sessions, cells = bundle_metrics(figures(), "dnn")
    assert (sessions.mean_m, sessions.baseline) == (1.0, "weighted-centroid")
    assert (cells.mean_m, cells.baseline, cells.baseline_mean_m) == (3.0, "knn", 2.0)
    assert [one.split for one in bundle_metrics(figures(None), "dnn")] == ["sessions"]


def test_a_bundle_keeps_how_good_the_distributions_were() -> None:
    spread = {
        "nll": 3.0,
        "energy_score": 1.5,
        "coverage_68": 0.7,
        "coverage_95": 0.94,
        "sharpness_68": 2.0,
        "sharpness_95": 4.5,
    }
    said = record("dnn", "cells", 1.0, baseline=False).model_copy(update=spread)
    sessions, cells = bundle_metrics([*figures()[:5], said], "dnn")
    assert sessions.spread is None
    assert cells.spread is not None
    assert cells.spread.model_dump() == {
        "nll": 3.0,
        "energy_score_m": 1.5,
        "coverage_68": 0.7,
        "coverage_95": 0.94,
        "r68_m": 2.0,
        "r95_m": 4.5,
    }

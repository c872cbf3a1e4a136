"""Sealed sessions: read once by the final evaluation, and by nothing else."""

import json
import sqlite3
from contextlib import closing
from dataclasses import replace
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from localizer.bundle import load_bundle
from localizer.errors import ConfigError, LeakError, SurveyError
from localizer.survey import ROLES, Survey
from tests.real_data import uci_files
from tests.training.simulated import quick, small_survey, small_table
from training.earlier_run import Wish, export_run
from training.final import Permission, Readout, read_sealed
from training.journey import Target, cross_validate, export_best, start_workers
from training.ledger import Ledger
from training.recipe import Recipe
from training.splits import SPLITS
from training.surveys import OpenedSurvey, open_survey
from training.workdir import write_run

SIMPLE = ["weighted-centroid", "knn"]
RECIPE = Recipe([SPLITS["sessions"], SPLITS["cells"]], SIMPLE, [], (0,))
WISH = Wish(("sessions", "cells"), None, False)


def silent() -> Console:
    return Console(file=StringIO(), width=120)


def read(
    ledger: Path, again: str | None = None, survey: OpenedSurvey | None = None
) -> tuple[Readout, str]:
    console = silent()
    permission = Permission(Ledger(ledger), again)
    done = read_sealed(survey or small_survey(), RECIPE, permission, 1, console)
    assert isinstance(console.file, StringIO)
    return done, console.file.getvalue()


@pytest.fixture
def poisoned(tmp_path: Path) -> OpenedSurvey:
    """The small survey, but no row of a sealed session can be read."""
    path = tmp_path / "poisoned.survey"
    path.write_bytes(small_survey().path.read_bytes())
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(
            "UPDATE fingerprints SET local_date = 'poison' "
            "WHERE session IN (SELECT id FROM sessions WHERE role = 'sealed')"
        )
    return open_survey(str(path), tmp_path)


def test_fit_and_cross_validation_never_open_a_sealed_row(
    poisoned: OpenedSurvey, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(SurveyError, match="must hold a fingerprint"):
        poisoned.sealed("mean")
    network = quick("dnn", epochs=1, augment=("naive", "noise"))
    # Also through the default ledger, which is below the folder that a command is run in.
    monkeypatch.chdir(tmp_path)
    recipe = Recipe([SPLITS["sessions"]], ["knn"], [network], (0,), criterion=("sessions",))
    with start_workers(poisoned, recipe, 1) as workers:
        evaluations = cross_validate(poisoned, recipe, workers, silent())
        export_best(Target(tmp_path / "bundle"), poisoned, recipe, evaluations, workers)
    write_run(tmp_path / "run", poisoned, recipe, evaluations)
    wish = WISH._replace(criterion=("sessions",))
    export_run(tmp_path / "run", wish, Target(tmp_path / "other"), silent())
    assert load_bundle(tmp_path / "bundle").manifest.provenance.rows == len(small_table())
    assert load_bundle(tmp_path / "other").manifest.provenance.rows == len(small_table())


def test_the_sealed_rows_are_scored_and_the_ledger_has_a_line(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    done, said = read(ledger)
    sealed = small_survey().sealed("mean")
    assert done.evaluation.rows.session.tolist() == sealed.session.tolist()
    assert "split 'sealed'" in said
    assert "no test row stands in training" in said
    (line,) = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert line["sealed"] == small_survey().sealed_hashes()
    assert line["data_sha256"] == small_survey().data_sha256
    figures = {r["method"]: r["metrics"]["mean_m"] for r in line["results"]}
    assert figures == {r.method: r.summary.mean for r in done.evaluation.results}
    assert {r["metrics"]["n"] for r in line["results"]} == {len(sealed)}


def test_a_second_reading_is_refused_before_anything_is_fitted(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    read(ledger)
    nothing = replace(RECIPE, baselines=["no such method"])
    with pytest.raises(ConfigError, match="--again REASON"):
        read_sealed(small_survey(), nothing, Permission(Ledger(ledger), None), 1, silent())
    assert len(ledger.read_text().splitlines()) == 1


def test_readings_and_their_reasons_stand_in_the_card_of_later_bundles(tmp_path: Path) -> None:
    ledger = tmp_path / "ledger.jsonl"
    first, _ = read(ledger)
    read(ledger, "benchmark")
    with start_workers(small_survey(), RECIPE, 1) as workers:
        evaluations = cross_validate(small_survey(), RECIPE, workers, silent())
        target = Target(tmp_path / "bundle", Ledger(ledger))
        choice = export_best(target, small_survey(), RECIPE, evaluations, workers)
    bundle = load_bundle(tmp_path / "bundle")
    assert "Read 2 times" in bundle.card
    assert "again, because: benchmark" in bundle.card
    assert [m.split for m in bundle.manifest.metrics] == ["sessions", "cells", "sealed"]
    mine = next(r for r in first.evaluation.results if r.method == choice.method)
    assert bundle.manifest.metrics[-1].mean_m == mine.summary.mean
    assert "sealed" in bundle.manifest.metrics_note


def test_the_published_split_reads_sealed_days_and_writes_it_down(tmp_path: Path) -> None:
    uci_files()
    survey = open_survey("uci", tmp_path)
    ledger = Ledger(tmp_path / "ledger.jsonl")
    recipe = Recipe([SPLITS["published"]], ["weighted-centroid"], [], (0,))
    with start_workers(survey, recipe, 1) as workers:
        (done,) = cross_validate(survey, recipe, workers, silent(), ledger)
    (reading,) = ledger.readings()
    assert set(reading.sealed) == {"2016-04-19", "2016-04-20"}
    assert reading.again == "published"
    (result,) = reading.results
    assert result.metrics is not None
    assert (result.metrics.split, result.metrics.honest) == ("published", False)
    assert result.metrics.mean_m == done.best.summary.mean
    with pytest.raises(ConfigError, match="--again REASON"):
        read_sealed(survey, recipe, Permission(ledger, None), 1, silent())


def test_sealed_rows_that_were_copied_into_development_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "leaky.survey"
    with Survey.open(small_survey().path) as old, Survey.create(path, old.site) as new:
        for session in old.sessions:
            new.add_session(session)
        rows = list(old.fingerprints(roles=ROLES))
        sealed = set(small_survey().sealed_names())
        home = next(row.session for row in rows if row.session not in sealed)
        clones = [row for row in rows if row.session in sealed][:3]
        new.add(rows)
        new.add(replace(row, session=home, visit=f"again {row.visit}") for row in clones)
    ledger = tmp_path / "ledger.jsonl"
    with pytest.raises(LeakError) as refused:
        read(ledger, survey=open_survey(str(path), tmp_path))
    assert len(refused.value.rows) == 3
    assert not ledger.exists()


def test_an_earlier_run_is_exported_by_its_figures(tmp_path: Path) -> None:
    target = Target(tmp_path / "bundle", Ledger(tmp_path / "ledger.jsonl"))
    with start_workers(small_survey(), RECIPE, 1) as workers:
        evaluations = cross_validate(small_survey(), RECIPE, workers, silent())
    write_run(tmp_path / "run", small_survey(), RECIPE, evaluations)
    best = export_run(tmp_path / "run", WISH, target, silent())
    worse = next(name for name in SIMPLE if name != best.method)
    assert load_bundle(target.folder).manifest.method == best.method
    with pytest.raises(ConfigError, match="--force"):
        export_run(tmp_path / "run", WISH._replace(method=worse), target, silent())
    forced = export_run(tmp_path / "run", WISH._replace(method=worse, force=True), target, silent())
    bundle = load_bundle(target.folder)
    assert (bundle.manifest.method, bundle.manifest.forced) == (worse, forced.forced)
    assert f"exported by force although `{best.method}` is better" in bundle.card
    run = json.loads((tmp_path / "run" / "run.json").read_text())
    assert [found["split"] for found in run["leaks"]] == ["sessions", "cells"]
    for change, words in (
        ({"data_sha256": "0" * 64}, "evaluate it again"),
        ({"floor": "all"}, "one floor"),
    ):
        (tmp_path / "run" / "run.json").write_text(json.dumps({**run, **change}))
        with pytest.raises(ConfigError, match=words):
            export_run(tmp_path / "run", WISH, target, silent())

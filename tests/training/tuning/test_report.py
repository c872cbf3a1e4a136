"""The page of a study: its verdict, that it needs nothing from outside, and what each part says."""

import re
from dataclasses import replace
from html import escape
from pathlib import Path

import numpy as np
import pytest

from tests.pages import Page
from tests.training.tuning.synthetic_study import candidate, study
from training.tuning.parameters import ChoiceParameter, FloatParameter, IntParameter
from training.tuning.report import Candidate, Scale, StudyReport
from training.tuning.report.axes import Axis, axes_of
from training.tuning.report.importance import Importance, importances
from training.tuning.report.page import CAPTIONS, html_of, what_matters, write_study_report
from training.tuning.report.pictures_space import smoothed
from training.tuning.report.pictures_trials import rungs_of
from training.tuning.report.tables import candidates, simple_methods_note, verdict_box, verdicts
from training.tuning.trials import Training, TrialRecord

STUDY = study(40)


@pytest.fixture(scope="module")
def page() -> str:
    return html_of(STUDY)


def test_the_page_needs_nothing_from_outside(page: str) -> None:
    loaded = Page(page).values("src", "href", "srcset", "data")
    assert len(loaded) == len(CAPTIONS)
    assert all(one.startswith("data:image/png;base64,") for one in loaded)
    assert not re.search(r"https?://|url\(|@import|<script|<link", page)


def test_every_picture_is_there_with_what_it_shows(page: str) -> None:
    for caption in CAPTIONS.values():
        assert caption.split(";")[0].replace("&", "&amp;") in page


def test_the_verdict_comes_first_with_its_interval(page: str) -> None:
    assert page.index("GAIN") < page.index("<h2>")
    assert "better than the default (dnn) by 0.40 m (95 % interval 0.10 to 0.70 m)" in page


def test_what_others_wrote_is_escaped(page: str) -> None:
    assert "UCI &lt;library&gt;" in page
    assert "<library>" not in page
    assert "<tensor>" not in page


def test_no_gain_is_said_as_plainly() -> None:
    box = verdict_box(study(5, gain=False))
    assert "NO GAIN" in box
    assert "+0.05 m (95 % interval -0.20 to +0.30 m)" in box
    assert "luck" in box


def test_a_default_that_stays_is_not_compared_with_itself() -> None:
    stays = replace(STUDY.finalists[0], is_default=True, chosen=True)
    box = verdict_box(replace(study(5, gain=False), finalists=(stays,)))
    assert "NO GAIN" in box
    assert "No finalist is better than the default (dnn)" in box
    assert "difference" not in box


def test_what_was_stopped_at_one_rung_has_one_reason() -> None:
    records = [
        replace(one, verdict="stopped", reason=f"after 11 epochs its {number}.5 m are not the best")
        for number, one in enumerate(STUDY.records[:5])
    ]
    assert "after 11 epochs its … m are not the best (5)" in verdicts(
        replace(STUDY, records=records)
    )


def test_a_study_without_finals_has_no_verdict_yet() -> None:
    box = verdict_box(replace(STUDY, outcome=None))
    assert "No verdict yet" in box
    assert "flatters" in box


def test_a_study_of_few_trials_or_none_is_a_page_too() -> None:
    for count in (0, 3):
        early = replace(STUDY, records=STUDY.records[:count], outcome=None, finalists=(),
                        simple=(), actions=(), rules=False)  # fmt: skip
        page = html_of(early)
        assert "say nothing of importance" in page
        assert "The rules were off" in page


def test_a_network_that_loses_to_a_simple_method_is_told_so() -> None:
    rng = np.random.default_rng(0)
    bad = candidate("trial 1", 9.0, rng, chosen=True)
    good = replace(bad, errors_m=bad.errors_m / 4, low_m=1.9, high_m=2.1)
    simple = [candidate("centroid", 5.0, rng)]
    assert "is worse than centroid" in simple_methods_note(
        replace(STUDY, finalists=[bad], simple=simple)
    )
    assert simple_methods_note(replace(STUDY, finalists=[good], simple=simple)) == ""


def test_gaps_beyond_chance_are_marked() -> None:
    """The autotuned and the manual network of the paper on localization in a hospital."""

    def network(title: str, dev: float, unseen: float) -> Candidate:
        errors, gap = np.full(10, dev), unseen - dev
        bounds = (gap, gap - 4, gap + 4)
        return Candidate(title, errors, dev, dev, unseen_m=unseen, unseen_gap_m=bounds)

    rows = candidates(
        replace(
            STUDY,
            finalists=[network("auto", 26.95, 42.07), network("manual", 38.52, 32.80)],
            simple=(),
        )
    )
    assert '<b class="wide">42.07 !</b>' in rows
    assert "<td>32.80</td>" in rows


def test_the_page_says_why_trials_ended_and_what_the_rules_did(page: str) -> None:
    said = {escape(one.reason) for one in STUDY.records if one.reason}
    assert said
    assert all(reason in page for reason in said)
    assert "learning_rate</code>: 1e-05 to 0.1 (log) → 1e-05 to 0.015 (log)" in page
    assert "64 % of pairs" in page


def test_where_nothing_matters_the_page_says_so() -> None:
    noise = Importance("", -0.1, -0.3, 0.03)
    words = what_matters(STUDY, noise, [Importance("beta1", 0.01, -0.05, 0.08)])
    assert "explain nothing of the error that could be told from noise (at most 3 %" in words
    assert "Not distinguishable from noise: beta1." in words


def test_the_file_is_written_where_asked(tmp_path: Path) -> None:
    none = replace(STUDY, records=(), finalists=(), simple=())
    write_study_report(none, tmp_path / "deep" / "study.html")
    text = (tmp_path / "deep" / "study.html").read_text(encoding="utf-8")
    assert text.startswith("<!doctype html>")


@pytest.mark.long
def test_a_thousand_trials_are_a_page_of_three_megabytes_at_most() -> None:
    assert len(html_of(study(1000)).encode()) < 3_000_000


def uniform(count: int, number: int, seed: int) -> list[Axis]:
    rng = np.random.default_rng(seed)
    return [Axis(f"p{i}", "linear", rng.random(count)) for i in range(number)]


def test_importance_finds_what_matters_and_nothing_else() -> None:
    axes = uniform(120, 3, 0)
    noise = np.random.default_rng(1).normal(0, 0.2, 120)
    together, told = importances(axes, 6 + 3 * axes[1].values + noise)
    assert told[0].name == "p1"
    assert [one.is_noise for one in told] == [False, True, True]
    assert told[0].low > 0.4
    assert not together.is_noise


def test_importance_of_noise_reads_as_noise() -> None:
    flagged = 0
    for seed in range(3):
        errors = np.random.default_rng(seed).normal(6, 0.3, 40)
        _, told = importances(uniform(40, 4, seed), errors, seed=seed)
        flagged += sum(not one.is_noise for one in told)
    assert flagged <= 1


def test_importance_of_errors_that_are_all_the_same_is_none() -> None:
    together, told = importances(uniform(30, 2, 0), np.full(30, 5.0))
    assert together.share == 0
    assert all(one.is_noise for one in told)


def records(values: list[dict[str, object]]) -> list[TrialRecord]:
    return [TrialRecord(number, point, "ok") for number, point in enumerate(values)]


def axes(values: list[dict[str, object]], scales: dict[str, Scale]) -> dict[str, Axis]:
    trials = records(values)
    report = replace(STUDY, records=trials, scales=scales)
    return {axis.name: axis for axis in axes_of(report, trials)}


def test_axes_leave_out_what_never_changes_and_know_what_is_not_there() -> None:
    found = axes(
        [
            {"rate": 0.001, "kind": "adam", "batch": 8, "same": 1},
            {"rate": 0.1, "kind": "sgd", "batch": 128, "same": 1, "momentum": 0.5},
            {"rate": 0.01, "kind": "adam", "batch": 32, "same": 1, "momentum": 0.9},
        ],
        {"rate": "log", "batch": "choice"},
    )
    assert set(found) == {"rate", "kind", "batch", "momentum"}
    assert found["rate"].values.tolist() == pytest.approx([-3, -1, -2])
    places, labels = found["rate"].ticks()
    assert places == pytest.approx([-3, -2, -1])
    assert labels == ["0.001", "0.01", "0.1"]
    assert found["batch"].labels == ("8", "32", "128")
    assert found["kind"].scale == "choice"
    assert np.isnan(found["momentum"].values[0])
    assert found["momentum"].unit()[1:].tolist() == [0, 1]


def test_whole_numbers_have_whole_ticks() -> None:
    found = axes([{"layers": 1}, {"layers": 4}], {"layers": "linear"})
    assert found["layers"].ticks()[1] == ["1", "2", "3", "4"]


def test_a_surface_has_holes_where_nobody_tried() -> None:
    rng = np.random.default_rng(0)
    x, y = rng.uniform(0, 0.4, 200), rng.uniform(0, 1, 200)
    surface = smoothed(x, y, 5 + x)
    assert np.isnan(surface[:, -1]).all()
    assert surface[30, 5] < surface[30, 20]


def test_rungs_are_those_that_every_training_reached() -> None:
    trainings = (
        Training(0, 0, 100, 33, 5.0, 4.0, {11: 6.0, 33: 5.0}),
        Training(1, 0, 300, 11, 8.0, 4.0, {11: 8.0}),
    )
    epochs, errors = rungs_of(TrialRecord(0, {}, "stopped", trainings=trainings))
    assert epochs.tolist() == [11]
    assert errors.tolist() == [7.5]


def test_the_scales_are_those_of_the_space() -> None:
    from training.config import load_network
    from training.tuning.report import scales_of
    from training.tuning.space import Space

    space = Space(
        "test",
        1,
        load_network("dnn"),
        (
            FloatParameter(name="learning_rate", low=1e-5, high=0.1, log=True),
            IntParameter(name="units", low=8, high=128, each="layers"),
            ChoiceParameter(name="batch_size", values=(8, 50)),
        ),
    )
    assert scales_of(space) == {
        "learning_rate": "log",
        "units_1": "linear",
        "units_2": "linear",
        "units_3": "linear",
        "batch_size": "choice",
    }


def test_complete_trials_are_those_with_an_error_in_order() -> None:
    report: StudyReport = replace(STUDY, records=list(reversed(STUDY.records)))
    numbers = [one.number for one in report.complete()]
    assert numbers == sorted(numbers)
    best = report.best()
    assert best is not None
    assert best.dev_m == min(one.dev_m for one in report.complete())

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from localizer.errors import ConfigError
from localizer.scans import Fingerprint, Scan, Session
from localizer.site import Beacon, Position
from localizer.survey import build_survey
from localizer.table import FingerprintTable
from tests.training.simulated import quick, small_site, small_survey, small_table
from tests.training.two_floors import two_floor_site, two_floor_table
from training.baselines import fit_baseline
from training.cli import main
from training.evaluation import Evaluation, Plan, evaluate, to_records
from training.floors import choose_chooser, choosers, fit_floors
from training.map_plots import plot_error_map
from training.methods import Fitted
from training.metrics import WRONG_FLOOR_M, floor_hits
from training.splits import SPLITS
from training.surveys import ALL_FLOORS, open_survey
from training.tasks import Workers


@cache
def evaluation() -> Evaluation:
    table, site = two_floor_table(), two_floor_site()
    simple = ["weighted-centroid", "knn"]
    plan = Plan("two", site, table, SPLITS["sessions"], simple, [quick("dnn")], (0,))
    with Workers(1, table, site) as pool:
        return evaluate(plan, pool)


def test_each_method_is_fitted_a_floor_and_scans_are_told_apart() -> None:
    done = evaluation()
    assert len(done.rows) == len(two_floor_table())
    for result in done.results:
        floors = result.summary.floors
        assert floors is not None
        assert 0.9 < floors.floor_hit_rate <= 1
        assert floors.mean_right_floor == pytest.approx(result.summary.mean, rel=0.2)
        assert any(note.startswith("floors told by: ") for note in result.notes)
    knn = next(result for result in done.results if result.method == "knn")
    assert set(knn.settings[0]) == {f"floor {small_table().floor[0]}", "floor upper"}


def test_the_records_hold_the_floors_and_one_floor_has_none() -> None:
    record = to_records(evaluation(), None)[0]
    assert 0.9 < record["floor_hit_rate"] <= 1
    assert record["q3_with_floors"] >= record["p75"] * 0.999
    table, site = small_table(), small_site()
    plan = Plan("small", site, table, SPLITS["cells"], ["knn"], [], (0,))
    with Workers(1, table, site) as pool:
        assert to_records(evaluate(plan, pool), None)[0]["floor_hit_rate"] is None


def test_a_wrong_floor_adds_15_m_to_the_error_of_the_third_quartile() -> None:
    errors = np.asarray([[1.0, 2.0, 3.0, 4.0, 5.0]])
    right = np.asarray([[True, True, False, True, False]])
    hits = floor_hits(errors, right)
    assert hits.floor_hit_rate == 0.6
    assert hits.mean_right_floor == pytest.approx(7 / 3)
    assert hits.q3_with_floors == 3 + WRONG_FLOOR_M
    assert np.isnan(floor_hits(errors, ~(right | ~right)).mean_right_floor)


def test_without_placed_beacons_the_scans_tell_the_floor() -> None:
    table, site = two_floor_table(), two_floor_site()
    unplaced = replace(site, beacons=tuple(Beacon(b.id, None) for b in site.beacons))
    assert choosers(table, site)[0].name == "loudest floor"
    assert "loudest floor" not in {way.name for way in choosers(table, unplaced)}
    way = choose_chooser(table, unplaced, split="cells")
    assert (way.fit(table, unplaced)(table) == table.floor).mean() > 0.95


def test_a_scan_that_hears_nothing_is_put_on_some_trained_floor() -> None:
    table, site = two_floor_table(), two_floor_site()
    silent = replace(
        table.rows(np.arange(3)),
        rssi_dbm=np.full((3, len(table.beacons)), np.nan, np.float32),
        mask=np.zeros((3, len(table.beacons)), bool),
    )
    for way in choosers(table, site):
        assert set(way.fit(table, site)(silent).tolist()) <= set(table.floor.tolist())


def test_unlabelled_scans_go_to_the_floor_that_they_sound_like() -> None:
    table, site = two_floor_table(), two_floor_site()
    seen: dict[str, int] = {}

    def fit(rows: FingerprintTable, without: FingerprintTable) -> Fitted:
        seen[str(rows.floor[0])] = len(without)
        assert len(np.unique(rows.floor)) == 1
        return fit_baseline("weighted-centroid", rows, site)

    models = fit_floors(table, site, split="cells", fit=fit, unlabelled=table)
    assert sum(seen.values()) == len(table)
    assert min(seen.values()) > len(table) / 3
    alone = fit_baseline("weighted-centroid", table.rows(table.floor == "upper"), site)
    upper = table.rows((table.floor == "upper") & (models.choose(table) == "upper"))
    np.testing.assert_allclose(models.predict(upper), alone.predict(upper))


def test_every_floor_has_a_map_of_its_own(tmp_path: Path) -> None:
    done = evaluation()
    plot_error_map(done, done.best, two_floor_site(), tmp_path / "map.png")
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {f"map-floor-{floor}.png" for floor in np.unique(done.rows.floor)}


def test_blocks_never_hold_two_floors() -> None:
    table = two_floor_table()
    for fold in SPLITS["blocks"].folds(table):
        assert len(np.unique(table.floor[fold.test])) == 1


def two_floor_survey(folder: Path) -> Path:
    """A survey file: one session a day on each floor."""
    path, table = folder / "two.survey", two_floor_table()
    with build_survey(path, two_floor_site()) as survey:
        for session in np.unique(table.session).tolist():
            survey.add_session(Session(session, "development", "phone", "a test"))
        survey.add(
            Fingerprint(
                Scan(
                    i * 10**9,
                    1.0,
                    {b: (float(r),) for b, r in zip(table.beacons, row, strict=True) if r < 0},
                ),
                session=str(table.session[i]),
                visit=str(i),
                device="phone",
                time_utc=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=i),
                local_date=date(2026, 1, 1),
                position=Position(x, y, str(table.floor[i])),
            )
            for i, (row, (x, y)) in enumerate(
                zip(table.rssi_dbm, table.position_m.tolist(), strict=True)
            )
        )
    return path


def test_a_survey_of_two_floors_is_opened_as_a_whole_or_a_floor_at_a_time(tmp_path: Path) -> None:
    path = two_floor_survey(tmp_path)
    with pytest.raises(ConfigError, match="--floor all"):
        open_survey(str(path), tmp_path)
    every = open_survey(str(path), tmp_path, floor=ALL_FLOORS)
    one = open_survey(str(path), tmp_path, floor="upper")
    assert len(every.development("mean")) == len(two_floor_table())
    assert len(one.development("mean")) == len(two_floor_table()) / 2
    assert open_survey(str(small_survey().path), tmp_path, floor=ALL_FLOORS).floor != ALL_FLOORS


def test_evaluate_takes_all_floors_and_fit_does_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path = two_floor_survey(tmp_path)

    def run(verb: str, work: str) -> int:
        arguments = [
            verb, str(path), "--floor", "all", "--config", "dnn", "--methods", "weighted-centroid",
            "--seeds", "1", "--workers", "1", "--workdir", str(tmp_path / work),
        ]  # fmt: skip
        monkeypatch.setattr("sys.argv", ["training", *arguments])
        monkeypatch.setattr("training.commands.options.load_config", lambda _: quick("dnn"))
        with pytest.raises(SystemExit) as end:
            main()
        return int(end.value.code or 0)

    assert run("evaluate", "evaluated") == 0
    assert "right floor" in capsys.readouterr().out
    assert "right floor" in (tmp_path / "evaluated" / "report.html").read_text()
    assert run("fit", "fitted") == 2
    assert "works on one floor" in capsys.readouterr().err

import json
from pathlib import Path

import pytest

from localizer.bundle_update import update_bundle
from localizer.survey_app.checking import FIXES_PER_POINT
from tests.api.survey.surveyor import Surveyor, surveying
from tests.edge_bundle import demo_locator, write_bundle

HERE = {"floor": "0", "x_m": 3, "y_m": 3}


def test_without_a_bundle_nothing_can_be_checked(surveyor: Surveyor) -> None:
    assert surveyor.state["bundle"] is None
    assert surveyor.refused("POST", "/checks", 409, json={})["code"] == "no-bundle"
    surveyor.refused("GET", "/checks/1", 409)


def test_fixes_at_marked_places_become_a_report_that_a_bundle_takes_in(
    path: Path, tmp_path: Path
) -> None:
    with surveying(path, demo_locator()) as surveyor:
        bundle = surveyor.state["bundle"]
        assert bundle == "demo-weighted_centroid-test"
        problem = surveyor.refused("POST", "/checks", 409, json={"bundle": "another"})
        assert problem["code"] == "other-bundle"
        check = surveyor.send("/checks", {"bundle": bundle})["id"]
        surveyor.listen(5)
        none = surveyor.ask("GET", f"/checks/{check}").json()
        assert (none["n"], none["points"], none["standing"], none["mean"]) == (0, [], None, None)
        surveyor.refused("POST", f"/checks/{check}/points", 404, json={**HERE, "floor": "4"})
        for x_m in (3, 9):
            surveyor.send(f"/checks/{check}/points", {**HERE, "x_m": x_m})
            surveyor.listen(5)
            standing = surveyor.ask("GET", f"/checks/{check}").json()["standing"]
            assert (standing["x_m"], standing["wanted"]) == (x_m, FIXES_PER_POINT)
            assert 0 < standing["fixes"] <= 2
            surveyor.listen(12)
        report = surveyor.ask("GET", f"/checks/{check}").json()
        assert (report["n"], report["standing"], report["trouble"]) == (20, None, None)
        first, second = report["points"]
        assert (first["x_m"], first["fixes"], first["located"]) == (3, 10, 10)
        assert first["mean_error_m"] != second["mean_error_m"]
        assert report["mean_low"] <= report["mean"] <= report["mean_high"]
        position = surveyor.get("/v1/position").json()
        assert position["status"] == "ok"
        surveyor.refused("GET", "/checks/another", 404)
    kept = json.loads(path.with_name(f"demo.check-{check}.json").read_text())
    assert (kept["bundle"], kept["check"]["n"], kept["points"]) == (bundle, 20, report["points"])
    (taken,) = update_bundle(write_bundle(tmp_path / "bundle"), path).checks
    assert taken.id == check
    assert taken.mean_m == pytest.approx(report["mean"])


def test_another_walk_of_the_day_has_its_own_file(path: Path) -> None:
    with surveying(path, demo_locator()) as surveyor:
        first, second = (surveyor.send("/checks", {})["id"] for _ in range(2))
        assert first != second

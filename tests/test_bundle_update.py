import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import pytest

from localizer.beacons import BeaconId, parse_beacon_id
from localizer.bundle import load_bundle
from localizer.bundle_update import card_with_checks, update_bundle
from localizer.cli import run
from localizer.errors import BundleError, SurveyError
from localizer.fixes import heard_in
from localizer.locate import Locator
from localizer.manifest import aliases_of
from localizer.scans import Scan
from localizer.sites import built_in_site
from localizer.survey import Survey
from tests.edge_bundle import write_bundle

OLD, NEW = (parse_beacon_id(f"name:demo:{one}") for one in ("b01", "b91"))
OTHER: Final = parse_beacon_id("name:demo:b02")

CHECK: Final = {
    "id": "2026-11-21-1",
    "time_utc": "2026-11-21T09:00:00.000Z",
    "source": "simulate:demo",
    "points": 2,
    "fixes": 20,
    "n": 18,
    "mean_m": 1.5,
    "mean_low_m": 1.2,
    "mean_high_m": 1.8,
    "median_m": 1.4,
    "p75_m": 2.0,
    "p95_m": 3.0,
    "no_position_share": 0.1,
}


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    return write_bundle(tmp_path / "bundle")


@pytest.fixture
def survey(tmp_path: Path) -> Path:
    path = tmp_path / "demo.survey"
    with Survey.create(path, built_in_site("demo")) as made:
        made.beacon_changes.replace(OLD, NEW, since_utc=datetime.now(UTC))
    return path


def scan(**readings: tuple[float, ...]) -> Scan:
    return Scan(0, 3.0, {BeaconId(f"name:demo:{name}"): rssi for name, rssi in readings.items()})


def test_a_replaced_beacon_counts_as_the_one_that_was_trained_on(
    bundle: Path, survey: Path
) -> None:
    before = Locator(load_bundle(bundle))
    assert update_bundle(bundle, survey).aliases == {NEW: OLD}
    after = Locator(load_bundle(bundle))
    old, new = scan(b01=(-50.0,), b02=(-70.0,)), scan(b91=(-50.0,), b02=(-70.0,))
    assert before.locate(new).heard == 1
    assert after.locate(new) == after.locate(old)
    assert after.locate(new).position == before.locate(old).position
    assert [one.beacon for one in heard_in(new, after.bundle)] == [OLD, OTHER]
    both = scan(b91=(-50.0,), b01=(-54.0,))
    assert after.bundle.known(both).readings == {OLD: (-50.0, -54.0)}


def test_a_scan_without_replaced_beacons_is_not_copied(bundle: Path, survey: Path) -> None:
    update_bundle(bundle, survey)
    heard = scan(b01=(-50.0,))
    assert load_bundle(bundle).known(heard) is heard


@pytest.mark.parametrize(
    ("beacons", "aliases"),
    [
        (["a", "b"], {"x": "a"}),
        (["x", "b"], {"a": "x"}),
        (["a", "x"], {}),
        (["b"], {}),
    ],
)
def test_aliases_lead_to_what_the_model_knows(beacons: list[str], aliases: dict[str, str]) -> None:
    assert aliases_of({BeaconId("a"): BeaconId("x")}, beacons) == aliases


def write_check(survey: Path, name: str, **changed: object) -> None:
    document = {"bundle": "demo-weighted_centroid-test", "check": CHECK, **changed}
    survey.with_name(f"{survey.stem}.check-{name}.json").write_text(json.dumps(document))


def test_check_walks_with_this_bundle_come_into_manifest_and_card(
    bundle: Path, survey: Path
) -> None:
    write_check(survey, "1")
    write_check(survey, "2", bundle="another", check={**CHECK, "id": "x"})
    first = load_bundle(bundle)
    for _ in range(2):
        assert [one.id for one in update_bundle(bundle, survey).checks] == [CHECK["id"]]
    after = load_bundle(bundle)
    assert after.id == first.id
    assert after.manifest.site_checks[0].p95_m == 3.0
    assert after.card.startswith(first.card.rstrip())
    assert after.card.count("## Checks on site") == 1
    assert "| 18 | 1.50 | 1.20 to 1.80 | 1.40 | 2.00 | 3.00 |" in after.card
    assert card_with_checks(after.card, ()) == first.card
    assert list(bundle.parent.glob("bundle.*")) == []


def test_what_cannot_be_taken_in_leaves_the_bundle_as_it_was(bundle: Path, survey: Path) -> None:
    before = (bundle / "manifest.json").read_bytes()
    write_check(survey, "1", check={"id": "x"})
    with pytest.raises(SurveyError, match="as the survey app wrote it"):
        update_bundle(bundle, survey)
    with pytest.raises(BundleError, match="folder"):
        update_bundle(survey, survey)
    with pytest.raises(SurveyError):
        update_bundle(bundle, survey.with_name("nothing"))
    assert (bundle / "manifest.json").read_bytes() == before


@pytest.mark.parametrize("aliases", [{NEW: "name:demo:none"}, {OLD: OTHER}])
def test_aliases_that_lead_nowhere_are_refused(tmp_path: Path, aliases: dict[str, str]) -> None:
    folder = write_bundle(tmp_path / "wrong", schema_version=2, aliases=aliases)
    with pytest.raises(BundleError) as caught:
        load_bundle(folder)
    assert caught.value.field == "aliases"


def test_the_command_says_what_counts_as_what(
    bundle: Path, survey: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        run(["bundle", "update", str(bundle), str(survey)])
    assert exit_.value.code == 0
    assert capsys.readouterr().out.splitlines() == [
        f"{NEW} counts as {OLD}",
        f"1 replaced beacons and 0 check walks in {bundle}",
    ]

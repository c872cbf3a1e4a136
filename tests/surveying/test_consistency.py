from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localizer.beacons import BeaconId
from localizer.survey.records import HeardStats
from localizer.surveying.consistency import compare_visits
from tests.surveying.visits import BEACONS, A, B, C, D, heard

FIRST = {beacon: heard(-60.0 - 5 * i) for i, beacon in enumerate(BEACONS)}


def shifted(by: dict[BeaconId, float], offset_db: float = 0.0) -> dict[BeaconId, HeardStats]:
    return {b: heard(one.mean_dbm + offset_db + by.get(b, 0.0)) for b, one in FIRST.items()}


def test_one_visit_says_nothing() -> None:
    assert compare_visits([]).verdict == "one_visit"
    assert compare_visits([FIRST]).verdict == "one_visit"
    assert compare_visits([FIRST, {}]).verdict == "one_visit"
    assert compare_visits([{A: heard(-70.0)}, {A: heard(-50.0)}]).verdict == "one_visit"


@given(st.lists(st.floats(-3, 3), min_size=6, max_size=6), st.floats(-15, 15))
def test_usual_differences_and_a_constant_offset_agree(by: list[float], offset_db: float) -> None:
    second = shifted(dict(zip(BEACONS, by, strict=True)), offset_db)
    found = compare_visits([FIRST, second])
    assert found.verdict == "agree"
    assert found.comparisons[0].offset_db == pytest.approx(offset_db, abs=3.0)
    assert found.comparisons[0].rms == pytest.approx(
        compare_visits([second, FIRST]).comparisons[0].rms
    )


def test_a_beacon_that_was_moved_contradicts_and_is_named() -> None:
    found = compare_visits([FIRST, shifted({C: 17.0}, offset_db=-8.0)])
    assert (found.verdict, found.changed) == ("contradict", (C,))
    assert found.comparisons[0].offset_db == pytest.approx(-8.0)


def test_a_visit_of_another_place_contradicts() -> None:
    other = {b: heard(-60.0 - 5 * i) for i, b in enumerate(BEACONS[::-1])}
    assert compare_visits([FIRST, other]).verdict == "contradict"


def test_a_loud_beacon_that_vanished_contradicts() -> None:
    gone = {b: one for b, one in FIRST.items() if b != A}
    for visits in ([FIRST, gone], [gone, FIRST]):
        found = compare_visits(visits)
        assert (found.verdict, found.changed) == ("contradict", (A,))
    weak = {**FIRST, D: heard(-90.0)}
    del weak[D]
    faint = {**weak, D: heard(-90.0)}
    assert compare_visits([faint, weak]).verdict == "agree"


def test_few_packets_are_forgiven_more() -> None:
    few = {b: heard(one.mean_dbm, count=1, sd_db=0.0) for b, one in FIRST.items()}
    off = {
        b: heard(one.mean_dbm + (9.0 if b in (A, B) else 0.0), count=1, sd_db=0.0)
        for b, one in FIRST.items()
    }
    assert compare_visits([few, off]).verdict == "agree"
    assert compare_visits([FIRST, shifted({A: 9.0, B: 9.0})]).verdict == "contradict"


def test_all_pairs_of_visits_must_agree() -> None:
    found = compare_visits([FIRST, FIRST, shifted({C: 25.0})])
    assert found.verdict == "contradict"
    assert [(one.first, one.second, one.agrees) for one in found.comparisons] == [
        (0, 1, True),
        (0, 2, False),
        (1, 2, False),
    ]


def test_of_three_beacons_no_offset_is_taken_away() -> None:
    first = {b: heard(-60.0) for b in (A, B, C)}
    second = {b: heard(-75.0) for b in (A, B, C)}
    found = compare_visits([first, second])
    assert found.verdict == "contradict"
    assert found.comparisons[0].offset_db == 0.0

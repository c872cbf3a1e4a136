from dataclasses import replace
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localizer.errors import LeakError
from localizer.importers.uci import import_uci
from localizer.sites import built_in_site
from localizer.survey import ROLES, Survey
from localizer.table import FingerprintTable, table_from_fingerprints
from tests.real_data import uci_files
from tests.training.simulated import small_site, small_table
from tests.training.tables import make_table
from training.augmentation import augment, join
from training.augmentation.naive import naive
from training.augmentation.rows import Augmented, Material, Provenance, to_table
from training.evaluation import Plan, evaluate
from training.final import sealed_split
from training.leaks import NAMED_ROWS, find_leaks, refuse_leaks, sources_of
from training.splits import SPLITS, Fold, Split
from training.tasks import Workers

SPLIT = Split("mine", "some rows left out", "", lambda table: [])


def fold(table: FingerprintTable, test: list[int]) -> Fold:
    rows = np.arange(len(table))
    return Fold("one", rows[~np.isin(rows, test)], np.array(test))


@cache
def whole_uci() -> FingerprintTable:
    """All 1,420 labelled rows in the order of the file."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "uci.survey"
        import_uci(uci_files(), path)
        with Survey.open(path) as survey:
            rows = list(survey.fingerprints(roles=ROLES, labelled=True))
            columns = [beacon.id for beacon in survey.site.beacons]
    return table_from_fingerprints(rows[::-1], columns)


def published_naive(table: FingerprintTable) -> Augmented:
    """The half of the published hybrid augmentation that needs no network, by its code's rule."""
    material = Material(table, table.rows(slice(0)), built_in_site("uci"), 0)
    made = naive(material, np.random.default_rng(0), rule="published-code")
    rows = to_table(made, table, np.full(len(made.sources), table.floor[0]))
    return Augmented(rows, tuple(Provenance("naive", 0, True, of) for of in made.sources))


@pytest.mark.parametrize("name", ["sessions", "cells", "blocks", "random"])
def test_an_honest_survey_is_let_through_and_said_to_be(name: str) -> None:
    table, split = small_table(), SPLITS[name]
    leaks = find_leaks(table, split.folds(table), split)
    refuse_leaks(table, leaks)
    assert leaks.rows.size == 0
    assert leaks.test_rows == len(table)
    assert "no test row stands in training" in leaks.in_words()


@settings(max_examples=20)
@given(st.sets(st.integers(0, 39), min_size=1, max_size=NAMED_ROWS))
def test_a_test_row_in_training_is_refused_and_named(leaked: set[int]) -> None:
    table = small_table()
    test = np.arange(40)
    folds = [Fold("one", np.array([*range(40, len(table)), *leaked]), test)]
    leaks = find_leaks(table, folds, SPLIT)
    with pytest.raises(LeakError) as refused:
        refuse_leaks(table, leaks)
    assert refused.value.rows == tuple(sorted(leaked))
    for row in leaked:
        assert f"row {row} (session {table.session[row]}, " in str(refused.value)


def test_the_message_has_ten_rows_and_the_count() -> None:
    table = small_table()
    everything = np.arange(len(table))
    leaks = find_leaks(table, [Fold("one", everything, everything)], SPLIT)
    assert f"{len(table)} of {len(table)} test rows stand in training" in leaks.in_words()
    with pytest.raises(LeakError, match=f"and {len(table) - NAMED_ROWS} more") as refused:
        refuse_leaks(table, leaks)
    assert str(refused.value).count("session") == NAMED_ROWS
    assert len(refused.value.rows) == len(table)


def test_a_clone_with_other_readings_and_another_session_is_found_by_place_and_time() -> None:
    table = make_table(
        [[-60], [-70], [-90]],
        [[1.0, 1.0], [2.0, 2.0], [1.0, 1.0004]],
        ["a", "a", "b"],
        seconds=[0, 1, 0],
    )
    assert find_leaks(table, [fold(table, [0])], SPLIT).rows.tolist() == [0]
    assert find_leaks(table, [fold(table, [1])], SPLIT).rows.tolist() == []


def test_two_devices_side_by_side_are_no_clones() -> None:
    table = make_table(
        [[-60], [-61]], [[1, 1], [1, 1]], seconds=[0, 0], device=["phone", "receiver"]
    )
    assert find_leaks(table, [fold(table, [0])], SPLIT).rows.tolist() == []


def test_a_sealed_session_that_copies_another_is_named_beside_its_figures() -> None:
    table = small_table()
    rows = table.rows(np.flatnonzero(table.session == table.session[0]))
    later = replace(
        rows,
        session=np.full(len(rows), "sealed"),
        time=rows.time + np.timedelta64(30, "D"),
    )
    split = sealed_split(len(table))
    whole = join(table, later)
    leaks = find_leaks(whole, split.folds(whole), split)
    assert leaks.rows.size == 0
    assert f"; {len(rows)} of the {len(rows)} rows of session sealed are near" in leaks.in_words()
    assert [one["session"] for one in leaks.to_record()["copied_sessions"]] == ["sealed"]
    development = find_leaks(table, SPLITS["sessions"].folds(table), SPLITS["sessions"])
    assert development.copied == ()


def test_verbatim_vectors_are_counted_and_not_refused() -> None:
    nan = np.nan
    vectors = [[-60.0, nan], [-60.0, nan], [-60.0, -70.0], [nan, nan], [nan, nan]]
    table = make_table(vectors, np.arange(10).reshape(5, 2))
    leaks = find_leaks(table, [fold(table, [0, 2, 3])], SPLIT)
    refuse_leaks(table, leaks)
    assert leaks.verbatim == 1
    assert "the readings of 1 of 3 test rows do" in leaks.in_words()


def test_what_was_made_from_test_rows_is_found_by_its_sources() -> None:
    """Where and when it is said to be heard does not matter."""
    table = make_table([[-60], [-70], [-65]], [[0, 0], [1, 1], [5, 5]])
    folds = [fold(table, [0])]
    assert find_leaks(table, folds, SPLIT, {2: [1]}).rows.tolist() == []
    leaks = find_leaks(table, folds, SPLIT, {2: [1, 0]})
    assert leaks.rows.tolist() == [0]
    assert leaks.augmented == 1
    with pytest.raises(LeakError, match="augment after the split"):
        refuse_leaks(table, leaks)


def test_rows_made_inside_the_training_fold_are_let_through() -> None:
    table = small_table()
    train, test = table.rows(slice(40, None)), table.rows(slice(0, 40))
    made = augment(["noise"], train, train.rows(slice(0)), small_site(), seed=0)
    whole = join(join(made.table, train), test)
    sources = sources_of(made, first=0, origin=len(made.table))
    last = list(range(len(whole) - 40, len(whole)))
    assert find_leaks(whole, [fold(whole, last)], SPLIT, sources).rows.size == 0


def test_the_papers_augmentation_of_the_whole_file_names_37_contaminated_rows() -> None:
    """188 rows made from 33 places of the whole file, before the last 20 % are cut off."""
    table = whole_uci()
    made = published_naive(table)
    assert len(made.table) == 188
    whole = join(made.table, table)
    test = list(range(len(whole) - len(whole) // 5, len(whole)))
    folds = [fold(whole, test)]
    by_moment = find_leaks(whole, folds, SPLIT)
    by_source = find_leaks(whole, folds, SPLIT, sources_of(made, first=0, origin=len(made.table)))
    assert by_moment.rows.tolist() == by_source.rows.tolist()
    with pytest.raises(LeakError, match="37 of 321") as refused:
        refuse_leaks(whole, by_source)
    assert len(refused.value.rows) == 37


def test_the_published_split_trains_on_copies_and_says_so() -> None:
    leaks = find_leaks(whole_uci(), SPLITS["published"].folds(whole_uci()), SPLITS["published"])
    assert "599 of the 600 rows of session 2016-10-18 are near-copies" in leaks.in_words()
    assert leaks.rows.size == 0


def test_the_published_split_is_exempt_by_name_and_called_published() -> None:
    table = whole_uci()
    twice = join(table, table)
    leaks = find_leaks(twice, SPLITS["published"].folds(twice), SPLITS["published"])
    refuse_leaks(twice, leaks)
    assert len(leaks.rows) == 284
    assert "published" in leaks.in_words()
    assert leaks.to_record()["exempt"] is True


def test_evaluation_refuses_a_leak_before_anything_is_fitted() -> None:
    table = small_table()
    everything = np.arange(len(table))
    leaky = Split("leaky", "nothing left out", "", lambda _: [Fold("one", everything, everything)])
    plan = Plan("small", small_site(), table, leaky, ["no such method"], [], (0,))
    with Workers(1, table, small_site()) as workers, pytest.raises(LeakError):
        evaluate(plan, workers)


def test_evaluation_keeps_what_the_detector_found() -> None:
    table = small_table()
    plan = Plan("small", small_site(), table, SPLITS["cells"], ["weighted-centroid"], [], (0,))
    with Workers(1, table, small_site()) as workers:
        leaks = evaluate(plan, workers).leaks
    assert leaks.to_record() == {
        "split": "cells",
        "exempt": False,
        "test_rows": len(table),
        "rows_in_training": [],
        "augmented_from_test_rows": 0,
        "verbatim_vectors": leaks.verbatim,
        "copied_sessions": [],
    }

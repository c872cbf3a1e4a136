import numpy as np
import pytest

from localizer.errors import ConfigError
from tests.training.simulated import small_table
from training.splits import CELL_FOLDS, PUBLISHED_TEST_ROWS, SPLITS, inner_folds, usable_splits

HONEST = ("sessions", "cells", "blocks", "devices")


@pytest.mark.parametrize("name", [*HONEST, "random"])
def test_every_row_is_tested_once_and_never_trained_on_in_its_fold(name: str) -> None:
    table = small_table()
    folds = SPLITS[name].folds(table)
    tested = np.sort(np.concatenate([fold.test for fold in folds]))
    assert tested.tolist() == list(range(len(table)))
    for fold in folds:
        assert sorted([*fold.train, *fold.test]) == list(range(len(table)))


def test_sessions_and_places_are_left_out_whole() -> None:
    table = small_table()
    place = table.place
    for fold in SPLITS["sessions"].folds(table):
        assert not set(table.session[fold.train]) & set(table.session[fold.test])
    for fold in SPLITS["devices"].folds(table):
        assert not set(table.device[fold.train]) & set(table.device[fold.test])
    for name in ("cells", "blocks"):
        for fold in SPLITS[name].folds(table):
            assert not set(place[fold.train]) & set(place[fold.test])
    assert len(SPLITS["cells"].folds(table)) == CELL_FOLDS


def test_blocks_are_neighbourhoods() -> None:
    table = small_table()
    everywhere = np.linalg.norm(table.position_m - table.position_m.mean(axis=0), axis=1).mean()
    for fold in SPLITS["blocks"].folds(table):
        places = table.position_m[fold.test]
        spread = np.linalg.norm(places - places.mean(axis=0), axis=1).mean()
        assert spread < 0.5 * everywhere


def test_which_splits_are_honest_is_said() -> None:
    assert [name for name, split in SPLITS.items() if split.honest] == list(HONEST)
    assert "flattering" in SPLITS["random"].caveat
    assert "contaminated" in SPLITS["published"].caveat


def test_the_published_split_takes_the_last_rows_and_no_small_survey() -> None:
    with pytest.raises(ConfigError, match="survey `uci`"):
        SPLITS["published"].folds(small_table().rows(slice(0, PUBLISHED_TEST_ROWS)))


@pytest.mark.parametrize("name", HONEST)
def test_a_survey_that_cannot_be_cut_says_what_it_needs(name: str) -> None:
    table = small_table()
    one = table.rows((table.place == 0) & (table.session == table.session[0]))
    with pytest.raises(ConfigError, match="at least"):
        SPLITS[name].folds(one)


def test_all_splits_are_those_that_can_cut_and_the_others_are_named() -> None:
    table = small_table()
    one_device = table.rows(table.device == table.device[0])
    usable, notes = usable_splits(list(SPLITS.values()), one_device)
    assert [split.name for split in usable] == ["sessions", "cells", "blocks", "random"]
    assert [note.split("'")[1] for note in notes] == ["devices", "published"]
    assert "survey with another one too" in notes[0]


def test_inner_folds_of_blocks_and_devices_keep_them_whole() -> None:
    table = small_table()
    for fold in inner_folds(table, "devices", 3):
        assert not set(table.device[fold.train]) & set(table.device[fold.test])
    for fold in inner_folds(table, "blocks", 3):
        assert not set(table.place[fold.train]) & set(table.place[fold.test])


def test_inner_folds_cut_as_the_outer_split_does_and_fall_back_to_places() -> None:
    table = small_table()
    for fold in inner_folds(table, "sessions", 3):
        assert not set(table.session[fold.train]) & set(table.session[fold.test])
    one_session = table.rows(table.session == table.session[0])
    folds = list(inner_folds(one_session, "sessions", 3))
    assert len(folds) == 3
    for fold in folds:
        assert not set(one_session.place[fold.train]) & set(one_session.place[fold.test])
    assert not list(inner_folds(table.rows(table.place == 0), "cells", 3))

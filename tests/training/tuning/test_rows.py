import numpy as np
import pytest

from localizer.errors import ConfigError
from tests.training.simulated import small_table
from tests.training.two_floors import two_floor_table
from training.tuning.rows import study_rows


@pytest.mark.parametrize("split", ["sessions", "cells", "blocks"])
def test_no_trial_sees_the_unseen_rows_and_every_searched_row_is_scored_once(split: str) -> None:
    table = small_table()
    rows = study_rows(table, split, 3)
    assert not set(rows.searched.tolist()) & set(rows.unseen.tolist())
    assert len(rows.searched) + len(rows.unseen) == len(table)
    scored = np.concatenate([fold.test for fold in rows.final_folds])
    assert sorted(scored.tolist()) == sorted(rows.searched.tolist())
    for fold in rows.final_folds:
        assert not set(fold.train.tolist()) & set(fold.test.tolist())
        assert set(fold.train.tolist()) <= set(rows.searched.tolist())


def test_places_that_are_held_out_are_held_out_of_everything() -> None:
    table = small_table()
    rows = study_rows(table, "cells", 3)
    assert not set(table.place[rows.unseen].tolist()) & set(table.place[rows.searched].tolist())


def test_the_same_rows_are_cut_in_the_same_way() -> None:
    one, other = (study_rows(small_table(), "cells", 3) for _ in range(2))
    np.testing.assert_array_equal(one.unseen, other.unseen)


def test_a_survey_of_one_place_is_refused_with_what_to_do() -> None:
    table = small_table()
    with pytest.raises(ConfigError, match="use `fit`"):
        study_rows(table.rows(table.place == table.place[0]), "cells", 3)


def test_two_floors_are_refused() -> None:
    with pytest.raises(ConfigError, match="--floor"):
        study_rows(two_floor_table(), "cells", 3)

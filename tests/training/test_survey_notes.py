from dataclasses import replace

import pytest

from localizer.scans import Fingerprint
from localizer.site import Position
from localizer.survey import Survey
from tests.training.simulated import small_site, small_survey
from training.survey_notes import OUTSIDE_M, notes_on, outside_in_words


def labelled() -> list[Fingerprint]:
    with Survey.open(small_survey().path) as survey:
        return list(survey.fingerprints(labelled=True))


def test_a_place_beyond_the_floor_is_named_with_how_far() -> None:
    rows = labelled()
    x_max = small_site().bounds_m("0")[2]
    rows[:3] = [replace(row, position=Position(x_max + 1000.0, 5.0, "0")) for row in rows[:3]]
    (warning,) = outside_in_words(small_site(), rows)
    assert warning.startswith("3 labelled scans must lie on floor '0'")
    assert f"by up to 1000.0 m, at ({x_max + 1000:.2f}, 5.00) m" in warning


@pytest.mark.parametrize("away_m", [0.0, OUTSIDE_M])
def test_a_place_at_the_edge_is_let_through(away_m: float) -> None:
    x_min = small_site().bounds_m("0")[0]
    rows = [replace(labelled()[0], position=Position(x_min - away_m, 5.0, "0"))]
    assert outside_in_words(small_site(), [*labelled(), *rows]) == ()


def test_few_places_are_counted() -> None:
    rows = labelled()
    here = [row for row in rows if row.position == rows[0].position]
    assert notes_on(rows) == ()
    assert notes_on(here) == ("only 1 place: the errors say little about the rest of the floor",)

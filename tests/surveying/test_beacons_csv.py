from __future__ import annotations

import pytest

from localizer.errors import TableError
from localizer.site import Beacon, Position
from localizer.surveying.beacons_csv import read_beacons_csv
from tests.surveying.floors import HALL, site_of

SITE = site_of(HALL)
UUID = "f7826da6-4fa2-4e98-8024-bc5b71e0893e"


def refused(text: str) -> TableError:
    with pytest.raises(TableError) as caught:
        read_beacons_csv(text.encode(), SITE)
    return caught.value


def test_beacons_are_read_with_and_without_a_place() -> None:
    text = f"id,x_m,y_m,floor,note\nibeacon:{UUID.upper()}:01:7,11,0.5,0,over the door\n"
    text += "name:hall:b2,,,,\n"
    first, second = read_beacons_csv(text.encode(), SITE)
    assert first == Beacon(first.id, Position(11.0, 0.5, "0"))
    assert first.id == f"ibeacon:{UUID}:1:7"
    assert (second.id, second.position) == ("name:hall:b2", None)


def test_two_beacons_with_one_id_are_refused_with_both_lines() -> None:
    error = refused(
        f"id,x_m,y_m,floor\nibeacon:{UUID}:1:7,1,1,0\nname:a:b,2,2,0\nibeacon:{UUID}:01:07,3,3,0\n"
    )
    assert (error.reason, error.line) == ("id_twice", 4)
    assert "line 4" in str(error)
    assert "in line 2" in str(error)


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("AA:BB:CC:DD:EE:FF,1,1,0", "bad_id"),
        (f"ibeacon:{UUID}:70000:1,1,1,0", "bad_id"),
        ("name:a:b,1,1,7", "unknown_floor"),
        ("name:a:b,1,,0", "bad_number"),
        ("name:a:b,1", "bad_columns"),
    ],
)
def test_a_line_that_is_wrong_is_named(line: str, reason: str) -> None:
    error = refused(f"id,x_m,y_m,floor\nname:a:a,9,9,0\n{line}\n")
    assert (error.reason, error.line) == (reason, 3)


def test_degrees_are_refused() -> None:
    error = refused("id,x_m,y_m,floor\nname:a:a,11.5012,48.1371,0\nname:a:b,11.5013,48.1372,0\n")
    assert error.reason == "degrees"
    assert refused("id,latitude,longitude,floor\nname:a:a,48,11,0\n").reason == "degrees"

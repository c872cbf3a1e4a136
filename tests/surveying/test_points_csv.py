from __future__ import annotations

import pytest

from localizer.errors import TableError
from localizer.site import Position
from localizer.survey.records import Point
from localizer.surveying.points_csv import read_points_csv
from tests.surveying.floors import TWO_ROOMS, site_of

SITE = site_of(TWO_ROOMS)


def refused(text: str, *taken: str) -> TableError:
    with pytest.raises(TableError) as caught:
        read_points_csv(text.encode(), SITE, taken=taken)
    return caught.value


def test_points_come_in_order_with_ids_of_their_own() -> None:
    text = 'name,x_m,y_m,floor\ndoor,1,2,0\n\n"a, b",1.5,3e0,0\n'
    assert read_points_csv(text.encode(), SITE, taken=["0-004"]) == (
        Point("0-005", Position(1.0, 2.0, "0"), "door", "imported"),
        Point("0-006", Position(1.5, 3.0, "0"), "a, b", "imported"),
    )


def test_ids_are_kept_where_they_are_given() -> None:
    (point,) = read_points_csv(b"id,x_m,y_m,floor,name\nP7,1,2,0,\n", SITE)
    assert point.id == "P7"
    assert refused("id,x_m,y_m,floor,name\nP7,1,2,0,\n", "P7").reason == "id_twice"
    error = refused("id,x_m,y_m,floor,name\nP7,1,2,0,\nP7,2,2,0,\n")
    assert (error.reason, error.line) == ("id_twice", 3)


@pytest.mark.parametrize("bom", ["", "\ufeff"])
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_what_spreadsheets_write_is_read(bom: str, end: str) -> None:
    text = bom + end.join(["X_m;Y_m;Floor;Name;", '1,5;2,25;0;"a;b";']) + end
    (point,) = read_points_csv(text.encode(), SITE)
    assert (point.position, point.name) == (Position(1.5, 2.25, "0"), "a;b")
    assert read_points_csv(b"x_m\ty_m\tfloor\tname\n1\t2\t0\tn", SITE)[0].name == "n"


@pytest.mark.parametrize(
    "header", ["lat,lon,floor,name", "x_m,y_m,floor,name,Latitude", "x_lng,y_m,floor,name"]
)
def test_columns_of_latitude_and_longitude_are_refused(header: str) -> None:
    error = refused(header + "\n48.1,11.5,0,a,1\n")
    assert (error.reason, error.line) == ("degrees", 1)
    assert "metres" in str(error)


def test_degrees_in_columns_of_metres_are_refused() -> None:
    error = refused("x_m,y_m,floor,name\n8.51234,7.37861,0,a\n8.51236,7.37899,0,b\n")
    assert (error.reason, error.line) == ("degrees", 2)
    assert "longitude and latitude" in str(error)
    # Outside the floor they are refused one by one.
    assert refused("x_m,y_m,floor,name\n11.512,48.137,0,a\n").reason == "not_walkable"


def test_two_points_at_one_place_are_no_degrees() -> None:
    assert len(read_points_csv(b"x_m,y_m,floor,name\n1,2,0,a\n1,2,0,b\n", SITE)) == 2


@pytest.mark.parametrize(
    ("text", "reason", "line"),
    [
        ("", "empty", None),
        ("x_m,y_m,floor,name\n", "empty", None),
        ("x_m,y_m,floor\n1,2,0\n", "bad_columns", 1),
        ("x_m,y_m,floor,name,x_m\n1,2,0,a,1\n", "bad_columns", 1),
        ("x_m,y_m,floor,name\n\n1,2,0\n", "bad_columns", 3),
        ("x_m,y_m,floor,name\n1,2,0,a\n\n1,east,0,b\n", "bad_number", 4),
        ("x_m,y_m,floor,name\n1,nan,0,b\n", "bad_number", 2),
        ("x_m,y_m,floor,name\n7,5,0,table\n", "not_walkable", 2),
        ('x_m,y_m,floor,name\n1,2,0,"two\nlines"\n1,2,9,b\n', "unknown_floor", 4),
    ],
)
def test_what_is_wrong_is_named_with_its_line(text: str, reason: str, line: int | None) -> None:
    error = refused(text)
    assert (error.reason, error.line) == (reason, line)
    assert line in (None, 1) or str(error).startswith(f"line {line}: ")


def test_other_files_are_refused() -> None:
    for data in (b"\xff\xd8\xff\xe0", b"x" * 6_000_000):
        with pytest.raises(TableError):
            read_points_csv(data, SITE)

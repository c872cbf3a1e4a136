"""Small tables as spreadsheets write them: read with their line numbers, or refused."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from localizer.errors import TableError

MAX_CSV_BYTES: Final = 5_000_000
"""Of a table of points or beacons: 100,000 lines."""

DEGREE_NAMES: Final = frozenset(
    {"lat", "latitude", "lon", "lng", "long", "longitude", "breitengrad", "wgs84"}
)
"""Words in a column's name that say degrees: places in a survey are metres of a floor."""

DEGREE_SPREAD: Final = 0.05
"""Places that all lie within this of each other on both axes are one place in metres (5 cm) and a
campus in degrees (5 km)."""


class Row(NamedTuple):
    """One line of a table."""

    line: int
    """1-based, as an editor counts."""
    values: dict[str, str]
    """By the column's name in lower case; columns that are not asked for, too."""

    def number(self, column: str) -> float:
        """Return a finite number of this line.

        Raises:
            TableError: there is none.
        """
        text = self.values[column]
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise TableError(
                f"line {self.line}: {column} must be a number of metres, but got {text!r}; "
                "correct it",
                reason="bad_number",
                line=self.line,
            )
        return value


def read_rows(data: bytes, columns: Sequence[str]) -> list[Row]:
    """Return the lines of a CSV with a header, in order, without empty ones.

    Commas, semicolons or tabs part its columns; with the latter two a comma is read as a decimal
    point, as spreadsheets of half of Europe write it.

    Args:
        data: the whole file, UTF-8.
        columns: those that must be there, in any order and case.

    Raises:
        TableError: it is too large, not UTF-8, lacks a column, a line has another number of
            columns than the header, nothing follows the header, or a column is named after
            latitude or longitude.
    """
    text = _decoded(data)
    delimiter = _delimiter(text)
    try:
        lines = list(_lines(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)))
    except csv.Error as error:
        raise TableError(
            f"a table must be CSV, but {error}; export it again", reason="no_csv"
        ) from error
    if len(lines) < 2:
        raise TableError(
            f"a table must have a header ({', '.join(columns)}) and a line below it, but got "
            f"{len(lines)} lines; export it again",
            reason="empty",
        )
    header = [name.strip().lower() for name in lines[0][1]]
    _check_header(header, columns)
    rows = [_row(number, header, fields) for number, fields in lines[1:]]
    if delimiter == ",":
        return rows
    numbers = [name for name in header if name.endswith("_m")]
    for row in rows:
        row.values.update({name: row.values[name].replace(",", ".") for name in numbers})
    return rows


def refuse_degrees(places: Sequence[tuple[float, float]], rows: Sequence[Row]) -> None:
    """Refuse x and y that can only be longitude and latitude.

    Raises:
        TableError: several different places all lie within `DEGREE_SPREAD` of each other.
    """
    xs, ys = zip(*places, strict=True)
    spread = max(max(xs) - min(xs), max(ys) - min(ys))
    in_range = max(map(abs, (*xs, *ys))) <= 180
    if in_range and 0 < spread < DEGREE_SPREAD:
        raise TableError(
            f"x_m and y_m must be metres, but all {len(places)} lines lie within {spread:.2g} of "
            f"each other, from ({xs[0]:.6g}, {ys[0]:.6g}) on: these are degrees of longitude and "
            "latitude; convert them to metres from the floor's origin, or upload a GeoJSON",
            reason="degrees",
            line=rows[0].line,
        )


def _decoded(data: bytes) -> str:
    if len(data) > MAX_CSV_BYTES:
        raise TableError(
            f"a table must have at most {MAX_CSV_BYTES / 1e6:g} MB, but got "
            f"{len(data) / 1e6:.1f} MB; is it the right file?",
            reason="too_large",
        )
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise TableError(
            f"a table must be UTF-8 text, but {error.reason} at byte {error.start}; export it as "
            "CSV (UTF-8)",
            reason="no_csv",
        ) from error


def _delimiter(text: str) -> str:
    header = text.lstrip().partition("\n")[0]
    return max(",;\t", key=header.count)


def _lines(reader: Iterator[list[str]]) -> Iterator[tuple[int, list[str]]]:
    number = 1
    for fields in reader:
        if any(field.strip() for field in fields):
            yield number, fields
        # A quoted field may span lines: the next record starts after where this one ended.
        number = getattr(reader, "line_num", number) + 1


def _check_header(header: list[str], columns: Sequence[str]) -> None:
    degrees = [name for name in header if set(name.split("_")) & DEGREE_NAMES]
    if degrees:
        raise TableError(
            f"places must be metres in the floor's frame (x_m, y_m), but got the columns "
            f"{degrees}; "
            "convert them to metres from the floor's origin, or upload a GeoJSON, whose degrees "
            "are converted",
            reason="degrees",
            line=1,
        )
    missing = [name for name in columns if name not in header]
    twice = sorted({name for name in header if header.count(name) > 1})
    if missing or twice:
        raise TableError(
            f"a table must have each of the columns {list(columns)} once, but got {header}; "
            "correct its first line",
            reason="bad_columns",
            line=1,
        )


def _row(number: int, header: list[str], fields: list[str]) -> Row:
    if len(fields) != len(header):
        raise TableError(
            f"line {number}: a line must have {len(header)} columns as the header has, but got "
            f"{len(fields)}; correct it",
            reason="bad_columns",
            line=number,
        )
    return Row(number, dict(zip(header, (field.strip() for field in fields), strict=True)))

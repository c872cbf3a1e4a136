"""Tables of text as other programs write them: read line by line, or refused with the reason."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple, NoReturn

from localizer.errors import SurveyError
from localizer.surveying.csv_rows import DEGREE_NAMES

FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r", "'")
"""First characters by which a spreadsheet takes a text for a formula, and the mark that keeps it
from doing so: a device called ``=HYPERLINK(…)`` would be run on the machine of whoever opens the
file."""

GUARD: Final = "'"
"""Put before such a text; spreadsheets show what follows. Taken away again when it is read."""

MAX_HEADER: Final = 1_000_000
"""Characters of the first line that are looked at: 10,000 beacons have fewer, and a file without
any line end is not read into memory."""

_TAIL: Final = 60
"""Characters of a wrong line that a message repeats."""

_UTF16: Final = (b"\xff\xfe", b"\xfe\xff")


class TableRow(NamedTuple):
    """One line of a table."""

    path: Path
    line: int
    """1-based, as an editor counts."""
    values: Mapping[str, str]
    """By the name of the column."""
    decimal_comma: bool = False
    """Whether commas are decimal points, as in tables that semicolons part."""

    def refuse(self, reason: str) -> NoReturn:
        """Say which line it was.

        Raises:
            SurveyError: always.
        """
        raise SurveyError(
            f"{self.path}, line {self.line}: {reason}", path=self.path, line=self.line
        )

    def number(self, column: str) -> float:
        """Return a finite number of this line.

        Raises:
            SurveyError: there is none.
        """
        text = self.values[column]
        try:
            value = float(text.replace(",", ".") if self.decimal_comma else text)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            comma = "; write decimals with a point, as in 1.5" if "," in text else ""
            self.refuse(f"{column} must be a finite number, but got {text!r}{comma}")
        return value

    def number_or_none(self, column: str) -> float | None:
        """Return a finite number of this line; None if the cell is empty or says ``None``."""
        return None if self.is_empty(column) else self.number(column)

    def whole(self, column: str) -> int:
        """Return a whole number of this line.

        Raises:
            SurveyError: there is none.
        """
        try:
            return int(self.values[column])
        except ValueError:
            self.refuse(f"{column} must be a whole number, but got {self.values[column]!r}")

    def is_empty(self, column: str) -> bool:
        """Return whether nothing stands there: no such column, no text, or the word ``None``."""
        return self.values.get(column, "").strip().lower() in ("", "none", "nan")


@contextmanager
def table_rows(
    path: Path, columns: Sequence[str], *, delimiters: str = ",", others: bool = True
) -> Iterator[tuple[tuple[str, ...], Iterator[TableRow]]]:
    """Open a CSV with a header, and give its columns and its lines, empty ones left out.

    Args:
        path: UTF-8, with or without a byte order mark.
        columns: those that must be there, in any order and as they are spelled.
        delimiters: what may part the columns; what stands most often in the first line does.
        others: whether there may be other columns.

    Raises:
        SurveyError: the file cannot be read, is empty, not UTF-8, cut off, parted by something
            else, or lacks a column; its `line` says where.
    """
    _refuse_other_files(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            delimiter = _delimiter(file.readline(MAX_HEADER))
            file.seek(0)
            lines = _records(csv.reader(file, delimiter=delimiter, strict=True), path)
            header = tuple(name.strip() for name in next(lines, (1, []))[1])
            _check_header(path, header, columns, delimiter, (delimiters, others))
            yield header, _rows(lines, path, header, delimiter)
    except OSError as error:
        raise SurveyError(
            f"a table must be a readable file, but {path}: {error.strerror}; check the path",
            path=path,
        ) from error


def _refuse_other_files(path: Path) -> None:
    try:
        with path.open("rb") as file:
            start = file.read(16)
            file.seek(-min(path.stat().st_size, 2), 2)
            end = file.read()
    except OSError as error:
        raise SurveyError(
            f"a table must be a readable file, but {path}: {error.strerror}; check the path",
            path=path,
        ) from error
    if not start:
        raise SurveyError(f"a table must not be empty, but {path} has 0 bytes", path=path)
    if start.startswith(b"SQLite format 3"):
        raise SurveyError(
            f"an import must be text, but {path} is a SQLite file; a survey file is taken in by "
            "`localizer data merge`",
            path=path,
        )
    if start.startswith(_UTF16) or b"\0" in start:
        raise SurveyError(
            f"a table must be UTF-8 text, but {path} is UTF-16 or no text at all; save it as "
            "CSV (UTF-8)",
            path=path,
        )
    if not end.endswith((b"\n", b"\r")):
        raise SurveyError(
            f"the last line of a table must end, but that of {path} does not: it was cut off; "
            "copy it again, or add a line end if nothing is missing",
            path=path,
        )


def _delimiter(first_line: str) -> str:
    return max(",;\t", key=first_line.count)


def _records(reader: Iterator[list[str]], path: Path) -> Iterator[tuple[int, list[str]]]:
    """Yield the first line's number and the cells of every record that is not empty."""
    number = 1
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                yield number, cells
            number = getattr(reader, "line_num", number) + 1
    except (csv.Error, UnicodeDecodeError) as error:
        raise SurveyError(
            f"{path}, line {number}: a table must be CSV in UTF-8, but {error}; save it as "
            "CSV (UTF-8), or copy it again",
            path=path,
            line=number,
        ) from error


def _check_header(
    path: Path,
    header: tuple[str, ...],
    columns: Sequence[str],
    delimiter: str,
    allowed: tuple[str, bool],
) -> None:
    delimiters, others = allowed
    missing = [name for name in columns if name not in header]
    twice = sorted({name for name in header if header.count(name) > 1})
    degrees = [name for name in header if set(name.lower().split("_")) & DEGREE_NAMES]
    unknown = [] if others else [name for name in header if name not in columns]
    quoted = delimiter.join(header)[:_TAIL]
    reason = ""
    if degrees:
        reason = (
            f"places must be metres in the floor's frame, but got the columns {degrees}; convert "
            "them to metres from the floor's origin"
        )
    elif delimiter not in delimiters and len(header) > 1:
        reason = f"columns must be parted by {_named(delimiters)}, but got {quoted!r}"
    elif missing or twice or unknown:
        what = f"lacks {missing}" if missing else f"has {twice or unknown} in excess"
        reason = f"the first line must name the columns {list(columns)}, but it {what}: {quoted!r}"
    if reason:
        raise SurveyError(f"{path}, line 1: {reason}", path=path, line=1)


def _named(delimiters: str) -> str:
    words = {",": "commas", ";": "semicolons", "\t": "tabs"}
    return " or ".join(words[one] for one in delimiters)


def _rows(
    lines: Iterable[tuple[int, list[str]]], path: Path, header: tuple[str, ...], delimiter: str
) -> Iterator[TableRow]:
    for line, cells in lines:
        if len(cells) != len(header):
            hint = "; are there decimal commas in it?" if delimiter == "," else ""
            raise SurveyError(
                f"{path}, line {line}: a line must have {len(header)} columns as the header has, "
                f"but got {len(cells)}{hint}",
                path=path,
                line=line,
            )
        yield TableRow(path, line, dict(zip(header, cells, strict=True)), delimiter != ",")


def write_table(
    path: Path, header: Sequence[str], rows: Iterable[Sequence[str]], *, delimiter: str = ","
) -> None:
    """Write a CSV in UTF-8 whose lines end as RFC 4180 says.

    Raises:
        OSError: the file cannot be written.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerow(header)
        writer.writerows(rows)


def guarded(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return GUARD + text if text.startswith(FORMULA_STARTS) else text


def unguarded(text: str) -> str:
    """Return what `guarded` was given; of a text that it did not write, the text itself."""
    inner = text.removeprefix(GUARD)
    return inner if inner != text and inner.startswith(FORMULA_STARTS) else text


def number_to_text(value: float | None) -> str:
    """Return a number with as many digits as bring back the same bits; empty for None."""
    if value is None:
        return ""
    text = repr(float(value))
    return text if text == "-0.0" else text.removesuffix(".0")

"""What the UCI layout leaves unsaid: which cell is where, which zone a time is in."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final

from localizer.errors import SurveyError
from localizer.importers.uci import (
    COPIED_DATE,
    COPIED_REASON,
    DEVICE,
    ROWS,
    SEALED_DATES,
    local_to_utc,
)
from localizer.interchange.scanned import Reading
from localizer.scans import Role, Session
from localizer.site import Position, Site

PUBLISHED: Final = "uci"
"""The id of the published survey's site."""

MAX_ROW: Final = 99
"""A row has two digits."""

MAX_COLUMN: Final = 702
"""``ZZ``: a column has two letters at most."""

_LABEL: Final = re.compile(r"([A-Z]{1,2})(\d\d)")
_LETTERS: Final = 26
_TOLERANCE: Final = 1e-9
"""Of a cell: a floor that is a whole number of cells high, but for rounding."""


@dataclass(frozen=True, slots=True)
class UciRules:
    """How labels and times are read at one site.

    The site has one floor and a grid: cell ``A01`` is in the first column, one cell to the right
    of x = 0, and in the uppermost row that the outline reaches; the lowest row lies at y = 0. This
    is the published survey's frame.
    """

    site: Site
    cell_m: float
    rows: int
    device: str
    utc_offset_s: int

    @classmethod
    def of(cls, site: Site, reading: Reading) -> UciRules:
        """Return the rules of a site.

        Raises:
            SurveyError: it has no grid, or several floors: then the layout cannot say where.
        """
        if site.cell_m is None or len(site.floors) != 1:
            raise SurveyError(
                "the UCI layout names places by the cells of one floor's grid, but site "
                f"{site.id!r} has {len(site.floors)} floors and cell_m = {site.cell_m}; take "
                "jsonl, comford or csv instead"
            )
        top_m = max(y_m for _, y_m in site.floors[0].outline)
        rows = math.floor(top_m / site.cell_m + _TOLERANCE) + 1
        if site.id == PUBLISHED:
            return cls(site, site.cell_m, ROWS, DEVICE, 0)
        return cls(site, site.cell_m, rows, reading.device, reading.utc_offset_s)

    @property
    def position_sd_m(self) -> float:
        """Of somebody who stands anywhere in a cell, along one axis, metres."""
        return self.cell_m / math.sqrt(12.0)

    def label_of(self, place: Position) -> str | None:
        """Return the cell that a place lies in; None if it is in none with a name."""
        column = round(place.x_m / self.cell_m)
        row = self.rows - round(place.y_m / self.cell_m)
        on_floor = place.floor == self.site.floors[0].id
        if not (on_floor and 1 <= column <= MAX_COLUMN and 1 <= row <= min(self.rows, MAX_ROW)):
            return None
        letters = ""
        while column:
            column, letter = divmod(column - 1, _LETTERS)
            letters = chr(ord("A") + letter) + letters
        return f"{letters}{row:02d}"

    def position_of(self, label: str) -> Position:
        """Return the centre of a cell.

        Raises:
            ValueError: the label is none.
        """
        parts = _LABEL.fullmatch(label)
        if parts is None or not 1 <= int(parts[2]) <= self.rows:
            raise ValueError(
                f"a location must be '?' or a cell such as K04, in rows 01 to {self.rows:02d}, "
                f"but got {label!r}"
            )
        column = 0
        for letter in parts[1]:
            column = column * _LETTERS + ord(letter) - ord("A") + 1
        row = int(parts[2])
        floor = self.site.floors[0].id
        return Position(column * self.cell_m, (self.rows - row) * self.cell_m, floor)

    def to_local(self, time_utc: datetime) -> datetime:
        """Return the local time that is written, without a zone, in whole seconds."""
        naive = time_utc.astimezone(UTC).replace(tzinfo=None, microsecond=0)
        if self.site.id != PUBLISHED:
            return naive + timedelta(seconds=self.utc_offset_s)
        summer = naive - timedelta(hours=4)
        return summer if local_to_utc(summer) == time_utc else naive - timedelta(hours=5)

    def to_utc(self, local: datetime) -> datetime:
        """Return the UTC time of a local one."""
        if self.site.id == PUBLISHED:
            return local_to_utc(local)
        return (local - timedelta(seconds=self.utc_offset_s)).replace(tzinfo=UTC)

    def session(self, day: date) -> Session:
        """Return the session of a local date."""
        name = day.isoformat()
        if self.site.id != PUBLISHED:
            return Session(name, "development", self.device)
        role: Role = "sealed" if name in SEALED_DATES else "development"
        return Session(name, role, self.device, COPIED_REASON if name == COPIED_DATE else "")

    def synthetic(self, day: date, *, labelled: bool) -> str | None:
        """Return why a row is no measurement."""
        copied = self.site.id == PUBLISHED and labelled and day.isoformat() == COPIED_DATE
        return COPIED_REASON if copied else None

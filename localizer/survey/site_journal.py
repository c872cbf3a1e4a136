"""The site of a survey, saved at every edit, and every edit undone if the surveyor says so."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from localizer.errors import SiteError, SurveyError
from localizer.site import Site, site_from_toml, site_to_toml
from localizer.survey.file import SurveyFile
from localizer.survey.records import SiteEdit
from localizer.survey.rows import utc_from_us, utc_to_us


class SiteJournal:
    """The site as it is, and as it was before every edit.

    Raises:
        SurveyError: the file has no site, or one that cannot be read.
    """

    def __init__(self, file: SurveyFile, utc_now: Callable[[], datetime]) -> None:
        self._file = file
        self._utc_now = utc_now
        self.site = self._read()
        """The site as of the opening, or of the last edit through this object."""

    @property
    def edits(self) -> list[SiteEdit]:
        """What can be undone, oldest first."""
        rows = self._file.rows("SELECT number, time_utc_us, what FROM site_edits ORDER BY number")
        return [SiteEdit(number, utc_from_us(time_us), what) for number, time_us, what in rows]

    def reload(self) -> None:
        """Read the site again: another connection may have edited it."""
        self.site = self._read()

    def save(self, site: Site, *, what: str, beacon_change: int | None = None) -> None:
        """Save the site, and keep the one before.

        Raises:
            SurveyError: a floor is missing on which points or plans are, or the file cannot be
                written.
        """
        self._refuse_lost_floors(site)
        row = (utc_to_us(self._utc_now()), what, site_to_toml(self.site), beacon_change)
        with self._file.transaction() as connection:
            connection.execute(
                "INSERT INTO site_edits (time_utc_us, what, toml_before, beacon_change) "
                "VALUES (?, ?, ?, ?)",
                row,
            )
            connection.execute("UPDATE site SET toml = ?", (site_to_toml(site),))
        self.site = site

    def undo(self) -> SiteEdit | None:
        """Take back the last edit and return it; None if there is none.

        With the edit that replaced or moved a beacon, that change of its readings is taken back.

        Raises:
            SurveyError: points or plans are on a floor that the edit added, or the file cannot be
                written.
        """
        rows = self._file.rows(
            "SELECT number, time_utc_us, what, toml_before, beacon_change FROM site_edits "
            "ORDER BY number DESC LIMIT 1"
        )
        if not rows:
            return None
        ((number, time_us, what, toml, beacon_change),) = rows
        site = self._from_toml(toml)
        self._refuse_lost_floors(site)
        with self._file.transaction() as connection:
            connection.execute("DELETE FROM site_edits WHERE number = ?", (number,))
            connection.execute("DELETE FROM beacon_changes WHERE number = ?", (beacon_change,))
            connection.execute("UPDATE site SET toml = ?", (toml,))
        self.site = site
        return SiteEdit(number, utc_from_us(time_us), what)

    def _refuse_lost_floors(self, site: Site) -> None:
        used = self._file.rows("SELECT floor FROM points UNION SELECT floor FROM plans")
        lost = sorted({floor for (floor,) in used} - {floor.id for floor in site.floors})
        if lost:
            raise SurveyError(
                f"a floor with points or a plan must stay in the site, but {lost} would go; "
                "remove its points and its plan first",
                path=self._file.path,
            )

    def _read(self) -> Site:
        rows = self._file.rows("SELECT toml FROM site")
        if not rows:
            raise SurveyError(
                f"a survey must have a site, but {self._file.path} has none", path=self._file.path
            )
        return self._from_toml(rows[0][0])

    def _from_toml(self, toml: str) -> Site:
        path = self._file.path
        try:
            return site_from_toml(toml, origin=f"the site in {path}")
        except SiteError as error:
            raise SurveyError(str(error), path=path) from error

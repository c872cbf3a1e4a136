"""What no output takes the place of: a survey that was recorded, and other people's files."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from localizer.errors import SurveyError
from localizer.survey.file import application_id, open_survey_file
from localizer.survey.schema import APPLICATION_ID
from localizer.survey.transactions import sqlite_errors

_WORK: Final = ("recordings", "points", "plans")
"""Tables that hold what somebody walked or drew for."""


def refuse_survey(path: Path) -> None:
    """Refuse to write what is no survey over one: a slip would end a day's work.

    Raises:
        SurveyError: `path` is a survey file.
    """
    if _is_survey(path):
        raise SurveyError(
            f"what is written must not take a survey's place, but {path} is a survey; "
            "give another name",
            path=path,
        )


def refuse_loss(path: Path) -> None:
    """Refuse to build a survey over what cannot be built again.

    A survey of scans alone came from an import or the simulator, and can be made anew.

    Raises:
        SurveyError: `path` is a survey with recordings, points or plans, or it is a file that is
            no survey and not empty.
    """
    if not path.is_file() or not path.stat().st_size:
        return
    if not _is_survey(path):
        raise SurveyError(
            f"a new survey must not take another file's place, but {path} is there and is no "
            "survey; give another name, or delete it",
            path=path,
        )
    with closing(open_survey_file(path)) as file:
        found = [name for name in _WORK if file.rows(f"SELECT 1 FROM {name} LIMIT 1")]
    if found:
        raise SurveyError(
            f"a new survey must not take the place of one that was worked on, but {path} has "
            f"{' and '.join(found)}; give another name, add to it instead "
            "(`localizer data import --into`), or delete it",
            path=path,
        )


def _is_survey(path: Path) -> bool:
    """Return whether it is a survey of any schema; asked by way of SQLite, which keeps locks."""
    if not path.is_file():
        return False
    address = f"{path.absolute().as_uri()}?mode=ro"
    with sqlite_errors(path), closing(sqlite3.connect(address, uri=True)) as connection:
        return application_id(connection) == APPLICATION_ID

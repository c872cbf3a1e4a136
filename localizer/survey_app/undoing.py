"""What can be taken back: edits of the site, of points and of plans, the last one first."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Final, NamedTuple

from localizer.errors import SurveyError
from localizer.survey import Survey

MAX_KEPT: Final = 50
"""Edits that can be taken back."""

MAX_KEPT_BYTES: Final = 64 * 2**20
"""Of the plans that are kept for it: two of the largest. A Raspberry Pi has half a gigabyte."""


class Undoable(NamedTuple):
    """An edit that was made, and its way back."""

    what: str
    """What was done, in words, for the screen."""
    undo: Callable[[Survey], object]
    cost_bytes: int = 0
    """What the way back keeps in memory."""


class Undoing:
    """The edits of this run; behind them, the file's own journal of the site.

    It belongs to the thread of the survey.
    """

    def __init__(self) -> None:
        self._done: deque[Undoable] = deque(maxlen=MAX_KEPT)

    def push(self, edit: Undoable) -> None:
        """Keep an edit; the oldest go when their plans take too much memory."""
        self._done.append(edit)
        while len(self._done) > 1 and sum(one.cost_bytes for one in self._done) > MAX_KEPT_BYTES:
            self._done.popleft()

    def next(self, survey: Survey) -> str | None:
        """Return what would be taken back next, in words; None if nothing is left."""
        if self._done:
            return self._done[-1].what
        edits = survey.site_edits()
        return edits[-1].what if edits else None

    def undo(self, survey: Survey) -> str | None:
        """Take back the last edit and return what it was; None if there is none.

        Raises:
            SurveyError: what was built on it since keeps it from being taken back; then it stays
                for good. Or the file cannot be written, and it can be tried again.
        """
        if not self._done:
            edit = survey.undo_site()
            return None if edit is None else edit.what
        last = self._done[-1]
        try:
            last.undo(survey)
        except SurveyError as error:
            if error.reason is None:
                self._done.pop()
            raise
        self._done.pop()
        return last.what

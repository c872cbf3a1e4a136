"""Check walks: the surveyor stands at known places while a bundle says where that is."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from localizer.atomic import atomic_write
from localizer.clock import s_to_ns
from localizer.errors import SurveyAppError, SurveyError
from localizer.fixes import Fix, utc_text
from localizer.live import SETTLE_S, WINDOW_S, LiveEngine
from localizer.manifest import SiteCheck
from localizer.site import Position
from localizer.sources.whereabouts import Whereabouts, tell
from localizer.surveying.check_walk import CheckPoint, CheckReport, report_check_walk

FIXES_PER_POINT: Final = 10
"""Fixes that are taken at a place: with windows of 3 s and a fix a second, 13 s of standing."""

WAIT_S: Final = 15.0
"""How long to wait for a fix before looking whether the service ends, seconds."""

_NOTHING: Final = ("mean", "mean_low", "mean_high", "median", "p75", "p95", "p95_low", "p95_high")


@dataclass(slots=True)
class Stand:
    """One place at which the surveyor stands or stood."""

    id: str
    truth: Position
    since_ns: int
    """From when on windows count, on the source's clock."""
    fixes: list[Fix] = field(default_factory=list)

    @property
    def done(self) -> bool:
        """Whether enough fixes were taken."""
        return len(self.fixes) >= FIXES_PER_POINT


@dataclass(slots=True)
class CheckWalk:
    """One check walk with one bundle."""

    id: str
    stands: list[Stand] = field(default_factory=list)

    @property
    def report(self) -> CheckReport | None:
        """What it says so far; None before the first fix."""
        heard = [one for one in self.stands if one.fixes]
        if not heard:
            return None
        return report_check_walk([CheckPoint(one.id, one.truth, one.fixes) for one in heard])


class CheckWalks:
    """Compares the live fixes of an engine with where the surveyor says to stand.

    Everything happens on the event loop.

    Args:
        engine: publishes the fixes of the bundle.
        survey: the survey file; reports are kept beside it.
        utc_now: the wall clock.
    """

    def __init__(
        self, engine: LiveEngine, survey: Path, utc_now: Callable[[], datetime], *, bundle: str
    ) -> None:
        self.bundle = bundle
        """Id of the bundle."""
        self.trouble: str | None = None
        """Why the last report could not be kept, in words."""
        self._engine = engine
        self._survey = survey
        self._utc_now = utc_now
        self._walks: dict[str, CheckWalk] = {}
        self._standing: tuple[CheckWalk, Stand] | None = None

    async def run(self) -> None:
        """Take fixes until the service ends."""
        hub = self._engine.hub
        client = hub.subscribe(hub.seq)
        try:
            while not hub.closed:
                message = await client.next(WAIT_S)
                # One that came in the same turn of the loop as the next is worth no parser.
                if message is not None and hub.latest is not None and message.seq == hub.seq:
                    self.take(hub.latest)
        finally:
            hub.drop(client)

    def take(self, fix: Fix) -> None:
        """Take a fix, if somebody stands at a place, and its window lies after the tap."""
        if self._standing is None:
            return
        walk, stand = self._standing
        if self._engine.source.clock.now_ns() < stand.since_ns:
            return
        stand.fixes.append(fix)
        if stand.done:
            self._standing = None
            tell(self._engine.source, None)
            self._keep(walk)

    def begin(self) -> CheckWalk:
        """Begin a check walk."""
        number = 1
        day = self._utc_now().date().isoformat()
        while f"{day}-{number}" in self._walks or self._path(f"{day}-{number}").exists():
            number += 1
        walk = self._walks[f"{day}-{number}"] = CheckWalk(f"{day}-{number}")
        return walk

    def stand(self, walk_id: str, at: Position) -> Stand:
        """Note that the surveyor stands at a place now, and stays for `FIXES_PER_POINT` fixes.

        A place at which too few came before the surveyor went on stays with those.

        Raises:
            SurveyAppError: there is no such check walk.
        """
        walk = self.get(walk_id)
        since_ns = self._engine.source.clock.now_ns() + s_to_ns(WINDOW_S + SETTLE_S)
        stand = Stand(f"{len(walk.stands) + 1}", at, since_ns)
        walk.stands.append(stand)
        self._standing = (walk, stand)
        tell(self._engine.source, Whereabouts(at))
        return stand

    def get(self, walk_id: str) -> CheckWalk:
        """Return a check walk of this run.

        Raises:
            SurveyAppError: there is none of that id.
        """
        if walk_id not in self._walks:
            raise SurveyAppError(
                f"a check walk must have been begun since the service started, but {walk_id!r} was "
                "not; begin another",
                reason="not_found",
            )
        return self._walks[walk_id]

    def standing_at(self, walk: CheckWalk) -> Stand | None:
        """Return where the surveyor stands now; None on the way."""
        if self._standing is None or self._standing[0] is not walk:
            return None
        return self._standing[1]

    def _keep(self, walk: CheckWalk) -> None:
        report = walk.report
        if report is None:
            return
        check = site_check(walk.id, report, utc_text(self._utc_now()), self._engine.source.name)
        document = {"bundle": self.bundle, "check": check.model_dump(), **report.to_dict()}
        try:
            write_check(self._path(walk.id), document)
            self.trouble = None
        except SurveyError as error:
            self.trouble = str(error)

    def _path(self, walk_id: str) -> Path:
        return check_path(self._survey, walk_id)


def check_path(survey: Path, walk_id: str) -> Path:
    """Return where the report of a check walk is kept: beside the survey file."""
    return survey.with_name(f"{survey.stem}.check-{walk_id}.json")


def write_check(path: Path, document: dict[str, Any]) -> None:
    """Write a report, in place of an older one of the same walk.

    Raises:
        SurveyError: the folder cannot be written.
    """
    try:
        with atomic_write(path) as unfinished:
            unfinished.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    except OSError as error:
        raise SurveyError(
            f"the report of a check walk must be writable at {path}, but {error}; make room, and "
            "stand at one more place: all of it is written again",
            path=path,
        ) from error


def site_check(walk_id: str, report: CheckReport, time_utc: str, source: str) -> SiteCheck:
    """Return a report as a bundle's manifest takes it in."""
    return SiteCheck(
        id=walk_id,
        time_utc=time_utc,
        source=source,
        points=len(report.points),
        fixes=report.fixes,
        n=report.n,
        mean_m=report.mean,
        mean_low_m=report.mean_low,
        mean_high_m=report.mean_high,
        median_m=report.median,
        p75_m=report.p75,
        p95_m=report.p95,
        no_position_share=report.no_position_share,
    )


def walk_to_dict(walk: CheckWalk) -> dict[str, Any]:
    """Return what is known of a check walk as JSON-ready values; its figures are None at first."""
    report = walk.report
    if report is not None:
        return report.to_dict()
    return {"n": 0, "fixes": 0, "points": [], **dict.fromkeys(_NOTHING)} | dict.fromkeys(
        ("no_position_share", "stale_share", "wrong_floor_share")
    )

"""A survey with points, and a recorder on a clock that a test moves."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from localizer.beacons import BeaconId
from localizer.clock import ManualClock
from localizer.scans import Advertisement, Session
from localizer.site import Position
from localizer.sites import built_in_site
from localizer.survey import Point, Recorder, Survey

SITE = built_in_site("uci")
FLOOR = SITE.floors[0].id
A, B, C = (BeaconId(f"name:uci:b300{n}") for n in (1, 2, 3))
NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
S = 10**9
SESSION = Session("monday", "development", "pi", utc_offset_s=3600)
P1, P2 = (
    Point("p1", Position(1.0, 2.0, FLOOR), "by the door"),
    Point("p2", Position(4.0, 2.0, FLOOR), source="grid"),
)


def new_survey(path: Path) -> Survey:
    """A survey with two points."""
    survey = Survey.create(path, SITE)
    survey.points.put([P1, P2])
    return survey


@contextmanager
def recorder_at(
    path: Path,
    clock: ManualClock,
    *,
    session: Session = SESSION,
    utc_now: Callable[[], datetime] = lambda: NOON,
) -> Iterator[Recorder]:
    """A recorder that commits when it must, and every hundredth of a second."""
    with Recorder(path, session, clock=clock, utc_now=utc_now, commit_s=0.01) as recorder:
        yield recorder


def hear(recorder: Recorder, clock: ManualClock, seconds: float, *, step_s: float = 0.5) -> None:
    """Let A (-60, -61, -62, -60, ... dBm) and B (-80 dBm) be heard every `step_s`."""
    for at in range(round(seconds / step_s)):
        recorder.take(Advertisement(A, -60.0 - at % 3, clock.now_ns(), -59.0))
        recorder.take(Advertisement(B, -80.0, clock.now_ns(), receiver="pi"))
        clock.advance(step_s)

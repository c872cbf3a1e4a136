"""What a table of scans can say of a survey, and what it cannot."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Final, Protocol

from localizer.scans import Fingerprint, Session
from localizer.site import Site
from localizer.survey import ROLES, Survey

_MAX_QUOTE: Final = 60
"""Characters of a value that a message repeats."""


@dataclass(frozen=True, slots=True)
class Scanned:
    """A survey as far as its scans go: what training reads."""

    site: Site
    sessions: tuple[Session, ...]
    """Each of the fingerprints' sessions, by id."""
    fingerprints: tuple[Fingerprint, ...]
    """In the order in which they are added to a survey."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reader must be told because the table does not say it."""

    site: Site | None = None
    """Where it was; None: made of the places in the table, where the format has them in metres."""
    device: str = ""
    """What heard it."""
    utc_offset_s: int = 0
    """Seconds that local times are ahead of UTC."""


@dataclass(frozen=True, slots=True)
class Loss:
    """Something that an export does not hold."""

    what: str
    """In words, such as "heading_deg of fingerprints"."""
    count: int
    """How many of them."""
    example: str = ""
    """One of them as it is, and as it would come back."""

    def __str__(self) -> str:
        return f"{self.what}: {self.count}{f' ({self.example})' if self.example else ''}"


class ScanFormat(Protocol):
    """A format of tables that hold scans."""

    name: str
    suffix: str
    """Of the file; empty if a folder holds several."""

    def write(self, scanned: Scanned, path: Path) -> tuple[Reading, Sequence[Fingerprint]]:
        """Write a file, or the files of a folder that is there.

        Returns:
            How it must be read, and the fingerprints that it holds, in the order in which `read`
            gives them.

        Raises:
            OSError: the file cannot be written.
            SurveyError: the format can hold nothing of such a survey.
        """
        ...

    def read(self, path: Path, reading: Reading) -> Scanned:
        """Read what is there.

        Raises:
            SurveyError: it is no such file; the message says in which line and why.
            SiteError: its places make no site.
        """
        ...


def scanned_of(survey: Survey) -> Scanned:
    """Return the scans of a survey as training sees them, sealed ones included with their role.

    Readings of replaced beacons come under today's ids, those from before a beacon was moved and
    those of expired sessions not at all.
    """
    fingerprints = tuple(survey.fingerprints(roles=ROLES))
    sessions = tuple(survey.readable_sessions(roles=ROLES))
    return Scanned(survey.site, sessions, fingerprints)


def losses_beside_scans(survey: Survey) -> list[Loss]:
    """Return what no table of scans holds: all but sessions and fingerprints."""
    coverage = survey.coverage()
    visits = [*coverage.elsewhere, *(visit for one in coverage.points for visit in one.visits)]
    expired = len(survey.sessions) - len(survey.readable_sessions(roles=ROLES))
    counted = {
        "raw packets of recordings": sum(visit.adverts for visit in visits),
        "recordings, as what their scans were cut from": len(survey.recordings.all()),
        "reference points": len(survey.points.all()),
        "floor plans": len(survey.plans.floors()),
        "replaced and moved beacons, which are applied": len(survey.beacon_changes.all()),
        "expired sessions": expired,
        "edits of the site that can be undone": len(survey.site_edits()),
    }
    return [Loss(what, count) for what, count in counted.items() if count]


def losses_of_scans(
    original: Scanned, held: Sequence[Fingerprint], come_back: Scanned
) -> list[Loss]:
    """Return what differs after a round trip, field by field.

    Args:
        original: what was to be written.
        held: those of its fingerprints that were written, in the order of `come_back`.
        come_back: what was read.
    """
    left_out = len(original.fingerprints) - len(held)
    losses = [Loss("fingerprints without a place", left_out)] if left_out else []
    pairs = zip(held, come_back.fingerprints, strict=True)
    losses += _differences("fingerprints", pairs)
    back = {session.id: session for session in come_back.sessions}
    sessions = [(one, back[one.id]) for one in original.sessions if one.id in back]
    losses += _differences("sessions", sessions)
    gone = [one.id for one in original.sessions if one.id not in back]
    if gone:
        losses.append(Loss("sessions under their ids", len(gone), f"{gone[0]!r}"))
    return losses


def _differences(what: str, pairs: Iterable[tuple[object, object]]) -> list[Loss]:
    counts: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for before, after in pairs:
        if before == after:
            continue
        was, comes = _values(before), _values(after)
        for name in was:
            if was[name] != comes[name]:
                counts[name] += 1
                examples.setdefault(name, _example(was[name], comes[name]))
    return [Loss(f"{name} of {what}", count, examples[name]) for name, count in counts.items()]


def _values(record: object) -> dict[str, object]:
    """Return the fields of a record, those of its scan among them."""
    values = {name: getattr(record, name) for name in record.__dataclass_fields__}  # type: ignore[attr-defined]
    scan = values.pop("scan", None)
    return values | (_values(scan) if scan else {})


def _example(was: object, comes: object) -> str:
    if isinstance(was, Mapping) and isinstance(comes, Mapping):
        for beacon in [*was, *comes]:
            if was.get(beacon) != comes.get(beacon):
                was, comes = was.get(beacon), comes.get(beacon)
                break
    return f"{_short(was)} would come back as {_short(comes)}"


def _short(value: object) -> str:
    if isinstance(value, datetime):
        return value.isoformat()
    text = str(value) if isinstance(value, date) else repr(value)
    return text if len(text) <= _MAX_QUOTE else f"{text[:_MAX_QUOTE]}…"

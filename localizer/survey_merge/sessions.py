"""The sessions of two surveys: the same, one copied from the other, or two of one name."""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Final

from localizer.scans import Session
from localizer.survey import Recording
from localizer.survey.fingerprints import read_fingerprints
from localizer.survey_lines import fingerprint_to_line
from localizer.survey_merge.differences import Choices, free_name
from localizer.survey_merge.opened import Opened
from localizer.survey_merge.recordings import compare_recordings
from localizer.survey_merge.translation import Translation

_FIELDS: Final = (
    *("role", "device", "note", "person", "started_utc", "utc_offset_s", "expires_utc"),
)
"""What may differ between two copies of one session, so that somebody must choose. Its state is
not among them: what was closed in one copy is closed."""

_FILLED: Final = ("device", "note", "started_utc", "utc_offset_s")
"""Fields that are taken from the copy that has them, if the other has not. Not the person and not
the expiry: both may have been taken away on purpose."""

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)
"""When a session expires that is kept for the record: nobody reads it."""


@dataclass(slots=True)
class MergedSessions:
    """All sessions, and how each survey's contents go among them."""

    a: Opened
    b: Opened
    choices: Choices
    sessions: dict[str, Session] = field(default_factory=dict)
    of_a: Translation = field(default_factory=Translation)
    of_b: Translation = field(default_factory=Translation)
    taken: set[str] = field(default_factory=set)
    """Ids of sessions that are given."""
    recordings: set[str] = field(default_factory=set)
    """Ids of recordings that are given."""


def merge_sessions(
    a: Opened, b: Opened, choices: Choices, *, points: tuple[dict[str, str], dict[str, str]]
) -> MergedSessions:
    """Return how the sessions of two surveys become one list.

    A session of one id, device and start in both is one session: what only one copy holds of it is
    added, what both hold is taken once, and a recording that was cut off in one copy is taken from
    the other. Others of one id are two sessions, and B's is renamed.

    Args:
        a: one survey.
        b: the other.
        choices: takes the differences.
        points: new ids of points of A, and of B.
    """
    merged = MergedSessions(a, b, choices)
    merged.of_a.points, merged.of_b.points = points
    merged.sessions = {one.id: one for one in a.survey.sessions}
    merged.taken = set(merged.sessions) | {one.id for one in b.survey.sessions}
    ours = {one.id: one for one in a.survey.recordings.all()}
    merged.recordings = set(ours) | {one.id for one in b.survey.recordings.all()}
    for session in b.survey.sessions:
        known = merged.sessions.get(session.id)
        theirs = b.survey.recordings.all(session=session.id)
        if known is None:
            merged.sessions[session.id] = session
        elif _is_one(merged, known, session, theirs, ours):
            merged.sessions[session.id] = _with_fields(known, session, choices)
            _merge_scans(merged, session)
        else:
            _rename(merged, known, session)
        _merge_recordings(merged, session.id, theirs, ours)
    return merged


def _is_one(
    merged: MergedSessions,
    known: Session,
    session: Session,
    theirs: list[Recording],
    ours: dict[str, Recording],
) -> bool:
    """Return whether two of one id are one session: by what both hold, or else by their start."""
    a, b = _scans_of(merged.a, known.id), _scans_of(merged.b, known.id)
    if a.keys() & b.keys() or any(_began_alike(ours.get(one.id), one) for one in theirs):
        return True
    if (known.device, known.started_utc) != (session.device, session.started_utc):
        return False
    return known.started_utc is not None or not a or not b


def _began_alike(ours: Recording | None, theirs: Recording) -> bool:
    return ours is not None and (ours.session, ours.started_ns, ours.started_utc) == (
        theirs.session,
        theirs.started_ns,
        theirs.started_utc,
    )


def _with_fields(known: Session, session: Session, choices: Choices) -> Session:
    merged = session if session.state == "closed" else known
    merged = replace(known, state=merged.state)
    for name in _FIELDS:
        ours, theirs = getattr(known, name), getattr(session, name)
        if ours == theirs:
            continue
        if name in _FILLED and (ours in (None, "") or theirs in (None, "")):
            merged = replace(merged, **{name: theirs if ours in (None, "") else ours})
        elif choices.decide(f"session's {name}", known.id, (_shown(ours), _shown(theirs))) == "B":
            merged = replace(merged, **{name: theirs})
    return merged


def _shown(value: object) -> str:
    return "none" if value in (None, "") else str(value)


def _rename(merged: MergedSessions, known: Session, session: Session) -> None:
    new_id = free_name(session.id, merged.taken)
    merged.taken.add(new_id)
    remark = f"called {session.id!r} before a merge"
    note = f"{session.note}; {remark}" if session.note else remark
    merged.sessions[new_id] = replace(session, id=new_id, note=note)
    merged.of_b.sessions[session.id] = new_id
    says = (_session_words(known), _session_words(session))
    merged.choices.note("session", session.id, says, f"two sessions: B's is {new_id!r}")


def _session_words(one: Session) -> str:
    began = "" if one.started_utc is None else f", began {one.started_utc:%Y-%m-%d %H:%M} UTC"
    return f"{one.device or 'no device'}{began}"


def _merge_scans(merged: MergedSessions, session: Session) -> None:
    """Decide on the fingerprints of a session that were cut from no recording."""
    a, b = _scans_of(merged.a, session.id), _scans_of(merged.b, session.id)
    if b <= a:
        if b:
            merged.of_b.scans[session.id] = None
        return
    if a <= b:
        if a:
            merged.of_a.scans[session.id] = None
        return
    other = free_name(session.id, merged.taken)
    says = (f"{a.total()} scans", f"{b.total()} scans, {(a & b).total()} of them the same")
    kept = f"the other's are kept in {other!r}, which nobody reads"
    winner = merged.choices.decide("session's scans", session.id, says, loser=kept)
    loser = merged.of_b if winner == "A" else merged.of_a
    loser.scans[session.id] = other
    merged.taken.add(other)
    source = merged.b if winner == "A" else merged.a
    copy = source.survey.session(session.id)
    note = f"other copy of {session.id!r}, from {source.name}, set aside by a merge"
    merged.sessions[other] = replace(copy, id=other, note=note, expires_utc=LONG_AGO)


def _scans_of(side: Opened, session: str) -> Counter[bytes]:
    """Return the fingerprints of a session without a recording, as digests."""
    if not side.has_scans_beside_recordings(session):
        return Counter()
    rows = read_fingerprints(side.file, [session])
    return Counter(
        hashlib.blake2b(fingerprint_to_line(one), digest_size=16).digest()
        for one, recording in rows
        if recording is None
    )


def _merge_recordings(
    merged: MergedSessions, session: str, theirs: list[Recording], ours: dict[str, Recording]
) -> None:
    renamed = session in merged.of_b.sessions
    for one in theirs:
        known = ours.get(one.id)
        if known is None:
            continue
        if renamed or known.session != session:
            merged.of_b.recordings[one.id] = _free_recording(merged, one.id)
            continue
        translated = merged.of_b.recording(one) or one
        comparison = compare_recordings(
            merged.a, merged.b, merged.of_a.recording(known) or known, translated
        )
        if comparison == "differ":
            _decide_recording(merged, known, one)
        elif comparison == "B":
            merged.of_a.recordings[one.id] = None
        else:
            merged.of_b.recordings[one.id] = None


def _decide_recording(merged: MergedSessions, ours: Recording, theirs: Recording) -> None:
    other = _free_recording(merged, ours.id)
    says = (_recording_words(merged.a, ours), _recording_words(merged.b, theirs))
    kept = f"the other is kept as {other!r}, discarded"
    winner = merged.choices.decide("recording", ours.id, says, loser=kept)
    loser = merged.of_b if winner == "A" else merged.of_a
    loser.recordings[ours.id] = other
    loser.discarded.add(ours.id)


def _recording_words(side: Opened, one: Recording) -> str:
    packets = sum(heard.count for heard in side.survey.recordings.heard(one.id).values())
    place = f"{one.kind}{f' {one.point}' if one.point else ''}"
    return f"{place}, {one.started_utc:%Y-%m-%d %H:%M}, {packets} packets, {one.status}"


def _free_recording(merged: MergedSessions, name: str) -> str:
    new_id = free_name(name, merged.recordings)
    merged.recordings.add(new_id)
    return new_id

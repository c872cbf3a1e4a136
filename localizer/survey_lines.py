"""One line of JSON for each thing that a survey holds: its wire form."""

from __future__ import annotations

import json
from datetime import date
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    FiniteFloat,
    TypeAdapter,
    ValidationError,
)

from localizer.beacons import BeaconId
from localizer.errors import SurveyError
from localizer.scans import Fingerprint, Role, Scan, Session, SessionState
from localizer.site import Position
from localizer.survey.dump import CutFingerprint, Record
from localizer.survey_record_lines import RecordLine, record_to_fields

FORMAT: Final = "localizer-survey"
_MAX_QUOTE: Final = 80
"""Characters of a wrong value that a message repeats; a damaged line can be megabytes long."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class Header(_Strict):
    """The first line: which format, which version, and the site."""

    type: Literal["header"]
    format: Literal["localizer-survey"]
    schema_version: int
    site: str
    """The site's TOML text."""


class _SessionLine(_Strict):
    type: Literal["session"]
    id: str
    role: Role
    device: str
    note: str = ""
    person: str | None = None
    started_utc: AwareDatetime | None = None
    utc_offset_s: int | None = None
    state: SessionState = "closed"
    expires_utc: AwareDatetime | None = None


class _PositionModel(_Strict):
    x_m: FiniteFloat
    y_m: FiniteFloat
    floor: str


class _FingerprintLine(_Strict):
    type: Literal["fingerprint"]
    session: str
    visit: str
    device: str
    time_utc: AwareDatetime
    local_date: date
    start_ns: int
    duration_s: FiniteFloat
    readings: dict[str, list[FiniteFloat]]
    position: _PositionModel | None = None
    position_sd_m: FiniteFloat | None = None
    heading_deg: FiniteFloat | None = None
    synthetic: str | None = None
    recording: str | None = None
    """The recording that it was cut from."""


_HEADER: Final = TypeAdapter(Header)
_RECORD: Final = TypeAdapter[_SessionLine | _FingerprintLine | RecordLine](
    Annotated[_SessionLine | _FingerprintLine | RecordLine, Field(discriminator="type")]
)
_TYPES: Final = (
    *("session", "fingerprint", "point", "plan", "beacon_change", "site_edit"),
    *("recording", "waypoint", "adverts"),
)
"""Names that pydantic puts before a field's own."""


def header_to_line(schema_version: int, site_toml: str) -> bytes:
    """Return the first line of an export, with its line feed."""
    header = {"type": "header", "format": FORMAT, "schema_version": schema_version}
    return _to_line({**header, "site": site_toml})


def record_to_line(record: Record) -> bytes:
    """Return anything that a survey holds as one line of UTF-8 JSON, with its line feed.

    Floats are written with as many digits as bring back the same bits; fields that are None are
    left out.
    """
    match record:
        case Session():
            return _to_line(_session_fields(record) | _campaign_fields(record))
        case Fingerprint():
            return fingerprint_to_line(record)
        case CutFingerprint(fingerprint, recording):
            return _to_line(_fingerprint_fields(fingerprint) | {"recording": recording})
        case _:
            return _to_line(record_to_fields(record))


def session_to_line(session: Session) -> bytes:
    """Return what of a session decides on what is trained: one line that goes into hashes."""
    return _to_line(_session_fields(session))


def fingerprint_to_line(fingerprint: Fingerprint) -> bytes:
    """Return a fingerprint as one line of UTF-8 JSON, with its line feed."""
    return _to_line(_fingerprint_fields(fingerprint))


def _session_fields(session: Session) -> dict[str, Any]:
    fields = {"id": session.id, "role": session.role, "device": session.device}
    return {"type": "session", **fields, "note": session.note}


def _campaign_fields(session: Session) -> dict[str, Any]:
    started, expires = session.started_utc, session.expires_utc
    fields = {
        "person": session.person,
        "started_utc": started and started.isoformat(timespec="microseconds"),
        "utc_offset_s": session.utc_offset_s,
        "state": None if session.state == "closed" else session.state,
        "expires_utc": expires and expires.isoformat(timespec="microseconds"),
    }
    return {name: value for name, value in fields.items() if value is not None}


def _fingerprint_fields(fingerprint: Fingerprint) -> dict[str, Any]:
    scan, at = fingerprint.scan, fingerprint.position
    optional = {
        "position": None if at is None else {"x_m": at.x_m, "y_m": at.y_m, "floor": at.floor},
        "position_sd_m": fingerprint.position_sd_m,
        "heading_deg": fingerprint.heading_deg,
        "synthetic": fingerprint.synthetic,
    }
    return {
        "type": "fingerprint",
        "session": fingerprint.session,
        "visit": fingerprint.visit,
        "device": fingerprint.device,
        "time_utc": fingerprint.time_utc.isoformat(timespec="microseconds"),
        "local_date": fingerprint.local_date.isoformat(),
        "start_ns": scan.start_ns,
        "duration_s": scan.duration_s,
        "readings": {beacon: list(values) for beacon, values in scan.readings.items()},
        **{name: value for name, value in optional.items() if value is not None},
    }


def header_from_line(line: bytes) -> Header:
    """Read the first line of an export.

    Raises:
        SurveyError: saying what is wrong with the line.
    """
    try:
        return _HEADER.validate_json(line)
    except ValidationError as error:
        raise SurveyError(_first_problem(error)) from error


def record_from_line(line: bytes) -> Record:
    """Read any other line of an export. Only its types are checked; the survey checks the rest.

    Raises:
        SurveyError: saying what is wrong with the line.
    """
    try:
        record = _RECORD.validate_json(line)
    except ValidationError as error:
        raise SurveyError(_first_problem(error)) from error
    match record:
        case _SessionLine():
            return Session(**{name: value for name, value in record if name != "type"})
        case _FingerprintLine():
            fingerprint, cut_from = _fingerprint(record), record.recording
            return fingerprint if cut_from is None else CutFingerprint(fingerprint, cut_from)
        case _:
            return record.record()


def _fingerprint(line: _FingerprintLine) -> Fingerprint:
    readings = {BeaconId(beacon): tuple(values) for beacon, values in line.readings.items()}
    at = line.position
    return Fingerprint(
        Scan(line.start_ns, line.duration_s, readings),
        line.session,
        line.visit,
        line.device,
        line.time_utc,
        line.local_date,
        None if at is None else Position(at.x_m, at.y_m, at.floor),
        line.position_sd_m,
        line.heading_deg,
        line.synthetic,
    )


def _to_line(document: dict[str, Any]) -> bytes:
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8") + b"\n"


def _first_problem(error: ValidationError) -> str:
    problem = error.errors(include_url=False)[0]
    where = ".".join(str(part) for part in problem["loc"] if part not in _TYPES)
    got = repr(problem["input"])
    quote = got if len(got) <= _MAX_QUOTE else f"{got[:_MAX_QUOTE]}…"
    return f"{f'field {where!r}: ' if where else ''}{problem['msg']}, but got {quote}"

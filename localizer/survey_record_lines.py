"""One line of JSON for what a survey holds beside sessions and fingerprints."""

from __future__ import annotations

import base64
from collections.abc import Iterable
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Literal, Self

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    FiniteFloat,
    model_validator,
)

from localizer.beacons import BeaconId
from localizer.scans import Advertisement
from localizer.site import Position
from localizer.survey.dump import (
    NumberedChange,
    RecordedAdverts,
    RecordedWaypoint,
    StoredEdit,
)
from localizer.survey.records import (
    BeaconChange,
    FloorPlan,
    Point,
    PointSource,
    Recording,
    RecordingKind,
    RecordingStatus,
    Waypoint,
)
from localizer.surveying.scale import MeasuredDistance, PlanTransform

SurveyRecord = (
    Point | FloorPlan | NumberedChange | StoredEdit | Recording | RecordedWaypoint | RecordedAdverts
)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _PointLine(_Strict):
    type: Literal["point"]
    id: str
    x_m: FiniteFloat
    y_m: FiniteFloat
    floor: str
    name: str = ""
    source: PointSource = "free"

    def record(self) -> Point:
        return Point(self.id, Position(self.x_m, self.y_m, self.floor), self.name, self.source)


_Pixel = tuple[FiniteFloat, FiniteFloat]


class _TransformModel(_Strict):
    m_per_px: Annotated[FiniteFloat, Field(gt=0)]
    origin_px: _Pixel
    rotation_deg: FiniteFloat


class _DistanceModel(_Strict):
    from_px: _Pixel
    to_px: _Pixel
    length_m: FiniteFloat


def _from_base64(text: object) -> bytes:
    if not isinstance(text, str):
        raise ValueError("it must be base64 in a text")
    return base64.b64decode(text, validate=True)


class _PlanLine(_Strict):
    type: Literal["plan"]
    floor: str
    media_type: str
    size_px: tuple[int, int] | None = None
    data: Annotated[bytes, BeforeValidator(_from_base64)]
    transform: _TransformModel | None = None
    distances: list[_DistanceModel] = []

    def record(self) -> FloorPlan:
        transform = self.transform
        return FloorPlan(
            self.floor,
            self.media_type,
            self.size_px,
            self.data,
            None if transform is None else PlanTransform(**dict(transform)),
            tuple(MeasuredDistance(**dict(one)) for one in self.distances),
        )


class _ChangeLine(_Strict):
    type: Literal["beacon_change"]
    number: int
    beacon: str
    since_utc: AwareDatetime
    replacement: str | None = None
    note: str = ""

    def record(self) -> NumberedChange:
        new = None if self.replacement is None else BeaconId(self.replacement)
        change = BeaconChange(BeaconId(self.beacon), self.since_utc, new, self.note)
        return NumberedChange(self.number, change)


class _EditLine(_Strict):
    type: Literal["site_edit"]
    time_utc: AwareDatetime
    what: str
    site_before: str
    beacon_change: int | None = None

    def record(self) -> StoredEdit:
        return StoredEdit(self.time_utc, self.what, self.site_before, self.beacon_change)


class _RecordingLine(_Strict):
    type: Literal["recording"]
    id: str
    session: str
    kind: RecordingKind
    started_ns: int
    started_utc: AwareDatetime
    status: RecordingStatus
    ended_ns: int | None = None
    point: str | None = None
    heading_deg: FiniteFloat | None = None
    resumes: str | None = None
    window_s: FiniteFloat | None = None

    def record(self) -> Recording:
        return Recording(**{name: value for name, value in self if name != "type"})


class _WaypointLine(_Strict):
    type: Literal["waypoint"]
    recording: str
    time_ns: int
    x_m: FiniteFloat
    y_m: FiniteFloat
    floor: str

    def record(self) -> RecordedWaypoint:
        at = Position(self.x_m, self.y_m, self.floor)
        return RecordedWaypoint(self.recording, Waypoint(self.time_ns, at))


class _AdvertsLine(_Strict):
    type: Literal["adverts"]
    recording: str
    beacons: list[str]
    receivers: list[str] = []
    rows: list[
        tuple[
            int,
            Annotated[int, Field(ge=0)],
            FiniteFloat,
            FiniteFloat | None,
            Annotated[int, Field(ge=0)] | None,
        ]
    ]
    """time_ns, number in `beacons`, RSSI and measured power (dBm), number in `receivers`."""

    @model_validator(mode="after")
    def _check_numbers(self) -> Self:
        last_beacon, last_receiver = len(self.beacons) - 1, len(self.receivers) - 1
        for _, beacon, _, _, receiver in self.rows:
            if beacon > last_beacon or (receiver is not None and receiver > last_receiver):
                raise ValueError("a row must name a beacon and a receiver of its line")
        return self

    def record(self) -> RecordedAdverts:
        adverts = (
            Advertisement(
                BeaconId(self.beacons[beacon]),
                rssi_dbm,
                time_ns,
                power_dbm,
                None if receiver is None else self.receivers[receiver],
            )
            for time_ns, beacon, rssi_dbm, power_dbm, receiver in self.rows
        )
        return RecordedAdverts(self.recording, tuple(adverts))


RecordLine = (
    _PointLine | _PlanLine | _ChangeLine | _EditLine | _RecordingLine | _WaypointLine | _AdvertsLine
)


def record_to_fields(record: SurveyRecord) -> dict[str, Any]:
    """Return the JSON object of a record's line; fields that are None are left out."""
    match record:
        case Point():
            fields = {"type": "point", **_flat(asdict(record), "position")}
        case FloorPlan():
            fields = {"type": "plan", **asdict(record)}
            fields["data"] = base64.b64encode(record.data).decode("ascii")
        case NumberedChange(number, change):
            fields = {"type": "beacon_change", "number": number, **asdict(change)}
        case StoredEdit():
            fields = {"type": "site_edit", **asdict(record)}
        case Recording():
            fields = {"type": "recording", **asdict(record)}
        case RecordedWaypoint(recording, waypoint):
            at = _flat(asdict(waypoint), "position")
            fields = {"type": "waypoint", "recording": recording, **at}
        case RecordedAdverts():
            fields = {"type": "adverts", "recording": record.recording, **_columns(record.adverts)}
    return {name: _plain(value) for name, value in fields.items() if value is not None}


def _flat(fields: dict[str, Any], inner: str) -> dict[str, Any]:
    lifted: dict[str, Any] = fields.pop(inner)
    return fields | lifted


def _plain(value: Any) -> Any:
    return value.isoformat(timespec="microseconds") if isinstance(value, datetime) else value


def _columns(adverts: Iterable[Advertisement]) -> dict[str, Any]:
    beacons: dict[str, int] = {}
    receivers: dict[str, int] = {}
    rows = [
        [
            one.time_ns,
            beacons.setdefault(one.beacon, len(beacons)),
            one.rssi_dbm,
            one.measured_power_dbm,
            None if one.receiver is None else receivers.setdefault(one.receiver, len(receivers)),
        ]
        for one in adverts
    ]
    return {"beacons": list(beacons), "receivers": list(receivers), "rows": rows}

"""What the survey's page and its service say to each other; lengths in metres, levels in dBm."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat

from localizer.scans import Role, SessionState
from localizer.sources.status import SourceState
from localizer.survey.records import PointSource, RecordingKind, RecordingStatus

MAX_TEXT: Final = 1_000
"""Characters of a note; of a name, `MAX_NAME`."""

MAX_NAME: Final = 200

MAX_POLYGONS: Final = 500
"""Blocked areas or walls of a floor times four: a drawn hall has some dozens."""


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


Name = Annotated[str, Field(max_length=MAX_NAME)]
Note = Annotated[str, Field(max_length=MAX_TEXT)]
FloorId = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[^/\s][^/]*$")]
Corner = tuple[FiniteFloat, FiniteFloat]


# The site


class FloorMessage(_In):
    """One storey: what can be walked is the outline less what is blocked."""

    id: FloorId
    name: Name
    outline: Annotated[list[Corner], Field(min_length=3, max_length=2_000)]
    blocked: Annotated[list[list[Corner]], Field(max_length=MAX_POLYGONS)] = []
    walls: Annotated[list[tuple[Corner, Corner]], Field(max_length=4 * MAX_POLYGONS)] = []


class BeaconMessage(_Out):
    """One fixed beacon; null where nobody measured where it hangs."""

    id: str
    floor: str | None
    x_m: float | None
    y_m: float | None


class SiteMessage(_Out):
    """The building."""

    id: str
    name: str
    floors: list[FloorMessage]
    beacons: list[BeaconMessage]


class SiteName(_In):
    """Another name for the site."""

    name: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]


class Place(_In):
    """A place of a floor."""

    floor: FloorId
    x_m: FiniteFloat
    y_m: FiniteFloat


class Replacement(_In):
    """What hangs where the old beacon hung."""

    replacement: Annotated[str, Field(max_length=MAX_NAME)]


class Distance(_In):
    """A stretch of the plan that somebody measured."""

    from_px: Corner
    to_px: Corner
    length_m: FiniteFloat


class ScaleRequest(_In):
    """Two measured distances at different angles, and where the floor's frame lies on the plan."""

    distances: Annotated[list[Distance], Field(min_length=2, max_length=2)]
    origin_px: Corner
    rotation_deg: FiniteFloat = 0.0


class ScaleAnswer(_Out):
    """How the plan lies in the floor's frame."""

    m_per_px: float
    origin_px: tuple[float, float]
    rotation_deg: float
    relative_sd: Annotated[float, Field(description="Standard deviation of the scale, a share.")]
    mismatch: Annotated[float, Field(description="By which the two differ, a share.")]


class PlanMessage(_Out):
    """The drawing of a floor; without a scale it cannot be placed yet."""

    media_type: str
    size_px: tuple[int, int] | None
    m_per_px: float | None
    origin_px: tuple[float, float] | None
    rotation_deg: float | None
    distances: list[Distance]
    url: str


# Points


class NewPoint(_In):
    """A free point."""

    floor: FloorId
    x_m: FiniteFloat
    y_m: FiniteFloat
    name: Name = ""


class Grid(_In):
    """A grid of points over a floor."""

    floor: FloorId
    step_m: FiniteFloat


class PointMessage(_Out):
    """A place that is to be surveyed."""

    id: str
    floor: str
    x_m: float
    y_m: float
    name: str
    source: PointSource


class NextAnswer(_Out):
    """Where to go now."""

    point: PointMessage | None
    distance_m: float | None
    way_m: list[tuple[float, float]]
    reason: Annotated[
        Literal["all_done", "unreachable", "no_points"] | None, Field(description="Why no point.")
    ]
    unreachable: Annotated[list[str], Field(description="Points that lack data behind walls.")]


# Sessions and recordings


class NewSession(_In):
    """A campaign that begins."""

    device: Annotated[str, Field(min_length=1, max_length=MAX_NAME)]
    person: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] | None = None
    note: Note = ""
    role: Role = "development"
    utc_offset_s: Annotated[int, Field(ge=-86_400, le=86_400)] | None = None
    """Of the phone's clock; null takes the service's own."""


class SessionChange(_In):
    """What of a session is changed: the fields that are there."""

    device: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] = ""
    person: Annotated[str, Field(min_length=1, max_length=MAX_NAME)] | None = None
    note: Note = ""
    expires_on: Annotated[str, Field(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None


class SessionMessage(_Out):
    """One campaign."""

    id: str
    role: Role
    device: str
    person: str | None
    note: str
    started_utc: str | None
    state: SessionState
    expires_on: Annotated[str | None, Field(description="The day from which nobody reads it.")]
    expired: bool
    fingerprints: int


class StartRecording(_In):
    """What is to be recorded: a point by its id, a walk from where it begins, or neither."""

    kind: RecordingKind
    point: str | None = None
    heading_deg: FiniteFloat | None = None
    at: Place | None = None
    resumes: str | None = None


class RecordingMessage(_Out):
    """One stand, walk or unlabelled recording."""

    id: str
    session: str
    kind: RecordingKind
    point: str | None
    status: RecordingStatus
    started_utc: str
    duration_s: Annotated[float | None, Field(description="null while it is open.")]
    heading_deg: float | None
    resumes: str | None
    adverts: int
    beacons: int
    scans: int


class FindingMessage(_Out):
    """Something that the surveyor can still put right."""

    code: str
    words: str
    advice: str
    beacons: list[str]


class Finished(_Out):
    """What came of a recording, and what speaks against it."""

    id: str
    findings: list[FindingMessage]


# The whole


class Limits(_Out):
    """What an upload may have, bytes."""

    plan_bytes: int
    table_bytes: int


class UndoMessage(_Out):
    """What would be taken back."""

    what: str


class SurveyMessage(_Out):
    """The whole state."""

    version: int
    site: SiteMessage
    plans: dict[str, PlanMessage]
    points: list[PointMessage]
    sessions: list[SessionMessage]
    session: Annotated[str | None, Field(description="The one that is recorded.")]
    recordings: list[RecordingMessage]
    undo: UndoMessage | None
    bundle: Annotated[str | None, Field(description="What check walks are judged by.")]
    limits: Limits


class Done(_Out):
    """That something was changed."""

    what: Annotated[str, Field(description="In words, for the screen.")]


class Made(_Out):
    """The id of what was made."""

    id: str


# Now


class SourceNow(_Out):
    """How the source is."""

    name: str
    state: SourceState
    reason: str | None
    detail: str | None
    restarts: int
    given: int
    dropped: dict[str, int]


class WaypointNow(_Out):
    """Where the walker was."""

    floor: str
    x_m: float
    y_m: float
    elapsed_s: float


class StorageError(_Out):
    """Why nothing can be written now; what is heard is held meanwhile."""

    reason: str | None
    detail: str | None


class RecordingNow(_Out):
    """The open recording."""

    id: str
    kind: RecordingKind
    point: str | None
    heading_deg: float | None
    elapsed_s: float
    adverts: int
    beacons: int
    scans: int
    wanted_s: Annotated[
        float | None, Field(description="How long a stand takes at least; null for the others.")
    ]
    waypoints: list[WaypointNow]
    committed: int
    lost: int
    storage_error: StorageError | None


class HeardMessage(_Out):
    """One beacon as it is heard now."""

    beacon: str
    rssi_dbm: float
    median_dbm: float
    rate_hz: float
    last_s: float
    count: int


class QualityNow(_Out):
    """Whether the point can be left."""

    ok: bool
    findings: list[FindingMessage]


class StatusEvent(_Out):
    """What every event says."""

    version: int
    session: str | None
    recorder: Annotated[
        str | None, Field(description="idle, recording, waiting (nothing can be written) or failed")
    ]
    storage_error: StorageError | None
    source: SourceNow
    recording: RecordingNow | None
    heard: list[HeardMessage]
    quality: QualityNow | None

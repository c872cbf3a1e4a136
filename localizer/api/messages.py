"""What goes over the wire, described once: these models are the OpenAPI document."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

from localizer.fixes import Cause, Status
from localizer.manifest import Forced, Metrics

MAX_READINGS: Final = 1_000
"""Beacons in one scan; a crowded hall has some hundreds in reach."""

MAX_SCANS: Final = 10_000
"""Scans in one batch."""

Rssi = Annotated[
    float,
    Field(gt=-127, lt=0, allow_inf_nan=False, strict=True, description="Level, dBm."),
]
"""-127 is what Bluetooth stacks give for "unknown", 0 and above is never received."""

_READINGS: Final = {"name:demo:b01": -58.5, "name:demo:b05": -71, "name:demo:b02": -80}


class _In(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Out(BaseModel):
    model_config = ConfigDict(frozen=True)


class LocateRequest(_In):
    """One scan: what a receiver heard, beacon by beacon."""

    readings: Annotated[
        dict[str, Rssi],
        Field(
            max_length=MAX_READINGS,
            description="RSSI in dBm by beacon id; a beacon that was not heard is left out. "
            "Ids that the bundle does not know are ignored and counted.",
            examples=[_READINGS],
        ),
    ]


class BatchRequest(_In):
    """Many scans, answered in their order."""

    scans: Annotated[list[LocateRequest], Field(max_length=MAX_SCANS)]


class HeardMessage(_Out):
    """One beacon that was heard."""

    beacon: Annotated[str, Field(examples=["name:demo:b01"])]
    rssi_dbm: Annotated[float, Field(description="Level over the window, dBm.", examples=[-58.5])]


class Point(_Out):
    """A point of the floor."""

    x_m: Annotated[float, Field(description="Metres in the site's right-handed frame.")]
    y_m: Annotated[float, Field(description="Metres; y grows away from the x axis.")]


_X = Annotated[
    float | None,
    Field(description="Metres in the site's frame; null unless status is ok.", examples=[4.21]),
]
_Y = Annotated[
    float | None,
    Field(description="Metres in the site's frame; null unless status is ok.", examples=[7.9]),
]
_Status = Annotated[
    Status,
    Field(
        description="ok: there is a position. no_signal: too little was heard. stale: nothing new "
        "for longer than the service allows. out_of_area: what was heard fits no place here."
    ),
]
_Cause = Annotated[
    Cause | None, Field(description="Why there is no position; null for ok.", examples=[None])
]


_R68 = Annotated[
    float | None,
    Field(
        description="Radius about the position that holds the receiver with 68 % probability, "
        "metres; null without a position, or if the bundle's model gives no distribution.",
        examples=[1.9],
    ),
]
_R95 = Annotated[float | None, Field(description="The same for 95 %.", examples=[3.8])]


class LocateAnswer(_Out):
    """Where one scan was taken."""

    x_m: _X
    y_m: _Y
    floor: Annotated[str, Field(description="The floor that the bundle locates on.")]
    status: _Status
    cause: _Cause
    heard: Annotated[list[HeardMessage], Field(description="Beacons of the bundle, loudest first.")]
    ignored: Annotated[int, Field(description="Readings of beacons that the bundle lacks.")]
    bundle: Annotated[str, Field(description="Id of the bundle that computed this.")]
    r68_m: _R68
    r95_m: _R95


class BatchPosition(_Out):
    """Where one scan of a batch was taken."""

    x_m: _X
    y_m: _Y
    status: _Status
    cause: _Cause
    ignored: Annotated[int, Field(description="Readings of beacons that the bundle lacks.")]
    r68_m: _R68
    r95_m: _R95


class BatchAnswer(_Out):
    """Positions in the order of the scans."""

    bundle: str
    floor: str
    positions: list[BatchPosition]


class FixMessage(_Out):
    """What is known about one moment."""

    seq: Annotated[int, Field(description="Counts from 1 without gaps; 0 before the first fix.")]
    time_utc: Annotated[str, Field(description="Capture: end of the window, ISO 8601, UTC.")]
    published_utc: Annotated[str, Field(description="When the fix was made, ISO 8601, UTC.")]
    x_m: _X
    y_m: _Y
    floor: Annotated[str, Field(description="The floor that the bundle locates on.")]
    status: _Status
    cause: _Cause
    heard: Annotated[list[HeardMessage], Field(description="Beacons of the bundle, loudest first.")]
    bundle: Annotated[str, Field(description="Id of the bundle that computed this.")]
    truth: Annotated[
        Point | None, Field(description="Where the receiver really was; replays and simulations.")
    ]
    error_m: Annotated[float | None, Field(description="Distance from position to truth, metres.")]
    r68_m: _R68
    r95_m: _R95


class FloorMessage(_Out):
    """One storey."""

    id: str
    name: str
    outline: Annotated[
        list[tuple[float, float]], Field(description="Corners (x, y), metres, in order.")
    ]
    blocked: Annotated[
        list[list[tuple[float, float]]], Field(description="Polygons nobody can walk in, metres.")
    ]
    walls: Annotated[
        list[tuple[tuple[float, float], tuple[float, float]]],
        Field(description="Ends (x, y) of walls, metres."),
    ]
    bounds: Annotated[
        tuple[float, float, float, float],
        Field(description="x_min, y_min, x_max, y_max of outline and beacons, metres."),
    ]


class BeaconMessage(_Out):
    """One fixed beacon."""

    id: str
    floor: Annotated[str | None, Field(description="null if nobody measured where it hangs.")]
    x_m: float | None
    y_m: float | None
    used: Annotated[bool, Field(description="Whether the bundle's model listens to it.")]


class SiteMessage(_Out):
    """The building, in metres, right-handed (y up on a drawing)."""

    id: str
    name: str
    source: Annotated[str, Field(description="Where the geometry comes from.")]
    cell_m: Annotated[float | None, Field(description="Side of the survey's grid cell, metres.")]
    floor: Annotated[str, Field(description="The floor that the bundle locates on.")]
    floors: list[FloorMessage]
    beacons: list[BeaconMessage]


class Reason(_Out):
    """Why the service is not well."""

    code: Annotated[str, Field(description="Machine-readable.", examples=["source_failed"])]
    detail: str


class BundleHealth(_Out):
    """What computes the positions."""

    id: str
    method: str
    is_baseline: Annotated[bool, Field(description="True if the method trains no network.")]
    created_utc: str
    beacons: int
    min_beacons: Annotated[int, Field(description="A scan needs this many for a position.")]
    metrics: Annotated[list[Metrics], Field(description="Errors by split, metres.")]
    metrics_note: str
    forced: Annotated[
        Forced | None,
        Field(description="The better method that was passed over by --force; null for the best."),
    ]


class Dropped(_Out):
    """Advertisements and windows that the source gave on and that could not be used."""

    late: Annotated[int, Field(description="Came after their last window.")]
    future: Annotated[int, Field(description="Stamped too far ahead.")]
    overflowed: Annotated[int, Field(description="More than could be held.")]
    skipped: Annotated[int, Field(description="Empty windows left out after a long silence.")]


class SourceHealth(_Out):
    """Where the advertisements come from."""

    name: str
    state: Annotated[
        str,
        Field(
            description="starting, opening, running, recovering (what it listens with is away, and "
            "is tried again by itself), ended, failed or stopped.",
            examples=["running"],
        ),
    ]
    reason: Annotated[
        str | None,
        Field(description="Why, if it is not running; machine-readable.", examples=["powered_off"]),
    ]
    detail: Annotated[str | None, Field(description="The same in words, with what to do.")]
    restarts: Annotated[int, Field(description="How often it has come back from recovering.")]
    left_out: Annotated[
        dict[str, int],
        Field(
            description="What the source heard and did not give on, by reason.",
            examples=[{"other": 312, "not_heard": 4}],
        ),
    ]
    adverts: Annotated[int, Field(description="Advertisements since the start.")]
    silent_s: Annotated[
        float, Field(description="Since the last advertisement, seconds on the source's clock.")
    ]
    stale_after_s: float
    dropped: Dropped


class StreamHealth(_Out):
    """Who listens."""

    seq: Annotated[int, Field(description="Number of the newest fix.")]
    clients: Annotated[int, Field(description="Streams that are open, SSE and WebSocket.")]
    lost: Annotated[int, Field(description="Fixes that slow clients did not get.")]


class Health(_Out):
    """How the service is."""

    status: Annotated[str, Field(description="ok, or degraded with reasons.", examples=["ok"])]
    reasons: list[Reason]
    uptime_s: float
    bundle: Annotated[BundleHealth | None, Field(description="null for a survey without one.")]
    source: Annotated[SourceHealth | None, Field(description="null without a live source.")]
    stream: StreamHealth | None
    versions: dict[str, str]


class Problem(_Out):
    """What went wrong (RFC 9457)."""

    type: Annotated[str, Field(examples=["urn:localizer:problem:invalid-field"])]
    title: str
    status: int
    code: Annotated[str, Field(description="The last part of `type`.", examples=["invalid-field"])]
    detail: Annotated[str, Field(description="What must hold and what to do.")]
    field: Annotated[
        str | None, Field(description="The offending field.", examples=["readings.name:demo:b01"])
    ] = None
    got: Annotated[str | None, Field(description="What came in it.", examples=["5"])] = None

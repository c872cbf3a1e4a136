"""What a bundle says about itself: `manifest.json`, checked once when it is read."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, TypeAdapter

from localizer.beacons import BeaconId
from localizer.features import FeatureSpec

BUNDLE_SCHEMA: Final = 2
"""Version of the manifest; an edge reads its own and every older one. 2 added `forced`, `grid` with
the output `log_probability`, the metrics' `spread`, `aliases` and `site_checks`."""

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TensorInfo(_Strict):
    """One input or output of the model."""

    name: str
    """The tensor's name in model.tflite."""
    feature: str
    """`vector` or `image` for an input; `position` or `log_probability` for an output."""
    shape: tuple[int | None, ...]
    """None is the axis of scans."""
    dtype: Literal["float32"]
    meaning: str


class TargetScale(_Strict):
    """How positions were scaled for training; the graph has undone it: its output is metres."""

    offset_m: tuple[FiniteFloat, FiniteFloat]
    scale_m: tuple[FiniteFloat, FiniteFloat]
    undone_in: Literal["graph"] = "graph"


class Grid(_Strict):
    """The square cells of a floor that a distribution is over: row after row, rows grow with y."""

    x0_m: FiniteFloat
    """x of the first column's centres, metres."""
    y0_m: FiniteFloat
    """y of the first row's centres, metres."""
    cell_m: Annotated[FiniteFloat, Field(gt=0)]
    """Side of a cell, metres."""
    columns: Annotated[int, Field(ge=1)]
    rows: Annotated[int, Field(ge=1)]

    @property
    def cells(self) -> int:
        """How many there are: the width of `log_probability`."""
        return self.columns * self.rows


class SpreadMetrics(_Strict):
    """How good a method's distributions were on one split: means over scans."""

    nll: FiniteFloat
    """Negative log-likelihood, nats, of the density per square metre at the truth."""
    energy_score_m: FiniteFloat
    coverage_68: FiniteFloat
    """Share of scans whose truth lay in the disc that was said to hold 68 %."""
    coverage_95: FiniteFloat
    r68_m: FiniteFloat
    """Mean radius of that disc, metres."""
    r95_m: FiniteFloat


class Metrics(_Strict):
    """Errors of the recipe on one split, metres."""

    split: str
    honest: bool
    """False for splits that flatter: random rows, or a publication's own."""
    n: int
    seeds: int
    mean_m: FiniteFloat
    ci_low_m: FiniteFloat
    ci_high_m: FiniteFloat
    median_m: FiniteFloat
    p75_m: FiniteFloat
    p95_m: FiniteFloat
    baseline: str
    """The best simple method on the same split."""
    baseline_mean_m: FiniteFloat
    spread: SpreadMetrics | None = None
    """None for a method without distributions, and in bundles of schema 1."""


class Provenance(_Strict):
    """Where the model comes from."""

    survey: str
    data_sha256: Sha256
    sessions: tuple[str, ...]
    """The sessions that were trained on."""
    rows: int
    config_sha256: Sha256
    git_commit: str
    git_dirty: bool
    seed: int
    versions: dict[str, str]


class Forced(_Strict):
    """That somebody exported a method although another one is better."""

    best: str
    """The method that was not exported."""
    worse_by_m: Annotated[FiniteFloat, Field(ge=0)]
    """How much worse the exported one is: the difference of the means over the criterion's splits
    of the mean errors, metres."""
    criterion: tuple[str, ...]
    """The splits whose mean errors decide."""


class SiteCheck(_Strict):
    """What a check walk found: fixes of this bundle where somebody stood, metres."""

    id: str
    time_utc: str
    """When its last point was done, ISO 8601, UTC."""
    source: str
    """What listened, as the service was told."""
    points: Annotated[int, Field(ge=1)]
    """Places where somebody stood."""
    fixes: Annotated[int, Field(ge=1)]
    n: Annotated[int, Field(ge=0)]
    """Fixes that had a position on the right floor; the errors are theirs alone."""
    mean_m: FiniteFloat | None
    """None, as all errors, when nothing was located."""
    mean_low_m: FiniteFloat | None
    """Bounds of the 95 % interval of the mean, bootstrapped by point; None below two points."""
    mean_high_m: FiniteFloat | None
    median_m: FiniteFloat | None
    p75_m: FiniteFloat | None
    p95_m: FiniteFloat | None
    no_position_share: Annotated[FiniteFloat, Field(ge=0, le=1)]
    """Of all fixes."""


class FilePart(_Strict):
    """One file of the bundle."""

    sha256: Sha256
    bytes: int


class ManifestContent(_Strict):
    """All that the runtime cannot guess from the model file."""

    schema_version: int
    id: str
    created_utc: str
    localizer_version: str
    method: str
    is_baseline: bool
    """True when a method that trains no network was the best and is what is shipped."""
    site: str
    floor: str
    beacons: tuple[str, ...]
    """The beacon ids of the features, in order."""
    features: dict[str, Any]
    """The FeatureSpec, word for word."""
    inputs: tuple[TensorInfo, ...]
    outputs: tuple[TensorInfo, ...]
    target: TargetScale
    min_beacons: Annotated[int, Field(ge=1)]
    """Scans that hear fewer beacons get no position."""
    metrics: tuple[Metrics, ...]
    metrics_note: str
    provenance: Provenance
    files: dict[str, FilePart]
    forced: Forced | None = None
    """None for the best method, and in bundles of schema 1."""
    grid: Grid | None = None
    """What `log_probability` is over; None for a model that gives positions alone."""
    aliases: dict[str, str] = {}
    """Beacon of `beacons` by the id of one that hangs, or hung, at the same place: beacons that
    were replaced. What is heard under the key counts as the value."""
    site_checks: tuple[SiteCheck, ...] = ()
    """Check walks with this bundle, the oldest first."""


class Manifest(ManifestContent):
    """The content, and a hash that shows whether it is what was exported."""

    manifest_sha256: Sha256
    """`manifest_digest` of manifest.json."""


def manifest_digest(document: Mapping[str, Any]) -> str:
    """Return the SHA-256 of a manifest's canonical JSON, without its own `manifest_sha256`.

    Canonical: keys sorted, no white space, ASCII; so the file may be indented.
    """
    content = {key: value for key, value in document.items() if key != "manifest_sha256"}
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode("ascii")).hexdigest()


def aliases_of(replaced: Mapping[BeaconId, BeaconId], beacons: Sequence[str]) -> dict[str, str]:
    """Return the `aliases` of a bundle with these beacons.

    A bundle that was trained before a beacon was replaced takes the new id for the old one's, one
    that was trained afterwards the old id for the new one's: it stands in recordings from before.

    Args:
        replaced: what hangs now at the place of every beacon that was replaced, by its id.
        beacons: those of the bundle's features.
    """
    known, aliases = set(beacons), dict[str, str]()
    for old, new in replaced.items():
        if old in known and new not in known:
            aliases[new] = old
        elif new in known and old not in known:
            aliases[old] = new
    return aliases


SPEC_ADAPTER: Final = TypeAdapter(FeatureSpec)
"""Reads and writes a FeatureSpec as JSON."""


class GoldenVector(_Strict):
    """One scan with the position that the model must give for it."""

    readings: dict[str, Annotated[tuple[FiniteFloat, ...], Field(min_length=1)]]
    """Every RSSI, dBm, by beacon id: another order or aggregation gives another position."""
    position_m: tuple[FiniteFloat, FiniteFloat]
    covariance_m2: tuple[FiniteFloat, FiniteFloat, FiniteFloat] | None = None
    """xx, xy and yy of the distribution about that position, m^2: another grid or order of cells
    gives others. None without a distribution."""


class Golden(_Strict):
    """Inputs and outputs that every load checks again."""

    tolerance_m: Annotated[FiniteFloat, Field(gt=0)]
    vectors: Annotated[tuple[GoldenVector, ...], Field(min_length=1)]

"""A fitted method as a bundle: model, site, golden vectors, model card, and a manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from localizer import __version__
from localizer.beacons import BeaconId
from localizer.bundle import GOLDEN_TOLERANCE_M, MANIFEST, Bundle, load_bundle
from localizer.features import FeatureSpec, scan_to_vector
from localizer.manifest import (
    BUNDLE_SCHEMA,
    SPEC_ADAPTER,
    FilePart,
    Forced,
    Golden,
    GoldenVector,
    Grid,
    ManifestContent,
    Metrics,
    Provenance,
    TensorInfo,
    aliases_of,
    manifest_digest,
)
from localizer.scans import Scan
from localizer.site import Site, site_to_toml
from localizer.spread import FloorCells
from localizer.table import FingerprintTable
from training.card import model_card
from training.convert import to_tflite, verified_model
from training.methods import Fitted, Prediction
from training.regular_grid import regular_grid
from training.splits import SEALED

GOLDEN_SCANS: Final = 16
"""Scans that every load re-checks: enough to hear every beacon once, few enough to cost nothing."""

SEVERAL_BELOW_DB: Final = (0.0, 12.0, 42.0)
"""Every second golden scan hears its loudest beacon this often, that far below the survey's value:
mean, median and maximum are 6 dB or more apart, so that a bundle which names another one gives
other positions, unless its method chooses among few (k-NN may not notice)."""

MIN_BEACONS: Final = 1
"""Beacons that a scan must hear. Two thirds of UCI's scans hear one, and are located well enough to
be worth more than silence; a model with a distribution says itself how little it knows."""

METRICS_NOTE: Final = (
    "Cross-validation of the recipe on development sessions; the model in this bundle is one fit "
    "of that recipe on all development rows, and was itself never scored."
)

SEALED_NOTE: Final = (
    " Split 'sealed' is that recipe, fitted on all development rows, on sessions that nothing was "
    "chosen on."
)

_MEANING: Final = {
    "vector": "levels of the beacons in the manifest's order, then 1 where heard",
    "image": "floor image, rows growing with y; channels as features.channels names them",
    "position": "x and y, metres, in the site's right-handed frame",
    "log_probability": "natural logarithm of each cell's share, in the order of the grid",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a bundle's data and code come from."""

    is_baseline: bool
    metrics: tuple[Metrics, ...]
    provenance: Provenance
    created_utc: str
    forced: Forced | None = None
    """The better method that was passed over; None for the best."""
    notes: tuple[str, ...] = ()
    """For the model card: what was said while training, and why this method."""
    readings: tuple[str, ...] = ()
    """For the model card: every reading of the sealed sessions, and why."""
    replaced: Mapping[BeaconId, BeaconId] = field(default_factory=dict)
    """What hangs now at the place of every beacon that was replaced, by the old one's id."""


def write_bundle(
    folder: Path, fitted: Fitted, site: Site, table: FingerprintTable, origin: Origin
) -> Bundle:
    """Write a fitted method as a bundle folder, and load it as an edge would.

    Args:
        folder: made if missing; parts that stand there are replaced.
        fitted: the method, trained on `table`.
        site: with every beacon of the spec.
        table: labelled scans of one floor; golden vectors are taken from them.
        origin: metrics and provenance.

    Raises:
        BundleError: the TFLite file does not compute what TensorFlow does, or the cells of the
            distribution are no regular grid.
    """
    golden_rows = _golden_rows(table)
    golden_scans = [_golden_scan(golden_rows, at) for at in range(len(golden_rows))]
    golden_rows = _heard_anew(golden_rows, golden_scans, fitted.spec)
    grid = None if fitted.grid_m is None else regular_grid(fitted.grid_m)
    content = to_tflite(fitted)
    model, away = verified_model(fitted, content, golden_rows)
    golden = _golden(golden_scans, fitted.predict_all(golden_rows), grid)
    parts = {
        "model.tflite": content,
        "site.toml": site_to_toml(site).encode(),
        "golden.json": golden.model_dump_json(indent=1).encode(),
    }
    digest = hashlib.sha256(b"".join(parts.values())).hexdigest()[:8]
    bundle_id = f"{site.id}-{fitted.method}-{digest}"
    parts["MODEL_CARD.md"] = model_card(bundle_id, fitted, site, origin, away).encode()
    about = {
        "id": bundle_id,
        "site": site.id,
        "floor": str(table.floor[0]),
        "inputs": [
            _tensor(name, feature, (None, *model.input_shapes[feature]))
            for feature, name in model.tensor_names.items()
        ],
        "outputs": _outputs(model.output_names, grid),
        "grid": grid,
        "files": _checksums(parts),
    }
    _write(folder, parts, _manifest(fitted, origin, about))
    return load_bundle(folder)


def metrics_note(metrics: Sequence[Metrics]) -> str:
    """Return what must be known to read the errors of a bundle."""
    sealed = any(one.split == SEALED for one in metrics)
    return METRICS_NOTE + (SEALED_NOTE if sealed else "")


def _manifest(fitted: Fitted, origin: Origin, about: Mapping[str, Any]) -> ManifestContent:
    return ManifestContent(
        schema_version=BUNDLE_SCHEMA,
        created_utc=origin.created_utc,
        localizer_version=__version__,
        method=fitted.method,
        is_baseline=origin.is_baseline,
        beacons=tuple(fitted.spec.beacons),
        features=SPEC_ADAPTER.dump_python(fitted.spec, mode="json"),
        target=fitted.target,
        min_beacons=MIN_BEACONS,
        metrics=origin.metrics,
        metrics_note=metrics_note(origin.metrics),
        provenance=origin.provenance,
        forced=origin.forced,
        aliases=aliases_of(origin.replaced, fitted.spec.beacons),
        **about,
    )


def _outputs(names: Mapping[str, str], grid: Grid | None) -> list[TensorInfo]:
    position = _tensor(names["position"], "position", (None, 2))
    if grid is None:
        return [position]
    said = _tensor(names["log_probability"], "log_probability", (None, grid.cells))
    return [position, said]


def _tensor(name: str, feature: str, shape: Sequence[int | None]) -> TensorInfo:
    meaning = _MEANING[feature]
    return TensorInfo(
        name=name, feature=feature, shape=tuple(shape), dtype="float32", meaning=meaning
    )


def _golden_rows(table: FingerprintTable) -> FingerprintTable:
    """Scans spread over the survey, and for each beacon the one that hears it loudest."""
    spread = np.linspace(0, len(table) - 1, min(GOLDEN_SCANS, len(table))).astype(int)
    heard = table.mask.any(axis=0)
    loudest = np.where(table.mask, table.rssi_dbm, -np.inf).argmax(axis=0)[heard]
    return table.rows(np.unique(np.concatenate([spread, loudest])))


def _golden_scan(rows: FingerprintTable, at: int) -> Scan:
    rssi = {rows.beacons[i]: float(rows.rssi_dbm[at, i]) for i in np.flatnonzero(rows.mask[at])}
    readings = {beacon: (value,) for beacon, value in rssi.items()}
    if rssi and at % 2 == 0:
        loudest = max(rssi, key=lambda beacon: rssi[beacon])
        several = tuple(rssi[loudest] - below_db for below_db in SEVERAL_BELOW_DB)
        return Scan(0, 0.0, {**readings, loudest: several})
    return Scan(0, 0.0, readings)


def _heard_anew(
    rows: FingerprintTable, scans: Sequence[Scan], spec: FeatureSpec
) -> FingerprintTable:
    """Return the rows with what the edge makes of the scans."""
    vectors = [scan_to_vector(scan, spec.beacons, spec.aggregation) for scan in scans]
    rssi, mask = (np.stack(column) for column in zip(*vectors, strict=True))
    return replace(rows, rssi_dbm=rssi, mask=mask)


def _golden(scans: Sequence[Scan], said: Prediction, grid: Grid | None) -> Golden:
    covariances = _covariances(said, grid)
    vectors = [
        GoldenVector(
            readings={str(beacon): rssi for beacon, rssi in scan.readings.items()},
            position_m=(float(x), float(y)),
            covariance_m2=covariance,
        )
        for scan, (x, y), covariance in zip(scans, said.position_m, covariances, strict=True)
    ]
    return Golden(tolerance_m=GOLDEN_TOLERANCE_M, vectors=tuple(vectors))


def _covariances(
    said: Prediction, grid: Grid | None
) -> list[tuple[float, float, float]] | list[None]:
    if grid is None or said.log_probability is None:
        return [None] * len(said.position_m)
    found = FloorCells.of(grid).covariance_m2(said.log_probability, said.position_m)
    return [(xx, xy, yy) for (xx, xy), (_, yy) in found.tolist()]


def _checksums(parts: Mapping[str, bytes]) -> dict[str, FilePart]:
    return {
        name: FilePart(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
        for name, content in parts.items()
    }


def _write(folder: Path, parts: Mapping[str, bytes], manifest: ManifestContent) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in parts.items():
        (folder / name).write_bytes(content)
    document: dict[str, Any] = manifest.model_dump(mode="json")
    document["manifest_sha256"] = manifest_digest(document)
    (folder / MANIFEST).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")

"""A fitted method as a bundle: model, site, golden vectors, model card, and a manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from localizer import __version__
from localizer.bundle import GOLDEN_TOLERANCE_M, MANIFEST, Bundle, load_bundle
from localizer.manifest import (
    BUNDLE_SCHEMA,
    SPEC_ADAPTER,
    FilePart,
    Golden,
    GoldenVector,
    Manifest,
    Metrics,
    Provenance,
    TensorInfo,
)
from localizer.site import Site, site_to_toml
from localizer.table import FingerprintTable
from training.card import model_card
from training.convert import to_tflite, verified_model
from training.methods import Fitted

GOLDEN_SCANS: Final = 16
"""Scans that every load re-checks: enough to hear every beacon once, few enough to cost nothing."""

MIN_BEACONS: Final = 1
"""Beacons that a scan must hear. Two thirds of UCI's scans hear one, and are located well enough to
be worth more than silence; a calibrated figure needs a distribution, which no model here gives."""

METRICS_NOTE: Final = (
    "Cross-validation of the recipe on development sessions; the model in this bundle is one fit "
    "of that recipe on all development rows, and was itself never scored."
)

_MEANING: Final = {
    "vector": "levels of the beacons in the manifest's order, then 1 where heard",
    "image": "floor image, rows growing with y; channels as features.channels names them",
    "position": "x and y, metres, in the site's right-handed frame",
}


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a bundle's data and code come from."""

    is_baseline: bool
    metrics: tuple[Metrics, ...]
    provenance: Provenance
    created_utc: str
    notes: tuple[str, ...] = ()
    """For the model card: what was said while training, and why this method."""


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
        BundleError: the TFLite file does not compute what TensorFlow does.
    """
    golden_scans = _golden_scans(table)
    content = to_tflite(fitted)
    model, away_m = verified_model(fitted, content, golden_scans)
    parts = {
        "model.tflite": content,
        "site.toml": site_to_toml(site).encode(),
        "golden.json": _golden(fitted, golden_scans).model_dump_json(indent=1).encode(),
    }
    digest = hashlib.sha256(b"".join(parts.values())).hexdigest()[:8]
    bundle_id = f"{site.id}-{fitted.method}-{digest}"
    parts["MODEL_CARD.md"] = model_card(bundle_id, fitted, site, origin, away_m).encode()
    about = {
        "id": bundle_id,
        "site": site.id,
        "floor": str(table.floor[0]),
        "inputs": [
            _tensor(name, feature, (None, *model.input_shapes[feature]))
            for feature, name in model.tensor_names.items()
        ],
        "outputs": [_tensor(model.output_name, "position", (None, 2))],
        "files": _checksums(parts),
    }
    _write(folder, parts, _manifest(fitted, origin, about))
    return load_bundle(folder)


def _manifest(fitted: Fitted, origin: Origin, about: Mapping[str, Any]) -> Manifest:
    return Manifest(
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
        metrics_note=METRICS_NOTE,
        provenance=origin.provenance,
        **about,
    )


def _tensor(name: str, feature: str, shape: Sequence[int | None]) -> TensorInfo:
    meaning = _MEANING[feature]
    return TensorInfo(
        name=name, feature=feature, shape=tuple(shape), dtype="float32", meaning=meaning
    )


def _golden_scans(table: FingerprintTable) -> FingerprintTable:
    """Scans spread over the survey, and for each beacon the one that hears it loudest."""
    spread = np.linspace(0, len(table) - 1, min(GOLDEN_SCANS, len(table))).astype(int)
    heard = table.mask.any(axis=0)
    loudest = np.where(table.mask, table.rssi_dbm, -np.inf).argmax(axis=0)[heard]
    return table.rows(np.unique(np.concatenate([spread, loudest])))


def _golden(fitted: Fitted, scans: FingerprintTable) -> Golden:
    vectors = [
        GoldenVector(
            readings={
                str(beacon): float(reading)
                for beacon, reading, heard in zip(scans.beacons, rssi, mask, strict=True)
                if heard
            },
            position_m=(float(x), float(y)),
        )
        for rssi, mask, (x, y) in zip(
            scans.rssi_dbm, scans.mask, fitted.predict(scans), strict=True
        )
    ]
    return Golden(tolerance_m=GOLDEN_TOLERANCE_M, vectors=tuple(vectors))


def _checksums(parts: Mapping[str, bytes]) -> dict[str, FilePart]:
    return {
        name: FilePart(sha256=hashlib.sha256(content).hexdigest(), bytes=len(content))
        for name, content in parts.items()
    }


def _write(folder: Path, parts: Mapping[str, bytes], manifest: Manifest) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in parts.items():
        (folder / name).write_bytes(content)
    document: dict[str, Any] = manifest.model_dump(mode="json")
    (folder / MANIFEST).write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")

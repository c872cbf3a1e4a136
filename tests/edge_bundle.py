"""A small bundle with a real TFLite model: the weighted centroid of the simulated office."""

from __future__ import annotations

import hashlib
import json
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np

from localizer.beacons import BeaconId
from localizer.bundle import MANIFEST, load_bundle
from localizer.features import ALIGNED_SCALE, FeatureSpec, features, scan_to_vector
from localizer.locate import Locator
from localizer.manifest import SPEC_ADAPTER, Grid, manifest_digest
from localizer.runtime import Model, SignatureNames, signature_names
from localizer.scans import Scan
from localizer.site import Site, site_to_toml
from localizer.sites import built_in_site
from localizer.spread import FloorCells

SHARPNESS: Final = 4.0
"""Power of a level that is its beacon's weight."""


GRID: Final = Grid(x0_m=-1.0, y0_m=-1.0, cell_m=2.0, columns=14, rows=10)
"""Over the simulated office and 2 m around."""

SPREAD_M: Final = 2.0
"""Standard deviation of the distribution that a bundle with a grid gives, metres along an axis."""

_KEPT: Final = TemporaryDirectory(prefix="edge-bundle-")


@cache
def demo_bundle() -> Path:
    """Return the folder of a bundle of the simulated office; made once, TensorFlow takes 4 s."""
    return write_bundle(Path(_KEPT.name) / "demo")


def demo_locator() -> Locator:
    return Locator(load_bundle(demo_bundle()))


@cache
def spread_bundle() -> Path:
    """Return the folder of a bundle that gives a distribution over `GRID`; made once."""
    return write_bundle(Path(_KEPT.name) / "spread", grid=GRID)


def spread_locator() -> Locator:
    return Locator(load_bundle(spread_bundle()))


def write_bundle(
    folder: Path, site: Site | None = None, *, grid: Grid | None = None, **changes: Any
) -> Path:
    """Write a bundle that any `load_bundle` accepts; `changes` overwrite fields of the manifest.

    With a grid it gives a distribution, a circular normal about the position, and is of schema 2;
    without one it is of schema 1.
    """
    site = site or built_in_site("demo")
    spec = FeatureSpec(
        tuple(beacon.id for beacon in site.beacons),
        "vector",
        "aligned",
        "mean",
        ALIGNED_SCALE,
        ("level",),
    )
    content = _centroid(site, grid)
    names = signature_names(content)
    model = Model(content, *names)
    parts = {
        "model.tflite": content,
        "site.toml": site_to_toml(site).encode(),
        "golden.json": json.dumps(_golden(spec, model, grid)).encode(),
        "MODEL_CARD.md": b"# Weighted centroid\n\nFor tests.\n",
    }
    about = _manifest(site, spec, names) | _distribution(names, grid)
    manifest = {**about, "files": _checksums(parts), **changes}
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        (folder / name).write_bytes(part)
    seal(folder, manifest)
    return folder


def seal(folder: Path, manifest: dict[str, Any]) -> None:
    """Write a manifest with the hash that it must carry."""
    sealed = {**manifest, "manifest_sha256": manifest_digest(manifest)}
    (folder / MANIFEST).write_text(json.dumps(sealed), encoding="utf-8")


def _centroid(site: Site, grid: Grid | None) -> bytes:
    import tensorflow as tf

    places = np.asarray(
        [(b.position.x_m, b.position.y_m) for b in site.beacons if b.position], np.float32
    )

    cells = None if grid is None else FloorCells.of(grid).centres_m.astype(np.float32)

    class Centroid(tf.Module):  # type: ignore[misc]
        @tf.function(  # type: ignore[untyped-decorator]
            input_signature=[tf.TensorSpec([None, len(places)], tf.float32, name="vector")]
        )
        def locate(self, vector: Any) -> Any:
            weight = tf.pow(vector, SHARPNESS)
            total = tf.reduce_sum(weight, axis=1, keepdims=True)
            position = tf.matmul(weight, places) / tf.maximum(total, 1e-9)
            if cells is None:
                return {"position": position}
            squared = tf.reduce_sum((position[:, None] - cells[None]) ** 2, axis=2)
            said = tf.nn.log_softmax(-squared / (2 * SPREAD_M**2))
            return {"position": position, "log_probability": said}

    module = Centroid()
    concrete = module.locate.get_concrete_function()
    content: bytes = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module).convert()
    return content


def _golden(spec: FeatureSpec, model: Model, grid: Grid | None) -> dict[str, Any]:
    vectors = [_golden_vector(near, spec, model, grid) for near in spec.beacons]
    return {"tolerance_m": 0.001, "vectors": vectors}


def _golden_vector(
    near: BeaconId, spec: FeatureSpec, model: Model, grid: Grid | None
) -> dict[str, Any]:
    readings = dict.fromkeys(spec.beacons, (-90.0,)) | {near: (-50.0, -54.0, -70.0)}
    scan = scan_to_vector(Scan(0, 0.0, readings), spec.beacons, spec.aggregation)
    said = model.run_all(features(scan.rssi_dbm[None], scan.mask[None], spec))
    golden = {"readings": readings, "position_m": said.position_m[0].tolist()}
    if grid is None or said.log_probability is None:
        return golden
    (found,) = FloorCells.of(grid).covariance_m2(said.log_probability, said.position_m)
    return {**golden, "covariance_m2": [found[0, 0], found[0, 1], found[1, 1]]}


def _distribution(names: SignatureNames, grid: Grid | None) -> dict[str, Any]:
    if grid is None:
        return {}
    position = _tensor(names.outputs["position"], "position", [None, 2])
    said = _tensor(names.outputs["log_probability"], "log_probability", [None, grid.cells])
    return {"schema_version": 2, "outputs": [position, said], "grid": grid.model_dump()}


def _checksums(parts: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    return {
        name: {"sha256": hashlib.sha256(part).hexdigest(), "bytes": len(part)}
        for name, part in parts.items()
    }


def _manifest(site: Site, spec: FeatureSpec, names: SignatureNames) -> dict[str, Any]:
    width = len(spec.beacons)
    return {
        "schema_version": 1,
        "id": f"{site.id}-weighted_centroid-test",
        "created_utc": "2026-11-21T08:00:00Z",
        "localizer_version": "0.1.0",
        "method": "weighted_centroid",
        "is_baseline": True,
        "site": site.id,
        "floor": site.floors[0].id,
        "beacons": list(spec.beacons),
        "features": SPEC_ADAPTER.dump_python(spec, mode="json"),
        "inputs": [_tensor(names.inputs["vector"], "vector", [None, width])],
        "outputs": [_tensor(names.outputs["position"], "position", [None, 2])],
        "target": {"offset_m": [0.0, 0.0], "scale_m": [1.0, 1.0]},
        "min_beacons": 1,
        "metrics": [_METRICS],
        "metrics_note": "Figures of a test; nobody measured them.",
        "provenance": _PROVENANCE,
    }


def _tensor(name: str, feature: str, shape: list[int | None]) -> dict[str, Any]:
    return {"name": name, "feature": feature, "shape": shape, "dtype": "float32", "meaning": "test"}


_METRICS: Final = {
    "split": "sessions",
    "honest": True,
    "n": 400,
    "seeds": 1,
    "mean_m": 2.53,
    "ci_low_m": 2.21,
    "ci_high_m": 2.84,
    "median_m": 2.12,
    "p75_m": 3.31,
    "p95_m": 5.78,
    "baseline": "weighted_centroid",
    "baseline_mean_m": 2.53,
}

_PROVENANCE: Final = {
    "survey": "simulate:demo",
    "data_sha256": "0" * 64,
    "sessions": ["s1", "s2"],
    "rows": 400,
    "config_sha256": "1" * 64,
    "git_commit": "0" * 40,
    "git_dirty": False,
    "seed": 0,
    "versions": {"numpy": np.__version__},
}

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
from localizer.manifest import SPEC_ADAPTER, manifest_digest
from localizer.runtime import Model, tensor_names
from localizer.scans import Scan
from localizer.site import Site, site_to_toml
from localizer.sites import built_in_site

SHARPNESS: Final = 4.0
"""Power of a level that is its beacon's weight."""


_KEPT: Final = TemporaryDirectory(prefix="edge-bundle-")


@cache
def demo_bundle() -> Path:
    """Return the folder of a bundle of the simulated office; made once, TensorFlow takes 4 s."""
    return write_bundle(Path(_KEPT.name) / "demo")


def demo_locator() -> Locator:
    return Locator(load_bundle(demo_bundle()))


def write_bundle(folder: Path, site: Site | None = None, **changes: Any) -> Path:
    """Write a bundle that any `load_bundle` accepts; `changes` overwrite fields of the manifest."""
    site = site or built_in_site("demo")
    spec = FeatureSpec(
        tuple(beacon.id for beacon in site.beacons),
        "vector",
        "aligned",
        "mean",
        ALIGNED_SCALE,
        ("level",),
    )
    content, names = _centroid(site)
    model = Model(content, {"vector": names[0]}, names[1])
    parts = {
        "model.tflite": content,
        "site.toml": site_to_toml(site).encode(),
        "golden.json": json.dumps(_golden(spec, model)).encode(),
        "MODEL_CARD.md": b"# Weighted centroid\n\nFor tests.\n",
    }
    manifest = {**_manifest(site, spec, names), "files": _checksums(parts), **changes}
    folder.mkdir(parents=True, exist_ok=True)
    for name, part in parts.items():
        (folder / name).write_bytes(part)
    seal(folder, manifest)
    return folder


def seal(folder: Path, manifest: dict[str, Any]) -> None:
    """Write a manifest with the hash that it must carry."""
    sealed = {**manifest, "manifest_sha256": manifest_digest(manifest)}
    (folder / MANIFEST).write_text(json.dumps(sealed), encoding="utf-8")


def _centroid(site: Site) -> tuple[bytes, tuple[str, str]]:
    import tensorflow as tf

    places = np.asarray(
        [(b.position.x_m, b.position.y_m) for b in site.beacons if b.position], np.float32
    )

    class Centroid(tf.Module):  # type: ignore[misc]
        @tf.function(  # type: ignore[untyped-decorator]
            input_signature=[tf.TensorSpec([None, len(places)], tf.float32, name="vector")]
        )
        def locate(self, vector: Any) -> Any:
            weight = tf.pow(vector, SHARPNESS)
            total = tf.reduce_sum(weight, axis=1, keepdims=True)
            return {"position": tf.matmul(weight, places) / tf.maximum(total, 1e-9)}

    module = Centroid()
    concrete = module.locate.get_concrete_function()
    content: bytes = tf.lite.TFLiteConverter.from_concrete_functions([concrete], module).convert()
    inputs, outputs = tensor_names(content)
    return content, (next(iter(inputs)), next(iter(outputs)))


def _golden(spec: FeatureSpec, model: Model) -> dict[str, Any]:
    vectors = [_golden_vector(near, spec, model) for near in spec.beacons]
    return {"tolerance_m": 0.001, "vectors": vectors}


def _golden_vector(near: BeaconId, spec: FeatureSpec, model: Model) -> dict[str, Any]:
    readings = dict.fromkeys(spec.beacons, (-90.0,)) | {near: (-50.0, -54.0, -70.0)}
    scan = scan_to_vector(Scan(0, 0.0, readings), spec.beacons, spec.aggregation)
    (position,) = model.run(features(scan.rssi_dbm[None], scan.mask[None], spec)).tolist()
    return {"readings": readings, "position_m": position}


def _checksums(parts: dict[str, bytes]) -> dict[str, dict[str, Any]]:
    return {
        name: {"sha256": hashlib.sha256(part).hexdigest(), "bytes": len(part)}
        for name, part in parts.items()
    }


def _manifest(site: Site, spec: FeatureSpec, names: tuple[str, str]) -> dict[str, Any]:
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
        "inputs": [_tensor(names[0], "vector", [None, width])],
        "outputs": [_tensor(names[1], "position", [None, 2])],
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

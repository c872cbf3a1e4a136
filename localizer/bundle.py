"""A trained locator as files: a folder or a zip that is checked in full at every load."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from localizer.beacons import BeaconId
from localizer.errors import BundleError, FeatureError, SiteError
from localizer.features import FeatureSpec, features, scan_to_vector
from localizer.manifest import BUNDLE_SCHEMA, SPEC_ADAPTER, Golden, GoldenVector, Manifest
from localizer.runtime import Model
from localizer.scans import Scan
from localizer.site import Site, site_from_toml

MANIFEST: Final = "manifest.json"
PARTS: Final = ("model.tflite", "site.toml", "golden.json", "MODEL_CARD.md")
"""What the manifest has a checksum for; no bundle has fewer or more."""

GOLDEN_TOLERANCE_M: Final = 0.001
"""1 mm: float32 kernels of two runtimes differ by less, a wrong beacon order by metres."""

MAX_PART_BYTES: Final = 64 * 2**20
"""A part larger than this is no localizer's model and could exhaust a small device's memory."""

_ModelT = TypeVar("_ModelT", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Bundle:
    """A locator whose every part has been checked."""

    manifest: Manifest
    spec: FeatureSpec
    site: Site
    model: Model
    card: str
    """MODEL_CARD.md."""

    @property
    def id(self) -> str:
        """The id that every fix names."""
        return self.manifest.id


def load_bundle(path: Path) -> Bundle:
    """Read a bundle and check checksums, schema, site, beacons, shapes and golden vectors.

    Args:
        path: the bundle's folder or zip.

    Raises:
        BundleError: any part is missing or does not match; names the field and both values.
        RuntimeMissingError: no TFLite interpreter is installed.
    """
    parts = _read_parts(path)
    manifest = _read_manifest(parts[MANIFEST])
    _check_files(manifest, parts)
    spec = _read_spec(manifest)
    site = _read_site(manifest, parts["site.toml"])
    _check_beacons(manifest, spec, site)
    model = Model(
        parts["model.tflite"],
        {tensor.feature: tensor.name for tensor in manifest.inputs},
        manifest.outputs[0].name,
    )
    _check_shapes(spec, model)
    _check_golden(_parse(Golden, parts["golden.json"], "golden.json"), spec, model)
    return Bundle(manifest, spec, site, model, parts["MODEL_CARD.md"].decode("utf-8", "replace"))


def _read_parts(path: Path) -> dict[str, bytes]:
    names = (MANIFEST, *PARTS)
    if path.is_dir():
        return {name: _read_file(path / name) for name in names}
    if not path.is_file():
        raise _wrong("path", "a bundle's folder or zip", str(path), "give the path of a bundle")
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: _read_member(archive, name) for name in names}
    except (zipfile.BadZipFile, OSError) as error:
        raise _wrong("path", "a readable zip", f"{path}: {error}", "export it again") from error


def _read_file(path: Path) -> bytes:
    try:
        if path.stat().st_size > MAX_PART_BYTES:
            raise _too_large(path.name, path.stat().st_size)
        return path.read_bytes()
    except OSError as error:
        raise _wrong(path.name, "a readable file", str(error), "export the bundle again") from error


def _read_member(archive: zipfile.ZipFile, name: str) -> bytes:
    try:
        size = archive.getinfo(name).file_size
    except KeyError as error:
        raise _wrong(name, "a member of the zip", "nothing", "export it again") from error
    if size > MAX_PART_BYTES:
        raise _too_large(name, size)
    return archive.read(name)


def _too_large(name: str, size: int) -> BundleError:
    return _wrong(name, f"at most {MAX_PART_BYTES} bytes", size, "this is no bundle of Localizer's")


def _read_manifest(content: bytes) -> Manifest:
    try:
        version = json.loads(content).get("schema_version")
    except (ValueError, AttributeError) as error:
        raise _wrong(MANIFEST, "a JSON object", str(error), "export the bundle again") from error
    if not isinstance(version, int) or version < 1 or version > BUNDLE_SCHEMA:
        raise _wrong(
            "schema_version",
            f"1 to {BUNDLE_SCHEMA}",
            version,
            "a newer bundle needs a newer Localizer",
        )
    return _parse(Manifest, content, MANIFEST)


def _parse(model: type[_ModelT], content: bytes, part: str) -> _ModelT:
    try:
        return model.model_validate_json(content)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(str(step) for step in first["loc"])
        raise _wrong(f"{part}: {where}", first["msg"], first["input"], "export it again") from error


def _check_files(manifest: Manifest, parts: Mapping[str, bytes]) -> None:
    if sorted(manifest.files) != sorted(PARTS):
        raise _wrong("files", sorted(PARTS), sorted(manifest.files), "export the bundle again")
    for name, part in manifest.files.items():
        got = hashlib.sha256(parts[name]).hexdigest()
        if got != part.sha256:
            raise _wrong(
                f"files.{name}.sha256", part.sha256, got, "the file was changed; copy it again"
            )


def _read_spec(manifest: Manifest) -> FeatureSpec:
    try:
        return SPEC_ADAPTER.validate_python(manifest.features)
    except (ValidationError, FeatureError) as error:
        raise _wrong("features", "a FeatureSpec", str(error), "export the bundle again") from error


def _read_site(manifest: Manifest, content: bytes) -> Site:
    try:
        site = site_from_toml(content.decode("utf-8"), origin="site.toml")
        site.floor(manifest.floor)
    except (SiteError, UnicodeDecodeError) as error:
        raise _wrong("site.toml", "the bundle's site", str(error), "export it again") from error
    if site.id != manifest.site:
        raise _wrong("site", manifest.site, site.id, "export the bundle again")
    return site


def _check_beacons(manifest: Manifest, spec: FeatureSpec, site: Site) -> None:
    if tuple(spec.beacons) != manifest.beacons:
        raise _wrong("beacons", manifest.beacons, spec.beacons, "export the bundle again")
    missing = sorted(set(spec.beacons) - {beacon.id for beacon in site.beacons})
    if missing:
        raise _wrong("beacons", "beacons of site.toml", missing, "export the bundle again")


def _check_shapes(spec: FeatureSpec, model: Model) -> None:
    if spec.shapes() != model.input_shapes:
        raise _wrong("inputs.shape", spec.shapes(), model.input_shapes, "export the bundle again")


def _check_golden(golden: Golden, spec: FeatureSpec, model: Model) -> None:
    rows = [scan_to_vector(_golden_scan(vector), spec.beacons) for vector in golden.vectors]
    rssi, mask = (np.stack(column) for column in zip(*rows, strict=True))
    got = model.run(features(rssi, mask, spec))
    expected = np.asarray([vector.position_m for vector in golden.vectors])
    for i, error in enumerate(np.hypot(*(got - expected).T)):
        # `not <=` and not `>`: a NaN must be refused as well.
        if not error <= golden.tolerance_m:
            raise _wrong(
                f"golden.json: vectors.{i}.position_m",
                expected[i].tolist(),
                got[i].tolist(),
                "the model does not compute what was exported; export the bundle again",
            )


def _golden_scan(vector: GoldenVector) -> Scan:
    return Scan(0, 0.0, {BeaconId(b): (rssi,) for b, rssi in vector.readings.items()})


def _wrong(field: str, expected: object, got: object, do: str) -> BundleError:
    message = f"bundle field {field!r} must be {expected!r}, but got {got!r}; {do}"
    return BundleError(message, field=field, expected=expected, got=got)

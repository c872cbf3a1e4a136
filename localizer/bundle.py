"""A trained locator as files: a folder or a zip that is checked in full at every load."""

from __future__ import annotations

import hashlib
import json
import lzma
import struct
import zipfile
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, TypeVar

import numpy as np
from pydantic import BaseModel, ValidationError

from localizer.beacons import BeaconId
from localizer.errors import BundleError, FeatureError, SiteError
from localizer.features import FEATURE_VERSION, FeatureSpec, features, scan_to_vector
from localizer.manifest import (
    BUNDLE_SCHEMA,
    SPEC_ADAPTER,
    Golden,
    GoldenVector,
    Manifest,
    TensorInfo,
    manifest_digest,
)
from localizer.runtime import Model, ModelOutputs
from localizer.scans import Scan
from localizer.site import Site, site_from_toml
from localizer.spread import FloorCells

MANIFEST: Final = "manifest.json"
PARTS: Final = ("model.tflite", "site.toml", "golden.json", "MODEL_CARD.md")
"""What the manifest has a checksum for; no bundle has fewer or more."""

GOLDEN_TOLERANCE_M: Final = 0.001
"""1 mm: float32 kernels of two runtimes differ by less, a wrong beacon order by metres."""

GOLDEN_COVARIANCE_SHARE: Final = 0.001
"""Of the squared spread, between a golden vector's covariance and the model's: two runtimes differ
by about a millionth, a grid whose cells are 5 % larger by more than a hundredth."""

MAX_PART_BYTES: Final = 64 * 2**20
"""A part larger than this is no localizer's model and could exhaust a small device's memory."""

_UNREADABLE: Final = (
    *(zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError),
    *(NotImplementedError, RuntimeError, ValueError, struct.error),
)
"""What zipfile raises for flipped bits: a wrong header can ask for encryption or any method."""

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
    cells: FloorCells | None
    """What the model's distributions are over; None for a model that gives positions alone."""

    @property
    def id(self) -> str:
        """The id that every fix names."""
        return self.manifest.id

    def known(self, scan: Scan) -> Scan:
        """Return a scan in which beacons that were replaced have the ids of the model."""
        aliases = self.manifest.aliases
        if not aliases or aliases.keys().isdisjoint(scan.readings):
            return scan
        readings: dict[BeaconId, tuple[float, ...]] = {}
        for beacon, rssis_dbm in scan.readings.items():
            name = BeaconId(aliases.get(beacon, beacon))
            readings[name] = readings.get(name, ()) + rssis_dbm
        return replace(scan, readings=readings)


def load_bundle(path: Path) -> Bundle:
    """Read a bundle; check schema, checksums, features, site, beacons, shapes, golden vectors.

    The manifest's hash of itself comes last: any other error says more about what is wrong.

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
    _check_aliases(manifest)
    _check_tensors(manifest, spec)
    model = Model(
        parts["model.tflite"],
        {tensor.feature: tensor.name for tensor in manifest.inputs},
        {tensor.feature: tensor.name for tensor in manifest.outputs},
    )
    _check_shapes(manifest, spec, model)
    card = parts["MODEL_CARD.md"].decode("utf-8", "replace")
    cells = None if manifest.grid is None else FloorCells.of(manifest.grid)
    bundle = Bundle(manifest, spec, site, model, card, cells)
    _check_golden(_parse(Golden, parts["golden.json"], "golden.json"), bundle)
    _check_itself(manifest, parts[MANIFEST])
    return bundle


def _read_parts(path: Path) -> dict[str, bytes]:
    names = (MANIFEST, *PARTS)
    if path.is_dir():
        return {name: _read_file(path / name) for name in names}
    if not path.is_file():
        raise _wrong("path", "a bundle's folder or zip", str(path), "give the path of a bundle")
    try:
        with zipfile.ZipFile(path) as archive:
            return {name: _read_member(archive, name) for name in names}
    except _UNREADABLE as error:
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
    # Bounded, because the size that the zip states may be untrue.
    with archive.open(name) as member:
        return member.read(size)


def _too_large(name: str, size: int) -> BundleError:
    return _wrong(name, f"at most {MAX_PART_BYTES} bytes", size, "this is no bundle of Localizer's")


def _read_manifest(content: bytes) -> Manifest:
    try:
        version = json.loads(content).get("schema_version")
    except (ValueError, AttributeError, RecursionError) as error:
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
        raise _invalid(f"{part}: ", error) from error


def _invalid(within: str, error: ValidationError) -> BundleError:
    first = error.errors(include_url=False)[0]
    where = ".".join(str(step) for step in first["loc"])
    return _wrong(f"{within}{where}", first["msg"], first["input"], "export it again")


def _check_files(manifest: Manifest, parts: Mapping[str, bytes]) -> None:
    if sorted(manifest.files) != sorted(PARTS):
        raise _wrong("files", sorted(PARTS), sorted(manifest.files), "export the bundle again")
    for name, part in manifest.files.items():
        got = hashlib.sha256(parts[name]).hexdigest()
        if got != part.sha256:
            raise _wrong(
                f"files.{name}.sha256", part.sha256, got, "the file was changed; copy it again"
            )
        if len(parts[name]) != part.bytes:
            raise _wrong(
                f"files.{name}.bytes", part.bytes, len(parts[name]), "export the bundle again"
            )


def _read_spec(manifest: Manifest) -> FeatureSpec:
    try:
        spec = SPEC_ADAPTER.validate_python(manifest.features)
    except ValidationError as error:
        raise _invalid("features.", error) from error
    except FeatureError as error:
        raise _wrong("features", "a FeatureSpec", str(error), "export the bundle again") from error
    if spec.version != FEATURE_VERSION:
        raise _wrong("features.version", FEATURE_VERSION, spec.version, "export the bundle again")
    return spec


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


def _check_aliases(manifest: Manifest) -> None:
    known = set(manifest.beacons)
    wrong = {old: new for old, new in manifest.aliases.items() if old in known or new not in known}
    if wrong:
        raise _wrong(
            "aliases", "other ids of the manifest's beacons", wrong, "export the bundle again"
        )


def _check_tensors(manifest: Manifest, spec: FeatureSpec) -> None:
    wanted = {"inputs": sorted(spec.shapes()), "outputs": sorted(_output_shapes(manifest))}
    for field, tensors in (("inputs", manifest.inputs), ("outputs", manifest.outputs)):
        got = sorted(tensor.feature for tensor in tensors)
        if got != wanted[field]:
            raise _wrong(f"{field}.feature", wanted[field], got, "export the bundle again")


def _check_shapes(manifest: Manifest, spec: FeatureSpec, model: Model) -> None:
    if spec.shapes() != model.input_shapes:
        raise _wrong("inputs.shape", spec.shapes(), model.input_shapes, "export the bundle again")
    inputs = {feature: (None, *shape) for feature, shape in spec.shapes().items()}
    for field, wanted, tensors in (
        ("inputs", inputs, manifest.inputs),
        ("outputs", _output_shapes(manifest), manifest.outputs),
    ):
        got = _shapes(tensors)
        if got != wanted:
            raise _wrong(f"{field}.shape", wanted, got, "export the bundle again")


def _output_shapes(manifest: Manifest) -> dict[str, tuple[int | None, ...]]:
    positions: dict[str, tuple[int | None, ...]] = {"position": (None, 2)}
    if manifest.grid is None:
        return positions
    return {**positions, "log_probability": (None, manifest.grid.cells)}


def _shapes(tensors: Iterable[TensorInfo]) -> dict[str, tuple[int | None, ...]]:
    return {tensor.feature: tensor.shape for tensor in tensors}


def _check_golden(golden: Golden, bundle: Bundle) -> None:
    tolerance_m = min(golden.tolerance_m, GOLDEN_TOLERANCE_M)
    for i, vector in enumerate(golden.vectors):
        said = _run(vector, bundle)
        got = said.position_m[0]
        # `not <=` and not `>`: a NaN must be refused as well.
        if not np.hypot(*(got - np.asarray(vector.position_m))) <= tolerance_m:
            raise _not_exported(i, "position_m", vector.position_m, got.tolist())
        if vector.covariance_m2 is not None:
            _check_covariance(i, vector.covariance_m2, said, bundle)


def _check_covariance(
    i: int, wanted: tuple[float, float, float], said: ModelOutputs, bundle: Bundle
) -> None:
    if bundle.cells is None or said.log_probability is None:
        raise _not_exported(i, "covariance_m2", None, wanted)
    (found,) = bundle.cells.covariance_m2(said.log_probability, said.position_m)
    got = (found[0, 0], found[0, 1], found[1, 1])
    worst = float(np.abs(np.subtract(got, wanted)).max())
    if not worst <= GOLDEN_COVARIANCE_SHARE * (wanted[0] + wanted[2]):
        raise _not_exported(i, "covariance_m2", wanted, [float(one) for one in got])


def _not_exported(i: int, field: str, expected: Sequence[float] | None, got: object) -> BundleError:
    return _wrong(
        f"golden.json: vectors.{i}.{field}",
        None if expected is None else list(expected),
        got,
        "the model does not compute what was exported; export the bundle again",
    )


def _run(vector: GoldenVector, bundle: Bundle) -> ModelOutputs:
    spec = bundle.spec
    scan = Scan(0, 0.0, {BeaconId(beacon): rssi for beacon, rssi in vector.readings.items()})
    rssi, mask = scan_to_vector(scan, spec.beacons, spec.aggregation)
    try:
        said = bundle.model.run_all(features(rssi[np.newaxis], mask[np.newaxis], spec))
    except (ValueError, RuntimeError) as error:
        raise _wrong("model.tflite", "a model that runs", str(error), "export it again") from error
    shapes = {"position": said.position_m.shape}
    if said.log_probability is not None:
        shapes["log_probability"] = said.log_probability.shape
    wanted = {name: (1, shape[1]) for name, shape in _output_shapes(bundle.manifest).items()}
    if shapes != wanted:
        raise _wrong("outputs.shape", wanted, shapes, "export the bundle again")
    return said


def _check_itself(manifest: Manifest, content: bytes) -> None:
    got = manifest_digest(json.loads(content))
    if got != manifest.manifest_sha256:
        raise _wrong(
            "manifest_sha256",
            manifest.manifest_sha256,
            got,
            "the manifest was edited; copy it again",
        )


def _wrong(field: str, expected: object, got: object, do: str) -> BundleError:
    message = f"bundle field {field!r} must be {expected!r}, but got {got!r}; {do}"
    return BundleError(message, field=field, expected=expected, got=got)

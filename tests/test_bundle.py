import hashlib
import json
import random
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localizer.bundle import GOLDEN_TOLERANCE_M, MANIFEST, PARTS, load_bundle
from localizer.errors import BundleError
from localizer.manifest import BUNDLE_SCHEMA, manifest_digest
from tests.edge_bundle import GRID, seal, spread_bundle, write_bundle


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def copy(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "bundle"))


@pytest.fixture
def spread(tmp_path: Path) -> Path:
    return Path(shutil.copytree(spread_bundle(), tmp_path / "spread"))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Edit the manifest and give it the hash of what it then says: other checks must see it."""
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    seal(folder, manifest)


def edit_part(folder: Path, name: str, change: Callable[[dict[str, Any]], object]) -> None:
    """Edit a part as somebody would who brings the checksums up to date."""
    document = json.loads((folder / name).read_text())
    change(document)
    content = json.dumps(document).encode()
    (folder / name).write_bytes(content)
    sums = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    edit(folder, lambda m: m["files"].update({name: sums}))


def refused(folder: Path) -> BundleError:
    with pytest.raises(BundleError) as error:
        load_bundle(folder)
    return error.value


def test_a_folder_and_a_zip_of_it_are_the_same_bundle(good: Path, tmp_path: Path) -> None:
    packed = tmp_path / "bundle.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for name in (MANIFEST, *PARTS):
            archive.write(good / name, name)
    assert load_bundle(packed).manifest == load_bundle(good).manifest


@pytest.mark.parametrize("part", PARTS)
def test_a_changed_part_is_refused_with_both_checksums(copy: Path, part: str) -> None:
    (copy / part).write_bytes((copy / part).read_bytes() + b" ")
    error = refused(copy)
    assert error.field == f"files.{part}.sha256"
    assert error.expected != error.got
    assert str(error.got) in str(error)


@pytest.mark.parametrize("part", [MANIFEST, *PARTS])
def test_a_missing_part_is_named(copy: Path, part: str) -> None:
    (copy / part).unlink()
    assert refused(copy).field == part


def test_a_bundle_of_schema_1_is_read_and_forced_nothing(copy: Path) -> None:
    manifest = json.loads((copy / MANIFEST).read_text())
    assert manifest["schema_version"] == 1
    assert "forced" not in manifest
    assert load_bundle(copy).manifest.forced is None


def test_a_bundle_says_which_method_it_passed_over(copy: Path) -> None:
    forced = {"best": "knn", "worse_by_m": 0.5, "criterion": ["sessions", "cells"]}
    edit(copy, lambda m: m.update(schema_version=2, forced=forced))
    read = load_bundle(copy).manifest.forced
    assert read is not None
    assert read.model_dump(mode="json") == forced


@pytest.mark.parametrize("version", [0, BUNDLE_SCHEMA + 1, 99, "1", None])
def test_another_schema_is_refused_with_both_versions(copy: Path, version: object) -> None:
    edit(copy, lambda m: m.update(schema_version=version))
    error = refused(copy)
    assert error.field == "schema_version"
    assert error.got == version
    assert "newer Localizer" in str(error)


def test_another_order_of_beacons_is_refused(copy: Path) -> None:
    edit(copy, lambda m: m["beacons"].reverse())
    error = refused(copy)
    assert error.field == "beacons"
    assert error.expected != error.got


def test_beacons_in_another_order_in_every_list_fail_the_golden_vectors(copy: Path) -> None:
    def turn(manifest: dict[str, Any]) -> None:
        manifest["beacons"].reverse()
        manifest["features"]["beacons"].reverse()

    edit(copy, turn)
    error = refused(copy)
    assert error.field == "golden.json: vectors.0.position_m"
    assert error.expected != error.got


def test_features_of_another_scale_fail_the_golden_vectors(copy: Path) -> None:
    edit(copy, lambda m: m["features"]["scale"].update(span_db=30.0))
    assert refused(copy).field.startswith("golden.json: vectors.")


def test_a_beacon_that_the_site_lacks_is_refused(copy: Path) -> None:
    def rename(manifest: dict[str, Any]) -> None:
        manifest["beacons"][0] = manifest["features"]["beacons"][0] = "name:demo:elsewhere"

    edit(copy, rename)
    error = refused(copy)
    assert error.field == "beacons"
    assert "elsewhere" in str(error.got)


def test_features_of_another_width_than_the_model_are_refused(copy: Path) -> None:
    edit(copy, lambda m: m["features"].update(channels=["level", "heard"]))
    error = refused(copy)
    assert error.field == "inputs.shape"
    assert error.expected == {"vector": (24,)}
    assert error.got == {"vector": (12,)}


def test_a_tensor_name_that_the_model_lacks_is_refused(copy: Path) -> None:
    edit(copy, lambda m: m["outputs"][0].update(name="nothing"))
    assert refused(copy).field == "outputs"


@pytest.mark.parametrize(
    ("field", "value"),
    [("min_beacons", 0), ("colour", "red"), ("site", "elsewhere"), ("floor", "9")],
)
def test_a_wrong_field_of_the_manifest_is_refused(copy: Path, field: str, value: object) -> None:
    edit(copy, lambda m: m.update({field: value}))
    error = refused(copy)
    assert field in f"{error.field} {error}"


def test_a_file_that_is_no_bundle_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "notes.txt"
    file.write_text("no zip")
    assert refused(file).field == "path"
    assert refused(tmp_path / "nowhere").field == "path"
    (tmp_path / MANIFEST).write_text("{")
    assert refused(tmp_path).field in {MANIFEST, PARTS[0]}


def test_a_zip_bomb_is_refused_before_it_is_read(tmp_path: Path, good: Path) -> None:
    packed = tmp_path / "bomb.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(MANIFEST, (good / MANIFEST).read_bytes())
        archive.writestr(PARTS[0], bytes(65 * 2**20))
    assert refused(packed).field == PARTS[0]


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m.update(min_beacons=3),
        lambda m: m.update(created_utc="1999-01-01T00:00:00Z"),
        lambda m: m["metrics"][0].update(mean_m=0.1),
        lambda m: m["target"].update(scale_m=[2.0, 1.0]),
        lambda m: m["provenance"].update(git_dirty=True),
    ],
)
def test_what_only_the_manifest_says_is_held_by_its_hash(
    copy: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    manifest = json.loads((copy / MANIFEST).read_text())
    change(manifest)
    (copy / MANIFEST).write_text(json.dumps(manifest))
    error = refused(copy)
    assert error.field == "manifest_sha256"
    assert error.expected == manifest["manifest_sha256"]
    assert error.got == manifest_digest(manifest) != error.expected


def test_white_space_and_the_order_of_keys_are_not_what_the_manifest_says(copy: Path) -> None:
    manifest = json.loads((copy / MANIFEST).read_text())
    turned = dict(reversed(manifest.items()))
    (copy / MANIFEST).write_text(json.dumps(turned, indent=3))
    assert load_bundle(copy).manifest.manifest_sha256 == manifest["manifest_sha256"]


@pytest.mark.parametrize(
    ("change", "field", "expected", "got"),
    [
        (
            lambda m: m["inputs"][0].update(shape=[None, 999]),
            "inputs.shape",
            {"vector": (None, 12)},
            {"vector": (None, 999)},
        ),
        (
            lambda m: m["outputs"][0].update(shape=[None, 7]),
            "outputs.shape",
            {"position": (None, 2)},
            {"position": (None, 7)},
        ),
        (
            lambda m: m["outputs"][0].update(feature="banana"),
            "outputs.feature",
            ["position"],
            ["banana"],
        ),
        (lambda m: m.update(outputs=[]), "outputs.feature", ["position"], []),
        (lambda m: m.update(inputs=[]), "inputs.feature", ["vector"], []),
        (
            lambda m: m.update(inputs=m["inputs"] * 2),
            "inputs.feature",
            ["vector"],
            ["vector", "vector"],
        ),
        (lambda m: m["features"].update(version=2), "features.version", 1, 2),
    ],
)
def test_a_manifest_that_says_something_else_is_refused_with_both_values(
    copy: Path,
    change: Callable[[dict[str, Any]], object],
    field: str,
    expected: object,
    got: object,
) -> None:
    edit(copy, change)
    error = refused(copy)
    assert (error.field, error.expected, error.got) == (field, expected, got)


@pytest.mark.parametrize("part", PARTS)
def test_a_wrong_size_is_refused_with_both_sizes(copy: Path, part: str) -> None:
    size = (copy / part).stat().st_size
    edit(copy, lambda m: m["files"][part].update(bytes=size + 1))
    error = refused(copy)
    assert (error.field, error.expected, error.got) == (f"files.{part}.bytes", size + 1, size)


def test_an_unknown_key_of_the_features_is_refused_at_any_depth(copy: Path) -> None:
    edit(copy, lambda m: m["features"].update(colour="red"))
    assert refused(copy).field == "features.colour"
    edit(copy, lambda m: (m["features"].pop("colour"), m["features"]["scale"].update(colour="red")))
    assert refused(copy).field == "features.scale.colour"


@pytest.mark.parametrize("span_db", [0, 0.0, -0.0])
def test_a_scale_without_a_span_is_refused(copy: Path, span_db: float) -> None:
    edit(copy, lambda m: m["features"]["scale"].update(span_db=span_db))
    error = refused(copy)
    assert error.field == "features"
    assert "span other than 0 dB" in str(error)


@pytest.mark.parametrize("aggregation", ["max", "median"])
def test_another_aggregation_fails_the_golden_vectors(copy: Path, aggregation: str) -> None:
    edit(copy, lambda m: m["features"].update(aggregation=aggregation))
    error = refused(copy)
    assert error.field == "golden.json: vectors.0.position_m"
    assert error.expected != error.got


def test_golden_vectors_cannot_ask_for_more_tolerance(copy: Path) -> None:
    def move(golden: dict[str, Any]) -> None:
        golden["tolerance_m"] = 1000.0
        golden["vectors"][-1]["position_m"][0] += 2 * GOLDEN_TOLERANCE_M

    edit_part(copy, "golden.json", move)
    assert refused(copy).field == "golden.json: vectors.11.position_m"


def test_golden_vectors_without_a_reading_of_a_named_beacon_are_refused(copy: Path) -> None:
    edit_part(copy, "golden.json", lambda g: g["vectors"][0]["readings"].update({"name:x": []}))
    assert refused(copy).field == "golden.json: vectors.0.readings.name:x"


def test_a_manifest_nested_without_end_is_refused(copy: Path) -> None:
    (copy / MANIFEST).write_text("[" * 100_000)
    assert refused(copy).field == MANIFEST


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_LZMA])
def test_a_zip_with_flipped_bits_is_refused_or_the_same(
    method: int, good: Path, tmp_path: Path
) -> None:
    """Bits that no reader looks at (times, attributes) may flip; all others must be noticed."""
    packed = tmp_path / "bundle.zip"
    with zipfile.ZipFile(packed, "w", method) as archive:
        for name in (MANIFEST, *PARTS):
            archive.write(good / name, name)
    content, same = packed.read_bytes(), load_bundle(good).manifest
    chance = random.Random(0)
    refusals = 0
    for _ in range(300):
        flipped = bytearray(content)
        # The headers at the end are few bytes, and where most kinds of error come from.
        start = chance.choice([0, len(content) - 400])
        flipped[chance.randrange(start, len(content))] ^= 1 << chance.randrange(8)
        packed.write_bytes(flipped)
        try:
            assert load_bundle(packed).manifest == same
        except BundleError:
            refusals += 1
    assert refusals > 100


def test_a_bundle_with_a_distribution_says_over_which_cells(good: Path, spread: Path) -> None:
    bundle = load_bundle(spread)
    assert bundle.manifest.grid == GRID
    assert bundle.cells is not None
    assert bundle.cells.centres_m[[0, 1, 14, -1]].tolist() == [[-1, -1], [1, -1], [-1, 1], [25, 17]]
    assert load_bundle(good).cells is None


@pytest.mark.parametrize(
    ("change", "field"),
    [
        (lambda m: m["grid"].update(columns=15), "outputs.shape"),
        (
            lambda m: (m["grid"].update(columns=15), m["outputs"][1].update(shape=[None, 150])),
            "outputs.shape",
        ),
        (lambda m: m.update(grid=None), "outputs.feature"),
        (lambda m: m["outputs"].pop(), "outputs.feature"),
        (lambda m: m["grid"].update(cell_m=0), "manifest.json: grid.cell_m"),
        (lambda m: m["grid"].update(rows=0), "manifest.json: grid.rows"),
        (lambda m: m["grid"].pop("x0_m"), "manifest.json: grid.x0_m"),
        (lambda m: m["outputs"][1].update(name="nothing"), "outputs"),
        (lambda m: m["grid"].update(x0_m=1.0), "golden.json: vectors.0.covariance_m2"),
        (lambda m: m["grid"].update(cell_m=2.1), "golden.json: vectors.0.covariance_m2"),
        (
            lambda m: m["grid"].update(columns=10, rows=14),
            "golden.json: vectors.0.covariance_m2",
        ),
    ],
)
def test_a_grid_that_is_not_the_models_is_refused(
    spread: Path, change: Callable[[dict[str, Any]], object], field: str
) -> None:
    edit(spread, change)
    error = refused(spread)
    assert error.field == field
    assert error.expected != error.got


def test_outputs_under_each_others_names_are_refused(spread: Path) -> None:
    def swap(manifest: dict[str, Any]) -> None:
        position, said = manifest["outputs"]
        position["name"], said["name"] = said["name"], position["name"]

    edit(spread, swap)
    error = refused(spread)
    assert error.field == "outputs.shape"
    assert error.expected == {"position": (1, 2), "log_probability": (1, 140)}
    assert error.got == {"position": (1, 140), "log_probability": (1, 2)}


def test_a_covariance_without_a_distribution_is_refused(copy: Path) -> None:
    edit_part(copy, "golden.json", lambda g: g["vectors"][1].update(covariance_m2=[1, 0, 1]))
    assert refused(copy).field == "golden.json: vectors.1.covariance_m2"

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from localizer.bundle import MANIFEST, PARTS, load_bundle
from localizer.errors import BundleError
from tests.edge_bundle import write_bundle


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.fixture
def copy(good: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(good, tmp_path / "bundle"))


def edit(folder: Path, change: Callable[[dict[str, Any]], object]) -> None:
    manifest = json.loads((folder / MANIFEST).read_text())
    change(manifest)
    (folder / MANIFEST).write_text(json.dumps(manifest))


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


@pytest.mark.parametrize("version", [0, 2, 99, "1", None])
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

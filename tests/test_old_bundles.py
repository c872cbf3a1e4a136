"""Bundles of older schemas, kept as they were exported: reading them is a promise."""

import zipfile
from pathlib import Path
from typing import Final

import pytest

from localizer.bundle import load_bundle
from localizer.locate import Locator
from localizer.manifest import Golden
from localizer.scans import Scan

BUNDLES: Final = Path(__file__).parent / "bundles"
"""`schema-N.zip` was written by the last exporter of schema N and is never made anew."""

SCHEMAS: Final = (1,)


@pytest.mark.parametrize("schema", SCHEMAS)
def test_a_bundle_of_an_older_schema_loads_and_locates_as_it_did(schema: int) -> None:
    path = BUNDLES / f"schema-{schema}.zip"
    bundle = load_bundle(path)
    assert bundle.manifest.schema_version == schema
    with zipfile.ZipFile(path) as archive:
        golden = Golden.model_validate_json(archive.read("golden.json"))
    locator = Locator(bundle)
    for vector in golden.vectors:
        readings = {beacon: vector.readings[beacon] for beacon in bundle.spec.beacons
                    if beacon in vector.readings}  # fmt: skip
        position = locator.locate(Scan(0, 1.0, readings)).position
        assert position is not None
        assert (position.x_m, position.y_m) == pytest.approx(vector.position_m, abs=1e-3)


def test_every_kept_bundle_is_read() -> None:
    kept = sorted(path.name for path in BUNDLES.glob("*.zip"))
    assert kept == [f"schema-{schema}.zip" for schema in SCHEMAS]

"""What a bundle learns after its training: beacons that were replaced, and checks on site."""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ValidationError

from localizer.bundle import MANIFEST, Bundle, load_bundle
from localizer.errors import BundleError, SurveyError
from localizer.manifest import SiteCheck, aliases_of, manifest_digest
from localizer.survey import Survey

CARD: Final = "MODEL_CARD.md"

SECTION: Final = "## Checks on site"
"""Heading of the part of a model card that is written anew; it is the card's last."""


class _KeptCheck(BaseModel):
    """The file of a check walk, as far as a bundle takes it in."""

    bundle: str
    check: SiteCheck


@dataclass(frozen=True, slots=True)
class Update:
    """What was taken in."""

    aliases: dict[str, str]
    """All aliases that the bundle has now."""
    checks: tuple[SiteCheck, ...]
    """All check walks that the bundle has now."""


def update_bundle(folder: Path, survey: Path) -> Update:
    """Write into a bundle which beacons were replaced since, and what check walks with it found.

    The model stays, and with it the bundle's id. The folder is replaced once the new one has been
    loaded; a service that runs with it goes on with the old one.

    Args:
        folder: the bundle; not a zip.
        survey: the survey file; reports of check walks lie beside it (``STEM.check-*.json``).

    Raises:
        BundleError: it is no folder, or does not match itself.
        SurveyError: the survey or a report cannot be read, or the folder not be written.
    """
    if not folder.is_dir():
        raise BundleError(
            f"a bundle must be a folder to be updated, but {folder} is none; unpack it first",
            field="path",
            expected="a folder",
            got=str(folder),
        )
    bundle = load_bundle(folder)
    with Survey.open(survey) as opened:
        aliases = aliases_of(opened.beacon_changes.mapping(), bundle.manifest.beacons)
    update = Update(bundle.manifest.aliases | aliases, _checks(bundle, survey))
    try:
        _replace(folder, bundle, update)
    except OSError as error:
        raise SurveyError(
            f"a bundle must be writable to be updated, but {folder}: {error}", path=folder
        ) from error
    return update


def card_with_checks(card: str, checks: Sequence[SiteCheck]) -> str:
    """Return a model card whose last part are these check walks."""
    before = card.partition(f"\n{SECTION}\n")[0].rstrip("\n")
    if not checks:
        return before + "\n"
    lines = [
        before,
        "",
        SECTION,
        "",
        "Live fixes of this bundle where somebody stood, metres. The interval of the mean is "
        "bootstrapped by place (95 %).",
        "",
        "| time | source | places | fixes | without position | n | mean | interval | median | p75 "
        "| p95 |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
        *(_row(check) for check in checks),
    ]
    return "\n".join(lines) + "\n"


def _row(check: SiteCheck) -> str:
    def metres(value: float | None) -> str:
        return "-" if value is None else f"{value:.2f}"

    cells = (
        *(check.time_utc, f"`{check.source}`", check.points, check.fixes),
        *(f"{check.no_position_share:.0%}", check.n, metres(check.mean_m)),
        f"{metres(check.mean_low_m)} to {metres(check.mean_high_m)}",
        *(metres(one) for one in (check.median_m, check.p75_m, check.p95_m)),
    )
    return f"| {' | '.join(map(str, cells))} |"


def _checks(bundle: Bundle, survey: Path) -> tuple[SiteCheck, ...]:
    known = {check.id: check for check in bundle.manifest.site_checks}
    for path in sorted(survey.parent.glob(f"{survey.stem}.check-*.json")):
        try:
            kept = _KeptCheck.model_validate_json(path.read_bytes())
        except (OSError, ValidationError) as error:
            raise SurveyError(
                f"the report of a check walk must be as the survey app wrote it, but {path}: "
                f"{error}; delete it, or walk again",
                path=path,
            ) from error
        if kept.bundle == bundle.id:
            known[kept.check.id] = kept.check
    return tuple(sorted(known.values(), key=lambda check: check.time_utc))


def _replace(folder: Path, bundle: Bundle, update: Update) -> None:
    new, old = (folder.with_name(f"{folder.name}.{word}") for word in ("new", "old"))
    for left in (new, old):
        shutil.rmtree(left, ignore_errors=True)
    shutil.copytree(folder, new)
    card = card_with_checks(bundle.card, update.checks).encode()
    (new / CARD).write_bytes(card)
    manifest: dict[str, Any] = json.loads((new / MANIFEST).read_text(encoding="utf-8"))
    manifest["schema_version"] = max(2, manifest["schema_version"])
    manifest["aliases"] = update.aliases
    manifest["site_checks"] = [check.model_dump(mode="json") for check in update.checks]
    manifest["files"][CARD] = {"sha256": hashlib.sha256(card).hexdigest(), "bytes": len(card)}
    manifest["manifest_sha256"] = manifest_digest(manifest)
    (new / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")
    load_bundle(new)
    folder.rename(old)
    new.rename(folder)
    shutil.rmtree(old)

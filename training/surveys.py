"""The SURVEY argument of every command, opened: a survey file, a site, and rows to train on."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from localizer.beacons import BeaconId
from localizer.errors import ConfigError, SurveyError
from localizer.features import Aggregation
from localizer.scans import Fingerprint, Role
from localizer.simulated_survey import simulate_survey
from localizer.site import Site, load_site
from localizer.sites import BUILT_IN, built_in_site
from localizer.survey import DEVELOPMENT, ROLES, Survey
from localizer.survey_jsonl import import_jsonl
from localizer.survey_lines import fingerprint_to_line
from localizer.table import FingerprintTable, table_from_fingerprints
from training.near_copies import find_copied_sessions
from training.published_surveys import PUBLISHED_SURVEYS, SURVEY_NAMES, import_published
from training.specs import beacon_order, complete_site
from training.survey_notes import notes_on, outside_in_words

SEALED: Final[tuple[Role, ...]] = ("sealed",)

UCI: Final = "uci"
SIMULATE: Final = "simulate:"
SIMULATED_SEED: Final = 1

ALL_FLOORS: Final = "all"
"""Instead of a floor's id: every floor, each with a model of its own; `evaluate` alone takes it."""


@dataclass(frozen=True)
class OpenedSurvey:
    """A survey ready to train on."""

    name: str
    path: Path
    """The survey file."""
    site: Site
    """With every beacon that development sessions heard."""
    floor: str
    """An id, or `ALL_FLOORS`."""
    data_sha256: str
    """Of the development sessions."""
    notes: tuple[str, ...]
    """What was said while opening it: where it came from, lines that were damaged."""
    warnings: tuple[str, ...] = ()
    """What must not be overlooked: places outside the floor, sessions that look like copies."""
    replaced: Mapping[BeaconId, BeaconId] = field(default_factory=dict)
    """What hangs now at the place of every beacon that was replaced, by the old one's id."""

    def development(self, aggregation: Aggregation) -> FingerprintTable:
        """Return the genuine, labelled development scans of the floor."""
        table = self._labelled(aggregation, DEVELOPMENT)
        heard = table.mask.any(axis=1)
        table = table.rows(~table.synthetic & self._covers(table.floor) & heard)
        if len(table) == 0:
            raise SurveyError(
                f"{self.path} must have labelled scans in a development session, but has none on "
                f"floor {self.floor!r}; survey some places, or import some",
                path=self.path,
            )
        return table

    def published(self, aggregation: Aggregation) -> FingerprintTable:
        """Return every labelled row in the order of the UCI file, copies and sealed days too.

        Only the paper's own protocol reads this.

        Raises:
            ConfigError: this is not the UCI survey, whose file alone that protocol is about.
        """
        if self.name != UCI:
            raise ConfigError(
                f"split 'published' is the paper's, on the survey `uci` alone, but got "
                f"{self.name!r}; its test rows are sealed sessions of anybody else"
            )
        return self._labelled(aggregation, ROLES).rows(slice(None, None, -1))

    def sealed(self, aggregation: Aggregation) -> FingerprintTable:
        """Return the genuine, labelled scans of the sealed sessions on the floor.

        The final evaluation alone reads this, and writes a line to the ledger.

        Raises:
            ConfigError: there are none.
        """
        table = self._labelled(aggregation, SEALED)
        heard = table.mask.any(axis=1)
        table = table.rows(~table.synthetic & self._covers(table.floor) & heard)
        if len(table) == 0:
            raise ConfigError(
                f"a final evaluation needs labelled scans in a sealed session, but {self.path} "
                f"has none on floor {self.floor!r}; record a session as sealed, or import one"
            )
        return table

    def sealed_hashes(self) -> dict[str, str]:
        """Return the SHA-256 of every sealed session's labelled rows on the floor, by session.

        Of the rows and nothing around them: a beacon that is measured anew, or another session
        that is added, does not make a session unread. Who calls this writes to the ledger.
        """
        digests: dict[str, hashlib._Hash] = {}
        with Survey.open(self.path) as survey:
            for row in survey.fingerprints(roles=SEALED, labelled=True):
                if row.synthetic is None and _floor(row) == self.floor:
                    digest = digests.setdefault(row.session, hashlib.sha256())
                    digest.update(fingerprint_to_line(row))
        return {session: digest.hexdigest() for session, digest in digests.items()}

    def sealed_names(self) -> tuple[str, ...]:
        """Return the ids of the sealed sessions, without opening them."""
        with Survey.open(self.path) as survey:
            return tuple(one.id for one in survey.sessions if one.role in SEALED)

    def unlabelled(self, aggregation: Aggregation) -> FingerprintTable:
        """Return the scans of development sessions that nobody labelled, in time; none may be."""
        with Survey.open(self.path) as survey:
            rows = survey.fingerprints(labelled=False)
            table = table_from_fingerprints(rows, beacon_order(self.site), aggregation)
        return table.rows(~table.synthetic & table.mask.any(axis=1))

    def _covers(self, floor: NDArray[np.str_]) -> NDArray[np.bool_]:
        return np.asarray((floor == self.floor) | (self.floor == ALL_FLOORS))

    def _labelled(self, aggregation: Aggregation, roles: Collection[Role]) -> FingerprintTable:
        with Survey.open(self.path) as survey:
            rows = survey.fingerprints(roles=roles, labelled=True)
            return table_from_fingerprints(rows, beacon_order(self.site), aggregation)


def open_survey(name: str, workdir: Path, *, floor: str | None = None) -> OpenedSurvey:
    """Open what a SURVEY argument names.

    Args:
        name: `uci`, `uji-lib`, `uji-geo`, `tetam`, `simulate:SITE.toml`, `simulate:demo`, or the
            path of a survey file or of a JSON Lines export.
        workdir: where survey files are built that do not exist yet.
        floor: which floor, or `ALL_FLOORS`; needed if labelled scans lie on several.

    Raises:
        SurveyError: the file cannot be read, or holds nothing to train on.
        ConfigError: there is nothing of that name, or a floor must be chosen.
        DownloadError: a published survey is neither on this machine nor reachable.
    """
    path, notes = _survey_file(name, workdir)
    with Survey.open(path) as survey:
        rows = [row for row in survey.fingerprints(labelled=True) if row.synthetic is None]
        heard = {beacon for row in rows for beacon in row.scan.readings}
        site = complete_site(survey.site, tuple(heard))
        data_sha256 = survey.data_hash()
        replaced = survey.beacon_changes.mapping()
    if not site.beacons:
        raise SurveyError(
            f"a survey must hear or hold beacons, but {path} has none; check its site", path=path
        )
    floors = [_floor(row) for row in rows]
    chosen = _choose_floor(floors, floor, path)
    for one in set(floors) if chosen == ALL_FLOORS else {chosen}:
        _refuse_unknown_floor(site, one, path)
    table = table_from_fingerprints(rows, beacon_order(site))
    copied = tuple(one.in_words() for one in find_copied_sessions(table))
    warnings = (*outside_in_words(site, rows), *copied)
    notes = (*notes, *notes_on(rows))
    return OpenedSurvey(name, path, site, chosen, data_sha256, notes, warnings, replaced)


def _floor(row: Fingerprint) -> str:
    return row.position.floor if row.position is not None else ""


def _refuse_unknown_floor(site: Site, floor: str, path: Path) -> None:
    if floor not in {known.id for known in site.floors}:
        raise SurveyError(
            f"{path}: labelled scans must lie on a floor of the site "
            f"({[known.id for known in site.floors]}), but lie on {floor!r}; add it to the site",
            path=path,
        )


def _choose_floor(floors: list[str], wanted: str | None, path: Path) -> str:
    names, counts = np.unique(floors, return_counts=True)
    scans = dict(zip(names.tolist(), counts.tolist(), strict=True))
    if not scans:
        raise SurveyError(
            f"{path} must have labelled scans in a development session, but has none; "
            "survey some places, or import some",
            path=path,
        )
    if wanted == ALL_FLOORS and wanted not in scans:
        return wanted if len(scans) > 1 else str(names[0])
    if wanted is not None and wanted not in scans:
        raise ConfigError(f"--floor must be one of {sorted(scans)}, but got {wanted!r}")
    if wanted is None and len(scans) > 1:
        raise ConfigError(
            f"a model is for one floor, but {path} has labelled scans on {scans}; "
            "choose one with --floor, or evaluate all of them with --floor all"
        )
    return wanted if wanted is not None else str(names[0])


def _survey_file(name: str, workdir: Path) -> tuple[Path, tuple[str, ...]]:
    # In a folder of their own: a survey of somebody's beside the work directory stays untouched.
    folder = workdir / "survey"
    folder.mkdir(parents=True, exist_ok=True)
    if name in PUBLISHED_SURVEYS:
        path = folder / f"{name}.survey"
        return path, import_published(name, path)
    if name.startswith(SIMULATE):
        return _simulated(name.removeprefix(SIMULATE), folder)
    given = Path(name)
    if not given.is_file():
        raise ConfigError(
            f"a survey must be {SURVEY_NAMES}, `simulate:SITE.toml`, or the path of a survey file "
            f"or of a JSON Lines export, but got {name!r}, which is no file"
        )
    if given.suffix == ".jsonl":
        path = folder / f"{given.stem}.survey"
        report = import_jsonl(given, path)
        return path, tuple(str(problem) for problem in report.problems)
    return given, ()


def _simulated(where: str, folder: Path) -> tuple[Path, tuple[str, ...]]:
    site = built_in_site(where) if where in BUILT_IN else load_site(Path(where))
    path = folder / f"{site.id}.survey"
    simulate_survey(site, path, seed=SIMULATED_SEED)
    return path, (f"simulated survey of {site.name!r}, seed {SIMULATED_SEED}: no real data",)

"""Where a run comes from: code, data, settings, versions."""

from __future__ import annotations

import hashlib
import platform
import subprocess
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Final

import numpy as np

from localizer.manifest import Provenance
from localizer.table import FingerprintTable
from training.config import Config
from training.surveys import OpenedSurvey

_PACKAGES: Final = ("tensorflow", "keras", "numpy", "scikit-learn", "ai-edge-litert")
_ROOT: Final = Path(__file__).parent.parent

UNKNOWN_COMMIT: Final = "unknown"
"""Outside a git checkout."""


def provenance_of(
    survey: OpenedSurvey, table: FingerprintTable, method: str | Config, *, seed: int
) -> Provenance:
    """Return the provenance of one fit on the rows of a table."""
    commit, dirty = git_state()
    return Provenance(
        survey=survey.name,
        data_sha256=survey.data_sha256,
        sessions=tuple(str(session) for session in np.unique(table.session)),
        rows=len(table),
        config_sha256=method_sha256(method),
        git_commit=commit,
        git_dirty=dirty,
        seed=seed,
        versions=versions(),
    )


def method_sha256(method: str | Config) -> str:
    """Return the hash of a network's every setting, or of a simple method's name."""
    return method.sha256 if isinstance(method, Config) else sha256_of([method])


def sha256_of(texts: Sequence[str]) -> str:
    """Return the hash of texts in order."""
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()


def versions() -> dict[str, str]:
    """Return the versions that a result depends on."""
    found = {"python": platform.python_version()}
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found


def git_state() -> tuple[str, bool]:
    """Return the commit of the checkout, and whether it has local changes."""
    commit = _git("rev-parse", "HEAD")
    return (commit or UNKNOWN_COMMIT, bool(_git("status", "--porcelain")))


def _git(*arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", "-C", str(_ROOT), *arguments], capture_output=True, text=True, check=True
        )
    except (OSError, subprocess.CalledProcessError):
        return ""
    return done.stdout.strip()

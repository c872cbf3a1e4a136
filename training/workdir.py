"""Where everything that a run makes goes."""

from __future__ import annotations

import csv
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from localizer.errors import ConfigError
from localizer.site import Site
from training.config import config_to_toml
from training.evaluation import Evaluation, to_records
from training.html_report import write_reports
from training.provenance import git_state, versions
from training.recipe import Recipe
from training.surveys import OpenedSurvey

WORK: Final = Path("work")
"""Beside the checkout's code, and ignored by git."""
STUDY: Final = "study.txt"
"""Names the study whose work directory this is: the same command goes on in the same folder."""


def default_workdir(survey: str) -> Path:
    """Return a new folder's path for a run over a survey."""
    stem = survey.removeprefix("simulate:").rpartition("/")[2].partition(".")[0]
    return WORK / f"{stem}-{datetime.now(UTC):%Y%m%d-%H%M%S}"


def new_workdir(path: Path) -> Path:
    """Make a work directory and return it.

    Raises:
        ConfigError: it cannot be made, or holds something already: figures of two runs in one
            folder could not be told apart.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
        used = any(path.iterdir())
    except OSError as error:
        raise ConfigError(f"a work directory must be writable, but {path}: {error}") from error
    if used:
        raise ConfigError(f"a work directory must be new or empty, but {path} is not; name another")
    return path


def study_workdir(path: Path, study: str) -> Path:
    """Make the work directory of a study, or take the one that its last run made.

    Raises:
        ConfigError: it cannot be made, or holds something else.
    """
    mark = path / STUDY
    if mark.is_file() and mark.read_text(encoding="utf-8", errors="replace").strip() == study:
        return path
    new_workdir(path)
    mark.write_text(f"{study}\n", encoding="utf-8")
    return path


def write_run(
    workdir: Path,
    survey: OpenedSurvey,
    recipe: Recipe,
    evaluations: Sequence[Evaluation],
    exported: str = "",
) -> list[dict[str, Any]]:
    """Write configurations, provenance, metrics, curves and plots; return the metrics' records.

    Args:
        workdir: made if missing.
        survey: what was opened.
        recipe: what was asked for.
        evaluations: what it gave.
        exported: which method became a bundle, and why, in words; empty where none did.
    """
    site = survey.site
    workdir.mkdir(parents=True, exist_ok=True)
    for config in recipe.configs:
        (workdir / f"config-{config.name}.toml").write_text(config_to_toml(config))
    records = [r for e in evaluations for r in to_records(e, site.cell_m)]
    write_json(workdir / "metrics.json", records)
    run = {**_run(survey, recipe, evaluations), "exported": exported}
    write_json(workdir / "run.json", run)
    for evaluation in evaluations:
        _write_curves(workdir / f"curves-{evaluation.split.name}.csv", evaluation)
        _write_plots(workdir / "plots", evaluation, site)
    write_reports(workdir, evaluations, site.cell_m, run)
    return records


def write_json(path: Path, document: object) -> None:
    """Write a document as JSON, by way of a file beside it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_text(json.dumps(document, indent=1, allow_nan=False) + "\n", encoding="utf-8")
    beside.replace(path)


def _run(survey: OpenedSurvey, recipe: Recipe, evaluations: Sequence[Evaluation]) -> dict[str, Any]:
    commit, dirty = git_state()
    return {
        "survey": survey.name,
        "survey_file": str(survey.path),
        "site": survey.site.name,
        "data_sha256": survey.data_sha256,
        "floor": survey.floor,
        "splits": [evaluation.split.name for evaluation in evaluations],
        "simple_methods": list(recipe.baselines),
        "aggregation": recipe.aggregation,
        "configs": {config.name: config.sha256 for config in recipe.configs},
        "kinds": {config.name: config.network for config in recipe.configs},
        "seeds": list(recipe.seeds),
        "git_commit": commit,
        "git_dirty": dirty,
        "versions": versions(),
        "notes": list(survey.notes),
        "warnings": list(survey.warnings),
        "leaks": [evaluation.leaks.to_record() for evaluation in evaluations],
    }


def _write_curves(path: Path, evaluation: Evaluation) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(["method", "fit", "curve", "epoch", "value"])
        for result in evaluation.results:
            for fit, curve in enumerate(result.curves):
                for name, values in curve.items():
                    for epoch, value in enumerate(values, start=1):
                        writer.writerow([result.method, fit, name, epoch, value])


def _write_plots(folder: Path, evaluation: Evaluation, site: Site) -> None:
    # Imported here: matplotlib takes a second, and a run that only prints needs none.
    from training.map_plots import plot_error_map
    from training.plots import (
        plot_by_beacons_heard,
        plot_calibration,
        plot_curves,
        plot_error_cdf,
        plot_outages,
    )

    split = evaluation.split.name
    plot_error_cdf(evaluation, folder / f"error-cdf-{split}.png")
    plot_by_beacons_heard(evaluation, folder / f"by-beacons-heard-{split}.png")
    plot_calibration(evaluation, folder / f"calibration-{split}.png")
    plot_outages(evaluation, folder / f"outages-{split}.png")
    for result in {r.method: r for r in (evaluation.best, evaluation.best_baseline)}.values():
        plot_error_map(evaluation, result, site, folder / f"error-map-{split}-{result.method}.png")
    plot_curves(evaluation, folder / f"training-curves-{split}.png")

"""The small bundle on the simulated site, which the service starts with before any training."""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from rich.console import Console

from training.catalogue import SIMPLE_METHODS
from training.config import load_config
from training.journey import Target, cross_validate, export_best, start_workers
from training.recipe import Recipe
from training.splits import SPLITS
from training.surveys import open_survey

SURVEY: Final = "simulate:demo"


def write_demo_bundle(folder: Path, console: Console) -> None:
    """Cross-validate on the simulated survey and export the best method to `folder`."""
    recipe = Recipe(
        [SPLITS["sessions"], SPLITS["cells"]], list(SIMPLE_METHODS), [load_config("dnn")], range(3)
    )
    with TemporaryDirectory() as work:
        survey = open_survey(SURVEY, Path(work))
        with start_workers(survey, recipe, 2) as workers:
            evaluations = cross_validate(survey, recipe, workers, console)
            made = Path(work) / "bundle"
            export_best(Target(made), survey, recipe, evaluations, workers)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(made, folder)
    console.print(f"Bundle: {folder}")

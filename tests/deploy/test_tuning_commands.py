"""What manifests and the export to Katib call is what the command line has."""

import re
from collections.abc import Sequence
from typing import Any

import pytest
import typer

from tests.deploy.kustomize import TUNING, compose, containers
from tests.deploy.test_tuning_manifests import OVERLAYS
from training.cli import app
from training.tuning.katib_metric import metric_name
from training.tuning.katib_template import Export, template


def parse(words: Sequence[str]) -> None:
    """Read a command's words as the command line does, and run nothing; raise where it refuses."""
    command: Any = typer.main.get_command(app)
    left = [re.sub(r"\$\([A-Z]+\)|\$\{[^}]+\}", "7", word) for word in words]
    while hasattr(command, "commands"):
        if left[0] not in command.commands:
            left = ["run", *left]
        command, left = command.commands[left[0]], left[1:]
    command.make_context("training", left)


@pytest.mark.parametrize("folder", OVERLAYS)
def test_every_container_of_ours_calls_a_command_with_options_that_it_has(folder: str) -> None:
    called = [
        container["args"]
        for manifest in compose(TUNING / folder)
        for container in containers(manifest)
        if container.get("args", [""])[0] == "tune"
    ]
    assert called
    for words in called:
        parse(words)


def test_a_trial_of_katib_is_a_command_too() -> None:
    export = Export("site", "/surveys/site.survey", "cisco-dnn-adam", options=("--folds=5",))
    made = template([], export, hyperband=False)
    pod = made["trialSpec"]["spec"]["template"]["spec"]
    parse([*pod["containers"][0]["args"], "--learning_rate=0.001"])
    assert metric_name(None) == "error_m"


def test_a_word_that_no_command_has_would_be_noticed() -> None:
    with pytest.raises(Exception, match="No such option"):
        parse(["tune", "worker", "site.survey", "--lane=3"])

"""`python -m training`: the commands, and how they end."""

from __future__ import annotations

import signal
import sys
from pathlib import Path
from typing import Annotated, Final

import typer

from localizer.errors import LocalizerError
from training.commands.options import Workdir
from training.commands.runs import evaluate, export, fit
from training.commands.studies import ablate, learning_curve, reproduce
from training.commands.tuning import tune
from training.commands.tuning_verbs import trial
from training.terminal import terminal
from training.workdir import default_workdir

app = typer.Typer(
    help="Train, evaluate and export locators from a survey.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

for command in (fit, evaluate, export, learning_curve, ablate, reproduce, trial):
    app.command()(command)
app.add_typer(tune, name="tune")

TERMINATED: Final = 128 + signal.SIGTERM
"""Exit status of a process that SIGTERM ended, as a shell counts it."""


@app.command()
def demo(
    *,
    seconds: Annotated[
        float | None, typer.Option(min=1, help="End by itself after so many seconds of replay.")
    ] = None,
    speed: Annotated[float, typer.Option(min=0.1, help="Replay this much faster.")] = 5.0,
    max_gap: Annotated[float, typer.Option(min=1, help="Cut gaps of the replay, seconds.")] = 3.0,
    port: Annotated[int, typer.Option(min=0, help="Of the live map; 0 takes a free one.")] = 8080,
    workdir: Workdir = None,
) -> None:
    """Train on the UCI survey, export the best, serve it, replay the sealed sessions."""
    from training.demo import DemoOptions, run_demo

    options = DemoOptions(seconds, speed, max_gap, port, workdir or default_workdir("demo"))
    run_demo(options, terminal())


@app.command()
def demo_bundle(
    folder: Annotated[Path, typer.Argument(help="Where the bundle goes.")] = Path("models/demo"),
) -> None:
    """Rebuild the small bundle on the simulated site that the service starts with."""
    from training.demo_bundle import write_demo_bundle

    write_demo_bundle(folder, terminal())


def main() -> None:
    """Run a command; an error that Localizer raises on purpose is one line and exit status 2.

    Ctrl-C ends a command with exit status 130; that is typer's doing.
    """
    # So that workers are ended on a plain kill too, not left to finish what nobody waits for.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    try:
        app()
    except LocalizerError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)

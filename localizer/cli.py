"""The command line for people: what a verb parses and prints; the work is done elsewhere.

`serve` stands here for the help only: `__main__` hands it over before this module is imported.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.console import Console

from localizer import __version__
from localizer.cli_bundle import bundle_app
from localizer.cli_data import data_app
from localizer.cli_doctor import doctor
from localizer.cli_radio import add_radio_commands
from localizer.cli_survey import survey
from localizer.cli_survey_report import APP, SurveyGroup, report
from localizer.errors import LocalizerError
from localizer.sites import BUILT_IN, built_in_site

USAGE_ERROR: Final = 2
"""Exit status for input that cannot be used, as for unknown options."""

app = typer.Typer(
    name="localizer",
    help="Indoor localization from Bluetooth Low Energy beacons.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(bundle_app, name="bundle")
app.add_typer(data_app, name="data")
survey_app = typer.Typer(cls=SurveyGroup)
survey_app.command(
    APP, epilog="`localizer survey report FILE` writes a page on a survey: what to survey again."
)(survey)
survey_app.command("report")(report)
app.add_typer(
    survey_app,
    name="survey",
    help="Survey a building in the browser of a phone; report on a survey.",
)
add_radio_commands(app)
app.command("doctor")(doctor)


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"localizer {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Say which."),
    ] = False,
) -> None:
    """Indoor localization from Bluetooth Low Energy beacons."""


@app.command(
    "serve",
    add_help_option=False,
    context_settings={"ignore_unknown_options": True, "allow_extra_args": True},
)
def serve(context: typer.Context) -> None:
    """Turn advertisements into positions: a live map at /, an API under /v1."""
    from localizer.serve import main as run_service

    raise typer.Exit(run_service(context.args))


@app.command("simulate")
def simulate(
    site: Annotated[str, typer.Argument(help=f"A site file, or one of {', '.join(BUILT_IN)}.")],
    survey: Annotated[Path, typer.Option(help="The survey file; one of scans alone is replaced.")],
    seed: Annotated[int, typer.Option(min=0, help="Fixes everything that is random.")] = 0,
    step: Annotated[float, typer.Option(help="Metres between neighbouring places.")] = 2.0,
) -> None:
    """Simulate a whole survey of a site, so that everything can be tried without a radio."""
    from localizer.simulated_survey import simulate_survey
    from localizer.site import load_site

    chosen = built_in_site(site) if site in BUILT_IN else load_site(Path(site))
    count = simulate_survey(chosen, survey, seed=seed, step_m=step)
    Console().print(f"{count} fingerprints of {chosen.name!r} in {survey}", soft_wrap=True)


def run(argv: Sequence[str]) -> int:
    """Run one command and return its exit status; errors become one clear line.

    Raises:
        SystemExit: the command line was no command, or the command has its own status.
    """
    try:
        app(args=list(argv), prog_name="localizer")
    except LocalizerError as error:
        print(f"localizer: {error}", file=sys.stderr)
        return USAGE_ERROR
    return 0

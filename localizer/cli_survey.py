"""`localizer survey SITE`: the surveyor's app on this machine, its screen on a phone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from localizer.sites import BUILT_IN

TOKEN_VARIABLE: Final = "LOCALIZER_TOKEN"
"""Where the token may stand instead: command lines are seen by every user of the machine."""


def survey(
    site: Annotated[
        str,
        typer.Argument(
            help="A site file, a survey file to go on with, one of "
            f"{', '.join(BUILT_IN)}, or the name of a new site."
        ),
    ],
    source: Annotated[
        str, typer.Option(help="Where advertisements come from: ble:hci0, simulate:demo, …")
    ],
    file: Annotated[
        Path | None,
        typer.Option("--survey", help="The survey file; made if it is not there. Default: SITE."),
    ] = None,
    *,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65_535, help="0 takes a free one.")] = 8080,
    token: Annotated[
        str | None,
        typer.Option(
            envvar=TOKEN_VARIABLE,
            help="What phones on the network must know; needed with --host.",
        ),
    ] = None,
    bundle: Annotated[
        Path | None, typer.Option(help="A trained bundle: live positions, and check walks by it.")
    ] = None,
) -> None:
    """Survey a building: plan, points, recordings and coverage, in the browser of a phone."""
    from localizer.survey_serve import SurveyOptions, run_survey

    run_survey(SurveyOptions(site, source, file, host, port, token, bundle))

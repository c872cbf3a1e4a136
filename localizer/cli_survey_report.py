"""`localizer survey report FILE`, beside `localizer survey SITE`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

APP: Final = "app"
"""Name of the command that ``localizer survey SITE`` stands for."""


class SurveyGroup(TyperGroup):
    """Commands of ``localizer survey``; what is the name of none is the site of the app."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Hand everything to the app that does not begin with another command's name."""
        if not args or args[0] not in self.commands:
            args = [APP, *args]
        return super().parse_args(ctx, args)

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[Any, Any, list[str]]:
        """Call the app as the user did: its help must not name a command that nobody typed."""
        name, command, rest = super().resolve_command(ctx, args)
        return "" if name == APP else name, command, rest


def report(
    survey: Annotated[Path, typer.Argument(help="A survey file; it is only read.")],
    out: Annotated[
        Path | None, typer.Option(help="The page to write; default: beside the survey.")
    ] = None,
) -> None:
    """Write one HTML page on a survey: what to survey again, coverage, beacons, noise, sessions."""
    from localizer.survey_report import write_survey_report

    page = out or survey.with_suffix(".html")
    write_survey_report(survey, page)
    print(page)

"""`localizer data import|export|list`: survey files in and out of JSON Lines."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from localizer.importers import ImportReport
from localizer.survey import Survey, SurveyCounts
from localizer.survey_jsonl import export_jsonl, import_jsonl

data_app = typer.Typer(help="Survey files, in and out of JSON Lines.", no_args_is_help=True)

SOME_LEFT_OUT: Final = 1
"""Exit status of an import that had to leave lines out."""

SHOWN: Final = 20
"""Damaged lines that are printed; the rest is counted."""

_SURVEY = Annotated[Path, typer.Argument(help="A survey file.", show_default=False)]


@data_app.command("import")
def import_file(
    path: Annotated[Path, typer.Argument(help="JSON Lines, as `data export` writes them.")],
    survey: Annotated[Path, typer.Argument(help="The survey file; replaced if it exists.")],
) -> None:
    """Build a survey file from JSON Lines; damaged lines are named and left out."""
    report = import_jsonl(path, survey)
    print(f"{report.fingerprints} fingerprints in {report.sessions} sessions in {report.path}")
    if report.problem_count:
        _print_problems(report)
        raise typer.Exit(SOME_LEFT_OUT)


def _print_problems(report: ImportReport) -> None:
    for problem in report.problems[:SHOWN]:
        print(problem, file=sys.stderr)
    hidden = report.problem_count - min(SHOWN, len(report.problems))
    if hidden:
        print(f"and {hidden} more", file=sys.stderr)
    print(f"{report.problem_count} lines were left out", file=sys.stderr)


@data_app.command("export")
def export_file(
    survey: _SURVEY,
    path: Annotated[Path, typer.Argument(help="The file to write; replaced if it exists.")],
) -> None:
    """Write a survey as JSON Lines, without loss; sealed sessions too, with their role."""
    with Survey.open(survey) as opened:
        count = export_jsonl(opened, path)
    print(f"{count} fingerprints in {path}")


@data_app.command("list")
def list_sessions(
    survey: _SURVEY,
    as_json: Annotated[bool, typer.Option("--json", help="For machines: one JSON object.")] = False,
) -> None:
    """List the sessions of a survey."""
    with Survey.open(survey) as opened:
        counts, site = opened.counts(), opened.site
    if as_json:
        print(json.dumps({"site": site.id, **asdict(counts)}))
        return
    Console().print(_table(counts, f"{site.name} ({site.id})"))
    print(
        f"{counts.fingerprints} fingerprints, {counts.labelled} with a position, at "
        f"{counts.places} places; {counts.beacons} beacons heard"
    )


def _table(counts: SurveyCounts, title: str) -> Table:
    table = Table(title=Text(title), title_justify="left", box=SIMPLE)
    for name in ("session", "role", "device"):
        table.add_column(name, overflow="fold")
    for name in ("fingerprints", "labelled", "synthetic"):
        table.add_column(name, justify="right")
    for one in counts.sessions:
        session = one.session
        table.add_row(
            Text(session.id),
            Text(session.role, style="yellow" if session.role == "sealed" else ""),
            Text(session.device),
            *(str(n) for n in (one.fingerprints, one.labelled, one.synthetic)),
        )
    return table

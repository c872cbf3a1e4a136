"""`localizer data import|export|list|merge`: survey files, in and out of other formats."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final, Literal

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from localizer.errors import ConfigError
from localizer.importers import ImportReport
from localizer.interchange import EXPORTS, IMPORTS, Exported, Imported, Reading
from localizer.site import Site, load_site
from localizer.sites import BUILT_IN, built_in_site
from localizer.survey import Survey, SurveyCounts
from localizer.survey_merge import Difference, MergeReport

data_app = typer.Typer(
    help="Survey files, in and out of other formats, and merged.", no_args_is_help=True
)

SOME_LEFT_OUT: Final = 1
"""Exit status of an import that had to leave lines out."""

NOT_WRITTEN: Final = 1
"""Exit status of what would have lost something, or has conflicts: then nothing was written."""

SHOWN: Final = 20
"""Damaged lines that are printed; the rest is counted."""

S_PER_H: Final = 3600

_SURVEY = Annotated[Path, typer.Argument(help="A survey file.", show_default=False)]


@data_app.command("import")
def import_file(
    path: Annotated[
        Path,
        typer.Argument(help="A file of another format, or a folder of COMFORD's or UCI's tables."),
    ],
    survey: Annotated[
        Path | None, typer.Argument(help="The survey file; one of imported scans is replaced.")
    ] = None,
    *,
    into: Annotated[
        Path | None, typer.Option(help="Add to this survey file instead, all of it or nothing.")
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option("--format", help=f"One of {', '.join(IMPORTS)}. Default: by what is in it."),
    ] = None,
    site: Annotated[
        str | None,
        typer.Option(
            help=f"The site of tables that do not say it: a file, or {', '.join(BUILT_IN)}."
        ),
    ] = None,
    device: Annotated[str, typer.Option(help="What heard it, where the file does not say.")] = "",
    utc_offset: Annotated[
        float, typer.Option(help="Hours that the file's local times are ahead of UTC.")
    ] = 0.0,
) -> None:
    """Build a survey file from another format, or add to one (--into)."""
    from localizer.interchange import import_into, import_survey

    _check_name(format_name, IMPORTS)
    if (survey is None) == (into is None):
        raise ConfigError(
            "an import must have one survey file, but got "
            f"{'two' if survey else 'none'}; give a new one, or --into one that is there"
        )
    reading = Reading(_site(site), device, round(utc_offset * S_PER_H))
    if into is not None:
        imported = import_into(path, into, format_name, reading=reading)
    else:
        imported = import_survey(path, survey or path, format_name, reading=reading)
    _print_imported(imported)


def _site(given: str | None) -> Site | None:
    if given is None:
        return None
    return built_in_site(given) if given in BUILT_IN else load_site(Path(given))


def _check_name(format_name: str | None, known: tuple[str, ...]) -> None:
    if format_name is not None and format_name not in known:
        raise ConfigError(f"a format must be one of {', '.join(known)}, but got {format_name!r}")


def _print_imported(imported: Imported) -> None:
    if imported.merge is not None:
        _print_differences(imported.merge.differences)
        if not imported.merge.written:
            print(
                f"{len(imported.merge.conflicts)} conflicts: nothing was added; import the file "
                "on its own and choose with `localizer data merge --prefer`",
                file=sys.stderr,
            )
            raise typer.Exit(NOT_WRITTEN)
    report = imported.report
    sessions = f" in {report.sessions} sessions" if report else ""
    print(f"{imported.count} {imported.what}{sessions} in {imported.path}")
    if report is not None and report.problem_count:
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
    path: Annotated[
        Path,
        typer.Argument(help="The file to write, or for comford and uci a folder; replaced."),
    ],
    *,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format",
            help=f"One of {', '.join(EXPORTS)}. Default: by the name. Only jsonl holds everything.",
        ),
    ] = None,
    lossy: Annotated[
        bool, typer.Option("--lossy", help="Write it although the format does not hold all.")
    ] = False,
) -> None:
    """Write a survey in another format; sealed sessions too, with their role.

    What would be lost is found by reading back what was written, and told: without --lossy, uci
    and comford are then not written.
    """
    from localizer.interchange import export_format, export_survey

    _check_name(format_name, EXPORTS)
    chosen = format_name or export_format(path)
    with Survey.open(survey) as opened:
        exported = export_survey(opened, path, chosen, lossy=lossy)
    _print_exported(exported, chosen)


def _print_exported(exported: Exported, format_name: str) -> None:
    if exported.losses:
        stream = sys.stdout if exported.written else sys.stderr
        print(f"{format_name} does not hold:", file=stream)
        for loss in exported.losses:
            print(f"  {loss}", file=stream)
    if not exported.written:
        print(
            "nothing was written; go on with --lossy, or take jsonl, which holds everything",
            file=sys.stderr,
        )
        raise typer.Exit(NOT_WRITTEN)
    print(f"{exported.count} {exported.what} in {exported.path}")


@data_app.command("merge")
def merge(
    surveys: Annotated[
        list[Path],
        typer.Argument(help="Two survey files or more, then the new file.", metavar="A B… OUT"),
    ],
    *,
    prefer: Annotated[
        Literal["A", "B", "newest"] | None,
        typer.Option(help="Who is believed in a conflict; with three files, A is what came first."),
    ] = None,
    site_of: Annotated[
        Literal["A", "B"] | None,
        typer.Option(help="Whose site it is, if they have other ids but are one building."),
    ] = None,
) -> None:
    """Merge the surveys of several surveyors; conflicts are shown, and nothing is lost."""
    from localizer.survey_merge import merge_surveys

    report = merge_surveys(surveys[:-1], surveys[-1], prefer=prefer, site_of=site_of)
    _print_differences(report.differences)
    _print_merged(report)


def _print_differences(differences: tuple[Difference, ...]) -> None:
    if not differences:
        return
    table = Table(title="What differs", title_justify="left", box=SIMPLE)
    for name in ("", "what", "A", "B", "outcome"):
        table.add_column(name, overflow="fold")
    for one in differences:
        style = "red" if one.conflict else ""
        cells = (one.kind, one.what, one.in_a, one.in_b, one.outcome)
        table.add_row(*(Text(cell, style=style) for cell in cells))
    Console().print(table)


def _print_merged(report: MergeReport) -> None:
    if not report.written:
        print(
            f"{len(report.conflicts)} conflicts: nothing was written; choose with "
            "--prefer A, B or newest",
            file=sys.stderr,
        )
        raise typer.Exit(NOT_WRITTEN)
    print(
        f"{report.fingerprints} fingerprints and {report.recordings} recordings in "
        f"{report.sessions} sessions in {report.path}"
    )


@data_app.command("list")
def list_sessions(
    survey: _SURVEY,
    as_json: Annotated[bool, typer.Option("--json", help="For machines: one JSON object.")] = False,
) -> None:
    """List the sessions of a survey."""
    with Survey.open(survey) as opened:
        counts, site = opened.counts(), opened.site
    if as_json:
        # Times are ISO 8601.
        print(json.dumps({"site": site.id, **asdict(counts)}, default=str))
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

"""`localizer doctor`: whether radio, clock and disk are fit for a survey."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.box import SIMPLE
from rich.console import Console
from rich.table import Table
from rich.text import Text

from localizer.cli_sources import RADIO_OPENERS
from localizer.clock import JumpingClock
from localizer.doctor import Finding, TraceExam, examine_machine, is_fit, listen
from localizer.errors import SourceError
from localizer.sources import open_source
from localizer.sources.address import SourceAddress, parse_source
from localizer.sources.opening import BUILT_IN

LIVE_S: Final = 10.0
"""Seconds that the doctor listens to a radio."""

PLAYED_S: Final = 600.0
"""Seconds of a replay or a simulation that the doctor looks at, at the machine's own pace."""

PATIENCE_S: Final = 60.0
"""Real seconds that it takes for those at most."""

NOT_FIT: Final = 1
"""Exit status if something is wrong."""

_COLOURS: Final = {"ok": "green", "warn": "yellow", "fail": "red"}


def doctor(
    source: Annotated[
        str, typer.Argument(help="As for `scan`; ble: is the first adapter.")
    ] = "ble:",
    seconds: Annotated[
        float | None, typer.Option(min=0.1, help="How long to listen; left out: 10 s.")
    ] = None,
    folder: Annotated[Path, typer.Option(help="Where surveys will be written.")] = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="For machines: one JSON object.")] = False,
) -> None:
    """Examine radio, clock and disk; say what is wrong and what to do. Exits with 1 if unfit."""
    findings = [*asyncio.run(_examine(source, seconds)), *examine_machine(folder)]
    if as_json:
        print(json.dumps({"ok": is_fit(findings), "checks": [asdict(one) for one in findings]}))
    else:
        _print_findings(findings)
    if not is_fit(findings):
        raise typer.Exit(NOT_FIT)


async def _examine(text: str, seconds: float | None) -> list[Finding]:
    exam = TraceExam()
    try:
        address = parse_source(text)
        is_played = address.scheme in BUILT_IN
        clock = JumpingClock() if is_played else None
        source = open_source(text, openers=RADIO_OPENERS, clock=clock)
        findings = await _examine_adapter(address)
    except SourceError as error:
        return [Finding("source", "fail", error.reason.replace("_", " "), str(error))]
    if not is_fit(findings):
        return findings
    listen_s = seconds or (PLAYED_S if is_played else LIVE_S)
    patience_s = PATIENCE_S if is_played else listen_s
    findings.append(await listen(source, exam, stream_s=listen_s, real_s=patience_s))
    return [*findings, *exam.findings()]


async def _examine_adapter(address: SourceAddress) -> list[Finding]:
    if address.scheme != "ble":
        return []
    from firmware_bridge.ble.checks import examine_bluetooth

    return await examine_bluetooth(address.text, address.target or None)


def _print_findings(findings: Sequence[Finding]) -> None:
    table = Table(box=SIMPLE, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for one in findings:
        said = Text(one.said)
        if one.advice:
            said.append(f"\n→ {one.advice}", style=_COLOURS[one.level])
        table.add_row(Text(one.level, style=_COLOURS[one.level]), Text(one.check), said)
    Console().print(table)

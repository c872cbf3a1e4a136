"""The terminal that the commands print to."""

from __future__ import annotations

from typing import Final

from rich.console import Console

WIDTH: Final = 120
"""Columns where the output is no terminal (a log, a pipe): a table of errors fits whole."""


def terminal(*, stderr: bool = False) -> Console:
    """Return the console of a command; on standard error where output is for a program."""
    console = Console(stderr=stderr)
    return console if console.is_terminal else Console(width=WIDTH, stderr=stderr)

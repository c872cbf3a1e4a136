"""What a person should know of a search before it starts: a grid's size, Hyperband's brackets."""

from __future__ import annotations

from training.tuning.pruners import brackets_of, has_brackets
from training.tuning.requests import Request


def beforehand(request: Request, trials: int) -> list[str]:
    """Return what is to come, in lines of text; nothing for most samplers.

    Args:
        request: what is searched.
        trials: in all.
    """
    return [*_grid(request, trials), *_brackets(request, trials)]


def _grid(request: Request, trials: int) -> list[str]:
    if request.sampler != "grid":
        return []
    size = request.space.grid_size()
    told = f"The grid has {size:,} points"
    return [told if trials >= size else f"{told}; {trials:,} of them are tried, drawn at random"]


def _brackets(request: Request, trials: int) -> list[str]:
    if not has_brackets(request.pruner, request.sampler):
        return []
    found = brackets_of(request.rungs)
    if trials >= found.trials:
        return found.lines()
    few = f"  {trials} trials are less than a round: --trials {found.trials} has each bracket whole"
    return [*found.lines(), few]

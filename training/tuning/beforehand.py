"""What a person should know of a search before it starts: what was changed, a grid, brackets."""

from __future__ import annotations

from training.tuning.pruners import brackets_of, has_brackets
from training.tuning.requests import Request
from training.tuning.space import Space


def beforehand(request: Request, asked: Space, trials: int) -> list[str]:
    """Return what is to come, in lines of text; nothing for most studies.

    Args:
        request: what is searched.
        asked: the space as it was before it was fitted to the site.
        trials: in all.
    """
    return [*_fitted(request.space, asked), *_grid(request, trials), *_brackets(request, trials)]


def _fitted(space: Space, asked: Space) -> list[str]:
    there, wanted = space.base.target, asked.base.target
    if there == wanted:
        return []
    return [f"The site has no grid cells, which target {wanted!r} needs: it is {there!r} here"]


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

"""Which method a bundle gets: the best on the site's criterion, or a worse one by force."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from localizer.errors import ConfigError
from localizer.manifest import Forced
from localizer.table import FingerprintTable
from training.catalogue import SIMPLE_METHODS
from training.records import Record
from training.splits import SPLITS

CRITERION: Final = ("sessions", "cells")
"""The mean of the mean errors on these decides: another day at surveyed places, and places that
nobody surveyed, are what a user meets every day."""


class Choice(NamedTuple):
    """The method that is exported."""

    method: str
    is_baseline: bool
    criterion: tuple[str, ...]
    """The splits that decided."""
    forced: Forced | None
    words: str
    """What was chosen and why, for a person."""


class _Score(NamedTuple):
    mean_m: float
    """Mean over the criterion's splits of the mean errors."""
    method: str
    is_baseline: bool

    @property
    def title(self) -> str:
        if self.is_baseline:
            return SIMPLE_METHODS[self.method].title
        return f"the {self.method} network"


def parse_criterion(text: str) -> tuple[str, ...]:
    """Return the splits that a text such as ``sessions,cells`` names.

    Raises:
        ConfigError: there is no such split, or it is not honest.
    """
    names = tuple(dict.fromkeys(name.strip() for name in text.split(",")))
    honest = [name for name, split in SPLITS.items() if split.honest]
    wrong = [name for name in names if name not in honest]
    if wrong:
        raise ConfigError(
            f"a criterion's splits must be honest, of {honest}, but got {wrong}; a method chosen "
            "on a flattering one is not the best"
        )
    return names


def usable_criterion(
    criterion: Sequence[str], table: FingerprintTable
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the splits of a criterion by which a survey can be cut, and notes on the others.

    A survey of one session cannot be cut by sessions: its other splits decide alone.

    Raises:
        ConfigError: it can be cut by none of them.
    """
    usable, notes = [], []
    for name in criterion:
        try:
            SPLITS[name].folds(table)
        except ConfigError as error:
            notes.append(f"split {name!r} is left out of the criterion: {error}")
        else:
            usable.append(name)
    if not usable:
        raise ConfigError(
            f"a method must be chosen on a split, but none of {list(criterion)} can cut this "
            f"survey: {'; '.join(notes)}"
        )
    return tuple(usable), tuple(notes)


def choose(
    records: Sequence[Record],
    criterion: Sequence[str],
    *,
    method: str | None = None,
    force: bool = False,
) -> Choice:
    """Choose the method to export.

    Args:
        records: every method on every split of the criterion.
        criterion: splits; the mean over them of the mean errors decides.
        method: None for the best.
        force: whether `method` may be worse than the best.

    Raises:
        ConfigError: figures are missing, or the method is worse and nobody forced it.
    """
    scores = _scores(records, criterion)
    best = scores[0]
    chosen = best if method is None else _named(method, scores)
    where = f"the mean of splits {' and '.join(map(repr, criterion))}"
    if len(criterion) == 1:
        where = f"split {criterion[0]!r}"
    worse_by_m = chosen.mean_m - best.mean_m
    if worse_by_m > 0 and not force:
        raise ConfigError(
            f"the exported method must be the best on {where}, but {chosen.method} has "
            f"{chosen.mean_m:.2f} m and {best.method} {best.mean_m:.2f} m; leave --method out, or "
            "add --force, which the bundle records"
        )
    forced = None
    if worse_by_m > 0:
        forced = Forced(best=best.method, worse_by_m=worse_by_m, criterion=tuple(criterion))
    words = _in_words(chosen, scores, where)
    return Choice(chosen.method, chosen.is_baseline, tuple(criterion), forced, words)


def _scores(records: Sequence[Record], criterion: Sequence[str]) -> list[_Score]:
    """Return the methods with figures on every split, best first."""
    missing = sorted(set(criterion) - {record.split for record in records})
    if missing:
        raise ConfigError(
            f"the criterion {list(criterion)} needs figures on each of its splits, but the run "
            f"has none on {missing}; evaluate with --split {' --split '.join(criterion)}, or "
            "choose another --criterion"
        )
    scores = []
    for name in dict.fromkeys(record.method for record in records):
        mine = [one for one in records if one.method == name and one.split in criterion]
        means = [one.mean for one in mine if one.mean is not None]
        if len(means) == len(criterion):
            scores.append(_Score(sum(means) / len(means), name, mine[0].is_baseline))
    if not scores:
        raise ConfigError(
            "some method must have figures on every split of the criterion, but all diverged; "
            "name simple methods with --methods"
        )
    return sorted(scores)


def _named(method: str, scores: Sequence[_Score]) -> _Score:
    for score in scores:
        if score.method == method:
            return score
    raise ConfigError(
        f"--method must be one of {[score.method for score in scores]}, which the run evaluated, "
        f"but got {method!r}"
    )


def _in_words(chosen: _Score, scores: Sequence[_Score], where: str) -> str:
    best = scores[0]
    figure = f"{chosen.mean_m:.2f} m on {where}"
    if chosen.mean_m > best.mean_m:
        return (
            f"Exported by --force: {chosen.title} ({figure}), although {best.title} is "
            f"{chosen.mean_m - best.mean_m:.2f} m better ({best.mean_m:.2f} m)."
        )
    networks = [score for score in scores if not score.is_baseline]
    if not networks:
        return f"Exported: {chosen.title}, {figure}; no network was trained."
    if chosen.is_baseline:
        return (
            f"Exported: {chosen.title}, a baseline that trains no network ({figure}): the best "
            f"network, {networks[0].title} ({networks[0].mean_m:.2f} m), is no better."
        )
    simple = next((score for score in scores if score.is_baseline), None)
    against = "" if simple is None else f"; the best simple method is {simple.title}"
    return f"Exported: {chosen.title} ({figure}){against}" + (
        "." if simple is None else f" ({simple.mean_m:.2f} m)."
    )

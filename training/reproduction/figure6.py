"""Figure 6: the share of test rows within 1 to 5 cells, four models, all with Adam."""

from __future__ import annotations

from training.catalogue import SIMPLE_METHODS
from training.reproduction.paper import FIGURE_6, FIGURE_6_CLAIMS, FIGURE_6_STEPS, TABLE_2
from training.reproduction.protocol import Side
from training.reproduction.records import Reproduction, spread
from training.reproduction.seed_statistics import curve, mean_share, share_above
from training.reproduction.wording import in_percent, paragraph, percent, table

TITLES = {row.model: row.title.replace(" + Adam", "") for row in TABLE_2 if row in FIGURE_6}


def lines(found: Reproduction) -> list[str]:
    """Return the section."""
    return [
        "## Figure 6: share of test rows within 1 to 5 cells",
        "",
        *paragraph(
            "The paper prints no values, only curves, and says how they lie. Ours, in percent:",
            "medians over live seeds with 5 and 95 %, of the four networks, all with Adam, and of",
            "the three best simple methods.",
        ),
        "### As published",
        "",
        *_shares(found, "published"),
        "### Without leaks and copies",
        "",
        *_shares(found, "clean"),
        *_order(found),
    ]


def order(found: Reproduction, side: Side) -> list[str]:
    """Return the four models, the highest curve first, by the median over seeds of its mean."""
    medians = {
        row.model: spread(
            [mean_share(run) for run in found.runs(row.model, side) if not run.dead_at_start]
        ).median
        for row in FIGURE_6
    }
    return sorted(medians, key=lambda model: -medians[model])


def _shares(found: Reproduction, side: Side) -> list[str]:
    rows = [
        [TITLES[row.model], *map(in_percent, curve(found, row.model, side))] for row in FIGURE_6
    ]
    best = sorted((run for run in found.simple if run.side == side), key=lambda r: r.error_cells)
    rows += [
        [SIMPLE_METHODS[run.method].title, *(f"{100 * share:.0f}" for share in run.within)]
        for run in best[:3]
    ]
    return table(("model", *(f"{step}" for step in FIGURE_6_STEPS)), rows)


def _order(found: Reproduction) -> list[str]:
    rows = [
        [f"{TITLES[better]} above {TITLES[worse]}", *_held(found, better, worse), f'"{said}"']
        for better, worse, said in FIGURE_6_CLAIMS
    ]
    ranks = {
        side: " > ".join(TITLES[model] for model in order(found, side))
        for side in ("published", "clean")
    }
    return [
        "### The order of the curves",
        "",
        *paragraph(
            "How often one network's curve (the mean of its five shares) lies above another's, any",
            "live seed of the one against any of the other: 50 % is a coin.",
        ),
        *table(("the paper's order", "as published", "without leaks and copies", "it says"), rows),
        *paragraph(
            f"Our order by medians, highest first: {ranks['published']} as published;",
            f"{ranks['clean']} without leaks and copies.",
        ),
    ]


def _held(found: Reproduction, better: str, worse: str) -> list[str]:
    return [
        percent(share_above(found.runs(better, side), found.runs(worse, side)))
        for side in ("published", "clean")
    ]
